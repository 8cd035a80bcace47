package registry

import (
	"errors"
	"fmt"
	"maps"
	"slices"
)

// ErrForbidden means that the actor has not the right: an administrator sees
// state, not content, and nobody acts for another without being named.
var ErrForbidden = errors.New("you may not do that")

// A permission says who may do an act: whoever has the matter in hand or
// stands in for them, any clerk of its department, the department's head, and
// holders of some roles (reference domain § 4.2).
type permission struct {
	hands, member, head bool
	roles               []OfficeRole
}

var (
	leaders = []OfficeRole{RoleMayor, RoleDeputyM, RoleSecretary, RoleTreasurer}
	desk    = []OfficeRole{RoleDesk}
)

func and(lists ...[]OfficeRole) []OfficeRole { return slices.Concat(lists...) }

// permissions are those of the acts of people. What is not listed only the
// owner at the machine does, and the daemon.
var permissions = map[ActKind]permission{
	ActAccept:   {hands: true, member: true, head: true, roles: leaders},
	ActReturn:   {hands: true, member: true, head: true, roles: leaders},
	ActForward:  {hands: true, member: true, head: true, roles: and(leaders, desk)},
	ActNote:     {hands: true, member: true, head: true, roles: and(leaders, desk, []OfficeRole{RoleArchivist})},
	ActDue:      {hands: true, head: true, roles: leaders},
	ActCorrect:  {hands: true, head: true, roles: and(desk, []OfficeRole{RoleSecretary})},
	ActComplete: {hands: true, member: true, head: true, roles: and(desk, []OfficeRole{RoleSecretary})},
	ActClassify: {hands: true, head: true, roles: and(leaders, desk, []OfficeRole{RoleArchivist})},
	ActClose:    {hands: true, head: true, roles: leaders},
	ActAnnul:    {roles: []OfficeRole{RoleDesk, RoleArchivist, RoleSecretary}},
	ActAccess:   {head: true, roles: leaders},
	ActUnlock:   {hands: true, head: true, roles: []OfficeRole{RoleDesk, RoleSecretary, RoleAdmin}},
	ActApproval: {hands: true, head: true, roles: leaders},

	ActOpenCase:   {hands: true, member: true, head: true, roles: []OfficeRole{RoleArchivist}},
	ActJoinCase:   {hands: true, head: true, roles: []OfficeRole{RoleArchivist, RoleDesk}},
	ActMoveCase:   {hands: true, head: true, roles: []OfficeRole{RoleArchivist}},
	ActCloseCase:  {hands: true, head: true, roles: []OfficeRole{RoleArchivist}},
	ActReopenCase: {head: true, roles: []OfficeRole{RoleArchivist}},
	ActSplit:      {hands: true, head: true, roles: []OfficeRole{RoleArchivist, RoleDesk}},

	ActReject:   {roles: and(desk, []OfficeRole{RoleSecretary})},
	ActErased:   {roles: []OfficeRole{RoleArchivist, RoleSecretary}},
	ActAbsence:  {hands: true, head: true, roles: leaders},
	ActHandover: {head: true, roles: leaders},
}

// A matter is what a permission is asked for: an entry, a folder or a clerk's.
type matter struct {
	name       string
	clerk      string
	onBehalfOf string
	department string
	restricted bool
	readers    []string
	hideFrom   []string
	registered Day
}

func (w Work) matter() matter {
	return matter{
		name: w.Number.String(), clerk: w.Clerk, onBehalfOf: w.OnBehalfOf, department: w.Department,
		restricted: w.Restricted, readers: w.Readers, hideFrom: w.HideFrom,
	}
}

// may says whether somebody may do an act to a matter. A restricted matter
// does not exist for whoever is not on its list; what is about somebody does
// not exist for them.
func (o *Office) may(who Actor, kind ActKind, m matter, today Day) error {
	if who.Owner {
		return nil
	}
	login := who.Acting()
	k, known := o.Clerks[login]
	if !known {
		return fmt.Errorf("%w: there is no clerk %q in office.yaml", ErrForbidden, login)
	}
	p, ok := permissions[kind]
	if !ok {
		return fmt.Errorf("%w: %s is for the owner at the machine", ErrForbidden, kind)
	}
	hands := o.handles(k, m, today)
	if slices.Contains(m.hideFrom, login) || m.restricted && !hands && !slices.Contains(m.readers, login) {
		return fmt.Errorf("%w: %s", ErrNotFound, m.name)
	}
	d := o.Departments[m.department]
	switch {
	case p.hands && hands,
		p.member && slices.Contains(d.Clerks, login),
		p.head && d.Head != "" && d.Head == login,
		slices.ContainsFunc(p.roles, k.Has):
	default:
		return fmt.Errorf("%w: %s has no part in %s (%s)", ErrForbidden, login, m.name, kind)
	}
	// The desk strikes out its own slips of the day; later it is a matter of
	// the archive.
	if kind == ActAnnul && !k.Has(RoleArchivist) && !k.Has(RoleSecretary) && m.registered != today {
		return fmt.Errorf("%w: %s was registered on %s; the desk annuls on the same day only", ErrForbidden, m.name, m.registered)
	}
	return nil
}

