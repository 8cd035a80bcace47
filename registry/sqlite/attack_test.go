package sqlite

import (
	"database/sql"
	"slices"
	"testing"

	"kancelaria/registry"
	"kancelaria/registry/ledger"
	"kancelaria/registry/storetest"
)

// What somebody can do who owns the file and has taken the triggers away.
// Verifying finds and names each.
func TestEachAttackOnTheFileIsFoundAndNamed(t *testing.T) {
	const dropped = `DROP TRIGGER leaf_stays; DROP TRIGGER leaf_remains; DROP TRIGGER node_stays; DROP TRIGGER entry_stays;
DROP TRIGGER entry_remains; DROP TRIGGER series_grows; `
	for _, tt := range []struct{ name, text, want string }{
		{"a row is changed", "UPDATE work SET body = replace(body, 'Wniosek nr 2', 'Wniosek nr 7') WHERE leaf = 2", registry.FoundEntryChanged},
		{"a row is deleted", "DELETE FROM work WHERE leaf = 2", registry.FoundEntryMissing},
		{"two rows are swapped", "UPDATE work SET body = CASE leaf WHEN 2 THEN (SELECT body FROM work WHERE leaf = 3) ELSE (SELECT body FROM work WHERE leaf = 2) END WHERE leaf IN (2, 3)", registry.FoundNumberTwice},
		{"a row is inserted", "INSERT INTO work SELECT 99, register, year, status, open, department, clerk, class, folder, due, flags, sender, restricted, readers, hide_from, replace(body, 'RPW-000003-2026', 'RPW-000099-2026') FROM work WHERE leaf = 2; INSERT INTO entry SELECT 99, register, year, 99, randomblob(16), registered_at FROM entry WHERE leaf = 2", registry.FoundEntryWithout},
		{"the counter is moved", dropped + "UPDATE series SET taken = taken + 5", registry.FoundCounterChanged},
		{"a folder is changed", "UPDATE folder SET class = '9999' WHERE id = 'K-RPW-000003-2026'", registry.FoundFolderChanged},
		{"a leaf's content is changed", dropped + "UPDATE leaf SET content = CAST(replace(CAST(content AS TEXT), 'Wniosek nr 2', 'Wniosek nr 7') AS BLOB) WHERE idx = 2", registry.FoundContentChanged},
		{"a leaf's content is taken away", dropped + "UPDATE leaf SET content = NULL WHERE idx = 2", registry.FoundContentMissing},
		{"a leaf is changed", dropped + "UPDATE leaf SET actor = 'os9' WHERE idx = 2", registry.FoundLeafChanged},
		{"two leaves are swapped", dropped + "UPDATE leaf SET idx = -1 - idx WHERE idx IN (2, 3); UPDATE leaf SET idx = 5 - (-1 - idx) WHERE idx < 0", registry.FoundLineUnreadable},
		{"a leaf is deleted", "PRAGMA foreign_keys = 0; " + dropped + "DELETE FROM leaf WHERE idx = 2", registry.FoundLeafMissing},
		{"a tree hash is changed", dropped + "UPDATE node SET hash = zeroblob(32) WHERE pos = 1", registry.FoundTreeChanged},
		{"the head is rolled back under a signed one", "UPDATE head SET size = 8", registry.FoundHeadOlder},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := open(t, Options{Origin: origin})
			for n := range 10 {
				if _, err := s.Commit(t.Context(), []registry.Draft{storetest.Letter(n)}); err != nil {
					t.Fatal(err)
				}
			}
			signedHead(t, s)
			db, err := sql.Open("sqlite", "file:"+s.path+"?_pragma=busy_timeout(5000)&_pragma=ignore_check_constraints(1)")
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			db.SetMaxOpenConns(1)
			headDropped := "DROP TRIGGER IF EXISTS head_grows; DROP TRIGGER IF EXISTS head_only_grows; DROP TRIGGER IF EXISTS entry_follows; "
			if _, err := db.ExecContext(t.Context(), headDropped+tt.text); err != nil {
				t.Fatalf("%s: %v", tt.text, err)
			}
			seen, err := registry.VerifyBook(t.Context(), s, registry.VerifyOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if !slices.ContainsFunc(seen.Findings, func(f registry.Finding) bool { return f.Code == tt.want }) {
				t.Errorf("found %+v, want %s", seen.Findings, tt.want)
			}
		})
	}
}

// signedHead stores a head as the office would sign it.
func signedHead(t *testing.T, s *Store) {
	t.Helper()
	secret, _, err := ledger.GenerateKey(zeros{}, origin)
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
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }
