package cms

import (
	"crypto"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"math/big"
	"slices"
	"strings"
	"testing"

	"kancelaria/registry"
	"kancelaria/testenv/forge"
)

var letter = []byte("Content-Type: text/plain\r\n\r\nWniosek o wycinkę drzewa.\r\n")

// expect is a verdict: intact, or the sub-indication with the code.
func verdict(r Result) string {
	reasons := r.Reasons
	intact := registry.SignatureIntact
	for _, s := range r.Signers {
		reasons = append(reasons, s.Reasons...)
		if s.Intact != registry.SignatureIntact {
			intact = s.Intact
		}
	}
	said := []string{}
	for _, why := range reasons {
		said = append(said, why.Reason+" "+why.Code)
	}
	if len(r.Signers) == 0 {
		intact = "none"
	}
	return strings.TrimSpace(intact + " " + strings.Join(said, ", "))
}

func check(t *testing.T, c forge.CMS, content []byte) Result {
	t.Helper()
	return checkBytes(t, c.Make(t), content)
}

func checkBytes(t *testing.T, blob, content []byte) Result {
	t.Helper()
	o := Options{}
	if content != nil {
		o.Contents = []Content{inMemory(content)}
	}
	return Check(t.Context(), blob, o)
}

func TestEveryAlgorithmOfTheDayVerifies(t *testing.T) {
	town := forge.NewTown(t)
	issue := func(key crypto.Signer) *forge.Party { return town.Authority.Issue("resident", key) }
	for name, seal := range map[string]forge.Seal{
		"RSA PKCS #1":            {By: issue(forge.RSA(t, 3072))},
		"RSA with SHA-512":       {By: issue(forge.RSA(t, 3072)), Digest: crypto.SHA512},
		"RSA PSS":                {By: issue(forge.RSA(t, 3072)), PSS: true},
		"RSA PSS SHA-384":        {By: issue(forge.RSA(t, 3072)), PSS: true, Digest: crypto.SHA384},
		"RSA with SHA-3":         {By: issue(forge.RSA(t, 3072)), Digest: crypto.SHA3_256},
		"RSA without attributes": {By: issue(forge.RSA(t, 3072)), Bare: true},
		"P-256":                  {By: issue(forge.EC(t, elliptic.P256()))},
		"P-256 with SHA-3":       {By: issue(forge.EC(t, elliptic.P256())), Digest: crypto.SHA3_256},
		"P-384":                  {By: issue(forge.EC(t, elliptic.P384())), Digest: crypto.SHA384},
		"P-521":                  {By: issue(forge.EC(t, elliptic.P521())), Digest: crypto.SHA512},
		"P-256, r and s plain":   {By: issue(forge.EC(t, elliptic.P256())), Plain: true},
		"Ed25519":                {By: issue(forge.Ed(t)), Digest: crypto.SHA512},
		"Ed25519, bare":          {By: issue(forge.Ed(t)), Digest: crypto.SHA512, Bare: true},
		"named by key":           {By: issue(forge.EC(t, elliptic.P256())), KeyID: true},
		"without attribute":      {By: issue(forge.EC(t, elliptic.P256())), Unnamed: true},
	} {
		t.Run(name, func(t *testing.T) {
			detached := forge.CMS{Content: letter, Seals: []forge.Seal{seal}}
			r := check(t, detached, letter)
			if got := verdict(r); got != "intact" {
				t.Errorf("detached: %s", got)
			}
			s := r.Signers[0]
			if s.Certificate == nil || !s.Certificate.X509.Equal(seal.By.Cert) || s.Named == (seal.Unnamed || seal.Bare) {
				t.Errorf("certificate %v, named %t", s.Certificate, s.Named)
			}
			attached := detached
			attached.Attached = true
			if r := check(t, attached, nil); verdict(r) != "intact" || string(r.Content) != string(letter) {
				t.Errorf("attached: %s, content %q", verdict(r), r.Content)
			}
			if got := verdict(check(t, detached, []byte("another letter"))); !strings.HasPrefix(got, "broken ") {
				t.Errorf("over another letter: %s", got)
			}
		})
	}
}

