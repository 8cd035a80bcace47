package registry

import (
	"bufio"
	"cmp"
	"embed"
	"fmt"
	htmltemplate "html/template"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"text/template"
)

//go:embed texts
var texts embed.FS

// Texts is the catalogue of one language: every sentence that people read, and
// the templates of the mails. It is read-only and safe to share.
//
// Strings are named by dotted keys ("flag.kpa63_email"), templates by name and
// version ("receipt/standard/1"). A template that was used is never changed
// again: a new wording is a new version, and the entry keeps which one it got.
type Texts struct {
	lang    string
	strings map[string]string
	plain   map[string]*template.Template
	html    map[string]*htmltemplate.Template
	newest  map[string]int // template name → highest version
}

// The catalogues are read once; both are embedded, so that a failure is a
// mistake of the build and shown by the first test that runs.
var (
	polish  = sync.OnceValue(func() *Texts { return mustReadTexts("pl") })
	english = sync.OnceValue(func() *Texts { return mustReadTexts("en") })
)

// Catalogue gives the texts of a language: English for "en", else Polish, the
// language of the office.
func Catalogue(lang string) *Texts {
	if lang == "en" {
		return english()
	}
	return polish()
}

// Lang gives the language, "pl" or "en".
func (t *Texts) Lang() string { return t.lang }

// Has reports whether the catalogue knows a string.
func (t *Texts) Has(key string) bool {
	_, ok := t.strings[key]
	return ok
}

// Keys lists the keys under a prefix, "flag.", sorted.
func (t *Texts) Keys(prefix string) []string {
	return slices.Sorted(func(yield func(string) bool) {
		for k := range t.strings {
			if strings.HasPrefix(k, prefix) && !yield(k) {
				return
			}
		}
	})
}

// Say gives the string of a key; pairs are names and values for its {name}
// places. An unknown key, say of a reason that an office's own rule coined, is
// said as its last word: a person sees something true rather than nothing.
func (t *Texts) Say(key string, pairs ...string) string {
	s, ok := t.strings[key]
	if !ok {
		return strings.ReplaceAll(key[strings.LastIndexByte(key, '.')+1:], "_", " ")
	}
	return fill(s, pairs)
}

// Count gives the form of a counted thing that goes with n; its {n} place holds
// the number.
func (t *Texts) Count(key string, n int64, pairs ...string) string {
	return t.Say(key+"#"+pluralForm(t.lang, n), append(pairs, "n", strconv.FormatInt(n, 10))...)
}

// pluralForm names the form of a noun after a number. Polish: one for 1, few
// for 2–4 but not 12–14, many for the rest (1 załącznik, 22 załączniki,
// 12 załączników).
func pluralForm(lang string, n int64) string {
	switch {
	case n == 1:
		return "one"
	case lang != "pl":
		return "many"
	case n%10 >= 2 && n%10 <= 4 && (n%100 < 12 || n%100 > 14):
		return "few"
	default:
		return "many"
	}
}

// fill puts values into the {name} places of s. Values are never read again
// for places of their own.
func fill(s string, pairs []string) string {
	var b strings.Builder
	for {
		before, rest, open := strings.Cut(s, "{")
		name, after, closed := strings.Cut(rest, "}")
		b.WriteString(before)
		if !open || !closed {
			b.WriteString(s[len(before):])
			return b.String()
		}
		value := s[len(before) : len(s)-len(after)] // no such place: left as it is
		for i := 0; i+1 < len(pairs); i += 2 {
			if pairs[i] == name {
				value = pairs[i+1]
				break
			}
		}
		b.WriteString(value)
		s = after
	}
}

// Current gives the id of the newest version of a template: "receipt/standard"
// is "receipt/standard/1". It is "" if there is none.
func (t *Texts) Current(name string) string {
	v, ok := t.newest[name]
	if !ok {
		return ""
	}
	return name + "/" + strconv.Itoa(v)
}

