package parse

import (
	"bytes"
	"path"
	"strings"

	"github.com/gabriel-vasile/mimetype"
)

// A kind is what the bytes of a file are, whatever they are called.
type kind struct {
	media string // media type without parameters
	ext   string // usual extension with its dot
	text  bool   // to be searched as text
	html  bool

	encrypted bool
	signed    bool // carries a signature inside
	macros    bool
	uu        bool // has uuencoded files among its lines
}

// kindOf looks at the first bytes; the name and the declared type decide only
// between what the bytes leave open.
func kindOf(head []byte, name, declared string) kind {
	switch {
	case len(head) == 0:
		return kind{media: orElse(declared, "text/plain"), ext: path.Ext(name), text: strings.HasPrefix(declared, "text/")}
	case strings.HasPrefix(declared, "text/") && isText(head) && !bytes.HasPrefix(head, []byte("%PDF-")):
		return textKind(declared)
	case isCMSHead(head, name, declared):
		k := kind{media: "application/pkcs7-mime", ext: ".p7m"}
		if isCMS(declared) {
			k.media = declared
		}
		return k
	case bytes.HasPrefix(head, []byte{0x78, 0x9f, 0x3e, 0x22}):
		return kind{media: "application/ms-tnef", ext: ".dat"}
	case declared == "message/rfc822" || declared == "message/global", looksLikeLetter(head) && !strings.HasPrefix(declared, "message/"):
		if isText(head[:min(len(head), 1024)]) {
			return kind{media: "message/rfc822", ext: ".eml"}
		}
	case strings.HasPrefix(declared, "message/") && isText(head):
		return kind{media: declared, ext: ".txt", text: declared == "message/delivery-status" || declared == "message/global-delivery-status"}
	}
	return detected(head, name, declared)
}

// detected asks the library of signatures.
func detected(head []byte, name, declared string) kind {
	m := mimetype.Detect(head)
	media, _, _ := strings.Cut(m.String(), ";")
	media = strings.TrimSpace(media)
	k := kind{media: media, ext: m.Extension()}
	switch {
	case media == "application/octet-stream" && strings.HasPrefix(declared, "text/"):
		k = textKind(declared)
	case media == "application/zip":
		if said := zipMedia(head); said != "" {
			k.media, k.ext = said, orElse(strings.ToLower(path.Ext(name)), ".zip")
		}
	case media == "application/octet-stream" && bytes.Contains(head[:min(len(head), 2048)], []byte("%PDF-")):
		k.media, k.ext = "application/pdf", ".pdf" // QUIRK: bytes of a fax gateway before the PDF
	case media == "application/x-ole-storage":
		k.media, k.ext = oleKind(name)
	case strings.HasPrefix(media, "text/"):
		k = textKind(media)
		k.ext = m.Extension()
		if media == "text/plain" && hasExt(name, ".csv", ".html", ".htm", ".xml", ".rtf", ".ics", ".vcf", ".md", ".json") {
			k.ext = strings.ToLower(path.Ext(name))
		}
	}
	return k
}

// isCMSHead reports whether bytes begin a CMS: a sequence that names a content
// type of PKCS #7, or what is said to be one.
func isCMSHead(head []byte, name, declared string) bool {
	if head[0] != 0x30 || len(head) < 2 {
		return false
	}
	return isCMS(declared) || hasExt(name, ".p7m", ".p7s") ||
		bytes.Contains(head[:min(len(head), 24)], []byte("\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07"))
}

// zipMedia reads what a zip says of itself, as OpenDocument and ASiC do in a
// first member that is stored (ETSI EN 319 162-1 § A.1).
func zipMedia(head []byte) string {
	const name = "mimetype"
	if len(head) < 38 || string(head[30:38]) != name {
		return ""
	}
	size := int(head[22]) | int(head[23])<<8
	skip := int(head[28]) | int(head[29])<<8
	from := 30 + len(name) + skip
	if from > len(head) {
		return ""
	}
	said := head[from:min(from+100, len(head))]
	if size > 0 { // else the size stands behind the member
		said = said[:min(size, len(said))]
	}
	media := string(said)
	if end := strings.IndexFunc(media, func(r rune) bool { return r <= ' ' || r > '~' }); end >= 0 {
		media = media[:end]
	}
	if strings.HasPrefix(media, "application/vnd.etsi.asic") || strings.HasPrefix(media, "application/vnd.oasis.opendocument.") {
		return media
	}
	return ""
}

// oleKind tells the old office formats apart, which all lie in one container,
// by the only thing that does so cheaply: the name.
func oleKind(name string) (media, ext string) {
	switch ext = strings.ToLower(path.Ext(cleanForExt(name))); ext {
	case ".doc", ".dot":
		return "application/msword", ext
	case ".xls", ".xlt":
		return "application/vnd.ms-excel", ext
	case ".ppt", ".pps", ".pot":
		return "application/vnd.ms-powerpoint", ext
	case ".msg":
		return "application/vnd.ms-outlook", ext
	case ".msi":
		return "application/x-msi", ext
	}
	return "application/x-ole-storage", ".bin"
}

