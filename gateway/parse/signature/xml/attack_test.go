package xml

import (
	"crypto"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
)

// Signature wrapping: what was signed is moved away and something else stands
// where one would look for it.
func TestWrappedSignaturesDoNotSpeakForTheDocument(t *testing.T) {
	s := rsaSigner(t)
	element := s.sign(t, strings.Replace(letter, "@signature", s.signature(refTo("#t1", "", c14nExcl), "", ""), 1))
	sig := element[strings.Index(element, "<ds:Signature "):strings.Index(element, "</pismo>")]
	const signed, evil = `<tresc Id="t1">kwota 100 zł</tresc>`, `<tresc Id="t2">kwota 900 zł</tresc>`
	root := `<pismo xmlns="urn:pismo" xmlns:a="urn:a" a:nr="1">`
	whole := s.enveloped(t, "")
	around := s.enveloping(t, "")
	for _, tt := range []struct{ name, doc, want string }{
		{"1: the signed element beside its copy", root + evil + signed + sig + "</pismo>", "intact part"},
		{"2: the signed element before the signature, a copy behind", root + signed + sig + evil + "</pismo>", "intact part"},
		{"3: the signed element in a header nobody reads", root + "<naglowek>" + signed + "</naglowek>" + evil + sig + "</pismo>", "intact part"},
		{"4: the signed element inside its copy", root + `<tresc Id="t2">kwota 900 zł` + signed + "</tresc>" + sig + "</pismo>", "intact part"},
		{"5: the signed element inside the signature", root + evil + strings.Replace(sig, "</ds:Signature>", "<ds:Object>"+signed+"</ds:Object></ds:Signature>", 1) + "</pismo>", "intact part"},
		{"6: the signature inside the copy, the signed element inside the signature", root + `<tresc Id="t2">kwota 900 zł` + strings.Replace(sig, "</ds:Signature>", "<ds:Object>"+signed+"</ds:Object></ds:Signature>", 1) + "</tresc></pismo>", "intact part"},
		{"7: a copy of the same Id", root + `<tresc Id="t1">kwota 900 zł</tresc>` + signed + sig + "</pismo>", "FORMAT_FAILURE duplicate_id"},
		{"8: a copy of the same id in another spelling", root + `<tresc id="t1">kwota 900 zł</tresc>` + signed + sig + "</pismo>", "FORMAT_FAILURE duplicate_id"},
		{"the signed element is gone", root + evil + sig + "</pismo>", "SIGNED_DATA_NOT_FOUND reference"},
		{"an unsigned object beside the signed one", strings.Replace(around, "</ds:Signature>", `<ds:Object Id="o2">kwota 900</ds:Object></ds:Signature>`, 1), "intact part"},
		{"an unsigned object hidden in an enveloped signature", strings.Replace(whole, "</ds:Signature>", `<ds:Object><tresc>kwota 900</tresc></ds:Object></ds:Signature>`, 1), "intact part"},
		{"the whole signed document inside another", "<koperta>" + whole + "<tresc>kwota 900</tresc></koperta>", "HASH_FAILURE digest"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := verdict(check1(t, tt.doc, nil)); got != tt.want {
				t.Errorf("verdict = %q, want %q", got, tt.want)
			}
		})
	}
}

