package registry

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// movedPrefix begins the id of what stays in the list of cases when a case
// gets another number: a closed folder without entries that refers to it.
const movedPrefix = "Z-"

// mostHops bounds how far the joining of folders is followed.
const mostHops = 16

// decideFolder finds the folder of a new entry, and the case if its class
// opens one at once.
func (f *fold) decideFolder(l *Line) {
	d, o := &l.Draft.Arrival.Decision, &l.Outcome
	if d.JoinFolder != "" {
		folder := f.surviving(d.JoinFolder)
		if folder.Found && folder.State != FolderClosed {
			o.Folder, o.Case, o.CaseState = folder.ID, folder.Case, folder.State
			return
		}
		d.CaseSuggestion = cmp.Or(d.CaseSuggestion, folder.Case, d.JoinFolder)
	}
	o.Folder, o.CaseState = o.Number.Folder(), FolderWorking
	switch {
	case d.CasePolicy == CaseNone:
		o.CaseState = FolderNone
	case d.CasePolicy == CaseAtOnce && formsCase(d.Department, d.Class) && !Doubtful(o.Flags):
		o.Case, o.CaseState = f.nextCase(CaseSeries{Department: d.Department, Class: d.Class, Year: l.Draft.On.Year}), FolderOpen
	}
}

// surviving follows a folder to the one it was joined into.
func (f *fold) surviving(id string) Folder {
	folder := f.folders.get(id)
	for range mostHops {
		if folder.JoinedInto == "" {
			break
		}
		folder = f.folders.get(folder.JoinedInto)
	}
	return folder
}

// enterFolder puts a new entry into its folder.
func (f *fold) enterFolder(l Line, w *Work) {
	o := l.Outcome
	if !w.OwnFolder {
		folder := f.folders.get(w.Folder)
		folder.Entries++
		f.putFolder(l, folder)
		return
	}
	folder := newFolder(l, w)
	folder.State = o.CaseState
	if o.Case != "" {
		f.openCase(&folder, CaseSeries{Department: w.Department, Class: w.Class, Year: l.Draft.On.Year}, l)
	}
	f.putFolder(l, folder)
}

func newFolder(l Line, w *Work) Folder {
	return Folder{
		ID: w.Number.Folder(), State: FolderWorking, Class: w.Class, Department: w.Department, Clerk: w.Clerk,
		Title: w.Title, Entries: 1, OpenedAt: l.Outcome.At, Leaf: l.Outcome.Leaf, Restricted: w.Restricted, Found: true,
	}
}

// nextCase gives the case number that the series gives next.
func (f *fold) nextCase(s CaseSeries) string {
	return CaseNumber{CaseSeries: s, Seq: f.counters.get(s) + 1}.String()
}

// openCase makes a folder the case whose number the outcome names.
func (f *fold) openCase(folder *Folder, s CaseSeries, l Line) {
	number := l.Outcome.Case
	folder.State, folder.Case, folder.CaseAt = FolderOpen, number, l.Outcome.At
	folder.Class, folder.Department = s.Class, s.Department
	f.cases.set(number, folder.ID)
	if seq, ok := s.seqOf(number); ok {
		f.counters.set(s, seq)
	}
}

// seqOf gives the running number of a case number of this series.
func (s CaseSeries) seqOf(number string) (int64, bool) {
	rest, ok := strings.CutPrefix(number, s.Department+"."+s.Class+".")
	if !ok {
		return 0, false
	}
	if s.Group != 0 {
		if rest, ok = strings.CutPrefix(rest, strconv.FormatInt(s.Group, 10)+"."); !ok {
			return 0, false
		}
	}
	seq, year, _ := strings.Cut(rest, ".")
	n, err := digits(seq, 1, 12)
	return n, err == nil && year == strconv.Itoa(s.Year)
}

// putFolder writes down a folder that a line has changed.
func (f *fold) putFolder(l Line, folder Folder) {
	folder.LastLeaf = l.Outcome.Leaf
	f.folders.set(folder.ID, folder)
}

// A folderLaw is the law of acts on a folder. The subject may be named by an
// entry in it or by its case number too.
type folderLaw struct {
	from     []string // the states in which it may be done; none: in any
	reason   bool
	observed bool
	decide   func(f *fold, l *Line, folder Folder) error
	enter    func(f *fold, l Line, folder *Folder)
}

func onFolder(law folderLaw) actLaw {
	return actLaw{
		decide: func(f *fold, l *Line) error {
			act := l.Draft.Act
			folder := f.folderNamed(act.Subject)
			switch {
			case !folder.Found:
				return refuse("no folder or case %.60q", act.Subject)
			case l.Draft.After != nil && *l.Draft.After != folder.LastLeaf:
				return conflict(folder.ID, *l.Draft.After, folder.LastLeaf)
			case len(law.from) > 0 && !slices.Contains(law.from, folder.State):
				return folderNot(act, folder)
			case law.reason && strings.TrimSpace(l.Draft.Reason) == "":
				return refuse("%s on %s needs a reason", act.Kind, folder.ID)
			}
			act.Subject = folder.ID
			l.Outcome.Folder, l.Outcome.Case, l.Outcome.CaseState = folder.ID, folder.Case, folder.State
			if law.decide == nil {
				return nil
			}
			return law.decide(f, l, folder)
		},
		enter: func(f *fold, l Line) (string, int64) {
			folder := f.folders.get(l.Draft.Act.Subject)
			previous := folder.LastLeaf
			if law.enter != nil {
				law.enter(f, l, &folder)
			}
			if !law.observed {
				f.putFolder(l, folder)
			}
			f.notice(l, Number{}, ItemID{}, l.Draft.Act.Tell...)
			return folder.ID, previous
		},
	}
}

// folderNot refuses what the folder's state does not allow.
func folderNot(a *Act, folder Folder) error {
	name := cmp.Or(folder.Case, folder.ID)
	if folder.State == FolderClosed {
		return forbid("%s is closed; reopen it before %s", name, a.Kind)
	}
	return refuse("%s is %s and cannot be %s", name, folder.State, a.Kind)
}

// folderNamed finds a folder by its id, by an entry in it or by its case.
func (f *fold) folderNamed(name string) Folder {
	if isFolder(name) {
		return f.folders.get(name)
	}
	if n, err := ParseNumber(name); err == nil {
		w := f.entries.get(n)
		if !w.Found {
			return Folder{}
		}
		return f.folders.get(w.Folder)
	}
	id := f.cases.get(name)
	if id == "" {
		return Folder{}
	}
	folder := f.folders.get(id)
	if folder.Case != name { // the case has another number since
		folder = f.folders.get(movedPrefix + name)
	}
	return folder
}

// entriesIn gives the entries in a folder, in order of number.
func (f *fold) entriesIn(folder string) []Work {
	return f.entriesWhere(f.inside.get(folder), func(w Work) bool { return w.Folder == folder })
}
