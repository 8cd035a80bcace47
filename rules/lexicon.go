package rules

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxGap is how many other words may stand between two words of a pattern, so
// that "odpis* aktu" finds "odpisu skróconego aktu".
const maxGap = 2

// A phrase is one pattern of words: each is a whole word or, with *, the
// beginning of one.
type phrase struct {
	source string // as written
	words  []stem
}

type stem struct {
	text   string // folded
	prefix bool
}

// parsePhrase reads a pattern; ok is false if it has no words or a * that is
// not the end of one.
func parsePhrase(s string) (p phrase, ok bool) {
	p.source = s
	for _, part := range strings.Fields(s) {
		body, star := strings.CutSuffix(part, "*")
		if strings.Contains(body, "*") {
			return p, false
		}
		words := foldWords(body)
		if len(words) == 0 {
			return p, false
		}
		for i, w := range words {
			p.words = append(p.words, stem{w, star && i == len(words)-1})
		}
	}
	return p, len(p.words) > 0 && len(p.words) <= 16
}

// implies reports whether every text with p has q too.
func (p phrase) implies(q phrase) bool {
	for i := 0; i+len(q.words) <= len(p.words); i++ {
		all := true
		for j, w := range q.words {
			all = all && p.words[i+j].within(w)
		}
		if all {
			return true
		}
	}
	return false
}

// within reports whether every word that s stands for, w stands for too.
func (s stem) within(w stem) bool {
	if w.prefix {
		return strings.HasPrefix(s.text, w.text)
	}
	return !s.prefix && s.text == w.text
}

// A lexicon finds all phrases of a rule set in one pass over a text. It walks
// a tree of the folded stems; the state of a phrase of several words is the
// place where its beginning was last seen.
type lexicon struct {
	phrases  []phrase
	index    map[string]int32 // source → phrase
	byClass  [256]uint8       // ASCII byte → column of next; see separator, marked
	columnOf [256]uint8       // folded byte → column
	columns  int
	next     []int32  // node*columns + column → node; 0 is dead, 1 the root
	begun    [][]step // of a word that goes on beyond the node
	whole    [][]step // of a word that ends at the node
	starts   []int32  // phrase → first of its states
	states   int
}

// A step says that a word can be the n-th of a phrase.
type step struct {
	phrase int32
	n      int16
	last   bool
}

const (
	separator = 0 // columns of byClass that are none
	marked    = 255
	otherByte = 1 // of words, but of no stem: leads nowhere
)

func newLexicon() *lexicon { return &lexicon{index: map[string]int32{}} }

// add makes a phrase known and gives its number.
func (l *lexicon) add(p phrase) int32 {
	if n, ok := l.index[p.source]; ok {
		return n
	}
	n := int32(len(l.phrases))
	l.index[p.source] = n
	l.phrases = append(l.phrases, p)
	return n
}

// build makes the tree; nothing is added after it.
func (l *lexicon) build() {
	columnOf := l.chooseColumns()
	l.next = make([]int32, 2*l.columns)
	l.begun, l.whole = make([][]step, 2), make([][]step, 2)
	parent := []int32{0, 0}
	for i, p := range l.phrases {
		l.starts = append(l.starts, int32(l.states))
		l.states += len(p.words)
		for n, w := range p.words {
			at := int32(1)
			for _, b := range []byte(w.text) {
				slot := int(at)*l.columns + int(columnOf[b])
				if l.next[slot] == 0 {
					l.next[slot] = int32(len(parent))
					parent = append(parent, at)
					l.next = append(l.next, make([]int32, l.columns)...)
					l.begun, l.whole = append(l.begun, nil), append(l.whole, nil)
				}
				at = l.next[slot]
			}
			s := step{int32(i), int16(n), n == len(p.words)-1}
			if w.prefix {
				l.begun[at] = append(l.begun[at], s)
			} else {
				l.whole[at] = append(l.whole[at], s)
			}
		}
	}
	// A child comes after its parent, so what is inherited is complete.
	for at := 2; at < len(parent); at++ {
		l.begun[at] = append(l.begun[at], l.begun[parent[at]]...)
		l.whole[at] = append(l.whole[at], l.begun[at]...)
		inOrder(l.begun[at])
		inOrder(l.whole[at])
	}
}

// inOrder puts later words of a phrase first: a word must not follow itself.
func inOrder(steps []step) {
	slices.SortFunc(steps, func(a, b step) int {
		return cmp.Or(cmp.Compare(a.phrase, b.phrase), cmp.Compare(b.n, a.n))
	})
}

