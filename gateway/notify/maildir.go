package notify

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"kancelaria/registry"
)

// A Maildir delivers into files, one Maildir for each recipient under a root:
// root/<address>/new/…. Any mail program reads them; an office without a relay
// sees what would have been sent.
type Maildir struct {
	root string
	host string
	now  func() time.Time

	mu   sync.Mutex
	made map[string]bool // addresses whose directories are there; guarded by mu
}

// NewMaildir delivers under a directory, which is made when first needed.
func NewMaildir(root, hostname string, now func() time.Time) *Maildir {
	// The name of a file must not hold "/" or ":" (Maildir).
	host := strings.NewReplacer("/", "\\057", ":", "\\072").Replace(orText(hostname, "localhost"))
	return &Maildir{root: root, host: host, now: now, made: map[string]bool{}}
}

// maxMade bounds what is remembered of directories.
const maxMade = 10_000

// Send writes the mail to tmp, syncs it and moves it to new, so that a reader
// never sees half of it. The name of the file is that of the outbox row: the
// same mail sent again replaces itself while nobody has read it.
func (m *Maildir) Send(_ context.Context, p Parcel) (string, error) {
	name, err := mailboxDir(p.To)
	if err != nil {
		return "", &Failure{Permanent: true, Err: err}
	}
	if err := m.deliver(name, p); err != nil {
		return "", &Failure{Down: true, Err: fmt.Errorf("delivering to the maildir of %s: %w", name, err)}
	}
	return "delivered to " + filepath.Join(filepath.Base(m.root), name), nil
}

func (m *Maildir) deliver(name string, p Parcel) error {
	if err := m.make(name); err != nil {
		return err
	}
	root, err := os.OpenRoot(filepath.Join(m.root, name))
	if err != nil {
		m.forget(name) // somebody took the directory away: make it next time
		return err
	}
	defer root.Close()
	unique := m.unique(p)
	tmp := "tmp/" + unique
	if err := writeSynced(root, tmp, m.letter(p)); err != nil {
		return errors.Join(err, ignoreMissing(root.Remove(tmp)))
	}
	registry.FailBellInTmp.Hit()
	if err := root.Rename(tmp, "new/"+unique); err != nil {
		return errors.Join(err, ignoreMissing(root.Remove(tmp)))
	}
	return syncDir(root, "new")
}

// letter is the mail with the fields that a final delivery adds (RFC 5321
// § 4.4): by them a reader sees the envelope.
func (m *Maildir) letter(p Parcel) []byte {
	head := fmt.Sprintf("Return-Path: <%s>\r\nDelivered-To: %s\r\n", oneLine(p.From, 300), oneLine(p.To, 300))
	return append([]byte(head), p.Row.Rendered...)
}

// unique names a file: the time of the row, the row, the host.
func (m *Maildir) unique(p Parcel) string {
	at := p.Row.CreatedAt
	if at.IsZero() {
		at = m.now()
	}
	return strconv.FormatInt(at.Unix(), 10) + ".R" + safeName(p.Row.ID) + "." + m.host
}

func (m *Maildir) make(name string) error {
	m.mu.Lock()
	known := m.made[name]
	m.mu.Unlock()
	if known {
		return nil
	}
	if err := os.MkdirAll(m.root, 0o750); err != nil {
		return err
	}
	root, err := os.OpenRoot(m.root)
	if err != nil {
		return err
	}
	defer root.Close()
	for _, dir := range []string{name, name + "/tmp", name + "/new", name + "/cur"} {
		if err := root.Mkdir(dir, 0o750); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	for _, dir := range []string{name, "."} {
		if err := syncDir(root, dir); err != nil {
			return err
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.made) >= maxMade {
		clear(m.made)
	}
	m.made[name] = true
	return nil
}

func (m *Maildir) forget(name string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.made, name)
}

// mailboxDir turns an address into the name of its directory. Addresses come
// from strangers: what is not a plain sign of an address becomes "_".
func mailboxDir(address string) (string, error) {
	at := strings.LastIndexByte(address, '@')
	if at < 1 || len(address) > 254 {
		return "", fmt.Errorf("%.60q is not an address", address)
	}
	return safeName(strings.ToLower(address)), nil
}

func safeName(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', strings.ContainsRune("@+-_=.", r):
			return r
		default:
			return '_'
		}
	}, s)
	if strings.Trim(s, ".") == "" || s[0] == '.' {
		return "_" + s
	}
	return s
}

func writeSynced(root *os.Root, name string, content []byte) error {
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o640)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// syncDir makes the names in a directory durable. Some file systems cannot;
// they answer EINVAL.
func syncDir(root *os.Root, name string) error {
	d, err := root.Open(name)
	if err != nil {
		return err
	}
	err = d.Sync()
	if errors.Is(err, syscall.EINVAL) {
		err = nil
	}
	return errors.Join(err, d.Close())
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
