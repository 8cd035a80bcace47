package parse

import (
	"context"
	"crypto/sha256"
	"io"
	"strings"
	"unicode/utf8"

	"kancelaria/registry"
)

// An Extractor gives the text of files that this program cannot read itself.
// It is slow and runs other people's programs, so registering never waits for
// it: its text is a finding.
type Extractor interface {
	// Extracts reports whether the extractor knows files of a media type.
	Extracts(mediaType string) bool
	// Text gives the text of a file, bounded by most bytes, and the name of the
	// program that read it.
	Text(ctx context.Context, mediaType string, file io.Reader, most int64) (text, by string, err error)
}

// maxLate is how many parts of one original are read late.
const maxLate = 20

// LateParts reports whether a document has parts that only an extractor reads.
func (r *Reader) LateParts(doc registry.Document) bool {
	for _, a := range doc.Attachments {
		if r.late(a) {
			return true
		}
	}
	return false
}

// late says of which parts the text comes late: not of ornaments, not of what
// is locked or was not opened.
func (r *Reader) late(a registry.Attachment) bool {
	if r.Extractor == nil || a.Digest.IsZero() || !r.Extractor.Extracts(a.MediaType) {
		return false
	}
	if strings.HasPrefix(a.MediaType, "image/") {
		return a.Role != registry.RoleEmbedded && a.Size >= decorative
	}
	return a.Role != registry.RoleEmbedded || a.ContentID == ""
}

// Late gives the text of those parts that only the extractor can read, in
// order, and what was read of each. What could not be read is told in the
// flaws.
func (r *Reader) Late(ctx context.Context, it registry.Item, src Source, doc registry.Document) (text string, parts []registry.TextFound, flaws []registry.Flaw) {
	var all []string
	room := r.Limits.Text
	tried := 0
	speaks := letters(doc.Own) > fewLetters
	for _, a := range doc.Attachments {
		if room <= 0 || tried == maxLate || ctx.Err() != nil {
			break
		}
		// Whoever writes a letter and adds a picture has sent a photograph; who
		// writes nothing has sent a page.
		if !r.late(a) || speaks && strings.HasPrefix(a.MediaType, "image/") {
			continue
		}
		tried++
		s, by, err := r.extract(ctx, it, src, a, room)
		if err != nil {
			flaws = append(flaws, registry.Flaw{Code: "text_unreadable", Path: a.Path, Note: err.Error()})
		}
		if s = tidyText(lines(s)); s == "" {
			continue
		}
		all = append(all, s)
		room -= int64(len(s)) + 2
		parts = append(parts, registry.TextFound{Path: a.Path, By: by, Characters: utf8.RuneCountInString(s), Digest: sha256.Sum256([]byte(s))})
	}
	return cut(strings.Join(all, "\n\n"), int(r.Limits.Text)), parts, flaws
}

func (r *Reader) extract(ctx context.Context, it registry.Item, src Source, a registry.Attachment, room int64) (text, by string, err error) {
	in, err := r.Open(ctx, it, src, a.Path)
	if err != nil {
		return "", "", err
	}
	defer closing(in)
	return r.Extractor.Text(ctx, a.MediaType, in, room)
}
