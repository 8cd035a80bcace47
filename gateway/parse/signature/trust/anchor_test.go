package trust_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kancelaria/gateway/parse/signature/cms"
	"kancelaria/gateway/parse/signature/pdf"
	"kancelaria/gateway/parse/signature/trust"
	"kancelaria/gateway/parse/signature/xml"
	"kancelaria/registry"
)

// checkList verifies a list as the command does.
func checkList(ctx context.Context, b []byte) ([]byte, error) {
	doc, err := xml.Read(ctx, bytes.NewReader(b), nil, xml.Limits{})
	switch {
	case err != nil:
		return nil, err
	case doc.Problem != nil:
		return nil, doc.Problem
	case len(doc.Signatures) != 1:
		return nil, errors.New("not exactly one signature")
	}
	s := doc.Signatures[0]
	if s.Problem != nil {
		return nil, s.Problem
	}
	if !s.Intact || s.Covers != xml.CoversWhole {
		return nil, errors.New("the signature does not cover the list")
	}
	return s.Certificate, nil
}

// The whole way on real data: the list of lists of September 2019, the Polish
// list it names, and a qualified signature of that time made with Certum QCA
// 2017, whose own time stamp does not verify.
func TestARealPolishSignatureIsQualified(t *testing.T) {
	root := os.Getenv("KANCELARIA_CORPORA")
	if root == "" {
		t.Log("KANCELARIA_CORPORA is not set: the corpus is not read")
		return
	}
	open := func(pattern string) []byte {
		b, err := os.ReadFile(filepath.Join(root, "signatures/esig+dss", pattern))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	clock := time.Date(2019, 9, 20, 12, 0, 0, 0, time.UTC)
	store := trust.New(t.TempDir(), trust.Options{Now: func() time.Time { return clock }})
	const lists = "dss-tsl-validation/src/test/resources/lotlCache/"
	eu, pl := open(lists+"EU.xml"), open(lists+"PL.xml")
	signer, err := checkList(t.Context(), eu)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range imported(t, store, trust.File{Name: "PL.xml", Content: pl}, trust.File{Name: "EU.xml", Content: eu}, trust.File{Name: "signer.crt", Content: signer}) {
		if o.State != trust.Imported {
			t.Errorf("%s: %s", o.Name, o.Says)
		}
		t.Log(o.Says)
	}

	name := "dss-pades/src/test/resources/validation/TestToSignPDFSHA256_TST_SIG_NOT_FOUND.pdf"
	if found, err := filepath.Glob(filepath.Join(root, "signatures/esig+dss/dss-pades/src/test/resources/*/*/TestToSign*.pdf")); err == nil && len(found) == 1 {
		name, _ = filepath.Rel(filepath.Join(root, "signatures/esig+dss"), found[0])
	}
	b := open(name)
	doc, err := pdf.Read(t.Context(), bytes.NewReader(b), int64(len(b)), pdf.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	s := doc.Signatures[0]
	result := cms.Check(t.Context(), s.CMS, cms.Options{Contents: []cms.Content{func() (io.ReadCloser, error) { return io.NopCloser(s.Open(bytes.NewReader(b))), nil }}})
	if len(result.Signers) != 1 || result.Signers[0].Intact != registry.SignatureIntact {
		t.Fatalf("%+v", result)
	}
	q := trust.Question{Signer: result.Signers[0].Certificate.Raw, CRLs: result.CRLs, OCSPs: result.OCSPs, At: clock, Received: clock}
	for _, c := range result.Certificates {
		q.Certificates = append(q.Certificates, c.Raw)
	}
	a := store.Answer(t.Context(), q)
	t.Logf("%+v", a)
	if a.Trust.Qualified != registry.QESig || a.Trust.Source != "list:PL:110" || !strings.HasPrefix(a.Trust.OnList, "granted since 2017-09-25") {
		t.Errorf("trust = %+v", a.Trust)
	}
}

func imported(t *testing.T, store *trust.Store, files ...trust.File) []trust.Outcome {
	t.Helper()
	out, err := store.Import(t.Context(), checkList, files)
	if err != nil {
		t.Fatal(err)
	}
	return out
}
