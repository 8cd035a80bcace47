package web

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"kancelaria/registry"
)

func prefixes(texts ...string) (all []netip.Prefix) {
	for _, s := range texts {
		all = append(all, netip.MustParsePrefix(s))
	}
	return all
}

var everyPage = []string{
	"/", "/queue", "/hand", "/book", "/book/print", "/book/csv", "/search", "/search?q=drzewa", "/cases", "/cases?state=working", "/rules", "/absences", "/status", "/report",
	"/entries/RPW-000001-2026", "/entries/RPW-000001-2026/explanation", "/entries/RPW-000001-2026/preview?part=1", "/entries/RPW-000001-2026/part?part=1",
	"/entries/RPW-000001-2026/original", "/cases/K-RPW-000001-2026", "/RPW-000001-2026", "/events",
}

func TestNothingIsSeenWithoutALogin(t *testing.T) {
	w := openTown(t)
	w.comes(1)
	stranger := &browser{town: w}
	for _, path := range everyPage {
		rec := stranger.get(path)
		if rec.Code != http.StatusSeeOther || !strings.HasPrefix(rec.Header().Get("Location"), "/login?to=") {
			t.Errorf("%s: status %d to %q", path, rec.Code, rec.Header().Get("Location"))
		}
	}
}

func TestEveryPageIsHardened(t *testing.T) {
	w := openTown(t)
	w.comes(1)
	b := w.as("pk1")
	for _, path := range append([]string{"/login", "/accessibility", "/nothing"}, everyPage[:len(everyPage)-1]...) {
		h := b.get(path).Header()
		csp := h.Get("Content-Security-Policy")
		if !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "script-src 'unsafe") || strings.Contains(csp, "http:") {
			t.Errorf("%s: policy %q", path, csp)
		}
		if h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Cache-Control") != "no-store" || h.Get("X-Frame-Options") == "" || h.Get("Referrer-Policy") == "" {
			t.Errorf("%s: headers %v", path, h)
		}
	}
}

func TestPagesHoldNoScriptOrStyleOfTheirOwn(t *testing.T) {
	w := openTown(t)
	w.comes(1)
	b := w.as("pk1")
	for _, path := range everyPage[:14] {
		page := b.get(path).Body.String()
		for _, bad := range []string{"<script>", "style=", "onclick=", "http://", "https://"} {
			if strings.Contains(page, bad) && !(strings.HasPrefix(path, "/rules") && strings.HasPrefix(bad, "http")) {
				t.Errorf("%s contains %q", path, bad)
			}
		}
	}
}

func TestARestrictedEntryDoesNotExistForOthers(t *testing.T) {
	w := openTown(t)
	w.letters.parts["1"] = "tajemnica"
	w.comes(1)
	n := w.comes(2, confidential)
	if err := w.store.Index(t.Context(), []registry.Text{{Number: n, Words: "poufne zgloszenie"}}); err != nil {
		t.Fatal(err)
	}
	other, reader := w.as("pk1"), w.as("sek")
	for _, path := range []string{"", "/explanation", "/preview?part=2", "/part?part=2", "/original"} {
		wantStatus(t, "pk1 "+path, other.get("/entries/"+n.String()+path), http.StatusNotFound)
	}
	wantStatus(t, "pk1 acts", other.post("/entries/"+n.String(), "kind", "noted", "text", "x", "after", w.leaf(n), "key", "k"), http.StatusNotFound)
	wantStatus(t, "pk1 accepts", other.post("/accept", "entry", n.String()+":"+w.leaf(n), "key", "k"), http.StatusConflict)
	wantStatus(t, "pk1 case", other.get("/cases/"+n.Folder()), http.StatusNotFound)
	for _, path := range []string{"/", "/queue", "/book", "/book?register=ZS", "/book/print", "/book/csv", "/search?q=poufne", "/search?q=" + n.String(), "/cases?state=working", "/report"} {
		if page := other.get(path).Body.String(); strings.Contains(page, "Poufne") || strings.Contains(page, `/entries/ZS-`) || strings.Contains(page, "ZS-000001") && !strings.Contains(path, "search") {
			t.Errorf("%s shows it to pk1: %s", path, wordsOf(page))
		}
	}
	missing := other.get("/entries/RPW-000999-2026").Body.String()
	if got := other.get("/entries/" + n.String()).Body.String(); wordsOf(got) != wordsOf(missing) {
		t.Errorf("a restricted entry is told from one that is not there: %q, %q", wordsOf(got), wordsOf(missing))
	}
	wantWords(t, "the reader", reader.get("/entries/"+n.String()), "Poufne")
	wantWords(t, "the reader's search", reader.get("/search?q=poufne"), n.String())
	if len(w.seen) != 0 {
		t.Errorf("accesses %v", w.seen)
	}
}

