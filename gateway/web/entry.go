package web

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"kancelaria/registry"
)

// An entryPage is all that the page of an entry shows.
type entryPage struct {
	Work     registry.Work
	Folder   registry.Folder
	Arrival  *registry.Arrival // as registered; nil if its content was erased
	Events   []happened
	Receipt  string
	Parts    []part
	Shown    *part  // what the preview shows
	Withheld string // why attachments are neither previewed nor handed out
	Acts     []actForm
	Key      string
	Others   []registry.Work   // in the same folder
	Accesses []registry.Access // for whoever answers for data protection
	Typed    []kept            // what was typed into a form that is not offered any more
}

// A happened is an event as the timeline tells it.
type happened struct {
	At         time.Time
	Kind       string
	Actor, For string
	Reason     string
	To, Text   string
	Changed    []changed
	Erased     bool
}

// A changed field of an entry, with what stood there before.
type changed struct{ Field, Old, New string }

// mostEvents bounds a timeline; an entry with more has been played with.
const mostEvents = 500

// entryOf shows an entry.
func (w *Web) entryPage(rw http.ResponseWriter, r *http.Request, v *visit) error {
	work, err := v.entry(r)
	if err != nil {
		return err
	}
	return v.showEntry(rw, r, work, http.StatusOK, "", nil)
}

// shortEntry lets links of notices, which name the number only, arrive.
func (w *Web) shortEntry(rw http.ResponseWriter, r *http.Request, _ *visit) error {
	n, err := registry.ParseNumber(r.PathValue("number"))
	if err != nil {
		return errNoPage
	}
	http.Redirect(rw, r, "/entries/"+n.String(), http.StatusSeeOther)
	return nil
}

// showEntry writes the page of an entry, after a refused act with what was
// typed.
func (v *visit) showEntry(rw http.ResponseWriter, r *http.Request, work registry.Work, status int, wrong string, posted url.Values) error {
	p, err := v.gather(r.Context(), work)
	if err != nil {
		return err
	}
	p.choosePreview(r.URL.Query().Get("part"))
	p.Acts = v.actForms(p, posted)
	if !slices.ContainsFunc(p.Acts, func(f actForm) bool { return f.Open }) {
		p.Typed = typed(posted)
	}
	s := v.sheet(r, "", work.Number.String()+" – "+shorten(work.Title, 120), p)
	s.Wrong = wrong
	return v.w.show(rw, status, "entry", s)
}

// typed gives the words of a form, for their writer to keep.
func typed(posted url.Values) (all []kept) {
	for _, name := range []string{"reason", "text", "title", "remarks"} {
		if value := posted.Get(name); value != "" {
			all = append(all, kept{name, value})
		}
	}
	return all
}

// gather reads what is known of an entry.
func (v *visit) gather(ctx context.Context, work registry.Work) (*entryPage, error) {
	p := &entryPage{Work: work, Key: secretText()}
	folders, err := v.find(ctx, registry.Query{Of: registry.FindFolders, Folder: work.Folder, Limit: 1})
	if err != nil {
		return nil, err
	}
	if len(folders.Folders) > 0 {
		p.Folder = folders.Folders[0]
	}
	if p.Arrival, err = v.arrival(ctx, work); err != nil {
		return nil, err
	}
	events, err := v.find(ctx, registry.Query{Of: registry.FindEvents, Subject: work.Number.String(), Limit: mostEvents})
	if err != nil {
		return nil, err
	}
	for _, leaf := range events.Leaves {
		p.Events = append(p.Events, happening(leaf))
	}
	if err := p.others(ctx, v); err != nil {
		return nil, err
	}
	if err := p.receipt(ctx, v); err != nil {
		return nil, err
	}
	p.listParts(v)
	if v.clerk.Has(registry.RoleDPO) || v.clerk.Has(registry.RoleAuditor) {
		p.Accesses, err = v.looks(ctx, work.Number)
	}
	return p, err
}

