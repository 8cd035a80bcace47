package parse

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"

	"kancelaria/gateway/parse/charset"
)

// The bounds of reading pictures: pages of one file, pixels of a page's longer
// side (A4 at 200 dots an inch has 2,339), and bytes of a file.
const (
	maxOCRPages  = 20
	pagePixels   = 2400
	maxExtracted = 256 << 20
	// fewLetters on a page: what a PDF says by itself is then no text of it.
	fewLetters = 20
)

// Programs are the readers that lie on this machine: pdftotext, pdftoppm and
// pdfinfo of poppler-utils for what a PDF says, tesseract for what a picture
// shows.
type Programs struct {
	pdftotext, pdftoppm, pdfinfo, tesseract child
	hasPDF, hasOCR                          bool
	languages                               string // for tesseract: "pol"
	noOCR                                   bool   // by order
	tempDir                                 string
}

// FindPrograms looks what is installed. Unpacked files lie in tempDir for a
// moment, without a name. Pictures are only looked at if ocr is set.
func FindPrograms(ctx context.Context, tempDir string, ocr bool) *Programs {
	p := &Programs{tempDir: tempDir, noOCR: !ocr}
	p.pdftotext, p.hasPDF = newChild("pdftotext", 20*time.Second, 1<<30)
	if !ocr {
		return p
	}
	var toppm, info, sees bool
	p.pdftoppm, toppm = newChild("pdftoppm", 30*time.Second, 1<<30)
	p.pdfinfo, info = newChild("pdfinfo", 10*time.Second, 1<<30)
	p.tesseract, sees = newChild("tesseract", 90*time.Second, 2<<30)
	p.hasPDF = p.hasPDF && toppm && info
	if sees {
		p.languages = ocrLanguages(ctx, p.tesseract.program)
	}
	p.hasOCR = p.languages != ""
	return p
}

// Languages that letters of the office are written in, in this order.
var readable = []string{"pol", "eng"}

// ocrLanguages asks tesseract what it can read; Polish first.
func ocrLanguages(ctx context.Context, program string) string {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, program, "--list-langs").Output()
	if err != nil {
		return ""
	}
	for _, language := range readable {
		for line := range strings.Lines(string(out)) {
			if strings.TrimSpace(line) == language {
				return language
			}
		}
	}
	return ""
}

// Says tells in a sentence what is read late and what is missing for more, and
// whether anything is.
func (p *Programs) Says() (text string, reads bool) {
	pdf, pictures := "text of PDFs by pdftotext", "text of scans by tesseract ("+p.languages+")"
	if !p.hasPDF {
		pdf = "no text of PDFs: install poppler-utils"
	}
	switch {
	case p.noOCR:
		pictures = "text of scans is switched off (reading.ocr)"
	case !p.hasOCR:
		pictures = "no text of scans: install tesseract-ocr and tesseract-ocr-pol"
	case p.languages != readable[0]:
		pictures += ", not Polish: install tesseract-ocr-pol"
	}
	return pdf + "; " + pictures, p.hasPDF || p.hasOCR
}

// Extracts implements Extractor.
func (p *Programs) Extracts(mediaType string) bool {
	switch mediaType {
	case "application/pdf":
		return p.hasPDF
	case "image/tiff", "image/jpeg", "image/png", "image/bmp", "image/webp":
		return p.hasOCR
	default:
		return false
	}
}

// Text implements Extractor.
func (p *Programs) Text(ctx context.Context, mediaType string, file io.Reader, most int64) (text, by string, err error) {
	if mediaType != "application/pdf" {
		out, err := p.tesseract.run(ctx, io.LimitReader(file, maxExtracted), most, "stdin", "stdout", "-l", p.languages)
		return charset.Clean(string(out)), "tesseract", err
	}
	pdf, err := p.keep(file)
	if err != nil {
		return "", "", err
	}
	defer closing(pdf)
	out, err := p.pdftotext.run(ctx, whole(pdf), most, "-q", "-enc", "UTF-8", "-nopgbrk", "-", "-")
	text = charset.Clean(string(out))
	if !p.hasOCR || letters(text) > fewLetters {
		return text, "pdftotext", err
	}
	seen, err := p.scan(ctx, pdf, most)
	if letters(seen) > letters(text) {
		return seen, "tesseract", err
	}
	return text, "pdftotext", err
}

// scan looks at the pages of a PDF that says nothing by itself.
func (p *Programs) scan(ctx context.Context, pdf *os.File, most int64) (string, error) {
	info, err := p.pdfinfo.run(ctx, whole(pdf), 64<<10, "-")
	if err != nil {
		return "", err
	}
	var text strings.Builder
	for page := 1; page <= min(pages(info), maxOCRPages) && int64(text.Len()) < most; page++ {
		n := strconv.Itoa(page)
		picture, err := p.pdftoppm.run(ctx, whole(pdf), 64<<20, "-q", "-gray", "-f", n, "-l", n, "-scale-to", strconv.Itoa(pagePixels), "-")
		if err != nil {
			return text.String(), fmt.Errorf("page %d: %w", page, err)
		}
		out, err := p.tesseract.run(ctx, bytes.NewReader(picture), most-int64(text.Len()), "stdin", "stdout", "-l", p.languages)
		text.WriteString(charset.Clean(string(out)))
		text.WriteByte('\n')
		if err != nil {
			return text.String(), fmt.Errorf("page %d: %w", page, err)
		}
	}
	return text.String(), nil
}

var pagesLine = regexp.MustCompile(`(?m)^Pages:\s+(\d{1,6})\s*$`)

func pages(info []byte) int {
	m := pagesLine.FindSubmatch(info)
	if m == nil {
		return 0
	}
	n, err := strconv.Atoi(string(m[1]))
	if err != nil {
		return 0
	}
	return n
}

// keep writes a file where it can be read several times; it has no name, so
// nothing is left of it whatever happens.
func (p *Programs) keep(file io.Reader) (*os.File, error) {
	t, err := os.CreateTemp(p.tempDir, "kancelaria-late-")
	if err != nil {
		return nil, fmt.Errorf("making room for a PDF: %w", err)
	}
	if err := os.Remove(t.Name()); err != nil {
		closing(t)
		return nil, fmt.Errorf("making room for a PDF: %w", err)
	}
	n, err := io.Copy(t, io.LimitReader(file, maxExtracted+1))
	if err == nil && n > maxExtracted {
		err = fmt.Errorf("larger than %d bytes", maxExtracted)
	}
	if err != nil {
		closing(t)
		return nil, fmt.Errorf("keeping a PDF for its readers: %w", err)
	}
	return t, nil
}

// whole reads a file from its beginning, whoever read it before.
func whole(f *os.File) io.Reader { return io.NewSectionReader(f, 0, maxExtracted) }

// letters counts what is more than ink and page numbers.
func letters(s string) int {
	n := 0
	for _, r := range s {
		if unicode.IsLetter(r) {
			n++
		}
	}
	return n
}
