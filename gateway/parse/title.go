package parse

import (
	"strings"
	"unicode"
)

// title gives what a letter is about: its subject without the marks of
// answering and passing on, in whatever language.
func (w words) title(subject string) string {
	s := strings.TrimSpace(subject)
	for range 20 {
		rest, ok := w.cutReply(s)
		if !ok {
			break
		}
		s = rest
	}
	return s
}

// cutReply takes one mark off the front: "Re:", "Odp: ", "FWD[2]:", "RE (2):".
func (w words) cutReply(s string) (string, bool) {
	i := strings.IndexAny(s, ":\uff1a")
	if i <= 0 || i > 40 {
		return s, false
	}
	mark := strings.ToLower(strings.TrimSpace(s[:i]))
	mark = strings.TrimRightFunc(mark, func(r rune) bool { return unicode.IsDigit(r) || strings.ContainsRune("[]()^. ", r) })
	for _, reply := range w.replies {
		if mark == reply {
			rest := s[i:]
			rest = strings.TrimPrefix(strings.TrimPrefix(rest, ":"), "\uff1a")
			return strings.TrimSpace(rest), true
		}
	}
	return s, false
}
