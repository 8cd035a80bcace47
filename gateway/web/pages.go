package web

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"sync"

	"kancelaria/registry"
)

//go:embed templates
var templateFiles embed.FS

// pages are the templates of one language by name; layout.html is around each.
type pages map[string]*template.Template

// A printery is all that pages are made of. It never changes; a mistake in it is
// found by the first start.
type printery struct {
	assets assets
	pages  map[string]pages // by language
}

var furnished = sync.OnceValues(func() (printery, error) {
	a, err := loadAssets()
	if err != nil {
		return printery{}, err
	}
	p, err := loadPages(a)
	return printery{a, p}, err
})

// loadPages parses every page in both languages.
func loadPages(a assets) (map[string]pages, error) {
	all := map[string]pages{}
	names, err := fs.Glob(templateFiles, "templates/*.html")
	if err != nil {
		return nil, err
	}
	for _, lang := range []string{"pl", "en"} {
		texts := registry.Catalogue(lang)
		base, err := template.New("layout.html").Funcs(pageFuncs(texts, a)).ParseFS(templateFiles, "templates/layout.html", "templates/parts.html")
		if err != nil {
			return nil, fmt.Errorf("reading the layout: %w", err)
		}
		all[lang] = pages{}
		for _, name := range names {
			short := strings.TrimSuffix(path.Base(name), ".html")
			if short == "layout" || short == "parts" {
				continue
			}
			t, err := base.Clone()
			if err == nil {
				t, err = t.ParseFS(templateFiles, name)
			}
			if err != nil {
				return nil, fmt.Errorf("reading page %s: %w", short, err)
			}
			all[lang][short] = t
		}
	}
	return all, nil
}

func pageFuncs(texts *registry.Texts, a assets) template.FuncMap {
	return template.FuncMap{
		"say":   texts.Say,
		"has":   texts.Has,
		"count": func(key string, n int) string { return texts.Count(key, int64(n)) },
		"lang":  texts.Lang,
		"asset": a.path,
		"size":  texts.Size,
		"day":   texts.Day,
		"text":  func(v any) string { return fmt.Sprint(v) },
		"list":  func(v ...any) []any { return v },
		"join":  strings.Join,
		"short": func(n int, s string) string { return shorten(s, n) },
	}
}

// shorten cuts a text of a letter for a list; the page of the entry has it all.
func shorten(s string, n int) string {
	runes := []rune(s)
	if len(runes) <= n {
		return s
	}
	return string(runes[:n-1]) + "…"
}

// A sheet is what a template is given.
type sheet struct {
	*words
	Title  string
	Nav    string // which part of the house it belongs to
	Me     registry.Clerk
	Inside bool   // somebody is logged in
	Form   string // token of this session's forms
	Ends   int64  // seconds until the session ends by itself
	Done   string // what was done just now
	Wrong  string // what is wrong with what was sent
	Data   any
	visit  *visit
}

// Desk, Content and the others say what the visitor finds in the house.
func (s sheet) Desk() bool    { return s.Inside && s.visit.isDesk() }
func (s sheet) Content() bool { return s.Inside && s.Me.ReadsContent() }

// sheet prepares a page of a visitor. What was done travels as a key of the
// catalogue in the address, never as a text of its own.
func (v *visit) sheet(r *http.Request, nav, title string, data any) sheet {
	s := sheet{
		words: v.words, Title: title, Nav: nav, Me: v.clerk, Inside: true, Form: v.session.formToken(), Data: data, visit: v,
		Ends: int64(v.session.ends(v.w.o.Idle, v.w.o.Absolute).Sub(v.now).Seconds()),
	}
	if key := "web.done." + r.URL.Query().Get("done"); key != "web.done." && v.Has(key) {
		s.Done = v.Say(key, "n", shorten(r.URL.Query().Get("n"), 40))
	}
	return s
}

// show writes a page. It is written whole or not at all.
func (w *Web) show(rw http.ResponseWriter, status int, name string, s sheet) error {
	t, ok := w.pages[s.Lang()][name]
	if !ok {
		return fmt.Errorf("there is no page %q", name)
	}
	var b bytes.Buffer
	if err := t.Execute(&b, s); err != nil {
		return fmt.Errorf("writing page %s: %w", name, err)
	}
	rw.Header().Set("Content-Type", "text/html; charset=utf-8")
	rw.WriteHeader(status)
	_, _ = rw.Write(b.Bytes()) // who asked may have gone
	return nil
}

// show writes a page of a visitor.
func (v *visit) show(rw http.ResponseWriter, r *http.Request, nav, name, title string, data any) error {
	return v.w.show(rw, http.StatusOK, name, v.sheet(r, nav, title, data))
}

// back sends the browser to a page that says what was done.
func back(rw http.ResponseWriter, r *http.Request, to, done string, pairs ...string) error {
	sep := "?"
	if strings.Contains(to, "?") {
		sep = "&"
	}
	to += sep + "done=" + done
	for i := 0; i+1 < len(pairs); i += 2 {
		to += "&" + pairs[i] + "=" + template.URLQueryEscaper(pairs[i+1])
	}
	http.Redirect(rw, r, to, http.StatusSeeOther)
	return nil
}
