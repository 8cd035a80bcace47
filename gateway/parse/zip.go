package parse

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"unicode/utf8"

	"kancelaria/gateway/parse/charset"
	"kancelaria/registry"
)

// maxDirectory bounds what the directory of a zip may cost to read.
const maxDirectory = 8 << 20

// small is the size up to which no ratio makes a bomb.
const small = 1 << 20

// zip lists a zip and reads its members, unless they are too many, too large
// or packed too tightly to be true.
func (b *box) zip() {
	run, limits := b.run, b.run.r.Limits
	if b.file.level >= limits.Nesting {
		run.overArchive(b.index, b.file.path, "a container inside containers")
		return
	}
	r, err := openZip(b.src, b.size)
	if errors.Is(err, errDirectory) {
		run.overArchive(b.index, b.file.path, err.Error())
		return
	}
	if err != nil {
		run.flaw(flawContainer, b.file.path, err.Error())
		return
	}
	files := r.File
	var unpacked uint64
	for _, z := range files {
		unpacked += min(z.UncompressedSize64, 1<<62/uint64(len(files)))
	}
	closed := false
	switch {
	case len(files) > limits.Entries:
		run.overArchive(b.index, b.file.path, fmt.Sprintf("%d members", len(files)))
		files, closed = files[:limits.Entries], true
	case unpacked > uint64(limits.Unpacked):
		run.overArchive(b.index, b.file.path, "unpacked too large")
		closed = true
	case unpacked > small && unpacked/uint64(max(b.size, 1)) > uint64(limits.Ratio):
		run.overArchive(b.index, b.file.path, "packed too tightly")
		closed = true
	}
	for _, z := range files {
		if run.ctx.Err() != nil || run.done() || run.full(b.file.path) {
			return
		}
		if !strings.HasSuffix(z.Name, "/") {
			b.zipMember(z, closed)
		}
	}
}

func (b *box) zipMember(z *zip.File, closed bool) {
	run := b.run
	name := zipName(z)
	m := file{path: b.key(name), raw: name, role: b.memberRole(), level: b.file.level + 1}
	tight := z.UncompressedSize64 > small && z.UncompressedSize64/max(z.CompressedSize64, 1) > uint64(run.r.Limits.Ratio)
	switch {
	case z.Flags&1 != 0:
		b.unopened(m, int64(min(z.UncompressedSize64, 1<<62)), registry.FlagEncryptedAttachment)
		run.encrypted(b.index)
	case closed || tight:
		if tight {
			run.overArchive(b.index, b.file.path, "packed too tightly")
		}
		b.unopened(m, int64(min(z.UncompressedSize64, 1<<62)), registry.FlagArchiveLimit)
	default:
		m.open = func() (io.ReadCloser, error) { return openMember(z) }
		b.member(m)
	}
}

// unopened notes a member that is not opened: by name only.
func (b *box) unopened(m file, size int64, flag registry.Flag) {
	run := b.run
	run.files++
	if run.seek != nil {
		return
	}
	a := registry.Attachment{Path: m.path, Name: safeName(m.raw, "", run.r.words.unnamed, run.files), Size: size, Role: m.role, Flags: []registry.Flag{flag}}
	if a.Name != m.raw {
		a.RawName = m.raw
	}
	a.Flags = registry.AddFlags(a.Flags, fileFlags(m.raw, "", kind{})...)
	run.flag(a.Flags...)
	run.doc.Attachments = append(run.doc.Attachments, a)
}

// encrypted marks a container whose members need a password.
func (run *reading) encrypted(index int) {
	run.flag(registry.FlagEncryptedAttachment)
	if run.seek == nil {
		a := &run.doc.Attachments[index]
		a.Flags = registry.AddFlags(a.Flags, registry.FlagEncryptedAttachment)
	}
}

var errDirectory = errors.New("the directory of the zip is too large")

