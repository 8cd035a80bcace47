package registry

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"
)

// A Known is what is at hand of the lines of a book: copybooks, a backup.
type Known interface {
	// Last is the highest leaf known; -1 if none is.
	Last() int64
	// Gives says which numbers a leaf gave, or gave up; none if From is 0. It
	// is false if the leaf is not known.
	Gives(leaf int64) (g Gap, ok bool)
	// Line reads the line of a leaf that is known.
	Line(ctx context.Context, leaf int64) (Line, error)
}

// RebuildOptions say how a book is built again.
type RebuildOptions struct {
	// Go on where leaves are lacking: their places are marked, numbers lost
	// with them become gaps, and the ledger goes on under NewOrigin.
	Lacking   bool
	NewOrigin string
	Actor     string // who does it
	Reason    string // of gaps and of the new name
	Zone      *time.Location
	Now       func() time.Time
	Rand      io.Reader // nil: crypto/rand
	Progress  func(done, of int64)
}

// A Rebuilt book: from which leaf lines were entered, and up to which.
type Rebuilt struct {
	From, Size int64
	Lacking    []int64 // leaves nobody knows
	Lost       []Gap   // numbers lost with them
	Set        []int64 // leaves that could not be entered since what they are about is lost
	Origin     string  // the new one, if the ledger goes on under one
}

// A Gap is a run of numbers that are lost.
type Gap struct {
	Series   Series
	From, To int64
}

// GivenBy says which numbers a line gave, or gave up.
func GivenBy(l Line) Gap {
	switch {
	case l.Draft.Arrival != nil && l.Outcome.Disposition == Registered && l.Outcome.First.IsZero():
		n := l.Outcome.Number
		return Gap{n.Series(), n.Seq, n.Seq}
	case l.Draft.Act != nil && l.Draft.Act.Kind == ActGap:
		s, err := ParseSeries(l.Draft.Act.Subject)
		from, err1 := digits(l.Draft.Act.Fields["from"], 1, 12)
		to, err2 := digits(l.Draft.Act.Fields["to"], 1, 12)
		if errors.Join(err, err1, err2) == nil {
			return Gap{s, from, to}
		}
	}
	return Gap{}
}

// ErrLacking means that leaves of the book are known to nobody.
var ErrLacking = errors.New("leaves of the book are lacking")

// ErrForeign means that what is at hand is of another book than the one open.
var ErrForeign = errors.New("this is another book")

// linesAtOnce is how many lines are replayed in one transaction.
const linesAtOnce = 256

// Rebuild enters into a book, which may be empty, all lines that are known and
// not in it, at exactly their places. First it compares those that are in it:
// a book that is not the beginning of what is known is left alone (ErrForeign).
// Where leaves are lacking it writes nothing unless told to go on.
func Rebuild(ctx context.Context, s Store, known Known, o RebuildOptions) (Rebuilt, error) {
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	head, err := s.Head(ctx)
	if err != nil {
		return Rebuilt{}, fmt.Errorf("building the book again: %w", err)
	}
	b := &rebuilder{store: s, known: known, o: o, at: head.LastAt, out: Rebuilt{From: head.Size, Size: head.Size}}
	if err := b.compare(ctx, head.Size); err != nil {
		return b.out, err
	}
	if err := b.look(ctx); err != nil {
		return b.out, err
	}
	if len(b.out.Lacking) > 0 && !o.Lacking {
		return b.out, fmt.Errorf("%w: leaf %d and %d more of %d to be entered", ErrLacking, b.out.Lacking[0], len(b.out.Lacking)-1, known.Last()+1-head.Size)
	}
	if err := b.enter(ctx); err != nil {
		return b.out, fmt.Errorf("building the book again: %w", err)
	}
	if len(b.out.Lacking) > 0 {
		b.out.Origin, err = ContinueLog(ctx, s, o, b.out.Lacking[0])
	}
	return b.out, err
}

