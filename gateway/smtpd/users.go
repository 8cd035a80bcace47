package smtpd

import (
	"bufio"
	"crypto/subtle"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"
)

// Users are the office's own systems that may log in: a file of lines
// "login:digest", the digest as "openssl passwd -6" makes it. Empty lines and
// those that begin with # are skipped. A changed file is read again.
type Users struct {
	file string
	log  *slog.Logger

	mu      sync.Mutex
	stamp   time.Time
	digests map[string]string
}

// LoadUsers reads the file.
func LoadUsers(file string, log *slog.Logger) (*Users, error) {
	u := &Users{file: file, log: log}
	if u.log == nil {
		u.log = slog.New(slog.DiscardHandler)
	}
	info, err := os.Stat(file)
	if err != nil {
		return nil, fmt.Errorf("reading who may log in: %w", err)
	}
	digests, err := readUsers(file)
	if err != nil {
		return nil, fmt.Errorf("reading who may log in: %w", err)
	}
	u.stamp, u.digests = info.ModTime(), digests
	return u, nil
}

// Check reports whether the password is the user's. An unknown user takes as
// long to refuse as a known one.
func (u *Users) Check(user, password string) bool {
	if password == "" || len(password) > maxPassword {
		return false
	}
	digest, known := u.current()[user]
	if !known {
		digest = nobody
	}
	made, ok := sha512Crypt(password, digest)
	return ok && subtle.ConstantTimeCompare([]byte(made), []byte(digest)) == 1 && known
}

// maxPassword bounds the work: digesting takes the square of the length.
const maxPassword = 256

// nobody's digest is no password's: its end is too short.
const nobody = "$6$nobody$nobody"

// current gives the digests in force. A file that cannot be read leaves the old
// ones in force and is complained of once.
func (u *Users) current() map[string]string {
	u.mu.Lock()
	defer u.mu.Unlock()
	info, err := os.Stat(u.file)
	if err != nil || info.ModTime().Equal(u.stamp) {
		return u.digests // a file that is being replaced is looked at next time
	}
	u.stamp = info.ModTime()
	digests, err := readUsers(u.file)
	if err != nil {
		u.log.Error("smtpd.users", "err", err)
		return u.digests
	}
	u.digests = digests
	return digests
}

func readUsers(file string) (map[string]string, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	digests := map[string]string{}
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		user, digest, ok := strings.Cut(line, ":")
		if _, readable := sha512Crypt("", digest); !ok || user == "" || !readable {
			return nil, fmt.Errorf("%s:%d: want login:digest, the digest made by \"openssl passwd -6\"", file, n)
		}
		if digests[user] != "" {
			return nil, fmt.Errorf("%s:%d: %q may log in already", file, n, user)
		}
		digests[user] = digest
	}
	return digests, lines.Err()
}
