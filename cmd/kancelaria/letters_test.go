package main

import (
	"time"

	"kancelaria/registry"
)

// A row is a letter of the town, what is known of its way, and what the office
// makes of it. Where the table of fixtures and DESIGN § 4 differ, DESIGN holds
// and the row says so.
type row struct {
	id, at      string // local time; a second hour of 2:30 is marked "CET"
	from        string // as the letter says; each row has a sender of its own
	mailFrom    string // of the envelope, if not From; "<>" is nobody
	peer        string // who hands it over, if not the townsfolk's server
	to, subject string
	text        string
	header      string // more fields
	files       []string
	raw         func() string // the letter from its subject on
	same        string        // row whose Message-ID it repeats
	door        registry.Door
	item        func(*registry.Item)
	play        func(*played) // what people do then
	finally     func(*played) // what they do when all the others have come

	// What is expected. An empty disposition is registered.
	disposition   registry.Disposition
	reason        string
	class, clerk  string // clerk "PK": the front desk's queue
	deadline      string // code, due, and the careful day if it differs
	receipt       string // reason not sent; "" is sent
	variant       string // of the receipt sent
	flags, not    string
	title, names  string // names of attachments
	told          string // logins with a notice, beside the clerk; "-" nobody at all
	year          int    // of the series, if not of the arrival
	duplicate     string // row that it may repeat
	join, suggest string // row whose folder it joins; case number suggested
	hidden        string
}

const urzad = "urzad@aleksandrowo.example"

// pending are rows and parts of rows that other parts of the house play: who
// looks for a row finds it here, or in the table.
var pending = map[string]string{
	"F05": "needs a PDF with a valid qualified signature: verdicts of signatures",
	"F23": "the trusted signature (podpis zaufany) in the flags: verdicts of signatures; the way of a package is played by gateway/drop/folder",
	"F22": "the evidence of a package is read by the door of packages: gateway/drop/folder plays it",
	"F24": "the evidence of ePUAP is read by the door of packages: gateway/drop/folder plays it",
	"F25": "a label on page one is read by the door of scans: gateway/drop plays it",
	"F27": "separator pages are read by the door of scans: gateway/drop plays it",
	"F30": "a label on page one is read by the door of scans: gateway/drop plays it",
	"F31": "a file that grows is the door's matter: gateway/drop/folder plays it",
	"F40": "refused in the dialogue: gateway/smtpd plays it",
	"F48": "needs a PDF changed after it was signed: verdicts of signatures",
	"F49": "needs a CMS whose certificate has expired: verdicts of signatures",
}

