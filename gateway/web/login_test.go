package web

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"kancelaria/registry"
)

const secretWords = "cztery slowa na haslo"

func (w *town) logIn(login, password, from string, pairs ...string) *httptest.ResponseRecorder {
	v := url.Values{"login": {login}, "password": {password}, "to": {"/book"}}
	for i := 0; i+1 < len(pairs); i += 2 {
		v.Add(pairs[i], pairs[i+1])
	}
	r := httptest.NewRequest(http.MethodPost, "/login", strings.NewReader(v.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.RemoteAddr = from + ":1000"
	rec := httptest.NewRecorder()
	w.web.ServeHTTP(rec, r)
	return rec
}

func TestAPasswordOpensASessionAndNothingElseDoes(t *testing.T) {
	w := openTown(t)
	if err := w.web.Keyring().SetPassword(t.Context(), "os1", secretWords); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, login, password string
		want                  int
	}{
		{"the right password", "os1", secretWords, http.StatusSeeOther},
		{"a wrong one", "os1", "cztery slowa na hasla", http.StatusUnauthorized},
		{"none", "os1", "", http.StatusUnauthorized},
		{"a clerk without a password", "os2", "", http.StatusUnauthorized},
		{"nobody of the office", "obcy", secretWords, http.StatusUnauthorized},
		{"a pattern instead of a login", "os*", secretWords, http.StatusUnauthorized},
	} {
		rec := w.logIn(tt.login, tt.password, "192.0.2.1")
		wantStatus(t, tt.name, rec, tt.want)
		cookie := rec.Header().Get("Set-Cookie")
		if got := cookie != ""; got != (tt.want == http.StatusSeeOther) {
			t.Errorf("%s: cookie %q", tt.name, cookie)
		}
		if cookie != "" && (!strings.Contains(cookie, "HttpOnly") || !strings.Contains(cookie, "SameSite=Lax")) {
			t.Errorf("%s: cookie %q is not bound", tt.name, cookie)
		}
	}
	notes, err := w.store.Find(t.Context(), registry.Query{Of: registry.FindNotes, NoteKind: notePassword})
	if err != nil || len(notes.Notes) != 1 || strings.Contains(string(notes.Notes[0].Value), secretWords) {
		t.Errorf("the book keeps %v, %v", notes.Notes, err)
	}
}

func TestTheLoginGoesOnlyToPagesOfOurs(t *testing.T) {
	for to, want := range map[string]string{
		"/book?year=2026": "/book?year=2026", "https://evil.example/": "/", "//evil.example": "/", `/\evil.example`: "/", "javascript:alert(1)": "/", "": "/", "book": "/",
	} {
		if got := local(to); got != want {
			t.Errorf("local(%q) = %q, want %q", to, got, want)
		}
	}
}

func TestWhoeverGuessesPasswordsWaits(t *testing.T) {
	w := openTown(t)
	for range mostBoth {
		wantStatus(t, "a wrong password", w.logIn("os1", "zgaduje zgadula", "192.0.2.1"), http.StatusUnauthorized)
	}
	rec := w.logIn("os1", "zgaduje zgadula", "192.0.2.1")
	wantStatus(t, "one too many", rec, http.StatusTooManyRequests)
	wantWords(t, "one too many", rec, "nieudanych prób", "15 minut")
	wantStatus(t, "the clerk from elsewhere", w.logIn("os1", "zgaduje zgadula", "192.0.2.9"), http.StatusUnauthorized)
	w.later(guardWindow + time.Second)
	wantStatus(t, "a quarter of an hour later", w.logIn("os1", "zgaduje zgadula", "192.0.2.1"), http.StatusUnauthorized)
}

func TestAttemptsAtOnceAreCountedBeforeTheyAreLookedAt(t *testing.T) {
	w := openTown(t)
	addr := peer(&http.Request{RemoteAddr: "192.0.2.1:1"})
	for range mostBoth {
		w.web.guard.try("os1", addr)
	}
	if w.web.guard.wait("os1", addr) == 0 {
		t.Error("attempts that nobody has looked at yet do not count")
	}
	w.web.guard.right("os1", addr)
	if got := w.web.guard.wait("os1", addr); got != 0 {
		t.Errorf("who knew it after all waits %s", got)
	}
}

func TestASessionEndsByItselfAndAtTheLatest(t *testing.T) {
	w := openTown(t)
	b := w.as("os1")
	for range 20 {
		w.later(40 * time.Minute)
		if w.clock().Sub(w.now.Add(-20*40*time.Minute)) > 12*time.Hour {
			break
		}
		b.get("/")
	}
	b = w.as("os1")
	w.later(59 * time.Minute)
	wantStatus(t, "in time", b.get("/"), http.StatusOK)
	w.later(59 * time.Minute)
	wantStatus(t, "kept alive by use", b.get("/"), http.StatusOK)
	w.later(61 * time.Minute)
	wantStatus(t, "after an hour without use", b.get("/"), http.StatusSeeOther)

	b = w.as("os1")
	for range 17 {
		w.later(45 * time.Minute)
		b.get("/")
	}
	wantStatus(t, "after twelve hours of work", b.get("/"), http.StatusSeeOther)
}

func TestWhatAPageAsksByItselfKeepsNoSessionAlive(t *testing.T) {
	w := openTown(t)
	b := w.as("os1")
	for range 3 {
		w.later(25 * time.Minute)
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("X-Background", "1")
		b.do(r)
	}
	wantStatus(t, "a page nobody reads", b.get("/"), http.StatusSeeOther)
}

func TestANewPasswordEndsTheSessionsOfTheOldOne(t *testing.T) {
	w := openTown(t)
	mine, other := w.as("os1"), w.as("os2")
	if err := w.web.Keyring().SetPassword(t.Context(), "os1", secretWords); err != nil {
		t.Fatal(err)
	}
	wantStatus(t, "the clerk's", mine.get("/"), http.StatusSeeOther)
	wantStatus(t, "a colleague's", other.get("/"), http.StatusOK)
}

func TestLoggingOutEndsTheSession(t *testing.T) {
	w := openTown(t)
	b := w.as("os1")
	wantStatus(t, "logging out", b.post("/logout"), http.StatusSeeOther)
	wantStatus(t, "after it", b.get("/"), http.StatusSeeOther)
}

func TestWhoLeftTheOfficeIsNotLetIn(t *testing.T) {
	w := openTown(t)
	b := w.as("os1")
	delete(w.office.Clerks, "os1")
	wantStatus(t, "a clerk who left", b.get("/"), http.StatusSeeOther)
}

var hidden = regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)">`)

