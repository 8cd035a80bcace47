package api

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"kancelaria/registry"
)

var warsaw = mustZone("Europe/Warsaw")

func mustZone(name string) *time.Location {
	z, err := time.LoadLocation(name)
	if err != nil {
		panic(err)
	}
	return z
}

// A shelf is a book of a few entries; it remembers what was asked.
type shelf struct {
	works []registry.Work
	asked []registry.Query
	fails error
}

func (s *shelf) Find(_ context.Context, q registry.Query) (registry.Page, error) {
	s.asked = append(s.asked, q)
	if s.fails != nil {
		return registry.Page{}, s.fails
	}
	var page registry.Page
	for _, w := range s.works {
		if q.Viewer.Sees(w) && (q.Number.IsZero() || q.Number == w.Number) && (q.Of == registry.FindEntry || q.Of == registry.FindEntries) {
			page.Works = append(page.Works, w)
		}
	}
	return page, nil
}

type deeds struct {
	who  registry.Actor
	act  registry.Act
	out  registry.Outcome
	fail error
}

func (d *deeds) Act(_ context.Context, who registry.Actor, act registry.Act, _ *int64, _ string) (registry.Outcome, error) {
	d.who, d.act = who, act
	return d.out, d.fail
}

func (d *deeds) Release(_ context.Context, who registry.Actor, _ registry.ItemID, _ string) (registry.Outcome, error) {
	d.who = who
	return d.out, d.fail
}

type slot struct{ got []byte }

func (s *slot) Put(_ context.Context, items []registry.Item, r io.Reader) ([]registry.Item, error) {
	b, err := io.ReadAll(r)
	s.got = b
	items[0].ID = registry.NewItemID(time.Now())
	return items, err
}

func (s *slot) Wait(context.Context, registry.ItemID) (registry.Outcome, error) {
	return registry.Outcome{Number: registry.Number{Register: "RPW", Year: 2026, Seq: 7}}, nil
}

func town() *registry.Office {
	return &registry.Office{
		Zone:      warsaw,
		Registers: map[string]registry.Register{"RPW": {ID: "RPW"}, "ZS": {ID: "ZS", Restricted: true, Readers: []string{"iod"}}},
		Clerks: map[string]registry.Clerk{
			"os1": {Login: "os1", Unix: "os1"}, "pk1": {Login: "pk1", Unix: "pk1", Roles: []registry.OfficeRole{registry.RoleDesk}},
			"iod": {Login: "iod", Unix: "iod"},
		},
	}
}

func desk(book *shelf, acts *deeds, in *slot) *API {
	return New(Options{
		Book: book, Acts: acts, Intake: in, Office: town,
		Access: func(context.Context, registry.Actor, string, string) {},
		Now:    func() time.Time { return time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC) },
	})
}

func ask(a *API, who *Caller, method, path, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if who != nil {
		r = r.WithContext(WithCaller(r.Context(), *who))
	}
	w := httptest.NewRecorder()
	a.ServeHTTP(w, r)
	return w
}

func entries() []registry.Work {
	open := registry.Work{Found: true, Number: registry.Number{Register: "RPW", Year: 2026, Seq: 1}, Status: registry.StatusAssigned}
	closed := registry.Work{Found: true, Number: registry.Number{Register: "ZS", Year: 2026, Seq: 1}, Restricted: true, Readers: []string{"iod"}}
	return []registry.Work{open, closed}
}

func TestNobodyUnknownIsAnswered(t *testing.T) {
	a := desk(&shelf{works: entries()}, &deeds{}, &slot{})
	for name, who := range map[string]*Caller{"no caller": nil, "a user without a login": {Unix: "nobody"}} {
		if got := ask(a, who, http.MethodGet, "/api/v1/entries", "").Code; got != http.StatusForbidden {
			t.Errorf("%s: status %d, want %d", name, got, http.StatusForbidden)
		}
	}
}

