package ledger

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

const origin = "aleksandrowo.example/ksiega"

// zeros is randomness that tests can repeat.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func keys(t testing.TB, seed byte) (*Signer, string) {
	t.Helper()
	secret, public, err := GenerateKey(bytes.NewReader(bytes.Repeat([]byte{seed}, 4*ed25519.SeedSize)), origin)
	if err != nil {
		t.Fatal(err)
	}
	s, err := NewSigner(secret)
	if err != nil {
		t.Fatal(err)
	}
	return s, public
}

// tree is a log of n leaves in memory.
func tree(n int64) (Edge, HashReader) {
	var e Edge
	var stored []Node
	for i := range n {
		stored = e.Append(stored, LeafHash(leafData(i)))
	}
	return e, func(places []int64) ([]Hash, error) {
		out := make([]Hash, len(places))
		for i, p := range places {
			if p < 0 || p >= int64(len(stored)) {
				return nil, fmt.Errorf("nothing at %d", p)
			}
			out[i] = stored[p].Hash
		}
		return out, nil
	}
}

func TestEachLeafIsProvenAndNoOther(t *testing.T) {
	for _, size := range []int64{1, 2, 3, 7, 8, 9, 64, 100} {
		e, read := tree(size)
		root, err := Root(size, read)
		if err != nil || root != e.Root() {
			t.Fatalf("root of %d leaves: %x, %v", size, root, err)
		}
		for i := range size {
			proof, err := Inclusion(size, i, read)
			if err != nil {
				t.Fatal(err)
			}
			if err := CheckInclusion(proof, size, root, i, LeafHash(leafData(i))); err != nil {
				t.Error(err)
			}
			if CheckInclusion(proof, size, root, i, LeafHash(leafData(i+1))) == nil {
				t.Errorf("another leaf passes as leaf %d of %d", i, size)
			}
			if size > 1 && CheckInclusion(proof, size, root, (i+1)%size, LeafHash(leafData(i))) == nil {
				t.Errorf("leaf %d of %d passes in another place", i, size)
			}
		}
	}
}

func TestOlderTreesAreTheBeginningOfLaterOnes(t *testing.T) {
	const size = 40
	whole, read := tree(size)
	for older := range int64(size + 1) {
		then, _ := tree(older)
		proof, err := Consistency(older, size, read)
		if err != nil {
			t.Fatal(err)
		}
		if err := CheckConsistency(proof, older, then.Root(), size, whole.Root()); err != nil {
			t.Error(err)
		}
		if CheckConsistency(proof, older, LeafHash([]byte("forged")), size, whole.Root()) == nil {
			t.Errorf("a forged beginning of %d leaves passes", older)
		}
	}
	if _, err := Consistency(size+1, size, read); err == nil {
		t.Error("a longer tree passes as the beginning of a shorter one")
	}
}

func TestASignedHeadIsReadOnlyByWhoKnowsTheKey(t *testing.T) {
	signer, public := keys(t, 1)
	_, stranger := keys(t, 2)
	head := Checkpoint{Origin: origin, Size: 7, Root: LeafHash([]byte("root"))}
	signed, err := signer.Sign(head)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := OpenCheckpoint(signed, stranger, public); err != nil || got != head {
		t.Errorf("opened %+v, %v", got, err)
	}
	if got, err := ReadCheckpoint(signed); err != nil || got != head {
		t.Errorf("read %+v, %v", got, err)
	}
	if _, err := OpenCheckpoint(signed, stranger); !errors.Is(err, ErrUnknownKey) {
		t.Errorf("a stranger's key opens it: %v", err)
	}
	changed := bytes.Replace(signed, []byte("\n7\n"), []byte("\n8\n"), 1)
	if _, err := OpenCheckpoint(changed, public); !errors.Is(err, ErrForged) {
		t.Errorf("a changed head opens: %v", err)
	}
	if _, err := signer.Sign(Checkpoint{Origin: "other.example/log"}); err == nil {
		t.Error("the key signs for another log")
	}
}

