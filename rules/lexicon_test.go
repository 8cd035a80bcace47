package rules

import (
	"math/rand/v2"
	"strings"
	"testing"
)

func TestWordsAreFoundAsPeopleWriteThem(t *testing.T) {
	for _, tt := range []struct {
		name, phrase, text string
		want               string // what was found, "" for nothing
	}{
		{"a whole word", "skarga", "To jest skarga.", "skarga"},
		{"a whole word is not the beginning of one", "skarga", "skargami", ""},
		{"a beginning", "skarg*", "Piszę SKARGĘ na to", "SKARGĘ"},
		{"a beginning may be the whole word", "skarg*", "skarg", "skarg"},
		{"marks do not count in the letter", "wycięcie", "wyciecie drzew", "wyciecie"},
		{"marks do not count in the pattern", "wyciecie", "Wycięcie drzew", "Wycięcie"},
		{"ł is l", "zloz*", "Złożyłem", "Złożyłem"},
		{"letters of their own and combining marks are the same", "żółw", "z\u0307o\u0301lw", "z\u0307o\u0301lw"},
		{"a soft hyphen inside a word vanishes", "informacja", "infor\u00admacja", "infor\u00admacja"},
		{"two words side by side", "informacj* publiczn*", "o udostępnienie informacji publicznej", "informacji publicznej"},
		{"two other words between", "odpis* aktu", "odpisu skróconego z aktu", "odpisu skróconego z aktu"},
		{"three other words are too many", "odpis* aktu", "odpisu jeden dwa trzy aktu", ""},
		{"the order counts", "informacj* publiczn*", "publiczna informacja", ""},
		{"a word does not follow itself", "drzew* drzew*", "drzewa", ""},
		{"but its repetition does", "drzew* drzew*", "drzewa i drzewa", "drzewa i drzewa"},
		{"signs and line ends separate", "art 61 konstytucji", "(art. 61\nKonstytucji)", "art. 61\nKonstytucji"},
		{"digits are words", "in 1", "IN-1.pdf", "IN-1"},
		{"an underscore separates", "wniosek", "wniosek_o_wycinke", "wniosek"},
		{"a far beginning does not spoil a near one", "a b", "a x x x a b", "a b"},
		{"nothing in nothing", "a", "", ""},
		{"other alphabets", "привет*", "ПРИВЕТствие", "ПРИВЕТствие"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := newLexicon()
			p, ok := parsePhrase(tt.phrase)
			if !ok {
				t.Fatalf("%q is no phrase", tt.phrase)
			}
			n := l.add(p)
			l.add(mustPhrase(t, "ala* kot*")) // never alone
			l.build()
			r := l.newReading(1)
			l.read(r, 0, 0, tt.text)
			got := ""
			if s, ok := r.has(0, n); ok {
				got = tt.text[s.from:s.until]
			}
			if got != tt.want {
				t.Errorf("%q in %q: got %q, want %q", tt.phrase, tt.text, got, tt.want)
			}
		})
	}
}

func mustPhrase(tb testing.TB, s string) phrase {
	tb.Helper()
	p, ok := parsePhrase(s)
	if !ok {
		tb.Fatalf("%q is no phrase", s)
	}
	return p
}

func TestPatternsThatAreNoWordsAreRefused(t *testing.T) {
	for _, s := range []string{"", "*", "  ", "a*b", "*a", "a **", "–", strings.Repeat("a ", 17)} {
		if _, ok := parsePhrase(s); ok {
			t.Errorf("%q was taken for a phrase", s)
		}
	}
}

func TestNothingReachesFromOneTextIntoTheNext(t *testing.T) {
	l := newLexicon()
	n := l.add(mustPhrase(t, "a b"))
	l.build()
	r := l.newReading(1)
	l.read(r, 0, 0, "a")
	l.read(r, 0, 1, "b")
	if _, ok := r.has(0, n); ok {
		t.Error("a phrase was put together from two values")
	}
	r.begin()
	l.read(r, 0, 0, "b")
	if _, ok := r.has(0, n); ok {
		t.Error("a phrase was put together from two letters")
	}
	l.read(r, 0, 0, "a b")
	if _, ok := r.has(0, n); !ok {
		t.Error("the phrase was not found after the rounds")
	}
	r.begin()
	if _, ok := r.has(0, n); ok {
		t.Error("what was found in one letter is still found in the next")
	}
}

// plainly looks for a phrase word by word, as the manual describes it.
func plainly(p phrase, text string) bool {
	words := foldWords(text)
	is := func(s stem, w string) bool {
		return s.text == w || s.prefix && strings.HasPrefix(w, s.text)
	}
	var from func(n, after int) bool
	from = func(n, after int) bool {
		if n == len(p.words) {
			return true
		}
		for i := after + 1; i < len(words) && i <= after+1+maxGap; i++ {
			if is(p.words[n], words[i]) && from(n+1, i) {
				return true
			}
		}
		return false
	}
	for i := range words {
		if is(p.words[0], words[i]) && from(1, i) {
			return true
		}
	}
	return false
}

// letters of a small alphabet make words that often begin alike.
func babble(r *rand.Rand, words, length int, star bool) string {
	var b strings.Builder
	for range 1 + r.IntN(words) {
		for range 1 + r.IntN(length) {
			b.WriteByte("abą"[r.IntN(2)])
		}
		if star && r.IntN(2) == 0 {
			b.WriteByte('*')
		}
		b.WriteByte(' ')
	}
	return strings.TrimSpace(b.String())
}

func TestOnePassFindsWhatPlainSearchFinds(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		l := newLexicon()
		for range 20 {
			l.add(mustPhrase(t, babble(r, 4, 3, true)))
		}
		l.build()
		reading := l.newReading(2)
		for range 20 {
			text := babble(r, 30, 4, false)
			reading.begin()
			l.read(reading, 1, 0, text)
			for n, p := range l.phrases {
				if _, got := reading.has(1, int32(n)); got != plainly(p, text) {
					t.Fatalf("%q in %q: one pass says %v", p.source, text, got)
				}
			}
		}
	}
}

func TestAPhraseThatImpliesAnotherIsNeverFoundWithoutIt(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	implied := 0
	for range 3000 {
		p, q := mustPhrase(t, babble(r, 3, 3, true)), mustPhrase(t, babble(r, 2, 2, true))
		if !p.implies(q) {
			continue
		}
		implied++
		for range 20 {
			if text := babble(r, 12, 4, false); plainly(p, text) && !plainly(q, text) {
				t.Fatalf("%q implies %q, but not in %q", p.source, q.source, text)
			}
		}
	}
	if implied < 50 {
		t.Errorf("only %d pairs implied one another: the test shows nothing", implied)
	}
}

func FuzzLexicon(f *testing.F) {
	f.Add("skarg* na", "Skargę na sąsiada")
	f.Add("a b c", "a x b y c")
	f.Add("ż\u0301*", "\xff\xfeż")
	f.Fuzz(func(t *testing.T, source, text string) {
		p, ok := parsePhrase(source)
		if !ok || len(text) > 1000 || len(source) > 100 {
			return
		}
		l := newLexicon()
		n := l.add(p)
		l.build()
		r := l.newReading(1)
		l.read(r, 0, 0, text)
		s, got := r.has(0, n)
		if got != plainly(p, text) {
			t.Errorf("%q in %q: one pass says %v", source, text, got)
		}
		if got && (s.from < 0 || s.from >= s.until || int(s.until) > len(text)) {
			t.Errorf("%q in %q: found at %d to %d", source, text, s.from, s.until)
		}
	})
}
