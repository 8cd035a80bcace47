package registry

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"
)

// A Past is an entry as it stood when the ledger had a certain size, and what
// had happened to it by then.
type Past struct {
	Work Work
	Case string // number of the case it lay in, "" if it was none
	// Events are the leaves on the entry, the registration first.
	Events []LeafRow
}

// A pastBook is what the past is read from.
type pastBook interface {
	Find(ctx context.Context, q Query) (Page, error)
	Leaves(ctx context.Context, from, to int64) ([]LeafRow, error)
}

// A PastReader reads entries as they stood when the ledger had a certain size:
// what it gives depends on nothing that was written since. It is for one user.
type PastReader struct {
	book pastBook
	size int64
	last time.Time // of the last leaf that counts
	// joins are the acts that joined another folder to one, by the latter; read
	// once, and only when something was done since.
	joins map[string][]Line
}

// NewPastReader goes back to the time when the ledger had size leaves.
func NewPastReader(ctx context.Context, book pastBook, size int64) (*PastReader, error) {
	p := &PastReader{book: book, size: size}
	if size == 0 {
		return p, nil
	}
	rows, err := book.Leaves(ctx, size-1, size)
	if err != nil {
		return nil, fmt.Errorf("reading leaf %d: %w", size-1, err)
	}
	if len(rows) != 1 {
		return nil, fmt.Errorf("%w: the ledger has no leaf %d", ErrNotFound, size-1)
	}
	p.last = rows[0].At
	return p, nil
}

// At is the time of the last leaf that counts; zero of an empty ledger.
func (p *PastReader) At() time.Time { return p.last }

// Size is how many leaves count.
func (p *PastReader) Size() int64 { return p.size }

// Of gives the past of an entry, of which w is any later state. What was
// registered later is ErrNotFound.
func (p *PastReader) Of(ctx context.Context, w Work) (Past, error) {
	if w.Leaf >= p.size {
		return Past{}, fmt.Errorf("%w: %s was not registered yet", ErrNotFound, w.Number)
	}
	out := Past{Work: w}
	var err error
	if out.Events, err = p.Events(ctx, w.Number.String()); err != nil {
		return Past{}, err
	}
	lines := linesOf(out.Events)
	if w.LastLeaf >= p.size {
		if out.Work, err = p.refold(ctx, w, lines); err != nil {
			return Past{}, err
		}
	}
	// What the daemon noted on an entry moves no leaf of its own.
	if n := len(lines); n > 0 {
		out.Work.Flags = lines[n-1].Outcome.Flags
	}
	out.Work.Version = 0
	out.Case, err = p.caseOf(ctx, out.Work.Folder)
	return out, err
}

// Events gives the leaves on a subject that count, oldest first.
func (p *PastReader) Events(ctx context.Context, subject string) ([]LeafRow, error) {
	var rows []LeafRow
	for page, err := range AllPages(ctx, p.book, Query{Of: FindEvents, Subject: subject, Limit: 1000}) {
		if err != nil {
			return nil, fmt.Errorf("reading what happened to %s: %w", subject, err)
		}
		for _, row := range page.Leaves {
			if row.Index >= p.size {
				return rows, nil
			}
			rows = append(rows, row)
		}
	}
	return rows, nil
}

// linesOf reads the lines of leaves whose content is there.
func linesOf(rows []LeafRow) []Line {
	lines := make([]Line, 0, len(rows))
	for _, row := range rows {
		if len(row.Content) == 0 {
			continue
		}
		if l, err := ParseLine(row.Content); err == nil {
			lines = append(lines, l)
		}
	}
	return lines
}

// refold enters again whatever concerned an entry: acts on itself, on the
// folders it lay in, and on the clerks who had it. Which those are shows only
// on the way, so it goes round until nothing new comes up.
func (p *PastReader) refold(ctx context.Context, w Work, lines []Line) (Work, error) {
	if len(lines) == 0 || lines[0].Draft.Arrival == nil || lines[0].Draft.Arrival.Bare && w.Title != "" {
		return w, nil // its content was erased: the present is all there is
	}
	if err := p.findJoins(ctx); err != nil {
		return Work{}, err
	}
	seen := map[string]bool{w.Number.String(): true}
	for {
		past, concerned := foldLines(w.Number, lines)
		more := false
		for _, subject := range concerned {
			if seen[subject] || subject == "" {
				continue
			}
			seen[subject] = true
			rows, err := p.Events(ctx, subject)
			if err != nil {
				return Work{}, err
			}
			found := append(linesOf(rows), p.joins[subject]...)
			more = more || len(found) > 0
			lines = append(lines, found...)
		}
		if !more {
			return past, nil
		}
		slices.SortFunc(lines, func(a, b Line) int { return cmp.Compare(a.Outcome.Leaf, b.Outcome.Leaf) })
		lines = slices.CompactFunc(lines, func(a, b Line) bool { return a.Outcome.Leaf == b.Outcome.Leaf })
	}
}

// findJoins reads through the ledger for acts whose leaf is on one folder and
// which moved what lay in another.
func (p *PastReader) findJoins(ctx context.Context) error {
	if p.joins != nil {
		return nil
	}
	joins := map[string][]Line{}
	const page = 1000
	for from := int64(0); from < p.size; from += page {
		rows, err := p.book.Leaves(ctx, from, min(from+page, p.size))
		if err != nil {
			return fmt.Errorf("reading leaf %d: %w", from, err)
		}
		rows = slices.DeleteFunc(rows, func(row LeafRow) bool { return row.Type != string(ActJoinCase) })
		for _, l := range linesOf(rows) {
			joins[toOf(l)] = append(joins[toOf(l)], l)
		}
	}
	p.joins = joins
	return nil
}

// foldLines gives what lines make of an entry, and every folder and clerk that
// had to do with it.
func foldLines(n Number, lines []Line) (w Work, concerned []string) {
	st := NewState(Head{})
	for _, l := range lines { // folders that other entries opened
		for _, id := range []string{subjectOf(l), toOf(l), l.Outcome.Folder} {
			if isFolder(id) && id != n.Folder() {
				st.Folders[id] = Folder{ID: id, State: FolderWorking, Found: true}
			}
		}
	}
	f := newFold(st, len(lines))
	for _, l := range lines {
		f.enter(l)
		w = f.entries.get(n)
		concerned = append(concerned, w.Folder, w.Clerk)
	}
	return w, concerned
}

func subjectOf(l Line) string {
	if l.Draft.Act == nil {
		return ""
	}
	return l.Draft.Act.Subject
}

func toOf(l Line) string {
	if l.Draft.Act == nil {
		return ""
	}
	return l.Draft.Act.To
}

// caseOf gives the case number that a folder had. A number, once given, only
// ever gives way to another, and what gave way stays in the list of cases.
func (p *PastReader) caseOf(ctx context.Context, id string) (string, error) {
	for range mostHops {
		page, err := p.book.Find(ctx, Query{Of: FindFolders, Folder: id, Limit: 1})
		if err != nil {
			return "", fmt.Errorf("reading folder %s: %w", id, err)
		}
		if len(page.Folders) == 0 {
			return "", nil
		}
		folder := page.Folders[0]
		switch {
		case folder.Case == "" || !folder.CaseAt.After(p.last):
			return folder.Case, nil
		case folder.MovedFrom == "":
			return "", nil
		}
		id = movedPrefix + folder.MovedFrom
	}
	return "", nil
}
