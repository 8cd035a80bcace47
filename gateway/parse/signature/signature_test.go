package signature

import (
	"context"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"fmt"
	"strings"
	"testing"
	"time"

	"kancelaria/gateway/parse"
	"kancelaria/registry"
	"kancelaria/testenv/forge"
)

func digestOf(b []byte) registry.Digest { return registry.Digest(sha256.Sum256(b)) }

// trustTown trusts whoever the town's authority certified.
func trustTown(town *forge.Town) Trust {
	return func(_ context.Context, q Question) Answer {
		a := Answer{Trust: registry.SignatureTrust{State: registry.Untrusted}}
		for _, raw := range append([][]byte{q.Signer}, q.Certificates...) {
			c, err := x509.ParseCertificate(raw)
			if err == nil && string(raw) == string(q.Signer) && c.CheckSignatureFrom(town.Authority.Cert) == nil {
				a.Trust = registry.SignatureTrust{State: registry.Trusted, Source: "office", Qualified: registry.AdES}
				a.Revocation.State = registry.RevocationGood
				return a
			}
		}
		a.Reasons = []registry.SignatureReason{doubt(registry.NoCertificateChainFound, "chain_unknown", "")}
		return a
	}
}

// read checks a letter as the daemon does.
func read(t *testing.T, c *Checker, letter string) registry.Document {
	t.Helper()
	it := registry.Item{Door: registry.DoorSMTP}
	return parse.New(parse.Options{Checker: c, Now: forge.Now}).Read(t.Context(), it, strings.NewReader(letter))
}

// said sums up reports: verdict, coverage, codes.
func said(reports []registry.SignatureReport) string {
	var list []string
	for _, r := range reports {
		s := fmt.Sprintf("%s %s %s", strings.TrimSuffix(r.Verdict+"/"+r.Reason, "/"), r.Intact, r.Covers)
		if r.Layer > 0 {
			s += fmt.Sprintf(" layer %d", r.Layer)
		}
		list = append(list, s)
	}
	return strings.Join(list, "; ")
}

type cast struct {
	town               *forge.Town
	resident, stranger *forge.Party
	impostor           *forge.Party // of another root, with the resident's name and address
	checker            *Checker
}

func newCast(t *testing.T) cast {
	t.Helper()
	town := forge.NewTown(t)
	k := func() *forge.Party {
		return town.Authority.Issue("resident", forge.EC(t, elliptic.P256()), forge.Mail("resident@poczta.example"))
	}
	c := cast{town: town, resident: k()}
	c.stranger = town.Authority.Issue("stranger", forge.EC(t, elliptic.P256()), forge.Mail("stranger@elsewhere.example"))
	c.impostor = town.NewRoot("Authority of the forge").Issue("resident", forge.EC(t, elliptic.P256()), forge.Mail("resident@poczta.example"))
	c.checker = New(Options{Trust: trustTown(town), Now: forge.Now, Limits: Limits{Time: time.Minute}})
	return c
}

const from = "Mieszkanka <resident@poczta.example>"

