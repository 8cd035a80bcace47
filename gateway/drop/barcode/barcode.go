// Package barcode reads the codes on the pages of scans: the labels of paper
// that is in the book, the sheets between two letters, and what others print.
//
// Pages of PDF are drawn by poppler's pdftoppm in a child that is bounded in
// time, memory and pixels; pictures are decoded here, and none that is larger
// than a sheet at 600 dpi. A scan that cannot be read has no codes: it is a
// letter like any other.
package barcode

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os/exec"
	"runtime"
	"time"

	"kancelaria/registry"
)

// Options of a Reader; Know is required.
type Options struct {
	// Know says what the text of a code is.
	Know func(text string) registry.PageCode
	// Pages bounds what is looked at of one scan (default 300), Time how long
	// (default 30s), Memory the bytes of the child that draws pages.
	Pages  int
	Time   time.Duration
	Memory int64
	Log    *slog.Logger
}

// A Reader reads codes. It may be used by many at once; as many scans as there
// are cores are looked at side by side.
type Reader struct {
	Options
	drawing string // pdftoppm, "" if it is not installed
	limits  string // prlimit, "" if the machine has none
	places  chan struct{}
}

// New makes a Reader and looks for the program that draws PDF.
func New(o Options) *Reader {
	if o.Pages <= 0 {
		o.Pages = 300
	}
	if o.Time <= 0 {
		o.Time = 30 * time.Second
	}
	if o.Memory <= 0 {
		o.Memory = 1 << 30
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	r := &Reader{Options: o, places: make(chan struct{}, runtime.NumCPU())}
	r.drawing, _ = exec.LookPath("pdftoppm") // "" says that PDF is not looked at
	r.limits, _ = exec.LookPath("prlimit")
	return r
}

// DrawsPDF reports whether pages of PDF can be looked at: poppler-utils is
// installed.
func (r *Reader) DrawsPDF() bool { return r.drawing != "" }

// Read gives the codes on the first page of a scan, or with all on every page,
// and how many pages were looked at. What is no scan has no pages. An error
// means that it could not be looked at, or not to its end.
func (r *Reader) Read(ctx context.Context, file io.ReaderAt, size int64, all bool) (codes []registry.PageCode, pages int, err error) {
	head := make([]byte, min(size, 1024))
	if _, err := file.ReadAt(head, 0); err != nil && err != io.EOF {
		return nil, 0, fmt.Errorf("looking for codes: %w", err)
	}
	look := r.lookAt(head)
	if look == nil {
		return nil, 0, nil
	}
	select {
	case r.places <- struct{}{}:
		defer func() { <-r.places }()
	case <-ctx.Done():
		return nil, 0, ctx.Err()
	}
	ctx, cancel := context.WithTimeout(ctx, r.Time)
	defer cancel()
	most := 1
	if all {
		most = r.Pages
	}
	err = look(ctx, io.NewSectionReader(file, 0, size), most, func(p page) error {
		pages++
		for _, c := range p.codes() {
			known := r.Know(c.text)
			known.Page, known.Form = pages, c.form
			codes = append(codes, known)
		}
		return ctx.Err()
	})
	if err != nil {
		return codes, pages, fmt.Errorf("looking for codes: %w", err)
	}
	return codes, pages, nil
}

// A look goes through the pages of a file, at most so many.
type look func(ctx context.Context, file *io.SectionReader, most int, each func(page) error) error

// lookAt says how a file that begins so is looked at; nil if it is no scan.
func (r *Reader) lookAt(head []byte) look {
	switch {
	case bytes.Contains(head, []byte("%PDF-")):
		if r.drawing == "" {
			return nil
		}
		return r.pdf
	case bytes.HasPrefix(head, []byte("\xff\xd8\xff")), bytes.HasPrefix(head, []byte("\x89PNG\r\n\x1a\n")):
		return picture
	case bytes.HasPrefix(head, []byte("II*\x00")), bytes.HasPrefix(head, []byte("MM\x00*")):
		return tiffPages
	default:
		return nil
	}
}
