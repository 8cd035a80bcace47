package smtpd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"github.com/emersion/go-smtp"

	"kancelaria/registry"
)

// A wire stands between go-smtp and the network. It gives the library one
// command at a time, so that nothing but the current command ever lies in the
// library's buffer: the bytes of a letter stay here, and body reads them in
// blocks. Answers are held back while further commands wait (RFC 2920 § 3.1).
//
// One goroutine reads at a time: the library's, or for LMTP that of LMTPData,
// which the library waits for.
type wire struct {
	net.Conn // TCP, Unix or TLS
	link     *link
	filter   filter
	gone     func() // told when the wire is closed

	buf  []byte // buf[r:w] came from the network and was not handed on
	r, w int

	ready []byte // of the current command, still to be handed to the library
	next  []byte // a command that came where a chunk was due
	chunk int64  // bytes of a BDAT chunk still to come
	last  bool   // it is the last one
	body  body   // the letter being read, nil outside
	quiet bool   // answers are for nobody: the letter was given up by the peer
	begun bool   // the library has read: it is past its greeting
	mute  bool   // the greeting was given before (STARTTLS)
	moved bool   // the connection goes on over TLS; see startTLS
	fail  error  // how reading ended

	out     sync.Mutex
	held    []byte // answers not sent yet
	sendErr error

	state   sync.Mutex
	closing bool // no further command is taken
	inside  bool // a letter is on its way: let it finish
	closed  bool
}

const (
	smallBuffer = 4 << 10
	largeBuffer = 64 << 10
)

// Read gives the library what it may see: the current command, or the end of a
// letter that was read through body.
func (w *wire) Read(p []byte) (int, error) {
	if !w.begun {
		w.begun = true
	}
	for {
		switch {
		case len(w.ready) > 0:
			n := copy(p, w.ready)
			w.ready = w.ready[n:]
			return n, nil
		case w.fail != nil:
			return 0, w.fail
		case w.body != nil:
			// Data gave up without draining; what follows is not a command.
			return 0, w.end(errors.New("a letter was left unread"))
		case w.chunk > 0: // of a BDAT that the library refused
			if w.skipChunk() != nil {
				return 0, w.fail
			}
		}
		line, err := w.next, error(nil)
		if w.next = nil; line == nil {
			line, err = w.nextLine()
		}
		if err != nil {
			return 0, w.end(err)
		}
		w.quiet = false
		w.ready = w.filter.pass(line)
	}
}

// end remembers how reading ended and tells the peer, if he can be told. The
// library sees an end of file and closes without words of its own.
func (w *wire) end(err error) error {
	if w.fail == nil {
		w.fail = io.EOF
		w.link.sayGoodbye(w, err)
	}
	return w.fail
}

// readChunk reads on in a BDAT chunk and never beyond it. A chunk that is cut
// off is an error, and nothing after it is a command.
func (w *wire) readChunk(p []byte) (n int, err error) {
	if int64(len(p)) > w.chunk {
		p = p[:w.chunk]
	}
	switch {
	case w.r < w.w:
		n = copy(p, w.buf[w.r:w.w])
		w.r += n
	default:
		n, err = w.receive(p, &w.link.pace)
	}
	w.chunk -= int64(n)
	if err != nil {
		w.fail, w.link.rude = io.EOF, true
		err = fmt.Errorf("%w: %w", errCut, lost(err))
	}
	return n, err
}

// skipChunk reads what is left of a chunk that is not wanted, if it is not
// endless.
func (w *wire) skipChunk() error {
	if w.chunk > 2*w.link.s.MaxSize {
		w.fail, w.link.rude = io.EOF, true
		return registry.ErrTooLarge
	}
	p := make([]byte, min(w.chunk, largeBuffer))
	for w.chunk > 0 {
		if _, err := w.readChunk(p); err != nil {
			return err
		}
	}
	return nil
}

// nextLine reads a command with its line end. What follows stays in the buffer.
func (w *wire) nextLine() ([]byte, error) {
	for seen := 0; ; {
		end := bytes.IndexByte(w.buf[w.r+seen:w.w], '\n') + 1
		if end == 0 {
			seen = w.w - w.r
		} else {
			seen += end
		}
		if over(seen, w.link.s.Limits.CommandLineLength) {
			return nil, errLongLine
		}
		if end > 0 {
			w.r += seen
			return w.buf[w.r-seen : w.r], nil
		}
		if err := w.fill(nil); err != nil {
			return nil, err
		}
	}
}

// fill reads more into the buffer. Unread bytes move to its front.
func (w *wire) fill(pace *pace) error {
	if w.r > 0 {
		w.w = copy(w.buf, w.buf[w.r:w.w])
		w.r = 0
	}
	if w.w == len(w.buf) {
		w.buf = append(w.buf, make([]byte, max(smallBuffer, len(w.buf)))...)
	}
	n, err := w.receive(w.buf[w.w:], pace)
	w.w += n
	return err
}

