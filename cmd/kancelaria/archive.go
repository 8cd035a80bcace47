package main

import (
	"encoding/json"
	"fmt"
	"text/tabwriter"
	"time"

	"kancelaria/cmd/internal/config"
	"kancelaria/registry"
	"kancelaria/registry/archive"
)

type archiveCmd struct {
	List   archiveListCmd   `cmd:"" help:"List segments."`
	Fsck   archiveFsckCmd   `cmd:"" help:"Read everything and check it; exit 6 on any finding."`
	Export archiveExportCmd `cmd:"" help:"Write originals out as files, without asking the book."`
	Erase  archiveEraseCmd  `cmd:"" help:"Erase an original by law; a tombstone stays."`
}

type archiveListCmd struct{}

func (archiveListCmd) Run(e *env) error {
	cfg, err := e.config()
	if err != nil {
		return err
	}
	a, err := readArchive(e, cfg)
	if err != nil {
		return err
	}
	defer a.Close()
	tab := tabwriter.NewWriter(e.stdout, 0, 4, 2, ' ', 0)
	for l, err := range a.List(e.ctx) {
		if err != nil {
			return err
		}
		if e.JSON {
			if err := json.NewEncoder(e.stdout).Encode(l); err != nil {
				return err
			}
			continue
		}
		state := "open"
		if l.Sealed {
			state = "sealed " + l.Seal.String()[:16]
		}
		fmt.Fprintf(tab, "%08d\t%d bytes\t%d records\t%d items\t%s\t%s\n", l.Segment, l.Bytes, l.Records, l.Items, l.Last.In(cfg.Zone).Format(time.RFC3339), state)
	}
	return tab.Flush()
}

// readArchive opens the archive beside whoever writes to it.
func readArchive(e *env, cfg *config.Config) (*archive.Archive, error) {
	a, err := archive.Open(string(cfg.Archive.Segments), archive.Options{
		Node: cfg.Node, Now: e.now, Log: e.log, ReadOnly: true, UnsafeFilesystem: cfg.Archive.UnsafeFilesystem,
	})
	if err != nil {
		return nil, fmt.Errorf("opening the archive to read it: %w", err)
	}
	return a, nil
}

type archiveFsckCmd struct {
	Full bool `help:"Also read every original."`
}

func (c *archiveFsckCmd) Run(e *env) error {
	cfg, err := e.config()
	if err != nil {
		return err
	}
	a, err := readArchive(e, cfg)
	if err != nil {
		return err
	}
	defer a.Close()
	found := 0
	for f, err := range a.Fsck(e.ctx, c.Full) {
		if err != nil {
			return err
		}
		found++
		if err := e.finding(f); err != nil {
			return err
		}
	}
	if found > 0 {
		return silent{exitFindings}
	}
	if !e.JSON {
		fmt.Fprintln(e.stdout, "The archive is as it was written.")
	}
	return nil
}

// finding prints one.
func (e *env) finding(f registry.Finding) error {
	if e.JSON {
		return json.NewEncoder(e.stdout).Encode(f)
	}
	_, err := fmt.Fprintf(e.stdout, "%s  %s: %s\n", f.Code, f.Subject, f.Text)
	return err
}
