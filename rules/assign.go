package rules

import (
	"slices"
	"strings"

	"kancelaria/registry"
)

// assign finds who gets the letter: the first rule that matches, else the
// fallback, and then whoever of them is there.
func (x *deciding) assign() {
	rules := x.set.of(assignList)
	for i, r := range rules {
		if !x.matches(r) {
			continue
		}
		x.took(r)
		x.common(r)
		if !x.give(r) {
			x.account.note("led_nowhere", r.id)
			x.fallback()
		}
		x.rest(rules[i+1:])
		return
	}
	x.fallback()
}

// fallback puts the letter into the queue that people look at.
func (x *deciding) fallback() {
	q := x.set.fallback
	x.d.Department, x.d.Queue = q.Department, q.Name
	x.flag(registry.FlagNeedsRouting)
	x.because("because.fallback", "queue", q.Name)
}

// give does what a rule of assign says; false if it leads to nobody.
func (x *deciding) give(r *rule) bool {
	to := r.do.to
	if r.do.table != nil {
		row, ok := x.lookUp(r.do.table, r.do.key)
		if !ok {
			return false
		}
		to = []target{row.to}
	}
	if len(to) > 1 {
		var logins []string
		for _, t := range to {
			logins = append(logins, t.name)
		}
		return x.giveClerks(logins, r.do.balance)
	}
	department, login := x.resolve(to[0])
	switch {
	case to[0].kind == toQueue:
		x.d.Department, x.d.Queue = department, to[0].name
		return true
	case to[0].kind == toReaders:
		return x.giveClerks(x.set.office.Registers[x.v.item.Register].Readers, r.do.balance)
	case login != "":
		return x.giveClerk(login, department)
	case department != "":
		return x.giveDepartment(department, r.do.balance)
	}
	return false
}

// lookUp finds the row whose key is the longest beginning of a value.
func (x *deciding) lookUp(table []tableRow, key fieldID) (tableRow, bool) {
	for _, row := range table {
		for _, value := range x.v.values[key] {
			if strings.HasPrefix(strings.ToLower(value), row.begins) {
				return row, true
			}
		}
	}
	return tableRow{}, false
}

// resolve turns a target into a department and a clerk, either may be "". A
// clerk who is no longer in the office counts as none.
func (x *deciding) resolve(t target) (department, login string) {
	o := x.set.office
	class := o.Classes[x.d.Class]
	switch t.kind {
	case toClerk:
		return x.departmentOf(t.name, class.Department), t.name
	case toDepartment:
		return t.name, ""
	case toQueue:
		if t.name == o.Desk.Name {
			return o.Desk.Department, ""
		}
		return t.name, ""
	case classDept, classClerk:
		department, login = class.Department, class.Clerk
	case caseDept, caseClerk:
		if c := bestCase(x.v.facts.Cases); c != nil {
			department, login = c.Department, c.Clerk
		}
	case threadDept, threadClerk:
		if f := x.v.facts.Thread; f != nil {
			department, login = f.Department, f.Clerk
		}
	case mailboxDept, mailboxClerk:
		for _, r := range x.v.item.Recipients {
			if m, ok := o.Mailbox(r); ok && (m.Department != "" || m.Clerk != "") {
				department, login = m.Department, m.Clerk
				break
			}
		}
	}
	switch t.kind {
	case classDept, caseDept, threadDept, mailboxDept:
		login = ""
	}
	if _, ok := o.Clerks[login]; !ok {
		login = ""
	}
	if _, ok := o.Departments[department]; !ok {
		department = ""
	}
	if login != "" && department == "" {
		department = x.departmentOf(login, "")
	}
	return department, login
}

// departmentOf finds where a clerk works; among several the preferred one.
func (x *deciding) departmentOf(login, preferred string) string {
	found := ""
	for _, id := range keys(x.set.office.Departments) {
		d := x.set.office.Departments[id]
		if d.Head != login && !slices.Contains(d.Clerks, login) {
			continue
		}
		if id == preferred {
			return id
		}
		if found == "" {
			found = id
		}
	}
	return orElse(found, preferred)
}

// giveClerk names one clerk, or whoever stands in.
func (x *deciding) giveClerk(login, department string) bool {
	x.d.Department = department
	who, ok := x.present(login)
	if !ok {
		return x.nobody(department)
	}
	x.d.Candidates = []string{who}
	if who != login {
		x.d.For = map[string]string{who: login}
	}
	return true
}

