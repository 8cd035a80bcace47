package registry

import (
	"slices"
	"strings"
	"time"
)

// A field of an entry that people may correct. Whatever else stands in an
// entry came with the letter or from the book and never changes.
type field struct {
	get func(w Work) string
	set func(w *Work, value string)
	// check refuses values that cannot be; nil takes any text.
	check func(value string, d Draft) error
}

// mostFieldText bounds what people type into one field.
const mostFieldText = 10_000

var correctable = map[string]field{
	"title":         {get: func(w Work) string { return w.Title }, set: func(w *Work, v string) { w.Title = v }, check: checkTitle},
	"sender.name":   {get: func(w Work) string { return w.Sender.Name }, set: func(w *Work, v string) { w.Sender.Name = v }},
	"sender.email":  {get: func(w Work) string { return w.Sender.Email }, set: func(w *Work, v string) { w.Sender.Email = v }},
	"sender.postal": {get: func(w Work) string { return w.Sender.Postal }, set: func(w *Work, v string) { w.Sender.Postal = v }},
	"letter_date":   {get: func(w Work) string { return w.LetterDate }, set: func(w *Work, v string) { w.LetterDate = v }, check: checkPartialDate},
	"sender_ref":    {get: func(w Work) string { return w.SenderRef }, set: func(w *Work, v string) { w.SenderRef = v }},
	"posted_on":     {get: func(w Work) string { return w.PostedOn }, set: func(w *Work, v string) { w.PostedOn = v }, check: checkPartialDate},
	"remarks":       {get: func(w Work) string { return w.Remarks }, set: func(w *Work, v string) { w.Remarks = v }},
	"access":        {get: func(w Work) string { return w.Access }, set: func(w *Work, v string) { w.Access = v }, check: checkAccess},
	"received_at": {
		get:   func(w Work) string { return w.ReceivedAt.Format(time.RFC3339Nano) },
		set:   func(w *Work, v string) { w.ReceivedAt = instant(v) },
		check: checkReceivedAt,
	},
	"received_on": {
		get:   func(w Work) string { return w.ReceivedOn.String() },
		set:   func(w *Work, v string) { w.ReceivedOn, _ = ParseDay(v) }, // checked
		check: checkReceivedOn,
	},
}

// Correctable names the fields that can be corrected, sorted.
func Correctable() []string {
	names := make([]string, 0, len(correctable))
	for name := range correctable {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// decideCorrect checks the new values and keeps the old ones. A field that
// already has its value is left out.
func decideCorrect(_ *fold, l *Line, w Work) error {
	act := l.Draft.Act
	fields, old := map[string]string{}, map[string]string{}
	for name, value := range act.Fields {
		fl, ok := correctable[name]
		if !ok {
			return forbid("the field %.40q cannot be corrected; these can: %s", name, strings.Join(Correctable(), ", "))
		}
		if len(value) > mostFieldText {
			return refuse("the field %s takes at most %d bytes", name, mostFieldText)
		}
		value = strings.TrimSpace(clean(value))
		if fl.check != nil {
			if err := fl.check(value, l.Draft); err != nil {
				return err
			}
		}
		if before := fl.get(w); before != value {
			fields[name], old[name] = value, before
		}
	}
	if len(fields) == 0 && act.Deadline == nil && act.Kind == ActCorrect {
		if len(act.Fields) > 0 {
			return &standing{w.LastLeaf}
		}
		return refuse("what is to be corrected in %s?", w.Number)
	}
	act.Fields, act.Old = fields, old
	return nil
}

func enterCorrect(f *fold, l Line, w *Work) {
	act := l.Draft.Act
	for name, value := range act.Fields {
		if fl, ok := correctable[name]; ok {
			fl.set(w, value)
		}
	}
	w.setDeadline(act.Deadline)
	if _, ok := act.Fields["title"]; ok && w.OwnFolder {
		folder := f.folders.get(w.Folder)
		folder.Title = w.Title
		f.putFolder(l, folder)
	}
}

// decideComplete: what a scan could not say is typed in.
func decideComplete(f *fold, l *Line, w Work) error {
	if !slices.Contains(w.Flags, FlagToComplete) {
		return refuse("%s has nothing to complete; correct it", w.Number)
	}
	if err := decideCorrect(f, l, w); err != nil {
		return err
	}
	l.Outcome.Flags = dropFlags(w.Flags, FlagToComplete, FlagNeedsSender)
	return nil
}

func enterComplete(f *fold, l Line, w *Work) {
	enterCorrect(f, l, w)
	w.Flags = l.Outcome.Flags
	if w.Status == StatusToComplete {
		w.Status = w.rest()
	}
}

func (w *Work) setDeadline(d *Deadline) {
	if d == nil {
		return
	}
	w.Deadline = *d
	w.Deadline.Code, w.Deadline.Basis = clean(d.Code), clean(d.Basis)
	w.Deadline.At = d.At.UTC().Truncate(time.Microsecond)
	if w.Deadline.Due.IsZero() {
		w.Deadline.Due = w.Deadline.Raw
	}
}

func instant(s string) time.Time {
	t, _ := time.Parse(time.RFC3339Nano, s) // checked
	return t.UTC().Truncate(time.Microsecond)
}

func checkTitle(value string, _ Draft) error {
	if value == "" {
		return refuse("a title cannot be empty")
	}
	return nil
}

func checkAccess(value string, _ Draft) error {
	switch value {
	case "", "public", "partial", "closed":
		return nil
	}
	return refuse("access is public, partial or closed, not %.40q", value)
}

// checkPartialDate takes YYYY, YYYY-MM or YYYY-MM-DD.
func checkPartialDate(value string, _ Draft) error {
	for _, layout := range []string{"2006", "2006-01", time.DateOnly} {
		if _, err := time.Parse(layout, value); err == nil {
			return nil
		}
	}
	if value == "" {
		return nil
	}
	return refuse("%.40q is no date: YYYY, YYYY-MM or YYYY-MM-DD", value)
}

func checkReceivedAt(value string, d Draft) error {
	t, err := time.Parse(time.RFC3339Nano, value)
	switch {
	case err != nil || t.Year() < 1990:
		return refuse("%.40q is no time like 2026-11-23T09:41:07+01:00", value)
	case t.After(d.At):
		return refuse("nothing can have arrived in the future, on %s", value)
	}
	return nil
}

func checkReceivedOn(value string, d Draft) error {
	day, err := ParseDay(value)
	switch {
	case err != nil || day.Year < 1990:
		return refuse("%.40q is no day of the form YYYY-MM-DD", value)
	case d.On.Before(day):
		return refuse("nothing can have arrived in the future, on %s", value)
	}
	return nil
}