func TestEachAttackOnACMSHasItsSubIndication(t *testing.T) {
	town := forge.NewTown(t)
	resident := town.Authority.Issue("resident", forge.EC(t, elliptic.P256()))
	stranger := town.Authority.Issue("stranger", forge.EC(t, elliptic.P256()))
	other := []byte("Content-Type: text/plain\r\n\r\nInny wniosek.\r\n")
	twice := func(id string, value []byte) []forge.Attribute {
		return []forge.Attribute{{ID: id, Values: [][]byte{value}}}
	}
	for _, tt := range []struct {
		name string
		c    forge.CMS
		over []byte // default letter
		want string
	}{
		{"content inside a detached signature differs", forge.CMS{Content: other, Attached: true, Seals: []forge.Seal{{By: resident}}}, letter, "broken SIG_CONSTRAINTS_FAILURE content_beside, HASH_FAILURE content_changed"},
		{"content inside differs, the one outside is signed", forge.CMS{Content: letter, Inside: other, Seals: []forge.Seal{{By: resident}}}, letter, "intact SIG_CONSTRAINTS_FAILURE content_beside"},
		{"content inside is the same", forge.CMS{Content: letter, Attached: true, Seals: []forge.Seal{{By: resident}}}, letter, "intact"},
		{"signed by nobody", forge.CMS{Content: letter}, nil, "none FORMAT_FAILURE no_signer"},
		{"two message digests", forge.CMS{Content: letter, Seals: []forge.Seal{{By: resident, Extra: twice("1.2.840.113549.1.9.4", forge.TLV(4, forge.Sum(crypto.SHA256, other)))}}}, nil, "broken FORMAT_FAILURE duplicate_attribute"},
		{"two signing times", forge.CMS{Content: letter, Seals: []forge.Seal{{By: resident, Extra: twice("1.2.840.113549.1.9.5", forge.TLV(0x17, []byte("200101000000Z")))}}}, nil, "broken FORMAT_FAILURE duplicate_attribute"},
		{"two signing certificates", forge.CMS{Content: letter, Seals: []forge.Seal{{By: resident, Extra: twice("1.2.840.113549.1.9.16.2.47", forge.TLV(0x30, forge.TLV(0x30, forge.TLV(0x30, forge.TLV(4, forge.Sum(crypto.SHA256, stranger.Cert.Raw))))))}}}, nil, "broken FORMAT_FAILURE duplicate_attribute"},
		{"another certificate is named", forge.CMS{Content: letter, Seals: []forge.Seal{{By: resident, Named: stranger.Cert}}}, nil, "intact SIG_CONSTRAINTS_FAILURE certificate_differs"},
		{"stated content type differs", forge.CMS{Content: letter, Seals: []forge.Seal{{By: resident, Type: "1.2.840.113549.1.9.16.1.4"}}}, nil, "broken FORMAT_FAILURE content_type_differs"},
		{"stated digest differs", forge.CMS{Content: letter, Seals: []forge.Seal{{By: resident, Sum: forge.Sum(crypto.SHA256, other)}}}, nil, "broken HASH_FAILURE content_changed"},
		{"digest and signature disagree", forge.CMS{Content: letter, Seals: []forge.Seal{{By: resident, Scheme: "1.2.840.10045.4.3.4"}}}, nil, "broken SIG_CRYPTO_FAILURE algorithm_mismatch"},
		{"another kind of signature than the key", forge.CMS{Content: letter, Seals: []forge.Seal{{By: resident, Scheme: "1.2.840.113549.1.1.11"}}}, nil, "broken SIG_CRYPTO_FAILURE value_wrong"},
		{"Ed448", forge.CMS{Content: letter, Seals: []forge.Seal{{By: resident, Scheme: "1.3.101.113"}}}, nil, "unchecked CRYPTO_CONSTRAINTS_FAILURE unsupported_algorithm"},
		{"no certificate", forge.CMS{Content: letter, Naked: true, Seals: []forge.Seal{{By: resident}}}, nil, "unchecked NO_SIGNING_CERTIFICATE_FOUND no_certificate"},
		{"SHA-1", forge.CMS{Content: letter, Seals: []forge.Seal{{By: resident, Digest: crypto.SHA1}}}, nil, "intact CRYPTO_CONSTRAINTS_FAILURE weak_digest"},
		{"RSA of 1024 bits", forge.CMS{Content: letter, Seals: []forge.Seal{{By: town.Authority.Issue("weak", forge.RSA(t, 1024))}}}, nil, "intact CRYPTO_CONSTRAINTS_FAILURE weak_key"},
		{"attributes of another signature as content", forge.CMS{Content: forge.TLV(0x31, attributesOf(t, resident)...), Seals: []forge.Seal{{By: resident, Bare: true}}}, forge.TLV(0x31, attributesOf(t, resident)...), "broken FORMAT_FAILURE malformed"},
		{"several signers, both are told", forge.CMS{Content: letter, Seals: []forge.Seal{{By: resident}, {By: stranger}}}, nil, "intact"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			over := tt.over
			if over == nil {
				over = letter
			}
			r := check(t, tt.c, over)
			if got := verdict(r); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			if len(r.Signers) != len(tt.c.Seals) {
				t.Errorf("%d signers told of %d", len(r.Signers), len(tt.c.Seals))
			}
		})
	}
	if got := verdict(check(t, forge.CMS{Content: letter, Seals: []forge.Seal{{By: resident}}}, nil)); got != "unchecked SIGNED_DATA_NOT_FOUND content_missing" {
		t.Errorf("without its file: %s", got)
	}
}

