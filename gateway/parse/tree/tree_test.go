package tree

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"
)

// outline writes a tree as one line: paths, types, defects.
func outline(n *Node) string {
	var out []string
	n.Walk(func(n *Node) bool {
		s := n.Path + " " + n.Type
		for _, d := range n.Defects {
			s += " !" + string(d)
		}
		out = append(out, strings.TrimSpace(s))
		return true
	})
	return strings.Join(out, " | ")
}

func split(t testing.TB, letter string) *Tree {
	t.Helper()
	return Split(context.Background(), strings.NewReader(letter), int64(len(letter)), Options{})
}

func crlf(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }

func TestLettersAreSplit(t *testing.T) {
	for _, tt := range []struct{ name, letter, want string }{
		{"a plain letter", "Subject: a\n\nbody\n", "1 text/plain"},
		{"two parts", "Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b\nContent-Type: text/html\n\ntwo\n--b--\n", "multipart/mixed | 1 text/plain | 2 text/html"},
		{"parts inside a part", "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: multipart/alternative; boundary=c\n\n--c\n\none\n--c\n\ntwo\n--c--\n--b\n\nthree\n--b--\n", "multipart/mixed | 1 multipart/alternative | 1.1 text/plain | 1.2 text/plain | 2 text/plain"},
		{"a letter inside", "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: message/rfc822\n\nSubject: x\n\ninner\n--b--\n", "multipart/mixed | 1 message/rfc822 | 1.1 text/plain"},
		{"a multipart letter inside", "Content-Type: message/rfc822\n\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b--\n", "1 message/rfc822 | 1 multipart/mixed | 1.1 text/plain"},
		{"a digest holds letters", "Content-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: x\n\none\n--b--\n", "multipart/digest | 1 message/rfc822 | 1.1 text/plain"},
		{"a letter in base64 stays closed", "Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nU3ViamVjdDogeAoK\n", "1 message/rfc822"},
		{"the closing boundary is missing", "Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n", "multipart/mixed !no_closing_boundary | 1 text/plain"},
		{"an inner closing boundary is missing", "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: multipart/mixed; boundary=c\n\n--c\n\none\n--b\n\ntwo\n--b--\n", "multipart/mixed | 1 multipart/mixed !no_closing_boundary | 1.1 text/plain | 2 text/plain"},
		{"a boundary that never comes is guessed", "Content-Type: multipart/mixed; boundary=b\n\n--other\nContent-Type: text/html\n\none\n--other\n\ntwo\n--other--\n", "multipart/mixed !boundary_guessed | 1 text/html | 2 text/plain"},
		{"a boundary that nobody declared is guessed", "Content-Type: multipart/mixed\n\n--x\n\none\n--x\n\ntwo\n--x--\n", "multipart/mixed !boundary_guessed | 1 text/plain | 2 text/plain"},
		{"a multipart without parts is text", "Content-Type: multipart/mixed; boundary=b\n\nonly text\n", "1 text/plain !no_boundary"},
		{"quoting marks are no boundary", "Content-Type: multipart/mixed\n\n-----Original Message-----\nFrom: a\n\n-----Original Message-----\nFrom: b\n", "1 text/plain !no_boundary"},
		{"parts go on behind the closing boundary", "Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b--\n--b\n\ntwo\n--b--\n", "multipart/mixed !part_after_close | 1 text/plain | 2 text/plain"},
		{"the same boundary twice, one in the other", "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b--\n--b--\n", "multipart/mixed !no_closing_boundary | 1 multipart/mixed | 1.1 text/plain"},
		{"one boundary begins another", "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: multipart/mixed; boundary=bb\n\n--bb\n\none\n--bb--\n--b\n\ntwo\n--b--\n", "multipart/mixed | 1 multipart/mixed | 1.1 text/plain | 2 text/plain"},
		{"blanks behind a boundary", "Content-Type: multipart/mixed; boundary=b\n\n--b  \n\none\n--b-- \n", "multipart/mixed | 1 text/plain"},
		{"junk among the fields", "Subject: a\nno field\nFrom: b@c\n\nbody\n", "1 text/plain !junk_in_header"},
		{"the empty line is missing", "Subject: a\nFrom: b@c\nDear people,\nhello\n", "1 text/plain !no_header_end"},
		{"the empty line before a boundary is missing", "Content-Type: multipart/mixed; boundary=b\n--b\n\none\n--b--\n", "multipart/mixed !no_header_end | 1 text/plain"},
		{"a part without header and empty line", "Content-Type: multipart/mixed; boundary=b\n\n--b\nhello people\n--b--\n", "multipart/mixed | 1 text/plain !no_header_end"},
		{"a byte order mark", "\xef\xbb\xbfSubject: a\n\nbody\n", "1 text/plain !byte_order_mark"},
		{"a mailbox separator", "From a@b Mon Nov 23 10:00:00 2026\nSubject: a\n\nbody\n", "1 text/plain !mailbox_separator"},
		{"empty lines before the header", "\n\nSubject: a\n\nbody\n", "1 text/plain"},
		{"a damaged part header does not end the letter", "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type text/html\n\none\n--b\n\ntwo\n--b--\n", "multipart/mixed | 1 text/plain !no_header_end | 2 text/plain"},
		{"a boundary makes a multipart of an unreadable type", "Content-Type: ; boundary=b\n\n--b\n\none\n--b--\n", "multipart/mixed | 1 text/plain"},
		{"nothing but the closing boundary", "Content-Type: message/rfc822\n\nContent-Type: multipart/mixed; boundary=b\n\ntext\n--b--\n", "1 message/rfc822 | 1.1 text/plain !no_boundary"},
		{"nothing at all", "", "1 text/plain"},
		{"only a boundary", "--b\n", "1 text/plain !no_header_end"},
		{"a type in capitals with blanks", "Content-Type: MULTIPART/Mixed ; BOUNDARY = \"b c\" \n\n--b c\n\none\n--b c--\n", "multipart/mixed | 1 text/plain"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, letter := range []string{tt.letter, crlf(tt.letter)} {
				if got := outline(split(t, letter).Root); got != tt.want {
					t.Errorf("%q:\n got %s\nwant %s", letter, got, tt.want)
				}
			}
		})
	}
}

