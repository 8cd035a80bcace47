package paper

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"kancelaria/registry"
)

// A page of the register book: A4 sideways, in millimetres.
const (
	bookLeft, bookTop     = 10.0, 10.0
	bookBottom            = 193.0 // where rows end and the sums begin
	bookWidth             = 277.0
	bookStep              = 3.5 // from line to line
	bookLetters           = 7.5 // points
	mostLinesOfACell      = 8
	bookHeadingsAt        = 22.0
	bookRowsAt            = 32.0
	bookCheckpointLetters = 6.5
)

// bookColumns are the columns of the Instruction, with their widths.
var bookColumns = []struct {
	key   string
	width float64
}{
	{"seq", 13}, {"received_on", 18}, {"title", 69}, {"sender", 46}, {"letter_date", 19}, {"sender_ref", 32}, {"assigned", 38}, {"attachments_short", 8}, {"remarks", 34},
}

// sums are what a page adds up.
type sums struct{ entries, annulled, attachments, lost int64 }

func (s *sums) add(o sums) {
	s.entries += o.entries
	s.annulled += o.annulled
	s.attachments += o.attachments
	s.lost += o.lost
}

// A book is the register as a document to print and bind: page sums, struck
// lines and gaps in sight, and at the end the head of the ledger it was made
// from. A year may fill several volumes, so that none grows beyond memory.
type book struct {
	sheet
	speller
	series registry.Series
	volume int
	y      float64
	page   sums
	before sums // of the pages before, and the volumes
	pages  int
}

func newBook(s speller, series registry.Series, volume int, before sums, made time.Time) *book {
	b := &book{speller: s, series: series, volume: volume, before: before}
	b.sheet = newSheet(sideways, b.title(), made)
	b.turn()
	return b
}

func (b *book) title() string {
	return b.texts.Say("paper.book.title", "register", b.series.Register, "year", strconv.Itoa(b.series.Year))
}

// turn begins a page.
func (b *book) turn() {
	b.AddPage()
	b.pages++
	b.SetFont(letters, "B", 11)
	b.line(bookLeft, bookTop, 200, "L", b.title())
	b.SetFont(letters, "", bookLetters)
	b.line(bookLeft, bookTop+5.5, 200, "L", b.office.Name)
	b.line(bookLeft+200, bookTop, bookWidth-200, "R", b.texts.Say("paper.book.page", "volume", strconv.Itoa(b.volume), "page", strconv.Itoa(b.pages)))
	b.SetFont(letters, "B", 6.5)
	b.SetFillColor(235, 235, 235)
	x := bookLeft
	for _, c := range bookColumns {
		b.Rect(x, bookHeadingsAt, c.width, bookRowsAt-bookHeadingsAt, "DF")
		b.block(x+1, bookHeadingsAt+1, c.width-2, 3, 3, b.texts.Say("paper.col."+c.key))
		x += c.width
	}
	b.SetFont(letters, "", bookLetters)
	b.y = bookRowsAt
}

// row draws one line of the register.
func (b *book) row(r Row) {
	if r.IsGap() {
		b.gapRow(r)
		return
	}
	w := r.Past.Work
	cells := []string{
		strconv.FormatInt(w.Number.Seq, 10), w.ReceivedOn.String(), b.known(w.Title), b.sender(w), b.known(w.LetterDate), b.known(w.SenderRef),
		b.assigned(w), strconv.Itoa(w.Attachments), b.remarks(r),
	}
	lines, height := make([][]string, len(cells)), 1
	for i, c := range cells {
		lines[i] = b.wrap(c, bookColumns[i].width-2, mostLinesOfACell)
		height = max(height, len(lines[i]))
	}
	b.room(float64(height)*bookStep + 1.5)
	b.cells(lines, float64(height)*bookStep+1.5, r.Annulled != nil)
	b.page.entries++
	if r.Annulled != nil {
		b.page.annulled++
		return
	}
	b.page.attachments += int64(w.Attachments)
}