// attributesOf gives signed attributes as a signer would state them.
func attributesOf(t *testing.T, p *forge.Party) [][]byte {
	t.Helper()
	return [][]byte{
		forge.TLV(0x30, forge.OID("1.2.840.113549.1.9.3"), forge.TLV(0x31, forge.OID("1.2.840.113549.1.7.1"))),
		forge.TLV(0x30, forge.OID("1.2.840.113549.1.9.4"), forge.TLV(0x31, forge.TLV(4, forge.Sum(crypto.SHA256, p.Cert.Raw)))),
	}
}

// e=3 and a padding that is read from the left only: Bleichenbacher's forgery
// of 2006 finds a cube root whose head looks like a signature.
func TestACubeRootIsNoSignature(t *testing.T) {
	weak := *forge.RSA(t, 3072)
	weak.E = 3
	prefix := []byte{0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20}
	block := append([]byte{0, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0}, append(prefix, forge.Sum(crypto.SHA256, letter)...)...)
	block = append(block, make([]byte, weak.Size()-len(block))...)
	root := new(big.Int).Exp(big.NewInt(2), big.NewInt(int64(weak.N.BitLen()/3+8)), nil)
	low, target := new(big.Int), new(big.Int).SetBytes(block)
	for one := big.NewInt(1); new(big.Int).Sub(root, low).Cmp(one) > 0; {
		mid := new(big.Int).Rsh(new(big.Int).Add(low, root), 1)
		if new(big.Int).Exp(mid, big.NewInt(3), nil).Cmp(target) < 0 {
			low = mid
		} else {
			root = mid
		}
	}
	forged := root.FillBytes(make([]byte, weak.Size()))
	s := scheme{kind: rsaKey}
	if err := s.verify(&rsa.PublicKey{N: weak.N, E: 3}, crypto.SHA256, letter, forge.Sum(crypto.SHA256, letter), forged); err != errValue {
		t.Errorf("a cube root: %v", err)
	}
}

func TestEveryBitOfASignatureCounts(t *testing.T) {
	town := forge.NewTown(t)
	resident := town.Authority.Issue("resident", forge.EC(t, elliptic.P256()))
	blob := forge.CMS{Content: letter, Attached: true, Seals: []forge.Seal{{By: resident}}}.Make(t)
	if got := verdict(checkBytes(t, blob, nil)); got != "intact" {
		t.Fatal(got)
	}
	detached := forge.CMS{Content: letter, Seals: []forge.Seal{{By: resident}}}.Make(t)
	for bit := range 8 * len(letter) {
		if r := checkBytes(t, detached, forge.Flip(letter, bit)); !strings.Contains(verdict(r), "HASH_FAILURE") {
			t.Fatalf("bit %d of the letter: %s", bit, verdict(r))
		}
	}
	// What may change and leave it intact: fields that nobody signs, read only
	// to find the certificate, whose own seal the chain proves.
	for bit := 0; bit < 8*len(blob); bit += 7 { // meets every bit of an octet
		r := checkBytes(t, forge.Flip(blob, bit), nil)
		if verdict(r) == "intact" && string(r.Content) != string(letter) {
			t.Fatalf("bit %d: intact over %q", bit, r.Content)
		}
		if verdict(r) == "intact" && r.Signers[0].Certificate.X509 != nil && !slices.Equal(r.Signers[0].Certificate.X509.RawSubjectPublicKeyInfo, resident.Cert.RawSubjectPublicKeyInfo) {
			t.Fatalf("bit %d: intact with another key", bit)
		}
	}
}

