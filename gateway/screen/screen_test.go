package screen

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"kancelaria/registry"
)

// A zone is a DNS double: names to TXT records. What is not in it does not
// exist; a slow one does not answer in time.
type zone struct {
	txt  map[string]string
	slow bool
}

func (z zone) LookupTXT(ctx context.Context, name string) ([]string, error) {
	if z.slow {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if t, ok := z.txt[strings.TrimSuffix(name, ".")]; ok {
		return []string{t}, nil
	}
	return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
}

func (z zone) LookupMX(context.Context, string) ([]*net.MX, error) {
	return nil, &net.DNSError{IsNotFound: true}
}

func (z zone) LookupIPAddr(context.Context, string) ([]net.IPAddr, error) {
	return nil, &net.DNSError{IsNotFound: true}
}

func (z zone) LookupAddr(context.Context, string) ([]string, error) {
	return nil, &net.DNSError{IsNotFound: true}
}

type letter struct{ *bytes.Reader }

func (letter) Close() error            { return nil }
func (letter) Digest() registry.Digest { return registry.Digest{} }

type letters []byte

func (l letters) Open(context.Context, registry.Item) (registry.OpenOriginal, error) {
	return letter{bytes.NewReader(l)}, nil
}

func mail(peer, from string, relay bool) registry.Item {
	return registry.Item{Door: registry.DoorSMTP, Peer: peer, Envelope: &registry.Envelope{Helo: "mx.sender.example", MailFrom: from, TrustedRelay: relay}}
}

func by(address string, fields ...string) registry.Document {
	return registry.Document{From: []registry.Address{{Email: address}}, Headers: registry.Headers{AuthResults: fields}}
}

func TestWhoWroteItIsToldInFourWords(t *testing.T) {
	dns := map[string]string{
		"sender.example":        "v=spf1 ip4:203.0.113.7 -all",
		"_dmarc.sender.example": "v=DMARC1; p=reject",
		"lax.example":           "v=spf1 ip4:203.0.113.7 -all",
		"_dmarc.lax.example":    "v=DMARC1; p=none",
		"plain.example":         "v=spf1 ip4:203.0.113.7 -all",
	}
	trusted := "mx.office.example; spf=pass smtp.mailfrom=sender.example; dkim=pass header.d=sender.example; dmarc=pass header.from=sender.example"
	forged := "mx.office.example; spf=fail smtp.mailfrom=sender.example; dmarc=fail (p=reject) header.from=sender.example"
	for _, tt := range []struct {
		name string
		it   registry.Item
		doc  registry.Document
		want registry.AuthVerdict
	}{
		{"SPF passes, aligned, with a policy", mail("203.0.113.7:4000", "a@sender.example", false), by("a@sender.example"), registry.Confirmed},
		{"SPF passes for a sub-domain of the author's", mail("203.0.113.7:4000", "a@sender.example", false), by("a@news.sender.example"), registry.Confirmed},
		{"SPF fails and the policy says reject", mail("198.51.100.9:4000", "a@sender.example", false), by("a@sender.example"), registry.Forged},
		{"SPF fails and the policy says nothing", mail("198.51.100.9:4000", "a@lax.example", false), by("a@lax.example"), registry.Unconfirmed},
		{"SPF passes for somebody else", mail("203.0.113.7:4000", "a@plain.example", false), by("a@sender.example"), registry.Forged},
		{"SPF passes without a policy", mail("203.0.113.7:4000", "a@plain.example", false), by("a@plain.example"), registry.Confirmed},
		{"a peer in the house", mail("127.0.0.1:4000", "a@sender.example", false), by("a@sender.example"), registry.Unchecked},
		{"our relay says pass", mail("10.0.0.5:4000", "a@sender.example", true), by("a@sender.example", trusted), registry.Confirmed},
		{"our relay says fail", mail("10.0.0.5:4000", "a@sender.example", true), by("a@sender.example", forged), registry.Forged},
		{"somebody else's results are not believed", mail("10.0.0.5:4000", "a@sender.example", true), by("a@sender.example", strings.Replace(trusted, "mx.office", "mx.evil", 1)), registry.Unchecked},
		{"the sender's own results stand below ours", mail("10.0.0.5:4000", "a@sender.example", true), by("a@sender.example", forged, trusted), registry.Forged},
		{"results in a letter from outside are not believed", mail("198.51.100.9:4000", "a@sender.example", false), by("a@sender.example", trusted), registry.Forged},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := New(Options{Originals: letters("Subject: x\r\n\r\n"), AuthservID: "mx.office.example", Resolver: zone{txt: dns}})
			doc := s.Screen(context.Background(), tt.it, tt.doc)
			if doc.Auth.Verdict != tt.want {
				t.Errorf("verdict %q, want %q (%+v)", doc.Auth.Verdict, tt.want, doc.Auth)
			}
		})
	}
}

