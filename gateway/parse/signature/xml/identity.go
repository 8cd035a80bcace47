package xml

import "strings"

// spaceZP is the namespace of podpis zaufany in its first layout; the second
// one is known by the name of its element.
const spaceZP = "http://crd.gov.pl/xml/schematy/ppzp/"

func isIdentity(n *node) bool {
	return n.kind == kindElement && (n.is(spaceZP, "PodpisZP") || n.local == "EPSignature")
}

// strayIdentity refuses a person's data that stand where nobody signed them,
// and takes the person from where they were signed: in a claimed role of the
// signed properties.
func (c *check) strayIdentity() *Problem {
	var stray bool
	var own []*node
	c.d.tree.walk(func(n *node) bool {
		switch {
		case n.is(spaceDS, "Signature") && n != c.el && !c.el.within(n):
			return false // another signature answers for its own
		case !isIdentity(n):
			return true
		case c.properties != nil && c.inRole(n):
			own = append(own, n)
		case n.within(c.el):
			stray = true
		case !c.covered(n):
			stray = true
		}
		return false
	})
	switch {
	case stray:
		return problem(subFormat, CodeIdentity, "a person is named as the signer outside the signed properties")
	case len(own) > 1:
		return problem(subFormat, CodeIdentity, "the signed properties name more than one person")
	case len(own) == 1:
		c.sig.Properties.Person = person(own[0])
	}
	return nil
}

func (c *check) inRole(n *node) bool {
	for _, role := range c.roles() {
		if n.within(role) {
			return true
		}
	}
	return false
}

// covered reports whether a node lies in the signed part of the document: then
// it is content, such as an older signed letter inside this one.
func (c *check) covered(n *node) bool {
	for _, top := range c.nodes {
		if top != nil && n.within(top) {
			return true
		}
	}
	return false
}

// person reads names and number by the names of the elements: their namespaces
// changed over the years.
func person(n *node) *Person {
	p := &Person{Layout: n.local}
	n.walk(func(k *node) bool {
		if k.kind != kindElement || len(k.elements()) > 0 {
			return true
		}
		value := strings.TrimSpace(k.content())
		if len(value) > 200 {
			return true
		}
		switch k.local {
		case "Imie", "FirstName", "GivenName":
			p.Given = join(p.Given, value)
		case "Nazwisko", "CurrentFamilyName", "FamilyName", "LastName":
			p.Family = join(p.Family, value)
		case "PESEL", "PersonIdentifier", "PersonalIdentifier":
			p.PESEL = orElse(p.PESEL, strings.TrimPrefix(value, "PL/PL/"))
		case "IdKontaUzytkownikaEpuap", "UserId", "Login":
			p.Account = orElse(p.Account, value)
		}
		return true
	})
	return p
}

func join(a, b string) string { return strings.TrimSpace(a + " " + b) }
