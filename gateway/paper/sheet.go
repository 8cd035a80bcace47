package paper

import (
	_ "embed"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"

	"github.com/go-pdf/fpdf"
)

// The fonts travel in the binary: the letters of a register must not depend on
// the machine. DejaVu, under the licence beside them.
//
// QUIRK: fpdf writes into the bytes of a font that it is given (getMetrics
// appends to a slice of them), so that each document gets its own.
var (
	//go:embed fonts/DejaVuSans.ttf
	fontPlain string
	//go:embed fonts/DejaVuSans-Bold.ttf
	fontBold string
	//go:embed fonts/DejaVuSansMono.ttf
	fontMono string
)

// The families of letters.
const (
	letters = "dejavu"
	machine = "dejavu-mono"
)

// A sheet is a PDF being drawn, in millimetres. Its bytes depend only on what
// is drawn and on the time it is given.
type sheet struct{ *fpdf.Fpdf }

// The orientations of A4.
const (
	upright  = "P"
	sideways = "L"
)

// newSheet begins a document that was made, as far as it says, at a time.
func newSheet(orientation, title string, made time.Time) sheet {
	p := fpdf.New(orientation, "mm", "A4", "")
	p.SetCatalogSort(true)
	p.SetCreationDate(made.UTC())
	p.SetModificationDate(made.UTC())
	p.SetProducer("kancelaria", true)
	p.SetTitle(plain(title, 200), true)
	p.AddUTF8FontFromBytes(letters, "", []byte(fontPlain))
	p.AddUTF8FontFromBytes(letters, "B", []byte(fontBold))
	p.AddUTF8FontFromBytes(machine, "", []byte(fontMono))
	p.SetAutoPageBreak(false, 0)
	p.SetCellMargin(0)
	return sheet{p}
}

// write gives the finished document.
func (s sheet) write(w io.Writer) error {
	if err := s.Output(w); err != nil {
		return fmt.Errorf("writing the PDF: %w", err)
	}
	return nil
}

// line writes one line of text at a place; what is too wide is cut.
func (s sheet) line(x, y, width float64, align, text string) {
	cut := s.wrap(text, width, 1)
	if len(cut) == 0 {
		return
	}
	s.SetXY(x, y)
	s.CellFormat(width, 0, cut[0], "", 0, align+"T", false, 0, "")
}

// block writes wrapped lines and gives where the next may begin.
func (s sheet) block(x, y, width, step float64, most int, text string) float64 {
	for _, l := range s.wrap(text, width, most) {
		s.line(x, y, width, "L", l)
		y += step
	}
	return y
}

// ellipsis says that something was longer.
const ellipsis = "…"

// wrap breaks a text into at most so many lines of a width, at spaces where it
// can; what does not fit is marked as cut.
func (s sheet) wrap(text string, width float64, most int) []string {
	var lines []string
	for paragraph := range strings.SplitSeq(plain(text, 4000), "\n") {
		rest := []rune(strings.TrimSpace(paragraph))
		for len(rest) > 0 {
			if len(lines) == most {
				lines[most-1] = s.shortened(lines[most-1], width)
				return lines
			}
			n := s.fitting(rest, width)
			lines = append(lines, strings.TrimSpace(string(rest[:n])))
			rest = []rune(strings.TrimLeft(string(rest[n:]), " "))
		}
	}
	return lines
}

// fitting gives how many runes of a text make one line.
func (s sheet) fitting(text []rune, width float64) int {
	used, space := 0.0, 0
	for i, r := range text {
		used += s.GetStringWidth(string(r))
		if used > width && i > 0 {
			if space > 0 {
				return space
			}
			return i
		}
		if r == ' ' || r == '-' && i > 0 {
			space = i + 1
		}
	}
	return len(text)
}

func (s sheet) shortened(line string, width float64) string {
	runes := []rune(line)
	for len(runes) > 0 && s.GetStringWidth(string(runes)+ellipsis) > width {
		runes = runes[:len(runes)-1]
	}
	return strings.TrimSpace(string(runes)) + ellipsis
}

// plain makes a text fit to be drawn: no controls, nothing that turns the
// direction of writing, no signs that the fonts have no place for.
func plain(text string, most int) string {
	var b strings.Builder
	n := 0
	for _, r := range strings.ToValidUTF8(text, "\ufffd") {
		if n++; n > most {
			b.WriteString(ellipsis)
			break
		}
		switch {
		case r == '\n':
			b.WriteByte('\n')
		case r == 0x00ad, unicode.Is(unicode.Cf, r):
			// soft hyphens, marks of direction, joiners: seen by nobody
		case unicode.IsSpace(r), unicode.IsControl(r):
			b.WriteByte(' ')
		case r > 0xffff:
			b.WriteRune('□')
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
