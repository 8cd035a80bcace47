package notify

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"kancelaria/registry"
)

// ring runs a bell over a book until the test ends it.
func ring(t *testing.T, book *fakeBook, mail Channel, alter func(*Options)) (b *Bell, stop func()) {
	t.Helper()
	o := Options{
		Node: "node1", From: "Kancelaria <kancelaria@aleksandrowo.example>", Now: time.Now,
		Jitter: func() float64 { return 0.5 },
	}
	if alter != nil {
		alter(&o)
	}
	b = New(book, sampleOffice, mail, o)
	ctx, cancel := context.WithCancel(t.Context())
	var wait sync.WaitGroup
	wait.Go(func() {
		if err := b.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	return b, func() { cancel(); wait.Wait() }
}

func TestClerkAndSenderAreToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		book, mail := newFakeBook(), &fakeChannel{}
		var settled []Settled
		var mu sync.Mutex
		b, stop := ring(t, book, mail, func(o *Options) {
			o.Settled = func(_ context.Context, s Settled) { mu.Lock(); settled = append(settled, s); mu.Unlock() }
		})
		defer stop()
		book.write(t, sampleLine(1), time.Now(), noticeRow("os1"), receiptRow("resident@poczta.example"))
		b.Ring()
		synctest.Wait()
		to := map[string]string{}
		for _, p := range mail.parcels() {
			to[p.To] = p.From
		}
		want := map[string]string{"os1@aleksandrowo.example": "kancelaria@aleksandrowo.example", "resident@poczta.example": ""}
		if !maps.Equal(to, want) {
			t.Errorf("told %v, want %v", to, want)
		}
		if n := book.countState(registry.OutboxSent); n != 2 {
			t.Errorf("%d rows are sent, want 2", n)
		}
		mu.Lock()
		defer mu.Unlock()
		if len(settled) != 2 || settled[0].Answer != "250 taken" {
			t.Errorf("settled = %+v", settled)
		}
	})
}

func TestARetrySendsTheSameBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		book := newFakeBook()
		var tries []Parcel
		var at []time.Time
		mail := &fakeChannel{do: func(p Parcel) error {
			tries, at = append(tries, p), append(at, time.Now())
			if len(tries) < 4 {
				return &Failure{Answer: "451 4.2.0 later"}
			}
			return nil
		}}
		start := time.Now()
		book.write(t, sampleLine(1), start, noticeRow("os1"))
		_, stop := ring(t, book, mail, nil)
		defer stop()
		time.Sleep(3 * time.Hour)
		synctest.Wait()
		if len(tries) != 4 {
			t.Fatalf("%d attempts, want 4", len(tries))
		}
		for i, wait := range []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute} {
			if got := at[i+1].Sub(at[i]); got < wait || got > wait+6*time.Second {
				t.Errorf("attempt %d came after %s, want about %s", i+2, got, wait)
			}
			if string(tries[i+1].Row.Rendered) != string(tries[0].Row.Rendered) {
				t.Errorf("attempt %d sent other bytes", i+2)
			}
		}
	})
}

func TestAMailIsStoredBeforeItIsFirstSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		book := newFakeBook()
		mail := &fakeChannel{do: func(p Parcel) error {
			stored := book.all()[0]
			if string(stored.Rendered) != string(p.Row.Rendered) || stored.MessageID == "" || stored.State != registry.OutboxLeased {
				t.Errorf("sent before it was stored: %q, %s", stored.MessageID, stored.State)
			}
			return nil
		}}
		book.write(t, sampleLine(1), time.Now(), noticeRow("os1"))
		_, stop := ring(t, book, mail, nil)
		synctest.Wait()
		stop()
		if n := len(mail.parcels()); n != 1 {
			t.Errorf("%d mails, want 1", n)
		}
	})
}

