package xml

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

func itoa(n int) string { return strconv.Itoa(n) }

// opening reads a start tag or an empty element.
func (p *parser) opening(parent *node) (n *node, empty bool, err error) {
	if p.depth++; p.depth > p.limits.Depth {
		return nil, false, fmt.Errorf("elements are nested more than %d deep: %w", p.limits.Depth, errTooMuch)
	}
	p.pos++
	written, err := p.name()
	if err != nil {
		return nil, false, err
	}
	n = &node{kind: kindElement}
	var raw []attr // prefix and local not yet resolved
	for {
		had := p.space()
		if p.pos >= len(p.b) {
			return nil, false, p.fail("a tag does not end")
		}
		if p.b[p.pos] == '>' {
			p.pos++
			break
		}
		if strings.HasPrefix(p.b[p.pos:], "/>") {
			p.pos += 2
			p.depth--
			empty = true
			break
		}
		if !had {
			return nil, false, p.fail("attributes without space between them")
		}
		a, err := p.attribute()
		if err != nil {
			return nil, false, err
		}
		if raw = append(raw, a); len(raw) > p.limits.Attributes {
			return nil, false, fmt.Errorf("more than %d attributes: %w", p.limits.Attributes, errTooMuch)
		}
	}
	if err := p.add(parent, n); err != nil {
		return nil, false, err
	}
	return n, empty, p.resolve(n, written, raw)
}

func (p *parser) space() bool {
	start := p.pos
	for p.pos < len(p.b) && space(p.b[p.pos]) {
		p.pos++
	}
	return p.pos > start
}

func (p *parser) name() (string, error) {
	end := strings.IndexAny(p.b[p.pos:], " \n\t=/><\"'&")
	if end < 0 {
		return "", p.fail("a tag does not end")
	}
	s := p.b[p.pos : p.pos+end]
	if !isName(s) || strings.Count(s, ":") > 1 || strings.HasPrefix(s, ":") || strings.HasSuffix(s, ":") {
		return "", p.fail("%.40q is no name", s)
	}
	p.pos += end
	return s, nil
}

// attribute reads one; its value is normalised as XML 1.0 § 3.3.3 wants:
// white space as written becomes a space, references to it stay.
func (p *parser) attribute() (attr, error) {
	written, err := p.name()
	if err != nil {
		return attr{}, err
	}
	p.space()
	if !strings.HasPrefix(p.b[p.pos:], "=") {
		return attr{}, p.fail("attribute %s has no value", written)
	}
	p.pos++
	p.space()
	if p.pos >= len(p.b) || p.b[p.pos] != '"' && p.b[p.pos] != '\'' {
		return attr{}, p.fail("attribute %s has no value", written)
	}
	end := strings.IndexByte(p.b[p.pos+1:], p.b[p.pos])
	if end < 0 {
		return attr{}, p.fail("the value of %s does not end", written)
	}
	raw := p.b[p.pos+1 : p.pos+1+end]
	if strings.Contains(raw, "<") {
		return attr{}, p.fail("< in the value of %s", written)
	}
	value, err := p.expand(strings.Map(blankToSpace, raw))
	if err != nil {
		return attr{}, err
	}
	if !legal(value) {
		return attr{}, p.fail("a character that XML does not know")
	}
	p.pos += end + 2
	prefix, local := split(written)
	return attr{prefix: prefix, local: local, value: value}, nil
}

func split(name string) (prefix, local string) {
	if before, after, ok := strings.Cut(name, ":"); ok {
		return before, after
	}
	return "", name
}

// resolve gives an element and its attributes their namespaces.
func (p *parser) resolve(n *node, written string, raw []attr) error {
	for _, a := range raw {
		switch {
		case a.prefix == "" && a.local == "xmlns":
			n.decls = append(n.decls, decl{"", a.value})
		case a.prefix == "xmlns":
			if a.value == "" || a.local == "xmlns" || a.value == spaceXMLNS || (a.local == "xml") != (a.value == spaceXML) {
				return p.fail("the prefix %s is declared wrongly", a.local)
			}
			n.decls = append(n.decls, decl{a.local, a.value})
		default:
			n.attrs = append(n.attrs, a)
		}
	}
	slices.SortFunc(n.decls, func(a, b decl) int { return strings.Compare(a.prefix, b.prefix) })
	for i := 1; i < len(n.decls); i++ {
		if n.decls[i].prefix == n.decls[i-1].prefix {
			return p.fail("the prefix %q is declared twice", n.decls[i].prefix)
		}
	}
	n.prefix, n.local = split(written)
	var ok bool
	if n.space, ok = n.lookup(n.prefix); !ok {
		return p.fail("the prefix %s is not declared", n.prefix)
	}
	for i := range n.attrs {
		if n.attrs[i].prefix == "" {
			continue
		}
		if n.attrs[i].space, ok = n.lookup(n.attrs[i].prefix); !ok {
			return p.fail("the prefix %s is not declared", n.attrs[i].prefix)
		}
	}
	slices.SortFunc(n.attrs, func(a, b attr) int {
		if c := strings.Compare(a.space, b.space); c != 0 {
			return c
		}
		return strings.Compare(a.local, b.local)
	})
	for i := 1; i < len(n.attrs); i++ {
		if n.attrs[i].space == n.attrs[i-1].space && n.attrs[i].local == n.attrs[i-1].local {
			return p.fail("attribute %s stands twice", n.attrs[i].local)
		}
	}
	return nil
}
