package share

import (
	"encoding/binary"
	"errors"
	"strings"
	"testing"
	"time"
)

func TestAShareIsNamedAsWindowsAndUnixNameIt(t *testing.T) {
	for _, tt := range []struct {
		name, given string
		want        place
		bad         bool
	}{
		{"a folder on a share", "//serwer/skany/pietro/1", place{"serwer:445", "serwer", "skany", "pietro/1"}, false},
		{"with backslashes", `\\serwer\skany`, place{"serwer:445", "serwer", "skany", ""}, false},
		{"with a port", "smb://127.0.0.1:4455/skany/", place{"127.0.0.1:4455", "127.0.0.1", "skany", ""}, false},
		{"no share", "//serwer", place{}, true},
		{"a path", "/srv/skany", place{}, true},
		{"a way out", "//serwer/skany/../c$", place{}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := parsePlace(tt.given)
			if got != tt.want || (err != nil) != tt.bad {
				t.Errorf("place = %+v, %v; want %+v", got, err, tt.want)
			}
		})
	}
}

func TestNamesThatLeadElsewhereAreRefused(t *testing.T) {
	for _, name := range []string{"", ".", "..", "a/b", `..\..\c`, "a:strumień", "a\x00b", "a\nb", "CON*", `"`} {
		if plain(name) {
			t.Errorf("%q was taken for the name of a file", name)
		}
	}
	for _, name := range []string{"zażółć gęślą jaźń.pdf", "U58X79~B.PDF", "Zdje\u0328cie (2).jpg", "📄.pdf"} {
		if !plain(name) {
			t.Errorf("%q was refused", name)
		}
	}
	at := place{folder: "skany"}
	for _, path := range []string{"../x", `a\b`, "a/../../b", "a:b"} {
		if got, err := at.within(path); err == nil {
			t.Errorf("%q became %q", path, got)
		}
	}
}

func TestAnAccountIsNotLocked(t *testing.T) {
	now := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	g := NewGuard(func() time.Time { return now })
	old, changed := account{user: "skaner", password: [32]byte{1}}, account{user: "skaner", password: [32]byte{2}}
	tries := 0
	try := func(a account, err error) {
		if g.allow(a) == nil {
			tries++
			g.told(a, err)
		}
	}
	for range 14 * 60 { // a watcher that tries each second
		try(old, ErrLogon)
		now = now.Add(time.Second)
	}
	if tries != maxRefused {
		t.Errorf("%d logons in 14 minutes, want %d", tries, maxRefused)
	}
	now = now.Add(2 * time.Minute)
	try(old, ErrLogon)
	try(old, ErrLogon)
	if tries != maxRefused+1 {
		t.Errorf("%d logons after the pause, want one more", tries-maxRefused)
	}
	try(changed, nil)
	if tries != maxRefused+2 {
		t.Error("a changed password had to wait")
	}
	try(old, errors.New("the server is down"))
	if err := g.allow(old); err != nil {
		t.Errorf("a server that is down counts as a refusal: %v", err)
	}
}

// frame is one message of a server as it comes over the wire.
func frame(protocol byte, command uint16, field uint16) []byte {
	m := make([]byte, 100)
	copy(m, []byte{protocol, 'S', 'M', 'B'})
	binary.LittleEndian.PutUint16(m[12:], command)
	binary.LittleEndian.PutUint16(m[66:], field)
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(m))), m...)
}

func TestTheWireHearsWhatTheServerSays(t *testing.T) {
	var all []byte
	all = append(all, frame(0xfe, 0, 3)...) // signing demanded
	all = append(all, frame(0xfe, 1, 1)...) // a guest
	all = append(all, frame(0xfd, 0, 0)...) // encrypted
	for _, size := range []int{1, 3, 7, 104, len(all)} {
		w := &wire{}
		for rest := all; len(rest) > 0; {
			n := min(size, len(rest))
			w.follow(rest[:n])
			rest = rest[n:]
		}
		if !w.demandsSigning() || !w.isGuest() || !w.isEncrypted() || w.greeting() != nil {
			t.Errorf("in pieces of %d: signing %v, guest %v, encrypted %v, greeting %v", size, w.signing, w.guest, w.encrypted, w.greeting())
		}
	}
	w := &wire{}
	w.follow(frame(0xff, 0x72, 0))
	if !errors.Is(w.greeting(), ErrSetting) || !strings.Contains(w.greeting().Error(), "SMB 1") {
		t.Errorf("greeting in SMB 1: %v", w.greeting())
	}
}

func FuzzWire(f *testing.F) {
	f.Add(frame(0xfe, 0, 3), 5)
	f.Add([]byte{0, 0, 0, 2, 1}, 1)
	f.Fuzz(func(t *testing.T, data []byte, size int) {
		size = max(1, min(size, 1<<16))
		whole, pieces := &wire{}, &wire{}
		whole.follow(data)
		for rest := data; len(rest) > 0; {
			n := min(size, len(rest))
			pieces.follow(rest[:n])
			rest = rest[n:]
		}
		if whole.signing != pieces.signing || whole.guest != pieces.guest || whole.encrypted != pieces.encrypted || len(whole.head) > headSize {
			t.Errorf("whole and in pieces of %d it hears otherwise", size)
		}
	})
}
