package gateway

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"kancelaria/registry"
)

// Approvals asks people who hold a role to approve exact bytes, and says how
// their requests stand. Answers come by mail and are judged in the reply room.
type Approvals struct {
	Book Lookup
	// Act is the Registrar's, which looks whether who asks may.
	Act    func(ctx context.Context, key string, who registry.Actor, act registry.Act, after *int64, reason string) (registry.Outcome, error)
	Office func() *registry.Office
	Now    func() time.Time
}

// approvalDays is how long a request is open unless its asker says otherwise.
const approvalDays = 14

// An Asking is what somebody wants approved.
type Asking struct {
	Role    string
	Path    string       // of a part; empty: the original itself
	Expires registry.Day // the last day; zero: in two weeks
	Reason  string
	// ID names the request for ever, so that asking again changes nothing;
	// empty: a new one.
	ID string
}

// Ask asks a role to approve exact bytes of an entry. The role's holders are
// told by the bell.
func (a Approvals) Ask(ctx context.Context, who registry.Actor, number registry.Number, asking Asking) (registry.ApprovalRequest, registry.Outcome, error) {
	office, now, role, expires := a.Office(), a.Now(), asking.Role, asking.Expires
	today := registry.DayOf(now, office.Zone)
	if expires.IsZero() {
		expires = today.AddDays(approvalDays)
	}
	r := registry.ApprovalRequest{
		ID: cmp.Or(asking.ID, registry.NewItemID(now).String()), Role: role, Path: asking.Path, By: who.Acting(),
		At: now.UTC().Truncate(time.Second), Expires: expires,
	}
	holders := office.ApproversNow(role, today)
	switch {
	case len(office.Approvers[role]) == 0:
		return r, registry.Outcome{}, fmt.Errorf("%w: office.yaml names no approvers of the role %.40q", registry.ErrRefused, role)
	case len(holders) == 0:
		return r, registry.Outcome{}, fmt.Errorf("%w: nobody holds the role %s today; look at approvers in office.yaml", registry.ErrRefused, role)
	case expires.Before(today):
		return r, registry.Outcome{}, fmt.Errorf("%w: %s is over", registry.ErrRefused, expires)
	}
	if err := a.fill(ctx, number, &r); err != nil {
		return r, registry.Outcome{}, err
	}
	if err := a.askedAlready(ctx, number, r); err != nil {
		return r, registry.Outcome{}, err
	}
	out, err := a.step(ctx, r.AskKey(), who, number, registry.ApprovalStep{Kind: registry.ApprovalAsked, Request: r}, asking.Reason, holders...)
	return r, out, err
}

// fill says which bytes are meant.
func (a Approvals) fill(ctx context.Context, number registry.Number, r *registry.ApprovalRequest) error {
	found, err := a.Book.Find(ctx, registry.Query{Of: registry.FindLine, Number: number, Limit: 1})
	if err != nil {
		return fmt.Errorf("reading what was registered as %s: %w", number, err)
	}
	if len(found.Leaves) == 0 {
		return fmt.Errorf("%w: %s", registry.ErrNotFound, number)
	}
	line, err := registry.LineOf(found.Leaves[0])
	if err != nil || line.Draft.Arrival == nil {
		return fmt.Errorf("%w: what was registered as %s is not there any more", registry.ErrRefused, number)
	}
	arrival := line.Draft.Arrival
	if r.Path == "" {
		r.Name, r.Digest, r.Size = arrival.Item.Original.Name, arrival.Item.Original.Digest, arrival.Item.Original.Size
		return nil
	}
	i := slices.IndexFunc(arrival.Document.Attachments, func(at registry.Attachment) bool { return at.Path == r.Path })
	if i < 0 {
		return fmt.Errorf("%w: %s has no part %.60q", registry.ErrNotFound, number, r.Path)
	}
	at := arrival.Document.Attachments[i]
	r.Name, r.Digest, r.Size = at.Name, at.Digest, at.Size
	return nil
}

