package registry

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// An Approver is somebody who holds a role, deputies included, for as long as
// the appointment lasts. What they sign they sign with their own certificate.
type Approver struct {
	Clerk       string // login
	Certificate Digest // SHA-256 of the certificate
	From, To    Day    // of the appointment; a zero To is open
}

// approver finds who held a role by a certificate on a day.
func (o *Office) approver(role string, certificate Digest, on Day) (Approver, bool) {
	for _, a := range o.Approvers[role] {
		if a.Certificate == certificate && !on.Before(a.From) && (a.To.IsZero() || !a.To.Before(on)) {
			return a, true
		}
	}
	return Approver{}, false
}

// ApproversNow gives the logins that hold a role on a day, in the file's order.
func (o *Office) ApproversNow(role string, on Day) (logins []string) {
	for _, a := range o.Approvers[role] {
		if !on.Before(a.From) && (a.To.IsZero() || !a.To.Before(on)) && !slices.Contains(logins, a.Clerk) {
			logins = append(logins, a.Clerk)
		}
	}
	return logins
}

// An ApprovalStep is the content of an act of kind ActApproval. Steps are only
// added: a withdrawal, or a decision that turns another over, is a new one.
type ApprovalStep struct {
	Kind    ApprovalKind     `json:"kind"`
	Request ApprovalRequest  `json:"request"`
	Answer  *ApprovalAnswer  `json:"answer,omitempty"` // of answered and not_counted
	Why     ApprovalProblem  `json:"why,omitempty"`    // of not_counted
	Report  *SignatureReport `json:"report,omitempty"` // what the signature proved when it was looked at
}

// An ApprovalKind says what a step is.
type ApprovalKind string

// The kinds of steps.
const (
	ApprovalAsked      ApprovalKind = "asked"
	ApprovalAnswered   ApprovalKind = "answered"
	ApprovalNotCounted ApprovalKind = "not_counted" // an answer that changes nothing, and why
	ApprovalWithdrawn  ApprovalKind = "withdrawn"
)

// An ApprovalRequest asks a role to approve exactly these bytes.
type ApprovalRequest struct {
	ID      string    `json:"id"`
	Role    string    `json:"role"`
	Path    string    `json:"path,omitempty"` // of a part of the entry's document; empty: the original itself
	Name    string    `json:"name,omitempty"`
	Digest  Digest    `json:"sha256"`
	Size    int64     `json:"size"`
	By      string    `json:"by"` // who asked
	At      time.Time `json:"at"`
	Expires Day       `json:"expires"` // the last day
}

// An ApprovalAnswer is what somebody answered.
type ApprovalAnswer struct {
	Yes         bool      `json:"yes"`
	Login       string    `json:"login,omitempty"` // who held the role by that certificate
	Via         string    `json:"via"`             // the format of the signature
	Item        ItemID    `json:"item"`            // that brought it
	Certificate Digest    `json:"certificate,omitzero"`
	At          time.Time `json:"at"` // when the office had it
}

// An ApprovalProblem says why an answer does not count; a code with a sentence
// in the catalogue (approval.why.<code>).
type ApprovalProblem string

// The problems, in the order in which they are looked for.
const (
	ApprovalClosed   ApprovalProblem = "closed"         // answered or withdrawn already
	ApprovalExpired  ApprovalProblem = "expired"        // came after the last day
	ApprovalUnsigned ApprovalProblem = "unsigned"       // no signature that could bind, or not one decision line in signed text
	ApprovalBroken   ApprovalProblem = "broken"         // the signature does not hold
	ApprovalPart     ApprovalProblem = "part"           // it covers a part, or an older version
	ApprovalOther    ApprovalProblem = "other_document" // it covers other bytes than were asked for
	ApprovalNobody   ApprovalProblem = "not_approver"   // the certificate is not one of the role's on that day
	ApprovalCertTime ApprovalProblem = "certificate_time"
	ApprovalRevoked  ApprovalProblem = "revoked"
	ApprovalSender   ApprovalProblem = "other_sender" // the mail is not from the approver's box
	ApprovalCode     ApprovalProblem = "code"         // number, digest or code of the line are others
)

// An ApprovalEvidence is what an answer brought, as far as it was read.
type ApprovalEvidence struct {
	Report SignatureReport
	Item   ItemID
	From   string    // the mail's author, lower case
	At     time.Time // when the office had it
	// Covers are the digests of files that the signature covers whole.
	Covers []Digest
	// Line is the decision line of a signed mail; nil for a signed file, which
	// is an approval by itself.
	Line *DecisionLine
}

// A DecisionLine is what an approver left standing in a signed mail.
type DecisionLine struct {
	Yes    bool
	Number string
	Digest string
	Code   string
}

