package paper_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kancelaria/gateway/paper"
	"kancelaria/registry"
	"kancelaria/registry/storetest"
)

var update = flag.Bool("update", false, "write the golden files anew")

// originals are the bytes of a town: every item has its own, but those that
// are said to be gone.
type originals map[registry.ItemID]error

type original struct {
	*bytes.Reader
	digest registry.Digest
}

func (original) Close() error              { return nil }
func (o original) Digest() registry.Digest { return o.digest }

func bytesOf(id registry.ItemID) []byte {
	return []byte("From: osoba@poczta.example\n\n" + id.String() + "\n")
}

func (o originals) Original(_ context.Context, _ registry.Place, id registry.ItemID) (registry.OpenOriginal, error) {
	if err := o[id]; err != nil {
		return nil, err
	}
	b := bytesOf(id)
	return original{bytes.NewReader(b), sha256.Sum256(b)}, nil
}

func office(t testing.TB) *registry.Office {
	zone, err := time.LoadLocation("Europe/Warsaw")
	if err != nil {
		t.Fatal(err)
	}
	return &registry.Office{
		Name: "Urząd Miejski w Aleksandrowie", Domain: "aleksandrowo.example", Zone: zone, Language: "pl",
		Registers:   map[string]registry.Register{"RPW": {ID: "RPW", Kind: "in"}, "ZS": {ID: "ZS", Kind: "in", Restricted: true, Readers: []string{"iod"}}},
		Departments: map[string]registry.Department{"OS": {ID: "OS", Name: "Ochrona środowiska", Head: "os1"}},
		Clerks:      map[string]registry.Clerk{"os1": {Login: "os1", Name: "referent ds. zieleni"}, "os2": {Login: "os2", Name: "referent ds. wody"}},
		Classes:     map[string]registry.Class{"6131": {Symbol: "6131", Name: "Usuwanie drzew i krzewów", Category: "B5"}},
	}
}

// A letter drafts the n-th letter with bytes that the archive has.
func letter(n int, changes ...func(*registry.Arrival)) registry.Draft {
	return storetest.Letter(n, func(d *registry.Draft) {
		a := d.Arrival
		b := bytesOf(a.Item.ID)
		a.Item.Original.Digest, a.Item.Original.Size = sha256.Sum256(b), int64(len(b))
		for _, change := range changes {
			change(a)
		}
	})
}

func act(key string, minutes int, a registry.Act, reason string) registry.Draft {
	d := storetest.Act(key, minutes, "os1", a)
	d.Reason = reason
	return d
}

// townBook has letters of every kind the book tells apart.
func townBook() []registry.Draft {
	drafts := []registry.Draft{
		letter(0, func(a *registry.Arrival) {
			a.Title, a.Sender = "Zażółć gęślą jaźń – wniosek o zezwolenie na usunięcie drzewa", registry.Sender{Name: "Rada Sołecka w Łęgu", Email: "rada@poczta.example"}
			a.LetterDate, a.SenderRef, a.Remarks = "2026-11-20", "RS.12.2026", "skan tylko 1 strona"
		}),
		letter(1, func(a *registry.Arrival) {
			a.Title, a.Sender = "=HYPERLINK(\"http://zly.example\";\"kliknij\")", registry.Sender{Name: "@SUM(1+1)*cmd|' /C calc'!A0"}
			a.SenderRef, a.Remarks = "-2+3", "\t+48 600 000 000"
		}),
		letter(2, func(a *registry.Arrival) {
			a.Item.Register, a.Decision.Restricted, a.Decision.Readers, a.Title = "ZS", true, []string{"iod"}, "Zgłoszenie naruszenia prawa"
		}),
		letter(3),
		act("annul", 10, registry.Act{Kind: registry.ActAnnul, Subject: "3/2026", Text: "duplicate"}, "wpisane podwójnie"),
		act("gap", 11, registry.Act{Kind: registry.ActGap, Subject: "RPW-2026", Fields: map[string]string{"to": "5"}}, "utracone z dyskiem 23.11.2026"),
		act("accept", 12, registry.Act{Kind: registry.ActAccept, Subject: "1/2026"}, ""),
		letter(4, func(a *registry.Arrival) {
			a.Disposition, a.To = registry.Attached, "RPW-000001-2026"
			a.Item.Envelope, a.Item.Door = nil, registry.DoorFolder
			a.Item.Original.Name, a.Item.Original.MediaType = "skan.pdf", "application/pdf"
			a.Item.File = &registry.File{Path: "skan.pdf"}
		}),
		letter(5, func(a *registry.Arrival) {
			a.Title = strings.Repeat("Bardzo długi tytuł pisma, który nie mieści się w jednym wierszu. ", 20) + "😀\u202e"
		}),
	}
	return drafts
}

