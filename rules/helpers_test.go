package rules

import (
	"os"
	"testing"
	"time"

	"kancelaria/registry"
)

// sampleFile reads a file of the sample office.
func sampleFile(tb testing.TB, name string) []byte {
	tb.Helper()
	data, err := os.ReadFile("../contrib/" + name)
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

// sample is the fictional town with its rules.
func sample(tb testing.TB) *Set {
	tb.Helper()
	office, list := LoadOffice("office.yaml", sampleFile(tb, "config/office.yaml"))
	if len(list) > 0 {
		tb.Fatalf("the sample office: %v", list)
	}
	s, list := Load("rules.yaml", sampleFile(tb, "rules/rules.yaml"), office)
	if len(list) > 0 {
		tb.Fatalf("the sample rules: %v", list)
	}
	return s
}

const smallOfficeFile = `
office: {name: Urząd, domain: urzad.example}
registers: {RPW: {kind: in}}
mailboxes:
  urzad@urzad.example: {register: RPW}
  os1@urzad.example: {kind: individual, register: RPW, clerk: os1}
departments:
  OR: {name: Organizacyjny, head: sek, clerks: [or1, or2]}
  OS: {name: Środowisko, head: os2, clerks: [os1, os2]}
clerks:
  sek: {name: sekretarz, mail: sek@urzad.example, roles: [secretary], titles: ["sekretarz*"]}
  bm: {name: burmistrz, mail: bm@urzad.example, roles: [mayor], titles: ["burmistrz*"]}
  or1: {name: referent 1, mail: or1@urzad.example, login: or1}
  or2: {name: referent 2, mail: or2@urzad.example}
  os1: {name: referent ds. zieleni, mail: os1@urzad.example, deputies: [os2]}
  os2: {name: kierownik, mail: os2@urzad.example, deputies: [os1], titles: ["kierownik*"]}
classes:
  "6131": {name: Drzewa, department: OS, clerk: os1, deadline: KPA_1M}
  "6220": {name: Decyzje, department: OS}
  "1431": {name: Informacja publiczna, department: OR, clerk: or1, case: at_once, deadline: UDIP_14D}
institutions:
  sad: {name: Sąd, kind: court, domains: [sad.example]}
desk: {department: OR, queue: PK}
`

func smallOffice(tb testing.TB) *registry.Office {
	tb.Helper()
	o, list := LoadOffice("office.yaml", []byte(smallOfficeFile))
	if len(list) > 0 {
		tb.Fatalf("the small office: %v", list)
	}
	return o
}

// rulesFor loads rules for the small office: what stands below the mandatory
// head.
func rulesFor(tb testing.TB, body string) *Set {
	tb.Helper()
	s, list := Load("rules.yaml", []byte("version: 1\nfallback: {department: OR, queue: PK}\n"+body), smallOffice(tb))
	if s == nil {
		tb.Fatalf("loading:\n%s\n%v", body, list)
	}
	return s
}

// monday is when letters of the tests arrive.
var monday = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)

// letter is a plain mail to the front desk.
func letter(from, subject string) (registry.Item, registry.Document) {
	it := registry.Item{
		Door: registry.DoorSMTP, Register: "RPW", Recipients: []string{"urzad@urzad.example"}, AcceptedAt: monday,
		Envelope: &registry.Envelope{MailFrom: from, Recipients: []string{"urzad@urzad.example"}},
	}
	doc := registry.Document{From: []registry.Address{{Email: from}}, Subject: subject, Auth: registry.Authentication{SPF: "none", DKIM: "none", DMARC: "none", Verdict: registry.Unchecked}}
	return it, doc
}

func factsAt(it registry.Item) registry.Facts { return registry.Facts{Now: it.AcceptedAt} }

// richLetter has a value for nearly every field.
func richLetter() (registry.Item, registry.Document, registry.Facts) {
	it, doc := letter("Jan@Resident.example", "Wniosek o wycinkę drzew")
	doc.Own, doc.Text = "Proszę o zgodę.", "Proszę o zgodę.\n> cytat"
	doc.Language = "pl"
	doc.Flags = []registry.Flag{registry.FlagTNEF}
	doc.Headers.All = map[string][]string{"x-mailer": {"Thunderbird 140"}}
	doc.Auth = registry.Authentication{SPF: "pass", DKIM: "pass", DMARC: "pass", Verdict: registry.Confirmed}
	doc.Malware.State = "clean"
	doc.Hints = map[string]string{"device": "SKM_C250i"}
	doc.Attachments = []registry.Attachment{
		{Path: "1", MediaType: "text/plain", Role: registry.RoleBody},
		{Path: "2", Name: "mapa wyrys.PDF", MediaType: "application/pdf", Size: 3_000_000, Role: registry.RoleAttachment},
		{Path: "3", Name: "b.zip", MediaType: "application/zip", Size: 10, Role: registry.RoleAttachment, Flags: []registry.Flag{registry.FlagMacros}},
		{Path: "3!ukryty.txt", Name: "ukryty.txt", MediaType: "text/x-log", Size: 5, Role: registry.RoleEmbedded},
	}
	doc.Signatures = []registry.SignatureReport{{Format: "PAdES", Verdict: "TOTAL-PASSED", Covers: "whole"}}
	facts := factsAt(it)
	facts.Cases = []registry.CaseRef{
		{Mark: "XX.1.1.2026", Foreign: true},
		{Mark: "OS.6131.25.2026", Exists: true, Open: true, SenderKnown: true, Class: "6131", Clerk: "os1", Department: "OS"},
	}
	return it, doc, facts
}
