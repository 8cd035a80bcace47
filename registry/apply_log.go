package registry

import (
	"strings"
)

// officeSubject is the subject of what concerns the office as a whole.
const officeSubject = "office"

// decideLost: a leaf that is lost is only written down by whoever builds the
// book again, at its place. Nobody asks for it.
func decideLost(*fold, *Line) error {
	return refuse("that a leaf is lost is written down by building the book again, not by asking for it")
}

// decideLog lets the ledger go on under another name: what was signed under
// the old one is not continued. Fields["origin"] is the new name; the law adds
// the old one, and where it ends.
func decideLog(f *fold, l *Line) error {
	act := l.Draft.Act
	origin := act.Fields["origin"]
	switch {
	case act.Subject != officeSubject:
		return refuse("the ledger is the office's: its subject is %q", officeSubject)
	case origin == "" || len(origin) > 200 || strings.ContainsFunc(origin, func(r rune) bool { return r <= ' ' || r == '+' || r > '~' }):
		return refuse("%.60q cannot name a ledger", origin)
	case origin == f.head.Origin:
		return forbid("the ledger is named %s already", origin)
	}
	fields := map[string]string{"origin": origin, "names": f.head.Origin}
	for _, name := range []string{"lacking", "from", "root"} {
		if v := act.Fields[name]; v != "" {
			fields[name] = v
		}
	}
	act.Fields = fields
	return nil
}

func enterLog(f *fold, l Line) {
	if origin := l.Draft.Act.Fields["origin"]; origin != "" {
		f.head.Origin = origin
	}
}
