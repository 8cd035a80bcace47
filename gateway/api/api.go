// Package api gives the acts and queries of the office as JSON over HTTP: one
// handler, mounted on the control socket for the command line and under the
// counter for clerks and programs.
//
// Who calls is made sure of before a request gets here: by the kernel on the
// socket, by a token or session at the counter. Restricted entries do not exist
// for whoever may not see them, and reading an original leaves a mark.
package api

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"time"

	"kancelaria/registry"
)

// A Book answers queries.
type Book interface {
	Find(ctx context.Context, q registry.Query) (registry.Page, error)
}

// Acts do things to the book; see registry.Registrar.
type Acts interface {
	Act(ctx context.Context, who registry.Actor, act registry.Act, after *int64, reason string) (registry.Outcome, error)
	// Release takes a quarantined item, or one filed beside, into the book.
	Release(ctx context.Context, who registry.Actor, id registry.ItemID, reason string) (registry.Outcome, error)
}

// Originals reads the archive. Nothing is handed out that does not match its
// digest.
type Originals interface {
	Original(ctx context.Context, work registry.Work) (io.ReadCloser, error)
	Attachment(ctx context.Context, it registry.Item, path string) (io.ReadCloser, error)
	// Text is what was read of a letter for people, and what rules saw.
	Text(ctx context.Context, it registry.Item) (string, error)
}

// An Intake takes documents handed in.
type Intake interface {
	Put(ctx context.Context, items []registry.Item, r io.Reader) ([]registry.Item, error)
	Wait(ctx context.Context, id registry.ItemID) (registry.Outcome, error)
}

// An Explainer says what the rules make of a letter that is in no book, and
// why they decided as they did about one that is.
type Explainer interface {
	Explain(ctx context.Context, letter io.Reader, whyNot string) (string, error)
	Explained(ctx context.Context, d registry.Decision, whyNot string) (string, error)
}

// A Keeper says how the house fares and mends small things.
type Keeper interface {
	Status(ctx context.Context) Status
	RetryOutbox(ctx context.Context, id string) error
	Spool(ctx context.Context) ([]SpoolItem, error)
	RetrySpool(ctx context.Context, id registry.ItemID) error
	// Erase erases an item's bytes for good, or notes that a second person is
	// to confirm it.
	Erase(ctx context.Context, who registry.Actor, id registry.ItemID, reason, text string) (Erasure, error)
}

// Options of the handler; all but Log are required.
type Options struct {
	Book      Book
	Acts      Acts
	Originals Originals
	Intake    Intake
	Explain   Explainer
	Keeper    Keeper
	Keyring   Keyring
	Labels    Labeller
	Approvals Approvals
	Reports   Reporter
	Office    func() *registry.Office
	Access    func(ctx context.Context, who registry.Actor, what, subject string) // an original was read
	Now       func() time.Time
	Log       *slog.Logger
}

// An API is the handler.
type API struct {
	Options
	mux      *http.ServeMux
	patterns []string // every route, for its description
}

// New makes the handler.
func New(o Options) *API {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	a := &API{Options: o, mux: http.NewServeMux()}
	for pattern, h := range map[string]func(http.ResponseWriter, *http.Request) error{
		"GET /api/v1/entries":                      a.listEntries,
		"GET /api/v1/entries/{number}":             a.showEntry,
		"GET /api/v1/entries/{number}/original":    a.original,
		"GET /api/v1/entries/{number}/attachment":  a.attachment,
		"GET /api/v1/entries/{number}/explanation": a.explained,
		"GET /api/v1/entries/{number}/approvals":   a.approvals,
		"POST /api/v1/entries/{number}/approvals":  a.ask,
		"GET /api/v1/search":                       a.search,
		"GET /api/v1/items":                        a.listItems,
		"GET /api/v1/items/{id}":                   a.showItem,
		"POST /api/v1/items/{id}/release":          a.release,
		"POST /api/v1/items/{id}/erase":            a.erase,
		"GET /api/v1/folders":                      a.listFolders,
		"GET /api/v1/folders/{id}":                 a.showFolder,
		"POST /api/v1/acts":                        a.act,
		"POST /api/v1/register":                    a.register,
		"POST /api/v1/explain":                     a.explain,
		"GET /api/v1/rules":                        a.ruleSets,
		"GET /api/v1/rules/{digest}":               a.ruleSet,
		"GET /api/v1/labels":                       a.labels,
		"GET /api/v1/separator":                    a.separator,
		"GET /api/v1/reports/month":                a.reportMonth,
		"GET /api/v1/reports/person":               a.reportPerson,
		"GET /api/v1/status":                       a.status,
		"GET /api/v1/outbox":                       a.outbox,
		"POST /api/v1/outbox/{id}/retry":           a.retryOutbox,
		"GET /api/v1/spool":                        a.spool,
		"POST /api/v1/spool/{id}/retry":            a.retrySpool,
		"PUT /api/v1/passwords/{login}":            a.password,
		"GET /api/v1/tokens":                       a.tokens,
		"POST /api/v1/tokens":                      a.addToken,
		"DELETE /api/v1/tokens/{id}":               a.revokeToken,
	} {
		a.patterns = append(a.patterns, pattern)
		scope := scopeOf(pattern)
		a.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			err := scope.allows(r.Context())
			if err == nil {
				err = h(w, r)
			}
			if err != nil {
				a.fail(w, r, err)
			}
		})
	}
	return a
}

