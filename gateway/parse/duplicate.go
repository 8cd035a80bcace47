package parse

import (
	"crypto/sha256"
	"slices"
	"strings"

	"kancelaria/registry"
)

// bodyDigest digests what a person would call the same letter: who writes, what
// about (without Re:, Odp:), the text apart from its blanks, the files. Equal
// digests mean a possible duplicate. Two petitions of one text under two
// subjects are two. A document without text and files has none; that of a lone
// file is the file's.
func bodyDigest(doc registry.Document) registry.Digest {
	if len(doc.From) == 0 && len(doc.Attachments) > 0 && doc.Headers.ContentType == "" {
		return doc.Attachments[0].Digest
	}
	var files []string
	for _, a := range doc.Attachments {
		if a.Role == registry.RoleAttachment || a.Role == registry.RoleContainer || a.Role == registry.RoleBody && !strings.HasPrefix(a.MediaType, "text/") {
			files = append(files, a.Digest.String())
		}
	}
	if strings.TrimSpace(doc.Text) == "" && len(files) == 0 {
		return registry.Digest{}
	}
	slices.Sort(files)
	sum := sha256.New()
	b := append([]byte(strings.ToLower(doc.Sender().Email)), 0) // no text holds a zero
	for word := range strings.FieldsSeq(registry.Fold(doc.Title)) {
		b = append(append(b, word...), ' ')
	}
	b = append(b, 0)
	for word := range strings.FieldsSeq(doc.Text) {
		b = append(append(b, word...), ' ')
		if len(b) > 4<<10 {
			_, _ = sum.Write(b)
			b = b[:0]
		}
	}
	for _, file := range files {
		b = append(append(b, 0), file...)
	}
	_, _ = sum.Write(b)
	var out registry.Digest
	sum.Sum(out[:0])
	return out
}
