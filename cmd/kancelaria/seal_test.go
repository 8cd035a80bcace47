package main

import (
	"crypto/elliptic"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kancelaria/cmd/internal/config"
	"kancelaria/gateway/parse/signature"
	"kancelaria/testenv/forge"
)

func TestTheOfficesSealIsItsOwn(t *testing.T) {
	town := forge.NewTown(t)
	dir := t.TempDir()
	write := func(name string, b []byte, mode os.FileMode) config.Path {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, b, mode); err != nil {
			t.Fatal(err)
		}
		return config.Path(file)
	}
	own := town.Authority.Issue("Kancelaria", forge.EC(t, elliptic.P256()), forge.Mail("kancelaria@aleksandrowo.example"))
	foreign := town.Authority.Issue("Starostwo", own.Key, forge.Mail("kancelaria@powiat.example"))
	cfg := &config.Config{Mail: config.Mail{From: "Kancelaria <kancelaria@aleksandrowo.example>"}}
	log := slog.New(slog.DiscardHandler)

	if s, err := newSeal(cfg, forge.Now, log); s != nil || err != nil {
		t.Errorf("without one: %v, %v", s, err)
	}
	cfg.Seal = config.Seal{Certificate: write("own.pem", forge.PEM(own.Chain()...), 0o644), Key: write("own.key", forge.KeyPEM(t, own.Key), 0o600)}
	s, err := newSeal(cfg, forge.Now, log)
	if err != nil {
		t.Fatal(err)
	}
	const mail = "From: Kancelaria <kancelaria@aleksandrowo.example>\nTo: resident@poczta.example\nSubject: RPW-004512-2026\nContent-Type: text/plain\nMime-Version: 1.0\n\nWiadomosc dotarla.\n"
	sealed, err := s.Sign([]byte(mail))
	if err != nil || !strings.Contains(string(sealed), "multipart/signed") {
		t.Fatalf("%v\n%s", err, sealed)
	}
	checker := signature.New(signature.Options{Now: forge.Now})
	if err := verifySealed(checker, sealed); err != nil {
		t.Error(err)
	}
	if err := verifySealed(checker, []byte(strings.Replace(string(sealed), "dotarla", "zginela", 1))); err == nil {
		t.Error("another text verifies")
	}

	cfg.Seal.Certificate = write("foreign.pem", forge.PEM(foreign.Chain()...), 0o644)
	if _, err := newSeal(cfg, forge.Now, log); err == nil || !strings.Contains(err.Error(), "is not for kancelaria@aleksandrowo.example") {
		t.Errorf("a foreign certificate: %v", err)
	}
	cfg.Seal.Key = write("open.key", forge.KeyPEM(t, own.Key), 0o644)
	if _, err := newSeal(cfg, forge.Now, log); err == nil || !strings.Contains(err.Error(), "can be read by everybody") {
		t.Errorf("an open key: %v", err)
	}
}
