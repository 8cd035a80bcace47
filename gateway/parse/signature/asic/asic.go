// Package asic reads containers of signed files (ETSI EN 319 162-1): which
// files are data, which are signatures, and what each signature is said to
// cover.
//
// A container is a zip, and two programs may see two different ones in the same
// bytes: names that stand twice, a directory that says other than the headers
// before the files. Such a container is refused as a whole. No cryptography is
// checked here but the digests that a manifest lists.
package asic

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// Limits bound what a container may cost. Zero fields take the defaults.
type Limits struct {
	Entries  int   // default 10,000
	Unpacked int64 // bytes of all files; default 200 MiB
	Ratio    int64 // unpacked to packed, above a megabyte; default 200
}

func (l Limits) withDefaults() Limits {
	if l.Entries <= 0 {
		l.Entries = 10_000
	}
	if l.Unpacked <= 0 {
		l.Unpacked = 200 << 20
	}
	if l.Ratio <= 0 {
		l.Ratio = 200
	}
	return l
}

// The kinds of containers.
const (
	Simple   = "ASiC-S" // one file
	Extended = "ASiC-E"
)

// A Container is what was found in one.
type Container struct {
	Kind string // Simple or Extended
	// Broken says what makes the whole container one to be refused, "" if
	// nothing does.
	Broken     string
	Objects    []string // names of the data files
	Signatures []Signature
	Warnings   []string // codes: mimetype, archive_unchecked
	files      map[string]*zip.File
	left       int64
}

// A Signature is one file of META-INF that signs.
type Signature struct {
	Name     string
	XML      bool // XAdES, else CMS
	Stamp    bool // a timestamp and nobody's signature
	Manifest *Manifest
}

// ErrLimit says that the container is larger than what is looked at.
var ErrLimit = errors.New("limit reached")

// Read finds out what is in a container. An error means that the bytes are no
// readable zip, or too many.
func Read(ctx context.Context, ra io.ReaderAt, size int64, limits Limits) (*Container, error) {
	limits = limits.withDefaults()
	z, err := zip.NewReader(ra, size)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return nil, fmt.Errorf("reading the container: %w", err)
	}
	if len(z.File) > limits.Entries {
		return nil, fmt.Errorf("%d files in the container: %w", len(z.File), ErrLimit)
	}
	c := &Container{Kind: Extended, files: map[string]*zip.File{}, left: limits.Unpacked}
	c.Broken = entries(z, limits)
	if c.Broken == "" {
		c.Broken = twoTruths(ra, size)
	}
	for _, f := range z.File {
		c.file(f)
	}
	c.kind(z)
	if err := c.manifests(ctx); err != nil {
		return nil, err
	}
	if c.Broken == "" && len(c.Signatures) > 0 {
		c.Broken = c.form()
	}
	return c, nil
}

// form checks what a container of its kind must hold (EN 319 162-1 § 4.3, 4.4).
func (c *Container) form() string {
	signing, stamps := 0, 0
	for _, s := range c.Signatures {
		if s.Stamp {
			stamps = 1
		} else {
			signing++
		}
	}
	switch {
	case len(c.Objects) == 0:
		return "no data file"
	case c.Kind != Simple:
		return ""
	case len(c.Objects) != 1:
		return fmt.Sprintf("%d data files where one is due", len(c.Objects))
	case strings.Contains(c.Objects[0], "/"):
		return "the data file lies in a folder"
	case signing+stamps > 1:
		return "more than one file of signatures"
	}
	return ""
}

