package cms

import (
	"bytes"
	"errors"
	"fmt"
)

// The content types that matter here.
const (
	typeData       = "1.2.840.113549.1.7.1"
	typeSigned     = "1.2.840.113549.1.7.2"
	typeEnveloped  = "1.2.840.113549.1.7.3"
	typeEncrypted  = "1.2.840.113549.1.7.6"
	typeAuthEnv    = "1.2.840.113549.1.9.16.1.23"
	typeTSTInfo    = "1.2.840.113549.1.9.16.1.4"
	otherOCSP      = "1.3.6.1.5.5.7.16.2"
	otherOCSPBasic = "1.3.6.1.5.5.7.48.1.1"
)

var errEncrypted = errors.New("encrypted")

// A signedData is the structure of that name, read and not yet checked.
type signedData struct {
	contentType  string
	content      []byte // nil if it is detached
	certificates []*Certificate
	crls, ocsps  [][]byte
	signers      []signerInfo
	trailing     int
	limits       []string
	notes        []string
}

// A signerInfo is one signature as it stands.
type signerInfo struct {
	issuer, serial []byte // or
	keyID          []byte
	digest         string // algorithm
	signed         []byte // the attributes, tagged as the SET that was signed; nil if there are none
	scheme         string
	schemeParams   []byte
	value          []byte
	unsigned       []byte // content of the unsigned attributes
}

// parse reads a CMS down to its signers.
func parse(blob []byte, limits Limits) (*signedData, error) {
	der, used, err := definite(blob)
	if err != nil {
		return nil, err
	}
	sd := &signedData{trailing: len(bytes.Trim(blob[used:], "\x00\r\n"))}
	info, _, err := take(der, tagSequence)
	if err != nil {
		return nil, err
	}
	kind, rest, err := take(info.content, tagOID)
	if err != nil {
		return nil, err
	}
	switch oid(kind.content) {
	case typeSigned:
	case typeEnveloped, typeEncrypted, typeAuthEnv:
		return nil, errEncrypted
	default:
		return nil, fmt.Errorf("content type %q is not signed data", oid(kind.content))
	}
	explicit, _, err := take(rest, tagContext)
	if err != nil {
		return nil, err
	}
	seq, _, err := take(explicit.content, tagSequence)
	if err != nil {
		return nil, err
	}
	return sd, sd.read(seq.content, limits)
}

func (sd *signedData) read(b []byte, limits Limits) error {
	_, b, err := take(b, tagInteger) // version
	if err != nil {
		return err
	}
	if _, b, err = take(b, tagSet); err != nil { // digest algorithms: each signer names its own
		return err
	}
	encap, b, err := take(b, tagSequence)
	if err != nil {
		return err
	}
	if err := sd.readContent(encap.content); err != nil {
		return err
	}
	certificates, b, ok, err := optional(b, tagContext)
	if err != nil {
		return err
	}
	if ok {
		if err := sd.readCertificates(certificates.content, limits); err != nil {
			return err
		}
	}
	revocation, b, ok, err := optional(b, tagContext+1)
	if err != nil {
		return err
	}
	if ok {
		sd.readRevocation(revocation.content, limits)
	}
	set, _, err := take(b, tagSet)
	if err != nil {
		return err
	}
	infos, err := members(set.content, limits.Signers)
	if err != nil {
		return err
	}
	for _, e := range infos {
		si, err := readSigner(e)
		if err != nil {
			return fmt.Errorf("SignerInfo: %w", err)
		}
		sd.signers = append(sd.signers, si)
	}
	return nil
}

// readContent takes what is inside. PKCS #7 hashed the content of any type
// without its tag; CMS knows octet strings only.
func (sd *signedData) readContent(b []byte) error {
	kind, rest, err := take(b, tagOID)
	if err != nil {
		return err
	}
	sd.contentType = oid(kind.content)
	explicit, _, ok, err := optional(rest, tagContext)
	if err != nil || !ok || len(explicit.content) == 0 {
		return err
	}
	inner, _, err := next(explicit.content)
	if err != nil {
		return err
	}
	sd.content = inner.content
	return nil
}

// readCertificates keeps what is a certificate; attribute certificates and
// what cannot be read speak for nobody.
func (sd *signedData) readCertificates(b []byte, limits Limits) error {
	list, err := members(b, limits.Certificates)
	if err != nil {
		return fmt.Errorf("certificates: %w", err)
	}
	for _, e := range list {
		if e.tag != tagSequence {
			continue
		}
		if c, err := ParseCertificate(e.raw); err == nil {
			sd.certificates = append(sd.certificates, c)
		} else {
			sd.notes = append(sd.notes, "a certificate: "+err.Error())
		}
	}
	return nil
}

// readRevocation keeps lists, and answers of responders where other
// revocation information stands (RFC 5940).
func (sd *signedData) readRevocation(b []byte, limits Limits) {
	list, err := members(b, limits.Revocation)
	if err != nil {
		sd.limits = append(sd.limits, "cms_revocation")
		return
	}
	for _, e := range list {
		switch e.tag {
		case tagSequence:
			sd.crls = append(sd.crls, e.raw)
		case tagContext + 1:
			id, value, err := algorithm(e.content)
			if err == nil && (id == otherOCSP || id == otherOCSPBasic) {
				sd.ocsps = append(sd.ocsps, value)
			}
		}
	}
}

func readSigner(e element) (si signerInfo, err error) {
	if e.tag != tagSequence {
		return si, errBER
	}
	_, b, err := take(e.content, tagInteger)
	if err != nil {
		return si, err
	}
	if b, err = si.readName(b); err != nil {
		return si, err
	}
	alg, b, err := take(b, tagSequence)
	if err != nil {
		return si, err
	}
	if si.digest, _, err = algorithm(alg.content); err != nil {
		return si, err
	}
	attributes, b, ok, err := optional(b, tagContext)
	if err != nil {
		return si, err
	}
	if ok {
		si.signed = bytes.Clone(attributes.raw)
		si.signed[0] = tagSet // RFC 5652 § 5.4: hashed with the tag of a SET
	}
	if alg, b, err = take(b, tagSequence); err != nil {
		return si, err
	}
	if si.scheme, si.schemeParams, err = algorithm(alg.content); err != nil {
		return si, err
	}
	value, b, err := take(b, tagOctets)
	if err != nil {
		return si, err
	}
	si.value = value.content
	if attributes, _, ok, err = optional(b, tagContext+1); ok {
		si.unsigned = attributes.content
	}
	return si, err
}

// readName reads who signs: issuer and serial number, or a key identifier.
func (si *signerInfo) readName(b []byte) (rest []byte, err error) {
	e, rest, err := next(b)
	if err != nil {
		return nil, err
	}
	switch e.tag {
	case tagSequence:
		fields, err := members(e.content, 2)
		if err != nil || len(fields) != 2 {
			return nil, errBER
		}
		si.issuer, si.serial = fields[0].raw, fields[1].content
	case 0x80:
		si.keyID = e.content
	default:
		return nil, errBER
	}
	return rest, nil
}
