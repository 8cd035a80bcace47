package rules

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"kancelaria/registry"
)

const lintHead = "version: 1\nfallback: {department: OR, queue: PK}\n"

func TestLintFindsRulesThatCannotBeReached(t *testing.T) {
	for _, tt := range []struct{ name, rules, want string }{
		{"two values of one field", `classify: [{id: a, when: {sender.domain: [a.example, b.example], all_of: [{sender.domain: c.example}]}, do: {flag: urgent}}]`, `E105 rule "a" can never match`},
		{"a value and none of it", `classify: [{id: a, when: {door: smtp, all_of: [{door: {none_of: [smtp, lmtp]}}]}, do: {flag: urgent}}]`, `E105 rule "a"`},
		{"every value of a closed list excluded", `classify: [{id: a, when: {weekday: {none_of: [mon, tue, wed, thu, fri, sat, sun]}}, do: {flag: urgent}}]`, `E105 rule "a"`},
		{"true and not true", `classify: [{id: a, when: {spam: true, not: {spam: true}}, do: {flag: urgent}}]`, `E105 rule "a"`},
		{"neither true nor false", `classify: [{id: a, when: {all_of: [{not: {spam: true}}, {not: {spam: false}}]}, do: {flag: urgent}}]`, `E105 rule "a"`},
		{"ranges that do not meet", `classify: [{id: a, when: {attachment.count: "> 3", all_of: [{attachment.count: "< 2"}]}, do: {flag: urgent}}]`, `E105 rule "a"`},
		{"fewer than none", `classify: [{id: a, when: {attachment.count: "< 0"}, do: {flag: urgent}}]`, `E105 rule "a"`},
		{"set and unset", `classify: [{id: a, when: {case_ref: set, all_of: [{case_ref: unset}]}, do: {flag: urgent}}]`, `E105 rule "a"`},
		{"a word and not its beginning", `classify: [{id: a, when: {subject: {words: skargi}, not: {subject: {words: "skarg*"}}}, do: {flag: urgent}}]`, `E105 rule "a"`},
		{"words around and not the words", `classify: [{id: a, when: {subject: {words: "na wycinkę drzew"}, not: {subject_or_text: {words: "wycink* drzew*"}}}, do: {flag: urgent}}]`, `E105 rule "a"`},
		{"a prefix and a value outside", `classify: [{id: a, when: {class: "61*", all_of: [{class: "6220"}]}, do: {flag: urgent}}]`, `E105 rule "a"`},
		{"one expression both ways", `classify: [{id: a, when: {subject: {re: x+}, not: {subject: {re: x+}}}, do: {flag: urgent}}]`, `E105 rule "a"`},
		{"contradiction in every branch", `classify: [{id: a, when: {door: smtp, any_of: [{door: lmtp}, {door: folder, spam: true}]}, do: {flag: urgent}}]`, `E105 rule "a"`},
		{"below a rule without condition", "assign:\n  - {id: a, do: {to: clerk:os1}}\n  - {id: b, when: {spam: true}, do: {to: clerk:os2}}", `E106 rule "b" is never reached: rule "a" (line 4) above it has no condition`},
		{"below the same rule", "assign:\n  - {id: a, when: {class: \"6131\"}, do: {to: clerk:os1}}\n  - {id: b, when: {class: \"6131\"}, do: {to: clerk:os2}}", `E107 rule "b" is shadowed: every letter it matches is taken by "a" (line 4)`},
		{"below a wider list", "assign:\n  - {id: a, when: {sender.domain: [a.example, b.example, c.example]}, do: {to: clerk:os1}}\n  - {id: b, when: {sender.domain: [b.example, a.example]}, do: {to: clerk:os2}}", `E107 rule "b"`},
		{"below fewer conditions", "assign:\n  - {id: a, when: {spam: true}, do: {to: clerk:os1}}\n  - {id: b, when: {spam: true, door: smtp}, do: {to: clerk:os2}}", `E107 rule "b"`},
		{"below a wider range", "assign:\n  - {id: a, when: {attachment.count: \">= 2\"}, do: {to: clerk:os1}}\n  - {id: b, when: {attachment.count: 5}, do: {to: clerk:os2}}", `E107 rule "b"`},
		{"below a parent domain", "assign:\n  - {id: a, when: {sender.domain: \"*.gov.example\"}, do: {to: clerk:os1}}\n  - {id: b, when: {sender.domain: mf.gov.example}, do: {to: clerk:os2}}", `E107 rule "b"`},
		{"below a shorter beginning", "assign:\n  - {id: a, when: {subject_or_text: {words: \"drz*\"}}, do: {to: clerk:os1}}\n  - {id: b, when: {subject: {words: [\"drzew*\", drzwi]}}, do: {to: clerk:os2}}", `E107 rule "b"`},
		{"below two that share its letters", "assign:\n  - {id: a, when: {sender.domain: a.example}, do: {to: clerk:os1}}\n  - {id: b, when: {sender.domain: b.example}, do: {to: clerk:os2}}\n  - {id: c, when: {sender.domain: [a.example, b.example]}, do: {to: clerk:or1}}", `E107 rule "c" is shadowed: every letter it matches is taken by "a" (line 4) or "b" (line 5)`},
		{"below yes and no", "assign:\n  - {id: a, when: {office_hours: true}, do: {to: clerk:os1}}\n  - {id: b, when: {office_hours: false}, do: {to: clerk:os2}}\n  - {id: c, when: {sender.domain: a.example}, do: {to: clerk:or1}}", `E107 rule "c"`},
		{"below set and unset", "assign:\n  - {id: a, when: {class: set}, do: {to: clerk:os1}}\n  - {id: b, when: {class: unset}, do: {to: clerk:os2}}\n  - {id: c, do: {to: clerk:or1}}", `E107 rule "c"`},
		{"a class written before", "classify:\n  - {id: a, when: {subject: {words: \"drzew*\"}}, do: {class: \"6131\"}}\n  - {id: b, when: {subject: {words: \"drzewa\"}}, do: {class: \"6220\"}}", `E107 rule "b" never takes effect: rule "a" (line 4) always writes class before it`},
		{"class: unset below one that sets it", "classify:\n  - {id: a, when: {class: unset, subject: {words: [\"drzew*\", \"krzew*\"]}}, do: {class: \"6131\"}}\n  - {id: b, when: {class: unset, subject: {words: \"krzewy\"}}, do: {class: \"6220\", flag: urgent}}", `E107 rule "b" is shadowed`},
		{"a guard that was met before", "classify:\n  - {id: a, when: {subject: {words: \"x\"}}, do: {label: l}}\n  - {id: b, when: {class: unset, spam: false, not: {label: l}}, do: {class: \"6131\"}}\n  - {id: c, when: {class: unset, spam: false, not: {label: l}}, do: {class: \"6220\", flag: urgent}}", `E107 rule "c" is shadowed`},
		{"a table without a row for a class", "classify: [{id: a, when: {subject: x}, do: {class: \"6131\"}}, {id: b, when: {subject: y}, do: {class: \"1431\"}}]\nassign: [{id: t, when: {class: set}, do: {table: {\"61\": department:OS}}}]", `E108 the table of rule "t" has no row for class 1431`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			set, list := Load("rules.yaml", []byte(lintHead+tt.rules), smallOffice(t))
			if set != nil {
				t.Fatal("the file was taken")
			}
			if len(list) != 1 || !strings.Contains(list[0].Code+" "+list[0].Text, tt.want) {
				t.Errorf("got:\n%s\nwant: %s", complaintsOf(list), tt.want)
			}
			if list[0].Line < 3 || list[0].Fix == "" {
				t.Errorf("a finding needs its place and remedy: %+v", list[0])
			}
		})
	}
}

