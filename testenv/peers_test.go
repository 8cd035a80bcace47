package testenv_test

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"kancelaria/testenv"
)

// TestOtherProgramsAreUnderstood lets programs that we did not write hand in
// letters, each in its own way of speaking.
func TestOtherProgramsAreUnderstood(t *testing.T) {
	lmtp := net.JoinHostPort("127.0.0.1", strconv.Itoa(testenv.FreePort(t)))
	h := testenv.Office(t, testenv.Options{Edit: func(yaml string) string {
		return withUsers(withTLS(withLMTP(yaml, lmtp)))
	}})
	certificate(t, h)
	account(t, h, "skaner", "tajne haslo")
	h.Serve(t)
	host, port, err := net.SplitHostPort(h.SMTP)
	if err != nil {
		t.Fatal(err)
	}
	_, lmtpPort, err := net.SplitHostPort(lmtp)
	if err != nil {
		t.Fatal(err)
	}

	count := 0
	for _, tt := range []struct {
		name    string
		letters int
		send    func(t *testing.T, file string)
	}{
		{"swaks, pipelining", 1, func(t *testing.T, file string) {
			tool(t, "swaks", "--server", h.SMTP, "--pipeline", "--from", "a@resident.example", "--to", h.Mailbox, "--data", "@"+file)
		}},
		{"swaks over TLS", 1, func(t *testing.T, file string) {
			tool(t, "swaks", "--server", h.SMTP, "--tls", "--from", "a@resident.example", "--to", h.Mailbox, "--data", "@"+file)
		}},
		{"swaks, logged in", 1, func(t *testing.T, file string) {
			tool(t, "swaks", "--server", h.SMTP, "--tls", "--auth", "PLAIN", "--auth-user", "skaner", "--auth-password", "tajne haslo",
				"--from", "a@resident.example", "--to", h.Mailbox, "--data", "@"+file)
		}},
		{"swaks, LMTP", 1, func(t *testing.T, file string) {
			tool(t, "swaks", "--server", lmtp, "--protocol", "LMTP", "--from", "a@resident.example", "--to", h.Mailbox, "--data", "@"+file)
		}},
		{"swaks, from the null path", 1, func(t *testing.T, file string) {
			tool(t, "swaks", "--server", h.SMTP, "--from", "<>", "--to", h.Mailbox, "--data", "@"+file)
		}},
		{"curl that demands TLS", 1, func(t *testing.T, file string) {
			tool(t, "curl", "--silent", "--show-error", "--insecure", "--ssl-reqd", "smtp://"+h.SMTP, "--mail-from", "a@resident.example",
				"--mail-rcpt", h.Mailbox, "--upload-file", file)
		}},
		{"Python, 8BITMIME and SIZE", 1, func(t *testing.T, file string) {
			python(t, "import smtplib,sys; s=smtplib.SMTP(sys.argv[1],int(sys.argv[2])); "+
				"s.sendmail('a@resident.example',[sys.argv[3]],open(sys.argv[4],'rb').read(),['BODY=8BITMIME']); s.quit()", host, port, h.Mailbox, file)
		}},
		{"Python, SMTPUTF8", 1, func(t *testing.T, file string) {
			python(t, "import smtplib,sys; s=smtplib.SMTP(sys.argv[1],int(sys.argv[2])); "+
				"s.sendmail('żółw@resident.example',[sys.argv[3]],open(sys.argv[4],'rb').read(),['SMTPUTF8','BODY=8BITMIME']); s.quit()", host, port, h.Mailbox, file)
		}},
		{"Python, LMTP", 1, func(t *testing.T, file string) {
			python(t, "import smtplib,sys; s=smtplib.LMTP(sys.argv[1],int(sys.argv[2])); "+
				"s.sendmail('a@resident.example',[sys.argv[3]],open(sys.argv[4],'rb').read()); s.quit()", host, lmtpPort, h.Mailbox, file)
		}},
		{"Exim, which sends chunks", 1, func(t *testing.T, file string) {
			letter, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			exim := testenv.NewExim(t, h.SMTP)
			exim.Send(t, "a@resident.example", h.Mailbox, append(letter, bytes.Repeat([]byte("..dalej\r\n.\r\n"), 30_000)...))
			if log := exim.Log(t); !strings.Contains(log, " K C=\"250") { // K: in chunks
				t.Errorf("Exim's log: %s", log)
			}
		}},
		{"a sender of chunks", 1, func(t *testing.T, file string) { sendChunks(t, h, file) }},
		{"Postfix's load generator", 40, func(t *testing.T, _ string) {
			tool(t, "smtp-source", "-d", "-s", "4", "-m", "40", "-l", "3000", "-M", "dom.example", "-f", "a@resident.example", "-t", h.Mailbox, h.SMTP)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			letter := compose(h, tt.name)
			tt.send(t, writeFile(t, "a.eml", letter))
			count += tt.letters
			testenv.Eventually(t, "the letters have found their place", func() error {
				if got := len(h.List(t)) + len(strings.Split(h.Run(t, "--json", "beside", "list"), "\n")) - 1; got < count {
					return fmt.Errorf("%d of %d", got, count)
				}
				return nil
			})
		})
	}
	h.Run(t, "verify")
}

