package web

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// An OIDC is whose word about a clerk's identity is taken beside passwords
// (OpenID Connect, code flow with PKCE). What the clerk may do says office.yaml
// alone.
type OIDC struct {
	Issuer, ClientID string
	Secret           func() (string, error)
	// Claim names the login, or the mail address, of the clerk: "email" counts
	// only if the provider has verified it.
	Claim string
}

// errStranger says that the provider knows somebody whom the office does not.
var errStranger = errors.New("no clerk of the office")

// An oidcLogin speaks to the provider. It is found at the first login, so that
// the counter opens while the provider is away.
type oidcLogin struct {
	o    OIDC
	back string // where the provider sends the browser
	http *http.Client

	mu       sync.Mutex
	provider *oidc.Provider // guarded by mu; nil until found
}

func newOIDC(o *OIDC, base string) *oidcLogin {
	if o == nil {
		return nil
	}
	return &oidcLogin{o: *o, back: strings.TrimSuffix(base, "/") + "/oidc/back", http: &http.Client{Timeout: 10 * time.Second}}
}

// find gives the provider, asking for its description once.
func (l *oidcLogin) find(ctx context.Context) (*oidc.Provider, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.provider != nil {
		return l.provider, nil
	}
	// The provider keeps its context for the keys it fetches later.
	p, err := oidc.NewProvider(oidc.ClientContext(context.WithoutCancel(ctx), l.http), l.o.Issuer)
	if err != nil {
		return nil, fmt.Errorf("asking the identity provider: %w", err)
	}
	l.provider = p
	return p, nil
}

func (l *oidcLogin) flow(p *oidc.Provider) (oauth2.Config, error) {
	secret, err := l.o.Secret()
	return oauth2.Config{
		ClientID: l.o.ClientID, ClientSecret: secret, Endpoint: p.Endpoint(), RedirectURL: l.back,
		Scopes: []string{oidc.ScopeOpenID, oidc.ScopeProfile, oidc.ScopeEmail},
	}, err
}

// The cookie that carries a login through the provider's pages and back: the
// browser that comes back must be the one that left.
const (
	oidcCookie = "kancelaria-oidc"
	oidcFor    = 10 * time.Minute
)

// oidcBegin sends the browser to the provider.
func (w *Web) oidcBegin(rw http.ResponseWriter, r *http.Request) error {
	p, err := w.oidc.find(r.Context())
	if err != nil {
		return w.oidcFailed(rw, r, err)
	}
	flow, err := w.oidc.flow(p)
	if err != nil {
		return err
	}
	state, nonce, verifier := secretText(), secretText(), oauth2.GenerateVerifier()
	kept := url.Values{"state": {state}, "nonce": {nonce}, "verifier": {verifier}, "to": {local(r.FormValue("to"))}}
	http.SetCookie(rw, &http.Cookie{
		Name: oidcCookie, Value: kept.Encode(), Path: "/oidc", MaxAge: int(oidcFor.Seconds()), HttpOnly: true, Secure: w.secure(r), SameSite: http.SameSiteLaxMode,
	})
	http.Redirect(rw, r, flow.AuthCodeURL(state, oidc.Nonce(nonce), oauth2.S256ChallengeOption(verifier)), http.StatusSeeOther)
	return nil
}

// oidcBack lets in whom the provider names, if the office knows them.
func (w *Web) oidcBack(rw http.ResponseWriter, r *http.Request) error {
	kept := url.Values{}
	if c, err := r.Cookie(oidcCookie); err == nil {
		kept, _ = url.ParseQuery(c.Value) // what is not there does not match
	}
	http.SetCookie(rw, &http.Cookie{Name: oidcCookie, Path: "/oidc", MaxAge: -1})
	if kept.Get("state") == "" || subtle.ConstantTimeCompare([]byte(kept.Get("state")), []byte(r.FormValue("state"))) != 1 {
		return w.oidcFailed(rw, r, errors.New("the browser did not begin this login"))
	}
	login, err := w.oidc.identify(r.Context(), r.FormValue("code"), kept.Get("nonce"), kept.Get("verifier"), w.loginOf)
	if err != nil {
		return w.oidcFailed(rw, r, err)
	}
	return w.enter(rw, r, doorway{To: local(kept.Get("to")), Login: login}, "oidc")
}

func (w *Web) oidcFailed(rw http.ResponseWriter, r *http.Request, err error) error {
	w.o.Log.Warn("web.oidc", "err", err, "peer", w.client(r))
	sentence := "web.login.oidc.failed"
	if errors.Is(err, errStranger) {
		sentence = "web.login.oidc.stranger"
	}
	return w.loginAgain(rw, r, doorway{To: "/", OIDC: true}, http.StatusUnauthorized, sentence)
}

// identify changes the code for the provider's word and reads who it is.
func (l *oidcLogin) identify(ctx context.Context, code, nonce, verifier string, loginOf func(value string, verified bool) (string, bool)) (string, error) {
	p, err := l.find(ctx)
	if err != nil {
		return "", err
	}
	flow, err := l.flow(p)
	if err != nil {
		return "", err
	}
	ctx = oidc.ClientContext(ctx, l.http)
	tokens, err := flow.Exchange(ctx, code, oauth2.VerifierOption(verifier))
	if err != nil {
		return "", fmt.Errorf("changing the code: %w", err)
	}
	raw, _ := tokens.Extra("id_token").(string)
	id, err := p.Verifier(&oidc.Config{ClientID: l.o.ClientID}).Verify(ctx, raw)
	if err != nil {
		return "", fmt.Errorf("checking the provider's word: %w", err)
	}
	if nonce == "" || subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(nonce)) != 1 {
		return "", errors.New("the provider's word is of another login")
	}
	var claims map[string]any
	if err := id.Claims(&claims); err != nil {
		return "", fmt.Errorf("reading the provider's word: %w", err)
	}
	value, _ := claims[l.o.Claim].(string)
	verified, _ := claims["email_verified"].(bool)
	login, ok := loginOf(value, verified)
	if !ok {
		return "", errStranger
	}
	return login, nil
}

// loginOf finds the clerk of a claim: by login, or by a verified mail address.
func (w *Web) loginOf(value string, verified bool) (string, bool) {
	office := w.o.Office()
	if _, ok := office.Clerks[value]; ok && value != "" {
		return value, true
	}
	if !verified || value == "" {
		return "", false
	}
	for login, k := range office.Clerks {
		if strings.EqualFold(k.Mail, value) {
			return login, true
		}
	}
	return "", false
}
