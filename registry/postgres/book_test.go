package postgres

import (
	"context"
	"encoding/binary"
	"flag"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"kancelaria/registry"
	"kancelaria/registry/storetest"
	"kancelaria/testenv"
)

var update = flag.Bool("update", false, "write schema.txt anew")

var noon = time.Date(2026, 11, 23, 11, 0, 0, 0, time.UTC)

// A town is a database with a book, as seen by its owner, by the service and
// by who may do everything.
type town struct {
	pg                        *testenv.PG
	owner, service, superuser string // DSNs
}

var (
	template  string // DSN of an empty book, which others are copies of
	templated sync.Once
	towns     atomic.Int64
)

// newTown makes a book in a database of the test's own.
func newTown(t testing.TB) town {
	t.Helper()
	pg := testenv.Postgres(t)
	templated.Do(func() {
		name := "template_of_books"
		pg.Exec(t, serverOf(t, pg), "CREATE DATABASE "+name+" OWNER owner")
		template = strings.Replace(serverOf(t, pg), "/postgres?", "/"+name+"?", 1)
		if err := Migrate(t.Context(), pg.As(t, "owner", template), "service", Options{}); err != nil {
			t.Fatal(err)
		}
	})
	name := fmt.Sprintf("book%d", towns.Add(1))
	pg.Exec(t, serverOf(t, pg), "CREATE DATABASE "+name+" TEMPLATE template_of_books OWNER owner")
	t.Cleanup(func() { pg.Exec(t, serverOf(t, pg), "DROP DATABASE "+name+" WITH (FORCE)") })
	return townAt(t, pg, strings.Replace(serverOf(t, pg), "/postgres?", "/"+name+"?", 1))
}

// emptyTown makes a database without a book.
func emptyTown(t testing.TB) town {
	t.Helper()
	pg := testenv.Postgres(t)
	return townAt(t, pg, pg.NewDatabase(t))
}

func townAt(t testing.TB, pg *testenv.PG, dsn string) town {
	return town{pg: pg, owner: pg.As(t, "owner", dsn), service: pg.As(t, "service", dsn), superuser: pg.As(t, "postgres", dsn)}
}

// serverOf is the DSN of the server's own database.
func serverOf(t testing.TB, pg *testenv.PG) string {
	t.Helper()
	return fmt.Sprintf("postgres://postgres@127.0.0.1:%d/postgres?sslmode=disable", pg.Port)
}

