package registry_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"kancelaria/registry"
)

func TestEveryTextIsThereInBothLanguages(t *testing.T) {
	pl, en := registry.Catalogue("pl"), registry.Catalogue("en")
	place := regexp.MustCompile(`\{[a-z]+\}`)
	for _, key := range pl.Keys("") {
		if strings.HasPrefix(key, "genitive.") { // only Polish declines
			continue
		}
		if !en.Has(key) {
			t.Errorf("%q has no English text", key)
			continue
		}
		a, b := place.FindAllString(pl.Say(key), -1), place.FindAllString(en.Say(key), -1)
		slices.Sort(a)
		slices.Sort(b)
		if !strings.HasPrefix(key, "form.") && !slices.Equal(a, b) {
			t.Errorf("%q has places %v in Polish and %v in English", key, a, b)
		}
	}
	for _, key := range en.Keys("") {
		if !pl.Has(key) {
			t.Errorf("%q has no Polish text", key)
		}
	}
	if !slices.Equal(pl.Templates(), en.Templates()) {
		t.Errorf("templates differ: %v in Polish, %v in English", pl.Templates(), en.Templates())
	}
}

func TestEveryWordOfTheBookHasASentence(t *testing.T) {
	pl := registry.Catalogue("pl")
	for _, tt := range []struct{ file, typ, prefix string }{
		{"flag.go", "Flag", "flag."},
		{"state.go", "Status", "status."},
		{"item.go", "Door", "door."},
		{"draft.go", "ActKind", "event."},
		{"draft.go", "Disposition", "event."},
		{"document.go", "AuthVerdict", "auth."},
	} {
		for _, word := range constants(t, tt.file, tt.typ, "") {
			if !pl.Has(tt.prefix + word) {
				t.Errorf("%s %q has no text %q", tt.typ, word, tt.prefix+word)
			}
		}
	}
	for _, code := range constants(t, "receipt.go", "", "NoReceipt") {
		if !pl.Has("receipt.not." + code) {
			t.Errorf("reason %q has no text", code)
		}
	}
}

// constants lists the string values of a file's constants of a type, or, when
// typ is "", of those whose name begins with prefix.
func constants(t *testing.T, file, typ, prefix string) []string {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var values []string
	ast.Inspect(f, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		id, _ := spec.Type.(*ast.Ident)
		if (typ != "" && (id == nil || id.Name != typ)) || !strings.HasPrefix(spec.Names[0].Name, prefix) {
			return true
		}
		for _, v := range spec.Values {
			if lit, ok := v.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				s, _ := strconv.Unquote(lit.Value)
				values = append(values, s)
			}
		}
		return true
	})
	if len(values) == 0 {
		t.Fatalf("%s has no constants of %q", file, typ+prefix)
	}
	return values
}

func TestPolishCounts(t *testing.T) {
	pl := registry.Catalogue("pl")
	for n, want := range map[int64]string{
		0: "0 załączników", 1: "1 załącznik", 2: "2 załączniki", 4: "4 załączniki", 5: "5 załączników",
		12: "12 załączników", 14: "14 załączników", 21: "21 załączników", 22: "22 załączniki",
		25: "25 załączników", 104: "104 załączniki", 112: "112 załączników", 1000: "1000 załączników",
	} {
		if got := pl.Count("count.attachments", n); got != want {
			t.Errorf("Count(%d) = %q, want %q", n, got, want)
		}
	}
	if got := registry.Catalogue("en").Count("count.attachments", 2); got != "2 attachments" {
		t.Errorf("English count = %q", got)
	}
}

