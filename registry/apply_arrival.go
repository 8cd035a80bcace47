package registry

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// decideArrival settles what becomes of an item.
func (f *fold) decideArrival(l *Line) error {
	a := l.Draft.Arrival
	if err := a.check(l.Draft); err != nil {
		return err
	}
	row := f.arrivals.get(a.Item.ID)
	if row.Found {
		return f.decideRelease(l, row)
	}
	if !a.Late {
		if first, again := f.firstOf(a); again {
			f.decideRedelivery(l, first)
			return nil
		}
	}
	l.Outcome.Disposition, l.Outcome.Item = a.Disposition, a.Item.ID
	switch a.Disposition {
	case Registered:
		return f.decideEntry(l)
	case Attached:
		return f.decideAttach(l)
	default:
		return nil
	}
}

// check refuses arrivals that no book could hold.
func (a *Arrival) check(d Draft) error {
	switch {
	case a.Item.ID.IsZero():
		return refuse("an arrival needs an item id")
	case a.Item.AcceptedAt.IsZero() || a.ReceivedAt.IsZero() || a.ReceivedOn.IsZero():
		return refuse("item %s does not say when it arrived", a.Item.ID)
	case !isRegister(a.Item.Register):
		return refuse("item %s is for the register %.40q, and that is no name of one", a.Item.ID, a.Item.Register)
	case a.Disposition != Registered && a.Disposition != Quarantined && a.Disposition != Beside && a.Disposition != Attached:
		return refuse("item %s cannot arrive as %.40q", a.Item.ID, string(a.Disposition))
	case a.Late && d.On.Before(a.ReceivedOn):
		return refuse("item %s cannot have arrived on %s: that is after %s", a.Item.ID, a.ReceivedOn, d.On)
	}
	return nil
}

// decideRelease lets a person put into the book what was kept out of it.
func (f *fold) decideRelease(l *Line, row ArrivalRow) error {
	a := l.Draft.Arrival
	if l.Draft.After != nil && *l.Draft.After != row.Leaf {
		return conflict(a.Item.ID.String(), *l.Draft.After, row.Leaf)
	}
	switch row.Disposition {
	case Quarantined:
		a.Decision.Flags = AddFlags(slices.Clip(a.Decision.Flags), FlagReleased)
	case Beside:
		a.Decision.Flags = AddFlags(slices.Clip(a.Decision.Flags), FlagPromoted)
	case Registered:
		return forbid("item %s is in the book as %s", a.Item.ID, row.Number)
	case Attached:
		return forbid("item %s is a scan of %s", a.Item.ID, row.Number)
	case Redelivered:
		return refuse("item %s repeats item %s; that one counts", a.Item.ID, row.First)
	case Rejected:
		return refuse("item %s was rejected", a.Item.ID)
	}
	if a.Disposition != Registered || !a.Late {
		return refuse("item %s is %s; only a late registration takes it out", a.Item.ID, row.Disposition)
	}
	l.Outcome.Disposition, l.Outcome.Item = Registered, a.Item.ID
	return f.decideEntry(l)
}

// decideRedelivery answers as the first arrival was answered.
func (f *fold) decideRedelivery(l *Line, first ArrivalRow) {
	o := &l.Outcome
	o.First, o.Item = first.Item, l.Draft.Arrival.Item.ID
	o.Disposition = first.Disposition
	if first.Disposition != Registered {
		return
	}
	o.Disposition = Redelivered
	f.describe(o, f.entries.get(first.Number))
	o.Flags = AddFlags(slices.Clip(o.Flags), FlagRedelivered)
}

// describe fills in how an entry stands.
func (f *fold) describe(o *Outcome, w Work) {
	folder := f.folders.get(w.Folder)
	if o.Item.IsZero() {
		o.Item = w.Item
	}
	o.Number, o.Folder, o.Clerk, o.OnBehalfOf = w.Number, w.Folder, w.Clerk, w.OnBehalfOf
	o.Case, o.CaseState, o.DuplicateOf = folder.Case, folder.State, w.DuplicateOf
	o.Flags = w.Flags
}

// decideEntry gives the number, folder, case and clerk of a new entry.
func (f *fold) decideEntry(l *Line) error {
	a, o := l.Draft.Arrival, &l.Outcome
	flags := AddFlags(nil, a.Decision.Flags...)
	flags = AddFlags(flags, a.Document.Flags...)
	if a.ToComplete {
		flags = AddFlags(flags, FlagToComplete)
	}
	series, more, err := f.seriesFor(a, l.Draft.On)
	if err != nil {
		return err
	}
	flags = AddFlags(flags, more...)
	if like, found := f.likeOf(a); found {
		flags = AddFlags(flags, FlagPossibleDuplicate)
		o.DuplicateOf = like.String()
	}
	o.Flags = cleanAll(flags)
	o.Number = Number{Register: series.Register, Year: series.Year, Seq: series.Taken + 1}
	if least := series.LastAt.Add(time.Microsecond); o.At.Before(least) && !series.LastAt.IsZero() {
		o.At = least
	}
	f.decideFolder(l)
	// Whom a letter is about does not get it, whatever the rules say.
	candidates := slices.DeleteFunc(slices.Clone(a.Decision.Candidates), func(c string) bool { return slices.Contains(a.Decision.HideFrom, c) })
	o.Clerk, o.Loads = f.choose(candidates, a.Decision.Balance)
	if o.Clerk != "" {
		o.OnBehalfOf = a.Decision.For[o.Clerk]
	}
	a.Decision.Clerk, a.Decision.OnBehalfOf = o.Clerk, o.OnBehalfOf
	return nil
}

