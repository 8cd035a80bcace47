package signature

import (
	"bytes"
	"context"
	"crypto"
	"crypto/elliptic"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kancelaria/gateway/parse"
	"kancelaria/gateway/parse/signature/cms"
	"kancelaria/registry"
	"kancelaria/testenv/forge"
)

// A bench is a folder where other programs work.
type workbench struct {
	t   *testing.T
	dir string
}

func newWorkbench(t *testing.T) workbench {
	t.Helper()
	if testing.Short() {
		t.Skip("needs openssl and gpg")
	}
	return workbench{t, t.TempDir()}
}

func (w workbench) file(name string, content []byte) string {
	w.t.Helper()
	file := filepath.Join(w.dir, name)
	if err := os.WriteFile(file, content, 0o600); err != nil {
		w.t.Fatal(err)
	}
	return file
}

func (w workbench) run(program string, args ...string) error {
	cmd := exec.CommandContext(w.t.Context(), program, args...)
	cmd.Dir = w.dir
	cmd.Env = append(os.Environ(), "GNUPGHOME="+w.dir)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s %s: %w\n%s", program, strings.Join(args, " "), err, out)
	}
	return nil
}

func (w workbench) must(program string, args ...string) {
	w.t.Helper()
	if err := w.run(program, args...); err != nil {
		w.t.Fatal(err)
	}
}

func (w workbench) read(name string) []byte {
	w.t.Helper()
	b, err := os.ReadFile(filepath.Join(w.dir, name))
	if err != nil {
		w.t.Fatal(err)
	}
	return b
}

// party writes somebody's certificate and key.
func (w workbench) party(p *forge.Party) {
	w.t.Helper()
	w.file("cert.pem", forge.PEM(p.Cert))
	w.file("chain.pem", forge.PEM(p.Chain()...))
	w.file("root.pem", forge.PEM(p.Issuer.Issuer.Cert))
	w.file("key.pem", forge.KeyPEM(w.t, p.Key))
}

func content(b []byte) cms.Content {
	return func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil }
}

// verdictOf is whether a CMS is intact over a content.
func verdictOf(t *testing.T, blob, over []byte) bool {
	t.Helper()
	r := cms.Check(t.Context(), blob, cms.Options{Contents: []cms.Content{content(over)}})
	return len(r.Signers) == 1 && r.Signers[0].Intact == registry.SignatureIntact
}

func TestOpenSSLAndTheCheckerAgree(t *testing.T) {
	town := forge.NewTown(t)
	text := []byte("Wniosek o wycinkę drzewa.\r\n")
	changed := []byte("Wniosek o wycinkę drzew.\r\n")
	for _, tt := range []struct {
		name string
		key  crypto.Signer
		args []string
	}{
		{"RSA", forge.RSA(t, 3072), nil},
		{"RSA SHA-512", forge.RSA(t, 3072), []string{"-md", "sha512"}},
		{"RSA PSS", forge.RSA(t, 3072), []string{"-keyopt", "rsa_padding_mode:pss"}},
		{"RSA PSS SHA-384", forge.RSA(t, 3072), []string{"-md", "sha384", "-keyopt", "rsa_padding_mode:pss"}},
		{"P-256", forge.EC(t, elliptic.P256()), nil},
		{"P-384", forge.EC(t, elliptic.P384()), []string{"-md", "sha384"}},
		{"P-521", forge.EC(t, elliptic.P521()), []string{"-md", "sha512"}},
		{"SHA-3", forge.RSA(t, 3072), []string{"-md", "sha3-256"}},
		{"named by key", forge.EC(t, elliptic.P256()), []string{"-keyid"}},
		{"advanced", forge.EC(t, elliptic.P256()), []string{"-cades"}},
		{"without attributes", forge.RSA(t, 3072), []string{"-noattr"}},
		{"attached", forge.EC(t, elliptic.P256()), []string{"-nodetach"}},
		{"lengths not told", forge.EC(t, elliptic.P256()), []string{"-nodetach", "-stream"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorkbench(t)
			w.party(town.Authority.Issue("resident", tt.key))
			w.file("text", text)
			w.must("openssl", append([]string{"cms", "-sign", "-binary", "-in", "text", "-signer", "cert.pem", "-inkey", "key.pem", "-outform", "DER", "-out", "sig"}, tt.args...)...)
			blob := w.read("sig")
			if !verdictOf(t, blob, text) {
				t.Errorf("not intact: %+v", cms.Check(t.Context(), blob, cms.Options{Contents: []cms.Content{content(text)}}).Signers)
			}
			if verdictOf(t, blob, changed) {
				t.Error("intact over another text")
			}
		})
	}
}

