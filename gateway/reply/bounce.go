package reply

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"kancelaria/gateway"
	"kancelaria/registry"
)

// away records that a clerk's mailbox answers for itself, and asks the head of
// the department, once a day, whether the clerk is to be set absent.
func (r *Room) away(ctx context.Context, tok gateway.Token, a registry.Arrival) error {
	login, ok := r.clerkOf(tok, a)
	if !ok {
		return nil
	}
	o := r.o.Office()
	head := o.Departments[o.DepartmentOf(login)].Head
	if head == "" || head == login {
		return nil
	}
	day := registry.DayOf(r.o.Now(), o.Zone).String()
	remark := gateway.Remark{Text: "remark.away", Pairs: []string{"clerk", clerkName(o, login)}, Letter: a.Item.Original.Digest}
	return r.record(ctx, "reply/away/"+login+"/"+day, remark, login, head)
}

// bounce reports that a notice came back for good.
func (r *Room) bounce(ctx context.Context, tok gateway.Token, a registry.Arrival) error {
	report, err := r.report(ctx, a)
	if err != nil {
		return err
	}
	if !report.hard {
		r.o.Log.Info("reply.delayed_there", "item", a.Item.ID.String(), "row", tok.Outbox, "status", report.status)
		return nil
	}
	row, ok, err := r.outboxRow(ctx, tok.Outbox)
	if err != nil || !ok {
		return err
	}
	r.o.Log.Warn("reply.came_back", "item", a.Item.ID.String(), "row", row.ID, "number", row.Number.String(), "status", report.status)
	return r.o.Undelivered(ctx, row, report.status)
}

// outboxRow finds a row by its id, through the line that brought it about.
func (r *Room) outboxRow(ctx context.Context, id string) (registry.OutboxRow, bool, error) {
	text, _, _ := strings.Cut(id, ".")
	leaf, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return registry.OutboxRow{}, false, nil
	}
	page, err := r.o.Book.Find(ctx, registry.Query{Of: registry.FindLine, Leaf: &leaf, Limit: 1})
	if err != nil {
		return registry.OutboxRow{}, false, fmt.Errorf("looking for what came back: %w", err)
	}
	if len(page.Leaves) == 0 {
		return registry.OutboxRow{}, false, nil
	}
	var line struct {
		Outcome struct{ Number registry.Number }
	}
	if content := page.Leaves[0].Content; len(content) > 0 {
		if err := json.Unmarshal(content, &line); err != nil {
			return registry.OutboxRow{}, false, fmt.Errorf("reading the line of what came back: %w", err)
		}
	}
	q := registry.Query{Of: registry.FindOutbox, State: registry.OutboxSent, Number: line.Outcome.Number, Limit: 1000}
	found, err := r.o.Book.Find(ctx, q)
	if err != nil {
		return registry.OutboxRow{}, false, fmt.Errorf("looking for the notice that came back: %w", err)
	}
	for _, row := range found.Outbox {
		if row.ID == id && row.Kind == registry.OutboxNotice {
			return row, true, nil
		}
	}
	return registry.OutboxRow{}, false, nil
}

func clerkName(o *registry.Office, login string) string {
	if c, ok := o.Clerks[login]; ok && c.Name != "" {
		return c.Name + " (" + login + ")"
	}
	return login
}

// A deliveryReport is what a mail system says of a mail it could not deliver.
type deliveryReport struct {
	hard   bool
	status string // 5.1.1
}

// report reads the delivery report of an item (RFC 3464). One that cannot be
// had or read counts as a passing trouble: nobody is set unreachable for it.
func (r *Room) report(ctx context.Context, a registry.Arrival) (deliveryReport, error) {
	if r.o.Originals == nil {
		return deliveryReport{}, nil
	}
	original, err := r.o.Originals.Original(ctx, a.Item)
	switch {
	case errors.Is(err, registry.ErrErased), errors.Is(err, registry.ErrDamaged):
		return deliveryReport{}, nil
	case err != nil:
		return deliveryReport{}, fmt.Errorf("opening a delivery report: %w", err)
	}
	report := parseReport(original)
	if err := original.Close(); err != nil {
		r.o.Log.Debug("reply.close", "item", a.Item.ID.String(), "err", err)
	}
	return report, nil
}

// maxReport bounds what is read of a report: the status stands before the
// returned letter.
const maxReport = 256 << 10

// parseReport looks for the fields of the machine-readable part.
func parseReport(original io.Reader) deliveryReport {
	var report deliveryReport
	action, inStatus := "", false
	lines := bufio.NewScanner(io.LimitReader(original, maxReport))
	lines.Buffer(make([]byte, 0, 4096), 64<<10)
	for lines.Scan() {
		name, value, ok := strings.Cut(lines.Text(), ":")
		if !ok {
			continue
		}
		value = strings.ToLower(strings.TrimSpace(value))
		switch strings.ToLower(name) {
		case "content-type":
			// The returned letter may hold the same words.
			inStatus = strings.HasPrefix(value, "message/delivery-status") || strings.HasPrefix(value, "message/global-delivery-status")
		case "action":
			if inStatus && action == "" {
				action, _, _ = strings.Cut(value, " ")
			}
		case "status":
			if inStatus && report.status == "" && isStatus(value) {
				report.status, _, _ = strings.Cut(value, " ")
			}
		}
	}
	report.hard = action == "failed" && !strings.HasPrefix(report.status, "4.")
	return report
}

// isStatus knows an enhanced status code (RFC 3463), maybe with a comment.
func isStatus(s string) bool {
	code, _, _ := strings.Cut(s, " ")
	parts := strings.Split(code, ".")
	if len(parts) != 3 || !slices.Contains([]string{"2", "4", "5"}, parts[0]) {
		return false
	}
	for _, p := range parts[1:] {
		if n, err := strconv.Atoi(p); err != nil || n < 0 || n > 999 {
			return false
		}
	}
	return true
}
