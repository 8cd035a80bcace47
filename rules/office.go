package rules

import (
	"crypto/sha256"
	"regexp"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // deadlines depend on the zone; not on what the host has installed

	"kancelaria/registry"
)

// Closed lists of office.yaml.
var (
	mailboxKinds  = []string{"official", "individual", "noreply"}
	registerKinds = []string{"in", "out"}
	casePolicies  = []string{"at_once", "on_accept", "none"}
	officeRoles   = []string{"desk", "mayor", "deputy", "secretary", "treasurer", "head", "clerk", "archivist", "dpo", "admin", "auditor"}
	languages     = []string{"pl", "en"}
)

// An officeReader holds the names that the file declares while it is read, so
// that each reference is checked where it stands.
type officeReader struct {
	*source
	office      *registry.Office
	departments []string
	clerks      []string
	classes     []string
	registers   []string
	deadlines   []string
	places      map[string]*node // of clerks: "clerk/os1"
}

// LoadOffice reads office.yaml. With complaints that are more than warnings
// the office is nil.
func LoadOffice(name string, data []byte) (*registry.Office, []Complaint) {
	src := &source{file: name}
	root := parseNode(src, data)
	if root == nil {
		return nil, src.complaints
	}
	r := &officeReader{source: src, office: &registry.Office{Digest: sha256.Sum256(data), Language: "pl"}, places: map[string]*node{}}
	r.readOffice(root)
	list := sorted(src.complaints)
	if Failed(list) {
		return nil, list
	}
	return r.office, list
}

func (r *officeReader) readOffice(root *node) {
	top := r.mapping(root, "office.yaml", "version", "office", "registers", "mailboxes", "departments", "clerks",
		"classes", "institutions", "calendar", "deadlines", "desk", "approvers")
	for _, needed := range []string{"office", "registers", "mailboxes", "departments", "clerks", "classes", "desk"} {
		if top[needed] == nil || top[needed].kind == nullNode {
			r.errorf(root, "E103", "add it", "%q is missing", needed)
			top[needed] = &node{line: root.line, col: root.col}
		}
	}
	if v := top["version"]; v != nil {
		r.integer(v, "version", 1, 1)
	}
	r.departments, r.clerks = names(top["departments"]), names(top["clerks"])
	r.classes, r.registers = names(top["classes"]), names(top["registers"])
	r.readHead(top["office"])
	r.readCalendar(top["calendar"])
	r.readDeadlines(top["deadlines"])
	r.readRegisters(top["registers"])
	r.readDepartments(top["departments"])
	r.readClerks(top["clerks"])
	r.readClasses(top["classes"])
	r.readMailboxes(top["mailboxes"])
	r.readInstitutions(top["institutions"])
	r.readDesk(top["desk"])
	r.readApprovers(top["approvers"])
	r.checkDeputies()
}

// names lists the keys of a mapping without judging it.
func names(n *node) []string {
	var out []string
	for _, p := range n.pairs {
		out = append(out, p.key)
	}
	return out
}

func (r *officeReader) readHead(n *node) {
	m := r.mapping(n, "office", "name", "name_en", "domain", "ade", "bip", "privacy", "phone", "timezone", "language")
	o := r.office
	o.Name, o.Domain = r.str(m["name"], "name"), strings.ToLower(r.str(m["domain"], "domain"))
	o.EnglishName = r.str(m["name_en"], "name_en")
	o.ADE, o.BIP = r.str(m["ade"], "ade"), r.str(m["bip"], "bip")
	o.Privacy, o.Phone = r.str(m["privacy"], "privacy"), r.str(m["phone"], "phone")
	if m["language"] != nil {
		o.Language = r.oneOf(m["language"], "language", languages...)
	}
	if o.Name == "" && m["name"] == nil {
		r.errorf(n, "E103", "add the name of the office", "office.name is missing")
	}
	if m["domain"] == nil {
		r.errorf(n, "E103", "add the mail domain of the office", "office.domain is missing")
	} else if o.Domain != "" && !domainPattern.MatchString(o.Domain) {
		r.errorf(m["domain"], "E103", "", "%q is not a mail domain", clip(o.Domain, 60))
	}
	zone := "Europe/Warsaw"
	if m["timezone"] != nil {
		zone = r.str(m["timezone"], "timezone")
	}
	loc, err := time.LoadLocation(zone)
	if err != nil {
		r.errorf(m["timezone"], "E103", "write Europe/Warsaw", "no time zone %q", clip(zone, 40))
		loc = time.UTC
	}
	o.Zone = loc
}

