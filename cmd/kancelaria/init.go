package main

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"kancelaria/cmd/internal/config"
	"kancelaria/contrib"
	"kancelaria/rules"
)

type initCmd struct {
	Dir          string `arg:"" help:"The folder to make the office in."`
	Town         string `placeholder:"NAME" help:"The office's name; without it the sample office of a fictional town."`
	Domain       string `placeholder:"DOMAIN" help:"The office's mail domain; with --town."`
	Store        string `placeholder:"DSN" help:"A PostgreSQL book: postgres://user@host/db. Default: SQLite in the office's folder."`
	PasswordFile string `placeholder:"FILE" help:"Where the book's password stands."`
}

// What the sample calls the fictional town; a real one takes its place.
const (
	sampleName   = "Urząd Miejski w Aleksandrowie"
	sampleDomain = "aleksandrowo.example"
)

func (c *initCmd) Run(e *env) error {
	dir, err := filepath.Abs(c.Dir)
	if err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(dir, "kancelaria.yaml")); err == nil {
		return fmt.Errorf("%s holds an office already; nothing was changed", dir)
	}
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		return fmt.Errorf("%s is not empty; nothing was changed", dir)
	}
	for _, d := range []string{"", "data", "drop/skaner", "mail"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o770); err != nil {
			return fmt.Errorf("making the office's folders: %w", err)
		}
	}
	if err := c.writeFiles(dir); err != nil {
		return err
	}
	cfg, err := config.Load(filepath.Join(dir, "kancelaria.yaml"))
	if err != nil {
		return fmt.Errorf("checking what was written: %w", err)
	}
	name, err := c.ledgerName(cfg)
	if err != nil {
		return err
	}
	if err := makeKeys(string(cfg.Data), name); err != nil {
		return err
	}
	if c.Store != "" {
		if err := migrate(e, cfg, ""); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintf(e.stdout, "The office is in %s.\nStart it with: kancelaria -c %s serve\n", dir, filepath.Join(dir, "kancelaria.yaml"))
	return err
}

// ledgerName reads what was written and names the office's ledger.
func (c *initCmd) ledgerName(cfg *config.Config) (string, error) {
	data, err := os.ReadFile(string(cfg.Office))
	if err != nil {
		return "", err
	}
	office, complaints := rules.LoadOffice(filepath.Base(string(cfg.Office)), data)
	if rules.Failed(complaints) {
		return "", fmt.Errorf("checking what was written: %s", complaints[0])
	}
	return origin(office), nil
}

func (c *initCmd) writeFiles(dir string) error {
	for _, f := range []struct{ from, to string }{
		{"config/kancelaria.yaml", "kancelaria.yaml"}, {"config/office.yaml", "office.yaml"}, {"rules/rules.yaml", "rules.yaml"},
	} {
		text, err := contrib.Files.ReadFile(f.from)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, f.to), []byte(c.adapt(f.to, string(text))), 0o640); err != nil {
			return fmt.Errorf("writing the office's files: %w", err)
		}
	}
	return nil
}

// adapt puts a real town in the sample's place. Receipts stay off until its
// addresses are filled in: "kancelaria check" says which.
func (c *initCmd) adapt(name, text string) string {
	if c.Town != "" {
		text = strings.NewReplacer(sampleName, c.Town, sampleDomain, cmp.Or(c.Domain, "urzad.example")).Replace(text)
		text = strings.Replace(text, "receipts: {enabled: true", "receipts: {enabled: false", 1)
		text = replaceLine(text, "  name_en:", "  # name_en:") // nobody knows what a town calls itself in English
	}
	if name == "kancelaria.yaml" && c.Store != "" {
		store := fmt.Sprintf("store: {dsn: %q}", c.Store)
		if c.PasswordFile != "" {
			abs, err := filepath.Abs(c.PasswordFile)
			if err == nil {
				store = fmt.Sprintf("store: {dsn: %q, password_file: %q}", c.Store, abs)
			}
		}
		text = replaceLine(text, "store:", store)
	}
	return text
}

// replaceLine puts a line in the place of the one that begins with prefix.
func replaceLine(text, prefix, line string) string {
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		if strings.HasPrefix(l, prefix) {
			lines[i] = line
		}
	}
	return strings.Join(lines, "\n")
}
