package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"kancelaria/gateway/api"
	"kancelaria/gateway/web"
	"kancelaria/registry"
)

// newCounter makes the counter and binds its port.
func (d *daemon) newCounter(ctx context.Context) error {
	c := d.cfg.Web
	if c.Listen == "" {
		return nil
	}
	o := web.Options{
		Book: d.book, Acts: acts{d.house}, Originals: d.originals, Intake: intake{d.house}, Explain: explainer{d.house},
		Office: d.orders.office, Rules: d.orders.rules, Status: d.statusLines, Access: d.accessed, API: d.api, APIDoc: d.api.ServeDescription,
		AsCaller: func(ctx context.Context, login string, scopes []string) context.Context {
			return api.WithCaller(ctx, api.Caller{Login: login, Scopes: scopes})
		},
		Language: d.cfg.Language, BaseURL: c.BaseURL, TLS: c.TLS.Cert != "", Proxies: c.Proxies, MaxSize: int64(c.MaxSize),
		TempDir: string(d.cfg.Data), Idle: c.Idle, Absolute: c.Longest, Now: d.now, Log: d.log,
	}
	if c.OIDC.Issuer != "" {
		o.OIDC = &web.OIDC{Issuer: c.OIDC.Issuer, ClientID: c.OIDC.ClientID, Claim: c.OIDC.Claim, Secret: func() (string, error) {
			return readSecret(string(c.OIDC.SecretFile))
		}}
	}
	var err error
	if d.web, err = web.New(o); err != nil {
		return fmt.Errorf("furnishing the counter: %w", err)
	}
	if d.counter, err = new(net.ListenConfig).Listen(ctx, "tcp", c.Listen); err != nil {
		return fmt.Errorf("opening the counter: %w", err)
	}
	if c.TLS.Cert == "" {
		return nil
	}
	cert, err := tls.LoadX509KeyPair(string(c.TLS.Cert), string(c.TLS.Key))
	if err != nil {
		return withCode(exitConfig, fmt.Errorf("the counter's certificate: %w", err))
	}
	d.counter = tls.NewListener(d.counter, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}})
	return nil
}

// serveCounter answers browsers until ctx ends, and lets those who are being
// answered finish.
func (d *daemon) serveCounter(ctx context.Context) error {
	server := &http.Server{
		Handler: d.web, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		BaseContext: func(net.Listener) context.Context { return context.WithoutCancel(ctx) },
	}
	stop := context.AfterFunc(ctx, func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		if server.Shutdown(closing) != nil {
			_ = server.Close()
		}
	})
	defer stop()
	if err := server.Serve(d.counter); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("the counter: %w", err)
	}
	return nil
}

// statusLines are those of the command "status".
func (h *house) statusLines(ctx context.Context) []web.StatusLine {
	var all []web.StatusLine
	for _, l := range (keeper{h}).Status(ctx).Lines {
		all = append(all, web.StatusLine{Part: l.Part, Colour: l.Colour, Text: l.Text, Help: l.Help})
	}
	return all
}

// accessed notes that somebody opened a letter or a part of it: in the log, and
// in the book.
func (h *house) accessed(ctx context.Context, who registry.Actor, what, subject string) {
	h.journal.Access(who, what, subject)
	if h.purpose == forReading {
		return
	}
	note, err := registry.Access{At: h.now().UTC(), Login: who.Login, As: who.OnBehalfOf, What: what, Subject: subject}.Note()
	if err == nil {
		err = h.book.Keep(context.WithoutCancel(ctx), []registry.Note{note})
	}
	if err != nil {
		h.log.Warn("office.access_unkept", "number", subject, "err", err)
	}
}
