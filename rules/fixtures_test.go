package rules

import (
	"slices"
	"strings"
	"testing"
	"time"

	"kancelaria/registry"
)

// A fixture is a letter of the town and what the office makes of it.
type fixture struct {
	id, at, from, to, subject string
	text                      string
	files                     []string
	door                      registry.Door
	set                       func(it *registry.Item, doc *registry.Document, facts *registry.Facts)

	screen, reason string
	class          string
	clerk          string // "PK" for the front desk's queue
	department     string
	deadline       string // code, due and, when it differs, the careful day
	flags          string
	not            string // flags that must not be there
	receipt        string
	hidden, told   string
}

func flagged(flags ...registry.Flag) func(*registry.Item, *registry.Document, *registry.Facts) {
	return func(_ *registry.Item, doc *registry.Document, _ *registry.Facts) { doc.Flags = flags }
}

func signed(verdict, covers string) func(*registry.Item, *registry.Document, *registry.Facts) {
	return func(_ *registry.Item, doc *registry.Document, _ *registry.Facts) {
		doc.Signatures = []registry.SignatureReport{{Format: "PAdES", Verdict: verdict, Covers: covers}}
	}
}

func quoting(mark, class, clerk, department string) func(*registry.Item, *registry.Document, *registry.Facts) {
	return func(_ *registry.Item, _ *registry.Document, facts *registry.Facts) {
		facts.Cases = []registry.CaseRef{{Mark: mark, Raw: mark, Exists: true, Open: true, SenderKnown: true, Class: class, Clerk: clerk, Department: department}}
	}
}

