package share

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"

	"kancelaria/testenv"
)

// A proxy stands between us and a server and does what bad networks do.
type proxy struct {
	listener net.Listener
	to       string

	mu      sync.Mutex
	cut     int64      // the connection ends after so many bytes of answers; 0: never
	stall   bool       // and before it ends nothing comes for ever
	corrupt *rand.Rand // some bytes of answers are others
}

func newProxy(t *testing.T, to string) *proxy {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: l, to: to}
	var group sync.WaitGroup
	group.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			group.Go(func() { p.carry(conn) })
		}
	})
	t.Cleanup(func() { _ = l.Close(); group.Wait() })
	return p
}

func (p *proxy) set(cut int64, stall bool, corrupt *rand.Rand) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut, p.stall, p.corrupt = cut, stall, corrupt
}

func (p *proxy) carry(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", p.to)
	if err != nil {
		return
	}
	defer server.Close()
	p.mu.Lock()
	cut, stall, corrupt := p.cut, p.stall, p.corrupt
	p.mu.Unlock()
	gone := make(chan struct{})
	go func() { _, _ = io.Copy(server, client); close(gone); _ = server.Close() }()
	var answers io.Reader = server
	if corrupt != nil {
		answers = &spoiled{server, corrupt}
	}
	if cut > 0 {
		answers = io.LimitReader(answers, cut)
	}
	_, _ = io.Copy(client, answers)
	if stall {
		<-gone // until the client has had enough
	}
	_ = client.Close()
	<-gone
}

// spoiled changes one to three bytes of every block.
type spoiled struct {
	io.Reader
	rand *rand.Rand
}

func (s *spoiled) Read(b []byte) (int, error) {
	n, err := s.Reader.Read(b)
	for range 1 + s.rand.IntN(3) {
		if n > 0 {
			b[s.rand.IntN(n)] ^= byte(1 + s.rand.IntN(255))
		}
	}
	return n, err
}

// Answers are lost after each number of bytes, that to a rename among them:
// nothing is lost with them and nothing taken twice.
func TestConnectionsThatAreCut(t *testing.T) {
	t.Parallel()
	server := testenv.Samba(t, testenv.SambaOptions{})
	both(t, func(t *testing.T, driver string) {
		dir, name := inbox(t, server)
		p := newProxy(t, server.Addr)
		o := options(server, driver)
		c := newClock()
		o.Now, o.OpTimeout, o.ListTimeout = c.Now, 250*time.Millisecond, 250*time.Millisecond
		s := connect(t, p.listener.Addr().String(), name, o)
		office := newOffice()
		w := watch(s, office, c, "n1", nil)
		var want [][]byte
		for i, cut := range cuts(driver) {
			data := pdf(fmt.Sprint("cut ", cut))
			want = append(want, data)
			write(t, dir, "SCAN0001.pdf", data)
			p.set(cut, i%12 == 11, nil)
			if live, _ := s.current(); live != nil {
				live.kill(errors.New("the test begins a connection"))
			}
			for range 3 {
				_ = w.Scan(t.Context())
				c.move(3 * time.Second)
			}
			p.set(0, false, nil)
			scans(t, c, func() error { return errors.Join(office.took(want...), nothingLeft(dir)) }, w)
		}
	})
}

// cuts are numbers of bytes that end within every answer of one cycle.
func cuts(driver string) []int64 {
	step := int64(607)
	if driver == "hirochachacha" {
		step = 1009 // it finds out about a lost connection late
	}
	var all []int64
	for cut := int64(1); cut < 9000; cut += step {
		all = append(all, cut)
	}
	return all
}

// The default driver gives errors for rubbish; it neither crashes nor hangs.
func TestAnswersThatAreCorrupted(t *testing.T) {
	t.Parallel()
	server := testenv.Samba(t, testenv.SambaOptions{})
	dir, name := inbox(t, server)
	write(t, dir, "a.pdf", pdf("a"))
	p := newProxy(t, server.Addr)
	for seed := range uint64(200) {
		p.set(0, false, rand.New(rand.NewPCG(seed, 1)))
		o := options(server, "cloudsoda")
		o.OpTimeout, o.ListTimeout = 80*time.Millisecond, 80*time.Millisecond
		s, err := Open("//"+p.listener.Addr().String()+"/"+name, o)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = s.List(t.Context(), "")
		if h, err := s.Open(t.Context(), "a.pdf"); err == nil {
			_, _ = h.ReadAt(make([]byte, 100), 0)
			_ = h.Close()
		}
		_ = s.Close()
	}
}