// chooseColumns gives each byte that occurs in stems a column of the tree.
func (l *lexicon) chooseColumns() (columnOf [256]uint8) {
	n := otherByte
	for _, p := range l.phrases {
		for _, w := range p.words {
			for _, b := range []byte(w.text) {
				if columnOf[b] == 0 && n < marked-1 {
					n++
					columnOf[b] = uint8(n)
				}
			}
		}
	}
	l.columns = n + 1
	for b := range 256 {
		switch {
		case b >= utf8.RuneSelf:
			l.byClass[b] = marked
		case foldWord[b]:
			l.byClass[b] = max(columnOf[foldTable[b][0]], otherByte)
		default:
			l.byClass[b] = separator
		}
	}
	for b := range columnOf {
		columnOf[b] = max(columnOf[b], otherByte)
	}
	l.columnOf = columnOf
	return columnOf
}

// A sighting is where a phrase was found in a zone: bytes from to until of the
// value number which.
type sighting struct {
	from, until int32
	which       int32
}

// A reading is the scratch of one pass. Words are numbered through all texts
// ever read with it, so that what was seen needs no clearing.
type reading struct {
	word  int32   // number of the word before
	seen  []int32 // by state: number of the word that reached it
	from  []int32 // by state: where the phrase began
	zones []zone
}

// A zone is what was found in the values of one field.
type zone struct {
	count int
	bits  []uint64 // by phrase: found
	first []sighting
}

func (l *lexicon) newReading(zones int) *reading {
	r := &reading{seen: make([]int32, l.states), from: make([]int32, l.states), zones: make([]zone, zones)}
	for z := range r.zones {
		r.zones[z] = zone{bits: make([]uint64, (len(l.phrases)+63)/64), first: make([]sighting, len(l.phrases))}
	}
	return r
}

// begin starts a new letter: nothing is found yet.
func (r *reading) begin() {
	for z := range r.zones {
		if r.zones[z].count > 0 {
			r.zones[z].count = 0
			clear(r.zones[z].bits)
		}
	}
	if r.word > math.MaxInt32/2 {
		clear(r.seen)
		r.word = 0
	}
}

// has reports where a phrase was found in a zone.
func (r *reading) has(zone int, phrase int32) (sighting, bool) {
	z := &r.zones[zone]
	return z.first[phrase], z.bits[phrase/64]>>(phrase%64)&1 == 1
}

// any reports whether one of the phrases was found in a zone.
func (r *reading) any(zone int, phrases []int32) bool {
	z := &r.zones[zone]
	if z.count == 0 {
		return false
	}
	for _, p := range phrases {
		if z.bits[p/64]>>(p%64)&1 == 1 {
			return true
		}
	}
	return false
}

// read looks for all phrases in one value of a zone.
func (l *lexicon) read(r *reading, zone int, which int, text string) {
	r.word += maxGap + 2 // nothing reaches over from the text before; 0 is "never"
	at, deepest, start := int32(1), int32(1), -1
	for i := 0; i < len(text); {
		b := text[i]
		column, size := l.byClass[b], 1
		if column == marked {
			var ch rune
			ch, size = utf8.DecodeRuneInString(text[i:])
			folded, word := foldRune(ch)
			if word {
				if start < 0 {
					start = i
				}
				for j := range len(folded) {
					if at = l.next[int(at)*l.columns+int(l.columnOf[folded[j]])]; at != 0 {
						deepest = at
					}
				}
				i += size
				continue
			}
			column = separator
		}
		if column != separator {
			if start < 0 {
				start = i
			}
			if at = l.next[int(at)*l.columns+int(column)]; at != 0 {
				deepest = at
			}
		} else if start >= 0 {
			l.word(r, zone, which, at, deepest, start, i)
			at, deepest, start = 1, 1, -1
		}
		i += size
	}
	if start >= 0 {
		l.word(r, zone, which, at, deepest, start, len(text))
	}
}

// word ends a word of the text: what phrases does it begin, go on or end?
func (l *lexicon) word(r *reading, zone, which int, at, deepest int32, start, end int) {
	r.word++
	steps := l.begun[deepest]
	if at != 0 {
		steps = l.whole[at]
	}
	for _, s := range steps {
		state := l.starts[s.phrase] + int32(s.n)
		from := int32(start)
		if s.n > 0 {
			before := r.seen[state-1]
			if before == 0 || r.word-before > maxGap+1 {
				continue
			}
			from = r.from[state-1]
		}
		r.seen[state], r.from[state] = r.word, from
		if z := &r.zones[zone]; s.last && z.bits[s.phrase/64]>>(s.phrase%64)&1 == 0 {
			z.bits[s.phrase/64] |= 1 << (s.phrase % 64)
			z.first[s.phrase] = sighting{from, int32(end), int32(which)}
			z.count++
		}
	}
}