// seriesFor finds the series an arrival is numbered in. A delay of the daemon
// keeps the year of the arrival while that series is open; the lateness of
// people takes the year of registration (DESIGN § 4, year).
func (f *fold) seriesFor(a *Arrival, on Day) (SeriesRow, []Flag, error) {
	year := min(a.ReceivedOn.Year, on.Year)
	if a.Late {
		year = on.Year
	}
	for y := year; y <= on.Year; y++ {
		key := Series{a.Item.Register, y}
		row := f.series.get(key)
		row.Series = key
		if !row.openOn(on) {
			continue
		}
		switch {
		case y != year:
			return row, []Flag{FlagLateRegistration}, nil
		case y != on.Year:
			return row, []Flag{FlagYearEdge}, nil
		default:
			return row, nil, nil
		}
	}
	return SeriesRow{}, nil, refuse("the series %s of item %s is closed", Series{a.Item.Register, on.Year}, a.Item.ID)
}

// closeAfterDays is for how many days of a new year the old one's series may
// still be opened: as long as an opened one stays open at least.
const closeAfterDays = 3

// openOn reports whether numbers of the series may be given on a day: it is
// open, or its first use may open it.
func (s SeriesRow) openOn(on Day) bool {
	switch {
	case !s.ClosedAt.IsZero():
		return false
	case !s.OpenedAt.IsZero() || s.Year == on.Year:
		return true
	default:
		return s.Year == on.Year-1 && on.Month == time.January && on.Day <= closeAfterDays
	}
}

// enterArrival makes an arrival part of the book.
func (f *fold) enterArrival(l Line) (kind, subject string, previous int64) {
	a, o := l.Draft.Arrival, l.Outcome
	if !o.First.IsZero() {
		subject, previous = f.enterRedelivery(l)
		return string(Redelivered), subject, previous
	}
	row := f.arrivals.get(a.Item.ID)
	previous = -1
	if row.Found {
		previous = row.Leaf
	} else {
		f.trace(a, o.Number)
		row = newArrivalRow(a)
	}
	row.Disposition, row.Leaf, row.Number, row.Reason = o.Disposition, o.Leaf, o.Number, a.Reason
	f.arrivals.set(row.Item, row)
	switch o.Disposition {
	case Registered:
		f.enterEntry(l)
		return string(o.Disposition), o.Number.String(), previous
	case Attached:
		subject, previous = f.enterAttach(l)
		return string(o.Disposition), subject, previous
	}
	f.alarm(l)
	// What a bounce answers is where people look for it.
	if n, err := ParseNumber(a.Answers); err == nil && f.entries.get(n).Found {
		return string(o.Disposition), n.String(), previous
	}
	return string(o.Disposition), row.Item.String(), previous
}

// alarm tells those whom the rules name of what they keep out of the book; all
// others learn of it from the daily list.
func (f *fold) alarm(l Line) {
	a, o := l.Draft.Arrival, l.Outcome
	if a.Decision.Screen == "" {
		return
	}
	row := OutboxRow{
		Leaf: o.Leaf, Node: l.Draft.Node, Kind: OutboxNotice, Item: a.Item.ID, Variant: string(o.Disposition), NotBefore: o.At, CreatedAt: o.At,
	}
	f.tell(row, without(a.Decision.Notify, a.Decision.HideFrom)...)
}

func newArrivalRow(a *Arrival) ArrivalRow {
	return ArrivalRow{
		Item: a.Item.ID, Delivery: a.Item.Delivery, Place: a.Place, Register: a.Item.Register, Found: true,
		AcceptedAt: a.Item.AcceptedAt.UTC().Truncate(time.Microsecond),
	}
}

// enterRedelivery notes that an item came again. Later deliveries of the same
// letter, to other recipients of ours too, are told by these leaves.
func (f *fold) enterRedelivery(l Line) (subject string, previous int64) {
	a, o := l.Draft.Arrival, l.Outcome
	first := f.arrivals.get(o.First)
	first.Redelivered++
	f.arrivals.set(first.Item, first)
	row := newArrivalRow(a)
	row.Disposition, row.Leaf, row.Number, row.First = Redelivered, o.Leaf, o.Number, o.First
	f.arrivals.set(row.Item, row)
	if o.Number.IsZero() {
		return first.Item.String(), first.Leaf
	}
	w := f.entries.get(o.Number)
	w.Flags = o.Flags
	w.Version++
	f.entries.set(w.Number, w)
	return o.Number.String(), w.LastLeaf
}