func textKind(media string) kind {
	k := kind{media: media, text: true, ext: ".txt"}
	switch media {
	case "text/html", "application/xhtml+xml", "text/enriched", "text/richtext": // RFC 1896 writes commands as elements, too
		k.html = true
		if strings.HasSuffix(media, "html") || strings.HasSuffix(media, "html+xml") {
			k.ext = ".html"
		}
	case "text/calendar":
		k.ext = ".ics"
	case "text/xml":
		k.ext = ".xml"
	case "text/csv":
		k.ext = ".csv"
	case "text/rtf":
		k.ext, k.text = ".rtf", false
	case "text/vcard", "text/x-vcard":
		k.ext = ".vcf"
	case "text/x-amp-html":
		k.text = false
	}
	return k
}

// isText reports whether bytes can be text: no NUL and few controls.
func isText(b []byte) bool {
	odd := 0
	for _, c := range b {
		switch {
		case c == 0:
			odd += 8
		case c < ' ' && c != '\t' && c != '\n' && c != '\r' && c != '\f' && c != 0x1b:
			odd++
		}
	}
	return odd*50 <= len(b)
}

// looksLikeLetter reports whether bytes begin with the header of a letter.
func looksLikeLetter(head []byte) bool {
	head = bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), "\r\n")
	if bytes.IndexByte(head, '\n') < 0 {
		head = bytes.ReplaceAll(head, []byte("\r"), []byte("\n"))
	}
	fields, mail := 0, 0
	for line := range bytes.Lines(head) {
		text := bytes.TrimRight(line, "\r\n")
		if len(text) == 0 {
			break
		}
		if text[0] == ' ' || text[0] == '\t' || fields == 0 && bytes.HasPrefix(text, []byte("From ")) {
			continue
		}
		name, _, ok := bytes.Cut(text, []byte(":"))
		if !ok || len(name) == 0 || len(name) > 60 || bytes.ContainsAny(name, " \t<>\"{}()/") {
			break
		}
		fields++
		switch strings.ToLower(string(name)) {
		case "received", "return-path", "from", "to", "subject", "date", "message-id", "mime-version", "delivered-to", "content-type", "dkim-signature":
			mail++
		}
	}
	return mail >= 3
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

func hasExt(name string, exts ...string) bool {
	ext := strings.ToLower(path.Ext(name))
	for _, e := range exts {
		if ext == e {
			return true
		}
	}
	return false
}

// marks says what to look for in the bytes of this kind.
func (k kind) marks() *marks {
	switch {
	case k.media == "application/pdf":
		return &marks{list: []mark{
			{what: "encrypted", sign: []byte("/Encrypt")},
			{what: "signed", sign: []byte("/ByteRange")},
		}}
	case k.ole():
		return &marks{list: []mark{
			{what: "encrypted", sign: wide("EncryptedPackage")},
			{what: "macros", sign: wide("_VBA_PROJECT")},
		}}
	case strings.HasSuffix(k.media, "xml") || k.media == "text/plain":
		return &marks{list: []mark{
			{what: "signed", sign: []byte("http://www.w3.org/2000/09/xmldsig#")},
			{what: "pgp-signed", sign: []byte("-----BEGIN PGP SIGNATURE-----")},
			{what: "uu", sign: []byte("\nbegin ")},
		}}
	case k.zip():
		return &marks{list: []mark{
			{what: "macros", sign: []byte("vbaProject.bin")},
			{what: "signed", sign: []byte("META-INF/documentsignatures.xml")},
			{what: "ooxml-signed", sign: []byte("_xmlsignatures/")},
		}}
	}
	return &marks{}
}

// found takes what the marks say into the kind.
func (k *kind) found(m *marks) {
	k.encrypted = m.has("encrypted")
	k.signed = m.has("signed") || m.has("ooxml-signed") || m.has("pgp-signed")
	k.macros = m.has("macros")
	k.uu = m.has("uu")
}

// ole reports whether the file is of the old office formats.
func (k kind) ole() bool {
	switch k.media {
	case "application/x-ole-storage", "application/msword", "application/vnd.ms-excel", "application/vnd.ms-powerpoint", "application/vnd.ms-outlook":
		return true
	}
	return false
}

// zip reports whether the file is a zip inside, whatever it holds.
func (k kind) zip() bool {
	return k.media == "application/zip" || k.office() || strings.HasPrefix(k.media, "application/vnd.etsi.asic") || k.media == "application/jar" || k.media == "application/java-archive"
}

// office reports whether the file is a zip of an office program.
func (k kind) office() bool {
	return strings.HasPrefix(k.media, "application/vnd.openxmlformats-officedocument.") || strings.HasPrefix(k.media, "application/vnd.oasis.opendocument.")
}

func wide(s string) []byte {
	out := make([]byte, 0, 2*len(s))
	for _, c := range []byte(s) {
		out = append(out, c, 0)
	}
	return out
}
