package registry

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// A CaseMark is a case number as it stands in a letter.
type CaseMark struct {
	Number   CaseNumber
	Initials string // of a clerk, put behind the number; identify no case
	// Foreign: of this grammar, but no department of ours has that mark.
	Foreign bool
	// Loose: the mark was read with other separators, in other case or without
	// diacritics than it is written: a suggestion at best.
	Loose bool
}

// Bounds of a case number's parts.
const (
	maxMark     = 120
	maxDeptMark = 40
	maxSymbol   = 8
	maxSeq      = 7
)

// ParseCaseNumber reads a case number (Instruction § 5: department, class,
// number, year, in this order, with dots between; the number of a sub-group
// before that of its case; the clerk's initials may follow). Departments of
// ours, whose own marks may hold dots, are tried first, longest first; what
// fits the grammar under another mark is foreign.
func ParseCaseNumber(s string, departments map[string]Department) (CaseMark, error) {
	bad := fmt.Errorf("%.60q is not a case number like OS.6131.12.2026", s)
	s = strings.TrimSpace(s)
	if len(s) > maxMark || !strings.ContainsFunc(s, unicode.IsDigit) {
		return CaseMark{}, bad
	}
	for _, own := range marksOf(departments) {
		if rest, ok := strings.CutPrefix(s, own.mark+"."); ok {
			if m, ok := parseRest(rest, "."); ok {
				m.Number.Department = own.department
				m.Loose = own.mark != own.department && Fold(own.mark) != Fold(own.department)
				return m, nil
			}
		}
	}
	if m, ok := parseLoose(s, departments); ok {
		return m, nil
	}
	if m, ok := parseForeign(s); ok {
		return m, nil
	}
	return CaseMark{}, bad
}

// A deptMark is a spelling of a department of ours.
type deptMark struct{ mark, department string }

// marksOf lists all spellings of our departments, longest first.
func marksOf(departments map[string]Department) []deptMark {
	var all []deptMark
	for id, d := range departments {
		all = append(all, deptMark{id, id})
		for _, m := range d.Marks {
			all = append(all, deptMark{strings.TrimSuffix(m, "."), id})
		}
	}
	slices.SortFunc(all, func(a, b deptMark) int {
		return cmp.Or(cmp.Compare(len(b.mark), len(a.mark)), strings.Compare(a.mark, b.mark))
	})
	return all
}

// parseRest reads what follows the department: class, number, the number in a
// sub-group if there is one, year, initials if there are any.
func parseRest(s, separator string) (CaseMark, bool) {
	parts := strings.Split(s, separator)
	var m CaseMark
	if last := parts[len(parts)-1]; isInitials(last) {
		m.Initials, parts = last, parts[:len(parts)-1]
	}
	if len(parts) != 3 && len(parts) != 4 {
		return CaseMark{}, false
	}
	year, err := digits(parts[len(parts)-1], 4, 4)
	if err != nil || year < 1900 || year > 2199 {
		return CaseMark{}, false
	}
	if _, err := digits(parts[0], 2, maxSymbol); err != nil {
		return CaseMark{}, false
	}
	m.Number.Class, m.Number.Year = parts[0], int(year)
	numbers := make([]int64, 0, 2)
	for _, p := range parts[1 : len(parts)-1] {
		n, err := digits(p, 1, maxSeq)
		if err != nil || n < 1 || p[0] == '0' {
			return CaseMark{}, false
		}
		numbers = append(numbers, n)
	}
	if len(numbers) == 2 {
		m.Number.Group = numbers[0]
	}
	m.Number.Seq = numbers[len(numbers)-1]
	return m, true
}

// isInitials tells a clerk's initials from a year.
func isInitials(s string) bool {
	n := 0
	for _, r := range s {
		if !unicode.IsLetter(r) {
			return false
		}
		n++
	}
	return n >= 2 && n <= 4
}

// parseLoose reads our marks as people quote them: OR-1431/25/2026, os 6131.25.2026.
func parseLoose(s string, departments map[string]Department) (CaseMark, bool) {
	folded := Fold(s)
	for _, own := range marksOf(departments) {
		rest, ok := strings.CutPrefix(folded, Fold(own.mark))
		if !ok || rest == "" || !strings.ContainsRune(".-/ ", rune(rest[0])) {
			continue
		}
		rest = strings.NewReplacer("-", ".", "/", ".", " ", ".").Replace(rest[1:])
		if m, ok := parseRest(strings.ToUpper(rest), "."); ok {
			m.Number.Department, m.Loose = own.department, true
			return m, true
		}
	}
	return CaseMark{}, false
}

// parseForeign reads a mark of this grammar whose department is not ours: the
// digits after it must fit from the shortest department on.
func parseForeign(s string) (CaseMark, bool) {
	for i, r := range s {
		if r != '.' || i == 0 || i > maxDeptMark {
			continue
		}
		department := s[:i]
		if !isDeptMark(department) {
			return CaseMark{}, false
		}
		if m, ok := parseRest(s[i+1:], "."); ok {
			m.Number.Department, m.Foreign = department, true
			return m, true
		}
	}
	return CaseMark{}, false
}

// isDeptMark reports whether s may be some office's department: letters, with
// digits, hyphens or dots inside.
func isDeptMark(s string) bool {
	for i, r := range s {
		if !unicode.IsLetter(r) && (i == 0 || !unicode.IsDigit(r) && r != '-' && r != '.') {
			return false
		}
	}
	return s != ""
}
