package trust

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"kancelaria/registry"
)

func digestOf(b []byte) registry.Digest { return sha256.Sum256(b) }

// The folder:
//
//	index.json   what lists were imported, with sequence numbers and digests
//	lists/       the lists as they came: EU.xml, PL.xml
//	anchors/     authorities the office itself trusts
//	signers/     who may sign the list of lists
//	crls/        revocation lists
const (
	indexFile  = "index.json"
	listDir    = "lists"
	anchorDir  = "anchors"
	signerDir  = "signers"
	crlDir     = "crls"
	largestPEM = 1 << 20
	largestCRL = 64 << 20
	mostFiles  = 2000
)

// An index remembers what was imported, so that nobody can bring an older list
// later.
type index struct {
	Lists []record `json:"lists"`
}

type record struct {
	Territory  string          `json:"territory"`
	Lists      bool            `json:"list_of_lists,omitempty"`
	Sequence   int             `json:"sequence"`
	Issued     time.Time       `json:"issued"`
	NextUpdate time.Time       `json:"next_update,omitzero"`
	Digest     registry.Digest `json:"sha256"`
	Signer     registry.Digest `json:"signer_sha256"`
	Imported   time.Time       `json:"imported"`
}

func (r record) file() string { return r.Territory + ".xml" }

// known is all that was read from the folder, and never changes.
type known struct {
	lists   []*list
	lotl    *list
	signers [][]byte            // pinned, of the list of lists
	anchors []*x509.Certificate // of the office and of lists
	clocks  []*x509.Certificate // of services that vouch for time stamps only
	listed  []*x509.Certificate // all certificates of services
	roots   *x509.CertPool      // anchors
	stamps  *x509.CertPool      // anchors and clocks
	crls    []*x509.RevocationList
	office  int // how many of the anchors are the office's
	digest  string
}

// held keeps what was read until the folder changes.
type held struct {
	mu    sync.Mutex
	stamp string
	known *known
}

// known gives the folder's content. Another process may have imported
// something: the times of the folders tell.
func (s *Store) known() *known {
	s.held.mu.Lock()
	defer s.held.mu.Unlock()
	stamp := s.stamp()
	if s.held.known == nil || stamp != s.held.stamp {
		s.held.known, s.held.stamp = s.read(), stamp
	}
	return s.held.known
}

func (s *Store) stamp() string {
	var b strings.Builder
	for _, name := range []string{indexFile, anchorDir, signerDir, crlDir} {
		if st, err := os.Stat(filepath.Join(s.dir, name)); err == nil {
			fmt.Fprintln(&b, name, st.ModTime().UnixNano(), st.Size())
		}
	}
	return b.String()
}

// read reads what can be read. A file that cannot is told in the log and
// trusted for nothing.
func (s *Store) read() *known {
	k := &known{roots: x509.NewCertPool(), stamps: x509.NewCertPool()}
	x, err := s.readIndex()
	s.tell(err)
	for _, r := range x.Lists {
		b, err := s.readFile(filepath.Join(listDir, r.file()), largestList)
		if err == nil && digestOf(b) != r.Digest {
			err = fmt.Errorf("%s is not the list that was imported; import it again", r.file())
		}
		var l *list
		if err == nil {
			l, err = parseList(b)
		}
		if err != nil {
			s.tell(err)
			continue
		}
		if l.Lists {
			k.lotl = l
			continue
		}
		k.lists = append(k.lists, l)
	}
	s.each(anchorDir, largestPEM, func(b []byte) error {
		certs, err := certificates(b)
		k.anchors = append(k.anchors, certs...)
		return err
	})
	s.each(signerDir, largestPEM, func(b []byte) error {
		certs, err := certificates(b)
		for _, c := range certs {
			k.signers = append(k.signers, c.Raw)
		}
		return err
	})
	s.each(crlDir, largestCRL, func(b []byte) error {
		crl, err := x509.ParseRevocationList(unarmoured(b, "X509 CRL"))
		if err == nil {
			k.crls = append(k.crls, crl)
		}
		return err
	})
	k.sum()
	return k
}

// sum makes anchors of services and the digest over all that decides.
func (k *known) sum() {
	var parts []string
	k.office = len(k.anchors)
	for _, c := range k.anchors {
		parts = append(parts, "office "+digestOf(c.Raw).String())
	}
	for _, l := range k.lists {
		parts = append(parts, l.source())
		for _, sv := range l.Services {
			k.listed = append(k.listed, sv.Certificates...)
			switch {
			case slices.ContainsFunc(sv.States, state.vouches):
				k.anchors = append(k.anchors, sv.Certificates...)
			case slices.ContainsFunc(sv.States, state.stamps):
				k.clocks = append(k.clocks, sv.Certificates...)
			}
		}
	}
	for _, c := range k.anchors {
		k.roots.AddCert(c)
		k.stamps.AddCert(c)
	}
	for _, c := range k.clocks {
		k.stamps.AddCert(c)
	}
	slices.Sort(parts)
	k.digest = digestOf([]byte(strings.Join(parts, "\n"))).String()
}