func letters() []row {
	return []row{
		{id: "F54a", at: "2026-10-25 02:30:00", to: urzad, subject: "Wniosek o informację publiczną", class: "1431", clerk: "or1", deadline: "UDIP_14D 2026-11-09 2026-11-08"},
		{id: "F54b", at: "2026-10-25 02:30:00 CET", to: urzad, subject: "Wniosek o informację publiczną", text: "Drugi.", class: "1431", clerk: "or1", deadline: "UDIP_14D 2026-11-09 2026-11-08"},
		// What is there before: stands for the items and cases to be seeded.
		{id: "S1", at: "2026-11-16 09:00:00", to: urzad, subject: "dziura w jezdni ul. Lipowa", class: "7021", clerk: "gk2", flags: "intervention"},
		{id: "S2", at: "2026-11-16 09:10:00", from: "strona@resident.example", to: urzad, subject: "Wniosek o zezwolenie na usunięcie drzewa", play: opensCase, class: "6131", clerk: "os1", deadline: "INT_3WD 2026-11-19", flags: "kpa63_email"},
		{id: "S3", at: "2026-11-16 09:20:00", from: "strona2@resident.example", to: urzad, subject: "Podział działki nr 12/3", play: opensCase, class: "6831", clerk: "gn2", deadline: "INT_3WD 2026-11-19"},
		{id: "S4", at: "2026-11-16 09:30:00", from: "inwestor@firma.example", to: urzad, subject: "Karta informacyjna przedsięwzięcia", play: opensCase, class: "6220", clerk: "os2", deadline: "INT_3WD 2026-11-19"},

		{id: "F28", at: "2026-11-23 08:30:00", door: registry.DoorFolder, item: scanned("Scan_0001.pdf"), clerk: "PK", receipt: "door", flags: "to_complete"},                                                   // DESIGN: scans get a number at once
		{id: "F29", at: "2026-11-23 08:31:00", door: registry.DoorFolder, item: scanned("Scan_0001.pdf"), same: "F28", clerk: "PK", receipt: "door", flags: "to_complete possible_duplicate", duplicate: "F28"}, // DESIGN: a new entry, flagged
		{id: "F34", at: "2026-11-23 09:05:00", door: registry.DoorFolder, item: scanned("Fax_0007.pdf"), clerk: "PK", receipt: "door", flags: "to_complete"},
		{id: "F26", at: "2026-11-23 08:20:00", door: registry.DoorFolder, item: scanned("Scan_20261123_082000.pdf"), play: describesScan, class: "7230", clerk: "gk1", deadline: "KPA_1M 2026-12-21 2026-12-20", receipt: "door", not: "to_complete"},
		{id: "F32", at: "2026-11-23 09:00:00", door: registry.DoorFolder, item: scanned("Scan_0032.pdf"), play: keepsOfferClosed, class: "271", clerk: "pp1", deadline: " 2026-12-01", receipt: "door"},
		{id: "F35", at: "2026-11-23 09:10:00", to: urzad, raw: raw1250, class: "3120", clerk: "fn1", deadline: "INT_3WD 2026-11-26", flags: "charset_guessed kpa63_email", title: "Wniosek o zaświadczenie o niezaleganiu"},
		{id: "F36", at: "2026-11-23 09:15:00", to: urzad, raw: latin2, class: "7021", clerk: "gk2", names: "załącznik.pdf", not: "intervention kpa63_email needs_routing", title: "Prośba o informację o oświetleniu"},
		{id: "F37", at: "2026-11-23 09:18:00", to: urzad, raw: splitWords, clerk: "PK", names: "świadectwo.pdf", flags: "needs_routing", title: "Zażółć gęślą jaźń"},
		{id: "F38", at: "2026-11-23 09:20:00", from: "biuro@spolka.example", to: urzad, subject: "Sprawozdanie kwartalne", files: []string{"winmail.dat"}, clerk: "PK", names: "zestawienie.xlsx pismo.pdf", flags: "tnef needs_routing"},
		{id: "F39", at: "2026-11-23 09:25:00", to: urzad, files: []string{"IMG_2211.jpg"}, clerk: "PK", flags: "empty_subject needs_routing", title: "brak danych – wiadomość bez tematu (1 załącznik)"},
		{id: "F41", at: "2026-11-23 09:35:00", to: urzad, subject: "Dokumenty – nabór", files: []string{"dokumenty.zip"}, clerk: "PK", flags: "encrypted_attachment personal_data needs_routing"},
		{id: "F01", at: "2026-11-23 09:41:07", from: "f01@resident.example", to: urzad, subject: "Wniosek o udostępnienie informacji publicznej", text: "Proszę o umowy z 2025 r. Mój PESEL 44051401359.", class: "1431", clerk: "or1", deadline: "UDIP_14D 2026-12-07", flags: "email_ok"},
		{id: "F42", at: "2026-11-23 09:41:37", from: "f01@resident.example", to: urzad, same: "F01", subject: "Wniosek o udostępnienie informacji publicznej", text: "Proszę o umowy z 2025 r. Mój PESEL 44051401359.", disposition: registry.Redelivered},
		{id: "F04", at: "2026-11-23 10:02:00", to: urzad, subject: "Wniosek o zezwolenie na usunięcie drzewa", files: []string{"wniosek.pdf"}, class: "6131", clerk: "os1", deadline: "INT_3WD 2026-11-26", flags: "kpa63_email unsigned"},
		// Signatures on F06 and F58 are another part's: sig_pair is not looked at.
		{id: "F06", at: "2026-11-23 11:20:00", from: "strona@resident.example", to: urzad, subject: "OŚ.6131.1.2026 – uzupełnienie", files: []string{"pismo.pdf", "pismo.pdf.xades"}, class: "6131", clerk: "os1", deadline: "INT_3WD 2026-11-26", flags: "case_ref kpa63_email", suggest: "OS.6131.1.2026"},
		{id: "F07", at: "2026-11-23 11:30:00", from: "s1@resident.example", to: urzad, header: "{reply S1}", subject: "Odp: Potwierdzenie odbioru wiadomości", text: "Nowe zdjęcie.", files: []string{"zdjecie.jpg"}, class: "7021", clerk: "gk2", flags: "reply_to_item", join: "S1"},
		{id: "F08", at: "2026-11-23 11:31:00", from: "f01@resident.example", to: "noreply@aleksandrowo.example", header: "Auto-Submitted: auto-replied\r\n{reply F01}", subject: "Automatyczna odpowiedź: urlop", disposition: registry.Beside, reason: "auto_reply", receipt: "auto_submitted", flags: "auto_reply", told: "-"},
		{id: "F09", at: "2026-11-23 11:35:00", from: "MAILER-DAEMON@poczta.example", mailFrom: "<>", to: "noreply@aleksandrowo.example", raw: bounced, disposition: registry.Beside, reason: "bounce", receipt: "null_path", flags: "receipt_undeliverable", told: "-"},
		{id: "F10", at: "2026-11-23 12:00:00", from: "biuro@szkolenia.example", to: urzad, header: "List-Unsubscribe: <mailto:x@szkolenia.example>\r\n", subject: "Szkolenie KPA 2027 – rabat", disposition: registry.Beside, reason: "ad", receipt: "list", flags: "ad", told: "-"},
		{id: "F11", at: "2026-11-23 12:10:00", from: "obcy@firma.example", to: urzad, header: infected + "\r\n", subject: "Faktura zaległa!!!", files: []string{"faktura.docm"}, disposition: registry.Quarantined, reason: "malware", receipt: "quarantine", flags: "malware macros", told: "pk1 pk2"},
		{id: "F12", at: "2026-11-23 12:15:00", from: "bm@aleksandrowo.example", peer: strangerSends, to: "fn2@aleksandrowo.example skb@aleksandrowo.example", subject: "Pilny przelew", disposition: registry.Quarantined, reason: "spoof_internal", receipt: "forged", flags: "spoof_internal payment_fraud_risk", told: "adm skb"},
		{id: "F13", at: "2026-11-23 12:30:00", from: "biuro@dostawca.example", to: "faktury@aleksandrowo.example", subject: "Faktura FV/11/2026", files: []string{"FV-11-2026.pdf"}, clerk: "fn2", receipt: "mailbox_off", flags: "invoice_email_check_ksef", not: "needs_routing"},
		{id: "F43", at: "2026-11-23 12:41:00", from: "f01@resident.example", to: urzad, subject: "Wniosek o udostępnienie informacji publicznej", text: "Proszę o umowy z 2025 r. Mój PESEL 44051401359.", class: "1431", clerk: "or1", deadline: "UDIP_14D 2026-12-07", flags: "possible_duplicate", duplicate: "F01"},
		{id: "F14", at: "2026-11-23 12:45:00", from: "biuro@d0stawca.example", to: urzad, subject: "Zmiana numeru rachunku bankowego", files: []string{"pismo.pdf"}, clerk: "skb", flags: "payment_fraud_risk"},
		{id: "F16", at: "2026-11-23 13:00:00", to: urzad, subject: "Petycja – cisza nocna", text: "Proszę o ciszę.", class: "152", clerk: "or1", deadline: "PETYCJA_3M 2027-02-23", flags: "missing_address", not: "email_ok"},
		{id: "F44", at: "2026-11-23 13:10:00", from: "biuro@sasiednia.example", to: urzad + " bm@aleksandrowo.example sek@aleksandrowo.example", subject: "Porozumienie – transport", files: []string{"porozumienie.pdf"}, clerk: "sek", flags: "authority", not: "needs_routing individual_mailbox"},
		{id: "F45", at: "2026-11-23 13:20:00", from: "strona@resident.example", to: "os1@aleksandrowo.example", subject: "zdjęcia drzewa do sprawy OS.6131.1.2026", files: []string{"1.jpg", "2.jpg", "3.jpg"}, play: promotes, disposition: registry.Beside, reason: "individual", receipt: "not_registered", flags: "individual_mailbox", told: "os1"}, // the reason is that of what it is: beside the book
		{id: "F46", at: "2026-11-23 13:30:00", to: urzad, subject: "Rejestracja pojazdu sprowadzonego", files: []string{"a.pdf", "b.pdf"}, play: forwardsOutside, clerk: "or1", deadline: "FORWARD_ASAP 2026-11-30", flags: "not_competent kpa63_email"},
		{id: "F47", at: "2026-11-23 13:40:00", from: "biuro@prawnicy.example", to: urzad, header: "Disposition-Notification-To: biuro@prawnicy.example\r\n", subject: "Wezwanie do zapłaty", files: []string{"wezwanie.pdf"}, clerk: "PK", flags: "mdn_requested needs_routing"},
		{id: "F50", at: "2026-11-23 14:10:00", from: "f50@abroad.example", to: "usc@aleksandrowo.example", subject: "Request for my birth certificate", text: "Dear Sir or Madam, I would like to ask you for a copy of my birth certificate. Please tell me what I have to do. Thank you for your help.", files: []string{"passport.jpg"}, class: "5362", clerk: "usc1", deadline: "INT_3WD 2026-11-26", flags: "kpa63_email lang_en personal_data"},
		{id: "F21", at: "2026-11-23 16:00:00", from: "pracownik@poczta.example", to: "sygnaly@aleksandrowo.example", subject: "Naruszenie procedur", files: []string{"opis.pdf"}, item: func(it *registry.Item) { it.Register = "ZS" }, clerk: "iod", deadline: "SYGN_7D 2026-11-30", variant: registry.ReceiptWhistle, flags: "restricted"},
		{id: "F56", at: "2026-11-23 20:00:00", to: urzad, subject: "dziura w jezdni ul. Krótka", files: []string{"zdjecie.jpg"}, class: "7021", clerk: "gk2", flags: "intervention", not: "kpa63_email"},
		{id: "F57", at: "2026-11-23 20:05:00", from: "biuro@firma.example", to: urzad, raw: enveloped, clerk: "PK", flags: "encrypted_body needs_routing"},
		{id: "F59", at: "2026-11-23 20:10:00", to: urzad, subject: "dokumentacja", files: []string{"a.zip"}, clerk: "PK", flags: "archive_limit needs_routing"},
		{id: "F62", at: "2026-11-23 20:30:00", from: "os1@aleksandrowo.example", peer: officeSends, to: urzad, raw: forwarded, play: namesSender, clerk: "PK", receipt: "own_domain", flags: "inner_message needs_sender needs_routing", not: "spoof_internal"},
		{id: "F63", at: "2026-11-23 20:40:00", from: "sekretariat@sasiednia.example", to: urzad, subject: "GK.6131.2.2026 – zapytanie", files: []string{"pismo.pdf"}, clerk: "sek", flags: "authority foreign_mark", not: "case_ref"},
		{id: "F64", at: "2026-11-23 20:50:00", from: "obcy2@firma.example", to: urzad, subject: "Pismo", files: []string{"zaswiadczenie_\u202egpj.exe"}, disposition: registry.Quarantined, reason: "rtl_name", receipt: "quarantine", flags: "executable rtl_name", told: "pk1 pk2"},
		{id: "F02", at: "2026-11-24 07:12:00", to: urzad, subject: "SKARGA – nieodebrane odpady", text: "Mieszkaniec, ul. Lipowa 1, 00-000 Aleksandrowo", files: []string{"photo.jpg"}, class: "1510", clerk: "or1", deadline: "SKARGA_1M 2026-12-28 2026-12-24", flags: "email_ok", not: "intervention needs_routing"},
		{id: "F19", at: "2026-11-24 08:00:00", from: "radny@poczta.example", to: "rada@aleksandrowo.example", subject: "Interpelacja – stan dróg", files: []string{"interpelacja.pdf"}, class: "0003", clerk: "rm1", deadline: "INTERP_14D 2026-12-08", flags: "start_on_handover"},
		{id: "F33", at: "2026-11-24 10:00:00", door: registry.DoorCounter, item: appeal, play: setsAppealTerm, class: "6831", clerk: "gn2", flags: "case_ref", deadline: " 2026-12-01", receipt: "door", suggest: "GN.6831.1.2026"},
		{id: "F20", at: "2026-11-25 15:00:00", to: "iod@aleksandrowo.example", subject: "Jakie moje dane przetwarzacie? art. 15 RODO", text: "PESEL 44051401359", clerk: "iod", deadline: "RODO_1M 2026-12-28 2026-12-25", flags: "gdpr_request restricted_view"},
		{id: "F17", at: "2026-11-27 22:14:33.120", to: urzad, subject: "Zawiadomienie o zgromadzeniu 5.12.2026 12:00", files: []string{"zgoda.pdf"}, class: "5310", clerk: "so2", deadline: "ZGROM_96H 2026-12-01 12:00", variant: registry.ReceiptAssembly, flags: "urgent minute_precision", told: "zbm zk1"},
		{id: "F18", at: "2026-11-27 22:14:51.004", to: urzad, subject: "Zawiadomienie o zgromadzeniu 5.12.2026 12:00", text: "Inny organizator.", class: "5310", clerk: "so2", deadline: "ZGROM_96H 2026-12-01 12:00", variant: registry.ReceiptAssembly, flags: "urgent minute_precision", told: "zbm zk1"}, // collision is for a person: no rule compares two letters
		{id: "F61", at: "2026-11-28 23:50:00", to: urzad, subject: "Wniosek: proszę o ławki w parku", play: classifies, class: "1510", clerk: "or1", deadline: "SKARGA_1M 2026-12-28", not: "needs_routing"},                                                                                                 // the class's term; WNIOSEK_1M ends the same day
		{id: "F15", at: "2026-11-30 09:00:00", from: "stowarzyszenie@ngo.example", to: urzad, subject: "Petycja w sprawie progów zwalniających", text: "Stowarzyszenie, ul. Krótka 2, 00-000 Aleksandrowo", files: []string{"petycja.docx", "lista podpisow.pdf"}, class: "152", clerk: "or1", deadline: "PETYCJA_3M 2027-03-01 2027-02-28", flags: "email_ok publish_scan personal_data_list"},
		{id: "F03", at: "2026-11-30 12:00:00", to: urzad, subject: "Skarga na burmistrza", files: []string{"skarga.pdf"}, class: "1510", clerk: "rm1", deadline: "SKARGA_1M 2026-12-30", flags: "complaint_on_mayor", hidden: "bm"},
		{id: "F55", at: "2026-12-17 10:00:00", to: urzad, subject: "Żądanie zapewnienia dostępności cyfrowej – skan bez warstwy tekstowej", clerk: "or1", deadline: "DOST_7D 2026-12-28 2026-12-24", flags: "email_ok"},
		{id: "F60", at: "2026-12-22 08:00:00", from: "biuro@partner.example", to: urzad, subject: "Życzenia świąteczne", files: []string{"kartka.jpg"}, disposition: registry.Beside, reason: "wishes", receipt: "not_registered", flags: "wishes", told: "bm"},
		{id: "F58", at: "2026-12-30 09:00:00", door: registry.DoorFolder, item: scanned("Scan_0058.pdf"), play: setsReminderTerm, clerk: "os2", deadline: " 2027-01-07", receipt: "door"},
		{id: "F53", at: "2026-12-30 21:00:00", to: urzad, header: "X-Spam-Flag: YES\r\n", subject: "Skarga na hałas", text: "https://strona.example/", finally: releases, disposition: registry.Quarantined, reason: "spam", receipt: "quarantine", flags: "spam"},
		// year_edge is of an entry numbered after midnight: the law of the book tests it.
		{id: "F51", at: "2026-12-31 23:59:59.400", to: urzad, subject: "Wniosek o informację publiczną", class: "1431", clerk: "or1", deadline: "UDIP_14D 2027-01-14", year: 2026},
		{id: "F52", at: "2027-01-01 00:00:00.100", to: urzad, subject: "Wniosek o informację publiczną (2)", class: "1431", clerk: "or1", deadline: "UDIP_14D 2027-01-15", year: 2027},
	}
}

