package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"

	"kancelaria/cmd/internal/config"
	"kancelaria/gateway/parse"
	"kancelaria/registry"
	"kancelaria/rules"
)

// trials runs all tests of the rules: those that stand in the file, and the
// letters beside it, read as the desk reads them.
func (f *inForce) trials(ctx context.Context, cfg *config.Config) []rules.Result {
	reader := parse.New(parse.Options{Now: f.set.TestTime})
	beside := filepath.Dir(string(cfg.Rules))
	letters := f.set.TestLetters(func(name string) (registry.Item, registry.Document, error) {
		raw, err := readBeside(beside, name)
		if err != nil {
			return registry.Item{}, registry.Document{}, err
		}
		it, doc := byMail(ctx, reader, f.office, raw)
		if it.AcceptedAt = f.set.TestTime(); !doc.Date.IsZero() {
			it.AcceptedAt = doc.Date
		}
		doc.Auth = registry.Authentication{SPF: "none", DKIM: "none", DMARC: "none", Verdict: registry.Unchecked}
		return it, doc, nil
	})
	return append(f.set.Test(), letters...)
}

// maxTestLetter bounds a letter that is a test.
const maxTestLetter = 64 << 20

// readBeside reads a file below a folder; nothing leads out of it.
func readBeside(dir, name string) ([]byte, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	st, err := root.Stat(filepath.FromSlash(name))
	if err == nil && st.Size() > maxTestLetter {
		return nil, fmt.Errorf("%s is over %d MB", name, maxTestLetter>>20)
	}
	if err != nil {
		return nil, err
	}
	return root.ReadFile(filepath.FromSlash(name))
}

// byMail makes an item of a letter that is in no book, as if it came by mail to
// those of our mailboxes that it names.
func byMail(ctx context.Context, reader *parse.Reader, office *registry.Office, raw []byte) (registry.Item, registry.Document) {
	it := registry.Item{
		Door: registry.DoorSMTP, Register: "RPW", Envelope: &registry.Envelope{},
		Original: registry.Original{Size: int64(len(raw)), MediaType: "message/rfc822"},
	}
	doc := reader.Read(ctx, it, bytes.NewReader(raw))
	it.Envelope.MailFrom = doc.Sender().Email
	for _, to := range append(doc.To, doc.Cc...) {
		if m, ok := office.Mailbox(to.Email); ok {
			it.Recipients = append(it.Recipients, m.Address)
			it.Register = m.Register
		}
	}
	it.Envelope.Recipients = it.Recipients
	return it, doc
}