func TestAProofTravels(t *testing.T) {
	const size, index = 1000, 421
	signer, public := keys(t, 1)
	e, read := tree(size)
	signed, err := signer.Sign(Checkpoint{Origin: origin, Size: size, Root: e.Root()})
	if err != nil {
		t.Fatal(err)
	}
	path, err := Inclusion(size, index, read)
	if err != nil {
		t.Fatal(err)
	}
	text := Proof{Extra: leafData(index), Index: index, Hashes: path, Checkpoint: signed}.String()
	p, err := ParseProof([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if p.String() != text {
		t.Errorf("read back as %q", p.String())
	}
	c, err := p.Verify(LeafHash(p.Extra), public)
	if err != nil || c.Size != size {
		t.Errorf("verified %+v, %v", c, err)
	}
	// Whatever byte is changed, the proof fails: except in the base64 of a
	// signature's key hash line nobody asked for, there is none here.
	for i := range text {
		b := []byte(text)
		b[i] ^= 1
		q, err := ParseProof(b)
		if err != nil {
			continue
		}
		if _, err := q.Verify(LeafHash(q.Extra), public); err == nil {
			t.Errorf("byte %d (%q) can be changed", i, text[i])
		}
	}
}

func TestAProofInAMillionIsSmall(t *testing.T) {
	signer, _ := keys(t, 1)
	hashes := make([]Hash, 20) // the path in a tree of a million leaves
	signed, err := signer.Sign(Checkpoint{Origin: origin, Size: 1_000_000})
	if err != nil {
		t.Fatal(err)
	}
	text := Proof{Extra: make([]byte, 500), Index: 999_999, Hashes: hashes, Checkpoint: signed}.String()
	if len(text) >= 2048 {
		t.Errorf("%d bytes, want less than 2,048", len(text))
	}
}

func TestKeysAreMadeForAnOrigin(t *testing.T) {
	for _, bad := range []string{"", "with space", "with+plus", strings.Repeat("x", 201), "ą.example"} {
		if _, _, err := GenerateKey(zeros{}, bad); err == nil {
			t.Errorf("a key for %q", bad)
		}
	}
	if _, err := NewSigner("nonsense"); err == nil || strings.Contains(err.Error(), "nonsense") {
		t.Errorf("a damaged key: %v; the error must not show it", err)
	}
}

func FuzzParseProof(f *testing.F) {
	signer, public := keys(f, 1)
	e, read := tree(5)
	signed, _ := signer.Sign(Checkpoint{Origin: origin, Size: 5, Root: e.Root()})
	path, _ := Inclusion(5, 3, read)
	f.Add([]byte(Proof{Extra: []byte("x"), Index: 3, Hashes: path, Checkpoint: signed}.String()))
	f.Add([]byte(Proof{Index: 0, Checkpoint: signed}.String()))
	f.Add([]byte("c2sp.org/tlog-proof@v1\nindex 0\n\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := ParseProof(text)
		if err != nil {
			return
		}
		if p.String() != string(text) {
			t.Errorf("%q is read back as %q", text, p.String())
		}
		_, _ = p.Verify(LeafHash(p.Extra), public) // must not panic
	})
}

func FuzzOpenCheckpoint(f *testing.F) {
	signer, public := keys(f, 1)
	signed, _ := signer.Sign(Checkpoint{Origin: origin, Size: 5, Root: Hash{1}})
	f.Add(signed)
	f.Add([]byte("a\n1\n" + strings.Repeat("A", 43) + "=\n\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		opened, err := OpenCheckpoint(text, public)
		if err != nil {
			return
		}
		if read, err := ReadCheckpoint(text); err != nil || read != opened {
			t.Errorf("read %+v, %v; opened %+v", read, err, opened)
		}
	})
}

func BenchmarkAppend(b *testing.B) {
	var e Edge
	var nodes []Node
	leaf := LeafHash([]byte("leaf"))
	for b.Loop() {
		nodes = e.Append(nodes[:0], leaf)
	}
}

func BenchmarkProveOneInAMillion(b *testing.B) {
	const size = 1 << 20
	_, read := tree(size)
	rng := rand.New(rand.NewPCG(1, 2))
	for b.Loop() {
		if _, err := Inclusion(size, rng.Int64N(size), read); err != nil {
			b.Fatal(err)
		}
	}
}
