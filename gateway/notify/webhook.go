package notify

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"text/template"
	"time"

	"kancelaria/registry"
)

// WebhookOptions say whom to call and what to say.
type WebhookOptions struct {
	// URL is called; "{login}" in it becomes the clerk's login.
	URL string
	// Secret signs each call.
	Secret []byte
	// ContentType of what Template writes: application/json unless told.
	ContentType string
	// Template writes the body from a WebhookCall; "" writes its JSON.
	Template string
	Zone     *time.Location
	Language string
	Client   *http.Client
	Now      func() time.Time
}

// A WebhookCall is all that leaves the house by a webhook: which entry, when,
// and for whom. Not who writes, and not about what.
type WebhookCall struct {
	ID     string `json:"id"` // the same on each repetition
	Kind   string `json:"kind"`
	Number string `json:"number"`
	Day    string `json:"day"`
	Login  string `json:"login"`
	Text   string `json:"text"`
}

// A Webhook is the channel that calls a URL. The receiver knows us by
//
//	X-Kancelaria-Signature: t=<unix seconds>,v1=<hex HMAC-SHA256 of "t.body">
//
// and repetitions by X-Kancelaria-Delivery.
type Webhook struct {
	o    WebhookOptions
	body *template.Template
}

// NewWebhook checks the options; a broken template is found here.
func NewWebhook(o WebhookOptions) (*Webhook, error) {
	u, err := url.Parse(strings.ReplaceAll(o.URL, "{login}", "login"))
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
		return nil, fmt.Errorf("%.200q is not an http address that can be called", o.URL)
	}
	if len(o.Secret) == 0 {
		return nil, fmt.Errorf("the webhook to %s needs a secret to sign with", u.Host)
	}
	if o.Client == nil {
		o.Client = &http.Client{
			Timeout: 20 * time.Second,
			// A redirect would take the call to where nobody configured it.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	o.ContentType = orText(o.ContentType, "application/json")
	w := &Webhook{o: o}
	if o.Template != "" {
		if w.body, err = template.New("webhook").Option("missingkey=error").Parse(o.Template); err != nil {
			return nil, fmt.Errorf("the webhook's template: %w", err)
		}
		if err := w.body.Execute(io.Discard, WebhookCall{}); err != nil {
			return nil, fmt.Errorf("the webhook's template: %w", err)
		}
	}
	return w, nil
}

// Send calls.
func (w *Webhook) Send(ctx context.Context, p Parcel) (string, error) {
	body, err := w.write(p)
	if err != nil {
		return "", &Failure{Permanent: true, Err: err}
	}
	to := strings.ReplaceAll(w.o.URL, "{login}", url.PathEscape(p.To))
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return "", &Failure{Permanent: true, Err: err}
	}
	req.Header.Set("Content-Type", w.o.ContentType)
	req.Header.Set("X-Kancelaria-Delivery", p.Row.ID)
	req.Header.Set("X-Kancelaria-Signature", sign(w.o.Secret, w.o.Now(), body))
	resp, err := w.o.Client.Do(req)
	if err != nil {
		return "", &Failure{Down: true, Answer: "no answer", Err: fmt.Errorf("calling the webhook: %w", hideURL(err))}
	}
	_, _ = io.CopyN(io.Discard, resp.Body, 4096) // so that the connection can be used again
	_ = resp.Body.Close()
	answer := "HTTP " + strconv.Itoa(resp.StatusCode)
	switch code := resp.StatusCode; {
	case code >= 200 && code < 300:
		return answer, nil
	case code == http.StatusRequestTimeout, code == http.StatusTooEarly, code == http.StatusTooManyRequests, code >= 500:
		return "", &Failure{Answer: answer}
	default:
		return "", &Failure{Permanent: true, Answer: answer}
	}
}

func (w *Webhook) write(p Parcel) ([]byte, error) {
	call := WebhookCall{
		ID: p.Row.ID, Kind: p.Row.Kind, Number: p.Row.Number.String(), Login: p.To,
		Day: registry.DayOf(p.Row.CreatedAt, w.o.Zone).String(),
	}
	call.Text = registry.Catalogue(w.o.Language).Say("notice.webhook", "number", call.Number, "day", call.Day)
	if w.body == nil {
		return json.Marshal(call)
	}
	var b bytes.Buffer
	if err := w.body.Execute(&b, call); err != nil {
		return nil, fmt.Errorf("writing the webhook's body: %w", err)
	}
	return b.Bytes(), nil
}

// sign covers the time as well: an old call cannot be played again later.
func sign(secret []byte, at time.Time, body []byte) string {
	t := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(t + "."))
	mac.Write(body)
	return "t=" + t + ",v1=" + hex.EncodeToString(mac.Sum(nil))
}

// hideURL takes the address out of an error: it may hold a secret.
func hideURL(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}