func TestARefusalForGoodIsDeadAndOneForNowIsGivenFiveDays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		book := newFakeBook()
		start := time.Now()
		mail := &fakeChannel{do: func(p Parcel) error {
			if strings.HasPrefix(p.To, "gone@") {
				return &Failure{Permanent: true, Answer: "550 5.1.1 no such box"}
			}
			return &Failure{Answer: "450 4.2.1 busy"}
		}}
		book.write(t, sampleLine(1), start, receiptRow("gone@poczta.example"), receiptRow("busy@poczta.example"))
		_, stop := ring(t, book, mail, nil)
		defer stop()
		time.Sleep(time.Minute)
		rows := book.all()
		if rows[0].State != registry.OutboxDead || rows[0].LastError != "550 5.1.1 no such box" {
			t.Errorf("refused row is %s: %s", rows[0].State, rows[0].LastError)
		}
		time.Sleep(giveUpAfter - time.Hour)
		if s := book.all()[1].State; s == registry.OutboxDead {
			t.Error("given up before five days were over")
		}
		time.Sleep(6 * time.Hour)
		if r := book.all()[1]; r.State != registry.OutboxDead || r.LastError != "450 4.2.1 busy" {
			t.Errorf("after five days the row is %s: %s", r.State, r.LastError)
		}
	})
}

func TestOneBadAddressDelaysNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		book := newFakeBook()
		hang := make(chan struct{})
		mail := &fakeChannel{do: func(p Parcel) error {
			if strings.HasPrefix(p.To, "hangs@") {
				<-hang
			}
			return nil
		}}
		book.write(t, sampleLine(1), time.Now(), receiptRow("hangs@poczta.example"))
		for i := range int64(20) {
			book.write(t, sampleLine(2+i), time.Now(), noticeRow("os1"), receiptRow(fmt.Sprintf("r%d@poczta.example", i)))
		}
		_, stop := ring(t, book, mail, nil)
		synctest.Wait()
		if n := len(mail.parcels()); n != 40 {
			t.Errorf("%d mails arrived beside the one that hangs, want 40", n)
		}
		close(hang)
		stop()
	})
}

func TestEachRecipientHearsInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		book := newFakeBook()
		fails := map[string]int{}
		var mu sync.Mutex
		mail := &fakeChannel{do: func(p Parcel) error {
			mu.Lock()
			defer mu.Unlock()
			if fails[p.Row.ID]++; fails[p.Row.ID] == 1 && p.Row.Leaf%7 == 0 {
				return &Failure{Answer: "451 later"}
			}
			return nil
		}}
		for i := range int64(25) {
			book.write(t, sampleLine(1+i), time.Now(), noticeRow("os1"), noticeRow("os2"))
		}
		_, stop := ring(t, book, mail, nil)
		defer stop()
		time.Sleep(time.Hour)
		seen := map[string][]int64{}
		for _, p := range mail.parcels() {
			seen[p.Row.Recipient] = append(seen[p.Row.Recipient], p.Row.Leaf)
		}
		for who, leaves := range seen {
			if !slices.IsSorted(leaves) || len(leaves) != 25 {
				t.Errorf("%s heard %v", who, leaves)
			}
		}
	})
}

func TestNobodyIsToldBeyondWhatTheArchiveHasSynced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		book, mail := newFakeBook(), &fakeChannel{}
		book.write(t, sampleLine(1), time.Now(), noticeRow("os1"))
		book.write(t, sampleLine(2), time.Now(), noticeRow("os1"))
		_, stop := ring(t, book, mail, func(o *Options) { o.UpTo = func() int64 { return 1001 } })
		defer stop()
		time.Sleep(time.Minute)
		if n := len(mail.parcels()); n != 1 {
			t.Errorf("%d mails, want 1", n)
		}
	})
}

