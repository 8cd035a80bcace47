package parse

import (
	"bytes"
	"strings"

	"kancelaria/gateway/parse/charset"
	"kancelaria/gateway/parse/tree"
	"kancelaria/registry"
)

const (
	maxList    = 1000     // addresses and Message-IDs of one field
	maxHeaders = 64 << 10 // bytes of Headers.All
	maxValue   = 8 << 10
)

// headers reads the fields of the letter into the document.
func (run *reading) headers(n *tree.Node) {
	doc := &run.doc
	for i := range n.Fields {
		f := &n.Fields[i]
		switch f.Name {
		case "subject":
			if doc.Subject == "" {
				doc.Subject = cut(oneLine(run.set.Header(f.Value)), maxValue)
			}
		case "from":
			doc.From = run.addresses(doc.From, f.Value)
		case "reply-to":
			doc.ReplyTo = run.addresses(doc.ReplyTo, f.Value)
		case "to":
			doc.To = run.addresses(doc.To, f.Value)
		case "cc":
			doc.Cc = run.addresses(doc.Cc, f.Value)
		case "date":
			run.date(f.Value)
		case "message-id":
			run.messageID(f.Value)
		case "in-reply-to":
			doc.InReplyTo = messageIDs(doc.InReplyTo, f.Value)
		case "references":
			doc.References = messageIDs(doc.References, f.Value)
		default:
			run.other(f)
		}
	}
	run.sender(n)
	doc.Headers.ContentType = charset.Clean(n.Type)
	if n.Type == "multipart/report" {
		doc.Headers.ReportType = strings.ToLower(charset.Clean(cut(string(n.Param("report-type")), 100)))
	}
}

// sender finds somebody to stand for the author when From says nobody.
func (run *reading) sender(n *tree.Node) {
	if len(run.doc.From) > 0 {
		return
	}
	for _, name := range []string{"sender", "resent-from", "apparently-from"} {
		if v := n.Get(name); len(bytes.TrimSpace(v)) > 0 {
			if run.doc.From = run.addresses(nil, v); len(run.doc.From) > 0 {
				break
			}
		}
	}
	run.flaw(flawNoFrom, "", "")
}

func (run *reading) date(value []byte) {
	if run.doc.RawDate != "" {
		return
	}
	run.doc.RawDate = cut(oneLine(run.set.Header(value)), 200)
	if t, ok := parseDate(run.doc.RawDate); ok {
		run.doc.Date = t
	} else {
		run.flaw(flawDate, "", "")
	}
}

func (run *reading) messageID(value []byte) {
	if run.doc.MessageID != "" {
		return
	}
	ids := messageIDs(nil, value)
	if len(ids) == 0 {
		if s := cut(strings.Join(strings.Fields(charset.Clean(string(value))), ""), 500); s != "" {
			run.doc.MessageID = s
			run.flaw(flawMessageID, "", "")
		}
		return
	}
	run.doc.MessageID = ids[0]
}

// other reads the fields that the house acts on, and keeps the rest for rules.
func (run *reading) other(f *tree.Field) {
	h := &run.doc.Headers
	text := func() string { return cut(oneLine(run.set.Header(f.Value)), maxValue) }
	switch f.Name {
	case "auto-submitted":
		h.AutoSubmitted = strings.ToLower(text())
	case "precedence":
		h.Precedence = strings.ToLower(text())
	case "list-id":
		h.ListID = orElse(text(), "?")
	case "list-unsubscribe", "list-unsubscribe-post":
		h.ListUnsubscribe = true
	case "x-auto-response-suppress":
		h.AutoSuppress = text()
	case "return-path":
		if h.ReturnPath == "" {
			h.ReturnPath = strings.Trim(text(), "<> ")
		}
	case "disposition-notification-to", "return-receipt-to", "x-confirm-reading-to":
		h.DispositionTo = orElse(h.DispositionTo, text())
		run.flag(registry.FlagMDNRequested)
	case "received":
		h.Received++
		if len(h.ReceivedTop) < 5 {
			h.ReceivedTop = append(h.ReceivedTop, text())
		}
		return
	case "authentication-results":
		if len(h.AuthResults) < 20 {
			h.AuthResults = append(h.AuthResults, text())
		}
		return
	case "dkim-signature":
		h.Signed = true
	case "arc-seal":
		if len(h.ARCSeals) < 5 {
			h.ARCSeals = append(h.ARCSeals, text())
		}
		return
	default:
		run.spam(f.Name, text)
	}
	run.keep(f, text)
}

// spam reads what a relay before us thinks of the letter.
func (run *reading) spam(name string, text func() string) {
	h := &run.doc.Headers
	switch name {
	case "x-spam-flag", "x-spam", "x-spam-status":
		v := strings.ToLower(text())
		if strings.HasPrefix(v, "yes") || strings.HasPrefix(v, "true") {
			h.SpamFlag = true
		}
		if _, score, ok := strings.Cut(v, "score="); ok {
			h.SpamScore, _, _ = strings.Cut(score, " ")
		}
	case "x-spam-score", "x-rspamd-score":
		h.SpamScore = text()
	}
	if strings.HasPrefix(name, "x-kancelaria-") {
		h.KancelariaLoop = true
	}
}

// keep stores a field for rules, within bounds.
func (run *reading) keep(f *tree.Field, text func() string) {
	h := &run.doc.Headers
	if h.All == nil {
		h.All = map[string][]string{}
	}
	if run.headerBytes > maxHeaders || len(f.Name) > 100 {
		return
	}
	v := text()
	run.headerBytes += len(f.Name) + len(v)
	h.All[f.Name] = append(h.All[f.Name], v)
}

// oneLine joins what stands on several lines.
func oneLine(s string) string {
	if strings.ContainsAny(s, "\r\n\t") {
		return strings.TrimSpace(strings.NewReplacer("\r\n", " ", "\n", " ", "\r", " ", "\t", " ").Replace(s))
	}
	return s
}

// cut shortens s to n bytes at a rune's border.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && s[n]&0xc0 == 0x80 {
		n--
	}
	return s[:n]
}
