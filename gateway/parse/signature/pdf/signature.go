package pdf

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// document reads the latest revision and looks for signatures in all of them.
func (f *file) document() (*Document, error) {
	doc := &Document{LeadingBytes: int64(f.shift), Revisions: 1}
	last, err := f.viewAt(len(f.data))
	if err != nil {
		if errors.Is(err, errTooMany) {
			return nil, err
		}
		doc.Repaired = true
		if last, err = f.search(); err != nil {
			return nil, err
		}
	}
	if last.crypt != nil || last.locked {
		doc.Encrypted, doc.Unreadable = last.encryption(), last.locked
	}
	if !doc.Repaired {
		doc.Revisions = saved(last.sections, len(f.data))
	}
	doc.Evidence = last.evidence()
	list := f.list(last, doc)
	for i := range list {
		doc.Signatures = append(doc.Signatures, f.signature(&list[i], last, doc))
	}
	f.judge(list, last, doc)
	if f.count < 0 {
		f.hit = append(f.hit, fmt.Sprintf("more than %d objects", f.limits.Objects))
	}
	doc.LimitsHit = f.hit
	return doc, nil
}

// A placed signature is a dictionary and the revision it was found in.
type placed struct {
	view     *view
	field    node
	own      ref // the dictionary's, zero when it stands in the field
	dict     *dict
	contents *str
	removed  bool
	signed   *view // the revision it signs, if that could be opened
}

// list finds the signature dictionaries through the form of each revision,
// from the latest to the first. An update may have taken a field out of the
// form or put another dictionary under the same number.
func (f *file) list(last *view, doc *Document) []placed {
	var all []placed
	known := map[string]bool{}
	views := []*view{last}
	for i := 1; i < len(last.sections); i++ {
		v := f.view(last.end)
		v.sections, v.trailer = last.sections[i:], last.sections[i].trailer
		v.crypt, v.locked = last.crypt, last.locked
		views = append(views, v)
	}
	for i, v := range views {
		for _, n := range v.fields() {
			if n.ft != "Sig" || n.widget {
				continue
			}
			value := n.dict.get("V")
			d := dictOf(v.get(value))
			if d == nil {
				if i == 0 && value == nil {
					doc.EmptyFields++
				}
				continue
			}
			p := placed{view: v, field: n, dict: d, removed: i > 0}
			p.own, _ = value.(ref)
			p.contents, _ = v.get(d.get("Contents")).(*str)
			key := fmt.Sprint("ref ", p.own, n.name)
			if p.contents != nil && p.contents.start >= 0 {
				key = fmt.Sprint("at ", p.contents.start)
			}
			if known[key] {
				continue
			}
			known[key] = true
			if len(all) >= f.limits.Signatures {
				f.hit = append(f.hit, fmt.Sprintf("more than %d signatures", f.limits.Signatures))
				return all
			}
			all = append(all, p)
		}
	}
	slices.SortStableFunc(all, func(a, b placed) int { return cmp.Compare(a.place(), b.place()) })
	return all
}

func (p placed) place() int {
	if p.contents == nil {
		return -1
	}
	return p.contents.start
}

// signature reads one dictionary. Form comes first: a signature whose ranges
// are not exact covers nothing.
func (f *file) signature(p *placed, last *view, doc *Document) Signature {
	v, d := p.view, p.dict
	s := Signature{
		Field: p.field.name, Kind: KindSignature, Removed: p.removed,
		Filter: word(v.get(d.get("Filter"))), SubFilter: word(v.get(d.get("SubFilter"))),
		Name: v.text(d.get("Name"), p.own), Reason: v.text(d.get("Reason"), p.own),
		Location: v.text(d.get("Location"), p.own), ContactInfo: v.text(d.get("ContactInfo"), p.own),
		ClaimedAt: date(v.text(d.get("M"), p.own)),
		Revisions: doc.Revisions, Covers: CoversPart, Visible: v.draws(p.field.dict),
	}
	if s.SubFilter == "ETSI.RFC3161" || v.get(d.get("Type")) == name("DocTimeStamp") {
		s.Kind = KindTimestamp
	}
	for _, o := range listOf(v.get(d.get("Cert"))) {
		if c, ok := v.get(o).(*str); ok && len(s.Certificates) < 50 {
			s.Certificates = append(s.Certificates, v.plain(c, p.own))
		}
	}
	if s.Problem = f.form(p, &s); s.Problem != nil {
		return s
	}
	s.End = s.Ranges[1].Start + s.Ranges[1].Length
	if s.Problem = f.revision(p, &s, last, doc); s.Problem != nil {
		s.Ranges = nil
		return s
	}
	s.Certifies, s.Permission = p.signed.certified(d)
	return s
}

func word(o object) string {
	n, _ := o.(name)
	return string(n)
}

