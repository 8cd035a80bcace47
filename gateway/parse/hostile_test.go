package parse

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"kancelaria/registry"
)

// hostileLetters are made to cost more than they weigh: whoever reads a part of
// them again for each sign needs minutes.
func hostileLetters(t testing.TB) map[string]string {
	t.Helper()
	const much = 150_000
	fill := func(s string) string { return strings.Repeat(s, much/len(s)) }
	count := func(n int, format string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	many := make([]packed, 1500)
	for i := range many {
		many[i] = packed{fmt.Sprintf("%d.txt", i), "x"}
	}
	return map[string]string{
		"brackets in From":          "From: " + fill("(") + "\n\nx",
		"closed brackets in From":   "From: " + fill("()") + "\n\nx",
		"quotes in From":            "From: " + fill("\"") + "\n\nx",
		"commas in From":            "From: " + fill(",a") + "\n\nx",
		"angles in From":            "From: " + fill("<") + "\n\nx",
		"addresses in From":         "From: " + fill("a<b> ") + "\n\nx",
		"quotes in a parameter":     "Content-Type: text/plain; name=\"" + fill("\"a ") + "\n\nx",
		"parameters":                "Content-Type: text/plain" + fill("; a=b") + "\n\nx",
		"words in a parameter":      "Content-Type: text/plain; " + fill("a b c ") + "\n\nx",
		"pieces of a parameter":     "Content-Type: text/plain" + count(900, "; name*%d=abc") + "\n\nx",
		"words that do not end":     "Subject: " + fill("=?u?q?") + "\n\nx",
		"words of two sets":         "Subject: " + fill("=?utf-8?q?=41?= =?iso-8859-2?q?=b1?= ") + "\n\nx",
		"folds":                     "Subject: " + fill("\n a") + "\n\nx",
		"junk in the header":        "Subject: x\n" + fill("junk\nX-A: b\n") + "\n\nx",
		"dashes in the header":      "Content-Type: multipart/mixed; boundary=" + fill("b") + "\n" + fill("--a\nX-A: b\n") + "\n\nx",
		"fields":                    fill("a:\n") + "\n\nx",
		"references":                "References: " + fill("<a@b> ") + "\n\nx",
		"open references":           "References: " + fill("<") + "\n\nx",
		"lines that look like ends": "Content-Type: multipart/mixed; boundary=b\n\n" + fill("--c\n"),
		"boundaries to guess among": "Content-Type: multipart/mixed\n\n" + count(20_000, "--%d\n"),
		"parts":                     "Content-Type: multipart/mixed; boundary=b\n\n" + fill("--b\n\n\n"),
		"parts inside parts":        count(5000, "Content-Type: multipart/mixed; boundary=b%[1]d\n\n--b%[1]d\n"),
		"parts to guess in parts":   count(50, "Content-Type: multipart/mixed\n\n--b%d\n") + fill("x\n"),
		"letters inside letters":    fill("Content-Type: message/rfc822\n\n"),
		"junk in base64":            "Content-Transfer-Encoding: base64\n\n" + fill("!A"),
		"padding in base64":         "Content-Transfer-Encoding: base64\n\n" + fill("QQ=="),
		"signs of equality":         "Content-Transfer-Encoding: quoted-printable\n\n" + fill("="),
		"soft line ends":            "Content-Transfer-Encoding: quoted-printable\n\n" + fill("=\n"),
		"elements inside elements":  "Content-Type: text/html\n\n" + fill("<div>"),
		"hidden paragraphs":         "Content-Type: text/html\n\n" + fill("<p style='display:none'>a"),
		"attributes":                "Content-Type: text/html\n\n<a " + fill("a=b "),
		"angles":                    "Content-Type: text/html\n\n" + fill("<"),
		"entities":                  "Content-Type: text/html\n\n" + fill("&"),
		"comments":                  "Content-Type: text/html\n\n" + fill("<!--"),
		"links":                     "Content-Type: text/html\n\n" + fill("<a href=https://x>"),
		"beginnings of links":       "\n" + fill("http"),
		"lines with colons":         "\n" + fill("a:\n"),
		"authors of quotations":     "\n" + fill("od:\n"),
		"beginnings of quotations":  "\n" + fill("w dniu 1 x\n"),
		"raw bytes":                 "\n" + fill("\xb9\xea "),
		"accents":                   "Content-Type: text/plain; charset=utf-8\n\na" + fill("\u0301"),
		"files in the text":         "\n" + fill("begin 644 a\n#0V%T\nend\n"),
		"shifts of UTF-7":           "Content-Type: text/plain; charset=utf-7\n\n" + fill("+A"),
		"groups of rich text":       "Content-Type: text/rtf\n\n{\\rtf1 " + fill("{\\'b9"),
		"members":                   attach("a.zip", zipOf(t, many...)),
		"lines that end in CR":      fill("a:b\r"),
		"zeros":                     fill("\x00"),
		"line ends":                 fill("\n"),
		"open lengths":              attach("a.p7m", []byte("\x30\x80\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02"+fill("\xa0\x80"))),
		"files in winmail.dat":      attach("winmail.dat", []byte("\x78\x9f\x3e\x22\x01\x00"+fill("\x02\x02\x90\x06\x00\x00\x00\x00\x00\x00\x00"))),
	}
}

// None of them may stop the reader, and none may take its time away from the
// letters behind it: if one grows out of proportion, this test shows it by
// its own length.
func TestHostileLettersAreReadLikeOthers(t *testing.T) {
	r := New(Options{TempDir: t.TempDir()})
	for name, letter := range hostileLetters(t) {
		t.Run(name, func(t *testing.T) {
			began := time.Now()
			doc := r.Read(t.Context(), registry.Item{Door: registry.DoorSMTP}, strings.NewReader(letter))
			t.Logf("%v", time.Since(began))
			checkDocument(t, doc, int64(len(letter)))
			if n := len(doc.Attachments); n > 10_002 {
				t.Errorf("%d parts", n)
			}
		})
	}
}

func TestALimitOfTimeIsToldOf(t *testing.T) {
	r := New(Options{Limits: Limits{Time: time.Nanosecond}})
	doc := r.Read(t.Context(), registry.Item{Door: registry.DoorSMTP}, strings.NewReader(letterTop+"\ntext\n"))
	equal(t, "flags", flagsOf(doc), "limit_reached")
	equal(t, "subject", doc.Subject, "Pismo")
}

func TestALimitOfSizeIsToldOf(t *testing.T) {
	r := New(Options{Limits: Limits{Decoded: 100_000}})
	doc := r.Read(t.Context(), registry.Item{Door: registry.DoorSMTP}, strings.NewReader(string(letterOf(200_000))))
	if !strings.Contains(flagsOf(doc), "limit_reached") || !strings.Contains(flawCodes(doc), "limit_reached") {
		t.Errorf("flags %q, flaws %q", flagsOf(doc), flawCodes(doc))
	}
}

func TestOriginalsListOnlySoManyParts(t *testing.T) {
	many := make([]packed, 60)
	for i := range many {
		many[i] = packed{fmt.Sprintf("%d.txt", i), "x"}
	}
	r := New(Options{Limits: Limits{Listed: 30}})
	for name, letter := range map[string]string{
		"members of a zip":  attach("a.zip", zipOf(t, many...)),
		"parts of a letter": letterTop + "Content-Type: multipart/mixed; boundary=b\n\n" + strings.Repeat("--b\n\nx\n", 60),
		"files in a text":   letterTop + "\n" + strings.Repeat("begin 644 a\n#0V%T\n`\nend\n", 60),
	} {
		doc := r.Read(t.Context(), registry.Item{Door: registry.DoorSMTP}, strings.NewReader(letter))
		if len(doc.Attachments) != 30 || !strings.Contains(flagsOf(doc), "limit_reached") {
			t.Errorf("%s: %d parts, flags %s", name, len(doc.Attachments), flagsOf(doc))
		}
	}
}
