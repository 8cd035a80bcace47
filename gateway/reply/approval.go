package reply

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"slices"
	"strings"

	"kancelaria/gateway"
	"kancelaria/registry"
)

// Bounds of what is looked at in an answer to a request.
const (
	maxReports  = 20
	maxApproved = 200 << 20
)

// approval judges an answer to a request for approval. The certificate says who
// answered and the signature what about; nothing else of the letter is
// believed. What does not count is recorded with its reason and changes
// nothing.
func (r *Room) approval(ctx context.Context, tok gateway.Token, a registry.Arrival) error {
	page, err := r.o.Book.Find(ctx, registry.Query{Of: registry.FindEntry, Number: tok.Number, Limit: 1})
	if err != nil {
		return fmt.Errorf("looking for the entry an approval is about: %w", err)
	}
	if len(page.Works) == 0 {
		r.o.Log.Warn("reply.no_entry", "item", a.Item.ID.String(), "number", tok.Number.String())
		return nil
	}
	events, err := gateway.EventsOf(ctx, r.o.Book, tok.Number)
	if err != nil {
		return err
	}
	states := registry.Approvals(events)
	if len(states) == 0 {
		r.o.Log.Warn("reply.no_request", "item", a.Item.ID.String(), "number", tok.Number.String())
		return nil
	}
	v, err := r.judge(ctx, tok, a, states)
	if err != nil {
		return err
	}
	return r.recordVerdict(ctx, page.Works[0], a, v)
}

// A verdict is what an answer is to one request.
type verdict struct {
	state  registry.ApprovalState
	report registry.SignatureReport
	answer registry.ApprovalAnswer
	why    registry.ApprovalProblem
}

// judge tries each signature on each request, newest first, and gives the first
// that counts, else the one that came furthest.
func (r *Room) judge(ctx context.Context, tok gateway.Token, a registry.Arrival, states []registry.ApprovalState) (verdict, error) {
	office := r.o.Office()
	best, bestRank := verdict{}, -1
	for _, s := range slices.Backward(states) {
		evidence, err := r.evidence(ctx, a, s.Request)
		if err != nil {
			return verdict{}, err
		}
		for _, e := range evidence {
			answer, why := s.Request.Judge(s, e, office, tok.Number, r.o.Tokens.Code(s.Request.ID))
			v := verdict{s, e.Report, answer, why}
			if why == "" {
				return v, nil
			}
			if rank := slices.Index(problems, why); rank > bestRank {
				best, bestRank = v, rank
			}
		}
	}
	return best, nil
}

// problems by how far an answer came before it failed.
var problems = []registry.ApprovalProblem{
	registry.ApprovalUnsigned, registry.ApprovalBroken, registry.ApprovalPart, registry.ApprovalNobody,
	registry.ApprovalOther, registry.ApprovalExpired, registry.ApprovalSender, registry.ApprovalCode, registry.ApprovalCertTime,
	registry.ApprovalRevoked, registry.ApprovalClosed,
}

// evidence reads what a letter brings for a request: one piece a signature, or
// one without any.
func (r *Room) evidence(ctx context.Context, a registry.Arrival, req registry.ApprovalRequest) ([]registry.ApprovalEvidence, error) {
	from := ""
	if len(a.Document.From) == 1 {
		from = strings.ToLower(a.Document.From[0].Email)
	}
	bare := registry.ApprovalEvidence{Item: a.Item.ID, From: from, At: a.Item.AcceptedAt}
	var all []registry.ApprovalEvidence
	for _, report := range a.Document.Signatures[:min(len(a.Document.Signatures), maxReports)] {
		e := bare
		e.Report = report
		if report.Format == "SMIME" {
			line, ok := decisionLine(ownText(a.Document))
			if !ok {
				continue // said of the whole letter below
			}
			e.Line = &line
			all = append(all, e)
			continue
		}
		covers, err := r.covered(ctx, a, report, req)
		if err != nil {
			return nil, err
		}
		e.Covers = covers
		all = append(all, e)
	}
	if len(all) == 0 {
		all = append(all, bare)
	}
	return all, nil
}

// covered gives the digests of files that a signature covers whole: those it
// was made over, and of a signed PDF the approved file itself if that is what
// the signed one begins with and nothing but the signature was added.
func (r *Room) covered(ctx context.Context, a registry.Arrival, report registry.SignatureReport, req registry.ApprovalRequest) ([]registry.Digest, error) {
	var covers []registry.Digest
	for _, at := range a.Document.Attachments {
		switch {
		case report.Format == "PAdES" && at.Path == report.Path:
			covers = append(covers, at.Digest)
			same, err := r.beginsWith(ctx, a, at, report, req)
			if err != nil {
				return nil, err
			}
			if same {
				covers = append(covers, req.Digest)
			}
		case report.Format != "PAdES" && isCovered(at, report):
			covers = append(covers, at.Digest)
		}
	}
	return covers, nil
}

// isCovered reports whether a detached signature or a container covers a file.
func isCovered(at registry.Attachment, report registry.SignatureReport) bool {
	return slices.ContainsFunc(report.Coverage.Parts, func(part string) bool {
		return at.Path == part || at.Path == report.Path+"!"+part
	})
}

