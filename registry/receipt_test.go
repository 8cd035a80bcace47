package registry_test

import (
	"testing"

	"kancelaria/registry"
)

func receiptOffice() *registry.Office {
	return &registry.Office{
		Domain: "aleksandrowo.example",
		Registers: map[string]registry.Register{
			"RPW": {ID: "RPW"}, "ZS": {ID: "ZS", Restricted: true},
		},
		Mailboxes: map[string]registry.Mailbox{
			"urzad@aleksandrowo.example":   {Kind: "official", Receipts: true},
			"faktury@aleksandrowo.example": {Kind: "official"},
			"os1@aleksandrowo.example":     {Kind: "individual", Receipts: true},
			"noreply@aleksandrowo.example": {Kind: "noreply", Receipts: true},
			"sygnaly@aleksandrowo.example": {Kind: "official", Receipts: true, Register: "ZS"},
		},
	}
}

// a letter that gets a receipt, to be spoilt by each case of the table.
type letter struct {
	it      registry.Item
	doc     registry.Document
	dec     registry.Decision
	enabled bool
}

func goodLetter() *letter {
	return &letter{
		it: registry.Item{
			Door: registry.DoorSMTP, Register: "RPW", Recipients: []string{"urzad@aleksandrowo.example"},
			Envelope: &registry.Envelope{MailFrom: "a@r1.example"},
		},
		doc: registry.Document{
			From: []registry.Address{{Email: "a@r1.example"}}, To: []registry.Address{{Email: "Urzad@Aleksandrowo.example"}},
			Language: "pl",
		},
		enabled: true,
	}
}

func TestWhoGetsNoReceiptAndWhy(t *testing.T) {
	for _, tt := range []struct {
		name  string
		spoil func(*letter)
		want  string
	}{
		{"a scan has no sender", func(l *letter) { l.it.Door, l.it.Envelope = registry.DoorFolder, nil }, "door"},
		{"a scanner's mail", func(l *letter) { l.it.Door = registry.DoorScan }, "door"},
		{"receipts are off", func(l *letter) { l.enabled = false }, "disabled"},
		{"null reverse path", func(l *letter) { l.it.Envelope.MailFrom = "" }, "null_path"},
		{"automatic reply", func(l *letter) { l.doc.Headers.AutoSubmitted = "auto-replied" }, "auto_submitted"},
		{"automatic reply with a parameter", func(l *letter) { l.doc.Headers.AutoSubmitted = "auto-generated; type=x" }, "auto_submitted"},
		{"list id", func(l *letter) { l.doc.Headers.ListID = "<x.y>" }, "list"},
		{"unsubscribe link", func(l *letter) { l.doc.Headers.ListUnsubscribe = true }, "list"},
		{"any list field", func(l *letter) { l.doc.Headers.All = map[string][]string{"list-post": {"x"}} }, "list"},
		{"bulk", func(l *letter) { l.doc.Headers.Precedence = "bulk" }, "precedence"},
		{"suppressed", func(l *letter) { l.doc.Headers.AutoSuppress = "DR, AutoReply" }, "suppressed"},
		{"suppressed altogether", func(l *letter) { l.doc.Headers.AutoSuppress = "All" }, "suppressed"},
		{"delivery report", func(l *letter) { l.doc.Headers.ContentType = "multipart/report" }, "report"},
		{"our own mark", func(l *letter) { l.doc.Headers.KancelariaLoop = true }, "loop"},
		{"noreply", func(l *letter) { l.from("no-reply@r1.example") }, "no_reply_sender"},
		{"postmaster", func(l *letter) { l.from("Postmaster@r1.example") }, "no_reply_sender"},
		{"mailer daemon", func(l *letter) { l.from("MAILER-DAEMON@r1.example") }, "no_reply_sender"},
		{"list owner", func(l *letter) { l.from("owner-x@r1.example") }, "no_reply_sender"},
		{"bounces with detail", func(l *letter) { l.from("bounces+17=x@r1.example") }, "no_reply_sender"},
		{"an address that would need quoting", func(l *letter) { l.from("a\r\nBcc: x@r1.example") }, "no_address"},
		{"no domain", func(l *letter) { l.from("a") }, "no_address"},
		{"DMARC says forged", func(l *letter) { l.doc.Auth.Verdict = registry.Forged }, "forged"},
		{"SPF fails and nothing else vouches", func(l *letter) { l.doc.Auth.SPF = "fail" }, "forged"},
		{"SPF failed at the door", func(l *letter) { l.it.Envelope.SPF = "fail" }, "forged"},
		{"poses as the mayor", func(l *letter) { l.dec.Flags = []registry.Flag{registry.FlagSpoofInternal} }, "forged"},
		{"quarantined", func(l *letter) { l.dec.Screen = "quarantine" }, "quarantine"},
		{"filed beside", func(l *letter) { l.dec.Screen = "beside" }, "not_registered"},
		{"spam", func(l *letter) { l.doc.Headers.SpamFlag = true }, "spam"},
		{"our own domain in the envelope", func(l *letter) { l.it.Envelope.MailFrom = "x@aleksandrowo.example" }, "own_domain"},
		{"our own domain in From", func(l *letter) { l.doc.From[0].Email = "x@Aleksandrowo.example" }, "own_domain"},
		{"individual mailbox", func(l *letter) { l.it.Recipients = []string{"os1@aleksandrowo.example"} }, "individual"},
		{"mailbox without receipts", func(l *letter) { l.it.Recipients = []string{"faktury@aleksandrowo.example"} }, "mailbox_off"},
		{"mailbox that nobody reads", func(l *letter) { l.it.Recipients = []string{"noreply@aleksandrowo.example"} }, "mailbox_off"},
		{"blind copy", func(l *letter) { l.doc.To[0].Email = "somebody@r3.example" }, "not_addressed"},
		{"From of another domain", func(l *letter) { l.doc.From[0].Email = "a@r2.example" }, "from_domain_differs"},
		{"no From at all", func(l *letter) { l.doc.From = nil }, "from_domain_differs"},
		{"a rule says none", func(l *letter) { l.dec.Receipt = "none" }, "rule"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := goodLetter()
			tt.spoil(l)
			got := registry.PlanReceipt(l.it, l.doc, l.dec, receiptOffice(), l.enabled)
			if got.Send || got.Reason != tt.want {
				t.Errorf("plan = %+v, want reason %q", got, tt.want)
			}
		})
	}
}