// ServeHTTP implements http.Handler.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if _, ok := CallerOf(r.Context()); !ok {
		a.fail(w, r, errForbidden)
		return
	}
	a.mux.ServeHTTP(w, r)
}

// A Fault is the body of every answer that is not a success.
type Fault struct {
	Code  string `json:"code"` // not_found, forbidden, conflict, refused, immutable, unavailable, wrong, failed
	Error string `json:"error"`
}

var (
	errForbidden = errors.New("this is not for you: ask the office's administrator for a login in office.yaml")
	errWrong     = errors.New("the request is not understood")
)

// faults maps what went wrong to an answer, and back at the other end.
var faults = []struct {
	err    error
	code   string
	status int
}{
	{registry.ErrNotFound, "not_found", http.StatusNotFound},
	{registry.ErrErased, "erased", http.StatusGone},
	{registry.ErrDamaged, "damaged", http.StatusInternalServerError},
	{registry.ErrConflict, "conflict", http.StatusConflict},
	{registry.ErrImmutable, "immutable", http.StatusUnprocessableEntity},
	{registry.ErrRefused, "refused", http.StatusUnprocessableEntity},
	{registry.ErrUnavailable, "unavailable", http.StatusServiceUnavailable},
	{registry.ErrFull, "full", http.StatusInsufficientStorage},
	{registry.ErrTooLarge, "too_large", http.StatusRequestEntityTooLarge},
	{errForbidden, "forbidden", http.StatusForbidden},
	{registry.ErrForbidden, "forbidden", http.StatusForbidden},
	{registry.ErrBacklog, "unavailable", http.StatusServiceUnavailable},
	{registry.ErrRetry, "unavailable", http.StatusServiceUnavailable},
	{registry.ErrUnknownOutcome, "unavailable", http.StatusServiceUnavailable},
	{errWrong, "wrong", http.StatusBadRequest},
}

// ErrForbidden is what a caller without the right gets.
func ErrForbidden() error { return errForbidden }

func (a *API) fail(w http.ResponseWriter, r *http.Request, err error) {
	f, status := Fault{Code: "failed", Error: err.Error()}, http.StatusInternalServerError
	for _, known := range faults {
		if errors.Is(err, known.err) {
			f.Code, status = known.code, known.status
			break
		}
	}
	if status == http.StatusInternalServerError {
		a.Log.Error("api.failed", "path", r.URL.Path, "err", err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(f)
}

// A Failure is a fault as the other end meets it. It unwraps to the registry's
// error of that code, so that callers need not know that HTTP was between.
type Failure struct {
	Fault
}

func (f Failure) Error() string { return f.Fault.Error }

// Unwrap gives the error that stands for the code.
func (f Failure) Unwrap() error {
	for _, known := range faults {
		if known.code == f.Code {
			return known.err
		}
	}
	return nil
}

// lines writes one JSON object a line, as commands print them.
type lines struct {
	w   http.ResponseWriter
	enc *json.Encoder
}

func newLines(w http.ResponseWriter) lines {
	w.Header().Set("Content-Type", "application/x-ndjson")
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return lines{w, enc}
}

func (l lines) write(v any) error { return l.enc.Encode(v) }
