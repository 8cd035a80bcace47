package testenv_test

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"kancelaria/registry"
	"kancelaria/testenv"
)

// At which hits of a point the daemon dies; at the first where nothing is said.
// The first of those that every step comes by is one of the start's.
var deathsAt = map[registry.FailPoint][]int{
	registry.FailArchiveBeforeWrite: {1, 2, 5},
	registry.FailArchiveBeforeSync:  {1, 2, 5},
	registry.FailArchiveAfterSync:   {1, 2, 5},
	registry.FailStoreWritten:       {1, 8, 20},
	registry.FailBookAfterCommit:    {1, 3},
	registry.FailAfterCopybook:      {1, 3},
	registry.FailSpoolDurable:       {1, 4},
	registry.FailSegmentMade:        {1, 2, 3},
	registry.FailSegmentFilled:      {1, 2, 3},
	registry.FailBellAfterSend:      {1, 3},
}

// TestDaemonKilledAtEachStep kills the real daemon at every fail point there is
// while letters and a file come in, and looks what the next one makes of it:
// what was acknowledged is in the book once and under the number that was told,
// what was not at most once, and once when it is handed in again; numbers have
// no gap, all bytes are those that were handed in, and nothing else changed.
func TestDaemonKilledAtEachStep(t *testing.T) {
	t.Run("SQLite", func(t *testing.T) { runMatrix(t, testenv.Options{}, registry.FailPoints()) })
	t.Run("PostgreSQL", func(t *testing.T) {
		runMatrix(t, testenv.Options{Store: testenv.Postgres(t).NewDatabase(t)}, []registry.FailPoint{
			registry.FailBookBeforeCommit, registry.FailStoreWritten, registry.FailBookAfterCommit, registry.FailBeforeCopybook,
			registry.FailAfterCopybook, registry.FailDeskBeforeDone, registry.FailBellClaimed, registry.FailBellWritten,
			registry.FailBellAfterSend, registry.FailBellAfterFinish, registry.FailDropSpooled, registry.FailSealAfterLeaf,
			registry.FailHeadBeforeStore, registry.FailHeadAfterStore, registry.FailEraseLeaf, registry.FailErased,
		})
	})
}

// runMatrix plays all rounds on one office, so that each begins with what the
// ones before have left.
func runMatrix(t *testing.T, o testenv.Options, points []registry.FailPoint) {
	o.Tags = []string{"failpoint"}
	o.Edit = func(yaml string) string {
		yaml = strings.Replace(yaml, "archive: {segments: data/archive}", "archive: {segments: data/archive, segment_size: 1MiB}", 1)
		return strings.Replace(yaml, "settle: 3s", "settle: 50ms", 1)
	}
	m := &matrix{House: testenv.Office(t, o), erased: map[string]bool{}}
	m.Serve(t)
	m.opening(t)
	for _, point := range points {
		deaths := deathsAt[point]
		if len(deaths) == 0 {
			deaths = []int{1}
		}
		for _, n := range deaths {
			ok := t.Run(fmt.Sprintf("%s %d", point, n), func(t *testing.T) { m.round(t, point, n) })
			if !ok {
				t.Fatal("the rounds after would begin with what this one has left")
			}
		}
	}
	m.everybodyHeard(t)
}

// wholeBook is more than any test writes.
const wholeBook = 1_000_000

// A matrix is an office that is killed in every way.
type matrix struct {
	*testenv.House
	count  int
	all    []*townLetter
	book   map[string]testenv.Entry // by number, as the last round left it
	erased map[string]bool          // numbers
}

// A townLetter is one that somebody hands in.
type townLetter struct {
	subject, from string
	bytes         []byte
	acked         bool
	told          string // the number in the answer, if it was there
}

// letter writes the next one. Most lie within a record, every fourth in a file
// of its own.
func (m *matrix) letter(n int) *townLetter {
	l := &townLetter{subject: fmt.Sprintf("pismo %d", n), from: fmt.Sprintf("osoba%d@r%d.example", n, n)}
	size := 45_000
	if n%4 == 3 {
		size = 250_000
	}
	noise := make([]byte, size)
	_, _ = rand.Read(noise) // never fails
	text := base64.StdEncoding.EncodeToString(noise)
	var b bytes.Buffer
	fmt.Fprintf(&b, "From: <%s>\r\nTo: <%s>\r\nSubject: %s\r\nMessage-ID: <%s@r.example>\r\n\r\nPismo.\r\n", l.from, m.Mailbox, l.subject, rand.Text())
	for line := range slices.Chunk([]byte(text), 76) {
		b.Write(line)
		b.WriteString("\r\n")
	}
	l.bytes = b.Bytes()
	return l
}

