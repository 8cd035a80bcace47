package rules

import (
	"slices"
	"strings"
	"time"

	"kancelaria/registry"
)

// testDay is when the letters of tests arrive unless they say otherwise: a
// Monday morning, so that tests give the same result on every day.
const testDay = "2026-11-23 09:00"

// readTest reads one entry of "tests".
func (r *setReader) readTest(n *node) {
	m := r.mapping(n, "the test", "name", "mail", "eml", "facts", "expect")
	t := test{name: r.str(m["name"], "name"), at: n, eml: r.str(m["eml"], "eml")}
	if m["name"] == nil {
		r.errorf(n, "E103", "add name: what it shows", "a test has no name")
	}
	if (m["mail"] == nil) == (m["eml"] == nil) {
		r.errorf(n, "E103", "write mail: {…} or eml: FILE.eml", "a test needs one letter")
		return
	}
	if strings.Contains(t.eml, "..") || strings.HasPrefix(t.eml, "/") {
		r.errorf(m["eml"], "E103", "put the letter beside the rules file", "a letter cannot lie outside the folder of the rules")
	}
	if m["mail"] != nil {
		r.readMail(&t, m["mail"])
	}
	t.facts.Now = t.item.AcceptedAt
	if m["facts"] != nil {
		r.readFacts(&t, m["facts"])
	}
	if m["expect"] == nil {
		r.errorf(n, "E103", "add expect: {class: …}", "the test expects nothing")
		return
	}
	r.readExpect(&t, m["expect"])
	r.set.tests = append(r.set.tests, t)
}

// readMail makes an item and a document as the doors and the reader would.
func (r *setReader) readMail(t *test, n *node) {
	m := r.mapping(n, "mail", "at", "door", "source", "folder", "file", "register", "from", "mail_from", "to", "subject", "text",
		"language", "headers", "attachments", "flags", "auth", "malware", "spam", "report", "signatures", "size")
	it, doc := &t.item, &t.doc
	it.AcceptedAt = r.instant(orNodeText(m["at"], testDay, n))
	it.Door = registry.Door(orElse(r.oneOf(m["door"], "door", fields[fDoor].enum...), "smtp"))
	it.Source = r.str(m["source"], "source")
	if m["folder"] != nil || m["file"] != nil {
		it.File = &registry.File{Path: strings.TrimPrefix(r.str(m["folder"], "folder")+"/"+orElse(r.str(m["file"], "file"), "skan.pdf"), "/")}
	}
	for _, to := range r.strs(m["to"], "to") {
		it.Recipients = append(it.Recipients, strings.ToLower(to))
		doc.To = append(doc.To, registry.Address{Email: to})
	}
	it.Register = r.optionalRegister(m["register"], it.Recipients)
	if from := r.str(m["from"], "from"); from != "" {
		doc.From = []registry.Address{addressOf(from)}
	}
	if it.Door.IsMail() {
		it.Envelope = &registry.Envelope{MailFrom: doc.Sender().Email, Recipients: it.Recipients}
		if m["mail_from"] != nil {
			it.Envelope.MailFrom = strings.Trim(m["mail_from"].text, "<>")
		}
	}
	if m["subject"] != nil && m["subject"].text != "" {
		doc.Subject = r.str(m["subject"], "subject")
	}
	if m["text"] != nil {
		doc.Own = m["text"].text
		doc.Text = doc.Own
	}
	doc.Language = r.str(m["language"], "language")
	doc.Flags = r.flags(m["flags"])
	doc.Malware.State = r.oneOf(m["malware"], "malware", fields[fMalware].enum...)
	r.readHeaders(doc, m)
	r.readAttachments(doc, m["attachments"])
	r.readAuth(doc, m["auth"])
	r.readSignatures(doc, m["signatures"])
}

func orNodeText(n *node, text string, at *node) *node {
	if n != nil {
		return n
	}
	return &node{kind: scalarNode, text: text, line: at.line, col: at.col}
}

// instant reads local time: 2026-11-23 09:41 or with seconds.
func (r *setReader) instant(n *node) time.Time {
	t := r.str(n, "at")
	for _, layout := range []string{"2006-01-02 15:04", "2006-01-02 15:04:05", time.RFC3339} {
		if at, err := time.ParseInLocation(layout, t, r.set.office.Zone); err == nil {
			return at
		}
	}
	r.errorf(n, "E103", "write 2026-11-23 09:41", "a time cannot be %s", n.what())
	return time.Time{}
}