func TestForgedSignatures(t *testing.T) {
	s := rsaSigner(t)
	good := s.enveloped(t, "")
	if got := verdict(check1(t, good, nil)); got != "intact whole" {
		t.Fatal(got)
	}
	other := newSigner(t, "p256", spaceMore+"ecdsa-sha256", crypto.SHA256)
	same := newSigner(t, "rsa", spaceMore+"rsa-sha256", crypto.SHA256) // another certificate of the same key
	der := base64.StdEncoding.EncodeToString
	again := func(doc string) string { // signed with the change in it
		value := between(doc, `Id="v1">`, "</ds:SignatureValue>")
		return s.sign(t, strings.Replace(doc, value, `Id="v1">@value</ds:SignatureValue>`, 1))
	}
	properties := between(good, "<xades:SignedProperties", "</xades:SignedProperties>")
	for _, tt := range []struct{ name, doc, want string }{
		{"a second set of signed properties", strings.Replace(good, properties, properties+strings.Replace(properties, `Id="p1"`, `Id="p2"`, 1), 1), "FORMAT_FAILURE properties"},
		{"a second set before the signed one, in an object of its own", strings.Replace(good, "<ds:Object>", `<ds:Object><xades:QualifyingProperties xmlns:xades="http://uri.etsi.org/01903/v1.3.2#" Target="#s1">`+strings.Replace(properties, `Id="p1"`, `Id="p2"`, 1)+"</xades:QualifyingProperties></ds:Object><ds:Object>", 1), "FORMAT_FAILURE properties"},
		{"properties meant for another signature", strings.Replace(good, `Target="#s1"`, `Target="#s2"`, 1), "FORMAT_FAILURE properties"},
		{"properties nobody signed", s.sign(t, strings.Replace(letter, "@signature", strings.Replace(s.signature(refTo("", "", transformEnveloped), "", ""), refTo("#p1", `Type="http://uri.etsi.org/01903#SignedProperties"`, c14nExcl), "", 1), 1)), "SIG_CONSTRAINTS_FAILURE properties"},
		{"another person's certificate", strings.Replace(good, der(s.cert), der(other.cert), 1), "SIG_CONSTRAINTS_FAILURE certificate"},
		{"another certificate of the same key", strings.Replace(good, der(s.cert), der(same.cert), 1), "SIG_CONSTRAINTS_FAILURE certificate"},
		{"no certificate", strings.Replace(good, der(s.cert), "", 1), "NO_SIGNING_CERTIFICATE_FOUND certificate"},
		{"a shared secret", strings.Replace(good, spaceMore+"rsa-sha256", spaceMore+"hmac-sha256", 1), "NO_SIGNING_CERTIFICATE_FOUND certificate"},
		{"another digest in the signature algorithm", strings.Replace(good, "rsa-sha256", "rsa-sha512", 1), "SIG_CRYPTO_FAILURE value"},
		{"a signature algorithm for another key", strings.Replace(good, "rsa-sha256", "ecdsa-sha256", 1), "SIG_CRYPTO_FAILURE value"},
		{"a signature algorithm nobody knows", strings.Replace(good, "rsa-sha256", "rsa-whirlpool", 1), "GENERIC unsupported"},
		{"a digest algorithm nobody knows", again(strings.Replace(good, "xmlenc#sha256", "xmlenc#whirlpool", 1)), "GENERIC unsupported"},
		{"two values", strings.Replace(good, "</ds:SignatureValue>", "</ds:SignatureValue><ds:SignatureValue>AA==</ds:SignatureValue>", 1), "FORMAT_FAILURE structure"},
		{"two SignedInfo", strings.Replace(good, "<ds:SignedInfo>", "<ds:SignedInfo/><ds:SignedInfo>", 1), "FORMAT_FAILURE structure"},
		{"no references", strings.Replace(good, between(good, "<ds:Reference", "</ds:SignedInfo>"), "</ds:SignedInfo>", 1), "FORMAT_FAILURE structure"},
		{"a document type", `<?xml version="1.0"?><!DOCTYPE pismo [<!ATTLIST tresc Id ID #IMPLIED>]>` + good, "FORMAT_FAILURE doctype"},
		{"an external entity", `<!DOCTYPE pismo [<!ENTITY x SYSTEM "file:///etc/passwd">]>` + good, "FORMAT_FAILURE doctype"},
		{"an entity bomb", `<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><a>&b;</a>`, "FORMAT_FAILURE doctype"},
		{"an entity out of nowhere", strings.Replace(good, "Wniosek", "&wniosek;", 1), "FORMAT_FAILURE malformed"},
		{"a program as a transform", strings.Replace(good, c14nExcl+`"></ds:Transform></ds:Transforms>`, transformXSLT+`"></ds:Transform></ds:Transforms>`, 1), "FORMAT_FAILURE unsupported"},
		{"a reference into the network", again(strings.Replace(good, `URI=""`, `URI="http://evil.example/a.xml"`, 1)), "SIGNED_DATA_NOT_FOUND missing_file"},
		{"an XPath expression nobody uses", again(strings.Replace(good, transformEnveloped+`">`, transformXPath+`"><ds:XPath>count(//*) = 3</ds:XPath>`, 1)), "GENERIC unsupported"},
		{"too many references", strings.Replace(good, "<ds:Reference", strings.Repeat(`<ds:Reference URI="x"/>`, 101)+"<ds:Reference", 1), "GENERIC limit"},
		{"too many transforms", again(strings.Replace(good, "<ds:Transform ", strings.Repeat(`<ds:Transform Algorithm="`+c14nExcl+`"/>`, 9)+"<ds:Transform ", 1)), "GENERIC limit"},
		{"elements nested too deeply", strings.Repeat("<a>", 600) + strings.Repeat("</a>", 600), "GENERIC limit"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := verdict(check1(t, tt.doc, nil)); got != tt.want {
				t.Errorf("verdict = %q, want %q", got, tt.want)
			}
		})
	}
}

func between(s, from, to string) string {
	i := strings.Index(s, from)
	return s[i : i+strings.Index(s[i:], to)+len(to)]
}

