package parse

import (
	"crypto/sha256"
	"io"
	"slices"
	"strings"
	"unicode"

	"kancelaria/registry"
)

// bodyDigest digests what a person would call the same letter: who writes, the
// text apart from its blanks, the files. Equal digests mean a possible
// duplicate. A document without any of these has none; that of a lone file is
// the file's.
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
	text := strings.Join(strings.FieldsFunc(doc.Text, unicode.IsSpace), " ")
	if text == "" && len(files) == 0 {
		return registry.Digest{}
	}
	slices.Sort(files)
	sum := sha256.New()
	for _, s := range append([]string{strings.ToLower(doc.Sender().Email), text}, files...) {
		_, _ = io.WriteString(sum, s)
		_, _ = sum.Write([]byte{0}) // no text holds one
	}
	var out registry.Digest
	sum.Sum(out[:0])
	return out
}