func TestATimestampCountsForWhatItStamps(t *testing.T) {
	town := forge.NewTown(t)
	resident := town.Authority.Issue("resident", forge.EC(t, elliptic.P256()))
	authority := town.Authority.Issue("clock", forge.EC(t, elliptic.P256()), forge.Stamping())
	for _, tt := range []struct {
		name  string
		token func(value []byte) []byte
		state string
		want  string
	}{
		{"over this value", func(v []byte) []byte { return authority.Stamp(t, v, forge.Now()) }, "intact", "intact"},
		{"over another value", func([]byte) []byte { return authority.Stamp(t, []byte("another"), forge.Now()) }, "broken", "intact SIG_CONSTRAINTS_FAILURE timestamp_broken"},
		{"by somebody who stamps no time", func(v []byte) []byte { return resident.Stamp(t, v, forge.Now()) }, "broken", "intact SIG_CONSTRAINTS_FAILURE timestamp_broken"},
		{"not a token", func([]byte) []byte { return forge.TLV(0x30, []byte{2, 1, 1}) }, "broken", "intact SIG_CONSTRAINTS_FAILURE timestamp_broken"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			seal := forge.Seal{By: resident, Later: func(value []byte) []forge.Attribute {
				return []forge.Attribute{{ID: "1.2.840.113549.1.9.16.2.14", Values: [][]byte{tt.token(value)}}}
			}}
			r := check(t, forge.CMS{Content: letter, Seals: []forge.Seal{seal}}, letter)
			if got := verdict(r); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			s := r.Signers[0]
			if len(s.Timestamps) != 1 || s.Timestamps[0].State != tt.state || s.Level != "B-T" {
				t.Errorf("%s %+v", s.Level, s.Timestamps)
			}
			if tt.state == "intact" && !s.Timestamps[0].At.Equal(forge.Now()) {
				t.Errorf("at %v", s.Timestamps[0].At)
			}
		})
	}
}

func TestACountersignatureIsOverTheValue(t *testing.T) {
	town := forge.NewTown(t)
	resident := town.Authority.Issue("resident", forge.EC(t, elliptic.P256()))
	counter := func(over func(value []byte) []byte) Signer {
		seal := forge.Seal{By: resident, Later: func(value []byte) []forge.Attribute {
			return []forge.Attribute{{ID: "1.2.840.113549.1.9.6", Values: [][]byte{forge.Seal{By: resident}.Info(t, over(value))}}}
		}}
		r := check(t, forge.CMS{Content: letter, Seals: []forge.Seal{seal}}, letter)
		return r.Signers[0]
	}
	if s := counter(func(v []byte) []byte { return v }); len(s.Counter) != 1 || s.Counter[0].Intact != "intact" || s.Intact != "intact" {
		t.Errorf("%+v", s)
	}
	s := counter(func([]byte) []byte { return []byte("another value") })
	if s.Counter[0].Intact != "broken" || s.Intact != "intact" || len(s.Reasons) != 1 || s.Reasons[0].Code != "countersignature_broken" {
		t.Errorf("copied from elsewhere: %+v", s)
	}
}

func TestRevocationDataOfAllKindsAreFound(t *testing.T) {
	town := forge.NewTown(t)
	resident := town.Authority.Issue("resident", forge.EC(t, elliptic.P256()))
	list, err := x509.CreateRevocationList(nil, &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: forge.Now(), NextUpdate: forge.Now().AddDate(0, 1, 0)}, town.Authority.Cert, town.Authority.Key)
	if err != nil {
		t.Fatal(err)
	}
	answer := forge.TLV(0x30, []byte{0x0a, 1, 0})
	other := forge.TLV(0xa1, forge.OID("1.3.6.1.5.5.7.16.2"), answer)
	seal := forge.Seal{By: resident, Later: func([]byte) []forge.Attribute {
		return []forge.Attribute{{ID: "1.2.840.113549.1.9.16.2.24", Values: [][]byte{forge.TLV(0x30, forge.TLV(0xa0, forge.TLV(0x30, list)), forge.TLV(0xa1, forge.TLV(0x30, answer)))}}}
	}}
	r := check(t, forge.CMS{Content: letter, CRLs: [][]byte{list, other}, Seals: []forge.Seal{seal}}, letter)
	if verdict(r) != "intact" || len(r.CRLs) != 2 || len(r.OCSPs) != 2 || string(r.OCSPs[0]) != string(answer) {
		t.Errorf("%s, %d lists, %d answers", verdict(r), len(r.CRLs), len(r.OCSPs))
	}
}