// Ten references over the same large element would cost ten times its size.
func TestReferencesShareOneBudget(t *testing.T) {
	s := rsaSigner(t)
	doc := s.sign(t, strings.Replace(strings.Replace(letter, "kwota", strings.Repeat("kwota", 20_000), 1), "@signature", s.signature(strings.Repeat(refTo("#t1", ""), 10), "", ""), 1))
	d, err := Read(t.Context(), strings.NewReader(doc), nil, Limits{Digested: 500_000})
	if err != nil {
		t.Fatal(err)
	}
	if got := verdict(d); got != "GENERIC limit" || len(d.LimitsHit) == 0 {
		t.Errorf("verdict = %q, limits hit %q", got, d.LimitsHit)
	}
}

// Somebody else's countersignature moved here signs something else.
func TestACountersignatureSignsTheValueItStandsUnder(t *testing.T) {
	s := rsaSigner(t)
	first := s.enveloped(t, "")
	place := func(doc, counter string) string {
		return strings.Replace(doc, "</xades:SignedProperties>", `</xades:SignedProperties><xades:UnsignedProperties><xades:UnsignedSignatureProperties><xades:CounterSignature>`+
			counter+`</xades:CounterSignature></xades:UnsignedSignatureProperties></xades:UnsignedProperties>`, 1)
	}
	renamed := strings.NewReplacer(`"#p1"`, `"#p9"`, `"p1"`, `"p9"`, `"s1"`, `"s9"`, `"#s1"`, `"#s9"`, `Id="v1"`, `Id="v9"`)
	good := s.sign(t, place(first, renamed.Replace(s.signature(refTo("#v1", "", c14nExcl), "", ""))))
	d := check1(t, good, nil)
	if got := verdict(d); got != "intact part" || d.Signatures[1].Counters != "/pismo/Signature" {
		t.Errorf("verdict = %q, counters %q", got, d.Signatures[1].Counters)
	}
	if d.Signatures[0].Problem != nil || d.Signatures[0].Covers != CoversWhole {
		t.Errorf("the first signature: %+v", d.Signatures[0].Problem)
	}
	evil := s.sign(t, place(first, renamed.Replace(s.signature(refTo("#t1", "", c14nExcl), "", ""))))
	if got := verdict(check1(t, evil, nil)); got != "FORMAT_FAILURE counter" {
		t.Errorf("of something else: %q", got)
	}
}

// The value of a time stamp's imprint: of this signature's value, not of the
// one it was copied from.
func TestATimestampIsOverTheValueItStandsUnder(t *testing.T) {
	s := rsaSigner(t)
	stamp := `</xades:SignedProperties><xades:UnsignedProperties><xades:UnsignedSignatureProperties><xades:SignatureTimeStamp><ds:CanonicalizationMethod Algorithm="` + c14nExcl +
		`"/><xades:EncapsulatedTimeStamp>MAA=</xades:EncapsulatedTimeStamp></xades:SignatureTimeStamp></xades:UnsignedSignatureProperties></xades:UnsignedProperties>`
	d := check1(t, strings.Replace(s.enveloped(t, ""), "</xades:SignedProperties>", stamp, 1), nil)
	ts := d.Signatures[0].Timestamps
	if len(ts) != 1 || ts[0].Kind != "signature" || string(ts[0].Token) != "\x30\x00" {
		t.Fatalf("%+v", ts)
	}
	if !strings.HasPrefix(string(ts[0].Messages[0]), `<ds:SignatureValue xmlns:ds="http://www.w3.org/2000/09/xmldsig#" Id="v1">`) || d.Signatures[0].Level != "B-T" {
		t.Errorf("message = %.100q, level %s", ts[0].Messages[0], d.Signatures[0].Level)
	}
}

// Whichever bit of a signed document is turned, it is noticed, or nothing that
// XML knows of has changed.
func TestEverySingleBitMatters(t *testing.T) {
	good := rsaSigner(t).enveloped(t, "")
	limits := Limits{}.orDefault()
	was, err := parse([]byte(good), limits)
	if err != nil {
		t.Fatal(err)
	}
	form := everything(t, was)
	step := 3
	for at := 0; at < len(good); at += step {
		evil := []byte(good)
		evil[at] ^= 1 << (at / step % 8)
		d := check1(t, string(evil), nil)
		if got := verdict(d); got != "intact whole" {
			continue
		}
		// KeyInfo and the value's encoding are not signed; the certificate is.
		tree, err := parse(evil, limits)
		if err != nil || everything(t, tree) != form && !harmless(good, at) {
			t.Fatalf("byte %d (%q) was changed to %q and nobody noticed", at, good[max(0, at-30):at+1], evil[at])
		}
	}
}