type rebuilder struct {
	store Store
	known Known
	o     RebuildOptions
	at    time.Time // of the last leaf entered
	out   Rebuilt
	gaps  map[int64]Gap // by the lacking leaf that stands for it
	batch []Line
}

// compare holds what is known against what is in the book.
func (b *rebuilder) compare(ctx context.Context, size int64) error {
	var lines []Line
	for leaf := int64(0); leaf < min(size, b.known.Last()+1); leaf++ {
		if _, ok := b.known.Gives(leaf); !ok {
			continue
		}
		l, err := b.known.Line(ctx, leaf)
		if err != nil {
			return fmt.Errorf("reading leaf %d: %w", leaf, err)
		}
		if lines = append(lines, l); len(lines) < linesAtOnce && leaf+1 < min(size, b.known.Last()+1) {
			continue
		}
		if err := b.same(ctx, lines); err != nil {
			return err
		}
		lines = lines[:0]
	}
	return b.same(ctx, lines)
}

func (b *rebuilder) same(ctx context.Context, lines []Line) error {
	if len(lines) == 0 {
		return nil
	}
	err := b.store.Replay(ctx, lines)
	if errors.Is(err, ErrCorrupt) {
		return fmt.Errorf("%w: it does not hold what is known of it; nothing was changed: %w", ErrForeign, err)
	}
	return err
}

// look finds out what is lacking, and which numbers were lost with it: those
// left out between two that are known belong to lacking leaves between them.
func (b *rebuilder) look(ctx context.Context) error {
	page, err := b.store.Find(ctx, Query{Of: FindSeries})
	if err != nil {
		return err
	}
	type stand struct{ taken, leaf int64 }
	stands := map[Series]stand{}
	for _, s := range page.Series {
		stands[s.Series] = stand{s.Taken, b.out.From - 1}
	}
	b.gaps = map[int64]Gap{}
	for leaf := b.out.From; leaf <= b.known.Last(); leaf++ {
		n, ok := b.known.Gives(leaf)
		if !ok {
			b.out.Lacking = append(b.out.Lacking, leaf)
			continue
		}
		if n.From == 0 {
			continue
		}
		at, seen := stands[n.Series]
		if !seen {
			at.leaf = b.out.From - 1
		}
		if n.From > at.taken+1 {
			b.lost(Gap{Series: n.Series, From: at.taken + 1, To: n.From - 1}, at.leaf)
		}
		stands[n.Series] = stand{n.To, leaf}
	}
	return nil
}

// lost lets a lacking leaf after one that is known stand for lost numbers. If
// there is none, replaying refuses what comes next.
func (b *rebuilder) lost(g Gap, after int64) {
	for _, leaf := range b.out.Lacking {
		if _, used := b.gaps[leaf]; leaf > after && !used {
			b.gaps[leaf] = g
			b.out.Lost = append(b.out.Lost, g)
			return
		}
	}
}

// enter replays the known lines, and writes marks where some are lacking.
func (b *rebuilder) enter(ctx context.Context) error {
	last := b.known.Last()
	for leaf := b.out.From; leaf <= last; leaf++ {
		line, err := b.lineFor(ctx, leaf)
		if err != nil {
			return err
		}
		b.at = line.Outcome.At
		if b.batch = append(b.batch, line); len(b.batch) < linesAtOnce && leaf < last {
			continue
		}
		if err := b.flush(ctx); err != nil {
			return err
		}
		b.out.Size = leaf + 1
		if b.o.Progress != nil {
			b.o.Progress(leaf+1-b.out.From, last+1-b.out.From)
		}
	}
	return nil
}

func (b *rebuilder) lineFor(ctx context.Context, leaf int64) (Line, error) {
	if _, ok := b.known.Gives(leaf); ok {
		l, err := b.known.Line(ctx, leaf)
		if err != nil {
			return Line{}, fmt.Errorf("reading leaf %d: %w", leaf, err)
		}
		return l, nil
	}
	if g, ok := b.gaps[leaf]; ok {
		return b.mark(ctx, leaf, Act{Kind: ActGap, Subject: g.Series.String(), Fields: map[string]string{
			"from": strconv.FormatInt(g.From, 10), "to": strconv.FormatInt(g.To, 10),
			"stands_for": "leaf",
		}})
	}
	return b.mark(ctx, leaf, Act{Kind: ActLost, Subject: officeSubject})
}

