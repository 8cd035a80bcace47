package registry

import (
	"cmp"
	"slices"
	"strings"
)

// An entryLaw is the law of acts on an entry.
type entryLaw struct {
	from   []Status // the states in which it may be done; none: in any
	reason bool     // it needs one
	// observed acts were noted by the daemon, or change nothing: they are no
	// reason for a conflict with what a person does at the same time.
	observed bool
	decide   func(f *fold, l *Line, w Work) error
	enter    func(f *fold, l Line, w *Work)
}

func onEntry(law entryLaw) actLaw {
	return actLaw{
		decide: func(f *fold, l *Line) error {
			w, err := f.entryOf(l)
			if err != nil {
				return err
			}
			act := l.Draft.Act
			if l.Draft.After != nil && *l.Draft.After != w.LastLeaf {
				return conflict(act.Subject, *l.Draft.After, w.LastLeaf)
			}
			if len(law.from) > 0 && !slices.Contains(law.from, w.Status) {
				return act.notFrom(w.Status)
			}
			if law.reason && strings.TrimSpace(l.Draft.Reason) == "" {
				return refuse("%s on %s needs a reason", act.Kind, act.Subject)
			}
			f.describe(&l.Outcome, w)
			if law.decide == nil {
				return nil
			}
			return law.decide(f, l, w)
		},
		enter: func(f *fold, l Line) (string, int64) {
			n, _ := ParseNumber(l.Draft.Act.Subject) // decided, so it parses
			before := f.entries.get(n)
			w := before
			if law.enter != nil {
				law.enter(f, l, &w)
			}
			if law.observed {
				w.Version++
				f.entries.set(n, w)
			} else {
				f.putEntry(l, before, w)
			}
			told := slices.Clone(l.Draft.Act.Tell)
			if w.Clerk != before.Clerk {
				told = append([]string{w.Clerk}, told...)
			}
			f.notice(l, n, w.Item, without(told, w.HideFrom)...)
			return n.String(), before.LastLeaf
		},
	}
}

// entryOf finds the entry an act is about and writes its number in one form.
func (f *fold) entryOf(l *Line) (Work, error) {
	act := l.Draft.Act
	n, err := ParseNumber(act.Subject)
	if err != nil {
		return Work{}, refuse("%s", err)
	}
	w := f.entries.get(n)
	if !w.Found {
		return Work{}, refuse("no entry %s", n)
	}
	act.Subject = n.String()
	return w, nil
}

// putEntry writes down an entry that a line has changed.
func (f *fold) putEntry(l Line, before, after Work) {
	after.LastLeaf = l.Outcome.Leaf
	after.Version++
	f.weigh(before, after, l.Outcome.Leaf)
	f.entries.set(after.Number, after)
}

// notFrom refuses an act that the entry's state does not allow.
func (a *Act) notFrom(s Status) error {
	switch s {
	case StatusAnnulled:
		return forbid("%s is annulled; %s changes nothing any more", a.Subject, a.Kind)
	case StatusClosed:
		return forbid("%s is closed; accept it again before %s", a.Subject, a.Kind)
	default:
		return refuse("%s is %s and cannot be %s", a.Subject, s, a.Kind)
	}
}

// hidden reports whether the entry is about somebody, who then never gets it.
func (w Work) hidden(login string) bool { return login != "" && slices.Contains(w.HideFrom, login) }

func (w Work) about(login string) error {
	return refuse("%s is about %s and stays hidden from them", w.Number, login)
}

// rest is the state of an entry that nobody has accepted.
func (w Work) rest() Status {
	switch {
	case slices.Contains(w.Flags, FlagToComplete):
		return StatusToComplete
	case w.Clerk != "":
		return StatusAssigned
	default:
		return StatusRegistered
	}
}

// decideAccept: the clerk takes the entry. Whoever stands behind the actor is
// the clerk. With it the folder becomes a case, if its class says so.
func decideAccept(f *fold, l *Line, w Work) error {
	o := &l.Outcome
	o.Clerk = cmp.Or(l.Draft.OnBehalfOf, l.Draft.Actor)
	switch {
	case w.hidden(o.Clerk):
		return w.about(o.Clerk)
	case w.Status == StatusAccepted && w.Clerk == o.Clerk:
		return &standing{w.LastLeaf}
	case w.Status == StatusAccepted:
		return refuse("%s is with %s, who has accepted it", w.Number, w.Clerk)
	case w.Status == StatusClosed && strings.TrimSpace(l.Draft.Reason) == "":
		return refuse("%s is closed; to take it up again needs a reason", w.Number)
	}
	if o.Clerk != w.Clerk {
		o.OnBehalfOf = ""
	}
	folder := f.folders.get(w.Folder)
	if folder.State != FolderWorking || w.CasePolicy != CaseOnAccept && w.CasePolicy != CaseAtOnce {
		return nil
	}
	class, department := cmp.Or(folder.Class, w.Class), cmp.Or(folder.Department, w.Department)
	if !formsCase(department, class) {
		return nil
	}
	o.Case = f.nextCase(CaseSeries{Department: department, Class: class, Year: l.Draft.On.Year})
	o.CaseState = FolderOpen
	return nil
}

