package web

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"kancelaria/registry"
)

// A session is somebody logged in. The browser has its secret, the book the
// secret's digest.
type session struct {
	Login string    `json:"login"`
	Since time.Time `json:"since"`
	Seen  time.Time `json:"seen"`
	How   string    `json:"how"` // password, oidc

	secret string
}

// ends is when the session is over unless something is done before.
func (s session) ends(idle, absolute time.Duration) time.Time {
	a, b := s.Seen.Add(idle), s.Since.Add(absolute)
	if a.Before(b) {
		return a
	}
	return b
}

// formToken is what forms of this session carry. Only a page of ours can know
// it, whatever the browser says of where a form came from.
func (s session) formToken() string { return digestKey("form\x00" + s.secret)[:32] }

func (s session) owns(token string) bool {
	return subtle.ConstantTimeCompare([]byte(token), []byte(s.formToken())) == 1
}

type sessions struct {
	book           Book
	now            func() time.Time
	idle, absolute time.Duration
}

// touchEvery bounds how often a session in use is written again.
const touchEvery = time.Minute

// begin opens a session; the secret goes into the cookie.
func (s sessions) begin(ctx context.Context, login, how string) (session, error) {
	now := s.now().UTC()
	n := session{Login: login, Since: now, Seen: now, How: how, secret: secretText()}
	return n, s.keep(ctx, n)
}

func (s sessions) keep(ctx context.Context, n session) error {
	value, err := json.Marshal(n)
	if err != nil {
		return err
	}
	err = s.book.Keep(ctx, []registry.Note{{Kind: noteSession, Key: digestKey(n.secret), Value: value, Expires: n.ends(s.idle, s.absolute)}})
	if err != nil {
		return fmt.Errorf("keeping a session: %w", err)
	}
	return nil
}

// find gives the session of a secret, if it goes on.
func (s sessions) find(ctx context.Context, secret string) (session, bool, error) {
	if len(secret) < 40 || len(secret) > 100 {
		return session{}, false, nil
	}
	found, err := s.book.Find(ctx, registry.Query{Of: registry.FindNotes, NoteKind: noteSession, Key: digestKey(secret), Limit: 1})
	if err != nil || len(found.Notes) == 0 {
		return session{}, false, err
	}
	var n session
	if json.Unmarshal(found.Notes[0].Value, &n) != nil {
		return session{}, false, nil
	}
	n.secret = secret
	return n, s.now().Before(n.ends(s.idle, s.absolute)), nil
}

// touch notes that a session is in use. That it could not be noted ends nothing
// now.
func (s sessions) touch(ctx context.Context, n *session) error {
	now := s.now().UTC()
	if now.Sub(n.Seen) < min(touchEvery, s.idle/4) {
		return nil
	}
	n.Seen = now
	return s.keep(ctx, *n)
}

func (s sessions) end(ctx context.Context, n session) error {
	return s.book.Keep(ctx, []registry.Note{{Kind: noteSession, Key: digestKey(n.secret)}})
}

// cookieName is bound to the host and to TLS where there is TLS.
func cookieName(secure bool) string {
	if secure {
		return "__Host-kancelaria"
	}
	return "kancelaria"
}

func (w *Web) setCookie(rw http.ResponseWriter, r *http.Request, value string) {
	secure := w.secure(r)
	c := &http.Cookie{Name: cookieName(secure), Value: value, Path: "/", HttpOnly: true, Secure: secure, SameSite: http.SameSiteLaxMode}
	if value == "" {
		c.MaxAge = -1
	}
	http.SetCookie(rw, c)
}

// sessionOf finds who asks; false if nobody is logged in.
func (w *Web) sessionOf(r *http.Request) (session, bool, error) {
	c, err := r.Cookie(cookieName(w.secure(r)))
	if err != nil {
		return session{}, false, nil
	}
	return w.sessions.find(r.Context(), c.Value)
}
