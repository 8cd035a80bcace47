package main

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"kancelaria/gateway/api"
	"kancelaria/registry"
)

type showCmd struct {
	What string `arg:"" name:"number" help:"A register number, an item id, a folder or a case number."`
}

// caseNumber tells a case number from a register number: dots.
var caseNumber = regexp.MustCompile(`^[\pL\d-]+(\.[\pL\d-]+){3,}$`)

func (c *showCmd) Run(e *env) error {
	switch {
	case strings.HasPrefix(c.What, "K-"), caseNumber.MatchString(c.What):
		return ask(e, "folders/"+url.PathEscape(c.What), nil, func(f api.Folder) error { return showFolder(e.stdout, f) })
	}
	err := ask(e, "entries/"+escaped(c.What), nil, func(v api.Entry) error { return showEntry(e.stdout, v, e.texts()) })
	if _, notID := registry.ParseItemID(c.What); notID == nil && errors.Is(err, registry.ErrNotFound) {
		return ask(e, "items/"+c.What, nil, func(i api.Item) error { return showItem(e.stdout, i) })
	}
	return err
}

// escaped lets RPW/12/2026 stand in a path.
func escaped(number string) string {
	if n, err := registry.ParseNumber(number); err == nil {
		return n.String()
	}
	return url.PathEscape(number)
}

// texts are those of the office's language.
func (e *env) texts() *registry.Texts {
	cfg, err := e.config()
	if err != nil {
		return registry.Catalogue("en")
	}
	return registry.Catalogue(cfg.Language)
}

type rows struct {
	w   io.Writer
	err error
}

func (r *rows) row(name, value string) {
	if value != "" && r.err == nil {
		_, r.err = fmt.Fprintf(r.w, "%-14s %s\n", name, value)
	}
}

func showEntry(w io.Writer, v api.Entry, texts *registry.Texts) error {
	r := &rows{w: w}
	r.row("number", v.Number)
	r.row("status", string(v.Status))
	r.row("title", cell(v.Title, 200))
	r.row("sender", cell(strings.TrimSpace(v.Sender.Name+" "+angle(v.Sender.Email)), 200))
	r.row("authentication", string(v.Authentication.Verdict))
	r.row("received", v.ReceivedAt+" by "+string(v.Door))
	r.row("registered", v.RegisteredAt)
	r.row("recipients", strings.Join(v.Recipients, ", "))
	r.row("case", v.Case+" ("+v.CaseState+")")
	r.row("suggestion", v.CaseSuggestion)
	r.row("duplicate of", v.DuplicateOf)
	r.row("class", v.Class)
	r.row("department", v.Department)
	r.row("clerk", v.Clerk)
	if d := v.Decision.Deadline; d.Due != "" {
		r.row("due", fmt.Sprintf("%s (%s, carefully %s; %s)", v.Due, d.Code, d.Raw, d.Basis))
	} else {
		r.row("due", v.Due)
	}
	r.row("flags", flags(v))
	for _, b := range v.Decision.Because {
		r.row("because", cell(b, 300))
	}
	r.row("receipt", receipt(v.Receipt, texts))
	for _, n := range v.Notices {
		r.row(n.Kind, strings.TrimSpace(fmt.Sprintf("%s to %s %s %s", n.State, n.Recipient, n.At, cell(n.Answer, 120))))
	}
	r.row("original", fmt.Sprintf("%s, %d bytes, %s", v.Original.SHA256, v.Original.Size, v.Original.MediaType))
	for _, a := range v.Attachments {
		r.row("part "+a.Path, fmt.Sprintf("%s %s, %d bytes, %s", a.Role, cell(a.Name, 100), a.Size, a.MediaType))
	}
	for _, s := range v.Signatures {
		r.row("signature", signatureRow(s))
	}
	for _, f := range v.Flaws {
		r.row("flaw", strings.TrimSpace(f.Code+" "+f.Path+" "+cell(f.Note, 200)))
	}
	for _, ev := range v.Events {
		r.row("event", strings.TrimSpace(fmt.Sprintf("%s %s by %s %s", ev.At, ev.Kind, who(ev), cell(ev.Reason, 200))))
	}
	return r.err
}

func who(ev api.Event) string {
	if ev.OnBehalfOf != "" {
		return ev.Actor + " for " + ev.OnBehalfOf
	}
	return ev.Actor
}

