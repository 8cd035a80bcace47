package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"kancelaria/cmd/internal/config"
	"kancelaria/gateway/notify"
	"kancelaria/gateway/parse"
	"kancelaria/registry"
)

type receiptCmd struct {
	Verify receiptVerifyCmd `cmd:"" help:"Check a receipt offline; exit 6 if anything in it is not as the office signed it."`
}

type receiptVerifyCmd struct {
	Receipt    string   `arg:"" help:"The receipt as it was received (.eml), or the text file attached to it."`
	Key        []string `placeholder:"KEY" help:"The office's public key, or a file that holds it. Default: this office's own."`
	Original   string   `placeholder:"FILE" help:"The letter as it was sent: is it what arrived?"`
	Attachment []string `placeholder:"FILE" help:"A file that was attached: did exactly this one arrive?"`
}

// Run needs no office: a resident with the public key can do it.
func (c *receiptVerifyCmd) Run(e *env) error {
	publics, zone, err := c.keys(e)
	if err != nil {
		return err
	}
	f, err := os.Open(c.Receipt)
	if err != nil {
		return fmt.Errorf("opening the receipt: %w", err)
	}
	defer f.Close()
	seen, err := notify.CheckReceipt(f, publics, zone)
	if err != nil {
		return fmt.Errorf("%s: %w", c.Receipt, err)
	}
	if seen.Proven {
		if err := c.compare(e, &seen); err != nil {
			return err
		}
	}
	return c.say(e, seen)
}

// keys finds the public keys: those given, else those of the office at hand.
func (c *receiptVerifyCmd) keys(e *env) (publics []string, zone *time.Location, err error) {
	zone, err = time.LoadLocation("Europe/Warsaw") // where Polish offices are
	if err != nil {
		return nil, nil, err
	}
	for _, k := range c.Key {
		given, err := readKeys(k)
		if err != nil {
			return nil, nil, err
		}
		publics = append(publics, given...)
	}
	if len(publics) > 0 {
		return publics, zone, nil
	}
	file, err := config.Find(e.Config)
	if err != nil {
		return nil, nil, withCode(exitUsage, errors.New("no key to check with: give the office's public key with --key (\"kancelaria key show\" prints it; offices publish theirs)"))
	}
	cfg, err := config.Load(file)
	if err != nil {
		return nil, nil, err
	}
	publics, err = publicKeys(cfg)
	return publics, cfg.Zone, err
}

// readKeys takes a key as it is written, or a file of keys, one a line.
func readKeys(k string) ([]string, error) {
	text := k
	if st, err := os.Stat(k); err == nil {
		if st.IsDir() || st.Size() > maxCheckpoint {
			return nil, withCode(exitUsage, fmt.Errorf("%s cannot be a file of keys", k))
		}
		b, err := os.ReadFile(k)
		if err != nil {
			return nil, fmt.Errorf("reading the key: %w", err)
		}
		text = string(b)
	}
	var keys []string
	for word := range strings.FieldsSeq(text) {
		if strings.Count(word, "+") >= 2 { // name+hash+key; what else stands there is for people
			keys = append(keys, word)
		}
	}
	if len(keys) == 0 {
		return nil, withCode(exitUsage, fmt.Errorf("%.80s is neither a public key (name+hash+key) nor a file that holds one", k))
	}
	return keys, nil
}

