package smtpd

import (
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"kancelaria/registry"
)

// peer finds a program that plays a real peer.
func peer(t *testing.T, name, pkg string) string {
	t.Helper()
	if testing.Short() {
		t.Skip("needs " + name)
	}
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%s is not installed: apt-get install %s", name, pkg)
	}
	return path
}

func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

func openForPeers(t *testing.T) (d *door, smtp, smtps, socket, lmtp string) {
	t.Helper()
	socket = filepath.Join(t.TempDir(), "lmtp.sock")
	d = openTLS(t, Options{
		SMTP: []string{"127.0.0.1:0"}, SMTPS: []string{"127.0.0.1:0"}, LMTP: []string{"unix:" + socket, "127.0.0.1:0"},
		TrustedRelays: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Outcomes: &numbers{}, WaitForNumber: 20e9,
	})
	at := d.Addrs()
	return d, at[0].Address, at[1].Address, socket, at[3].Address
}

func TestSwaks(t *testing.T) {
	swaks := peer(t, "swaks", "swaks")
	if err := exec.Command(peer(t, "perl", "perl"), "-MNet::SSLeay", "-e1").Run(); err != nil {
		t.Fatal("swaks cannot speak TLS: apt-get install libnet-ssleay-perl")
	}
	d, smtp, smtps, socket, lmtp := openForPeers(t)
	letter := filepath.Join(t.TempDir(), "letter.eml")
	text := "From: Jan <jan@resident.example>\nTo: urzad@aleksandrowo.example\nSubject: =?utf-8?q?wycinka_d=C4=99bu?=\n\n.dot\n..two\nza\xc5\xbc\xc3\xb3\xc5\x82\xc4\x87\n"
	writeFile(t, letter, []byte(text))
	to := []string{"--from", "jan@resident.example", "--to", "urzad@aleksandrowo.example", "--data", "@" + letter, "--helo", "resident.example"}
	for _, tt := range []struct {
		name string
		args []string
		says string
		look func(registry.Item) bool
	}{
		{"plain", []string{"--server", smtp}, "250 2.0.0 Registered as RPW-", func(it registry.Item) bool { return it.Envelope.TLS == "" }},
		{"pipelined", []string{"--server", smtp, "--pipeline"}, "250 2.0.0 Registered as RPW-", func(it registry.Item) bool { return it.Door == registry.DoorSMTP }},
		{"STARTTLS", []string{"--server", smtp, "--tls"}, "250 2.0.0 Registered as RPW-", func(it registry.Item) bool { return strings.HasPrefix(it.Envelope.TLS, "TLS1.") }},
		{"TLS from the first byte", []string{"--server", smtps, "--tls-on-connect"}, "250 2.0.0 Registered as RPW-", func(it registry.Item) bool { return it.Envelope.TLS != "" }},
		{"logged in", []string{"--server", smtp, "--tls", "--auth", "PLAIN", "--auth-user", "ksero", "--auth-password", "haslo"}, "235 2.0.0 ", func(it registry.Item) bool { return it.Envelope.Auth == "ksero" }},
		{"LMTP on a socket", []string{"--socket", socket, "--protocol", "LMTP"}, "250 2.0.0 <urzad@aleksandrowo.example> Registered as RPW-", func(it registry.Item) bool {
			return it.Door == registry.DoorLMTP && it.Envelope.TrustedRelay && it.Peer == ""
		}},
		{"LMTP over TCP", []string{"--server", lmtp, "--protocol", "LMTP"}, "250 2.0.0 <urzad@aleksandrowo.example> Registered as RPW-", func(it registry.Item) bool { return it.Peer == "127.0.0.1" }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d.spool.forget()
			out := run(t, swaks, append(tt.args, to...)...)
			if !strings.Contains(out, tt.says) {
				t.Errorf("no %q in:\n%s", tt.says, out)
			}
			items, letters := d.spool.kept()
			if len(items) != 1 || !tt.look(items[0]) {
				t.Fatalf("kept %+v", items)
			}
			if got, want := letters[0], strings.ReplaceAll(text, "\n", "\r\n"); strings.TrimRight(got, "\r\n") != strings.TrimRight(want, "\r\n") {
				t.Errorf("letter = %q, want %q", got, want)
			}
		})
	}
	t.Run("connection dropped in the letter", func(t *testing.T) {
		d.spool.forget()
		run(t, swaks, append([]string{"--server", smtp, "--drop-after-send", "DATA"}, to...)...)
		d.waitFor(t, "he has gone", func() bool { return d.Count().Connections == 0 })
		if items, _ := d.spool.kept(); len(items) != 0 {
			t.Errorf("kept %d", len(items))
		}
	})
}