func TestLintDoesNotCryWolf(t *testing.T) {
	for _, tt := range []struct{ name, rules string }{
		{"two domains of two attachments' types", `classify: [{id: a, when: {attachment.ext: pdf, all_of: [{attachment.ext: exe}]}, do: {flag: urgent}}]`},
		{"a value or none at all", `classify: [{id: a, when: {all_of: [{not: {thread.open: true}}, {not: {thread.open: false}}]}, do: {flag: urgent}}]`},
		{"the narrow rule above the wide one", "assign:\n  - {id: a, when: {subject: {words: drzewa}}, do: {to: clerk:os1}}\n  - {id: b, when: {subject: {words: \"drzew*\"}}, do: {to: clerk:os2}}"},
		{"two of three values", "assign:\n  - {id: a, when: {sender.domain: a.example}, do: {to: clerk:os1}}\n  - {id: b, when: {sender.domain: b.example}, do: {to: clerk:os2}}\n  - {id: c, when: {sender.domain: [a.example, b.example, c.example]}, do: {to: clerk:or1}}"},
		{"two expressions", "assign:\n  - {id: a, when: {subject: {re: a+}}, do: {to: clerk:os1}}\n  - {id: b, when: {subject: {re: aa+}}, do: {to: clerk:os2}}"},
		{"a class written before, but also a flag", "classify:\n  - {id: a, when: {subject: {words: \"drzew*\"}}, do: {class: \"6131\"}}\n  - {id: b, when: {subject: {words: \"drzewa\"}}, do: {class: \"6220\", flag: urgent}}"},
		{"a label set between two rules", "classify:\n  - {id: a, when: {label: l}, do: {class: \"6131\"}}\n  - {id: s, when: {subject: {words: x}}, do: {label: l}}\n  - {id: b, when: {label: l}, do: {class: \"6220\"}}"},
		{"a class asked in two rules with a label set between", "classify:\n  - {id: a, when: {class: unset, label: l}, do: {class: \"6131\"}}\n  - {id: s, do: {label: l}}\n  - {id: b, when: {class: unset, label: l}, do: {class: \"6220\"}}"},
		{"the same words elsewhere", "assign:\n  - {id: a, when: {subject: {words: x}}, do: {to: clerk:os1}}\n  - {id: b, when: {text: {words: x}}, do: {to: clerk:os2}}"},
		{"a table that covers what reaches it", "classify: [{id: a, when: {subject: x}, do: {class: \"6131\"}}, {id: b, when: {subject: y}, do: {class: \"1431\"}}]\nassign: [{id: f, when: {class: \"1431\"}, do: {to: clerk:or1}}, {id: t, when: {class: set}, do: {table: {\"61\": department:OS}}}]"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, list := Load("rules.yaml", []byte(lintHead+tt.rules), smallOffice(t)); Failed(list) {
				t.Error(complaintsOf(list))
			}
		})
	}
}

