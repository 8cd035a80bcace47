package rules

import (
	"slices"

	"kancelaria/registry"
)

// deciding is one decision being made.
type deciding struct {
	set      *Set
	v        *view
	d        registry.Decision
	texts    *registry.Texts
	account  account
	deadline *registry.DeadlineRule
	ownClass bool     // the class comes from a rule, so its deadline begins
	about    []string // logins whom the letter is about
	writers  map[string]*rule
	// toldAbove: nobody of the department is there, and whoever is above was
	// told.
	toldAbove bool
}

// Decide proposes what becomes of a letter and says why. It is pure: the same
// item, document and facts give the same decision, byte for byte.
func (s *Set) Decide(it registry.Item, doc registry.Document, facts registry.Facts) registry.Decision {
	return s.decide(&it, &doc, &facts, true)
}

// DecideAdmitted is Decide for a letter that a person has let in, from
// quarantine or from beside: the list screen is not asked.
func (s *Set) DecideAdmitted(it registry.Item, doc registry.Document, facts registry.Facts) registry.Decision {
	return s.decide(&it, &doc, &facts, false)
}

func (s *Set) decide(it *registry.Item, doc *registry.Document, facts *registry.Facts, screen bool) registry.Decision {
	v := s.views.Get().(*view)
	defer func() {
		v.forget()
		s.views.Put(v)
	}()
	v.fill(it, doc, facts)
	x := deciding{set: s, v: v, texts: registry.Catalogue(s.office.Language), writers: map[string]*rule{}}
	x.d = registry.Decision{RulesDigest: s.digest, OfficeDigest: s.office.Digest, Rules: []string{}, Because: []string{}}
	x.account.begin(s, v.day, screen)
	x.flag(doc.Flags...)
	if it.File != nil && it.File.Incomplete {
		x.flag(registry.FlagIncomplete)
	}
	for i := range doc.Attachments {
		x.flag(doc.Attachments[i].Flags...)
	}
	if !screen || x.screen() {
		x.thread()
		x.run(classifyList)
		x.classified()
		x.assign()
		x.run(alsoList)
		x.confine()
		x.unassigned()
	}
	x.close()
	return x.d
}

// matches asks the rule and keeps the mark of the answer.
func (x *deciding) matches(r *rule) bool {
	ok, at := x.v.holds(&r.when)
	if ok {
		x.account.marks[r.index] = markTook
	} else {
		x.account.marks[r.index] = markLetters[at]
	}
	return ok
}

// rest asks the rules behind the first match of a list, for information only.
func (x *deciding) rest(rules []*rule) {
	for _, r := range rules {
		if x.matches(r) {
			x.account.marks[r.index] = markWould
		}
	}
}

// screen reports whether the letter is admitted.
func (x *deciding) screen() bool {
	rules := x.set.of(screenList)
	for i, r := range rules {
		if !x.matches(r) {
			continue
		}
		x.took(r)
		x.common(r)
		x.rest(rules[i+1:])
		if r.do.verdict == "admit" {
			return true
		}
		x.d.Screen, x.d.ScreenReason = r.do.verdict, r.do.reason
		return false
	}
	return true
}

// run is for the lists whose rules all run.
func (x *deciding) run(l list) {
	for _, r := range x.set.of(l) {
		if !x.matches(r) {
			continue
		}
		x.took(r)
		if l == classifyList {
			x.classify(r)
		}
		x.common(r)
	}
}

// first reports whether the rule is the first to write a single-valued field;
// a second writer with another value is told in the account.
func (x *deciding) first(r *rule, field, has, wants string) bool {
	by, taken := x.writers[field]
	if !taken {
		x.writers[field] = r
		return true
	}
	if has != wants {
		x.account.conflicts = append(x.account.conflicts, conflict{Field: field, Kept: has, By: by.id, Refused: wants, Wanted: r.id})
	}
	return false
}

func (x *deciding) classify(r *rule) {
	do, d := &r.do, &x.d
	if do.class != "" && x.first(r, "class", d.Class, do.class) {
		d.Class, x.ownClass = do.class, true
		x.v.values[fClass] = append(x.v.values[fClass][:0], do.class)
	}
	if do.policy != "" && x.first(r, "case", d.CasePolicy, do.policy) {
		d.CasePolicy = do.policy
	}
	if do.deadline != nil {
		has := ""
		if x.deadline != nil {
			has = deadlineName(x.deadline)
		}
		if x.first(r, "deadline", has, deadlineName(do.deadline)) {
			x.deadline = do.deadline
		}
	}
	for _, login := range x.people(do.about) {
		if !slices.Contains(x.about, login) {
			x.about = append(x.about, login)
			x.v.values[fSubjectPerson] = append(x.v.values[fSubjectPerson], login)
		}
	}
}