// form checks the dictionary and fills in CMS and Ranges.
func (f *file) form(p *placed, s *Signature) *Problem {
	v, d := p.view, p.dict
	if d.twice != "" {
		return malformed(ProblemAmbiguous, "the signature dictionary has two values for %s", d.twice)
	}
	switch s.SubFilter {
	case "adbe.pkcs7.detached", "adbe.pkcs7.sha1", "adbe.x509.rsa_sha1", "ETSI.CAdES.detached", "ETSI.RFC3161":
	default:
		return &Problem{Sub: generic, Code: ProblemSubFilter, Text: fmt.Sprintf("signatures of kind %q are not supported", s.SubFilter)}
	}
	if p.contents == nil || p.contents.start < 0 || len(bytes.Trim(p.contents.b, "\x00")) == 0 {
		return malformed(ProblemContents, "the signature dictionary holds no signature (Contents is missing or empty)")
	}
	ranges, problem := f.ranges(v, d, p.contents)
	if problem != nil {
		return problem
	}
	blob, clean := trim(p.contents.b)
	if !clean || p.contents.odd {
		return malformed(ProblemPadding, "Contents holds other bytes beside the signature")
	}
	s.CMS, s.Ranges = blob, ranges
	return nil
}

// ranges checks ByteRange: two ranges from the first byte on, with exactly the
// Contents of this signature between them.
func (f *file) ranges(v *view, d *dict, contents *str) ([]Range, *Problem) {
	list, ok := v.get(d.get("ByteRange")).(array)
	if !ok || len(list) != 4 {
		return nil, malformed(ProblemByteRange, "ByteRange is missing or has not four numbers")
	}
	var n [4]int64
	for i, o := range list {
		if n[i], ok = v.get(o).(int64); !ok || n[i] < 0 || n[i] > int64(len(f.data)) {
			return nil, malformed(ProblemByteRange, "ByteRange names bytes that the file does not have")
		}
	}
	switch {
	case n[0] != 0:
		return nil, malformed(ProblemByteRange, "ByteRange does not begin at the first byte")
	case n[2]+n[3] > int64(len(f.data)) || n[1] == 0 || n[3] == 0:
		return nil, malformed(ProblemByteRange, "ByteRange names bytes that the file does not have")
	case !contents.hex || n[1] != int64(contents.start) || n[2] != int64(contents.end):
		return nil, malformed(ProblemByteRange, "the bytes left out of the signature (%d to %d) are not exactly its Contents (%d to %d)",
			n[1], n[2], contents.start, contents.end)
	}
	return []Range{{n[0], n[1]}, {n[2], n[3]}}, nil
}

// trim cuts the padding off. BER of indefinite length says its end only to
// whoever parses it, so there zeros are cut from behind, but for the two that
// may end it.
func trim(b []byte) (blob []byte, clean bool) {
	head, length := 2, 0
	switch {
	case len(b) < 2:
		return b, true
	case b[1] < 0x80:
		length = int(b[1])
	case b[1] == 0x80 || b[1] > 0x84:
		return b, true
	default:
		size := int(b[1] & 0x7f)
		if head += size; len(b) < head {
			return b, true
		}
		length = field(b[2:head])
	}
	if length > len(b)-head {
		return b, true // the CMS verifier will say what is wrong
	}
	rest := b[head+length:]
	return b[:head+length], len(bytes.Trim(rest, "\x00")) == 0
}

// revision opens the revision the signature completes.
func (f *file) revision(p *placed, s *Signature, last *view, doc *Document) *Problem {
	end := int(s.End)
	if doc.Repaired {
		if len(blank(f.data[end:])) != 0 {
			return malformed(ProblemRevision, "the document is damaged; what was signed and what came later cannot be told apart")
		}
		p.signed, s.Revision, s.Covers = last, doc.Revisions, CoversWhole
		return nil
	}
	signed := last
	if len(blank(f.data[end:])) != 0 {
		_, tail, ok := startOf(f.data[:end])
		if !ok || len(tail) > 0 {
			return malformed(ProblemRevision, "the signed bytes end in the middle of a revision")
		}
		var err error
		if signed, err = f.viewAt(end); err != nil {
			return malformed(ProblemRevision, "the signed bytes are no document of their own: %v", err)
		}
	}
	p.signed, s.Revision = signed, saved(last.sections, end)
	return nil
}

// blank cuts white space from the front.
func blank(b []byte) []byte { return bytes.TrimLeft(b, "\r\n\t\f \x00") }

// certified reads the permission that a certification signature grants.
func (v *view) certified(d *dict) (certifies bool, permission int) {
	for _, o := range listOf(v.get(d.get("Reference"))) {
		r := dictOf(v.get(o))
		if v.get(r.get("TransformMethod")) != name("DocMDP") {
			continue
		}
		params := dictOf(v.get(r.get("TransformParams")))
		if p, ok := v.get(params.get("P")).(int64); ok && p >= 1 && p <= 3 {
			return true, int(p)
		}
		return true, 2 // ISO 32000-1 table 254
	}
	return false, 0
}
