package trust

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"
)

// A File is one to be imported.
type File struct {
	Name    string
	Content []byte
}

// An Outcome says what became of a file, in a sentence.
type Outcome struct {
	Name      string    `json:"name"`
	Kind      string    `json:"kind,omitempty"` // list_of_lists, list, anchor, signer, crl
	State     string    `json:"state"`          // imported, already, refused
	Territory string    `json:"territory,omitempty"`
	Sequence  int       `json:"sequence,omitempty"`
	Until     time.Time `json:"next_update,omitzero"`
	Says      string    `json:"says"`
}

// The states of outcomes.
const (
	Imported = "imported"
	Already  = "already"
	Refused  = "refused"
)

// Largest is how large a file to be imported may be.
const Largest = largestCRL

// A Check verifies the signature of a list: exactly one, over the whole list,
// with nothing left out. It gives the certificate of whoever signed.
type Check func(ctx context.Context, list []byte) (signer []byte, err error)

// Import takes files in: the list of lists, national lists, certificates and
// revocation lists, in whatever order. A list is believed only if it is signed
// by whom the list of lists names for its territory; the list of lists only if
// it is signed by whom its predecessor names, or by a certificate the office
// imported for that.
func (s *Store) Import(ctx context.Context, check Check, files []File) ([]Outcome, error) {
	x, err := s.readIndex()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	im := &importing{s: s, check: check, index: x}
	out := make([]Outcome, len(files))
	parsed := make([]*list, len(files))
	for i, f := range files {
		out[i] = Outcome{Name: f.Name, State: Refused}
		switch {
		case isXML(f.Content):
			if parsed[i], err = parseList(f.Content); err != nil {
				out[i].Says = "refused: " + err.Error()
			}
		default:
			if err := im.other(&out[i], f.Content); err != nil {
				return out, err
			}
		}
	}
	// Lists of lists first, oldest first: each names who signs the next one.
	order := make([]int, 0, len(files))
	for i, l := range parsed {
		if l != nil {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int {
		la, lb := parsed[a], parsed[b]
		if la.Lists != lb.Lists {
			return map[bool]int{true: -1, false: 1}[la.Lists]
		}
		return la.Sequence - lb.Sequence
	})
	for _, i := range order {
		if err := im.list(ctx, &out[i], files[i].Content, parsed[i]); err != nil {
			return out, err
		}
	}
	return out, ctx.Err()
}

func isXML(b []byte) bool {
	b = bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))
	return bytes.HasPrefix(bytes.TrimSpace(b[:min(len(b), 100)]), []byte("<"))
}

// An importing is one run of Import.
type importing struct {
	s     *Store
	check Check
	index index
}

func (im *importing) list(ctx context.Context, o *Outcome, b []byte, l *list) error {
	o.Kind, o.Territory, o.Sequence, o.Until = "list", l.Territory, l.Sequence, l.NextUpdate
	if l.Lists {
		o.Kind = "list_of_lists"
	}
	old := im.record(l)
	switch {
	case old != nil && l.Sequence < old.Sequence:
		o.Says = fmt.Sprintf("refused: list %s has number %d, older than number %d imported on %s", l.Territory, l.Sequence, old.Sequence, old.Imported.Format(time.DateOnly))
		return nil
	case old != nil && l.Sequence == old.Sequence && old.Digest == digestOf(b):
		o.State, o.Says = Already, fmt.Sprintf("list %s number %d was imported before", l.Territory, l.Sequence)
		return nil
	case old != nil && l.Sequence == old.Sequence:
		o.Says = fmt.Sprintf("refused: list %s number %d was imported with other content", l.Territory, l.Sequence)
		return nil
	}
	signer, err := im.check(ctx, b)
	if err != nil {
		o.Says = "refused: " + err.Error()
		return nil
	}
	if why := im.maySign(l, signer); why != "" {
		o.Says = "refused: " + why
		return nil
	}
	return im.keep(o, b, l, signer)
}

// record finds what was imported of the same territory.
func (im *importing) record(l *list) *record {
	for i := range im.index.Lists {
		if r := &im.index.Lists[i]; r.Territory == l.Territory && r.Lists == l.Lists {
			return r
		}
	}
	return nil
}

// maySign says why a certificate may not sign a list, "" if it may.
func (im *importing) maySign(l *list, signer []byte) string {
	k := im.s.known()
	named := func(pointers []pointer) (territory, signs bool) {
		for _, p := range pointers {
			if p.Territory == l.Territory && p.Lists == l.Lists {
				territory = true
				signs = signs || slices.ContainsFunc(p.Signers, func(c []byte) bool { return bytes.Equal(c, signer) })
			}
		}
		return territory, signs
	}
	who := subjectOf(signer)
	if l.Lists {
		if slices.ContainsFunc(k.signers, func(c []byte) bool { return bytes.Equal(c, signer) }) {
			return ""
		}
		if k.lotl != nil {
			if _, signs := named(k.lotl.Pointers); signs {
				return ""
			}
		}
		return fmt.Sprintf("the list of lists is signed by %s (SHA-256 %s), whom nobody named; if that is a certificate of the Official Journal, import it first", who, digestOf(signer))
	}
	if k.lotl == nil {
		return "the list of lists has to be imported first; it says who may sign list " + l.Territory
	}
	territory, signs := named(k.lotl.Pointers)
	switch {
	case !territory:
		return fmt.Sprintf("the list of lists knows no list of territory %q", l.Territory)
	case !signs:
		return fmt.Sprintf("list %s is signed by %s, whom the list of lists (number %d) does not name for it", l.Territory, who, k.lotl.Sequence)
	}
	return ""
}

