package parse

import (
	"bytes"
	"context"
	"io"
	"slices"
	"strings"

	"kancelaria/registry"
)

// signatures notes which files carry a signature, and what stands beside them.
// That a letter lacks one is for the rules to say: of most letters nobody
// expects it.
func (run *reading) signatures() {
	containers := run.signedContainers()
	for i, a := range run.doc.Attachments {
		format := signatureFormat(a, run.signedInside[i])
		switch {
		case containers[a.Path]:
			format = ASiC
		case run.pgpText[i]:
			format = PGP
		}
		if format != "" && !run.locked[i] && !ofContainer(containers, a.Path) {
			run.candidate(run.pair(i, format))
		}
	}
	if len(run.candidates) > 0 {
		run.flag(registry.FlagSigned)
	}
}

// signedContainers finds the archives that hold signatures where ASiC has them,
// whatever they call themselves.
func (run *reading) signedContainers() map[string]bool {
	found := map[string]bool{}
	for _, a := range run.doc.Attachments {
		if signatureFormat(a, false) == ASiC {
			found[a.Path] = true
		}
		at := strings.LastIndex(a.Path, "!META-INF/")
		if at < 0 {
			continue
		}
		name := strings.ToLower(a.Path[at+len("!META-INF/"):])
		if strings.Contains(name, "signature") && hasExt(name, ".xml", ".p7s") || strings.Contains(name, "timestamp") && hasExt(name, ".tst") {
			found[a.Path[:at]] = true
		}
	}
	for i, a := range run.doc.Attachments { // office files keep their own kind of signature there
		if signatureFormat(a, run.signedInside[i]) == OOXML {
			delete(found, a.Path)
		}
	}
	return found
}

// ofContainer reports whether a path is one of the files that make a container
// signed; the container speaks for them.
func ofContainer(containers map[string]bool, path string) bool {
	at := strings.LastIndex(path, "!META-INF/")
	return at >= 0 && containers[path[:at]]
}

// clearSigned reports whether a text holds a message signed with PGP.
func clearSigned(text []byte) bool {
	const mark = "-----BEGIN PGP SIGNED MESSAGE-----"
	return bytes.HasPrefix(text, []byte(mark)) || bytes.Contains(text, []byte("\n"+mark))
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

// verdicts flags what the reports say.
func (run *reading) verdicts() {
	if len(run.doc.Signatures) == 0 { // what looked like one is none
		run.doc.Flags = slices.DeleteFunc(run.doc.Flags, func(f registry.Flag) bool { return f == registry.FlagSigned })
		return
	}
	for _, s := range run.doc.Signatures {
		switch {
		case s.Verdict == registry.TotalFailed:
			run.flag(registry.FlagSignatureFailed)
		case s.Intact == registry.SignatureUnchecked:
			run.flag(registry.FlagSignatureUnchecked)
		}
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
	case inside && hasExt(a.Name, ".asc", ".sig") && a.Size < 64<<10:
		return PGP
	case inside && (strings.HasSuffix(a.MediaType, "xml") || a.MediaType == "text/plain"), hasExt(a.Name, ".xades"):
		return XML
	case strings.HasPrefix(a.MediaType, "application/vnd.openxmlformats") && inside, strings.HasPrefix(a.MediaType, "application/vnd.oasis") && inside:
		return OOXML
	case hasExt(a.Name, ".sig", ".p7s", ".p7m") && a.Size < 1<<20:
		return CMS
	}
	return ""
}

// pair makes the candidate for a file, with what stands beside it: which of the
// others a detached signature covers, its digest says and not its name. A name
// that fits is only noted: pismo.pdf and pismo.pdf.xades.
func (run *reading) pair(i int, format Format) Candidate {
	a := run.doc.Attachments[i]
	c := Candidate{Path: a.Path, Name: orElse(a.RawName, a.Name), Format: format, Media: a.MediaType, Size: a.Size, Open: run.again(a.Path)}
	if p, ok := run.places[i]; ok && (run.mailCMS[i] || run.pgpText[i]) {
		c.Letter = p.letterAround()
		return c
	}
	if format != CMS && format != XML && format != PGP {
		return c
	}
	c.Siblings = run.siblings(i)
	base := strings.ToLower(a.Name)
	for _, ext := range [...]string{".xades", ".xml", ".p7s", ".p7m", ".sig", ".asc"} {
		name, ok := strings.CutSuffix(base, ext)
		if !ok {
			continue
		}
		for _, other := range run.doc.Attachments {
			o := strings.ToLower(other.Name)
			if other.Path != a.Path && o != "" && (o == name || !strings.Contains(name, ".") && strings.HasPrefix(o, name+".") && o != base) {
				run.flag(registry.FlagSigPair)
				return c
			}
		}
	}
	return c
}

const maxSiblings = 50

// siblings lists the files beside an attachment.
func (run *reading) siblings(i int) (list []Sibling) {
	for j, other := range run.doc.Attachments {
		if j == i || other.Role == registry.RoleBody || other.Digest.IsZero() || len(list) == maxSiblings {
			continue
		}
		list = append(list, Sibling{Path: other.Path, Name: orElse(other.RawName, other.Name), Size: other.Size, Digest: other.Digest, Open: run.again(other.Path)})
	}
	return list
}

// again opens a part of the original anew, whenever it is asked to.
func (run *reading) again(path string) func(context.Context) (io.ReadCloser, error) {
	r, it, src := run.r, run.it, run.src
	return func(ctx context.Context) (io.ReadCloser, error) { return r.Open(ctx, it, src, path) }
}
