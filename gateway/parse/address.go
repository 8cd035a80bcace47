package parse

import (
	"bytes"
	"strings"

	"github.com/emersion/go-message/mail"

	"kancelaria/gateway/parse/charset"
	"kancelaria/registry"
)

// maxAddresses bounds how much of one field of addresses is read.
const maxAddresses = 128 << 10

// addresses reads a field of addresses and never gives up on one: where there
// is text, there is an address, if only with Raw.
func (run *reading) addresses(list []registry.Address, value []byte) []registry.Address {
	value = bytes.TrimSpace(value[:min(len(value), maxAddresses)])
	if len(value) == 0 || len(list) >= maxList {
		return list
	}
	if got, ok := strictAddresses(value); ok {
		return append(list, got[:min(len(got), maxList-len(list))]...)
	}
	got := lenientAddresses(value, run.set)
	for _, a := range got {
		if a.Email == "" {
			run.flaw(flawFrom, "", "")
		}
	}
	return append(list, got[:min(len(got), maxList-len(list))]...)
}

// strictAddresses is the first try: the library, for values that need no
// decoding, which it knows by the letter of RFC 5322.
func strictAddresses(value []byte) ([]registry.Address, bool) {
	for _, c := range value {
		if c >= 0x80 || c == 0 {
			return nil, false
		}
	}
	if bytes.Contains(value, []byte("=?")) || len(value) > 64<<10 {
		return nil, false
	}
	parsed, err := mail.ParseAddressList(string(value))
	if err != nil || len(parsed) == 0 {
		return nil, false
	}
	out := make([]registry.Address, len(parsed))
	for i, a := range parsed {
		out[i] = registry.Address{Name: oneLine(charset.Clean(a.Name)), Email: charset.Clean(a.Address)}
	}
	return out, true
}

// lenientAddresses reads what people's programs write: names with commas,
// dots and raw bytes, encoded words inside quotes, addresses without brackets,
// names without addresses.
func lenientAddresses(value []byte, set *charset.Decoder) []registry.Address {
	var out []registry.Address
	for _, part := range splitAddresses(value) {
		if a, ok := lenientAddress(part, set); ok {
			out = append(out, a)
		}
		if len(out) >= maxList {
			break
		}
	}
	return mergeNames(out)
}

// splitAddresses cuts at commas and semicolons that stand in no quotes,
// brackets or comments. A quote that never closes is no quote.
func splitAddresses(v []byte) [][]byte {
	var parts [][]byte
	from, depth, angle := 0, 0, false
	lastRound, lastAngle := bytes.LastIndexByte(v, ')'), bytes.LastIndexByte(v, '>')
	for i := 0; i < len(v); i++ {
		switch c := v[i]; {
		case c == '\\':
			i++
		case c == '"' && depth == 0:
			if end := closingQuote(v[i+1:]); end >= 0 {
				i += end + 1
			}
		case c == '(' && !angle && i < lastRound:
			depth++
		case c == ')' && depth > 0:
			depth--
		case c == '<' && depth == 0:
			angle = i < lastAngle
		case c == '>':
			angle = false
		case (c == ',' || c == ';') && depth == 0 && !angle:
			parts = append(parts, v[from:i])
			from = i + 1
		}
	}
	return append(parts, v[from:])
}

func closingQuote(v []byte) int {
	for i := 0; i < len(v); i++ {
		switch v[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return -1
}

// lenientAddress reads one address.
func lenientAddress(v []byte, set *charset.Decoder) (a registry.Address, ok bool) {
	text := oneLine(set.Header(v))
	text = strings.TrimSpace(text)
	if i := strings.IndexByte(text, ':'); i > 0 && !strings.ContainsAny(text[:i], "@<\"[") {
		text = strings.TrimSpace(text[i+1:]) // the name of a group, or "mailto:"
	}
	if text == "" || text == "<>" {
		return registry.Address{}, false
	}
	a.Raw = cut(text, maxValue)
	defer func() {
		if plainly(a) { // the reading was no guess
			a.Raw = ""
		}
	}()
	if open := strings.LastIndexByte(text, '<'); open >= 0 {
		inside, _, _ := strings.Cut(text[open+1:], ">")
		a.Email = email(inside)
		a.Name = displayName(text[:open])
		if a.Email == "" && inside != "" && !strings.ContainsAny(inside, " \t\"") {
			a.Email = cut(inside, maxValue) // a name without a host, as daemons sign with
		}
		if a.Email != "" {
			return a, true
		}
	}
	if bare := strings.TrimSpace(withoutComments(text)); !strings.ContainsAny(bare, " \t<>\"") {
		if a.Email = email(bare); a.Email != "" {
			if i := strings.IndexByte(text, '('); i > 0 && strings.HasSuffix(text, ")") {
				a.Name = displayName(text[i:])
			}
			return a, true
		}
	}
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" \t()<>,;\"'[]", r) }) {
		if e := email(word); e != "" {
			a.Email = e
			rest := strings.Replace(text, word, "", 1)
			a.Name = displayName(strings.Trim(rest, " \t()<>[]"))
			return a, true
		}
	}
	a.Name = displayName(text)
	return a, a.Name != ""
}

