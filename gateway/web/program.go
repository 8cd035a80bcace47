package web

import (
	"encoding/json"
	"net/http"
	"strings"
)

// program lets programs in: by a token, for what its scopes allow. The handler
// behind is the one that the command line uses.
func (w *Web) program(rw http.ResponseWriter, r *http.Request) {
	from := w.client(r)
	secret, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if w.guard.wait("", from) > 0 {
		denied(rw, http.StatusTooManyRequests, "unavailable", "too many wrong tokens from this address; wait a quarter of an hour")
		return
	}
	t, known, err := w.keys.token(r.Context(), secret)
	if err != nil {
		w.o.Log.Warn("web.token", "err", err)
		denied(rw, http.StatusServiceUnavailable, "unavailable", "the book cannot be reached; try again")
		return
	}
	if _, clerk := w.o.Office().Clerks[t.Login]; !known || !clerk {
		if bearer {
			w.guard.try("", from)
		}
		rw.Header().Set("WWW-Authenticate", `Bearer realm="kancelaria"`)
		denied(rw, http.StatusUnauthorized, "forbidden", "a token is needed that is not over: \"kancelaria token add\" makes one")
		return
	}
	r.Body = http.MaxBytesReader(rw, r.Body, w.o.MaxSize+maxForm)
	w.o.API.ServeHTTP(rw, r.WithContext(w.o.AsCaller(r.Context(), t.Login, t.Scopes)))
}

// denied answers a program as the API does.
func denied(rw http.ResponseWriter, status int, code, text string) {
	rw.Header().Set("Content-Type", "application/json")
	rw.WriteHeader(status)
	_ = json.NewEncoder(rw).Encode(map[string]string{"code": code, "error": text}) // who asked may have gone
}
