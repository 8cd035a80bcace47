package parse

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"math/rand/v2"
	"mime/quotedprintable"
	"strings"
	"testing"
	"testing/iotest"
)

func decodeAll(t testing.TB, encoding string, src io.Reader) (string, bool) {
	t.Helper()
	r, damaged := decoded(encoding, src, make([]byte, block))
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatalf("decoding %s: %v", encoding, err)
	}
	return string(b), damaged()
}

func TestBodiesAreDecoded(t *testing.T) {
	for _, tt := range []struct {
		name, encoding, in, want string
		damaged                  bool
	}{
		{"base64", "base64", "WmHFvMOzxYLEhw==", "Zażółć", false},
		{"base64 in lines", "base64", "WmHF\r\nvMOz\r\nxYLEhw==\r\n", "Zażółć", false},
		{"base64 with blanks", "base64", "WmHF vMOz\txYLEhw== ", "Zażółć", false},
		{"base64 with junk", "base64", "Wm!HF*vMOzxYLEhw==", "Zażółć", true},
		{"base64 without padding", "base64", "WmHFvMOzxYLEhw", "Zażółć", true},
		{"base64 with too much padding", "base64", "WmHFvMOzxYLEhw======", "Zażółć", false},
		{"base64 joined behind its padding", "base64", "WmE=\r\nxbw=\r\n", "Zaż", false},
		{"base64 cut after one letter", "base64", "WmHFv", "Za\xc5", true},
		{"nothing in base64", "base64", "\r\n", "", false},
		{"quoted-printable", "quoted-printable", "Za=C5=BC=C3=B3=C5=82=C4=87", "Zażółć", false},
		{"quoted-printable with soft line ends", "quoted-printable", "Za=C5=\r\n=BC=C3=B3=  \r\n=C5=82=C4=87", "Zażółć", false},
		{"quoted-printable in small letters", "quoted-printable", "=c5=bc", "ż", false},
		{"blanks at line ends", "quoted-printable", "a  \r\nb\t\r\n", "a\r\nb\r\n", false},
		{"bare line feeds", "quoted-printable", "a\nb=\nc\n", "a\nbc\n", false},
		{"an escape that is none", "quoted-printable", "a=ZZb=1", "a=ZZb=1", true},
		{"a soft line end at the very end", "quoted-printable", "abc=", "abc", false},
		{"uuencode", "x-uuencode", "begin 644 a.txt\n#0V%T\n`\nend\n", "Cat", false},
		{"uuencode with text around", "x-uuencode", "Hello\nbegin 644 a.txt\n#0V%T\n`\nend\nGoodbye\n", "Cat", false},
		{"uuencode without end", "x-uuencode", "begin 644 a.txt\n#0V%T\n", "Cat", true},
		{"as it is", "8bit", "\x00\xff\r\n", "\x00\xff\r\n", false},
		{"of an unknown way", "yenc", "abc", "abc", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for how, src := range map[string]io.Reader{"at once": strings.NewReader(tt.in), "byte by byte": iotest.OneByteReader(strings.NewReader(tt.in))} {
				got, damaged := decodeAll(t, tt.encoding, src)
				if got != tt.want || damaged != tt.damaged {
					t.Errorf("%s: got %q (damaged %t), want %q (damaged %t)", how, got, damaged, tt.want, tt.damaged)
				}
			}
		})
	}
}

func TestLongBodiesAreDecodedWhole(t *testing.T) {
	content := make([]byte, 300_000)
	r := rand.NewChaCha8([32]byte{1})
	_, _ = r.Read(content) // never fails
	flat := base64.StdEncoding.EncodeToString(content)
	var lines strings.Builder
	for i := 0; i < len(flat); i += 76 {
		lines.WriteString(flat[i:min(i+76, len(flat))] + "\r\n")
	}
	var quoted, oneLine bytes.Buffer
	w := quotedprintable.NewWriter(&quoted)
	w.Binary = true
	_, err := w.Write(content)
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	oneLine.Write(bytes.ReplaceAll(quoted.Bytes(), []byte("=\r\n"), nil))
	for name, tt := range map[string]struct{ encoding, in string }{
		"base64 in lines":                    {"base64", lines.String()},
		"base64 in one line":                 {"base64", flat},
		"base64 with a stray sign":           {"base64", "*" + lines.String()},
		"quoted-printable":                   {"quoted-printable", quoted.String()},
		"quoted-printable without line ends": {"quoted-printable", oneLine.String()},
	} {
		t.Run(name, func(t *testing.T) {
			if got, _ := decodeAll(t, tt.encoding, strings.NewReader(tt.in)); got != string(content) {
				t.Errorf("%d bytes that differ from the %d encoded", len(got), len(content))
			}
			small, _ := decoded(tt.encoding, strings.NewReader(tt.in), make([]byte, block))
			b, err := io.ReadAll(iotest.OneByteReader(small))
			if err != nil || !bytes.Equal(b, content) {
				t.Errorf("read byte by byte: %d bytes, %v", len(b), err)
			}
		})
	}
}

func TestASourceThatFailsIsToldOf(t *testing.T) {
	broken := errors.New("the disk is gone")
	for _, encoding := range []string{"base64", "quoted-printable", "x-uuencode", "8bit"} {
		r, _ := decoded(encoding, io.MultiReader(strings.NewReader("WmE="), iotest.ErrReader(broken)), make([]byte, block))
		if _, err := io.ReadAll(r); !errors.Is(err, broken) {
			t.Errorf("%s: err = %v", encoding, err)
		}
	}
}

func TestProseIsNoUuencode(t *testing.T) {
	for in, want := range map[string]string{
		"We begin\nbegin 100 new lives\nand so on\n":                   "We begin\nbegin 100 new lives\nand so on\n",
		"a\nbegin 644 f.txt\n#0V%T\n`\nend\nb\n":                       "a\nb\n",
		"a\nbegin 644 f.txt\n#0V%T\n`\nend\nbegin 644 g\n#0V%T\nb c\n": "a\nb c\n",
		"begin 644 f.txt":                       "begin 644 f.txt",
		"begin 644 f.txt\nbegin 644 g.txt\nx\n": "begin 644 f.txt\nbegin 644 g.txt\nx\n",
	} {
		if got := string(withoutUU([]byte(in))); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}
