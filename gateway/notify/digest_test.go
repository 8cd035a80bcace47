package notify

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"kancelaria/gateway"
	"kancelaria/registry"
)

// heldBase is the leaf of the first thing that a watch says; the arrivals of
// these tests lie before and behind it.
const heldBase = 1000

func kept(leaf int64, disposition registry.Disposition, reason, accepted string) registry.ArrivalRow {
	return registry.ArrivalRow{Item: registry.ItemID{byte(leaf >> 8), byte(leaf)}, Leaf: leaf, Disposition: disposition, Reason: reason, AcceptedAt: at(accepted), Found: true}
}

func TestTheDeskGetsAListOfWhatWasKeptOut(t *testing.T) {
	spam := kept(900, registry.Quarantined, "spam", "2026-11-20 18:00")
	ad := kept(901, registry.Beside, "ad", "2026-11-21 10:00")
	for _, tt := range []struct {
		name     string
		arrivals []registry.ArrivalRow
		looks    []string
		want     []string // of each list: day, counts, lines
	}{
		{"nothing came", nil, []string{"2026-11-23 08:00"}, nil},
		{"of the weekend on Monday", []registry.ArrivalRow{ad, spam}, []string{"2026-11-22 09:00", "2026-11-23 07:00", "2026-11-23 08:00", "2026-11-23 09:00"}, []string{"2026-11-23 1+1: @reason.spam @reason.ad"}},
		{"the next day nothing is new", []registry.ArrivalRow{ad, spam}, []string{"2026-11-23 08:00", "2026-11-24 08:00"}, []string{"2026-11-23 1+1: @reason.spam @reason.ad"}},
		{"what is older than two weeks is known", []registry.ArrivalRow{kept(10, registry.Quarantined, "spam", "2026-10-01 09:00")}, []string{"2026-11-23 08:00"}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newDeskBook()
			b.arrivals = tt.arrivals
			for _, look := range tt.looks {
				w := NewWatch(b, b, watchOffice, WatchOptions{Now: func() time.Time { return at(look) }})
				if err := w.Look(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			var got []string
			for _, key := range b.order {
				if r, ok := gateway.RemarkOf(b.said[key].Act); ok && r.Text == "remark.held" {
					var lines []string
					for _, l := range r.List {
						lines = append(lines, l.Text)
					}
					got = append(got, r.Pairs[1]+" "+r.Pairs[3]+"+"+r.Pairs[5]+": "+strings.Join(lines, " "))
				}
			}
			if strings.Join(got, "|") != strings.Join(tt.want, "|") {
				t.Errorf("lists %q, want %q", got, tt.want)
			}
		})
	}
}

// What was kept out is described when the mail is written, and nothing of it
// stands in the line that orders the mail: it may be erased.
func TestTheListDescribesWhatIsStillThere(t *testing.T) {
	for _, tt := range []struct {
		name     string
		restrict bool
		erased   bool
		want     string
		never    string
	}{
		{"as it came", false, false, "prawdopodobnie spam: Mieszkanka <resident@poczta.example> – Wniosek o zezwolenie", ""},
		{"of a closed register only why", true, false, "prawdopodobnie spam", "Mieszkanka"},
		{"erased since", false, true, "prawdopodobnie spam", "Mieszkanka"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			book := newFakeBook()
			line := sampleLine(1)
			line.Draft.Arrival.Decision.Restricted = tt.restrict
			book.write(t, line, arrivedAt)
			p := newPress(book, sampleOffice, Options{Now: func() time.Time { return today }, From: "Kancelaria <kancelaria@aleksandrowo.example>"})
			if tt.erased {
				book.lines[line.Outcome.Leaf] = registry.LeafRow{Index: line.Outcome.Leaf}
			}
			book.first[registry.Number{}] = line.Outcome.Leaf // the fake looks by number only
			texts := registry.Catalogue("pl")
			lists, err := p.remarkLists(t.Context(), texts, []gateway.RemarkLine{{Group: "remark.held.quarantined", Number: registry.NewItemID(arrivedAt).String(), Text: "@reason.spam"}})
			if err != nil {
				t.Fatal(err)
			}
			said, err := json.Marshal(lists)
			if err != nil {
				t.Fatal(err)
			}
			text := strings.NewReplacer(`\u003c`, "<", `\u003e`, ">").Replace(string(said))
			if !strings.Contains(text, tt.want) || tt.never != "" && strings.Contains(text, tt.never) {
				t.Errorf("the list says %s, want %s and never %q", text, tt.want, tt.never)
			}
		})
	}
}
