package rules

import (
	"strings"
	"testing"
)

// complaintsOf gives the complaints as people see them, one a line.
func complaintsOf(list []Complaint) string {
	out := make([]string, len(list))
	for i, c := range list {
		out[i] = c.String()
	}
	return strings.Join(out, "\n")
}

func TestFilesThatNoOfficeNeedsAreRefusedAtOnce(t *testing.T) {
	many := func(s string, n int) string { return strings.Repeat(s, n) }
	for _, tt := range []struct{ name, file, want string }{
		{"an anchor", "version: &v 1", `rules.yaml:1:10: anchors, aliases and merge keys are not allowed`},
		{"an alias", "version: 1\nlists: *x", `rules.yaml:2:8: anchors, aliases`},
		{"a merge key", "version: 1\n<<: {a: 1}", `rules.yaml:2:1: anchors, aliases`},
		{"a billion laughs", "a: &a [x,x]\nb: &b [*a,*a]\nc: [*b,*b]", `rules.yaml:1:4: anchors`},
		{"a tag", "version: !!int 1", `rules.yaml:1:10: tags and directives are not allowed`},
		{"a directive", "%YAML 1.2\n---\nversion: 1", `rules.yaml:1:1: tags and directives`},
		{"a second document", "version: 1\n---\nversion: 1", `rules.yaml:2:1: a second document begins here`},
		{"a complex key", "? version\n: 1", `rules.yaml:1:1: a key is written key: value`},
		{"nothing", "", `rules.yaml:1:1: the file is empty`},
		{"only a comment", "# nic", `rules.yaml:1:1: the file is empty`},
		{"a list", "- a\n- b", `rules.yaml:1:1: rules.yaml must be a mapping, not a list`},
		{"not UTF-8", "version: 1 # \xb3\xf3d\xbc", `rules.yaml:1:14: this is not UTF-8`},
		{"a NUL", "version: 1 \x00", `rules.yaml:1:12: this is not UTF-8`},
		{"a tab", "version:\n\t- 1", `rules.yaml:2:`},
		{"an open bracket", "lists: {a: [b", `rules.yaml:1:`},
		{"over a megabyte", "version: 1 #" + many("x", 1<<20), `rules.yaml: the file has 1048588 bytes, more than 1 MB`},
		{"ten thousand brackets", "a: " + many("[", 10_000), `rules.yaml:1:36: brackets are nested deeper than 32`},
		{"ten thousand dashes", many("- ", 10_000) + "a", `rules.yaml:1:33: too many lists begin on this line`},
		{"ten thousand stairs", stairs(1000), `mappings are nested deeper than 32`},
		{"ten thousand keys", many("a: b\n", 10_000), `more than 5000 keys in one mapping`},
		{"ten thousand documents", many("---\na\n", 10_000), `a second document begins here`},
		{"half a million parts", "a: [" + many("b,", 400_000) + "]", `the file has too many parts`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			set, list := Load("rules.yaml", []byte(tt.file), smallOffice(t))
			if set != nil {
				t.Fatal("the file was taken")
			}
			if got := complaintsOf(list); !strings.Contains(got, tt.want) {
				t.Errorf("got:\n%s\nwant: %s", got, tt.want)
			}
		})
	}
}

func stairs(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	return b.String()
}

func TestARepeatedKeyIsToldWithBothPlaces(t *testing.T) {
	_, list := Load("rules.yaml", []byte("version: 1\nfallback: {department: OR}\nfallback: {department: OS}\n"), smallOffice(t))
	if got, want := complaintsOf(list), `rules.yaml:3:1: "fallback" is there already, in line 2; keep one of them`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestAComplaintShowsTheLineItIsAbout(t *testing.T) {
	c := Complaint{Code: "E103", File: "rules.yaml", Line: 2, Column: 12, Text: `unknown field "sbject"`, Fix: `did you mean "subject"?`}
	want := "error E103 rules.yaml:2:12  unknown field \"sbject\"\n" +
		"    2 |   - {when: sbject}\n" +
		"      |            ^\n" +
		"  fix: did you mean \"subject\"?\n"
	if got := c.Show([]byte("version: 1\n  - {when: sbject}\nx")); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func FuzzLoadRules(f *testing.F) {
	f.Add("version: 1\nfallback: {department: OR, queue: PK}\nclassify: [{id: a, when: {subject: {words: x}}, do: {class: \"6131\"}}]")
	f.Add("version: 1\nlists: {a: [b, 'c*']}\nfallback: {department: OR}\nassign:\n  - {id: x, do: {table: {\"61\": department:OS}}}")
	f.Add("version: 1\nfallback: {department: OR}\nalso:\n- id: b\n  when: {not: {any_of: [{attachment.size: \">= 10MB\"}, {received: 2026-01-01}]}}\n  do: {flag: urgent}")
	f.Add("version: 1\nfallback: {department: OR}\ntests: [{name: a, mail: {to: urzad@urzad.example}, expect: {queue: OR}}]")
	f.Add("a: |\n  b\n? c\n: &d e")
	f.Fuzz(func(t *testing.T, file string) {
		set, list := Load("rules.yaml", []byte(file), smallOffice(t))
		if (set == nil) != Failed(list) {
			t.Errorf("a set: %v, complaints: %v", set != nil, list)
		}
		if set == nil {
			return
		}
		it, doc := letter("a@b.example", file)
		first, again := set.Decide(it, doc, factsAt(it)), set.Decide(it, doc, factsAt(it))
		if changes := Diff(first, again); len(changes) > 0 {
			t.Errorf("two decisions on one letter differ: %v", changes)
		}
		set.Lint()
		set.Test()
	})
}

func FuzzLoadOffice(f *testing.F) {
	f.Add(smallOfficeFile)
	f.Add("office: {name: a, domain: b.c}\nclerks: {a: {name: b, mail: c@d.e, absences: [{from: 2026-01-01, to: 2026-01-02}]}}")
	f.Add("calendar: {hours: {mon-fri: \"7:30-15:30\"}}\ndeadlines: {X: {name: a, length: 3 days, basis: b}}")
	f.Fuzz(func(t *testing.T, file string) {
		office, list := LoadOffice("office.yaml", []byte(file))
		if (office == nil) != Failed(list) {
			t.Errorf("an office: %v, complaints: %v", office != nil, list)
		}
	})
}
