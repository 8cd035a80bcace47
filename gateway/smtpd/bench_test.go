package smtpd

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/emersion/go-smtp"

	"kancelaria/registry"
)

// A sink takes everything and keeps nothing: what is measured is the door.
type sink struct{}

func (sink) Put(_ context.Context, items []registry.Item, r io.Reader) ([]registry.Item, error) {
	return items, discard(r)
}

func discard(r io.Reader) error {
	_, err := io.Copy(struct{ io.Writer }{io.Discard}, r)
	return err
}

// bare is the library alone, the bound of what can be had with it.
type bare struct{}

func (bare) Mail(string, *smtp.MailOptions) error { return nil }
func (bare) Rcpt(string, *smtp.RcptOptions) error { return nil }
func (bare) Data(r io.Reader) error               { return discard(r) }
func (bare) Reset()                               {}
func (bare) Logout() error                        { return nil }

func openBare(b *testing.B) string {
	b.Helper()
	s := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return bare{}, nil }))
	s.Domain = "bare.example"
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	go func() { _ = s.Serve(l) }()
	b.Cleanup(func() { _ = s.Close() })
	return l.Addr().String()
}

func BenchmarkAccept(b *testing.B) {
	line := "Zwykly wiersz pisma do urzedu, siedemdziesiat szesc znakow razem z koncem.\r\n"
	for _, size := range []int{4 << 10, 64 << 10, 1 << 20} {
		text := "Subject: Wniosek\r\n\r\n" + strings.Repeat(line, size/len(line))
		data, chunk := []byte(text+".\r\n"), fmt.Appendf(nil, "BDAT %d LAST\r\n%s", len(text), text)
		b.Run(fmt.Sprintf("door/DATA/%dKB", size>>10), func(b *testing.B) { hammer(b, doorFor(b), "DATA\r\n", data) })
		b.Run(fmt.Sprintf("door/BDAT/%dKB", size>>10), func(b *testing.B) { hammer(b, doorFor(b), "", chunk) })
		b.Run(fmt.Sprintf("library/DATA/%dKB", size>>10), func(b *testing.B) { hammer(b, openBare(b), "DATA\r\n", data) })
		b.Run(fmt.Sprintf("library/BDAT/%dKB", size>>10), func(b *testing.B) { hammer(b, openBare(b), "", chunk) })
	}
}

func doorFor(b *testing.B) string {
	b.Helper()
	d := openDoor(b, Options{Spool: sink{}, SMTP: []string{"127.0.0.1:0"}, TrustedRelays: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	return d.Addrs()[0].Address
}

// hammer sends letters as fast as they are taken.
func hammer(b *testing.B, address, command string, body []byte) {
	b.Helper()
	b.SetBytes(int64(len(body)))
	b.RunParallel(func(pb *testing.PB) {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			b.Error(err)
			return
		}
		k := newTalk(b, conn)
		k.expect("220 ")
		k.want("EHLO x.example", "250 ")
		for pb.Next() {
			k.send("MAIL FROM:<jan@resident.example>\r\nRCPT TO:<urzad@aleksandrowo.example>\r\n" + command)
			k.expect("250 ")
			k.expect("250 ")
			if command != "" {
				k.expect("354 ")
			}
			if _, err := conn.Write(body); err != nil {
				b.Error(err)
				return
			}
			k.expect("250 ")
		}
	})
}
