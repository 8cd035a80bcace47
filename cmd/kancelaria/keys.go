package main

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"kancelaria/registry"
	"kancelaria/registry/ledger"
)

// The office's keys lie in data/keys, each in a file of its own that only the
// owner reads. Backups never take them.
const (
	ledgerKey    = "ledger.key" // signs checkpoints (note format)
	ledgerPublic = "ledger.pub" // what residents and auditors check with
	tokenKey     = "token.key"  // reply and bounce addresses
)

func keyDir(data string) string { return filepath.Join(data, "keys") }

// origin names the office's ledger, for life.
func origin(office *registry.Office) string { return office.Domain + "/ksiega" }

// makeKeys makes what is missing and never replaces what is there.
func makeKeys(data, name string) error {
	dir := keyDir(data)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("making %s: %w", dir, err)
	}
	if _, err := os.Stat(filepath.Join(dir, ledgerKey)); errors.Is(err, os.ErrNotExist) {
		secret, public, err := ledger.GenerateKey(rand.Reader, name)
		if err != nil {
			return fmt.Errorf("making the ledger's key: %w", err)
		}
		if err := writeSecret(filepath.Join(dir, ledgerKey), secret); err != nil {
			return err
		}
		// Public keys of an earlier life stay: older receipts are checked with them.
		known, err := os.ReadFile(filepath.Join(dir, ledgerPublic))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("reading the ledger's public keys: %w", err)
		}
		if err := replaceFile(filepath.Join(dir, ledgerPublic), string(known)+public+"\n", 0o644); err != nil {
			return err
		}
	}
	if _, err := os.Stat(filepath.Join(dir, tokenKey)); errors.Is(err, os.ErrNotExist) {
		var key [32]byte
		_, _ = rand.Read(key[:])
		return writeSecret(filepath.Join(dir, tokenKey), hex.EncodeToString(key[:]))
	}
	return nil
}

func writeSecret(file, secret string) error {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("writing %s: %w", file, err)
	}
	_, err = f.WriteString(secret + "\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("writing %s: %w", file, err)
	}
	return nil
}

// readSecret reads a small secret and refuses one that others may read.
func readSecret(file string) (string, error) {
	st, err := os.Stat(file)
	if err != nil {
		return "", fmt.Errorf("reading a secret: %w", err)
	}
	if st.Mode().Perm()&0o007 != 0 {
		return "", fmt.Errorf("%s can be read by everybody; mend it with: chmod 600 %s", file, file)
	}
	if st.Size() > 64<<10 {
		return "", fmt.Errorf("%s is too large to be a secret", file)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("reading a secret: %w", err)
	}
	return strings.TrimSpace(string(b)), nil
}

func tokenSecret(data string) ([]byte, error) {
	text, err := readSecret(filepath.Join(keyDir(data), tokenKey))
	if err != nil {
		return nil, err
	}
	key, err := hex.DecodeString(text)
	if err != nil || len(key) != 32 {
		return nil, fmt.Errorf("%s is damaged: it must hold 64 hexadecimal digits", tokenKey)
	}
	return key, nil
}
