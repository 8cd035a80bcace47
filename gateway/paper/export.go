package paper

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"kancelaria/registry"
)

// An Export is a year of the register with all that belongs to it, for the
// archive, an auditor, or another system.
type Export struct {
	Book      Book
	Originals Originals
	Office    *registry.Office
	Texts     *registry.Texts
	Publics   []string // the office's public keys, to be laid beside
	// Viewer limits what is exported; nil is the owner, who sees everything.
	Viewer *registry.Viewer
	Year   int
	// Registers are those wanted; none is every one that has the year.
	Registers []string
	// Size is the size of the ledger to go back to; 0 is that of the newest
	// signed head.
	Size int64
	// Progress, if set, is told now and then how many entries are written.
	Progress func(done int64)
}

// An Exported says what was written.
type Exported struct {
	Dir       string               `json:"dir"`
	Size      int64                `json:"size"`            // of the ledger it was made from
	After     int64                `json:"after,omitempty"` // leaves that came later and are not in it
	Signed    bool                 `json:"signed"`          // a signed head of just this size is in it
	Registers []ExportedRegister   `json:"registers"`
	Findings  []registry.Finding   `json:"findings,omitempty"` // what could not be had
	Files     int64                `json:"files"`
	Bytes     int64                `json:"bytes"`
	root      registry.Digest      // of the ledger at Size
	head      *registry.Checkpoint // the newest that is not larger
}

// An ExportedRegister is one of the books in an export.
type ExportedRegister struct {
	Register   string `json:"register"`
	Restricted bool   `json:"restricted,omitempty"`
	Entries    int64  `json:"entries"`
	Annulled   int64  `json:"annulled"`
	Lost       int64  `json:"lost,omitempty"` // numbers in gaps
}

// mostFindings bounds what is listed of what could not be had.
const mostFindings = 1000

// An exporting is an export at work.
type exporting struct {
	Export
	speller
	bag  *bag
	past *registry.PastReader
	out  Exported
	done int64
}

// Write makes the export at dir, which must not be there. Either all of it is
// there afterwards or nothing; what could not be had of single entries is named
// in the findings, and in a file of the export.
func (e Export) Write(ctx context.Context, dir string) (Exported, error) {
	x := &exporting{Export: e, speller: speller{e.Office, e.Texts}}
	if err := x.find(ctx); err != nil {
		return Exported{}, fmt.Errorf("exporting %d: %w", e.Year, err)
	}
	series, err := x.series(ctx)
	if err != nil {
		return Exported{}, fmt.Errorf("exporting %d: %w", e.Year, err)
	}
	if x.bag, err = newBag(dir); err != nil {
		return Exported{}, fmt.Errorf("exporting %d: %w", e.Year, err)
	}
	if err := errors.Join(x.write(ctx, series), x.bag.discard()); err != nil {
		return Exported{}, fmt.Errorf("exporting %d: %w", e.Year, err)
	}
	return x.out, nil
}

// find fixes the size of the ledger and the head that covers it.
func (x *exporting) find(ctx context.Context) error {
	now, err := x.Book.Head(ctx)
	if err != nil {
		return err
	}
	if now.Size == 0 {
		return errors.New("the book is empty")
	}
	if x.Size > now.Size || x.Size < 0 {
		return fmt.Errorf("the ledger has %d leaves, not %d", now.Size, x.Size)
	}
	x.out.Size = x.Size
	if x.out.head, err = x.newestHead(ctx); err != nil {
		return err
	}
	if x.out.Size == 0 {
		x.out.Size = now.Size
		if x.out.head != nil {
			x.out.Size = x.out.head.Size
		}
	}
	x.out.After = now.Size - x.out.Size
	x.out.Signed = x.out.head != nil && x.out.head.Size == x.out.Size
	if x.out.root, err = registry.RootAt(ctx, x.Book, x.out.Size); err != nil {
		return err
	}
	x.past, err = registry.NewPastReader(ctx, x.Book, x.out.Size)
	return err
}