func TestLengthsNeedNotBeTold(t *testing.T) {
	town := forge.NewTown(t)
	resident := town.Authority.Issue("resident", forge.EC(t, elliptic.P256()))
	der := forge.CMS{Content: letter, Attached: true, Seals: []forge.Seal{{By: resident}}}.Make(t)
	loose := loosen(t, der, 0)
	r := checkBytes(t, loose, nil)
	if verdict(r) != "intact" || string(r.Content) != string(letter) {
		t.Errorf("%s, content %q", verdict(r), r.Content)
	}
	if r := checkBytes(t, append(loose, 0, 0, 0), nil); r.Trailing != 0 || verdict(r) != "intact" {
		t.Errorf("with padding: %s, %d behind", verdict(r), r.Trailing)
	}
	if r := checkBytes(t, append(der, "<html>"...), nil); r.Trailing != 6 {
		t.Errorf("%d behind", r.Trailing)
	}
}

// loosen writes the outer layers without lengths and octets in pieces, as
// programs that stream do.
func loosen(t *testing.T, der []byte, depth int) []byte {
	t.Helper()
	e, rest, err := next(der)
	if err != nil {
		t.Fatal(err)
	}
	var body []byte
	switch {
	case e.tag == tagOctets && len(e.content) == len(letter):
		body = append([]byte{tagOctetParts, 0x80}, append(forge.TLV(4, e.content[:5]), forge.TLV(4, e.content[5:])...)...)
		body = append(body, 0, 0)
	case depth < 5 && (e.tag == tagSequence || e.tag == tagContext) && strings.Contains(string(e.raw), string(letter)):
		body = append(body, e.tag, 0x80)
		for inner := e.content; len(inner) > 0; {
			m, more, err := next(inner)
			if err != nil {
				t.Fatal(err)
			}
			body, inner = append(body, loosen(t, m.raw, depth+1)...), more
		}
		body = append(body, 0, 0)
	default:
		body = e.raw
	}
	return append(body, rest...)
}

func TestDepthAndNumberAreBounded(t *testing.T) {
	deep := []byte{5, 0}
	for range 100 {
		deep = forge.TLV(0x30, deep)
	}
	if r := checkBytes(t, deep, nil); !strings.HasPrefix(verdict(r), "none GENERIC limit") || len(r.Limits) == 0 {
		t.Errorf("100 deep: %s", verdict(r))
	}
	loose := strings.Repeat("\x30\x80", 100)
	if r := checkBytes(t, []byte(loose), nil); !strings.HasPrefix(verdict(r), "none GENERIC limit") {
		t.Errorf("100 without length: %s", verdict(r))
	}
	town := forge.NewTown(t)
	resident := town.Authority.Issue("resident", forge.EC(t, elliptic.P256()))
	if got := verdict(check(t, forge.CMS{Content: letter, Seals: slices.Repeat([]forge.Seal{{By: resident}}, 21)}, letter)); got != "none GENERIC limit" {
		t.Errorf("21 signers: %s", got)
	}
	if got := verdict(Check(t.Context(), make([]byte, 2000), Options{Limits: Limits{Size: 1000}})); got != "none GENERIC limit" {
		t.Errorf("too large: %s", got)
	}
}

func FuzzCheck(f *testing.F) {
	town := forge.NewTown(f)
	resident := town.Authority.Issue("resident", forge.EC(f, elliptic.P256()))
	authority := town.Authority.Issue("clock", forge.EC(f, elliptic.P256()), forge.Stamping())
	f.Add(forge.CMS{Content: letter, Attached: true, Seals: []forge.Seal{{By: resident, Later: func(v []byte) []forge.Attribute {
		return []forge.Attribute{{ID: "1.2.840.113549.1.9.16.2.14", Values: [][]byte{authority.Stamp(f, v, forge.Now())}}}
	}}}}.Make(f))
	f.Add([]byte("0\x80\x06\x09*\x86H\x86\xf7\x0d\x01\x07\x02\xa0\x800\x80\x02\x01\x01"))
	f.Fuzz(func(t *testing.T, blob []byte) {
		r := Check(t.Context(), blob, Options{Contents: []Content{inMemory(letter)}})
		if len(r.Signers) == 0 && len(r.Reasons) == 0 {
			t.Error("nothing said")
		}
		for _, s := range r.Signers {
			if s.Intact == registry.SignatureIntact && s.Certificate == nil {
				t.Error("intact and nobody's")
			}
			if s.Intact != registry.SignatureIntact && len(s.Reasons) == 0 {
				t.Error("not intact without a reason")
			}
		}
		if out, used, err := definite(blob); err == nil && (used > len(blob) || len(out) > len(blob)+64*10) {
			t.Errorf("%d bytes became %d", used, len(out))
		}
	})
}
