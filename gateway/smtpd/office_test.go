package smtpd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"kancelaria/registry"
)

// The office of these tests.
func testOffice() *registry.Office {
	o := &registry.Office{
		Domain: "aleksandrowo.example",
		Registers: map[string]registry.Register{
			"RPW": {ID: "RPW", Kind: "in"}, "ZS": {ID: "ZS", Kind: "in", Restricted: true},
		},
		Mailboxes: map[string]registry.Mailbox{},
	}
	for _, box := range []registry.Mailbox{
		{Address: "urzad@aleksandrowo.example", Kind: "official", Register: "RPW"},
		{Address: "os1@aleksandrowo.example", Kind: "individual", Register: "RPW", Clerk: "os1"},
		{Address: "sygnalista@aleksandrowo.example", Kind: "official", Register: "ZS"},
		{Address: "urzad@gmina-łąki.example", Kind: "official", Register: "RPW"},
	} {
		o.Mailboxes[box.Address] = box
	}
	return o
}

// A memory is a spool that keeps letters in memory.
type memory struct {
	mu      sync.Mutex
	items   []registry.Item
	letters []string // one an item
	fail    error
	hold    chan struct{} // Put waits for it
	read    bool          // Put fails after reading
}

func (m *memory) Put(ctx context.Context, items []registry.Item, r io.Reader) ([]registry.Item, error) {
	if m.fail != nil && !m.read {
		return nil, fmt.Errorf("writing it down: %w", m.fail)
	}
	all, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("reading the letter: %w", err)
	}
	if m.fail != nil {
		return nil, fmt.Errorf("writing it down: %w", m.fail)
	}
	if m.hold != nil {
		select {
		case <-m.hold:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, it := range items {
		it.Original.Size = int64(len(all))
		m.items = append(m.items, it)
		m.letters = append(m.letters, string(all))
	}
	return items, nil
}

func (m *memory) kept() ([]registry.Item, []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]registry.Item(nil), m.items...), append([]string(nil), m.letters...)
}

func (m *memory) forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.items, m.letters = nil, nil
}

// itemIn reports whether an answer names an item.
func itemIn(line string) func(registry.Item) bool {
	return func(it registry.Item) bool { return strings.HasSuffix(line, it.ID.String()) }
}

// A notebook keeps deliveries in memory.
type notebook struct {
	mu   sync.Mutex
	kept []Delivery
}

func (n *notebook) Record(d Delivery) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.kept = append(n.kept, d)
}

func (n *notebook) all() []Delivery {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]Delivery(nil), n.kept...)
}

// numbers tells every item the next number at once.
type numbers struct {
	mu    sync.Mutex
	taken map[registry.ItemID]int64
}

func (n *numbers) WorthWaiting() bool { return true }

func (n *numbers) Wait(_ context.Context, id registry.ItemID) (registry.Outcome, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.taken == nil {
		n.taken = map[registry.ItemID]int64{}
	}
	if n.taken[id] == 0 {
		n.taken[id] = int64(len(n.taken)) + 1
	}
	return outcome(n.taken[id]), nil
}

func outcome(seq int64) registry.Outcome {
	number := registry.Number{Register: "RPW", Year: 2026, Seq: seq}
	return registry.Outcome{State: registry.Written, Disposition: registry.Registered, Number: number}
}

// A door is a running server of a test.
type door struct {
	*Server
	spool *memory
	notes *notebook
	stop  func() error
}

func openDoor(t testing.TB, o Options) *door {
	t.Helper()
	d := &door{spool: &memory{}, notes: &notebook{}}
	if o.Spool == nil {
		o.Spool = d.spool
	}
	if o.Office == nil {
		office := testOffice()
		o.Office = func() *registry.Office { return office }
	}
	if o.Deliveries == nil {
		o.Deliveries = d.notes
	}
	if o.Hostname == "" {
		o.Hostname = "poczta.aleksandrowo.example"
	}
	d.Server = New(o)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	select {
	case <-d.Ready():
	case err := <-ended:
		t.Fatalf("the door does not open: %v", err)
	}
	d.stop = sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
	t.Cleanup(func() {
		if err := d.stop(); err != nil {
			t.Errorf("closing the door: %v", err)
		}
	})
	return d
}

