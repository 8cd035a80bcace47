package notify

import (
	"errors"
	"fmt"
	"net"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"kancelaria/registry"
	"kancelaria/testenv"
)

// mailOf is a small mail under a number of its own.
func mailOf(i int) Parcel {
	return Parcel{
		Row: registry.OutboxRow{
			ID:       fmt.Sprintf("%d.0", i),
			Rendered: fmt.Appendf(nil, "From: <kancelaria@aleksandrowo.example>\r\nTo: <os1@aleksandrowo.example>\r\nMessage-ID: <m%d@aleksandrowo.example>\r\nSubject: [RPW-%06d-2026]\r\n\r\n.a line that begins with a stop\r\n..\r\nend\r\n", i, i),
		},
		From: "kancelaria@aleksandrowo.example", To: "os1@aleksandrowo.example",
	}
}

func TestPostfixTakesEachMailWhole(t *testing.T) {
	if testing.Short() {
		t.Skip("needs Postfix")
	}
	const mails = 60
	server := testenv.Postfix(t, testenv.PostfixOptions{})
	relay, err := NewRelay(RelayOptions{Address: "smtp://" + server.Addr, TLS: TLSOpportunistic, Timeout: 20 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer relay.Close()
	if err := relay.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	sendAll := func(from, to int) {
		var wait sync.WaitGroup
		for i := from; i < to; i++ {
			wait.Go(func() {
				if _, err := relay.Send(t.Context(), mailOf(i)); err != nil {
					t.Error(err)
				}
			})
		}
		wait.Wait()
	}
	sendAll(0, mails/2)
	server.Stop(t)
	_, err = relay.Send(t.Context(), mailOf(mails))
	if f, ok := errors.AsType[*Failure](err); !ok || !f.Down {
		t.Errorf("with the server stopped: %v", err)
	}
	server.Start(t)
	sendAll(mails/2, mails)
	testenv.Eventually(t, "all mails arrive", func() error {
		if n := len(server.Letters(t)); n != mails {
			return fmt.Errorf("%d of %d", n, mails)
		}
		return nil
	})
	seen := map[string]int{}
	for _, l := range server.Letters(t) {
		_, id, _ := strings.Cut(string(l), "Message-ID: ")
		id, _, _ = strings.Cut(id, "\n")
		seen[strings.TrimSpace(id)]++
		if !strings.Contains(strings.ReplaceAll(string(l), "\r\n", "\n"), "\n.a line that begins with a stop\n..\nend\n") {
			t.Errorf("%s arrived changed:\n%s", id, l)
		}
	}
	for i := range mails {
		if id := fmt.Sprintf("<m%d@aleksandrowo.example>", i); seen[id] != 1 {
			t.Errorf("%s arrived %d times", id, seen[id])
		}
	}
}

// smtp-sink is Postfix's own contrary server.
func TestAContraryServer(t *testing.T) {
	if testing.Short() {
		t.Skip("needs smtp-sink of Postfix")
	}
	for _, tt := range []struct {
		name            string
		args            []string
		permanent, down bool
	}{
		{"refuses recipients for good", []string{"-f", "RCPT"}, true, false},
		{"refuses recipients for now", []string{"-r", "RCPT"}, false, false},
		{"refuses the mail for good", []string{"-f", "."}, true, false},
		{"refuses the mail for now", []string{"-r", "."}, false, false},
		{"hangs up at the mail", []string{"-q", "DATA"}, false, true},
		{"hangs up at the greeting", []string{"-q", "CONNECT"}, false, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			relay, err := NewRelay(RelayOptions{Address: "smtp://" + sink(t, tt.args...), TLS: TLSOff, Timeout: 10 * time.Second})
			if err != nil {
				t.Fatal(err)
			}
			defer relay.Close()
			_, err = relay.Send(t.Context(), mailOf(1))
			f, ok := errors.AsType[*Failure](err)
			if !ok || f.Permanent != tt.permanent || f.Down != tt.down {
				t.Errorf("err = %+v", err)
			}
		})
	}
}

func sink(t *testing.T, args ...string) (address string) {
	t.Helper()
	program, err := exec.LookPath("smtp-sink")
	if err != nil {
		program = "/usr/sbin/smtp-sink"
	}
	address = net.JoinHostPort("127.0.0.1", strconv.Itoa(testenv.FreePort(t)))
	cmd := exec.Command(program, append(args, "-u", "nobody", address, "16")...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	testenv.Eventually(t, "smtp-sink listens", func() error {
		conn, err := net.DialTimeout("tcp", address, time.Second)
		if err != nil {
			return err
		}
		return conn.Close()
	})
	return address
}
