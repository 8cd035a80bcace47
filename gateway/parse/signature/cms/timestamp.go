package cms

import (
	"bytes"
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"

	"kancelaria/registry"
)

// A Timestamp is a token of RFC 3161 and what checking it showed.
type Timestamp struct {
	Kind         string // signature, content, archive, document
	At           time.Time
	State        string // as registry.SignatureTimestamp.State
	Note         string // English, why it is not intact
	Authority    *Certificate
	Certificates []*Certificate
	Digest       string
	Weak         bool // made with a digest that others can match
}

// CheckTimestamp checks a token over a content, the first reading that fits.
func CheckTimestamp(ctx context.Context, token []byte, over []Content, limits Limits) Timestamp {
	return checkTimestamp(ctx, token, over, Options{Limits: limits.withDefaults()})
}

func checkTimestamp(ctx context.Context, token []byte, over []Content, o Options) Timestamp {
	t := Timestamp{Kind: "document", State: registry.SignatureUnchecked}
	if o.nested > 2 {
		t.Note = "too deeply nested"
		return t
	}
	sd, err := parse(token, o.Limits)
	if err != nil {
		return t.broken(err.Error())
	}
	info, err := readTSTInfo(sd.content)
	if errors.Is(err, errUnsupported) {
		t.Note = err.Error()
		return t
	}
	if err != nil || sd.contentType != typeTSTInfo {
		return t.broken("no TSTInfo inside")
	}
	t.At, t.Digest, t.Weak = info.at, hashName(info.hash), weak(info.hash)
	r := sd.check(ctx, Options{Certificates: o.Certificates, Limits: o.Limits, nested: o.nested + 1})
	t.Certificates = r.Certificates
	if len(r.Signers) != 1 {
		return t.broken("not signed by one authority")
	}
	s := r.Signers[0]
	t.Authority = s.Certificate
	switch {
	case s.Intact == registry.SignatureBroken:
		return t.broken("the token itself: " + s.Reasons[0].Code)
	case s.Intact != registry.SignatureIntact:
		t.Note = "the token itself was not checked"
		return t
	case !isAuthority(s.Certificate.X509):
		return t.broken("the certificate is not one of a time-stamping authority")
	}
	return t.imprint(ctx, info, over)
}

func (t Timestamp) broken(why string) Timestamp {
	t.State, t.Note = registry.SignatureBroken, why
	return t
}

// imprint compares what was stamped with what stands there.
func (t Timestamp) imprint(ctx context.Context, info tstInfo, over []Content) Timestamp {
	sums := &digests{contents: over}
	for i := range over {
		sum, err := sums.of(ctx, i, info.hash)
		if err != nil {
			t.Note = err.Error()
			return t
		}
		if bytes.Equal(sum, info.imprint) {
			t.State = registry.SignatureIntact
			return t
		}
	}
	if len(over) == 0 {
		t.Note = "what was stamped is not there"
		return t
	}
	return t.broken("it stamps something else")
}

// isAuthority reports whether a certificate is for stamping time. That it is
// for nothing else and critical, as RFC 3161 § 2.3 demands, many forget.
func isAuthority(c *x509.Certificate) bool {
	return c == nil || slices.Contains(c.ExtKeyUsage, x509.ExtKeyUsageTimeStamping)
}

// A tstInfo is what a token says.
type tstInfo struct {
	hash    crypto.Hash
	imprint []byte
	at      time.Time
}

func readTSTInfo(content []byte) (info tstInfo, err error) {
	seq, _, err := take(content, tagSequence)
	if err != nil {
		return info, err
	}
	fields, err := members(seq.content, 20)
	if err != nil || len(fields) < 5 {
		return info, errBER
	}
	imprint, err := members(fields[2].content, 2)
	if err != nil || len(imprint) != 2 {
		return info, errBER
	}
	id, _, err := algorithm(imprint[0].content)
	if err != nil {
		return info, err
	}
	if info.hash = digestOf(id); info.hash == 0 {
		return info, fmt.Errorf("%w: digest %s", errUnsupported, id)
	}
	info.imprint = imprint[1].content
	info.at, err = moment(fields[4])
	return info, err
}
