package drop

import (
	"bytes"
	"context"
	"io"
	"time"
)

// Health is how a source fares, for status and metrics.
type Health struct {
	Name     string
	LastScan time.Time
	LastOK   time.Time
	Error    string
	Again    time.Time      // next try
	Waiting  map[string]int // files by why they wait: growing, open, incomplete, empty
	Claimed  int
	Taken    int64 // named since the start
	purged   time.Time
}

// Health gives a copy.
func (w *Watcher) Health() Health {
	w.mu.Lock()
	defer w.mu.Unlock()
	h := w.health
	h.Waiting = map[string]int{}
	for _, f := range w.seen {
		h.Waiting[f.why]++
	}
	h.Claimed = len(w.claimed)
	return h
}

func (w *Watcher) noteScan(err error, wait time.Duration) {
	now := w.Now()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.health.LastScan, w.health.Again, w.health.Error = now, now.Add(wait), ""
	if err != nil {
		w.health.Error = err.Error()
		return
	}
	w.health.LastOK = now
}

func (w *Watcher) counted() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.health.Taken++
}

// maxList bounds a daily list that is read back.
const maxList = 16 << 20

// listed reads the names in a daily list.
func (w *Watcher) listed(ctx context.Context, p string) ([]string, error) {
	h, err := w.fs.Open(ctx, p)
	if err != nil {
		return nil, err
	}
	defer h.Close()
	e, err := h.Stat()
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.NewSectionReader(h, 0, min(e.Size, maxList)))
	if err != nil {
		return nil, err
	}
	var names []string
	for line := range bytes.Lines(data) {
		if i := bytes.LastIndexByte(line, '\t'); i >= 0 {
			names = append(names, string(bytes.TrimSpace(line[i+1:])))
		}
	}
	return names, nil
}