// harmless knows the places outside what is signed: names and attributes of
// the signature itself that no reference covers, and the padding bits of base64.
func harmless(doc string, at int) bool {
	for _, part := range []string{"<ds:Signature ", "<ds:SignatureValue ", "<ds:KeyInfo>", "</ds:X509Data>", "<ds:Object>", "<xades:QualifyingProperties "} {
		if i := strings.Index(doc, part); at >= i && at < i+strings.IndexByte(doc[i:], '>')+1 {
			return true
		}
	}
	i := strings.Index(doc, "</ds:SignatureValue>")
	j := strings.Index(doc, "</ds:X509Certificate>")
	return at >= i-4 && at < i || at >= j-4 && at < j
}

func everything(t *testing.T, doc *node) string {
	t.Helper()
	b, err := canonical(set{tops: []*node{doc}, comments: true}, method{comments: true}, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Podpis zaufany, in both its layouts, and its forged twins.
func TestThePersonOfAPodpisZaufany(t *testing.T) {
	s := rsaSigner(t)
	role := func(body string) string {
		return "<xades:SignerRole><xades:ClaimedRoles><xades:ClaimedRole>" + body + "</xades:ClaimedRole></xades:ClaimedRoles></xades:SignerRole>"
	}
	zp := func(pesel string) string {
		return fmt.Sprintf(`<ppZP:PodpisZP xmlns:ppZP="%s" xmlns:os="http://crd.gov.pl/xml/schematy/osoba/2009/03/06/"><ppZP:DaneZP><ppZP:DaneZPOsobyFizycznej><os:Nazwisko rodzajCzlonu="pierwszy">Nazwisko</os:Nazwisko><os:Imie>Imię</os:Imie><os:PESEL>%s</os:PESEL><ppZP:IdKontaUzytkownikaEpuap>konto</ppZP:IdKontaUzytkownikaEpuap></ppZP:DaneZPOsobyFizycznej></ppZP:DaneZP></ppZP:PodpisZP>`, spaceZP, pesel)
	}
	const ep = `<EPSignature xmlns="urn:ep"><NaturalPerson><CurrentFamilyName>Nazwisko</CurrentFamilyName><FirstName>Imię</FirstName><PersonalIdentifier>PL/PL/00000000000</PersonalIdentifier></NaturalPerson></EPSignature>`
	loose := func(doc, block string) string {
		return strings.Replace(doc, "</ds:Signature>", "<ds:Object>"+block+"</ds:Object></ds:Signature>", 1)
	}
	for _, tt := range []struct{ name, doc, want, person string }{
		{"first layout, enveloped", s.enveloped(t, role(zp("00000000000"))), "intact whole", "PodpisZP Imię Nazwisko 00000000000"},
		{"first layout, enveloping", s.enveloping(t, role(zp("00000000000"))), "intact whole", "PodpisZP Imię Nazwisko 00000000000"},
		{"second layout, enveloped", s.enveloped(t, role(ep)), "intact whole", "EPSignature Imię Nazwisko 00000000000"},
		{"second layout, enveloping", s.enveloping(t, role(ep)), "intact whole", "EPSignature Imię Nazwisko 00000000000"},
		{"the person outside the signed properties", loose(s.enveloped(t, ""), zp("00000000000")), "FORMAT_FAILURE identity", ""},
		{"a second person outside the signed properties", loose(s.enveloped(t, role(zp("00000000000"))), zp("11111111111")), "FORMAT_FAILURE identity", ""},
		{"two persons in the signed properties", s.enveloped(t, role(zp("00000000000")+zp("11111111111"))), "FORMAT_FAILURE identity", ""},
		{"another number in the signed properties", strings.Replace(s.enveloped(t, role(zp("00000000000"))), "<os:PESEL>0", "<os:PESEL>1", 1), "HASH_FAILURE digest", ""},
		{"the person of an older letter inside this one", s.sign(t, strings.Replace(strings.Replace(letter, "kwota", zp("11111111111"), 1), "@signature", s.signature(refTo("", "", transformEnveloped, c14nExcl), role(ep), ""), 1)), "intact whole", "EPSignature Imię Nazwisko 00000000000"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := check1(t, tt.doc, nil)
			if got := verdict(d); got != tt.want {
				t.Errorf("verdict = %q, want %q", got, tt.want)
			}
			person := ""
			if p := d.Signatures[0].Properties.Person; p != nil {
				person = p.Layout + " " + p.Given + " " + p.Family + " " + p.PESEL
			}
			if person != tt.person {
				t.Errorf("person = %q, want %q", person, tt.person)
			}
		})
	}
}