// file sorts an entry.
func (c *Container) file(f *zip.File) {
	name := f.Name
	if strings.HasSuffix(name, "/") {
		return
	}
	c.files[name] = f
	inside, meta := strings.CutPrefix(name, "META-INF/")
	lower := strings.ToLower(inside)
	switch {
	case name == "mimetype":
	case !meta:
		c.Objects = append(c.Objects, name)
	case strings.Contains(lower, "signature") && path.Ext(lower) == ".xml":
		c.Signatures = append(c.Signatures, Signature{Name: name, XML: true})
	case strings.Contains(lower, "signature") && path.Ext(lower) == ".p7s":
		c.Signatures = append(c.Signatures, Signature{Name: name})
	case path.Ext(lower) == ".tst":
		c.Signatures = append(c.Signatures, Signature{Name: name, Stamp: true})
	case strings.Contains(lower, "archivemanifest"), strings.Contains(lower, "evidencerecord"):
		c.warn("archive_unchecked")
	}
}

func (c *Container) warn(code string) {
	if !slices.Contains(c.Warnings, code) {
		c.Warnings = append(c.Warnings, code)
	}
}

// kind reads what the container says of itself. Half of those in use tell it
// in another way than the standard demands, so that is only noted.
func (c *Container) kind(z *zip.Reader) {
	said := ""
	if f := c.files["mimetype"]; f != nil {
		b, err := c.read(f)
		if err == nil {
			said = strings.TrimSpace(string(b))
		}
		if len(z.File) == 0 || z.File[0] != f || f.Method != zip.Store {
			c.warn("mimetype")
		}
	} else {
		c.warn("mimetype")
	}
	switch {
	case strings.HasSuffix(said, "asic-s+zip"):
		c.Kind = Simple
	case said == "" && len(c.Objects) == 1 && !slices.ContainsFunc(c.Signatures, func(s Signature) bool {
		return s.Name != "META-INF/signature.p7s" && s.Name != "META-INF/signatures.xml" && s.Name != "META-INF/timestamp.tst"
	}):
		c.Kind = Simple
	}
}

// Open reads a file of the container whole, within its limits.
func (c *Container) Open(name string) ([]byte, error) {
	f := c.files[name]
	if f == nil {
		return nil, fmt.Errorf("the container has no file %.100q", name)
	}
	return c.read(f)
}

// Has reports whether the container has a file.
func (c *Container) Has(name string) bool { return c.files[name] != nil }

func (c *Container) read(f *zip.File) ([]byte, error) {
	src, err := f.Open()
	if err != nil {
		return nil, fmt.Errorf("opening %.100q: %w", f.Name, err)
	}
	defer func() { _ = src.Close() }()
	b, err := io.ReadAll(io.LimitReader(src, c.left+1))
	if err != nil {
		return nil, fmt.Errorf("reading %.100q: %w", f.Name, err)
	}
	if c.left -= int64(len(b)); c.left < 0 {
		return nil, fmt.Errorf("reading %.100q: %w", f.Name, ErrLimit)
	}
	return b, nil
}

// entries checks the directory: names that people or programs could take for
// each other, and sizes that no honest file has.
func entries(z *zip.Reader, limits Limits) string {
	seen := map[string]bool{}
	var total uint64
	for _, f := range z.File {
		name := strings.ToLower(norm.NFC.String(f.Name))
		switch {
		case seen[name]:
			return fmt.Sprintf("the name %.100q stands twice", f.Name)
		case name == "" || strings.HasPrefix(name, "/") || strings.Contains(name, `\`) || strings.ContainsRune(name, 0) || slices.Contains(strings.Split(name, "/"), ".."):
			return fmt.Sprintf("the name %.100q leads out of the container", f.Name)
		case f.Flags&1 != 0:
			return fmt.Sprintf("%.100q is encrypted", f.Name)
		case strings.HasSuffix(name, "/") && f.UncompressedSize64 > 0:
			return fmt.Sprintf("the folder %.100q has content", f.Name)
		case f.UncompressedSize64 > 1<<20 && f.CompressedSize64 > 0 && f.UncompressedSize64/f.CompressedSize64 > uint64(limits.Ratio):
			return fmt.Sprintf("%.100q unpacks to more than %d times its size", f.Name, limits.Ratio)
		}
		seen[name] = true
		total += f.UncompressedSize64
	}
	if total > uint64(limits.Unpacked) {
		return "it unpacks to more than is looked at"
	}
	return ""
}
