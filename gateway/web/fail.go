package web

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"kancelaria/registry"
)

// faults maps what went wrong to a status and a sentence of the catalogue.
var faults = []struct {
	err    error
	status int
	key    string
}{
	{errForeign, http.StatusForbidden, "foreign"},
	{errNoPage, http.StatusNotFound, "nopage"},
	{errStale, http.StatusForbidden, "stale"},
	{errState, http.StatusForbidden, "state"},
	{errRole, http.StatusForbidden, "role"},
	{errWithheld, http.StatusForbidden, "withheld"},
	{errTooMany, http.StatusTooManyRequests, "toomany"},
	{errTooLarge, http.StatusRequestEntityTooLarge, "toolarge"},
	{registry.ErrTooLarge, http.StatusRequestEntityTooLarge, "toolarge"},
	{errWrong, http.StatusBadRequest, "wrong"},
	{registry.ErrNotFound, http.StatusNotFound, "notfound"},
	{registry.ErrForbidden, http.StatusForbidden, "forbidden"},
	{registry.ErrConflict, http.StatusConflict, "conflict"},
	{registry.ErrErased, http.StatusGone, "erased"},
	{registry.ErrDamaged, http.StatusInternalServerError, "damaged"},
	{registry.ErrImmutable, http.StatusUnprocessableEntity, "immutable"},
	{registry.ErrRefused, http.StatusUnprocessableEntity, "refused"},
	{registry.ErrFull, http.StatusInsufficientStorage, "full"},
	{registry.ErrBacklog, http.StatusServiceUnavailable, "busy"},
	{registry.ErrUnavailable, http.StatusServiceUnavailable, "unavailable"},
	{registry.ErrRetry, http.StatusServiceUnavailable, "busy"},
	{registry.ErrUnknownOutcome, http.StatusServiceUnavailable, "unknown"},
	{context.DeadlineExceeded, http.StatusServiceUnavailable, "busy"},
}

var errTooLarge = errors.New("more than is taken at once")

// fault gives status and key of an error.
func fault(err error) (int, string) {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return http.StatusRequestEntityTooLarge, "toolarge"
	}
	for _, known := range faults {
		if errors.Is(err, known.err) {
			return known.status, known.key
		}
	}
	return http.StatusInternalServerError, "failed"
}

// A problem is the page of what went wrong. Detail is the law's own sentence,
// where it says more.
type problem struct {
	Status int
	Key    string
	Detail string
}

// fail answers with what happened, what was done with what was sent, and how
// to go on.
func (w *Web) fail(rw http.ResponseWriter, r *http.Request, v *visit, err error) {
	if r.Context().Err() != nil {
		return // who asked has gone
	}
	status, key := fault(err)
	if status == http.StatusInternalServerError {
		w.o.Log.Error("web.failed", "path", r.URL.Path, "err", err)
	}
	p := problem{Status: status, Key: key}
	if key == "refused" || key == "immutable" || key == "conflict" {
		p.Detail = err.Error()
	}
	var s sheet
	if v != nil {
		s = v.sheet(r, "", v.Say("web.error."+key+".title"), p)
	} else {
		s = w.outside(r, "web.error."+key+".title", p)
	}
	if status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable {
		rw.Header().Set("Retry-After", strconv.Itoa(60))
	}
	if showErr := w.show(rw, status, "problem", s); showErr != nil {
		w.o.Log.Error("web.failed", "path", r.URL.Path, "err", showErr)
		http.Error(rw, http.StatusText(status), status)
	}
}

// outside is a page for somebody who is not logged in.
func (w *Web) outside(r *http.Request, title string, data any) sheet {
	words := newWords(w.o.Language, w.o.Office(), w.o.Now())
	return sheet{words: words, Title: words.Say(title), Data: data}
}