// newestHead finds the newest signed head that is not larger than wanted.
func (x *exporting) newestHead(ctx context.Context) (*registry.Checkpoint, error) {
	q := registry.Query{Of: registry.FindCheckpoints, Limit: 1}
	for {
		page, err := x.Book.Find(ctx, q)
		if err != nil {
			return nil, err
		}
		for i, c := range page.Checkpoints {
			if x.Size == 0 || c.Size <= x.Size {
				return &page.Checkpoints[i], nil
			}
		}
		if q.After, q.Limit = page.Next, 1000; q.After == "" {
			return nil, nil
		}
	}
}

// series lists the registers to be exported, each once, in order.
func (x *exporting) series(ctx context.Context) ([]registry.Series, error) {
	page, err := x.Book.Find(ctx, registry.Query{Of: registry.FindSeries, Limit: 10_000})
	if err != nil {
		return nil, err
	}
	found := map[string]registry.Series{}
	for _, s := range page.Series {
		if s.Year == x.Year && x.maySee(s.Register) {
			found[s.Register] = s.Series
		}
	}
	for _, wanted := range x.Registers {
		if _, ok := found[wanted]; !ok {
			return nil, fmt.Errorf("%w: the register %.40s of %d", registry.ErrNotFound, wanted, x.Year)
		}
	}
	var all []registry.Series
	for _, name := range slices.Sorted(maps.Keys(found)) {
		if len(x.Registers) == 0 || slices.Contains(x.Registers, name) {
			all = append(all, found[name])
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%w: no register has entries of %d", registry.ErrNotFound, x.Year)
	}
	return all, nil
}

// maySee reports whether a register exists for whoever exports.
func (x *exporting) maySee(register string) bool {
	return x.Viewer == nil || x.Viewer.Unlimited || !x.Office.Registers[register].Restricted || slices.Contains(x.Viewer.Registers, register)
}

func (x *exporting) write(ctx context.Context, series []registry.Series) error {
	for _, s := range series {
		if err := x.register(ctx, s); err != nil {
			return err
		}
	}
	if err := x.ledger(ctx); err != nil {
		return err
	}
	if err := x.readme(); err != nil {
		return err
	}
	x.out.Dir, x.out.Files, x.out.Bytes = x.bag.dir, x.bag.files, x.bag.bytes
	id := fmt.Sprintf("%s/%d/%d", x.Office.Domain, x.Year, x.out.Size)
	if len(x.Registers) > 0 {
		id += fmt.Sprint("/", x.Registers)
	}
	return x.bag.close([]field{
		{"Source-Organization", x.Office.Name},
		{"External-Identifier", id},
		{"External-Description", x.Texts.Say("paper.bag.description", "year", strconv.Itoa(x.Year))},
		{"Bagging-Date", registry.DayOf(x.past.At(), x.Office.Zone).String()}, // that of the book, so that it can be made again
		{"Bag-Software-Agent", "kancelaria"},
		{"Kancelaria-Ledger-Size", strconv.FormatInt(x.out.Size, 10)},
		{"Kancelaria-Ledger-Root", x.out.root.String()},
	})
}

// readme says what lies where, and what could not be had.
func (x *exporting) readme() error {
	text, err := x.Texts.Render(x.Texts.Current("paper/export"), map[string]any{
		"Office": x.Office.Name, "Year": strconv.Itoa(x.Year), "Size": x.out.Size, "Root": x.out.root.String(), "Signed": x.out.Signed,
	})
	if err != nil {
		return err
	}
	if err := x.bag.put(x.Texts.Say("paper.file.readme"), []byte(text)); err != nil {
		return err
	}
	if len(x.out.Findings) == 0 {
		return nil
	}
	f, err := x.bag.file("findings.txt")
	if err != nil {
		return err
	}
	for _, found := range x.out.Findings {
		if _, err := fmt.Fprintf(f, "%s  %s: %s\n", found.Code, found.Subject, found.Text); err != nil {
			return err
		}
	}
	return f.Close()
}

// lack notes what could not be had.
func (x *exporting) lack(code, subject, text string) {
	if len(x.out.Findings) < mostFindings {
		x.out.Findings = append(x.out.Findings, registry.Finding{Code: code, Subject: subject, Text: text})
	}
}