// The clerk types a reason, goes to lunch, comes back and sends it: nothing is
// lost, and it is sent only when they say so.
func TestTextTypedBeforeTheEndOfASessionIsKept(t *testing.T) {
	w := openTown(t)
	n := w.comes(1)
	if err := w.web.Keyring().SetPassword(t.Context(), "os1", secretWords); err != nil {
		t.Fatal(err)
	}
	b := w.as("os1")
	form := []string{"kind", "returned", "after", w.leaf(n), "key", "k", "reason", `To nie do nas: „<b>drzewo</b>” należy do powiatu`}
	w.later(2 * time.Hour)
	rec := b.post("/entries/"+n.String(), form...)
	wantStatus(t, "sent after the end", rec, http.StatusUnauthorized)
	wantWords(t, "sent after the end", rec, "tekst jest zachowany", "należy do powiatu")

	var pairs []string
	for _, m := range hidden.FindAllStringSubmatch(rec.Body.String(), -1) {
		if strings.HasPrefix(m[1], keptPrefix) {
			pairs = append(pairs, m[1], unescape(m[2]))
		}
	}
	rec = w.logIn("os1", "nie to haslo bylo", "192.0.2.1", append(pairs, "to", "/entries/"+n.String())...)
	wantWords(t, "after a wrong password", rec, "należy do powiatu")
	rec = w.logIn("os1", secretWords, "192.0.2.1", pairs...)
	wantStatus(t, "after the login", rec, http.StatusOK)
	wantWords(t, "after the login", rec, "Jeszcze niczego nie zapisano", "&lt;b&gt;drzewo&lt;/b&gt;")
	if w.entry(n).Returns != 0 {
		t.Fatal("the form was sent by itself")
	}

	secret, _, _ := strings.Cut(strings.TrimPrefix(rec.Header().Get("Set-Cookie"), "kancelaria="), ";")
	b = &browser{w, "os1", secret}
	if !strings.Contains(rec.Body.String(), session{secret: secret}.formToken()) {
		t.Fatal("the page does not carry the new session's token")
	}
	wantStatus(t, "sent now", b.post("/entries/"+n.String(), form...), http.StatusSeeOther)
	if got := w.entry(n); got.Returns != 1 {
		t.Errorf("returned %d times", got.Returns)
	}
}

