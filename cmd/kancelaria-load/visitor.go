package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/emersion/go-smtp"
)

// A slot is where letters are handed in.
type slot struct {
	Addr string // host:port, or unix:/path
	LMTP bool
}

// A visitor stands at the slot: one session over which many letters go.
type visitor struct {
	client *smtp.Client
	conn   net.Conn // below client
	lmtp   bool
}

// visit opens a session. The caller must leave.
func (s slot) visit(ctx context.Context) (*visitor, error) {
	network, addr := "tcp", s.Addr
	if path, ok := strings.CutPrefix(s.Addr, "unix:"); ok {
		network, addr = "unix", path
	}
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, network, addr)
	if err != nil {
		return nil, fmt.Errorf("walking to the office: %w", err)
	}
	v := &visitor{conn: conn, lmtp: s.LMTP}
	if s.LMTP {
		v.client = smtp.NewClientLMTP(conn)
	} else {
		v.client = smtp.NewClient(conn)
	}
	if err := v.client.Hello("mieszkaniec.example"); err != nil {
		return nil, errors.Join(fmt.Errorf("greeting the office: %w", err), v.client.Close())
	}
	return v, nil
}

// hand gives one letter in. It returns the answer to the final dot and how
// long the office took for it.
func (v *visitor) hand(from, to string, letter []byte) (answer string, took time.Duration, err error) {
	if err := v.client.Mail(from, &smtp.MailOptions{Size: int64(len(letter)), Body: smtp.Body8BitMIME}); err != nil {
		return "", 0, fmt.Errorf("naming the sender: %w", err)
	}
	if err := v.client.Rcpt(to, nil); err != nil {
		return "", 0, fmt.Errorf("naming %s: %w", to, err)
	}
	data, err := v.client.Data()
	if err != nil {
		return "", 0, fmt.Errorf("offering the letter: %w", err)
	}
	if rest, ok := asOnTheWire(letter); ok {
		_, err = v.conn.Write(rest)
	} else {
		_, err = data.Write(letter)
	}
	if err != nil {
		return "", 0, fmt.Errorf("handing over the letter: %w", err)
	}
	before := time.Now()
	answer, err = v.finish(data, to)
	return answer, time.Since(before), err
}

// asOnTheWire reports whether a letter can go over as it is, and gives it
// without its last line end, which the closing dot brings along. The library
// looks at each byte, and that costs more than the office's own work.
func asOnTheWire(letter []byte) ([]byte, bool) {
	rest, ended := bytes.CutSuffix(letter, []byte("\r\n"))
	lines := bytes.Count(letter, []byte("\n"))
	ok := ended && !bytes.HasPrefix(letter, []byte(".")) && !bytes.Contains(letter, []byte("\n.")) &&
		lines == bytes.Count(letter, []byte("\r\n")) && lines == bytes.Count(letter, []byte("\r"))
	return rest, ok
}

func (v *visitor) finish(data *smtp.DataCommand, to string) (string, error) {
	if !v.lmtp {
		response, err := data.CloseWithResponse()
		if err != nil {
			return "", fmt.Errorf("waiting for the answer: %w", err)
		}
		return response.StatusText, nil
	}
	responses, err := data.CloseWithLMTPResponse()
	if err != nil {
		return "", fmt.Errorf("waiting for the answer: %w", err)
	}
	if r := responses[to]; r != nil {
		return r.StatusText, nil
	}
	return "", nil
}

// leave ends the session.
func (v *visitor) leave() error {
	if err := v.client.Quit(); err != nil {
		return v.client.Close()
	}
	return nil
}

// forget takes back a letter that was begun, so that the session can go on.
func (v *visitor) forget() error { return v.client.Reset() }
