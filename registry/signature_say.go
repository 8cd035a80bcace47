package registry

import (
	"strings"
	"time"
)

// Sentence says in one line of the fixed list what a clerk may take from the
// report. It is never better than what was checked: an answer that nobody
// looked for is said to be missing, with the reason.
func (r SignatureReport) Sentence(t *Texts) string {
	key := r.sentence()
	why := r.Revocation.Note
	if why == "" && r.Revocation.State == RevocationStale && !r.Revocation.As.IsZero() {
		why = t.Say("signature.revocation.stale", "date", r.Revocation.As.Format(time.DateOnly))
	}
	if key == "revocation" && why == "" {
		key = "revocation_plain"
	}
	return t.Say("signature.says."+key, "because", r.because(t), "parts", r.uncovered(t), "note", why)
}

// sentence chooses from the list. What is worst for who relies on the letter
// comes first.
func (r SignatureReport) sentence() string {
	switch {
	case r.Reason == NotChecked:
		return "not_yet"
	case r.Reason == HashFailure || r.Reason == SigCryptoFailure:
		return "broken"
	case r.changedAfter():
		return "changed_after"
	case r.Intact != SignatureIntact && r.Schema > 0:
		return "cannot"
	case r.Covers == CoversPart || r.Covers == CoversFiles && len(r.Coverage.Uncovered) > 0:
		return "part"
	case r.Verdict == TotalPassed:
		return r.passed()
	case r.Reason == NoCertificateChainFound:
		return "who"
	case r.Reason == TryLater:
		return "revocation"
	case len(r.Reasons) > 0:
		return "intact_but"
	case r.Verdict == TotalFailed:
		return "failed"
	}
	return "indeterminate"
}

// changedAfter reports whether a document was changed after the signature, in
// a way that nothing allows.
func (r SignatureReport) changedAfter() bool {
	switch r.Coverage.Update {
	case "changed", "unreadable":
		return true
	case "":
		return r.Covers == CoversOlderRevision
	}
	return false
}

func (r SignatureReport) passed() string {
	switch r.Trust.Qualified {
	case QESig:
		return "qualified"
	case QESeal:
		return "qualified_seal"
	case PodpisZaufany:
		return "zaufany"
	case PodpisOsobisty:
		return "osobisty"
	}
	return "passed"
}

// because says the reason that decided the verdict.
func (r SignatureReport) because(t *Texts) string {
	for _, why := range r.Reasons {
		if why.Verdict == r.Verdict && why.Reason == r.Reason {
			return t.Say("signature.because." + why.Code)
		}
	}
	return t.Say("signature.because.unknown")
}

// maxUncovered is how many parts a sentence names.
const maxUncovered = 5

// uncovered lists what the signature leaves out.
func (r SignatureReport) uncovered(t *Texts) string {
	list := r.Coverage.Uncovered
	if len(list) == 0 {
		return t.Say("signature.uncovered")
	}
	more := ""
	if len(list) > maxUncovered {
		list, more = list[:maxUncovered], ", …"
	}
	return t.Say("signature.uncovered.list", "parts", strings.Join(list, ", ")+more)
}

// SignatureSentence says in one line what the signatures on a whole document
// come to: the worst of those that stand outermost.
func (d Document) SignatureSentence(t *Texts) string {
	if i := d.worstSignature(); i >= 0 {
		return d.Signatures[i].Sentence(t)
	}
	return t.Say("signature.says.none")
}

func (d Document) worstSignature() int {
	worst := -1
	for i, r := range d.Signatures {
		if r.Layer == 0 && (worst < 0 || r.rank() > d.Signatures[worst].rank()) {
			worst = i
		}
	}
	return worst
}

// rank orders reports from good to bad.
func (r SignatureReport) rank() int {
	switch {
	case r.Verdict == TotalFailed:
		return 5
	case r.changedAfter():
		return 4
	case r.Intact != SignatureIntact:
		return 3
	case r.Covers == CoversPart:
		return 2
	case r.Verdict != TotalPassed:
		return 1
	}
	return 0
}

// SignatureVerdict gives the report that decides about a whole document: the
// worst of the outermost. None if nothing is signed.
func (d Document) SignatureVerdict() (SignatureReport, bool) {
	if i := d.worstSignature(); i >= 0 {
		return d.Signatures[i], true
	}
	return SignatureReport{}, false
}