// May says whether somebody may do an act to an entry on a day: what a screen
// asks before it offers the act. Act asks again.
func (o *Office) May(who Actor, kind ActKind, w Work, today Day) error {
	m := w.matter()
	m.registered = DayOf(w.RegisteredAt, o.Zone)
	return o.may(who, kind, m, today)
}

// MayFolder is May for a folder or case.
func (o *Office) MayFolder(who Actor, kind ActKind, f Folder, today Day) error {
	return o.may(who, kind, matter{name: f.ID, clerk: f.Clerk, department: f.Department}, today)
}

// ReadsContent reports whether a clerk may read letters at all: whoever is an
// administrator and nothing else sees the state of the house, not content.
func (c Clerk) ReadsContent() bool {
	return len(c.Roles) == 0 || slices.ContainsFunc(c.Roles, func(r OfficeRole) bool { return r != RoleAdmin })
}

// Viewer gives what a clerk may see: the restricted registers of which they are
// a reader, beside what is in their hands.
func (o *Office) Viewer(login string) *Viewer {
	v := &Viewer{Login: login}
	for _, id := range slices.Sorted(maps.Keys(o.Registers)) {
		if slices.Contains(o.Registers[id].Readers, login) {
			v.Registers = append(v.Registers, id)
		}
	}
	return v
}

// SeesRegister reports whether a viewer may know of what came to a register and
// has no number: quarantined, or filed beside it. nil sees everything.
func (o *Office) SeesRegister(v *Viewer, register string) bool {
	return v == nil || !o.Registers[register].Restricted || slices.Contains(v.Registers, register)
}

// StandsInFor gives the clerks for whom somebody is a deputy on a day, sorted:
// as long as those are absent, and by standing arrangement on any day.
func (o *Office) StandsInFor(login string, today Day) []string {
	var out []string
	for principal, c := range o.Clerks {
		if principal != login && slices.Contains(c.deputiesOn(today), login) {
			out = append(out, principal)
		}
	}
	slices.Sort(out)
	return out
}

// AbsentOn reports whether the clerk is away on a day.
func (c Clerk) AbsentOn(today Day) bool {
	return slices.ContainsFunc(c.Absences, func(a Absence) bool { return !today.Before(a.From) && !a.To.Before(today) })
}

// handles reports whether the matter is in a clerk's hands, or in those of
// somebody the clerk stands in for.
func (o *Office) handles(k Clerk, m matter, today Day) bool {
	for _, holder := range []string{m.clerk, m.onBehalfOf} {
		if holder == "" {
			continue
		}
		if holder == k.Login || slices.Contains(o.Clerks[holder].deputiesOn(today), k.Login) {
			return true
		}
	}
	return false
}

// deputiesOn gives who stands in for the clerk on a day: the standing deputies
// on any day, since people also fall ill without a word.
func (c Clerk) deputiesOn(today Day) []string {
	deputies := slices.Clone(c.Deputies)
	for _, a := range c.Absences {
		if !today.Before(a.From) && !a.To.Before(today) {
			deputies = append(deputies, a.Deputies...)
		}
	}
	return deputies
}

// holders gives the logins that hold a role, sorted.
func (o *Office) holders(role OfficeRole) []string {
	var logins []string
	for login, k := range o.Clerks {
		if k.Has(role) {
			logins = append(logins, login)
		}
	}
	slices.Sort(logins)
	return logins
}

// DepartmentOf gives the department a clerk works in, of several the first by
// name; "" if there is none.
func (o *Office) DepartmentOf(login string) string {
	best := ""
	for id, d := range o.Departments {
		if (d.Head == login || slices.Contains(d.Clerks, login)) && (best == "" || id < best) {
			best = id
		}
	}
	return best
}

// workplace is the department in which a clerk takes a matter of home.
func (o *Office) workplace(login, home string) string {
	if d := o.Departments[home]; d.Head == login || slices.Contains(d.Clerks, login) {
		return home
	}
	return o.DepartmentOf(login)
}