func enterAccept(f *fold, l Line, w *Work) {
	o := l.Outcome
	w.Clerk, w.OnBehalfOf, w.Status = clean(o.Clerk), clean(o.OnBehalfOf), StatusAccepted
	folder := f.folders.get(w.Folder)
	folder.Clerk = w.Clerk
	if o.Case != "" && folder.Case == "" {
		f.openCase(&folder, CaseSeries{
			Department: cmp.Or(folder.Department, w.Department), Class: cmp.Or(folder.Class, w.Class), Year: l.Draft.On.Year,
		}, l)
	}
	f.putFolder(l, folder)
}

// returnsToDesk is how often an entry goes back to the desk before it goes to
// whom Act.To names, the secretary.
const returnsToDesk = 1

func decideReturn(_ *fold, l *Line, w Work) error {
	act, o := l.Draft.Act, &l.Outcome
	o.Clerk, o.OnBehalfOf = "", ""
	if w.Returns >= returnsToDesk && !w.hidden(act.To) {
		o.Clerk = act.To
	}
	return nil
}

func enterReturn(_ *fold, l Line, w *Work) {
	w.Clerk, w.OnBehalfOf = clean(l.Outcome.Clerk), ""
	w.Department = clean(cmp.Or(l.Draft.Act.Department, w.Department))
	w.Returns++
	w.Status = w.rest()
}

func decideForward(_ *fold, l *Line, w Work) error {
	act, o := l.Draft.Act, &l.Outcome
	if act.Outside {
		if act.To == "" {
			return refuse("%s is forwarded to which body?", w.Number)
		}
		return nil
	}
	if act.Clerk == "" && act.Department == "" {
		act.Clerk = act.To
	}
	switch {
	case act.Clerk == "" && act.Department == "":
		return refuse("%s is forwarded to whom?", w.Number)
	case w.hidden(act.Clerk):
		return w.about(act.Clerk)
	case act.Clerk == w.Clerk && (act.Department == "" || act.Department == w.Department):
		return refuse("%s is there already", w.Number)
	}
	o.Clerk, o.OnBehalfOf = act.Clerk, ""
	return nil
}

func enterForward(f *fold, l Line, w *Work) {
	act := l.Draft.Act
	if act.Outside {
		w.Status = StatusForwarded
		return
	}
	w.Clerk, w.OnBehalfOf = clean(l.Outcome.Clerk), ""
	w.Department = clean(cmp.Or(act.Department, w.Department))
	w.Status = w.rest()
	folder := f.folders.get(w.Folder)
	if w.OwnFolder && folder.State != FolderClosed {
		folder.Clerk = w.Clerk
		if folder.Case == "" {
			folder.Department = w.Department
		}
		f.putFolder(l, folder)
	}
}

func decideDue(_ *fold, l *Line, w Work) error {
	if d := l.Draft.Act.Deadline; d == nil || d.Raw.IsZero() && d.At.IsZero() {
		return refuse("%s is due when?", w.Number)
	}
	return nil
}

func enterDue(_ *fold, l Line, w *Work) { w.setDeadline(l.Draft.Act.Deadline) }

// decideClassify: a person says class, department or clerk. The class of a
// case is in its number and changes only with it.
func decideClassify(f *fold, l *Line, w Work) error {
	act, o := l.Draft.Act, &l.Outcome
	class, department := cmp.Or(act.Class, w.Class), cmp.Or(act.Department, w.Department)
	folder := f.folders.get(w.Folder)
	switch {
	case act.Class == "" && act.Department == "" && act.Clerk == "" && act.CasePolicy == "" && act.Deadline == nil:
		return refuse("%s is classified as what?", w.Number)
	case w.hidden(act.Clerk):
		return w.about(act.Clerk)
	case folder.Case != "" && w.OwnFolder && (class != folder.Class || department != folder.Department):
		return refuse("%s is the case %s; move the case", w.Number, folder.Case)
	}
	if act.Clerk != "" {
		o.Clerk, o.OnBehalfOf = act.Clerk, ""
	}
	o.Flags = dropFlags(w.Flags, FlagNeedsRouting)
	return nil
}

