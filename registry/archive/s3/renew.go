package s3

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"kancelaria/registry"
	"kancelaria/registry/archive"
)

// Renew walks all of this node's copies: locks that run out are lengthened as
// long as the file plan wants the papers kept, what was erased by law goes once
// its lock is over, and local bodies that have been kept long enough are given
// back.
func (m *Mover) Renew(ctx context.Context) error {
	q := registry.Query{Of: registry.FindNotes, NoteKind: noteKind, Key: noteCopies + "*", Limit: 500}
	for page, err := range registry.AllPages(ctx, m.Book, q) {
		if err != nil {
			return fmt.Errorf("listing the second home: %w", err)
		}
		if err := m.renewPage(ctx, page.Notes); err != nil {
			return err
		}
	}
	return nil
}

// renewPage deals with one page of notes. What was done is noted even if the
// rest of the page fails.
func (m *Mover) renewPage(ctx context.Context, notes []registry.Note) (err error) {
	var changed []registry.Note
	var moves []archive.Move
	for _, n := range notes {
		var c Copy
		id, idErr := registry.ParseItemID(strings.TrimPrefix(n.Key, noteCopies))
		if idErr != nil || json.Unmarshal(n.Value, &c) != nil || c.Node != m.Node || c.Gone {
			continue
		}
		before := c
		if err = m.renew(ctx, &c, id); err != nil {
			break
		}
		if c.Moved && !before.Moved {
			moves = append(moves, archive.Move{Place: c.Place, Locator: c.Locator})
		}
		if c != before {
			note, err := c.note(id)
			if err != nil {
				return err
			}
			changed = append(changed, note)
		}
	}
	if len(moves) > 0 {
		if err := m.Originals.Punch(ctx, moves); err != nil {
			return fmt.Errorf("giving local space back: %w", err)
		}
	}
	if len(changed) == 0 {
		return err
	}
	return errors.Join(err, m.Book.Keep(ctx, changed))
}

// renew brings one copy up to date.
func (m *Mover) renew(ctx context.Context, c *Copy, id registry.ItemID) error {
	now := m.Now()
	_, err := m.Originals.Sheet(ctx, c.Place, id)
	if errors.Is(err, registry.ErrErased) {
		switch err := m.Store.Remove(ctx, c.Locator, now); {
		case errors.Is(err, ErrLocked):
			return nil // tried again on the next walk
		case err != nil && !errors.Is(err, registry.ErrNotFound):
			return err
		}
		c.Gone = true
		return nil
	}
	if c.Until.Sub(now) < m.Lock/2 {
		until, err := m.keepUntil(ctx, *c)
		if err != nil {
			return err
		}
		if until.After(c.Until) {
			if err := m.Store.Extend(ctx, c.Locator, until); err != nil {
				return err
			}
			c.Until = until.UTC()
		}
	}
	if m.KeepLocal == 0 || c.Moved || now.Sub(c.Stored) < m.KeepLocal {
		return nil
	}
	if err := m.Store.Returns(ctx, c.Locator, c.Digest, c.Size); err != nil {
		return fmt.Errorf("reading back %s before its local body is given back: %w", c.Number, err)
	}
	c.Moved = true
	return nil
}

// keepUntil says until when an original is locked anew: never beyond the day
// from which the file plan allows its disposal.
func (m *Mover) keepUntil(ctx context.Context, c Copy) (time.Time, error) {
	until := m.Now().Add(m.Lock)
	number, err := registry.ParseNumber(c.Number)
	if err != nil {
		return until, nil
	}
	found, err := m.Book.Find(ctx, registry.Query{Of: registry.FindEntry, Number: number, Limit: 1})
	if err != nil {
		return until, fmt.Errorf("looking up %s: %w", c.Number, err)
	}
	if len(found.Works) == 0 {
		return until, nil
	}
	w := found.Works[0]
	folders, err := m.Book.Find(ctx, registry.Query{Of: registry.FindFolders, Folder: w.Folder, Limit: 1})
	if err != nil {
		return until, fmt.Errorf("looking up the folder of %s: %w", c.Number, err)
	}
	if len(folders.Folders) == 0 || folders.Folders[0].ClosedAt.IsZero() {
		return until, nil
	}
	office := m.Office()
	closed := registry.DayOf(folders.Folders[0].ClosedAt, office.Zone)
	from, ok := registry.DisposableFrom(office.Classes[w.Class].Category, closed)
	if !ok {
		return until, nil
	}
	if end := time.Date(from.Year, from.Month, from.Day, 0, 0, 0, 0, office.Zone); end.Before(until) {
		return end, nil
	}
	return until, nil
}
