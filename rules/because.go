package rules

import (
	"fmt"
	"strconv"
	"strings"

	"kancelaria/registry"
)

// maxSentences bounds the reasons of a decision; the account has them all.
const maxSentences = 40

// because adds a sentence of the catalogue to the reasons.
func (x *deciding) because(key string, pairs ...string) {
	if len(x.d.Because) < maxSentences {
		x.d.Because = append(x.d.Because, x.texts.Say(key, pairs...))
	}
	x.account.note(key, strings.Join(pairs, " "))
}

// maxReasons bounds how much of a rule's condition its sentence repeats: words
// first, then values; what had to be absent stands only in the account.
const maxReasons = 3

// sentence says why a rule took effect: reguła „drzewa” (rules.yaml:41): w
// temacie „usunięcie drzewa”.
func (x *deciding) sentence(r *rule, why []evidence) string {
	var parts []string
	for _, how := range []string{"words", "value", "other"} {
		for _, e := range why {
			if e.how == how && e.Seen != "false" && len(parts) < maxReasons {
				parts = append(parts, x.phrase(e))
			}
		}
	}
	if len(parts) == 0 {
		return x.texts.Say("because.rule_always", "rule", r.id, "file", x.set.file, "line", strconv.Itoa(r.line()))
	}
	return x.texts.Say("because.rule", "rule", r.id, "file", x.set.file, "line", strconv.Itoa(r.line()), "why", strings.Join(parts, ", "))
}

// phrase says one condition. The catalogue has a phrase for the usual fields
// and a plain form for the rest.
func (x *deciding) phrase(e evidence) string {
	if key := "because." + e.how + "." + e.Field; x.texts.Has(key) {
		return x.texts.Say(key, "value", e.Seen)
	}
	if e.Seen == "" {
		return x.texts.Say("because.absent", "field", e.Field)
	}
	return x.texts.Say("because."+e.how, "field", e.Field, "value", e.Seen)
}

// String says what the actions do, in the words of the file.
func (a actions) String() string {
	var parts []string
	add := func(format string, args ...any) { parts = append(parts, fmt.Sprintf(format, args...)) }
	if a.verdict != "" {
		add("%s", strings.TrimSpace(a.verdict+" "+a.reason))
	}
	if a.class != "" {
		add("class %s", a.class)
	}
	if a.policy != "" {
		add("case %s", a.policy)
	}
	if a.deadline != nil {
		add("deadline %s", deadlineName(a.deadline))
	}
	for _, g := range []struct {
		word string
		list []target
	}{
		{"subject_person", a.about},
		{"to", a.to},
		{"readers", a.readers},
		{"hide_from", a.hide},
		{"notify", a.notify},
		{"approval", a.approval},
	} {
		if len(g.list) > 0 {
			add("%s %s", g.word, targetList(g.list))
		}
	}
	if a.table != nil {
		add("table by %s", fields[a.key].name)
	}
	if a.balance != "" {
		add("balance %s", a.balance)
	}
	if len(a.flags) > 0 {
		add("flag %s", flagList(a.flags))
	}
	if len(a.labels) > 0 {
		add("label %s", strings.Join(a.labels, " "))
	}
	if a.priority != "" {
		add("priority %s", a.priority)
	}
	if a.restrict {
		add("restricted")
	}
	if a.receipt != "" {
		add("receipt %s", a.receipt)
	}
	return strings.Join(parts, ", ")
}

func targetList(list []target) string {
	out := make([]string, len(list))
	for i, t := range list {
		out[i] = t.String()
	}
	return strings.Join(out, " ")
}

func flagList(list []registry.Flag) string {
	out := make([]string, len(list))
	for i, f := range list {
		out[i] = string(f)
	}
	return strings.Join(out, " ")
}