func TestDatesAndSizesAsPeopleWriteThem(t *testing.T) {
	warsaw, err := time.LoadLocation("Europe/Warsaw")
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 23, 8, 41, 7, 0, time.UTC).In(warsaw)
	pl, en := registry.Catalogue("pl"), registry.Catalogue("en")
	for _, tt := range []struct{ got, want string }{
		{pl.Moment(at), "23 listopada 2026 r., 09:41:07 (czas polski)"},
		{en.Moment(at), "23 November 2026 at 09:41:07 (Polish time)"},
		{pl.Minute(at), "23 listopada 2026 r., 09:41"},
		{pl.Stamp(at), "pon. 23.11.2026, 09:41:07"},
		{pl.Day(registry.Day{Year: 2026, Month: 11, Day: 26}), "czw. 26.11.2026"},
		{pl.Day(registry.Day{}), "–"},
		{pl.Size(0), "0 B"},
		{pl.Size(999), "999 B"},
		{pl.Size(1000), "1 kB"},
		{pl.Size(181_600), "182 kB"},
		{pl.Size(999_600), "1 MB"},
		{pl.Size(1_449_000), "1,4 MB"},
		{en.Size(1_449_000), "1.4 MB"},
		{pl.Size(61_000_000), "61 MB"},
		{pl.Genitive("Urząd Miejski w Aleksandrowie"), "Urzędu Miejskiego w Aleksandrowie"},
		{pl.Genitive("Urząd Gminy Lipowa"), "Urzędu Gminy Lipowa"},
		{pl.Genitive("Biblioteka"), ""},
		{registry.ASCII("Zażółć gęślą jaźń – „tak”…\r\n☺"), `Zazolc gesla jazn - "tak".  ?`},
	} {
		if tt.got != tt.want {
			t.Errorf("got %q, want %q", tt.got, tt.want)
		}
	}
}

func TestAValueIsNeverReadForPlacesOfItsOwn(t *testing.T) {
	got := registry.Catalogue("pl").Say("drop.what", "name", "{name}{reason}.pdf", "reason", "x")
	if want := "Plik „{name}{reason}.pdf” nie został wpisany do rejestru."; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestAnUnknownReasonIsStillSaid(t *testing.T) {
	if got := registry.Catalogue("pl").Say("reason.office_party"); got != "office party" {
		t.Errorf("got %q", got)
	}
}

func TestTheNewestVersionIsCurrent(t *testing.T) {
	pl := registry.Catalogue("pl")
	for _, id := range pl.Templates() {
		name := id[:strings.LastIndexByte(id, '/')]
		if current := pl.Current(name); current < id {
			t.Errorf("Current(%q) = %q, older than %q", name, current, id)
		}
	}
	if got := pl.Current("receipt/none"); got != "" {
		t.Errorf("Current of nothing = %q", got)
	}
	if _, err := pl.Render("receipt/none/1", nil); err == nil {
		t.Error("a template that is not there was rendered")
	}
}

// What the law forbids in any automatic mail to a resident.
func TestReceiptsClaimNothing(t *testing.T) {
	for _, lang := range []string{"pl", "en"} {
		texts := registry.Catalogue(lang)
		for _, id := range texts.Templates() {
			if !strings.HasPrefix(id, "receipt/") || strings.HasPrefix(id, "receipt/proof/") {
				continue
			}
			text, err := texts.Render(id, map[string]any{
				"At": time.Now(), "Number": "N", "Register": "RPW", "Attachments": 2, "Office": "Urząd", "Genitive": "Urzędu",
				"English": "", "ADE": "AE", "BIP": "bip", "Privacy": "rodo", "Phone": "1",
				"Entries": []map[string]any{{"Number": "N", "At": time.Now(), "Attachments": 1}},
			})
			if err != nil {
				t.Fatal(err)
			}
			for _, claim := range []string{"złożono podanie", "wszczęto postępowanie", "doręczono", "zostanie rozpatrzon"} {
				if strings.Contains(text, claim) {
					t.Errorf("%s in %s says %q", id, lang, claim)
				}
			}
			if !strings.Contains(text, "UPO)") {
				t.Errorf("%s in %s does not say that it is no UPO", id, lang)
			}
		}
	}
}
