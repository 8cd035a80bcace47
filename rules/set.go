package rules

import (
	"bytes"
	"crypto/sha256"
	"strings"
	"sync"

	"kancelaria/registry"
)

// A list is one of the four lists of rules.yaml.
type list uint8

const (
	screenList   list = iota // first match: admit, quarantine, file beside
	classifyList             // all run; the first to write a field wins
	assignList               // first match: who gets it
	alsoList                 // all run
	listCount
)

// String gives the key of the list in the file.
func (l list) String() string { return [...]string{"screen", "classify", "assign", "also"}[l] }

// allows is the latest phase a condition in the list may need.
func (l list) allows() phase { return [...]phase{onArrival, onReading, onReading, onFinding}[l] }

// first reports whether only the first rule that matches takes effect.
func (l list) first() bool { return l == screenList || l == assignList }

// A rule is one entry of a list.
type rule struct {
	id    string
	list  list
	index int // among all rules of the set
	when  condition
	do    actions
	at    *node // of the rule
	whole *node // of its condition; nil when it has none
}

// line is where the rule stands, for people.
func (r *rule) line() int { return r.at.line }

// A Set is the rules of an office, ready to decide. It never changes and is
// safe to share.
type Set struct {
	office   *registry.Office
	file     string
	source   []byte
	digest   registry.Digest
	window   int
	rules    []*rule
	begins   [listCount + 1]int // of the lists in rules
	lists    map[string]*wordList
	fallback registry.Queue
	tests    []test
	lexicon  *lexicon
	zoneOf   [fieldCount]uint8
	zones    int
	domains  map[string]registry.Institution
	titles   []titled
	asks     []fieldID // fields that conditions look at
	headers  []string  // other headers that conditions look at, sorted
	dates    *dateFinder
	noted    []Complaint // warnings found while loading
	views    sync.Pool
}

// A wordList is a named list of the file.
type wordList struct {
	values []*node
	at     *node
	used   bool
}

// What rules look at of a letter's own text, unless rules.yaml says otherwise
// with text_window: the matter stands at the beginning, and disclaimers and
// footers at the end name everything.
const (
	defaultWindow = 2_000
	maxWindow     = 1 << 20
	maxRules      = 5_000
)

// Digest names the file the set was read from.
func (s *Set) Digest() registry.Digest { return s.digest }

// Source gives the file the set was read from; the caller must not change it.
func (s *Set) Source() []byte { return s.source }

// Office gives the office the set was checked against.
func (s *Set) Office() *registry.Office { return s.office }

// Len counts the rules.
func (s *Set) Len() int { return len(s.rules) }

// AsksSender reports whether a rule balances by who handled the sender's last
// letter: only then need anybody look it up.
func (s *Set) AsksSender() bool {
	for _, r := range s.of(assignList) {
		if r.do.balance == "sticky_sender" {
			return true
		}
	}
	return false
}

// of gives the rules of a list.
func (s *Set) of(l list) []*rule { return s.rules[s.begins[l]:s.begins[l+1]] }

// institutionOf finds whose domain this is, or below whose it lies.
func (s *Set) institutionOf(domain string) (registry.Institution, bool) {
	for {
		if in, ok := s.domains[domain]; ok {
			return in, true
		}
		_, rest, more := strings.Cut(domain, ".")
		if !more {
			return registry.Institution{}, false
		}
		domain = rest
	}
}

// A setReader is a rules.yaml being read.
type setReader struct {
	*source
	set    *Set
	ids    map[string]int // rule id → line
	labels map[string]bool
	asked  []*node // labels that conditions name
	list   list
}

// Load reads rules.yaml for an office. With complaints that are more than
// warnings, a rule that can never be reached among them, the set is nil. Lint
// finds what is merely suspicious; it needs a set.
func Load(name string, data []byte, office *registry.Office) (*Set, []Complaint) {
	set, list := load(name, data, office)
	if set == nil {
		return nil, list
	}
	list = sorted(append(list, set.dead()...))
	if Failed(list) {
		return nil, list
	}
	set.noted = list
	return set, list
}

// load reads without asking which rules can be reached.
func load(name string, data []byte, office *registry.Office) (*Set, []Complaint) {
	src := &source{file: name}
	root := parseNode(src, data)
	if root == nil {
		return nil, src.complaints
	}
	set := &Set{
		office: office, file: name, source: bytes.Clone(data), digest: sha256.Sum256(data), window: defaultWindow,
		lists: map[string]*wordList{}, lexicon: newLexicon(), domains: map[string]registry.Institution{},
	}
	for _, in := range office.Institutions {
		for _, d := range in.Domains {
			set.domains[d] = in
		}
	}
	r := &setReader{source: src, set: set, ids: map[string]int{}, labels: map[string]bool{}}
	r.read(root)
	list := sorted(src.complaints)
	if Failed(list) {
		return nil, list
	}
	set.build()
	return set, list
}

