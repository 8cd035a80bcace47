package xml

import (
	"bytes"
	"crypto"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// What xmlsec1 calls good, we call intact, and the other way round, for every
// algorithm that both know.
func TestAlgorithmsAgreeWithXmlsec(t *testing.T) {
	for _, tt := range []struct {
		name, key, algorithm string
		hash                 crypto.Hash
		oracle               bool
	}{
		{"RSA and SHA-256", "rsa", spaceMore + "rsa-sha256", crypto.SHA256, true},
		{"RSA and SHA-384", "rsa", spaceMore + "rsa-sha384", crypto.SHA384, true},
		{"RSA and SHA-512", "rsa", spaceMore + "rsa-sha512", crypto.SHA512, true},
		{"RSA-PSS and SHA-256", "rsa", space2007 + "sha256-rsa-MGF1", crypto.SHA256, false},
		{"RSA-PSS and SHA-512", "rsa", space2007 + "sha512-rsa-MGF1", crypto.SHA512, false},
		{"RSA-PSS and SHA3-256", "rsa", space2007 + "sha3-256-rsa-MGF1", crypto.SHA3_256, false},
		{"P-256 and SHA-256", "p256", spaceMore + "ecdsa-sha256", crypto.SHA256, true},
		{"P-384 and SHA-384", "p384", spaceMore + "ecdsa-sha384", crypto.SHA384, true},
		{"P-521 and SHA-512", "p521", spaceMore + "ecdsa-sha512", crypto.SHA512, true},
		{"P-256 and SHA3-256", "p256", space2021 + "ecdsa-sha3-256", crypto.SHA3_256, false},
		{"Ed25519", "ed25519", space2021 + "eddsa-ed25519", crypto.SHA512, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSigner(t, tt.key, tt.algorithm, tt.hash)
			for name, good := range map[string]string{"enveloped": s.enveloped(t, ""), "enveloping": s.enveloping(t, "")} {
				if got := verdict(check1(t, good, nil)); got != "intact whole" {
					t.Errorf("%s: %s", name, got)
				}
				bad := strings.Replace(strings.Replace(good, "kwota 100", "kwota 900", 1), "2026-11-24T10:15", "2026-11-24T10:16", 1)
				if got := verdict(check1(t, bad, nil)); got != "HASH_FAILURE digest" {
					t.Errorf("%s, changed: %s", name, got)
				}
				if tt.oracle && !testing.Short() {
					xmlsec(t, good, true)
					xmlsec(t, bad, false)
				}
			}
		})
	}
}

func xmlsec(t *testing.T, doc string, want bool) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "a.xml")
	if err := os.WriteFile(name, []byte(doc), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "xmlsec1", "--verify", "--insecure", "--id-attr:Id", "http://uri.etsi.org/01903/v1.3.2#:SignedProperties", "--id-attr:Id", "tresc", name).CombinedOutput()
	if (err == nil) != want {
		t.Errorf("xmlsec1 says %v, want good = %t\n%s", err, want, out)
	}
}

// Canonicalisations and transforms in the combinations programs use.
func TestTransformsAgreeWithXmlsec(t *testing.T) {
	s := rsaSigner(t)
	const filter = transformFilter + `|<XPath xmlns="` + transformFilter + `" Filter="subtract">/descendant::ds:Signature</XPath>`
	const doc = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<?sheet a='1'?>\n<!-- c1 --><pismo xmlns='urn:pismo' xmlns:b=\"urn:b\" xml:lang=\"pl\" b:z='1' a=\"x&#10;y\n&quot;&lt;&amp;\"><b:pusty/><!-- c2 -->" +
		"<tresc Id='t1' xmlns=''> &lt;&amp;&gt; <![CDATA[<a>]]> \r\n ż <c xmlns='urn:c'><d xmlns=''/></c></tresc>@signature</pismo><!-- c3 -->\n"
	for _, tt := range []struct{ name, references string }{
		{"enveloped", refTo("", "", transformEnveloped)},
		{"inclusive", refTo("", "", transformEnveloped, c14n10)},
		{"inclusive with comments", refTo("#xpointer(/)", "", transformEnveloped, c14n10+"#WithComments")},
		{"inclusive 1.1", refTo("", "", transformEnveloped, c14n11)},
		{"exclusive", refTo("", "", transformEnveloped, c14nExcl)},
		{"exclusive with comments", refTo("", "", transformEnveloped, c14nExcl+"WithComments")},
		{"exclusive with prefixes", refTo("", "", transformEnveloped, c14nExcl+`|<InclusiveNamespaces xmlns="`+c14nExcl+`" PrefixList="#default b"/>`)},
		{"XPath without signatures", refTo("", "", transformXPath+"|<ds:XPath>not(ancestor-or-self::ds:Signature)</ds:XPath>", c14n10)},
		{"XPath for one element by its Id", refTo("", "", transformXPath+`|<ds:XPath>ancestor-or-self::tresc[@Id='t1']</ds:XPath>`, c14nExcl)},
		{"XPath filter without signatures", refTo("", "", filter, c14nExcl)},
		{"an element, inclusive", refTo("#t1", "", c14n10)},
		{"an element, inclusive 1.1", refTo("#t1", "", c14n11)},
		{"an element, exclusive", refTo("#t1", "", c14nExcl)},
		{"an element without transforms", refTo("#t1", "")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			signed := s.sign(t, strings.Replace(doc, "@signature", s.signature(tt.references, "", ""), 1))
			if got := verdict(check1(t, signed, nil)); !strings.HasPrefix(got, "intact") {
				t.Error(got)
			}
			if !testing.Short() {
				xmlsec(t, signed, true)
			}
		})
	}
}

