package share

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"kancelaria/gateway/drop"
	"kancelaria/testenv"
)

func TestDropsOnARealShare(t *testing.T) {
	t.Parallel()
	server := testenv.Samba(t, testenv.SambaOptions{Shares: []testenv.Share{
		{Name: "skany"},
		{Name: "ro", Settings: []string{"read only = yes"}},
		{Name: "kosz", Settings: []string{"vfs objects = recycle", "recycle:repository = .kosz", "recycle:versions = yes"}},
		{Name: "veto", Settings: []string{"veto files = /*.exe/.kancelaria/"}},
	}})
	for _, tt := range []struct {
		name string
		test func(t *testing.T, server *testenv.SMB, driver string)
	}{
		{"names of every kind, each file once", namesOfEveryKind},
		{"a slow scanner, and a name used again", slowScanner},
		{"a file beyond the limit is refused unread", beyondTheLimit},
		{"a stop in every state", stopInEveryState},
		{"two gateways on one share", twoGateways},
		{"a read-only share is left as it is", readOnly},
		{"a share where we may not write", mayNotWrite},
		{"a share with a recycle bin", recycled},
		{"a share that hides our folder", vetoed},
		{"a silent gateway's claims are taken over", takenOver},
	} {
		t.Run(tt.name, func(t *testing.T) { both(t, func(t *testing.T, d string) { tt.test(t, server, d) }) })
	}
}

func namesOfEveryKind(t *testing.T, server *testenv.SMB, driver string) {
	dir, name := inbox(t, server)
	var want [][]byte
	for _, n := range []string{
		"zażółć gęślą jaźń.pdf", "Zdje\u0328cie.pdf", "📄.pdf", strings.Repeat("ą", 120) + ".pdf", "USC/SCAN0001.pdf", "USC/2/SCAN0001.pdf",
		"dwukropek: i gwiazdka*.pdf", "CON.pdf", "kropka.", "%41 plik;a='b'.pdf", "-rf.pdf",
	} {
		want = append(want, pdf(n))
		write(t, dir, n, pdf(n))
	}
	for _, n := range []string{"a.tmp", "b.filepart", "Thumbs.db"} {
		write(t, dir, "litter/"+n, pdf(n))
	}
	if err := os.Symlink("/etc/passwd", filepath.Join(dir, "link.pdf")); err != nil {
		t.Fatal(err)
	}
	o, c := newOffice(), newClock()
	scans(t, c, func() error { return o.took(want...) }, watch(connect(t, server.Addr, name, options(server, driver)), o, c, "n1", nil))
	if left := files(filepath.Join(dir, "litter")); left != "Thumbs.db\na.tmp\nb.filepart" {
		t.Errorf("what is no document was touched: %q", left)
	}
	if moved := files(filepath.Join(dir, "_zarejestrowane")); !strings.Contains(moved, "zażółć gęślą jaźń.pdf") || !strings.Contains(moved, "lista-2026-11-23.txt") {
		t.Errorf("moved files: %q", moved)
	}
}

