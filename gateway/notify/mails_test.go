package notify

import (
	"bytes"
	"encoding/base64"
	"flag"
	"io"
	"log/slog"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kancelaria/gateway"
	"kancelaria/registry"
)

var update = flag.Bool("update", false, "write the golden files anew")

func samplePress(book *fakeBook, alter func(*Options)) *press {
	o := Options{
		From:   "Kancelaria <kancelaria@aleksandrowo.example>",
		Tokens: gateway.NewTokens("aleksandrowo.example", []byte("golden key")),
		Now:    func() time.Time { return today }, Web: "https://kancelaria.aleksandrowo.example",
		UpTo: func() int64 { return 1 << 60 }, PerSender: 5, PerClerk: 30, Log: slog.New(slog.DiscardHandler),
	}
	if alter != nil {
		alter(&o)
	}
	return newPress(book, sampleOffice, o)
}

// written composes the mail of the first row of a line.
func written(t *testing.T, line registry.Line, row registry.OutboxRow, alter func(*Options)) mailing {
	t.Helper()
	book := newFakeBook()
	if line.Draft.Act != nil && !line.Outcome.Number.IsZero() {
		first := sampleLine(line.Outcome.Number.Seq)
		book.caseNumber = "OS.6131.12.2026"
		book.write(t, first, today)
		book.works[first.Outcome.Number] = registry.Work{
			Number: first.Outcome.Number, Department: "OS", Clerk: "os1", Class: "6131", Folder: first.Outcome.Folder,
			Flags: first.Draft.Arrival.Decision.Flags, Deadline: first.Draft.Arrival.Decision.Deadline, Found: true,
		}
	}
	book.write(t, line, today, row)
	m, err := samplePress(book, alter).compose(t.Context(), book.all()[0])
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestMailsAreAsTheOfficeWroteThem(t *testing.T) {
	for _, tt := range []struct {
		name string
		line func() registry.Line
		row  registry.OutboxRow
	}{
		{"notice", func() registry.Line { return sampleLine(4512) }, noticeRow("os1")},
		{"notice-english", func() registry.Line { return sampleLine(4512) }, noticeRow("os2")},
		{"notice-restricted", func() registry.Line {
			l := sampleLine(4512)
			l.Draft.Arrival.Decision.Restricted = true
			return l
		}, noticeRow("os1")},
		{"notice-scan", func() registry.Line {
			l := sampleLine(7)
			a := l.Draft.Arrival
			a.Item.Door, a.Item.Envelope, a.Item.Recipients = registry.DoorFolder, nil, nil
			a.Document.Auth, a.Document.Attachments, a.Decision.Class = registry.Authentication{}, nil, ""
			a.Sender, a.Title, a.Decision.Flags, a.Decision.Because = registry.Sender{}, "", []registry.Flag{registry.FlagNeedsRouting}, nil
			a.Decision.Deadline = registry.Deadline{}
			return l
		}, noticeRow("OR")},
		{"notice-signed", func() registry.Line {
			l := sampleLine(4513)
			a := l.Draft.Arrival
			a.Document.Signatures = []registry.SignatureReport{{Path: "2", Verdict: "TOTAL-PASSED", Covers: "whole", Signer: registry.Signer{Name: "Mieszkanka"}}}
			letter := registry.SignatureReport{Path: "3", Schema: 1, Packaging: "clear", Intact: registry.SignatureIntact}
			letter.Because(registry.SignatureReason{Verdict: registry.Indeterminate, Reason: registry.SigConstraintsFailure, Code: "not_sender"})
			a.Document.Signatures = append(a.Document.Signatures, letter)
			a.Document.Auth.Verdict = registry.Confirmed
			a.Decision.Flags = []registry.Flag{registry.FlagPossibleDuplicate}
			a.Decision.Deadline = registry.Deadline{
				Code: "SKARGA_1M", Raw: registry.Day{Year: 2026, Month: 12, Day: 24}, Due: registry.Day{Year: 2026, Month: 12, Day: 28}, Basis: "art. 237 § 1 KPA",
			}
			l.Outcome.Case, l.Outcome.CaseState, l.Outcome.OnBehalfOf = "OS.6131.12.2026", "open", "os2"
			return l
		}, noticeRow("os1")},
		{"notice-forwarded", func() registry.Line {
			l := sampleLine(4512)
			l.Draft = registry.Draft{
				Actor: "or1", Reason: "właściwa jest ochrona środowiska",
				Act: &registry.Act{Kind: registry.ActForward, Subject: "RPW-004512-2026", To: "os1", Clerk: "os1"},
			}
			l.Outcome.Leaf = 6000
			return l
		}, noticeRow("os1")},
		{"notice-handover", func() registry.Line {
			return registry.Line{
				Draft: registry.Draft{
					Actor: "or1", Reason: "zmiana zakresu czynności",
					Act: &registry.Act{Kind: registry.ActHandover, Subject: "os1", To: "os2"},
				},
				Outcome: registry.Outcome{Leaf: 6001},
			}
		}, noticeRow("or1")},
		{"remark-done", remarkLine("RPW-004512-2026", gateway.Remark{
			Text: "remark.reply.done_case", Pairs: []string{"what", "@event.accepted", "case", "OS.6131.12.2026"}, InReplyTo: "answer-1@aleksandrowo.example",
		}), noticeRow("os1")},
		{"remark-reminder", remarkLine("RPW-004512-2026", gateway.Remark{
			Text: "remark.due_tomorrow_kpa", Pairs: []string{"raw", "2026-12-24", "basis", "art. 35 § 3 KPA"},
		}), noticeRow("os1")},
		{"remark-morning", remarkLine("os1", gateway.Remark{
			Text: "remark.morning", Pairs: []string{"day", "2026-11-24", "n", "2"},
			List: []gateway.RemarkLine{
				{Group: groupOverdue, Number: "RPW-004499-2026", Text: "Usuwanie drzew i krzewów (6131)", Due: registry.Day{Year: 2026, Month: 11, Day: 20}},
				{Group: groupNew, Number: "RPW-004512-2026", Text: "Usuwanie drzew i krzewów (6131)"},
			},
		}), noticeRow("os1")},
		{"remark-daily", remarkLine("office", gateway.Remark{
			Text: "remark.daily", Pairs: []string{
				"day", "2026-11-23", "first", "RPW-004512-2026", "last", "RPW-004513-2026", "count", "2", "annulled", "1", "waiting", "3", "held", "0",
				"size", "4711", "head", "abcd0000 00000000", "red", "–",
			},
			List: []gateway.RemarkLine{
				{Group: "remark.daily.entries", Number: "RPW-004512-2026", Text: "10:02:14 Usuwanie drzew i krzewów (6131)"},
				{Group: "remark.daily.entries", Number: "RPW-004513-2026", Text: "10:05:00"},
			},
		}), noticeRow("or1")},
		{"receipt", func() registry.Line { return sampleLine(4512) }, receiptRow("resident@poczta.example")},
		{"receipt-english", func() registry.Line {
			l := sampleLine(4512)
			l.Draft.Arrival.Receipt.English = true
			l.Draft.Arrival.Document.Attachments = nil
			return l
		}, receiptRow("resident@poczta.example")},
		{"receipt-assembly", func() registry.Line {
			l := sampleLine(4512)
			l.Draft.Arrival.Receipt.Variant = registry.ReceiptAssembly
			return l
		}, receiptRow("resident@poczta.example")},
		{"receipt-whistle", func() registry.Line {
			l := sampleLine(3)
			l.Draft.Arrival.Receipt.Variant = registry.ReceiptWhistle
			l.Draft.Arrival.Item.Recipients = []string{"sygnaly@aleksandrowo.example"}
			l.Outcome.Number.Register = "ZS"
			return l
		}, receiptRow("resident@poczta.example")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := written(t, tt.line(), tt.row, nil).bytes
			golden(t, tt.name+".eml", got)
			golden(t, tt.name+".txt", readBack(t, got).show())
		})
	}
}

