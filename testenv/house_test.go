package testenv_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
)

// The floors, from the top. Imports go down the stairs, as the paper does.
var floors = []string{"cmd", "gateway", "rules", "registry"}

// Side doors: the only imports the stairs do not allow.
var sideDoors = map[string][]string{
	"registry":          {"registry/ledger"},
	"registry/postgres": {"registry/ledger"},
	"registry/sqlite":   {"registry/ledger"},
	"cmd/kancelaria":    {"contrib"},
}

// Keys: each outside library is opened by the rooms named and those inside
// them. A key fits every package under its path; the longest key decides.
var keys = map[string][]string{
	"blitiri.com.ar/go/spf":               {"gateway/screen"},
	"github.com/alecthomas/kong":          {"cmd"},
	"github.com/chromedp/cdproto":         {}, // tests only: what a browser is told
	"github.com/chromedp/chromedp":        {}, // tests only: a real browser at the counter
	"github.com/cloudsoda/go-smb2":        {"gateway/drop/share"},
	"github.com/coreos/go-oidc":           {"gateway/web"},
	"github.com/emersion/go-message":      {"gateway/parse", "gateway/notify", "cmd/kancelaria-load"},
	"github.com/emersion/go-msgauth":      {"gateway/screen", "gateway/notify"},
	"github.com/emersion/go-sasl":         {"gateway/smtpd", "gateway/notify"}, // AUTH of go-smtp
	"github.com/emersion/go-smtp":         {"gateway/smtpd", "gateway/notify", "cmd/kancelaria-load"},
	"github.com/fsnotify/fsnotify":        {"gateway/drop/folder"},
	"github.com/gabriel-vasile/mimetype":  {"gateway/parse", "gateway/web"},
	"github.com/go-pdf/fpdf":              {"gateway/paper"},
	"github.com/goccy/go-yaml":            {"cmd/internal/config", "rules"},
	"github.com/hirochachacha/go-smb2":    {"gateway/drop/share"},
	"github.com/jackc/pgx/v5":             {"registry/postgres"},
	"github.com/makiuchi-d/gozxing":       {"gateway/drop", "gateway/paper"}, // codes are read there and printed here
	"github.com/microcosm-cc/bluemonday":  {"gateway/parse", "gateway/web"},
	"github.com/minio/minio-go/v7":        {"registry/archive"},
	"github.com/pires/go-proxyproto":      {"gateway/smtpd"},
	"github.com/pressly/goose/v3":         {"registry/postgres", "registry/sqlite"},
	"github.com/prometheus/client_golang": {"cmd", "gateway", "registry"},
	"github.com/ProtonMail/go-crypto":     {"gateway/parse/signature"},
	"github.com/rogpeppe/go-internal":     {}, // tests only
	"github.com/smallstep/pkcs7":          {"gateway/parse/signature"},
	"golang.org/x/crypto/argon2":          {"gateway/web"},
	"golang.org/x/crypto/ocsp":            {"gateway/parse/signature"}, // answers about certificates
	"golang.org/x/image":                  {"gateway/drop"},            // scans in TIFF
	"golang.org/x/mod":                    {"registry/ledger"},
	"golang.org/x/net/html":               {"gateway/parse", "gateway/web"},                                                   // the text of a page
	"golang.org/x/net/idna":               {"gateway/smtpd", "gateway/screen"},                                                // domains as people write them
	"golang.org/x/net/publicsuffix":       {"gateway/screen"},                                                                 // whose domain it is, for DMARC
	"golang.org/x/oauth2":                 {"gateway/web"},                                                                    // the code flow that go-oidc begins with
	"golang.org/x/sync":                   {"cmd"},                                                                            // the one errgroup of serve
	"golang.org/x/sys":                    {"registry/archive", "gateway/api", "gateway/drop/folder", "gateway/paper", "cmd"}, // what the kernel knows of files and peers
	"golang.org/x/text":                   {"gateway/parse"},                                                                  // character sets
	"golang.org/x/text/unicode/norm":      {"gateway/parse", "registry"},                                                      // folding
	"modernc.org/sqlite":                  {"registry/sqlite"},
}

// Names that say nothing about what lies behind the door.
var emptyNames = []string{"base", "common", "core", "docs", "helpers", "helper", "misc", "models", "pkg", "service", "shared", "types", "util", "utils"}

// Where Polish may stand in string literals of sources, and why. What people
// read comes from the catalogue.
var polishAllowed = map[string]string{
	"cmd/kancelaria/init.go":      "the name of the sample office, which init replaces",
	"registry/catalogue_forms.go": "the table that writes Polish in ASCII",
	"rules/fold.go":               "the table that folds words",
}

// A file longer than this tells more than one story.
const longestSource, longestTest = 700, 1000

// A pkg is a folder of Go files; a source one file in it.
type pkg struct {
	Path    string
	Doc     string
	Sources []source
}