func TestPythonsSmtplib(t *testing.T) {
	python := peer(t, "python3", "python3")
	d, smtp, smtps, socket, _ := openForPeers(t)
	script := filepath.Join(t.TempDir(), "peer.py")
	writeFile(t, script, []byte(`
import email.message, email.policy, smtplib, ssl, sys
smtp, smtps, socket = sys.argv[1:]
clear = ssl.create_default_context(); clear.check_hostname = False; clear.verify_mode = ssl.CERT_NONE
def port(a): h, p = a.rsplit(":", 1); return h, int(p)
m = email.message.EmailMessage(policy=email.policy.SMTPUTF8)
m["From"] = "zażółć@gęślą.example"; m["To"] = "urzad@aleksandrowo.example"; m["Subject"] = "Wniosek o wycinkę dębu"
m.set_content("..\n.\nZażółć gęślą jaźń\n" + "x" * 3000 + "\n", cte="8bit")
s = smtplib.SMTP(*port(smtp)); s.starttls(context=clear); s.send_message(m); s.quit()
s = smtplib.SMTP_SSL(*port(smtps), context=clear); s.login("ksero", "haslo")
s.sendmail("jan@resident.example", ["urzad@aleksandrowo.example", "os1@aleksandrowo.example", "sygnalista@aleksandrowo.example"], "a\r\n.\r\nb")
refused = s.sendmail("jan@resident.example", ["urzad@aleksandrowo.example", "nikt@aleksandrowo.example"], "partly\r\n")
assert list(refused) == ["nikt@aleksandrowo.example"] and refused["nikt@aleksandrowo.example"][0] == 550, refused
try: s.sendmail("jan@resident.example", ["jan@resident.example"], "relay"); sys.exit("relayed")
except smtplib.SMTPRecipientsRefused: pass
s.quit()
s = smtplib.LMTP(socket); refused = s.sendmail("", ["urzad@aleksandrowo.example"], "local\r\n"); assert not refused; s.quit()
`))
	run(t, python, script, smtp, smtps, socket)
	items, letters := d.spool.kept()
	if len(items) != 5 {
		t.Fatalf("kept %d items, want 5", len(items))
	}
	if e := items[0].Envelope; e.MailFrom != "zażółć@gęślą.example" || !e.UTF8 || e.BodyType != "8BITMIME" || !strings.Contains(letters[0], "\r\n\r\n..\r\n.\r\nZażółć gęślą jaźń\r\n") {
		t.Errorf("letter in Polish: %+v %q", e, letters[0])
	}
	if letters[1] != "a\r\n.\r\nb\r\n" || items[1].Register != "RPW" || items[2].Register != "ZS" || letters[2] != letters[1] {
		t.Errorf("letter to three: %q in %s and %s", letters[1], items[1].Register, items[2].Register)
	}
	if letters[3] != "partly\r\n" || letters[4] != "local\r\n" || items[4].Envelope.MailFrom != "" {
		t.Errorf("letters %q", letters[3:])
	}
}

func TestCurl(t *testing.T) {
	curl := peer(t, "curl", "curl")
	d, smtp, _, _, _ := openForPeers(t)
	letter := filepath.Join(t.TempDir(), "letter.eml")
	if err := os.WriteFile(letter, []byte("Subject: x\r\n\r\n.\r\ny\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, curl, "-sS", "smtp://"+smtp+"/resident.example", "--ssl-reqd", "--insecure", "--mail-from", "jan@resident.example", "--mail-rcpt", "urzad@aleksandrowo.example", "--upload-file", letter)
	if _, letters := d.spool.kept(); len(letters) != 1 || letters[0] != "Subject: x\r\n\r\n.\r\ny\r\n" {
		t.Errorf("kept %q", letters)
	}
}
