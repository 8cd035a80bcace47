package reply

import (
	"context"
	"crypto/sha256"
	"strings"
	"testing"
	"time"

	"kancelaria/gateway"
	"kancelaria/registry"
)

const approvedFile = "%PDF-1.4 the answer\n%%EOF\n"

var mayorsCert = registry.Digest{7}

// approving is a scene in which the mayor was asked to approve a file.
func approving(t *testing.T) (*scene, registry.ApprovalRequest) {
	t.Helper()
	s := newScene()
	town := office()
	town.Clerks["burmistrz"] = registry.Clerk{Login: "burmistrz", Mail: "burmistrz@aleksandrowo.example"}
	town.Approvers = map[string][]registry.Approver{"burmistrz": {{Clerk: "burmistrz", Certificate: mayorsCert, From: registry.Day{Year: 2024, Month: 5, Day: 7}}}}
	s.room.o.Office = func() *registry.Office { return town }
	s.book.parts = map[string]string{}
	r := registry.ApprovalRequest{ID: "r1", Role: "burmistrz", Digest: sha256.Sum256([]byte(approvedFile)), Size: int64(len(approvedFile)), By: "os1", Expires: farDay}
	act, err := gateway.ApprovalAct(number, registry.ApprovalStep{Kind: registry.ApprovalAsked, Request: r}, "burmistrz")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.book.Submit(t.Context(), registry.Draft{Key: r.AskKey(), Actor: "os1", Act: &act}); err != nil {
		t.Fatal(err)
	}
	return s, r
}

func signedBy(cert registry.Digest, format, path string) registry.SignatureReport {
	return registry.SignatureReport{
		Format: format, Path: path, Verdict: "INDETERMINATE", Intact: "intact", Covers: "whole", Signer: registry.Signer{Digest: cert},
		Chain: []registry.SignatureCert{{NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour), Digest: cert}},
	}
}

// send brings an answer of the mayor's.
func (s *scene) send(t *testing.T, n byte, doc registry.Document) {
	t.Helper()
	doc.From = []registry.Address{{Email: "burmistrz@aleksandrowo.example"}}
	it := registry.Item{ID: registry.ItemID{15: n}, AcceptedAt: now, Envelope: &registry.Envelope{
		MailFrom: "burmistrz@aleksandrowo.example", Recipients: []string{replyTo(t, "burmistrz", gateway.MayApprove, farDay)},
	}}
	if dec := s.arrive(t, it, doc); dec.Screen != "beside" || dec.ScreenReason != reasonApproval {
		t.Errorf("the answer is decided %q %q", dec.Screen, dec.ScreenReason)
	}
}

// state is what became of the request.
func (s *scene) state(t *testing.T) registry.ApprovalState {
	t.Helper()
	events, err := gateway.EventsOf(t.Context(), s.book, number)
	if err != nil {
		t.Fatal(err)
	}
	return registry.Approvals(events)[0]
}

func line(r registry.ApprovalRequest, word string) string {
	return "DECYZJA: " + word + " NR: " + number.String() + " SHA256: " + r.Digest.String() + " KOD: " + tokens.Code(r.ID)
}