// While the relay is down nobody's attempts are used up; when it is back all
// is sent at once.
func TestAnOutageOfTheRelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		book := newFakeBook()
		var down bool
		var tries int
		var mu sync.Mutex
		mail := &fakeChannel{do: func(Parcel) error {
			mu.Lock()
			defer mu.Unlock()
			tries++
			if down {
				return &Failure{Down: true, Err: errors.New("connection refused")}
			}
			return nil
		}}
		set := func(v bool) { mu.Lock(); down = v; mu.Unlock() }
		set(true)
		for i := range int64(1000) {
			book.write(t, sampleLine(1+i), time.Now(), receiptRow(fmt.Sprintf("r%d@poczta.example", i)))
		}
		b, stop := ring(t, book, mail, nil)
		defer stop()
		time.Sleep(time.Hour)
		mu.Lock()
		if tries > 140 {
			t.Errorf("%d attempts during an hour of outage", tries)
		}
		mu.Unlock()
		if s := b.Channels()[0]; !s.Broken || s.LastError != "connection refused" {
			t.Errorf("channel = %+v", s)
		}
		set(false)
		time.Sleep(2 * time.Minute)
		if n := book.countState(registry.OutboxSent); n < 850 {
			t.Errorf("%d of 1000 sent two minutes after the relay came back", n)
		}
		time.Sleep(6 * time.Minute)
		if n := book.countState(registry.OutboxSent); n != 1000 {
			t.Errorf("%d of 1000 sent", n)
		}
		if b.Channels()[0].Broken {
			t.Error("the channel is still said to be broken")
		}
	})
}

// Workers that die before or after sending lose nothing, and the order stays.
func TestADyingBellLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		book := newFakeBook()
		var n int
		var mu sync.Mutex
		// One Finish in nine does not take effect, one in nine takes effect and
		// its answer is lost: what a crash before and after sending looks like.
		book.finishErr = func([]registry.OutboxRow) (before, after error) {
			mu.Lock()
			defer mu.Unlock()
			switch n++; n % 9 {
			case 3:
				return errors.New("died before"), nil
			case 7:
				return nil, errors.New("died after")
			default:
				return nil, nil
			}
		}
		mail := &fakeChannel{}
		for i := range int64(200) {
			book.write(t, sampleLine(1+i), time.Now(), receiptRow(fmt.Sprintf("r%d@poczta.example", i%40)), noticeRow("os1"))
		}
		_, stop := ring(t, book, mail, func(o *Options) { o.PerSender, o.PerSenderDay, o.PerClerk = 1000, 1000, 1000 })
		defer stop()
		time.Sleep(72 * time.Hour)
		if got := book.countState(registry.OutboxSent); got != 400 {
			t.Errorf("%d rows of 400 are sent", got)
		}
		last, bytes := map[string]int64{}, map[string]string{}
		for _, p := range mail.parcels() {
			if p.Row.Leaf < last[p.To] {
				t.Errorf("%s heard of leaf %d after %d", p.To, p.Row.Leaf, last[p.To])
			}
			last[p.To] = p.Row.Leaf
			if old, again := bytes[p.Row.ID]; again && old != string(p.Row.Rendered) {
				t.Errorf("row %s was sent as two different mails", p.Row.ID)
			}
			bytes[p.Row.ID] = string(p.Row.Rendered)
		}
		if len(bytes) != 400 {
			t.Errorf("%d of 400 mails were sent", len(bytes))
		}
	})
}

