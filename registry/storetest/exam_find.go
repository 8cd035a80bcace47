package storetest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"kancelaria/registry"
)

// town writes the same varied book into a store and into the model.
func town(t *testing.T, x *exam) *Memory {
	model := NewMemory(origin, nil)
	var drafts []registry.Draft
	for n := range 24 {
		drafts = append(drafts, Letter(n, func(d *registry.Draft) {
			switch n % 6 {
			case 1:
				d.Arrival.Decision.Department, d.Arrival.Decision.Class, d.Arrival.Decision.Candidates = "OR", "1431", nil
			case 2:
				d.Arrival.Item.Register, d.Arrival.Decision.Restricted, d.Arrival.Decision.Readers = "ZS", true, []string{"or1"}
			case 3:
				d.Arrival.Disposition, d.Arrival.Reason = registry.Quarantined, "spam"
			case 4:
				d.Arrival.Decision.CasePolicy, d.Arrival.Decision.HideFrom = registry.CaseAtOnce, []string{"os2"}
			case 5:
				d.Arrival.Decision.Flags, d.Arrival.ToComplete = []registry.Flag{registry.FlagKPA63}, true
			}
		}))
	}
	for i, a := range []registry.Act{
		{Kind: registry.ActAccept, Subject: "1/2026"},
		{Kind: registry.ActJoinCase, Subject: "2/2026", To: "K-RPW-000001-2026"},
		{Kind: registry.ActClose, Subject: "5/2026"},
		{Kind: registry.ActAnnul, Subject: "6/2026"},
		{Kind: registry.ActOpenCase, Subject: "7/2026"},
		{Kind: registry.ActHandover, Subject: "os1", To: "or1"},
	} {
		drafts = append(drafts, Act(fmt.Sprint("town", i), 10+i, "os1", a))
	}
	for from := 0; from < len(drafts); from += 7 {
		batch := drafts[from:min(from+7, len(drafts))]
		x.commit(batch...)
		if _, err := model.Commit(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
	}
	return model
}

func questions(t *testing.T, x *exam) {
	model := town(t, x)
	leaf := int64(3)
	soon := Noon.Add(10 * time.Millisecond)
	for _, q := range []registry.Query{
		{Of: registry.FindEntries},
		{Of: registry.FindEntries, Register: "ZS"},
		{Of: registry.FindEntries, Department: "OR", Class: "1431"},
		{Of: registry.FindEntries, Clerk: "or1", Open: true},
		{Of: registry.FindEntries, Status: registry.StatusToComplete},
		{Of: registry.FindEntries, Flag: registry.FlagKPA63, Year: 2026},
		{Of: registry.FindEntries, Flag: "kpa63"},
		{Of: registry.FindEntries, Since: soon},
		{Of: registry.FindEntries, Until: soon},
		{Of: registry.FindEntries, Case: "OS.6131.1.2026"},
		{Of: registry.FindEntries, Year: 2025},
		{Of: registry.FindEntry, Number: registry.Number{Register: "RPW", Year: 2026, Seq: 3}},
		{Of: registry.FindEntry, Item: Item(4)},
		{Of: registry.FindEntry, Item: Item(3)},
		{Of: registry.FindEntry, Key: "act/town0"},
		{Of: registry.FindEntry, Key: "none"},
		{Of: registry.FindCaseEntries, Folder: "K-RPW-000001-2026"},
		{Of: registry.FindCaseEntries, Case: "OS.6131.2.2026"},
		{Of: registry.FindCaseEntries},
		{Of: registry.FindNumbers},
		{Of: registry.FindNumbers, Number: registry.Number{Register: "RPW", Year: 2026, Seq: 5}},
		{Of: registry.FindDue},
		{Of: registry.FindDue, DueUntil: registry.Day{Year: 2026, Month: 12, Day: 24}, Department: "OS"},
		{Of: registry.FindLine, Leaf: &leaf},
		{Of: registry.FindLine, Number: registry.Number{Register: "ZS", Year: 2026, Seq: 1}},
		{Of: registry.FindLine, Key: "act/town5"},
		{Of: registry.FindLine},
		{Of: registry.FindEvents, Subject: "RPW-000001-2026"},
		{Of: registry.FindEvents, Subject: "os1"},
		{Of: registry.FindEvents, Subject: "K-RPW-000002-2026"},
		{Of: registry.FindArrivals},
		{Of: registry.FindArrivals, Disposition: registry.Quarantined},
		{Of: registry.FindArrivals, Items: []registry.ItemID{Item(1), Item(3), Item(999)}},
		{Of: registry.FindFolders},
		{Of: registry.FindFolders, Class: "6131", State: registry.FolderOpen},
		{Of: registry.FindFolders, Case: "OS.6131.1.2026"},
		{Of: registry.FindFolders, Department: "OS", Year: 2026},
		{Of: registry.FindOutbox},
		{Of: registry.FindOutbox, State: registry.OutboxReady, Number: registry.Number{Register: "RPW", Year: 2026, Seq: 1}},
		{Of: registry.FindOutbox, Recipient: "os2"},
		{Of: registry.FindMessage, MessageID: "7@poczta.example"},
		{Of: registry.FindSender, Sender: sender(2)},
		{Of: registry.FindSeries},
		{Of: registry.FindBalances},
		{Of: registry.FindCounters},
	} {
		for _, viewer := range []*registry.Viewer{
			nil, {Login: "os1"}, {Login: "os2"}, {Login: "or1"}, {Login: "sg1", Registers: []string{"ZS"}}, {Login: "burmistrz", Unlimited: true}, {},
		} {
			q.Viewer = viewer
			compare(t, x.Store, model, q)
		}
	}
	if _, err := x.Find(t.Context(), registry.Query{Of: registry.FindEntries, After: "no mark"}); err == nil {
		t.Error("a mark that no page gave is taken")
	}
}

// compare asks both stores, in small pages, and compares what they answer.
func compare(t *testing.T, s, model registry.Store, q registry.Query) {
	t.Helper()
	have, want := all(t, s, q), all(t, model, q)
	if !bytes.Equal(have, want) {
		v := "everybody"
		if q.Viewer != nil {
			v = fmt.Sprintf("%+v", *q.Viewer)
		}
		got, must := difference(have, want)
		t.Errorf("%s for %s (%+v):\ngot  %s\nwant %s", q.Of, v, q, got, must)
	}
}

// difference gives the first lines in which two answers differ.
func difference(a, b []byte) (x, y []byte) {
	as, bs := bytes.Split(a, []byte("\n")), bytes.Split(b, []byte("\n"))
	for i := range min(len(as), len(bs)) {
		if !bytes.Equal(as[i], bs[i]) {
			return as[i], bs[i]
		}
	}
	return a, b
}

// all reads all pages of an answer as JSON, without what stores may choose.
func all(t *testing.T, s registry.Store, q registry.Query) []byte {
	t.Helper()
	var out bytes.Buffer
	q.Limit = 3
	for pages := 0; ; pages++ {
		page, err := s.Find(t.Context(), q)
		if err != nil {
			t.Fatalf("find %+v: %v", q, err)
		}
		if len(page.Works)+len(page.Leaves)+len(page.Arrivals)+len(page.Folders)+len(page.Outbox)+len(page.Notes) > q.Limit {
			t.Errorf("%s: a page of more than %d rows", q.Of, q.Limit)
		}
		for _, row := range rowsOf(page) {
			b, err := json.Marshal(row)
			if err != nil {
				t.Fatal(err)
			}
			out.Write(bytes.ReplaceAll(b, []byte("null"), []byte("[]")))
			out.WriteByte('\n')
		}
		if q.After = page.Next; q.After == "" || pages > 100 {
			return out.Bytes()
		}
	}
}

func rowsOf(p registry.Page) []any {
	var rows []any
	add := func(n int, at func(int) any) {
		for i := range n {
			rows = append(rows, at(i))
		}
	}
	add(len(p.Works), func(i int) any { return p.Works[i] })
	add(len(p.Leaves), func(i int) any { return p.Leaves[i] })
	add(len(p.Arrivals), func(i int) any { return p.Arrivals[i] })
	add(len(p.Folders), func(i int) any { return p.Folders[i] })
	add(len(p.Series), func(i int) any { return p.Series[i] })
	add(len(p.Outbox), func(i int) any { return p.Outbox[i] })
	add(len(p.Balances), func(i int) any { return p.Balances[i] })
	if len(p.Counters) > 0 {
		sum := int64(0)
		for _, n := range p.Counters {
			sum += n
		}
		rows = append(rows, len(p.Counters), sum)
	}
	return rows
}

func restriction(t *testing.T, x *exam) {
	town(t, x)
	for _, tt := range []struct {
		who  registry.Viewer
		want int // of the four entries of ZS
	}{
		{registry.Viewer{Login: "us1"}, 0},
		{registry.Viewer{Login: "or1"}, 4},
		{registry.Viewer{Login: "us1", Registers: []string{"ZS"}}, 4},
		{registry.Viewer{Login: "burmistrz", Unlimited: true}, 4},
	} {
		q := registry.Query{Of: registry.FindEntries, Register: "ZS", Viewer: &tt.who}
		if n := len(x.find(q).Works); n != tt.want {
			t.Errorf("%+v sees %d restricted entries, want %d", tt.who, n, tt.want)
		}
	}
	hidden := registry.Viewer{Login: "os2", Unlimited: true}
	for _, w := range x.find(registry.Query{Of: registry.FindEntries, Viewer: &hidden}).Works {
		for _, login := range w.HideFrom {
			if login == "os2" {
				t.Errorf("%s shows itself to whom it is about", w.Number)
			}
		}
	}
}

func search(t *testing.T, x *exam) {
	x.written(Letter(0), Letter(1), Letter(2, func(d *registry.Draft) { d.Arrival.Decision.Restricted = true }))
	number := func(seq int64) registry.Number { return registry.Number{Register: "RPW", Year: 2026, Seq: seq} }
	err := x.Index(t.Context(), []registry.Text{
		{Number: number(1), Words: registry.Fold("Wniosek o wycink\u0119 drzew, ul. Z\u0142ota 3")},
		{Number: number(2), Words: registry.Fold("Skarga na ha\u0142as w \u0141odzi")},
		{Number: number(3), Words: registry.Fold("zg\u0142oszenie: z\u0142oto, drzewa")},
		{Number: number(99), Words: "nothing"},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		words []string
		who   *registry.Viewer
		want  []int64
	}{
		{[]string{"zlot*"}, nil, []int64{3, 1}},
		{[]string{"zlot*"}, &registry.Viewer{Login: "or1"}, []int64{1}},
		{[]string{"lodzi"}, nil, []int64{2}},
		{[]string{"drzew"}, nil, []int64{1}},
		{[]string{"drzew*", "wycinke"}, nil, []int64{1}},
		{[]string{"nothing"}, nil, nil},
		{[]string{`"`, "'); DROP TABLE leaf; --"}, nil, nil},
		{nil, nil, nil},
	} {
		var got []int64
		for _, w := range x.find(registry.Query{Of: registry.FindSearch, Words: tt.words, Viewer: tt.who}).Works {
			got = append(got, w.Number.Seq)
		}
		if fmt.Sprint(got) != fmt.Sprint(tt.want) {
			t.Errorf("%q finds %v, want %v", tt.words, got, tt.want)
		}
	}
	if err := x.Index(t.Context(), []registry.Text{{Number: number(1), Words: "inne"}}); err != nil {
		t.Fatal(err)
	}
	if n := len(x.find(registry.Query{Of: registry.FindSearch, Words: []string{"wycinke"}}).Works); n != 0 {
		t.Error("an old text is still found")
	}
}
