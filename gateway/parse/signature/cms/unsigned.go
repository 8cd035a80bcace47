package cms

import (
	"io"

	"kancelaria/registry"
)

// unsigned reads what was added to a signature later: timestamps,
// countersignatures, revocation data. Anybody can add it, so nothing here makes
// a signature better than it is without.
func (c *checking) unsigned() {
	seen := map[string]bool{}
	c.contentTimestamps()
	list, err := attributes(c.info.unsigned, c.o.Limits.Attributes)
	if err != nil {
		c.out.Warnings = append(c.out.Warnings, "strange_end")
		return
	}
	for _, a := range list {
		seen[a.id] = true
		for _, v := range a.values {
			c.added(a.id, v)
		}
	}
	c.out.Level = c.level(seen)
}

func (c *checking) added(id string, v element) {
	switch id {
	case attrTimestamp:
		c.timestamp("signature", v.raw, []Content{inMemory(c.info.value)})
	case attrArchiveV1, attrArchiveV2, attrArchiveV3, attrLongTerm:
		c.archive(v.raw)
	case attrCounter:
		c.counter(v)
	case attrCertValues:
		_ = c.sd.readCertificates(v.content, c.o.Limits) // too many: those so far do
	case attrRevValues:
		c.sd.revocationValues(v.content, c.o.Limits)
	}
}

// level says what the signature looks like (EN 319 122-1), proved or not.
func (c *checking) level(seen map[string]bool) string {
	switch {
	case seen[attrArchiveV1] || seen[attrArchiveV2] || seen[attrArchiveV3] || seen[attrLongTerm]:
		return "B-LTA"
	case seen[attrTimestamp] && (seen[attrRevValues] || len(c.sd.crls)+len(c.sd.ocsps) > 0):
		return "B-LT"
	case seen[attrTimestamp]:
		return "B-T"
	case c.out.Named:
		return "B-B"
	}
	return "none"
}

func (c *checking) contentTimestamps() {
	for _, token := range c.stated.contentTimes {
		c.timestamp("content", token, c.sums.contents)
	}
	c.sd.adobe(c.stated.adobe, c.o.Limits)
}

// timestamp checks a token over what it should cover. One that belongs to
// something else was put there to deceive.
func (c *checking) timestamp(kind string, token []byte, over []Content) {
	if len(c.out.Timestamps) >= c.o.Limits.Timestamps {
		return
	}
	t := checkTimestamp(c.ctx, token, over, c.o)
	t.Kind = kind
	c.out.Timestamps = append(c.out.Timestamps, t)
	if t.State == registry.SignatureBroken {
		c.because(doubt(registry.SigConstraintsFailure, "timestamp_broken", kind+": "+t.Note))
	}
}

// archive notes an archive timestamp; what it covers is not recomputed.
func (c *checking) archive(token []byte) {
	if len(c.out.Timestamps) >= c.o.Limits.Timestamps {
		return
	}
	t := Timestamp{Kind: "archive", State: registry.SignatureUnchecked}
	if sd, err := parse(token, c.o.Limits); err == nil {
		if info, err := readTSTInfo(sd.content); err == nil {
			t.At = info.at
		}
	}
	c.out.Timestamps = append(c.out.Timestamps, t)
	c.out.Warnings = append(c.out.Warnings, "archive_unchecked")
}

// counter checks a countersignature: a SignerInfo over the value of another.
func (c *checking) counter(v element) {
	if len(c.out.Counter) >= c.o.Limits.Signers || c.o.nested > 3 {
		return
	}
	info, err := readSigner(v)
	if err != nil {
		c.because(doubt(registry.SigConstraintsFailure, "countersignature_broken", err.Error()))
		return
	}
	// RFC 5652 § 11.4: without content type, since there is none.
	sd := *c.sd
	sd.contentType = ""
	inner := checking{ctx: c.ctx, o: c.o, sd: &sd, info: &info, pool: c.pool, sums: &digests{contents: []Content{inMemory(c.info.value)}}}
	inner.o.nested++
	s := inner.countersigner()
	if s.Intact == registry.SignatureBroken {
		c.because(doubt(registry.SigConstraintsFailure, "countersignature_broken", s.Reasons[0].Code))
	}
	c.out.Counter = append(c.out.Counter, s)
}

// countersigner is signer without a content type, which may be absent here.
func (c *checking) countersigner() Signer {
	s := c.signer()
	kept := s.Reasons[:0]
	for _, r := range s.Reasons {
		if r.Code != "missing_attribute" || c.stated.messageDigest == nil {
			kept = append(kept, r)
		}
	}
	s.Reasons, c.out.Reasons = kept, kept
	s.Intact = c.intact()
	return s
}

// revocationValues reads RevocationValues (EN 319 122-1 § A.1.2.2).
func (sd *signedData) revocationValues(b []byte, limits Limits) {
	list, err := members(b, 3)
	if err != nil {
		return
	}
	for _, e := range list {
		switch e.tag {
		case tagContext:
			sd.crls = append(sd.crls, values(e.content, limits)...)
		case tagContext + 1:
			sd.ocsps = append(sd.ocsps, values(e.content, limits)...)
		}
	}
}

// adobe reads adbe-revocationInfoArchival (ISO 32000-1 § 12.8.3.3.2).
func (sd *signedData) adobe(b []byte, limits Limits) { sd.revocationValues(b, limits) }

// values lists the members of a sequence that an explicit tag holds.
func values(explicit []byte, limits Limits) (list [][]byte) {
	seq, _, err := take(explicit, tagSequence)
	if err != nil {
		return nil
	}
	found, err := members(seq.content, limits.Revocation)
	if err != nil {
		return nil
	}
	for _, e := range found {
		list = append(list, e.raw)
	}
	return list
}

func readHead(src io.Reader, p []byte) (int, error) {
	n, err := io.ReadFull(src, p)
	if err == io.ErrUnexpectedEOF {
		err = nil
	}
	return n, err
}