// arrival reads what was registered, with its place in the archive.
func (v *visit) arrival(ctx context.Context, work registry.Work) (*registry.Arrival, error) {
	line, err := v.find(ctx, registry.Query{Of: registry.FindLine, Leaf: &work.Leaf, Limit: 1})
	if err != nil || len(line.Leaves) == 0 || line.Leaves[0].Content == nil {
		return nil, err
	}
	var l registry.Line
	if err := json.Unmarshal(line.Leaves[0].Content, &l); err != nil {
		return nil, fmt.Errorf("%w: the content of leaf %d cannot be read", registry.ErrCorrupt, work.Leaf)
	}
	if l.Draft.Arrival != nil {
		l.Draft.Arrival.Item.Place = work.Place
	}
	return l.Draft.Arrival, nil
}

func happening(leaf registry.LeafRow) happened {
	h := happened{At: leaf.At, Kind: leaf.Type, Actor: leaf.Actor, For: leaf.OnBehalfOf, Erased: leaf.Content == nil}
	var l registry.Line
	if json.Unmarshal(leaf.Content, &l) != nil {
		return h
	}
	h.Reason = l.Draft.Reason
	if act := l.Draft.Act; act != nil {
		h.To, h.Text = cmp.Or(act.To, act.Clerk, act.Department), act.Text
		for name, value := range act.Fields {
			h.Changed = append(h.Changed, changed{name, act.Old[name], value})
		}
		if act.Deadline != nil {
			h.Changed = append(h.Changed, changed{"due", "", act.Deadline.Due.String()})
		}
		if act.Class != "" {
			h.Changed = append(h.Changed, changed{"class", "", act.Class})
		}
		slices.SortFunc(h.Changed, func(a, b changed) int { return cmp.Compare(a.Field, b.Field) })
	}
	return h
}

// others are the entries that lie in the same folder.
func (p *entryPage) others(ctx context.Context, v *visit) error {
	if p.Folder.Entries < 2 {
		return nil
	}
	found, err := v.find(ctx, registry.Query{Of: registry.FindCaseEntries, Folder: p.Work.Folder, Limit: 50})
	for _, o := range found.Works {
		if o.Number != p.Work.Number {
			p.Others = append(p.Others, o)
		}
	}
	return err
}

// receipt says when the sender was told, or why not.
func (p *entryPage) receipt(ctx context.Context, v *visit) error {
	if p.Arrival == nil {
		return nil
	}
	if !p.Arrival.Receipt.Send {
		p.Receipt = v.Say("receipt.not." + cmp.Or(p.Arrival.Receipt.Reason, "door"))
		return nil
	}
	p.Receipt = v.Say("web.receipt.waits")
	sent, err := v.find(ctx, registry.Query{Of: registry.FindOutbox, Number: p.Work.Number, Limit: 200})
	for _, row := range sent.Outbox {
		if row.Kind == registry.OutboxReceipt && row.State == registry.OutboxSent {
			p.Receipt = v.Say("web.receipt.sent", "when", v.At(row.DoneAt))
		}
	}
	return err
}

// looks tells who opened a letter.
func (v *visit) looks(ctx context.Context, n registry.Number) ([]registry.Access, error) {
	found, err := v.find(ctx, registry.AccessOf(n.String()))
	var all []registry.Access
	for _, note := range found.Notes {
		if a, err := registry.ReadAccess(note); err == nil {
			all = append(all, a)
		}
	}
	return all, err
}

// explanation shows the whole reasoning of the rules.
func (w *Web) explanation(rw http.ResponseWriter, r *http.Request, v *visit) error {
	work, err := v.entry(r)
	if err != nil {
		return err
	}
	a, err := v.arrival(r.Context(), work)
	if err != nil {
		return err
	}
	if a == nil {
		return registry.ErrErased
	}
	text, err := w.o.Explain.Explained(r.Context(), a.Decision, "")
	if err != nil {
		return fmt.Errorf("%w: %w", errWrong, err)
	}
	return v.show(rw, r, "", "explanation", v.Say("web.explain.title", "number", work.Number.String()), struct {
		Number registry.Number
		Text   string
	}{work.Number, text})
}
