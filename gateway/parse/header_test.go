package parse

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"kancelaria/gateway/parse/charset"
	"kancelaria/registry"
)

func TestAddressesAreReadHoweverTheyAreWritten(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"a@b.example", "|a@b.example"},
		{"Jan <a@b.example>", "Jan|a@b.example"},
		{`"Nowak, Jan" <a@b.example>, c@d.example`, "Nowak, Jan|a@b.example;|c@d.example"},
		{"Nowak, Jan <a@b.example>", "Nowak, Jan|a@b.example"},
		{"=?utf-8?Q?=C5=BBaneta?= <a@b.example>", "Żaneta|a@b.example"},
		{`"=?utf-8?Q?=C5=BBaneta?=" <a@b.example>`, "Żaneta|a@b.example"},
		{"Żaneta <a@b.example>", "Żaneta|a@b.example"},
		{"Urząd Gminy (sekretariat) <a@b.example>", "Urząd Gminy (sekretariat)|a@b.example"},
		{"a@b.example (Jan)", "Jan|a@b.example"},
		{"Jan a@b.example", "Jan|a@b.example"},
		{"J. Nowak <a@b.example>", "J. Nowak|a@b.example"},
		{"Jan@Firma <a@b.example>", "Jan@Firma|a@b.example"},
		{"<a@b.example", "|a@b.example"},
		{"Jan <a@b.example", "Jan|a@b.example"},
		{"mailto:a@b.example", "|a@b.example"},
		{"urzad: a@b.example, c@d.example;", "|a@b.example;|c@d.example"},
		{"<@relay.example:a@b.example>", "|a@b.example"},
		{"undisclosed-recipients:;", ""},
		{"MAILER-DAEMON", "MAILER-DAEMON|"},
		{"Mail Delivery <MAILER-DAEMON>", "Mail Delivery|MAILER-DAEMON"},
		{"MAILER-DAEMON <>", "MAILER-DAEMON <>|"},
		{"only a name", "only a name|"},
		{`"a@evil.example"@b.example`, `|a@evil.example@b.example`},
		{"a(comment)@b.example", "|a@b.example"},
		{"zażółć@gęślą.example", "|zażółć@gęślą.example"},
		{"", ""},
		{" , ,, ", ""},
	} {
		t.Run(tt.in, func(t *testing.T) {
			run := New(Options{}).newReading(t.Context(), registry.Item{}, nil)
			var got []string
			for _, a := range run.addresses(nil, []byte(tt.in)) {
				got = append(got, a.Name+"|"+a.Email)
			}
			if s := strings.Join(got, ";"); s != tt.want {
				t.Errorf("got %q, want %q", s, tt.want)
			}
		})
	}
}

func TestRawIsKeptOnlyWhereTheReadingWasAGuess(t *testing.T) {
	set := &charset.Decoder{}
	for in, want := range map[string]string{
		"=?utf-8?Q?=C5=BBaneta?= <a@b.example>": "",
		"a@b.example (Jan)":                     "a@b.example (Jan)",
		"Ż":                                     "Ż",
	} {
		got, ok := lenientAddress([]byte(in), set)
		if !ok || got.Raw != want {
			t.Errorf("%s: raw = %q, want %q", in, got.Raw, want)
		}
	}
}

func TestDatesAreReadInManyForms(t *testing.T) {
	cet := time.FixedZone("", 3600)
	want := time.Date(2026, 11, 23, 10, 11, 12, 0, cet)
	for _, in := range []string{
		"Mon, 23 Nov 2026 10:11:12 +0100",
		"23 Nov 2026 10:11:12 +0100 (CET)",
		"Mon, 23 Nov 26 10:11:12 +0100",
		"Mon 23 Nov 2026 10:11:12 CET",
		"Mon, 23 Nov 2026 10:11:12 +01:00",
		"Mon, 23 Nov 2026 10.11.12 +0100",
		"Mon Nov 23 10:11:12 2026 +0100",
		"Mon, 23 November 2026 10:11:12 +0100",
		"pon., 23 lis 2026 10:11:12 +0100",
		"poniedziałek, 23 listopada 2026 10:11:12 +0100",
		"Mo, 23 Nov 2026 10:11:12 MEZ",
		"2026-11-23T10:11:12+01:00",
		"2026-11-23 10:11:12 +0100",
		"23.11.2026 10:11:12 +0100",
		"23-Nov-2026 10:11:12 +0100",
		"2026/11/23 10:11:12 +0100",
		"11/23/2026 10:11:12 AM +0100",
		`"Mon, 23 Nov 2026 10:11:12 +0100"`,
		"Mon, 23 Nov 2026 09:11:12 GMT",
		"Mon, 23 Nov 2026 09:11:12",
		"Mon, 23 Nov 2026 09:11:12 UT",
		"Mon, 23 Nov 2026 09:11:12 Z",
		"Mon, 23 Nov 2026 04:11:12 EST",
		"Mon, 23  Nov  2026  10:11:12+0100",
	} {
		if got, ok := parseDate(in); !ok || !got.Equal(want) {
			t.Errorf("%q = %v (%t), want %v", in, got, ok, want)
		}
	}
	for _, in := range []string{"", "yesterday", "32 Nov 2026", "31 Feb 2026 10:00:00", "10:11:12", strings.Repeat("1", 1000)} {
		if got, ok := parseDate(in); ok {
			t.Errorf("%q = %v, want nothing", in, got)
		}
	}
}