func TestARestrictedEntryDoesNotExistForOthers(t *testing.T) {
	a := desk(&shelf{works: entries()}, &deeds{}, &slot{})
	if got := ask(a, &Caller{Unix: "os1"}, http.MethodGet, "/api/v1/entries/ZS-000001-2026", "").Code; got != http.StatusNotFound {
		t.Errorf("status %d for another clerk, want %d", got, http.StatusNotFound)
	}
	list := ask(a, &Caller{Unix: "os1"}, http.MethodGet, "/api/v1/entries", "").Body.String()
	if strings.Contains(list, "ZS-") || !strings.Contains(list, "RPW-000001-2026") {
		t.Errorf("the list of another clerk is %q", list)
	}
	if list := ask(a, &Caller{Unix: "iod"}, http.MethodGet, "/api/v1/entries", "").Body.String(); !strings.Contains(list, "ZS-000001-2026") {
		t.Errorf("the list of its reader is %q", list)
	}
}

func TestOnlySomeMayActForAnother(t *testing.T) {
	body := `{"kind":"accepted","number":"1/2026","by":"iod"}`
	for _, tt := range []struct {
		who  Caller
		want int
	}{
		{Caller{Unix: "os1"}, http.StatusForbidden},
		{Caller{Unix: "pk1"}, http.StatusOK},
		{Caller{Unix: "root", Owner: true}, http.StatusOK},
	} {
		acts := &deeds{}
		if got := ask(desk(&shelf{works: entries()}, acts, &slot{}), &tt.who, http.MethodPost, "/api/v1/acts", body).Code; got != tt.want {
			t.Errorf("%s: status %d, want %d", tt.who.Unix, got, tt.want)
		}
		if tt.want == http.StatusOK && acts.who.OnBehalfOf != "iod" {
			t.Errorf("%s: it is not recorded for whom", tt.who.Unix)
		}
	}
}

func TestFaultsKeepTheirMeaningOnTheWay(t *testing.T) {
	for _, want := range []error{registry.ErrConflict, registry.ErrImmutable, registry.ErrRefused, registry.ErrUnavailable, registry.ErrNotFound} {
		acts := &deeds{fail: want}
		w := ask(desk(&shelf{works: entries()}, acts, &slot{}), &Caller{Owner: true, Unix: "root"}, http.MethodPost, "/api/v1/acts", `{"kind":"noted","number":"1/2026"}`)
		var f Failure
		if err := json.Unmarshal(w.Body.Bytes(), &f.Fault); err != nil {
			t.Fatal(err)
		}
		if !errors.Is(f, want) {
			t.Errorf("%v came out as %q (%d)", want, f.Code, w.Code)
		}
	}
}

func TestWhatIsNotUnderstoodIsSaid(t *testing.T) {
	a, root := desk(&shelf{works: entries()}, &deeds{}, &slot{}), &Caller{Owner: true, Unix: "root"}
	for _, tt := range []struct{ method, path, body string }{
		{http.MethodGet, "/api/v1/entries?since=yesterday", ""},
		{http.MethodGet, "/api/v1/entries?limit=0", ""},
		{http.MethodGet, "/api/v1/search?q=", ""},
		{http.MethodGet, "/api/v1/entries/nonsense", ""},
		{http.MethodGet, "/api/v1/items/nonsense", ""},
		{http.MethodPost, "/api/v1/acts", `{"kind":"noted","numbr":"1/2026"}`},
		{http.MethodPost, "/api/v1/acts", `{"kind":"due_set","number":"1/2026","due":"31.12.2026"}`},
		{http.MethodPost, "/api/v1/register", "x"},
	} {
		if w := ask(a, root, tt.method, tt.path, tt.body); w.Code != http.StatusBadRequest {
			t.Errorf("%s %s: status %d %s, want %d", tt.method, tt.path, w.Code, w.Body, http.StatusBadRequest)
		}
	}
}

func TestARangeThatIsADayMeansTheWholeOfItInTheOffice(t *testing.T) {
	book := &shelf{works: entries()}
	ask(desk(book, &deeds{}, &slot{}), &Caller{Owner: true, Unix: "root"}, http.MethodGet, "/api/v1/entries?since=2026-11-20&until=2026-11-20", "")
	since, until := book.asked[0].Since, book.asked[0].Until
	if want := time.Date(2026, 11, 20, 0, 0, 0, 0, warsaw); !since.Equal(want) || until.Sub(since) != 24*time.Hour {
		t.Errorf("since %s until %s", since, until)
	}
}