// dial connects to the n-th listener.
func (d *door) dial(t testing.TB, n int) net.Conn {
	t.Helper()
	at := d.Addrs()[n]
	conn, err := net.Dial(at.Network, at.Address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// A duplex is a connection in memory whose two directions close apart, as TCP's
// do. Every write is one read or more on the other side.
type duplex struct {
	net.Conn          // reads
	to       net.Conn // writes
	peer     net.Addr
}

func (d *duplex) Write(p []byte) (int, error)        { return d.to.Write(p) }
func (d *duplex) CloseWrite() error                  { return d.to.Close() }
func (d *duplex) Close() error                       { return errors.Join(d.Conn.Close(), d.to.Close()) }
func (d *duplex) RemoteAddr() net.Addr               { return d.peer }
func (d *duplex) SetWriteDeadline(t time.Time) error { return d.to.SetWriteDeadline(t) }
func (d *duplex) SetDeadline(t time.Time) error {
	return errors.Join(d.SetReadDeadline(t), d.SetWriteDeadline(t))
}

// pipe connects a peer to the door without a network.
func (d *door) pipe(kind, peer string) *duplex {
	up, upFar := net.Pipe()
	down, downFar := net.Pipe()
	from := net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(peer), 4321))
	far := &duplex{Conn: upFar, to: downFar, peer: from}
	d.knocking.Go(func() { d.admit(far, &doorway{kind: kind}) })
	return &duplex{Conn: down, to: up, peer: &net.TCPAddr{}}
}

// A talk is the client's side of a dialogue.
type talk struct {
	t testing.TB
	net.Conn
	heard    chan string // one line each, without its end
	patience time.Duration
}

func newTalk(t testing.TB, c net.Conn) *talk {
	k := &talk{t: t, Conn: c, heard: make(chan string, 1000), patience: 20 * time.Second}
	go func() {
		defer close(k.heard)
		var line []byte
		buf := make([]byte, 4096)
		for {
			n, err := c.Read(buf)
			for _, b := range buf[:n] {
				if line = append(line, b); b == '\n' {
					k.heard <- strings.TrimRight(string(line), "\r\n")
					line = line[:0]
				}
			}
			if err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() { _ = c.Close() })
	return k
}

// hear gives the next line, "" when the other side has closed.
func (k *talk) hear() string {
	select {
	case line := <-k.heard:
		return line
	case <-time.After(k.patience):
		panic("nothing heard for too long")
	}
}

// answer gives the last line of the next answer.
func (k *talk) answer() string {
	for {
		if line := k.hear(); len(line) < 4 || line[3] != '-' {
			return line
		}
	}
}

// say sends a line and gives the last line of the answer.
func (k *talk) say(line string) string {
	k.t.Helper()
	k.send(line + "\r\n")
	return k.answer()
}

func (k *talk) send(raw string) {
	k.t.Helper()
	if _, err := io.WriteString(k.Conn, raw); err != nil {
		k.t.Fatalf("sending %q: %v", raw, err)
	}
}

// end demands that the other side has nothing more to say and closes.
func (k *talk) end() {
	k.t.Helper()
	if got := k.hear(); got != "" {
		k.t.Fatalf("heard %q, want the end", got)
	}
}

// expect demands how the next answer begins.
func (k *talk) expect(answer string) string {
	k.t.Helper()
	got := k.answer()
	if !strings.HasPrefix(got, answer) {
		k.t.Fatalf("heard %q, want %q", got, answer)
	}
	return got
}

// hearOffer reads an EHLO answer that offers one thing and not another.
func (k *talk) hearOffer(t *testing.T, want, not string) {
	t.Helper()
	offered := false
	for {
		line := k.hear()
		if strings.HasPrefix(line[4:], not) {
			t.Errorf("offered %q", line)
		}
		offered = offered || line[4:] == want
		if line[3] == ' ' {
			break
		}
	}
	if !offered {
		t.Errorf("%s was not offered", want)
	}
}

// letter sends one and gives the answer.
func (k *talk) letter(text string) string {
	k.t.Helper()
	k.want("DATA", "354 ")
	k.send(text + "\r\n.\r\n")
	return k.answer()
}

// want says a line and demands how the answer begins.
func (k *talk) want(line, answer string) string {
	k.t.Helper()
	got := k.say(line)
	if !strings.HasPrefix(got, answer) {
		k.t.Fatalf("%q was answered %q, want %q", line, got, answer)
	}
	return got
}

// begin goes through greeting, MAIL and RCPT.
func (k *talk) begin() {
	k.t.Helper()
	if got := k.answer(); !strings.HasPrefix(got, "220 ") {
		k.t.Fatalf("greeting = %q", got)
	}
	k.want("EHLO resident.example", "250 ")
	k.want("MAIL FROM:<jan@resident.example>", "250 ")
	k.want("RCPT TO:<urzad@aleksandrowo.example>", "250 ")
}
