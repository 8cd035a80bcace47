package api

import (
	"time"

	"kancelaria/gateway"
	"kancelaria/registry"
)

// A Finding is what became known after registering, as scripts see it.
type Finding struct {
	At         string                     `json:"at"`
	Kind       registry.FoundKind         `json:"kind"`
	Texts      []registry.TextFound       `json:"texts,omitempty"`
	Malware    *registry.Malware          `json:"malware,omitempty"`
	Sender     *registry.Authentication   `json:"authentication,omitempty"`
	Signatures []registry.SignatureReport `json:"signatures,omitempty"`
	Leaf       int64                      `json:"leaf"`
	Proposed   *Proposed                  `json:"proposed,omitempty"`
}

// A Proposed is what the rules made of a finding; a person decides.
type Proposed struct {
	Class      string   `json:"class"`
	Department string   `json:"department"`
	Candidates []string `json:"candidates"`
	Rules      []string `json:"rules"`
}

// addFindings shows what became known later: the newest word on the sender
// and on signatures stands in place of the first, which stays in the book.
func (e *Entry) addFindings(s source, zone *time.Location) {
	for _, leaf := range s.events {
		line, err := registry.ParseLine(leaf.Content)
		if err != nil {
			continue // erased
		}
		at := instant(leaf.At, zone)
		if p, ok := gateway.ProposalOf(line.Draft.Act); ok && len(e.Findings) > 0 {
			d := p.Decision
			e.Findings[len(e.Findings)-1].Proposed = &Proposed{d.Class, d.Department, list(d.Candidates), list(d.Rules)}
		}
		f, ok := gateway.FindingOf(line.Draft.Act)
		if !ok {
			continue
		}
		e.Findings = append(e.Findings, Finding{At: at, Kind: f.Found.Kind, Texts: f.Found.Texts, Malware: f.Found.Malware, Sender: f.Found.Auth, Signatures: f.Found.Signatures, Leaf: leaf.Index})
		e.Flaws = append(e.Flaws, f.Found.Flaws...)
		if f.Found.Signatures != nil {
			e.Signatures = f.Found.Signatures
		}
		if f.Found.Auth != nil {
			e.Authentication = *f.Found.Auth
		}
	}
}
