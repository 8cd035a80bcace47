package api

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"kancelaria/registry"
)

// A Folder is a folder or case as scripts see it.
type Folder struct {
	Folder     string   `json:"folder"`
	Case       string   `json:"case"`
	State      string   `json:"case_state"`
	Class      string   `json:"class"`
	Department string   `json:"department"`
	Clerk      string   `json:"clerk"`
	Title      string   `json:"title"`
	JoinedInto string   `json:"joined_into"`
	MovedTo    string   `json:"moved_to"`
	MovedFrom  string   `json:"moved_from"`
	OpenedAt   string   `json:"opened_at"`
	CaseAt     string   `json:"case_at"`
	ClosedAt   string   `json:"closed_at"`
	Entries    []string `json:"entries,omitempty"` // show only
	LastLeaf   int64    `json:"last_leaf"`
}

func (a *API) folder(f registry.Folder) Folder {
	zone := a.Office().Zone
	return Folder{
		Folder: f.ID, Case: f.Case, State: f.State, Class: f.Class, Department: f.Department, Clerk: f.Clerk, Title: f.Title,
		JoinedInto: f.JoinedInto, MovedTo: f.MovedTo, MovedFrom: f.MovedFrom, OpenedAt: instant(f.OpenedAt, zone),
		CaseAt: instant(f.CaseAt, zone), ClosedAt: instant(f.ClosedAt, zone), LastLeaf: f.LastLeaf,
	}
}

// listFolders answers case list: the list of cases (spis spraw) of a class, a
// department, a year.
func (a *API) listFolders(w http.ResponseWriter, r *http.Request) error {
	v, err := a.viewer(r.Context())
	if err != nil {
		return err
	}
	limit, err := limitOf(r)
	if err != nil {
		return err
	}
	q := registry.Query{Of: registry.FindFolders, Viewer: v, Class: r.FormValue("class"), Department: r.FormValue("department"), State: r.FormValue("state")}
	if y := r.FormValue("year"); y != "" {
		if q.Year, err = strconv.Atoi(y); err != nil {
			return wrong("year: %.10q is not a year", y)
		}
	}
	out := newLines(w)
	for limit > 0 {
		q.Limit = min(limit, page)
		found, err := a.Book.Find(r.Context(), q)
		if err != nil {
			return err
		}
		for _, f := range found.Folders {
			if err := out.write(a.folder(f)); err != nil {
				return nil
			}
		}
		limit -= len(found.Folders)
		if q.After = found.Next; q.After == "" {
			return nil
		}
	}
	return nil
}

// showFolder answers show for a folder or a case number.
func (a *API) showFolder(w http.ResponseWriter, r *http.Request) error {
	v, err := a.viewer(r.Context())
	if err != nil {
		return err
	}
	id := r.PathValue("id")
	q := registry.Query{Of: registry.FindFolders, Viewer: v, Limit: 1, Case: id}
	if strings.HasPrefix(id, "K-") {
		q.Case, q.Folder = "", id
	}
	found, err := a.Book.Find(r.Context(), q)
	if err != nil {
		return err
	}
	if len(found.Folders) == 0 {
		return fmt.Errorf("%w: no folder or case %s", registry.ErrNotFound, id)
	}
	f := a.folder(found.Folders[0])
	in, err := a.Book.Find(r.Context(), registry.Query{Of: registry.FindCaseEntries, Folder: f.Folder, Viewer: v, Limit: 1000})
	if err != nil {
		return err
	}
	f.Entries = []string{}
	for _, work := range in.Works {
		f.Entries = append(f.Entries, work.Number.String())
	}
	return newLines(w).write(f)
}
