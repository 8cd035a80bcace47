package registry_test

import (
	"encoding/json"
	"testing"
	"time"

	"kancelaria/registry"
)

var (
	asked    = registry.Digest{1}
	mayors   = registry.Digest{2}
	deputys  = registry.Digest{3}
	answerAt = time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)
)

func approvingOffice(t *testing.T) *registry.Office {
	o := office(t)
	day := func(y, m, d int) registry.Day { return registry.Day{Year: y, Month: time.Month(m), Day: d} }
	o.Clerks["burmistrz"] = registry.Clerk{Login: "burmistrz", Mail: "burmistrz@aleksandrowo.example"}
	o.Approvers = map[string][]registry.Approver{"burmistrz": {
		{Clerk: "burmistrz", Certificate: mayors, From: day(2024, 5, 7)},
		{Clerk: "sekretarz", Certificate: deputys, From: day(2026, 1, 1), To: day(2026, 6, 30)},
	}}
	return o
}

func request() registry.ApprovalRequest {
	return registry.ApprovalRequest{ID: "r1", Role: "burmistrz", Digest: asked, Size: 7, By: "os1", Expires: registry.Day{Year: 2026, Month: 12, Day: 1}}
}

// good is a signed mail that says yes and to which everything applies.
func good() registry.ApprovalEvidence {
	return registry.ApprovalEvidence{
		Report: registry.SignatureReport{
			Format: "SMIME", Verdict: "INDETERMINATE", Intact: "intact", Covers: "whole", Signer: registry.Signer{Digest: mayors},
			Chain: []registry.SignatureCert{{NotBefore: answerAt.Add(-time.Hour), NotAfter: answerAt.Add(time.Hour), Digest: mayors}},
		},
		From: "burmistrz@aleksandrowo.example", At: answerAt,
		Line: &registry.DecisionLine{Yes: true, Number: "RPW-000001-2026", Digest: asked.String(), Code: "kod"},
	}
}

func TestAnApprovalBindsToTheseBytesThisRoleAndThisRequest(t *testing.T) {
	o, number := approvingOffice(t), registry.Number{Register: "RPW", Year: 2026, Seq: 1}
	signedFile := func(e *registry.ApprovalEvidence) {
		e.Line, e.Report.Format, e.Covers = nil, "PAdES", []registry.Digest{asked}
	}
	for _, c := range []struct {
		name   string
		change func(*registry.ApprovalEvidence)
		state  registry.ApprovalState
		code   string
		why    registry.ApprovalProblem
	}{
		{"a signed mail with everything in order", func(*registry.ApprovalEvidence) {}, registry.ApprovalState{}, "kod", ""},
		{"a signed file", signedFile, registry.ApprovalState{}, "kod", ""},
		{"answered before", signedFile, registry.ApprovalState{Answer: &registry.ApprovalAnswer{}}, "kod", registry.ApprovalClosed},
		{"withdrawn before", signedFile, registry.ApprovalState{Withdrawn: true}, "kod", registry.ApprovalClosed},
		{"after the last day", func(e *registry.ApprovalEvidence) { e.At = answerAt.AddDate(0, 1, 0) }, registry.ApprovalState{}, "kod", registry.ApprovalExpired},
		{"no signature", func(e *registry.ApprovalEvidence) { e.Report = registry.SignatureReport{} }, registry.ApprovalState{}, "kod", registry.ApprovalUnsigned},
		{"a broken signature", func(e *registry.ApprovalEvidence) { e.Report.Intact = "broken" }, registry.ApprovalState{}, "kod", registry.ApprovalBroken},
		{"one nobody could check", func(e *registry.ApprovalEvidence) { e.Report.Intact = "unchecked" }, registry.ApprovalState{}, "kod", registry.ApprovalBroken},
		{"failed for another reason", func(e *registry.ApprovalEvidence) { e.Report.Verdict = "TOTAL-FAILED" }, registry.ApprovalState{}, "kod", registry.ApprovalBroken},
		{"over another part only", func(e *registry.ApprovalEvidence) { e.Report.Covers = "part" }, registry.ApprovalState{}, "kod", registry.ApprovalPart},
		{"over an older version", func(e *registry.ApprovalEvidence) { e.Report.Covers = "older_revision" }, registry.ApprovalState{}, "kod", registry.ApprovalPart},
		{"a file with other bytes", func(e *registry.ApprovalEvidence) { signedFile(e); e.Covers = []registry.Digest{{9}} }, registry.ApprovalState{}, "kod", registry.ApprovalOther},
		{"somebody else's certificate", func(e *registry.ApprovalEvidence) { e.Report.Signer.Digest = registry.Digest{8} }, registry.ApprovalState{}, "kod", registry.ApprovalNobody},
		{"a deputy whose appointment is over", func(e *registry.ApprovalEvidence) { e.Report.Signer.Digest = deputys }, registry.ApprovalState{}, "kod", registry.ApprovalNobody},
		{"an expired certificate", func(e *registry.ApprovalEvidence) { e.Report.Chain[0].NotAfter = answerAt.Add(-time.Minute) }, registry.ApprovalState{}, "kod", registry.ApprovalCertTime},
		{"no certificate in the report", func(e *registry.ApprovalEvidence) { e.Report.Chain = nil }, registry.ApprovalState{}, "kod", registry.ApprovalCertTime},
		{"a revoked certificate", func(e *registry.ApprovalEvidence) { e.Report.Revocation.State = "revoked" }, registry.ApprovalState{}, "kod", registry.ApprovalRevoked},
		{"from another box", func(e *registry.ApprovalEvidence) { e.From = "os1@aleksandrowo.example" }, registry.ApprovalState{}, "kod", registry.ApprovalSender},
		{"another entry's number", func(e *registry.ApprovalEvidence) { e.Line.Number = "RPW-000002-2026" }, registry.ApprovalState{}, "kod", registry.ApprovalCode},
		{"another document's digest", func(e *registry.ApprovalEvidence) { e.Line.Digest = mayors.String() }, registry.ApprovalState{}, "kod", registry.ApprovalCode},
		{"an old code", func(e *registry.ApprovalEvidence) { e.Line.Code = "old" }, registry.ApprovalState{}, "kod", registry.ApprovalCode},
		{"no code was ever made", func(e *registry.ApprovalEvidence) { e.Line.Code = "" }, registry.ApprovalState{}, "", registry.ApprovalCode},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := good()
			c.change(&e)
			a, why := request().Judge(c.state, e, o, number, c.code)
			if why != c.why || why == "" && (a.Login != "burmistrz" || !a.Yes) {
				t.Errorf("%+v, %q; want %q", a, why, c.why)
			}
		})
	}
	no := good()
	no.Line.Yes = false
	if a, why := request().Judge(registry.ApprovalState{}, no, o, number, "kod"); why != "" || a.Yes {
		t.Errorf("a no: %+v, %q", a, why)
	}
}