func newBook(t testing.TB, drafts ...registry.Draft) *storetest.Memory {
	m := storetest.NewMemory("aleksandrowo.example/ksiega", func() time.Time { return storetest.Noon })
	commit(t, m, drafts...)
	return m
}

func commit(t testing.TB, s registry.Store, drafts ...registry.Draft) {
	t.Helper()
	for _, d := range drafts {
		out, err := s.Commit(t.Context(), []registry.Draft{d})
		if err != nil {
			t.Fatal(err)
		}
		if err := out[0].Err(); err != nil {
			t.Fatalf("%s: %v", d.Key, err)
		}
	}
}

func export(t testing.TB, s registry.Store, change ...func(*paper.Export)) (string, paper.Exported) {
	t.Helper()
	x := paper.Export{
		Book: s, Originals: originals{}, Office: office(t), Texts: registry.Catalogue("pl"), Publics: []string{"klucz"}, Year: 2026,
	}
	for _, c := range change {
		c(&x)
	}
	dir := filepath.Join(t.TempDir(), "eksport")
	done, err := x.Write(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	return dir, done
}

// at goes back to a size of the ledger.
func at(size int64) func(*paper.Export) { return func(x *paper.Export) { x.Size = size } }

// checkBag verifies a bag as RFC 8493 § 3 says, and knows nothing of who made it.
func checkBag(t testing.TB, dir string) {
	t.Helper()
	declaration, err := os.ReadFile(filepath.Join(dir, "bagit.txt"))
	if err != nil || string(declaration) != "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n" {
		t.Fatalf("bagit.txt is %q: %v", declaration, err)
	}
	payload := checkManifest(t, dir, "manifest-sha256.txt")
	tags := checkManifest(t, dir, "tagmanifest-sha256.txt")
	var files, size int64
	err = filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, _ := filepath.Rel(dir, p)
		info, err := d.Info()
		if err != nil {
			return err
		}
		switch inside := strings.HasPrefix(name, "data/"); {
		case inside && !payload[name]:
			t.Errorf("%s is in no manifest", name)
		case inside:
			files, size = files+1, size+info.Size()
		case !tags[name] && name != "tagmanifest-sha256.txt":
			t.Errorf("the tag file %s is in no manifest", name)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s is %v: letters of residents are nobody else's", name, info.Mode())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.ReadFile(filepath.Join(dir, "bag-info.txt"))
	if err != nil || !strings.Contains(string(info), fmt.Sprintf("\nPayload-Oxum: %d.%d\n", size, files)) {
		t.Errorf("bag-info.txt does not say %d.%d:\n%s", size, files, info)
	}
}

func checkManifest(t testing.TB, dir, name string) map[string]bool {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		digest, file, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "  ")
		b, err := os.ReadFile(filepath.Join(dir, file))
		sum := sha256.Sum256(b)
		if !ok || err != nil || hex.EncodeToString(sum[:]) != digest {
			t.Errorf("%s: the line %q does not hold: %v", name, line, err)
		}
		if listed[file] {
			t.Errorf("%s lists %s twice", name, file)
		}
		listed[file] = true
	}
	return listed
}

