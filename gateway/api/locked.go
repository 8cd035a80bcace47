package api

import (
	"fmt"
	"net/http"
	"strings"

	"kancelaria/registry"
)

// unlock lets somebody open what came with an entry. Where malware was found,
// or nobody has looked for it yet, that takes a reason, which is in the book
// before the first byte is handed out; each time anew.
func (a *API) unlock(r *http.Request, work registry.Work, path string) error {
	var why string
	switch registry.Locked(work.Flags) {
	case "":
		return nil
	case registry.FlagMalware:
		why = "malware was found in it"
	default:
		why = "nobody has looked for malware in it yet"
	}
	reason := strings.TrimSpace(r.FormValue("reason"))
	if reason == "" {
		return fmt.Errorf("%w: what came with %s is locked: %s; if you must open it, say why with --reason, which is recorded", registry.ErrRefused, work.Number, why)
	}
	who, err := a.actor(r.Context(), r.FormValue("by"))
	if err != nil {
		return err
	}
	out, err := a.Acts.Act(r.Context(), who, registry.Act{Kind: registry.ActUnlock, Subject: work.Number.String(), To: path}, nil, reason)
	if err == nil {
		err = out.Err()
	}
	return err
}
