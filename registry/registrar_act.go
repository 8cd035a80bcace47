package registry

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Act does something to a subject of the book on behalf of a person: the one
// way for counter, command line, replies and programs alike. It checks whether
// the person may, fills in what the office knows (the desk's queue, the class's
// deadline), and submits the act. after, if set, is the last leaf of the
// subject the person has seen.
//
// ErrForbidden and ErrNotFound say that the person may not; what the law of the
// book says is in the outcome.
func (r *Registrar) Act(ctx context.Context, who Actor, act Act, after *int64, reason string) (Outcome, error) {
	return r.ActOnce(ctx, "act/"+NewItemID(r.o.Now()).String(), who, act, after, reason)
}

// ActOnce is Act under a key of the caller's: the key again changes nothing and
// gives the first outcome. A letter that is an act makes its own.
func (r *Registrar) ActOnce(ctx context.Context, key string, who Actor, act Act, after *int64, reason string) (Outcome, error) {
	office := r.o.Office()
	now := r.o.Now()
	m, w, err := r.matterOf(ctx, act, office)
	if err != nil {
		return Outcome{}, err
	}
	if err := office.may(who, act.Kind, m, DayOf(now, office.Zone)); err != nil {
		return Outcome{}, err
	}
	if _, known := office.Clerks[who.Acting()]; !known && act.Kind == ActAccept {
		return Outcome{}, fmt.Errorf("%w: say for which clerk, with --by", ErrRefused)
	}
	act.Fields = maps.Clone(act.Fields)
	if err := office.prepare(&act, w); err != nil {
		return Outcome{}, err
	}
	out, err := r.Submit(ctx, Draft{
		Key: key, Actor: who.Login, OnBehalfOf: who.OnBehalfOf, Reason: reason, After: after, Act: &act,
	})
	if act.Kind == ActHandover && err == nil && out.Err() == nil {
		err = r.succeed(ctx, act.Subject, act.To, DayOf(now, office.Zone))
	}
	return out, err
}

// May says whether somebody may do an act, as Act would. It is for what is
// ordered by one person and done when another confirms it.
func (r *Registrar) May(ctx context.Context, who Actor, act Act) error {
	office := r.o.Office()
	m, _, err := r.matterOf(ctx, act, office)
	if err != nil {
		return err
	}
	return office.may(who, act.Kind, m, DayOf(r.o.Now(), office.Zone))
}

// matterOf finds what an act is about; w is the entry, if it is one.
func (r *Registrar) matterOf(ctx context.Context, act Act, office *Office) (m matter, w Work, err error) {
	subject := act.Subject
	if n, err := ParseNumber(subject); err == nil {
		w, err = r.entry(ctx, n)
		m = w.matter()
		m.registered = DayOf(w.RegisteredAt, office.Zone)
		return m, w, err
	}
	switch act.Kind {
	case ActOpenCase, ActJoinCase, ActMoveCase, ActCloseCase, ActReopenCase, ActNote:
		m, err = r.folderMatter(ctx, subject)
		return m, w, err
	case ActErased:
		m, err = r.itemMatter(ctx, subject)
		return m, w, err
	case ActHandover, ActAbsence:
		return matter{name: subject, clerk: subject, department: office.DepartmentOf(subject)}, w, nil
	default:
		return matter{name: subject}, w, nil
	}
}

func (r *Registrar) entry(ctx context.Context, n Number) (Work, error) {
	page, err := r.store.Find(ctx, Query{Of: FindEntry, Number: n, Limit: 1})
	if err != nil {
		return Work{}, fmt.Errorf("looking for %s: %w", n, err)
	}
	if len(page.Works) == 0 {
		return Work{}, fmt.Errorf("%w: %s", ErrNotFound, n)
	}
	return page.Works[0], nil
}

// itemMatter finds the entry that an item came with; one outside the book is
// a matter of nobody's.
func (r *Registrar) itemMatter(ctx context.Context, subject string) (matter, error) {
	id, err := ParseItemID(subject)
	if err != nil {
		return matter{}, fmt.Errorf("%w: %w", ErrNotFound, err)
	}
	page, err := r.store.Find(ctx, Query{Of: FindEntry, Item: id, Limit: 1})
	if err != nil {
		return matter{}, fmt.Errorf("looking for item %s: %w", id, err)
	}
	if len(page.Works) == 0 {
		return matter{name: subject}, nil
	}
	return page.Works[0].matter(), nil
}

// folderMatter finds a folder by its name or its case number. Whether it may
// be seen is asked of an entry in it.
func (r *Registrar) folderMatter(ctx context.Context, subject string) (matter, error) {
	q := Query{Of: FindFolders, Case: subject, Limit: 1}
	if isFolder(subject) {
		q.Case, q.Folder = "", subject
	}
	page, err := r.store.Find(ctx, q)
	if err != nil {
		return matter{}, fmt.Errorf("looking for %s: %w", subject, err)
	}
	if len(page.Folders) == 0 {
		return matter{}, fmt.Errorf("%w: %s", ErrNotFound, subject)
	}
	folder := page.Folders[0]
	m := matter{name: subject, clerk: folder.Clerk, department: folder.Department, restricted: folder.Restricted}
	if !folder.Restricted {
		return m, nil
	}
	inside, err := r.store.Find(ctx, Query{Of: FindCaseEntries, Folder: folder.ID, Limit: 1})
	if err != nil {
		return matter{}, fmt.Errorf("looking into %s: %w", subject, err)
	}
	if len(inside.Works) > 0 {
		m.readers, m.hideFrom = inside.Works[0].Readers, inside.Works[0].HideFrom
	}
	return m, nil
}