func TestLintWarnsOfWhatIsSuspicious(t *testing.T) {
	s := rulesFor(t, `lists: {nikt: [x]}
classify:
  - {id: a, when: {subject: {words: drzew*}}, do: {class: "6131"}}
  - {id: b, when: {subject: {words: decyzj*}}, do: {class: "6220"}}
  - {id: c, when: {subject: {words: xyz}}, do: {flag: urgent}}
tests:
  - {name: both, mail: {from: a@b.example, subject: Decyzja o drzewach}, expect: {class: "6131"}}
  - {name: wrong, mail: {from: a@b.example, subject: Decyzja}, expect: {class: "6131", clerk: os1}}
`)
	got := complaintsOf(s.Lint())
	for _, want := range []string{
		`rules.yaml:3:9: list "nikt" is not used; use it or delete it`,
		`rule "c" has no test`,
		`in test "both" rule "b" wants class 6220, but rule "a" has written 6131`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in:\n%s", want, got)
		}
	}
	results := s.Test()
	if !results[0].Passed() || results[1].Passed() {
		t.Fatalf("results: %v", results)
	}
	text := results[1].String()
	for _, want := range []string{"rules.yaml:10: wrong", "class: got 6220, want 6131", "clerk: got none, want os1", "· reguła „b”"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in:\n%s", want, text)
		}
	}
	if c := results[1].Complaint(); c.Code != "E111" || c.Line != 10 {
		t.Errorf("as a finding: %+v", c)
	}
}