func TestLinesMayEndInCR(t *testing.T) {
	letter := strings.ReplaceAll("Subject: a\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b\n\ntwo\n--b--\n", "\n", "\r")
	tree := split(t, letter)
	if got, want := outline(tree.Root), "multipart/mixed !line_ends_are_cr | 1 text/plain | 2 text/plain"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := letter[tree.Root.Children[1].BodyStart:tree.Root.Children[1].BodyEnd]; got != "two" {
		t.Errorf("second body = %q", got)
	}
}

func TestRangesCutTheOriginal(t *testing.T) {
	letter := crlf("Subject: a\nContent-Type: multipart/signed; boundary=b\n\npreamble\n--b\nContent-Type: text/plain\n\nsigned text\n\n--b\nContent-Type: application/pkcs7-signature\n\nsig\n--b--\nepilogue\n")
	root := split(t, letter).Root
	signed := root.Children[0]
	if got, want := letter[signed.Start:signed.BodyEnd], "Content-Type: text/plain\r\n\r\nsigned text\r\n"; got != want {
		t.Errorf("signed part = %q, want %q", got, want)
	}
	if got, want := letter[signed.BodyStart:signed.BodyEnd], "signed text\r\n"; got != want {
		t.Errorf("body = %q, want %q", got, want)
	}
	if got := letter[root.Start:root.HeaderEnd]; got != "Subject: a\r\nContent-Type: multipart/signed; boundary=b\r\n" {
		t.Errorf("header = %q", got)
	}
}