// beginsWith reports whether a signed PDF is the approved one with a signature
// after it: the same bytes up to its length, and an update of nothing else.
func (r *Room) beginsWith(ctx context.Context, a registry.Arrival, at registry.Attachment, report registry.SignatureReport, req registry.ApprovalRequest) (bool, error) {
	c := report.Coverage
	if at.Size <= req.Size || req.Size == 0 || req.Size > maxApproved || c.Revision != c.Revisions || (c.Update != "" && c.Update != "none") {
		return false, nil
	}
	it := a.Item
	it.Place = a.Place
	part, err := r.o.Originals.Attachment(ctx, it, at.Path)
	if err != nil {
		return false, fmt.Errorf("opening a signed file: %w", err)
	}
	defer part.Close()
	digest := sha256.New()
	n, err := io.Copy(digest, io.LimitReader(part, req.Size))
	if err != nil {
		return false, fmt.Errorf("reading a signed file: %w", err)
	}
	return n == req.Size && registry.Digest(digest.Sum(nil)) == req.Digest, nil
}

// decisionLine reads the one decision that stands in the signed text outside
// quotations. A mail program may have folded it.
func decisionLine(text string) (registry.DecisionLine, bool) {
	var d registry.DecisionLine
	fields := strings.Fields(strings.Join(ownLines(text), " "))
	found := 0
	for i, f := range fields {
		if !isWord(f, "approval.line.decision") {
			continue
		}
		if found++; i+7 >= len(fields) {
			return d, false
		}
		rest := fields[i+1 : i+8]
		yes, no := isWord(rest[0], "approval.line.yes"), isWord(rest[0], "approval.line.no")
		if yes == no || !isWord(rest[1], "approval.line.number") || !isWord(rest[3], "approval.line.digest") || !isWord(rest[5], "approval.line.code") {
			return d, false
		}
		d = registry.DecisionLine{Yes: yes, Number: rest[2], Digest: strings.ToLower(rest[4]), Code: strings.ToLower(rest[6])}
	}
	return d, found == 1
}

func isWord(field, key string) bool { return slices.Contains(words(key), fold(field)) }

// recordVerdict writes the answer down, and tells who asked and who answered.
func (r *Room) recordVerdict(ctx context.Context, work registry.Work, a registry.Arrival, v verdict) error {
	req := v.state.Request
	if v.why == "" {
		counted, err := r.recordAnswer(ctx, work, a, v)
		if err != nil || counted {
			return err
		}
		v.why = registry.ApprovalClosed // somebody was first, a moment ago
	}
	if v.state.Answer != nil && v.state.Answer.Item == a.Item.ID {
		return nil // this very letter was counted before
	}
	step := registry.ApprovalStep{Kind: registry.ApprovalNotCounted, Request: req, Answer: &v.answer, Why: v.why}
	if v.report.Format != "" {
		step.Report = &v.report
	}
	if _, err := r.submitStep(ctx, req.TriedKey(a.Item.ID), registry.Daemon, work.Number, step); err != nil {
		return err
	}
	r.o.Log.Info("reply.approval_not_counted", "item", a.Item.ID.String(), "number", work.Number.String(), "why", v.why)
	login := r.writer(a.Document)
	if login == "" {
		return nil // nobody of ours: no answer goes to strangers
	}
	w := answering{a: a, login: login, entry: work}
	return r.tell(ctx, w, req.TriedKey(a.Item.ID)+"/answer", "remark.approval.not_counted", "why", "@approval.why."+string(v.why))
}

// recordAnswer writes an answer that counts; false if another was first.
func (r *Room) recordAnswer(ctx context.Context, work registry.Work, a registry.Arrival, v verdict) (bool, error) {
	req := v.state.Request
	tell := []string{req.By}
	if work.Clerk != "" && work.Clerk != req.By {
		tell = append(tell, work.Clerk)
	}
	step := registry.ApprovalStep{Kind: registry.ApprovalAnswered, Request: req, Answer: &v.answer, Report: &v.report}
	out, err := r.submitStep(ctx, req.AnswerKey(), v.answer.Login, work.Number, step, tell...)
	if err != nil {
		return false, err
	}
	if out.State == registry.Repeated {
		events, err := gateway.EventsOf(ctx, r.o.Book, work.Number)
		if err != nil {
			return false, err
		}
		for _, s := range registry.Approvals(events) {
			if s.Request.ID == req.ID && s.Answer != nil && s.Answer.Item == a.Item.ID {
				return true, nil
			}
		}
		return false, nil
	}
	r.o.Log.Info("reply.approval", "item", a.Item.ID.String(), "number", work.Number.String(), "yes", v.answer.Yes)
	text := "remark.approval.refused"
	if v.answer.Yes {
		text = "remark.approval.approved"
	}
	w := answering{a: a, login: v.answer.Login, entry: work}
	return true, r.tell(ctx, w, req.AnswerKey()+"/answer", text)
}

func (r *Room) submitStep(ctx context.Context, key, actor string, number registry.Number, step registry.ApprovalStep, tell ...string) (registry.Outcome, error) {
	act, err := gateway.ApprovalAct(number, step, tell...)
	if err != nil {
		return registry.Outcome{}, fmt.Errorf("writing down an approval: %w", err)
	}
	out, err := r.o.Acts.Submit(ctx, registry.Draft{Key: key, Actor: actor, Act: &act})
	if err == nil {
		err = out.Err()
	}
	if err != nil {
		return out, fmt.Errorf("recording an approval: %w", err)
	}
	return out, nil
}
