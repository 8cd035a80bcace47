package gateway

import (
	"encoding/json"
	"fmt"

	"kancelaria/registry"
)

// A Finding is the content of an ActFinding: what was found, and what is told
// of it. One without a Text is told to nobody.
type Finding struct {
	Remark
	Found registry.Found `json:"found"`
}

// A Proposal is the content of an ActProposal: what the rules make of an entry
// now that more is known. It changes nothing but flags: a person decides.
type Proposal struct {
	Remark
	Finding  string            `json:"finding"` // key of the finding that brought it about
	Decision registry.Decision `json:"decision"`
}

// FindingOf reads the finding that an act records.
func FindingOf(act *registry.Act) (Finding, bool) {
	var f Finding
	if act == nil || act.Kind != registry.ActFinding || json.Unmarshal(act.Content, &f) != nil {
		return f, false
	}
	return f, f.Found.Kind != ""
}

// ProposalOf reads the proposal that an act records.
func ProposalOf(act *registry.Act) (Proposal, bool) {
	var p Proposal
	if act == nil || act.Kind != registry.ActProposal || json.Unmarshal(act.Content, &p) != nil {
		return p, false
	}
	return p, p.Decision.Rules != nil
}

// recorded gives the act that records content about an entry, and tells those
// named what the remark in it says.
func recorded(kind registry.ActKind, number registry.Number, text string, content any, tell []string) (registry.Act, error) {
	b, err := json.Marshal(content)
	if err != nil {
		return registry.Act{}, fmt.Errorf("writing down what was found of %s: %w", number, err)
	}
	act := registry.Act{Kind: kind, Subject: number.String(), Text: text, Content: b}
	if text != "" {
		act.Tell = tell
	}
	return act, nil
}
