package smtpd

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Made by "openssl passwd -6"; the last by crypt(3).
var crypted = []struct{ password, digest string }{
	{"Hello world!", "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1"},
	{"zażółć", "$6$saltstring$A4nSTRJVEdpfsY60qDRdMtE0u8hfaTMA0pkV3FSlPpxKS0JLkzlj1y3x5a7htpWXoxp/4e/Vu3xtTqrDoADSJ."},
	{"a password longer than sixty-four bytes, so that every loop turns more than once", "$6$saltstring$D4bweiayMl3aKwvxnESBihFoYrEkyoEAlRjdmf/DZO1QXSBx0nIk7vZ21Xj99Y.ZZy05quWyuhMuSQ2Q6CQ5A/"},
	{"Hello world!", "$6$rounds=10000$saltstringsaltst$OW1/O6BYHV6BcXZu8QVeXbDWra3Oeqh0sbHbbMCVNSnCM/UrjmM0Dp8vOuZeHBy/YTBmSK6H9qs/y3RnOaw5v."},
}

func TestDigestsAreThoseOfCrypt(t *testing.T) {
	for _, tt := range crypted {
		if got, ok := sha512Crypt(tt.password, tt.digest); !ok || got != tt.digest {
			t.Errorf("%q gives %s, want %s", tt.password, got, tt.digest)
		}
	}
	for _, bad := range []string{"", "haslo", "$5$salt$x", "$6$", "$6$onlysalt", "$6$saltthatismuchtoolong$x", "$6$rounds=9$salt$x", "$6$rounds=99999999$salt$x", "$6$rounds=x$salt$x"} {
		if _, ok := sha512Crypt("haslo", bad); ok {
			t.Errorf("%q counts as a digest", bad)
		}
	}
}

// testUsers are ksero with the password haslo, and drukarka with a long one.
func testUsers(t testing.TB) *Users {
	t.Helper()
	haslo, _ := sha512Crypt("haslo", "$6$rounds=1000$sol$")
	file := filepath.Join(t.TempDir(), "users")
	writeFile(t, file, []byte("# the office's own systems\n\nksero:"+haslo+"\n drukarka:"+crypted[2].digest+" \n"))
	u, err := LoadUsers(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestOnlyTheRightPasswordLogsIn(t *testing.T) {
	u := testUsers(t)
	for _, tt := range []struct {
		user, password string
		want           bool
	}{
		{"ksero", "haslo", true},
		{"drukarka", crypted[2].password, true},
		{"ksero", "Haslo", false},
		{"ksero", "", false},
		{"KSERO", "haslo", false},
		{"drukarka", "haslo", false},
		{"nikt", "nobody", false},
		{"", "", false},
		{"# the office's own systems", "", false},
		{"ksero", strings.Repeat("x", maxPassword+1), false},
	} {
		if got := u.Check(tt.user, tt.password); got != tt.want {
			t.Errorf("Check(%q, %q) = %t", tt.user, tt.password, got)
		}
	}
}

func TestUsersAreReadAgainWhenTheyChange(t *testing.T) {
	file := filepath.Join(t.TempDir(), "users")
	write := func(text string, later time.Duration) {
		t.Helper()
		writeFile(t, file, []byte(text))
		if err := os.Chtimes(file, time.Time{}, time.Now().Add(later)); err != nil {
			t.Fatal(err)
		}
	}
	var complaints bytes.Buffer
	write("ksero:"+crypted[0].digest+"\n", 0)
	u, err := LoadUsers(file, slog.New(slog.NewTextHandler(&complaints, nil)))
	if err != nil {
		t.Fatal(err)
	}
	write("drukarka:"+crypted[0].digest+"\n", time.Second)
	if u.Check("ksero", "Hello world!") || !u.Check("drukarka", "Hello world!") {
		t.Error("the old file is in force")
	}
	write("drukarka:haslo\n", 2*time.Second)
	for range 2 {
		if !u.Check("drukarka", "Hello world!") {
			t.Error("a broken file took the users away")
		}
	}
	if got := complaints.String(); strings.Count(got, "smtpd.users") != 1 || !strings.Contains(got, "users:1: want login:digest") || strings.Contains(got, "haslo") {
		t.Errorf("complained %q", got)
	}
	for _, bad := range []string{"ksero\n", ":" + crypted[0].digest, "ksero:haslo", "a:" + crypted[0].digest + "\na:" + crypted[0].digest} {
		write(bad, 3*time.Second)
		if _, err := LoadUsers(file, nil); err == nil {
			t.Errorf("%q is read", bad)
		}
	}
	if _, err := LoadUsers(filepath.Join(t.TempDir(), "none"), nil); err == nil {
		t.Error("a missing file is read")
	}
}
