package postgres

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/jackc/pgx/v5"

	"kancelaria/registry"
)

// Bounds of what is indexed and asked: words longer than people write, and more
// words than a letter has, are left out.
const (
	longestWord = 64 // bytes
	mostWords   = 50_000
	mostAsked   = 20
)

// Index implements registry.Store. The text of an entry replaces what was
// indexed of it before; of numbers that are not in the book nothing is kept.
func (s *Store) Index(ctx context.Context, texts []registry.Text) error {
	b := &pgx.Batch{}
	b.Queue("BEGIN")
	for _, text := range texts {
		n, words := text.Number, wordsOf(text.Words)
		if len(words) == 0 {
			b.Queue("DELETE FROM search USING entry WHERE search.leaf = entry.leaf AND register = $1 AND year = $2 AND seq = $3",
				n.Register, n.Year, n.Seq)
			continue
		}
		b.Queue(`INSERT INTO search (leaf, words)
SELECT leaf, array_to_tsvector($4::text[]) FROM entry WHERE register = $1 AND year = $2 AND seq = $3
ON CONFLICT (leaf) DO UPDATE SET words = excluded.words`, n.Register, n.Year, n.Seq, words)
	}
	err := s.session(ctx, func(ctx context.Context, c *pgx.Conn) error { return s.commit(ctx, c, b) })
	if err != nil {
		return fmt.Errorf("indexing %d texts: %w", len(texts), err)
	}
	return nil
}

// findSearch finds entries in which all words occur.
func (s *Store) findSearch(ctx context.Context, q registry.Query) (registry.Page, error) {
	match := matching(q.Words)
	if match == "" {
		return registry.Page{}, nil
	}
	c, err := s.filters(ctx, q)
	if err != nil {
		return registry.Page{}, err
	}
	c.and("search.words @@ ?::tsquery", match)
	return s.works(ctx, q, "SELECT w.body FROM search JOIN work AS w ON w.leaf = search.leaf", c, newestFirst)
}

// wordsOf takes a folded text apart, each word once, in order.
func wordsOf(text string) []string {
	words := strings.FieldsFunc(text, notInWord)
	words = slices.DeleteFunc(words, func(w string) bool { return len(w) > longestWord })
	if len(words) > mostWords {
		words = words[:mostWords]
	}
	slices.Sort(words)
	return slices.Compact(words)
}

func notInWord(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsNumber(r) }

// matching spells a question for tsquery: quoted words, :* for what they begin.
func matching(asked []string) string {
	var terms []string
	for _, a := range asked {
		parts := strings.FieldsFunc(a, notInWord)
		for i, p := range parts {
			if len(terms) == mostAsked {
				break
			}
			term := "'" + p + "'"
			if i == len(parts)-1 && strings.HasSuffix(a, "*") {
				term += ":*"
			}
			terms = append(terms, term)
		}
	}
	return strings.Join(terms, " & ")
}