func TestOpenSSLTakesWhatTheForgeMakes(t *testing.T) {
	town := forge.NewTown(t)
	text := []byte("Wniosek.\r\n")
	for name, seal := range map[string]forge.Seal{
		"RSA":   {By: town.Authority.Issue("resident", forge.RSA(t, 3072))},
		"PSS":   {By: town.Authority.Issue("resident", forge.RSA(t, 3072)), PSS: true},
		"P-384": {By: town.Authority.Issue("resident", forge.EC(t, elliptic.P384())), Digest: crypto.SHA384},
		"bare":  {By: town.Authority.Issue("resident", forge.RSA(t, 3072)), Bare: true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorkbench(t)
			w.party(seal.By)
			w.file("text", text)
			blob := forge.CMS{Content: text, Seals: []forge.Seal{seal}}.Make(t)
			for _, flip := range []int{-1, 8 * (len(blob) - 5)} { // the second turns a bit of the value
				b := blob
				if flip >= 0 {
					b = forge.Flip(blob, flip)
				}
				w.file("sig", b)
				theirs := w.run("openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", "sig", "-content", "text", "-noverify", "-out", os.DevNull) == nil
				if ours := verdictOf(t, b, text); ours != theirs {
					t.Errorf("bit %d: ours %t, openssl %t", flip, ours, theirs)
				}
			}
		})
	}
}

func TestTimestampsOfOpenSSLAreRead(t *testing.T) {
	w := newWorkbench(t)
	town := forge.NewTown(t)
	clock := town.Authority.Issue("clock", forge.RSA(t, 3072), forge.Stamping())
	w.party(clock)
	text := []byte("the value of a signature")
	w.file("text", text)
	w.file("serial", []byte("01\n"))
	w.file("ts.conf", []byte("[tsa]\ndefault_tsa=t\n[t]\nserial=serial\nsigner_cert=cert.pem\ncerts=chain.pem\nsigner_key=key.pem\nsigner_digest=sha256\ndefault_policy=1.2.3.4\ndigests=sha256,sha512\ness_cert_id_alg=sha256\n"))
	w.must("openssl", "ts", "-query", "-data", "text", "-sha256", "-cert", "-out", "query")
	w.must("openssl", "ts", "-reply", "-queryfile", "query", "-config", "ts.conf", "-section", "t", "-token_out", "-out", "token")
	token := w.read("token")
	if got := cms.CheckTimestamp(t.Context(), token, []cms.Content{content(text)}, cms.Limits{}); got.State != registry.SignatureIntact || time.Since(got.At) > time.Hour {
		t.Errorf("%+v", got)
	}
	if got := cms.CheckTimestamp(t.Context(), token, []cms.Content{content([]byte("another"))}, cms.Limits{}); got.State != registry.SignatureBroken {
		t.Errorf("over another value: %+v", got)
	}
	ours := clock.Stamp(t, text, time.Now())
	w.file("ours", ours)
	w.must("openssl", "ts", "-verify", "-data", "text", "-in", "ours", "-token_in", "-CAfile", "root.pem", "-untrusted", "chain.pem")
}

func TestSignaturesOfGnuPGAreRead(t *testing.T) {
	w := newWorkbench(t)
	w.must("gpg", "--batch", "--pinentry-mode", "loopback", "--passphrase", "", "--quick-gen-key", "resident <resident@poczta.example>", "ed25519", "sign", "never")
	t.Cleanup(func() {
		_ = exec.CommandContext(context.Background(), "gpgconf", "--homedir", w.dir, "--kill", "gpg-agent").Run()
	})
	part := forge.Part("Wniosek o wycinkę drzewa.\n")
	w.file("part", []byte(part))
	w.file("text", []byte("Wniosek.\n"))
	w.must("gpg", "--batch", "--armor", "--textmode", "--output", "part.asc", "--detach-sign", "part")
	w.must("gpg", "--batch", "--armor", "--output", "clear.asc", "--clear-sign", "text")
	w.must("gpg", "--batch", "--armor", "--output", "keys.asc", "--export")
	keys, err := ReadKeyring(filepath.Join(w.dir, "keys.asc"))
	if err != nil {
		t.Fatal(err)
	}
	c := New(Options{Keys: keys, Limits: Limits{Time: time.Minute}})
	mime := forge.Letter(from, "Content-Type: multipart/signed; protocol=\"application/pgp-signature\"; micalg=pgp-sha512; boundary=s\r\n\r\n--s\r\n"+part+
		"\r\n--s\r\nContent-Type: application/pgp-signature\r\n\r\n"+strings.ReplaceAll(string(w.read("part.asc")), "\n", "\r\n")+"\r\n--s--\r\n")
	inline := forge.Letter(from, "Content-Type: text/plain\r\n\r\n"+strings.ReplaceAll(string(w.read("clear.asc")), "\n", "\r\n"))
	for name, letter := range map[string]string{"PGP/MIME": mime, "inline": inline} {
		it := registry.Item{Door: registry.DoorSMTP}
		got := parse.New(parse.Options{Checker: c}).Read(t.Context(), it, strings.NewReader(letter)).Signatures
		if said(got) != "TOTAL-PASSED intact whole" {
			t.Errorf("%s: %s", name, said(got))
		}
	}
}
