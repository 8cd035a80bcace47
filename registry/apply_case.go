package registry

import (
	"cmp"
	"time"
)

// groupOf reads the base number of a sub-group from an act.
func (a *Act) groupOf() (int64, error) {
	text := a.Fields["group"]
	if text == "" {
		return 0, nil
	}
	n, err := digits(text, 1, 6)
	if err != nil || n < 1 {
		return 0, refuse("%.20q is no base number of a sub-group", text)
	}
	return n, nil
}

// decideOpenCase gives the folder its case number. Opening it again gives the
// same case.
func decideOpenCase(f *fold, l *Line, folder Folder) error {
	act, o := l.Draft.Act, &l.Outcome
	class, department := cmp.Or(act.Class, folder.Class), cmp.Or(act.Department, folder.Department)
	group, err := act.groupOf()
	switch {
	case err != nil:
		return err
	case folder.State == FolderOpen && class == folder.Class && department == folder.Department:
		return &standing{folder.LastLeaf}
	case folder.State == FolderOpen:
		return refuse("%s is the case %s; move the case", folder.ID, folder.Case)
	case folder.State == FolderClosed:
		return folderNot(act, folder)
	case class == "" || department == "":
		return refuse("%s cannot become a case without class and department", folder.ID)
	case !formsCase(department, class):
		return refuse("%.40q and %.40q do not make a case number", department, class)
	}
	if group != 0 {
		base := CaseNumber{CaseSeries{Department: department, Class: class, Year: l.Draft.On.Year}, group}.String()
		if f.cases.get(base) == "" {
			return refuse("%s has no sub-group: there is no such case", base)
		}
	}
	act.Class, act.Department = class, department
	o.Case = f.nextCase(CaseSeries{Department: department, Class: class, Group: group, Year: l.Draft.On.Year})
	o.CaseState = FolderOpen
	return nil
}

func enterOpenCase(f *fold, l Line, folder *Folder) {
	act := l.Draft.Act
	group, _ := act.groupOf() // decided, so it parses
	f.openCase(folder, CaseSeries{Department: act.Department, Class: act.Class, Group: group, Year: l.Draft.On.Year}, l)
	f.classOf(l, *folder)
}

// classOf gives the entries of a folder the class it has now.
func (f *fold) classOf(l Line, folder Folder) {
	for _, before := range f.entriesIn(folder.ID) {
		if before.Class != folder.Class && before.Status != StatusAnnulled {
			w := before
			w.Class = folder.Class
			f.putEntry(l, before, w)
		}
	}
}

// decideJoinCase: two folders become one. A case absorbs what is none; of two
// alike the older one stays.
func decideJoinCase(f *fold, l *Line, folder Folder) error {
	act, o := l.Draft.Act, &l.Outcome
	target := f.folderNamed(act.To)
	switch {
	case !target.Found:
		return refuse("no folder or case %.60q to join", act.To)
	case target.ID == folder.ID:
		return &standing{folder.LastLeaf}
	case folder.State == FolderClosed:
		return folderNot(act, folder)
	case target.State == FolderClosed:
		return folderNot(act, target)
	case folder.Restricted != target.Restricted:
		return refuse("%s and %s: a restricted folder joins only its like", folder.ID, target.ID)
	}
	act.To = target.ID
	stays := target
	if older(folder, target) {
		stays = folder
	}
	o.Folder, o.Case, o.CaseState = stays.ID, stays.Case, stays.State
	return nil
}

// older reports whether a, rather than b, stays when the two are joined.
func older(a, b Folder) bool {
	if (a.Case != "") != (b.Case != "") {
		return a.Case != ""
	}
	if a.Case != "" && !a.CaseAt.Equal(b.CaseAt) {
		return a.CaseAt.Before(b.CaseAt)
	}
	return a.OpenedAt.Before(b.OpenedAt)
}

