package storetest

import (
	"crypto/sha256"
	"fmt"
	"time"

	"kancelaria/registry"
)

// Noon is when the drafts of the exam begin: 2026-11-23 12:00 in Warsaw.
var Noon = time.Date(2026, 11, 23, 11, 0, 0, 0, time.UTC)

// Item gives the id of the n-th item, the same each time.
func Item(n int) registry.ItemID {
	sum := digest(fmt.Sprint("item ", n))
	id := registry.ItemID(sum[:16])
	ms := uint64(Noon.UnixMilli()) + uint64(n)
	for i := range 6 {
		id[i] = byte(ms >> (8 * (5 - i)))
	}
	id[6], id[8] = id[6]&0x0f|0x70, id[8]&0x3f|0x80
	return id
}

func digest(s string) registry.Digest { return sha256.Sum256([]byte(s)) }

// Letter drafts the registration of the n-th letter, n milliseconds after
// Noon; changes are made to it last.
func Letter(n int, changes ...func(*registry.Draft)) registry.Draft {
	at := Noon.Add(time.Duration(n) * time.Millisecond)
	id := Item(n)
	day := registry.DayOf(at, time.UTC)
	d := registry.Draft{
		Key: "item/" + id.String(), At: at, On: day, Salt: registry.Salt(digest(fmt.Sprint("salt ", n))), Node: "n1", Actor: registry.Daemon,
		Arrival: &registry.Arrival{
			Item: registry.Item{
				ID: id, Delivery: id, Door: registry.DoorSMTP, Register: "RPW", AcceptedAt: at, Node: "n1",
				Envelope: &registry.Envelope{MailFrom: sender(n), Recipients: []string{"urzad@aleksandrowo.example"}},
				Original: registry.Original{Digest: digest(fmt.Sprint("original ", n)), Size: int64(1000 + n), MediaType: "message/rfc822"},
			},
			Place: registry.Place(fmt.Sprintf("n1/1:%d", 4096*n)),
			Document: registry.Document{
				From: []registry.Address{{Email: sender(n)}}, Subject: fmt.Sprint("Wniosek nr ", n), Title: fmt.Sprint("Wniosek nr ", n),
				MessageID: fmt.Sprintf("%d@poczta.example", n), Redelivery: digest(fmt.Sprint("letter ", n)),
				Attachments: []registry.Attachment{{Path: "2", Name: "wniosek.pdf", Role: registry.RoleAttachment, Size: 7, Digest: digest("pdf")}},
			},
			Decision: registry.Decision{
				Class: "6131", CasePolicy: registry.CaseOnAccept, Department: "OS", Candidates: []string{"os1", "os2"},
				Balance:  registry.BalanceLeastOpen,
				Deadline: registry.Deadline{Code: "KPA_1M", Raw: day.AddDays(30), Due: day.AddDays(30 + n%3), Basis: "art. 35"},
				Rules:    []string{"drzewa"}, Because: []string{"w temacie: drzewa"},
			},
			Disposition: registry.Registered, Title: fmt.Sprint("Wniosek nr ", n), Sender: registry.Sender{Email: sender(n)},
			Receipt:    registry.ReceiptPlan{Send: true, To: sender(n), Variant: registry.ReceiptStandard},
			BodyDigest: digest(fmt.Sprint("body ", n)), ReceivedAt: at, ReceivedOn: day,
		},
	}
	for _, change := range changes {
		change(&d)
	}
	return d
}

func sender(n int) string { return fmt.Sprintf("nadawca%d@poczta.example", n%7) }

// Act drafts an act of a clerk, at minutes after Noon.
func Act(key string, minutes int, actor string, act registry.Act) registry.Draft {
	at := Noon.Add(time.Duration(minutes) * time.Minute)
	return registry.Draft{
		Key: "act/" + key, At: at, On: registry.DayOf(at, time.UTC), Salt: registry.Salt(digest("salt " + key)), Node: "n1",
		Actor: actor, Reason: "egzamin", Act: &act,
	}
}
