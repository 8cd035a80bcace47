package gateway

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"kancelaria/registry"
)

// LateTextNote is the kind of notes that hold the text of an item that came
// late; the key is the item's id. It is a projection, like the index made from
// it: the ledger keeps its digest only.
const LateTextNote = "late_text"

// maxLateText bounds what is ever unpacked.
const maxLateText = 4 << 20

// text reads the text of PDFs and scans and asks the rules again.
func (l *Late) text(ctx context.Context, line registry.Line) error {
	a := line.Draft.Arrival
	late, err := l.o.Reader.Late(ctx, a.Item)
	switch {
	case errors.Is(err, registry.ErrErased), errors.Is(err, registry.ErrDamaged):
		return nil
	case err != nil:
		return err
	case ctx.Err() != nil:
		return ctx.Err()
	}
	for _, flaw := range late.Flaws {
		l.o.Log.Debug("late.unreadable", "number", line.Outcome.Number, "path", flaw.Path, "err", flaw.Note)
	}
	if late.Text == "" {
		return nil
	}
	packed, err := PackText(late.Text)
	if err != nil {
		return err
	}
	if err := l.o.Book.Keep(ctx, []registry.Note{{Kind: LateTextNote, Key: a.Item.ID.String(), Value: packed}}); err != nil {
		return err
	}
	key := "finding/text/" + a.Item.ID.String()
	found := registry.Found{Kind: registry.FoundText, Texts: late.Parts, Flaws: late.Flaws}
	act, err := recorded(registry.ActFinding, line.Outcome.Number, "", Finding{Found: found}, nil)
	if err != nil {
		return err
	}
	texts := registry.Catalogue(l.o.Office().Language)
	if err := l.submit(ctx, key, texts.Say("finding.text", "files", strconv.Itoa(len(late.Parts))), act); err != nil {
		return err
	}
	return l.propose(ctx, line, key, late)
}

// propose lets the rules run with and without the late text, and proposes what
// the text alone makes of the entry. A class that it has stays: the second
// thought of a machine does not argue with its first.
func (l *Late) propose(ctx context.Context, line registry.Line, key string, late LateText) error {
	a := line.Draft.Arrival
	before := late.Document
	before.Auth, before.Malware = a.Document.Auth, a.Document.Malware
	after := before
	after.Text = strings.TrimSpace(before.Text + "\n\n" + late.Text)
	after.Own = strings.TrimSpace(before.Own + "\n\n" + late.Text)
	return l.weigh(ctx, line, key, "text", before, after)
}

// weigh lets the rules run on what was known before and on what is known now,
// and proposes the difference.
func (l *Late) weigh(ctx context.Context, line registry.Line, key, what string, then, now registry.Document) error {
	w, ok, err := l.entry(ctx, line.Outcome.Number)
	if err != nil || !ok || w.Status == registry.StatusAnnulled || w.Status == registry.StatusClosed {
		return err
	}
	a := line.Draft.Arrival
	before := l.o.Rules().DecideAdmitted(a.Item, then, a.Facts)
	after := l.o.Rules().DecideAdmitted(a.Item, now, a.Facts)
	var more []registry.Flag
	for _, f := range after.Flags {
		if !slices.Contains(before.Flags, f) && !slices.Contains(w.Flags, f) {
			more = append(more, f)
		}
	}
	if w.Class != "" || after.Class == before.Class {
		after.Class = ""
	}
	if after.Class == "" && len(more) == 0 {
		return nil
	}
	after.Explanation, after.Because = nil, []string{} // they quote the letter
	o := l.o.Office()
	p := Proposal{Finding: key, Decision: after, Remark: Remark{Text: "remark.proposal", Pairs: proposalPairs(o, after, more)}}
	act, err := recorded(registry.ActProposal, w.Number, p.Text, p, l.concerned(w, after.HideFrom))
	if err != nil {
		return err
	}
	act.Fields = map[string]string{registry.FieldAddFlags: joinFlags(more)}
	reason := registry.Catalogue(o.Language).Say("finding.proposal", p.Pairs...)
	return l.submit(ctx, "proposal/"+what+"/"+a.Item.ID.String(), reason, act)
}

// proposalPairs says in the office's language what is proposed.
func proposalPairs(o *registry.Office, d registry.Decision, more []registry.Flag) []string {
	class, who := "@nodata", "@nodata"
	if c, ok := o.Classes[d.Class]; ok {
		class = c.Name + " (" + c.Symbol + ")"
		who = cmp.Or(d.Department, who)
		if len(d.Candidates) > 0 {
			who = cmp.Or(o.Clerks[d.Candidates[0]].Name, d.Candidates[0])
		}
	}
	texts := registry.Catalogue(o.Language)
	said := make([]string, len(more))
	for i, f := range more {
		said[i] = texts.Say("flag." + string(f))
	}
	return []string{"class", class, "clerk", who, "flags", cmp.Or(strings.Join(said, ", "), "–")}
}

// concerned are those who are told of an entry: its clerk, else the front desk;
// never whom it is about.
func (l *Late) concerned(w registry.Work, hidden []string) []string {
	hidden = slices.Concat(hidden, w.HideFrom)
	if w.Clerk != "" && !slices.Contains(hidden, w.Clerk) {
		return []string{w.Clerk}
	}
	return slices.DeleteFunc(keepers(l.o.Office(), ""), func(login string) bool { return slices.Contains(hidden, login) })
}

func joinFlags(flags []registry.Flag) string {
	var list []string
	for _, f := range flags {
		list = append(list, string(f))
	}
	return strings.Join(list, ",")
}

// PackText makes a text small enough to be kept.
func PackText(s string) ([]byte, error) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := io.WriteString(z, s)
	if err = errors.Join(err, z.Close()); err != nil {
		return nil, fmt.Errorf("packing a text: %w", err)
	}
	return b.Bytes(), nil
}

// UnpackText gives what PackText packed, up to a bound.
func UnpackText(packed []byte) (string, error) {
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return "", fmt.Errorf("unpacking a text: %w", err)
	}
	b, err := io.ReadAll(io.LimitReader(z, maxLateText))
	if err != nil {
		return "", fmt.Errorf("unpacking a text: %w", err)
	}
	return strings.ToValidUTF8(string(b), ""), nil
}
