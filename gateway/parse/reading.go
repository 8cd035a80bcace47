package parse

import (
	"context"
	"io"

	"kancelaria/gateway/parse/charset"
	"kancelaria/gateway/parse/tree"
	"kancelaria/registry"
)

// The flaws that reading itself can find, beside the defects of the tree.
const (
	flawBroken      = "reader_failed"
	flawNoLetter    = "no_letter"             // bytes without any header
	flawEncoding    = "encoding_unknown"      // transfer encoding that nobody knows
	flawDamaged     = "encoding_damaged"      // base64 and the like with junk in it
	flawLimit       = "limit_reached"         // some of it was not read
	flawContainer   = "container_damaged"     // could not be opened
	flawUnopened    = "container_unopened"    // of a kind we do not open
	flawEncrypted   = "encrypted"             //
	flawPartial     = "partial_message"       // one piece of a letter in several
	flawExternal    = "external_body"         // lies elsewhere, never fetched
	flawDate        = "date_unreadable"       //
	flawFrom        = "sender_unreadable"     //
	flawNoFrom      = "sender_missing"        //
	flawUnavailable = "bytes_unavailable"     // the original could not be read to its end
	flawText        = "text_cut"              // longer than what is kept
	flawMessageID   = "message_id_unreadable" //
)

const maxFlaws = 100

// A reading is one original being read.
type reading struct {
	r    *Reader
	ctx  context.Context
	it   registry.Item
	src  Source
	doc  registry.Document
	set  *charset.Decoder // of headers
	mail bool             // the original is a letter

	texts        []passage // in order of the letter
	textRoom     int64     // bytes of source text that may still be held
	seek         *seek     // set when one part is looked for and nothing is listed
	decoded      int64     // bytes decoded so far
	files        int       // attachments noted so far
	candidates   []Candidate
	locked       map[int]bool    // attachments that only the owner of a key can open
	signedInside map[int]bool    // attachments that carry a signature of their own
	places       map[int]place   // where the CMS among the attachments lie
	mailCMS      map[int]bool    // CMS that hold a letter, not a file
	pgpText      map[int]bool    // texts that are clear-signed
	cids         map[string]bool // content ids that HTML shows
	links        []string
	inner        []innerLetter
	headerBytes  int
}

func (r *Reader) newReading(ctx context.Context, it registry.Item, src Source) *reading {
	return &reading{
		r: r, ctx: ctx, it: it, src: src,
		doc:          registry.Document{Attachments: []registry.Attachment{}},
		set:          &charset.Decoder{Order: r.DefaultCharsets},
		textRoom:     4 * r.Limits.Text,
		cids:         map[string]bool{},
		locked:       map[int]bool{},
		places:       map[int]place{},
		mailCMS:      map[int]bool{},
		pgpText:      map[int]bool{},
		signedInside: map[int]bool{},
	}
}

func (run *reading) flaw(code, path, note string) {
	for _, f := range run.doc.Flaws {
		if f.Code == code && f.Path == path {
			return
		}
	}
	if len(run.doc.Flaws) < maxFlaws {
		run.doc.Flaws = append(run.doc.Flaws, registry.Flaw{Code: code, Path: path, Note: note})
	}
}

func (run *reading) flag(flags ...registry.Flag) {
	run.doc.Flags = registry.AddFlags(run.doc.Flags, flags...)
}

// limit tells that a bound was met.
func (run *reading) limit(path, note string) {
	run.flaw(flawLimit, path, note)
	run.flag(registry.FlagLimitReached)
}

// full reports, and tells, that no more parts are listed.
func (run *reading) full(path string) bool {
	if run.files < run.r.Limits.Listed {
		return false
	}
	run.limit(path, "more parts than are listed")
	return true
}

// defects turns what the tree found into flaws.
func (run *reading) defects(root *tree.Node) {
	root.Walk(func(n *tree.Node) bool {
		for _, d := range n.Defects {
			run.flaw(string(d), n.Path, "")
		}
		return len(run.doc.Flaws) < maxFlaws
	})
}

// isLetter decides how an original is read: what came by mail is a letter
// whatever it looks like; a file is one if it is declared or looks so.
func isLetter(it registry.Item, src Source) bool {
	if it.Envelope != nil || it.Door.IsMail() {
		return true
	}
	if it.Original.MediaType == "message/rfc822" || it.Original.MediaType == "message/global" {
		return true
	}
	head := make([]byte, 4<<10)
	n, _ := src.ReadAt(head, 0)
	return looksLikeLetter(head[:n])
}

// split reads a letter with a window of the pool.
func (run *reading) split(src io.ReaderAt, size int64, tee io.Writer) *tree.Tree {
	window := run.r.blocks.Get().(*[block]byte)
	defer run.r.blocks.Put(window)
	return tree.Split(run.ctx, src, size, tree.Options{Limits: run.r.Limits.Tree, Tee: tee, Window: window[:]})
}

// open gives the decoded bytes of a node from the start.
func (run *reading) open(src io.ReaderAt, n *tree.Node) *partReader {
	return run.r.openRange(src, n.BodyStart, n.BodyEnd, n.Encoding)
}

// openRange decodes a range of a source with a buffer of the pool.
func (r *Reader) openRange(src io.ReaderAt, start, end int64, encoding string) *partReader {
	raw := r.blocks.Get().(*[block]byte)
	p := &partReader{pool: r, raw: raw}
	p.Reader, p.damaged = decoded(encoding, io.NewSectionReader(src, start, end-start), raw[:])
	return p
}

// A partReader reads a part's decoded bytes. Close gives its buffer back.
type partReader struct {
	io.Reader
	damaged func() bool
	pool    *Reader
	raw     *[block]byte
}

// Close implements io.Closer.
func (p *partReader) Close() error {
	if p.raw != nil {
		p.pool.blocks.Put(p.raw)
		p.raw, p.Reader = nil, eof{}
	}
	return nil
}

type eof struct{}

func (eof) Read([]byte) (int, error) { return 0, io.EOF }
