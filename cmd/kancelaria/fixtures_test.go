package main

import (
	"cmp"
	"fmt"
	"io"
	"mime/quotedprintable"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"kancelaria/registry"
	"kancelaria/testenv"
)

// The letters of the town go their whole way, on both books: from the spool
// through reader, screen, rules and book to the mails in people's boxes.
func TestLettersOfTheTown(t *testing.T) {
	t.Run("SQLite", func(t *testing.T) { playTown(t, "") })
	t.Run("PostgreSQL", func(t *testing.T) { playTown(t, testenv.Postgres(t).NewDatabase(t)) })
}

func TestEveryFixtureIsPlayedOrNamedAsPending(t *testing.T) {
	for n := 1; n <= 64; n++ {
		id := fmt.Sprintf("F%02d", n)
		played := slices.ContainsFunc(letters(), func(r row) bool { return strings.HasPrefix(r.id, id) })
		_, named := pending[id]
		if played == named {
			t.Errorf("%s: played %t, pending %t", id, played, named)
		}
	}
}

// A played row is a letter that has arrived.
type played struct {
	row
	town  *town
	at    time.Time
	item  registry.Item
	bytes []byte
	found registry.ArrivalRow
	line  registry.Line
	clerk string
}

func (p *played) number() string { return p.found.Number.String() }

func playTown(t *testing.T, dsn string) {
	w := newTown(t, dsn)
	rows := letters()
	at := map[string]time.Time{}
	for _, r := range rows {
		at[r.id] = r.time(t, w.zone())
	}
	slices.SortStableFunc(rows, func(a, b row) int { return at[a.id].Compare(at[b.id]) })
	all := map[string]*played{}
	for i, r := range rows {
		if i == len(rows)/2 { // a restart changes nothing
			w.deliver()
			w.close()
			w.open()
		}
		p := w.arrive(r, at[r.id], all)
		all[r.id] = p
		if p.play != nil {
			p.play(p)
		}
	}
	for _, r := range rows {
		if p := all[r.id]; p.finally != nil {
			p.finally(p)
		}
	}
	w.set(w.clock().Add(time.Hour)) // what was held back is sent
	w.deliver()
	for _, r := range rows {
		t.Run(r.id, func(t *testing.T) { all[r.id].check(t, all) })
	}
	t.Run("cross-checks", func(t *testing.T) { w.crossCheck(t, all) })
	w.close()
	var said strings.Builder
	if code := run([]string{"-c", filepath.Join(w.dir, "kancelaria.yaml"), "verify", "--full"}, strings.NewReader(""), &said, &said); code != 0 {
		t.Errorf("verify: exit code %d\n%s", code, said.String())
	}
}

func (w *town) zone() *time.Location { return w.cfg.Zone }

// time reads the local time of a row.
func (r row) time(t *testing.T, zone *time.Location) time.Time {
	text, second := strings.CutSuffix(r.at, " CET")
	at, err := time.ParseInLocation("2006-01-02 15:04:05", text, zone)
	if err != nil {
		t.Fatal(err)
	}
	if second { // of the hour that comes twice, the later one
		return time.Date(at.Year(), at.Month(), at.Day(), at.Hour(), at.Minute(), at.Second(), 0, time.FixedZone("CET", 3600))
	}
	if early := at.Add(-time.Hour); early.In(zone).Format(time.DateTime) == text {
		return early
	}
	return at
}

// arrive hands a row in as its door would.
func (w *town) arrive(r row, at time.Time, before map[string]*played) *played {
	w.t.Helper()
	w.set(at)
	p := &played{row: r, town: w, at: at}
	p.item = registry.Item{Door: cmp.Or(r.door, registry.DoorSMTP), Register: "RPW", AcceptedAt: at.UTC(), Original: registry.Original{MediaType: "message/rfc822"}}
	p.item.Peer = cmp.Or(r.peer, townsfolkSend) + ":4000"
	from := r.sender()
	switch r.mailFrom {
	case "":
	case "<>":
		from = ""
	default:
		from = r.mailFrom
	}
	p.item.Recipients = strings.Fields(r.to)
	p.item.Envelope = &registry.Envelope{Helo: "poczta.example", MailFrom: from, Recipients: p.item.Recipients}
	if r.item != nil {
		r.item(&p.item)
	}
	if p.item.Door.IsMail() {
		p.bytes = w.filled(r.letter(), before)
	} else {
		p.bytes = fileOf("page.pdf", cmp.Or(r.same, r.id))
	}
	p.found = w.put(p.item, p.bytes)
	p.line = w.lineOf("item/" + p.found.Item.String())
	if p.line.Draft.Arrival != nil && p.found.Disposition == registry.Registered {
		p.clerk = w.entry(p.found.Number).Clerk
	}
	if p.item.Door.IsMail() {
		w.again(p)
	}
	return p
}

