package web

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"kancelaria/registry"
)

// A visit is one request of somebody who is logged in, with what the office
// lets them see today.
type visit struct {
	*words
	w       *Web
	office  *registry.Office
	clerk   registry.Clerk
	viewer  *registry.Viewer
	session session
}

// What a visitor is told instead of a page.
var (
	errForeign  = errors.New("a request of another site")
	errNoPage   = errors.New("no such page")
	errStale    = errors.New("the form is not of this session")
	errState    = errors.New("an administrator sees state, not content")
	errRole     = errors.New("not for this role")
	errWrong    = errors.New("the form is not understood")
	errTooMany  = errors.New("too many attempts")
	errWithheld = errors.New("not opened before it is known to be safe")
)

// open is for addresses that need no login.
func (w *Web) open(p func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		if err := p(rw, r); err != nil {
			w.fail(rw, r, nil, err)
		}
	}
}

// inside is for addresses behind the login. What a page of the background asks
// does not keep a session alive.
func (w *Web) inside(p page) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		v, err := w.visitOf(r)
		if err != nil {
			w.fail(rw, r, nil, err)
			return
		}
		if v == nil {
			w.askLogin(rw, r)
			return
		}
		if r.Header.Get("X-Background") == "" {
			if err := w.sessions.touch(r.Context(), &v.session); err != nil {
				w.o.Log.Warn("web.session", "err", err)
			}
		}
		if err := p(rw, r, v); err != nil {
			w.fail(rw, r, v, err)
		}
	}
}

// content is inside for those who may read letters.
func (w *Web) content(p page) http.HandlerFunc {
	return w.inside(func(rw http.ResponseWriter, r *http.Request, v *visit) error {
		if !v.clerk.ReadsContent() {
			return errState
		}
		return p(rw, r, v)
	})
}

// visitOf finds who asks; nil if nobody is logged in.
func (w *Web) visitOf(r *http.Request) (*visit, error) {
	s, ok, err := w.sessionOf(r)
	if err != nil || !ok {
		return nil, err
	}
	office := w.o.Office()
	k, known := office.Clerks[s.Login]
	if !known { // has left the office since
		return nil, nil
	}
	return w.newVisit(office, k, s), nil
}

func (w *Web) newVisit(office *registry.Office, k registry.Clerk, s session) *visit {
	lang := cmp.Or(k.Language, w.o.Language)
	return &visit{w: w, office: office, clerk: k, viewer: office.Viewer(k.Login), session: s, words: newWords(lang, office, w.o.Now())}
}

// actor is who acts.
func (v *visit) actor() registry.Actor { return registry.Actor{Login: v.clerk.Login} }

// today is the civil day at the office.
func (v *visit) today() registry.Day { return registry.DayOf(v.now, v.office.Zone) }

// isDesk reports whether what is kept out of the book is theirs to look through.
func (v *visit) isDesk() bool {
	return v.clerk.Has(registry.RoleDesk) || v.clerk.Has(registry.RoleSecretary)
}

// find asks the book as the visitor: what they may not see is not there.
func (v *visit) find(ctx context.Context, q registry.Query) (registry.Page, error) {
	q.Viewer = v.viewer
	return v.w.o.Book.Find(ctx, q)
}

// entry gives the entry that a path names.
func (v *visit) entry(r *http.Request) (registry.Work, error) {
	n, err := registry.ParseNumber(r.PathValue("number"))
	if err != nil {
		return registry.Work{}, errNoPage
	}
	found, err := v.find(r.Context(), registry.Query{Of: registry.FindEntry, Number: n, Limit: 1})
	if err != nil {
		return registry.Work{}, err
	}
	if len(found.Works) == 0 {
		return registry.Work{}, fmt.Errorf("%w: %s", registry.ErrNotFound, n)
	}
	return found.Works[0], nil
}

// A choice is one of a list to choose from.
type choice struct{ Value, Text string }

// clerks are those to whom something may be given, by name.
func (v *visit) clerks() []choice {
	var out []choice
	for login, k := range v.office.Clerks {
		out = append(out, choice{login, cmp.Or(k.Name, login) + " (" + login + ")"})
	}
	slices.SortFunc(out, func(a, b choice) int { return cmp.Or(cmp.Compare(a.Text, b.Text), cmp.Compare(a.Value, b.Value)) })
	return out
}

func (v *visit) departments() []choice {
	var out []choice
	for _, id := range slices.Sorted(maps.Keys(v.office.Departments)) {
		out = append(out, choice{id, id + " – " + cmp.Or(v.office.Departments[id].Name, id)})
	}
	return out
}

func (v *visit) classes() []choice {
	var out []choice
	for _, symbol := range slices.Sorted(maps.Keys(v.office.Classes)) {
		out = append(out, choice{symbol, symbol + " – " + v.office.Classes[symbol].Name})
	}
	return out
}

// registers are those into which things come and which the visitor may see.
func (v *visit) registers() []choice {
	var out []choice
	for _, id := range slices.Sorted(maps.Keys(v.office.Registers)) {
		r := v.office.Registers[id]
		if r.Kind == "in" && (!r.Restricted || slices.Contains(v.viewer.Registers, id)) {
			out = append(out, choice{id, id})
		}
	}
	return out
}

// form reads a posted form of this session; of any other it is stale.
func (v *visit) form(w http.ResponseWriter, r *http.Request) error {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		return fmt.Errorf("%w: %w", errWrong, err)
	}
	if !v.session.owns(r.PostForm.Get("form")) {
		return errStale
	}
	return nil
}

// maxForm bounds a form without files.
const maxForm = 1 << 20

// field gives a posted field without blanks at its ends.
func field(r *http.Request, name string) string { return strings.TrimSpace(r.PostForm.Get(name)) }
