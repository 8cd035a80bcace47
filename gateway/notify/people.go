package notify

import (
	"slices"

	"kancelaria/registry"
)

// away reports whether a clerk is set absent on a day, with the deputies for it.
func away(c registry.Clerk, day registry.Day) (deputies []string, absent bool) {
	for _, a := range c.Absences {
		if len(a.Classes) == 0 && !day.Before(a.From) && !a.To.Before(day) {
			absent = true
			deputies = append(deputies, a.Deputies...)
		}
	}
	if len(deputies) == 0 {
		deputies = c.Deputies
	}
	return deputies, absent
}

// present gives a clerk, or whoever stands in for them on a day; a clerk
// without a deputy who is there keeps it.
func present(o *registry.Office, login string, day registry.Day) string {
	seen := map[string]bool{}
	for at := login; !seen[at]; {
		seen[at] = true
		deputies, absent := away(o.Clerks[at], day)
		if !absent {
			return at
		}
		next := slices.IndexFunc(deputies, func(d string) bool { _, known := o.Clerks[d]; return known && !seen[d] })
		if next < 0 {
			return login
		}
		at = deputies[next]
	}
	return login
}

// deputy gives who stands in for a clerk although they are there: the first
// deputy who is.
func deputy(o *registry.Office, login string, day registry.Day) string {
	deputies, _ := away(o.Clerks[login], day)
	for _, d := range deputies {
		if _, known := o.Clerks[d]; !known || d == login {
			continue
		}
		if _, absent := away(o.Clerks[d], day); !absent {
			return d
		}
	}
	return ""
}

// holders are the clerks with a role, sorted.
func holders(o *registry.Office, role registry.OfficeRole) []string {
	var logins []string
	for _, login := range sortedKeys(o.Clerks) {
		if o.Clerks[login].Has(role) {
			logins = append(logins, login)
		}
	}
	return logins
}
