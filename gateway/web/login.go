package web

import (
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// A doorway is the page of the login, with the form that somebody was sending
// when their session ended: it goes on after the login, and no text is lost.
type doorway struct {
	To    string
	Login string
	Kept  []kept
	Files bool // the form had files, which a page cannot keep
	OIDC  bool
	Wrong string
	Wait  time.Duration
}

// A kept field of a form.
type kept struct{ Name, Value string }

// Bounds of a form that is kept through a login.
const (
	mostKept      = 200
	mostKeptBytes = 512 << 10
	mostDrained   = 64 << 20
)

const keptPrefix = "kept."

func (w *Web) loginPage(rw http.ResponseWriter, r *http.Request) error {
	d := doorway{To: local(r.FormValue("to")), OIDC: w.oidc != nil}
	s := w.outside(r, "web.login.title", d)
	if r.FormValue("done") == "logout" {
		s.Done = s.Say("web.done.logout")
	}
	return w.show(rw, http.StatusOK, "login", s)
}

// askLogin sends somebody without a session to the login, and remembers what
// they wanted, or were saying.
func (w *Web) askLogin(rw http.ResponseWriter, r *http.Request) {
	switch {
	case r.Header.Get("X-Background") != "":
		rw.WriteHeader(http.StatusUnauthorized)
		return
	case r.Method == http.MethodGet || r.Method == http.MethodHead:
		http.Redirect(rw, r, "/login?to="+url.QueryEscape(r.URL.RequestURI()), http.StatusSeeOther)
		return
	}
	d := doorway{To: local(r.URL.Path), OIDC: w.oidc != nil}
	var err error
	if d.Kept, d.Files, err = keepForm(rw, r); err != nil {
		w.fail(rw, r, nil, fmt.Errorf("%w: %w", errWrong, err))
		return
	}
	s := w.outside(r, "web.login.again", d)
	if err := w.show(rw, http.StatusUnauthorized, "login", s); err != nil {
		w.fail(rw, r, nil, err)
	}
}

// keepForm reads the texts of a form. Files are let go of.
func keepForm(rw http.ResponseWriter, r *http.Request) (fields []kept, files bool, err error) {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if kind == "multipart/form-data" {
		r.Body = http.MaxBytesReader(rw, r.Body, mostDrained)
		parts, err := r.MultipartReader()
		if err != nil {
			return nil, true, err
		}
		fields, err = keepParts(parts)
		return fields, true, err
	}
	r.Body = http.MaxBytesReader(rw, r.Body, mostKeptBytes)
	if err := r.ParseForm(); err != nil {
		return nil, false, err
	}
	for _, name := range sortedNames(r.PostForm) {
		for _, value := range r.PostForm[name] {
			if name != "form" && len(fields) < mostKept {
				fields = append(fields, kept{name, value})
			}
		}
	}
	return fields, false, nil
}

func sortedNames(v url.Values) []string {
	names := make([]string, 0, len(v))
	for name := range v {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func keepParts(parts *multipart.Reader) (fields []kept, err error) {
	room := int64(mostKeptBytes)
	for {
		p, err := parts.NextPart()
		if err != nil {
			return fields, nil // its end, or more than we wait for: what is there is kept
		}
		if p.FileName() != "" || p.FormName() == "form" || len(fields) == mostKept {
			continue
		}
		b, err := io.ReadAll(io.LimitReader(p, room))
		if err != nil {
			return fields, nil
		}
		room -= int64(len(b))
		fields = append(fields, kept{p.FormName(), string(b)})
	}
}

func (w *Web) login(rw http.ResponseWriter, r *http.Request) error {
	r.Body = http.MaxBytesReader(rw, r.Body, 2*mostKeptBytes)
	if err := r.ParseForm(); err != nil {
		return fmt.Errorf("%w: %w", errWrong, err)
	}
	d := doorway{To: local(field(r, "to")), Login: shorten(field(r, "login"), 60), OIDC: w.oidc != nil, Files: field(r, "files") != ""}
	for _, name := range sortedNames(r.PostForm) {
		for _, value := range r.PostForm[name] {
			if plain, ok := strings.CutPrefix(name, keptPrefix); ok && len(d.Kept) < mostKept {
				d.Kept = append(d.Kept, kept{plain, value})
			}
		}
	}
	from := w.client(r)
	if d.Wait = w.guard.wait(d.Login, from); d.Wait > 0 {
		w.o.Log.Warn("web.login_slowed", "clerk", d.Login, "peer", from)
		return w.loginAgain(rw, r, d, http.StatusTooManyRequests, "web.login.wait")
	}
	w.guard.try(d.Login, from)
	right, err := w.keys.Check(r.Context(), d.Login, r.PostForm.Get("password"))
	if err != nil {
		return err
	}
	if _, known := w.o.Office().Clerks[d.Login]; !right || !known {
		w.o.Log.Warn("web.login_wrong", "clerk", d.Login, "peer", from)
		return w.loginAgain(rw, r, d, http.StatusUnauthorized, "web.login.wrong")
	}
	w.guard.right(d.Login, from)
	return w.enter(rw, r, d, "password")
}

func (w *Web) loginAgain(rw http.ResponseWriter, r *http.Request, d doorway, status int, sentence string) error {
	s := w.outside(r, "web.login.title", nil)
	minutes := int64((d.Wait + time.Minute - 1) / time.Minute)
	s.Wrong = s.Say(sentence, "minutes", s.Count("count.minutes", minutes))
	s.Data = d
	return w.show(rw, status, "login", s)
}

// enter opens a session and goes where the clerk was going. A form that was
// kept is shown once more: its sender sends it, not we.
func (w *Web) enter(rw http.ResponseWriter, r *http.Request, d doorway, how string) error {
	n, err := w.sessions.begin(r.Context(), d.Login, how)
	if err != nil {
		return err
	}
	w.setCookie(rw, r, n.secret)
	w.o.Log.Info("web.login", "clerk", d.Login, "how", how, "peer", w.client(r))
	if len(d.Kept) == 0 {
		http.Redirect(rw, r, d.To, http.StatusSeeOther)
		return nil
	}
	office := w.o.Office()
	v := w.newVisit(office, office.Clerks[d.Login], n)
	if d.Files {
		d.To += "/fill"
	}
	return v.show(rw, r, "", "kept", v.Say("web.kept.title"), d)
}

func (w *Web) logout(rw http.ResponseWriter, r *http.Request) error {
	s, ok, err := w.sessionOf(r)
	if err == nil && ok {
		err = w.sessions.end(r.Context(), s)
	}
	w.setCookie(rw, r, "")
	if err != nil {
		return err
	}
	rw.Header().Set("Clear-Site-Data", `"cache", "storage"`)
	http.Redirect(rw, r, "/login?done=logout", http.StatusSeeOther)
	return nil
}