// Sums and pages don't tell of what is hidden either.
func TestWhatIsHiddenIsNotCounted(t *testing.T) {
	w := openTown(t)
	w.comes(1)
	w.comes(2, confidential)
	wantWords(t, "pk1", w.as("pk1").get("/book/print"), "Razem: 1 pismo")
	wantWords(t, "sek", w.as("sek").get("/book/print"), "Razem: 2 pisma")
}

func TestALetterIsHiddenFromWhomItIsAbout(t *testing.T) {
	w := openTown(t)
	n := w.comes(1, func(d *registry.Draft) { d.Arrival.Decision.HideFrom = []string{"os2"} })
	wantStatus(t, "os2", w.as("os2").get("/entries/"+n.String()), http.StatusNotFound)
	wantStatus(t, "sek", w.as("sek").get("/entries/"+n.String()), http.StatusOK)
}

func TestAnAdministratorSeesStateNotContent(t *testing.T) {
	w := openTown(t)
	w.letters.parts["1"] = "treść"
	n := w.comes(1)
	adm := w.as("adm")
	for _, path := range []string{"/book", "/search?q=x", "/cases", "/hand", "/queue", "/entries/" + n.String(), "/entries/" + n.String() + "/original", "/book/csv", "/report"} {
		if path == "/report" {
			continue
		}
		wantStatus(t, path, adm.get(path), http.StatusForbidden)
	}
	wantStatus(t, "a note", adm.post("/entries/"+n.String(), "kind", "noted", "text", "x", "after", "0", "key", "k"), http.StatusForbidden)
	for _, path := range []string{"/status", "/rules", "/absences"} {
		wantStatus(t, path, adm.get(path), http.StatusOK)
	}
	wantStatus(t, "home", adm.get("/"), http.StatusSeeOther)
	wantWords(t, "status", adm.get("/status"), "kancelaria spool list --parked", "awaria")
}

func TestTheDesksPagesAreTheDesks(t *testing.T) {
	w := openTown(t)
	wantStatus(t, "a clerk", w.as("os1").get("/queue"), http.StatusForbidden)
	wantStatus(t, "the desk", w.as("pk1").get("/queue"), http.StatusOK)
}

func TestAClerkWorksOnAnEntry(t *testing.T) {
	w := openTown(t)
	n := w.comes(1)
	b := w.as("os1")
	wantWords(t, "my entries", b.get("/"), n.String(), "Do przyjęcia")
	act := func(pairs ...string) {
		t.Helper()
		rec := b.post("/entries/"+n.String(), append(pairs, "after", w.leaf(n), "key", pairs[1])...)
		wantStatus(t, pairs[1], rec, http.StatusSeeOther)
		wantStatus(t, "after "+pairs[1], b.get(rec.Header().Get("Location")), http.StatusOK)
	}
	act("kind", "accepted")
	if got := w.entry(n); got.Status != registry.StatusAccepted {
		t.Errorf("status %s", got.Status)
	}
	wantWords(t, "the case", b.get("/cases/OS.6131.1.2026"), n.String(), "sprawa w toku")
	act("kind", "noted", "text", "dzwonił nadawca")
	act("kind", "due_set", "due", "2026-12-01", "reason", "na prośbę strony")
	act("kind", "corrected", "title", "Wniosek o wycinkę lipy", "reason", "dokładniej")
	page := b.get("/entries/" + n.String())
	wantWords(t, "the entry", page, "dzwonił nadawca", "na prośbę strony", "Wniosek o wycinkę lipy", "za 8 dni", "Dlaczego tak", "w temacie: drzewa")
	act("kind", "forwarded", "to", "os2", "reason", "zastępstwo")
	wantWords(t, "the colleague", w.as("os2").get("/"), n.String())
	if got := b.post("/entries/"+n.String(), "kind", "closed", "after", w.leaf(n), "key", "z"); got.Code != http.StatusForbidden && got.Code != http.StatusSeeOther {
		t.Errorf("closing what was given away: %d", got.Code)
	}
}

