package xml

import "bytes"

const mostTimestamps = 50

// timestamps collects the tokens of the unsigned properties, and those over
// the content in the signed ones, with what their imprints must be of.
func (c *check) timestamps() {
	visit := func(n *node) {
		kind := ""
		switch n.local {
		case "SignatureTimeStamp":
			kind = "signature"
		case "ArchiveTimeStamp":
			kind = "archive"
		case "SigAndRefsTimeStamp", "RefsOnlyTimeStamp", "SigAndRefsTimeStampV2", "RefsOnlyTimeStampV2":
			kind = "refs"
		case "AllDataObjectsTimeStamp", "IndividualDataObjectsTimeStamp":
			kind = "data"
		}
		if kind != "" {
			c.timestamp(kind, n)
		}
	}
	c.unsigned(visit)
	c.properties.walk(func(n *node) bool {
		if n.kind == kindElement && isXAdES(n.space) {
			visit(n)
		}
		return true
	})
}

func (c *check) timestamp(kind string, n *node) {
	m := method{}
	if canon := n.child(spaceDS, "CanonicalizationMethod"); canon != nil && canon.attr("Algorithm") != "" {
		var ok bool
		if m, ok = methodOf(canon.attr("Algorithm"), canon); !ok {
			return
		}
	}
	var messages [][]byte
	switch kind {
	case "signature":
		messages = [][]byte{c.canonical(m, c.el.child(spaceDS, "SignatureValue"))}
	case "archive":
		messages = c.archived(n, m)
	}
	for _, k := range n.elements() {
		if k.local != "EncapsulatedTimeStamp" || len(c.sig.Timestamps) >= mostTimestamps {
			continue
		}
		if token, err := base64Text(k); err == nil && len(token) > 0 {
			c.sig.Timestamps = append(c.sig.Timestamps, Timestamp{Kind: kind, Token: token, Messages: messages})
		}
	}
}

func (c *check) canonical(m method, nodes ...*node) []byte {
	var b bytes.Buffer
	for _, n := range nodes {
		if n == nil {
			continue
		}
		out, err := canonical(set{tops: []*node{n}, comments: true}, m, c.d.room())
		if err != nil || c.d.spend(len(out)) != nil {
			c.d.overflow()
			return nil
		}
		b.Write(out)
	}
	return b.Bytes()
}

// archived gives what an archive time stamp is about (EN 319 132-1 § 5.5.2.2):
// the octets of all references, SignedInfo, SignatureValue, KeyInfo, the
// unsigned properties before it, and the objects no reference covers. Many
// programs add the covered objects once more: that is a second reading, and the
// older form of the element is read in the same ways. nil where it cannot be
// rebuilt.
func (c *check) archived(n *node, m method) [][]byte {
	if n.child(n.space, "Include") != nil {
		return nil
	}
	var b bytes.Buffer
	for _, el := range c.info.children(spaceDS, "Reference") {
		target, p := c.d.target(el, c.el)
		if p != nil {
			return nil
		}
		octets, p := c.d.transformed(el, c.el, c.canonicalWith(target, m, el))
		if p != nil {
			return nil
		}
		b.Write(octets)
	}
	b.Write(c.canonical(m, c.info, c.el.child(spaceDS, "SignatureValue"), c.el.child(spaceDS, "KeyInfo")))
	for _, k := range n.parent.elements() {
		if k == n {
			break
		}
		b.Write(c.canonical(m, k))
	}
	strict := bytes.Clone(b.Bytes())
	for _, o := range c.el.children(spaceDS, "Object") {
		if c.properties != nil && c.properties.within(o) {
			continue
		}
		octets := c.canonical(m, o)
		b.Write(octets)
		if !c.holds(o) {
			strict = append(strict, octets...)
		}
	}
	if bytes.Equal(strict, b.Bytes()) {
		return [][]byte{strict}
	}
	return [][]byte{strict, b.Bytes()}
}

// canonicalWith uses the time stamp's canonicalisation where a reference ends
// in nodes.
func (c *check) canonicalWith(t content, m method, el *node) content {
	if t.set == nil {
		return t
	}
	last := el.child(spaceDS, "Transforms").elements()
	if len(last) > 0 {
		return t
	}
	return content{octets: c.canonical(m, t.set.tops...), what: t.what}
}

// holds reports whether an object holds the properties or is referenced.
func (c *check) holds(o *node) bool {
	if c.properties != nil && c.properties.within(o) {
		return true
	}
	for _, n := range c.nodes {
		if n == o {
			return true
		}
	}
	return false
}

// level names the XAdES level by what is there; whether it holds is for the
// caller to find out.
func (c *check) level() string {
	if !c.sig.XAdES || c.properties == nil {
		return ""
	}
	level := "B-B"
	for _, t := range c.sig.Timestamps {
		switch {
		case t.Kind == "archive":
			return "B-LTA"
		case t.Kind == "signature" && level == "B-B":
			level = "B-T"
		}
	}
	if level == "B-T" && len(c.sig.OCSPs)+len(c.sig.CRLs) > 0 {
		level = "B-LT"
	}
	return level
}
