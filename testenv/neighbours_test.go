package testenv_test

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/smtp"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"kancelaria/testenv"
)

func TestPostgresForgetsNothingInACrash(t *testing.T) {
	pg := testenv.Postgres(t)
	dsn := pg.NewDatabase(t)
	pg.Exec(t, dsn, "CREATE TABLE t (n integer); INSERT INTO t VALUES (41), (42)")
	pg.RestartImmediate(t)
	if got := pg.Exec(t, dsn, "SELECT sum(n) FROM t"); got != "83" {
		t.Errorf("sum = %q, want 83", got)
	}
	pg.Stop(t)
	pg.Start(t)
	if got := pg.Exec(t, dsn, "SELECT count(*) FROM t"); got != "2" {
		t.Errorf("count = %q, want 2", got)
	}
}

func TestPostgresDatabasesAreApart(t *testing.T) {
	pg := testenv.Postgres(t)
	a, b := pg.NewDatabase(t), pg.NewDatabase(t)
	pg.Exec(t, a, "CREATE TABLE only_here (n integer)")
	if got := pg.Exec(t, b, "SELECT count(*) FROM pg_tables WHERE tablename = 'only_here'"); got != "0" {
		t.Errorf("a table of one database is seen %s times in the other", got)
	}
}

func TestSambaKeepsWhatAClientWrites(t *testing.T) {
	smb := testenv.Samba(t, testenv.SambaOptions{
		Shares: []testenv.Share{{Name: "pietro"}, {Name: "archiwum", Settings: []string{"read only = yes"}}},
		Global: []string{"server signing = mandatory"},
	})
	file := filepath.Join(t.TempDir(), "skan.pdf")
	if err := os.WriteFile(file, []byte("%PDF-1.4"), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := smbPut(smb, "pietro", file); err != nil {
		t.Fatalf("writing: %v\n%s", err, out)
	}
	if got, err := os.ReadFile(filepath.Join(smb.Path("pietro"), "skan.pdf")); err != nil || string(got) != "%PDF-1.4" {
		t.Errorf("the share holds %q, %v", got, err)
	}
	if _, err := smbPut(smb, "archiwum", file); err == nil {
		t.Error("a share that is for reading only was written to")
	}
	smb.Stop(t)
	if _, err := smbPut(smb, "pietro", file); err == nil {
		t.Error("a stopped server was written to")
	}
	smb.Start(t)
	if out, err := smbPut(smb, "pietro", file); err != nil {
		t.Errorf("writing after a new start: %v\n%s", err, out)
	}
}

func smbPut(smb *testenv.SMB, share, file string) (string, error) {
	host, port, err := net.SplitHostPort(smb.Addr)
	if err != nil {
		return "", err
	}
	out, err := exec.Command("smbclient", "-p", port, "-U", smb.User+"%"+smb.Password, "//"+host+"/"+share,
		"-c", "put "+file+" "+filepath.Base(file)).CombinedOutput()
	return string(out), err
}

func TestPostfixHandsOnToTheNextHop(t *testing.T) {
	relay := testenv.Postfix(t, testenv.PostfixOptions{})
	front := testenv.Postfix(t, testenv.PostfixOptions{NextHop: "smtp:[127.0.0.1]" + strings.TrimPrefix(relay.Addr, "127.0.0.1")})
	relay.Stop(t)
	letter := "From: a@resident.example\r\nTo: urzad@aleksandrowo.example\r\nSubject: Wniosek\r\n\r\nProszę.\r\n"
	if err := smtp.SendMail(front.Addr, nil, "a@resident.example", []string{"urzad@aleksandrowo.example"}, []byte(letter)); err != nil {
		t.Fatal(err)
	}
	if got := front.Queued(t); got != 1 {
		t.Errorf("%d letters are queued while the relay is away, want 1", got)
	}
	relay.Start(t)
	front.Flush(t)
	testenv.Eventually(t, "the letter reaches the relay", func() error {
		if n := len(relay.Letters(t)); n != 1 {
			return fmt.Errorf("%d letters, want 1\n%s", n, front.Log(t))
		}
		return nil
	})
	if got := string(relay.Letters(t)[0]); !strings.Contains(got, "Subject: Wniosek\n") {
		t.Errorf("the relay received %q", got)
	}
}

func TestClamdFindsTheTestFile(t *testing.T) {
	socket := testenv.Clamd(t)
	for _, tt := range []struct {
		name string
		file []byte
		want string
	}{
		{"a harmless letter", []byte("Wniosek"), "stream: OK\x00"},
		{"the test file", testenv.EICAR(), "stream: Eicar-Test-Signature.UNOFFICIAL FOUND\x00"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			conn, err := net.Dial("unix", socket)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			stream := binary.BigEndian.AppendUint32([]byte("zINSTREAM\x00"), uint32(len(tt.file)))
			stream = append(append(stream, tt.file...), 0, 0, 0, 0)
			if _, err := conn.Write(stream); err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(conn)
			if err != nil || string(got) != tt.want {
				t.Errorf("the scanner says %q, %v; want %q", got, err, tt.want)
			}
		})
	}
}
