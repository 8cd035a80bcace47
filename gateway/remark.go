package gateway

import (
	"encoding/json"
	"strings"

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

// Say says the remark in a language, paragraphs parted by ¶. A value "@key" is
// itself a text of the catalogue, and a date is written as people write it.
// Clean is what each value passes through first; nil leaves it as it is.
func (r Remark) Say(texts *registry.Texts, key string, clean func(string) string) string {
	said := make([]string, len(r.Pairs))
	for i, v := range r.Pairs {
		if clean != nil {
			v = clean(v)
		}
		if name, ok := strings.CutPrefix(v, "@"); ok && texts.Has(name) {
			v = texts.Say(name)
		} else if day, err := registry.ParseDay(v); err == nil {
			v = texts.Day(day)
		}
		said[i] = v
	}
	return texts.Say(key, said...)
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