func TestDetachedSignatures(t *testing.T) {
	s := rsaSigner(t)
	files := map[string]string{"pismo.pdf": "%PDF-1.7", "": "%PDF-1.7"}
	s.resolve = func(name string) ([]byte, error) {
		if b, ok := files[name]; ok {
			return []byte(b), nil
		}
		return nil, nil
	}
	signed := s.sign(t, s.signature(refTo("pismo.pdf", ""), "", ""))
	d := check1(t, signed, s.resolve)
	if got := verdict(d); got != "intact files" {
		t.Error(got)
	}
	if r := d.Signatures[0].References[0]; !r.Plain || len(r.Digest) != 32 || r.DigestAlgorithm != spaceEnc+"sha256" {
		t.Errorf("not to be paired by digest: %+v", r)
	}
	if got := verdict(check1(t, signed, nil)); got != "SIGNED_DATA_NOT_FOUND missing_file" {
		t.Errorf("without the file: %s", got)
	}
	files["pismo.pdf"] = "%PDF-1.8"
	if got := verdict(check1(t, signed, s.resolve)); got != "HASH_FAILURE digest" {
		t.Errorf("with another file: %s", got)
	}
	nameless := s.sign(t, s.signature(strings.Replace(refTo("", ""), `URI=""`, "", 1), "", ""))
	if got := verdict(check1(t, nameless, s.resolve)); got != "intact files" {
		t.Errorf("a reference without a name: %s", got)
	}
}

func TestPropertiesAreRead(t *testing.T) {
	s := rsaSigner(t)
	d := check1(t, s.enveloping(t, `<xades:SignerRoleV2><xades:ClaimedRoles><xades:ClaimedRole>burmistrz</xades:ClaimedRole></xades:ClaimedRoles></xades:SignerRoleV2>`), nil)
	p := d.Signatures[0].Properties
	if p.SignedAt.Format("2006-01-02 15:04") != "2026-11-24 10:15" || len(p.Roles) != 1 || p.Roles[0] != "burmistrz" || !p.Bound {
		t.Errorf("%+v", p)
	}
	if o := d.Signatures[0].Objects; len(o) != 1 || string(o[0].Content) != "treść pisma" || o[0].MediaType != "text/plain" || !o[0].Signed {
		t.Errorf("%+v", o)
	}
	if d.Signatures[0].Level != "B-B" || !bytes.Equal(d.Signatures[0].Certificate, s.cert) {
		t.Errorf("%+v", d.Signatures[0])
	}
}

func TestSignaturesByOldAlgorithmsAreIntactAndWeak(t *testing.T) {
	s := newSigner(t, "rsa-small", spaceDS+"rsa-sha1", crypto.SHA1)
	d := check1(t, s.enveloped(t, ""), nil)
	if got := verdict(d); got != "intact whole" {
		t.Error(got)
	}
	if got := strings.Join(d.Signatures[0].Weak, " "); got != "SHA-1 RSA-1024" {
		t.Errorf("weak = %q", got)
	}
}
