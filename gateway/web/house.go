package web

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"kancelaria/registry"
	"kancelaria/rules"
)

// status shows how the house fares, each red line with the command that helps.
func (w *Web) status(rw http.ResponseWriter, r *http.Request, v *visit) error {
	lines := w.o.Status(r.Context())
	red := 0
	for _, l := range lines {
		if l.Colour == "red" {
			red++
		}
	}
	return v.show(rw, r, "status", "status", v.Say("web.status.title"), struct {
		Lines []StatusLine
		Red   int
	}{lines, red})
}

// hits count how often each rule took effect of late. Counting reads some
// thousand decisions, so it is done now and then.
type hits struct {
	mu    sync.Mutex
	at    time.Time
	count map[string]int
	among int
}

// Of how many entries hits are counted, and how long a count is good.
const (
	hitsAmong = 1000
	hitsGood  = 10 * time.Minute
)

func (h *hits) of(ctx context.Context, book Book, now time.Time) (map[string]int, int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.count != nil && now.Sub(h.at) < hitsGood {
		return h.count, h.among, nil
	}
	count, among := map[string]int{}, 0
	found, err := book.Find(ctx, registry.Query{Of: registry.FindEntries, Limit: hitsAmong})
	if err != nil {
		return nil, 0, err
	}
	for _, work := range found.Works {
		line, err := book.Find(ctx, registry.Query{Of: registry.FindLine, Leaf: &work.Leaf, Limit: 1})
		if err != nil {
			return nil, 0, err
		}
		var l registry.Line
		if len(line.Leaves) == 0 || json.Unmarshal(line.Leaves[0].Content, &l) != nil || l.Draft.Arrival == nil {
			continue
		}
		among++
		for _, id := range l.Draft.Arrival.Decision.Rules {
			count[id]++
		}
	}
	h.count, h.among, h.at = count, among, now
	return count, among, nil
}

// A rulesPage shows the rules in force.
type rulesPage struct {
	Rules  []ruleRow
	Digest registry.Digest
	Among  int
	Source string
	Try    bool // the visitor may try a letter on them
}

// A ruleRow is a rule and how often it took effect.
type ruleRow struct {
	rules.RuleNote
	Hits int
}

func (w *Web) rules(rw http.ResponseWriter, r *http.Request, v *visit) error {
	set := w.o.Rules()
	count, among, err := w.hits.of(r.Context(), w.o.Book, v.now)
	if err != nil {
		return err
	}
	p := rulesPage{Digest: set.Digest(), Among: among, Source: string(set.Source()), Try: v.clerk.ReadsContent()}
	for _, note := range set.Rules() {
		p.Rules = append(p.Rules, ruleRow{note, count[note.ID]})
	}
	return v.show(rw, r, "rules", "rules", v.Say("web.rules.title"), p)
}

// mostTried bounds a letter handed in only to see what the rules make of it.
const mostTried = 32 << 20

// tryRules says what the rules would make of a letter, which is kept nowhere.
func (w *Web) tryRules(rw http.ResponseWriter, r *http.Request, v *visit) error {
	r.Body = http.MaxBytesReader(rw, r.Body, mostTried)
	parts, err := r.MultipartReader()
	if err != nil {
		return fmt.Errorf("%w: %w", errWrong, err)
	}
	for {
		p, err := parts.NextPart()
		if err != nil {
			return bodyError(err)
		}
		switch p.FormName() {
		case "form":
			b, err := io.ReadAll(io.LimitReader(p, 100))
			if err != nil || !v.session.owns(string(b)) {
				return errStale
			}
			continue
		case "file":
		default:
			continue
		}
		text, err := w.o.Explain.Explain(r.Context(), p, "")
		if err != nil {
			return bodyError(err)
		}
		return v.show(rw, r, "rules", "explanation", v.Say("web.rules.tried"), struct {
			Number registry.Number
			Text   string
		}{Text: text})
	}
}

// An absentRow is when somebody is away, and who stands in.
type absentRow struct {
	Login    string
	From, To registry.Day
	Deputies []string
	Now      bool
}

// absences shows who is away and who stands in for whom.
func (w *Web) absences(rw http.ResponseWriter, r *http.Request, v *visit) error {
	var p struct {
		Away     []absentRow
		Standing []absentRow
	}
	today := v.today()
	for _, c := range v.clerks() {
		k := v.office.Clerks[c.Value]
		p.Standing = append(p.Standing, absentRow{Login: k.Login, Deputies: k.Deputies, Now: k.AbsentOn(today)})
		for _, a := range k.Absences {
			if a.To.Before(today) {
				continue
			}
			deputies := a.Deputies
			if len(deputies) == 0 {
				deputies = k.Deputies
			}
			p.Away = append(p.Away, absentRow{k.Login, a.From, a.To, deputies, !today.Before(a.From)})
		}
	}
	return v.show(rw, r, "absences", "absences", v.Say("web.absences.title"), p)
}

// accessibility is the statement that the act of 4 April 2019 asks for.
func (w *Web) accessibility(rw http.ResponseWriter, r *http.Request) error {
	v, err := w.visitOf(r)
	if err != nil {
		return err
	}
	if v != nil {
		return v.show(rw, r, "", "accessibility", v.Say("web.accessibility"), nil)
	}
	return w.show(rw, http.StatusOK, "accessibility", w.outside(r, "web.accessibility", nil))
}