func TestASignedAnswerApproves(t *testing.T) {
	whole := func(name string) registry.Attachment {
		return registry.Attachment{Path: "2", Name: name, Digest: sha256.Sum256([]byte(approvedFile)), Size: int64(len(approvedFile))}
	}
	for _, c := range []struct {
		name string
		doc  func(s *scene, r registry.ApprovalRequest) registry.Document
		yes  bool
	}{
		{"a signed mail that says yes", func(_ *scene, r registry.ApprovalRequest) registry.Document {
			return registry.Document{Own: "Dzień dobry,\n" + line(r, "TAK") + "\n\n> " + line(r, "NIE"), Signatures: []registry.SignatureReport{signedBy(mayorsCert, "SMIME", "")}}
		}, true},
		{"one that says no, in lines folded by the program", func(_ *scene, r registry.ApprovalRequest) registry.Document {
			return registry.Document{Own: strings.ReplaceAll(line(r, "NIE"), " SHA", "\nSHA"), Signatures: []registry.SignatureReport{signedBy(mayorsCert, "SMIME", "")}}
		}, false},
		{"the PDF with one more signature", func(s *scene, _ registry.ApprovalRequest) registry.Document {
			s.book.parts["2"] = approvedFile + "signature"
			report := signedBy(mayorsCert, "PAdES", "2")
			report.Coverage = registry.SignatureCoverage{Revision: 2, Revisions: 2, Update: "none"}
			return registry.Document{
				Attachments: []registry.Attachment{{Path: "2", Size: int64(len(approvedFile) + 9), Digest: registry.Digest{5}}},
				Signatures:  []registry.SignatureReport{report},
			}
		}, true},
		{"a signature beside the file", func(_ *scene, _ registry.ApprovalRequest) registry.Document {
			report := signedBy(mayorsCert, "CAdES", "3")
			report.Coverage.Parts = []string{"2"}
			return registry.Document{Attachments: []registry.Attachment{whole("odpowiedz.pdf")}, Signatures: []registry.SignatureReport{report}}
		}, true},
		{"a container that holds the file", func(_ *scene, _ registry.ApprovalRequest) registry.Document {
			report := signedBy(mayorsCert, "ASiC-E", "1")
			report.Coverage.Parts = []string{"odpowiedz.pdf"}
			a := whole("odpowiedz.pdf")
			a.Path = "1!odpowiedz.pdf"
			return registry.Document{Attachments: []registry.Attachment{a}, Signatures: []registry.SignatureReport{report}}
		}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, r := approving(t)
			s.send(t, 1, c.doc(s, r))
			got := s.state(t)
			if got.Answer == nil || got.Answer.Yes != c.yes || got.Answer.Login != "burmistrz" || got.Report == nil {
				t.Fatalf("%+v", got)
			}
			// The same letter again, and another that says the opposite.
			s.send(t, 1, c.doc(s, r))
			other := "TAK"
			if c.yes {
				other = "NIE"
			}
			s.send(t, 2, registry.Document{Own: line(r, other), Signatures: []registry.SignatureReport{signedBy(mayorsCert, "SMIME", "")}})
			if again := s.state(t); again.Answer.Yes != c.yes || again.Tried != 1 {
				t.Errorf("after a second answer: %+v", again)
			}
		})
	}
}

