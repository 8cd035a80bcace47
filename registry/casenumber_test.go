package registry

import "testing"

var testDepartments = map[string]Department{
	"OS": {ID: "OS", Marks: []string{"OŚ"}}, "OR": {ID: "OR", Marks: []string{"OR.II", "Or.I."}}, "GN": {ID: "GN"},
}

func TestCaseNumbersAreReadAsPeopleWriteThem(t *testing.T) {
	for _, tt := range []struct {
		name, text, want, initials string
		foreign, loose             bool
	}{
		{"as we write it", "OS.6131.12.2026", "OS.6131.12.2026", "", false, false},
		{"with the clerk's initials", "OS.6131.12.2026.EA", "OS.6131.12.2026", "EA", false, false},
		{"in a sub-group", "OS.6131.78.2.2026", "OS.6131.78.2.2026", "", false, false},
		{"in a sub-group with initials", "OS.6131.78.2.2026.EA", "OS.6131.78.2.2026", "EA", false, false},
		{"with the letter that we write without its mark", "OŚ.6131.25.2026", "OS.6131.25.2026", "", false, false},
		{"of a department with a dot", "OR.II.1431.5.2026", "OR.1431.5.2026", "", false, true},
		{"with hyphen and slashes", "OR-1431/25/2026", "OR.1431.25.2026", "", false, true},
		{"in lower case with a blank", "os 6131.25.2026", "OS.6131.25.2026", "", false, true},
		{"of a neighbour", "GK.6131.2.2026", "GK.6131.2.2026", "", true, false},
		{"of a neighbour with a dotted mark", "WUW.I.6131.2.2026", "WUW.I.6131.2.2026", "", true, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, err := ParseCaseNumber(tt.text, testDepartments)
			if err != nil {
				t.Fatal(err)
			}
			if got := m.Number.String(); got != tt.want || m.Initials != tt.initials || m.Foreign != tt.foreign || m.Loose != tt.loose {
				t.Errorf("got %s, initials %q, foreign %v, loose %v", got, m.Initials, m.Foreign, m.Loose)
			}
		})
	}
}

func TestWhatIsNoCaseNumberIsNotReadAsOne(t *testing.T) {
	for _, text := range []string{"", "OS", "OS.6131", "OS.6131.12", "OS.6131.012.2026", "OS.6131.12.26", "6131.12.2026", "OR.II.0717-12/10", "OS.6131.0.2026", "1.2.3.4.2026", "OS.6131.12.2026.9"} {
		if m, err := ParseCaseNumber(text, testDepartments); err == nil {
			t.Errorf("%q was read as %s", text, m.Number)
		}
	}
}

func FuzzParseCaseNumber(f *testing.F) {
	for _, s := range []string{"OS.6131.12.2026", "OŚ.6131.78.2.2026.EA", "OR-1431/25/2026", "WUW.I.6131.2.2026"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		m, err := ParseCaseNumber(s, testDepartments)
		if err != nil {
			return
		}
		again, err := ParseCaseNumber(m.Number.String(), testDepartments)
		if err != nil || again.Number != m.Number {
			t.Errorf("%q was read as %s, which is read as %v, %v", s, m.Number, again.Number, err)
		}
	})
}