func TestEachAttackOnSignedMailIsSeen(t *testing.T) {
	c := newCast(t)
	part := forge.Part("Wniosek o wycinkę drzewa.\n")
	clear := forge.ClearSigned(part, c.resident.Sign(t, part))
	opaque := func(by *forge.Party, content string) string {
		return forge.Opaque(forge.CMS{Content: []byte(content), Attached: true, Seals: []forge.Seal{{By: by}}}.Make(t))
	}
	inside := forge.CMS{Content: []byte(part), Inside: []byte(forge.Part("Inny.\n")), Seals: []forge.Seal{{By: c.resident}}}.Make(t)
	noMail := c.town.Authority.Issue("resident", forge.EC(t, elliptic.P256()))
	odd := c.town.Authority.Issue("resident", forge.EC(t, elliptic.P256()), forge.Mail("Resident@Poczta.example"))
	other := "Content-Type: text/html\r\n\r\n<p>unsigned</p>"
	const passed, mismatch = "TOTAL-PASSED intact whole", "INDETERMINATE/SIG_CONSTRAINTS_FAILURE intact whole"
	for _, tt := range []struct{ name, letter, want string }{
		{"clear-signed by its author", forge.Letter(from, clear), passed},
		{"opaque", forge.Letter(from, opaque(c.resident, part)), passed},
		{"line ends lost on the way", strings.ReplaceAll(forge.Letter(from, clear), "\r\n", "\n"), passed},
		{"the only child of a mixed", forge.Letter(from, forge.Mixed(clear)), passed},
		{"the text was changed", strings.Replace(forge.Letter(from, clear), "drzewa", "dwu drzew", 1), "TOTAL-FAILED/HASH_FAILURE broken whole"},
		{"unsigned text before the signed part", forge.Letter(from, forge.Mixed(other, clear)), "TOTAL-PASSED intact part"},
		{"unsigned text behind it, as lists add", forge.Letter(from, forge.Mixed(clear, other)), "TOTAL-PASSED intact part"},
		{"a forwarded letter is signed, not this one", forge.Letter("stranger@elsewhere.example", forge.Mixed(forge.Part("Patrz niżej.\n"), "Content-Type: message/rfc822\r\n\r\n"+forge.Letter(from, clear))), "TOTAL-PASSED intact part"},
		{"signed by somebody else", forge.Letter(from, forge.ClearSigned(part, c.stranger.Sign(t, part))), mismatch},
		{"the author's name, from an authority of one's own", forge.Letter(from, forge.ClearSigned(part, c.impostor.Sign(t, part))), "INDETERMINATE/NO_CERTIFICATE_CHAIN_FOUND intact whole"},
		{"two From fields", forge.Letter(from, "From: stranger@elsewhere.example\r\n"+clear), mismatch},
		{"two addresses in From", forge.Letter(from+", stranger@elsewhere.example", clear), mismatch},
		{"no From", strings.Replace(forge.Letter(from, clear), "From: "+from+"\r\n", "", 1), mismatch},
		{"the signer's address as a display name", forge.Letter(`"resident@poczta.example" <stranger@elsewhere.example>`, clear), mismatch},
		{"the signer as Sender only", forge.Letter("stranger@elsewhere.example", "Sender: resident@poczta.example\r\n"+clear), mismatch},
		{"a certificate without address", forge.Letter(from, forge.ClearSigned(part, noMail.Sign(t, part))), mismatch},
		{"an address in other case", forge.Letter(from, forge.ClearSigned(part, odd.Sign(t, part))), passed},
		{"several signers, one of them the author", forge.Letter(from, forge.ClearSigned(part, forge.CMS{Content: []byte(part), Seals: []forge.Seal{{By: c.resident}, {By: c.stranger}}}.Make(t))), passed + "; " + passed},
		{"other content inside the signature", forge.Letter(from, forge.ClearSigned(part, inside)), "TOTAL-FAILED/SIG_CONSTRAINTS_FAILURE broken whole"},
		{"signed by nobody", forge.Letter(from, forge.ClearSigned(part, forge.CMS{Content: []byte(part)}.Make(t))), "TOTAL-FAILED/FORMAT_FAILURE broken whole"},
		{"a third part", forge.Letter(from, strings.Replace(clear, "--sig--", "--sig\r\n"+other+"\r\n--sig--", 1)), "TOTAL-FAILED/FORMAT_FAILURE intact part"},
		{"no second part", forge.Letter(from, clear[:strings.LastIndex(clear, "--sig\r\nContent-Type: application/pkcs7")]), "TOTAL-FAILED/FORMAT_FAILURE broken whole"},
		{"a layer in a layer, by two", forge.Letter(from, opaque(c.resident, opaque(c.stranger, part))), passed + "; TOTAL-PASSED intact whole layer 1"},
		{"only the inner layer is the author's", forge.Letter(from, opaque(c.stranger, opaque(c.resident, part))), mismatch + "; TOTAL-PASSED intact whole layer 1"},
		{"signed after it arrived", forge.Letter(from, forge.ClearSigned(part, forge.CMS{Content: []byte(part), Seals: []forge.Seal{{By: c.resident, At: forge.Now().AddDate(0, 0, 3)}}}.Make(t))), mismatch},
	} {
		t.Run(tt.name, func(t *testing.T) {
			doc := read(t, c.checker, tt.letter)
			got := said(doc.Signatures)
			if len(doc.Signatures) == 2 && doc.Signatures[0].Layer > doc.Signatures[1].Layer {
				got = said([]registry.SignatureReport{doc.Signatures[1], doc.Signatures[0]})
			}
			if got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
				for _, r := range doc.Signatures {
					t.Logf("%+v", r.Reasons)
				}
			}
		})
	}
}