// The letters of the fictional town, rows F01 to F63 as far as they are letters
// that rules decide about.
func fixtures() []fixture {
	const office = "urzad@aleksandrowo.example"
	return []fixture{
		{id: "F01", at: "2026-11-23 09:41", to: office, subject: "Wniosek o udostępnienie informacji publicznej", text: "Proszę o umowy z 2025 r.", class: "1431", clerk: "or1", department: "OR", deadline: "UDIP_14D 2026-12-07", flags: "email_ok"},
		{id: "F02", at: "2026-11-24 07:12", to: office, subject: "SKARGA – nieodebrane odpady", text: "Mieszkaniec, ul. Lipowa 1, 00-000 Aleksandrowo", files: []string{"photo.jpg"}, class: "1510", clerk: "or1", department: "OR", deadline: "SKARGA_1M 2026-12-28 2026-12-24", flags: "email_ok", not: "intervention needs_routing"},
		{id: "F03", at: "2026-11-30 12:00", to: office, subject: "Skarga na burmistrza", files: []string{"skarga.pdf"}, class: "1510", clerk: "rm1", department: "RM", deadline: "SKARGA_1M 2026-12-30", flags: "complaint_on_mayor", hidden: "bm"},
		{id: "F04", at: "2026-11-23 10:02", to: office, subject: "Wniosek o zezwolenie na usunięcie drzewa", files: []string{"wniosek.pdf"}, class: "6131", clerk: "os1", department: "OS", deadline: "INT_3WD 2026-11-26", flags: "kpa63_email unsigned"},
		{id: "F05", at: "2026-11-23 10:05", to: office, subject: "Wniosek o zezwolenie na usunięcie drzewa", files: []string{"wniosek.pdf"}, set: signed("TOTAL-PASSED", "whole"), class: "6131", clerk: "os1", department: "OS", deadline: "INT_3WD 2026-11-26", flags: "kpa63_email signed", not: "unsigned"},
		{id: "F06", at: "2026-11-23 11:20", to: office, subject: "OŚ.6131.25.2026 – uzupełnienie", files: []string{"pismo.pdf", "pismo.pdf.xades"}, set: func(it *registry.Item, doc *registry.Document, facts *registry.Facts) {
			quoting("OS.6131.25.2026", "6131", "os1", "OS")(it, doc, facts)
			signed("INDETERMINATE", "files")(it, doc, facts)
		}, class: "6131", clerk: "os1", department: "OS", deadline: "INT_3WD 2026-11-26", flags: "case_ref kpa63_email sig_pair"},
		{id: "F07", at: "2026-11-23 11:30", to: office, subject: "Odp: Potwierdzenie odbioru wiadomości – RPW-004100-2026", files: []string{"zdjecie.jpg"}, set: func(_ *registry.Item, _ *registry.Document, facts *registry.Facts) {
			facts.Thread = &registry.Thread{Entry: "RPW-004100-2026", Folder: "K-RPW-004100-2026", Clerk: "gk2", Department: "GK", Open: true, Certain: true, How: "message_id"}
		}, clerk: "gk2", department: "GK", flags: "reply_to_item"},
		{id: "F08", at: "2026-11-23 11:31", to: "noreply@aleksandrowo.example", subject: "Automatyczna odpowiedź: urlop", set: func(_ *registry.Item, doc *registry.Document, _ *registry.Facts) {
			doc.Headers.AutoSubmitted = "auto-replied"
		}, screen: "beside", reason: "auto_reply", flags: "auto_reply", receipt: "none"},
		{id: "F09", at: "2026-11-23 11:35", from: "MAILER-DAEMON@poczta.example", to: "noreply@aleksandrowo.example", subject: "Undelivered Mail Returned to Sender", set: func(it *registry.Item, doc *registry.Document, _ *registry.Facts) {
			it.Envelope.MailFrom, doc.Headers.ContentType, doc.Headers.ReportType = "", "multipart/report", "delivery-status"
		}, screen: "beside", reason: "bounce", flags: "receipt_undeliverable", receipt: "none"},
		{id: "F10", at: "2026-11-23 12:00", from: "biuro@szkolenia.example", to: office, subject: "Szkolenie KPA 2027 – rabat", set: func(_ *registry.Item, doc *registry.Document, _ *registry.Facts) {
			doc.Headers.ListUnsubscribe = true
		}, screen: "beside", reason: "ad", flags: "ad"},
		{id: "F11", at: "2026-11-23 12:10", to: office, subject: "Faktura zaległa!!!", files: []string{"faktura.docm"}, set: func(_ *registry.Item, doc *registry.Document, _ *registry.Facts) { doc.Malware.State = "found" }, screen: "quarantine", reason: "malware", flags: "malware", told: "pk1 pk2"},
		{id: "F12", at: "2026-11-23 12:15", from: "bm@aleksandrowo.example", to: "fn2@aleksandrowo.example skb@aleksandrowo.example", subject: "Pilny przelew", set: func(_ *registry.Item, doc *registry.Document, _ *registry.Facts) {
			doc.Auth = registry.Authentication{SPF: "fail", DKIM: "none", DMARC: "fail", Verdict: registry.Forged}
		}, screen: "quarantine", reason: "spoof_internal", flags: "spoof_internal payment_fraud_risk", told: "adm skb"},
		{id: "F13", at: "2026-11-23 12:30", from: "biuro@dostawca.example", to: "faktury@aleksandrowo.example", subject: "Faktura FV/11/2026", files: []string{"FV-11-2026.pdf"}, clerk: "fn2", department: "FN", flags: "invoice_email_check_ksef", not: "needs_routing"},
		{id: "F14", at: "2026-11-23 12:45", from: "biuro@d0stawca.example", to: office, subject: "Zmiana numeru rachunku bankowego", files: []string{"pismo.pdf"}, clerk: "skb", department: "FN", flags: "payment_fraud_risk"},
		{id: "F15", at: "2026-11-30 09:00", from: "stowarzyszenie@ngo.example", to: office, subject: "Petycja w sprawie progów zwalniających", text: "Stowarzyszenie, ul. Krótka 2, 00-000 Aleksandrowo", files: []string{"petycja.docx", "lista_podpisow.pdf"}, class: "152", clerk: "or1", department: "OR", deadline: "PETYCJA_3M 2027-03-01 2027-02-28", flags: "email_ok publish_scan personal_data_list"},
		{id: "F16", at: "2026-11-23 13:00", to: office, subject: "Petycja – cisza nocna", class: "152", clerk: "or1", department: "OR", deadline: "PETYCJA_3M 2027-02-23", flags: "missing_address", not: "email_ok"},
		{id: "F17", at: "2026-11-27 22:14", to: office, subject: "Zawiadomienie o zgromadzeniu 5.12.2026 12:00", files: []string{"zgoda.pdf"}, class: "5310", clerk: "so2", department: "SO", deadline: "ZGROM_96H 2026-12-01 12:00", flags: "urgent minute_precision", receipt: "assembly", told: "zbm zk1"},
		{id: "F19", at: "2026-11-24 08:00", to: "rada@aleksandrowo.example", subject: "Interpelacja – stan dróg", files: []string{"interpelacja.pdf"}, class: "0003", clerk: "rm1", department: "RM", deadline: "INTERP_14D 2026-12-08", flags: "start_on_handover"},
		{id: "F20", at: "2026-11-25 15:00", to: "iod@aleksandrowo.example", subject: "Jakie moje dane przetwarzacie? art. 15 RODO", clerk: "iod", department: "IOD", deadline: "RODO_1M 2026-12-28 2026-12-25", flags: "gdpr_request restricted_view"},
		{id: "F21", at: "2026-11-23 16:00", to: "sygnaly@aleksandrowo.example", subject: "Naruszenie procedur", files: []string{"opis.pdf"}, set: func(it *registry.Item, _ *registry.Document, _ *registry.Facts) { it.Register = "ZS" }, clerk: "iod", department: "IOD", deadline: "SYGN_7D 2026-11-30", flags: "restricted", receipt: "whistle"},
		{id: "F22", at: "2026-12-17 14:02", from: "kancelaria@wojewoda.example", door: registry.DoorPackage, subject: "Wezwanie do przekazania akt w terminie 7 dni", set: flagged(registry.FlagEvidenceTime), clerk: "sek", department: "OR", deadline: "EXT_DATE 2026-12-28 2026-12-24", flags: "authority evidence_time"},
		{id: "F23", at: "2026-11-24 09:08", door: registry.DoorPackage, subject: "Wniosek o zajęcie pasa drogowego", set: signed("TOTAL-PASSED", "whole"), class: "7230", clerk: "gk1", department: "GK", deadline: "KPA_1M 2026-12-28 2026-12-24", flags: "signed", not: "kpa63_email"},
		{id: "F24", at: "2026-11-23 18:00", door: registry.DoorPackage, subject: "Pismo ogólne – wymeldowanie", set: flagged(registry.FlagEPUAPChannel), class: "5343", clerk: "so1", department: "SO", deadline: "KPA_1M 2026-12-23", flags: "epuap_channel_check", not: "kpa63_email"},
		{id: "F35", at: "2026-11-23 09:10", to: office, subject: "Wniosek o zaświadczenie o niezaleganiu", set: flagged(registry.FlagCharsetGuessed), class: "3120", clerk: "fn1", department: "FN", deadline: "INT_3WD 2026-11-26", flags: "charset_guessed kpa63_email"},
		{id: "F36", at: "2026-11-23 09:15", to: office, subject: "Prośba o informację o oświetleniu", files: []string{"załącznik.pdf"}, class: "7021", clerk: "gk2", department: "GK", not: "intervention kpa63_email needs_routing"},
		{id: "F37", at: "2026-11-23 09:18", to: office, subject: "Zażółć gęślą jaźń", files: []string{"pismo.pdf"}, clerk: "PK", department: "OR", flags: "needs_routing"},
		{id: "F38", at: "2026-11-23 09:20", from: "biuro@spolka.example", to: office, subject: "Sprawozdanie kwartalne", files: []string{"a.xlsx", "b.pdf"}, set: flagged(registry.FlagTNEF), clerk: "PK", department: "OR", flags: "tnef needs_routing"},
		{id: "F39", at: "2026-11-23 09:25", to: office, files: []string{"IMG_2211.jpg"}, set: flagged(registry.FlagEmptySubject), clerk: "PK", department: "OR", flags: "empty_subject needs_routing"},
		{id: "F41", at: "2026-11-23 09:35", to: office, subject: "Dokumenty – nabór", files: []string{"dokumenty.zip"}, set: flagged(registry.FlagEncryptedAttachment), clerk: "PK", department: "OR", flags: "encrypted_attachment personal_data needs_routing"},
		{id: "F44", at: "2026-11-23 13:10", from: "biuro@sasiednia.example", to: office + " bm@aleksandrowo.example sek@aleksandrowo.example", subject: "Porozumienie – transport", files: []string{"porozumienie.pdf"}, clerk: "sek", department: "OR", flags: "authority", not: "needs_routing individual_mailbox"},
		{id: "F45", at: "2026-11-23 13:20", to: "os1@aleksandrowo.example", subject: "zdjęcia drzewa do sprawy OS.6131.25.2026", files: []string{"1.jpg", "2.jpg", "3.jpg"}, screen: "beside", reason: "individual", flags: "individual_mailbox", receipt: "none", told: "os1"},
		{id: "F46", at: "2026-11-23 13:30", to: office, subject: "Rejestracja pojazdu sprowadzonego", files: []string{"a.pdf", "b.pdf"}, clerk: "or1", department: "OR", deadline: "FORWARD_ASAP 2026-11-30", flags: "not_competent kpa63_email"},
		{id: "F47", at: "2026-11-23 13:40", from: "biuro@prawnicy.example", to: office, subject: "Wezwanie do zapłaty", files: []string{"wezwanie.pdf"}, set: flagged(registry.FlagMDNRequested), clerk: "PK", department: "OR", flags: "mdn_requested needs_routing"},
		{id: "F48", at: "2026-11-23 13:50", to: office, subject: "Pełnomocnictwo do sprawy GN.6831.14.2026", files: []string{"pelnomocnictwo.pdf"}, set: func(it *registry.Item, doc *registry.Document, facts *registry.Facts) {
			quoting("GN.6831.14.2026", "6831", "gn2", "GN")(it, doc, facts)
			signed("TOTAL-FAILED", "whole")(it, doc, facts)
		}, class: "6831", clerk: "gn2", department: "GN", deadline: "INT_3WD 2026-11-26", flags: "signature_failed kpa63_email"},
		{id: "F49", at: "2026-11-23 14:00", from: "biuro@firma.example", to: office, subject: "Uzupełnienie oferty dzierżawy", files: []string{"oferta.pdf.p7m"}, set: signed("INDETERMINATE", "whole"), class: "6845", clerk: "gn2", department: "GN", flags: "signature_unchecked", not: "kpa63_email"},
		{id: "F50", at: "2026-11-23 14:10", to: "usc@aleksandrowo.example", subject: "Request for my birth certificate", files: []string{"passport.jpg"}, set: func(_ *registry.Item, doc *registry.Document, _ *registry.Facts) { doc.Language = "en" }, class: "5362", clerk: "usc1", department: "USC", deadline: "INT_3WD 2026-11-26", flags: "kpa63_email lang_en personal_data"},
		{id: "F51", at: "2026-12-31 23:59", to: office, subject: "Wniosek o informację publiczną", class: "1431", clerk: "or1", department: "OR", deadline: "UDIP_14D 2027-01-14"},
		{id: "F52", at: "2027-01-01 00:00", to: office, subject: "Wniosek o informację publiczną (2)", class: "1431", clerk: "or1", department: "OR", deadline: "UDIP_14D 2027-01-15"},
		{id: "F53", at: "2026-12-30 21:00", to: office, subject: "Skarga na hałas", set: func(_ *registry.Item, doc *registry.Document, _ *registry.Facts) { doc.Headers.SpamFlag = true }, screen: "quarantine", reason: "spam", flags: "spam"},
		{id: "F54", at: "2026-10-25 02:30", to: office, subject: "Wniosek o informację publiczną", class: "1431", clerk: "or1", department: "OR", deadline: "UDIP_14D 2026-11-09 2026-11-08"},
		{id: "F55", at: "2026-12-17 10:00", to: office, subject: "Żądanie zapewnienia dostępności cyfrowej – skan bez warstwy tekstowej", clerk: "or1", department: "OR", deadline: "DOST_7D 2026-12-28 2026-12-24", flags: "email_ok"},
		{id: "F56", at: "2026-11-23 20:00", to: office, subject: "dziura w jezdni ul. Lipowa", files: []string{"zdjecie.jpg"}, class: "7021", clerk: "gk2", department: "GK", flags: "intervention", not: "kpa63_email"},
		{id: "F57", at: "2026-11-23 20:05", from: "biuro@firma.example", to: office, files: []string{"smime.p7m"}, set: flagged(registry.FlagEncryptedBody), clerk: "PK", department: "OR", flags: "encrypted_body needs_routing"},
		{id: "F59", at: "2026-11-23 20:10", to: office, subject: "dokumentacja", files: []string{"a.zip"}, set: flagged(registry.FlagArchiveLimit), clerk: "PK", department: "OR", flags: "archive_limit needs_routing"},
		{id: "F60", at: "2026-12-22 08:00", from: "biuro@partner.example", to: office, subject: "Życzenia świąteczne", files: []string{"kartka.jpg"}, screen: "beside", reason: "wishes", flags: "wishes", told: "bm"},
		{id: "F61", at: "2026-11-28 23:50", to: office, subject: "Wniosek: proszę o ławki w parku", clerk: "PK", department: "OR", flags: "needs_routing"},
		{id: "F62", at: "2026-11-23 20:30", from: "os1@aleksandrowo.example", to: office, subject: "Fwd: prośba mieszkanki", set: func(_ *registry.Item, doc *registry.Document, _ *registry.Facts) {
			doc.Flags = []registry.Flag{registry.FlagInnerMessage}
			doc.Auth.Verdict = registry.Confirmed
		}, clerk: "PK", department: "OR", flags: "inner_message needs_sender needs_routing", not: "spoof_internal"},
		{id: "F63", at: "2026-11-23 20:40", from: "biuro@sasiednia.example", to: office, subject: "GK.6131.2.2026 – zapytanie", files: []string{"pismo.pdf"}, set: func(_ *registry.Item, _ *registry.Document, facts *registry.Facts) {
			facts.Cases = []registry.CaseRef{{Mark: "GK.6131.2.2026", Foreign: true}}
		}, clerk: "sek", department: "OR", flags: "foreign_mark authority", not: "case_ref"},
		{id: "F64", at: "2026-11-23 20:50", to: office, subject: "Pismo", set: func(_ *registry.Item, doc *registry.Document, _ *registry.Facts) {
			doc.Attachments = []registry.Attachment{{Name: "zaswiadczenie_gpj.exe", Role: registry.RoleAttachment, Flags: []registry.Flag{registry.FlagExecutable, registry.FlagRTLName}}}
		}, screen: "quarantine", reason: "rtl_name", flags: "executable rtl_name", told: "pk1 pk2"},
	}
}