func TestOneOfTwoActsAtOnceWinsAndTheOtherIsTold(t *testing.T) {
	w := openTown(t)
	n := w.comes(1)
	after := w.leaf(n)
	who := []*browser{w.as("os1"), w.as("os2")}
	recs := make([]*httptest.ResponseRecorder, 2)
	var both sync.WaitGroup
	for i, b := range who {
		both.Go(func() {
			recs[i] = b.post("/entries/"+n.String(), "kind", "returned", "reason", "powód "+b.login, "after", after, "key", "k")
		})
	}
	both.Wait()
	codes := []int{recs[0].Code, recs[1].Code}
	slices.Sort(codes)
	if !slices.Equal(codes, []int{http.StatusSeeOther, http.StatusConflict}) {
		t.Fatalf("statuses %v", codes)
	}
	for i, rec := range recs {
		if rec.Code == http.StatusConflict {
			wantWords(t, "the slower one", rec, "Ktoś był szybszy", "powód "+who[i].login)
		}
	}
	if got := w.entry(n).Returns; got != 1 {
		t.Errorf("returned %d times", got)
	}
}

func TestAFormSentTwiceIsDoneOnce(t *testing.T) {
	w := openTown(t)
	n := w.comes(1)
	b := w.as("os1")
	for range 2 {
		wantStatus(t, "a note", b.post("/entries/"+n.String(), "kind", "noted", "text", "raz", "after", w.leaf(n), "key", "ten sam"), http.StatusSeeOther)
	}
	events, err := w.store.Find(t.Context(), registry.Query{Of: registry.FindEvents, Subject: n.String()})
	if err != nil || len(events.Leaves) != 2 {
		t.Errorf("%d events, %v; want the registration and one note", len(events.Leaves), err)
	}
}

func TestManyAreAcceptedAtOnceAndTheRestIsNamed(t *testing.T) {
	w := openTown(t)
	var chosen []string
	for i := range 3 {
		n := w.comes(i)
		chosen = append(chosen, n.String()+":"+w.leaf(n))
	}
	taken, _, _ := strings.Cut(chosen[1], ":")
	w.as("os2").post("/entries/"+taken, "kind", "returned", "reason", "nie moje", "after", strings.Split(chosen[1], ":")[1], "key", "k")
	b := w.as("os1")
	r := b.form("/accept", "key", "k")
	r.Body = nil
	body := "form=" + session{secret: b.secret}.formToken() + "&key=k"
	for _, c := range chosen {
		body += "&entry=" + c
	}
	r = httptest.NewRequest(http.MethodPost, "/accept", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	rec := b.do(r)
	wantStatus(t, "two of three", rec, http.StatusConflict)
	wantWords(t, "two of three", rec, "Przyjęto: 2", taken)
}

func TestARefusedActLosesNothing(t *testing.T) {
	w := openTown(t)
	n := w.comes(1)
	rec := w.as("os1").post("/entries/"+n.String(), "kind", "corrected", "title", "", "remarks", "długa uwaga, szkoda by jej było", "reason", "", "after", w.leaf(n), "key", "k")
	wantStatus(t, "a correction without a reason", rec, http.StatusUnprocessableEntity)
	wantWords(t, "a correction without a reason", rec, "długa uwaga, szkoda by jej było", `role="alert"`)
}

func TestFormsOfOthersAreTurnedAway(t *testing.T) {
	w := openTown(t)
	n := w.comes(1)
	b := w.as("os1")
	path := "/entries/" + n.String()
	wantStatus(t, "no token", b.do(postRequest(path, "kind=noted&text=x&after=0&key=k")), http.StatusForbidden)
	wantStatus(t, "another session's token", b.do(postRequest(path, "kind=noted&text=x&after=0&key=k&form="+session{secret: w.as("os1").secret}.formToken())), http.StatusForbidden)
	for header, value := range map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"} {
		r := b.form(path, "kind", "noted", "text", "x", "after", w.leaf(n), "key", "k")
		r.Header.Set(header, value)
		wantStatus(t, header, b.do(r), http.StatusForbidden)
	}
	if got := w.entry(n); got.LastLeaf != got.Leaf {
		t.Error("something was written")
	}
}

