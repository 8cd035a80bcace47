package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"kancelaria/gateway"
	"kancelaria/registry"
)

// notebook takes drafts by key.
type notebook struct {
	drafts map[string]registry.Draft
	err    error
}

func (n *notebook) record(_ context.Context, d registry.Draft) (registry.Outcome, error) {
	if n.err != nil {
		return registry.Outcome{}, n.err
	}
	if _, again := n.drafts[d.Key]; again {
		return registry.Outcome{State: registry.Repeated}, nil
	}
	n.drafts[d.Key] = d
	return registry.Outcome{State: registry.Written}, nil
}

func unreachable(n *notebook, marked *[]string) gateway.Unreachable {
	return gateway.Unreachable{
		Office: func() *registry.Office {
			return &registry.Office{Zone: time.UTC, Clerks: map[string]registry.Clerk{
				"os1": {Login: "os1", Name: "referent"},
				"pk1": {Login: "pk1", Roles: []registry.OfficeRole{registry.RoleDesk}},
				"sek": {Login: "sek", Roles: []registry.OfficeRole{registry.RoleSecretary}},
			}}
		},
		Record: n.record,
		Mark:   func(login string) { *marked = append(*marked, login) },
		Now:    func() time.Time { return time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC) },
	}
}

// However many mails to one clerk come back, the desk hears once a day.
func TestTheDeskHearsOnceADayOfAClerkWhoCannotBeReached(t *testing.T) {
	n := &notebook{drafts: map[string]registry.Draft{}}
	var marked []string
	u := unreachable(n, &marked)
	for i := range 5000 {
		row := registry.OutboxRow{
			ID: fmt.Sprintf("%d.0", i%50), Kind: registry.OutboxNotice, Recipient: "os1",
			Number: registry.Number{Register: "RPW", Year: 2026, Seq: int64(i%50 + 1)},
		}
		if err := u.Undelivered(t.Context(), row, "550 5.1.1"); err != nil {
			t.Fatal(err)
		}
	}
	if len(n.drafts) != 51 || len(marked) != 5000 {
		t.Errorf("%d drafts, %d marks", len(n.drafts), len(marked))
	}
	told := n.drafts["unreachable/os1/2026-11-23"]
	if r, ok := gateway.RemarkOf(told.Act); !ok || r.Text != "remark.unreachable" || !slices.Equal(told.Act.Tell, []string{"pk1"}) {
		t.Errorf("told = %+v", told.Act)
	}
	if on := n.drafts["undelivered/7.0"]; on.Act.Subject != "RPW-000008-2026" || len(on.Act.Tell) != 0 {
		t.Errorf("on the entry: %+v", on.Act)
	}
}

func TestWhenTheDeskCannotBeReachedTheSecretaryIsTold(t *testing.T) {
	n := &notebook{drafts: map[string]registry.Draft{}}
	var marked []string
	row := registry.OutboxRow{ID: "1.0", Kind: registry.OutboxNotice, Recipient: "pk1"}
	if err := unreachable(n, &marked).Undelivered(t.Context(), row, "550"); err != nil {
		t.Fatal(err)
	}
	if d := n.drafts["unreachable/pk1/2026-11-23"]; len(n.drafts) != 1 || !slices.Equal(d.Act.Tell, []string{"sek"}) {
		t.Errorf("drafts = %+v", n.drafts)
	}
}

func TestAReceiptThatCannotBeDeliveredFlagsTheEntry(t *testing.T) {
	n := &notebook{drafts: map[string]registry.Draft{}}
	var marked []string
	row := registry.OutboxRow{
		ID: "1.1", Kind: registry.OutboxReceipt, Recipient: "a@r1.example", Number: registry.Number{Register: "RPW", Year: 2026, Seq: 1},
	}
	if err := unreachable(n, &marked).Undelivered(t.Context(), row, "550"); err != nil {
		t.Fatal(err)
	}
	d := n.drafts["undelivered/1.1"]
	if len(n.drafts) != 1 || len(marked) != 0 || d.Act.Kind != registry.ActSent || d.Act.Fields[registry.FieldAddFlags] != "receipt_undeliverable" {
		t.Errorf("drafts = %+v", n.drafts)
	}
}

func TestOnlyAPassingTroubleIsReported(t *testing.T) {
	var marked []string
	row := registry.OutboxRow{ID: "1.1", Kind: registry.OutboxReceipt, Number: registry.Number{Register: "RPW", Year: 2026, Seq: 1}}
	for err, want := range map[error]bool{registry.ErrRefused: false, registry.ErrImmutable: false, registry.ErrUnavailable: true} {
		got := unreachable(&notebook{err: fmt.Errorf("%w: x", err)}, &marked).Undelivered(t.Context(), row, "550")
		if errors.Is(got, err) != want {
			t.Errorf("%v: reported %v", err, got)
		}
	}
}