func (f fixture) letter(t *testing.T, zone *time.Location) (registry.Item, registry.Document, registry.Facts) {
	at, err := time.ParseInLocation("2006-01-02 15:04", f.at, zone)
	if err != nil {
		t.Fatal(err)
	}
	from := orElse(f.from, "jan@resident.example")
	it := registry.Item{Door: registry.Door(orElse(string(f.door), "smtp")), Register: "RPW", Recipients: strings.Fields(f.to), AcceptedAt: at.UTC()}
	if it.Door.IsMail() {
		it.Envelope = &registry.Envelope{MailFrom: from, Recipients: it.Recipients}
	}
	doc := registry.Document{
		From: []registry.Address{{Email: from}}, Subject: f.subject, Own: f.text, Text: f.text, Language: "pl",
		Auth: registry.Authentication{SPF: "pass", DKIM: "pass", DMARC: "pass", Verdict: registry.Confirmed},
	}
	for _, name := range f.files {
		doc.Attachments = append(doc.Attachments, registry.Attachment{Name: name, Role: registry.RoleAttachment, Size: 1000})
	}
	facts := registry.Facts{Now: it.AcceptedAt}
	if f.set != nil {
		f.set(&it, &doc, &facts)
	}
	return it, doc, facts
}

func TestLettersOfTheTown(t *testing.T) {
	s := sample(t)
	for _, f := range fixtures() {
		t.Run(f.id, func(t *testing.T) {
			it, doc, facts := f.letter(t, s.office.Zone)
			d := s.Decide(it, doc, facts)
			clerk := d.Queue
			if len(d.Candidates) > 0 {
				clerk = d.Candidates[0]
			}
			for _, c := range []struct{ what, got, want string }{
				{"screen", d.Screen, f.screen},
				{"reason", d.ScreenReason, f.reason},
				{"class", d.Class, f.class},
				{"clerk", clerk, f.clerk},
				{"department", d.Department, f.department},
				{"deadline", shortDeadline(d.Deadline, s.office.Zone), f.deadline},
				{"hidden from", strings.Join(d.HideFrom, " "), f.hidden},
			} {
				if c.got != c.want {
					t.Errorf("%s: got %q, want %q", c.what, c.got, c.want)
				}
			}
			if f.receipt != "" && d.Receipt != f.receipt {
				t.Errorf("receipt: got %q, want %q", d.Receipt, f.receipt)
			}
			if f.told != "" && strings.Join(d.Notify, " ") != f.told {
				t.Errorf("told: got %v, want %s", d.Notify, f.told)
			}
			flags := flagStrings(d.Flags)
			for _, want := range strings.Fields(f.flags) {
				if !slices.Contains(flags, want) {
					t.Errorf("no flag %s in %v", want, flags)
				}
			}
			for _, no := range strings.Fields(f.not) {
				if slices.Contains(flags, no) {
					t.Errorf("flag %s should not be there", no)
				}
			}
			if t.Failed() {
				t.Log(Explain(d, s))
			}
		})
	}
}

