package sqlite

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode"

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
	update, erased := s.update, slices.ContainsFunc(texts, func(t registry.Text) bool { return t.Erased })
	if erased {
		update = s.updateClean
	}
	err := update(ctx, func(ctx context.Context, t *tx) error {
		for _, text := range texts {
			if err := t.index(ctx, text); err != nil {
				return err
			}
		}
		if !erased {
			return nil
		}
		// The index keeps the words of a deleted text until it is merged.
		_, err := t.exec(ctx, "INSERT INTO search (search) VALUES ('optimize')")
		return err
	})
	if err != nil {
		return fmt.Errorf("indexing %d texts: %w", len(texts), err)
	}
	return nil
}

func (t *tx) index(ctx context.Context, text registry.Text) error {
	n, leaf := text.Number, int64(-1)
	err := t.query(ctx, "SELECT leaf FROM entry WHERE register = ?1 AND year = ?2 AND seq = ?3",
		func(r row) error { return r.Scan(&leaf) }, n.Register, n.Year, n.Seq)
	if err != nil || leaf < 0 {
		return err
	}
	if _, err := t.exec(ctx, "DELETE FROM search WHERE rowid = ?1", leaf); err != nil {
		return err
	}
	words := wordsOf(text.Words)
	if len(words) == 0 {
		return nil
	}
	_, err = t.exec(ctx, "INSERT INTO search (rowid, words) VALUES (?1, ?2)", leaf, strings.Join(words, " "))
	return err
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
	c.and("search MATCH ?", match)
	return s.works(ctx, q, "SELECT w.body FROM search JOIN work AS w ON w.leaf = search.rowid", c, searchNewestFirst)
}

// searchNewestFirst is newestFirst in the words of the index, which reads
// backwards without sorting.
var searchNewestFirst = order{
	by: "search.rowid DESC",
	after: func(c *clause, mark string) error {
		leaf, err := afterNumbers(mark, 1)
		c.and("search.rowid < ?", leaf...)
		return err
	},
	mark: leafMark,
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

// matching spells a question for FTS5: quoted words, * for what they begin.
func matching(asked []string) string {
	var terms []string
	for _, a := range asked {
		parts := strings.FieldsFunc(a, notInWord)
		for i, p := range parts {
			if len(terms) == mostAsked {
				break
			}
			term := `"` + p + `"`
			if i == len(parts)-1 && strings.HasSuffix(a, "*") {
				term += "*"
			}
			terms = append(terms, term)
		}
	}
	return strings.Join(terms, " AND ")
}
