package postgres

import (
	"crypto/rand"
	"slices"
	"testing"

	"kancelaria/registry"
	"kancelaria/registry/ledger"
	"kancelaria/registry/storetest"
)

// What a superuser can do who has put the triggers out. Verifying finds and
// names each.
func TestEachAttackOnTheDatabaseIsFoundAndNamed(t *testing.T) {
	if testing.Short() {
		t.Skip("needs PostgreSQL")
	}
	const out = `SET search_path = kancelaria; ALTER TABLE leaf DISABLE TRIGGER ALL; ALTER TABLE node DISABLE TRIGGER ALL; ALTER TABLE entry DISABLE TRIGGER ALL;
ALTER TABLE series DISABLE TRIGGER ALL; ALTER TABLE head DISABLE TRIGGER ALL; ALTER TABLE work DISABLE TRIGGER ALL; ALTER TABLE folder DISABLE TRIGGER ALL; `
	for _, tt := range []struct{ name, text, want string }{
		{"a row is changed", "UPDATE work SET body = replace(body::text, 'Wniosek nr 2', 'Wniosek nr 7')::json WHERE leaf = 2", registry.FoundEntryChanged},
		{"a row is deleted", "DELETE FROM work WHERE leaf = 2", registry.FoundEntryMissing},
		{"two rows are swapped", "UPDATE work AS w SET body = o.body FROM work AS o WHERE w.leaf IN (2, 3) AND o.leaf = 5 - w.leaf", registry.FoundEntryChanged},
		{"the counter is moved", "UPDATE series SET taken = taken + 5", registry.FoundCounterChanged},
		{"a folder is changed", "UPDATE folder SET class = '9999' WHERE id = 'K-RPW-000003-2026'", registry.FoundFolderChanged},
		{"a leaf's content is taken away", "UPDATE leaf SET content = NULL WHERE idx = 2", registry.FoundContentMissing},
		{"a leaf's content is changed", "UPDATE leaf SET content = content || '\\x20' WHERE idx = 2", registry.FoundContentChanged},
		{"a leaf is changed", "UPDATE leaf SET actor = 'os9' WHERE idx = 2", registry.FoundLeafChanged},
		{"two leaves are swapped", "UPDATE leaf SET idx = -1 - idx WHERE idx IN (2, 3); UPDATE leaf SET idx = 5 - (-1 - idx) WHERE idx < 0", registry.FoundLineUnreadable},
		{"a leaf is deleted", "DELETE FROM leaf WHERE idx = 2", registry.FoundLeafMissing},
		{"a tree hash is changed", "UPDATE node SET hash = sha256('x') WHERE pos = 1", registry.FoundTreeChanged},
		{"the head is rolled back under a signed one", "UPDATE head SET size = 8", registry.FoundHeadOlder},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newTown(t)
			s := w.open(t, Options{Origin: "aleksandrowo.example/ksiega"})
			for n := range 10 {
				if _, err := s.Commit(t.Context(), []registry.Draft{storetest.Letter(n)}); err != nil {
					t.Fatal(err)
				}
			}
			secret, _, err := ledger.GenerateKey(rand.Reader, "aleksandrowo.example/ksiega")
			if err != nil {
				t.Fatal(err)
			}
			key, err := ledger.NewSigner(secret)
			if err != nil {
				t.Fatal(err)
			}
			if err := registry.NewSealer(s, key, registry.SealerOptions{Node: "n1"}).Seal(t.Context()); err != nil {
				t.Fatal(err)
			}
			w.pg.Exec(t, w.superuser, out+"ALTER TABLE leaf DROP CONSTRAINT IF EXISTS leaf_idx_check; "+tt.text)
			seen, err := registry.VerifyBook(t.Context(), s, registry.VerifyOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if !slices.ContainsFunc(seen.Findings, func(f registry.Finding) bool { return f.Code == tt.want }) {
				t.Errorf("found %+v, want %s", seen.Findings, tt.want)
			}
			if found, err := s.Check(t.Context()); err != nil || len(found) == 0 {
				t.Errorf("that triggers are out is not found: %v, %v", found, err)
			}
		})
	}
}
