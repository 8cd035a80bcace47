package charset

import (
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/unicode/norm"
)

func encode(t testing.TB, set *charmap.Charmap, s string) []byte {
	t.Helper()
	b, err := set.NewEncoder().Bytes([]byte(s))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

const (
	polish = "Zażółć gęślą jaźń – wniosek o wydanie zaświadczenia, Święćkowska"
	czech  = "Příliš žluťoučký kůň úpěl ďábelské ódy"
	german = "Größere Straßenschäden müssen überprüft werden"
	french = "À l'été, l'élève français a été très déçu à la fête"
)

func TestLabelsAreBelievedOnlyIfTheBytesAgree(t *testing.T) {
	w1250, latin2, w1252 := charmap.Windows1250, charmap.ISO8859_2, charmap.Windows1252
	pl := strings.ReplaceAll(polish, "–", "-")
	for _, tt := range []struct {
		name, label string
		set         *charmap.Charmap
		text        string
		guessed     bool
	}{
		{"Polish in windows-1250, said so", "windows-1250", w1250, polish, false},
		{"Polish in windows-1250, in another spelling", "cp-1250", w1250, polish, false},
		{"Polish in windows-1250, said nothing", "", w1250, polish, true},
		{"Polish in windows-1250, called ISO-8859-1", "iso-8859-1", w1250, polish, true},
		{"Polish in windows-1250, called ISO-8859-2", "iso-8859-2", w1250, polish, true},
		{"Polish in windows-1250, called us-ascii", "us-ascii", w1250, polish, true},
		{"Polish in windows-1250, called UTF-8", "utf-8", w1250, polish, true},
		{"Polish in windows-1250, called unknown-8bit", "unknown-8bit", w1250, polish, true},
		{"Polish in ISO-8859-2, said so", "iso-8859-2", latin2, pl, false},
		{"Polish in ISO-8859-2, said nothing", "", latin2, pl, true},
		{"Polish in ISO-8859-2, called ISO-8859-1", "iso-8859-1", latin2, pl, true},
		{"Polish in ISO-8859-2, called windows-1250", "windows-1250", latin2, pl, true},
		{"Polish in the code page of DOS, said so", "ibm852", charmap.CodePage852, pl, false},
		{"Czech in ISO-8859-2, said so", "iso-8859-2", latin2, czech, false},
		{"Czech in windows-1250, said so", "windows-1250", w1250, czech, false},
		{"Czech in windows-1250, said nothing", "", w1250, czech, true},
		{"German in windows-1252, said so", "windows-1252", w1252, german, false},
		{"French in ISO-8859-1, said so", "iso-8859-1", w1252, french, false},
		{"French in windows-1252, said nothing", "", w1252, french, true},
		{"cubic metres in ISO-8859-1, said so", "iso-8859-1", w1252, "Verbrauch 12 m³ und 3 m² für 5 £", false},
		{"Russian in KOI8-R, said so", "koi8-r", charmap.KOI8R, "Съешь ещё этих мягких булок", false},
		{"Greek, said so", "iso-8859-7", charmap.ISO8859_7, "Καλημέρα σας", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var d Decoder
			if got := d.Text(tt.label, encode(t, tt.set, tt.text)); got != tt.text {
				t.Errorf("got %q, want %q", got, tt.text)
			}
			if d.Guessed != tt.guessed {
				t.Errorf("guessed = %t, want %t", d.Guessed, tt.guessed)
			}
		})
	}
}

func TestTextThatIsUTF8StaysSo(t *testing.T) {
	for _, tt := range []struct {
		name, label string
		guessed     bool
	}{
		{"said so", "utf-8", false},
		{"said nothing", "", false},
		{"called us-ascii", "us-ascii", true},
		{"called ISO-8859-2", "iso-8859-2", true},
		{"called by a name nobody knows", "klingon", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var d Decoder
			if got := d.Text(tt.label, []byte(polish)); got != polish || d.Guessed != tt.guessed {
				t.Errorf("got %q, guessed %t", got, d.Guessed)
			}
		})
	}
}

