package gateway

import (
	"encoding/json"

	"kancelaria/registry"
)

// A Remark is what the house itself says about an entry, a clerk or the office:
// the answer to a clerk's command, a reminder, a notice that came back. It is
// recorded in the book as an act that changes nothing, or with a finding or a
// proposal, and the bell tells it to those the act names, each in their
// language.
type Remark struct {
	Text  string   `json:"text"`            // key in the catalogue, remark.…
	Pairs []string `json:"pairs,omitempty"` // names and values for its places
	// InReplyTo is the Message-ID that it answers, so that it joins the thread.
	InReplyTo string `json:"in_reply_to,omitempty"`
	// Letter is SHA-256 of the letter that brought it about.
	Letter registry.Digest `json:"letter,omitzero"`
	// List is what a collective remark lists, one entry a line.
	List []RemarkLine `json:"list,omitempty"`
}

// A RemarkLine is an entry in a list: of a morning's work, of a day's closing.
type RemarkLine struct {
	Group  string       `json:"group,omitempty"` // key in the catalogue: above what it stands
	Number string       `json:"number"`
	Text   string       `json:"text,omitempty"`
	Due    registry.Day `json:"due,omitzero"`
}

// Act gives the act that records the remark and tells it.
func (r Remark) Act(subject string, tell ...string) (registry.Act, error) {
	content, err := json.Marshal(r)
	return registry.Act{Kind: registry.ActGeneric, Subject: subject, Text: r.Text, Content: content, Tell: tell}, err
}

// RemarkOf reads the remark that an act records.
func RemarkOf(act *registry.Act) (Remark, bool) {
	var r Remark
	if act == nil || len(act.Content) == 0 {
		return r, false
	}
	switch act.Kind {
	case registry.ActGeneric, registry.ActFinding, registry.ActProposal:
	default:
		return r, false
	}
	err := json.Unmarshal(act.Content, &r)
	return r, err == nil && r.Text != "" && r.Text == act.Text
}