// randomRules writes sets whose conditions are drawn from few values, so that
// they often exclude, imply and cover one another.
type randomRules struct{ *rand.Rand }

func (r randomRules) pick(list ...string) string { return list[r.IntN(len(list))] }

func (r randomRules) some(list ...string) string {
	var out []string
	for _, s := range list {
		if r.IntN(3) == 0 {
			out = append(out, s)
		}
	}
	if len(out) == 0 {
		out = append(out, r.pick(list...))
	}
	return "[" + strings.Join(out, ", ") + "]"
}

func (r randomRules) leaf(classify bool) string {
	words := []string{`"drzew*"`, "drzewa", `"wycink* drzew*"`, `"wycinka drzew"`, `"skarg*"`, "skarga", `"s*"`}
	switch r.IntN(15) {
	case 0:
		return "door: " + r.some("smtp", "lmtp", "folder")
	case 1:
		return "door: {none_of: " + r.some("smtp", "lmtp", "folder", "share", "counter", "web", "scan", "package") + "}"
	case 2:
		return "sender.domain: " + r.some("a.example", "b.example", "c.b.example", `"*.example"`, `"*.b.example"`)
	case 3:
		return "sender.domain: " + r.pick("set", "unset", "{none_of: [a.example]}", `{none_of: ["*.b.example", a.example]}`)
	case 4:
		return r.pick("subject", "subject_or_text", "text") + ": {words: " + r.some(words...) + "}"
	case 5:
		return "subject: {re: " + r.pick("drzew", "skarga$", "^s") + "}"
	case 6:
		return "attachment.count: " + r.pick("0", `">= 1"`, `"> 1"`, "{min: 1, max: 2}", `"< 3"`)
	case 7:
		return "attachment.ext: " + r.some("pdf", "exe", "jpg")
	case 8:
		return "attachment.ext: " + r.pick("set", "unset", "{none_of: [pdf]}", `"p*"`)
	case 9:
		return r.pick("spam", "loop", "thread.open", "thread.certain") + ": " + r.pick("true", "false")
	case 10:
		return "attachment.size: " + r.pick(`">= 10kB"`, `"< 10kB"`, "{min: 5kB, max: 20kB}")
	case 11:
		return "flag: " + r.pick("urgent", "set", "unset", "{none_of: [urgent, tnef]}", "[urgent, tnef]")
	case 12:
		if !classify {
			return "class: " + r.pick(`"6131"`, `"6*"`, "set", "unset", `["6131", "1431"]`)
		}
		return "class: " + r.pick("unset", "unset", "set", `"6131"`, `"6*"`)
	case 13:
		return "label: " + r.pick("x", "y", "[x, y]", "{none_of: [x]}", "set", "unset")
	default:
		return "subject: " + r.pick("set", "unset", `"wycinka drzew"`, `"skarg*"`, `{none_of: ["skarg*"]}`)
	}
}

func (r randomRules) when(depth int, classify bool) string {
	parts := map[string]bool{}
	var out []string
	for range 1 + r.IntN(3) {
		part := r.leaf(classify)
		if depth < 2 && r.IntN(4) == 0 {
			part = r.pick("not: ", "any_of: [", "all_of: [")
			if part == "not: " {
				part += r.when(depth+1, classify)
			} else {
				part += r.when(depth+1, classify) + ", " + r.when(depth+1, classify) + "]"
			}
		}
		key, _, _ := strings.Cut(part, ":")
		if !parts[key] {
			parts[key] = true
			out = append(out, part)
		}
	}
	return "{" + strings.Join(out, ", ") + "}"
}

