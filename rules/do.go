package rules

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"kancelaria/registry"
)

// Actions are what a rule does when its condition is met. Which of them a list
// may use is in actionLists.
type actions struct {
	verdict  string // screen: admit, quarantine, beside
	reason   string // code of quarantine and beside
	class    string
	policy   string
	deadline *registry.DeadlineRule
	to       []target
	table    []tableRow
	key      fieldID // of the table
	balance  string
	flags    []registry.Flag
	labels   []string
	priority string
	restrict bool
	readers  []target
	about    []target // whom the letter is about
	hide     []target
	notify   []target
	approval []target
	receipt  string
	at       map[string]*node // places of the keys
}

// A tableRow sends values that begin with a key to a target.
type tableRow struct {
	begins string
	to     target
	at     *node
}

// A target is somebody or a place, named or found with the letter.
type target struct {
	kind targetKind
	name string
}

type targetKind uint8

const (
	toClerk targetKind = iota
	toDepartment
	toQueue
	toHead     // of a named department
	toRole     // all with an office role
	toOwnHead  // of the department decided
	classDept  // of the class decided
	classClerk //
	caseDept   // of the case quoted
	caseClerk  //
	threadDept // of the entry answered
	threadClerk
	mailboxDept // of the mailbox written to
	mailboxClerk
	toNamed   // whom the subject names by a title
	toReaders // of the register
)

// Targets without a name, as they are written.
var foundTargets = map[string]targetKind{
	"head": toOwnHead, "class.department": classDept, "class.clerk": classClerk,
	"case.department": caseDept, "case.clerk": caseClerk,
	"thread.department": threadDept, "thread.clerk": threadClerk,
	"mailbox.department": mailboxDept, "mailbox.clerk": mailboxClerk,
	"named": toNamed, "readers": toReaders,
}

// Targets with a name: clerk:os1.
var namedTargets = map[string]targetKind{"clerk": toClerk, "department": toDepartment, "queue": toQueue, "head": toHead, "role": toRole}

// String gives the target as it is written.
func (t target) String() string {
	for word, kind := range foundTargets {
		if kind == t.kind {
			return word
		}
	}
	for word, kind := range namedTargets {
		if kind == t.kind {
			return word + ":" + t.name
		}
	}
	return ""
}

// actionLists says in which lists an action may stand. A rule cannot refuse,
// delete or annul: there is no word for it.
var actionLists = map[string][]list{
	"admit":          {screenList},
	"quarantine":     {screenList},
	"beside":         {screenList},
	"class":          {classifyList},
	"case":           {classifyList},
	"deadline":       {classifyList},
	"subject_person": {classifyList},
	"to":             {assignList},
	"table":          {assignList},
	"key":            {assignList},
	"balance":        {assignList},
	"flag":           {screenList, classifyList, assignList, alsoList},
	"label":          {classifyList, assignList, alsoList},
	"priority":       {classifyList, assignList, alsoList},
	"restricted":     {classifyList, assignList, alsoList},
	"readers":        {classifyList, assignList, alsoList},
	"hide_from":      {classifyList, assignList, alsoList},
	"notify":         {screenList, classifyList, assignList, alsoList},
	"approval":       {classifyList, assignList, alsoList},
	"receipt":        {screenList, classifyList, assignList, alsoList},
}