// vouches reports whether a service of this kind stands for the certificates of
// signers.
func (s state) vouches() bool {
	return s.Type == "CA/QC" || s.Type == "CA/PKC" || s.Type == "NationalRootCA-QC"
}

// stamps reports whether a service of this kind stands for time stamps.
func (s state) stamps() bool {
	return s.Type == "TSA/QTST" || s.Type == "TSA/TSS-QC" || s.Type == "TSA"
}

// isAnchor reports whether a certificate needs nobody above it. One that only
// stands for time stamps is none to a signer.
func (k *known) isAnchor(c *x509.Certificate, stamping bool) bool {
	return slices.ContainsFunc(k.anchors, c.Equal) || stamping && slices.ContainsFunc(k.clocks, c.Equal)
}

func (s *Store) tell(err error) {
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.options.Log.Warn("trust.unreadable", "err", err)
	}
}

func (s *Store) each(dir string, limit int64, use func([]byte) error) {
	entries, err := os.ReadDir(filepath.Join(s.dir, dir))
	s.tell(err)
	for _, e := range entries[:min(len(entries), mostFiles)] {
		if !e.Type().IsRegular() || strings.HasPrefix(e.Name(), ".") {
			continue
		}
		b, err := s.readFile(filepath.Join(dir, e.Name()), limit)
		if err == nil {
			err = use(b)
		}
		if err != nil {
			s.tell(fmt.Errorf("%s: %w", e.Name(), err))
		}
	}
}

func (s *Store) readFile(name string, limit int64) ([]byte, error) {
	name = filepath.Join(s.dir, name)
	st, err := os.Stat(name)
	if err != nil {
		return nil, fmt.Errorf("reading what is trusted: %w", err)
	}
	if st.Size() > limit {
		return nil, fmt.Errorf("%s has %d bytes, more than %d", name, st.Size(), limit)
	}
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("reading what is trusted: %w", err)
	}
	return b, nil
}

func (s *Store) readIndex() (index, error) {
	var x index
	b, err := s.readFile(indexFile, 1<<20)
	if err != nil {
		return x, err
	}
	if err := json.Unmarshal(b, &x); err != nil {
		return index{}, fmt.Errorf("%s: %w", filepath.Join(s.dir, indexFile), err)
	}
	return x, nil
}

// certificates reads PEM or DER.
func certificates(b []byte) ([]*x509.Certificate, error) {
	var all []*x509.Certificate
	for rest := b; len(all) < 1000; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return all, fmt.Errorf("reading a certificate: %w", err)
		}
		all = append(all, c)
	}
	if len(all) > 0 {
		return all, nil
	}
	c, err := x509.ParseCertificate(b)
	if err != nil {
		return nil, fmt.Errorf("reading a certificate: %w", err)
	}
	return []*x509.Certificate{c}, nil
}

func unarmoured(b []byte, kind string) []byte {
	if block, _ := pem.Decode(b); block != nil && block.Type == kind {
		return block.Bytes
	}
	return b
}

// write puts a file in place whole or not at all.
func (s *Store) write(name string, b []byte) error {
	name = filepath.Join(s.dir, name)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return fmt.Errorf("keeping what is trusted: %w", err)
	}
	f, err := os.CreateTemp(filepath.Dir(name), ".new-*")
	if err != nil {
		return fmt.Errorf("keeping what is trusted: %w", err)
	}
	_, err = f.Write(b)
	err = errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		return fmt.Errorf("keeping what is trusted: %w", errors.Join(err, os.Remove(f.Name())))
	}
	return nil
}

// Holdings are what lies in the folder, for people.
type Holdings struct {
	Lists      []Holding
	Anchors    int // authorities of the office
	Signers    int // who may sign the list of lists
	Revocation int // revocation lists
}

// A Holding is one imported list.
type Holding struct {
	Territory  string
	Sequence   int
	Lists      bool // the list of lists
	NextUpdate time.Time
	Imported   time.Time
}

// Holdings tells what was imported.
func (s *Store) Holdings() (h Holdings) {
	x, err := s.readIndex()
	s.tell(err)
	for _, r := range x.Lists {
		h.Lists = append(h.Lists, Holding{r.Territory, r.Sequence, r.Lists, r.NextUpdate, r.Imported})
	}
	k := s.known()
	h.Anchors, h.Signers, h.Revocation = k.office, len(k.signers), len(k.crls)
	return h
}
