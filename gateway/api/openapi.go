package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"kancelaria/registry"
)

// A scope is what a token must have for a route; "" is for the owner's socket.
type scope string

// The scopes.
const (
	scopeRead     scope = "read"
	scopeAct      scope = "act"
	scopeRegister scope = "register"
)

// scopeOf gives the scope of a route: looking is read, doing is act.
func scopeOf(pattern string) scope {
	switch {
	case pattern == "POST /api/v1/register":
		return scopeRegister
	case strings.HasPrefix(pattern, "GET "), pattern == "POST /api/v1/explain":
		return scopeRead
	default:
		return scopeAct
	}
}

func (s scope) allows(ctx context.Context) error {
	c, _ := CallerOf(ctx)
	if c.Scopes == nil || slices.Contains(c.Scopes, string(s)) {
		return nil
	}
	return fmt.Errorf("%w: the token lacks the scope %s", registry.ErrForbidden, s)
}

// A described route says what it is for, and what may be asked in its query.
type described struct {
	summary string
	query   []string
	body    string // media type of what is sent
	answer  string // media type of what comes back; JSON lines unless set
}

// descriptions are those of the routes that programs use. The others serve the
// command line and are listed without words.
var descriptions = map[string]described{
	"GET /api/v1/entries":                      {summary: "List entries, newest first.", query: []string{"since", "until", "register", "department", "clerk", "class", "status", "flag", "case", "sender", "limit"}},
	"GET /api/v1/entries/{number}":             {summary: "Show an entry by number or item id, with its text and events."},
	"GET /api/v1/entries/{number}/original":    {summary: "The bytes as they arrived.", answer: "application/octet-stream"},
	"GET /api/v1/entries/{number}/attachment":  {summary: "One decoded part.", query: []string{"path"}, answer: "application/octet-stream"},
	"GET /api/v1/entries/{number}/explanation": {summary: "Why an entry was decided as it was.", query: []string{"why_not"}},
	"GET /api/v1/entries/{number}/approvals":   {summary: "Requests to approve, and what became of them."},
	"POST /api/v1/entries/{number}/approvals":  {summary: "Ask a role to approve, or take a request back.", body: "application/json"},
	"GET /api/v1/search":                       {summary: "Find entries by words.", query: []string{"q", "limit"}},
	"GET /api/v1/items":                        {summary: "List items by disposition: quarantined or beside (front desk).", query: []string{"disposition", "limit"}},
	"GET /api/v1/items/{id}":                   {summary: "Show an item that has no number (front desk)."},
	"POST /api/v1/items/{id}/release":          {summary: "Take a held item into the book (front desk).", query: []string{"reason", "by"}},
	"GET /api/v1/folders":                      {summary: "List folders and cases.", query: []string{"class", "department", "state", "year", "limit"}},
	"GET /api/v1/folders/{id}":                 {summary: "Show a folder or case with its entries."},
	"POST /api/v1/acts":                        {summary: "Do an act: accepted, returned, forwarded, noted, due_set, corrected, completed, classified, closed, annulled, case_opened, case_joined, … Name after, the last_leaf you saw, to be told when somebody was faster.", body: "application/json"},
	"POST /api/v1/register":                    {summary: "Hand in documents: a part \"entry\" (JSON) and parts \"file\"; one entry. The header Idempotency-Key makes repetition harmless.", body: "multipart/form-data"},
	"POST /api/v1/explain":                     {summary: "What the rules would make of a letter, which is kept nowhere.", query: []string{"why_not"}, body: "message/rfc822"},
	"GET /api/v1/status":                       {summary: "How the house fares."},
	"GET /api/v1/outbox":                       {summary: "What was, is or will be sent (front desk).", query: []string{"state", "limit"}},
}

// Describe gives the OpenAPI 3.1 description of every route.
func (a *API) Describe() ([]byte, error) {
	paths := map[string]map[string]any{}
	for _, pattern := range a.patterns {
		method, path, _ := strings.Cut(pattern, " ")
		if paths[path] == nil {
			paths[path] = map[string]any{}
		}
		paths[path][strings.ToLower(method)] = operation(pattern, path)
	}
	fault := map[string]any{"type": "object", "required": []string{"code", "error"}, "properties": map[string]any{
		"code": map[string]any{"type": "string"}, "error": map[string]any{"type": "string"},
	}}
	return json.MarshalIndent(map[string]any{
		"openapi": "3.1.0",
		"info":    map[string]any{"title": "kancelaria", "version": "1", "description": "Acts and queries of a town office's incoming-mail registry. Lists answer one JSON object a line."},
		"paths":   paths,
		"components": map[string]any{
			"schemas":         map[string]any{"Fault": fault},
			"securitySchemes": map[string]any{"token": map[string]any{"type": "http", "scheme": "bearer"}},
		},
		"security": []any{map[string]any{"token": []string{}}},
	}, "", "  ")
}

func operation(pattern, path string) map[string]any {
	d := descriptions[pattern]
	answer := d.answer
	if answer == "" {
		answer = "application/x-ndjson"
	}
	content := func(media string) map[string]any {
		return map[string]any{"content": map[string]any{media: map[string]any{"schema": map[string]any{}}}}
	}
	ok, fault := content(answer), content("application/json")
	ok["description"] = "done"
	fault["description"] = "what happened, and how to mend it"
	fault["content"] = map[string]any{"application/json": map[string]any{"schema": map[string]any{"$ref": "#/components/schemas/Fault"}}}
	op := map[string]any{
		"summary": d.summary, "operationId": strings.NewReplacer(" /api/v1/", "-", "/", "-", "{", "", "}", "").Replace(strings.ToLower(pattern)),
		"description": "Scope: " + string(scopeOf(pattern)) + ".",
		"responses":   map[string]any{"200": ok, "default": fault},
	}
	params := []any{}
	for part := range strings.SplitSeq(path, "/") {
		if name, found := strings.CutPrefix(part, "{"); found {
			params = append(params, parameter(strings.TrimSuffix(name, "}"), "path"))
		}
	}
	for _, name := range d.query {
		params = append(params, parameter(name, "query"))
	}
	op["parameters"] = params
	if d.body != "" {
		op["requestBody"] = content(d.body)
	}
	return op
}

func parameter(name, in string) map[string]any {
	return map[string]any{"name": name, "in": in, "required": in == "path", "schema": map[string]any{"type": "string"}}
}

// ServeDescription answers with the description.
func (a *API) ServeDescription(w http.ResponseWriter, _ *http.Request) {
	b, err := a.Describe()
	if err != nil {
		http.Error(w, "the description cannot be written", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(b) // who asked may have gone
}
