package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"kancelaria/registry"
)

// An Unreachable records that somebody could not be told: a relay refused the
// mail for good, or it came back. The bell and the room of replies report here.
type Unreachable struct {
	Office func() *registry.Office
	Record func(ctx context.Context, d registry.Draft) (registry.Outcome, error) // the Registrar's Submit
	// Mark is told of the clerk, so that somebody else is told meanwhile.
	Mark func(login string)
	Now  func() time.Time
	Log  *slog.Logger
}

// Undelivered notes it on the entry, once for each mail. Of a clerk who cannot
// be reached the front desk is told, once a day: however many mails come back,
// and however often, no entry is made and no mail answers a mail. Calling it
// again for the same row changes nothing.
func (u Unreachable) Undelivered(ctx context.Context, row registry.OutboxRow, answer string) error {
	if row.Kind == registry.OutboxReceipt {
		return u.receipt(ctx, row, answer)
	}
	o := u.Office()
	name := row.Recipient
	if c, ok := o.Clerks[row.Recipient]; ok && c.Name != "" {
		name = c.Name + " (" + row.Recipient + ")"
	}
	pairs := []string{"clerk", name, "answer", answer}
	if !row.Number.IsZero() {
		act, err := Remark{Text: "remark.undelivered", Pairs: pairs}.Act(row.Number.String())
		if err != nil {
			return fmt.Errorf("writing that %s was not told: %w", row.ID, err)
		}
		if err := u.submit(ctx, "undelivered/"+row.ID, act); err != nil {
			return err
		}
	}
	if u.Mark != nil {
		u.Mark(row.Recipient)
	}
	act, err := Remark{Text: "remark.unreachable", Pairs: pairs}.Act(row.Recipient, keepers(o, row.Recipient)...)
	if err != nil {
		return fmt.Errorf("writing that %s cannot be reached: %w", row.Recipient, err)
	}
	day := registry.DayOf(u.Now(), o.Zone)
	return u.submit(ctx, "unreachable/"+row.Recipient+"/"+day.String(), act)
}

// receipt flags an entry whose sender could not be told.
func (u Unreachable) receipt(ctx context.Context, row registry.OutboxRow, answer string) error {
	content, err := json.Marshal(map[string]string{"row": row.ID, "state": row.State, "answer": answer})
	if err != nil {
		return fmt.Errorf("writing that %s was not delivered: %w", row.ID, err)
	}
	return u.submit(ctx, "undelivered/"+row.ID, registry.Act{
		Kind: registry.ActSent, Subject: row.Number.String(), Content: content,
		Fields: map[string]string{registry.FieldAddFlags: string(registry.FlagReceiptUndeliver)},
	})
}

// submit records an act of the house. What the law of the book refuses, say
// since the entry was annulled, is not worth another attempt.
func (u Unreachable) submit(ctx context.Context, key string, act registry.Act) error {
	out, err := u.Record(ctx, registry.Draft{Key: key, Actor: registry.Daemon, Act: &act})
	if err == nil {
		err = out.Err()
	}
	if errors.Is(err, registry.ErrRefused) || errors.Is(err, registry.ErrImmutable) || errors.Is(err, registry.ErrConflict) {
		if u.Log != nil {
			u.Log.Warn("unreachable.refused", "subject", act.Subject, "err", err)
		}
		return nil
	}
	if err != nil {
		return fmt.Errorf("recording that a mail was not delivered: %w", err)
	}
	return nil
}

// keepers are those who are told that a clerk cannot be reached: the front
// desk, and if the desk itself cannot, the secretary.
func keepers(o *registry.Office, but string) []string {
	for _, role := range []registry.OfficeRole{registry.RoleDesk, registry.RoleSecretary} {
		var logins []string
		for login, c := range o.Clerks {
			if c.Has(role) && login != but {
				logins = append(logins, login)
			}
		}
		if slices.Sort(logins); len(logins) > 0 {
			return logins
		}
	}
	return nil
}