func TestRequestsAreWhatTheirStepsMakeOfThem(t *testing.T) {
	leaf := int64(0)
	row := func(step registry.ApprovalStep) registry.LeafRow {
		leaf++
		content, err := json.Marshal(step)
		if err != nil {
			t.Fatal(err)
		}
		l := registry.Line{Draft: registry.Draft{Key: "k", Act: &registry.Act{Kind: registry.ActApproval, Subject: "RPW-000001-2026", Content: content}}}
		encoded, err := l.Encode()
		if err != nil {
			t.Fatal(err)
		}
		return registry.LeafRow{Index: leaf, Type: string(registry.ActApproval), Content: encoded}
	}
	one, two, three := request(), request(), request()
	two.ID, three.ID = "r2", "r3"
	states := registry.Approvals([]registry.LeafRow{
		{Type: string(registry.ActNote)},
		row(registry.ApprovalStep{Kind: registry.ApprovalAnswered, Request: one, Answer: &registry.ApprovalAnswer{}}), // of nothing asked
		row(registry.ApprovalStep{Kind: registry.ApprovalAsked, Request: one}),
		row(registry.ApprovalStep{Kind: registry.ApprovalAsked, Request: two}),
		row(registry.ApprovalStep{Kind: registry.ApprovalAsked, Request: three}),
		row(registry.ApprovalStep{Kind: registry.ApprovalNotCounted, Request: one, Why: registry.ApprovalCode}),
		row(registry.ApprovalStep{Kind: registry.ApprovalAnswered, Request: one, Answer: &registry.ApprovalAnswer{Yes: true}}),
		row(registry.ApprovalStep{Kind: registry.ApprovalAnswered, Request: one, Answer: &registry.ApprovalAnswer{}}), // too late
		row(registry.ApprovalStep{Kind: registry.ApprovalWithdrawn, Request: two}),
	})
	if len(states) != 3 || states[0].Open() || !states[0].Answer.Yes || states[0].Tried != 1 || states[1].Open() || !states[2].Open() {
		t.Errorf("%+v", states)
	}
}