// cells draws the cells of a row; those of a struck entry have a line through
// them, but for the number and the remark that says why.
func (b *book) cells(lines [][]string, height float64, struck bool) {
	x := bookLeft
	for i, c := range bookColumns {
		b.Rect(x, b.y, c.width, height, "D")
		align := "L"
		if c.key == "seq" || c.key == "attachments_short" {
			align = "R"
		}
		for n, text := range lines[i] {
			y := b.y + 0.9 + float64(n)*bookStep
			b.line(x+1, y, c.width-2, align, text)
			if struck && align == "L" && i < len(bookColumns)-1 {
				b.Line(x+1, y+1.3, x+1+b.GetStringWidth(text), y+1.3)
			}
		}
		x += c.width
	}
	b.y += height
}

func (b *book) gapRow(r Row) {
	b.room(bookStep + 1.5)
	b.SetFillColor(215, 215, 215)
	b.Rect(bookLeft, b.y, bookWidth, bookStep+1.5, "DF")
	b.SetFont(letters, "B", bookLetters)
	b.line(bookLeft+1, b.y+0.9, bookWidth-2, "L", b.gap(r))
	b.SetFont(letters, "", bookLetters)
	b.y += bookStep + 1.5
	b.page.lost += r.To - r.From + 1
}

// room turns the page if a row of this height does not fit.
func (b *book) room(height float64) {
	if b.y+height > bookBottom {
		b.sum()
		b.turn()
	}
}

// sum writes what the page adds up to, and all pages so far.
func (b *book) sum() {
	here := b.page
	b.before.add(here)
	b.page = sums{}
	b.SetFont(letters, "B", bookLetters)
	b.line(bookLeft, bookBottom+2, bookWidth, "L", b.texts.Say("paper.book.sum.page")+" "+b.figures(here))
	b.line(bookLeft, bookBottom+5.5, bookWidth, "L", b.texts.Say("paper.book.sum.all")+" "+b.figures(b.before))
	b.SetFont(letters, "", bookLetters)
}

func (b *book) figures(s sums) string {
	return b.texts.Say("paper.book.figures", "entries", strconv.FormatInt(s.entries, 10), "annulled", strconv.FormatInt(s.annulled, 10),
		"attachments", strconv.FormatInt(s.attachments, 10), "lost", strconv.FormatInt(s.lost, 10))
}

// An end is what the last page of a register says.
type end struct {
	last       registry.Number // zero: the register is empty
	size       int64
	root       registry.Digest
	at         time.Time
	checkpoint []byte // signed, or nil if none covers it
	more       bool   // another volume follows
}

// close writes the last page's sums and the end.
func (b *book) close(e end, w io.Writer) error {
	if !e.more {
		b.finis(e)
	}
	b.sum()
	return b.write(w)
}

// finis is the block at the end of a register: what it holds, and the head of
// the ledger that proves it.
func (b *book) finis(e end) {
	note := strings.TrimSpace(string(e.checkpoint))
	if note == "" {
		note = b.texts.Say("paper.book.unsigned")
	}
	height := 40 + 3*float64(strings.Count(note, "\n")+1)
	b.room(height)
	y := b.y + 4
	all := b.before
	all.add(b.page)
	b.SetFont(letters, "B", 9)
	b.line(bookLeft, y, bookWidth, "L", b.texts.Say("paper.book.end", "register", b.title()))
	b.SetFont(letters, "", bookLetters)
	last := e.last.String()
	if e.last.IsZero() {
		last = b.texts.Say("paper.book.empty")
	}
	y = b.block(bookLeft, y+6, bookWidth, bookStep, 4, b.texts.Say("paper.book.last", "number", last)+" "+b.figures(all))
	y = b.block(bookLeft, y, bookWidth, bookStep, 4,
		b.texts.Say("paper.book.ledger", "size", strconv.FormatInt(e.size, 10), "at", b.instant(e.at)))
	b.SetFont(machine, "", bookCheckpointLetters)
	b.line(bookLeft, y+1, bookWidth, "L", e.root.Groups())
	y += 5
	for l := range strings.SplitSeq(note, "\n") {
		y = b.block(bookLeft, y, bookWidth, 3, 3, l)
	}
	b.SetFont(letters, "", bookLetters)
	y += 8
	for i, who := range []string{"paper.book.made_by", "paper.book.seen_by"} {
		x := bookLeft + float64(i)*140
		b.Line(x, y+4, x+80, y+4)
		b.line(x, y+5, 120, "L", b.texts.Say(who))
	}
	b.y = y + 10
}

// volumeName names a volume of a register.
func volumeName(s registry.Series, volume int) string { return fmt.Sprintf("%s-%d.pdf", s, volume) }
