package web

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"kancelaria/registry"
)

// live tells open pages that something came. It never says what: the page asks
// again, as its reader.
type live struct {
	closing chan struct{} // closed when the counter closes

	mu      sync.Mutex
	waiting map[chan struct{}]string // to login; guarded by mu
}

func newLive() *live { return &live{closing: make(chan struct{}), waiting: map[chan struct{}]string{}} }

// Bounds of open pages that listen, of one clerk and of all.
const (
	mostListening = 2000
	mostOfOne     = 12
	liveEvery     = 5 * time.Second  // how often other nodes' entries are looked for
	liveAlive     = 25 * time.Second // how often a line keeps a connection open
)

func (l *live) join(login string) (chan struct{}, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, who := range l.waiting {
		if who == login {
			n++
		}
	}
	if n >= mostOfOne || len(l.waiting) >= mostListening {
		return nil, false
	}
	c := make(chan struct{}, 1)
	l.waiting[c] = login
	return c, true
}

func (l *live) leave(c chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.waiting, c)
}

// ring tells every open page.
func (l *live) ring() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.waiting {
		select {
		case c <- struct{}{}:
		default: // told already, and has not looked yet
		}
	}
}

func (l *live) anybody() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.waiting) > 0
}

// Ring says that something was written into the book on this node.
func (w *Web) Ring() { w.live.ring() }

// Run looks for what other nodes wrote, while anybody listens, until ctx ends; then it lets go of all open
// pages. It is called once.
func (w *Web) Run(ctx context.Context) error {
	tick := time.NewTicker(liveEvery)
	defer tick.Stop()
	var last int64
	for {
		select {
		case <-ctx.Done():
			close(w.live.closing)
			return nil
		case <-tick.C:
		}
		if !w.live.anybody() {
			continue
		}
		found, err := w.o.Book.Find(ctx, registry.Query{Of: registry.FindEntries, Limit: 1})
		if err != nil || len(found.Works) == 0 {
			continue // the pages themselves say what is wrong
		}
		if leaf := found.Works[0].Leaf; leaf != last {
			if last != 0 {
				w.live.ring()
			}
			last = leaf
		}
	}
}

// events is the stream that pages listen to (server-sent events). It carries a
// word for each time that the visitor's own list has a new entry, or the desk's.
func (w *Web) events(rw http.ResponseWriter, r *http.Request, v *visit) error {
	c, ok := w.live.join(v.clerk.Login)
	if !ok {
		return errTooMany
	}
	defer w.live.leave(c)
	out := http.NewResponseController(rw)
	rw.Header().Set("Content-Type", "text/event-stream")
	rw.Header().Set("X-Accel-Buffering", "no")
	write := func(s string) bool {
		_ = out.SetWriteDeadline(time.Now().Add(liveAlive)) // not every connection has one
		_, err := fmt.Fprint(rw, s)
		return err == nil && out.Flush() == nil
	}
	newest := v.newest(r.Context())
	alive := time.NewTicker(liveAlive)
	defer alive.Stop()
	over := time.NewTimer(v.session.ends(w.o.Idle, w.o.Absolute).Sub(v.now))
	defer over.Stop()
	for ok := write("retry: 5000\n\n"); ok; {
		select {
		case <-r.Context().Done():
			return nil
		case <-w.live.closing:
			return nil
		case <-over.C:
			return nil // the page connects again, if its session goes on
		case <-alive.C:
			ok = write(": \n\n")
		case <-c:
			if now := v.newest(r.Context()); now != newest {
				newest = now
				ok = write("event: news\ndata: 1\n\n")
			}
		}
	}
	return nil
}

// newest names the last entry that concerns the visitor: their own, or, at the
// desk, any.
func (v *visit) newest(ctx context.Context) int64 {
	q := registry.Query{Of: registry.FindEntries, Clerk: v.clerk.Login, Open: true, Limit: 1}
	if v.isDesk() {
		q.Clerk, q.Open = "", false
	}
	found, err := v.find(ctx, q)
	if err != nil || len(found.Works) == 0 {
		return 0
	}
	return found.Works[0].Leaf
}

// stay prolongs a session whose clerk says that they are still there.
func (w *Web) stay(rw http.ResponseWriter, _ *http.Request, v *visit) error {
	_, err := fmt.Fprint(rw, int64(v.session.ends(w.o.Idle, w.o.Absolute).Sub(v.now).Seconds()))
	return err
}
