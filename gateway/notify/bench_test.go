package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"kancelaria/registry"
)

// endlessBook has a number of receipts waiting, each for somebody else, and
// holds none of them.
type endlessBook struct {
	mu      sync.Mutex
	total   int64
	given   int64
	sent    int64
	line    registry.LeafRow
	drained chan struct{}
	at      func(sent int64)
}

func newEndlessBook(tb testing.TB, total int64) *endlessBook {
	tb.Helper()
	content, err := json.Marshal(sampleLine(4512))
	if err != nil {
		tb.Fatal(err)
	}
	return &endlessBook{total: total, line: registry.LeafRow{Content: content}, drained: make(chan struct{})}
}

func (b *endlessBook) Claim(_ context.Context, c registry.Claim) ([]registry.OutboxRow, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var rows []registry.OutboxRow
	for ; len(rows) < c.Limit && b.given < b.total; b.given++ {
		row := receiptRow(fmt.Sprintf("r%d@poczta.example", b.given))
		row.ID, row.Leaf, row.Number = fmt.Sprintf("%d.0", b.given), b.given, registry.Number{Register: "RPW", Year: 2026, Seq: b.given + 1}
		row.State, row.CreatedAt, row.Attempts = registry.OutboxLeased, c.Now, 1
		rows = append(rows, row)
	}
	return rows, nil
}

func (b *endlessBook) Finish(_ context.Context, rows []registry.OutboxRow) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range rows {
		if r.State != registry.OutboxSent {
			continue
		}
		if b.sent++; b.at != nil {
			b.at(b.sent)
		}
		if b.sent == b.total {
			close(b.drained)
		}
	}
	return nil
}

func (b *endlessBook) Find(_ context.Context, q registry.Query) (registry.Page, error) {
	if q.Of == registry.FindOutbox {
		return registry.Page{}, nil
	}
	return registry.Page{Leaves: []registry.LeafRow{b.line}}, nil
}

// nowhere takes every mail and keeps none.
type nowhere struct{}

func (nowhere) Send(context.Context, Parcel) (string, error) { return "250", nil }

func drainBook(tb testing.TB, b *endlessBook) {
	tb.Helper()
	bell := New(b, sampleOffice, nowhere{}, Options{From: "Kancelaria <kancelaria@aleksandrowo.example>", Poll: time.Millisecond})
	ctx, cancel := context.WithCancel(tb.Context())
	var wait sync.WaitGroup
	wait.Go(func() { _ = bell.Run(ctx) })
	<-b.drained
	cancel()
	wait.Wait()
}

// However many wait, the bell holds only what is on its way.
func TestALongQueueDoesNotGrowTheMemory(t *testing.T) {
	total := int64(20_000) // 100,000 behave the same, longer
	if testing.Short() {
		total = 4_000
	}
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	book := newEndlessBook(t, total)
	var early, late uint64
	book.at = func(sent int64) {
		switch sent {
		case total / 10:
			early = heap()
		case total - 1:
			late = heap()
		}
	}
	drainBook(t, book)
	// The memory of recent recipients is bounded and counts.
	if late > early+8<<20 {
		t.Errorf("the heap grew from %d kB to %d kB", early>>10, late>>10)
	}
}

// A thousand receipts, written, stored, sent and stored again.
func BenchmarkThousandReceipts(b *testing.B) {
	for b.Loop() {
		drainBook(b, newEndlessBook(b, 1000))
	}
}

func BenchmarkWriteNotice(b *testing.B) {
	book := newEndlessBook(b, 1)
	p := samplePress(newFakeBook(), nil)
	p.store = book
	row := noticeRow("os1")
	row.Attempts, row.CreatedAt, row.Number = 1, today, registry.Number{Register: "RPW", Year: 2026, Seq: 4512}
	for b.Loop() {
		if _, err := p.compose(b.Context(), row); err != nil {
			b.Fatal(err)
		}
	}
}