func slowScanner(t *testing.T, server *testenv.SMB, driver string) {
	dir, name := inbox(t, server)
	scanner := connect(t, server.Addr, name, options(server, driver))
	o, c := newOffice(), newClock()
	w := watch(connect(t, server.Addr, name, options(server, driver)), o, c, "n1", nil)
	yesterday := pdf("yesterday")
	write(t, dir, "IMG_0001.pdf", yesterday)
	scans(t, c, func() error { return errors.Join(o.took(yesterday), nothingLeft(dir)) }, w)

	// It grows for 40 s under the name used yesterday, its handle open; what
	// is there looks whole from the first page on.
	live, err := scanner.session(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	at, _ := scanner.place.within("IMG_0001.pdf")
	h, err := live.tree.Open(at, os.O_RDWR|os.O_CREATE|os.O_EXCL)
	if err != nil {
		t.Fatal(err)
	}
	var whole []byte
	for page := range 4 {
		part := pdf(fmt.Sprint("page ", page))
		if _, err := h.WriteAt(part, int64(len(whole))); err != nil {
			t.Fatal(err)
		}
		whole = append(whole, part...)
		for range 5 {
			c.move(2 * time.Second)
			if err := w.Scan(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if err := o.took(yesterday); err != nil {
			t.Fatalf("while the scanner writes: %v", err)
		}
	}
	if why := w.Health().Waiting; why["open"] != 1 {
		t.Errorf("waiting = %v, want it to be said that the file is open", why)
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	scans(t, c, func() error { return o.took(yesterday, whole) }, w)
}

func beyondTheLimit(t *testing.T, server *testenv.SMB, driver string) {
	dir, name := inbox(t, server)
	write(t, dir, "plan.pdf", bytes.Repeat([]byte("x"), 3<<20))
	o, c := newOffice(), newClock()
	w := watch(connect(t, server.Addr, name, options(server, driver)), o, c, "n1", func(o *drop.Options) { o.MaxSize = 1 << 20 })
	scans(t, c, func() error {
		if left := files(dir); !strings.Contains(left, "_bledy/2026-11-23/") || !strings.Contains(left, "plan.pdf.txt") {
			return fmt.Errorf("the folder holds %q, want file and text among the errors", left)
		}
		return nil
	}, w)
	if err := o.took(); err != nil {
		t.Error(err)
	}
}

func stopInEveryState(t *testing.T, server *testenv.SMB, driver string) {
	failed := errors.New("no")
	for _, tt := range []struct {
		name          string
		before, after func(*office)
	}{
		{"before the archive had it", func(o *office) { o.refuse = failed }, func(o *office) { o.refuse = nil }},
		{"when the archive's answer was lost", func(o *office) { o.lose = failed }, func(o *office) { o.lose = nil }},
		{"while the book was closed", func(o *office) { o.closed = true }, func(o *office) { o.closed = false }},
	} {
		dir, name := inbox(t, server)
		data := pdf(tt.name)
		write(t, dir, "Wydział/pismo.pdf", data)
		o, c := newOffice(), newClock()
		tt.before(o)
		life := connect(t, server.Addr, name, options(server, driver))
		w := watch(life, o, c, "n1", nil)
		for range 3 {
			_ = w.Scan(t.Context())
			c.move(3 * time.Second)
		}
		_ = life.Close()
		tt.after(o)
		w = watch(connect(t, server.Addr, name, options(server, driver)), o, c, "n1", nil)
		scans(t, c, func() error { return errors.Join(o.took(data), nothingLeft(dir)) }, w)
		if left := files(dir); !strings.Contains(left, "_zarejestrowane/2026-11/RPW-000001-2026 pismo.pdf") {
			t.Errorf("%s: the folder holds %q", tt.name, left)
		}
	}
}

func twoGateways(t *testing.T, server *testenv.SMB, driver string) {
	dir, name := inbox(t, server)
	o, c := newOffice(), newClock()
	var ws []*drop.Watcher
	for _, node := range []string{"n1", "n2"} {
		ws = append(ws, watch(connect(t, server.Addr, name, options(server, driver)), o, c, node, nil))
	}
	var want [][]byte
	for i := range 60 {
		data := pdf(fmt.Sprint(i / 2)) // each content twice: both are items
		want = append(want, data)
		write(t, dir, fmt.Sprintf("SCAN%04d.pdf", i), data)
	}
	scans(t, c, func() error { return errors.Join(o.took(want...), nothingLeft(dir)) }, ws...)
	if moved := files(filepath.Join(dir, "_zarejestrowane")); strings.Count(moved, ".pdf") != 60 {
		t.Errorf("%d files have their final names, want 60", strings.Count(moved, ".pdf"))
	}
}

func readOnly(t *testing.T, server *testenv.SMB, driver string) {
	dir, err := os.MkdirTemp(server.Path("ro"), "inbox")
	if err == nil {
		err = os.Chmod(dir, 0o777)
	}
	if err != nil {
		t.Fatal(err)
	}
	name := "ro/" + filepath.Base(dir)
	book := filepath.Join(t.TempDir(), "taken")
	o, c := newOffice(), newClock()
	life := func() *drop.Watcher {
		ledger, err := drop.OpenLedger(book)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = ledger.Close() })
		return watch(connect(t, server.Addr, name, options(server, driver)), o, c, "n1", func(o *drop.Options) { o.Move, o.Leave = "", ledger })
	}
	a, b := pdf("a"), pdf("b, other bytes under the same name")
	write(t, dir, "a.pdf", a)
	write(t, dir, "copy of a.pdf", a)
	o.lose = errors.New("the answer was lost")
	w := life()
	for range 3 {
		_ = w.Scan(t.Context())
		c.move(3 * time.Second)
	}
	o.lose = nil
	w = life()
	scans(t, c, func() error { return o.took(a, a) }, w)
	write(t, dir, "a.pdf", b)
	w = life()
	scans(t, c, func() error { return o.took(a, a, b) }, w)
	for range 3 {
		if err := w.Scan(t.Context()); err != nil {
			t.Fatal(err)
		}
		c.move(time.Hour)
	}
	if err := o.took(a, a, b); err != nil {
		t.Error(err)
	}
	if left := files(dir); left != "a.pdf\ncopy of a.pdf" {
		t.Errorf("the share holds %q", left)
	}
}

func mayNotWrite(t *testing.T, server *testenv.SMB, driver string) {
	write(t, server.Path("ro"), "denied-"+driver+"/a.pdf", pdf("a"))
	o, c := newOffice(), newClock()
	w := watch(connect(t, server.Addr, "ro/denied-"+driver, options(server, driver)), o, c, "n1", nil)
	for range 6 {
		if err := w.Scan(t.Context()); !errors.Is(err, drop.ErrPerm) {
			t.Fatalf("scan: %v, want %v", err, drop.ErrPerm)
		}
		c.move(3 * time.Second)
	}
	if err := o.took(); err != nil {
		t.Error(err)
	}
}

// A recycle bin keeps what the daemon deletes; it must not take it for new.
func recycled(t *testing.T, server *testenv.SMB, driver string) {
	name := "bin-" + driver
	dir := filepath.Join(server.Path("kosz"), name)
	data := pdf("recycled " + driver)
	write(t, dir, "a.pdf", data)
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	o, c := newOffice(), newClock()
	w := watch(connect(t, server.Addr, "kosz/"+name, options(server, driver)), o, c, "n1", func(o *drop.Options) { o.Move, o.Delete = "", true })
	scans(t, c, func() error { return errors.Join(o.took(data), nothingLeft(dir)) }, w)
	for range 5 {
		if err := w.Scan(t.Context()); err != nil {
			t.Fatal(err)
		}
		c.move(time.Minute)
	}
	if err := o.took(data); err != nil {
		t.Errorf("after the bin has it: %v", err)
	}
}

// A server that vetoes our folder lets us claim nothing: it is said, and no
// file is lost or taken half.
func vetoed(t *testing.T, server *testenv.SMB, driver string) {
	name := "veto-" + driver
	dir := filepath.Join(server.Path("veto"), name)
	write(t, dir, "a.pdf", pdf("vetoed"))
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	o, c := newOffice(), newClock()
	w := watch(connect(t, server.Addr, "veto/"+name, options(server, driver)), o, c, "n1", nil)
	var last error
	for range 4 {
		last = w.Scan(t.Context())
		c.move(3 * time.Second)
	}
	if last == nil && w.Health().Waiting["forbidden"] == 0 {
		t.Error("nobody is told that nothing can be claimed")
	}
	if err := o.took(); err != nil {
		t.Error(err)
	}
	if left := files(dir); left != "a.pdf" {
		t.Errorf("the share holds %q, want the file where it was", left)
	}
}

func takenOver(t *testing.T, server *testenv.SMB, driver string) {
	dir, name := inbox(t, server)
	data := pdf("left by a gateway that died")
	write(t, dir, "USC/a.pdf", data)
	o, c := newOffice(), newClock()
	o.refuse = errors.New("its archive is full")
	dead := watch(connect(t, server.Addr, name, options(server, driver)), o, c, "n1", nil)
	for range 2 {
		_ = dead.Scan(t.Context())
		c.move(3 * time.Second)
	}
	if left := files(dir); !strings.Contains(left, ".kancelaria/claim/n1/USC/") {
		t.Fatalf("the folder holds %q, want a claim of n1", left)
	}
	o.refuse = nil
	other := watch(connect(t, server.Addr, name, options(server, driver)), o, c, "n2", nil)
	for range 9 * 20 { // nine minutes
		if err := other.Scan(t.Context()); err != nil {
			t.Fatal(err)
		}
		c.move(3 * time.Second)
	}
	if err := o.took(); err != nil {
		t.Fatalf("a gateway that may live was robbed: %v", err)
	}
	scans(t, c, func() error { return errors.Join(o.took(data), nothingLeft(dir)) }, other)
	for _, f := range o.names {
		if f.Path != "USC/a.pdf" {
			t.Errorf("path = %q, want the one it had", f.Path)
		}
	}
}

// The guard of an account outlives sessions.
func TestAWrongPasswordIsNotTriedAgainAndAgain(t *testing.T) {
	t.Parallel()
	server := testenv.Samba(t, testenv.SambaOptions{Global: []string{"map to guest = bad user"}})
	both(t, func(t *testing.T, driver string) {
		_, name := inbox(t, server)
		c := newClock()
		password := "wrong"
		o := options(server, driver)
		o.Now, o.Password = c.Now, func() (string, error) { return password, nil }
		s := connect(t, server.Addr, name, o)
		paused := 0
		for range 20 {
			_, err := s.List(t.Context(), "")
			if !errors.Is(err, ErrLogon) {
				t.Fatalf("list: %v, want %v", err, ErrLogon)
			}
			if strings.Contains(err.Error(), "so that the account is not locked") {
				paused++
			}
			c.move(2 * time.Second)
		}
		if paused != 18 {
			t.Errorf("%d logons were tried, want 2", 20-paused)
		}
		password = server.Password
		if _, err := s.List(t.Context(), ""); err != nil {
			t.Errorf("with the right password: %v", err)
		}

		o.Username = "skanner"
		if _, err := connect(t, server.Addr, name, o).List(t.Context(), ""); !errors.Is(err, ErrLogon) || !strings.Contains(err.Error(), "guest") {
			t.Errorf("a misspelt name that the server maps to its guest: %v", err)
		}
	})
}

func TestSignedAndEncryptedShares(t *testing.T) {
	t.Parallel()
	server := testenv.Samba(t, testenv.SambaOptions{
		Global: []string{"server signing = mandatory"},
		Shares: []testenv.Share{{Name: "skany"}, {Name: "enc", Settings: []string{"smb encrypt = required"}}},
	})
	large := append(bytes.Repeat([]byte("signed "), 4<<20), pdf("end")...)
	for _, tt := range []struct {
		driver, share, refused string
	}{
		{"cloudsoda", "skany", ""},
		{"cloudsoda", "enc", ""},
		{"hirochachacha", "skany", "driver: cloudsoda"},
		{"hirochachacha", "enc", ""},
	} {
		t.Run(tt.driver+" on "+tt.share, func(t *testing.T) {
			o := options(server, tt.driver)
			s := connect(t, server.Addr, tt.share, o)
			dir := server.Path(tt.share)
			write(t, dir, tt.driver+"/a.txt", large)
			entries, err := s.List(t.Context(), tt.driver)
			if tt.refused != "" {
				if !errors.Is(err, ErrSetting) || !strings.Contains(err.Error(), tt.refused) {
					t.Errorf("list: %v, want a sentence with %q", err, tt.refused)
				}
				return
			}
			if err != nil || len(entries) != 1 {
				t.Fatalf("list: %v, %v", entries, err)
			}
			live, err := s.session(t.Context())
			if err != nil || live.wire.isEncrypted() != (tt.share == "enc") {
				t.Errorf("encrypted = %v, %v", live.wire.isEncrypted(), err)
			}
			h, err := s.Open(t.Context(), tt.driver+"/a.txt")
			if err != nil {
				t.Fatal(err)
			}
			defer h.Close()
			got := make([]byte, len(large))
			if n, err := h.ReadAt(got, 0); err != nil || !bytes.Equal(got, large) {
				t.Errorf("read %d of %d bytes, %v", n, len(large), err)
			}
			if n, err := h.ReadAt(got[:10], int64(len(large))-3); n != 3 || err == nil {
				t.Errorf("read across the end: %d, %v", n, err)
			}
		})
	}
}

func TestOldServersAreRefusedWithASentence(t *testing.T) {
	t.Parallel()
	server := testenv.Samba(t, testenv.SambaOptions{Global: []string{"server min protocol = NT1", "server max protocol = NT1", "client min protocol = NT1"}})
	both(t, func(t *testing.T, driver string) {
		_, err := connect(t, server.Addr, "skany", options(server, driver)).List(t.Context(), "")
		if !errors.Is(err, ErrSetting) || !strings.Contains(err.Error(), "SMB 1") {
			t.Errorf("list: %v, want a sentence about SMB 1", err)
		}
	})
}

func TestAServerThatFreezesOrDies(t *testing.T) {
	t.Parallel()
	server := testenv.Samba(t, testenv.SambaOptions{})
	both(t, func(t *testing.T, driver string) {
		dir, name := inbox(t, server)
		o := options(server, driver)
		o.OpTimeout, o.ListTimeout = time.Second, time.Second
		s := connect(t, server.Addr, name, o)
		office, c := newOffice(), newClock()
		w := watch(s, office, c, "n1", nil)
		data := append(bytes.Repeat([]byte("large "), 3<<20), pdf("end")...)
		write(t, dir, "a.txt", data)
		if err := w.Scan(t.Context()); err != nil {
			t.Fatal(err)
		}
		c.move(3 * time.Second)
		h, err := s.Open(t.Context(), "a.txt")
		if err != nil {
			t.Fatal(err)
		}
		server.Freeze(t)
		var group sync.WaitGroup
		for range 4 {
			group.Go(func() {
				if _, err := h.ReadAt(make([]byte, 3<<20), 0); err == nil {
					t.Error("a frozen server was read from")
				}
			})
		}
		group.Wait() // each ends: that is the promise
		if err := w.Scan(t.Context()); err == nil {
			t.Error("a scan of a frozen server went well")
		}
		server.Thaw(t)
		_ = h.Close()
		server.Stop(t)
		if err := w.Scan(t.Context()); err == nil {
			t.Error("a scan of a stopped server went well")
		}
		server.Start(t)
		o2 := options(server, driver)
		w = watch(connect(t, server.Addr, name, o2), office, c, "n1", nil)
		scans(t, c, func() error { return errors.Join(office.took(data), nothingLeft(dir)) }, w)
	})
}
