package smtpd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"kancelaria/registry"
)

func TestTheDoorTellsWhereItListens(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "lmtp.sock")
	d := openTLS(t, Options{SMTP: []string{"127.0.0.1:0", "127.0.0.1:0"}, SMTPS: []string{"127.0.0.1:0"}, LMTP: []string{"unix:" + socket, "127.0.0.1:0"}})
	var kinds []string
	for i, at := range d.Addrs() {
		kinds = append(kinds, at.Kind+"/"+at.Network)
		_ = d.dial(t, i).Close()
	}
	if got, want := fmt.Sprint(kinds), "[smtp/tcp smtp/tcp smtps/tcp lmtp/unix lmtp/tcp]"; got != want {
		t.Errorf("listens on %s, want %s", got, want)
	}
	info, err := os.Stat(socket)
	if err != nil || info.Mode().Perm() != 0o660 {
		t.Errorf("socket has mode %v, %v; want 0660", info.Mode(), err)
	}
	if err := d.stop(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(socket); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the socket is left behind: %v", err)
	}
}

func TestADeadSocketIsReplacedAndAFileIsNot(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "lmtp.sock")
	dead, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	dead.(*net.UnixListener).SetUnlinkOnClose(false)
	_ = dead.Close()
	d := openDoor(t, Options{LMTP: []string{"unix:" + socket}})
	k := newTalk(t, d.dial(t, 0))
	k.expect("220 ")
	k.want("LHLO mta.example", "250 ")
	if err := d.stop(); err != nil {
		t.Fatal(err)
	}
	writeFile(t, socket, []byte("somebody's work"))
	if err := New(Options{LMTP: []string{"unix:" + socket}}).Listen(t.Context()); err == nil {
		t.Error("a file was replaced by a socket")
	}
}

func TestWhatCannotBeListenedOn(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, tt := range []struct {
		name string
		o    Options
	}{
		{"a port that is taken", Options{SMTP: []string{"127.0.0.1:0", taken.Addr().String()}}},
		{"LMTP to the world", Options{LMTP: []string{"0.0.0.0:0"}}},
		{"LMTP by name", Options{LMTP: []string{"mail.example:24"}}},
		{"SMTP on a socket", Options{SMTP: []string{"unix:" + filepath.Join(t.TempDir(), "s")}}},
		{"no address", Options{SMTP: []string{"here"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := New(tt.o)
			if err := s.Run(t.Context()); err == nil || len(s.Addrs()) > 0 {
				t.Errorf("Run = %v, listening on %v", err, s.Addrs())
			}
		})
	}
}

func TestClosingAsksIdlePeersToGoAndLetsLettersEnd(t *testing.T) {
	d := openDoor(t, Options{SMTP: []string{"127.0.0.1:0"}})
	idle, asking := newTalk(t, d.dial(t, 0)), newTalk(t, d.dial(t, 0))
	sending, chunking := newTalk(t, d.dial(t, 0)), newTalk(t, d.dial(t, 0))
	idle.expect("220 ")
	asking.begin()
	sending.begin()
	sending.want("DATA", "354 ")
	sending.send("first half\r\n")
	chunking.begin()
	chunking.send("BDAT 10\r\n12345")
	d.waitFor(t, "two letters are on their way", func() bool { return d.inside() == 2 })
	ended := make(chan error, 1)
	go func() { ended <- d.stop() }()
	idle.expect("421 4.3.2 ")
	idle.end()
	asking.expect("421 4.3.2 ")
	asking.end()
	sending.send("second half\r\n.\r\n")
	sending.expect("250 2.0.0 Accepted as ")
	sending.expect("421 4.3.2 ")
	sending.end()
	chunking.send("67890")
	chunking.expect("250 2.0.0 Continue")
	chunking.expect("421 4.3.2 ") // between chunks is the time to go
	chunking.end()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if _, letters := d.spool.kept(); len(letters) != 1 || letters[0] != "first half\r\nsecond half\r\n" {
		t.Errorf("kept %q", letters)
	}
	if _, err := net.Dial("tcp", d.Addrs()[0].Address); err == nil {
		t.Error("the door is still open")
	}
}

func TestALetterThatDoesNotEndIsCutOffWhenPatienceDoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := openDoor(t, Options{})
		k := newTalk(t, d.pipe("smtp", "203.0.113.5"))
		k.begin()
		k.want("DATA", "354 ")
		k.send("half a letter")
		synctest.Wait()
		began := time.Now()
		if err := d.stop(); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took < 30*time.Second || took > 32*time.Second {
			t.Errorf("closing took %v, want 30s", took)
		}
		if items, _ := d.spool.kept(); len(items) != 0 {
			t.Errorf("half a letter was kept")
		}
	})
}

