package charset

import (
	"encoding/base64"
	"strings"
	"unicode/utf16"
)

// utf7 reads UTF-7 (RFC 2152). What is not well formed stays as it is written.
func utf7(b []byte) string {
	var out strings.Builder
	out.Grow(len(b))
	for i := 0; i < len(b); {
		if b[i] != '+' {
			out.WriteByte(b[i])
			i++
			continue
		}
		j := i + 1
		for j < len(b) && base64Letter(b[j]) {
			j++
		}
		switch {
		case j == i+1 && j < len(b) && b[j] == '-':
			out.WriteByte('+')
			i = j + 1
			continue
		case j == i+1:
			out.WriteByte('+')
			i = j
			continue
		}
		text, ok := shifted(b[i+1 : j])
		if !ok {
			out.Write(b[i:j])
			i = j
			continue
		}
		out.WriteString(text)
		if j < len(b) && b[j] == '-' {
			j++
		}
		i = j
	}
	return out.String()
}

// shifted decodes one run of modified base64: UTF-16, big endian.
func shifted(b []byte) (string, bool) {
	raw, err := base64.RawStdEncoding.DecodeString(string(b))
	if err != nil && len(b)%4 == 1 {
		raw, err = base64.RawStdEncoding.DecodeString(string(b[:len(b)-1]))
	}
	if err != nil || len(raw) < 2 {
		return "", false
	}
	units := make([]uint16, len(raw)/2)
	for i := range units {
		units[i] = uint16(raw[2*i])<<8 | uint16(raw[2*i+1])
	}
	return string(utf16.Decode(units)), true
}

func base64Letter(c byte) bool {
	return asciiLetter(c) || c >= '0' && c <= '9' || c == '+' || c == '/'
}