// mark makes the line that stands where one is lacking.
func (b *rebuilder) mark(ctx context.Context, leaf int64, act Act) (Line, error) {
	at := b.at
	if at.IsZero() { // nothing before it: of the time of what comes next
		at = b.firstTime(ctx)
	}
	d := Draft{
		Key: "lost/" + strconv.FormatInt(leaf, 10), At: at, On: DayOf(at, b.o.Zone), Actor: b.o.Actor, Reason: b.o.Reason, Act: &act,
	}
	if _, err := io.ReadFull(b.o.Rand, d.Salt[:]); err != nil {
		return Line{}, fmt.Errorf("salting leaf %d: %w", leaf, err)
	}
	return Line{Draft: d, Outcome: Outcome{Key: d.Key, State: Written, At: at, Leaf: leaf}}, nil
}

func (b *rebuilder) firstTime(ctx context.Context) time.Time {
	for leaf := b.out.From; leaf <= b.known.Last(); leaf++ {
		if _, ok := b.known.Gives(leaf); ok {
			if l, err := b.known.Line(ctx, leaf); err == nil {
				return l.Outcome.At
			}
		}
	}
	return b.o.Now().UTC().Truncate(time.Microsecond)
}

// flush replays the batch. Where leaves are lacking, a line about what was
// lost with them cannot be entered: it is kept whole in the mark at its place.
func (b *rebuilder) flush(ctx context.Context) error {
	defer func() { b.batch = b.batch[:0] }()
	err := b.store.Replay(ctx, b.batch)
	if !errors.Is(err, ErrCorrupt) || len(b.out.Lacking) == 0 {
		return err
	}
	for _, l := range slices.Clone(b.batch) {
		err := b.store.Replay(ctx, []Line{l})
		if errors.Is(err, ErrCorrupt) {
			err = b.setAside(ctx, l)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (b *rebuilder) setAside(ctx context.Context, l Line) error {
	content, err := l.Encode()
	if err != nil {
		return err
	}
	b.at = l.Outcome.At
	mark, err := b.mark(ctx, l.Outcome.Leaf, Act{Kind: ActLost, Subject: officeSubject, Text: l.Draft.Key, Content: content})
	if err != nil {
		return err
	}
	b.out.Set = append(b.out.Set, l.Outcome.Leaf)
	return b.store.Replay(ctx, []Line{mark})
}

// ContinueLog lets the ledger of a book go on under a new name, since leaves
// from one on are lacking that may have been signed under the old name.
func ContinueLog(ctx context.Context, s Store, o RebuildOptions, from int64) (string, error) {
	head, err := s.Head(ctx)
	if err != nil {
		return "", fmt.Errorf("naming the ledger anew: %w", err)
	}
	now := o.Now().UTC()
	d := Draft{
		Key: "log/" + o.NewOrigin, At: now, On: DayOf(now, o.Zone), Actor: o.Actor, Reason: o.Reason,
		Act: &Act{Kind: ActLog, Subject: officeSubject, Fields: map[string]string{
			"origin": o.NewOrigin, "from": strconv.FormatInt(from, 10), "root": head.Root().String(),
		}},
	}
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	if _, err := io.ReadFull(o.Rand, d.Salt[:]); err != nil {
		return "", fmt.Errorf("naming the ledger anew: %w", err)
	}
	out, err := s.Commit(ctx, []Draft{d})
	if err == nil {
		err = out[0].Err()
	}
	if err != nil {
		return "", fmt.Errorf("naming the ledger anew: %w", err)
	}
	return o.NewOrigin, nil
}