func (r randomRules) file(n int) string {
	var b strings.Builder
	b.WriteString(lintHead + "classify:\n  - {id: lx, when: {subject: {words: skarg*}, spam: true}, do: {label: x}}\n  - {id: ly, when: {text: {words: skarg*}}, do: {label: y}}\n")
	for i := range n {
		do := r.pick(`class: "6131"`, `class: "1431"`, `class: "6220"`, `class: "6131", flag: urgent`, "deadline: KPA_1M", "label: x", "flag: tnef")
		fmt.Fprintf(&b, "  - {id: c%d, when: %s, do: {%s}}\n", i, r.when(0, true), do)
	}
	b.WriteString("assign:\n")
	for i := range n {
		fmt.Fprintf(&b, "  - {id: a%d, when: %s, do: {to: %s}}\n", i, r.when(0, false), r.pick("clerk:os1", "clerk:or1", "department:OR"))
	}
	return b.String()
}

func (r randomRules) letter() (registry.Item, registry.Document, registry.Facts) {
	subjects := []string{"", "wycinka drzew", "Skarga", "skarga na wycinkę drzew", "drzewa", "drzewo", "s", "inne"}
	it, doc := letter(r.pick("x@a.example", "x@b.example", "x@c.b.example", "x@d.other", ""), r.pick(subjects...))
	it.Door = registry.Door(r.pick("smtp", "lmtp", "folder", "share", "counter", "web", "scan", "package"))
	doc.Own = r.pick(subjects...)
	doc.Headers.SpamFlag, doc.Headers.KancelariaLoop = r.IntN(2) == 0, r.IntN(4) == 0
	for range r.IntN(4) {
		doc.Attachments = append(doc.Attachments, registry.Attachment{Name: "a." + r.pick("pdf", "exe", "jpg", "png"), Size: int64(r.IntN(25_000)), Role: registry.RoleAttachment})
	}
	if r.IntN(3) == 0 {
		doc.Flags = []registry.Flag{registry.Flag(r.pick("urgent", "tnef", "signed"))}
	}
	facts := factsAt(it)
	if r.IntN(3) == 0 {
		facts.Thread = &registry.Thread{Folder: "K", Clerk: "os1", Department: "OS", Class: r.pick("", "6131"), Open: r.IntN(2) == 0, Certain: r.IntN(2) == 0, How: "token"}
	}
	return it, doc, facts
}

func TestARuleCalledDeadNeverHasAnEffect(t *testing.T) {
	rounds := 60
	if testing.Short() {
		rounds = 20
	}
	dead, reached := 0, 0
	for seed := range rounds {
		r := randomRules{rand.New(rand.NewPCG(uint64(seed), 7))}
		set, list := load("rules.yaml", []byte(r.file(8)), smallOffice(t))
		if set == nil {
			t.Fatalf("seed %d: %s", seed, complaintsOf(list))
		}
		gone := map[string]Complaint{}
		for _, c := range set.dead() {
			id, _, _ := strings.Cut(strings.TrimPrefix(c.Text, `rule "`), `"`)
			gone[id] = c
		}
		dead += len(gone)
		for range 300 {
			it, doc, facts := r.letter()
			d := set.Decide(it, doc, facts)
			for _, id := range d.Rules {
				c, is := gone[id]
				switch {
				case !is:
					reached++
				case strings.Contains(c.Text, "never takes effect"): // it matches in vain; see the next test
				default:
					t.Fatalf("seed %d: %s %s, but it took effect\n%s", seed, c.Code, c.Text, Explain(d, set))
				}
			}
		}
	}
	if dead < rounds/4 || reached == 0 {
		t.Errorf("%d dead rules and %d effects: the test shows nothing", dead, reached)
	}
}

