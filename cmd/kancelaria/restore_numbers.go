package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"kancelaria/registry"
	"kancelaria/registry/archive"
)

// confirm enters what somebody knows of the last numbers: those that the book
// lacks become gaps, seen by everybody, and the ledger goes on under a new name,
// for what was signed after the backup is not continued.
func (c *restoreCmd) confirm(e *env, h *house) error {
	series, err := h.book.Find(e.ctx, registry.Query{Of: registry.FindSeries})
	if err != nil {
		return err
	}
	last, err := c.lastNumbers(series.Series)
	if err != nil {
		return err
	}
	if missing := unsaid(series.Series, last); len(missing) > 0 {
		return c.ask(e, missing)
	}
	var gaps []registry.Draft
	for s, seq := range last {
		if taken := takenOf(series.Series, s); seq > taken {
			gaps = append(gaps, registry.Draft{Key: fmt.Sprintf("gap/%s/%d", s, seq), Act: &registry.Act{
				Kind: registry.ActGap, Subject: s.String(), Fields: map[string]string{"to": strconv.FormatInt(seq, 10)},
			}})
		}
	}
	if c.NothingLost && len(gaps) > 0 {
		return withCode(exitFindings, errors.New("with --nothing-lost the book must hold the last numbers, and it lacks some; nothing was changed"))
	}
	head, err := h.book.Head(e.ctx)
	if err != nil {
		return err
	}
	if !c.NothingLost {
		if err := c.newLog(e, h, head); err != nil {
			return err
		}
	}
	if err := h.write(e, c.Reason, gaps); err != nil {
		return err
	}
	if err := h.fillCopybook(e.ctx); err != nil {
		return err
	}
	if err := os.Remove(restoredMark(h.cfg)); err != nil {
		return fmt.Errorf("taking away the mark of a restored office: %w", err)
	}
	return c.say(e, h, len(gaps))
}

// newLog names the ledger anew, unless building the book did so already.
func (c *restoreCmd) newLog(e *env, h *house, head registry.Head) error {
	o, err := h.rebuildOptions(e, false, c.Reason)
	if err != nil {
		return err
	}
	rows, err := h.book.Leaves(e.ctx, max(0, head.Size-1), head.Size)
	if err != nil {
		return err
	}
	if len(rows) == 1 && rows[0].Type == string(registry.ActLog) {
		return nil
	}
	name, err := registry.ContinueLog(e.ctx, h.book, o, head.Size)
	if err != nil {
		return err
	}
	return h.turnKey(name)
}

// write commits drafts as whoever runs the command. No daemon runs.
func (h *house) write(e *env, reason string, drafts []registry.Draft) error {
	now := h.now().UTC()
	for i := range drafts {
		d := &drafts[i]
		d.At, d.On, d.Actor, d.Reason, d.Node = now, registry.DayOf(now, h.cfg.Zone), e.user(), reason, h.cfg.Node
		d.Salt = registry.NewSalt()
	}
	if len(drafts) == 0 {
		return nil
	}
	outcomes, err := h.book.Commit(e.ctx, drafts)
	if err != nil {
		return err
	}
	for _, o := range outcomes {
		if err := o.Err(); err != nil {
			return err
		}
	}
	return nil
}

// fillCopybook writes into this node's copybook what the book holds and it
// lacks: marks, gaps, what other gateways wrote.
func (h *house) fillCopybook(ctx context.Context) error {
	known, err := readCopybook(ctx, []*archive.Archive{h.archive}, nil)
	if err != nil {
		return err
	}
	head, err := h.book.Head(ctx)
	if err != nil {
		return err
	}
	read := rowsOf(h.book, head.Size)
	for page := int64(0); page*rowsAtOnce < head.Size; page++ {
		rows, err := read(ctx, page)
		if err != nil {
			return err
		}
		var sheets []registry.Sheet
		for _, row := range rows {
			l, there := known.find(row.Index)
			if len(row.Content) == 0 || there && l.mark == strings.HasPrefix(row.Key, lostKey) {
				continue
			}
			sheets = append(sheets, registry.Sheet{Bytes: row.Content})
		}
		if err := h.spool.Copybook(ctx, sheets); err != nil {
			return err
		}
	}
	return nil
}

// lastNumbers reads what was said.
func (c *restoreCmd) lastNumbers(known []registry.SeriesRow) (map[registry.Series]int64, error) {
	last := map[registry.Series]int64{}
	for _, text := range c.LastNumber {
		n, err := registry.ParseNumber(text)
		if err != nil {
			return nil, withCode(exitUsage, fmt.Errorf("--last-number: %w", err))
		}
		if seq, twice := last[n.Series()]; twice && seq != n.Seq {
			return nil, withCode(exitUsage, fmt.Errorf("--last-number: two last numbers of %s", n.Series()))
		}
		for _, s := range known {
			if s.Series == n.Series() && !s.ClosedAt.IsZero() && n.Seq > s.Taken {
				return nil, withCode(exitUsage, fmt.Errorf("--last-number: the series %s is closed at %d", s.Series, s.Taken))
			}
		}
		last[n.Series()] = n.Seq
	}
	return last, nil
}

func takenOf(known []registry.SeriesRow, of registry.Series) int64 {
	for _, s := range known {
		if s.Series == of {
			return s.Taken
		}
	}
	return 0
}

// unsaid are the open series of which nobody has said the last number.
func unsaid(known []registry.SeriesRow, last map[registry.Series]int64) (missing []registry.SeriesRow) {
	for _, s := range known {
		if _, ok := last[s.Series]; !ok && s.ClosedAt.IsZero() && s.Taken > 0 {
			missing = append(missing, s)
		}
	}
	return missing
}

// ask says what somebody must find out before anything is numbered again.
func (c *restoreCmd) ask(e *env, missing []registry.SeriesRow) error {
	for _, s := range missing {
		n := registry.Number{Register: s.Register, Year: s.Year, Seq: s.Taken}
		f := registry.Finding{Code: "last_number_unknown", Subject: s.String(), Text: fmt.Sprintf("the backup ends at %s; if nothing later was told to anybody: --last-number %s", n, n)}
		if err := e.finding(f); err != nil {
			return err
		}
	}
	fmt.Fprintln(e.stderr, "kancelaria: the office is in its place and may be started: it accepts, and numbers nothing yet. Look up the last number of each register (daily mail, receipts, notices), stop it, and say: kancelaria restore --last-number NUMBER ...")
	return silent{exitFindings}
}

func (c *restoreCmd) say(e *env, h *house, gaps int) error {
	head, err := h.book.Head(e.ctx)
	if err != nil {
		return err
	}
	if e.JSON {
		return json.NewEncoder(e.stdout).Encode(map[string]any{"leaves": head.Size, "root": head.Root(), "gaps": gaps, "origin": head.Origin})
	}
	fmt.Fprintf(e.stdout, "The office is restored: %d leaves, %d gaps entered, the ledger is %s.\n", head.Size, gaps, head.Origin)
	if !c.NothingLost {
		fmt.Fprintln(e.stdout, "It is signed by a new key. Publish it beside the older ones: kancelaria key show")
	}
	_, err = fmt.Fprintln(e.stdout, "Look at it with: kancelaria verify --full; then start the daemon, and search for lost letters at the senders and the mail relay.")
	return err
}