func read(t testing.TB, parts ...string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(parts...))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// golden compares with a file that was read by a person.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s is not as it was (see the diff after -update):\n%s", name, got)
	}
}

func TestAnExportIsABag(t *testing.T) {
	dir, done := export(t, newBook(t, townBook()...))
	checkBag(t, dir)
	if len(done.Findings) > 0 || done.Size != 9 || done.Signed {
		t.Errorf("the export says %+v", done)
	}
	want := []paper.ExportedRegister{{Register: "RPW", Entries: 4, Annulled: 1, Lost: 2}, {Register: "ZS", Restricted: true, Entries: 1}}
	if fmt.Sprint(done.Registers) != fmt.Sprint(want) {
		t.Errorf("registers %+v, want %+v", done.Registers, want)
	}
	golden(t, "RPW-2026.csv", read(t, dir, "data/register/RPW-2026.csv"))
	golden(t, "RPW-2026-excel.csv", read(t, dir, "data/register/RPW-2026-excel.csv"))
	golden(t, "metadata.xml", read(t, dir, "data/entries/RPW-2026/RPW-000001-2026/metadata.xml"))
	info, _, _ := strings.Cut(read(t, dir, "bag-info.txt"), "Payload-Oxum") // how well a PDF was packed is no promise
	golden(t, "bag-info.txt", info)
	if got := read(t, dir, "data/entries/RPW-2026/RPW-000001-2026/original.eml"); got != string(bytesOf(storetest.Item(0))) {
		t.Errorf("the original is %q", got)
	}
	if got := read(t, dir, "data/entries/RPW-2026/RPW-000001-2026/scan-1.pdf"); got != string(bytesOf(storetest.Item(4))) {
		t.Errorf("the later scan is %q", got)
	}
}

// A program for tables must take every cell as text, whatever a resident wrote.
func TestNoCellIsAFormula(t *testing.T) {
	dir, _ := export(t, newBook(t, townBook()...))
	for name, comma := range map[string]rune{"RPW-2026.csv": ',', "RPW-2026-excel.csv": ';'} {
		text := strings.TrimPrefix(read(t, dir, "data/register", name), "\ufeff")
		r := csv.NewReader(strings.NewReader(text))
		r.Comma = comma
		rows, err := r.ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		if len(rows) != 6 { // headings, three, a gap, one more
			t.Errorf("%s has %d rows", name, len(rows))
		}
		for _, row := range rows {
			for _, cell := range row {
				if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
					t.Errorf("%s has the cell %q", name, cell)
				}
			}
		}
		if !strings.Contains(text, "'=HYPERLINK") || !strings.Contains(text, "'-2+3") {
			t.Errorf("%s has lost what was written:\n%s", name, text)
		}
	}
}

func TestThePrintedBookShowsWhatIsMissing(t *testing.T) {
	dir, _ := export(t, newBook(t, townBook()...))
	text := pdfText(t, filepath.Join(dir, "data/register/RPW-2026-1.pdf"))
	for _, want := range []string{
		"Rejestr przesyłek RPW, rok 2026", "Urząd Miejski w Aleksandrowie", "Zażółć gęślą jaźń", "Rada Sołecka w Łęgu", "2026-11-20", "RS.12.2026",
		"OS, referent ds. zieleni", "ANULOWANO", "wpisane podwójnie", "Numery 4–5: luka w numeracji. utracone z dyskiem",
		"wpisów 4, w tym anulowanych 1; załączników 3; numerów w lukach 2.", "Ostatni numer: RPW-000006-2026", "księgi o 9 wierszach", "brak danych",
	} {
		if !strings.Contains(squeezed(text), squeezed(want)) {
			t.Errorf("the book does not say %q:\n%s", want, text)
		}
	}
	if strings.Contains(text, "Zgłoszenie") {
		t.Error("the book shows an entry of another register")
	}
}

