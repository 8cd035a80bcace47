package parse

import (
	"context"
	"io"
	"strings"

	"kancelaria/registry"
)

// signatures notes which files carry a signature and which could but do not,
// and pairs signatures that stand beside what they sign.
func (run *reading) signatures() {
	signed, could := len(run.candidates) > 0, false
	for i := range run.doc.Attachments {
		a := &run.doc.Attachments[i]
		format := signatureFormat(*a, run.signedInside[i])
		switch {
		case run.locked[i]:
		case format != "":
			signed = true
			run.candidate(run.pair(*a, format))
		case a.Role == registry.RoleAttachment && run.mail: // a scan shows its signature on paper
			could = could || isDocument(a.MediaType)
		}
	}
	switch {
	case signed:
		run.flag(registry.FlagSigned)
	case could:
		run.flag(registry.FlagUnsigned)
	}
}

// signatureFormat says how a file is signed, "" if it is not.
func signatureFormat(a registry.Attachment, inside bool) Format {
	switch {
	case a.Digest.IsZero() || a.DeclaredType == "application/pkcs7-signature" && a.Role == registry.RoleEmbedded || a.DeclaredType == "application/x-pkcs7-signature" && a.Role == registry.RoleEmbedded || a.DeclaredType == "application/pgp-signature":
		return "" // of multipart/signed, noted there
	case isCMS(a.MediaType):
		return CMS
	case a.MediaType == "application/pdf" && inside:
		return PDF
	case strings.HasPrefix(a.MediaType, "application/vnd.etsi.asic"), hasExt(a.Name, ".asice", ".sce", ".asics", ".scs"):
		return ASiC
	case strings.HasSuffix(a.MediaType, "xml") && inside, hasExt(a.Name, ".xades"):
		return XML
	case strings.HasPrefix(a.MediaType, "application/vnd.openxmlformats") && inside, strings.HasPrefix(a.MediaType, "application/vnd.oasis") && inside:
		return OOXML
	case hasExt(a.Name, ".sig", ".p7s") && a.Size < 1<<20:
		return CMS
	}
	return ""
}

// isDocument reports whether people sign files of this kind.
func isDocument(media string) bool {
	return media == "application/pdf" || media == "application/msword" || kind{media: media}.office()
}

// pair makes the candidate for a file, with the file it signs if that stands
// beside it: pismo.pdf and pismo.pdf.xades.
func (run *reading) pair(a registry.Attachment, format Format) Candidate {
	c := Candidate{Path: a.Path, Name: orElse(a.RawName, a.Name), Format: format, Media: a.MediaType, Size: a.Size, Open: run.again(a.Path)}
	if format != CMS && format != XML {
		return c
	}
	base := strings.ToLower(a.Name)
	for _, ext := range [...]string{".xades", ".xml", ".p7s", ".p7m", ".sig"} {
		name, ok := strings.CutSuffix(base, ext)
		if !ok {
			continue
		}
		for _, other := range run.doc.Attachments {
			o := strings.ToLower(other.Name)
			if other.Path != a.Path && o != "" && (o == name || !strings.Contains(name, ".") && strings.HasPrefix(o, name+".") && o != base) {
				c.Content, c.ContentPath = run.again(other.Path), other.Path
				run.flag(registry.FlagSigPair)
				return c
			}
		}
	}
	return c
}

// again opens a part of the original anew, whenever it is asked to.
func (run *reading) again(path string) func(context.Context) (io.ReadCloser, error) {
	r, it, src := run.r, run.it, run.src
	return func(ctx context.Context) (io.ReadCloser, error) { return r.Open(ctx, it, src, path) }
}
