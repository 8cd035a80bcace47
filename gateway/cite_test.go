package gateway

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"testing"

	"kancelaria/registry"
)

// A ledgerBook notes the keys that were offered and fails as told.
type ledgerBook struct {
	keys []string
	fail error
}

func (b *ledgerBook) Offer(_ context.Context, d registry.Draft) func(context.Context) (registry.Outcome, error) {
	b.keys = append(b.keys, d.Key)
	err := b.fail
	return func(context.Context) (registry.Outcome, error) { return registry.Outcome{Key: d.Key}, err }
}

func (b *ledgerBook) Prompt() bool { return true }
func (b *ledgerBook) Hurry()       {}

func decided(rules, office byte) registry.Draft {
	return registry.Draft{Key: "item/" + string('a'+rune(rules)), Arrival: &registry.Arrival{
		Decision: registry.Decision{RulesDigest: registry.Digest{rules}, OfficeDigest: registry.Digest{office}},
	}}
}

func TestTheFirstDecisionThatCitesASetBringsItIntoTheBook(t *testing.T) {
	book := &ledgerBook{}
	citing := NewCiting(book, func(c Cited) []RuleFile {
		return []RuleFile{{Kind: OfficeFile, Digest: c.Office}, {Kind: RulesFile, Digest: c.Rules}}
	}, slog.New(slog.DiscardHandler))
	offer := func(d registry.Draft) error {
		_, err := citing.Offer(t.Context(), d)(t.Context())
		return err
	}
	one, two := registry.Digest{1}, registry.Digest{2}
	for _, tt := range []struct {
		name string
		d    registry.Draft
		fail error
		want []string
	}{
		{"the first brings both files, before itself", decided(1, 1), nil, []string{FileKey(OfficeFile, one), FileKey(RulesFile, one), "item/b"}},
		{"the second brings none", decided(1, 1), nil, []string{"item/b"}},
		{"the same rules with another office bring it", decided(1, 2), nil, []string{FileKey(OfficeFile, two), FileKey(RulesFile, one), "item/b"}},
		{"what could not be written", decided(2, 1), registry.ErrUnavailable, []string{FileKey(OfficeFile, one), FileKey(RulesFile, two), "item/c"}},
		{"is brought again", decided(2, 1), nil, []string{FileKey(OfficeFile, one), FileKey(RulesFile, two), "item/c"}},
		{"an act cites nothing", registry.Draft{Key: "act", Act: &registry.Act{}}, nil, []string{"act"}},
	} {
		book.keys, book.fail = nil, tt.fail
		if err := offer(tt.d); !errors.Is(err, tt.fail) {
			t.Errorf("%s: %v", tt.name, err)
		}
		if !slices.Equal(book.keys, tt.want) {
			t.Errorf("%s: offered %v, want %v", tt.name, book.keys, tt.want)
		}
	}
}