func TestFieldsKeepTheirFolds(t *testing.T) {
	root := split(t, "Subject: a\n  b\nX: \nFrom :c@d\n\n").Root
	for name, want := range map[string]string{"subject": " a\n  b", "x": " ", "from": "c@d"} {
		if got := string(root.Get(name)); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
}

func TestTheTeeSeesEveryByteOnce(t *testing.T) {
	letter := "Content-Type: multipart/mixed; boundary=b\n\n--x\n\n" + strings.Repeat("line of text\n--y\n", 20_000) + "--x--\n"
	sum := sha256.New()
	Split(t.Context(), strings.NewReader(letter), int64(len(letter)), Options{Tee: sum})
	if want := sha256.Sum256([]byte(letter)); !bytes.Equal(sum.Sum(nil), want[:]) {
		t.Error("the tee was not given the letter as it is")
	}
}

func TestLimitsHold(t *testing.T) {
	deep := ""
	for i := range 60 {
		deep += fmt.Sprintf("Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n", i, i)
	}
	for _, tt := range []struct {
		name, letter string
		limits       Limits
		parts        int
	}{
		{"depth", deep, Limits{Depth: 10}, 11},
		{"parts", "Content-Type: multipart/mixed; boundary=b\n\n" + strings.Repeat("--b\n\nx\n", 1000), Limits{Parts: 20}, 20},
		{"a header", "Subject: " + strings.Repeat("a", 1<<20) + "\nFrom: b@c\n\nbody\n", Limits{Header: 1000}, 1},
		{"fields", strings.Repeat("X-A: b\n", 100) + "\nbody\n", Limits{Fields: 10}, 1},
		{"all headers", "Content-Type: multipart/mixed; boundary=b\n\n" + strings.Repeat("--b\nX-A: "+strings.Repeat("a", 500)+"\n\nx\n", 100), Limits{Kept: 10_000}, 101},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tree := Split(t.Context(), strings.NewReader(tt.letter), int64(len(tt.letter)), Options{Limits: tt.limits})
			if !tree.Limited {
				t.Error("nothing says that a limit was met")
			}
			if tree.Parts != tt.parts {
				t.Errorf("%d nodes, want %d", tree.Parts, tt.parts)
			}
		})
	}
}

func TestLinesLongerThanTheWindow(t *testing.T) {
	long := strings.Repeat("b", 70_000)
	letter := "Subject: " + long + "\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\n" + long + "\n--b\n\ntwo\n--b--\n"
	root := split(t, letter).Root
	if got := len(root.Get("subject")); got != len(long)+1 {
		t.Errorf("subject of %d bytes, want %d", got, len(long)+1)
	}
	if len(root.Children) != 2 {
		t.Fatalf("%s: want two parts", outline(root))
	}
	if got := letter[root.Children[0].BodyStart:root.Children[0].BodyEnd]; got != long {
		t.Errorf("first body of %d bytes, want %d", len(got), len(long))
	}
}

func TestAnEndedContextEndsTheReading(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	letter := "Content-Type: multipart/mixed; boundary=b\n\n" + strings.Repeat("--c\n", 5000)
	tree := Split(ctx, strings.NewReader(letter), int64(len(letter)), Options{})
	if !tree.Limited {
		t.Error("the reading went on")
	}
}

func TestParameters(t *testing.T) {
	for _, tt := range []struct{ value, main, want string }{
		{`text/plain; charset=utf-8`, "text/plain", "charset=utf-8"},
		{`text/plain;charset="utf-8";format=flowed`, "text/plain", "charset=utf-8|format=flowed"},
		{`Text/HTML;;; charset = utf-8 ;`, "text/html", "charset=utf-8"},
		{`attachment; filename=My file.pdf`, "attachment", "filename=My file.pdf"},
		{`attachment; filename="a "quoted" name.pdf"; size=3`, "attachment", `filename=a "quoted" name.pdf|size=3`},
		{`attachment; filename="no end.pdf`, "attachment", "filename=no end.pdf"},
		{`attachment; filename="no end.pdf; size=3`, "attachment", "filename=no end.pdf|size=3"},
		{`attachment; filename="C:\Users\x\a.pdf"`, "attachment", `filename=C:\Users\x\a.pdf`},
		{`attachment; filename="a \"b\" c.pdf"`, "attachment", `filename=a "b" c.pdf`},
		{`attachment; filename*0="a"; filename*1*=%20b`, "attachment", "filename*0=a|filename*1*=%20b"},
		{`text/plain charset=utf-8`, "text/plain", "charset=utf-8"},
		{`text/plain; charset=utf-8 format=flowed`, "text/plain", "charset=utf-8|format=flowed"},
		{`text/plain; charset=us-ascii (a comment)`, "text/plain", "charset=us-ascii"},
		{`text/plain (a comment); charset=utf-8`, "text/plain", "charset=utf-8"},
		{"text/plain;\r\n\tcharset=utf-8", "text/plain", "charset=utf-8"},
		{`; charset=utf-8`, "", "charset=utf-8"},
		{`inline; nothing; filename=x`, "inline", "filename=x"},
		{``, "", ""},
	} {
		t.Run(tt.value, func(t *testing.T) {
			main, params := ParseValue([]byte(tt.value))
			var got []string
			for _, p := range params {
				got = append(got, p.Name+"="+string(p.Value))
			}
			if s := strings.Join(got, "|"); main != tt.main || s != tt.want {
				t.Errorf("got %q %q, want %q %q", main, s, tt.main, tt.want)
			}
		})
	}
}