func TestBrokenTextStaysReadable(t *testing.T) {
	for _, tt := range []struct{ name, label, in, want string }{
		{"UTF-8 cut in a character", "utf-8", polish + "\xc5", polish + "\ufffd"},
		{"raw UTF-8 cut in a character", "", polish + "\xc5", polish + "\ufffd"},
		{"a NUL in the middle", "utf-8", "a\x00b", "ab"},
		{"letters and accents apart", "utf-8", norm.NFD.String(polish), polish},
		{"a byte order mark", "utf-8", "\ufeffabc", "abc"},
		{"UTF-7", "utf-7", "Za+AXwA8wFCAQc- +- koniec", "Zażółć + koniec"},
		{"UTF-7 by its old name", "unicode-1-1-utf-7", "Hi Mom -+Jjo--!", "Hi Mom -☺-!"},
		{"UTF-7 with a run that is none", "utf-7", "1+1=2", "1+1=2"},
		{"UTF-16 without a mark", "utf-16", "z\x00a\x00|\x01", "zaż"},
		{"UTF-16 with a mark", "utf-16", "\xfe\xff\x00z\x00a\x01|", "zaż"},
		{"Japanese in seven bits", "iso-2022-jp", "\x1b$B%(%i!<\x1b(B", "エラー"},
		{"Japanese called by the name of another set of Japan", "iso-2022-jp", "\xa5\xa8\xa5\xe9\xa1\xbc", "エラー"},
		{"Chinese in GB2312", "gb2312", "\xc4\xe3\xba\xc3", "你好"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var d Decoder
			if got := d.Text(tt.label, []byte(tt.in)); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestLabelsHaveManySpellings(t *testing.T) {
	for want, labels := range map[string][]string{
		"windows-1250": {"windows-1250", "WINDOWS1250", "cp1250", "cp-1250", "x-cp1250", "win-1250", "win1250", "windows_1250", "ansi-1250", "'windows-1250'", `"cp1250"`, "charset=windows-1250", "windows-1250;", "windows-1250*pl", "ms-ee"},
		"iso-8859-2":   {"ISO-8859-2", "iso8859-2", "iso_8859-2", "latin2", "l2", "ISO-8859-2*sl", "iso-8859-2 ", "iso88592"},
		"utf-8":        {"utf8", "UTF_8", "unicode-1-1-utf-8", "utf-8;format=flowed", "cp65001"},
		"us-ascii":     {"ascii", "US-ASCII", "ANSI_X3.4-1968", "charset=us-ascii"},
		"windows-1252": {"iso-8859-1", "latin1", "cp1252", "ISO8859_1"},
		"ibm852":       {"cp852", "IBM852", "852"},
		"euc-kr":       {"ks_c_5601-1987", "cp949"},
		"gbk":          {"gb2312", "x-gbk", "cp936"},
		"":             {"", "unknown-8bit", "x-unknown", "klingon", "no such thing", strings.Repeat("x", 1000)},
	} {
		for _, label := range labels {
			if got, _ := Lookup(label); got != want {
				t.Errorf("%q is %q, want %q", label, got, want)
			}
		}
	}
}

func TestHeadersAreDecodedHoweverTheyAreWritten(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"plain", "Hello", "Hello"},
		{"one word", "=?utf-8?Q?Za=C5=BC=C3=B3=C5=82=C4=87?=", "Zażółć"},
		{"words of one set are joined", "=?utf-8?B?WmE=?= =?utf-8?B?xbw=?=", "Zaż"},
		{"a word cut inside a character", "=?utf-8?B?WmHF?=\r\n =?utf-8?B?vA==?=", "Zaż"},
		{"text around words keeps its blanks", "Re: =?utf-8?Q?=C5=BC?= and =?utf-8?Q?=C4=87?=", "Re: ż and ć"},
		{"words of two sets", "=?utf-8?Q?=C5=BC?= =?iso-8859-2?Q?=B3?=", "żł"},
		{"a word inside quotes", `"=?utf-8?Q?=C5=BC?="`, `"ż"`},
		{"a word inside text", "a=?utf-8?Q?=C5=BC?=b", "ażb"},
		{"blanks inside a word", "=?utf-8?Q?a b_c?=", "a b c"},
		{"base64 without padding", "=?utf-8?B?WmHFvA?=", "Zaż"},
		{"base64 with padding in the middle", "=?utf-8?B?WmE=xbw=?=", "Zaż"},
		{"a label with a language", "=?utf-8*pl?Q?=C5=BC?=", "ż"},
		{"small letters", "=?UTF-8?b?WmHFvA==?=", "Zaż"},
		{"a word without an end", "=?utf-8?Q?abc", "=?utf-8?Q?abc"},
		{"a sign of equality at the end", "=?utf-8?Q?a=?=", "a="},
		{"an unknown set", "=?klingon?Q?abc?=", "abc"},
		{"raw UTF-8", "Zażółć", "Zażółć"},
		{"folds", "a\r\n b\r\n\tc", "a b c"},
		{"NULs", "a\x00b", "ab"},
		{"question marks in a Q word", "=?utf-8?Q?a?=41?=", "a?A"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var d Decoder
			if got := d.Header([]byte(tt.in)); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestAHintHelpsRawHeaders(t *testing.T) {
	d := Decoder{Hint: "iso-8859-2"}
	if got := d.Header(encode(t, charmap.ISO8859_2, "Żółw")); got != "Żółw" {
		t.Errorf("got %q", got)
	}
}

// Whatever comes in, what comes out is text a database takes.
func FuzzText(f *testing.F) {
	f.Add("utf-8", []byte(polish))
	f.Add("iso-8859-1", encode(f, charmap.Windows1250, polish))
	f.Add("utf-7", []byte("Za+AXwA8wFCAQc-"))
	f.Add("utf-16", []byte("\xff\xfea\x00"))
	f.Add("hz-gb-2312", []byte("~{VPNDJ~}"))
	f.Fuzz(func(t *testing.T, label string, b []byte) {
		var d Decoder
		checkText(t, d.Text(label, b))
	})
}

func FuzzHeader(f *testing.F) {
	for _, s := range []string{"=?utf-8?Q?Za=C5=BC?= =?utf-8?B?xbw=?= x", "=?a?q?b?=?=", "=?utf-7?Q?+AXw-?=", "a\r\n b\x00"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var d Decoder
		checkText(t, d.Header(b))
	})
}

func checkText(t *testing.T, s string) {
	t.Helper()
	if !utf8.ValidString(s) || strings.ContainsRune(s, 0) || !norm.NFC.IsNormalString(s) {
		t.Errorf("%q is no clean text", s)
	}
}
