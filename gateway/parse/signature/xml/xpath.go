package xml

import (
	"slices"
	"strconv"
	"strings"
)

// Only the forms of XPath that signatures are really made with are understood;
// anything else is unsupported, never guessed.

// xpathTransform understands not(ancestor-or-self::p:Name), its positive form,
// both with [@Id='x'] behind the name, and the long way of saying "without this signature" of XMLDSig § 6.6.3.
func xpathTransform(s set, t, signature *node) (set, *Problem) {
	x := t.child(spaceDS, "XPath")
	expr := strings.Join(strings.Fields(x.content()), "")
	unknown := problem(subGeneric, CodeUnsupported, "the XPath expression %.80q is not supported", expr)
	if x == nil {
		return s, problem(subFormat, CodeStructure, "an XPath transform has no expression")
	}
	sig, ok := strings.CutPrefix(expr, "count(ancestor-or-self::")
	if ok {
		name, rest, _ := strings.Cut(sig, "|")
		if space, local, ok := x.named(name); ok && space == spaceDS && local == "Signature" &&
			rest == "here()/ancestor::"+name+"[1])>count(ancestor-or-self::"+name+")" {
			return s.minus(signature), nil
		}
		return s, unknown
	}
	name, negative := strings.CutPrefix(expr, "not(ancestor-or-self::")
	if negative {
		name = strings.TrimSuffix(name, ")")
	} else if name, ok = strings.CutPrefix(expr, "ancestor-or-self::"); !ok {
		return s, unknown
	}
	name, id, hasID := strings.Cut(name, "[@Id=")
	if hasID {
		if id, ok = quoted(id, "", "]"); !ok {
			return s, unknown
		}
	}
	space, local, ok := x.named(name)
	if !ok {
		return s, unknown
	}
	found := s.find(func(n *node) bool { return n.is(space, local) && (!hasID || n.attr("Id") == id) })
	if negative {
		return s.minus(found...), nil
	}
	s.tops = found
	return s, nil
}

// named resolves p:Name with the prefixes in scope.
func (n *node) named(name string) (space, local string, ok bool) {
	prefix, local := split(name)
	if !isName(local) || strings.Contains(local, ":") {
		return "", "", false
	}
	if prefix == "" {
		return "", local, true // XPath knows no default namespace
	}
	space, ok = n.lookup(prefix)
	return space, local, ok
}

// find gives the topmost nodes of a set that fit.
func (s set) find(fits func(*node) bool) (found []*node) {
	for _, top := range s.tops {
		top.walk(func(n *node) bool {
			if s.without[n] {
				return false
			}
			if fits(n) {
				found = append(found, n)
				return false
			}
			return true
		})
	}
	return found
}

// filterTransform is XPath Filter 2.0: subtrees are taken away, kept or added,
// in order.
func filterTransform(d *document, s set, t, signature *node) (set, *Problem) {
	for _, x := range t.children(transformFilter, "XPath") {
		expr := strings.TrimSpace(x.content())
		nodes, ok := d.selectNodes(expr, x, s.tops, signature)
		if !ok {
			return s, problem(subGeneric, CodeUnsupported, "the XPath expression %.80q is not supported", expr)
		}
		switch x.attr("Filter") {
		case "subtract":
			s = s.minus(nodes...)
		case "intersect":
			tops := s.tops
			s.tops = slices.DeleteFunc(topmost(nodes), func(n *node) bool {
				return !slices.ContainsFunc(tops, n.within) || s.excludes(n)
			})
		case "union":
			if len(nodes) > 0 && !slices.ContainsFunc(nodes, func(n *node) bool { return !slices.ContainsFunc(s.tops, n.within) || s.excludes(n) }) {
				continue // all there already
			}
			return s, problem(subGeneric, CodeUnsupported, "a union of nodes is not supported")
		default:
			return s, problem(subFormat, CodeStructure, "an XPath filter that is none")
		}
	}
	return s, nil
}

// excludes reports whether a node lies in what was taken away.
func (s set) excludes(n *node) bool {
	for ; n != nil; n = n.parent {
		if s.without[n] {
			return true
		}
	}
	return false
}

func topmost(nodes []*node) (tops []*node) {
	for _, n := range nodes {
		if !slices.ContainsFunc(nodes, func(o *node) bool { return o != n && n.within(o) }) && !slices.Contains(tops, n) {
			tops = append(tops, n)
		}
	}
	return tops
}