// compare holds the sender's own files against what is proven to have arrived.
func (c *receiptVerifyCmd) compare(e *env, seen *notify.Checked) error {
	for _, name := range c.Attachment {
		digest, size, err := digestFile(name)
		if err != nil {
			return err
		}
		if ordinal := ordinalOf(seen.Files, digest, size); ordinal == 0 {
			seen.Findings = append(seen.Findings, registry.Finding{Code: "attachment_not_there", Subject: name, Text: "no attachment of the letter is exactly this file"})
		} else if !e.JSON {
			fmt.Fprintf(e.stdout, "%s: arrived exactly so, as attachment %d\n", name, ordinal)
		}
	}
	if c.Original == "" {
		return nil
	}
	digest, size, err := digestFile(c.Original)
	if err != nil {
		return err
	}
	if digest == seen.Leaf.Original && size == seen.Leaf.Size {
		if !e.JSON {
			fmt.Fprintf(e.stdout, "%s: arrived exactly so\n", c.Original)
		}
		return nil
	}
	same, of, err := sameAttachments(e.ctx, c.Original, seen.Files, e.now)
	if err != nil {
		return err
	}
	seen.Findings = append(seen.Findings, registry.Finding{
		Code: "original_differs", Subject: c.Original,
		Text: fmt.Sprintf("the letter that arrived had %d bytes and SHA-256 %s, this file has %d and %s; mail servers add lines on the way, so compare what is in it: %d of its %d attachments arrived exactly so, the letter had %d",
			seen.Leaf.Size, seen.Leaf.Original, size, digest, same, of, seen.Leaf.Attachments),
	})
	return nil
}

// sameAttachments reads a letter and counts which of its attachments arrived.
func sameAttachments(ctx context.Context, name string, files []notify.CheckedFile, now func() time.Time) (same, of int, err error) {
	f, err := os.Open(name)
	if err != nil {
		return 0, 0, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return 0, 0, err
	}
	it := registry.Item{Door: registry.DoorSMTP}
	doc := parse.New(parse.Options{Now: now}).Read(ctx, it, io.NewSectionReader(f, 0, st.Size()))
	for _, a := range doc.Attachments {
		if a.Role != registry.RoleAttachment {
			continue
		}
		if of++; ordinalOf(files, a.Digest, a.Size) > 0 {
			same++
		}
	}
	return same, of, nil
}

func ordinalOf(files []notify.CheckedFile, digest registry.Digest, size int64) int {
	for _, f := range files {
		if f.Digest == digest && f.Size == size {
			return f.Ordinal
		}
	}
	return 0
}

func digestFile(name string) (registry.Digest, int64, error) {
	f, err := os.Open(name)
	if err != nil {
		return registry.Digest{}, 0, fmt.Errorf("comparing: %w", err)
	}
	defer f.Close()
	h := sha256.New()
	n, err := io.Copy(h, f)
	return registry.Digest(h.Sum(nil)), n, err
}

func (c *receiptVerifyCmd) say(e *env, seen notify.Checked) error {
	for _, f := range seen.Findings {
		if err := e.finding(f); err != nil {
			return err
		}
	}
	var err error
	switch {
	case e.JSON && seen.Proven:
		err = json.NewEncoder(e.stdout).Encode(map[string]any{
			"number": seen.Leaf.Number, "accepted_at": seen.Leaf.AcceptedAt, "original": map[string]any{"sha256": seen.Leaf.Original, "size": seen.Leaf.Size},
			"attachments": seen.Leaf.Attachments, "leaf_key": seen.Leaf.Key, "ledger_size": seen.Head.Size, "ledger_root": seen.Head.Root, "findings": len(seen.Findings),
		})
	case e.JSON:
	case len(seen.Findings) == 0:
		_, err = fmt.Fprintf(e.stdout, "The receipt is true: %s arrived on %s with %d bytes and %d attachments. It stands in the register under the office's signature (ledger of %d lines).\n",
			seen.Leaf.Number, seen.Leaf.AcceptedAt.Format(time.RFC3339), seen.Leaf.Size, seen.Leaf.Attachments, seen.Head.Size)
	case seen.Proven:
		_, err = fmt.Fprintf(e.stdout, "The proof holds for %s, which arrived on %s; what is named above differs from it.\n", seen.Leaf.Number, seen.Leaf.AcceptedAt.Format(time.RFC3339))
	}
	if err = cmp.Or(err, e.ctx.Err()); err == nil && len(seen.Findings) > 0 {
		return silent{exitFindings}
	}
	return err
}