// giveClerks lets the present ones of several share; if none is, the deputies
// of the first.
func (x *deciding) giveClerks(logins []string, balance string) bool {
	if len(logins) == 0 {
		return false
	}
	here := x.here(logins)
	if len(here) == 0 {
		return x.giveClerk(logins[0], x.departmentOf(logins[0], x.set.office.Classes[x.d.Class].Department))
	}
	x.d.Department = x.departmentOf(here[0], x.set.office.Classes[x.d.Class].Department)
	x.share(here, balance)
	return true
}

// giveDepartment lets the present clerks of a department share.
func (x *deciding) giveDepartment(id, balance string) bool {
	d := x.set.office.Departments[id]
	x.d.Department = id
	members := d.Clerks
	if len(members) == 0 {
		members = []string{d.Head}
	}
	here := x.here(members)
	if len(here) == 0 {
		return x.nobody(id)
	}
	x.share(here, balance)
	return true
}

// share leaves the choice to the committer, who counts under the lock; only
// the clerk a sender is used to can be chosen here.
func (x *deciding) share(here []string, balance string) {
	if balance == "sticky_sender" {
		balance = "least_open"
		if slices.Contains(here, x.v.facts.StickyClerk) {
			x.because("because.sticky", "clerk", x.v.facts.StickyClerk)
			here, balance = []string{x.v.facts.StickyClerk}, ""
		}
	}
	x.d.Candidates, x.d.Balance = here, balance
}

// here keeps those who are present and whom the letter is not about.
func (x *deciding) here(logins []string) []string {
	var out []string
	for _, l := range logins {
		if x.excluded(l) {
			x.because("because.excluded", "clerk", l)
			continue
		}
		if _, gone := x.absent(l); gone {
			continue
		}
		if !slices.Contains(out, l) {
			out = append(out, l)
		}
	}
	return out
}

// excluded reports whether the letter is about the clerk, who must then not
// handle it, nor anybody in his place (KPA art. 24).
func (x *deciding) excluded(login string) bool {
	return slices.Contains(x.about, login) || slices.Contains(x.d.HideFrom, login)
}

// absent reports whether a clerk is away on the day of the decision, and who
// was named to stand in.
func (x *deciding) absent(login string) (deputies []string, gone bool) {
	c, ok := x.set.office.Clerks[login]
	if !ok {
		return nil, true
	}
	day := registry.DayOf(x.v.facts.Now, x.set.office.Zone)
	if x.v.facts.Now.IsZero() {
		day = x.v.day
	}
	if a, ok := away(c, day, x.d.Class); ok {
		if len(a.Deputies) > 0 {
			return a.Deputies, true
		}
		return c.Deputies, true
	}
	return c.Deputies, slices.Contains(x.v.facts.Away, login)
}

// present finds who handles what is a clerk's: the clerk, or the first deputy
// who is there, or a deputy's deputy. Each is asked once. For one whom the
// letter is about nobody stands in.
func (x *deciding) present(login string) (string, bool) {
	asked := map[string]bool{}
	var find func(login string) (string, bool)
	find = func(login string) (string, bool) {
		if asked[login] {
			return "", false
		}
		asked[login] = true
		if x.excluded(login) {
			x.because("because.excluded", "clerk", login)
			return "", false
		}
		deputies, gone := x.absent(login)
		if !gone {
			return login, true
		}
		for _, d := range deputies {
			if who, ok := find(d); ok {
				x.because("because.deputy", "clerk", login, "deputy", d)
				return who, true
			}
		}
		x.because("because.away", "clerk", login)
		return "", false
	}
	return find(login)
}

// nobody puts the letter into the department's queue and tells its head, or
// whoever is above a head who is away or meant.
func (x *deciding) nobody(department string) bool {
	if department == "" {
		return false
	}
	x.d.Queue, x.d.Candidates = department, nil
	for _, login := range x.ladder(department) {
		if x.excluded(login) {
			continue
		}
		if _, gone := x.absent(login); gone {
			continue
		}
		x.d.Notify, x.toldAbove = union(x.d.Notify, []string{login}), true
		x.because("because.nobody_head", "department", department, "head", login)
		return true
	}
	x.because("because.nobody", "department", department)
	return true
}