type source struct {
	Path      string
	Name      string // of its package
	Test      bool
	Generated bool
	Lines     int
	Imports   []string
	Polish    []string // string literals with Polish letters, with their places
}

// mayEnter reports whether package from may import package to: within its own
// room what lies above and below it, beyond it the halls of lower floors.
// Never a sibling and never up the stairs. Only cmd, which furnishes the
// house, walks into every room.
func mayEnter(from, to string) bool {
	if slices.Contains(sideDoors[from], to) {
		return true
	}
	if from == "testenv" {
		return to == "registry"
	}
	f, u := floor(from), floor(to)
	if f < 0 || u < 0 {
		return false
	}
	if f == 0 {
		return u > 0 || within(to, "cmd/internal") || within(to, from)
	}
	if f < u {
		return to == floors[u]
	}
	return f == u && (to == floors[f] || room(from) == room(to) && (within(from, to) || within(to, from)))
}

// floor gives the floor a package lies on, -1 for the garden.
func floor(p string) int {
	first, _, _ := strings.Cut(p, "/")
	return slices.Index(floors, first)
}

// room gives the room a package is or lies in: gateway/parse for
// gateway/parse/signature/cms. A hall is in no room, not even its own.
func room(p string) string {
	parts := strings.SplitN(p, "/", 3)
	return strings.Join(parts[:min(2, len(parts))], "/")
}

// within reports whether p is dir or lies under it.
func within(p, dir string) bool { return p == dir || strings.HasPrefix(p, dir+"/") }

// keyHolders gives the rooms that may open an outside library.
func keyHolders(library string) (rooms []string, known bool) {
	for p := library; p != "." && p != "/"; p = path.Dir(p) {
		if rooms, known = keys[p]; known {
			return rooms, true
		}
	}
	return nil, false
}

func TestMayEnter(t *testing.T) {
	for _, tt := range []struct {
		from, to string
		want     bool
	}{
		{"gateway", "registry", true},
		{"gateway", "rules", true},
		{"rules", "registry", true},
		{"gateway/parse", "gateway", true},
		{"gateway/parse", "registry", true},
		{"gateway/parse/signature", "gateway/parse", true},
		{"gateway/parse", "gateway/parse/signature", true},
		{"gateway/parse/signature/cms", "gateway/parse", true},
		{"gateway/parse/signature/cms", "gateway", true},
		{"gateway/drop", "gateway/drop/share", true},
		{"registry/storetest", "registry", true},
		{"registry/sqlite", "registry/ledger", true},
		{"registry", "registry/ledger", true},
		{"cmd/kancelaria", "gateway/parse/signature", true},
		{"cmd/kancelaria", "registry/sqlite", true},
		{"cmd/kancelaria", "cmd/internal/config", true},
		{"cmd/kancelaria", "cmd/kancelaria/help", true},
		{"cmd/kancelaria", "contrib", true},
		{"cmd/internal/config", "rules", true},
		{"testenv", "registry", true},

		{"registry", "rules", false},
		{"rules", "gateway", false},
		{"gateway", "cmd/internal/config", false},
		{"gateway", "gateway/parse", false},
		{"registry", "registry/sqlite", false},
		{"registry/ledger", "registry/archive", false},
		{"registry/archive", "registry/ledger", false},
		{"gateway/smtpd", "gateway/spool", false},
		{"gateway/parse/signature/cms", "gateway/parse/signature/pdf", false},
		{"gateway/parse/signature", "gateway/notify", false},
		{"gateway/drop/folder", "gateway/drop/share", false},
		{"gateway/web", "registry/sqlite", false},
		{"rules", "registry/ledger", false},
		{"cmd/kancelaria-load", "contrib", false},
		{"cmd/kancelaria-load", "cmd/kancelaria", false},
		{"cmd/kancelaria", "testenv", false},
		{"gateway", "contrib", false},
		{"gateway/parsed", "gateway/parse", false},
		{"testenv", "registry/sqlite", false},
	} {
		t.Run(tt.from+" to "+tt.to, func(t *testing.T) {
			if got := mayEnter(tt.from, tt.to); got != tt.want {
				t.Errorf("mayEnter = %t, want %t", got, tt.want)
			}
		})
	}
}

func TestKeysFitTheirRoomsOnly(t *testing.T) {
	for _, tt := range []struct {
		library string
		known   bool
	}{
		{"github.com/jackc/pgx/v5/pgxpool", true},
		{"github.com/jackc/pgx/v4", false},
		{"golang.org/x/crypto/argon2", true},
		{"golang.org/x/crypto/ssh", false},
		{"github.com/sirupsen/logrus", false},
	} {
		if _, known := keyHolders(tt.library); known != tt.known {
			t.Errorf("%s: known = %t, want %t", tt.library, known, tt.known)
		}
	}
}

