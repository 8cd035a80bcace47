package gateway_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"kancelaria/gateway"
	"kancelaria/registry"
	"kancelaria/registry/storetest"
)

// A backroom is what a Late works with: a book in memory, and neighbours that
// say what they are told to.
type backroom struct {
	checker gateway.LateChecker
	*storetest.Memory
	now     time.Time
	texts   map[registry.ItemID]string
	reads   int
	readErr error
	malware registry.Malware
	auth    registry.Authentication
}

func newBackroom(t *testing.T, letters ...registry.Draft) *backroom {
	t.Helper()
	r := &backroom{now: storetest.Noon.Add(time.Hour), texts: map[registry.ItemID]string{}}
	r.Memory = storetest.NewMemory("aleksandrowo.example/ksiega", func() time.Time { return r.now })
	for _, d := range letters {
		if out, err := r.record(t.Context(), d); err != nil || out.Err() != nil {
			t.Fatal(err, out.Err())
		}
	}
	return r
}

func (r *backroom) record(ctx context.Context, d registry.Draft) (registry.Outcome, error) {
	d.At, d.On, d.Node, d.Salt = r.now, registry.DayOf(r.now, time.UTC), "n1", registry.Salt{1}
	out, err := r.Commit(ctx, []registry.Draft{d})
	if err != nil {
		return registry.Outcome{}, err
	}
	return out[0], nil
}

func (r *backroom) LateParts(doc registry.Document) bool { return doc.CountAttachments() > 0 }

func (r *backroom) Late(_ context.Context, it registry.Item) (gateway.LateText, error) {
	r.reads++
	return gateway.LateText{Text: r.texts[it.ID], Parts: []registry.TextFound{{Path: "2", By: "tesseract"}}}, r.readErr
}

func (r *backroom) Scan(context.Context, registry.Item) registry.Malware { return r.malware }

func (r *backroom) Authenticate(context.Context, registry.Item, registry.Document) registry.Authentication {
	return r.auth
}

// DecideAdmitted stands for rules: trees are of class 6131, and PESEL is noted.
func (r *backroom) DecideAdmitted(_ registry.Item, doc registry.Document, _ registry.Facts) registry.Decision {
	d := registry.Decision{Rules: []string{"szukaj"}, Flags: []registry.Flag{registry.FlagUnsigned}}
	if strings.Contains(doc.Own, "wycinkę") {
		d.Class, d.Department, d.Candidates = "6131", "OS", []string{"os1"}
	}
	if strings.Contains(doc.Own, "PESEL") {
		d.Flags = append(d.Flags, registry.FlagPersonalData)
	}
	return d
}

func (r *backroom) late() *gateway.Late {
	office := &registry.Office{
		Domain: "aleksandrowo.example", Language: "pl", Zone: time.UTC, Classes: map[string]registry.Class{"6131": {Symbol: "6131", Name: "Usuwanie drzew"}},
		Clerks: map[string]registry.Clerk{
			"os1": {Login: "os1", Name: "referent ds. zieleni"}, "pk1": {Login: "pk1", Roles: []registry.OfficeRole{registry.RoleDesk}},
			"adm": {Login: "adm", Roles: []registry.OfficeRole{registry.RoleAdmin}},
		},
	}
	return gateway.NewLate(gateway.LateOptions{
		Book: r, Record: r.record, Reader: r, Screen: r, Checker: r.checker, Rules: func() gateway.Admitting { return r },
		Office: func() *registry.Office { return office }, Node: "n1", Now: func() time.Time { return r.now },
	})
}