// selectNodes evaluates a location path: /a/b, //a, /descendant::p:a,
// id('x')/p:a, here()/ancestor::ds:Signature[1], with predicates on local
// names.
func (d *document) selectNodes(expr string, x *node, tops []*node, signature *node) ([]*node, bool) {
	var at []*node
	rest := expr
	switch {
	case strings.HasPrefix(expr, "here()/ancestor::"):
		name, ok := strings.CutSuffix(strings.TrimPrefix(expr, "here()/ancestor::"), "[1]")
		space, local, known := x.named(name)
		return []*node{signature}, ok && known && signature.is(space, local)
	case strings.HasPrefix(expr, "id("):
		id, after, ok := strings.Cut(expr[len("id("):], ")")
		if !ok {
			return nil, false
		}
		n, p := d.byID(strings.Trim(id, `'"`))
		if p != nil {
			return nil, p.Sub == subNotFound
		}
		at, rest = []*node{n}, after
	case strings.HasPrefix(expr, "/"):
		for _, top := range tops {
			if doc := top.document(); !slices.Contains(at, doc) {
				at = append(at, doc)
			}
		}
	default:
		return nil, false
	}
	for rest != "" {
		var ok bool
		if at, rest, ok = step(at, rest, x); !ok || len(at) > 10_000 {
			return nil, false
		}
	}
	return at, true
}

// step takes one step of a path.
func step(from []*node, path string, x *node) (to []*node, rest string, ok bool) {
	deep := false
	if path, ok = strings.CutPrefix(path, "/"); !ok {
		return nil, "", false
	}
	if after, twice := strings.CutPrefix(path, "/"); twice {
		path, deep = after, true
	}
	end := endOfStep(path)
	test, rest := strings.TrimSpace(path[:end]), path[end:]
	test, predicate, hasPredicate := strings.Cut(test, "[")
	if after, isDeep := strings.CutPrefix(test, "descendant::"); isDeep {
		test, deep = after, true
	}
	test = strings.TrimPrefix(test, "child::")
	fits, ok := nodeTest(test, x)
	if !ok {
		return nil, "", false
	}
	if hasPredicate {
		also, ok := namePredicate(strings.TrimSuffix(predicate, "]"))
		if !ok {
			return nil, "", false
		}
		first := fits
		fits = func(n *node) bool { return first(n) && also(n) }
	}
	for _, n := range from {
		for _, k := range n.kids {
			if !deep {
				if fits(k) {
					to = append(to, k)
				}
				continue
			}
			k.walk(func(b *node) bool {
				if fits(b) {
					to = append(to, b)
				}
				return true
			})
		}
	}
	return to, rest, true
}

// endOfStep finds the next slash outside a predicate.
func endOfStep(path string) int {
	depth := 0
	for i := range len(path) {
		switch path[i] {
		case '[':
			depth++
		case ']':
			depth--
		case '/':
			if depth == 0 {
				return i
			}
		}
	}
	return len(path)
}

func nodeTest(test string, x *node) (func(*node) bool, bool) {
	switch test {
	case "*":
		return func(n *node) bool { return n.kind == kindElement }, true
	case "node()":
		return func(*node) bool { return true }, true
	}
	space, local, ok := x.named(test)
	return func(n *node) bool { return n.is(space, local) }, ok
}

// namePredicate understands local-name()='x' and starts-with(local-name(),'x'),
// joined by or.
func namePredicate(s string) (func(*node) bool, bool) {
	var tests []func(*node) bool
	for part := range strings.SplitSeq(s, " or ") {
		part = strings.Join(strings.Fields(part), "")
		if name, ok := quoted(part, "local-name()=", ""); ok {
			tests = append(tests, func(n *node) bool { return n.local == name })
		} else if name, ok := quoted(part, "starts-with(local-name(),", ")"); ok {
			tests = append(tests, func(n *node) bool { return strings.HasPrefix(n.local, name) })
		} else {
			return nil, false
		}
	}
	return func(n *node) bool {
		return slices.ContainsFunc(tests, func(t func(*node) bool) bool { return t(n) })
	}, true
}

func quoted(s, before, after string) (string, bool) {
	s, ok1 := strings.CutPrefix(s, before)
	s, ok2 := strings.CutSuffix(s, after)
	if !ok1 || !ok2 || len(s) < 2 {
		return "", false
	}
	un, err := strconv.Unquote(`"` + s[1:len(s)-1] + `"`)
	return un, err == nil && s[0] == s[len(s)-1] && (s[0] == '\'' || s[0] == '"')
}