func TestImportsGoDownTheStairs(t *testing.T) {
	for _, p := range house(t) {
		for _, src := range p.Sources {
			for _, imp := range src.Imports {
				to, ours := strings.CutPrefix(imp, "kancelaria/")
				switch {
				case src.Test && ours:
					// Tests may meet the neighbours and pass the stores' exam.
				case ours && !mayEnter(p.Path, to):
					t.Errorf("%s: %s must not import %s", src.Path, p.Path, to)
				case !ours && strings.Contains(strings.SplitN(imp, "/", 2)[0], "."):
					checkKey(t, p.Path, src, imp)
				}
			}
		}
	}
}

func checkKey(t *testing.T, from string, src source, library string) {
	t.Helper()
	rooms, known := keyHolders(library)
	if !known {
		t.Errorf("%s: %s is no library of this house; adding one is a line in house_test.go", src.Path, library)
		return
	}
	if !src.Test && !slices.ContainsFunc(rooms, func(room string) bool { return within(from, room) }) {
		t.Errorf("%s: %s has no key to %s", src.Path, from, library)
	}
}

func TestEveryPackageSaysWhatItIsFor(t *testing.T) {
	for _, p := range house(t) {
		onlyTests := !slices.ContainsFunc(p.Sources, func(src source) bool { return !src.Test })
		if onlyTests {
			continue
		}
		if p.Doc == "" {
			t.Errorf("%s: no package comment", p.Path)
		}
		name := p.Sources[0].Name
		if slices.Contains(emptyNames, name) || slices.Contains(emptyNames, path.Base(p.Path)) {
			t.Errorf("%s: the name %q says nothing", p.Path, name)
		}
	}
}

func TestEachFileTellsOneStory(t *testing.T) {
	for _, p := range house(t) {
		for _, src := range p.Sources {
			limit := longestSource
			if src.Test {
				limit = longestTest
			}
			if !src.Generated && src.Lines > limit {
				t.Errorf("%s: %d lines, more than %d", src.Path, src.Lines, limit)
			}
		}
	}
}

func TestPolishStandsInTheCatalogue(t *testing.T) {
	for _, p := range house(t) {
		for _, src := range p.Sources {
			if _, allowed := polishAllowed[src.Path]; allowed || src.Test || p.Path == "testenv" {
				continue
			}
			for _, literal := range src.Polish {
				t.Errorf("%s: Polish in a source; what people read belongs to the catalogue", literal)
			}
		}
	}
}

func TestContribHoldsNoProgram(t *testing.T) {
	for _, p := range house(t) {
		if within(p.Path, "contrib") && (p.Path != "contrib" || len(p.Sources) != 1 || path.Base(p.Sources[0].Path) != "contrib.go") {
			t.Errorf("%s: contrib is for operators and holds contrib.go only", p.Path)
		}
	}
}

// house reads the sources itself: the test cache notices files that a test
// opens, but not files that a child process such as "go list" reads. Nested
// modules and testdata are no part of the house.
func house(t *testing.T) []*pkg {
	t.Helper()
	const root = ".."
	rooms := map[string]*pkg{}
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel := filepath.ToSlash(strings.TrimPrefix(name, root+string(filepath.Separator)))
		if d.IsDir() {
			return enter(name, rel)
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		dir := path.Dir(rel)
		if rooms[dir] == nil {
			rooms[dir] = &pkg{Path: dir}
		}
		return rooms[dir].read(name, rel)
	})
	if err != nil {
		t.Fatal(err)
	}
	var all []*pkg
	for _, dir := range slices.Sorted(maps.Keys(rooms)) {
		all = append(all, rooms[dir])
	}
	if len(all) == 0 {
		t.Fatal("no sources found: the test looked at nothing")
	}
	return all
}

func enter(name, rel string) error {
	base := path.Base(rel)
	if rel == ".." || rel == "." {
		return nil
	}
	if base == "testdata" || base == "run" || strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") {
		return fs.SkipDir
	}
	if nested, err := filepath.Glob(filepath.Join(name, "go.mod")); err != nil || nested != nil {
		return fs.SkipDir
	}
	return nil
}

func (p *pkg) read(name, rel string) error {
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, name, nil, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	src := source{
		Path: rel, Name: f.Name.Name, Test: strings.HasSuffix(rel, "_test.go"),
		Generated: ast.IsGenerated(f), Lines: fset.File(f.Pos()).LineCount(),
	}
	if !src.Test {
		p.Doc += f.Doc.Text()
	}
	for _, spec := range f.Imports {
		imp, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return err
		}
		src.Imports = append(src.Imports, imp)
	}
	ast.Inspect(f, func(n ast.Node) bool {
		if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING && isPolish(lit.Value) {
			src.Polish = append(src.Polish, fmt.Sprintf("%s:%d", rel, fset.Position(lit.Pos()).Line))
		}
		return true
	})
	p.Sources = append(p.Sources, src)
	return nil
}

func isPolish(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return strings.ContainsRune("ąćęłńóśźż", unicode.ToLower(r)) })
}