func TestWhatDoesNotBindLeavesTheRequestOpen(t *testing.T) {
	sign := func(own string, cert registry.Digest) registry.Document {
		return registry.Document{Own: own, Signatures: []registry.SignatureReport{signedBy(cert, "SMIME", "")}}
	}
	for _, c := range []struct {
		name string
		doc  func(s *scene, r registry.ApprovalRequest) registry.Document
		why  registry.ApprovalProblem
	}{
		{"no signature", func(_ *scene, r registry.ApprovalRequest) registry.Document {
			return registry.Document{Own: line(r, "TAK")}
		}, registry.ApprovalUnsigned},
		{"the decision only in a quotation", func(_ *scene, r registry.ApprovalRequest) registry.Document {
			return sign("> "+line(r, "TAK"), mayorsCert)
		}, registry.ApprovalUnsigned},
		{"both decisions", func(_ *scene, r registry.ApprovalRequest) registry.Document {
			return sign(line(r, "TAK")+"\n"+line(r, "NIE"), mayorsCert)
		}, registry.ApprovalUnsigned},
		{"a clerk's certificate", func(_ *scene, r registry.ApprovalRequest) registry.Document {
			return sign(line(r, "TAK"), registry.Digest{8})
		}, registry.ApprovalNobody},
		{"the code of another request", func(_ *scene, r registry.ApprovalRequest) registry.Document {
			return sign(strings.Replace(line(r, "TAK"), tokens.Code(r.ID), tokens.Code("r0"), 1), mayorsCert)
		}, registry.ApprovalCode},
		{"a PGP signature over the mail", func(_ *scene, r registry.ApprovalRequest) registry.Document {
			return registry.Document{Own: line(r, "TAK"), Signatures: []registry.SignatureReport{signedBy(mayorsCert, "PGP", "")}}
		}, registry.ApprovalOther},
		{"a signature over another file", func(_ *scene, _ registry.ApprovalRequest) registry.Document {
			report := signedBy(mayorsCert, "CAdES", "3")
			report.Coverage.Parts = []string{"2"}
			return registry.Document{Attachments: []registry.Attachment{{Path: "2", Digest: registry.Digest{1}}}, Signatures: []registry.SignatureReport{report}}
		}, registry.ApprovalOther},
		{"a signed PDF that begins otherwise", func(s *scene, _ registry.ApprovalRequest) registry.Document {
			s.book.parts["2"] = strings.Replace(approvedFile, "answer", "ANSWER", 1) + "signature"
			report := signedBy(mayorsCert, "PAdES", "2")
			report.Coverage = registry.SignatureCoverage{Revision: 2, Revisions: 2, Update: "none"}
			return registry.Document{Attachments: []registry.Attachment{{Path: "2", Size: 100}}, Signatures: []registry.SignatureReport{report}}
		}, registry.ApprovalOther},
		{"a PDF that was changed besides", func(s *scene, _ registry.ApprovalRequest) registry.Document {
			s.book.parts["2"] = approvedFile + "more, and a signature"
			report := signedBy(mayorsCert, "PAdES", "2")
			report.Coverage = registry.SignatureCoverage{Revision: 2, Revisions: 3, Update: "changed"}
			return registry.Document{Attachments: []registry.Attachment{{Path: "2", Size: 100}}, Signatures: []registry.SignatureReport{report}}
		}, registry.ApprovalOther},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, r := approving(t)
			s.send(t, 1, c.doc(s, r))
			if got := s.state(t); !got.Open() || got.Tried != 1 {
				t.Errorf("%+v", got)
			}
			last := s.book.drafts[len(s.book.drafts)-1]
			if remark, ok := gateway.RemarkOf(last.Act); !ok || remark.Text != "remark.approval.not_counted" || remark.Pairs[1] != "@approval.why."+string(c.why) {
				t.Errorf("the mayor is told %+v", remark)
			}
		})
	}
}

func TestAClerkAsksByAnswering(t *testing.T) {
	c, err := Parse("do akceptacji burmistrz: projekt odpowiedzi")
	if err != nil || c.Verb != "ask" || c.To != "burmistrz" || c.Reason != "projekt odpowiedzi" {
		t.Fatalf("%+v, %v", c, err)
	}
	s := newScene()
	var asked []gateway.Asking
	s.room.o.Ask = func(_ context.Context, who registry.Actor, n registry.Number, a gateway.Asking) (registry.ApprovalRequest, registry.Outcome, error) {
		if who.Login != "os1" || n != number {
			t.Errorf("%s asks about %s", who.Login, n)
		}
		asked = append(asked, a)
		return registry.ApprovalRequest{}, registry.Outcome{State: registry.Written}, nil
	}
	it := registry.Item{ID: registry.ItemID{15: 9}, Envelope: &registry.Envelope{
		MailFrom: "os1@aleksandrowo.example", TrustedRelay: true, Recipients: []string{replyTo(t, "os1", gateway.MayHandle, farDay)},
	}}
	s.arrive(t, it, registry.Document{From: []registry.Address{{Email: "os1@aleksandrowo.example"}}, MessageID: "<a@b>", Own: "do akceptacji Burmistrz projekt"})
	if len(asked) != 1 || asked[0].Role != "burmistrz" || asked[0].Reason != "projekt" || asked[0].ID == "" {
		t.Errorf("%+v", asked)
	}
}
