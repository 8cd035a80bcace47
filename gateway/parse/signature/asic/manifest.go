package asic

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path"
	"slices"
	"strings"
)

// A Manifest lists files with their digests; a CMS signs the list.
type Manifest struct {
	Name  string
	Bytes []byte
	Files []Listed
	signs string // name of the signature
}

// A Listed file is one that a manifest vouches for.
type Listed struct {
	Name      string
	Algorithm string // URI
	Digest    []byte
	Missing   bool // not in the container
}

const (
	maxManifest = 4 << 20
	maxListed   = 10_000
)

// manifests reads those of META-INF and gives each signature its own.
func (c *Container) manifests(ctx context.Context) error {
	var all []*Manifest
	for name := range c.files {
		lower := strings.ToLower(path.Base(name))
		if path.Dir(name) != "META-INF" || !strings.HasPrefix(lower, "asic") || path.Ext(lower) != ".xml" || !strings.Contains(lower, "manifest") {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		b, err := c.Open(name)
		if errors.Is(err, ErrLimit) {
			return err
		}
		m := &Manifest{Name: name, Bytes: b}
		if err == nil {
			err = m.read(c)
		}
		if err != nil && c.Broken == "" {
			c.Broken = fmt.Sprintf("the manifest %.100q: %v", name, err)
		}
		all = append(all, m)
	}
	for i := range c.Signatures {
		s := &c.Signatures[i]
		at := slices.IndexFunc(all, func(m *Manifest) bool { return m.signs == s.Name })
		if at >= 0 {
			s.Manifest = all[at]
		}
	}
	return nil
}

// The parts of a manifest (EN 319 162-1 § A.4).
type manifestXML struct {
	Signature struct {
		URI string `xml:"URI,attr"`
	} `xml:"SigReference"`
	Objects []struct {
		URI    string `xml:"URI,attr"`
		Method struct {
			Algorithm string `xml:"Algorithm,attr"`
		} `xml:"DigestMethod"`
		Value []byte `xml:"DigestValue"`
	} `xml:"DataObjectReference"`
}

func (m *Manifest) read(c *Container) error {
	if len(m.Bytes) > maxManifest {
		return ErrLimit
	}
	if bytes.Contains(m.Bytes, []byte("<!DOCTYPE")) {
		return errors.New("a document type is not accepted")
	}
	var x manifestXML
	d := xml.NewDecoder(bytes.NewReader(m.Bytes))
	d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil }
	if err := d.Decode(&x); err != nil {
		return fmt.Errorf("cannot be read: %w", err)
	}
	if len(x.Objects) > maxListed {
		return ErrLimit
	}
	m.signs = c.Resolve(x.Signature.URI)
	seen := map[string]bool{}
	for _, o := range x.Objects {
		name := c.Resolve(o.URI)
		if name == "" {
			m.Files = append(m.Files, Listed{Name: o.URI, Missing: true})
			continue
		}
		if seen[name] {
			return fmt.Errorf("it lists %.100q twice", name)
		}
		seen[name] = true
		digest, err := decode64(o.Value)
		if err != nil {
			return fmt.Errorf("the digest of %.100q: %w", name, err)
		}
		m.Files = append(m.Files, Listed{Name: name, Algorithm: o.Method.Algorithm, Digest: digest})
	}
	return nil
}

// Resolve finds the file that a URI names, "" if there is none: as it stands,
// with its escapes read, or with the plus that one producer writes for a space.
func (c *Container) Resolve(uri string) string {
	uri = strings.TrimPrefix(uri, "./")
	candidates := []string{uri, strings.TrimPrefix(uri, "/")}
	if plain, err := url.PathUnescape(uri); err == nil {
		candidates = append(candidates, plain, strings.TrimPrefix(plain, "/"), strings.ReplaceAll(plain, "+", " "))
	}
	if plain, err := url.QueryUnescape(uri); err == nil {
		candidates = append(candidates, plain)
	}
	for _, name := range candidates {
		if name != "" && c.Has(name) {
			return name
		}
	}
	return ""
}

func decode64(b []byte) ([]byte, error) {
	return base64.StdEncoding.DecodeString(strings.Join(strings.Fields(string(b)), ""))
}