func TestInstantsCarryTheOfficesOffset(t *testing.T) {
	at := time.Date(2026, 10, 25, 0, 30, 0, 0, time.UTC) // the hour that comes twice
	if first, second := instant(at, warsaw), instant(at.Add(time.Hour), warsaw); first != "2026-10-25T02:30:00.000000+02:00" || second != "2026-10-25T02:30:00.000000+01:00" {
		t.Errorf("%s and %s", first, second)
	}
	if got := instant(time.Time{}, warsaw); got != "" {
		t.Errorf("no instant is %q", got)
	}
}

func TestSeveralFilesBecomeOneOriginalAndOneFileStaysItself(t *testing.T) {
	form := func(files string) string {
		return "--b\r\nContent-Disposition: form-data; name=\"entry\"\r\n\r\n" + files + "\r\n" +
			"--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\nfirst\r\n" +
			"--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"b.txt\"\r\n\r\nsecond\r\n--b--\r\n"
	}
	for _, tt := range []struct {
		entry string
		want  []string
	}{
		{`{"files":["a.txt"]}`, []string{"first"}},
		{`{"files":["a.txt","b.txt"]}`, []string{"multipart/mixed", "first", "second"}},
	} {
		in := &slot{}
		r := httptest.NewRequest(http.MethodPost, "/api/v1/register", strings.NewReader(form(tt.entry)))
		r.Header.Set("Content-Type", "multipart/form-data; boundary=b")
		w := httptest.NewRecorder()
		desk(&shelf{}, &deeds{}, in).ServeHTTP(w, r.WithContext(WithCaller(r.Context(), Caller{Owner: true, Unix: "root"})))
		if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "RPW-000007-2026") {
			t.Fatalf("status %d %s", w.Code, w.Body)
		}
		for _, part := range tt.want {
			if !strings.Contains(string(in.got), part) {
				t.Errorf("%s: the original is %q, want %q in it", tt.entry, in.got, part)
			}
		}
		if len(tt.want) == 1 && string(in.got) != tt.want[0] {
			t.Errorf("the original is %q, want the file itself", in.got)
		}
	}
}

func TestEveryRouteIsDescribed(t *testing.T) {
	a := desk(&shelf{}, &deeds{}, &slot{})
	b, err := a.Describe()
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Paths map[string]map[string]any `json:"paths"`
	}
	if err := json.Unmarshal(b, &doc); err != nil {
		t.Fatal(err)
	}
	for _, pattern := range a.patterns {
		method, path, _ := strings.Cut(pattern, " ")
		if doc.Paths[path][strings.ToLower(method)] == nil {
			t.Errorf("%s is not described", pattern)
		}
	}
	for pattern := range descriptions {
		if !slices.Contains(a.patterns, pattern) {
			t.Errorf("%s is described and does not exist", pattern)
		}
	}
}

func TestATokenDoesWhatItsScopesAllow(t *testing.T) {
	for _, tt := range []struct {
		name, method, path string
		scopes             []string
		want               int
	}{
		{"reading with read", http.MethodGet, "/api/v1/entries", []string{"read"}, http.StatusOK},
		{"reading without it", http.MethodGet, "/api/v1/entries", []string{"act"}, http.StatusForbidden},
		{"acting with read", http.MethodPost, "/api/v1/acts", []string{"read"}, http.StatusForbidden},
		{"handing in with act", http.MethodPost, "/api/v1/register", []string{"act"}, http.StatusForbidden},
		{"passwords with everything", http.MethodPut, "/api/v1/passwords/os1", []string{"read", "act", "register"}, http.StatusForbidden},
		{"tokens with everything", http.MethodGet, "/api/v1/tokens", []string{"read", "act", "register"}, http.StatusForbidden},
	} {
		a := desk(&shelf{works: entries()}, &deeds{}, &slot{})
		if got := ask(a, &Caller{Login: "os1", Scopes: tt.scopes}, tt.method, tt.path, "{}").Code; got != tt.want {
			t.Errorf("%s: status %d, want %d", tt.name, got, tt.want)
		}
	}
}