var (
	reasonPattern = regexp.MustCompile(`^[a-z][a-z0-9_]{0,39}$`)
	labelPattern  = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,39}$`)
	balances      = []string{"first", "least_open", "round_robin", "sticky_sender"}
)

func (r *setReader) actions(n *node) actions {
	a := actions{at: map[string]*node{}, key: fClass}
	for _, p := range r.pairs(n, "do") {
		lists, ok := actionLists[p.key]
		if !ok {
			r.errorAt(p.line, p.col, "E103", fmt.Sprintf("unknown action %q", clip(p.key, 40)), DidYouMean(p.key, keys(actionLists)))
			continue
		}
		if !slices.Contains(lists, r.list) {
			r.errorAt(p.line, p.col, "E104", fmt.Sprintf("%q cannot stand in %q", p.key, r.list), fmt.Sprintf("move the rule to %q", lists[0].String()))
			continue
		}
		a.at[p.key] = p.value
		r.action(&a, p)
	}
	r.whole(n, &a)
	return a
}

// action reads one key of "do".
func (r *setReader) action(a *actions, p pair) {
	n, o := p.value, r.set.office
	switch p.key {
	case "admit":
		a.verdict = "admit"
		if !r.boolean(n, "admit", true) {
			r.errorf(n, "E103", "write admit: true", "admit is true or not there")
		}
	case "quarantine", "beside":
		a.verdict = p.key
		if a.reason = r.str(n, p.key); a.reason != "" && !reasonPattern.MatchString(a.reason) {
			r.errorf(n, "E103", "write a code like spoof_internal", "%s cannot have the reason %q", p.key, clip(a.reason, 40))
		}
	case "class":
		a.class = r.named(n, refClass, keys(o.Classes))
	case "case":
		a.policy = r.oneOf(n, "case", casePolicies...)
	case "deadline":
		a.deadline = r.deadline(n)
	case "to":
		a.to = r.targets(n, p.key)
	case "table":
		a.table = r.table(n)
	case "key":
		if id, ok := fieldByName(r.str(n, "key")); ok {
			a.key = id
		} else {
			r.errorf(n, "E103", DidYouMean(n.text, FieldNames()), "unknown field %q", clip(n.text, 40))
		}
	case "balance":
		if a.balance = r.oneOf(n, "balance", balances...); a.balance == "first" {
			a.balance = ""
		}
	case "flag":
		for _, f := range r.allNamed(n, refFlag, flagNames()) {
			a.flags = append(a.flags, registry.Flag(f))
		}
	case "label":
		for _, i := range r.oneOrMore(n, "label") {
			if l := r.str(i, "a label"); labelPattern.MatchString(l) {
				a.labels = append(a.labels, l)
				r.labels[l] = true
			} else if l != "" {
				r.errorf(i, "E103", "use lower-case letters, digits and -", "a label cannot be %q", clip(l, 40))
			}
		}
	case "priority":
		a.priority = r.oneOf(n, "priority", "high")
	case "restricted":
		a.restrict = r.boolean(n, "restricted", true)
	case "readers":
		a.readers = r.targets(n, p.key)
	case "subject_person":
		a.about = r.targets(n, p.key)
	case "hide_from":
		a.hide = r.targets(n, p.key)
	case "notify":
		a.notify = r.targets(n, p.key)
	case "approval":
		a.approval = r.targets(n, p.key)
	case "receipt":
		a.receipt = r.oneOf(n, "receipt", append(receiptVariants(), "none")...)
	}
}

// receiptVariants lists the receipts the catalogue has.
func receiptVariants() []string {
	var out []string
	for _, id := range registry.Catalogue("pl").Templates() {
		parts := strings.Split(id, "/")
		if len(parts) == 3 && parts[0] == "receipt" && parts[1] != "proof" && parts[1] != "collective" && !slices.Contains(out, parts[1]) {
			out = append(out, parts[1])
		}
	}
	return out
}

// whole checks what the actions of a rule need of each other.
func (r *setReader) whole(n *node, a *actions) {
	verdicts := 0
	for _, k := range []string{"admit", "quarantine", "beside"} {
		if a.at[k] != nil {
			verdicts++
		}
	}
	switch {
	case r.list == screenList && verdicts != 1:
		r.errorf(n, "E103", "write one of admit: true, quarantine: CODE, beside: CODE", "a rule of screen needs one verdict")
	case r.list == assignList && (a.at["to"] == nil) == (a.at["table"] == nil):
		r.errorf(n, "E103", "write to: or table:", "a rule of assign needs one of to and table")
	case a.at["key"] != nil && a.at["table"] == nil:
		r.errorf(a.at["key"], "E103", "", "key belongs to a table")
	case len(a.at) == 0 && len(n.pairs) == 0:
		r.errorf(n, "E103", "add an action", "the rule does nothing")
	}
	for i, t := range a.to {
		if len(a.to) > 1 && t.kind != toClerk {
			r.errorf(a.at["to"], "E103", "name clerks, or one target", "a list of targets can only name clerks, not %q", a.to[i])
		}
	}
}

// deadline takes a code of the catalogue, or a length with its basis.
func (r *setReader) deadline(n *node) *registry.DeadlineRule {
	o := r.set.office
	if n.kind != mapNode {
		code := r.named(n, refDeadline, keys(o.Deadlines))
		if code == "" {
			return nil
		}
		d := o.Deadlines[code]
		return &d
	}
	m := r.mapping(n, "deadline", "length", "from", "basis")
	d := registry.DeadlineRule{From: "received", Basis: r.str(m["basis"], "basis")}
	if m["basis"] == nil || m["length"] == nil {
		r.errorf(n, "E103", `write {length: 14 days, basis: "whose rule it is"}`, "a deadline needs length and basis")
		return nil
	}
	if m["from"] != nil {
		d.From = r.oneOf(m["from"], "from", deadlineFrom...)
	}
	var ok bool
	if d.N, d.Unit, ok = parseLength(r.str(m["length"], "length")); !ok {
		r.errorf(m["length"], "E103", "write 14 days, 3 working_days, 1 month or 96 hours", "a length cannot be %s", m["length"].what())
	}
	return &d
}

// targetUses says which kinds of target an action takes.
func targetUses(action string, kind targetKind) bool {
	switch action {
	case "to", "table":
		return kind != toHead && kind != toRole && kind != toOwnHead && kind != toNamed
	case "subject_person":
		return kind == toClerk || kind == toRole || kind == toNamed || kind == toHead
	default: // people to tell, to ask, to hide from
		return kind != toQueue && kind != classDept && kind != caseDept && kind != threadDept && kind != mailboxDept
	}
}

func (r *setReader) targets(n *node, action string) []target {
	var out []target
	for _, i := range r.oneOrMore(n, action) {
		if t, ok := r.target(i, action); ok {
			out = append(out, t)
		}
	}
	if len(out) == 0 && n.kind == listNode && len(n.items) == 0 {
		r.errorf(n, "E105", "name somebody", "%s is empty", action)
	}
	return out
}

func (r *setReader) target(n *node, action string) (target, bool) {
	text, o := r.str(n, action), r.set.office
	if text == "" {
		return target{}, false
	}
	word, name, named := strings.Cut(text, ":")
	t := target{name: name}
	var ok bool
	if named {
		t.kind, ok = namedTargets[word]
	} else {
		t.kind, ok = foundTargets[word]
	}
	if !ok || !targetUses(action, t.kind) {
		r.errorf(n, "E103", r.targetFix(text, action), "%s cannot be %q", action, clip(text, 40))
		return t, false
	}
	switch t.kind {
	case toClerk:
		ok = r.namedAt(n, name, refClerk, keys(o.Clerks)) != ""
	case toDepartment, toHead:
		ok = r.namedAt(n, name, refDepartment, keys(o.Departments)) != ""
	case toQueue:
		var q registry.Queue
		q, ok = r.queue(n, name)
		t.name = q.Name
	case toRole:
		if ok = slices.Contains(officeRoles, name); !ok {
			r.errorf(n, "E102", DidYouMean(name, officeRoles), "no role %q", clip(name, 40))
		}
	}
	if t.kind == toHead && ok && o.Departments[name].Head == "" {
		r.errorf(n, "E101", "add head: to the department", "department %q has no head", name)
		ok = false
	}
	if named && name == "" {
		r.errorf(n, "E103", "write "+word+":NAME", "%q names nobody", text)
		ok = false
	}
	return t, ok
}

// targetFix helps with the usual slip, a bare name.
func (r *setReader) targetFix(text, action string) string {
	o := r.set.office
	if _, ok := o.Clerks[text]; ok {
		return fmt.Sprintf("write clerk:%s", text)
	}
	if _, ok := o.Departments[text]; ok {
		return fmt.Sprintf("write department:%s", text)
	}
	var known []string
	for word, kind := range foundTargets {
		if targetUses(action, kind) {
			known = append(known, word)
		}
	}
	for word, kind := range namedTargets {
		if targetUses(action, kind) {
			known = append(known, word+":NAME")
		}
	}
	return "write one of " + joinSorted(known)
}

// table reads rows; the longest beginning comes first.
func (r *setReader) table(n *node) []tableRow {
	var rows []tableRow
	for _, p := range r.pairs(n, "table") {
		if t, ok := r.target(p.value, "table"); ok {
			rows = append(rows, tableRow{strings.ToLower(p.key), t, &node{line: p.line, col: p.col}})
		}
	}
	if len(n.pairs) == 0 {
		r.errorf(n, "E105", "add rows", "the table is empty")
	}
	slices.SortStableFunc(rows, func(a, b tableRow) int { return len(b.begins) - len(a.begins) })
	return rows
}