func (r *backroom) look(t *testing.T) {
	t.Helper()
	if err := r.late().Look(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func (r *backroom) entry(t *testing.T, seq int64) registry.Work {
	t.Helper()
	page, err := r.Find(t.Context(), registry.Query{Of: registry.FindEntry, Number: registry.Number{Register: "RPW", Year: 2026, Seq: seq}})
	if err != nil || len(page.Works) != 1 {
		t.Fatalf("entry %d: %v, %d of them", seq, err, len(page.Works))
	}
	return page.Works[0]
}

// events lists the kinds of events of an entry, without the registration, and
// who is told of each.
func (r *backroom) events(t *testing.T, seq int64) (list []string) {
	t.Helper()
	page, err := r.Find(t.Context(), registry.Query{Of: registry.FindEvents, Subject: r.entry(t, seq).Number.String()})
	if err != nil {
		t.Fatal(err)
	}
	for _, leaf := range page.Leaves[1:] {
		line, err := registry.ParseLine(leaf.Content)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, leaf.Type+" → "+strings.Join(line.Draft.Act.Tell, " "))
	}
	return list
}

func unclassified(d *registry.Draft) {
	d.Arrival.Decision = registry.Decision{Department: "OR", Queue: "PK", Flags: []registry.Flag{registry.FlagNeedsRouting}}
}

func TestLateTextIsAFindingAndMayBeAProposal(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		change     func(*registry.Draft)
		events     []string
		flags      string
	}{
		{"nothing to be read", "", unclassified, nil, "needs_routing"},
		{"a text that says nothing to the rules", "Pozdrowienia", unclassified, []string{"finding → "}, "needs_routing"},
		{"a text that gives a class", "Proszę o wycinkę", unclassified, []string{"finding → ", "proposed → pk1"}, "needs_routing"},
		{"a class that is there stays", "Proszę o wycinkę", nil, []string{"finding → "}, ""},
		{"a flag more is set, and the clerk told", "PESEL", nil, []string{"finding → ", "proposed → os1"}, "personal_data"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			letter := storetest.Letter(1)
			if tt.change != nil {
				tt.change(&letter)
			}
			r := newBackroom(t, letter)
			r.texts[letter.Arrival.Item.ID] = tt.text
			before := r.entry(t, 1)
			r.look(t)
			r.look(t)
			if got := r.events(t, 1); !slices.Equal(got, tt.events) {
				t.Errorf("events %q, want %q", got, tt.events)
			}
			after := r.entry(t, 1)
			var flags []string
			for _, f := range after.Flags {
				flags = append(flags, string(f))
			}
			if strings.Join(flags, " ") != tt.flags || after.Class != before.Class || after.Status != before.Status || after.Clerk != before.Clerk || after.LastLeaf != before.LastLeaf {
				t.Errorf("entry became %+v with flags %q, want flags %q and the rest as it was", after, flags, tt.flags)
			}
			if r.reads != 1 {
				t.Errorf("it was read %d times", r.reads)
			}
			if tt.text == "" {
				return
			}
			notes, err := r.Find(t.Context(), registry.Query{Of: registry.FindNotes, NoteKind: gateway.LateTextNote, Key: letter.Arrival.Item.ID.String()})
			if err != nil || len(notes.Notes) != 1 {
				t.Fatal("the text was not kept for search", err)
			}
			if text, err := gateway.UnpackText(notes.Notes[0].Value); err != nil || text != tt.text {
				t.Errorf("kept %q, %v", text, err)
			}
		})
	}
}

func TestLateReadingGoesOnWhereItStopped(t *testing.T) {
	r := newBackroom(t, storetest.Letter(1), storetest.Letter(2), storetest.Letter(3))
	for n := range 3 {
		r.texts[storetest.Item(n+1)] = "Pozdrowienia"
	}
	r.readErr = errors.New("the archive is away")
	for range 3 { // each look is a start: what stopped is what always stops
		if err := r.late().Look(t.Context()); err == nil {
			t.Fatal("nothing was reported")
		}
	}
	if got := r.events(t, 1); len(got) != 0 {
		t.Fatalf("a finding of what could not be read: %q", got)
	}
	r.readErr, r.reads = nil, 0
	r.look(t)
	if first, second, third := r.events(t, 1), r.events(t, 2), r.events(t, 3); len(first) != 0 || len(second) != 1 || len(third) != 1 || r.reads != 2 {
		t.Errorf("after three attempts at the first the others are read: %q, %q, %q, %d reads", first, second, third, r.reads)
	}
	// A mark that was lost costs a repetition and no second finding.
	if err := r.Keep(t.Context(), []registry.Note{{Kind: "late", Key: "text"}}); err != nil {
		t.Fatal(err)
	}
	r.look(t)
	if got := r.events(t, 2); len(got) != 1 || r.reads != 5 {
		t.Errorf("read again: %q, %d reads", got, r.reads)
	}
}