// optionalRegister is the register said, or that of the mailbox.
func (r *setReader) optionalRegister(n *node, to []string) string {
	if n != nil {
		return r.named(n, refRegister, keys(r.set.office.Registers))
	}
	for _, t := range to {
		if m, ok := r.set.office.Mailbox(t); ok {
			return m.Register
		}
	}
	return "RPW"
}

// addressOf splits "Name <address>".
func addressOf(s string) registry.Address {
	name, rest, ok := strings.Cut(s, "<")
	if !ok {
		return registry.Address{Email: strings.TrimSpace(s)}
	}
	return registry.Address{Name: strings.TrimSpace(name), Email: strings.TrimSuffix(strings.TrimSpace(rest), ">")}
}

func (r *setReader) flags(n *node) []registry.Flag {
	var out []registry.Flag
	for _, f := range r.allNamed(n, refFlag, flagNames()) {
		out = append(out, registry.Flag(f))
	}
	return out
}

func (r *setReader) readHeaders(doc *registry.Document, m map[string]*node) {
	h := &doc.Headers
	h.SpamFlag = r.boolean(m["spam"], "spam", false)
	if m["report"] != nil {
		h.ContentType, h.ReportType = "multipart/report", strings.ToLower(r.str(m["report"], "report"))
	}
	if m["headers"] == nil {
		return
	}
	h.All = map[string][]string{}
	for _, p := range r.pairs(m["headers"], "headers") {
		name, value := strings.ToLower(p.key), r.str(p.value, p.key)
		h.All[name] = append(h.All[name], value)
		switch name {
		case "auto-submitted":
			h.AutoSubmitted = strings.ToLower(value)
		case "precedence":
			h.Precedence = strings.ToLower(value)
		case "list-id":
			h.ListID = value
		case "list-unsubscribe":
			h.ListUnsubscribe = true
		case "x-auto-response-suppress":
			h.AutoSuppress = value
		case "disposition-notification-to":
			h.DispositionTo = value
		case "x-kancelaria-loop":
			h.KancelariaLoop = true
		}
	}
}

func (r *setReader) readAttachments(doc *registry.Document, n *node) {
	for _, i := range r.items(n, "attachments") {
		if i.kind == scalarNode {
			i = &node{kind: mapNode, line: i.line, col: i.col, pairs: []pair{{key: "name", value: i, line: i.line, col: i.col}}}
		}
		m := r.mapping(i, "the attachment", "name", "type", "declared", "size", "flags", "role")
		a := registry.Attachment{
			Name: r.str(m["name"], "name"), MediaType: orElse(r.str(m["type"], "type"), "application/octet-stream"),
			Size: r.size(m["size"], "size"), Flags: r.flags(m["flags"]), Role: registry.RoleAttachment,
		}
		a.DeclaredType = orElse(r.str(m["declared"], "declared"), a.MediaType)
		if m["role"] != nil {
			a.Role = registry.Role(r.oneOf(m["role"], "role", "body", "attachment", "embedded", "container", "evidence"))
		}
		doc.Attachments = append(doc.Attachments, a)
	}
}

// readAuth takes a verdict, or what each check said.
func (r *setReader) readAuth(doc *registry.Document, n *node) {
	doc.Auth = registry.Authentication{SPF: "none", DKIM: "none", DMARC: "none", Verdict: registry.Unchecked}
	if n == nil {
		return
	}
	if n.kind == scalarNode {
		doc.Auth.Verdict = registry.AuthVerdict(r.oneOf(n, "auth", fields[fAuth].enum...))
		return
	}
	m := r.mapping(n, "auth", "spf", "dkim", "dmarc", "verdict")
	for key, to := range map[string]*string{"spf": &doc.Auth.SPF, "dkim": &doc.Auth.DKIM, "dmarc": &doc.Auth.DMARC} {
		if m[key] != nil {
			*to = r.oneOf(m[key], key, checkResults...)
		}
	}
	if m["verdict"] != nil {
		doc.Auth.Verdict = registry.AuthVerdict(r.oneOf(m["verdict"], "verdict", fields[fAuth].enum...))
	}
}