func TestTransferEncodingsHaveManyNames(t *testing.T) {
	for in, want := range map[string]string{
		"": "7bit", "7-bit": "7bit", "8bits": "8bit", "8 bit": "8bit", "BINARY": "binary",
		"quoted printable": "quoted-printable", "quoted-printable;": "quoted-printable", "Quoted_Printable": "quoted-printable",
		`"base64"`: "base64", "base64 (wow)": "base64", "BASE-64": "base64", "uuencode": "x-uuencode", "x-uue": "x-uuencode", "yenc": "yenc",
	} {
		if got := transferEncoding([]byte(in)); got != want {
			t.Errorf("%q = %q, want %q", in, got, want)
		}
	}
}

// FuzzSplit promises what everybody above relies on: ranges lie inside the
// original, in order, and children inside their parents.
func FuzzSplit(f *testing.F) {
	for _, s := range []string{
		"", "Subject: a\n\nb", "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n",
		"Content-Type: multipart/mixed\n\n--b\nContent-Type: message/rfc822\n\nContent-Type: multipart/digest; boundary=\"c\"\n\n--c\n\n--b\n--b--",
		"From x\n\n\x00\xef\xbb\xbfA:b\r\rC", "a\rb\rContent-Type: multipart/x; boundary=q\r\r--q\rz",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, letter []byte) {
		tree := Split(context.Background(), bytes.NewReader(letter), int64(len(letter)), Options{Limits: Limits{Parts: 200, Depth: 20}})
		if tree.Parts > 200 {
			t.Errorf("%d nodes", tree.Parts)
		}
		checkRanges(t, tree.Root, 0, int64(len(letter)))
	})
}

func checkRanges(t *testing.T, n *Node, from, to int64) {
	t.Helper()
	if n.Start < from || n.HeaderEnd < n.Start || n.BodyStart < n.HeaderEnd || n.BodyEnd < n.BodyStart || n.BodyEnd > to {
		t.Fatalf("%s: header %d-%d, body %d-%d, outside %d-%d", n.Path, n.Start, n.HeaderEnd, n.BodyStart, n.BodyEnd, from, to)
	}
	if n.Type == "" {
		t.Fatalf("%s: no type", n.Path)
	}
	at := n.BodyStart
	for _, child := range n.Children {
		checkRanges(t, child, at, n.BodyEnd)
		at = child.BodyEnd
	}
}

// The line end behind an inner closing delimiter belongs to the outer one: a
// byte more or less and no signature over the inner multipart verifies.
func TestAnInnerMultipartEndsBeforeTheOuterDelimitersLineEnd(t *testing.T) {
	for _, epilogue := range []string{"", "\r\n", "epilogue\r\n"} {
		inner := "Content-Type: multipart/mixed; boundary=in\r\n\r\n--in\r\n\r\ntext\r\n--in--" + strings.TrimSuffix("\r\n"+epilogue, "\r\n")
		letter := "Content-Type: multipart/signed; boundary=out\r\n\r\n--out\r\n" + inner + "\r\n--out\r\n\r\nsig\r\n--out--\r\n"
		root := Split(t.Context(), strings.NewReader(letter), int64(len(letter)), Options{}).Root
		if len(root.Children) != 2 {
			t.Fatalf("epilogue %q: %d parts", epilogue, len(root.Children))
		}
		if got := letter[root.Children[0].Start:root.Children[0].BodyEnd]; got != inner {
			t.Errorf("epilogue %q: got %q, want %q", epilogue, got, inner)
		}
	}
}