func subjectOf(der []byte) string {
	c, err := x509.ParseCertificate(der)
	if err != nil {
		return "an unreadable certificate"
	}
	return nameOf(c.Subject)
}

func (im *importing) keep(o *Outcome, b []byte, l *list, signer []byte) error {
	now := im.s.options.Now()
	r := record{
		Territory: l.Territory, Lists: l.Lists, Sequence: l.Sequence, Issued: l.Issued, NextUpdate: l.NextUpdate,
		Digest: digestOf(b), Signer: digestOf(signer), Imported: now,
	}
	if old := im.record(l); old != nil {
		*old = r
	} else {
		im.index.Lists = append(im.index.Lists, r)
	}
	text, err := json.MarshalIndent(im.index, "", "  ")
	if err != nil {
		return fmt.Errorf("keeping what is trusted: %w", err)
	}
	if err := errors.Join(im.s.write("lists/"+r.file(), b), im.s.write(indexFile, append(text, '\n'))); err != nil {
		return err
	}
	im.s.forget()
	o.State = Imported
	what := fmt.Sprintf("%d services", len(l.Services))
	if l.Lists {
		what = fmt.Sprintf("names %d lists", len(l.Pointers))
	}
	o.Says = fmt.Sprintf("imported list %s number %d of %s, %s", l.Territory, l.Sequence, l.Issued.Format(time.DateOnly), what)
	switch {
	case l.NextUpdate.IsZero():
		o.Says += "; it is closed and will have no successor"
	case now.After(l.NextUpdate):
		o.Says += "; it is out of date since " + l.NextUpdate.Format(time.DateOnly) + ", and every answer will say so"
	default:
		o.Says += "; good until " + l.NextUpdate.Format(time.DateOnly)
	}
	return nil
}

func (s *Store) forget() {
	s.held.mu.Lock()
	defer s.held.mu.Unlock()
	s.held.known = nil
}

// other takes in certificates and revocation lists. An authority becomes an
// anchor of the office; a certificate that issues nothing may sign the list of
// lists.
func (im *importing) other(o *Outcome, b []byte) error {
	if crl, err := x509.ParseRevocationList(unarmoured(b, "X509 CRL")); err == nil {
		o.Kind, o.State, o.Until = "crl", Imported, crl.NextUpdate
		o.Says = fmt.Sprintf("imported a revocation list of %s of %s, %d certificates", nameOf(crl.Issuer), crl.ThisUpdate.Format(time.DateOnly), len(crl.RevokedCertificateEntries))
		defer im.s.forget()
		// One file an issuer: a later list replaces an earlier one.
		name := digestOf(append(slices.Clone(crl.RawIssuer), crl.AuthorityKeyId...)).String()[:32]
		if old, err := im.s.readFile(crlDir+"/"+name+".crl", largestCRL); err == nil {
			if was, err := x509.ParseRevocationList(old); err == nil && was.ThisUpdate.After(crl.ThisUpdate) {
				o.State, o.Says = Refused, fmt.Sprintf("refused: a revocation list of %s of %s is there already", nameOf(crl.Issuer), was.ThisUpdate.Format(time.DateOnly))
				return nil
			}
		}
		return im.s.write(crlDir+"/"+name+".crl", crl.Raw)
	}
	certs, err := certificates(b)
	if err != nil || len(certs) == 0 {
		o.Says = "refused: neither a trusted list nor a certificate nor a revocation list"
		return nil
	}
	defer im.s.forget()
	var said []string
	for _, c := range certs {
		dir, kind := signerDir, "signer"
		if c.IsCA || bytes.Equal(c.RawIssuer, c.RawSubject) {
			dir, kind = anchorDir, "anchor"
		}
		if err := im.s.write(dir+"/"+digestOf(c.Raw).String()[:32]+".crt", c.Raw); err != nil {
			return err
		}
		o.Kind, o.State = kind, Imported
		if kind == "anchor" {
			said = append(said, fmt.Sprintf("imported %s as an authority the office trusts, SHA-256 %s", nameOf(c.Subject), digestOf(c.Raw)))
		} else {
			said = append(said, fmt.Sprintf("imported %s as one who may sign the list of lists; compare SHA-256 %s with the Official Journal", nameOf(c.Subject), digestOf(c.Raw)))
		}
	}
	o.Says = strings.Join(said, "; ")
	return nil
}