// unassigned tells of a letter that no clerk was found for, so that it is not
// found by chance: the readers of a restricted one, the head of its department,
// else the front desk.
func (x *deciding) unassigned() {
	d := &x.d
	if len(d.Candidates) > 0 || x.toldAbove {
		return
	}
	head := x.set.office.Departments[d.Department].Head
	switch {
	case d.Restricted:
		d.Notify = union(d.Notify, d.Readers)
	case head != "" && d.Queue != x.set.office.Desk.Name:
		d.Notify = union(d.Notify, []string{head})
	default:
		desk := x.withRole(registry.RoleDesk)
		if here := x.here(desk); len(here) > 0 {
			desk = here
		}
		d.Notify = union(d.Notify, desk)
	}
}

// ladder lists who answers for a department: its head and the head's deputies,
// the secretary, the mayor's deputy, the mayor, the front desk.
func (x *deciding) ladder(department string) []string {
	o := x.set.office
	head := o.Departments[department].Head
	var out []string
	if head != "" {
		out = append(out, head)
		if !x.excluded(head) {
			out = append(out, o.Clerks[head].Deputies...)
		}
	}
	for _, role := range []registry.OfficeRole{registry.RoleSecretary, registry.RoleDeputyM, registry.RoleMayor, registry.RoleDesk} {
		out = append(out, x.withRole(role)...)
	}
	return out
}

func (x *deciding) withRole(role registry.OfficeRole) []string {
	var out []string
	for _, login := range keys(x.set.office.Clerks) {
		if x.set.office.Clerks[login].Has(role) {
			out = append(out, login)
		}
	}
	return out
}

// confine keeps what comes into a restricted register among those who may read
// it, whatever rules say or leave out.
func (x *deciding) confine() {
	reg := x.set.office.Registers[x.v.item.Register]
	if !reg.Restricted {
		return
	}
	d := &x.d
	d.Restricted, d.Readers = true, union(d.Readers, reg.Readers)
	x.toldAbove = false // whoever is above is no reader
	outside := func(login string) bool { return !slices.Contains(reg.Readers, login) }
	d.Notify = slices.DeleteFunc(d.Notify, outside)
	d.Candidates = slices.DeleteFunc(slices.Clone(d.Candidates), outside)
	if len(d.Candidates) > 0 {
		return
	}
	d.Candidates, d.Balance, d.For = x.here(reg.Readers), "", nil
	if len(d.Candidates) == 0 { // none is there: it waits for them, nobody else
		d.Candidates = slices.DeleteFunc(slices.Clone(reg.Readers), x.excluded)
	}
	if len(d.Candidates) > 0 {
		d.Department, d.Queue = x.departmentOf(d.Candidates[0], ""), ""
		d.Flags = slices.DeleteFunc(d.Flags, func(f registry.Flag) bool { return f == registry.FlagNeedsRouting })
		x.because("because.confined", "register", reg.ID)
	}
}

// people turns targets into logins.
func (x *deciding) people(targets []target) []string {
	var out []string
	for _, t := range targets {
		out = union(out, x.persons(t))
	}
	return out
}

func (x *deciding) persons(t target) []string {
	o := x.set.office
	switch t.kind {
	case toClerk:
		return []string{t.name}
	case toDepartment:
		d := o.Departments[t.name]
		if len(d.Clerks) == 0 {
			return []string{d.Head}
		}
		return d.Clerks
	case toHead:
		return []string{o.Departments[t.name].Head}
	case toOwnHead:
		if h := o.Departments[x.d.Department].Head; h != "" {
			return []string{h}
		}
		return nil
	case toRole:
		return x.withRole(registry.OfficeRole(t.name))
	case toReaders:
		return o.Registers[x.v.item.Register].Readers
	case toNamed:
		return x.namedInSubject()
	default:
		if _, login := x.resolve(t); login != "" {
			return []string{login}
		}
		return nil
	}
}

// namedInSubject lists the clerks whose titles stand in the subject.
func (x *deciding) namedInSubject() []string {
	x.v.look(fSubject)
	zone := int(x.set.zoneOf[fSubject])
	var out []string
	for _, t := range x.set.titles {
		if _, ok := x.v.reading.has(zone, t.phrase); ok {
			out = union(out, []string{t.login})
		}
	}
	return out
}