// scanned is a file of a drop.
func scanned(name string) func(*registry.Item) {
	return func(it *registry.Item) {
		it.Source, it.Envelope, it.Recipients = "skaner", nil, nil
		it.File = &registry.File{Path: name}
		it.Original = registry.Original{Name: name, MediaType: "application/pdf"}
	}
}

// appeal is handed in at the counter, with its envelope.
func appeal(it *registry.Item) {
	scanned("odwolanie.pdf")(it)
	it.Door, it.Source, it.File = registry.DoorCounter, "", nil
	it.Hand = &registry.Hand{By: "pk1", Title: "Odwołanie od decyzji GN.6831.1.2026", PostedOn: "2026-11-20", Sender: registry.Sender{Name: "Strona postępowania"}}
}

// Letters as programs of people write them.

func raw1250() string {
	return "Subject: Wniosek o za\x9cwiadczenie o niezaleganiu\r\n\r\nProsz\xea o za\x9cwiadczenie.\r\n"
}

func latin2() string {
	return "Subject: =?ISO-8859-2?Q?Pro=B6ba_o_informacj=EA_o_o=B6wietleniu?=\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" +
		"--b\r\nContent-Type: text/plain; charset=iso-8859-2\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nDzie=F1 dobry.\r\n" +
		"--b\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename*=ISO-8859-2''za%B3%B1cznik.pdf\r\n\r\n%PDF-1.4\n%%EOF\r\n--b--\r\n"
}