func (r *setReader) readSignatures(doc *registry.Document, n *node) {
	for _, i := range r.items(n, "signatures") {
		m := r.mapping(i, "the signature", "format", "verdict", "reason", "level", "covers", "email")
		s := registry.SignatureReport{
			Format: r.str(m["format"], "format"), Verdict: strings.ToUpper(r.str(m["verdict"], "verdict")), Reason: r.str(m["reason"], "reason"),
			Level: r.str(m["level"], "level"), Covers: r.oneOf(m["covers"], "covers", fields[fSignatureCovers].enum...),
			Signer: registry.Signer{Email: r.str(m["email"], "email")},
		}
		doc.Signatures = append(doc.Signatures, s)
	}
}

func (r *setReader) readFacts(t *test, n *node) {
	o := r.set.office
	m := r.mapping(n, "facts", "now", "away", "sticky_clerk", "thread", "cases")
	if m["now"] != nil {
		t.facts.Now = r.instant(m["now"])
	}
	t.facts.Away = r.allNamed(m["away"], refClerk, keys(o.Clerks))
	if m["sticky_clerk"] != nil {
		t.facts.StickyClerk = r.named(m["sticky_clerk"], refClerk, keys(o.Clerks))
	}
	if n := m["thread"]; n != nil {
		f := r.mapping(n, "thread", "entry", "folder", "case", "open", "clerk", "department", "class", "certain", "how")
		t.facts.Thread = &registry.Thread{
			Entry: r.str(f["entry"], "entry"), Folder: r.str(f["folder"], "folder"), Case: r.str(f["case"], "case"), Open: r.boolean(f["open"], "open", true),
			Clerk: r.str(f["clerk"], "clerk"), Department: r.str(f["department"], "department"), Class: r.str(f["class"], "class"),
			Certain: r.boolean(f["certain"], "certain", true), How: orElse(r.oneOf(f["how"], "how", fields[fThreadHow].enum...), "token"),
		}
	}
	for _, i := range r.items(m["cases"], "cases") {
		f := r.mapping(i, "the case", "mark", "foreign", "exists", "open", "folder", "clerk", "department", "class", "sender_known")
		foreign := r.boolean(f["foreign"], "foreign", false)
		t.facts.Cases = append(t.facts.Cases, registry.CaseRef{
			Mark: r.str(f["mark"], "mark"), Foreign: foreign, Exists: r.boolean(f["exists"], "exists", !foreign), Open: r.boolean(f["open"], "open", !foreign),
			Folder: r.str(f["folder"], "folder"), Clerk: r.str(f["clerk"], "clerk"), Department: r.str(f["department"], "department"),
			Class: r.str(f["class"], "class"), SenderKnown: r.boolean(f["sender_known"], "sender_known", !foreign),
		})
	}
}

// readExpect checks names too: a test that expects a clerk who is not there
// would fail for the wrong reason.
func (r *setReader) readExpect(t *test, n *node) {
	o := r.set.office
	known := append(slices.Clone(expectOne), expectList...)
	for _, p := range r.pairs(n, "expect") {
		e := expectation{key: p.key, at: &node{line: p.line, col: p.col}}
		base := strings.TrimPrefix(p.key, "not_")
		switch {
		case !slices.Contains(known, p.key):
			r.errorAt(p.line, p.col, "E103", "unknown key \""+clip(p.key, 40)+"\" in expect", DidYouMean(p.key, known))
			continue
		case p.value.kind == scalarNode && p.value.text == "none" && !p.value.quoted && slices.Contains(expectOne, p.key) && p.key != "case" && p.key != "receipt":
		case base == "clerk" || base == "clerks" || base == "notify" || base == "readers" || base == "hide_from" || base == "approval":
			e.want = r.allNamed(p.value, refClerk, keys(o.Clerks))
		case base == "department":
			e.want = r.allNamed(p.value, refDepartment, keys(o.Departments))
		case base == "class":
			e.want = r.allNamed(p.value, refClass, keys(o.Classes))
		case base == "flags":
			e.want = r.allNamed(p.value, refFlag, flagNames())
		case base == "rules":
			e.want = r.ruleNames(p.value)
		default:
			e.want = r.strs(p.value, p.key)
		}
		t.expect = append(t.expect, e)
	}
	if len(n.pairs) == 0 {
		r.errorf(n, "E103", "add expect: {class: …}", "the test expects nothing")
	}
}

func (r *setReader) ruleNames(n *node) []string {
	var out []string
	for _, i := range r.oneOrMore(n, "rules") {
		id := r.str(i, "a rule")
		if _, ok := r.ids[id]; !ok && id != "" {
			r.errorf(i, "E102", DidYouMean(id, keys(r.ids)), "no rule %q", clip(id, 40))
			continue
		}
		out = append(out, id)
	}
	return out
}
