package pdf

import (
	"encoding/hex"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// poppler's pdfsig finds the same signatures over the same bytes. It is told
// by the digest it computes: openssl signs, pdfsig calls it valid.
func TestPdfsigAgreesOnWhatIsCovered(t *testing.T) {
	if testing.Short() {
		t.Skip("needs openssl and pdfsig")
	}
	dir := t.TempDir()
	key, cert := filepath.Join(dir, "key.pem"), filepath.Join(dir, "cert.pem")
	run(t, nil, "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", cert, "-subj", "/CN=referent", "-days", "30")
	sign := func(covered []byte) string {
		der := run(t, covered, "openssl", "cms", "-sign", "-binary", "-outform", "DER", "-nosmimecap", "-signer", cert, "-inkey", key)
		return hex.EncodeToString([]byte(der))
	}
	p := letterhead("").save()
	p.object(9, "<</Type/Annot/Subtype/Widget/FT/Sig/T(podpis)/Rect[0 0 0 0]/P 3 0 R/V 20 0 R>>")
	p.object(20, "<</Type/Sig/Filter/Adobe.PPKLite/SubFilter/adbe.pkcs7.detached/ByteRange[0 0000000000 0000000000 0000000000]/Contents<"+strings.Repeat("0", 8192)+">>>")
	p.save().signWith(sign)
	good := p.b.String()
	for _, tt := range []struct {
		name, file string
		want       string // of pdfsig
		covers     Coverage
	}{
		{"signed", good, "Signature is Valid", CoversWhole},
		{"changed in the signed bytes", strings.Replace(good, "kwota 100", "kwota 900", 1), "Digest Mismatch", CoversWhole},
		// pdfsig says "not total document signed" and calls it valid.
		{"changed afterwards", p.stream(4, "", "BT (kwota 900 zl) Tj ET").save().b.String(), "Signature is Valid", CoversOlder},
	} {
		t.Run(tt.name, func(t *testing.T) {
			name := filepath.Join(dir, "a.pdf")
			if err := os.WriteFile(name, []byte(tt.file), 0o600); err != nil {
				t.Fatal(err)
			}
			out, _ := exec.Command("pdfsig", "-nocert", name).CombinedOutput() //nolint:errcheck // it fails on bad signatures
			if !strings.Contains(string(out), tt.want) {
				t.Errorf("pdfsig says\n%s\nwant %q", out, tt.want)
			}
			s := read(t, []byte(tt.file)).Signatures[0]
			if s.Covers != tt.covers || s.Problem != nil {
				t.Errorf("covers %s, %+v; want %s", s.Covers, s.Problem, tt.covers)
			}
			covered, err := io.ReadAll(s.Open(strings.NewReader(tt.file)))
			if err != nil || int64(len(covered)) != s.Ranges[0].Length+s.Ranges[1].Length {
				t.Errorf("%d bytes covered, %v", len(covered), err)
			}
		})
	}
}

func run(t *testing.T, in []byte, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Stdin = strings.NewReader(string(in))
	var failed strings.Builder
	cmd.Stderr = &failed
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, failed.String())
	}
	return string(out)
}
