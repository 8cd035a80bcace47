package web

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"kancelaria/registry"
)

// A section is one list of a clerk's entries.
type section struct {
	ID, Kind, Title string
	Rows            []registry.Work
	More            string // where the rest is
	Accept          bool   // its entries may be taken together
}

// mostRows is how many of a list the first page shows; few clerks have more.
const mostRows = 100

// mine is the first page: what waits for this clerk, what they work on, and
// for whom they stand in.
func (w *Web) mine(rw http.ResponseWriter, r *http.Request, v *visit) error {
	if !v.clerk.ReadsContent() {
		http.Redirect(rw, r, "/status", http.StatusSeeOther)
		return nil
	}
	return v.showMine(rw, r, http.StatusOK, "")
}

func (v *visit) showMine(rw http.ResponseWriter, r *http.Request, status int, wrong string) error {
	sections, err := v.sections(r.Context())
	if err != nil {
		return err
	}
	s := v.sheet(r, "mine", v.Say("web.mine.title"), struct {
		Sections []section
		Key      string
	}{sections, secretText()})
	s.Wrong = wrong
	return v.w.show(rw, status, "mine", s)
}

func (v *visit) sections(ctx context.Context) ([]section, error) {
	me := v.clerk.Login
	asked := []struct {
		kind, title string
		q           registry.Query
	}{
		{"accept", v.Say("web.mine.accept.title"), registry.Query{Clerk: me, Status: registry.StatusAssigned}},
		{"complete", v.Say("web.mine.complete.title"), registry.Query{Clerk: me, Status: registry.StatusToComplete}},
		{"work", v.Say("web.mine.work.title"), registry.Query{Clerk: me, Status: registry.StatusAccepted}},
	}
	home := v.office.DepartmentOf(me)
	if home != "" && home != v.office.Desk.Department {
		asked = append(asked, struct {
			kind, title string
			q           registry.Query
		}{"department", v.Say("web.mine.department.title", "department", v.Department(home)), registry.Query{Department: home, Status: registry.StatusRegistered}})
	}
	for _, principal := range v.office.StandsInFor(me, v.today()) {
		title := "web.mine.deputy.title"
		if v.office.Clerks[principal].AbsentOn(v.today()) {
			title = "web.mine.absent.title"
		}
		asked = append(asked, struct {
			kind, title string
			q           registry.Query
		}{"deputy", v.Say(title, "clerk", v.Clerk(principal)), registry.Query{Clerk: principal}})
	}
	var all []section
	for i, a := range asked {
		s, err := v.section(ctx, "list-"+strconv.Itoa(i), a.kind, a.title, a.q)
		if err != nil {
			return nil, err
		}
		if len(s.Rows) > 0 || a.kind == "accept" || a.kind == "work" {
			all = append(all, s)
		}
	}
	return all, nil
}

func (v *visit) section(ctx context.Context, id, kind, title string, q registry.Query) (section, error) {
	q.Of, q.Open, q.Limit = registry.FindEntries, true, mostRows
	found, err := v.find(ctx, q)
	if err != nil {
		return section{}, err
	}
	s := section{ID: id, Kind: kind, Title: title, Rows: found.Works, Accept: kind == "accept"}
	byUrgency(s.Rows)
	if found.Next != "" {
		s.More = "/book?" + url.Values{"clerk": {q.Clerk}, "status": {string(q.Status)}, "department": {q.Department}}.Encode()
	}
	return s, nil
}

// byUrgency sorts by the day something is due; what has no day comes last, the
// oldest first.
func byUrgency(rows []registry.Work) {
	slices.SortFunc(rows, func(a, b registry.Work) int {
		x, y := a.Deadline.Due, b.Deadline.Due
		switch {
		case x.IsZero() != y.IsZero():
			if x.IsZero() {
				return 1
			}
			return -1
		case x != y:
			return cmp.Compare(x.String(), y.String())
		}
		return cmp.Compare(a.Leaf, b.Leaf)
	})
}

// mostAtOnce bounds what is accepted with one form.
const mostAtOnce = 200

// acceptMany takes the chosen entries. Each stands for itself: what somebody
// else was faster with is named, the others are taken.
func (w *Web) acceptMany(rw http.ResponseWriter, r *http.Request, v *visit) error {
	if err := v.form(rw, r); err != nil {
		return err
	}
	chosen := r.PostForm["entry"]
	if len(chosen) == 0 || len(chosen) > mostAtOnce {
		return v.showMine(rw, r, http.StatusUnprocessableEntity, v.Say("web.mine.none"))
	}
	done, failed := 0, []string{}
	for _, c := range chosen {
		number, after, err := seen(c)
		if err != nil {
			return err
		}
		out, err := w.o.Acts.ActOnce(r.Context(), actKey(v, r, number.String()), v.actor(), registry.Act{Kind: registry.ActAccept, Subject: number.String()}, &after, "")
		if err = cmp.Or(err, out.Err()); err != nil {
			_, key := fault(err)
			failed = append(failed, number.String()+": "+v.Say("web.error."+key))
			continue
		}
		done++
	}
	if len(failed) > 0 {
		return v.showMine(rw, r, http.StatusConflict, v.Say("web.mine.partly", "done", strconv.Itoa(done), "failed", strings.Join(failed, "; ")))
	}
	return back(rw, r, "/", "accepted", "n", strconv.Itoa(done))
}

// seen reads NUMBER:LEAF, an entry and its last event as the page showed it.
func seen(s string) (registry.Number, int64, error) {
	number, leaf, _ := strings.Cut(s, ":")
	n, err := registry.ParseNumber(number)
	if err != nil {
		return n, 0, fmt.Errorf("%w: %w", errWrong, err)
	}
	after, err := strconv.ParseInt(leaf, 10, 64)
	if err != nil {
		return n, 0, fmt.Errorf("%w: %.20q is no leaf", errWrong, leaf)
	}
	return n, after, nil
}

// actKey names an act by the form it was sent with: sent twice, it is done once.
func actKey(v *visit, r *http.Request, what string) string {
	return "web/" + digestKey(v.clerk.Login+"\x00"+field(r, "key")+"\x00"+what)
}
