package web

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"kancelaria/contrib"
	"kancelaria/gateway/parse"
	"kancelaria/registry"
	"kancelaria/registry/storetest"
	"kancelaria/rules"
)

// A town is the sample office with its counter, over a book in memory.
type town struct {
	t         *testing.T
	web       *Web
	store     *storetest.Memory
	registrar *registry.Registrar
	office    *registry.Office
	letters   *letters
	slot      *slot
	seen      []string // accesses

	mu  sync.Mutex
	now time.Time // guarded by mu
}

func (w *town) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *town) later(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// letters are originals: the same for every entry unless one is laid down.
type letters struct {
	parts map[string]string // by path
	text  string
}

func (l *letters) Original(context.Context, registry.Work) (io.ReadCloser, error) {
	return io.NopCloser(strings.NewReader("the original")), nil
}

func (l *letters) Attachment(_ context.Context, _ registry.Item, path string) (io.ReadCloser, error) {
	return io.NopCloser(strings.NewReader(l.parts[path])), nil
}
func (l *letters) Text(context.Context, registry.Item) (string, error) { return l.text, nil }
func (l *letters) PartText(_ context.Context, _ registry.Item, path string) (string, error) {
	return l.parts[path], nil
}

func (l *letters) SafeHTML(source string, picture func(string) (string, bool)) string {
	return parse.SafeHTML(source, picture)
}

// slot takes what is handed in.
type slot struct {
	items  []registry.Item
	bodies []string
}

func (s *slot) Put(_ context.Context, items []registry.Item, r io.Reader) ([]registry.Item, error) {
	b, err := io.ReadAll(r)
	s.items, s.bodies = append(s.items, items...), append(s.bodies, string(b))
	return items, err
}

func (s *slot) Wait(context.Context, registry.ItemID) (registry.Outcome, error) {
	return registry.Outcome{Number: registry.Number{Register: "RPW", Year: 2026, Seq: 7}}, nil
}

type explainer struct{}

func (explainer) Explain(_ context.Context, r io.Reader, _ string) (string, error) {
	b, err := io.ReadAll(r)
	return "explained: " + string(b), err
}

func (explainer) Explained(context.Context, registry.Decision, string) (string, error) {
	return "decided so", nil
}

type acts struct{ *registry.Registrar }

func (a acts) Release(ctx context.Context, who registry.Actor, id registry.ItemID, reason string) (registry.Outcome, error) {
	d := storetest.Letter(0)
	d.Arrival.Item.ID = id
	return a.Registrar.Release(ctx, who, d, reason)
}

// openTown opens a counter in which nothing has come yet.
func openTown(t *testing.T, options ...func(*Options)) *town {
	t.Helper()
	officeYAML, err := contrib.Files.ReadFile("config/office.yaml")
	if err != nil {
		t.Fatal(err)
	}
	office, complaints := rules.LoadOffice("office.yaml", officeYAML)
	if rules.Failed(complaints) {
		t.Fatal(complaints)
	}
	office.Zone, office.Language = mustZone("Europe/Warsaw"), "pl"
	rulesYAML, err := contrib.Files.ReadFile("rules/rules.yaml")
	if err != nil {
		t.Fatal(err)
	}
	set, complaints := rules.Load("rules.yaml", rulesYAML, office)
	if set == nil {
		t.Fatal(complaints)
	}
	w := &town{t: t, office: office, letters: &letters{parts: map[string]string{}}, slot: &slot{}, now: storetest.Noon.Add(time.Hour)}
	w.store = storetest.NewMemory("aleksandrowo.example", w.clock)
	w.registrar = registry.NewRegistrar(w.store, registry.RegistrarOptions{
		Office: func() *registry.Office { return office }, Node: "n1", Now: w.clock,
		Steady: func() time.Duration { return w.clock().Sub(storetest.Noon) },
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { _ = w.registrar.Run(ctx); close(done) }()
	t.Cleanup(func() { cancel(); <-done })
	o := Options{
		Book: w.store, Acts: acts{w.registrar}, Originals: w.letters, Intake: w.slot, Explain: explainer{},
		Office: func() *registry.Office { return office }, Rules: func() *rules.Set { return set },
		Status: func(context.Context) []StatusLine {
			return []StatusLine{{"archive", "green", "well", ""}, {"spool", "red", "1 parked", "kancelaria spool list --parked"}}
		},
		Access: func(_ context.Context, who registry.Actor, what, subject string) {
			w.seen = append(w.seen, who.Login+" "+what+" "+subject)
		},
		Language: "pl", TempDir: t.TempDir(), Now: w.clock, MaxSize: 1 << 20,
		API: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { fmt.Fprint(rw, r.Context().Value(callerKey{})) }), APIDoc: func(http.ResponseWriter, *http.Request) {},
		AsCaller: func(ctx context.Context, login string, scopes []string) context.Context {
			return context.WithValue(ctx, callerKey{}, login+" "+strings.Join(scopes, ","))
		},
	}
	for _, change := range options {
		change(&o)
	}
	if w.web, err = New(o); err != nil {
		t.Fatal(err)
	}
	w.web.keys.cost = passwordNote{Time: 1, Memory: 64, Lanes: 1} // guessing is not what is tested
	return w
}

type callerKey struct{}

func mustZone(name string) *time.Location {
	z, err := time.LoadLocation(name)
	if err != nil {
		panic(err)
	}
	return z
}

// comes registers the n-th letter of the exam, to os1 unless changed.
func (w *town) comes(n int, changes ...func(*registry.Draft)) registry.Number {
	w.t.Helper()
	toOS1 := func(d *registry.Draft) {
		d.Arrival.Decision.Candidates, d.Arrival.Decision.Balance = []string{"os1"}, ""
	}
	out, err := w.registrar.Submit(w.t.Context(), storetest.Letter(n, append([]func(*registry.Draft){toOS1}, changes...)...))
	if err != nil || out.Err() != nil {
		w.t.Fatalf("letter %d: %v %v", n, err, out.Err())
	}
	return out.Number
}

// confidential makes a letter one of the whistle-blowers' register.
func confidential(d *registry.Draft) {
	d.Arrival.Item.Register = "ZS"
	d.Arrival.Title, d.Arrival.Document.Subject = "Poufne zgłoszenie", "Poufne zgłoszenie"
	d.Arrival.Decision.Restricted, d.Arrival.Decision.Readers = true, []string{"iod", "sek"}
	d.Arrival.Decision.Candidates, d.Arrival.Decision.Department = []string{"iod"}, "IOD"
}

// A browser is somebody at the counter.
type browser struct {
	town   *town
	login  string
	secret string
}

// as opens a session, without the password that other tests try.
func (w *town) as(login string) *browser {
	w.t.Helper()
	s, err := w.web.sessions.begin(w.t.Context(), login, "password")
	if err != nil {
		w.t.Fatal(err)
	}
	return &browser{w, login, s.secret}
}

func (b *browser) do(r *http.Request) *httptest.ResponseRecorder {
	if b.secret != "" {
		r.AddCookie(&http.Cookie{Name: "kancelaria", Value: b.secret})
	}
	rec := httptest.NewRecorder()
	b.town.web.ServeHTTP(rec, r)
	return rec
}

func (b *browser) get(path string) *httptest.ResponseRecorder {
	return b.do(httptest.NewRequest(http.MethodGet, path, nil))
}

// post sends a form with the token of the session.
func (b *browser) post(path string, pairs ...string) *httptest.ResponseRecorder {
	return b.do(b.form(path, pairs...))
}

func (b *browser) form(path string, pairs ...string) *http.Request {
	v := url.Values{"form": {session{secret: b.secret}.formToken()}}
	for i := 0; i+1 < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
	}
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(v.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

// entry gives what the book says of an entry now.
func (w *town) entry(n registry.Number) registry.Work {
	w.t.Helper()
	found, err := w.store.Find(w.t.Context(), registry.Query{Of: registry.FindEntry, Number: n, Limit: 1})
	if err != nil || len(found.Works) == 0 {
		w.t.Fatalf("%s: %v", n, err)
	}
	return found.Works[0]
}

func (w *town) leaf(n registry.Number) string { return fmt.Sprint(w.entry(n).LastLeaf) }

func wantStatus(t *testing.T, what string, rec *httptest.ResponseRecorder, want int) {
	t.Helper()
	if rec.Code != want {
		t.Errorf("%s: status %d, want %d\n%s", what, rec.Code, want, wordsOf(rec.Body.String()))
	}
}

func wantWords(t *testing.T, what string, rec *httptest.ResponseRecorder, want ...string) {
	t.Helper()
	for _, s := range want {
		if !strings.Contains(rec.Body.String(), s) {
			t.Errorf("%s: the page does not say %q\n%s", what, s, wordsOf(rec.Body.String()))
		}
	}
}

var tags = regexp.MustCompile(`(?s)<[^>]*>|\s+`)

// wordsOf gives what a person reads of a page.
func wordsOf(page string) string {
	_, after, _ := strings.Cut(page, "<main")
	return string(bytes.TrimSpace(tags.ReplaceAll([]byte(after), []byte(" "))))
}

func letterFor(n int, changes ...func(*registry.Draft)) registry.Draft {
	return storetest.Letter(n, changes...)
}
