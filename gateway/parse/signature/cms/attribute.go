package cms

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"time"
)

// The attributes that are looked at (RFC 5652 § 11, RFC 5035, EN 319 122-1).
const (
	attrContentType    = "1.2.840.113549.1.9.3"
	attrMessageDigest  = "1.2.840.113549.1.9.4"
	attrSigningTime    = "1.2.840.113549.1.9.5"
	attrCounter        = "1.2.840.113549.1.9.6"
	attrCertificate    = "1.2.840.113549.1.9.16.2.12"
	attrTimestamp      = "1.2.840.113549.1.9.16.2.14"
	attrPolicy         = "1.2.840.113549.1.9.16.2.15"
	attrContentTime    = "1.2.840.113549.1.9.16.2.20"
	attrCertValues     = "1.2.840.113549.1.9.16.2.23"
	attrRevValues      = "1.2.840.113549.1.9.16.2.24"
	attrCertificateV2  = "1.2.840.113549.1.9.16.2.47"
	attrArchiveV1      = "1.2.840.113549.1.9.16.2.27"
	attrArchiveV2      = "1.2.840.113549.1.9.16.2.48"
	attrArchiveV3      = "0.4.0.1733.2.4"
	attrLongTerm       = "0.4.0.1733.2.2"
	attrAdobeRevoked   = "1.2.840.113583.1.1.8"
	attrOtherCertValue = "1.2.840.113549.1.9.16.2.19"
)

// An attribute has a name and values.
type attribute struct {
	id     string
	values []element
}

func attributes(content []byte, most int) (list []attribute, err error) {
	members_, err := members(content, most)
	if err != nil {
		return nil, err
	}
	for _, e := range members_ {
		id, rest, err := algorithm(e.content) // of the same shape: identifier, then more
		if err != nil {
			return nil, err
		}
		set, _, err := take(rest, tagSet)
		if err != nil {
			return nil, err
		}
		values, err := members(set.content, most)
		if err != nil {
			return nil, err
		}
		list = append(list, attribute{id, values})
	}
	return list, nil
}

// signedAttributes is what a signer stated beside the content.
type signedAttributes struct {
	messageDigest []byte
	contentType   string
	signingTime   time.Time
	certificates  []certificateID
	policy        string
	contentTimes  [][]byte
	adobe         []byte
}

// A certificateID names a certificate by its digest.
type certificateID struct {
	hash   string // algorithm
	digest []byte
}

var (
	errTwice   = errors.New("an attribute stands twice")
	errMissing = errors.New("an attribute is missing")
)

// single are the attributes that may stand once only, with one value: of two
// a reader might take the one and a checker the other.
var single = []string{attrContentType, attrMessageDigest, attrSigningTime, attrCertificate, attrCertificateV2, attrPolicy}

func readSigned(set []byte, most int) (s signedAttributes, err error) {
	e, _, err := take(set, tagSet)
	if err != nil {
		return s, err
	}
	list, err := attributes(e.content, most)
	if err != nil {
		return s, err
	}
	seen := map[string]bool{}
	for _, a := range list {
		if slices.Contains(single, a.id) && (seen[a.id] || len(a.values) != 1) {
			return s, fmt.Errorf("%w: %s", errTwice, a.id)
		}
		seen[a.id] = true
		if err := s.take(a); err != nil {
			return s, fmt.Errorf("attribute %s: %w", a.id, err)
		}
	}
	if s.messageDigest == nil || s.contentType == "" {
		return s, fmt.Errorf("%w: message digest or content type", errMissing)
	}
	return s, nil
}

func (s *signedAttributes) take(a attribute) (err error) {
	if len(a.values) == 0 {
		return nil
	}
	v := a.values[0]
	switch a.id {
	case attrMessageDigest:
		if v.tag != tagOctets {
			return errBER
		}
		s.messageDigest = v.content
	case attrContentType:
		s.contentType = oid(v.content)
	case attrSigningTime:
		s.signingTime, err = moment(v)
	case attrCertificate:
		s.certificates, err = certificateIDs(s.certificates, v, "1.3.14.3.2.26")
	case attrCertificateV2:
		s.certificates, err = certificateIDs(s.certificates, v, "2.16.840.1.101.3.4.2.1")
	case attrPolicy:
		if id, _, failed := algorithm(v.content); failed == nil {
			s.policy = id
		}
	case attrContentTime:
		s.contentTimes = append(s.contentTimes, v.raw)
	case attrAdobeRevoked:
		s.adobe = v.content
	}
	return err
}

// certificateIDs reads ESSCertID and ESSCertIDv2; the first names the signer's.
func certificateIDs(list []certificateID, v element, standard string) ([]certificateID, error) {
	fields, err := members(v.content, 2)
	if err != nil || len(fields) == 0 {
		return list, errBER
	}
	ids, err := members(fields[0].content, 20)
	if err != nil || len(ids) == 0 {
		return list, errBER
	}
	parts, err := members(ids[0].content, 3)
	if err != nil || len(parts) == 0 {
		return list, errBER
	}
	id := certificateID{hash: standard}
	if parts[0].tag == tagSequence {
		if id.hash, _, err = algorithm(parts[0].content); err != nil || len(parts) < 2 {
			return list, errBER
		}
		parts = parts[1:]
	}
	if parts[0].tag != tagOctets {
		return list, errBER
	}
	id.digest = parts[0].content
	return append(list, id), nil
}

// names reports whether the identifier is that of the certificate.
func (id certificateID) names(c *Certificate) (known, same bool) {
	h := digestOf(id.hash)
	if h == 0 {
		return false, false
	}
	sum := h.New()
	_, _ = sum.Write(c.Raw)
	return true, bytes.Equal(sum.Sum(nil), id.digest)
}

// moment reads UTCTime and GeneralizedTime, also with fractions of a second.
func moment(e element) (time.Time, error) {
	s := string(e.content)
	var layouts []string
	switch e.tag {
	case tagUTCTime:
		layouts = []string{"060102150405Z0700", "0601021504Z0700"}
	case tagGeneralized:
		layouts = []string{"20060102150405Z0700", "200601021504Z0700", "20060102150405"}
	default:
		return time.Time{}, errBER
	}
	for _, layout := range layouts {
		t, err := time.Parse(layout, s) // takes fractions behind the seconds by itself
		if err != nil {
			continue
		}
		if e.tag == tagUTCTime && t.Year() >= 2050 { // RFC 5280 § 4.1.2.5.1
			t = t.AddDate(-100, 0, 0)
		}
		return t.UTC(), nil
	}
	return time.Time{}, fmt.Errorf("the time %.30q cannot be read", s)
}

// sorted gives the SET with its members in the order of DER: what a signer
// hashed who wrote them in another order.
func sorted(set []byte) []byte {
	e, _, err := take(set, tagSet)
	if err != nil {
		return nil
	}
	list, err := members(e.content, 1000)
	if err != nil {
		return nil
	}
	parts := make([][]byte, 0, len(list))
	for _, m := range list {
		parts = append(parts, m.raw)
	}
	slices.SortFunc(parts, bytes.Compare)
	return wrap(tagSet, parts...)
}