func (l *letter) from(address string) {
	l.it.Envelope.MailFrom = address
	l.doc.From = []registry.Address{{Email: address}}
}

func TestWhoGetsWhichReceipt(t *testing.T) {
	for _, tt := range []struct {
		name  string
		alter func(*letter)
		want  registry.ReceiptPlan
	}{
		{"an ordinary letter", func(*letter) {}, registry.ReceiptPlan{Send: true, To: "a@r1.example", Variant: "standard"}},
		{"Auto-Submitted: no", func(l *letter) { l.doc.Headers.AutoSubmitted = "no" }, registry.ReceiptPlan{Send: true, To: "a@r1.example", Variant: "standard"}},
		{"read receipts unwanted is no refusal of ours", func(l *letter) { l.doc.Headers.AutoSuppress = "DR, RN, NRN" }, registry.ReceiptPlan{Send: true, To: "a@r1.example", Variant: "standard"}},
		{"forwarded: SPF fails, DMARC passes", func(l *letter) { l.doc.Auth = registry.Authentication{SPF: "fail", Verdict: registry.Confirmed} }, registry.ReceiptPlan{Send: true, To: "a@r1.example", Variant: "standard"}},
		{"domain in other letters", func(l *letter) { l.doc.From[0].Email = "b@R1.Example" }, registry.ReceiptPlan{Send: true, To: "a@r1.example", Variant: "standard"}},
		{"no To at all", func(l *letter) { l.doc.To = nil }, registry.ReceiptPlan{Send: true, To: "a@r1.example", Variant: "standard"}},
		{"English", func(l *letter) { l.doc.Language = "en" }, registry.ReceiptPlan{Send: true, To: "a@r1.example", Variant: "standard", English: true}},
		{"language unsure", func(l *letter) { l.doc.Language = "" }, registry.ReceiptPlan{Send: true, To: "a@r1.example", Variant: "standard"}},
		{"assembly", func(l *letter) { l.dec.Flags = []registry.Flag{registry.FlagMinutePrecision} }, registry.ReceiptPlan{Send: true, To: "a@r1.example", Variant: "assembly"}},
		{"whistle-blower", func(l *letter) {
			l.it.Register, l.it.Recipients = "ZS", []string{"sygnaly@aleksandrowo.example"}
		}, registry.ReceiptPlan{Send: true, To: "a@r1.example", Variant: "whistle"}},
		{"one of several boxes gives receipts", func(l *letter) {
			l.it.Recipients = []string{"os1@aleksandrowo.example", "faktury@aleksandrowo.example", "urzad@aleksandrowo.example"}
		}, registry.ReceiptPlan{Send: true, To: "a@r1.example", Variant: "standard"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := goodLetter()
			tt.alter(l)
			if got := registry.PlanReceipt(l.it, l.doc, l.dec, receiptOffice(), l.enabled); got != tt.want {
				t.Errorf("plan = %+v, want %+v", got, tt.want)
			}
		})
	}
}
