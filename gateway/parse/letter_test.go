package parse

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"

	"kancelaria/registry"
)

const letterTop = "From: Jan <jan@poczta.example>\nTo: urzad@aleksandrowo.example\nSubject: Pismo\nDate: Mon, 23 Nov 2026 10:00:00 +0100\nMessage-ID: <1@poczta.example>\nMIME-Version: 1.0\n"

func TestWhatCountsAsAttached(t *testing.T) {
	png := "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==\n"
	for _, tt := range []struct{ name, body, want string }{
		{"text alone", "Content-Type: text/plain\n\ntext\n", "1=body"},
		{"text and page", "Content-Type: multipart/alternative; boundary=b\n\n--b\n\ntext\n--b\nContent-Type: text/html\n\n<p>text\n--b--\n", "1=body 2=body"},
		{"a file", "Content-Type: multipart/mixed; boundary=b\n\n--b\n\ntext\n--b\nContent-Type: application/pdf; name=a.pdf\n\n%PDF-1.7\n--b--\n", "1=body 2=attachment"},
		{"a text that was attached", "Content-Type: multipart/mixed; boundary=b\n\n--b\n\ntext\n--b\nContent-Type: text/plain\nContent-Disposition: attachment\n\nmore\n--b--\n", "1=body 2=attachment"},
		{"a text with a name", "Content-Type: multipart/mixed; boundary=b\n\n--b\n\ntext\n--b\nContent-Type: text/plain; name=a.txt\nContent-Disposition: inline\n\nmore\n--b--\n", "1=body 2=attachment"},
		{"the footer of a list", "Content-Type: multipart/mixed; boundary=b\n\n--b\n\ntext\n--b\n\nfooter\n--b--\n", "1=body 2=body"},
		{"a logo in the text", "Content-Type: multipart/related; boundary=b\n\n--b\nContent-Type: text/html\n\n<img src=\"cid:logo\">\n--b\nContent-Type: image/png\nContent-ID: <logo>\nContent-Transfer-Encoding: base64\n\n" + png + "--b--\n", "1=body 2=embedded"},
		{"a picture that the text does not show", "Content-Type: multipart/related; boundary=b\n\n--b\nContent-Type: text/html\n\n<p>x\n--b\nContent-Type: image/png\nContent-ID: <logo>\nContent-Disposition: inline\nContent-Transfer-Encoding: base64\n\n" + png + "--b--\n", "1=body 2=attachment"},
		{"a large picture in the text", "Content-Type: multipart/related; boundary=b\n\n--b\nContent-Type: text/html\n\n<img src=\"cid:photo\">\n--b\nContent-Type: image/jpeg\nContent-ID: <photo>\n\n\xff\xd8\xff\xe0" + strings.Repeat("x", decorative) + "\n--b--\n", "1=body 2=attachment"},
		{"an invitation", "Content-Type: multipart/alternative; boundary=b\n\n--b\n\ntext\n--b\nContent-Type: text/calendar; method=REQUEST\n\nBEGIN:VCALENDAR\n--b--\n", "1=body 2=attachment"},
		{"a signed letter", "Content-Type: multipart/signed; boundary=b; protocol=\"application/pkcs7-signature\"\n\n--b\n\ntext\n--b\nContent-Type: application/pkcs7-signature; name=smime.p7s\nContent-Disposition: attachment\nContent-Transfer-Encoding: base64\n\nMAA=\n--b--\n", "1=body 2=embedded"},
		{"a letter locked by PGP", "Content-Type: multipart/encrypted; boundary=b; protocol=\"application/pgp-encrypted\"\n\n--b\nContent-Type: application/pgp-encrypted\n\nVersion: 1\n--b\nContent-Type: application/octet-stream; name=encrypted.asc\n\n-----BEGIN PGP MESSAGE-----\n--b--\n", "1=embedded 2=body"},
		{"a letter beside files", "Content-Type: multipart/mixed; boundary=b\n\n--b\n\ntext\n--b\nContent-Type: application/pdf\n\n%PDF-1.7\n--b\nContent-Type: message/rfc822\n\nFrom: a@b.example\nSubject: inner\n\ninner text\n--b--\n", "1=body 2=attachment 3=attachment 3.1=embedded"},
		{"a letter that only wraps another", "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nfor your attention\n--b\nContent-Type: message/rfc822\n\nFrom: a@b.example\nSubject: inner\nContent-Type: multipart/mixed; boundary=c\n\n--c\n\ninner text\n--c\nContent-Type: application/pdf\n\n%PDF-1.7\n--c--\n--b--\n", "1=body 2=container 2.1=embedded 2.2=embedded"},
		{"what Macs attach", "Content-Type: multipart/appledouble; boundary=b\n\n--b\nContent-Type: application/applefile\n\n\x00\x05\x16\x07\n--b\nContent-Type: application/pdf; name=a.pdf\n\n%PDF-1.7\n--b--\n", "1=embedded 2=attachment"},
		{"what lies elsewhere", "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: message/external-body; access-type=URL; URL=\"https://a.example\"\n\nContent-Type: image/png\n\n--b\nContent-Type: message/partial; id=x; number=1\n\nSubject: x\n\ny\n--b--\n", "1=attachment 2=attachment"},
		{"a report of delivery", "Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\nnot delivered\n--b\nContent-Type: message/delivery-status\n\nStatus: 5.1.1\n--b\nContent-Type: message/rfc822\n\nMessage-ID: <ours@aleksandrowo.example>\nSubject: ours\n\ntext\n--b--\n", "1=body 2=embedded 3=embedded 3.1=embedded"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := paths(read(t, letterTop+tt.body)); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestOneFormOfTheTextIsSearched(t *testing.T) {
	alternative := func(plain, page string) string {
		return "Content-Type: multipart/alternative; boundary=b\n\n--b\n\n" + plain + "\n--b\nContent-Type: text/html\n\n" + page + "\n--b--\n"
	}
	long := strings.Repeat("słowo ", 100)
	for _, tt := range []struct{ name, body, want string }{
		{"the plain one", alternative("the text", "<p>the text"), "the text"},
		{"the page, if there is no other", alternative("", "<p>the text"), "the text"},
		{"both, if the plain one says little", alternative("Your program shows no pages.", "<p>"+long), "Your program shows no pages.\n\n" + strings.TrimSpace(long)},
		{"the page with its own character set", "Content-Type: text/html\n\n<meta charset=\"iso-8859-2\">g\xea\xb6", "gęś"},
		{"enriched text", "Content-Type: text/enriched\n\n<bold>one</bold> two", "one two"},
		{"flowed lines", "Content-Type: text/plain; format=flowed\n\none \ntwo\n> three \n> four\nfive\n-- \nsix", "one two\n> three four\nfive\n-- \nsix"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := read(t, letterTop+tt.body).Text; got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestALetterInsideGivesItsAuthor(t *testing.T) {
	doc := read(t, letterTop+"Content-Type: multipart/mixed; boundary=b\n\n--b\n\nPrzekazuję.\n--b\nContent-Type: message/rfc822\n\nFrom: =?utf-8?Q?=C5=BBaneta?= <z@poczta.example>\nSubject: =?utf-8?Q?pro=C5=9Bba?=\n\nTreść prośby.\n--b--\n")
	equal(t, "flags", flagsOf(doc), "inner_message")
	if doc.Inner == nil || doc.Inner.Name != "Żaneta" || doc.Inner.Email != "z@poczta.example" {
		t.Errorf("inner author = %+v", doc.Inner)
	}
	equal(t, "own text", doc.Own, "Przekazuję.\n\nTreść prośby.")
	equal(t, "name", part(t, doc, "2").Name, "prośba.eml")
	equal(t, "attachments", doc.CountAttachments(), 0)
}

func TestAReportNamesTheLetterItReturns(t *testing.T) {
	doc := read(t, letterTop+"Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\nnot delivered\n--b\nContent-Type: message/delivery-status\n\nStatus: 5.1.1\n--b\nContent-Type: text/rfc822-headers\n\nMessage-ID: <ours@aleksandrowo.example>\n--b--\n")
	equal(t, "references", strings.Join(doc.References, " "), "ours@aleksandrowo.example")
	equal(t, "report", doc.Headers.ReportType, "delivery-status")
	if !strings.Contains(doc.Text, "Status: 5.1.1") {
		t.Errorf("text = %q, want the status in it", doc.Text)
	}
	equal(t, "inner letter", doc.Inner == nil, true)
	equal(t, "flags", flagsOf(doc), "")
}

func TestFlagsOfALetter(t *testing.T) {
	for _, tt := range []struct{ name, letter, want string }{
		{"no subject", "From: a@b.example\n\ntext\n", "empty_subject"},
		{"a number of a resident", letterTop + "\nPESEL 44051401359\n", "personal_data"},
		{"a link to a file elsewhere", letterTop + "\nhttps://we.tl/abc\n", "cloud_link"},
		{"English", letterTop + "\nDear Sir, please send me the form. Thank you for your help with this.\n", "lang_en"},
		{"a document without a signature", letterTop + "Content-Type: application/pdf; name=a.pdf\n\n%PDF-1.7\n", ""},
		{"a document with one", letterTop + "Content-Type: application/pdf; name=a.pdf\n\n%PDF-1.7 /ByteRange[0 1 2 3]\n", "signed signature_unchecked"},
		{"a document and its signature", letterTop + "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: application/pdf; name=pismo.pdf\n\n%PDF-1.7\n--b\nContent-Type: application/octet-stream; name=pismo.pdf.xades\n\n<?xml version=\"1.0\"?><s xmlns=\"http://www.w3.org/2000/09/xmldsig#\"/>\n--b--\n", "sig_pair signed signature_unchecked"},
		{"a locked letter", letterTop + "Content-Type: application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m\nContent-Transfer-Encoding: base64\n\nMIAGCSqGSIb3DQEHA6CAMIAAAA==\n", "encrypted_body"},
		{"a text locked by PGP", letterTop + "\n-----BEGIN PGP MESSAGE-----\nabc\n", "encrypted_body"},
		{"an asked-for receipt", "Disposition-Notification-To: a@b.example\n" + letterTop + "\ntext\n", "mdn_requested"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := flagsOf(read(t, tt.letter)); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// A checker notes what it was asked.
type fakeChecker struct{ asked []Candidate }

func (f *fakeChecker) Check(_ context.Context, candidates []Candidate) []registry.SignatureReport {
	f.asked = candidates
	return []registry.SignatureReport{{Path: candidates[0].Path, Verdict: "INDETERMINATE"}}
}

func readAll(t *testing.T, open func(context.Context) (io.ReadCloser, error)) string {
	t.Helper()
	if open == nil {
		return ""
	}
	in, err := open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer closing(in)
	b, err := io.ReadAll(in)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestTheCheckerSeesTheExactBytesThatWereSigned(t *testing.T) {
	letter := strings.ReplaceAll(letterTop+"Content-Type: multipart/signed; micalg=SHA-256; protocol=\"application/pkcs7-signature\"; boundary=b\n\n--b\nContent-Type: text/plain;\n  charset=utf-8\n\nsigned  \n\n--b\nContent-Type: application/pkcs7-signature; name=smime.p7s\nContent-Transfer-Encoding: base64\n\nc2ln\n--b--\n", "\n", "\r\n")
	checker := &fakeChecker{}
	doc := New(Options{Checker: checker}).Read(t.Context(), registry.Item{Door: registry.DoorSMTP}, strings.NewReader(letter))
	if len(checker.asked) != 1 {
		t.Fatalf("asked about %d signatures, want 1", len(checker.asked))
	}
	c := checker.asked[0]
	want := "Content-Type: text/plain;\r\n  charset=utf-8\r\n\r\nsigned  \r\n"
	equal(t, "content", readAll(t, c.Content), want)
	equal(t, "range", letter[c.Start:c.End], want)
	equal(t, "signature", readAll(t, c.Open), "sig")
	equal(t, "format", c.Format, SMIME)
	equal(t, "digest", c.MicAlg, "sha-256")
	equal(t, "path", c.Path, "2")
	equal(t, "signed path", c.ContentPath, "1")
	equal(t, "reports", len(doc.Signatures), 1)
	equal(t, "flags", flagsOf(doc), "signed")

	doc = New(Options{}).Read(t.Context(), registry.Item{Door: registry.DoorSMTP}, strings.NewReader(letter))
	equal(t, "verdict without a checker", doc.Signatures[0].Verdict+" "+doc.Signatures[0].Reason, "INDETERMINATE NOT_CHECKED")
}

func TestTheCheckerSeesTheFileBesideASignature(t *testing.T) {
	checker := &fakeChecker{}
	letter := letterTop + "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: application/pdf; name=pismo.pdf\n\n%PDF-1.7\n--b\nContent-Type: application/octet-stream; name=pismo.pdf.sig\nContent-Transfer-Encoding: base64\n\nMAA=\n--b--\n"
	New(Options{Checker: checker}).Read(t.Context(), registry.Item{Door: registry.DoorSMTP}, strings.NewReader(letter))
	if len(checker.asked) != 1 {
		t.Fatalf("asked about %d signatures, want 1", len(checker.asked))
	}
	equal(t, "siblings", len(checker.asked[0].Siblings), 1)
	equal(t, "content", readAll(t, checker.asked[0].Siblings[0].Open), "%PDF-1.7")
	equal(t, "content path", checker.asked[0].Siblings[0].Path, "1")
}

func TestTheCheckerKnowsWhatStandsAroundASignature(t *testing.T) {
	const signed = "Content-Type: multipart/signed; protocol=\"application/pkcs7-signature\"; boundary=s\n\n--s\n\ntext\n--s\nContent-Type: application/pkcs7-signature\n\nsig\n--s--\n"
	nested := strings.ReplaceAll(signed, "\n\ntext\n", "\n"+strings.ReplaceAll(signed, "--s", "--i")+"\n")
	nested = strings.Replace(nested, "boundary=s\n\n--i", "boundary=i\n\n--i", 1)
	for _, tt := range []struct {
		name, letter string
		want         []Letter // innermost first
	}{
		{"the whole letter", letterTop + signed, []Letter{{Whole: true, From: []string{"jan@poczta.example"}, Fields: 1}}},
		{"the only child", letterTop + "Content-Type: multipart/mixed; boundary=m\n\n--m\n" + signed + "--m--\n", []Letter{{Whole: true, From: []string{"jan@poczta.example"}, Fields: 1}}},
		{"a part beside another", letterTop + "Content-Type: multipart/mixed; boundary=m\n\n--m\n\nunsigned\n--m\n" + signed + "--m--\n", []Letter{{From: []string{"jan@poczta.example"}, Fields: 1}}},
		{"a forwarded letter", letterTop + "Content-Type: message/rfc822\n\nFrom: c@d.example\n" + signed, []Letter{{From: []string{"c@d.example"}, Fields: 1, Inner: true}}},
		{"a header wrapped with it", letterTop + strings.Replace(signed, "--s\n\ntext\n", "--s\nContent-Type: message/rfc822\n\nFrom: c@d.example\n\ntext\n", 1), []Letter{{Whole: true, From: []string{"jan@poczta.example"}, Fields: 1}}},
		{"a layer in a layer", letterTop + nested, []Letter{{Whole: true, Layer: 1, From: []string{"jan@poczta.example"}, Fields: 1}, {Whole: true, From: []string{"jan@poczta.example"}, Fields: 1}}},
		{"two authors", "From: c@d.example\n" + letterTop + signed, []Letter{{Whole: true, From: []string{"c@d.example", "jan@poczta.example"}, Fields: 2}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			checker := &fakeChecker{}
			New(Options{Checker: checker}).Read(t.Context(), registry.Item{Door: registry.DoorSMTP}, strings.NewReader(tt.letter))
			var got []Letter
			for _, c := range checker.asked {
				if c.Letter != nil {
					got = append(got, *c.Letter)
				}
			}
			equal(t, "letters", fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", tt.want))
		})
	}
}

func TestFilesAreReadAsWhatTheyAre(t *testing.T) {
	for _, tt := range []struct {
		name, file, content, media, text, flags, hint string
	}{
		{"a scan", "SKM_C250i26112308150.pdf", "%PDF-1.7\n", "application/pdf", "", "", "Konica Minolta C250i"},
		{"a picture", "IMG_0001.jpg", "\xff\xd8\xff\xe0\x00\x10JFIF", "image/jpeg", "", "", ""},
		{"a text", "notatka.txt", "Zażółć gęślą jaźń", "text/plain", "Zażółć gęślą jaźń", "", ""},
		{"a text of old Windows", "notatka.txt", "Za\xbf\xf3\xb3\xe6 g\xea\x9cl\xb9 ja\x9f\xf1", "text/plain", "Zażółć gęślą jaźń", "charset_guessed", ""},
		{"a rich text", "pismo.rtf", `{\rtf1\ansi\ansicpg1250 Za\'bf\u243?\'b3\'e6\par koniec}`, "text/rtf", "Zażółć\nkoniec", "", ""},
		{"nothing", "puste.pdf", "", "text/plain", "", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			doc := readFile(t, tt.file, []byte(tt.content))
			a := doc.Attachments[0]
			equal(t, "parts", len(doc.Attachments), 1)
			equal(t, "name", a.Name, tt.file)
			equal(t, "media type", a.MediaType, tt.media)
			equal(t, "role", a.Role, registry.RoleBody)
			equal(t, "text", doc.Text, tt.text)
			equal(t, "flags", flagsOf(doc), tt.flags)
			equal(t, "device", doc.Hints[HintDevice], tt.hint)
			equal(t, "digest", doc.BodyDigest.String(), digestOf([]byte(tt.content)))
		})
	}
}

func TestAScanSentByMailGivesHints(t *testing.T) {
	it := registry.Item{Door: registry.DoorScan, Envelope: &registry.Envelope{}}
	letter := letterTop + "Content-Type: application/pdf; name=SKM_C250i26112308150.pdf\n\n%PDF-1.7\n"
	doc := New(Options{}).Read(t.Context(), it, strings.NewReader(letter))
	equal(t, "device", doc.Hints[HintDevice], "Konica Minolta C250i")
}

func TestALetterDroppedAsAFileIsALetter(t *testing.T) {
	doc := readFile(t, "list.eml", []byte(letterTop+"\ntext\n"))
	equal(t, "author", doc.Sender().Email, "jan@poczta.example")
	equal(t, "subject", doc.Subject, "Pismo")
	equal(t, "text", doc.Text, "text")
}

func TestARedeliveryIsKnownAndADuplicateSuspected(t *testing.T) {
	trace := func(s string) string {
		return "Return-Path: <jan@poczta.example>\nReceived: " + s + "\n\tby b\nX-Spam-Score: 1\n"
	}
	first := read(t, trace("from a")+letterTop+"\ntext\n")
	for _, tt := range []struct {
		name, letter        string
		redelivery, similar bool
	}{
		{"the same by another way", trace("from c") + "Delivered-To: urzad\n" + letterTop + "\ntext\n", true, true},
		{"the same without a trace", letterTop + "\ntext\n", true, true},
		{"a trace below other fields", letterTop + "Received: from x\n\ntext\n", false, true},
		{"another Message-ID", strings.Replace(letterTop, "<1@", "<2@", 1) + "\ntext\n", false, true},
		{"other blanks", letterTop + "\n\n  text\n", false, true},
		{"forwarded once more by the same person", strings.Replace(letterTop, "Subject: ", "Subject: Fwd: ", 1) + "\ntext\n", false, true},
		{"another subject over the same text", strings.Replace(letterTop, "Subject: ", "Subject: Drugie ", 1) + "\ntext\n", false, false},
		{"another text", letterTop + "\ntext!\n", false, false},
		{"another author", strings.Replace(letterTop, "jan@", "ewa@", 1) + "\ntext\n", false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			doc := read(t, tt.letter)
			equal(t, "redelivery", doc.Redelivery == first.Redelivery, tt.redelivery)
			equal(t, "similar", doc.BodyDigest == first.BodyDigest, tt.similar)
		})
	}
}

func TestDamagedLettersKeepWhatTheyHave(t *testing.T) {
	for _, tt := range []struct{ name, letter, text, flaws string }{
		{"nothing", "", "", "no_letter sender_missing"},
		{"no header", "\n\nonly text\n", "only text", "no_header_end no_letter sender_missing"},
		{"no closing boundary", letterTop + "Content-Type: multipart/mixed; boundary=b\n\n--b\n\ntext", "text", "no_closing_boundary"},
		{"an unknown transfer encoding", letterTop + "Content-Transfer-Encoding: rot13\n\ngrkg\n", "grkg", "encoding_unknown"},
		{"junk in base64", letterTop + "Content-Transfer-Encoding: base64\n\ndGV4***dA==\n", "text", "encoding_damaged"},
		{"a NUL in the header", letterTop + "X: a\x00b\n\ntext\n", "text", ""},
		{"an unknown type", letterTop + "Content-Type: something\n\ntext\n", "text", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			doc := read(t, tt.letter)
			equal(t, "text", doc.Text, tt.text)
			equal(t, "flaws", flawCodes(doc), tt.flaws)
		})
	}
}
