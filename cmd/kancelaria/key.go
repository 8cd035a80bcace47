package main

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"kancelaria/registry"
	"kancelaria/registry/ledger"
)

type keyCmd struct {
	Show   keyShowCmd   `cmd:"" help:"Print the block to publish: the office's public keys."`
	Rotate keyRotateCmd `cmd:"" help:"Replace the key that signs the ledger; old receipts stay valid."`
}

type keyShowCmd struct{}

// Run prints what an office publishes: the key that signs, and those that
// signed before, with which older receipts are checked.
func (keyShowCmd) Run(e *env) error {
	cfg, err := e.config()
	if err != nil {
		return err
	}
	all, err := publicKeys(cfg)
	if err != nil {
		return err
	}
	now := ""
	if secret, err := readSecret(filepath.Join(keyDir(string(cfg.Data)), ledgerKey)); err == nil {
		if now, err = ledger.PublicOf(secret); err != nil {
			return err
		}
	}
	if e.JSON {
		old := slices.DeleteFunc(slices.Clone(all), func(k string) bool { return k == now })
		return json.NewEncoder(e.stdout).Encode(map[string]any{"key": now, "older": old})
	}
	for _, k := range slices.Backward(all) { // the newest first
		if _, err := fmt.Fprintln(e.stdout, k); err != nil {
			return err
		}
	}
	return nil
}

type keyRotateCmd struct {
	Reason string `required:"" placeholder:"TEXT" help:"Why; written into the book."`
}

// nextKey holds a key that is to follow until it does, so that a rotation that
// was cut off goes on with the same one.
const nextKey = "ledger.key.next"

// Run makes a new key and lets both sign that it follows: first into the book,
// then into its place.
func (c *keyRotateCmd) Run(e *env) error {
	cfg, err := e.config()
	if err != nil {
		return err
	}
	h, err := openHouse(e.ctx, cfg, e.log, forCommand)
	if err != nil {
		return err
	}
	err = h.working(e.ctx, func() error { return c.rotate(e, h) })
	return errors.Join(err, h.Close())
}

func (c *keyRotateCmd) rotate(e *env, h *house) error {
	dir := keyDir(string(h.cfg.Data))
	old, err := readSecret(filepath.Join(dir, ledgerKey))
	if err != nil {
		return err
	}
	signer, err := ledger.NewSigner(old)
	if err != nil {
		return err
	}
	secret, err := nextSecret(dir, signer.Origin())
	if err != nil {
		return err
	}
	r := ledger.Rotation{Origin: signer.Origin(), Day: registry.DayOf(h.now(), h.cfg.Zone).String()}
	if r.Old, err = ledger.PublicOf(old); err != nil {
		return err
	}
	if r.New, err = ledger.PublicOf(secret); err != nil {
		return err
	}
	if r.Old == r.New {
		return fmt.Errorf("%s holds the key in use; remove it and rotate again", filepath.Join(dir, nextKey))
	}
	signed, err := ledger.SignRotation(r, old, secret)
	if err != nil {
		return err
	}
	out, err := h.registrar.Submit(e.ctx, registry.Draft{
		Key: "key/" + strings.Split(r.New, "+")[1] + "/" + r.Day, Actor: e.user(), Reason: c.Reason,
		Act: &registry.Act{Kind: registry.ActKey, Subject: "office", Text: r.New, Content: signed},
	})
	if err == nil {
		err = out.Err()
	}
	if err != nil {
		return fmt.Errorf("writing the new key into the book: %w", err)
	}
	if err := replaceKey(dir, secret, r.New, h.now()); err != nil {
		return err
	}
	if err := os.Remove(filepath.Join(dir, nextKey)); err != nil {
		return err
	}
	_, err = fmt.Fprintf(e.stdout, "From leaf %d on the ledger is signed by\n%s\nPublish it beside the older ones (kancelaria key show); receipts given so far are checked with those.\n", out.Leaf, r.New)
	return err
}

// nextSecret gives the key that is to follow, made now or by a rotation that
// did not come to its end.
func nextSecret(dir, origin string) (string, error) {
	name := filepath.Join(dir, nextKey)
	if _, err := os.Stat(name); err == nil {
		return readSecret(name)
	}
	secret, _, err := ledger.GenerateKey(rand.Reader, origin)
	if err != nil {
		return "", err
	}
	return secret, writeSecret(name, secret)
}

// replaceKey puts a key in the place of the one that signs, which is kept. The
// public one is known first: nothing is ever signed that cannot be checked.
func replaceKey(dir, secret, public string, now time.Time) error {
	known, err := os.ReadFile(filepath.Join(dir, ledgerPublic))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("reading the public keys: %w", err)
	}
	if !slices.Contains(strings.Fields(string(known)), public) {
		if err := replaceFile(filepath.Join(dir, ledgerPublic), string(known)+public+"\n", 0o644); err != nil {
			return err
		}
	}
	current := filepath.Join(dir, ledgerKey)
	kept := filepath.Join(dir, "ledger-until-"+now.UTC().Format("20060102T150405")+".key")
	if err := os.Link(current, kept); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("keeping the old key: %w", err)
	}
	return replaceFile(current, secret+"\n", 0o600)
}

// replaceFile writes a file anew: at any moment the old or the new one is there.
func replaceFile(name, text string, mode os.FileMode) error {
	f, err := os.CreateTemp(filepath.Dir(name), ".new-*")
	if err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	_, err = f.WriteString(text)
	err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err == nil {
		err = syncDir(filepath.Dir(name))
	}
	if err != nil {
		return fmt.Errorf("writing %s: %w", name, errors.Join(err, removed(f.Name())))
	}
	return nil
}

func removed(name string) error {
	if err := os.Remove(name); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// user is who runs the command.
func (e *env) user() string {
	if u, err := user.LookupId(strconv.Itoa(os.Getuid())); err == nil {
		return u.Username
	}
	return strconv.Itoa(os.Getuid())
}
