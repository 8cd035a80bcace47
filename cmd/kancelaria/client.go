package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"syscall"
	"text/tabwriter"

	"kancelaria/cmd/internal/config"
	"kancelaria/gateway/api"
	"kancelaria/registry"
)

// A client speaks to the office: to the running daemon through its control
// socket, or, when none runs, to a house opened for this one command.
type client struct {
	http  *http.Client
	close func() error
}

// office finds the configuration and whoever answers for it. A command that
// only looks opens nothing for writing.
func (e *env) office(writes bool) (*client, error) {
	cfg, err := e.config()
	if err != nil {
		return nil, err
	}
	socket := controlSocket(cfg)
	conn, err := net.Dial("unix", socket)
	switch {
	case err == nil:
		_ = conn.Close()
		return dialing(func(ctx context.Context) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", socket)
		}, func() error { return nil }), nil
	case errors.Is(err, os.ErrPermission):
		return nil, withCode(exitFailed, fmt.Errorf("you may not speak to the daemon: join the group of %s", socket))
	}
	if !writes && hasBook(cfg) {
		return e.openHouse(cfg, forReading)
	}
	return e.openHouse(cfg, forCommand)
}

// hasBook reports whether there is something to look at.
func hasBook(cfg *config.Config) bool {
	if cfg.Store.DSN != "" {
		return true
	}
	_, err := os.Stat(string(cfg.Store.SQLite))
	return err == nil
}

// config reads kancelaria.yaml.
func (e *env) config() (*config.Config, error) {
	file, err := config.Find(e.Config)
	if err != nil {
		return nil, withCode(exitConfig, err)
	}
	return config.Load(file)
}

func controlSocket(cfg *config.Config) string { return filepath.Join(string(cfg.Data), "control.sock") }

// openHouse opens the book and the archive for one command: the owner's way
// when no daemon runs.
func (e *env) openHouse(cfg *config.Config, p purpose) (*client, error) {
	h, err := openHouse(e.ctx, cfg, e.log, p)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(e.ctx))
	ended := make(chan error, 1)
	go func() { ended <- h.runCommand(ctx) }()
	pipe := newPipe()
	owner := h.owner
	server := &http.Server{Handler: h.api, ConnContext: func(ctx context.Context, _ net.Conn) context.Context {
		return api.WithCaller(ctx, api.UnixCaller(os.Getuid(), owner))
	}}
	go func() { _ = server.Serve(pipe) }()
	return dialing(pipe.dial, func() error {
		_ = server.Close()
		cancel()
		return errors.Join(<-ended, h.Close())
	}), nil
}

func dialing(dial func(context.Context) (net.Conn, error), closing func() error) *client {
	return &client{
		http: &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dial(ctx)
		}}},
		close: closing,
	}
}

// A pipe is a listener without a network.
type pipe struct {
	conns chan net.Conn
	done  chan struct{}
}

func newPipe() *pipe { return &pipe{make(chan net.Conn), make(chan struct{})} }

func (p *pipe) dial(ctx context.Context) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case p.conns <- there:
		return here, nil
	case <-p.done:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p *pipe) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipe) Close() error {
	select {
	case <-p.done:
	default:
		close(p.done)
	}
	return nil
}

func (p *pipe) Addr() net.Addr { return &net.UnixAddr{Name: "command", Net: "pipe"} }

// get asks and gives the answer's body.
func (c *client) get(ctx context.Context, path string, query url.Values) (io.ReadCloser, error) {
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	return c.do(ctx, http.MethodGet, path, "", nil)
}

// post sends a JSON body.
func (c *client) post(ctx context.Context, path string, in any) (io.ReadCloser, error) {
	return c.send(ctx, http.MethodPost, path, in)
}

// send is post by another method.
func (c *client) send(ctx context.Context, method, path string, in any) (io.ReadCloser, error) {
	body, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	return c.do(ctx, method, path, "application/json", bytes.NewReader(body))
}

func (c *client) do(ctx context.Context, method, path, kind string, body io.Reader) (io.ReadCloser, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://kancelaria/api/v1/"+path, body)
	if err != nil {
		return nil, err
	}
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	res, err := c.http.Do(req)
	if err != nil {
		var op *net.OpError
		if errors.As(err, &op) && errors.Is(op, syscall.ECONNREFUSED) {
			return nil, fmt.Errorf("%w: the daemon has gone", registry.ErrUnavailable)
		}
		return nil, fmt.Errorf("asking the office: %w", err)
	}
	if res.StatusCode < 300 {
		return res.Body, nil
	}
	defer res.Body.Close()
	var f api.Failure
	if err := json.NewDecoder(io.LimitReader(res.Body, 1<<20)).Decode(&f.Fault); err != nil || f.Fault.Error == "" {
		return nil, fmt.Errorf("the office answered %s", res.Status)
	}
	return nil, f
}

// objects reads one JSON object a line.
func objects[T any](body io.ReadCloser, each func(T, json.RawMessage) error) error {
	defer body.Close()
	dec := json.NewDecoder(body)
	for {
		var raw json.RawMessage
		err := dec.Decode(&raw)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading the office's answer: %w", err)
		}
		var v T
		if err := json.Unmarshal(raw, &v); err != nil {
			return fmt.Errorf("reading the office's answer: %w", err)
		}
		if err := each(v, raw); err != nil {
			return err
		}
	}
}

// ask runs a command that gets JSON lines and prints them raw with --json or
// through show without. Each object is looked at either way.
func ask[T any](e *env, path string, query url.Values, show func(T) error, looks ...func(T)) error {
	c, err := e.office(false)
	if err != nil {
		return err
	}
	return e.closing(c, func() error {
		body, err := c.get(e.ctx, path, query)
		if err != nil {
			return err
		}
		return print(e, body, show, looks...)
	})
}

func print[T any](e *env, body io.ReadCloser, show func(T) error, looks ...func(T)) error {
	return objects(body, func(v T, raw json.RawMessage) error {
		for _, look := range looks {
			look(v)
		}
		if e.JSON {
			_, err := fmt.Fprintf(e.stdout, "%s\n", raw)
			return err
		}
		return show(v)
	})
}

// flushed ends a table and gives the first error.
func flushed(tab *tabwriter.Writer, err error) error {
	return cmp.Or(err, tab.Flush())
}

// closing runs a step and lets go of the office.
func (e *env) closing(c *client, step func() error) error {
	err := step()
	if closeErr := c.close(); err == nil {
		err = closeErr
	}
	return err
}