func TestASenderGetsSoManyReceiptsADayAndNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		book, mail := newFakeBook(), &fakeChannel{}
		b, stop := ring(t, book, mail, func(o *Options) { o.PerSender, o.PerSenderDay = 100, 3 })
		defer stop()
		write := func(from, to int64) {
			for i := from; i <= to; i++ {
				book.write(t, sampleLine(i), time.Now(), receiptRow("resident@poczta.example"))
				b.Ring()
				time.Sleep(time.Minute)
			}
		}
		write(1, 5)
		book.write(t, sampleLine(6), time.Now(), receiptRow("other@poczta.example"))
		b.Ring()
		time.Sleep(time.Minute)
		if n := len(mail.parcels()); n != 4 {
			t.Errorf("%d receipts, want three for one sender and one for the other", n)
		}
		notSent := 0
		synctest.Wait()
		for _, r := range book.rows {
			if r.State != registry.OutboxSent {
				t.Errorf("row %s is %s", r.ID, r.State)
			}
			if r.LastError == registry.ReceiptNotSent+registry.NoReceiptTooMany && len(r.Rendered) == 0 {
				notSent++
			}
		}
		if notSent != 2 {
			t.Errorf("%d rows say that there were too many, want 2", notSent)
		}
		time.Sleep(24 * time.Hour)
		write(7, 7)
		if n := len(mail.parcels()); n != 5 {
			t.Errorf("%d receipts; the next day begins anew", n)
		}
	})
}

func TestMoreThanFiveReceiptsBecomeOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		book, mail := newFakeBook(), &fakeChannel{}
		b, stop := ring(t, book, mail, nil)
		defer stop()
		for i := range int64(12) {
			book.write(t, sampleLine(1+i), time.Now(), receiptRow("resident@poczta.example"))
			b.Ring()
			time.Sleep(2 * time.Second)
		}
		if n := len(mail.parcels()); n != 5 {
			t.Errorf("%d receipts at once, want 5", n)
		}
		time.Sleep(30 * time.Minute)
		parcels := mail.parcels()
		if len(parcels) != 6 {
			t.Fatalf("%d receipts in all, want 6", len(parcels))
		}
		text := string(readBack(t, parcels[5].Row.Rendered).show())
		for i := int64(6); i <= 12; i++ {
			if number := sampleLine(i).Outcome.Number.String(); !strings.Contains(text, number) {
				t.Errorf("the collective receipt does not tell %s", number)
			}
		}
		if !strings.Contains(text, "(7 wiadomości)") {
			t.Errorf("the subject does not count:\n%s", text)
		}
		if n := book.countState(registry.OutboxSent); n != 12 {
			t.Errorf("%d rows of 12 are done", n)
		}
	})
}

func TestATurmoilOfNoticesBecomesAFew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		book, mail := newFakeBook(), &fakeChannel{}
		for i := range int64(500) {
			book.write(t, sampleLine(1+i), time.Now(), noticeRow("os1"))
		}
		_, stop := ring(t, book, mail, nil)
		defer stop()
		time.Sleep(time.Hour)
		if n := book.countState(registry.OutboxSent); n != 500 {
			t.Errorf("%d rows of 500 are done", n)
		}
		told := map[string]bool{}
		for _, p := range mail.parcels() {
			told[p.Row.Number.String()] = true
			for _, id := range joined(p.Row.Rendered) {
				told[id] = true
			}
		}
		if n := len(mail.parcels()); n > 34 {
			t.Errorf("%d mails for 500 letters", n)
		}
		for _, r := range book.all() {
			if !told[r.ID] && !told[r.Number.String()] {
				t.Errorf("nobody was told of %s", r.Number)
			}
		}
	})
}

func TestEachChannelOfAClerkGetsTheNoticeOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		book, mail, folder := newFakeBook(), &fakeChannel{}, &fakeChannel{}
		var n int
		folder.do = func(Parcel) error {
			if n++; n < 3 {
				return &Failure{Answer: "no rights"}
			}
			return nil
		}
		office := sampleOffice()
		c := office.Clerks["os1"]
		c.Channels = []string{"folder", "mail"}
		office.Clerks["os1"] = c
		b := New(book, func() *registry.Office { return office }, mail, Options{Channels: map[string]Channel{"folder": folder}})
		ctx, cancel := context.WithCancel(t.Context())
		var wait sync.WaitGroup
		wait.Go(func() { _ = b.Run(ctx) })
		book.write(t, sampleLine(1), time.Now(), noticeRow("os1"))
		time.Sleep(time.Hour)
		if len(mail.parcels()) != 1 || len(folder.parcels()) != 1 || n != 3 {
			t.Errorf("%d mails, %d copies after %d attempts", len(mail.parcels()), len(folder.parcels()), n)
		}
		cancel()
		wait.Wait()
	})
}