func (r *setReader) read(root *node) {
	top := r.mapping(root, "rules.yaml", "version", "text_window", "lists", "fallback", "screen", "classify", "assign", "also", "tests")
	if v := top["version"]; v != nil {
		r.integer(v, "version", 1, 1)
	} else {
		r.errorf(root, "E103", "add version: 1", "version is missing")
	}
	if w := top["text_window"]; w != nil {
		if n := r.size(w, "text_window"); n < 1 || n > maxWindow {
			r.errorf(w, "E103", "write 2kB", "text_window must be from 1 B to 1 MB")
		} else {
			r.set.window = int(n)
		}
	}
	if n := top["lists"]; n != nil {
		r.readLists(n)
	}
	r.readFallback(root, top["fallback"])
	for l := range listCount {
		r.list = l
		r.set.begins[l] = len(r.set.rules)
		for _, n := range r.items(top[l.String()], l.String()) {
			r.readRule(n)
		}
	}
	r.set.begins[listCount] = len(r.set.rules)
	for _, n := range r.asked {
		if !r.labels[n.text] {
			r.errorf(n, "E102", DidYouMean(n.text, keys(r.labels)), "no rule sets the label %q", clip(n.text, 40))
		}
	}
	for _, name := range keys(r.set.lists) {
		if l := r.set.lists[name]; !l.used {
			r.warnf(l.at, "W204", "use it or delete it", "list %q is not used", name)
		}
	}
	for _, n := range r.items(top["tests"], "tests") {
		r.readTest(n)
	}
}

func (r *setReader) readLists(n *node) {
	for _, p := range r.pairs(n, "lists") {
		l := &wordList{at: &node{line: p.line, col: p.col}}
		for _, i := range r.items(p.value, "the list") {
			if r.str(i, "an entry") != "" {
				l.values = append(l.values, i)
			}
		}
		if len(l.values) == 0 {
			r.errorf(p.value, "E105", "add entries or delete the list", "list %q is empty: a rule with it can never match", clip(p.key, 40))
		}
		r.set.lists[p.key] = l
	}
}

func (r *setReader) readFallback(root, n *node) {
	if n == nil || n.kind == nullNode {
		r.errorf(root, "E110", "add fallback: {department: …, queue: …}", "there is no fallback: a letter that no rule assigns would lie with nobody")
		return
	}
	o := r.set.office
	m := r.mapping(n, "fallback", "department", "queue")
	if m["department"] == nil {
		r.errorf(n, "E110", "add department: …", "the fallback names no department")
		return
	}
	r.set.fallback.Department = r.named(m["department"], refDepartment, keys(o.Departments))
	r.set.fallback.Name = orElse(r.str(m["queue"], "queue"), r.set.fallback.Department)
	if m["queue"] != nil {
		r.queue(m["queue"], r.set.fallback.Name)
	}
	if d, ok := o.Departments[r.set.fallback.Department]; ok && d.Head == "" && len(d.Clerks) == 0 {
		r.errorf(m["department"], "E110", "name a department with clerks", "nobody works in the department of the fallback")
	}
}

// queue checks the name of a queue: the front desk's, or a department's own.
func (r *setReader) queue(n *node, name string) (registry.Queue, bool) {
	o := r.set.office
	if name == o.Desk.Name {
		return o.Desk, true
	}
	if _, ok := o.Departments[name]; ok {
		return registry.Queue{Department: name, Name: name}, true
	}
	known := append(keys(o.Departments), o.Desk.Name)
	r.errorf(n, "E102", DidYouMean(name, known), "no queue %q", clip(name, 40))
	return registry.Queue{}, false
}

func (r *setReader) readRule(n *node) {
	if len(r.set.rules) >= maxRules {
		r.errorf(n, "E100", "", "more than %d rules", maxRules)
		return
	}
	m := r.mapping(n, "the rule", "id", "when", "do", "note")
	ru := &rule{list: r.list, index: len(r.set.rules), at: n}
	if m["id"] == nil {
		r.errorf(n, "E103", "add id: a-short-name", "a rule of %q has no id", r.list)
	} else {
		ru.id = r.ruleID(m["id"])
		ru.at = &node{line: n.line, col: n.col, text: ru.id}
	}
	if m["note"] != nil {
		r.str(m["note"], "note")
	}
	if w := m["when"]; w != nil {
		ru.when, ru.whole = r.condition(w, 0), w
	} else {
		ru.when = condition{form: isAll, line: n.line}
	}
	next := 0
	ru.when.number(&next)
	if next > maxConditions {
		r.errorf(n, "E103", "split the rule", "the rule has more than %d conditions", maxConditions)
	}
	if m["do"] == nil || m["do"].kind == nullNode {
		r.errorf(n, "E103", "add do: {…}", "the rule does nothing")
	} else {
		ru.do = r.actions(m["do"])
	}
	r.set.rules = append(r.set.rules, ru)
}

// maxConditions bounds a rule, so that a mark of one letter says which failed.
const maxConditions = len(markLetters)

func (r *setReader) ruleID(n *node) string {
	id := r.str(n, "id")
	if id == "" {
		return ""
	}
	if !ruleIDPattern.MatchString(id) {
		r.errorf(n, "E103", "use lower-case letters, digits and -", "a rule cannot have the id %q", clip(id, 40))
		return ""
	}
	if line, ok := r.ids[id]; ok {
		r.errorf(n, "E103", "give it another id", "rule %q is there already, in line %d", id, line)
		return ""
	}
	r.ids[id] = n.line
	return id
}
