package rules

import (
	"slices"
	"strings"

	"kancelaria/registry"
)

func (r *officeReader) readClerks(n *node) {
	r.office.Clerks = map[string]registry.Clerk{}
	mails, users := map[string]string{}, map[string]string{}
	for _, p := range r.pairs(n, "clerks") {
		m := r.mapping(p.value, "the clerk", "name", "mail", "login", "initials", "roles", "deputies", "absences", "channels", "language", "titles")
		if !r.free(p, "a clerk", namePattern) {
			continue
		}
		c := registry.Clerk{
			Login: p.key, Name: r.str(m["name"], "name"), Mail: r.address(m["mail"], "mail"), Unix: r.str(m["login"], "login"),
			Initials: r.str(m["initials"], "initials"), Deputies: r.allNamed(m["deputies"], refClerk, r.clerks),
			Channels: r.strs(m["channels"], "channels"), Titles: r.titles(m["titles"]),
		}
		if m["language"] != nil {
			c.Language = r.oneOf(m["language"], "language", languages...)
		}
		for _, role := range r.oneOrMore(m["roles"], "roles") {
			if name := r.oneOf(role, "a role", officeRoles...); name != "" {
				c.Roles = append(c.Roles, registry.OfficeRole(name))
			}
		}
		for _, needed := range []string{"name", "mail"} {
			if m[needed] == nil {
				r.errorf(p.value, "E103", "add it", "clerk %q has no %s", p.key, needed)
			}
		}
		r.once(m["mail"], mails, c.Mail, "the address", p.key)
		r.once(m["login"], users, c.Unix, "the login", p.key)
		r.readAbsences(&c, m["absences"])
		if slices.Contains(c.Deputies, p.key) {
			r.errorf(m["deputies"], "E109", "name somebody else", "clerk %q is the own deputy", p.key)
		}
		r.places["clerk/"+p.key] = &node{line: p.line, col: p.col}
		if d := m["deputies"]; d != nil {
			r.places["deputies/"+p.key] = d
		}
		r.office.Clerks[p.key] = c
	}
}

// once refuses that two clerks share an address or a login.
func (r *officeReader) once(n *node, owner map[string]string, value, what, clerk string) {
	if n == nil || value == "" {
		return
	}
	if other := owner[value]; other != "" {
		r.errorf(n, "E103", "each clerk needs an own one", "%s %q belongs to clerk %q already", what, clip(value, 60), other)
		return
	}
	owner[value] = clerk
}

// titles are patterns of words like those of rules.
func (r *officeReader) titles(n *node) []string {
	var out []string
	for _, i := range r.oneOrMore(n, "titles") {
		t := r.str(i, "a title")
		if t == "" {
			continue
		}
		if _, ok := parsePhrase(t); !ok {
			r.errorf(i, "E103", "write words, with * at the end of one", "%q is not a pattern of words", clip(t, 40))
			continue
		}
		out = append(out, t)
	}
	return out
}

func (r *officeReader) readAbsences(c *registry.Clerk, n *node) {
	for _, i := range r.items(n, "absences") {
		m := r.mapping(i, "the absence", "from", "to", "deputies", "classes")
		a := registry.Absence{From: r.day(m["from"], "from"), To: r.day(m["to"], "to"), Deputies: r.allNamed(m["deputies"], refClerk, r.clerks), Classes: r.allNamed(m["classes"], refClass, r.classes)}
		switch {
		case m["from"] == nil || m["to"] == nil:
			r.errorf(i, "E103", "write {from: 2026-12-21, to: 2026-12-31}", "an absence needs from and to")
		case a.To.Before(a.From):
			r.errorf(m["to"], "E103", "swap the two days", "the absence ends before it begins")
		case slices.Contains(a.Deputies, c.Login):
			r.errorf(m["deputies"], "E109", "name somebody else", "clerk %q is the own deputy", c.Login)
		default:
			c.Absences = append(c.Absences, a)
		}
	}
}

// checkDeputies finds circles of standing deputies: when all of a circle are
// away, the search for one who is there would come back to its beginning.
func (r *officeReader) checkDeputies() {
	const unseen, open, done = 0, 1, 2
	state := map[string]int{}
	var walk func(login string, chain []string)
	walk = func(login string, chain []string) {
		state[login] = open
		chain = append(chain, login)
		for _, d := range r.office.Clerks[login].Deputies {
			switch state[d] {
			case unseen:
				walk(d, chain)
			case open:
				circle := append(slices.Clone(chain[slices.Index(chain, d):]), d)
				if len(circle) != 3 { // two who stand in for each other are usual and harmless
					r.errorf(r.places["deputies/"+login], "E109", "end the chain with one who has no deputy in it", "deputies go in a circle: %s", strings.Join(circle, " → "))
				}
			}
		}
		state[login] = done
	}
	for _, login := range keys(r.office.Clerks) {
		if state[login] == unseen {
			walk(login, nil)
		}
	}
}

// away finds the absence that covers a day and a class.
func away(c registry.Clerk, day registry.Day, class string) (registry.Absence, bool) {
	for _, a := range c.Absences {
		if day.Before(a.From) || a.To.Before(day) {
			continue
		}
		if len(a.Classes) > 0 && !slices.Contains(a.Classes, class) {
			continue
		}
		return a, true
	}
	return registry.Absence{}, false
}
