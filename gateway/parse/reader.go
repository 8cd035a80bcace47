// Package parse opens originals: letters, scans, files of the office. It never
// fails; whatever is damaged gives a document with flaws.
//
// A letter is split over its raw bytes (room tree), so that every part can be
// cut from the original again. What people's programs do wrongly with headers,
// names and character sets is cured here, and every string that leaves is valid
// UTF-8 without NUL. All input is hostile: size, depth, count and time are
// bounded, and a bound that is met is told, never hidden.
package parse

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"kancelaria/gateway/parse/tree"
	"kancelaria/registry"
)

// A Source is an original: bytes that may be read anywhere and again.
// *io.SectionReader and *bytes.Reader are sources.
type Source interface {
	io.ReaderAt
	Size() int64
}

// Limits bound what one original may cost. Zero fields take the defaults.
type Limits struct {
	Tree     tree.Limits   // header 1 MiB, depth 50, parts 5,000
	Time     time.Duration // default 60s
	Text     int64         // of Document.Text; default 1 MB
	Decoded  int64         // bytes of all parts together; default 2 GiB
	Listed   int           // parts and members of one original; default 10,000
	Entries  int           // members of one container; default 5,000
	Unpacked int64         // bytes of one container's members; default 512 MiB
	Ratio    int64         // unpacked to packed; default 100
	Nesting  int           // containers inside containers; default 2
}

func (l Limits) withDefaults() Limits {
	if l.Time <= 0 {
		l.Time = time.Minute
	}
	if l.Text <= 0 {
		l.Text = 1_000_000
	}
	if l.Decoded <= 0 {
		l.Decoded = 2 << 30
	}
	if l.Listed <= 0 {
		l.Listed = 10_000
	}
	if l.Entries <= 0 {
		l.Entries = 5000
	}
	if l.Unpacked <= 0 {
		l.Unpacked = 512 << 20
	}
	if l.Ratio <= 0 {
		l.Ratio = 100
	}
	if l.Nesting <= 0 {
		l.Nesting = 2
	}
	return l
}

// Options of a Reader. The zero value works.
type Options struct {
	// DefaultCharsets are tried, in order, on bytes that say nothing of their
	// character set; the default is what a Polish office expects.
	DefaultCharsets []string
	Limits          Limits
	Checker         Checker          // asked what signatures show locally; may be nil
	Extractor       Extractor        // text of files that need another program; may be nil
	TempDir         string           // where containers are unpacked; default the system's
	Now             func() time.Time // for the log
	Log             *slog.Logger
}

// A Reader opens originals. It may be used by many at once.
type Reader struct {
	Options
	words  words
	scans  []scanNaming
	blocks sync.Pool // of *[block]byte
}

// New makes a Reader.
func New(o Options) *Reader {
	o.Limits = o.Limits.withDefaults()
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	r := &Reader{Options: o, words: loadWords(), scans: scanNamings()}
	r.blocks.New = func() any { return new([block]byte) }
	return r
}

// Read understands the original of an item. It always gives a document; what
// could not be read is told in its flaws.
func (r *Reader) Read(ctx context.Context, it registry.Item, src Source) (doc registry.Document) {
	began := r.Now()
	limited, cancel := context.WithTimeout(ctx, r.Limits.Time)
	defer cancel()
	run := r.newReading(limited, it, src)
	defer func() {
		if p := recover(); p != nil {
			// The last line of defence: an item is registered whatever it is.
			r.Log.Error("parse.panic", "item", it.ID, "err", fmt.Sprint(p))
			doc = run.rescue()
		}
	}()
	if isLetter(it, src) {
		run.letter()
	} else {
		run.lone()
	}
	run.finish()
	switch {
	case len(run.candidates) == 0:
	case r.Checker == nil:
		run.doc.Signatures = run.notChecked()
	default:
		run.doc.Signatures = r.Checker.Check(limited, run.candidates)
		run.verdicts()
	}
	r.Log.Debug("parse.read", "item", it.ID, "size", src.Size(), "parts", len(run.doc.Attachments), "flaws", len(run.doc.Flaws), "took", r.Now().Sub(began))
	return run.doc
}

// rescue gives what was understood before something went badly wrong.
func (run *reading) rescue() registry.Document {
	doc := run.doc
	doc.Flaws = append(doc.Flaws, registry.Flaw{Code: flawBroken, Note: "reading stopped at an error of the program"})
	doc.Flags = registry.AddFlags(doc.Flags, registry.FlagUnreadable)
	if doc.Attachments == nil {
		doc.Attachments = []registry.Attachment{}
	}
	return doc
}