// enterEntry makes the entry, its folder and what follows from it.
func (f *fold) enterEntry(l Line) {
	a, o := l.Draft.Arrival, l.Outcome
	s := f.series.get(o.Number.Series())
	s.Series = o.Number.Series()
	if s.OpenedAt.IsZero() {
		s.OpenedAt = o.At
	}
	s.Taken, s.LastAt = o.Number.Seq, o.At
	f.series.set(s.Series, s)

	w := newWork(l)
	f.enterFolder(l, &w)
	f.born[w.Number] = true
	f.entries.set(w.Number, w)
	f.weigh(Work{}, w, o.Leaf)
	if f.quiet(a, o) {
		return
	}
	row := OutboxRow{
		Leaf: o.Leaf, Node: cmp.Or(l.Draft.Node, a.Item.Node), Kind: OutboxNotice, Number: o.Number, Item: a.Item.ID,
		Variant: string(Registered), NotBefore: o.At, CreatedAt: o.At,
	}
	f.tell(row, without(append([]string{o.Clerk}, a.Decision.Notify...), a.Decision.HideFrom)...)
	if a.Receipt.Send && a.Receipt.To != "" {
		row.Kind, row.Variant = OutboxReceipt, a.Receipt.Variant
		f.tell(row, clean(strings.ToLower(a.Receipt.To)))
	}
}

// quiet reports whether nobody is told of a new entry: a file whose very bytes
// were registered before.
func (f *fold) quiet(a *Arrival, o Outcome) bool {
	return a.Item.Envelope == nil && o.DuplicateOf != ""
}

func without(logins, hidden []string) []string {
	var out []string
	for _, l := range logins {
		if !slices.Contains(hidden, l) {
			out = append(out, clean(l))
		}
	}
	return out
}

// newWork gives the present of an entry at its birth.
func newWork(l Line) Work {
	a, d, o := l.Draft.Arrival, l.Draft.Arrival.Decision, l.Outcome
	w := Work{
		Number: o.Number, Item: a.Item.ID, Leaf: o.Leaf, LastLeaf: o.Leaf,
		RegisteredAt: o.At,
		AcceptedAt:   a.Item.AcceptedAt.UTC().Truncate(time.Microsecond),
		ReceivedAt:   a.ReceivedAt.UTC().Truncate(time.Microsecond),
		ReceivedOn:   a.ReceivedOn,
		Door:         a.Item.Door, Source: clean(a.Item.Source),
		Status: StatusRegistered, Department: clean(d.Department), Clerk: clean(o.Clerk), OnBehalfOf: clean(o.OnBehalfOf),
		Class: clean(d.Class), CasePolicy: clean(d.CasePolicy),
		Folder: o.Folder, OwnFolder: o.Folder == o.Number.Folder(),
		Suggestion: clean(d.CaseSuggestion), DuplicateOf: clean(o.DuplicateOf),
		Subject: clean(a.Document.Subject), Title: clean(a.Title), Sender: a.Sender.clean(),
		LetterDate: clean(a.LetterDate), SenderRef: clean(a.SenderRef), PostedOn: clean(a.PostedOn), Remarks: clean(a.Remarks),
		MessageID: clean(a.Document.MessageID),
		Digest:    a.Item.Original.Digest, Size: a.Item.Original.Size, MediaType: clean(a.Item.Original.MediaType),
		Place: a.Place, Attachments: a.Document.CountAttachments(),
		Flags: o.Flags, Labels: cleanAll(d.Labels), Priority: clean(d.Priority),
		Restricted: d.Restricted, Readers: cleanAll(d.Readers), HideFrom: cleanAll(d.HideFrom),
		Version: 1, Found: true,
	}
	w.setDeadline(&d.Deadline)
	if w.Clerk != "" {
		w.Status = StatusAssigned
	}
	if a.ToComplete {
		w.Status = StatusToComplete
	}
	return w
}

func (s Sender) clean() Sender {
	return Sender{Name: clean(s.Name), Email: clean(s.Email), Postal: clean(s.Postal)}
}

// mayReplayArrival refuses lines that would break the book's numbering.
func (f *fold) mayReplayArrival(l Line) error {
	a, o := l.Draft.Arrival, l.Outcome
	if row := f.arrivals.get(a.Item.ID); row.Disposition == Registered {
		return refuse("item %s is in the book as %s", a.Item.ID, row.Number)
	}
	if !o.First.IsZero() {
		if first := f.arrivals.get(o.First); !first.Found {
			return refuse("item %s repeats item %s, which is not there", a.Item.ID, o.First)
		}
		if !o.Number.IsZero() {
			f.entries.get(o.Number)
		}
		return nil
	}
	if o.Disposition == Attached && !f.entries.get(o.Number).Found {
		return refuse("item %s is a scan of %s, which is not there", a.Item.ID, o.Number)
	}
	if o.Disposition != Registered {
		return nil
	}
	s := f.series.get(o.Number.Series())
	switch {
	case o.Number.Seq != s.Taken+1:
		return refuse("number %s does not follow %d", o.Number, s.Taken)
	case !s.LastAt.IsZero() && !s.LastAt.Before(o.At):
		return refuse("number %s is not later than the one before it", o.Number)
	}
	return nil
}
