package sqlite

import (
	"context"
	"encoding/binary"

	"kancelaria/registry"
)

// A sieve says of most letters at once that they never came before: a Bloom
// filter over the keys of all traces, four bits a key. Only what it lets
// through is looked up. Missing a key would register a letter twice, so it is
// made anew whenever somebody else has written to the file.
type sieve struct {
	bits    []uint64
	version int64 // PRAGMA data_version it is true for; 0: none
}

// sieveBits is a power of two: 4 MB, which lets one in 400 through by mistake
// when two million keys are kept.
const sieveBits = 1 << 25

// bit gives the place of one of the four bits. The key is part of a digest, so
// it needs no more hashing.
func bit(k registry.TraceKey, i uint64) (word, mask uint64) {
	a, b := binary.BigEndian.Uint64(k.Key[:8]), binary.BigEndian.Uint64(k.Key[8:])
	n := (a + i*b + uint64(k.Kind)) & (sieveBits - 1)
	return n >> 6, 1 << (n & 63)
}

func (s *sieve) add(k registry.TraceKey) {
	for i := range uint64(4) {
		word, mask := bit(k, i)
		s.bits[word] |= mask
	}
}

func (s *sieve) mayHave(k registry.TraceKey) bool {
	for i := range uint64(4) {
		word, mask := bit(k, i)
		if s.bits[word]&mask == 0 {
			return false
		}
	}
	return true
}

// sift gives the keys that may be there, each name once.
func (t *tx) sift(ctx context.Context, keys []registry.TraceKey) ([]registry.TraceKey, error) {
	if err := t.freshen(ctx); err != nil {
		return nil, err
	}
	var out []registry.TraceKey
	seen := map[registry.TraceKey]bool{}
	for _, k := range keys {
		k.Week = 0 // the sieve does not know weeks
		if !seen[k] && t.pen.sieve.mayHave(k) {
			seen[k] = true
			out = append(out, k)
		}
	}
	return out, nil
}

// freshen fills the sieve when it is new or others have written since.
func (t *tx) freshen(ctx context.Context) error {
	s := &t.pen.sieve
	var version int64
	err := t.query(ctx, "PRAGMA data_version", func(r row) error { return r.Scan(&version) })
	if err != nil || version == s.version {
		return err
	}
	s.bits = make([]uint64, sieveBits/64)
	err = t.query(ctx, "SELECT kind, key FROM trace", func(r row) error {
		var (
			k   registry.TraceKey
			key []byte
		)
		if err := r.Scan(&k.Kind, &key); err != nil {
			return err
		}
		if err := blob(k.Key[:], key, "trace key"); err != nil {
			return err
		}
		s.add(k)
		return nil
	})
	if err == nil {
		s.version = version
	}
	return err
}
