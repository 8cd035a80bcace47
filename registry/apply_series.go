package registry

import (
	"strconv"
	"strings"
	"time"
)

// A seriesLaw is the law of acts on a series.
type seriesLaw struct {
	reason bool
	decide func(l *Line, s SeriesRow, last int64) error
	enter  func(l Line, s *SeriesRow)
}

func onSeries(law seriesLaw) actLaw {
	return actLaw{
		decide: func(f *fold, l *Line) error {
			act := l.Draft.Act
			key, err := ParseSeries(act.Subject)
			if err != nil {
				return refuse("%s", err)
			}
			if law.reason && l.Draft.Reason == "" {
				return refuse("%s on %s needs a reason", act.Kind, act.Subject)
			}
			act.Subject = key.String()
			last := f.subjects.get(act.Subject)
			if l.Draft.After != nil && *l.Draft.After != last {
				return conflict(act.Subject, *l.Draft.After, last)
			}
			s := f.series.get(key)
			s.Series = key
			return law.decide(l, s, last)
		},
		enter: func(f *fold, l Line) (string, int64) {
			act := l.Draft.Act
			key, _ := ParseSeries(act.Subject) // decided, so it parses
			s := f.series.get(key)
			s.Series = key
			law.enter(l, &s)
			f.series.set(key, s)
			previous := f.subjects.get(act.Subject)
			f.subjects.set(act.Subject, l.Outcome.Leaf)
			f.notice(l, Number{}, ItemID{}, act.Tell...)
			return act.Subject, previous
		},
	}
}

// ParseSeries reads RPW-2026.
func ParseSeries(s string) (Series, error) {
	cut := strings.LastIndexByte(s, '-')
	if cut > 0 {
		year, err := digits(s[cut+1:], 4, 4)
		if register := strings.ToUpper(s[:cut]); err == nil && year >= 1900 && isRegister(register) {
			return Series{register, int(year)}, nil
		}
	}
	return Series{}, refuse("%.60q is not a series like RPW-2026", s)
}

func decideOpened(l *Line, s SeriesRow, last int64) error {
	switch {
	case !s.ClosedAt.IsZero():
		return forbid("the series %s is closed; a closed year is not opened again", s.Series)
	case !s.OpenedAt.IsZero():
		return &standing{last}
	case !s.openOn(l.Draft.On):
		return refuse("the series %s cannot be opened on %s", s.Series, l.Draft.On)
	}
	return nil
}

func enterOpened(l Line, s *SeriesRow) { s.OpenedAt = l.Outcome.At }

func decideClosed(l *Line, s SeriesRow, last int64) error {
	switch {
	case !s.ClosedAt.IsZero():
		return &standing{last}
	case s.OpenedAt.IsZero():
		return refuse("the series %s was never opened", s.Series)
	case l.Draft.On.Year <= s.Year:
		return refuse("the series %s cannot be closed on %s: its year is not over", s.Series, l.Draft.On)
	}
	act := l.Draft.Act
	act.Fields = map[string]string{
		"count": strconv.FormatInt(s.Taken, 10),
		"last":  Number{s.Register, s.Year, s.Taken}.String(),
	}
	if s.Taken == 0 {
		act.Fields["last"] = ""
	}
	return nil
}

func enterClosed(l Line, s *SeriesRow) { s.ClosedAt = l.Outcome.At }

// mostLost bounds a gap: a slip of the keyboard must not burn a year.
const mostLost = 100_000

// decideGap enters numbers that were told to people and lost with the machine:
// Fields["to"] is the last of them; the law adds "from", the first.
func decideGap(l *Line, s SeriesRow, _ int64) error {
	act := l.Draft.Act
	to, err := digits(act.Fields["to"], 1, 12)
	switch {
	case err != nil:
		return refuse("a gap says by its field \"to\" which number was the last one lost")
	case !s.ClosedAt.IsZero():
		return forbid("the series %s is closed", s.Series)
	case to <= s.Taken:
		return refuse("number %s is in the book; there is no gap up to it", Number{s.Register, s.Year, to})
	case to-s.Taken > mostLost:
		return refuse("a gap of %d numbers cannot be: at most %d", to-s.Taken, mostLost)
	}
	act.Fields = map[string]string{"from": strconv.FormatInt(s.Taken+1, 10), "to": strconv.FormatInt(to, 10)}
	return nil
}

func enterGap(l Line, s *SeriesRow) {
	if s.OpenedAt.IsZero() {
		s.OpenedAt = l.Outcome.At
	}
	if to, err := digits(l.Draft.Act.Fields["to"], 1, 12); err == nil {
		s.Taken = to
	}
	// Where the gap stands for a leaf that is lost, its time was only guessed.
	if l.Draft.Act.Fields["stands_for"] == "" {
		s.LastAt = l.Outcome.At.Truncate(time.Microsecond)
	}
}
