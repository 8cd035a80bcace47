package rules

import (
	"strings"
	"testing"
)

func TestRulesFileSaysWhatIsWrongAndWhere(t *testing.T) {
	head := "version: 1\nfallback: {department: OR, queue: PK}\n"
	for _, tt := range []struct{ name, file, want string }{
		{
			"the example of the style guide",
			"version: 1\nfallback: {department: OR, queue: PK}\nassign:\n  - {id: trees, when: {class: \"6131\"}, do: {to: clerk:0s1}}",
			`rules.yaml:4:49: no clerk "0s1"; did you mean "os1"?`,
		},
		{"no version", "fallback: {department: OR}", `version is missing; add version: 1`},
		{"another version", "version: 2\nfallback: {department: OR}", `version must be a whole number from 1 to 1, not "2"`},
		{"no fallback", "version: 1", `there is no fallback: a letter that no rule assigns would lie with nobody`},
		{"a fallback to nowhere", "version: 1\nfallback: {department: XX}", `no department "XX"`},
		{"an unknown queue", "version: 1\nfallback: {department: OR, queue: KP}", `no queue "KP"; did you mean "PK"?`},
		{"an unknown list of rules", head + "guard: []", `unknown key "guard" in rules.yaml`},
		{"an unknown field", head + "classify: [{id: a, when: {subject_or_tekst: x}, do: {label: a}}]", `rules.yaml:3:27: unknown field "subject_or_tekst"; did you mean "subject_or_text"?`},
		{"an unknown matcher", head + "classify: [{id: a, when: {subject: {wrods: x}}, do: {label: a}}]", `unknown matcher "wrods" for "subject"; did you mean "words"?`},
		{"words of what has none", head + "classify: [{id: a, when: {sender.domain: {words: x}}, do: {label: a}}]", `unknown matcher "words" for "sender.domain"`},
		{"an unknown action", head + "classify: [{id: a, do: {klasa: \"6131\"}}]", `unknown action "klasa"`},
		{"an unknown class", head + "classify: [{id: a, do: {class: \"6132\"}}]", `no class "6132"; did you mean "6131"?`},
		{"an unknown flag", head + "classify: [{id: a, do: {flag: urgnet}}]", `no flag "urgnet"; did you mean "urgent"?`},
		{"an unknown list of words", head + "lists: {drzewa: [x]}\nclassify: [{id: a, when: {subject: {words: \"@drzew\"}}, do: {label: a}}]", `no list "drzew"; did you mean "drzewa"?`},
		{"an unknown label", head + "classify: [{id: a, do: {label: skarga}}]\nassign: [{id: b, when: {label: skraga}, do: {to: \"clerk:os1\"}}]", `no rule sets the label "skraga"; did you mean "skarga"?`},
		{"an unknown value", head + "classify: [{id: a, when: {auth.spf: passed}, do: {label: a}}]", `auth.spf cannot be "passed"; did you mean "pass"?`},
		{"an unknown institution", head + "classify: [{id: a, when: {sender.institution: nik}, do: {label: a}}]", `no institution "nik"`},
		{"a prefix of no class", head + "classify: [{id: a, when: {case_ref.class: \"9*\"}, do: {label: a}}]", `no class begins with "9"`},
		{"text in screen", head + "screen: [{id: a, when: {text: {words: x}}, do: {admit: true}}]", `rules.yaml:3:25: "text" is not known yet in "screen" (needs reading); move the rule to "classify"`},
		{"trust in classify", head + "classify: [{id: a, when: {signature.verdict: total-passed}, do: {label: a}}]", `"signature.verdict" is not known yet in "classify" (needs findings); move the rule to "also"`},
		{"a class in assign", head + "assign: [{id: a, do: {class: \"6131\"}}]", `"class" cannot stand in "assign"; move the rule to "classify"`},
		{"quarantine in classify", head + "classify: [{id: a, do: {quarantine: spam}}]", `"quarantine" cannot stand in "classify"; move the rule to "screen"`},
		{"a rule that refuses", head + "screen: [{id: a, do: {reject: true}}]", `unknown action "reject"`},
		{"two verdicts", head + "screen: [{id: a, do: {admit: true, beside: ad}}]", `a rule of screen needs one verdict`},
		{"nobody to assign to", head + "assign: [{id: a, do: {balance: least_open}}]", `a rule of assign needs one of to and table`},
		{"a bare login", head + "assign: [{id: a, do: {to: os1}}]", `to cannot be "os1"; write clerk:os1`},
		{"a bare department", head + "assign: [{id: a, do: {to: OS}}]", `to cannot be "OS"; write department:OS`},
		{"a rule without id", head + "classify: [{do: {label: a}}]", `a rule of "classify" has no id`},
		{"two rules of one name", head + "classify:\n- {id: a, do: {label: a}}\n- {id: a, do: {label: b}}", `rules.yaml:5:8: rule "a" is there already, in line 4`},
		{"a rule that does nothing", head + "classify: [{id: a, do: {}}]", `the rule does nothing`},
		{"a condition without keys", head + "classify: [{id: a, when: {}, do: {label: a}}]", `the condition is empty; leave out when to match always`},
		{"an empty any_of", head + "classify: [{id: a, when: {any_of: []}, do: {label: a}}]", `any_of is empty`},
		{"an empty list of values", head + "classify: [{id: a, when: {subject: {words: []}}, do: {label: a}}]", `the list is empty: the condition can never be met`},
		{"an empty list of words", head + "lists: {a: []}", `list "a" is empty`},
		{"a star inside", head + "classify: [{id: a, when: {subject: {words: \"a*b\"}}, do: {label: a}}]", `"a*b" is not a pattern of words`},
		{"a wrong expression", head + "classify: [{id: a, when: {subject: {re: \"(\"}}, do: {label: a}}]", `the expression is wrong: missing closing )`},
		{"an expression for another engine", head + "classify: [{id: a, when: {subject: {re: '(?=x)'}}, do: {label: a}}]", `the expression is wrong: invalid or unsupported Perl syntax`},
		{"an expression that explodes elsewhere", head + "classify: [{id: a, when: {subject: {re: '((a{1,100}){1,100}){1,100}'}}, do: {label: a}}]", `the expression is wrong: invalid repeat count`},
		{"a range upside down", head + "classify: [{id: a, when: {attachment.count: {min: 3, max: 1}}, do: {label: a}}]", `min is more than max`},
		{"a size in words", head + "classify: [{id: a, when: {attachment.size: duży}, do: {label: a}}]", `attachment.size cannot be "duży"`},
		{"a truth in words", head + "classify: [{id: a, when: {spam: tak}, do: {label: a}}]", `spam is true, false, set or unset, not "tak"`},
		{"a deadline of no catalogue", head + "classify: [{id: a, do: {deadline: 14d}}]", `no deadline "14d"`},
		{"a deadline without basis", head + "classify: [{id: a, do: {deadline: {length: 14 days}}}]", `a deadline needs length and basis`},
		{"conditions ten deep", head + "classify: [{id: a, when: " + strings.Repeat("{not: ", 10) + "{spam: true}" + strings.Repeat("}", 10) + ", do: {label: a}}]", `conditions are nested deeper than 8`},
		{"a test with an unknown key", head + "tests: [{name: a, mail: {tu: x}, expect: {class: none}}]", `unknown key "tu" in mail; did you mean "to"?`},
		{"a test with an unknown rule", head + "tests: [{name: a, mail: {to: x}, expect: {rules: b}}]", `no rule "b"`},
		{"a test that expects nothing", head + "tests: [{name: a, mail: {to: x}}]", `the test expects nothing`},
		{"a letter outside the folder", head + "tests: [{name: a, eml: ../../etc/passwd, expect: {class: none}}]", `a letter cannot lie outside the folder of the rules`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			set, list := Load("rules.yaml", []byte(tt.file), smallOffice(t))
			if set != nil {
				t.Fatal("the file was taken")
			}
			if got := complaintsOf(list); !strings.Contains(got, tt.want) {
				t.Errorf("got:\n%s\nwant: %s", got, tt.want)
			}
		})
	}
}