// opening lets some letters come in before anything goes wrong.
func (m *matrix) opening(t *testing.T) {
	t.Helper()
	var letters []*townLetter
	for n := range 8 {
		letters = append(letters, m.letter(n))
	}
	m.count = len(letters)
	m.handAgain(t, letters)
	m.all = letters
	m.book = byNumber(m.Book(t, wholeBook))
	m.Stop(t)
}

// round lets the daemon die at the n-th hit of a point, once.
func (m *matrix) round(t *testing.T, point registry.FailPoint, n int) {
	life := fmt.Sprintf("%s:%d", point, n)
	gone := m.ServeDoomed(t, "KANCELARIA_FAILPOINT="+life)
	scan := composePDF()
	if err := os.WriteFile(filepath.Join(m.Drop, fmt.Sprintf("skan %d.pdf", m.count)), scan, 0o644); err != nil {
		t.Fatal(err)
	}
	victim, home := m.order(t, point, gone)
	letters := m.crowd(t, gone)
	home()
	if sig := m.DiedOf(); sig != syscall.SIGKILL || !strings.Contains(m.Log(t), "failpoint "+life+"\n") {
		t.Fatalf("the daemon did not die there, but of %v", sig)
	}
	m.Serve(t)
	m.settled(t, letters, scan)
	m.checkOnce(t, letters, false)
	m.handAgain(t, letters)
	m.all = append(m.all, letters...)
	m.settled(t, letters, scan)
	m.checkOnce(t, letters, true)
	m.checkScan(t, scan)
	m.checkErased(t, victim)
	m.checkRest(t)
	m.Run(t, "verify")
	m.Stop(t)
}

// crowd hands letters in until the daemon is gone. A letter that was not taken
// is handed in again; whoever gets no answer goes home.
func (m *matrix) crowd(t *testing.T, gone <-chan struct{}) (letters []*townLetter) {
	t.Helper()
	const people, most = 3, 25
	var mu sync.Mutex
	next := func() *townLetter {
		mu.Lock()
		defer mu.Unlock()
		l := m.letter(m.count)
		m.count++
		letters = append(letters, l)
		return l
	}
	var wg sync.WaitGroup
	for range people {
		wg.Go(func() {
			for range most {
				l := next()
				for !l.acked && !isClosed(gone) {
					m.give(l)
				}
				if !l.acked {
					return
				}
			}
		})
	}
	wg.Wait()
	select {
	case <-gone:
	case <-time.After(time.Minute):
		t.Fatal("the daemon came by this point never, or not often enough")
	}
	return letters
}

// give hands a letter in once.
func (m *matrix) give(l *townLetter) {
	_, answer, err := handAs(m.SMTP, l.from, m.Mailbox, l.bytes)
	if err != nil {
		time.Sleep(time.Millisecond) // nobody is at the door
		return
	}
	l.acked = true
	_, l.told, _ = strings.Cut(answer, "Registered as ")
}