func splitWords() string {
	// The first word ends within the ó.
	return "Subject: =?UTF-8?B?WmHFvMM=?= =?UTF-8?B?s8WCxIcgZ8SZxZtsxIUgamHFusWE?=\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" +
		"--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nTekst.\r\n" +
		"--b\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename=\"=?UTF-8?B?xZt3aWFkZWN0d28ucGRm?=\"\r\n\r\n%PDF-1.4\n%%EOF\r\n--b--\r\n"
}

func bounced() string {
	return "Subject: Undelivered Mail Returned to Sender\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n" +
		"--b\r\n\r\nNot delivered.\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; poczta.example\r\n\r\nFinal-Recipient: rfc822; f01@resident.example\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n" +
		"--b\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: {receipt F01}\r\nSubject: Potwierdzenie\r\n\r\n--b--\r\n"
}

func enveloped() string {
	// ContentInfo of the type enveloped-data (RFC 5652 § 6).
	cms := []byte("\x30\x1c\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03\xa0\x0f\x30\x0d\x02\x01\x00\x31\x00\x30\x06\x06\x01\x2a\x80\x01\x00")
	return "Subject: Pismo\r\nContent-Type: application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m\r\nContent-Transfer-Encoding: base64\r\n\r\n" + lines76(cms) + "\r\n"
}

