package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"kancelaria/cmd/internal/config"
	"kancelaria/gateway/api"
	"kancelaria/gateway/parse/signature"
	"kancelaria/gateway/parse/signature/trust"
	"kancelaria/gateway/parse/signature/xml"
)

type trustCmd struct {
	Import trustImportCmd `cmd:"" help:"Take in trusted lists, authorities and revocation lists; exit 6 if one is refused."`
	List   trustListCmd   `cmd:"" help:"Say what was imported, and until when it is good."`
}

type trustImportCmd struct {
	Files []string `arg:"" name:"file" help:"The EU list of lists and national lists (XML), certificates (PEM or DER), revocation lists (CRL), in any order."`
	Dir   string   `placeholder:"DIR" help:"Into this folder instead of the office's."`
}

// trustDir is where the office keeps who is trusted.
func trustDir(cfg *config.Config) string { return filepath.Join(string(cfg.Data), "trust") }

// Run needs no daemon: one that runs notices what was imported.
func (c *trustImportCmd) Run(e *env) error {
	dir, err := e.trustDir(c.Dir)
	if err != nil {
		return err
	}
	var files []trust.File
	for _, name := range c.Files {
		b, err := readTrusted(name, trust.Largest)
		if err != nil {
			return err
		}
		files = append(files, trust.File{Name: name, Content: b})
	}
	store := trust.New(dir, trust.Options{Now: e.now, Log: e.log})
	out, err := store.Import(e.ctx, checkList, files)
	if err != nil {
		return err
	}
	refused := false
	for _, o := range out {
		refused = refused || o.State == trust.Refused
		if e.JSON {
			err = json.NewEncoder(e.stdout).Encode(o)
		} else {
			_, err = fmt.Fprintf(e.stdout, "%s: %s\n", cell(o.Name, 200), cell(o.Says, 1000))
		}
		if err != nil {
			return err
		}
	}
	if refused {
		return silent{exitFindings}
	}
	return nil
}

func (e *env) trustDir(dir string) (string, error) {
	if dir != "" {
		return dir, nil
	}
	cfg, err := e.config()
	if err != nil {
		return "", err
	}
	return trustDir(cfg), nil
}

func readTrusted(name string, most int64) ([]byte, error) {
	st, err := os.Stat(name)
	if err != nil {
		return nil, fmt.Errorf("reading what is to be imported: %w", err)
	}
	if !st.Mode().IsRegular() || st.Size() > most {
		return nil, withCode(exitUsage, fmt.Errorf("%s is not a file of at most %d MB", name, most>>20))
	}
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("reading what is to be imported: %w", err)
	}
	return b, nil
}

// checkList verifies the signature of a trusted list: one, over the whole
// list, by algorithms that hold.
func checkList(ctx context.Context, b []byte) ([]byte, error) {
	doc, err := xml.Read(ctx, bytes.NewReader(b), nil, xml.Limits{})
	switch {
	case err != nil:
		return nil, err
	case doc.Problem != nil:
		return nil, doc.Problem
	case len(doc.Signatures) != 1:
		return nil, fmt.Errorf("it has %d signatures, where a list has one", len(doc.Signatures))
	}
	s := doc.Signatures[0]
	switch {
	case s.Problem != nil:
		return nil, s.Problem
	case !s.Intact || s.Covers != xml.CoversWhole || s.Packaging != "enveloped":
		return nil, errors.New("its signature does not cover the whole list")
	case len(s.Weak) > 0:
		return nil, fmt.Errorf("its signature rests on %s", strings.Join(s.Weak, " and "))
	}
	return s.Certificate, nil
}

type trustListCmd struct {
	Dir string `placeholder:"DIR" help:"Of this folder instead of the office's."`
}

// Run lists what lies in the folder.
func (c *trustListCmd) Run(e *env) error {
	dir, err := e.trustDir(c.Dir)
	if err != nil {
		return err
	}
	h := trust.New(dir, trust.Options{Now: e.now, Log: e.log}).Holdings()
	if e.JSON {
		return json.NewEncoder(e.stdout).Encode(h)
	}
	r := &rows{w: e.stdout}
	for _, l := range h.Lists {
		r.row("list "+l.Territory, fmt.Sprintf("number %d, %s; imported %s", l.Sequence, until(l, e.now()), l.Imported.Format(time.DateOnly)))
	}
	r.row("authorities", fmt.Sprintf("%d of the office's own", h.Anchors))
	r.row("signers", fmt.Sprintf("%d who may sign the list of lists", h.Signers))
	r.row("revocation", fmt.Sprintf("%d lists", h.Revocation))
	return r.err
}

func until(l trust.Holding, now time.Time) string {
	switch {
	case l.NextUpdate.IsZero():
		return "closed"
	case now.After(l.NextUpdate):
		return "out of date since " + l.NextUpdate.Format(time.DateOnly)
	}
	return "good until " + l.NextUpdate.Format(time.DateOnly)
}

// asTrust lets the checker ask a store.
func asTrust(s *trust.Store) signature.Trust {
	return func(ctx context.Context, q signature.Question) signature.Answer {
		return signature.Answer(s.Answer(ctx, trust.Question(q)))
	}
}

// trustFor finds who is trusted: in a folder, else in the office's where there
// is one. A checker without an office trusts nobody.
func (e *env) trustFor(dir string, now func() time.Time) signature.Trust {
	o := trust.Options{Now: now, Log: e.log}
	if dir == "" {
		cfg, err := e.config()
		if err != nil {
			return nil
		}
		dir, o.Online = trustDir(cfg), online(cfg)
	}
	return asTrust(trust.New(dir, o))
}

func online(cfg *config.Config) *trust.Online {
	if len(cfg.Signatures.AskHosts) == 0 {
		return nil
	}
	return &trust.Online{Hosts: cfg.Signatures.AskHosts}
}

// newTrust is whom the daemon asks while a letter is read: what lies on this
// machine, for registering waits for nobody.
func (h *house) newTrust() signature.Trust {
	return asTrust(trust.New(trustDir(h.cfg), trust.Options{Now: h.now, Log: h.log}))
}

// trustLines says of lists that were imported whether they are still good.
func (h *house) trustLines() []api.StatusLine {
	now := h.now()
	held := trust.New(trustDir(h.cfg), trust.Options{Now: h.now, Log: h.log}).Holdings()
	line := api.StatusLine{Part: "trust", Colour: "green", Text: fmt.Sprintf("%d authorities of the office, %d trusted lists, %d revocation lists", held.Anchors, len(held.Lists), held.Revocation)}
	if held.Anchors+len(held.Lists) == 0 {
		line.Text, line.Help = "nobody is trusted to vouch for signers", "kancelaria help signatures"
	}
	for _, l := range held.Lists {
		if !l.NextUpdate.IsZero() && now.After(l.NextUpdate) {
			line.Colour, line.Help = "amber", "kancelaria trust import FILE..."
			line.Text += fmt.Sprintf("; list %s is out of date since %s", l.Territory, l.NextUpdate.Format(time.DateOnly))
		}
	}
	return []api.StatusLine{line}
}