// Templates lists the ids of all templates, sorted.
func (t *Texts) Templates() []string { return slices.Sorted(maps.Keys(t.plain)) }

// Render writes the plain text of a template.
func (t *Texts) Render(id string, page any) (string, error) {
	tmpl, ok := t.plain[id]
	if !ok {
		return "", fmt.Errorf("the catalogue has no template %q in %q", id, t.lang)
	}
	var b strings.Builder
	if err := tmpl.Execute(&b, page); err != nil {
		return "", fmt.Errorf("writing text %s: %w", id, err)
	}
	return b.String(), nil
}

// RenderHTML writes the HTML of a template, escaped for where each value
// stands, or "" when it has none.
func (t *Texts) RenderHTML(id string, page any) (string, error) {
	tmpl, ok := t.html[id]
	if !ok {
		return "", nil
	}
	var b strings.Builder
	if err := tmpl.Execute(&b, page); err != nil {
		return "", fmt.Errorf("writing HTML of %s: %w", id, err)
	}
	return b.String(), nil
}

func mustReadTexts(lang string) *Texts {
	t, err := readTexts(texts, lang)
	if err != nil {
		panic("the embedded catalogue cannot be read: " + err.Error())
	}
	return t
}

// readTexts reads the catalogue of a language: files of strings, and under
// them templates as <name>/<version>.txt and <name>/<version>.html.
func readTexts(from fs.FS, lang string) (*Texts, error) {
	t := &Texts{
		lang:    lang,
		strings: map[string]string{},
		plain:   map[string]*template.Template{},
		html:    map[string]*htmltemplate.Template{},
		newest:  map[string]int{},
	}
	root := path.Join("texts", lang)
	err := fs.WalkDir(from, root, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := fs.ReadFile(from, p)
		if err != nil {
			return err
		}
		if path.Dir(p) == root {
			return t.readStrings(d.Name(), string(raw))
		}
		return t.readTemplate(strings.TrimPrefix(p, root+"/"), string(raw))
	})
	if err != nil {
		return nil, fmt.Errorf("reading texts in %q: %w", lang, err)
	}
	return t, nil
}

// readStrings reads lines "key = text"; "#" begins a comment line.
func (t *Texts) readStrings(file, raw string) error {
	lines := bufio.NewScanner(strings.NewReader(raw))
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		key, text, ok := strings.Cut(line, " = ")
		if !ok {
			return fmt.Errorf("%s:%d: not of the form key = text", file, n)
		}
		key = strings.TrimSpace(key)
		if t.Has(key) {
			return fmt.Errorf("%s:%d: %q is there already", file, n, key)
		}
		t.strings[key] = strings.TrimSpace(text)
	}
	return lines.Err()
}

func (t *Texts) readTemplate(p, raw string) error {
	ext := path.Ext(p)
	id := strings.TrimSuffix(p, ext)
	version, err := strconv.Atoi(path.Base(id))
	if err != nil {
		return fmt.Errorf("%s: a template is named by its version", p)
	}
	switch ext {
	case ".txt":
		t.plain[id], err = template.New(id).Option("missingkey=error").Funcs(t.funcs()).Parse(raw)
	case ".html":
		t.html[id], err = htmltemplate.New(id).Option("missingkey=error").Funcs(t.funcs()).Parse(raw)
	default:
		err = fmt.Errorf("%s: neither .txt nor .html", p)
	}
	t.newest[path.Dir(id)] = max(t.newest[path.Dir(id)], version)
	return err
}

// funcs are what templates may call beside the built-in ones.
func (t *Texts) funcs() map[string]any {
	return map[string]any{
		"say":    t.Say,
		"count":  func(key string, n int) string { return t.Count(key, int64(n)) },
		"day":    t.Day,
		"moment": t.Moment,
		"stamp":  t.Stamp,
		"size":   t.Size,
		"minute": t.Minute,
		"first":  func(s ...string) string { return cmp.Or(s...) },
	}
}
