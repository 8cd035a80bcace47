package signature

import (
	"bytes"
	"context"
	"crypto/x509"
	"os"
	"path"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"kancelaria/gateway/parse/signature/trust"
	"kancelaria/gateway/parse/signature/xml"
	"kancelaria/registry"
)

func asking(s *trust.Store) Trust {
	return func(ctx context.Context, q Question) Answer { return Answer(s.Answer(ctx, trust.Question(q))) }
}

// The whole way on real data: list of lists, Polish list, and a qualified
// signature in a PDF of that time. Its time stamp is by a qualified authority of
// the same list (openssl ts agrees that it is over this signature's value), and
// the revocation list inside was fresh at that time.
func TestARealPolishSignatureIsQualified(t *testing.T) {
	root, rows := corpus(t)
	if rows == nil {
		return
	}
	clock := func() time.Time { return time.Date(2019, 9, 20, 12, 0, 0, 0, time.UTC) }
	store := trust.New(t.TempDir(), trust.Options{Now: clock})
	var files []trust.File
	for _, name := range []string{"PL.xml", "EU.xml"} {
		b, err := os.ReadFile(filepath.Join(root, "esig+dss/dss-tsl-validation/src/test/resources/lotlCache", name))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, trust.File{Name: name, Content: b})
	}
	check := func(ctx context.Context, b []byte) ([]byte, error) {
		doc, err := xml.Read(ctx, bytes.NewReader(b), nil, xml.Limits{})
		if err != nil || len(doc.Signatures) != 1 || doc.Signatures[0].Problem != nil {
			t.Errorf("%+v, %v", doc, err)
		}
		return doc.Signatures[0].Certificate, err
	}
	signer, err := check(t.Context(), files[1].Content)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.Import(t.Context(), check, append(files, trust.File{Name: "signer", Content: signer})); err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(rows, func(r row) bool { return path.Base(r.file) == "TestToSignPDFSHA256_TST_SIG_NOT_FOUND.pdf" })
	reports := lookAt(t, New(Options{Limits: Limits{Time: 10 * time.Second}, Now: clock, Trust: asking(store)}), root, rows[i])
	if len(reports) != 1 {
		t.Fatalf("%d reports", len(reports))
	}
	r := reports[0]
	if r.Intact != registry.SignatureIntact || r.Covers != registry.CoversWhole || r.Trust.State != registry.Trusted || r.Trust.Qualified != registry.QESig || r.Trust.Source != "list:PL:110" {
		t.Errorf("%s", summary(r))
	}
	if len(r.Times.Timestamps) != 1 || r.Times.Timestamps[0].State != registry.SignatureIntact || r.Times.Timestamps[0].Trust != registry.Trusted {
		t.Errorf("times = %+v", r.Times)
	}
	if got := r.Revocation; got.State != registry.RevocationGood || got.Source != "embedded" || got.As.Format(time.DateOnly) != "2019-01-29" {
		t.Errorf("revocation = %+v", got)
	}
	if got := r.Sentence(registry.Catalogue("pl")); r.Verdict != registry.TotalPassed || got != "Podpis prawidłowy (kwalifikowany)" {
		t.Errorf("%s: %s", r.Verdict, got)
	}
	late := lookAt(t, New(Options{Limits: Limits{Time: 10 * time.Second}, Now: clock}), root, rows[i])[0]
	if got := late.Sentence(registry.Catalogue("pl")); late.Verdict != registry.Indeterminate || got != "Podpis nienaruszony, ale nie potwierdzono, kto podpisał" {
		t.Errorf("without lists: %s: %s", late.Verdict, got)
	}
}

// foreign are containers whose only fault is that their own country does not
// take such signatures in them.
var foreign = []string{"CAdES-baseline-lt.asics", "CAdES-baseline-lta.asics"}

// With every authority of the corpus trusted, and the clock of each file's own
// day, no bad file passes as a whole: who is trusted is not what they fail by.
func TestNoBadFilePassesEvenIfEveryAuthorityIsTrusted(t *testing.T) {
	root, rows := corpus(t)
	if rows == nil {
		return
	}
	known := map[string]bool{}
	var files []trust.File
	collect := func(_ context.Context, q Question) Answer {
		for _, der := range append(q.Certificates, q.Signer) {
			if c, err := x509.ParseCertificate(der); err == nil && c.IsCA && !known[string(der)] {
				known[string(der)] = true
				files = append(files, trust.File{Name: "authority", Content: der})
			}
		}
		return Answer{}
	}
	first := New(Options{Limits: Limits{Time: 10 * time.Second}, Trust: collect})
	days := map[string]time.Time{}
	rows = slices.DeleteFunc(rows, func(r row) bool { return r.expected != "invalid" && r.format != "PAdES" })
	for _, r := range rows {
		for _, x := range lookAt(t, first, root, r) {
			if x.SignedAt.After(days[r.file]) {
				days[r.file] = x.SignedAt
			}
		}
	}
	store := trust.New(t.TempDir(), trust.Options{})
	if _, err := store.Import(t.Context(), nil, files); err != nil {
		t.Fatal(err)
	}
	good := 0
	for _, r := range rows {
		at := days[r.file].Add(time.Hour)
		c := New(Options{Limits: Limits{Time: 10 * time.Second}, Now: func() time.Time { return at }, Trust: asking(store)})
		reports := outermost(lookAt(t, c, root, r))
		passed := len(reports) > 0 && !slices.ContainsFunc(reports, func(x registry.SignatureReport) bool {
			return x.Verdict != registry.TotalPassed || x.Covers != registry.CoversWhole
		})
		switch {
		case passed && r.expected == "invalid" && !slices.Contains(foreign, path.Base(r.file)):
			t.Errorf("%s passes: %s", r.file, summary(reports[0]))
		case passed:
			good++
		}
	}
	t.Logf("%d authorities; %d files pass", len(files), good)
	if good < 10 {
		t.Errorf("only %d good files pass: the test looks at nothing", good)
	}
}