func TestASilentResolverIsNotCheckedAndThenLeftInPeace(t *testing.T) {
	now := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	s := New(Options{
		Originals: letters(nil), Resolver: zone{slow: true}, Timeout: time.Millisecond,
		Now: func() time.Time { return now },
	})
	for range patienceTimes {
		doc := s.Screen(context.Background(), mail("203.0.113.7:4000", "a@sender.example", false), by("a@sender.example"))
		if doc.Auth.Verdict != registry.Unchecked {
			t.Fatalf("verdict %q: not answered is not forged", doc.Auth.Verdict)
		}
	}
	if down, _ := s.Down(); !down {
		t.Error("a resolver that never answers is asked again and again")
	}
	now = now.Add(patienceRest)
	if down, _ := s.Down(); down {
		t.Error("it is never asked again")
	}
}

// A clamd is a scanner double: it reads INSTREAM and says what it is told to.
func clamd(t *testing.T, answer string) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = io.CopyN(io.Discard, conn, int64(len("zINSTREAM\x00")))
			for {
				var n uint32
				if binary.Read(conn, binary.BigEndian, &n) != nil || n == 0 {
					break
				}
				_, _ = io.CopyN(io.Discard, conn, int64(n))
			}
			_, _ = io.WriteString(conn, answer)
			_ = conn.Close()
		}
	}()
	return l.Addr().String()
}

func TestTheScannersWordIsKept(t *testing.T) {
	big := letters(bytes.Repeat([]byte("x"), 100_000))
	for _, tt := range []struct {
		name, address, state string
		flag                 registry.Flag
	}{
		{"clean", clamd(t, "stream: OK\x00"), registry.ScanClean, ""},
		{"infected", clamd(t, "stream: Eicar-Test-Signature FOUND\x00"), registry.ScanFound, registry.FlagMalware},
		{"it could not look", clamd(t, "INSTREAM size limit exceeded. ERROR\x00"), registry.ScanNot, registry.FlagNotScanned},
		{"nobody is there", "127.0.0.1:1", registry.ScanNot, registry.FlagNotScanned},
		{"no scanner is configured", "", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := New(Options{Originals: big, Clamd: tt.address})
			doc := s.Screen(context.Background(), registry.Item{Door: registry.DoorFolder}, registry.Document{})
			if doc.Malware.State != tt.state {
				t.Errorf("state %q, want %q", doc.Malware.State, tt.state)
			}
			if tt.flag != "" && (len(doc.Flags) != 1 || doc.Flags[0] != tt.flag) {
				t.Errorf("flags %v, want %s", doc.Flags, tt.flag)
			}
		})
	}
}

func FuzzParseAnswer(f *testing.F) {
	for _, s := range []string{"stream: OK\x00", "stream: X FOUND", ": ", "ERROR"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, answer string) {
		name, err := parseAnswer(answer)
		if err != nil && (name != "" || !errors.Is(err, errScanner)) {
			t.Errorf("%q gives %q and %v", answer, name, err)
		}
	})
}