// plainly reports whether an address is written as one should be.
func plainly(a registry.Address) bool {
	if a.Email == "" {
		return false
	}
	bare := strings.ReplaceAll(a.Raw, `"`, "")
	return bare == a.Email || bare == "<"+a.Email+">" || bare == a.Name+" <"+a.Email+">"
}

// email tidies an address, "" if it is none. Local parts without a domain are
// none: they are names.
func email(s string) string {
	if len(s) > 1000 {
		return ""
	}
	s = strings.Trim(s, " \t<>\"'()[],;")
	s = strings.TrimPrefix(s, "mailto:")
	if i := strings.LastIndexByte(s, ':'); i >= 0 && strings.HasPrefix(s, "@") {
		s = s[i+1:] // a source route (RFC 5322 § 4.4)
	}
	s = strings.ReplaceAll(withoutComments(s), " ", "")
	at := strings.LastIndexByte(s, '@')
	if at < 1 || at == len(s)-1 || len(s) > 500 {
		return ""
	}
	return s
}

// withoutComments removes what stands in round brackets (RFC 5322 § 3.2.2).
func withoutComments(s string) string {
	for {
		open := strings.IndexByte(s, '(')
		end := strings.IndexByte(s, ')')
		if open < 0 || end < open {
			return s
		}
		s = s[:open] + s[end+1:]
	}
}

// displayName takes quotes, escapes and comments' brackets off a name.
func displayName(s string) string {
	s = strings.TrimSpace(s)
	if strings.HasPrefix(s, "(") && strings.HasSuffix(s, ")") {
		s = s[1 : len(s)-1]
	}
	if strings.IndexByte(s, '"') >= 0 {
		s = strings.ReplaceAll(strings.ReplaceAll(s, `\"`, "\x00"), `"`, "")
		s = strings.ReplaceAll(s, "\x00", `"`)
	}
	s = strings.ReplaceAll(s, `\\`, `\`)
	return cut(strings.Join(strings.Fields(s), " "), maxValue)
}

// mergeNames joins "Surname", "Name <a@b>" that a comma without quotes had cut.
func mergeNames(list []registry.Address) []registry.Address {
	var out []registry.Address
	for _, a := range list {
		if last := len(out) - 1; last >= 0 && out[last].Email == "" && a.Email != "" && a.Name != "" {
			a.Raw = out[last].Raw + ", " + a.Raw
			a.Name = out[last].Name + ", " + a.Name
			out[last] = a
			continue
		}
		out = append(out, a)
	}
	return out
}

// maxID bounds what stands between the brackets of a Message-ID.
const maxID = 2000

// messageIDs reads Message-IDs, without their brackets.
func messageIDs(list []string, value []byte) []string {
	s := charset.Clean(string(value[:min(len(value), maxAddresses)]))
	for len(list) < maxList {
		open := strings.IndexByte(s, '<')
		if open < 0 {
			break
		}
		end := strings.IndexByte(s[open:min(len(s), open+maxID)], '>')
		next := strings.IndexByte(s[open+1:], '<')
		switch {
		case end < 0 && next < 0:
			end = len(s) - open
		case end < 0 || next >= 0 && next+1 < end: // "<a@b <c@d>": the bracket never closed
			end = next + 1
		}
		if id := tidyID(s[open+1 : open+end]); id != "" {
			list = append(list, id)
		}
		s = s[min(open+end, len(s)):]
		s = strings.TrimPrefix(s, ">")
	}
	if len(list) == 0 {
		for _, word := range strings.Fields(s) {
			if id := tidyID(word); id != "" && strings.Contains(id, "@") && len(list) < maxList {
				list = append(list, id)
			}
		}
	}
	return list
}

func tidyID(s string) string {
	s = strings.Join(strings.Fields(s), "")
	s = strings.Trim(s, "<>\"',;")
	return cut(s, 500)
}