// prepare fills in what the office knows about an act.
func (o *Office) prepare(act *Act, w Work) error {
	switch act.Kind {
	case ActReturn:
		act.Department = cmp.Or(act.Department, o.Desk.Department)
		if secretaries := o.holders(RoleSecretary); act.To == "" && len(secretaries) > 0 {
			act.To = secretaries[0]
		}
		act.Tell = slices.Concat(act.Tell, o.holders(RoleDesk))
	case ActForward:
		return o.prepareForward(act, w)
	case ActClassify:
		return o.prepareClassify(act, w)
	case ActOpenCase, ActMoveCase:
		return o.prepareCase(act)
	case ActCorrect, ActComplete:
		return o.prepareCorrect(act, w)
	case ActHandover:
		if _, ok := o.Clerks[act.To]; !ok {
			return fmt.Errorf("%w: there is no clerk %q to hand over to", ErrRefused, act.To)
		}
	case ActAccess:
		if _, ok := o.Clerks[act.To]; !ok {
			return fmt.Errorf("%w: there is no clerk %q", ErrRefused, act.To)
		}
	}
	return nil
}

// prepareForward finds out whether To is a clerk or a department.
func (o *Office) prepareForward(act *Act, w Work) error {
	if act.Outside {
		return nil
	}
	act.Clerk = cmp.Or(act.Clerk, act.To)
	if d, ok := o.Departments[act.To]; ok && act.Clerk == act.To {
		act.Clerk, act.Department = "", act.To
		act.Tell = slices.Concat(act.Tell, []string{d.Head})
		return nil
	}
	if _, ok := o.Clerks[act.Clerk]; !ok && act.Clerk != "" {
		return fmt.Errorf("%w: there is no clerk or department %q", ErrRefused, act.Clerk)
	}
	act.Department = cmp.Or(act.Department, o.workplace(act.Clerk, w.Department))
	return nil
}

func (o *Office) prepareClassify(act *Act, w Work) error {
	if act.Clerk != "" {
		if _, ok := o.Clerks[act.Clerk]; !ok {
			return fmt.Errorf("%w: there is no clerk %q", ErrRefused, act.Clerk)
		}
	}
	if act.Department != "" {
		if _, ok := o.Departments[act.Department]; !ok {
			return fmt.Errorf("%w: there is no department %q", ErrRefused, act.Department)
		}
	}
	if act.Class == "" {
		return nil
	}
	class, ok := o.Classes[act.Class]
	if !ok {
		return fmt.Errorf("%w: there is no class %q in the file plan", ErrRefused, act.Class)
	}
	act.CasePolicy = cmp.Or(act.CasePolicy, class.Case)
	act.Department = cmp.Or(act.Department, class.Department)
	if rule, ok := o.Deadlines[class.Deadline]; ok && act.Deadline == nil {
		act.Deadline = o.deadline(rule, w.ReceivedAt)
	}
	return nil
}

func (o *Office) prepareCase(act *Act) error {
	if act.Class == "" {
		return nil
	}
	class, ok := o.Classes[act.Class]
	if !ok {
		return fmt.Errorf("%w: there is no class %q in the file plan", ErrRefused, act.Class)
	}
	act.Department = cmp.Or(act.Department, class.Department)
	return nil
}

// prepareCorrect keeps the day of arrival in step with its instant, and the
// deadline with the day.
func (o *Office) prepareCorrect(act *Act, w Work) error {
	text, ok := act.Fields["received_at"]
	if !ok {
		return nil
	}
	at, err := o.instant(text)
	if err != nil {
		return err
	}
	act.Fields["received_at"] = at.UTC().Truncate(time.Microsecond).Format(time.RFC3339Nano)
	if act.Fields["received_on"] == "" {
		act.Fields["received_on"] = DayOf(at, o.Zone).String()
	}
	if rule, ok := o.Deadlines[w.Deadline.Code]; ok && rule.From == "received" && act.Deadline == nil {
		act.Deadline = o.deadline(rule, at)
	}
	return nil
}

// instant reads a time as people write it, in the office's zone unless it says
// otherwise.
func (o *Office) instant(text string) (time.Time, error) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02 15:04", time.DateOnly} {
		if t, err := time.ParseInLocation(layout, text, o.Zone); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%w: %.40q is no time like 2026-11-23 09:41", ErrRefused, text)
}

func (o *Office) deadline(rule DeadlineRule, from time.Time) *Deadline {
	d := o.Calendar.Deadline(rule, from, o.Zone)
	if d.Raw.IsZero() && d.At.IsZero() {
		return nil
	}
	return &d
}

// Release takes an item into the book that was quarantined or filed beside it,
// by the draft of its arrival as it is decided now. It keeps the time of its
// arrival, from which deadlines run, and gets a number of the year in which it
// is released.
func (r *Registrar) Release(ctx context.Context, who Actor, d Draft, reason string) (Outcome, error) {
	if d.Arrival == nil {
		return Outcome{}, fmt.Errorf("%w: a release is of an item", ErrRefused)
	}
	office := r.o.Office()
	id := d.Arrival.Item.ID.String()
	if err := office.may(who, ActReject, matter{name: "item " + id}, DayOf(r.o.Now(), office.Zone)); err != nil {
		return Outcome{}, err
	}
	if reason == "" {
		return Outcome{}, fmt.Errorf("%w: a release needs a reason", ErrRefused)
	}
	a := *d.Arrival
	a.Disposition, a.Reason, a.Late, a.Answers = Registered, "", true, ""
	d.Key, d.Arrival = "release/"+id, &a
	d.Actor, d.OnBehalfOf, d.Reason = who.Login, who.OnBehalfOf, reason
	return r.Submit(ctx, d)
}