// receive reads from the network: a command without pace, a letter with it.
// Whatever we have to say is sent first, since the peer may wait for it.
func (w *wire) receive(p []byte, pace *pace) (int, error) {
	if err := w.flush(); err != nil {
		return 0, err
	}
	wait := w.link.s.Times.Command
	if pace != nil {
		wait = w.link.s.Times.Block
	}
	if err := w.allow(wait, pace != nil); err != nil {
		return 0, err
	}
	began := time.Now()
	n, err := w.Conn.Read(p)
	if n > 0 {
		err = nil // a further error comes back with the next call
	}
	if pace != nil && err == nil {
		err = pace.count(n, time.Since(began))
	}
	if w.isClosing() && errors.Is(err, os.ErrDeadlineExceeded) {
		err = errClosing
	}
	return n, err
}

// allow sets the deadline of the next read, unless we close: between letters
// nothing further is taken then.
func (w *wire) allow(wait time.Duration, inside bool) error {
	w.state.Lock()
	defer w.state.Unlock()
	w.inside = inside
	if w.closing && !inside {
		return errClosing
	}
	return w.SetReadDeadline(time.Now().Add(wait))
}

// finish asks the peer to go: at once between letters, after the letter inside
// one. It may be called by anybody.
func (w *wire) finish() {
	w.state.Lock()
	defer w.state.Unlock()
	w.closing = true
	if !w.inside && !w.closed {
		_ = w.SetReadDeadline(time.Unix(1, 0)) // a closed connection needs no waking
	}
}

func (w *wire) isClosing() bool {
	w.state.Lock()
	defer w.state.Unlock()
	return w.closing
}

// Write takes an answer of the library, one line a call, and holds it until
// somebody waits for it.
func (w *wire) Write(p []byte) (int, error) {
	if w.mute && !w.begun {
		return len(p), nil
	}
	line := w.filter.answer(p)
	if w.quiet {
		return len(p), nil
	}
	w.out.Lock()
	defer w.out.Unlock()
	w.held = append(w.held, line...)
	if len(w.held) > smallBuffer {
		w.send()
	}
	return len(p), w.sendErr
}

// say writes an answer of our own.
func (w *wire) say(e *smtp.SMTPError) {
	_, _ = w.Write(replyLine(e)) // an error is kept and seen by flush
}

func (w *wire) flush() error {
	w.out.Lock()
	defer w.out.Unlock()
	w.send()
	return w.sendErr
}

func (w *wire) send() {
	if len(w.held) == 0 || w.sendErr != nil {
		return
	}
	err := w.SetWriteDeadline(time.Now().Add(w.link.s.Times.Answer))
	if err == nil {
		_, err = w.Conn.Write(w.held)
	}
	w.held, w.sendErr = w.held[:0], err
}

// Close sends what is held and closes, unless the connection goes on over TLS.
func (w *wire) Close() error {
	w.state.Lock()
	again := w.closed
	w.closed = true
	w.state.Unlock()
	if again {
		return nil
	}
	defer w.gone()
	if w.moved {
		return nil
	}
	w.fail = io.EOF // commands behind a QUIT are not looked at
	err := w.flush()
	if w.link.rude {
		w.linger()
	}
	w.link.leave(w)
	return errors.Join(err, w.Conn.Close())
}

// linger lets the peer read our last word: closing a connection with unread
// bytes would reset it and take the answer away (RFC 9293 § 3.6.1).
func (w *wire) linger() {
	if tcp, ok := w.link.raw.(interface{ CloseWrite() error }); !ok || tcp.CloseWrite() != nil {
		return
	}
	if w.link.raw.SetReadDeadline(time.Now().Add(time.Second)) == nil {
		_, _ = io.CopyN(io.Discard, w.link.raw, 256<<10) // whatever it was, we are leaving
	}
}

// watch gives a context that ends when the peer goes away. stop must be called
// before anything else reads.
func (w *wire) watch(ctx context.Context) (watched context.Context, stop func()) {
	watched, cancel := context.WithCancel(ctx)
	if w.r < w.w || w.fail != nil || w.SetReadDeadline(time.Time{}) != nil {
		return watched, cancel
	}
	if w.r, w.w = 0, 0; len(w.buf) == 0 {
		w.buf = make([]byte, smallBuffer)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		n, err := w.Conn.Read(w.buf)
		w.w = n
		if n == 0 && err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			cancel()
		}
	}()
	return watched, func() {
		_ = w.SetReadDeadline(time.Unix(1, 0)) // a closed connection does not block either
		<-done
		cancel()
	}
}

// A pace is how fast a letter comes. Only time spent waiting for the peer
// counts, not that of our disk.
type pace struct {
	least  int           // bytes a second
	most   time.Duration // for the letter
	all    time.Duration
	window time.Duration
	bytes  int
}

func (s *Server) newPace() pace { return pace{least: s.Limits.BytesPerSecond, most: s.Times.Letter} }

func (p *pace) count(n int, waited time.Duration) error {
	p.all += waited
	p.window += waited
	p.bytes += n
	if p.all > p.most {
		return errSlow
	}
	if p.window >= time.Minute {
		if p.least > 0 && float64(p.bytes) < float64(p.least)*p.window.Seconds() {
			return errSlow
		}
		p.window, p.bytes = 0, 0
	}
	return nil
}
