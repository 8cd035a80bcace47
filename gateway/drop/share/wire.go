package share

import (
	"encoding/binary"
	"net"
	"strings"
	"sync"
)

// A wire is a session's TCP connection. It reads along what the server says of
// signing, guests and encryption, which the libraries keep to themselves.
// Frames are those of MS-SMB2 § 2.1: zero, a length in three bytes, a message.
type wire struct {
	net.Conn

	mu        sync.Mutex
	head      []byte // the beginning of the frame under way, its length first
	rest      int    // bytes of it that are still to come
	answered  bool
	old       bool // answered in SMB1
	signing   bool
	guest     bool
	encrypted bool // the last frame was
}

// headSize covers the fixed header of a message (§ 2.2.1) and the first fields
// of its body.
const headSize = 4 + 64 + 8

// Read implements net.Conn.
func (w *wire) Read(p []byte) (int, error) {
	n, err := w.Conn.Read(p)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.follow(p[:n])
	return n, err
}

func (w *wire) follow(p []byte) {
	for len(p) > 0 {
		if len(w.head) < 4 {
			take := min(4-len(w.head), len(p))
			w.head, p = append(w.head, p[:take]...), p[take:]
			if len(w.head) < 4 {
				return
			}
			w.rest = int(binary.BigEndian.Uint32(w.head) & 0xffffff)
		}
		take := min(w.rest, len(p))
		if room := headSize - len(w.head); room > 0 {
			w.head = append(w.head, p[:min(room, take)]...)
		}
		p, w.rest = p[take:], w.rest-take
		if w.rest == 0 {
			w.note(w.head[4:])
			w.head = w.head[:0]
		}
	}
}

// note learns from the beginning of one message.
func (w *wire) note(m []byte) {
	if len(m) < 4 || string(m[1:4]) != "SMB" {
		return
	}
	w.answered = true
	w.encrypted = m[0] == 0xfd // transform header, § 2.2.41
	w.old = w.old || m[0] == 0xff
	if m[0] != 0xfe || len(m) < 68 {
		return
	}
	status, command, field := binary.LittleEndian.Uint32(m[8:]), binary.LittleEndian.Uint16(m[12:]), binary.LittleEndian.Uint16(m[66:])
	switch {
	case command == 0 && status == 0: // NEGOTIATE, SecurityMode
		w.signing = field&2 != 0
	case command == 1 && status == 0: // SESSION_SETUP, SessionFlags
		w.guest = field&3 != 0
	}
}

func (w *wire) demandsSigning() bool { w.mu.Lock(); defer w.mu.Unlock(); return w.signing }
func (w *wire) isGuest() bool        { w.mu.Lock(); defer w.mu.Unlock(); return w.guest }
func (w *wire) isEncrypted() bool    { w.mu.Lock(); defer w.mu.Unlock(); return w.encrypted }

// greeting says what is wrong with how the server greeted, if it did not in a
// way that we speak.
func (w *wire) greeting() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.old || !w.answered {
		return errOld
	}
	return nil
}

func isGuestName(user string) bool { return strings.EqualFold(user, "guest") }