func withLMTP(yaml, addr string) string {
	return regexp.MustCompile(`(?m)^#? *lmtp:.*$`).ReplaceAllString(yaml, "lmtp: {listen: "+addr+"}")
}

func withTLS(yaml string) string {
	return regexp.MustCompile(`(?m)^( *)# tls: \{cert:.*$`).ReplaceAllString(yaml, "${1}tls: {cert: poczta.crt, key: poczta.key}")
}

func withUsers(yaml string) string {
	return regexp.MustCompile(`(?m)^( *)# users: .*$`).ReplaceAllString(yaml, "${1}users: smtp-users")
}

// account lets one of the office's own systems log in.
func account(t *testing.T, h *testenv.House, login, password string) {
	t.Helper()
	digest, err := exec.Command("openssl", "passwd", "-6", password).Output()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(h.Dir, "smtp-users"), fmt.Appendf(nil, "%s:%s", login, digest), 0o600); err != nil {
		t.Fatal(err)
	}
}

// certificate makes one for the office's mail server.
func certificate(t *testing.T, h *testenv.House) {
	t.Helper()
	tool(t, "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
		"-subj", "/CN=poczta.aleksandrowo.example", "-addext", "subjectAltName=DNS:poczta.aleksandrowo.example",
		"-keyout", filepath.Join(h.Dir, "poczta.key"), "-out", filepath.Join(h.Dir, "poczta.crt"))
}

func python(t *testing.T, program string, args ...string) {
	t.Helper()
	out, err := exec.Command("python3", append([]string{"-c", program}, args...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("python3: %v\n%s", err, out)
	}
}

// sendChunks speaks BDAT (RFC 3030), as Exim and Exchange do.
func sendChunks(t *testing.T, h *testenv.House, file string) {
	t.Helper()
	letter, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", h.SMTP)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	r := bufio.NewReader(conn)
	say := func(what []byte, want string) {
		t.Helper()
		if _, err := conn.Write(what); err != nil {
			t.Fatal(err)
		}
		for {
			line, err := r.ReadString('\n')
			if err != nil || !strings.HasPrefix(line, want) {
				t.Fatalf("answered %q, %v to %.40q; want %s", line, err, what, want)
			}
			if line[3] == ' ' {
				return
			}
		}
	}
	say(nil, "220")
	say([]byte("EHLO exim.example\r\n"), "250")
	say([]byte("MAIL FROM:<a@resident.example> BODY=8BITMIME\r\n"), "250")
	say([]byte("RCPT TO:<"+h.Mailbox+">\r\n"), "250")
	half := len(letter) / 2
	say(slices.Concat(fmt.Appendf(nil, "BDAT %d\r\n", half), letter[:half]), "250")
	say(slices.Concat(fmt.Appendf(nil, "BDAT %d LAST\r\n", len(letter)-half), letter[half:]), "250")
}