// Judge says whether an answer counts, and if not, why: the law of binding.
// code is the one that was sent with the request, number the entry's.
func (r ApprovalRequest) Judge(s ApprovalState, e ApprovalEvidence, o *Office, number Number, code string) (ApprovalAnswer, ApprovalProblem) {
	a := ApprovalAnswer{Yes: true, Via: e.Report.Format, Item: e.Item, At: e.At, Certificate: e.Report.Signer.Digest}
	day := DayOf(e.At, o.Zone)
	switch {
	case !s.Open():
		return a, ApprovalClosed
	case r.Expires.Before(day):
		return a, ApprovalExpired
	case e.Report.Format == "":
		return a, ApprovalUnsigned
	case e.Report.Intact != "intact" || e.Report.Verdict == "TOTAL-FAILED":
		return a, ApprovalBroken
	case e.Report.Covers != "whole" && e.Report.Covers != "files":
		return a, ApprovalPart
	case e.Line == nil && !slices.Contains(e.Covers, r.Digest):
		return a, ApprovalOther
	}
	who, ok := o.approver(r.Role, a.Certificate, day)
	if !ok {
		return a, ApprovalNobody
	}
	a.Login = who.Clerk
	if problem := certificateProblem(e.Report, e.At); problem != "" {
		return a, problem
	}
	if e.Line == nil {
		return a, ""
	}
	a.Yes = e.Line.Yes
	switch {
	case e.From == "" || e.From != strings.ToLower(o.Clerks[who.Clerk].Mail):
		return a, ApprovalSender
	case !sameNumber(e.Line.Number, number) || e.Line.Digest != r.Digest.String() || code == "" || e.Line.Code != code:
		return a, ApprovalCode
	}
	return a, ""
}

// certificateProblem looks at the signer's certificate at the time the office
// had the answer. That it is named in office.yaml is what makes it trusted; that
// it was withdrawn since takes this away.
func certificateProblem(r SignatureReport, at time.Time) ApprovalProblem {
	if r.Revocation.State == "revoked" {
		return ApprovalRevoked
	}
	if len(r.Chain) == 0 {
		return ApprovalCertTime
	}
	c := r.Chain[0]
	if at.Before(c.NotBefore) || at.After(c.NotAfter) {
		return ApprovalCertTime
	}
	return ""
}

func sameNumber(text string, n Number) bool {
	got, err := ParseNumber(text)
	return err == nil && got == n
}

// An ApprovalState is a request and what became of it.
type ApprovalState struct {
	Request   ApprovalRequest  `json:"request"`
	Answer    *ApprovalAnswer  `json:"answer,omitempty"`
	Report    *SignatureReport `json:"report,omitempty"`
	Withdrawn bool             `json:"withdrawn,omitempty"`
	Tried     int              `json:"tried,omitempty"` // answers that did not count
	Leaf      int64            `json:"leaf"`            // of the request
}

// Open reports whether an answer still changes something.
func (s ApprovalState) Open() bool { return s.Answer == nil && !s.Withdrawn }

// Approvals folds the events of an entry, oldest first, into its requests.
func Approvals(events []LeafRow) []ApprovalState {
	var all []ApprovalState
	for _, row := range events {
		if row.Type != string(ActApproval) {
			continue
		}
		line, err := LineOf(row)
		if err != nil || line.Draft.Act == nil {
			continue // verify names it
		}
		var step ApprovalStep
		if json.Unmarshal(line.Draft.Act.Content, &step) != nil {
			continue
		}
		i := slices.IndexFunc(all, func(s ApprovalState) bool { return s.Request.ID == step.Request.ID })
		switch {
		case step.Kind == ApprovalAsked && i < 0:
			all = append(all, ApprovalState{Request: step.Request, Leaf: row.Index})
		case i < 0:
		case step.Kind == ApprovalAnswered && all[i].Answer == nil:
			all[i].Answer, all[i].Report = step.Answer, step.Report
		case step.Kind == ApprovalNotCounted:
			all[i].Tried++
		case step.Kind == ApprovalWithdrawn:
			all[i].Withdrawn = true
		}
	}
	return all
}

// Keys of the drafts. The book takes a key once: of two answers to one request
// at the same moment, from whatever gateways, the first is written and the
// second is told of it.

// AskKey is that of a request.
func (r ApprovalRequest) AskKey() string { return "approval/" + r.ID + "/asked" }

// AnswerKey is that of the one answer that counts.
func (r ApprovalRequest) AnswerKey() string { return "approval/" + r.ID + "/answered" }

// WithdrawKey is that of its withdrawal.
func (r ApprovalRequest) WithdrawKey() string { return "approval/" + r.ID + "/withdrawn" }

// TriedKey is that of an answer that does not count.
func (r ApprovalRequest) TriedKey(item ItemID) string {
	return "approval/" + r.ID + "/not/" + item.String()
}