// A spool that hangs must not keep the daemon from ending.
func TestASpoolThatHangsIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		spool := &memory{hold: make(chan struct{})}
		d := openDoor(t, Options{Spool: spool})
		k := newTalk(t, d.pipe("smtp", "203.0.113.5"))
		k.begin()
		k.want("DATA", "354 ")
		k.send("x\r\n.\r\n")
		synctest.Wait()
		if err := d.stop(); err != nil {
			t.Fatal(err)
		}
		if items, _ := spool.kept(); len(items) != 0 {
			t.Error("kept without an answer, against the spool's word")
		}
	})
}

func TestClosingDoesNotWaitForWhoeverStandsAtTheDoor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := openTLS(t, Options{ProxyFrom: []netip.Prefix{netip.MustParsePrefix("198.51.100.1/32")}})
		d.pipe("smtps", "203.0.113.5") // never shakes hands
		d.pipe("smtp", "198.51.100.1") // never says whom he brings
		synctest.Wait()
		began := time.Now()
		if err := d.stop(); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took > 0 {
			t.Errorf("closing took %v", took)
		}
		if n := d.Count().Connections; n != 0 {
			t.Errorf("%d connections are still counted", n)
		}
	})
}

func TestLimitsSendStrangersAwayForAWhile(t *testing.T) {
	clock := time.Date(2026, 11, 23, 9, 41, 0, 0, time.UTC)
	limits := Limits{Connections: 6, PerPeer: 2, PerNetwork: 3, NewPerMinute: 5, LettersPerMinute: 2}
	trusted := []netip.Prefix{netip.MustParsePrefix("192.0.2.1/32")}
	device := []Device{{Name: "ksero", From: netip.MustParsePrefix("192.0.2.2/32")}}
	var mu sync.Mutex
	now := func() time.Time { mu.Lock(); defer mu.Unlock(); return clock }
	open := func(t *testing.T, limits Limits) *door {
		return openDoor(t, Options{Limits: limits, TrustedRelays: trusted, Devices: device, Now: now})
	}
	knock := func(d *door, peer string) (*talk, string) {
		k := newTalk(t, d.pipe("smtp", peer))
		return k, k.answer()
	}
	must := func(t *testing.T, d *door, peer, answer string) *talk {
		t.Helper()
		k, got := knock(d, peer)
		if !strings.HasPrefix(got, answer) {
			t.Fatalf("%s was answered %q, want %q", peer, got, answer)
		}
		return k
	}
	t.Run("from one address", func(t *testing.T) {
		d := open(t, limits)
		first := must(t, d, "203.0.113.5", "220 ")
		must(t, d, "203.0.113.5", "220 ")
		must(t, d, "203.0.113.5", "421 4.7.0 ").end()
		first.want("QUIT", "221 ")
		d.waitFor(t, "the first has left", func() bool { return d.Count().Connections == 1 })
		must(t, d, "203.0.113.5", "220 ")
	})
	t.Run("from one network", func(t *testing.T) {
		d := open(t, limits)
		for _, peer := range []string{"203.0.113.5", "203.0.113.6", "203.0.113.7"} {
			must(t, d, peer, "220 ")
		}
		must(t, d, "203.0.113.8", "421 4.7.0 ")
		must(t, d, "203.0.114.8", "220 ")
		must(t, d, "2001:db8:0:1::1", "220 ")
		must(t, d, "2001:db8:0:1::2", "220 ") // the same household
	})
	t.Run("from one household", func(t *testing.T) {
		d := open(t, limits)
		must(t, d, "2001:db8:0:1::1", "220 ")
		must(t, d, "2001:db8:0:1::2", "220 ")
		must(t, d, "2001:db8:0:1::3", "421 4.7.0 ")
	})
	t.Run("in all, and twice as many of ours", func(t *testing.T) {
		d := open(t, limits)
		for i := range 6 {
			must(t, d, fmt.Sprintf("203.0.%d.1", i), "220 ")
		}
		must(t, d, "203.0.99.1", "421 4.7.0 ")
		for range 3 {
			must(t, d, "192.0.2.1", "220 ")
			must(t, d, "192.0.2.2", "220 ")
		}
		must(t, d, "192.0.2.1", "421 4.7.0 ")
	})
	t.Run("new ones in a minute", func(t *testing.T) {
		d := open(t, limits)
		for range 5 {
			must(t, d, "203.0.113.5", "220 ").want("QUIT", "221 ")
			d.waitFor(t, "he has left", func() bool { return d.Count().Connections == 0 })
		}
		must(t, d, "203.0.113.5", "421 4.7.0 ")
		mu.Lock()
		clock = clock.Add(time.Minute)
		mu.Unlock()
		must(t, d, "203.0.113.5", "220 ")
	})
	t.Run("letters in a minute", func(t *testing.T) {
		d := open(t, limits)
		for peer, third := range map[string]string{"203.0.113.5": "450 4.7.1 ", "192.0.2.1": "250 ", "192.0.2.2": "250 "} {
			k := must(t, d, peer, "220 ")
			k.want("EHLO x.example", "250 ")
			for range 2 {
				k.want("MAIL FROM:<a@x.example>", "250 ")
				k.want("RSET", "250 ")
			}
			k.want("MAIL FROM:<a@x.example>", third)
		}
	})
	t.Run("guesses in a minute", func(t *testing.T) {
		d := open(t, Limits{BadPerMinute: 3})
		guess := func(peer string, n int) {
			k := must(t, d, peer, "220 ")
			k.want("EHLO x.example", "250 ")
			k.want("MAIL FROM:<a@x.example>", "250 ")
			for range n {
				k.want("RCPT TO:<nikt@aleksandrowo.example>", "550 ")
			}
		}
		guess("203.0.113.5", 3)
		guess("203.0.113.5", 1)
		must(t, d, "203.0.113.5", "421 4.7.0 ")
		guess("192.0.2.1", 9) // a relay does not know whom we have
		guess("192.0.2.1", 1)
	})
	t.Run("refusals written down in a minute", func(t *testing.T) {
		d := open(t, Limits{NewPerMinute: 1, PerPeer: 1})
		must(t, d, "203.0.113.5", "220 ")
		for range peerRefusals + 40 {
			must(t, d, "203.0.113.5", "421 4.7.0 ")
		}
		if n := len(d.notes.all()); n != peerRefusals {
			t.Errorf("%d refusals written down, want %d", n, peerRefusals)
		}
		k := must(t, d, "203.0.113.77", "220 ")
		k.want("EHLO x.example", "250 ")
		k.want("MAIL FROM:<a@x.example>", "250 ")
		k.want("RCPT TO:<nikt@aleksandrowo.example>", "550 ")
		lines := d.notes.all()
		if got := lines[len(lines)-1]; got.Omitted != 40 || got.Recipients[0] != "nikt@aleksandrowo.example" || got.Sender != "a@x.example" {
			t.Errorf("the next line says %+v, want 40 omitted", got)
		}
	})
}