func enterJoinCase(f *fold, l Line, folder *Folder) {
	other := f.folders.get(l.Draft.Act.To)
	stays, goes := &other, folder
	if l.Outcome.Folder == folder.ID {
		stays, goes = folder, &other
	}
	for _, before := range f.entriesIn(goes.ID) {
		w := before
		w.Folder, w.OwnFolder = stays.ID, stays.ID == w.Number.Folder()
		f.putEntry(l, before, w)
	}
	stays.Entries += goes.Entries
	goes.Entries = 0
	goes.State, goes.ClosedAt, goes.JoinedInto = FolderClosed, l.Outcome.At, stays.ID
	f.putFolder(l, other)
}

// decideMoveCase: another class or department is another case number; the two
// refer to each other (Instruction § 5).
func decideMoveCase(f *fold, l *Line, folder Folder) error {
	act, o := l.Draft.Act, &l.Outcome
	class, department := cmp.Or(act.Class, folder.Class), cmp.Or(act.Department, folder.Department)
	switch {
	case class == folder.Class && department == folder.Department:
		return refuse("%s is of that class and department already", folder.Case)
	case !formsCase(department, class):
		return refuse("%.40q and %.40q do not make a case number", department, class)
	}
	act.Class, act.Department = class, department
	o.Case = f.nextCase(CaseSeries{Department: department, Class: class, Year: l.Draft.On.Year})
	return nil
}

func enterMoveCase(f *fold, l Line, folder *Folder) {
	act := l.Draft.Act
	left := *folder
	left.ID, left.State, left.Entries, left.Leaf = movedPrefix+folder.Case, FolderClosed, 0, l.Outcome.Leaf
	left.MovedTo, left.ClosedAt = l.Outcome.Case, l.Outcome.At
	f.putFolder(l, left)
	f.cases.set(left.Case, left.ID)

	folder.MovedFrom = left.Case
	f.openCase(folder, CaseSeries{Department: act.Department, Class: act.Class, Year: l.Draft.On.Year}, l)
	f.classOf(l, *folder)
}

func decideCloseCase(_ *fold, l *Line, _ Folder) error {
	l.Outcome.CaseState = FolderClosed
	return nil
}

// enterCloseCase closes a folder and what is still open in it.
func enterCloseCase(f *fold, l Line, folder *Folder) {
	folder.State, folder.ClosedAt = FolderClosed, l.Outcome.At
	for _, before := range f.entriesIn(folder.ID) {
		if before.Status.Open() {
			w := before
			w.Status = StatusClosed
			f.putEntry(l, before, w)
		}
	}
}

func decideReopenCase(_ *fold, l *Line, folder Folder) error {
	switch {
	case folder.JoinedInto != "":
		return refuse("%s was joined into %s; split the entry out of it", folder.ID, folder.JoinedInto)
	case folder.MovedTo != "":
		return refuse("%s is %s now", folder.Case, folder.MovedTo)
	}
	l.Outcome.CaseState = reopened(folder)
	return nil
}

func enterReopenCase(_ *fold, l Line, folder *Folder) {
	folder.State = l.Outcome.CaseState
	folder.ClosedAt = time.Time{}
}

func reopened(folder Folder) string {
	if folder.Case != "" {
		return FolderOpen
	}
	return FolderWorking
}

// decideSplit: an entry leaves the folder it was joined to.
func decideSplit(f *fold, l *Line, w Work) error {
	if w.OwnFolder {
		return refuse("%s lies in the folder it opened; split the others out of it", w.Number)
	}
	own := f.folders.get(w.Number.Folder())
	o := &l.Outcome
	o.Folder, o.Case, o.CaseState = w.Number.Folder(), own.Case, reopened(own)
	return nil
}

func enterSplit(f *fold, l Line, w *Work) {
	left := f.folders.get(w.Folder)
	left.Entries--
	f.putFolder(l, left)
	own := f.folders.get(w.Number.Folder())
	if !own.Found {
		own = newFolder(l, w)
		own.Entries = 0
	}
	own.State, own.JoinedInto, own.ClosedAt = l.Outcome.CaseState, "", time.Time{}
	own.Entries++
	f.putFolder(l, own)
	w.Folder, w.OwnFolder = own.ID, true
}
