package charset

import "strings"

// alias gives the usual name for spellings that no standard lists.
func alias(l string) (string, bool) {
	switch l {
	case "ascii", "us", "usascii", "us_ascii", "7bit", "ansi_x3.4-1968", "iso646-us", "iso-646", "x-us-ascii", "ansi_x3.4-1986", "646":
		return "us-ascii", true
	case "unknown", "unknown-8bit", "x-unknown", "8bit", "binary", "none", "default", "default_charset", "x-user-defined", "user-defined", "_autodetect", "_autodetect_all", "x-unknown-8bit":
		return "", true
	case "utf8", "utf_8", "utf-8-sig", "unicode-1-1-utf-8", "unicode-2-0-utf-8", "x-unicode-2-0-utf-8", "utf8mb4", "utf-8n", "x-utf_8j", "x-utf-8", "cp65001", "65001":
		return "utf-8", true
	case "utf7", "utf_7", "unicode-1-1-utf-7", "unicode-2-0-utf-7", "x-unicode-2-0-utf-7", "csunicode11utf7", "cp65000":
		return "utf-7", true
	case "utf16", "ucs-2", "ucs2", "iso-10646-ucs-2", "unicode":
		return "utf-16", true
	case "utf16le", "utf-16-le", "ucs-2le":
		return "utf-16le", true
	case "utf16be", "utf-16-be", "ucs-2be":
		return "utf-16be", true
	case "latin2", "latin-2", "l2", "iso8859-2", "iso88592", "iso_8859_2", "iso-8859_2", "iso8859_2", "iso-88592", "iso 8859-2", "8859-2", "x-iso-8859-2", "polish", "iso-latin-2":
		return "iso-8859-2", true
	case "latin1", "latin-1", "iso8859-1", "iso88591", "iso_8859_1", "iso-8859_1", "iso8859_1", "iso-88591", "8859-1", "x-iso-8859-1", "ansi", "iso-latin-1", "iso-8859-1-windows-3.0-latin-1", "iso-8859-1-windows-3.1-latin-1":
		return "windows-1252", true
	case "latin9", "latin-9", "iso8859-15", "iso-8859_15", "l9":
		return "iso-8859-15", true
	case "mac", "macroman", "x-mac-roman", "x-macroman", "mac-roman", "apple-roman":
		return "macintosh", true
	case "x-mac-cyrillic", "maccyrillic", "x-mac-ukrainian":
		return "x-mac-cyrillic", true
	case "ks_c_5601-1987", "ks_c_5601", "ksc5601", "ksc_5601", "cp949", "ms949", "x-windows-949", "windows-949", "uhc":
		return "euc-kr", true
	case "x-gbk", "cp936", "ms936", "windows-936", "gb2312-80", "euc-cn", "x-euc-cn", "gb_2312-80", "chinesesimplified":
		return "gbk", true
	case "cp950", "ms950", "x-x-big5", "big5-hkscs", "big5hkscs", "windows-950", "chinesebig5":
		return "big5", true
	case "cp932", "ms932", "windows-31j", "x-sjis", "sjis", "x-ms-cp932", "shift-jis", "shiftjis":
		return "shift_jis", true
	case "eucjp", "x-euc-jp", "x-euc":
		return "euc-jp", true
	case "euckr", "x-euc-kr":
		return "euc-kr", true
	case "cp-850", "ibm-850", "x-cp850", "850", "dos-850":
		return "ibm850", true
	case "cp852", "cp-852", "ibm-852", "x-cp852", "852", "dos-852", "pc852", "latin2-dos":
		return "ibm852", true
	case "koi8", "koi-8", "koi":
		return "koi8-r", true
	case "mazovia", "cp620", "cp790":
		return "", true
	}
	return windows(l)
}

// windows reads the many spellings of Windows code pages: cp-1250, win1250,
// x-cp1250, windows_1250, ansi-1250, ms-ee …
func windows(l string) (string, bool) {
	if l == "ms-ee" || l == "cswindows1250" {
		return "windows-1250", true
	}
	rest := l
	for _, p := range []string{"x-", "ms-", "cs"} {
		rest = strings.TrimPrefix(rest, p)
	}
	for _, p := range []string{"windows", "win", "cp", "ansi", "microsoft", "codepage", "wincp"} {
		if tail, ok := strings.CutPrefix(rest, p); ok {
			rest = strings.TrimLeft(tail, "-_ ")
			break
		}
	}
	if len(rest) == 4 && strings.HasPrefix(rest, "125") && rest[3] >= '0' && rest[3] <= '8' {
		return "windows-" + rest, true
	}
	return "", false
}
