package registry

import (
	"slices"
	"strings"
)

// An actLaw says how one kind of act is decided and entered. Entering gives
// the leaf's subject and the leaf that last changed it.
type actLaw struct {
	decide func(f *fold, l *Line) error
	enter  func(f *fold, l Line) (subject string, previous int64)
	item   bool // the subject is an item
}

// actLaws is the whole law of acts; what is not in it cannot be done.
var actLaws = map[ActKind]actLaw{
	ActAccept:   onEntry(entryLaw{from: []Status{StatusRegistered, StatusAssigned, StatusAccepted, StatusToComplete, StatusClosed}, decide: decideAccept, enter: enterAccept}),
	ActReturn:   onEntry(entryLaw{from: stillOpen, reason: true, decide: decideReturn, enter: enterReturn}),
	ActForward:  onEntry(entryLaw{from: stillOpen, decide: decideForward, enter: enterForward}),
	ActDue:      onEntry(entryLaw{from: stillOpen, reason: true, decide: decideDue, enter: enterDue}),
	ActCorrect:  onEntry(entryLaw{from: []Status{StatusRegistered, StatusAssigned, StatusAccepted, StatusToComplete, StatusForwarded}, reason: true, decide: decideCorrect, enter: enterCorrect}),
	ActComplete: onEntry(entryLaw{from: stillOpen, decide: decideComplete, enter: enterComplete}),
	ActClassify: onEntry(entryLaw{from: stillOpen, decide: decideClassify, enter: enterClassify}),
	ActClose:    onEntry(entryLaw{from: []Status{StatusRegistered, StatusAssigned, StatusAccepted, StatusToComplete, StatusForwarded}, enter: enterClose}),
	ActAnnul:    onEntry(entryLaw{from: notAnnulled, reason: true, decide: decideAnnul, enter: enterAnnul}),
	ActSplit:    onEntry(entryLaw{from: notAnnulled, decide: decideSplit, enter: enterSplit}),
	ActAccess:   onEntry(entryLaw{decide: decideAccess, enter: enterAccess}),
	ActUnlock:   onEntry(entryLaw{observed: true, reason: true}),
	ActFinding:  onEntry(entryLaw{observed: true, decide: decideFlags, enter: enterFlags}),
	ActProposal: onEntry(entryLaw{observed: true, decide: decideFlags, enter: enterFlags}),
	ActSent:     onEntry(entryLaw{observed: true, decide: decideFlags, enter: enterFlags}),
	ActApproval: onEntry(entryLaw{observed: true}),

	ActOpenCase:   onFolder(folderLaw{decide: decideOpenCase, enter: enterOpenCase}),
	ActJoinCase:   onFolder(folderLaw{decide: decideJoinCase, enter: enterJoinCase}),
	ActMoveCase:   onFolder(folderLaw{from: []string{FolderOpen}, reason: true, decide: decideMoveCase, enter: enterMoveCase}),
	ActCloseCase:  onFolder(folderLaw{from: []string{FolderOpen, FolderWorking, FolderNone}, decide: decideCloseCase, enter: enterCloseCase}),
	ActReopenCase: onFolder(folderLaw{from: []string{FolderClosed}, reason: true, decide: decideReopenCase, enter: enterReopenCase}),

	ActReject: onItem(itemLaw{decide: decideReject, enter: enterReject}),
	ActErased: onItem(itemLaw{decide: decideErased}),

	ActOpened: onSeries(seriesLaw{decide: decideOpened, enter: enterOpened}),
	ActClosed: onSeries(seriesLaw{decide: decideClosed, enter: enterClosed}),
	ActGap:    onSeries(seriesLaw{reason: true, decide: decideGap, enter: enterGap}),

	ActHandover: onAny(anyLaw{reason: true, decide: decideHandover, enter: enterHandover}),
	ActLost:     onAny(anyLaw{decide: decideLost}),
	ActLog:      onAny(anyLaw{reason: true, decide: decideLog, enter: enterLog}),
	ActNote:     onAny(anyLaw{decide: decideNote}),
	ActSealed:   onAny(anyLaw{}),
	ActRules:    onAny(anyLaw{}),
	ActKey:      onAny(anyLaw{}),
	ActAbsence:  onAny(anyLaw{}),
	ActGeneric:  onAny(anyLaw{}),
}

var (
	stillOpen   = []Status{StatusRegistered, StatusAssigned, StatusAccepted, StatusToComplete}
	notAnnulled = append(slices.Clone(stillOpen), StatusForwarded, StatusClosed)
)

// known reports whether the law knows the draft's act; arrivals it always does.
func (d Draft) known() bool {
	if d.Act == nil {
		return true
	}
	_, ok := actLaws[d.Act.Kind]
	return ok
}

func (f *fold) decideAct(l *Line) error {
	act := l.Draft.Act
	law, ok := actLaws[act.Kind]
	switch {
	case !ok:
		return refuse("act %.40q is not known", string(act.Kind))
	case act.Subject == "" || len(act.Subject) > 200 || clean(act.Subject) != act.Subject:
		return refuse("an act needs a subject of 1 to 200 characters")
	case len(act.To) > 1000 || len(act.Text) > 100_000 || len(act.Fields) > 50 || len(act.Tell) > 100:
		return refuse("act %s on %s says too much", act.Kind, act.Subject)
	}
	return law.decide(f, l)
}

