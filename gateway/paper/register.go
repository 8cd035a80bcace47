package paper

import (
	"context"
	"fmt"

	"kancelaria/registry"
)

// volumeEntries is how many entries one volume of the printed book holds: a PDF
// is made in memory.
const volumeEntries = 5000

// A shelf is a register being written: as two tables and as a printed book,
// entry by entry.
type shelf struct {
	x      *exporting
	series registry.Series
	gaps   []Row // that are still ahead
	tables []*table
	files  []*bagFile
	book   *book
	volume int
	in     int // entries in the volume
	all    sums
	last   registry.Number
	next   int64 // the number that follows
}

// register writes one register of the year and what belongs to its entries.
func (x *exporting) register(ctx context.Context, series registry.Series) error {
	s := &shelf{x: x, series: series, next: 1}
	if err := s.open(ctx); err != nil {
		return err
	}
	q := registry.Query{Of: registry.FindNumbers, Register: series.Register, Year: series.Year, Viewer: x.Viewer, Limit: 500}
	for {
		page, err := x.Book.Find(ctx, q)
		if err != nil {
			return err
		}
		for _, w := range page.Works {
			if w.Leaf >= x.out.Size {
				page.Next = ""
				break
			}
			if err := s.entry(ctx, w); err != nil {
				return fmt.Errorf("entry %s: %w", w.Number, err)
			}
		}
		if q.After = page.Next; q.After == "" {
			break
		}
	}
	return s.close()
}

func (s *shelf) open(ctx context.Context) error {
	events, err := s.x.past.Events(ctx, s.series.String())
	if err != nil {
		return err
	}
	for _, leaf := range events {
		if gap, ok := gapOf(leaf); ok {
			s.gaps = append(s.gaps, gap)
		}
	}
	base := "register/" + s.series.String()
	if len(events) > 0 {
		if err := s.x.events(base+"-events.jsonl", events); err != nil {
			return err
		}
	}
	for _, t := range []struct {
		name       string
		semicolons bool
	}{{base + ".csv", false}, {base + "-excel.csv", true}} {
		f, err := s.x.bag.file(t.name)
		if err != nil {
			return err
		}
		table, err := newTable(f, s.x.speller, t.semicolons)
		if err != nil {
			return err
		}
		s.files, s.tables = append(s.files, f), append(s.tables, table)
	}
	s.turnVolume()
	return nil
}

func (s *shelf) turnVolume() {
	s.volume++
	s.in = 0
	s.book = newBook(s.x.speller, s.series, s.volume, s.all, s.x.past.At())
}

// gapOf reads which numbers were lost in a restore.
func gapOf(leaf registry.LeafRow) (Row, bool) {
	l, err := registry.ParseLine(leaf.Content)
	if leaf.Type != string(registry.ActGap) || err != nil || l.Draft.Act == nil {
		return Row{}, false
	}
	var r Row
	_, err = fmt.Sscanf(l.Draft.Act.Fields["from"]+" "+l.Draft.Act.Fields["to"], "%d %d", &r.From, &r.To)
	r.Reason = l.Draft.Reason
	return r, err == nil && r.To > 0
}

// entry writes an entry, and before it the gap it comes after.
func (s *shelf) entry(ctx context.Context, w registry.Work) error {
	if err := s.missing(w.Number.Seq); err != nil {
		return err
	}
	past, err := s.x.past.Of(ctx, w)
	if err != nil {
		return err
	}
	r := Row{Past: past}
	for i, leaf := range past.Events {
		if leaf.Type == string(registry.ActAnnul) {
			r.Annulled = &past.Events[i]
		}
	}
	if err := s.row(r); err != nil {
		return err
	}
	s.last, s.next = w.Number, w.Number.Seq+1
	if err := s.x.papers(ctx, r); err != nil {
		return err
	}
	if s.x.done++; s.x.Progress != nil {
		s.x.Progress(s.x.done)
	}
	return nil
}

// missing writes the numbers that nobody has up to the next one that somebody
// has: recorded gaps with their reason, others as what they are.
func (s *shelf) missing(upTo int64) error {
	for s.next < upTo {
		r := Row{From: s.next, To: upTo - 1}
		if len(s.gaps) > 0 && s.gaps[0].From <= s.next {
			r, s.gaps = s.gaps[0], s.gaps[1:]
		} else {
			r = s.unexplained(r)
		}
		if err := s.row(r); err != nil {
			return err
		}
		s.next = r.To + 1
	}
	return nil
}

// unexplained is a run of numbers that no gap explains: entries that whoever
// exports may not see, or a book that somebody has torn a page from.
func (s *shelf) unexplained(r Row) Row {
	if len(s.gaps) > 0 && s.gaps[0].From <= r.To {
		r.To = s.gaps[0].From - 1
	}
	if s.x.Viewer != nil {
		r.Reason = s.x.texts.Say("paper.gap.restricted")
		return r
	}
	r.Reason = s.x.texts.Say("paper.gap.unknown")
	s.x.lack(registry.FoundGap, s.series.String(), fmt.Sprintf("numbers %d to %d are in no entry, and no gap explains them; see \"kancelaria verify\"", r.From, r.To))
	return r
}

func (s *shelf) row(r Row) error {
	for _, t := range s.tables {
		if err := t.row(r); err != nil {
			return err
		}
	}
	if s.in >= volumeEntries {
		if err := s.closeVolume(true); err != nil {
			return err
		}
		s.turnVolume()
	}
	s.in++
	s.book.row(r)
	return nil
}

func (s *shelf) closeVolume(more bool) error {
	f, err := s.x.bag.file("register/" + volumeName(s.series, s.volume))
	if err != nil {
		return err
	}
	e := end{last: s.last, size: s.x.out.Size, root: s.x.out.root, at: s.x.past.At(), more: more}
	if s.x.out.head != nil && s.x.out.Signed {
		e.checkpoint = s.x.out.head.Note
	}
	if err := s.book.close(e, f); err != nil {
		return err
	}
	s.all = s.book.before
	return f.Close()
}

// close writes what is lost at the end of the year, and ends the documents.
func (s *shelf) close() error {
	for _, gap := range s.gaps {
		if err := s.missing(gap.To + 1); err != nil {
			return err
		}
	}
	if err := s.closeVolume(false); err != nil {
		return err
	}
	for i, t := range s.tables {
		if err := t.end(); err != nil {
			return err
		}
		if err := s.files[i].Close(); err != nil {
			return err
		}
	}
	s.x.out.Registers = append(s.x.out.Registers, ExportedRegister{
		Register: s.series.Register, Restricted: s.x.Office.Registers[s.series.Register].Restricted,
		Entries: s.all.entries, Annulled: s.all.annulled, Lost: s.all.lost,
	})
	return nil
}
