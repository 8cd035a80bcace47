package registry

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestASignatureIsSaidInASentenceOfTheList(t *testing.T) {
	intact := SignatureReport{Schema: 1, Intact: SignatureIntact, Verdict: TotalPassed, Covers: CoversWhole}
	with := func(change func(*SignatureReport)) SignatureReport { r := intact; change(&r); return r }
	because := func(verdict, reason, code string) func(*SignatureReport) {
		return func(r *SignatureReport) {
			r.Because(SignatureReason{Verdict: verdict, Reason: reason, Code: code})
			if verdict == TotalFailed {
				r.Intact = SignatureBroken
			}
		}
	}
	for _, tt := range []struct {
		name string
		r    SignatureReport
		want string
	}{
		{"qualified", with(func(r *SignatureReport) { r.Trust.Qualified = QESig }), "Podpis prawidłowy (kwalifikowany)"},
		{"by the ministry for a person", with(func(r *SignatureReport) { r.Trust.Qualified = PodpisZaufany }), "Podpis zaufany prawidłowy"},
		{"advanced", intact, "Podpis prawidłowy, niekwalifikowany"},
		{"no chain", with(because(Indeterminate, NoCertificateChainFound, "chain_unknown")), "Podpis nienaruszony, ale nie potwierdzono, kto podpisał"},
		{"no revocation data", with(because(Indeterminate, TryLater, "revocation_unknown")), "Podpis nienaruszony; nie sprawdzono, czy certyfikat był unieważniony"},
		{"no revocation data, with why", with(func(r *SignatureReport) {
			because(Indeterminate, TryLater, "revocation_unknown")(r)
			r.Revocation.Note = "brak listy CRL nowszej niż 2026-11-20"
		}), "Podpis nienaruszony; nie sprawdzono, czy certyfikat był unieważniony: brak listy CRL nowszej niż 2026-11-20"},
		{"old revocation data", with(func(r *SignatureReport) {
			because(Indeterminate, TryLater, "revocation_unknown")(r)
			r.Revocation = SignatureRevocation{State: RevocationStale, As: time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)}
		}), "Podpis nienaruszony; nie sprawdzono, czy certyfikat był unieważniony: brak listy nowszej niż 2026-11-20"},
		{"changed after signing", with(func(r *SignatureReport) {
			because(TotalFailed, FormatFailure, "changed_after")(r)
			r.Intact, r.Covers, r.Coverage.Update = SignatureIntact, CoversOlderRevision, "changed"
		}), "Dokument zmieniono po podpisaniu — podpis dotyczy wcześniejszej wersji"},
		{"older revision, only allowed updates", with(func(r *SignatureReport) { r.Covers, r.Coverage.Update = CoversOlderRevision, "allowed" }), "Podpis prawidłowy, niekwalifikowany"},
		{"part", with(func(r *SignatureReport) { r.Covers, r.Coverage.Uncovered = CoversPart, []string{"1", "3"} }), "Podpis obejmuje tylko część przesyłki: nieobjęte podpisem: 1, 3"},
		{"tampered", with(because(TotalFailed, HashFailure, "content_changed")), "Podpis nieprawidłowy: treść została zmieniona"},
		{"missing file", with(func(r *SignatureReport) {
			because(Indeterminate, SignedDataNotFound, "content_missing")(r)
			r.Intact = SignatureUnchecked
		}), "Nie można sprawdzić podpisu: brak podpisanego pliku, trzeba go przysłać osobno"},
		{"somebody else's", with(because(Indeterminate, SigConstraintsFailure, "not_sender")), "Podpis nienaruszony, ale certyfikat wystawiono dla innego adresu niż adres nadawcy"},
		{"nobody looked", SignatureReport{Verdict: Indeterminate, Reason: NotChecked}, "Podpisu jeszcze nie sprawdzono"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.r.Sentence(Catalogue("pl")); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			if got := tt.r.Sentence(Catalogue("en")); strings.Contains(got, "{") || got == tt.want {
				t.Errorf("in English: %s", got)
			}
		})
	}
	if got := (Document{}).SignatureSentence(Catalogue("pl")); got != "Brak podpisu" {
		t.Errorf("unsigned: %s", got)
	}
}

func TestTheWorstSignatureIsSaidOfTheDocument(t *testing.T) {
	good := SignatureReport{Schema: 1, Intact: SignatureIntact, Verdict: TotalPassed, Covers: CoversWhole}
	bad := SignatureReport{Schema: 1, Intact: SignatureBroken}
	bad.Because(SignatureReason{Verdict: TotalFailed, Reason: HashFailure, Code: "content_changed"})
	inner := bad
	inner.Layer = 1
	texts := Catalogue("en")
	if got := (Document{Signatures: []SignatureReport{good, bad}}).SignatureSentence(texts); got != bad.Sentence(texts) {
		t.Errorf("good and bad: %s", got)
	}
	if got := (Document{Signatures: []SignatureReport{good, inner}}).SignatureSentence(texts); got != good.Sentence(texts) {
		t.Errorf("what lies inside a signed layer is told apart: %s", got)
	}
}

func TestAFailureOutweighsDoubt(t *testing.T) {
	var r SignatureReport
	r.Because(
		SignatureReason{Verdict: Indeterminate, Reason: NoCertificateChainFound, Code: "chain_unknown"},
		SignatureReason{Verdict: TotalFailed, Reason: HashFailure, Code: "content_changed"},
		SignatureReason{Verdict: Indeterminate, Reason: TryLater, Code: "revocation_unknown"},
	)
	if r.Verdict != TotalFailed || r.Reason != HashFailure || len(r.Reasons) != 3 {
		t.Errorf("%s %s %v", r.Verdict, r.Reason, r.Reasons)
	}
}

func TestBothLanguagesKnowTheSameOfSignatures(t *testing.T) {
	pl, en := Catalogue("pl").Keys("signature."), Catalogue("en").Keys("signature.")
	if !slices.Equal(pl, en) {
		t.Errorf("pl %d keys, en %d", len(pl), len(en))
	}
}
