package gateway

import (
	"context"
	"slices"
	"strings"

	"kancelaria/registry"
)

// unscannedBatch is how many entries are looked through at one look.
const unscannedBatch = 50

// unscanned shows the scanner what was registered while it was down. The first
// that it does not answer about ends the look: it is still down.
func (l *Late) unscanned(ctx context.Context) error {
	found, err := l.o.Book.Find(ctx, registry.Query{Of: registry.FindEntries, Flag: registry.FlagNotScanned, Limit: unscannedBatch})
	if err != nil {
		return err
	}
	for _, w := range found.Works {
		leaf := w.Leaf
		page, err := l.o.Book.Find(ctx, registry.Query{Of: registry.FindLine, Leaf: &leaf, Limit: 1})
		if err != nil {
			return err
		}
		if len(page.Leaves) == 0 {
			continue
		}
		line, ok := registration(page.Leaves[0])
		if !ok {
			continue // erased: nothing is left to be scanned
		}
		m := l.o.Screen.Scan(ctx, line.Draft.Arrival.Item)
		if m.State != registry.ScanClean && m.State != registry.ScanFound {
			return nil
		}
		if err := l.scanned(ctx, w, line, m); err != nil {
			return err
		}
	}
	return nil
}

// scanned records what the scanner said at last. Malware keeps what came with
// the entry locked, and those who might open it are told.
func (l *Late) scanned(ctx context.Context, w registry.Work, line registry.Line, m registry.Malware) error {
	o := l.o.Office()
	texts := registry.Catalogue(o.Language)
	f := Finding{Found: registry.Found{Kind: registry.FoundMalware, Malware: &m}}
	fields := map[string]string{registry.FieldDropFlags: string(registry.FlagNotScanned)}
	reason := texts.Say("finding.clean")
	var tell []string
	if m.State == registry.ScanFound {
		names := strings.Join(m.Names, ", ")
		f.Remark = Remark{Text: "remark.malware", Pairs: []string{"names", names}}
		fields[registry.FieldAddFlags] = string(registry.FlagMalware)
		reason = texts.Say("finding.malware", "names", names)
		tell = slices.Concat(l.concerned(w, nil), keepers(o, ""), administrators(o))
		slices.Sort(tell)
		tell = slices.DeleteFunc(slices.Compact(tell), func(login string) bool { return slices.Contains(w.HideFrom, login) })
	}
	act, err := recorded(registry.ActFinding, w.Number, f.Text, f, tell)
	if err != nil {
		return err
	}
	act.Fields = fields
	return l.submit(ctx, "finding/malware/"+line.Draft.Arrival.Item.ID.String(), reason, act)
}

// wantsSender says whose sender DNS did not tell of in time.
func (l *Late) wantsSender(a *registry.Arrival) bool {
	return a.Document.Auth.Late && l.o.Now().Sub(a.Item.AcceptedAt) < sendersFor
}

// sender asks DNS once more who wrote a letter. Without an answer it is asked
// again at a later look, so often as walk allows.
func (l *Late) sender(ctx context.Context, line registry.Line) error {
	a := line.Draft.Arrival
	auth := l.o.Screen.Authenticate(ctx, a.Item, a.Document)
	if auth.Late {
		return registry.ErrUnavailable
	}
	w, ok, err := l.entry(ctx, line.Outcome.Number)
	if err != nil || !ok {
		return err
	}
	o := l.o.Office()
	f := Finding{Found: registry.Found{Kind: registry.FoundSender, Auth: &auth}}
	fields := map[string]string{}
	var tell []string
	if auth.Verdict == registry.Forged {
		flags := []registry.Flag{registry.FlagForgedSender}
		tell = l.concerned(w, nil)
		if from := strings.ToLower(a.Document.Sender().Email); strings.HasSuffix(from, "@"+strings.ToLower(o.Domain)) {
			flags = append(flags, registry.FlagSpoofInternal)
			tell = slices.Concat(tell, administrators(o))
		}
		fields[registry.FieldAddFlags] = joinFlags(flags)
		f.Remark = Remark{Text: "remark.forged"}
	}
	act, err := recorded(registry.ActFinding, w.Number, f.Text, f, tell)
	if err != nil {
		return err
	}
	act.Fields = fields
	reason := registry.Catalogue(o.Language).Say("finding.sender", "verdict", registry.Catalogue(o.Language).Say("auth."+string(auth.Verdict)))
	return l.submit(ctx, "finding/sender/"+a.Item.ID.String(), reason, act)
}

// administrators are those who keep the machines.
func administrators(o *registry.Office) []string {
	var logins []string
	for login, c := range o.Clerks {
		if c.Has(registry.RoleAdmin) {
			logins = append(logins, login)
		}
	}
	slices.Sort(logins)
	return logins
}