func TestAClerkWithoutAnAddressIsADeadRowWithASentence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		book, mail := newFakeBook(), &fakeChannel{}
		book.write(t, sampleLine(1), time.Now(), noticeRow("nobody"))
		_, stop := ring(t, book, mail, nil)
		defer stop()
		synctest.Wait()
		if r := book.all()[0]; r.State != registry.OutboxDead || r.LastError == "" {
			t.Errorf("row is %s: %q", r.State, r.LastError)
		}
	})
}

func TestAStopLetsMailsOnTheirWayArrive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		book := newFakeBook()
		mail := &fakeChannel{do: func(Parcel) error { time.Sleep(5 * time.Second); return nil }}
		book.write(t, sampleLine(1), time.Now(), noticeRow("os1"))
		_, stop := ring(t, book, mail, nil)
		time.Sleep(time.Second)
		stop()
		if n := book.countState(registry.OutboxSent); n != 1 {
			t.Errorf("%d rows are sent, want 1", n)
		}
	})
}

func TestAShadowOfficeTellsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		book, mail := newFakeBook(), &fakeChannel{}
		book.write(t, sampleLine(1), time.Now(), noticeRow("os1"), receiptRow("resident@poczta.example"))
		_, stop := ring(t, book, mail, func(o *Options) { o.Shadow = true })
		defer stop()
		synctest.Wait()
		if n := book.countState(registry.OutboxSent); n != 2 || len(mail.parcels()) != 0 {
			t.Errorf("%d rows are done, %d mails were sent", n, len(mail.parcels()))
		}
	})
}

func TestWhatCannotBeDeliveredIsReportedBeforeItIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		book := newFakeBook()
		mail := &fakeChannel{do: func(Parcel) error { return &Failure{Permanent: true, Answer: "550 no"} }}
		var told []string
		book.write(t, sampleLine(1), time.Now(), noticeRow("os1"))
		_, stop := ring(t, book, mail, func(o *Options) {
			o.Undelivered = func(_ context.Context, row registry.OutboxRow, answer string) error {
				if told = append(told, row.ID+" "+answer); len(told) == 1 {
					return errors.New("the book is away")
				}
				return nil
			}
		})
		defer stop()
		time.Sleep(time.Minute)
		if n := book.countState(registry.OutboxDead); n != 0 {
			t.Error("given up although nobody was told")
		}
		time.Sleep(leaseFor)
		if n := book.countState(registry.OutboxDead); n != 1 || !slices.Equal(told, []string{"1001.0 550 no", "1001.0 550 no"}) {
			t.Errorf("%d given up, told %v", n, told)
		}
	})
}

func TestARestartTakesBackItsOwnAndNobodyElses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		book, mail := newFakeBook(), &fakeChannel{}
		book.write(t, sampleLine(1), time.Now(), receiptRow("a@poczta.example"), receiptRow("b@poczta.example"))
		for i, node := range []string{"node1", "node2"} {
			r := book.rows[i]
			r.State, r.LeaseBy, r.LeaseTill, r.Attempts = registry.OutboxLeased, node, time.Now().Add(leaseFor), 1
		}
		_, stop := ring(t, book, mail, nil)
		defer stop()
		synctest.Wait()
		if got := mail.parcels(); len(got) != 1 || got[0].To != "a@poczta.example" {
			t.Errorf("sent %d mails at once", len(got))
		}
		time.Sleep(leaseFor + time.Minute)
		if n := len(mail.parcels()); n != 2 {
			t.Errorf("%d mails after the other's lease ran out, want 2", n)
		}
	})
}
