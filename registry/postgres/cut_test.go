package postgres

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
)

// A cutter stands between a client and the database, reads along, and cuts the
// client off right after it has passed a COMMIT on.
type cutter struct {
	server string
	l      net.Listener
	every  int32 // cuts each so many COMMITs
	seen   atomic.Int32
	cuts   atomic.Int32
	conns  sync.WaitGroup
}

// newCutter gives a cutter and the DSN that leads through it.
func newCutter(t *testing.T, dsn string, every int32) (*cutter, string) {
	t.Helper()
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cutter{server: net.JoinHostPort(cfg.Host, port(cfg.Port)), l: l, every: every}
	c.conns.Go(c.serve)
	t.Cleanup(func() {
		l.Close()
		c.conns.Wait()
	})
	_, at, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return c, "postgres://" + cfg.User + "@127.0.0.1:" + at + "/" + cfg.Database + "?sslmode=disable"
}

func (c *cutter) serve() {
	for {
		client, err := c.l.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", c.server)
		if err != nil {
			client.Close()
			continue
		}
		c.conns.Go(func() {
			defer client.Close()
			_, _ = io.Copy(client, server) // ends when either side is gone
		})
		c.conns.Go(func() {
			defer server.Close()
			if c.forward(client, server) {
				client.Close() // the server goes on, commits and is told to end
				if send(server, 'X', nil) == nil {
					_, _ = io.Copy(io.Discard, server)
				}
			}
		})
	}
}

// forward passes messages on and reports whether the client is to be cut off:
// a COMMIT, prepared under some name, was bound, and the Sync after it is out.
func (c *cutter) forward(client io.Reader, server io.Writer) (cut bool) {
	if err := pass(client, server); err != nil { // the start-up message has no type
		return false
	}
	var commit []byte
	bound := false
	for {
		kind, body, err := message(client)
		if err != nil {
			return false
		}
		switch kind {
		case 'P':
			if name, text, _ := bytes.Cut(body, []byte{0}); bytes.HasPrefix(text, []byte("COMMIT\x00")) {
				commit = bytes.Clone(name)
			}
		case 'B':
			_, rest, _ := bytes.Cut(body, []byte{0})
			name, _, _ := bytes.Cut(rest, []byte{0})
			bound = bound || commit != nil && bytes.Equal(name, commit)
		}
		if err := send(server, kind, body); err != nil {
			return false
		}
		if kind != 'S' || !bound {
			continue
		}
		bound = false
		if c.seen.Add(1)%c.every == 0 {
			c.cuts.Add(1)
			return true
		}
	}
}

func pass(from io.Reader, to io.Writer) error {
	var head [4]byte
	if _, err := io.ReadFull(from, head[:]); err != nil {
		return err
	}
	body := make([]byte, binary.BigEndian.Uint32(head[:])-4)
	if _, err := io.ReadFull(from, body); err != nil {
		return err
	}
	_, err := to.Write(append(head[:], body...))
	return err
}

func message(from io.Reader) (kind byte, body []byte, err error) {
	var head [5]byte
	if _, err := io.ReadFull(from, head[:]); err != nil {
		return 0, nil, err
	}
	n := binary.BigEndian.Uint32(head[1:])
	if n < 4 || n > 64<<20 {
		return 0, nil, errors.New("no message")
	}
	body = make([]byte, n-4)
	_, err = io.ReadFull(from, body)
	return head[0], body, err
}

func send(to io.Writer, kind byte, body []byte) error {
	head := [5]byte{kind}
	binary.BigEndian.PutUint32(head[1:], uint32(len(body))+4)
	_, err := to.Write(append(head[:], body...))
	return err
}
