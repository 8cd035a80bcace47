package notify

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"errors"
	"math/big"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A townServer is the office's mail server as a test wants it: each step
// answers as the script says; "hang" says nothing for ever, "drop" closes.
type townServer struct {
	script map[string]string // step → answer
	cert   *tls.Certificate  // offers STARTTLS, or speaks TLS at once when implicit
	lmtp   bool
	extra  []string // further lines of EHLO

	mu       sync.Mutex
	dials    int
	mails    []string // bodies taken
	commands []string
}

func (s *townServer) dial(context.Context, string, string) (net.Conn, error) {
	s.mu.Lock()
	s.dials++
	s.mu.Unlock()
	ours, theirs := net.Pipe()
	go s.serve(theirs)
	return ours, nil
}

func (s *townServer) answer(step, usual string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a, ok := s.script[step]; ok {
		return a
	}
	return usual
}

func (s *townServer) serve(conn net.Conn) {
	defer conn.Close()
	if s.answer("implicit", "") != "" {
		conn = tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{*s.cert}})
	}
	r := bufio.NewReader(conn)
	say := func(step, usual string) bool {
		switch a := s.answer(step, usual); a {
		case "hang":
			_, _ = r.ReadByte() // until the other side gives up
			return false
		case "drop":
			return false
		default:
			_, err := conn.Write([]byte(a + "\r\n"))
			return err == nil
		}
	}
	if !say("greeting", "220 town") {
		return
	}
	secure := false
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimSpace(line)
		verb, _, _ := strings.Cut(strings.ToUpper(line), " ")
		s.mu.Lock()
		s.commands = append(s.commands, line)
		s.mu.Unlock()
		ok := true
		switch verb {
		case "EHLO", "LHLO":
			lines := append([]string{"250-town"}, s.extra...)
			if s.cert != nil && !secure && s.answer("implicit", "") == "" {
				lines = append(lines, "250-STARTTLS")
			}
			ok = say("EHLO", strings.Join(append(lines, "250 8BITMIME"), "\r\n"))
		case "STARTTLS":
			if ok = say("STARTTLS", "220 go on"); ok {
				conn = tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{*s.cert}})
				r, secure = bufio.NewReader(conn), true
			}
		case "DATA":
			if ok = say("DATA", "354 go on"); !ok || !strings.HasPrefix(s.answer("DATA", "354"), "354") {
				break
			}
			var body strings.Builder
			for {
				l, err := r.ReadString('\n')
				if err != nil {
					return
				}
				if l == ".\r\n" {
					break
				}
				body.WriteString(l)
			}
			if strings.HasPrefix(s.answer("dot", "250 taken"), "250") || s.answer("dot", "") == "drop" {
				s.mu.Lock()
				s.mails = append(s.mails, body.String())
				s.mu.Unlock()
			}
			ok = say("dot", "250 2.0.0 taken as 17")
		default:
			ok = say(verb, "250 2.0.0 ok")
		}
		if !ok {
			return
		}
	}
}

func (s *townServer) dialled() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dials
}

func (s *townServer) said() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.commands)
}

func (s *townServer) taken() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.mails)
}

func relayTo(t *testing.T, s *townServer, alter func(*RelayOptions)) *Relay {
	t.Helper()
	o := RelayOptions{Address: "smtp://relay.aleksandrowo.example", TLS: TLSOff, Dial: s.dial, Hostname: "kancelaria.aleksandrowo.example"}
	if s.lmtp {
		o.Address = "lmtp://relay.aleksandrowo.example"
	}
	if s.answer("implicit", "") != "" {
		o.Address = "smtps://relay.aleksandrowo.example"
	}
	if alter != nil {
		alter(&o)
	}
	r, err := NewRelay(o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestWhatARelaysAnswerMeans(t *testing.T) {
	for _, tt := range []struct {
		name            string
		script          map[string]string
		permanent, down bool
		taken           bool
	}{
		{name: "taken", script: nil, taken: true},
		{name: "recipient unknown", script: map[string]string{"RCPT": "550 5.1.1 nobody"}, permanent: true},
		{name: "recipient busy", script: map[string]string{"RCPT": "450 4.2.1 busy"}},
		{name: "refused after the mail", script: map[string]string{"dot": "554 5.7.1 no"}, permanent: true},
		{name: "not now after the mail", script: map[string]string{"dot": "451 4.3.0 later"}},
		{name: "refused before the mail", script: map[string]string{"DATA": "554 5.5.1 no"}, permanent: true},
		{name: "our reverse path refused", script: map[string]string{"MAIL": "553 5.1.8 who?"}, down: true},
		{name: "too large", script: map[string]string{"MAIL": "552 5.3.4 large"}, permanent: true},
		{name: "closing", script: map[string]string{"RCPT": "421 4.3.2 closing"}, down: true},
		{name: "busy greeting", script: map[string]string{"greeting": "421 4.7.0 busy"}, down: true},
		{name: "refusing greeting", script: map[string]string{"greeting": "554 5.7.1 no"}, down: true},
		{name: "silent greeting", script: map[string]string{"greeting": "hang"}, down: true},
		{name: "silent after the mail", script: map[string]string{"dot": "hang"}, down: true},
		{name: "gone after the mail", script: map[string]string{"dot": "drop"}, down: true, taken: true},
		{name: "gone at the recipient", script: map[string]string{"RCPT": "drop"}, down: true},
		{name: "nonsense", script: map[string]string{"RCPT": "what?"}, down: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &townServer{script: tt.script}
				r := relayTo(t, s, nil)
				defer r.Close()
				reachable := tt.script["greeting"] == ""
				if err := r.Check(t.Context()); (err == nil) != reachable {
					t.Errorf("check: %v, want it reachable: %t", err, reachable)
				}
				answer, err := r.Send(t.Context(), parcelTo("a@r1.example"))
				f, _ := errors.AsType[*Failure](err)
				switch {
				case tt.name == "taken":
					if err != nil || answer != "2.0.0 taken as 17" && answer != "taken as 17" {
						t.Errorf("answer %q, err %v", answer, err)
					}
				case f == nil:
					t.Fatalf("err = %v, want a Failure", err)
				case f.Permanent != tt.permanent || f.Down != tt.down:
					t.Errorf("failure = %+v, want permanent %t, down %t", f, tt.permanent, tt.down)
				}
				if got := s.taken() == 1; got != tt.taken {
					t.Errorf("taken = %t, want %t", got, tt.taken)
				}
			})
		})
	}
}

func TestARelayConnectionIsUsedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &townServer{}
		r := relayTo(t, s, nil)
		defer r.Close()
		for range 10 {
			if _, err := r.Send(t.Context(), parcelTo("a@r1.example")); err != nil {
				t.Fatal(err)
			}
		}
		if s.dialled() != 1 {
			t.Errorf("%d connections for ten mails", s.dialled())
		}
		time.Sleep(idleFor + time.Second)
		if _, err := r.Send(t.Context(), parcelTo("a@r1.example")); err != nil {
			t.Fatal(err)
		}
		if s.dialled() != 2 {
			t.Errorf("%d connections after a rest, want a fresh one", s.dialled())
		}
	})
}

func TestARefusedMailDoesNotSpoilTheConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &townServer{script: map[string]string{"RCPT": "550 5.1.1 nobody"}}
		r := relayTo(t, s, nil)
		defer r.Close()
		_, _ = r.Send(t.Context(), parcelTo("a@r1.example"))
		s.mu.Lock()
		delete(s.script, "RCPT")
		s.mu.Unlock()
		if _, err := r.Send(t.Context(), parcelTo("b@r1.example")); err != nil || s.dialled() != 1 {
			t.Errorf("err %v after %d connections", err, s.dialled())
		}
	})
}

func TestAConnectionClosedByTheServerIsReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &townServer{script: map[string]string{}}
		r := relayTo(t, s, nil)
		defer r.Close()
		if _, err := r.Send(t.Context(), parcelTo("a@r1.example")); err != nil {
			t.Fatal(err)
		}
		s.mu.Lock()
		s.script["MAIL"] = "drop"
		s.mu.Unlock()
		_, err := r.Send(t.Context(), parcelTo("a@r1.example"))
		if f, ok := errors.AsType[*Failure](err); !ok || !f.Down {
			t.Errorf("err = %v", err)
		}
		if s.dialled() != 2 {
			t.Errorf("%d connections, want a second one", s.dialled())
		}
	})
}

func TestNoMoreConnectionsThanAllowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &townServer{script: map[string]string{"dot": "hang"}}
		r := relayTo(t, s, func(o *RelayOptions) { o.Connections = 3 })
		var wait sync.WaitGroup
		for range 12 {
			wait.Go(func() { _, _ = r.Send(t.Context(), parcelTo("a@r1.example")) })
		}
		synctest.Wait()
		if s.dialled() != 3 {
			t.Errorf("%d connections at once, want 3", s.dialled())
		}
		wait.Wait()
	})
}

func TestASendEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &townServer{script: map[string]string{"RCPT": "hang"}}
		r := relayTo(t, s, nil)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		if _, err := r.Send(ctx, parcelTo("a@r1.example")); err == nil {
			t.Error("sent")
		}
		if took := time.Since(start); took > 2*time.Second {
			t.Errorf("took %s", took)
		}
	})
}

