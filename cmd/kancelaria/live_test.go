package main

import (
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kancelaria/cmd/internal/config"
)

// dkimKey writes a key and gives its file and the record it needs.
func dkimKey(t *testing.T) (file, record string) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(t.TempDir(), "dkim.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return file, "v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(public)
}

func TestTheKeyThatSignsIsComparedWithTheOneReceiversSee(t *testing.T) {
	file, record := dkimKey(t)
	_, another := dkimKey(t)
	missing := errors.New("no such host")
	for _, tt := range []struct {
		name, from, domain string
		records            []string
		err                error
		want               string // "" is right
	}{
		{"as published", "K <kancelaria@urzad.example>", "", []string{"unrelated", record}, nil, ""},
		{"split by the name server", "K <kancelaria@urzad.example>", "", []string{strings.Replace(record, "p=", "p= ", 1)}, nil, ""},
		{"signed for the domain above", "K <kancelaria@poczta.urzad.example>", "urzad.example", []string{record}, nil, ""},
		{"not published", "K <kancelaria@urzad.example>", "", nil, missing, "publish at kancelaria._domainkey.urzad.example: " + record},
		{"another key published", "K <kancelaria@urzad.example>", "", []string{another}, nil, "is of another key; publish: " + record},
		{"signed for somebody else", "K <kancelaria@urzad.example>", "firma.example", []string{record}, nil, "DMARC alignment"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg := &config.Config{Mail: config.Mail{From: tt.from, DKIM: config.DKIM{Domain: tt.domain, Selector: "kancelaria", KeyFile: config.Path(file)}}}
			err := askDKIM(t.Context(), cfg, func(context.Context, string) ([]string, error) { return tt.records, tt.err })
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
	if err := askDKIM(t.Context(), &config.Config{}, nil); !errors.Is(err, errNotUsed) {
		t.Errorf("without a key: %v", err)
	}
}