func TestAProxyWeTrustTellsWhoIsThere(t *testing.T) {
	d := openDoor(t, Options{ProxyFrom: []netip.Prefix{netip.MustParsePrefix("198.51.100.1/32")}, TrustedRelays: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}})
	send := func(peer, header string) *talk {
		conn := d.pipe("smtp", peer)
		k := newTalk(t, conn)
		if header != "" {
			k.send(header)
		}
		return k
	}
	k := send("198.51.100.1", "PROXY TCP4 192.0.2.9 198.51.100.1 4321 25\r\n")
	k.begin()
	k.letter("x")
	k = send("198.51.100.1", "\r\n\r\n\x00\r\nQUIT\n\x21\x21\x00\x24"+strings.Repeat("\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01", 2)+"\x10\xe1\x00\x19")
	k.begin()
	k.letter("x")
	items, _ := d.spool.kept()
	if items[0].Peer != "192.0.2.9" || !items[0].Envelope.TrustedRelay || items[1].Peer != "2001:db8::1" || items[1].Envelope.TrustedRelay {
		t.Errorf("peers are %s and %s", items[0].Peer, items[1].Peer)
	}
	send("198.51.100.1", "EHLO proxy.example\r\n").end() // he must say who is there
	k = send("203.0.113.5", "")
	k.expect("220 ")
	k.want("PROXY TCP4 192.0.2.9 198.51.100.1 4321 25", "501 ") // a stranger must not
	k.want("EHLO x.example", "250 ")
}