func TestLeavingOutDeadRulesChangesNoDecision(t *testing.T) {
	for seed := range 25 {
		r := randomRules{rand.New(rand.NewPCG(uint64(seed), 11))}
		file := r.file(8)
		set, _ := load("rules.yaml", []byte(file), smallOffice(t))
		lines := strings.Split(file, "\n")
		for _, c := range set.dead() {
			if c.Line > 0 {
				lines[c.Line-1] = ""
			}
		}
		fewer, list := load("rules.yaml", []byte(strings.Join(lines, "\n")), smallOffice(t))
		if fewer == nil { // the dead rule set the only label of its name
			if strings.Contains(complaintsOf(list), "no rule sets the label") {
				continue
			}
			t.Fatal(complaintsOf(list))
		}
		for range 100 {
			it, doc, facts := r.letter()
			was, now := set.Decide(it, doc, facts), fewer.Decide(it, doc, facts)
			if changes := Diff(was, now); len(changes) > 0 {
				t.Fatalf("seed %d: %v\n%s\nwithout the dead:\n%s", seed, changes, Explain(was, set), Explain(now, fewer))
			}
		}
	}
}

func TestSeededShadowsAreAllFound(t *testing.T) {
	for seed := range 100 {
		r := randomRules{rand.New(rand.NewPCG(uint64(seed), 13))}
		base := r.when(0, false)
		narrower := strings.TrimSuffix(base, "}") + ", source: nowhere}" // the same and one more
		var b strings.Builder
		b.WriteString(lintHead + "classify: [{id: x, when: {subject: x}, do: {label: [x, y]}}]\nassign:\n")
		fmt.Fprintf(&b, "  - {id: first, when: %s, do: {to: clerk:os1}}\n", base)
		for i := range 3 {
			fmt.Fprintf(&b, "  - {id: between%d, when: %s, do: {to: clerk:or1}}\n", i, r.when(0, false))
		}
		fmt.Fprintf(&b, "  - {id: same, when: %s, do: {to: clerk:os2}}\n  - {id: narrower, when: %s, do: {to: clerk:os2}}\n", base, narrower)
		set, list := load("rules.yaml", []byte(b.String()), smallOffice(t))
		if set == nil {
			t.Fatal(complaintsOf(list))
		}
		found := complaintsOf(set.dead())
		for _, id := range []string{"same", "narrower"} {
			if !strings.Contains(found, `rule "`+id+`"`) {
				t.Errorf("seed %d: %q was not found:\n%s\n%s", seed, id, b.String(), found)
			}
		}
	}
}

func TestARuleListShowsWhatEachRuleWaitsFor(t *testing.T) {
	s := rulesFor(t, `
screen: [{id: s, when: {spam: true}, do: {quarantine: spam}}]
classify: [{id: c, when: {text: {words: x}}, do: {label: l}}]
also: [{id: a, when: {signature.verdict: total-failed}, do: {flag: signature_failed}}]`)
	want := []RuleNote{
		{ID: "s", List: "screen", Line: 4, Needs: "arrival", Does: "quarantine spam"},
		{ID: "c", List: "classify", Line: 5, Needs: "reading", Does: "label l"},
		{ID: "a", List: "also", Line: 6, Needs: "findings", Late: true, Does: "flag signature_failed"},
	}
	if got := s.Rules(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v", got)
	}
}

func TestSetsOfRangesAreCoveredWhole(t *testing.T) {
	for _, tt := range []struct {
		r     [2]int64
		holes [][2]int64
		want  bool
	}{
		{[2]int64{0, 10}, [][2]int64{{0, 10}}, true},
		{[2]int64{0, 10}, [][2]int64{{6, 20}, {-5, 5}}, true},
		{[2]int64{0, 10}, [][2]int64{{0, 4}, {6, 10}}, false},
		{[2]int64{0, 10}, nil, false},
		{[2]int64{3, 3}, [][2]int64{{3, 3}}, true},
	} {
		if got := covered(tt.r, slices.Clone(tt.holes)); got != tt.want {
			t.Errorf("%v by %v: %v", tt.r, tt.holes, got)
		}
	}
}