func TestMessageIDsAreReadHoweverTheyAreWritten(t *testing.T) {
	for in, want := range map[string][]string{
		"<a@b>":               {"a@b"},
		"<a@b> <c@d>":         {"a@b", "c@d"},
		"<a@b>\r\n\t<c@d>":    {"a@b", "c@d"},
		"a@b":                 {"a@b"},
		"a@b c@d":             {"a@b", "c@d"},
		"<a@b":                {"a@b"},
		"<a@b <c@d>":          {"a@b", "c@d"},
		"<no-host>":           {"no-host"},
		"<a b@c>":             {"ab@c"},
		"message of Monday":   nil,
		"(comment) <a@b> end": {"a@b"},
		"":                    nil,
	} {
		if got := messageIDs(nil, []byte(in)); !reflect.DeepEqual(got, want) {
			t.Errorf("%q = %q, want %q", in, got, want)
		}
	}
}

func TestHeadersOfALetter(t *testing.T) {
	doc := read(t, `Return-Path: <robot@firma.example>
Received: from a by b; Mon, 23 Nov 2026 10:00:01 +0100
Received: from c by a; Mon, 23 Nov 2026 10:00:00 +0100
Authentication-Results: mx.example; spf=pass
From: Robot <robot@firma.example>
Sender: other@firma.example
Reply-To: answers@firma.example
To: urzad@aleksandrowo.example
Cc: a@b.example, c@d.example
Subject: Odp: Re: Wniosek
Date: Mon, 23 Nov 2026 10:00:00 +0100
Message-ID: <1@firma.example>
In-Reply-To: <0@aleksandrowo.example>
References: <x@y> <0@aleksandrowo.example>
Auto-Submitted: Auto-Replied
Precedence: BULK
List-Id: News <news.firma.example>
List-Unsubscribe: <https://firma.example/u>
X-Auto-Response-Suppress: All
Disposition-Notification-To: robot@firma.example
X-Spam-Flag: YES
X-Spam-Status: Yes, score=7.3 required=5
X-Priority: 1
Content-Type: text/plain; charset=utf-8

text
`)
	h := doc.Headers
	equal(t, "author", doc.Sender().Email, "robot@firma.example")
	equal(t, "reply to", doc.ReplyTo[0].Email, "answers@firma.example")
	equal(t, "copies", len(doc.Cc), 2)
	equal(t, "subject", doc.Subject, "Odp: Re: Wniosek")
	equal(t, "title", doc.Title, "Wniosek")
	equal(t, "message id", doc.MessageID, "1@firma.example")
	equal(t, "in reply to", strings.Join(doc.InReplyTo, " "), "0@aleksandrowo.example")
	equal(t, "references", strings.Join(doc.References, " "), "x@y 0@aleksandrowo.example")
	equal(t, "auto submitted", h.AutoSubmitted, "auto-replied")
	equal(t, "precedence", h.Precedence, "bulk")
	equal(t, "list", h.ListID, "News <news.firma.example>")
	equal(t, "unsubscribe", h.ListUnsubscribe, true)
	equal(t, "suppress", h.AutoSuppress, "All")
	equal(t, "return path", h.ReturnPath, "robot@firma.example")
	equal(t, "receipt asked by", h.DispositionTo, "robot@firma.example")
	equal(t, "spam", h.SpamFlag, true)
	equal(t, "spam score", h.SpamScore, "7.3")
	equal(t, "trace", h.Received, 2)
	equal(t, "topmost trace", h.ReceivedTop[0], "from a by b; Mon, 23 Nov 2026 10:00:01 +0100")
	equal(t, "results", strings.Join(h.AuthResults, "|"), "mx.example; spf=pass")
	equal(t, "type", h.ContentType, "text/plain")
	equal(t, "other fields", strings.Join(h.All["x-priority"], ""), "1")
	equal(t, "flags", flagsOf(doc), "mdn_requested")
	equal(t, "flaws", flawCodes(doc), "")
}

func TestALetterWithoutAuthorIsRead(t *testing.T) {
	doc := read(t, "Sender: a@b.example\nSubject: x\nDate: the day before\n\ntext\n")
	equal(t, "author", doc.Sender().Email, "a@b.example")
	equal(t, "raw date", doc.RawDate, "the day before")
	equal(t, "date", doc.Date.IsZero(), true)
	equal(t, "flaws", flawCodes(doc), "date_unreadable sender_missing")
}

func TestFieldsForRulesAreBounded(t *testing.T) {
	var letter strings.Builder
	for range 2000 {
		letter.WriteString("X-Filler: " + strings.Repeat("a", 100) + "\n")
	}
	doc := read(t, letter.String()+"\ntext\n")
	if n := len(doc.Headers.All["x-filler"]); n < 100 || n > 700 {
		t.Errorf("%d values kept", n)
	}
}