func (f *fold) enterAct(l Line) (subject string, previous int64) {
	return actLaws[l.Draft.Act.Kind].enter(f, l)
}

// mayReplayAct refuses acts on what is not there.
func (f *fold) mayReplayAct(l Line) error {
	act := l.Draft.Act
	law, ok := actLaws[act.Kind]
	if !ok {
		return refuse("act %.40q is not known", string(act.Kind))
	}
	subjects := []string{act.Subject}
	if act.Kind == ActJoinCase {
		subjects = append(subjects, act.To)
	}
	for _, s := range subjects {
		n, err := ParseNumber(s)
		switch {
		case err == nil && !f.entries.get(n).Found:
			return refuse("no entry %s", n)
		case err != nil && isFolder(s) && !f.folders.get(s).Found:
			return refuse("no folder %s", s)
		case law.item:
			if id, err := ParseItemID(s); err != nil || !f.arrivals.get(id).Found {
				return refuse("no item %.60q", s)
			}
		}
	}
	return nil
}

// notice tells logins of an act, except whoever did it.
func (f *fold) notice(l Line, number Number, item ItemID, recipients ...string) {
	o := l.Outcome
	row := OutboxRow{
		Leaf: o.Leaf, Node: l.Draft.Node, Kind: OutboxNotice, Number: number, Item: item,
		Variant: string(l.Draft.Act.Kind), NotBefore: o.At, CreatedAt: o.At,
	}
	f.tell(row, without(recipients, []string{l.Draft.Actor, l.Draft.OnBehalfOf})...)
}

// An anyLaw is the law of acts on subjects that have no row, or need none.
type anyLaw struct {
	reason bool
	decide func(f *fold, l *Line) error
	enter  func(f *fold, l Line)
}

// onAny takes any subject. One that is an entry or a folder is only noted on
// it: what is recorded does not stand against what somebody does meanwhile.
func onAny(law anyLaw) actLaw {
	noted := onEntry(entryLaw{observed: true})
	filed := onFolder(folderLaw{observed: true})
	of := func(subject string) *actLaw {
		if isFolder(subject) {
			return &filed
		}
		if _, err := ParseNumber(subject); err == nil {
			return &noted
		}
		return nil
	}
	return actLaw{
		decide: func(f *fold, l *Line) error {
			act := l.Draft.Act
			if law.reason && l.Draft.Reason == "" {
				return refuse("%s on %s needs a reason", act.Kind, act.Subject)
			}
			if special := of(act.Subject); special != nil {
				if err := special.decide(f, l); err != nil {
					return err
				}
			} else if last := f.subjects.get(act.Subject); l.Draft.After != nil && *l.Draft.After != last {
				return conflict(act.Subject, *l.Draft.After, last)
			}
			if law.decide != nil {
				return law.decide(f, l)
			}
			return nil
		},
		enter: func(f *fold, l Line) (string, int64) {
			act := l.Draft.Act
			if law.enter != nil {
				law.enter(f, l)
			}
			if special := of(act.Subject); special != nil {
				return special.enter(f, l)
			}
			previous := f.subjects.get(act.Subject)
			f.subjects.set(act.Subject, l.Outcome.Leaf)
			f.notice(l, Number{}, ItemID{}, act.Tell...)
			return act.Subject, previous
		},
	}
}

func isFolder(s string) bool { return strings.HasPrefix(s, "K-") || strings.HasPrefix(s, movedPrefix) }

func decideNote(_ *fold, l *Line) error {
	if strings.TrimSpace(l.Draft.Act.Text) == "" {
		return refuse("a note needs a text")
	}
	return nil
}

func decideHandover(f *fold, l *Line) error {
	act := l.Draft.Act
	if act.To == "" || act.To == act.Subject {
		return refuse("%s hands over to somebody else, not to %q", act.Subject, act.To)
	}
	for _, w := range f.openEntries(act.Subject) {
		if !w.hidden(act.To) {
			l.Outcome.Moved++
		}
	}
	return nil
}

// enterHandover gives all open entries of a clerk to another, but for those
// that are about the other.
func enterHandover(f *fold, l Line) {
	act := l.Draft.Act
	for _, before := range f.openEntries(act.Subject) {
		w := before
		if w.hidden(act.To) {
			continue // stays where it is, for whoever is told of it
		}
		w.Clerk, w.OnBehalfOf = clean(act.To), ""
		f.putEntry(l, before, w)
		if folder := f.folders.get(w.Folder); folder.Clerk == act.Subject {
			folder.Clerk = w.Clerk
			f.putFolder(l, folder)
		}
	}
	f.notice(l, Number{}, ItemID{}, act.To)
}

// openEntries gives what a clerk has in hand, in order of number.
func (f *fold) openEntries(clerk string) []Work {
	return f.entriesWhere(f.openOf.get(clerk), func(w Work) bool { return w.inHand() && w.Clerk == clerk })
}

// entriesWhere gives the entries among those listed, and those that changed
// during this fold, for which a condition holds now.
func (f *fold) entriesWhere(listed []Number, holds func(Work) bool) []Work {
	numbers := slices.Clone(listed)
	for n := range f.entries.changed {
		numbers = append(numbers, n)
	}
	slices.SortFunc(numbers, compareNumbers)
	var out []Work
	for _, n := range slices.Compact(numbers) {
		if w := f.entries.get(n); holds(w) {
			out = append(out, w)
		}
	}
	return out
}