// openZip reads the directory, within bounds.
func openZip(src io.ReaderAt, size int64) (*zip.Reader, error) {
	budget := &budgetReader{ReaderAt: src, left: maxDirectory}
	r, err := zip.NewReader(budget, size)
	if r != nil && errors.Is(err, zip.ErrInsecurePath) {
		err = nil // names are made safe, and nothing is written by them
	}
	if err != nil && budget.left < 0 {
		err = errDirectory
	}
	budget.left = 1 << 62
	return r, err
}

// A budgetReader fails when more was read than it may.
type budgetReader struct {
	io.ReaderAt
	left int64
}

func (b *budgetReader) ReadAt(p []byte, off int64) (int, error) {
	if b.left -= int64(len(p)); b.left < 0 {
		return 0, errDirectory
	}
	return b.ReaderAt.ReadAt(p, off)
}

// openMember unpacks a member, never more of it than it says it holds.
func openMember(z *zip.File) (io.ReadCloser, error) {
	r, err := z.Open()
	if err != nil {
		return nil, fmt.Errorf("opening a member: %w", err)
	}
	return limitedMember{io.LimitReader(r, int64(min(z.UncompressedSize64, 1<<62))+1), r}, nil
}

type limitedMember struct {
	io.Reader
	io.Closer
}

// zipName decodes a name. Zips of Windows in Poland carry the code page of
// DOS, those of others that of Windows, and some say UTF-8 where it is not.
func zipName(z *zip.File) string {
	name := z.Name
	if unicodeName := infoZipName(z.Extra); unicodeName != "" {
		name = unicodeName
	}
	if !utf8.ValidString(name) {
		set := &charset.Decoder{Order: []string{"ibm852", "windows-1250", "iso-8859-2"}}
		name = set.Text("", []byte(name))
	}
	return charset.Clean(name)
}

// infoZipName finds the name in UTF-8 that Info-ZIP keeps beside (APPNOTE
// § 4.6.9).
func infoZipName(extra []byte) string {
	for len(extra) >= 4 {
		id, n := int(extra[0])|int(extra[1])<<8, int(extra[2])|int(extra[3])<<8
		if extra = extra[4:]; n > len(extra) {
			return ""
		}
		if id == 0x7075 && n > 5 && extra[0] == 1 && utf8.Valid(extra[5:n]) {
			return string(extra[5:n])
		}
		extra = extra[n:]
	}
	return ""
}

// What is looked at of an office file: of one part, and of all together.
const (
	maxOfficePart = 8 << 20
	maxOfficeXML  = 32 << 20
)

// officeText searches what people wrote in an office file: that is XML in a
// zip.
func (b *box) officeText() {
	run := b.run
	r, err := openZip(b.src, b.size)
	if err != nil || run.textRoom <= 0 {
		return
	}
	budget := int64(maxOfficeXML)
	for _, z := range r.File {
		if budget <= 0 || run.textRoom <= 0 || run.ctx.Err() != nil {
			break
		}
		switch z.Name {
		case "word/document.xml", "content.xml", "xl/sharedStrings.xml", "word/footnotes.xml", "word/header1.xml":
		default:
			if !strings.HasPrefix(z.Name, "ppt/slides/slide") || path.Ext(z.Name) != ".xml" {
				continue
			}
		}
		in, err := z.Open()
		if err != nil {
			continue
		}
		text, read := xmlText(io.LimitReader(in, min(budget, maxOfficePart)), run.textRoom)
		closing(in)
		run.decoded += read
		budget -= read
		run.textRoom -= int64(len(text))
		run.addText(text, b)
	}
	for _, z := range r.File {
		if strings.HasSuffix(z.Name, "vbaProject.bin") && run.seek == nil {
			a := &run.doc.Attachments[b.index]
			a.Flags = registry.AddFlags(a.Flags, registry.FlagMacros)
			run.flag(registry.FlagMacros)
		}
	}
}

// addText keeps text that was found inside a file.
func (run *reading) addText(text string, b *box) {
	if text = lines(text); text != "" {
		run.texts = append(run.texts, passage{text: text, role: b.file.role, index: b.index, nested: b.place.nested, letter: b.place.letter})
	}
}