func unescape(s string) string {
	return strings.NewReplacer("&lt;", "<", "&gt;", ">", "&#34;", `"`, "&#39;", "'", "&amp;", "&").Replace(s)
}

func TestProgramsComeInByToken(t *testing.T) {
	w := openTown(t)
	now := w.clock()
	tok, secret, err := w.web.Keyring().AddToken(t.Context(), "os1", "obieg", []string{ScopeRead}, now.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	ask := func(header, value string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodGet, "/api/v1/entries", nil)
		r.Header.Set(header, value)
		rec := httptest.NewRecorder()
		w.web.ServeHTTP(rec, r)
		return rec
	}
	rec := ask("Authorization", "Bearer "+secret)
	if rec.Code != http.StatusOK || rec.Body.String() != "os1 read" {
		t.Errorf("with a token: %d %q", rec.Code, rec.Body)
	}
	session := w.as("os1")
	for name, h := range map[string][2]string{
		"no token": {"X", ""}, "a wrong one": {"Authorization", "Bearer kanc_" + strings.Repeat("A", 43)}, "its id only": {"Authorization", "Bearer " + tok.ID},
		"its digest": {"Authorization", "Bearer " + digestKey(secret)}, "the cookie of a session": {"Cookie", "kancelaria=" + session.secret},
	} {
		if rec := ask(h[0], h[1]); rec.Code != http.StatusUnauthorized {
			t.Errorf("%s: status %d", name, rec.Code)
		}
	}
	w.later(2 * time.Hour)
	if rec := ask("Authorization", "Bearer "+secret); rec.Code != http.StatusUnauthorized {
		t.Errorf("a token that is over: status %d", rec.Code)
	}
}

func TestARevokedTokenOpensNothing(t *testing.T) {
	w := openTown(t)
	tok, secret, err := w.web.Keyring().AddToken(t.Context(), "os1", "obieg", []string{ScopeRead}, w.clock().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if err := w.web.Keyring().RevokeToken(t.Context(), tok.ID); err != nil {
		t.Fatal(err)
	}
	if _, known, err := w.web.Keyring().token(t.Context(), secret); known || err != nil {
		t.Errorf("known = %t, %v", known, err)
	}
}

func TestAKeyOfAClientStandsForOneItemOfThatClient(t *testing.T) {
	w := openTown(t)
	k := w.web.Keyring()
	var ids []registry.ItemID
	for _, who := range []string{"os1", "os1", "os2"} {
		id, err := k.Once(t.Context(), who, "k1")
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	if ids[0] != ids[1] || ids[0] == ids[2] {
		t.Errorf("ids %v: the first two are to be equal, the third is another's", ids)
	}
}

func TestWeakPasswordsAreRefused(t *testing.T) {
	for password, weak := range map[string]bool{
		"krotkie": true, "aaaaaaaaaaaaaaa": true, "os1os1os1os": true, secretWords: false, strings.Repeat("dlugie ", 60): true, "zażółć gęślą": false,
	} {
		if err := goodPassword("os1", password); (err != nil) != weak {
			t.Errorf("%q: %v", password, err)
		}
	}
}

func TestTheAddressIsThatOfTheClientBehindOurProxy(t *testing.T) {
	w := openTown(t, func(o *Options) { o.Proxies = prefixes("127.0.0.0/8", "10.0.0.0/8") })
	for _, tt := range []struct{ name, peer, forwarded, want string }{
		{"no proxy", "192.0.2.7:1", "198.51.100.1", "192.0.2.7"},
		{"our proxy", "127.0.0.1:1", "198.51.100.1", "198.51.100.1"},
		{"what the client made up stands before", "127.0.0.1:1", "203.0.113.5, 198.51.100.1", "198.51.100.1"},
		{"two proxies", "127.0.0.1:1", "198.51.100.1, 10.0.0.3", "198.51.100.1"},
		{"rubbish", "127.0.0.1:1", "x", "127.0.0.1"},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = tt.peer
		r.Header.Set("X-Forwarded-For", tt.forwarded)
		r.Header.Set("X-Forwarded-Proto", "https")
		if got := w.web.client(r).String(); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
		if got, want := w.web.secure(r), tt.name != "no proxy"; got != want {
			t.Errorf("%s: secure = %t", tt.name, got)
		}
	}
	if !slices.Contains(Scopes(), ScopeAct) {
		t.Error("no scope to act")
	}
}
