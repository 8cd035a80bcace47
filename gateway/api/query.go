package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"kancelaria/registry"
)

func wrong(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{errWrong}, args...)...)
}

// page is how many rows are asked of the book at a time.
const page = 500

// listEntries answers list: filters, newest first, as many as asked.
func (a *API) listEntries(w http.ResponseWriter, r *http.Request) error {
	q, err := a.filter(r)
	if err != nil {
		return err
	}
	limit, err := limitOf(r)
	if err != nil {
		return err
	}
	return a.pages(r.Context(), q, limit, newLines(w))
}

// search answers search: words, folded as the index is.
func (a *API) search(w http.ResponseWriter, r *http.Request) error {
	v, err := a.viewer(r.Context())
	if err != nil {
		return err
	}
	limit, err := limitOf(r)
	if err != nil {
		return err
	}
	words := strings.Fields(registry.Fold(r.FormValue("q")))
	if len(words) == 0 || len(words) > 20 {
		return wrong("name between one and twenty words")
	}
	return a.pages(r.Context(), registry.Query{Of: registry.FindSearch, Words: words, Viewer: v}, limit, newLines(w))
}

func (a *API) pages(ctx context.Context, q registry.Query, limit int, out lines) error {
	for limit > 0 {
		q.Limit = min(limit, page)
		found, err := a.Book.Find(ctx, q)
		if err != nil {
			return err
		}
		for _, work := range found.Works {
			s, err := a.source(ctx, work, false)
			if err != nil {
				return err
			}
			if err := out.write(s.entry(a.Office().Zone, registry.Catalogue(a.Office().Language))); err != nil {
				return nil // who asked has gone
			}
		}
		limit -= len(found.Works)
		if q.After = found.Next; q.After == "" {
			return nil
		}
	}
	return nil
}

// source gathers what an entry is shown from.
func (a *API) source(ctx context.Context, work registry.Work, events bool) (source, error) {
	s := source{work: work}
	folder, err := a.Book.Find(ctx, registry.Query{Of: registry.FindFolders, Folder: work.Folder, Limit: 1})
	if err != nil {
		return s, err
	}
	if len(folder.Folders) > 0 {
		s.folder = folder.Folders[0]
	}
	line, err := a.Book.Find(ctx, registry.Query{Of: registry.FindLine, Leaf: &work.Leaf, Limit: 1})
	if err != nil {
		return s, err
	}
	if len(line.Leaves) > 0 && line.Leaves[0].Content != nil {
		var l registry.Line
		if err := json.Unmarshal(line.Leaves[0].Content, &l); err != nil {
			return s, fmt.Errorf("%w: the content of leaf %d cannot be read", registry.ErrCorrupt, work.Leaf)
		}
		s.line = &l
	}
	if !events {
		return s, nil
	}
	found, err := a.Book.Find(ctx, registry.Query{Of: registry.FindEvents, Subject: work.Number.String(), Limit: 1000})
	if err != nil {
		return s, err
	}
	s.events = found.Leaves
	sent, err := a.Book.Find(ctx, registry.Query{Of: registry.FindOutbox, Number: work.Number, Limit: 1000})
	s.outbox = sent.Outbox
	return s, err
}

// find gives the entry a caller means, if it exists for them.
func (a *API) find(ctx context.Context, what string) (registry.Work, error) {
	v, err := a.viewer(ctx)
	if err != nil {
		return registry.Work{}, err
	}
	q := registry.Query{Of: registry.FindEntry, Viewer: v, Limit: 1}
	if id, err := registry.ParseItemID(what); err == nil {
		q.Item = id
	} else if q.Number, err = registry.ParseNumber(what); err != nil {
		return registry.Work{}, wrong("%v", err)
	}
	found, err := a.Book.Find(ctx, q)
	if err != nil {
		return registry.Work{}, err
	}
	if len(found.Works) == 0 {
		return registry.Work{}, fmt.Errorf("%w: %s", registry.ErrNotFound, what)
	}
	return found.Works[0], nil
}

// filter reads the filters of list.
func (a *API) filter(r *http.Request) (registry.Query, error) {
	v, err := a.viewer(r.Context())
	if err != nil {
		return registry.Query{}, err
	}
	q := registry.Query{
		Of: registry.FindEntries, Viewer: v, Register: strings.ToUpper(r.FormValue("register")), Department: r.FormValue("department"),
		Clerk: r.FormValue("clerk"), Class: r.FormValue("class"), Status: registry.Status(r.FormValue("status")),
		Flag: registry.Flag(r.FormValue("flag")), Sender: strings.ToLower(r.FormValue("sender")),
	}
	if c := r.FormValue("case"); strings.HasPrefix(c, "K-") {
		q.Folder = c
	} else {
		q.Case = c
	}
	if q.Since, err = a.moment(r.FormValue("since"), false); err != nil {
		return q, err
	}
	q.Until, err = a.moment(r.FormValue("until"), true)
	return q, err
}

// moment reads a day, an instant or a span back from now ("30d"). The end of a
// range that is a day means the whole of it.
func (a *API) moment(s string, end bool) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if days, ok := strings.CutSuffix(s, "d"); ok {
		if n, err := strconv.Atoi(days); err == nil && n >= 0 && n < 36500 {
			return a.Now().AddDate(0, 0, -n), nil
		}
	}
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t, nil
	}
	if d, err := time.ParseDuration(s); err == nil && d >= 0 {
		return a.Now().Add(-d), nil
	}
	day, err := registry.ParseDay(s)
	if err != nil {
		return time.Time{}, wrong("%.40q is neither a day (2026-11-23), an instant (RFC 3339) nor a span back from now (30d, 4h)", s)
	}
	if end {
		day = day.AddDays(1)
	}
	return time.Date(day.Year, day.Month, day.Day, 0, 0, 0, 0, a.Office().Zone), nil
}

// limitOf reads how many rows are wanted; 100 unless told.
func limitOf(r *http.Request) (int, error) {
	s := r.FormValue("limit")
	if s == "" {
		return 100, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 {
		return 0, wrong("limit: %.20q is not a number above 0", s)
	}
	return n, nil
}
