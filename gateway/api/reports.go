package api

import (
	"context"
	"net/http"
	"time"

	"kancelaria/registry"
)

// A Reporter counts and gathers for reports; what it gives is written as JSON.
type Reporter interface {
	Month(ctx context.Context, v *registry.Viewer, first registry.Day) (any, error)
	// Person gathers all about a person, and names the subjects that were
	// looked at for it.
	Person(ctx context.Context, v *registry.Viewer, asked string) (report any, subjects []string, err error)
}

// reportMonth answers report month: figures only, of what the caller may see.
func (a *API) reportMonth(w http.ResponseWriter, r *http.Request) error {
	v, err := a.viewer(r.Context())
	if err != nil {
		return err
	}
	month, err := time.Parse("2006-01", r.FormValue("month"))
	if err != nil || month.Year() < 1990 {
		return wrong("%.20q is no month like 2026-11", r.FormValue("month"))
	}
	report, err := a.Reports.Month(r.Context(), v, registry.Day{Year: month.Year(), Month: month.Month(), Day: 1})
	if err != nil {
		return err
	}
	return newLines(w).write(report)
}

// reportPerson answers report person. It shows at once what is otherwise seen
// letter by letter, so it is for the data protection officer and the secretary,
// and it leaves its mark on every letter it shows.
func (a *API) reportPerson(w http.ResponseWriter, r *http.Request) error {
	c, _ := CallerOf(r.Context())
	k, _ := c.clerk(a.Office())
	if !c.Owner && !k.Has(registry.RoleDPO) && !k.Has(registry.RoleSecretary) {
		return errForbidden
	}
	v, err := a.viewer(r.Context())
	if err != nil {
		return err
	}
	report, subjects, err := a.Reports.Person(r.Context(), v, r.FormValue("who"))
	if err != nil {
		return err
	}
	for _, s := range subjects {
		a.Access(r.Context(), a.reader(r), "report", s)
	}
	return newLines(w).write(report)
}
