package sqlite

import (
	"context"
	"encoding/binary"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"kancelaria/registry"
)

var noon = time.Date(2026, 11, 23, 11, 0, 0, 0, time.UTC)

// open opens a book that goes with the test.
func open(t testing.TB, o Options) *Store {
	t.Helper()
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "book.db"), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// letter is the draft of a plain letter.
func letter(n int) registry.Draft {
	at := noon.Add(time.Duration(n) * time.Millisecond)
	id := registry.NewItemID(at)
	binary.BigEndian.PutUint16(id[6:], 7<<12) // the same id each time
	binary.BigEndian.PutUint64(id[8:], uint64(n)|1<<63)
	salt := registry.Salt{byte(n), byte(n >> 8), byte(n >> 16), 1}
	return registry.Draft{
		Key: "item/" + id.String(), At: at, On: registry.Day{Year: 2026, Month: 11, Day: 23}, Salt: salt, Node: "n1", Actor: "kancelaria",
		Arrival: &registry.Arrival{
			Item: registry.Item{
				ID: id, Delivery: id, Door: registry.DoorSMTP, Register: "RPW", AcceptedAt: at, Node: "n1",
				Envelope: &registry.Envelope{MailFrom: "mieszkaniec@example.pl"},
				Original: registry.Original{Digest: registry.Digest{byte(n), byte(n >> 8), 7}, Size: 4096, MediaType: "message/rfc822"},
			},
			Place: "n1/1:4096",
			Document: registry.Document{
				Subject: fmt.Sprintf("Wniosek o wycinkę drzew %d", n), MessageID: fmt.Sprintf("%d@example.pl", n), Redelivery: registry.Digest{byte(n), byte(n >> 8), 9},
			},
			Decision: registry.Decision{
				Class: "6131", CasePolicy: "on_accept", Department: "OS", Candidates: []string{"os1", "os2"}, Balance: "least_open",
				Deadline: registry.Deadline{Code: "KPA_1M", Raw: registry.Day{Year: 2026, Month: 12, Day: 23}, Due: registry.Day{Year: 2026, Month: 12, Day: 23}},
			},
			Disposition: registry.Registered, Title: "Wniosek o wycinkę drzew", Sender: registry.Sender{Email: fmt.Sprintf("mieszkaniec%d@example.pl", n%500)},
			Receipt:    registry.ReceiptPlan{Send: true, To: fmt.Sprintf("mieszkaniec%d@example.pl", n%500), Variant: "standard"},
			BodyDigest: registry.Digest{byte(n), byte(n >> 8), 8}, ReceivedAt: at, ReceivedOn: registry.Day{Year: 2026, Month: 11, Day: 23},
		},
	}
}

func letters(from, to int) []registry.Draft {
	var out []registry.Draft
	for n := from; n <= to; n++ {
		out = append(out, letter(n))
	}
	return out
}

func TestALetterIsRegisteredAndFoundAgain(t *testing.T) {
	s := open(t, Options{})
	ctx := context.Background()
	drafts := []registry.Draft{letter(1), letter(2), letter(3)}
	out, err := s.Commit(ctx, drafts)
	if err != nil {
		t.Fatal(err)
	}
	for i, o := range out {
		if o.State != registry.Written || o.Number.Seq != int64(i+1) {
			t.Errorf("outcome %d = %+v", i, o)
		}
	}
	again, err := s.Commit(ctx, drafts)
	if err != nil {
		t.Fatal(err)
	}
	if again[2].State != registry.Repeated || again[2].Number != out[2].Number {
		t.Errorf("again = %+v", again[2])
	}
	page, err := s.Find(ctx, registry.Query{Of: registry.FindEntries})
	if err != nil {
		t.Fatal(err)
	}
	if len(page.Works) != 3 || page.Works[0].Number.Seq != 3 {
		t.Errorf("list = %+v", page.Works)
	}
	found, err := s.Check(ctx)
	if err != nil || len(found) != 0 {
		t.Errorf("check = %v, %v", found, err)
	}
}
