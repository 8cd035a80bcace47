package web

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"kancelaria/registry"
)

// A casesPage is the list of cases (spis spraw) of a class, a department and a
// year.
type casesPage struct {
	Filter      url.Values
	Rows        []registry.Folder
	Next        string
	Departments []choice
	Classes     []choice
	States      []choice
}

const caseRows = 100

// cases lists cases: those in progress of the visitor's own department, unless
// asked otherwise.
func (w *Web) cases(rw http.ResponseWriter, r *http.Request, v *visit) error {
	kept := url.Values{}
	for _, name := range []string{"department", "class", "year", "state", "clerk"} {
		if value := strings.TrimSpace(r.FormValue(name)); value != "" {
			kept.Set(name, value)
		}
	}
	if r.URL.RawQuery == "" {
		kept.Set("department", v.office.DepartmentOf(v.clerk.Login))
		kept.Set("state", registry.FolderOpen)
	}
	q := registry.Query{
		Of: registry.FindFolders, Department: kept.Get("department"), Class: kept.Get("class"), State: kept.Get("state"), Clerk: kept.Get("clerk"),
		After: r.FormValue("after"), Limit: caseRows,
	}
	var err error
	if y := kept.Get("year"); y != "" {
		if q.Year, err = strconv.Atoi(y); err != nil {
			return fmt.Errorf("%w: year %.10q", errWrong, y)
		}
	}
	found, err := v.find(r.Context(), q)
	if err != nil {
		return err
	}
	p := casesPage{Filter: kept, Rows: found.Folders, Departments: v.departments(), Classes: v.classes()}
	for _, s := range []string{registry.FolderOpen, registry.FolderClosed, registry.FolderWorking, registry.FolderNone} {
		p.States = append(p.States, choice{s, v.Say("case_state." + s)})
	}
	if found.Next != "" {
		kept = cloneValues(kept)
		kept.Set("after", found.Next)
		p.Next = "/cases?" + kept.Encode()
	}
	return v.show(rw, r, "cases", "cases", v.Say("web.cases.title"), p)
}

// A casePage is one case or folder.
type casePage struct {
	Folder registry.Folder
	Rows   []registry.Work
	Events []happened
	Acts   []actForm
	Key    string
}

// folderOf finds the folder that a path names.
func (v *visit) folderOf(r *http.Request) (registry.Folder, error) {
	id := r.PathValue("id")
	q := registry.Query{Of: registry.FindFolders, Case: id, Limit: 1}
	if strings.HasPrefix(id, "K-") {
		q.Case, q.Folder = "", id
	}
	found, err := v.find(r.Context(), q)
	if err != nil {
		return registry.Folder{}, err
	}
	if len(found.Folders) == 0 {
		return registry.Folder{}, fmt.Errorf("%w: folder or case %.60q", registry.ErrNotFound, id)
	}
	return found.Folders[0], nil
}

func (w *Web) casePage(rw http.ResponseWriter, r *http.Request, v *visit) error {
	f, err := v.folderOf(r)
	if err != nil {
		return err
	}
	return v.showCase(rw, r, f, http.StatusOK, "", nil)
}

func (v *visit) showCase(rw http.ResponseWriter, r *http.Request, f registry.Folder, status int, wrong string, posted url.Values) error {
	p := casePage{Folder: f, Key: secretText()}
	inside, err := v.find(r.Context(), registry.Query{Of: registry.FindCaseEntries, Folder: f.ID, Limit: 500})
	if err != nil {
		return err
	}
	p.Rows = inside.Works
	events, err := v.find(r.Context(), registry.Query{Of: registry.FindEvents, Subject: f.ID, Limit: mostEvents})
	if err != nil {
		return err
	}
	for _, leaf := range events.Leaves {
		p.Events = append(p.Events, happening(leaf))
	}
	p.Acts = v.folderForms(f, posted)
	s := v.sheet(r, "cases", cmp.Or(f.Case, f.ID), p)
	s.Wrong = wrong
	return v.w.show(rw, status, "case", s)
}

// folderForms are the acts on a folder that this visitor may do.
func (v *visit) folderForms(f registry.Folder, posted url.Values) []actForm {
	var all []actForm
	add := func(kind registry.ActKind, when bool, fields ...input) {
		if when && v.office.MayFolder(v.actor(), kind, f, v.today()) == nil {
			all = append(all, actForm{Kind: kind, Of: "folder", After: f.LastLeaf, Fields: fields})
		}
	}
	reason, perhaps := input{Name: "reason", Kind: "area", Must: true}, input{Name: "reason", Kind: "area"}
	class := input{Name: "class", Kind: "choice", Choices: v.classes(), Value: f.Class, Must: true}
	department := input{Name: "department", Kind: "choice", Choices: v.departments(), Value: f.Department, Must: true}
	add(registry.ActOpenCase, f.State == registry.FolderWorking, class, department, perhaps)
	add(registry.ActJoinCase, f.State != registry.FolderClosed, input{Name: "to", Kind: "text", Must: true}, perhaps)
	add(registry.ActMoveCase, f.State == registry.FolderOpen, class, department, reason)
	add(registry.ActCloseCase, f.State != registry.FolderClosed, perhaps)
	add(registry.ActReopenCase, f.State == registry.FolderClosed && f.JoinedInto == "" && f.MovedTo == "", reason)
	for i := range all {
		all[i].refill(posted)
	}
	return all
}

// caseAct does an act to a folder.
func (w *Web) caseAct(rw http.ResponseWriter, r *http.Request, v *visit) error {
	if err := v.form(rw, r); err != nil {
		return err
	}
	f, err := v.folderOf(r)
	if err != nil {
		return err
	}
	after, err := strconv.ParseInt(field(r, "after"), 10, 64)
	if err != nil {
		return fmt.Errorf("%w: %w", errWrong, err)
	}
	act := registry.Act{Kind: registry.ActKind(field(r, "kind")), Subject: f.ID}
	switch act.Kind {
	case registry.ActOpenCase, registry.ActMoveCase:
		act.Class, act.Department = field(r, "class"), field(r, "department")
	case registry.ActJoinCase:
		act.To, err = v.seenFolder(r, field(r, "to"))
	case registry.ActCloseCase, registry.ActReopenCase:
	default:
		return fmt.Errorf("%w: %.30q is no act of this page", errWrong, string(act.Kind))
	}
	if err == nil {
		var out registry.Outcome
		out, err = w.o.Acts.ActOnce(r.Context(), actKey(v, r, f.ID), v.actor(), act, &after, field(r, "reason"))
		err = cmp.Or(err, out.Err())
	}
	if err == nil {
		return back(rw, r, "/cases/"+url.PathEscape(f.ID), string(act.Kind))
	}
	status, key := fault(err)
	if status >= http.StatusInternalServerError {
		return err
	}
	wrong := v.Say("web.error." + key)
	if key == "refused" || key == "conflict" || key == "immutable" {
		wrong += " (" + err.Error() + ")"
	}
	again, findErr := v.folderOf(r)
	if findErr != nil {
		return err
	}
	return v.showCase(rw, r, again, status, wrong, r.PostForm)
}
