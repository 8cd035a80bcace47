package testenv_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/mail"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"kancelaria/testenv"
)

// A mayor has a certificate of their own, as openssl makes it.
type mayor struct {
	h           *testenv.House
	key, cert   string // files
	fingerprint string
}

func newMayor(t *testing.T, name string) *mayor {
	t.Helper()
	dir := t.TempDir()
	m := &mayor{key: filepath.Join(dir, name+".key"), cert: filepath.Join(dir, name+".crt")}
	tool(t, "openssl", "req", "-x509", "-newkey", "rsa:3072", "-nodes", "-keyout", m.key, "-out", m.cert, "-days", "30",
		"-subj", "/CN="+name, "-addext", "keyUsage=digitalSignature,nonRepudiation", "-addext", "subjectAltName=email:"+name+"@aleksandrowo.example")
	b, err := os.ReadFile(m.cert)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(b)
	sum := sha256.Sum256(block.Bytes)
	m.fingerprint = hex.EncodeToString(sum[:])
	return m
}

// asked waits for the request in the mayor's mailbox and gives its text and the
// address to answer to.
func (m *mayor) asked(t *testing.T, n int) (text, replyTo string) {
	t.Helper()
	testenv.Eventually(t, "the mayor is asked", func() error {
		files, err := filepath.Glob(filepath.Join(m.h.Dir, "mail", "bm@*", "new", "*"))
		if err != nil {
			return err
		}
		found := 0
		for _, f := range files {
			raw, err := os.ReadFile(f)
			if err != nil {
				return err
			}
			msg, err := mail.ReadMessage(bytes.NewReader(raw))
			if err != nil {
				return err
			}
			subject, err := new(mime.WordDecoder).DecodeHeader(msg.Header.Get("Subject"))
			if err != nil || !strings.Contains(subject, "akceptacj") {
				continue
			}
			if found++; found < n {
				continue
			}
			body, err := io.ReadAll(msg.Body)
			if err != nil {
				return err
			}
			text = unquoted(string(body))
			to, err := mail.ParseAddress(msg.Header.Get("Reply-To"))
			if err != nil {
				return err
			}
			replyTo = to.Address
			return nil
		}
		return errors.New("no request yet")
	})
	return text, replyTo
}

// unquoted undoes quoted-printable well enough for a line of ASCII.
func unquoted(s string) string {
	s = strings.ReplaceAll(s, "\r\n", "\n")
	s = strings.ReplaceAll(s, "=\n", "")
	return strings.ReplaceAll(s, "=3D", "=")
}

// answers sends a mail signed by openssl.
func (m *mayor) answers(t *testing.T, to, text string, options ...string) {
	t.Helper()
	dir := t.TempDir()
	body := filepath.Join(dir, "body")
	if err := os.WriteFile(body, []byte("Content-Type: text/plain; charset=us-ascii\r\n\r\n"+text+"\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	args := append([]string{
		"cms", "-sign", "-in", body, "-signer", m.cert, "-inkey", m.key, "-md", "sha256", "-crlfeol",
		"-from", "bm@aleksandrowo.example", "-to", to, "-subject", "Re: akceptacja",
	}, options...)
	signed, err := exec.Command("openssl", args...).Output()
	if err != nil {
		t.Fatalf("openssl cms: %v", err)
	}
	m.send(t, to, signed)
}

func (m *mayor) send(t *testing.T, to string, letter []byte) {
	t.Helper()
	letter = bytes.ReplaceAll(bytes.ReplaceAll(letter, []byte("\r\n"), []byte("\n")), []byte("\n"), []byte("\r\n"))
	code, answer, err := handAs(m.h.SMTP, "bm@aleksandrowo.example", to, letter)
	if err != nil || code != 250 {
		t.Fatalf("answering: %d %s, %v", code, answer, err)
	}
}

// An approvalLine is what approval list prints.
type approvalLine struct {
	Status  string `json:"status"`
	Tried   int    `json:"tried"`
	Request struct {
		ID string `json:"id"`
	} `json:"request"`
}

func approvalsOf(t *testing.T, h *testenv.House, number string) (all []approvalLine) {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(h.Run(t, "--json", "approval", "list", number)))
	for {
		var l approvalLine
		if err := dec.Decode(&l); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, l)
	}
}