func postRequest(path, body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

func TestForgedAddressesAreSimplyNotThere(t *testing.T) {
	w := openTown(t)
	w.comes(1)
	b := w.as("pk1")
	for _, path := range []string{
		"/entries/..%2f..%2fetc%2fpasswd", "/entries/RPW-000001-2026/part?part=../../../etc/passwd", "/entries/RPW-000001-2026/part?part=2!x.zip!y", "/entries/RPW-000001-2026/part",
		"/entries/RPW-999999999999999999999-2026", "/entries/'%20OR%201=1--", "/items/01a20ed9-e907-7b41-a0fc-c6a20eb57089", "/items/nonsense", "/cases/K-nonsense", "/cases/%00",
		"/static/..%2fweb.go", "/static/app.css", "/templates/layout.html", "/entries/RPW-000001-2026/preview?part=9",
	} {
		wantStatus(t, path, b.get(path), http.StatusNotFound)
	}
	for _, path := range []string{"/book?after=nonsense", "/book?year=x", "/book?since=yesterday", "/search?q=a&after=zz", "/cases?after=1.2.3"} {
		if got := b.get(path).Code; got != http.StatusBadRequest && got != http.StatusUnprocessableEntity {
			t.Errorf("%s: status %d", path, got)
		}
	}
	for _, kind := range []string{"erased", "rules_set", "finding", "handed_over", "nonsense", ""} {
		rec := b.post("/entries/RPW-000001-2026", "kind", kind, "after", "0", "key", "k", "reason", "x")
		wantStatus(t, "act "+kind, rec, http.StatusBadRequest)
	}
}

func TestAHostileLetterIsShownHarmless(t *testing.T) {
	w := openTown(t)
	w.letters.parts["1"] = `<p onclick="x()">Dzień dobry</p><script src="http://evil.example/x.js"></script><img src="http://evil.example/p.png"><img src="cid:logo">` +
		`<iframe src="//evil.example"></iframe><form action="http://evil.example"><input></form><svg onload=x()><style>@import url(http://evil.example)</style><meta http-equiv=refresh content="0;url=http://evil.example"><a href="javascript:x()">tu</a>`
	w.letters.parts["3"] = "png"
	n := w.comes(1, func(d *registry.Draft) {
		d.Arrival.Document.Attachments = []registry.Attachment{
			{Path: "1", MediaType: "text/html", Role: registry.RoleBody, Size: 400},
			{Path: "2", Name: "x.svg", MediaType: "image/svg+xml", Role: registry.RoleAttachment, Size: 3},
			{Path: "3", Name: "logo.png", MediaType: "image/png", Role: registry.RoleEmbedded, Size: 3, ContentID: "logo"},
			{Path: "4", Name: "a\"; filename=evil.exe", MediaType: "application/zip", Role: registry.RoleAttachment, Size: 3},
		}
	})
	b := w.as("os1")
	page := b.get("/entries/" + n.String())
	wantWords(t, "the entry", page, `sandbox referrerpolicy="no-referrer"`, "preview?part=1")
	rec := b.get("/entries/" + n.String() + "/preview?part=1")
	wantStatus(t, "the preview", rec, http.StatusOK)
	wantWords(t, "the preview", rec, "Dzień dobry", "data:image/png;base64,cG5n")
	for _, bad := range []string{"evil.example", "<script", "onclick", "onload", "javascript:", "<iframe", "<form", "<meta http", "@import"} {
		if strings.Contains(rec.Body.String(), bad) {
			t.Errorf("the preview contains %q", bad)
		}
	}
	if csp := rec.Header().Get("Content-Security-Policy"); !strings.HasPrefix(csp, "sandbox; default-src 'none'; img-src data:;") {
		t.Errorf("policy of the preview: %q", csp)
	}
	wantStatus(t, "a program that calls itself a picture", b.get("/entries/"+n.String()+"/preview?part=2"), http.StatusNotFound)
	rec = b.get("/entries/" + n.String() + "/part?part=2")
	if got := rec.Header().Get("Content-Type"); got != "application/octet-stream" {
		t.Errorf("handed out as %s", got)
	}
	rec = b.get("/entries/" + n.String() + "/part?part=4")
	if got := rec.Header().Get("Content-Disposition"); !strings.HasPrefix(got, "attachment; filename=") || strings.Contains(got, `a"; filename=evil`) {
		t.Errorf("handed out as %s", got)
	}
}

func TestOpeningALetterLeavesATrace(t *testing.T) {
	w := openTown(t)
	w.letters.parts["2"] = "%PDF-1"
	n := w.comes(1, func(d *registry.Draft) { d.Arrival.Document.Attachments[0].MediaType = "application/pdf" })
	b := w.as("os1")
	b.get("/entries/" + n.String())
	b.get("/entries/" + n.String() + "/preview?part=2")
	b.get("/entries/" + n.String() + "/part?part=2")
	b.get("/entries/" + n.String() + "/original")
	want := []string{"os1 preview 2 " + n.String(), "os1 attachment 2 " + n.String(), "os1 original " + n.String()}
	if !slices.Equal(w.seen, want) {
		t.Errorf("accesses %q, want %q", w.seen, want)
	}
}

func TestAttachmentsThatNobodyScannedStayClosed(t *testing.T) {
	w := openTown(t)
	w.letters.parts["2"] = "%PDF-1"
	for i, f := range []registry.Flag{registry.FlagNotScanned, registry.FlagMalware, registry.FlagSealed, registry.FlagClassified} {
		n := w.comes(i+1, func(d *registry.Draft) {
			d.Arrival.Document.Attachments[0].MediaType = "application/pdf"
			d.Arrival.Decision.Flags = []registry.Flag{f}
		})
		b := w.as("os1")
		wantStatus(t, string(f)+" preview", b.get("/entries/"+n.String()+"/preview?part=2"), http.StatusForbidden)
		wantStatus(t, string(f)+" part", b.get("/entries/"+n.String()+"/part?part=2"), http.StatusForbidden)
		wantWords(t, string(f), b.get("/entries/"+n.String()), "Załączników nie otwieramy")
	}
}

// upload makes a form with files; each is a name and its content.
func (b *browser) upload(fields map[string]string, files ...[2]string) *http.Request {
	var body bytes.Buffer
	m := multipart.NewWriter(&body)
	_ = m.WriteField("form", session{secret: b.secret}.formToken())
	for name, value := range fields {
		_ = m.WriteField(name, value)
	}
	for _, f := range files {
		part, _ := m.CreateFormFile("file", f[0])
		_, _ = part.Write([]byte(f[1]))
	}
	_ = m.Close()
	r := httptest.NewRequest(http.MethodPost, "/hand", &body)
	r.Header.Set("Content-Type", m.FormDataContentType())
	return r
}

func TestDocumentsAreHandedIn(t *testing.T) {
	w := openTown(t)
	b := w.as("pk1")
	fields := map[string]string{"register": "RPW", "door": "counter", "title": "Skarga", "sender.name": "Nadawca", "key": "k1", "received_at": "2026-11-20T10:00"}
	wantStatus(t, "one file", b.do(b.upload(fields, [2]string{"skarga.pdf", "%PDF-1"})), http.StatusSeeOther)
	it := w.slot.items[0]
	if w.slot.bodies[0] != "%PDF-1" || it.Hand.Title != "Skarga" || it.Hand.By != "pk1" || it.Door != registry.DoorCounter || it.Original.Name != "skarga.pdf" || it.Hand.ReceivedAt.Format("2006-01-02 15:04") != "2026-11-20 09:00" {
		t.Errorf("item %+v %+v, body %q", it, it.Hand, w.slot.bodies[0])
	}
	wantStatus(t, "the same again", b.do(b.upload(fields, [2]string{"skarga.pdf", "%PDF-1"})), http.StatusSeeOther)
	if w.slot.items[1].ID != it.ID {
		t.Error("the same form again is another item")
	}
	fields["key"] = "k2"
	wantStatus(t, "two files", b.do(b.upload(fields, [2]string{"pismo.pdf", "A"}, [2]string{`..\..\C:\zal 1.pdf`, "B"})), http.StatusSeeOther)
	it = w.slot.items[2]
	if !slices.Equal(it.Hand.Files, []string{"pismo.pdf", "zal 1.pdf"}) || !strings.Contains(w.slot.bodies[2], `filename="zal 1.pdf"`) || !strings.HasPrefix(w.slot.bodies[2], "MIME-Version: 1.0") {
		t.Errorf("item %+v, body %q", it.Hand, w.slot.bodies[2])
	}
	fields["key"], fields["each"] = "k3", "1"
	wantStatus(t, "each by itself", b.do(b.upload(fields, [2]string{"a.pdf", "A"}, [2]string{"b.pdf", "B"})), http.StatusSeeOther)
	if n := len(w.slot.items); n != 5 || w.slot.bodies[3] != "A" || w.slot.bodies[4] != "B" || w.slot.items[3].ID == w.slot.items[4].ID {
		t.Errorf("%d items, bodies %q", n, w.slot.bodies[3:])
	}
}

func TestWhatCannotBeHandedInIsSaid(t *testing.T) {
	w := openTown(t)
	b := w.as("pk1")
	for _, tt := range []struct {
		name   string
		fields map[string]string
		files  [][2]string
		want   int
		says   string
	}{
		{"no file", map[string]string{"register": "RPW", "title": "Tytuł zostaje"}, nil, 422, "Nie wybrano żadnego pliku"},
		{"an empty file", map[string]string{"register": "RPW", "title": "Tytuł zostaje"}, [][2]string{{"a.pdf", ""}}, 422, "jest pusty"},
		{"a register of others", map[string]string{"register": "ZS", "title": "Tytuł zostaje"}, [][2]string{{"a.pdf", "A"}}, 422, "Takiego rejestru nie ma"},
		{"the future", map[string]string{"register": "RPW", "title": "Tytuł zostaje", "received_at": "2030-01-01T10:00"}, [][2]string{{"a.pdf", "A"}}, 422, "przyszłości"},
		{"too much", map[string]string{"register": "RPW"}, [][2]string{{"a.pdf", strings.Repeat("x", 3<<20)}}, 413, "więcej, niż przyjmujemy naraz"},
	} {
		rec := b.do(b.upload(tt.fields, tt.files...))
		wantStatus(t, tt.name, rec, tt.want)
		wantWords(t, tt.name, rec, tt.says)
		if tt.want == 422 {
			wantWords(t, tt.name, rec, "Tytuł zostaje")
		}
	}
	if len(w.slot.items) != 0 {
		t.Errorf("%d items were taken", len(w.slot.items))
	}
	r := b.upload(map[string]string{"register": "RPW"}, [2]string{"a.pdf", "A"})
	b.secret = w.as("pk1").secret
	wantStatus(t, "the form of another session", b.do(r), http.StatusForbidden)
}

func TestNoCellOfTheRegisterIsAFormula(t *testing.T) {
	w := openTown(t)
	w.comes(1, func(d *registry.Draft) {
		d.Arrival.Title, d.Arrival.Sender.Name = `=HYPERLINK("http://evil.example";"x")`, "@SUM(A1)"
		d.Arrival.Remarks = " +1"
	})
	rec := w.as("pk1").get("/book/csv?year=2026&register=RPW")
	r := csv.NewReader(strings.NewReader(strings.TrimPrefix(rec.Body.String(), "\ufeff")))
	r.Comma = ';'
	rows, err := r.ReadAll()
	if err != nil || len(rows) != 2 {
		t.Fatalf("%v, %v", rows, err)
	}
	for _, cell := range rows[1] {
		if cell = strings.TrimSpace(cell); cell != "" && strings.ContainsAny(cell[:1], "=+-@") {
			t.Errorf("a spreadsheet would compute %q", cell)
		}
	}
}

func TestPrintedPagesAddUp(t *testing.T) {
	w := openTown(t)
	for i := range printRows + 2 {
		w.comes(i)
	}
	rec := w.as("pk1").get("/book/print?register=RPW&year=2026")
	wantWords(t, "print", rec, "Strona 2", "Suma strony: "+strconv.Itoa(printRows)+" pism", "Suma strony: 2 pisma", "Z poprzednich stron: 18 pism", "Razem: 20 pism", "od RPW-000001-2026 do RPW-000020-2026", "brak danych")
	if got := strings.Count(rec.Body.String(), "<tr><td class=\"number\">"); got != printRows+2 {
		t.Errorf("%d rows", got)
	}
}

func TestHeldItemsAreSettledByTheDeskWithAReason(t *testing.T) {
	w := openTown(t)
	quarantined := func(register string) func(*registry.Draft) {
		return func(d *registry.Draft) {
			d.Arrival.Disposition, d.Arrival.Reason, d.Arrival.Item.Register = registry.Quarantined, "spam", register
		}
	}
	for i, register := range []string{"RPW", "ZS"} {
		if out, err := w.registrar.Submit(t.Context(), letterFor(i+1, quarantined(register))); err != nil || out.Err() != nil {
			t.Fatal(err, out.Err())
		}
	}
	desk := w.as("pk1")
	mine, secret := letterFor(1).Arrival.Item.ID.String(), letterFor(2).Arrival.Item.ID.String()
	page := desk.get("/queue")
	wantWords(t, "the queue", page, mine, "prawdopodobnie spam")
	if strings.Contains(page.Body.String(), secret) {
		t.Error("the queue shows what came to a restricted register")
	}
	wantStatus(t, "another's register", desk.get("/items/"+secret), http.StatusNotFound)
	wantStatus(t, "another's register, released", desk.post("/items/"+secret, "kind", "release", "reason", "x", "key", "k"), http.StatusNotFound)
	wantStatus(t, "no reason", desk.post("/items/"+mine, "kind", "reject", "reason", " ", "key", "k"), http.StatusUnprocessableEntity)
	wantStatus(t, "a clerk", w.as("os1").post("/items/"+mine, "kind", "reject", "reason", "x", "key", "k"), http.StatusForbidden)
	wantStatus(t, "rejected", desk.post("/items/"+mine, "kind", "reject", "reason", "reklama", "key", "k2"), http.StatusSeeOther)
}

func TestOpenPagesHearThatSomethingCame(t *testing.T) {
	w := openTown(t)
	w.comes(1)
	server := httptest.NewServer(w.web)
	defer server.Close()
	defer close(w.web.live.closing)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.AddCookie(&http.Cookie{Name: "kancelaria", Value: w.as("os1").secret})
	res, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	lines.Scan() // retry: it listens now
	w.comes(2, confidential)
	w.web.Ring() // nothing for os1
	n := w.comes(3)
	w.web.Ring()
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "event: news") {
			break
		}
	}
	if lines.Scan(); lines.Text() != "data: 1" {
		t.Errorf("the stream says %q of %s: it is to say nothing but that", lines.Text(), n)
	}
}