var (
	domainPattern = regexp.MustCompile(`^[a-z0-9-]+(\.[a-z0-9-]+)+$`)
	namePattern   = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_-]{0,31}$`)
	symbolPattern = regexp.MustCompile(`^[0-9]{1,6}$`)
)

// free checks a declared name against a pattern.
func (r *officeReader) free(p pair, kind string, pattern *regexp.Regexp) bool {
	if pattern.MatchString(p.key) {
		return true
	}
	r.errorAt(p.line, p.col, "E103", kind+" cannot be named "+strconv.Quote(clip(p.key, 40)), "use letters, digits, - and _")
	return false
}

func (r *officeReader) readRegisters(n *node) {
	r.office.Registers = map[string]registry.Register{}
	for _, p := range r.pairs(n, "registers") {
		m := r.mapping(p.value, "the register", "kind", "restricted", "readers")
		if !r.free(p, "a register", namePattern) {
			continue
		}
		reg := registry.Register{ID: p.key, Kind: "in", Restricted: r.boolean(m["restricted"], "restricted", false), Readers: r.allNamed(m["readers"], refClerk, r.clerks)}
		if m["kind"] != nil {
			reg.Kind = r.oneOf(m["kind"], "kind", registerKinds...)
		}
		if reg.Restricted && len(reg.Readers) == 0 {
			r.errorf(p.value, "E103", "add readers: [LOGIN, LOGIN]", "nobody may read the restricted register %q", p.key)
		}
		r.office.Registers[p.key] = reg
	}
}

func (r *officeReader) readDepartments(n *node) {
	r.office.Departments = map[string]registry.Department{}
	for _, p := range r.pairs(n, "departments") {
		m := r.mapping(p.value, "the department", "name", "head", "clerks", "marks", "originals")
		if !r.free(p, "a department", departmentPattern) {
			continue
		}
		d := registry.Department{ID: p.key, Name: r.str(m["name"], "name"), Head: r.optional(m["head"], refClerk, r.clerks), Clerks: r.allNamed(m["clerks"], refClerk, r.clerks), Marks: r.strs(m["marks"], "marks")}
		if o := m["originals"]; o != nil && o.text != "never" {
			d.OriginalsUpTo = r.size(o, "originals")
		}
		if d.Name == "" && m["name"] == nil {
			r.errorf(p.value, "E103", "add its name", "department %q has no name", p.key)
		}
		if d.Head == "" && len(d.Clerks) == 0 && m["head"] == nil {
			r.errorf(p.value, "E110", "add a head or clerks", "department %q has nobody", p.key)
		}
		r.office.Departments[p.key] = d
	}
}

var departmentPattern = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{0,15}$`)

// optional is named for a key that may be missing.
func (r *officeReader) optional(n *node, kind refKind, known []string) string {
	if n == nil {
		return ""
	}
	return r.named(n, kind, known)
}