func TestTLSIsRequiredUnlessSaidOtherwise(t *testing.T) {
	cert, roots := certificate(t, "relay.aleksandrowo.example")
	wrong, _ := certificate(t, "other.example")
	for _, tt := range []struct {
		name   string
		server *townServer
		mode   string
		want   bool
		secure bool
	}{
		{"STARTTLS offered", &townServer{cert: cert}, "", true, true},
		{"not offered", &townServer{}, "", false, false},
		{"certificate of another", &townServer{cert: wrong}, "", false, false},
		{"STARTTLS refused", &townServer{cert: cert, script: map[string]string{"STARTTLS": "454 4.7.0 no"}}, "", false, false},
		{"from the first byte", &townServer{cert: cert, script: map[string]string{"implicit": "yes"}}, "", true, false},
		{"opportunistic, not offered", &townServer{}, TLSOpportunistic, true, false},
		{"opportunistic, of another", &townServer{cert: wrong}, TLSOpportunistic, true, true},
		{"said to be off", &townServer{}, TLSOff, true, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := relayTo(t, tt.server, func(o *RelayOptions) {
					o.TLS, o.Config = tt.mode, &tls.Config{RootCAs: roots}
				})
				defer r.Close()
				_, err := r.Send(t.Context(), parcelTo("a@r1.example"))
				if got := err == nil && slices.Contains(tt.server.said(), "STARTTLS"); got != tt.secure {
					t.Errorf("encrypted = %t, want %t", got, tt.secure)
				}
				if (err == nil) != tt.want {
					t.Errorf("err = %v, want success %t", err, tt.want)
				}
				if f, ok := errors.AsType[*Failure](err); err != nil && (!ok || !f.Down) {
					t.Errorf("err = %v is not said to be the relay's fault", err)
				}
			})
		})
	}
}

func TestSigningIn(t *testing.T) {
	cert, roots := certificate(t, "relay.aleksandrowo.example")
	for _, tt := range []struct {
		name, answer string
		want         bool
	}{{"taken", "235 2.7.0 ok", true}, {"wrong password", "535 5.7.8 no", false}} {
		t.Run(tt.name, func(t *testing.T) {
			s := &townServer{cert: cert, extra: []string{"250-AUTH PLAIN"}, script: map[string]string{"AUTH": tt.answer}}
			r := relayTo(t, s, func(o *RelayOptions) {
				o.TLS, o.Config, o.Username, o.Password = "", &tls.Config{RootCAs: roots}, "kancelaria", func() (string, error) { return "secret", nil }
			})
			defer r.Close()
			_, err := r.Send(t.Context(), parcelTo("a@r1.example"))
			f, _ := errors.AsType[*Failure](err)
			if (err == nil) != tt.want || (err != nil && (f == nil || !f.Down)) {
				t.Errorf("err = %v, want success %t", err, tt.want)
			}
			said := "AUTH PLAIN " + base64.StdEncoding.EncodeToString([]byte("\x00kancelaria\x00secret"))
			if !strings.Contains(strings.Join(s.said(), "\n"), said) {
				t.Errorf("commands = %q", s.said())
			}
		})
	}
}

func TestNoPasswordGoesUnencrypted(t *testing.T) {
	if _, err := NewRelay(RelayOptions{Address: "smtp://relay.example", TLS: TLSOpportunistic, Username: "u"}); err == nil {
		t.Error("a relay was made that would send a password in clear")
	}
	if _, err := NewRelay(RelayOptions{Address: "smtp://127.0.0.1", TLS: TLSOff, Username: "u"}); err != nil {
		t.Errorf("a relay on this machine: %v", err)
	}
}

func TestLMTPAnswersForTheRecipient(t *testing.T) {
	for name, want := range map[string]struct {
		dot       string
		permanent bool
	}{"taken": {"250 2.0.0 taken", false}, "over quota": {"552 5.2.2 full", true}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &townServer{lmtp: true, script: map[string]string{"dot": want.dot}}
				r := relayTo(t, s, nil)
				defer r.Close()
				_, err := r.Send(t.Context(), parcelTo("a@r1.example"))
				f, _ := errors.AsType[*Failure](err)
				if (f != nil && f.Permanent) != want.permanent || (err == nil) == want.permanent {
					t.Errorf("err = %v", err)
				}
			})
		})
	}
}

// certificate makes one for a name, and the roots that vouch for it.
func certificate(t *testing.T, name string) (*tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2190, 1, 1, 0, 0, 0, 0, time.UTC), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, roots
}

func TestWhereARelayIs(t *testing.T) {
	for in, want := range map[string]target{
		"smtp://relay.example":      {network: "tcp", address: "relay.example:25"},
		"smtp://[::1]:2526":         {network: "tcp", address: "[::1]:2526"},
		"smtps://relay.example":     {network: "tcp", address: "relay.example:465", implicit: true},
		"lmtp://127.0.0.1:2424":     {network: "tcp", address: "127.0.0.1:2424", lmtp: true},
		"lmtp:unix:/run/lmtp.sock":  {network: "unix", address: "/run/lmtp.sock", lmtp: true},
		"":                          {},
		"relay.example:25":          {},
		"http://relay.example":      {},
		"lmtp:unix:relative":        {},
		"smtp://u:p@relay.example/": {},
	} {
		got, err := parseTarget(in)
		if got != want || (err == nil) != (want != target{}) {
			t.Errorf("parseTarget(%q) = %+v, %v", in, got, err)
		}
	}
}