func deadlineName(d *registry.DeadlineRule) string { return orElse(d.Code, d.Basis) }

// common does what rules of all lists may do.
func (x *deciding) common(r *rule) {
	do, d := &r.do, &x.d
	x.flag(do.flags...)
	for _, l := range do.labels {
		if !slices.Contains(d.Labels, l) {
			d.Labels = append(d.Labels, l)
			x.v.values[fLabel] = append(x.v.values[fLabel], l)
		}
	}
	if do.priority != "" {
		d.Priority = do.priority
		x.v.values[fPriority] = append(x.v.values[fPriority][:0], do.priority)
	}
	d.Restricted = d.Restricted || do.restrict
	if do.receipt != "" && x.first(r, "receipt", d.Receipt, do.receipt) {
		d.Receipt = do.receipt
	}
	d.Readers = union(d.Readers, x.people(do.readers))
	d.HideFrom = union(d.HideFrom, x.people(do.hide))
	d.Notify = union(d.Notify, x.people(do.notify))
	d.Approval = union(d.Approval, x.people(do.approval))
}

func (x *deciding) flag(list ...registry.Flag) {
	for _, f := range list {
		if !slices.Contains(x.d.Flags, f) {
			x.d.Flags = append(x.d.Flags, f)
			if !slices.Contains(x.v.values[fFlag], string(f)) {
				x.v.values[fFlag] = append(x.v.values[fFlag], string(f))
			}
		}
	}
}

func union(list, more []string) []string {
	for _, s := range more {
		if !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	return list
}

// thread says what the letter answers or names. Joining a folder needs our own
// token or Message-ID and the very sender we wrote to; all else is a
// suggestion for a person (DESIGN § 4, case). No rule can change that.
func (x *deciding) thread() {
	d, facts := &x.d, x.v.facts
	forged := x.v.doc.Auth.Verdict == registry.Forged
	class := ""
	if t := facts.Thread; t != nil {
		x.flag(registry.FlagReplyToItem)
		switch {
		case t.Certain && t.Open && !forged:
			d.JoinFolder, class = t.Folder, t.Class
			x.because("because.thread", "entry", t.Entry)
		default:
			d.CaseSuggestion = orElse(t.Case, t.Folder)
		}
	}
	if c := bestCase(facts.Cases); c != nil {
		switch {
		case c.Exists && !c.Foreign:
			x.flag(registry.FlagCaseRef)
			if d.JoinFolder == "" {
				d.CaseSuggestion = c.Mark
				x.because("because.case", "case", c.Mark)
			}
			if class == "" && c.Open && !forged {
				class = c.Class
			}
		case c.Foreign:
			x.flag(registry.FlagForeignMark)
		}
	}
	if class == "" {
		return
	}
	if _, ok := x.set.office.Classes[class]; ok {
		d.Class = class
		x.v.values[fClass] = append(x.v.values[fClass][:0], class)
	}
}

// classified settles what follows from the class once all rules have run.
func (x *deciding) classified() {
	d := &x.d
	class, known := x.set.office.Classes[d.Class]
	if d.CasePolicy == "" && known {
		d.CasePolicy = class.Case
	}
	if d.CasePolicy == "" {
		d.CasePolicy = "on_accept"
	}
	if x.deadline == nil && x.ownClass && class.Deadline != "" {
		if rule, ok := x.set.office.Deadlines[class.Deadline]; ok {
			x.deadline = &rule
		}
	}
	d.HideFrom = union(d.HideFrom, x.about)
	if x.deadline != nil {
		x.setDeadline(*x.deadline)
	}
}

// close finishes the decision: whom it is about is told nothing.
func (x *deciding) close() {
	d := &x.d
	hidden := func(login string) bool { return slices.Contains(d.HideFrom, login) }
	d.Notify = slices.DeleteFunc(d.Notify, hidden)
	d.Approval = slices.DeleteFunc(d.Approval, hidden)
	d.Readers = slices.DeleteFunc(d.Readers, hidden)
	d.Explanation = x.account.encode(x)
}