// askedAlready refuses to ask twice for the same.
func (a Approvals) askedAlready(ctx context.Context, number registry.Number, r registry.ApprovalRequest) error {
	states, err := a.States(ctx, number)
	if err != nil {
		return err
	}
	for _, s := range states {
		if s.Request.ID != r.ID && s.Open() && s.Request.Role == r.Role && s.Request.Digest == r.Digest && !s.Request.Expires.Before(registry.DayOf(a.Now(), a.Office().Zone)) {
			return fmt.Errorf("%w: %s was asked for it already, until %s", registry.ErrRefused, r.Role, s.Request.Expires)
		}
	}
	return nil
}

// States gives the requests about an entry and what became of them.
func (a Approvals) States(ctx context.Context, number registry.Number) ([]registry.ApprovalState, error) {
	events, err := EventsOf(ctx, a.Book, number)
	return registry.Approvals(events), err
}

// EventsOf reads all events of an entry, oldest first.
func EventsOf(ctx context.Context, book Lookup, number registry.Number) (events []registry.LeafRow, err error) {
	for page, err := range registry.AllPages(ctx, book, registry.Query{Of: registry.FindEvents, Subject: number.String(), Limit: 500}) {
		if err != nil {
			return nil, fmt.Errorf("reading the events of %s: %w", number, err)
		}
		events = append(events, page.Leaves...)
	}
	return events, nil
}

// Withdraw takes a request back.
func (a Approvals) Withdraw(ctx context.Context, who registry.Actor, number registry.Number, id, reason string) (registry.Outcome, error) {
	states, err := a.States(ctx, number)
	if err != nil {
		return registry.Outcome{}, err
	}
	i := slices.IndexFunc(states, func(s registry.ApprovalState) bool { return s.Request.ID == id })
	switch {
	case i < 0:
		return registry.Outcome{}, fmt.Errorf("%w: %s has no request %.60q", registry.ErrNotFound, number, id)
	case !states[i].Open():
		return registry.Outcome{}, fmt.Errorf("%w: the request is closed; ask anew if something else is wanted", registry.ErrRefused)
	}
	r := states[i].Request
	return a.step(ctx, r.WithdrawKey(), who, number, registry.ApprovalStep{Kind: registry.ApprovalWithdrawn, Request: r}, reason,
		a.Office().ApproversNow(r.Role, registry.DayOf(a.Now(), a.Office().Zone))...)
}

func (a Approvals) step(ctx context.Context, key string, who registry.Actor, number registry.Number, s registry.ApprovalStep, reason string, tell ...string) (registry.Outcome, error) {
	act, err := ApprovalAct(number, s, tell...)
	if err != nil {
		return registry.Outcome{}, err
	}
	return a.Act(ctx, key, who, act, nil, reason)
}

// ApprovalAct gives the act that records a step and tells of it.
func ApprovalAct(number registry.Number, s registry.ApprovalStep, tell ...string) (registry.Act, error) {
	content, err := json.Marshal(s)
	return registry.Act{Kind: registry.ActApproval, Subject: number.String(), Text: string(s.Kind), Content: content, Tell: tell}, err
}

// ApprovalOf reads the step that an act records.
func ApprovalOf(act *registry.Act) (registry.ApprovalStep, bool) {
	var s registry.ApprovalStep
	if act == nil || act.Kind != registry.ActApproval {
		return s, false
	}
	return s, json.Unmarshal(act.Content, &s) == nil && s.Request.ID != ""
}

// Code gives the code of an approval request: 128 bits that nobody else can
// make, the same whenever the request's mail is written.
func (t *Tokens) Code(request string) string {
	mac := hmac.New(sha256.New, t.keys[0])
	mac.Write([]byte("approval\x00" + request))
	return encodeToken(mac.Sum(nil)[:16])
}