func (r *officeReader) readClasses(n *node) {
	r.office.Classes = map[string]registry.Class{}
	for _, p := range r.pairs(n, "classes") {
		m := r.mapping(p.value, "the class", "name", "category", "department", "clerk", "case", "deadline", "ladder", "from", "to")
		if !r.free(p, "a class", symbolPattern) {
			continue
		}
		c := registry.Class{
			Symbol: p.key, Name: r.str(m["name"], "name"), Category: r.str(m["category"], "category"), Case: "on_accept",
			Department: r.optional(m["department"], refDepartment, r.departments), Clerk: r.optional(m["clerk"], refClerk, r.clerks),
			Deadline: r.optional(m["deadline"], refDeadline, r.deadlines), From: r.day(m["from"], "from"), To: r.day(m["to"], "to"),
		}
		if m["ladder"] != nil {
			c.Ladder = r.ladder(m["ladder"])
		}
		if m["case"] != nil {
			c.Case = r.oneOf(m["case"], "case", casePolicies...)
		}
		for _, needed := range []string{"name", "department"} {
			if m[needed] == nil {
				r.errorf(p.value, "E103", "add it", "class %q has no %s", p.key, needed)
			}
		}
		r.office.Classes[p.key] = c
	}
}

func (r *officeReader) readMailboxes(n *node) {
	r.office.Mailboxes = map[string]registry.Mailbox{}
	for _, p := range r.pairs(n, "mailboxes") {
		m := r.mapping(p.value, "the mailbox", "kind", "register", "department", "clerk", "receipts")
		address := strings.ToLower(p.key)
		if !addressPattern.MatchString(address) {
			r.errorAt(p.line, p.col, "E103", strconv.Quote(clip(p.key, 60))+" is not an e-mail address", "")
			continue
		}
		b := registry.Mailbox{
			Address: address, Kind: "official", Register: r.optional(m["register"], refRegister, r.registers),
			Department: r.optional(m["department"], refDepartment, r.departments), Clerk: r.optional(m["clerk"], refClerk, r.clerks),
		}
		if m["kind"] != nil {
			b.Kind = r.oneOf(m["kind"], "kind", mailboxKinds...)
		}
		if m["register"] == nil {
			r.errorf(p.value, "E103", "add register: RPW", "mailbox %q has no register", address)
		} else if reg, ok := r.office.Registers[b.Register]; ok && reg.Kind != "in" {
			r.errorf(m["register"], "E103", "name a register of kind in", "register %q does not take what comes in", b.Register)
		}
		if b.Kind == "individual" && m["clerk"] == nil {
			r.errorf(p.value, "E103", "add clerk: LOGIN", "the individual mailbox %q belongs to nobody", address)
		}
		b.Receipts = r.boolean(m["receipts"], "receipts", b.Kind == "official")
		r.office.Mailboxes[address] = b
	}
}

func (r *officeReader) readInstitutions(n *node) {
	r.office.Institutions = map[string]registry.Institution{}
	if n == nil {
		return
	}
	owner := map[string]string{}
	for _, p := range r.pairs(n, "institutions") {
		m := r.mapping(p.value, "the institution", "name", "kind", "domains")
		if !r.free(p, "an institution", namePattern) {
			continue
		}
		in := registry.Institution{ID: p.key, Name: r.str(m["name"], "name"), Kind: r.str(m["kind"], "kind")}
		for _, d := range r.oneOrMore(m["domains"], "domains") {
			name := strings.ToLower(r.str(d, "a domain"))
			switch {
			case name == "":
			case !domainPattern.MatchString(name):
				r.errorf(d, "E103", "", "%q is not a mail domain", clip(name, 60))
			case owner[name] != "":
				r.errorf(d, "E103", "", "domain %q belongs to %q already", name, owner[name])
			default:
				owner[name] = p.key
				in.Domains = append(in.Domains, name)
			}
		}
		if len(in.Domains) == 0 {
			r.errorf(p.value, "E105", "add domains: [name.example]", "institution %q has no domain and can never be recognised", p.key)
		}
		r.office.Institutions[p.key] = in
	}
}

func (r *officeReader) readDesk(n *node) {
	m := r.mapping(n, "desk", "department", "queue")
	for _, needed := range []string{"department", "queue"} {
		if m[needed] == nil && n.kind == mapNode {
			r.errorf(n, "E110", "add it", "desk.%s is missing", needed)
		}
	}
	r.office.Desk = registry.Queue{Department: r.optional(m["department"], refDepartment, r.departments), Name: r.str(m["queue"], "queue")}
}
