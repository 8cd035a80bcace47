// Package web is the counter: where the front desk and the clerks work in a
// browser, and the door by which they hand in files.
//
// Pages are written on the server and work without scripts; a little script
// makes some of them quicker. Nothing is fetched from elsewhere. Letters are
// hostile: their words are escaped, their HTML is cleaned, and what is previewed
// stands in a frame that may do nothing.
//
// Who looks sees what their office lets them see; a restricted entry does not
// exist for anybody else, in counts and searches neither.
package web

import (
	"context"
	"html/template"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"kancelaria/registry"
	"kancelaria/rules"
)

// A Book answers queries and keeps what has no leaf: sessions.
type Book interface {
	Find(ctx context.Context, q registry.Query) (registry.Page, error)
	Keep(ctx context.Context, notes []registry.Note) error
}

// Acts do things to the book; see registry.Registrar.
type Acts interface {
	// ActOnce does an act once, however often its form is sent.
	ActOnce(ctx context.Context, key string, who registry.Actor, act registry.Act, after *int64, reason string) (registry.Outcome, error)
	// Release takes a quarantined item, or one filed beside, into the book.
	Release(ctx context.Context, who registry.Actor, id registry.ItemID, reason string) (registry.Outcome, error)
}

// Originals reads the archive. Nothing is handed out that does not match its
// digest; whoever gets a reader closes it.
type Originals interface {
	Original(ctx context.Context, work registry.Work) (io.ReadCloser, error)
	Attachment(ctx context.Context, it registry.Item, path string) (io.ReadCloser, error)
	// Text is what was read of a letter for people.
	Text(ctx context.Context, it registry.Item) (string, error)
	// PartText is one part as text, in its own character set.
	PartText(ctx context.Context, it registry.Item, path string) (string, error)
	// SafeHTML cleans a page so that it fetches nothing and runs nothing.
	SafeHTML(source string, picture func(cid string) (address string, ok bool)) string
}

// An Intake takes documents handed in.
type Intake interface {
	Put(ctx context.Context, items []registry.Item, r io.Reader) ([]registry.Item, error)
	Wait(ctx context.Context, id registry.ItemID) (registry.Outcome, error)
}

// An Explainer says why a decision was made.
type Explainer interface {
	Explain(ctx context.Context, letter io.Reader, whyNot string) (string, error)
	Explained(ctx context.Context, d registry.Decision, whyNot string) (string, error)
}

// A StatusLine is one part of the house: a colour, a sentence, and the command
// that helps.
type StatusLine struct {
	Part, Colour, Text, Help string
}

// Options of the counter. Book, Acts, Originals, Intake, Office, Rules and
// Status are required.
type Options struct {
	Book      Book
	Acts      Acts
	Originals Originals
	Intake    Intake
	Explain   Explainer
	Office    func() *registry.Office
	Rules     func() *rules.Set
	Status    func(ctx context.Context) []StatusLine
	// Access notes that somebody opened a letter or a part of it.
	Access func(ctx context.Context, who registry.Actor, what, subject string)
	// API answers under /api/v1; AsCaller marks a request as made by a
	// clerk's program.
	API      http.Handler
	APIDoc   http.HandlerFunc // its OpenAPI description
	AsCaller func(ctx context.Context, login string, scopes []string) context.Context

	OIDC     *OIDC          // nil: passwords only
	Language string         // of the office: "pl" or "en"
	BaseURL  string         // as clerks know the counter; "" is wherever it listens
	TLS      bool           // the counter itself speaks TLS
	Proxies  []netip.Prefix // whose word about the client's address is believed
	MaxSize  int64          // of one hand-in; default 500 MB
	TempDir  string         // where a hand-in lies until it is whole
	Idle     time.Duration  // a session ends after; default 1h
	Absolute time.Duration  // and at the latest after; default 12h
	Now      func() time.Time
	Log      *slog.Logger
}

// A Web is the counter.
type Web struct {
	o        Options
	keys     *Keyring
	sessions sessions
	guard    *guard // of the login
	mux      *http.ServeMux
	csrf     *http.CrossOriginProtection
	pages    map[string]pages // by language
	assets   assets
	frame    *template.Template // around a preview
	live     *live
	oidc     *oidcLogin // nil: passwords only
	hits     hits
}

// New makes the counter.
func New(o Options) (*Web, error) {
	o = filled(o)
	w := &Web{o: o, keys: NewKeyring(o.Book, o.Now), guard: newGuard(o.Now), csrf: http.NewCrossOriginProtection(), live: newLive()}
	w.sessions = sessions{book: o.Book, now: o.Now, idle: o.Idle, absolute: o.Absolute}
	print, err := furnished()
	if err != nil {
		return nil, err
	}
	w.assets, w.pages = print.assets, print.pages
	if w.frame, err = template.ParseFS(templateFiles, "templates/frame/frame.html"); err != nil {
		return nil, err
	}
	if o.BaseURL != "" {
		if err := w.csrf.AddTrustedOrigin(origin(o.BaseURL)); err != nil {
			return nil, err
		}
	}
	w.oidc = newOIDC(o.OIDC, o.BaseURL)
	w.routes()
	return w, nil
}

func filled(o Options) Options {
	set := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	set(&o.Idle, time.Hour)
	set(&o.Absolute, 12*time.Hour)
	if o.MaxSize == 0 {
		o.MaxSize = 500e6
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Access == nil {
		o.Access = func(context.Context, registry.Actor, string, string) {}
	}
	return o
}

// Keyring gives the passwords and tokens of the counter.
func (w *Web) Keyring() *Keyring { return w.keys }

// ServeHTTP implements http.Handler.
func (w *Web) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	harden(rw.Header(), w.secure(r))
	if err := w.csrf.Check(r); err != nil {
		w.o.Log.Warn("web.cross_origin", "path", r.URL.Path, "peer", w.client(r))
		w.fail(rw, r, nil, errForeign)
		return
	}
	w.mux.ServeHTTP(rw, r)
}
