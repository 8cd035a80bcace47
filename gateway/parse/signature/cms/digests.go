package cms

import (
	"bytes"
	"context"
	"crypto"
	"crypto/sha1"
	"errors"
	"fmt"
	"io"
)

func inMemory(b []byte) Content {
	return func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil }
}

// digests hashes the readings of a content, each once an algorithm.
type digests struct {
	contents []Content
	known    map[digestKey][]byte
}

type digestKey struct {
	reading int
	hash    crypto.Hash
}

// know takes SHA-256 that somebody counted before.
func (d *digests) know(sums [][32]byte) {
	d.known = map[digestKey][]byte{}
	for i := range sums[:min(len(sums), len(d.contents))] {
		d.known[digestKey{i, crypto.SHA256}] = sums[i][:]
	}
}

func (d *digests) of(ctx context.Context, reading int, h crypto.Hash) ([]byte, error) {
	key := digestKey{reading, h}
	if sum, ok := d.known[key]; ok {
		return sum, nil
	}
	src, err := d.contents[reading]()
	if err != nil {
		return nil, fmt.Errorf("opening the content: %w", err)
	}
	defer closing(src)
	hash := h.New()
	if _, err := io.Copy(hash, inTime{ctx, src}); err != nil {
		return nil, fmt.Errorf("reading the content: %w", err)
	}
	if d.known == nil {
		d.known = map[digestKey][]byte{}
	}
	d.known[key] = hash.Sum(nil)
	return d.known[key], nil
}

// most is how much of a content is held where an algorithm needs it whole.
const most = 64 << 20

// bytes gives a content itself.
func (d *digests) bytes(ctx context.Context, reading int) ([]byte, error) {
	src, err := d.contents[reading]()
	if err != nil {
		return nil, fmt.Errorf("opening the content: %w", err)
	}
	defer closing(src)
	b, err := io.ReadAll(io.LimitReader(inTime{ctx, src}, most+1))
	if err == nil && len(b) > most {
		err = errLimit
	}
	return b, err
}

// inTime reads until the context ends.
type inTime struct {
	ctx context.Context
	src io.Reader
}

func (r inTime) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.src.Read(p)
}

// sameBytes reports whether a content is these bytes.
func sameBytes(want []byte, c Content) bool {
	src, err := c()
	if err != nil {
		return false
	}
	defer closing(src)
	buf := make([]byte, 32<<10)
	for {
		n, err := io.ReadFull(src, buf)
		if n > len(want) || !bytes.Equal(buf[:n], want[:n]) {
			return false
		}
		want = want[n:]
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return len(want) == 0
		}
		if err != nil {
			return false
		}
	}
}

// sameDigest reports whether bytes are the SHA-1 of a content.
func sameDigest(sum []byte, c Content) bool {
	src, err := c()
	if err != nil {
		return false
	}
	defer closing(src)
	h := sha1.New()
	_, err = io.Copy(h, src)
	return err == nil && bytes.Equal(h.Sum(nil), sum)
}

// closing closes what was only read: its error changes nothing.
func closing(c io.Closer) { _ = c.Close() }