var place = regexp.MustCompile(`\{(reply|receipt) (\w+)\}`)

// filled writes into a letter the Message-ID of the receipt that it answers.
func (w *town) filled(letter []byte, before map[string]*played) []byte {
	return place.ReplaceAllFunc(letter, func(m []byte) []byte {
		parts := place.FindSubmatch(m)
		id := w.receiptOf(before[string(parts[2])])
		if string(parts[1]) == "reply" {
			return []byte("In-Reply-To: " + id + "\r\n")
		}
		return []byte(id)
	})
}

var messageIDLine = regexp.MustCompile(`(?mi)^Message-ID: *(<[^>\r\n]+>)`)

// receiptOf gives the Message-ID of the receipt that a sender got.
func (w *town) receiptOf(p *played) string {
	w.t.Helper()
	w.deliver()
	for _, m := range w.mailsTo(p.sender()) {
		if id := messageIDLine.FindStringSubmatch(m); id != nil {
			return id[1]
		}
	}
	w.t.Fatalf("%s got no receipt", p.sender())
	return ""
}

// again hands the same letter in once more, as a server does that did not
// learn that it was taken: by another way, a moment later.
func (w *town) again(p *played) {
	w.t.Helper()
	w.set(w.clock().Add(100 * time.Microsecond))
	head, err := w.h.book.Head(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	it := p.item
	found := w.put(it, append([]byte("Received: from relay.example\r\n\tby mx.example; Mon, 23 Nov 2026 09:00:00 +0100\r\n"), p.bytes...))
	after, err := w.h.book.Head(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	if found.Number != p.found.Number || found.First.IsZero() || after.Size > head.Size+1 {
		w.t.Errorf("%s handed in again became %s %s, first %s, %d leaves", p.id, found.Disposition, found.Number, found.First, after.Size-head.Size)
	}
}

func (w *town) lineOf(key string) registry.Line {
	w.t.Helper()
	page, err := w.h.book.Find(w.t.Context(), registry.Query{Of: registry.FindLine, Key: key, Limit: 1})
	if err != nil || len(page.Leaves) == 0 {
		w.t.Fatalf("no line %s: %v", key, err)
	}
	line, err := registry.LineOf(page.Leaves[0])
	if err != nil {
		w.t.Fatal(err)
	}
	return line
}

func (w *town) entry(n registry.Number) registry.Work {
	w.t.Helper()
	page, err := w.h.book.Find(w.t.Context(), registry.Query{Of: registry.FindEntry, Number: n, Limit: 1})
	if err != nil || len(page.Works) == 0 {
		w.t.Fatalf("no entry %s: %v", n, err)
	}
	return page.Works[0]
}

func (p *played) release(login, reason string) registry.Outcome {
	p.town.t.Helper()
	out, err := acts{p.town.h}.Release(p.town.t.Context(), registry.Actor{Login: login}, p.found.Item, reason)
	if err == nil {
		err = out.Err()
	}
	if err != nil {
		p.town.t.Fatalf("releasing %s: %v", p.id, err)
	}
	return out
}

func (p *played) due(login, day string) {
	p.town.t.Helper()
	d, err := registry.ParseDay(day)
	if err != nil {
		p.town.t.Fatal(err)
	}
	p.town.act(login, registry.Act{Kind: registry.ActDue, Subject: p.number(), Deadline: &registry.Deadline{Raw: d, Due: d, Basis: "termin z pisma"}}, "termin z pisma")
}

func hasFlag(flags []registry.Flag, f registry.Flag) bool { return slices.Contains(flags, f) }

// shortTerm writes code and due day, then the hour or a careful day that
// differs.
func shortTerm(d registry.Deadline, zone *time.Location) string {
	if d.Raw.IsZero() {
		return ""
	}
	out := d.Code + " " + d.Due.String()
	switch {
	case !d.At.IsZero():
		out += " " + d.At.In(zone).Format("15:04")
	case d.Raw != d.Due:
		out += " " + d.Raw.String()
	}
	return out
}

// check compares what became of a row with what the table says.
func (p *played) check(t *testing.T, all map[string]*played) {
	want := cmp.Or(p.disposition, registry.Registered)
	if p.found.Disposition != want || p.disposition != registry.Redelivered && p.found.Reason != p.reason {
		t.Fatalf("became %s %q, want %s %q", p.found.Disposition, p.found.Reason, want, p.reason)
	}
	if want == registry.Redelivered {
		if first := all[p.same]; p.found.Number != first.found.Number {
			t.Errorf("repeats %s, want %s", p.found.Number, first.found.Number)
		}
		return
	}
	a := p.line.Draft.Arrival
	if got := a.Receipt; got.Send != (p.receipt == "") || got.Reason != p.receipt {
		t.Errorf("receipt %+v, want the reason %q", got, p.receipt)
	}
	if a.Receipt.Send && a.Receipt.Variant != cmp.Or(p.variant, registry.ReceiptStandard) {
		t.Errorf("receipt %q, want %q", a.Receipt.Variant, p.variant)
	}
	var names []string
	for _, at := range a.Document.Attachments {
		if at.Role == registry.RoleAttachment {
			names = append(names, at.Name)
		}
	}
	if p.names != "" && strings.Join(names, " ") != p.names {
		t.Errorf("attachments %q, want %s", names, p.names)
	}
	flags := registry.AddFlags(slices.Clone(a.Decision.Flags), p.line.Outcome.Flags...)
	if want == registry.Registered {
		flags = p.checkEntry(t, all)
	}
	for _, f := range strings.Fields(p.flags) {
		if !hasFlag(flags, registry.Flag(f)) {
			t.Errorf("no flag %s in %v", f, flags)
		}
	}
	for _, f := range strings.Fields(p.not) {
		if hasFlag(flags, registry.Flag(f)) {
			t.Errorf("flag %s should not be there", f)
		}
	}
	p.checkTold(t)
}

// checkEntry compares the entry as it stands in the end.
func (p *played) checkEntry(t *testing.T, all map[string]*played) []registry.Flag {
	w := p.town.entry(p.found.Number)
	clerk := w.Clerk
	if clerk == "" {
		clerk = p.line.Draft.Arrival.Decision.Queue
	}
	joined, duplicate := "", ""
	for id, other := range all {
		if id != p.id && !w.OwnFolder && other.found.Disposition == registry.Registered && w.Folder == other.found.Number.Folder() {
			joined = id
		}
		if w.DuplicateOf != "" && w.DuplicateOf == other.found.Number.String() && other.disposition == "" {
			duplicate = id
		}
	}
	year := p.year
	if year == 0 {
		year = p.at.In(p.town.zone()).Year()
	}
	for _, c := range []struct {
		what      string
		got, want any
	}{
		{"class", w.Class, p.class},
		{"clerk", clerk, p.row.clerk},
		{"deadline", shortTerm(w.Deadline, p.town.zone()), p.deadline},
		{"title", cmp.Or(p.title, w.Title), w.Title},
		{"year", w.Number.Year, year},
		{"joined folder of", joined, p.join},
		{"possible duplicate of", duplicate, p.duplicate},
		{"suggestion", w.Suggestion, p.suggest},
		{"hidden from", strings.Join(w.HideFrom, " "), p.hidden},
		{"accepted at", w.AcceptedAt.UnixMicro(), p.at.UnixMicro()},
	} {
		if c.got != c.want {
			t.Errorf("%s: got %v, want %v", c.what, c.got, c.want)
		}
	}
	return slices.Clone(w.Flags)
}

// checkTold compares who has a notice of the arrival.
func (p *played) checkTold(t *testing.T) {
	if p.told == "" {
		return
	}
	page, err := p.town.h.book.Find(t.Context(), registry.Query{Of: registry.FindOutbox, Limit: 10_000})
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	for _, row := range page.Outbox {
		if row.Leaf == p.line.Outcome.Leaf && row.Kind == registry.OutboxNotice && row.Recipient != p.clerk {
			told = append(told, row.Recipient)
		}
	}
	slices.Sort(told)
	if got := strings.Join(told, " "); got != strings.TrimPrefix(p.told, "-") {
		t.Errorf("told %q, want %s", got, p.told)
	}
}

// crossCheck looks at the whole: what no single row shows.
func (w *town) crossCheck(t *testing.T, all map[string]*played) {
	w.checkReceipts(t)
	w.checkSecrets(t, all)
	if f17, f18 := all["F17"].found.Number, all["F18"].found.Number; f17.Seq >= f18.Seq {
		t.Errorf("the assembly announced first is %s, the second %s", f17, f18)
	}
	if a, b := all["F54a"].found.Number, all["F54b"].found.Number; a.Seq >= b.Seq {
		t.Errorf("of the hour that came twice the first is %s, the second %s", a, b)
	}
	if got := all["F52"].found.Number.String(); got != "RPW-000001-2027" {
		t.Errorf("the first of the new year is %s", got)
	}
	var book []testenv.Entry
	page, err := w.h.book.Find(t.Context(), registry.Query{Of: registry.FindEntries, Limit: 10_000})
	if err != nil {
		t.Fatal(err)
	}
	for _, work := range page.Works {
		book = append(book, testenv.Entry{Number: work.Number.String(), RegisteredAt: work.RegisteredAt})
	}
	testenv.CheckGapless(t, book)
	if got := w.entry(all["F63"].found.Number).SenderRef; got != "GK.6131.2.2026" {
		t.Errorf("the mark under which the neighbours write is %q", got)
	}
	f08, f09 := all["F08"].line.Draft.Arrival.Answers, all["F09"].line.Draft.Arrival.Answers
	if number := all["F01"].number(); f08 != number || f09 != number {
		t.Errorf("the automatic reply answers %q and the bounce %q, want %s", f08, f09, number)
	}
}

// checkReceipts makes sure that no receipt says what the letter said.
func (w *town) checkReceipts(t *testing.T) {
	boxes, err := os.ReadDir(filepath.Join(w.dir, "mail"))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, box := range boxes {
		if strings.HasSuffix(box.Name(), "@aleksandrowo.example") {
			continue
		}
		for _, m := range w.mailsTo(box.Name()) {
			n++
			// An attachment in base64 may end the reading; the text stands before it.
			said, _ := io.ReadAll(quotedprintable.NewReader(strings.NewReader(m)))
			for _, secret := range []string{"44051401359", "umowy z 2025", "drzewa", "nieodebrane", "art. 15", "Naruszenie", "5.12.2026 12:00", "oświetleniu", "umowa.bin"} {
				if strings.Contains(string(said), secret) {
					t.Errorf("a receipt to %s says %q", box.Name(), secret)
				}
			}
		}
	}
	if n < 20 {
		t.Errorf("%d receipts were written", n)
	}
}

// checkSecrets makes sure that a clerk of another department sees nothing of
// what is closed: not in lists, searches or counts.
func (w *town) checkSecrets(t *testing.T, all map[string]*played) {
	for more := true; more; {
		var err error
		if more, err = w.h.indexSome(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	viewer := &registry.Viewer{Login: "gk1"}
	for _, q := range []registry.Query{
		{Of: registry.FindEntries, Limit: 1000},
		{Of: registry.FindNumbers, Limit: 1000},
		{Of: registry.FindSearch, Words: []string{"pesel"}, Limit: 1000},
		{Of: registry.FindSearch, Words: []string{"burmistrza"}, Limit: 1000},
		{Of: registry.FindSearch, Words: []string{"naruszenie"}, Limit: 1000},
	} {
		q.Viewer = viewer
		page, err := w.h.book.Find(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, work := range page.Works {
			for _, id := range []string{"F03", "F20", "F21"} {
				if work.Number == all[id].found.Number {
					t.Errorf("gk1 sees %s by %s %v", id, q.Of, q.Words)
				}
			}
		}
	}
	found, err := w.h.book.Find(t.Context(), registry.Query{Of: registry.FindSearch, Words: []string{"burmistrza"}, Limit: 1000, Viewer: &registry.Viewer{Login: "rm1"}})
	if err != nil || !slices.ContainsFunc(found.Works, func(w registry.Work) bool { return w.Number == all["F03"].found.Number }) {
		t.Errorf("who may read a complaint does not find it: %v", err)
	}
}