// squeezed takes the spaces out: columns break lines where they like.
func squeezed(s string) string { return strings.Join(strings.Fields(s), "") }

func pdfText(t testing.TB, file string) string {
	t.Helper()
	if testing.Short() {
		t.Skip("needs pdftotext")
	}
	out, err := exec.Command("pdftotext", "-layout", "-enc", "UTF-8", file, "-").Output()
	if err != nil {
		t.Fatalf("pdftotext: %v", err)
	}
	return string(out)
}

func TestTheSameStateGivesTheSameBytes(t *testing.T) {
	m := newBook(t, townBook()...)
	first, done := export(t, m)
	commit(t, m, letter(20),
		act("later1", 30, registry.Act{Kind: registry.ActCorrect, Subject: "1/2026", Fields: map[string]string{"title": "inny tytuł"}}, "pomyłka"),
		act("later2", 31, registry.Act{Kind: registry.ActHandover, Subject: "os2", To: "os1"}, "urlop"),
		act("later3", 32, registry.Act{Kind: registry.ActJoinCase, Subject: "K-RPW-000002-2026", To: "K-RPW-000001-2026"}, "jedna sprawa"),
		act("later4", 33, registry.Act{Kind: registry.ActAnnul, Subject: "2/2026"}, "pomyłka"),
	)
	again, later := export(t, m, at(done.Size))
	if later.After != 5 || later.Size != done.Size {
		t.Errorf("the second export says %+v", later)
	}
	for _, name := range []string{"manifest-sha256.txt", "tagmanifest-sha256.txt"} {
		if a, b := read(t, first, name), read(t, again, name); a != b {
			t.Errorf("%s differs:\n%s\n%s", name, a, b)
		}
	}
}