func TestScannersComeByADoorOfTheirOwn(t *testing.T) {
	d := openDoor(t, Options{Devices: []Device{{Name: "pietro", From: netip.MustParsePrefix("10.1.0.0/16")}}, Node: "a"})
	for _, peer := range []string{"10.1.2.3", "203.0.113.5"} {
		k := newTalk(t, d.pipe("smtp", peer))
		k.begin()
		k.letter("scan")
	}
	items, _ := d.spool.kept()
	if got := items[0]; got.Door != registry.DoorScan || got.Source != "pietro" || got.Node != "a" {
		t.Errorf("the scan came by %s %s", got.Door, got.Source)
	}
	if got := items[1]; got.Door != registry.DoorSMTP || got.Source != "smtp" || got.Peer != "203.0.113.5" {
		t.Errorf("the letter came by %s %s from %s", got.Door, got.Source, got.Peer)
	}
}

func TestManyPeersAtOnce(t *testing.T) {
	d := openDoor(t, Options{SMTP: []string{"127.0.0.1:0"}, TrustedRelays: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Outcomes: &numbers{}, WaitForNumber: time.Minute})
	const peers, letters = 16, 20
	var all sync.WaitGroup
	for p := range peers {
		all.Go(func() {
			k := newTalk(t, d.dial(t, 0))
			k.expect("220 ")
			k.want("EHLO x.example", "250 ")
			for i := range letters {
				text := fmt.Sprintf("letter %d of %d\r\n%s", i, p, strings.Repeat("..", i*100))
				k.send("MAIL FROM:<a@x.example>\r\nRCPT TO:<urzad@aleksandrowo.example>\r\n")
				k.expect("250 ")
				k.expect("250 ")
				if i%2 == 0 {
					k.send(fmt.Sprintf("BDAT %d LAST\r\n%s", len(text), text))
				} else {
					k.want("DATA", "354 ")
					k.send(text + "\r\n.\r\n")
				}
				k.expect("250 2.0.0 Registered as RPW-")
			}
			k.want("QUIT", "221 ")
		})
	}
	all.Wait()
	items, texts := d.spool.kept()
	seen := map[string]bool{}
	for i, it := range items {
		seen[it.ID.String()] = true
		seen[texts[i]] = true
	}
	if len(items) != peers*letters || len(seen) != 2*peers*letters {
		t.Errorf("%d items, %d different ids and texts", len(items), len(seen))
	}
	if got := d.Count(); got.Taken != peers*letters || got.Refused+got.Deferred != 0 {
		t.Errorf("counted %+v", got)
	}
}

// inside counts the letters on their way.
func (d *door) inside() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := 0
	for l := range d.links {
		l.wire.state.Lock()
		if l.wire.inside {
			n++
		}
		l.wire.state.Unlock()
	}
	return n
}

// waitFor waits for something that has no event of its own.
func (d *door) waitFor(t *testing.T, what string, happened func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !happened() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("%s: not in 20 seconds", what)
		}
	}
}
