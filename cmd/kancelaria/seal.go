package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	netmail "net/mail"
	"os"
	"time"

	"kancelaria/cmd/internal/config"
	"kancelaria/gateway/api"
	"kancelaria/gateway/parse"
	"kancelaria/gateway/parse/signature"
	"kancelaria/gateway/parse/signature/seal"
	"kancelaria/registry"
)

// newSeal opens the office's seal; nil if it has none. A key that others may
// read, or a certificate that is not the office's, is refused.
func newSeal(cfg *config.Config, now func() time.Time, log *slog.Logger) (*seal.Seal, error) {
	if cfg.Seal.Certificate == "" {
		return nil, nil
	}
	certificates, err := os.ReadFile(string(cfg.Seal.Certificate))
	if err != nil {
		return nil, fmt.Errorf("opening the certificate of the seal: %w", err)
	}
	key, err := readSecret(string(cfg.Seal.Key))
	if err != nil {
		return nil, fmt.Errorf("opening the key of the seal: %w", err)
	}
	from, err := netmail.ParseAddress(cfg.Mail.From)
	if err != nil {
		return nil, fmt.Errorf("mail.from %q: %w", cfg.Mail.From, err)
	}
	checker := signature.New(signature.Options{Now: now, Log: log, Limits: signature.Limits{Time: 5 * time.Second}})
	return seal.New(certificates, []byte(key), from.Address, seal.Options{
		Now: now, Log: log, Verify: func(mail []byte) error { return verifySealed(checker, mail) },
	})
}

// verifySealed reads a sealed mail as a stranger's would be; the reader has its
// own bounds.
func verifySealed(checker *signature.Checker, mail []byte) error {
	doc := parse.New(parse.Options{Checker: checker}).Read(context.Background(), registry.Item{Door: registry.DoorSMTP}, bytes.NewReader(mail))
	r, signed := doc.SignatureVerdict()
	switch {
	case !signed:
		return errors.New("no signature is found in it")
	case r.Intact != registry.SignatureIntact || r.Covers != registry.CoversWhole:
		return fmt.Errorf("%s %s, %s", r.Verdict, r.Reason, r.Covers)
	}
	return nil
}

// sealLine says how the seal fares.
func (h *house) sealLine() api.StatusLine {
	line := api.StatusLine{Part: "seal", Colour: "green", Text: "none: mails go out unsealed"}
	s, err := newSeal(h.cfg, h.now, h.log)
	switch {
	case err != nil:
		line.Colour, line.Text, line.Help = "red", err.Error(), "kancelaria help signatures"
	case s != nil:
		line.Colour, line.Text = s.State()
		if line.Colour != "green" {
			line.Help = "kancelaria help signatures"
		}
	}
	return line
}
