package registry

import (
	"cmp"
	"maps"
	"slices"
)

// NewState begins the loading of a book whose ledger stands at head. A store
// then loads in rounds:
//
//	st := NewState(head)
//	for w := st.Missing(drafts); !w.Empty(); w = st.Missing(drafts) {
//		… put the rows that are there into the maps of st …
//		st.Loaded(w)
//	}
//	writes, outcomes, err := Apply(st, drafts)
//
// Two rounds serve for arrivals, three or four for acts.
func NewState(head Head) *State {
	return &State{
		Head:     head,
		Series:   map[Series]SeriesRow{},
		Known:    map[string]Line{},
		Arrivals: map[ItemID]ArrivalRow{},
		Traces:   map[TraceKey][]TraceRow{},
		Entries:  map[Number]Work{},
		Folders:  map[string]Folder{},
		Cases:    map[string]string{},
		Counters: map[CaseSeries]int64{},
		Balances: map[string]Balance{},
		Subjects: map[string]int64{},
		Open:     map[string][]Number{},
		Within:   map[string][]Number{},
	}
}

// WantsOf names what the first round of loading needs.
func WantsOf(drafts []Draft) Wants { return NewState(Head{}).Missing(drafts) }

// Missing folds the drafts for trial and names what they asked for and what is
// not loaded yet; nothing, when Apply may be called.
func (st *State) Missing(drafts []Draft) Wants {
	t := st.try(drafts)
	w := t.fold.wants()
	st.tried = nil
	if w.Empty() {
		st.tried = t
	}
	return w
}

// A trial is a fold of drafts that is not sealed yet.
type trial struct {
	fold     *fold
	drafts   []Draft
	outcomes []Outcome
}

// try folds the drafts, or gives the trial that did.
func (st *State) try(drafts []Draft) *trial {
	if t := st.tried; t != nil && len(t.drafts) == len(drafts) && (len(drafts) == 0 || &t.drafts[0] == &drafts[0]) {
		st.tried = nil // it is sealed once
		return t
	}
	t := &trial{fold: newFold(st, len(drafts)), drafts: drafts, outcomes: make([]Outcome, len(drafts))}
	t.fold.entered = make([]entered, 0, len(drafts))
	for i, d := range drafts {
		t.outcomes[i] = t.fold.offer(d)
	}
	return t
}

// MissingForReplay is Missing for lines that are already decided.
func (st *State) MissingForReplay(lines []Line) Wants {
	f := newFold(st, len(lines))
	for _, l := range lines {
		// Before all is loaded each line looks wrong; Replay says what is.
		_ = f.mayReplay(l)
		if l.checkReplayed() == nil && l.Draft.known() {
			f.enter(l)
		}
	}
	return f.wants()
}

// Loaded notes that everything w asks for has been looked up: what the store
// did not find is absent from now on.
func (st *State) Loaded(w Wants) {
	st.tried = nil
	absent(st.Known, w.Keys)
	absent(st.Arrivals, w.Items)
	absent(st.Traces, w.Traces)
	absent(st.Entries, w.Entries)
	absent(st.Folders, w.Folders)
	absent(st.Cases, w.Cases)
	absent(st.Counters, w.Counters)
	absent(st.Open, w.OpenOf)
	absent(st.Within, w.Within)
	for _, k := range w.Series {
		if _, ok := st.Series[k]; !ok {
			st.Series[k] = SeriesRow{Series: k}
		}
	}
	for _, k := range w.Balances {
		if _, ok := st.Balances[k]; !ok {
			st.Balances[k] = Balance{Clerk: k}
		}
	}
	for _, k := range w.Subjects {
		if _, ok := st.Subjects[k]; !ok {
			st.Subjects[k] = -1
		}
	}
}

func absent[K comparable, V any](rows map[K]V, keys []K) {
	for _, k := range keys {
		if _, ok := rows[k]; !ok {
			var none V
			rows[k] = none
		}
	}
}

// Empty reports whether nothing is wanted.
func (w Wants) Empty() bool {
	return len(w.Keys)+len(w.Items)+len(w.Series)+len(w.Traces)+len(w.Entries)+len(w.Folders)+len(w.Cases)+
		len(w.Counters)+len(w.Balances)+len(w.Subjects)+len(w.OpenOf)+len(w.Within) == 0
}

// wants gathers what the fold asked for and was not loaded.
func (f *fold) wants() Wants {
	return Wants{
		Keys:     f.known.wants(cmp.Compare[string]),
		Items:    f.arrivals.wants(compareItems),
		Series:   f.series.wants(compareSeries),
		Traces:   f.traces.wants(compareTraces),
		Entries:  f.entries.wants(compareNumbers),
		Folders:  f.folders.wants(cmp.Compare[string]),
		Cases:    f.cases.wants(cmp.Compare[string]),
		Counters: f.counters.wants(compareCaseSeries),
		Balances: f.balances.wants(cmp.Compare[string]),
		Subjects: f.subjects.wants(cmp.Compare[string]),
		OpenOf:   f.openOf.wants(cmp.Compare[string]),
		Within:   f.inside.wants(cmp.Compare[string]),
	}
}

// writes gathers what the fold changed, each list sorted by its key.
func (f *fold) writes() Writes {
	w := Writes{
		Head:     f.head,
		Leaves:   f.leaves,
		Nodes:    f.nodes,
		Series:   f.series.rows(compareSeries),
		Arrivals: f.arrivals.rows(compareItems),
		Works:    f.entries.rows(compareNumbers),
		Folders:  f.folders.rows(cmp.Compare[string]),
		Balances: f.balances.rows(cmp.Compare[string]),
		Traces:   f.newTraces,
		Outbox:   f.outbox,
	}
	if len(f.counters.changed) > 0 {
		w.Counters = maps.Clone(f.counters.changed)
	}
	for _, work := range w.Works {
		if f.born[work.Number] {
			w.Entries = append(w.Entries, work)
		}
	}
	if now := weekOf(f.head.LastAt); !f.began.IsZero() && now != weekOf(f.began) {
		w.ForgetTraces = now - weeksKept
	}
	slices.SortFunc(w.Traces, func(a, b TraceRow) int {
		return cmp.Or(compareTraces(a.TraceKey, b.TraceKey), compareItems(a.Item, b.Item))
	})
	return w
}
