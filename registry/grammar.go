package registry

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// ParseNumber reads a register number as people write it: RPW-004512-2026,
// RPW/4512/2026, 4512/2026 (then of the register RPW), in any case.
func ParseNumber(s string) (Number, error) {
	bad := fmt.Errorf("%.60q is not a register number like RPW-004512-2026", s)
	t := strings.ToUpper(strings.TrimSpace(s))
	t = strings.ReplaceAll(t, "/", "-")
	last := strings.LastIndexByte(t, '-')
	if last < 1 {
		return Number{}, bad
	}
	year, err := digits(t[last+1:], 4, 4)
	if err != nil || year < 1900 {
		return Number{}, bad
	}
	rest := t[:last]
	register := "RPW"
	if cut := strings.LastIndexByte(rest, '-'); cut >= 0 {
		register, rest = rest[:cut], rest[cut+1:]
	}
	seq, err := digits(rest, 1, 12)
	if err != nil || seq < 1 || !isRegister(register) {
		return Number{}, bad
	}
	return Number{Register: register, Year: int(year), Seq: seq}, nil
}

// isRegister reports whether s may name a register: capital letters, digits
// and single inner hyphens, 1 to 20 of them. K and Z begin the names of
// folders.
func isRegister(s string) bool {
	if first, _, _ := strings.Cut(s, "-"); first == "K" || first == "Z" {
		return false
	}
	if s == "" || len(s) > 20 || s[0] == '-' || s[len(s)-1] == '-' || strings.Contains(s, "--") {
		return false
	}
	letter := false
	for _, r := range s {
		switch {
		case r >= 'A' && r <= 'Z':
			letter = true
		case r >= '0' && r <= '9', r == '-':
		default:
			return false
		}
	}
	return letter
}

func digits(s string, least, most int) (int64, error) {
	if len(s) < least || len(s) > most {
		return 0, strconv.ErrSyntax
	}
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return 0, strconv.ErrSyntax
		}
	}
	return strconv.ParseInt(s, 10, 64)
}

// formsCase reports whether a case number can be made of the two.
func formsCase(department, class string) bool { return isMark(department) && isSymbol(class) }

// isMark reports whether s may stand for a department in a case number:
// letters, digits, hyphens and single dots within.
func isMark(s string) bool {
	if s == "" || len(s) > 40 || strings.HasPrefix(s, ".") || strings.HasSuffix(s, ".") || strings.Contains(s, "..") {
		return false
	}
	return strings.IndexFunc(s, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '-' && r != '.'
	}) < 0
}

// isSymbol reports whether s may be a class of the file plan: 1 to 8 digits.
func isSymbol(s string) bool {
	_, err := digits(s, 1, 8)
	return err == nil
}
