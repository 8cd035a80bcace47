package web

import "net/http"

// A page answers somebody who is logged in.
type page func(w http.ResponseWriter, r *http.Request, v *visit) error

// routes names every address of the counter. What changes anything is a POST.
func (w *Web) routes() {
	mux := http.NewServeMux()
	w.mux = mux
	for pattern, p := range map[string]page{
		"GET /{$}":      w.mine,
		"GET /events":   w.events,
		"POST /stay":    w.stay,
		"GET /status":   w.status,
		"GET /rules":    w.rules,
		"GET /absences": w.absences,
	} {
		mux.HandleFunc(pattern, w.inside(p))
	}
	for pattern, p := range map[string]page{
		"POST /accept":                      w.acceptMany,
		"GET /queue":                        w.queue,
		"GET /items/{id}":                   w.item,
		"POST /items/{id}":                  w.settleItem,
		"GET /hand":                         w.handForm,
		"POST /hand":                        w.hand,
		"POST /hand/fill":                   w.handFill,
		"GET /book":                         w.book,
		"GET /book/print":                   w.bookPrint,
		"GET /book/csv":                     w.bookCSV,
		"GET /search":                       w.search,
		"GET /cases":                        w.cases,
		"GET /cases/{id}":                   w.casePage,
		"POST /cases/{id}":                  w.caseAct,
		"POST /rules/try":                   w.tryRules,
		"GET /{number}":                     w.shortEntry,
		"GET /entries/{number}":             w.entryPage,
		"POST /entries/{number}":            w.act,
		"GET /entries/{number}/explanation": w.explanation,
		"GET /entries/{number}/preview":     w.preview,
		"GET /entries/{number}/part":        w.part,
		"GET /entries/{number}/original":    w.original,
	} {
		mux.HandleFunc(pattern, w.content(p))
	}
	mux.HandleFunc("GET /accessibility", w.open(w.accessibility))
	mux.HandleFunc("GET /login", w.open(w.loginPage))
	mux.HandleFunc("POST /login", w.open(w.login))
	mux.HandleFunc("POST /logout", w.open(w.logout))
	mux.HandleFunc("GET /static/{name}", w.open(w.static))
	mux.HandleFunc("GET /favicon.ico", w.favicon)
	if w.oidc != nil {
		mux.HandleFunc("GET /oidc", w.open(w.oidcBegin))
		mux.HandleFunc("GET /oidc/back", w.open(w.oidcBack))
	}
	if w.o.API != nil {
		mux.HandleFunc("/api/v1/", w.program)
		mux.HandleFunc("GET /api/openapi.json", w.o.APIDoc)
	}
	mux.HandleFunc("/", w.open(func(http.ResponseWriter, *http.Request) error { return errNoPage }))
}
