package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/mail"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"kancelaria/cmd/internal/config"
	"kancelaria/registry"
	"kancelaria/rules"
)

// A town is the running office as its neighbours see it: where letters are
// handed in, where scans are left, where its answers arrive, and the book as
// the command line shows it.
type town struct {
	Slot    slot
	Mailbox string
	Drop    string // folder for scans
	Maildir string // outgoing mail, a folder a recipient; empty when it leaves by a relay

	program, config string
}

// find reads where things are from the office's configuration.
func find(program, file string) (*town, error) {
	c, err := config.Load(file)
	if err != nil {
		return nil, fmt.Errorf("finding the office: %w", err)
	}
	content, err := os.ReadFile(string(c.Office))
	if err != nil {
		return nil, fmt.Errorf("finding the office: %w", err)
	}
	office, complaints := rules.LoadOffice(string(c.Office), content)
	if office == nil {
		return nil, fmt.Errorf("finding the office: %v", complaints[0])
	}
	t := &town{
		Slot: slot{Addr: c.SMTP.Listen}, Mailbox: frontDoor(office),
		Maildir: string(c.Mail.Maildir), program: program, config: file,
	}
	for _, d := range c.Drops {
		if d.Folder != "" {
			t.Drop = string(d.Folder)
			break
		}
	}
	return t, nil
}

// frontDoor gives the address that stands on the office's page: its first
// official mailbox for everything.
func frontDoor(office *registry.Office) string {
	for _, addr := range slices.Sorted(maps.Keys(office.Mailboxes)) {
		box := office.Mailboxes[addr]
		if box.Kind == "official" && box.Department == "" && !office.Registers[box.Register].Restricted {
			return addr
		}
	}
	return "postmaster@" + office.Domain
}

// An entry is what list and show print, as far as the demonstration shows it.
type entry struct {
	Number     string   `json:"number"`
	ItemID     string   `json:"item_id"`
	Case       string   `json:"case"`
	Class      string   `json:"class"`
	Department string   `json:"department"`
	Clerk      string   `json:"clerk"`
	Due        string   `json:"due"`
	Flags      []string `json:"flags"`
	Original   struct {
		SHA256 string `json:"sha256"`
	} `json:"original"`
	Decision struct {
		Because []string `json:"because"`
	} `json:"decision"`
	// What is kept beside the book or in quarantine has no number but a
	// disposition, with its reason.
	Disposition string   `json:"disposition"`
	Reason      string   `json:"reason"`
	Because     []string `json:"because"`
}

// show asks for one entry by number or item id. It gives false while the
// office knows nothing of it.
func (t *town) show(ctx context.Context, id string) (entry, bool, error) {
	out, err := t.ask(ctx, "show", id)
	if err != nil {
		return entry{}, false, err
	}
	var e entry
	if len(bytes.TrimSpace(out)) == 0 {
		return e, false, nil
	}
	if err := json.Unmarshal(out, &e); err != nil {
		return e, false, fmt.Errorf("reading what show printed: %w", err)
	}
	return e, true, nil
}

// newest lists the latest entries.
func (t *town) newest(ctx context.Context) ([]entry, error) {
	out, err := t.ask(ctx, "list", "--limit", "200")
	if err != nil {
		return nil, err
	}
	var all []entry
	for line := range bytes.Lines(out) {
		var e entry
		if err := json.Unmarshal(line, &e); err != nil {
			return nil, fmt.Errorf("reading what list printed: %w", err)
		}
		all = append(all, e)
	}
	return all, nil
}

// ask runs the command line. Exit code 1 with nothing printed is "not there".
func (t *town) ask(ctx context.Context, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, t.program, append([]string{"-c", t.config, "--json"}, args...)...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == 1 && len(out) == 0 {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w: %s", filepath.Base(t.program), strings.Join(args, " "), err, strings.TrimSpace(stderr.String()))
	}
	return out, nil
}

// receipt reads the newest answer the office wrote to a resident, nil while
// there is none since then.
func (t *town) receipt(resident string, since time.Time) (*mail.Message, error) {
	files, err := filepath.Glob(filepath.Join(t.Maildir, resident, "new", "*"))
	if err != nil || t.Maildir == "" {
		return nil, err
	}
	var newest string
	for _, file := range files {
		if info, err := os.Stat(file); err == nil && info.ModTime().After(since) {
			newest, since = file, info.ModTime()
		}
	}
	if newest == "" {
		return nil, nil
	}
	content, err := os.ReadFile(newest)
	if err != nil {
		return nil, fmt.Errorf("reading a receipt: %w", err)
	}
	m, err := mail.ReadMessage(bytes.NewReader(content))
	if err != nil {
		return nil, fmt.Errorf("reading a receipt: %w", err)
	}
	return m, nil
}
