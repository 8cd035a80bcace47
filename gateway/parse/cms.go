package parse

import (
	"fmt"
	"io"
	"sort"
	"strings"

	"kancelaria/registry"
)

func isCMS(media string) bool {
	return media == "application/pkcs7-mime" || media == "application/x-pkcs7-mime" || media == "application/pkcs7-signature" || media == "application/x-pkcs7-signature"
}

// opaque opens a CMS: signed data holds the letter or the file that was signed;
// of enveloped data only the owner of a key learns more.
func (b *box) opaque() {
	run := b.run
	run.places[b.index] = b.place
	c := readCMS(b.src, b.size)
	if c.enveloped {
		run.locked[b.index] = true
	}
	switch {
	case c.enveloped && b.isBody():
		run.flag(registry.FlagEncryptedBody)
	case c.enveloped:
		run.encrypted(b.index)
	case len(c.pieces) > 0:
		content := splice(b.src, c.pieces)
		if b.isBody() || looksLikePart(content) {
			run.mailCMS[b.index] = true
			inner := *b
			inner.src, inner.size = content, content.size
			inner.place.layer++
			inner.letter()
			return
		}
		name := strings.TrimSuffix(strings.TrimSuffix(b.file.raw, ".p7m"), ".P7M")
		if name == b.file.raw {
			name += ".content"
		}
		m := file{path: b.key(name), raw: name, role: registry.RoleEmbedded, level: b.file.level, at: content, size: content.size}
		m.open = func() (io.ReadCloser, error) { return io.NopCloser(io.NewSectionReader(content, 0, m.size)), nil }
		b.member(m)
	}
}

// isBody reports whether the CMS is the letter itself (RFC 8551 § 3).
func (b *box) isBody() bool { return b.run.mail && b.file.role == registry.RoleBody }

func looksLikePart(src io.ReaderAt) bool {
	head := make([]byte, 512)
	n, _ := src.ReadAt(head, 0)
	return len(head[:n]) > 8 && strings.EqualFold(string(head[:8]), "content-")
}

// A span is a range of a source.
type span struct{ start, size int64 }

// A splicing reads spans of a source as one.
type splicing struct {
	src   io.ReaderAt
	spans []span
	ends  []int64 // of each span, counted in what is read
	size  int64
}

func splice(src io.ReaderAt, spans []span) *splicing {
	s := &splicing{src: src, spans: spans}
	for _, p := range spans {
		s.size += p.size
		s.ends = append(s.ends, s.size)
	}
	return s
}

// ReadAt implements io.ReaderAt.
func (s *splicing) ReadAt(p []byte, off int64) (n int, err error) {
	if off < 0 {
		return 0, fmt.Errorf("reading at %d", off)
	}
	i := sort.Search(len(s.ends), func(i int) bool { return s.ends[i] > off })
	for ; n < len(p) && i < len(s.spans); i++ {
		into := s.spans[i].size - (s.ends[i] - off)
		want := min(int64(len(p)-n), s.ends[i]-off)
		got, err := s.src.ReadAt(p[n:n+int(want)], s.spans[i].start+into)
		n, off = n+got, off+int64(got)
		if int64(got) < want {
			return n, err
		}
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}
