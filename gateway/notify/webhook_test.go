package notify

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"kancelaria/registry"
)

func hookParcel() Parcel {
	p := parcelTo("os1")
	p.Row.Kind, p.Row.Number = registry.OutboxNotice, registry.Number{Register: "RPW", Year: 2026, Seq: 7}
	p.Row.Rendered = []byte("Subject: secret")
	return p
}

func TestAWebhookIsSignedAndSaysNumberAndDayOnly(t *testing.T) {
	var body []byte
	var head http.Header
	var path string
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ = io.ReadAll(r.Body)
		head, path = r.Header, r.URL.Path
	}))
	defer server.Close()
	w, err := NewWebhook(WebhookOptions{URL: server.URL + "/{login}", Secret: []byte("s"), Zone: warsaw, Now: func() time.Time { return today }})
	if err != nil {
		t.Fatal(err)
	}
	if answer, err := w.Send(t.Context(), hookParcel()); err != nil || answer != "HTTP 200" {
		t.Fatalf("answer %q, %v", answer, err)
	}
	if path != "/os1" || head.Get("X-Kancelaria-Delivery") != "17.0" {
		t.Errorf("path %q, headers %v", path, head)
	}
	stamp, signature, _ := strings.Cut(strings.TrimPrefix(head.Get("X-Kancelaria-Signature"), "t="), ",v1=")
	mac := hmac.New(sha256.New, []byte("s"))
	mac.Write([]byte(stamp + "." + string(body)))
	if signature != hex.EncodeToString(mac.Sum(nil)) {
		t.Error("the signature does not fit")
	}
	var call WebhookCall
	if err := json.Unmarshal(body, &call); err != nil {
		t.Fatal(err)
	}
	want := WebhookCall{ID: "17.0", Kind: "notice", Number: "RPW-000007-2026", Day: "2026-11-23", Login: "os1", Text: "Nowe pismo RPW-000007-2026, 2026-11-23"}
	if call != want {
		t.Errorf("call = %+v", call)
	}
}

func TestWhatAWebhooksAnswerMeans(t *testing.T) {
	for code, want := range map[int]string{204: "", 302: "permanent", 400: "permanent", 404: "permanent", 429: "later", 500: "later", 503: "later"} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "http://elsewhere.example/")
			w.WriteHeader(code)
		}))
		w, err := NewWebhook(WebhookOptions{URL: server.URL, Secret: []byte("s")})
		if err != nil {
			t.Fatal(err)
		}
		_, err = w.Send(t.Context(), hookParcel())
		f, _ := errors.AsType[*Failure](err)
		got := ""
		switch {
		case f != nil && f.Permanent:
			got = "permanent"
		case f != nil && !f.Down:
			got = "later"
		case err != nil:
			got = err.Error()
		}
		if got != want {
			t.Errorf("%d: %q, want %q", code, got, want)
		}
		server.Close()
		if _, err := w.Send(t.Context(), hookParcel()); err == nil || strings.Contains(err.Error(), server.URL) {
			t.Errorf("closed server: %v", err)
		}
	}
}

func TestBrokenWebhooksAreFoundAtStart(t *testing.T) {
	for name, o := range map[string]WebhookOptions{
		"no address":    {Secret: []byte("s")},
		"no secret":     {URL: "https://x.example/"},
		"odd scheme":    {URL: "file:///etc", Secret: []byte("s")},
		"broken":        {URL: "https://x.example/", Secret: []byte("s"), Template: "{{"},
		"unknown field": {URL: "https://x.example/", Secret: []byte("s"), Template: "{{.Subject}}"},
	} {
		if _, err := NewWebhook(o); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	w, err := NewWebhook(WebhookOptions{URL: "https://x.example/", Secret: []byte("s"), Template: "{{.Number}} {{.Day}}"})
	if err != nil {
		t.Fatal(err)
	}
	if body, err := w.write(hookParcel()); err != nil || string(body) != "RPW-000007-2026 2026-11-23" {
		t.Errorf("body = %q, %v", body, err)
	}
}
