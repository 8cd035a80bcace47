package parse

import (
	"context"
	"io"
	"strings"

	"kancelaria/registry"
)

// signatures notes which files carry a signature, and pairs signatures that
// stand beside what they sign. That a letter lacks one is for the rules to say:
// of most letters nobody expects it.
func (run *reading) signatures() {
	for i, a := range run.doc.Attachments {
		if format := signatureFormat(a, run.signedInside[i]); format != "" && !run.locked[i] {
			run.candidate(run.pair(a, format))
		}
	}
	if len(run.candidates) > 0 {
		run.flag(registry.FlagSigned)
	}
}

// notChecked stands for the verdicts when there is no checker: a signature is
// there, and nobody looked at it.
func (run *reading) notChecked() []registry.SignatureReport {
	reports := make([]registry.SignatureReport, 0, len(run.candidates))
	for _, c := range run.candidates {
		reports = append(reports, registry.SignatureReport{Path: c.Path, Format: string(c.Format), Verdict: "INDETERMINATE", Reason: "NOT_CHECKED"})
	}
	run.flag(registry.FlagSignatureUnchecked)
	return reports
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
