package web

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

// A provider is an identity provider of one user. It says of them what a test
// wants.
type provider struct {
	*httptest.Server
	key       *rsa.PrivateKey
	claims    map[string]any
	nonce     string // of the last login
	challenge string
}

func startProvider(t *testing.T) *provider {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p := &provider{key: key, claims: map[string]any{}}
	answer := func(w http.ResponseWriter, v any) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(v)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]any{
			"issuer": p.URL, "authorization_endpoint": p.URL + "/auth", "token_endpoint": p.URL + "/token", "jwks_uri": p.URL + "/keys",
			"id_token_signing_alg_values_supported": []string{"RS256"},
		})
	})
	mux.HandleFunc("/keys", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]any{"keys": []any{map[string]any{
			"kty": "RSA", "alg": "RS256", "use": "sig", "kid": "1", "n": enc(key.N.Bytes()), "e": enc(big.NewInt(int64(key.E)).Bytes()),
		}}})
	})
	mux.HandleFunc("/token", func(w http.ResponseWriter, r *http.Request) {
		_, secret, _ := r.BasicAuth()
		digest := sha256.Sum256([]byte(r.FormValue("code_verifier")))
		if secret != "tajne" || r.FormValue("code") != "kod" || enc(digest[:]) != p.challenge {
			w.WriteHeader(http.StatusBadRequest)
			answer(w, map[string]string{"error": "invalid_grant"})
			return
		}
		answer(w, map[string]any{"access_token": "x", "token_type": "Bearer", "id_token": p.word(t)})
	})
	p.Server = httptest.NewServer(mux)
	t.Cleanup(p.Close)
	return p
}

func enc(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// word signs what the provider says.
func (p *provider) word(t *testing.T) string {
	claims := map[string]any{"iss": p.URL, "aud": "kancelaria", "sub": "1", "nonce": p.nonce, "exp": time.Now().Add(time.Hour).Unix(), "iat": time.Now().Unix()}
	for name, v := range p.claims {
		claims[name] = v
	}
	body, err := json.Marshal(claims)
	if err != nil {
		t.Error(err)
	}
	signed := enc([]byte(`{"alg":"RS256","kid":"1"}`)) + "." + enc(body)
	digest := sha256.Sum256([]byte(signed))
	sig, err := rsa.SignPKCS1v15(nil, p.key, crypto.SHA256, digest[:])
	if err != nil {
		t.Error(err)
	}
	return signed + "." + enc(sig)
}

// goes walks through the provider and back; change forges what comes back.
func (p *provider) goes(t *testing.T, w *town, change func(back url.Values, r *http.Request)) *httptest.ResponseRecorder {
	t.Helper()
	stranger := &browser{town: w}
	rec := stranger.get("/oidc?to=/book")
	wantStatus(t, "leaving", rec, http.StatusSeeOther)
	at, err := url.Parse(rec.Header().Get("Location"))
	if err != nil || !strings.HasPrefix(rec.Header().Get("Location"), p.URL+"/auth?") {
		t.Fatalf("sent to %s, %v", rec.Header().Get("Location"), err)
	}
	q := at.Query()
	p.nonce, p.challenge = q.Get("nonce"), q.Get("code_challenge")
	back := url.Values{"code": {"kod"}, "state": {q.Get("state")}}
	r := httptest.NewRequest(http.MethodGet, "/oidc/back", nil)
	for _, c := range rec.Result().Cookies() {
		r.AddCookie(c)
	}
	if change != nil {
		change(back, r)
	}
	r.URL.RawQuery = back.Encode()
	return stranger.do(r)
}

func TestTheOfficesIdentityProviderLetsClerksIn(t *testing.T) {
	p := startProvider(t)
	for _, tt := range []struct {
		name, claim string
		claims      map[string]any
		change      func(url.Values, *http.Request)
		want        int
	}{
		{name: "a login", claim: "preferred_username", claims: map[string]any{"preferred_username": "os1"}, want: http.StatusSeeOther},
		{name: "a verified address", claim: "email", claims: map[string]any{"email": "OS1@aleksandrowo.example", "email_verified": true}, want: http.StatusSeeOther},
		{name: "an address that nobody verified", claim: "email", claims: map[string]any{"email": "os1@aleksandrowo.example"}, want: http.StatusUnauthorized},
		{name: "somebody else's employee", claim: "preferred_username", claims: map[string]any{"preferred_username": "obcy"}, want: http.StatusUnauthorized},
		{name: "nobody", claim: "preferred_username", want: http.StatusUnauthorized},
		{name: "another state", claim: "preferred_username", claims: map[string]any{"preferred_username": "os1"}, change: func(q url.Values, _ *http.Request) { q.Set("state", "x") }, want: http.StatusUnauthorized},
		{name: "another browser", claim: "preferred_username", claims: map[string]any{"preferred_username": "os1"}, change: func(_ url.Values, r *http.Request) { r.Header.Del("Cookie") }, want: http.StatusUnauthorized},
		{name: "another nonce", claim: "preferred_username", claims: map[string]any{"preferred_username": "os1", "nonce": "x"}, want: http.StatusUnauthorized},
		{name: "another code", claim: "preferred_username", claims: map[string]any{"preferred_username": "os1"}, change: func(q url.Values, _ *http.Request) { q.Set("code", "x") }, want: http.StatusUnauthorized},
		{name: "another client's word", claim: "preferred_username", claims: map[string]any{"preferred_username": "os1", "aud": "inny"}, want: http.StatusUnauthorized},
		{name: "a word that is over", claim: "preferred_username", claims: map[string]any{"preferred_username": "os1", "exp": 1}, want: http.StatusUnauthorized},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := openTown(t, func(o *Options) {
				o.BaseURL = "http://127.0.0.1:8025"
				o.OIDC = &OIDC{Issuer: p.URL, ClientID: "kancelaria", Secret: func() (string, error) { return "tajne", nil }, Claim: tt.claim}
			})
			p.claims = tt.claims
			rec := p.goes(t, w, tt.change)
			wantStatus(t, tt.name, rec, tt.want)
			in := false
			for _, c := range rec.Result().Cookies() {
				in = in || c.Name == "kancelaria" && c.Value != ""
			}
			if in != (tt.want == http.StatusSeeOther) {
				t.Errorf("let in = %t", in)
			}
			if in && rec.Header().Get("Location") != "/book" {
				t.Errorf("goes to %s", rec.Header().Get("Location"))
			}
		})
	}
}

func TestThePasswordStaysWhenTheProviderIsAway(t *testing.T) {
	w := openTown(t, func(o *Options) {
		o.BaseURL = "http://127.0.0.1:8025"
		o.OIDC = &OIDC{Issuer: "http://127.0.0.1:1/", ClientID: "x", Secret: func() (string, error) { return "", fmt.Errorf("none") }}
	})
	rec := (&browser{town: w}).get("/oidc")
	wantStatus(t, "the provider is away", rec, http.StatusUnauthorized)
	wantWords(t, "the provider is away", rec, `name="password"`, "nie potwierdziło")
}