// open opens the book as the service; it is closed when the test ends.
func (w town) open(t testing.TB, o Options) *Store {
	t.Helper()
	s, err := Open(t.Context(), w.service, o)
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

// connect connects as who may do everything.
func (w town) connect(t testing.TB) *pgx.Conn {
	t.Helper()
	cfg, err := pgx.ParseConfig(w.superuser)
	if err != nil {
		t.Fatal(err)
	}
	prepare(cfg, Options{})
	c, err := pgx.ConnectConfig(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	return c
}

// letter is the draft of a plain letter.
func letter(n int) registry.Draft {
	at := noon.Add(time.Duration(n) * time.Millisecond)
	id := registry.NewItemID(at)
	binary.BigEndian.PutUint16(id[6:], 7<<12) // the same id each time
	binary.BigEndian.PutUint64(id[8:], uint64(n)|1<<63)
	day := registry.Day{Year: 2026, Month: 11, Day: 23}
	due := registry.Day{Year: 2026, Month: 12, Day: 23}
	return registry.Draft{
		Key: "item/" + id.String(), At: at, On: day, Salt: registry.Salt{byte(n), byte(n >> 8), byte(n >> 16), 1}, Node: "n1", Actor: "kancelaria",
		Arrival: &registry.Arrival{
			Item: registry.Item{
				ID: id, Delivery: id, Door: registry.DoorSMTP, Register: "RPW", AcceptedAt: at, Node: "n1",
				Envelope: &registry.Envelope{MailFrom: "mieszkaniec@example.pl"},
				Original: registry.Original{Digest: registry.Digest{byte(n), byte(n >> 8), 7}, Size: 4096, MediaType: "message/rfc822"},
			},
			Place: "n1/1:4096",
			Document: registry.Document{
				Subject: fmt.Sprintf("Wniosek o wycinkę drzew %d", n), MessageID: fmt.Sprintf("%d@example.pl", n),
				Redelivery: registry.Digest{byte(n), byte(n >> 8), 9},
			},
			Decision: registry.Decision{
				Class: "6131", CasePolicy: "on_accept", Department: "OS", Candidates: []string{"os1", "os2"}, Balance: "least_open",
				Deadline: registry.Deadline{Code: "KPA_1M", Raw: due, Due: due},
			},
			Disposition: registry.Registered, Title: "Wniosek o wycinkę drzew",
			Sender:     registry.Sender{Email: fmt.Sprintf("mieszkaniec%d@example.pl", n%500)},
			Receipt:    registry.ReceiptPlan{Send: true, To: fmt.Sprintf("mieszkaniec%d@example.pl", n%500), Variant: "standard"},
			BodyDigest: registry.Digest{byte(n), byte(n >> 8), byte(n >> 16), 8}, ReceivedAt: at, ReceivedOn: day,
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
	s := newTown(t).open(t, Options{})
	out, err := s.Commit(t.Context(), letters(1, 3))
	if err != nil {
		t.Fatal(err)
	}
	for i, o := range out {
		if o.State != registry.Written || o.Number.Seq != int64(i+1) {
			t.Errorf("outcome %d = %+v", i, o)
		}
	}
	page, err := s.Find(t.Context(), registry.Query{Of: registry.FindEntries})
	if err != nil {
		t.Fatal(err)
	}
	if len(page.Works) != 3 || page.Works[0].Number.Seq != 3 {
		t.Errorf("list = %+v", page.Works)
	}
}

// The fingerprint that Check compares with is what the migrations make.
func TestTheSchemaIsAsItsFingerprintSays(t *testing.T) {
	c := newTown(t).connect(t)
	lines, err := describeSchema(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Join(lines, "\n") + "\n"
	if *update {
		if err := os.WriteFile("schema.txt", []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	for _, f := range differences(strings.Split(strings.TrimSpace(fingerprint), "\n"), lines) {
		t.Errorf("%s: %s (go test -run Fingerprint -update, and read the difference)", f.Code, f.Subject)
	}
}

func TestAFreshBookPassesTheCheck(t *testing.T) {
	s := newTown(t).open(t, Options{})
	found, err := s.Check(t.Context())
	if err != nil || len(found) > 0 {
		t.Errorf("Check = %+v, %v; want nothing", found, err)
	}
}

func TestAnErasureTakesTheContentAndLeavesTheLeaf(t *testing.T) {
	s := newTown(t).open(t, Options{})
	ctx := t.Context()
	kept := letter(1)
	kept.Arrival.Disposition, kept.Arrival.Reason = registry.Quarantined, "spam"
	order := letter(3)
	order.Key, order.Arrival = "erase/1", nil
	order.Act = &registry.Act{Kind: registry.ActErased, Subject: kept.Arrival.Item.ID.String(), Text: registry.ErasedSpam}
	for _, d := range []registry.Draft{kept, letter(2), order} {
		if out, err := s.Commit(ctx, []registry.Draft{d}); err != nil || out[0].State != registry.Written {
			t.Fatalf("%s: %+v, %v", d.Key, out, err)
		}
	}
	leaves, err := s.Leaves(ctx, 0, 10)
	if err != nil {
		t.Fatal(err)
	}
	for i, l := range leaves {
		if erased := l.Content == nil; erased != (i == 0) || len(l.Body) == 0 {
			t.Errorf("leaf %d: erased = %t, %d bytes of body", i, erased, len(l.Body))
		}
	}
	out, err := s.Commit(ctx, []registry.Draft{kept})
	if err != nil || out[0].State != registry.Repeated {
		t.Errorf("the erased item again: %+v, %v", out, err)
	}
	if err := storetest.Sound(ctx, s); err != nil {
		t.Error(err)
	}
}