func receipt(r api.Receipt, texts *registry.Texts) string {
	switch {
	case r.SentAt != "":
		return "sent " + r.SentAt
	case r.ReasonNotSent != "":
		return "none: " + texts.Say("receipt.not."+r.ReasonNotSent)
	default:
		return "waits to be sent"
	}
}

func angle(s string) string {
	if s == "" {
		return ""
	}
	return "<" + s + ">"
}

func showFolder(w io.Writer, f api.Folder) error {
	r := &rows{w: w}
	r.row("folder", f.Folder)
	r.row("case", f.Case)
	r.row("state", f.State)
	r.row("title", cell(f.Title, 200))
	r.row("class", f.Class)
	r.row("department", f.Department)
	r.row("clerk", f.Clerk)
	r.row("opened", f.OpenedAt)
	r.row("case since", f.CaseAt)
	r.row("closed", f.ClosedAt)
	r.row("joined into", f.JoinedInto)
	r.row("moved to", f.MovedTo)
	r.row("moved from", f.MovedFrom)
	for _, n := range f.Entries {
		r.row("entry", n)
	}
	return r.err
}

func showItem(w io.Writer, i api.Item) error {
	r := &rows{w: w}
	r.row("item", i.ItemID)
	r.row("became", strings.TrimSpace(string(i.Disposition)+" "+i.Reason))
	r.row("number", i.Number)
	r.row("accepted", i.AcceptedAt+" by "+string(i.Door))
	r.row("sender", cell(strings.TrimSpace(i.Sender.Name+" "+angle(i.Sender.Email)), 200))
	r.row("subject", cell(i.Subject, 200))
	r.row("answers", i.Answers)
	for _, b := range i.Because {
		r.row("because", cell(b, 300))
	}
	return r.err
}

type originalCmd struct {
	Number string `arg:"" help:"A register number."`
	Output string `short:"o" placeholder:"FILE" help:"Write to a file, which must not exist; else to the output."`
	Scan   int    `placeholder:"N" help:"The N-th later scan that was attached, instead of the original."`
	unlocking
}

// unlocking is what opening a locked file takes.
type unlocking struct {
	Reason string `placeholder:"TEXT" help:"Why you open what malware keeps locked; recorded in the book."`
	By     string `placeholder:"CLERK" help:"The clerk who opens it. Default: whose login in office.yaml you are."`
}

func (u unlocking) query() url.Values {
	q := url.Values{}
	if u.Reason != "" {
		q.Set("reason", u.Reason)
		q.Set("by", u.By)
	}
	return q
}

func (c *originalCmd) Run(e *env) error {
	q := c.query()
	if c.Scan != 0 {
		q.Set("scan", strconv.Itoa(c.Scan))
	}
	return download(e, "entries/"+escaped(c.Number)+"/original", q, c.Output)
}

type attachmentCmd struct {
	Number string `arg:"" help:"A register number."`
	Path   string `arg:"" help:"The part's path, as show lists it: 1.2 or 2!a.zip!b.pdf."`
	Output string `short:"o" placeholder:"FILE" help:"Write to a file, which must not exist; else to the output."`
	unlocking
}

func (c *attachmentCmd) Run(e *env) error {
	q := c.query()
	q.Set("path", c.Path)
	return download(e, "entries/"+escaped(c.Number)+"/attachment", q, c.Output)
}

// download writes an answer to a file or the output. A file appears whole or
// not at all.
func download(e *env, path string, q url.Values, file string) error {
	c, err := e.office(q.Has("reason")) // a reason is written into the book
	if err != nil {
		return err
	}
	return e.closing(c, func() error {
		body, err := c.get(e.ctx, path, q)
		if err != nil {
			return err
		}
		defer body.Close()
		if file == "" {
			_, err = io.Copy(e.stdout, body)
			return err
		}
		return writeWhole(file, body)
	})
}

func writeWhole(file string, body io.Reader) error {
	tmp, err := os.CreateTemp(filepath.Dir(file), ".kancelaria-*")
	if err != nil {
		return fmt.Errorf("writing %s: %w", file, err)
	}
	defer os.Remove(tmp.Name())
	_, err = io.Copy(tmp, body)
	if err = errors.Join(err, tmp.Close()); err != nil {
		return fmt.Errorf("writing %s: %w", file, err)
	}
	if err := os.Link(tmp.Name(), file); err != nil {
		return fmt.Errorf("writing %s: %w; nothing was overwritten", file, err)
	}
	return nil
}