func forwarded() string {
	return "Subject: =?UTF-8?Q?Fwd:_pro=C5=9Bba_mieszkanki?=\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nPrzekazuje.\r\n" +
		"--b\r\nContent-Type: message/rfc822\r\n\r\nFrom: mieszkanka@resident.example\r\nTo: os1@aleksandrowo.example\r\nSubject: prosba\r\nDate: Mon, 23 Nov 2026 08:00:00 +0100\r\n\r\nProsze o kontakt.\r\n--b--\r\n"
}

// What people do with letters.

func opensCase(p *played) {
	p.town.act(p.clerk, registry.Act{Kind: registry.ActAccept, Subject: p.number()}, "")
}

func describesScan(p *played) {
	p.town.act("pk1", registry.Act{Kind: registry.ActComplete, Subject: p.number(), Fields: map[string]string{
		"title": "Wniosek o zajęcie pasa drogowego", "sender.name": "Firma budowlana", "received_at": "2026-11-20 12:00",
	}}, "stempel wpływu 20.11.2026")
	p.town.act("pk1", registry.Act{Kind: registry.ActClassify, Subject: p.number(), Class: "7230", Clerk: "gk1"}, "")
}

func keepsOfferClosed(p *played) {
	p.town.act("pk1", registry.Act{Kind: registry.ActComplete, Subject: p.number(), Fields: map[string]string{
		"title": "OFERTA – nie otwierać przed 1.12.2026 10:00", "sender.name": "Oferent",
	}}, "")
	p.town.act("pk1", registry.Act{Kind: registry.ActClassify, Subject: p.number(), Class: "271", Clerk: "pp1"}, "")
	p.due("sek", "2026-12-01")
}

