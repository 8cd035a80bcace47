package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"kancelaria/cmd/internal/config"
	"kancelaria/gateway/api"
	"kancelaria/registry"
	"kancelaria/registry/archive"
	"kancelaria/registry/archive/s3"
)

// newSecondHome makes the bucket that the configuration names; nil if none.
func newSecondHome(c config.S3) (*s3.Bucket, error) {
	if c.Endpoint == "" {
		return nil, nil
	}
	bucket, err := s3.New(s3.Options{Endpoint: c.Endpoint, Region: c.Region, Bucket: c.Bucket, Prefix: c.Prefix, Keys: func() (string, string, error) {
		return bucketKeys(string(c.KeysFile))
	}})
	if err != nil {
		return nil, withCode(exitConfig, err)
	}
	return bucket, nil
}

// bucketKeys reads a file of two lines: access key and secret key.
func bucketKeys(file string) (access, secret string, err error) {
	content, err := readSecret(file)
	if err != nil {
		return "", "", fmt.Errorf("archive.s3.keys_file: %w", err)
	}
	keys := strings.Fields(content)
	if len(keys) != 2 {
		return "", "", fmt.Errorf("archive.s3.keys_file %s holds %d words; write the access key and the secret key, a line each", file, len(keys))
	}
	return keys[0], keys[1], nil
}

// newMover brings originals to the second home, if there is one.
func (d *daemon) newMover() *s3.Mover {
	if d.second == nil {
		return nil
	}
	c := d.cfg.Archive.S3
	return s3.NewMover(s3.MoverOptions{
		Book: d.book, Originals: d.archive, Store: d.second, Node: d.cfg.Node, Office: d.orders.office,
		Lock: c.Lock, KeepLocal: c.KeepLocal, Now: d.now, Log: d.log,
	})
}

// moverLine says how far the second home is behind.
func moverLine(m *s3.Mover) api.StatusLine {
	p := m.Progress()
	l := api.StatusLine{
		Part: "second home", Colour: "green", Help: "kancelaria check --live",
		Text:  fmt.Sprintf("%d originals stored since the start, up to leaf %d", p.Stored, p.UpTo),
		Facts: map[string]any{"stored": p.Stored, "up_to": p.UpTo},
	}
	if p.Trouble != "" {
		l.Colour, l.Text = "amber", p.Trouble+"; registering goes on, the originals lie here"
	}
	return l
}

// elsewhere opens the original of an item that another gateway accepted: its
// segments are there, its copy is in the second home.
func (o originals) elsewhere(ctx context.Context, it registry.ItemID, cause error) (registry.OpenOriginal, error) {
	if o.second == nil || !errors.Is(cause, archive.ErrNotFound) {
		return nil, cause
	}
	c, ok, err := s3.Find(ctx, o.book, it)
	if err != nil {
		return nil, errors.Join(cause, err)
	}
	if !ok {
		return nil, fmt.Errorf("the original is on another gateway and not in the second home yet: %w", cause)
	}
	return o.archive.FromHome(ctx, c.Digest, c.Size, c.Locator)
}

// home is the second home as the archive knows it; an interface that holds
// nothing must be nil itself.
func home(b *s3.Bucket) archive.Home {
	if b == nil {
		return nil
	}
	return b
}