func TestADetachedSignatureFindsItsFileByDigest(t *testing.T) {
	c := newCast(t)
	pdf, other := []byte("%PDF-1.7 wniosek"), []byte("%PDF-1.7 cos innego")
	sig := c.resident.Sign(t, string(pdf))
	doc := read(t, c.checker, forge.Letter(from, forge.Mixed(forge.Part("W załączeniu.\n"), forge.File("inny.pdf", other), forge.File("skan.pdf", pdf), forge.File("inny.pdf.p7s", sig))))
	if got := said(doc.Signatures); got != "TOTAL-PASSED intact whole" || doc.Signatures[0].Coverage.Parts[0] != "3" {
		t.Errorf("renamed: %s, %v", got, doc.Signatures[0].Coverage)
	}
	doc = read(t, c.checker, forge.Letter(from, forge.Mixed(forge.Part("W załączeniu.\n"), forge.File("wniosek.pdf", other), forge.File("wniosek.pdf.p7s", sig))))
	if got := said(doc.Signatures); got != "INDETERMINATE/SIGNED_DATA_NOT_FOUND unchecked whole" {
		t.Errorf("another file of that name: %s", got)
	}
}

func TestWhatNobodyLookedAtIsNotYetChecked(t *testing.T) {
	c := newCast(t)
	part := forge.Part("Wniosek.\n")
	letter := forge.Letter(from, forge.ClearSigned(part, c.resident.Sign(t, part)))
	late := New(Options{Now: forge.Now, Limits: Limits{Time: time.Nanosecond}})
	doc := read(t, late, letter)
	if got := said(doc.Signatures); got != "INDETERMINATE/NOT_CHECKED unchecked whole" {
		t.Errorf("without time: %s", got)
	}
	if got := doc.SignatureSentence(registry.Catalogue("pl")); got != "Podpisu jeszcze nie sprawdzono" {
		t.Errorf("sentence: %s", got)
	}
	nobody := New(Options{Now: forge.Now, Limits: Limits{Time: time.Minute}})
	doc = read(t, nobody, letter)
	if got := said(doc.Signatures); got != "INDETERMINATE/NO_CERTIFICATE_CHAIN_FOUND intact whole" || doc.Signatures[0].Trust.State != registry.TrustNotChecked {
		t.Errorf("with nobody to ask: %s", got)
	}
}

func TestNamesThatMisleadAreMarked(t *testing.T) {
	c := newCast(t)
	part := forge.Part("Wniosek.\n")
	for _, name := range []string{"Burmistrz\u202egro.azctop", "Вurmistrz", "Bur\u200bmistrz"} {
		p := c.town.Authority.Issue(name, forge.EC(t, elliptic.P256()), forge.Mail("resident@poczta.example"))
		r := read(t, c.checker, forge.Letter(from, forge.ClearSigned(part, p.Sign(t, part)))).Signatures[0]
		if !strings.Contains(strings.Join(r.Warnings, " "), "odd_name") || strings.ContainsAny(r.Signer.Name, "\u202e\u200b") {
			t.Errorf("%q: %q, %v", name, r.Signer.Name, r.Warnings)
		}
	}
	for _, address := range []string{"resident@poczta.example\x00.evil.example", "resident@poczta.example ", "re\u017fident@poczta.example"} {
		if sameAddress("resident@poczta.example", []string{clean(address)}) != 0 {
			t.Errorf("%q is taken for the author", address)
		}
	}
}

func TestAPersonalNumberIsMasked(t *testing.T) {
	if got := masked("PNOPL-80010112345"); got != "PNOPL-********345" {
		t.Errorf("got %s", got)
	}
}

func TestEveryBitOfASignedLetterCounts(t *testing.T) {
	c := newCast(t)
	part := forge.Part("Wniosek o wycinkę.\n")
	letter := []byte(forge.Letter(from, forge.ClearSigned(part, c.resident.Sign(t, part))))
	at := strings.Index(string(letter), part)
	for bit := 8 * at; bit < 8*(at+len(part)); bit++ {
		for _, r := range read(t, c.checker, string(forge.Flip(letter, bit))).Signatures {
			if r.Verdict == registry.TotalPassed && r.Covers == registry.CoversWhole {
				t.Fatalf("bit %d of the signed part: %s", bit-8*at, said([]registry.SignatureReport{r}))
			}
		}
	}
}