func waitForApproval(t *testing.T, h *testenv.House, number string, i int, status string, tried int) {
	t.Helper()
	testenv.Eventually(t, "the request is "+status, func() error {
		all := approvalsOf(t, h, number)
		if len(all) <= i || all[i].Status != status || all[i].Tried != tried {
			return fmt.Errorf("%+v", all)
		}
		return nil
	})
}

var decision = regexp.MustCompile(`(?m)^DECYZJA: TAK NR: .*$`)

func TestTheMayorApprovesWithASignature(t *testing.T) {
	eachStore(t, func(t *testing.T, o testenv.Options) {
		m, stranger := newMayor(t, "bm"), newMayor(t, "obcy")
		h := testenv.Office(t, o)
		h.EditFile(t, "office.yaml", func(yaml string) string {
			return yaml + "\napprovers:\n  burmistrz:\n    - {clerk: bm, certificate: " + m.fingerprint + ", from: 2024-05-07}\n"
		})
		h.Serve(t)
		m.h, stranger.h = h, h
		mustHand(t, h, compose(h, "pismo do akceptacji"))
		number := h.WaitFor(t, 1)[0].Number

		h.Run(t, "approval", "ask", number, "--of", "burmistrz", "--by", "sek", "--reason", "do podpisu")
		if again := h.Try(t, "approval", "ask", number, "--of", "burmistrz"); again.Code == 0 || !strings.Contains(again.Stderr, "asked for it already") {
			t.Errorf("asked twice: %+v", again)
		}
		text, to := m.asked(t, 1)
		line := decision.FindString(text)
		if line == "" {
			t.Fatalf("the request holds no decision line:\n%s", text)
		}

		stranger.answers(t, to, line)
		waitForApproval(t, h, number, 0, "open", 1)
		m.answers(t, to, strings.Replace(line, "KOD: ", "KOD: x", 1))
		waitForApproval(t, h, number, 0, "open", 2)
		m.send(t, to, []byte("From: bm@aleksandrowo.example\r\nTo: "+to+"\r\nSubject: Re\r\nMessage-ID: <plain@aleksandrowo.example>\r\n\r\n"+line+"\r\n"))
		waitForApproval(t, h, number, 0, "open", 3)
		m.answers(t, to, line)
		waitForApproval(t, h, number, 0, "approved", 3)
		m.answers(t, to, strings.Replace(line, "TAK", "NIE", 1), "-nodetach")
		waitForApproval(t, h, number, 0, "approved", 4)

		// A signed file: the document itself and a signature beside it.
		h.Run(t, "approval", "ask", number, "--of", "burmistrz", "--by", "sek")
		_, to = m.asked(t, 2)
		m.send(t, to, m.filed(t, to, h.Original(t, number)))
		waitForApproval(t, h, number, 1, "approved", 0)

		if shown := h.Run(t, "approval", "show", number); !strings.Contains(shown, m.fingerprint) {
			t.Errorf("approval show does not name the certificate:\n%s", shown)
		}
		h.Run(t, "verify")
	})
}

// filed writes a mail with a file and a detached signature over it.
func (m *mayor) filed(t *testing.T, to string, file []byte) []byte {
	t.Helper()
	dir := t.TempDir()
	in, out := filepath.Join(dir, "pismo.bin"), filepath.Join(dir, "pismo.bin.p7s")
	if err := os.WriteFile(in, file, 0o600); err != nil {
		t.Fatal(err)
	}
	tool(t, "openssl", "cms", "-sign", "-binary", "-in", in, "-signer", m.cert, "-inkey", m.key, "-md", "sha256", "-outform", "DER", "-out", out)
	signature, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "From: bm@aleksandrowo.example\nTo: %s\nSubject: Re: akceptacja\nMessage-ID: <filed@aleksandrowo.example>\nMIME-Version: 1.0\n"+
		"Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\nW załączeniu.\n", to)
	for name, content := range map[string][]byte{"pismo.bin": file, "pismo.bin.p7s": signature} {
		fmt.Fprintf(&b, "--b\nContent-Type: application/octet-stream; name=%s\nContent-Disposition: attachment; filename=%s\nContent-Transfer-Encoding: base64\n\n%s\n", name, name, base64.StdEncoding.EncodeToString(content))
	}
	b.WriteString("--b--\n")
	return b.Bytes()
}