// shortDeadline writes code and due day, then the hour or a careful day that
// differs.
func shortDeadline(d registry.Deadline, zone *time.Location) string {
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

func TestALetterReleasedFromQuarantineKeepsItsDeadline(t *testing.T) {
	s := sample(t)
	i := slices.IndexFunc(fixtures(), func(f fixture) bool { return f.id == "F53" })
	it, doc, facts := fixtures()[i].letter(t, s.office.Zone)
	facts.Now = facts.Now.AddDate(0, 0, 5) // released on 4 January
	d := s.DecideAdmitted(it, doc, facts)
	if got, want := shortDeadline(d.Deadline, s.office.Zone), "SKARGA_1M 2027-02-01 2027-01-30"; got != want || d.Class != "1510" || d.Screen != "" {
		t.Errorf("class %s, deadline %q, want %q; screen %q", d.Class, got, want, d.Screen)
	}
}

func TestNothingKeptOutOfTheBookIsTakenToAClerk(t *testing.T) {
	s := sample(t)
	for _, f := range fixtures() {
		if f.screen == "" {
			continue
		}
		it, doc, facts := f.letter(t, s.office.Zone)
		if d := s.Decide(it, doc, facts); len(d.Candidates) > 0 || d.Department != "" || d.Class != "" {
			t.Errorf("%s: %+v", f.id, d)
		}
	}
}