func setsAppealTerm(p *played) { p.due("sek", "2026-12-01") }

func setsReminderTerm(p *played) {
	p.town.act("pk1", registry.Act{Kind: registry.ActComplete, Subject: p.number(), Fields: map[string]string{
		"title": "Ponaglenie w sprawie OS.6220.1.2026", "sender.name": "Inwestor",
	}}, "")
	p.town.act("pk1", registry.Act{Kind: registry.ActForward, Subject: p.number(), To: "os2"}, "ponaglenie")
	p.due("os2", "2027-01-07")
}

func forwardsOutside(p *played) {
	p.town.act("or1", registry.Act{Kind: registry.ActForward, Subject: p.number(), To: "Starosta", Outside: true}, "art. 65 KPA")
}

func classifies(p *played) {
	p.town.act("pk1", registry.Act{Kind: registry.ActClassify, Subject: p.number(), Class: "1510", Clerk: "or1"}, "wniosek z działu VIII KPA")
}

func namesSender(p *played) {
	p.town.act("pk1", registry.Act{Kind: registry.ActCorrect, Subject: p.number(), Fields: map[string]string{
		"sender.email": "mieszkanka@resident.example",
	}}, "nadawca z przekazanej wiadomości")
}

func promotes(p *played) {
	p.town.set(p.at.Add(time.Minute))
	out := p.release("pk1", "pismo do sprawy")
	if out.Number.IsZero() || !hasFlag(out.Flags, registry.FlagPromoted) {
		p.town.t.Errorf("promoted: %+v", out)
	}
}

func releases(p *played) {
	p.town.set(time.Date(2027, 1, 4, 8, 0, 0, 0, time.UTC))
	out := p.release("pk1", "to nie spam")
	w := p.town.entry(out.Number)
	if out.Number.Year != 2027 || w.ReceivedOn.String() != "2026-12-30" || shortTerm(w.Deadline, p.town.zone()) != "SKARGA_1M 2027-02-01 2027-01-30" || !hasFlag(w.Flags, registry.FlagReleased) {
		p.town.t.Errorf("released as %s, received on %s, %s, flags %v", out.Number, w.ReceivedOn, shortTerm(w.Deadline, p.town.zone()), w.Flags)
	}
}