func TestSampleIsCleanAndTested(t *testing.T) {
	s := sample(t)
	for _, c := range s.Lint() {
		t.Errorf("lint: %s", c)
	}
	for _, r := range s.Test() {
		if !r.Passed() {
			t.Error(r)
		}
	}
}

func TestEachMatcherMatchesWhatItSays(t *testing.T) {
	for _, tt := range []struct {
		name, when string
		want       bool
	}{
		{"a word of the subject", `{subject: {words: "wniosek"}}`, true},
		{"a word that is not there", `{subject: {words: "skarg*"}}`, false},
		{"the whole subject, folded", `{subject: "WNIOSEK O WYCINKE drzew"}`, true},
		{"the beginning of the subject", `{subject: "wniosek*"}`, true},
		{"an expression on the subject", `{subject: {re: "drz[eę]w"}}`, true},
		{"two keys are both needed", `{subject: {words: wniosek}, sender.domain: other.example}`, false},
		{"a list is any", `{sender.domain: [a.example, resident.example]}`, true},
		{"none_of", `{sender.domain: {none_of: [a.example]}}`, true},
		{"none_of with the value", `{sender.domain: {none_of: [resident.example]}}`, false},
		{"none_of holds where there is no value", `{sender.institution: {none_of: [sad]}}`, true},
		{"the domains below one", `{sender.domain: "*.example"}`, true},
		{"a domain is not below itself", `{sender.domain: "*.resident.example"}`, false},
		{"set", `{sender.email: set}`, true},
		{"unset", `{sender.institution: unset}`, true},
		{"the quoted word set is a value", `{sender.name: "set"}`, false},
		{"case of addresses does not count", `{sender.email: JAN@Resident.example}`, true},
		{"one of several attachments", `{attachment.ext: pdf}`, true},
		{"what an archive holds counts", `{attachment.name: {words: ukryty}}`, true},
		{"a body is no attachment", `{attachment.type: text/plain}`, false},
		{"a number", `{attachment.count: 2}`, true},
		{"at least", `{attachment.count: ">= 3"}`, false},
		{"a range", `{attachment.count: {min: 1, max: 2}}`, true},
		{"a size", `{attachment.size: "> 1MB"}`, true},
		{"a size that none has", `{attachment.size: "> 5MB"}`, false},
		{"a flag of a part", `{attachment.flag: macros}`, true},
		{"a flag of the letter", `{flag: tnef}`, true},
		{"the day of arrival", `{received: ">= 2026-11-23"}`, true},
		{"a later day", `{received: "> 2026-11-23"}`, false},
		{"the weekday", `{weekday: [mon, tue]}`, true},
		{"office hours", `{office_hours: true}`, true},
		{"no holiday", `{holiday: false}`, true},
		{"a header", `{header.x-mailer: "Thunderbird*"}`, true},
		{"a header that is not there", `{header.x-spam: unset}`, true},
		{"a hint of the file name", `{hint.device: SKM*}`, true},
		{"a hint that is not there", `{hint.time: set}`, false},
		{"the kind of mailbox", `{mailbox.kind: official}`, true},
		{"the local part", `{to.local: urzad}`, true},
		{"the text", `{text: {words: "proszę"}}`, true},
		{"quoted text is not looked at", `{text: {words: cytat}}`, false},
		{"subject or text", `{subject_or_text: {words: prosz*}}`, true},
		{"anywhere is also names of attachments", `{anywhere: {words: wyrys}}`, true},
		{"not", `{not: {spam: true}}`, true},
		{"any_of", `{any_of: [{spam: true}, {door: smtp}]}`, true},
		{"all_of", `{all_of: [{spam: true}, {door: smtp}]}`, false},
		{"not of several is not all", `{not: {spam: false, door: lmtp}}`, true},
		{"none of a union means none of its fields", `{subject_or_text: {none_of: ["wniosek*"]}}`, false},
		{"unset of a union", `{subject_or_text: unset}`, false},
		{"authentication", `{auth.verdict: confirmed, auth.dkim: pass}`, true},
		{"signatures", `{signature.count: 1, signature.format: pades, signature.covers: whole}`, true},
		{"language", `{language: pl}`, true},
		{"malware", `{malware: clean}`, true},
		{"an open case of a known sender", `{case_ref.open: true, case_ref.sender_known: true, case_ref.class: "6131"}`, true},
		{"a mark", `{case_ref: os.6131.25.2026}`, true},
		{"no thread is no uncertain thread", `{thread.certain: false}`, false},
		{"no thread", `{thread: unset}`, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := rulesFor(t, "classify: [{id: a, when: "+tt.when+", do: {label: hit}}]")
			it, doc, facts := richLetter()
			d := s.Decide(it, doc, facts)
			if got := len(d.Labels) == 1; got != tt.want {
				t.Errorf("%s: matched %v, want %v\n%s", tt.when, got, tt.want, Explain(d, s))
			}
		})
	}
}