// What is in events.jsonl proves itself: from it and the readme anybody
// computes the leaf that the ledger holds.
func TestEventsProveThemselves(t *testing.T) {
	dir, done := export(t, newBook(t, townBook()...))
	hashes := strings.Fields(read(t, dir, "data/ledger/leaf-hashes.txt"))
	if int64(len(hashes)) != done.Size {
		t.Fatalf("%d leaf hashes of %d", len(hashes), done.Size)
	}
	lines := 0
	for line := range strings.Lines(read(t, dir, "data/entries/RPW-2026/RPW-000001-2026/events.jsonl")) {
		var e struct {
			Index      int64
			Type, Salt string
			Body       []byte
			Content    json.RawMessage
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		salt, err := hex.DecodeString(e.Salt)
		if err != nil {
			t.Fatal(err)
		}
		inner := sha256.Sum256(append(salt, e.Body...))
		leaf := sha256.Sum256(append([]byte("\x00kancelaria/leaf/v1\n"+e.Type+"\x00"), inner[:]...))
		if hex.EncodeToString(leaf[:]) != hashes[e.Index] {
			t.Errorf("leaf %d is not that of the ledger", e.Index)
		}
		content := sha256.Sum256(append([]byte(salt), e.Content...))
		if !bytes.Contains(e.Body, content[:]) {
			t.Errorf("leaf %d does not commit to its content", e.Index)
		}
		lines++
	}
	if lines != 3 { // registered, accepted, a scan
		t.Errorf("%d events", lines)
	}
}

func TestARestrictedRegisterIsExportedForItsReadersOnly(t *testing.T) {
	m := newBook(t, townBook()...)
	for _, tt := range []struct {
		name   string
		viewer *registry.Viewer
		want   []string
	}{
		{"the owner", nil, []string{"RPW", "ZS"}},
		{"a reader of it", &registry.Viewer{Login: "iod", Registers: []string{"ZS"}}, []string{"RPW", "ZS"}},
		{"another clerk", &registry.Viewer{Login: "os1"}, []string{"RPW"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir, done := export(t, m, func(x *paper.Export) { x.Viewer = tt.viewer })
			var got []string
			for _, r := range done.Registers {
				got = append(got, r.Register)
			}
			if fmt.Sprint(got) != fmt.Sprint(tt.want) {
				t.Errorf("registers %v, want %v", got, tt.want)
			}
			if len(tt.want) == 1 && strings.Contains(read(t, dir, "manifest-sha256.txt"), "ZS-") {
				t.Error("the export names what the clerk may not see")
			}
		})
	}
}

func TestWhatCannotBeHadIsNamed(t *testing.T) {
	gone := originals{storetest.Item(0): registry.ErrErased, storetest.Item(1): registry.ErrDamaged}
	dir, done := export(t, newBook(t, townBook()...), func(x *paper.Export) { x.Originals = gone })
	checkBag(t, dir)
	if len(done.Findings) != 1 || done.Findings[0].Subject != "RPW-000002-2026" {
		t.Errorf("findings %+v", done.Findings)
	}
	if !strings.Contains(read(t, dir, "data/findings.txt"), "RPW-000002-2026") {
		t.Error("the export does not say what is missing in it")
	}
	if !strings.Contains(read(t, dir, "data/entries/RPW-2026/RPW-000001-2026/metadata.xml"), `stan="erased"`) {
		t.Error("the metadata do not say that the original was erased")
	}
}

// torn breaks off in the middle of an original.
type torn struct{ originals }

type tornOriginal struct{ registry.OpenOriginal }

func (tornOriginal) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func (tornOriginal) WriteTo(io.Writer) (int64, error) { return 0, io.ErrUnexpectedEOF }

func (o torn) Original(ctx context.Context, p registry.Place, id registry.ItemID) (registry.OpenOriginal, error) {
	src, err := o.originals.Original(ctx, p, id)
	if id == storetest.Item(5) {
		return tornOriginal{src}, err
	}
	return src, err
}

func TestHalfAnExportIsNone(t *testing.T) {
	m := newBook(t, townBook()...)
	parent := t.TempDir()
	x := paper.Export{Book: m, Originals: torn{originals{}}, Office: office(t), Texts: registry.Catalogue("pl"), Year: 2026}
	if _, err := x.Write(t.Context(), filepath.Join(parent, "eksport")); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("err = %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	x.Originals, x.Progress = originals{}, func(int64) { cancel() }
	if _, err := x.Write(ctx, filepath.Join(parent, "eksport")); !errors.Is(err, context.Canceled) {
		t.Errorf("err = %v", err)
	}
	if left, err := os.ReadDir(parent); err != nil || len(left) > 0 {
		t.Errorf("there are %v: %v", left, err)
	}
	x.Progress = nil
	if err := os.Mkdir(filepath.Join(parent, "jest"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := x.Write(t.Context(), filepath.Join(parent, "jest")); !errors.Is(err, paper.ErrThere) {
		t.Errorf("over an empty folder: %v", err)
	}
}

func TestASignedHeadIsPrinted(t *testing.T) {
	m := newBook(t, townBook()...)
	head, err := m.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	note := "aleksandrowo.example/ksiega\n9\nPODPIS\n\n— aleksandrowo.example/ksiega AAAA\n"
	if err := m.Seal(t.Context(), registry.Checkpoint{Size: head.Size, Root: head.Root(), Note: []byte(note), SignedAt: storetest.Noon}); err != nil {
		t.Fatal(err)
	}
	commit(t, m, letter(30)) // not covered by it
	dir, done := export(t, m)
	if !done.Signed || done.Size != 9 || done.After != 1 {
		t.Errorf("the export says %+v", done)
	}
	if got := read(t, dir, "data/ledger/checkpoint.txt"); got != note {
		t.Errorf("checkpoint.txt is %q", got)
	}
	if text := pdfText(t, filepath.Join(dir, "data/register/RPW-2026-1.pdf")); !strings.Contains(text, "— aleksandrowo.example/ksiega AAAA") {
		t.Errorf("the head is not printed:\n%s", text)
	}
}