// greets reports whether somebody stands at the door.
func greets(addr string) bool {
	conn, err := net.DialTimeout("tcp", addr, 5*time.Second)
	if err != nil {
		return false
	}
	defer conn.Close()
	_, err = bufio.NewReader(conn).ReadString('\n')
	return err == nil
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// newest gives the entries that a round can have made, and some more: the whole
// book is looked through once a round.
func (m *matrix) newest(t *testing.T) []testenv.Entry {
	t.Helper()
	return m.Book(t, 100)
}

// settled waits until everything that was acknowledged is in the book, and
// nothing waits or lies in the drop.
func (m *matrix) settled(t *testing.T, letters []*townLetter, scan []byte) {
	t.Helper()
	testenv.Eventually(t, "everything is settled", func() error {
		if waits := m.Ask(t, "spool"); len(waits) > 0 {
			return fmt.Errorf("the spool holds %s", waits)
		}
		if left := filesUnder(t, m.Drop, "_zarejestrowane"); len(left) > 0 {
			return fmt.Errorf("in the drop lie %q", left)
		}
		entries := bySubject(m.newest(t))
		for _, l := range letters {
			if l.acked && len(entries[l.subject]) == 0 {
				return fmt.Errorf("%q was acknowledged and is not in the book", l.subject)
			}
		}
		return nil
	})
}

// checkOnce looks how often each letter is in the book, and whole.
func (m *matrix) checkOnce(t *testing.T, letters []*townLetter, all bool) {
	t.Helper()
	entries := bySubject(m.newest(t))
	for _, l := range letters {
		found := entries[l.subject]
		switch n := len(found); {
		case n > 1, n == 0 && (l.acked || all):
			t.Errorf("%q (acknowledged: %t) stands in the book %d times", l.subject, l.acked, n)
			continue
		case n == 0:
			continue
		}
		if e := found[0]; e.Original.SHA256 != digest(l.bytes) {
			t.Errorf("%s has other bytes than were handed in", e.Number)
		} else if l.told != "" && l.told != e.Number {
			t.Errorf("%s was told, and the book says %s", l.told, e.Number)
		}
	}
}

// handAgain gives in once more what got no answer, as a mail server does.
func (m *matrix) handAgain(t *testing.T, letters []*townLetter) {
	t.Helper()
	for _, l := range letters {
		for range 3 {
			if !l.acked {
				m.give(l)
			}
		}
		if !l.acked {
			t.Errorf("%q is not taken by a house that is whole", l.subject)
		}
	}
	testenv.Eventually(t, "what was handed in again is in the book", func() error {
		entries := bySubject(m.newest(t))
		for _, l := range letters {
			if len(entries[l.subject]) == 0 {
				return fmt.Errorf("%q is not", l.subject)
			}
		}
		return nil
	})
}

// checkScan looks for a file in the book and where it was moved to, once each.
func (m *matrix) checkScan(t *testing.T, scan []byte) {
	t.Helper()
	entered, moved := 0, 0
	for _, e := range m.newest(t) {
		if e.Original.SHA256 == digest(scan) {
			entered++
		}
	}
	for _, name := range filesUnder(t, filepath.Join(m.Drop, "_zarejestrowane")) {
		if b, err := os.ReadFile(name); err == nil && bytes.Equal(b, scan) {
			moved++
		}
	}
	if entered != 1 || moved != 1 {
		t.Errorf("the scan stands in the book %d times, and lies %d times among those registered", entered, moved)
	}
}

// checkRest makes sure that what was in the book before is there as it was, and
// that the numbers have no gap.
func (m *matrix) checkRest(t *testing.T) {
	t.Helper()
	book := m.Book(t, wholeBook)
	testenv.CheckGapless(t, book)
	now := byNumber(book)
	for number, before := range m.book {
		if after := now[number]; !reflect.DeepEqual(before, after) && !m.erased[number] {
			t.Errorf("%s was\n%+v\nand is\n%+v", number, before, after)
		}
	}
	m.book = now
}

// everybodyHeard makes sure that each sender has one receipt after all that.
func (m *matrix) everybodyHeard(t *testing.T) {
	t.Helper()
	m.Serve(t)
	testenv.Eventually(t, "every sender has a receipt", func() error {
		for _, l := range m.all {
			if n := len(mailsFor(t, m.House, l.from)); n != 1 {
				return fmt.Errorf("%s has %d", l.from, n)
			}
		}
		return nil
	})
	m.Run(t, "verify", "--full")
}

func bySubject(book []testenv.Entry) map[string][]testenv.Entry {
	out := map[string][]testenv.Entry{}
	for _, e := range book {
		out[e.Subject] = append(out[e.Subject], e)
	}
	return out
}

func byNumber(book []testenv.Entry) map[string]testenv.Entry {
	out := map[string]testenv.Entry{}
	for _, e := range book {
		out[e.Number] = e
	}
	return out
}

// filesUnder lists the files in a folder and those within, but for one of them.
func filesUnder(t *testing.T, dir string, but ...string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return nil // moved on while we look
		case d.IsDir() && slices.Contains(but, d.Name()):
			return fs.SkipDir
		case !d.IsDir() && !strings.HasPrefix(d.Name(), ".") && filepath.Ext(name) == ".pdf":
			names = append(names, name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}