func enterClassify(f *fold, l Line, w *Work) {
	act := l.Draft.Act
	w.Class, w.Department = clean(cmp.Or(act.Class, w.Class)), clean(cmp.Or(act.Department, w.Department))
	w.CasePolicy = clean(cmp.Or(act.CasePolicy, w.CasePolicy))
	w.Flags = l.Outcome.Flags
	w.setDeadline(act.Deadline)
	if clerk := clean(l.Outcome.Clerk); clerk != w.Clerk {
		w.Clerk, w.OnBehalfOf = clerk, clean(l.Outcome.OnBehalfOf)
		w.Status = w.rest()
	}
	folder := f.folders.get(w.Folder)
	if !w.OwnFolder || folder.Case != "" || folder.State == FolderClosed {
		return
	}
	folder.Class, folder.Department, folder.Clerk = w.Class, w.Department, w.Clerk
	folder.State = FolderWorking
	if w.CasePolicy == CaseNone {
		folder.State = FolderNone
	}
	f.putFolder(l, folder)
}

// enterClose settles an entry, and its folder if it lies there alone and the
// folder never became a case.
func enterClose(f *fold, l Line, w *Work) {
	w.Status = StatusClosed
	folder := f.folders.get(w.Folder)
	if w.OwnFolder && folder.Entries == 1 && (folder.State == FolderWorking || folder.State == FolderNone) {
		folder.State, folder.ClosedAt = FolderClosed, l.Outcome.At
		f.putFolder(l, folder)
	}
}

// Why an entry may be annulled: the dictionary of the instruction.
const (
	AnnulDuplicate     = "duplicate"
	AnnulTest          = "test"
	AnnulAdvertisement = "advertisement"
	AnnulTechnical     = "technical"
	AnnulOther         = "other"
)

func decideAnnul(_ *fold, l *Line, w Work) error {
	act := l.Draft.Act
	switch act.Text {
	case "":
		act.Text = AnnulOther
	case AnnulDuplicate, AnnulTest, AnnulAdvertisement, AnnulTechnical, AnnulOther:
	default:
		return refuse("%.40q is no reason of the dictionary: duplicate, test, advertisement, technical, other", act.Text)
	}
	if act.To == "" {
		return nil
	}
	right, err := ParseNumber(act.To)
	if err != nil || right == w.Number {
		return refuse("%.60q is not the entry that counts instead of %s", act.To, w.Number)
	}
	act.To = right.String()
	l.Outcome.DuplicateOf = act.To
	return nil
}

// enterAnnul strikes an entry out. Its number stays; a folder without another
// entry is closed with it.
func enterAnnul(f *fold, l Line, w *Work) {
	w.Status = StatusAnnulled
	w.DuplicateOf = clean(l.Outcome.DuplicateOf)
	folder := f.folders.get(w.Folder)
	folder.Entries--
	if folder.Entries <= 0 && folder.State != FolderClosed {
		folder.State, folder.ClosedAt = FolderClosed, l.Outcome.At
	}
	f.putFolder(l, folder)
}

func decideAccess(_ *fold, l *Line, w Work) error {
	switch to := l.Draft.Act.To; {
	case to == "":
		return refuse("who may read %s?", w.Number)
	case w.hidden(to):
		return w.about(to)
	case slices.Contains(w.Readers, to):
		return &standing{w.LastLeaf}
	}
	return nil
}

func enterAccess(_ *fold, l Line, w *Work) {
	w.Readers = append(slices.Clip(w.Readers), clean(l.Draft.Act.To))
}

// The fields by which a finding changes flags: codes parted by commas.
const (
	FieldAddFlags  = "add_flags"
	FieldDropFlags = "drop_flags"
)

func decideFlags(_ *fold, l *Line, w Work) error {
	act := l.Draft.Act
	flags := dropFlags(w.Flags, splitFlags(act.Fields[FieldDropFlags])...)
	l.Outcome.Flags = AddFlags(flags, splitFlags(act.Fields[FieldAddFlags])...)
	return nil
}

func enterFlags(_ *fold, l Line, w *Work) { w.Flags = l.Outcome.Flags }

func splitFlags(s string) []Flag {
	var flags []Flag
	for _, code := range strings.Split(clean(s), ",") {
		if code = strings.TrimSpace(code); code != "" {
			flags = append(flags, Flag(code))
		}
	}
	return flags
}

// dropFlags gives the flags without some, in a slice of its own.
func dropFlags(flags []Flag, less ...Flag) []Flag {
	return cleanAll(slices.DeleteFunc(slices.Clone(flags), func(f Flag) bool { return slices.Contains(less, f) }))
}