// remarkLine is a remark of the house about a subject.
func remarkLine(subject string, remark gateway.Remark) func() registry.Line {
	return func() registry.Line {
		act, err := remark.Act(subject)
		if err != nil {
			panic(err)
		}
		l := registry.Line{Draft: registry.Draft{Actor: registry.Daemon, Act: &act}, Outcome: registry.Outcome{Leaf: 6002}}
		l.Outcome.Number, _ = registry.ParseNumber(subject)
		return l
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs (go test -update writes it anew)\ngot:\n%s", name, got)
	}
}

// A readMail is a mail as a standard library reads it.
type readMail struct {
	header mail.Header
	parts  []readPart
}

type readPart struct {
	mediaType, name string
	content         string
}

func readBack(t *testing.T, raw []byte) readMail {
	t.Helper()
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	r := readMail{header: m.Header}
	r.read(t, m.Header.Get("Content-Type"), m.Header.Get("Content-Transfer-Encoding"), "", m.Body)
	return r
}

func (r *readMail) read(t *testing.T, contentType, encoding, disposition string, body io.Reader) {
	t.Helper()
	mediaType, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasPrefix(mediaType, "multipart/") {
		for parts := multipart.NewReader(body, params["boundary"]); ; {
			part, err := parts.NextRawPart()
			if err == io.EOF {
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			r.read(t, part.Header.Get("Content-Type"), part.Header.Get("Content-Transfer-Encoding"), part.Header.Get("Content-Disposition"), part)
		}
	}
	switch encoding {
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	}
	content, err := io.ReadAll(body)
	if err != nil {
		t.Fatal(err)
	}
	_, dispositionParams, _ := mime.ParseMediaType(disposition)
	r.parts = append(r.parts, readPart{mediaType, dispositionParams["filename"], strings.ReplaceAll(string(content), "\r\n", "\n")})
}

// show gives a mail as a person sees it.
func (r readMail) show() []byte {
	var b bytes.Buffer
	words := new(mime.WordDecoder)
	for _, name := range []string{"From", "To", "Reply-To", "Subject"} {
		value, err := words.DecodeHeader(r.header.Get(name))
		if err != nil {
			value = err.Error()
		}
		b.WriteString(name + ": " + value + "\n")
	}
	for _, p := range r.parts {
		b.WriteString("\n--- " + p.mediaType + " " + p.name + "\n" + p.content)
	}
	return b.Bytes()
}

func TestNoticeHeaders(t *testing.T) {
	m := written(t, sampleLine(4512), noticeRow("os1"), nil)
	h := readBack(t, m.bytes).header
	for name, want := range map[string]string{
		"To":                       "<os1@aleksandrowo.example>",
		"Message-Id":               "<item.RPW-004512-2026.n5512.0@aleksandrowo.example>",
		"In-Reply-To":              "<item.RPW-004512-2026@aleksandrowo.example>",
		"References":               "<item.RPW-004512-2026@aleksandrowo.example>",
		"List-Id":                  "Kancelaria / OS <os.kancelaria.aleksandrowo.example>",
		"Auto-Submitted":           "auto-generated",
		"X-Auto-Response-Suppress": "All",
		"X-Kancelaria-Item":        "RPW-004512-2026",
		"X-Kancelaria-Reason":      "assign drzewa",
	} {
		if got := h.Get(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	tokens := gateway.NewTokens("aleksandrowo.example", []byte("golden key"))
	reply, err := mail.ParseAddress(h.Get("Reply-To"))
	if err != nil {
		t.Fatal(err)
	}
	if tok, ok := tokens.Parse(reply.Address); !ok || !tok.IsFor("os1") || tok.Number.String() != "RPW-004512-2026" {
		t.Errorf("Reply-To %s is no token for the clerk", reply.Address)
	}
	if tok, ok := tokens.Parse(m.from); !ok || tok.Outbox != "5512.0" {
		t.Errorf("reverse path %s does not name the outbox row", m.from)
	}
}

func TestReceiptHeaders(t *testing.T) {
	m := written(t, sampleLine(4512), receiptRow("resident@poczta.example"), nil)
	if m.from != "" {
		t.Errorf("reverse path = %q, want none", m.from)
	}
	h := readBack(t, m.bytes).header
	for name, want := range map[string]string{
		"To":                       "<resident@poczta.example>",
		"Message-Id":               "<receipt.RPW-004512-2026.n5512.0@aleksandrowo.example>",
		"In-Reply-To":              "<letter-1@poczta.example>",
		"References":               "<letter-1@poczta.example>",
		"Auto-Submitted":           "auto-replied",
		"X-Auto-Response-Suppress": "All",
	} {
		if got := h.Get(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

func TestAReceiptSaysNothingOfTheLetter(t *testing.T) {
	line := sampleLine(4512)
	text := string(readBack(t, written(t, line, receiptRow("resident@poczta.example"), nil).bytes).show())
	for _, secret := range []string{"drzew", "wniosek.pdf", "Mieszkanka", "os1", "referent", "6131", "OS."} {
		if strings.Contains(text, secret) {
			t.Errorf("the receipt says %q", secret)
		}
	}
	if !strings.Contains(text, strings.Repeat("ab", 1)+strings.Repeat("00", 31)) {
		t.Error("the digest of the attachment is missing")
	}
}

func TestARestrictedNoticeSaysNumberAndDayOnly(t *testing.T) {
	for name, spoil := range map[string]func(*registry.Line){
		"restricted decision": func(l *registry.Line) { l.Draft.Arrival.Decision.Restricted = true },
		"restricted register": func(l *registry.Line) { l.Outcome.Number.Register = "ZS" },
		"erased content":      func(l *registry.Line) { l.Draft.Arrival = nil },
	} {
		t.Run(name, func(t *testing.T) {
			line := sampleLine(4512)
			spoil(&line)
			raw := written(t, line, noticeRow("os1"), nil).bytes
			text := string(readBack(t, raw).show()) + string(raw)
			for _, secret := range []string{"drzew", "wniosek", "Mieszkanka", "poczta.example", "6131", "List-Id", "Reason", "KPA"} {
				if strings.Contains(text, secret) {
					t.Errorf("the notice says %q", secret)
				}
			}
			if !strings.Contains(text, line.Outcome.Number.String()) || !strings.Contains(text, "pon. 23.11.2026") {
				t.Error("number or day is missing")
			}
		})
	}
}

func TestARemarkOnARestrictedEntrySaysNothingOfIt(t *testing.T) {
	book := newFakeBook()
	first := sampleLine(1)
	first.Draft.Arrival.Decision.Restricted = true
	book.write(t, first, today)
	line := remarkLine("RPW-000001-2026", gateway.Remark{Text: "remark.due_soon", Pairs: []string{"raw", "2026-12-24", "basis", "art. 35 KPA"}})()
	book.write(t, line, today, noticeRow("os1"))
	m, err := samplePress(book, nil).compose(t.Context(), book.all()[0])
	if err != nil {
		t.Fatal(err)
	}
	text := string(readBack(t, m.bytes).show())
	for _, secret := range []string{"KPA", "24.12", "drzew", "Mieszkanka"} {
		if strings.Contains(text, secret) {
			t.Errorf("the mail says %q:\n%s", secret, text)
		}
	}
}

// Whatever stands in a letter, it adds no field to our mails.
func TestNothingQuotedBeginsAHeaderField(t *testing.T) {
	evil := "x\r\nBcc: all@victim.example\r\n\r\nbody =?utf-8?q?=0D=0ABcc:_b@victim.example?= \u2028Bcc: c\u202e"
	line := sampleLine(4512)
	a := line.Draft.Arrival
	a.Document.MessageID = "a@b>\r\nBcc: x@victim.example"
	a.Title, a.Sender.Name, a.Sender.Email = evil, evil, evil
	a.Decision.Because, a.Decision.Rules, a.Decision.CaseSuggestion = []string{evil}, []string{evil}, evil
	a.Decision.Department = evil
	a.Document.Attachments[1].Name = evil
	for _, row := range []registry.OutboxRow{noticeRow("os1"), receiptRow("resident@poczta.example")} {
		raw := written(t, line, row, nil).bytes
		r := readBack(t, raw)
		if got := r.header.Get("Bcc"); got != "" {
			t.Errorf("%s: Bcc = %q", row.Kind, got)
		}
		words := new(mime.WordDecoder)
		for name, values := range r.header {
			for _, v := range values {
				decoded, _ := words.DecodeHeader(v)
				if strings.ContainsAny(decoded, "\r\n\u2028\u202e") {
					t.Errorf("%s: %s holds a line break: %q", row.Kind, name, decoded)
				}
			}
		}
		if !strings.HasPrefix(r.parts[0].mediaType, "text/plain") {
			t.Errorf("%s: first part is %s", row.Kind, r.parts[0].mediaType)
		}
		for _, l := range strings.Split(string(raw), "\r\n") {
			if len(l) > 998 || strings.ContainsAny(l, "\r\n") {
				t.Errorf("%s: a line of %d octets", row.Kind, len(l))
			}
		}
	}
}

func TestTheSameMailIsTheSameBytes(t *testing.T) {
	a := written(t, sampleLine(4512), noticeRow("os1"), nil)
	b := written(t, sampleLine(4512), noticeRow("os1"), nil)
	if !bytes.Equal(a.bytes, b.bytes) {
		t.Error("two writings of one notice differ")
	}
}

func TestMaskHidesOnlyWhatIsAPESEL(t *testing.T) {
	for in, want := range map[string]string{
		"PESEL 44051401359, tel.": "PESEL 44*********, tel.",
		"numer 44051401358":       "numer 44051401358",
		"440514013590":            "440514013590",
	} {
		if got := mask(in); got != want {
			t.Errorf("mask(%q) = %q, want %q", in, got, want)
		}
	}
}