func TestOnlyOneGatewayLooks(t *testing.T) {
	r := newBackroom(t, storetest.Letter(1))
	if _, err := r.Lease(t.Context(), "late", "n2", time.Hour, ""); err != nil {
		t.Fatal(err)
	}
	r.look(t)
	if r.reads != 0 {
		t.Error("two gateways look at the same letters")
	}
	r.now = r.now.Add(2 * time.Hour)
	if r.look(t); r.reads != 1 {
		t.Error("nobody looks when the other is gone")
	}
}

func notScanned(d *registry.Draft) {
	d.Arrival.Document.Malware.State = registry.ScanNot
	d.Arrival.Document.Flags = []registry.Flag{registry.FlagNotScanned}
}

func TestWhatWasNotScannedIsScannedWhenTheScannerIsBack(t *testing.T) {
	for _, tt := range []struct {
		name   string
		says   registry.Malware
		events []string
		locked registry.Flag
	}{
		{"still down", registry.Malware{State: registry.ScanNot}, nil, registry.FlagNotScanned},
		{"clean", registry.Malware{State: registry.ScanClean}, []string{"finding → "}, ""},
		{"infected", registry.Malware{State: registry.ScanFound, Names: []string{"Eicar-Test-Signature"}}, []string{"finding → adm os1 pk1"}, registry.FlagMalware},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newBackroom(t, storetest.Letter(1, notScanned))
			r.malware = tt.says
			r.look(t)
			r.look(t)
			if got := r.events(t, 1); !slices.Equal(got, tt.events) {
				t.Errorf("events %q, want %q", got, tt.events)
			}
			if got := registry.Locked(r.entry(t, 1).Flags); got != tt.locked {
				t.Errorf("locked by %q, want %q", got, tt.locked)
			}
		})
	}
}

func TestSendersAreCheckedWhenDNSIsBack(t *testing.T) {
	late := func(d *registry.Draft) {
		d.Arrival.Document.Auth = registry.Authentication{Verdict: registry.Unchecked, Late: true}
		d.Arrival.Document.Attachments = nil
	}
	fromUs := func(d *registry.Draft) {
		d.Arrival.Document.From = []registry.Address{{Email: "bm@aleksandrowo.example"}}
	}
	for _, tt := range []struct {
		name    string
		changes []func(*registry.Draft)
		says    registry.Authentication
		after   time.Duration
		events  []string
		flags   []registry.Flag
	}{
		{"confirmed", []func(*registry.Draft){late}, registry.Authentication{Verdict: registry.Confirmed}, 0, []string{"finding → "}, nil},
		{"forged", []func(*registry.Draft){late}, registry.Authentication{Verdict: registry.Forged}, 0, []string{"finding → os1"}, []registry.Flag{registry.FlagForgedSender}},
		{"forged as one of us", []func(*registry.Draft){late, fromUs}, registry.Authentication{Verdict: registry.Forged}, 0, []string{"finding → os1 adm"}, []registry.Flag{registry.FlagForgedSender, registry.FlagSpoofInternal}},
		{"after a day it stays as it is", []func(*registry.Draft){late}, registry.Authentication{Verdict: registry.Forged}, 25 * time.Hour, nil, nil},
		{"who was checked in time is not asked about", nil, registry.Authentication{Verdict: registry.Forged}, 0, nil, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newBackroom(t, storetest.Letter(1, tt.changes...))
			r.now, r.auth = r.now.Add(tt.after), tt.says
			r.look(t)
			if got := r.events(t, 1); !slices.Equal(got, tt.events) {
				t.Errorf("events %q, want %q", got, tt.events)
			}
			if got := r.entry(t, 1).Flags; !slices.Equal(got, tt.flags) {
				t.Errorf("flags %q, want %q", got, tt.flags)
			}
		})
	}
}

func TestASilentResolverIsAskedAgain(t *testing.T) {
	r := newBackroom(t, storetest.Letter(1, func(d *registry.Draft) { d.Arrival.Document.Auth.Late = true }))
	r.auth = registry.Authentication{Verdict: registry.Unchecked, Late: true}
	if err := r.late().Look(t.Context()); !errors.Is(err, registry.ErrUnavailable) {
		t.Fatal(err)
	}
	r.auth = registry.Authentication{Verdict: registry.Confirmed}
	r.look(t)
	if got := r.events(t, 1); len(got) != 1 {
		t.Errorf("events %q", got)
	}
}
