package web

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"kancelaria/registry"
)

// An actForm is one act that the visitor may do, with its fields.
type actForm struct {
	Kind   registry.ActKind
	Of     string // entry or folder
	After  int64  // last event that the page shows
	Fields []input
	Open   bool // it was refused just now; what was typed is in it
	Plain  bool // a button alone
}

// An input is one field of a form.
type input struct {
	Name    string
	Kind    string // text, day, moment, area, choice, check
	Value   string
	Choices []choice
	Must    bool
	Empty   string // text of the empty choice
	Words   bool   // what it says is of the letter, not ours
}

// acts that are possible while an entry stands so; whether this visitor may is
// asked of the office, and what the law says once more of the book.
func (v *visit) actForms(p *entryPage, posted url.Values) []actForm {
	w, all := p.Work, []actForm(nil)
	open := w.Status.Open()
	annulled := w.Status == registry.StatusAnnulled
	add := func(kind registry.ActKind, when bool, fields ...input) {
		if when && v.office.May(v.actor(), kind, w, v.today()) == nil {
			all = append(all, actForm{Kind: kind, Of: "entry", After: w.LastLeaf, Fields: fields, Plain: len(fields) == 0})
		}
	}
	folder := func(kind registry.ActKind, when bool, fields ...input) {
		if when && p.Folder.Found && v.office.MayFolder(v.actor(), kind, p.Folder, v.today()) == nil {
			all = append(all, actForm{Kind: kind, Of: "folder", After: p.Folder.LastLeaf, Fields: fields})
		}
	}
	reason := input{Name: "reason", Kind: "area", Must: true}
	perhaps := input{Name: "reason", Kind: "area"}
	add(registry.ActComplete, open && slices.Contains(w.Flags, registry.FlagToComplete), fieldInputs(w)...)
	if w.Status == registry.StatusClosed {
		add(registry.ActAccept, true, reason)
	} else {
		add(registry.ActAccept, open && (w.Status != registry.StatusAccepted || w.Clerk != v.clerk.Login))
	}
	add(registry.ActClassify, open, input{Name: "class", Kind: "choice", Choices: v.classes(), Value: w.Class}, input{Name: "department", Kind: "choice", Choices: v.departments(), Value: w.Department},
		input{Name: "clerk", Kind: "choice", Choices: v.clerks(), Value: w.Clerk, Empty: v.Say("web.nobody")}, perhaps)
	add(registry.ActForward, open, input{Name: "to", Kind: "choice", Choices: slices.Concat(v.clerks(), v.departments())}, input{Name: "body", Kind: "text"}, perhaps)
	add(registry.ActReturn, open, reason)
	add(registry.ActNote, !annulled, input{Name: "text", Kind: "area", Must: true})
	add(registry.ActDue, open, input{Name: "due", Kind: "day", Value: w.Deadline.Due.String(), Must: true}, reason)
	folder(registry.ActJoinCase, open && w.Suggestion != "" && p.Folder.Case != w.Suggestion, input{Name: "to", Kind: "text", Value: w.Suggestion, Must: true}, perhaps)
	folder(registry.ActJoinCase, open && w.Suggestion == "" && p.Folder.State != registry.FolderClosed, input{Name: "to", Kind: "text", Must: true}, perhaps)
	folder(registry.ActOpenCase, !annulled && p.Folder.State == registry.FolderWorking, input{Name: "class", Kind: "choice", Choices: v.classes(), Value: p.Folder.Class, Must: true},
		input{Name: "department", Kind: "choice", Choices: v.departments(), Value: p.Folder.Department, Must: true}, perhaps)
	add(registry.ActSplit, !annulled && !w.OwnFolder, perhaps)
	add(registry.ActCorrect, !annulled && w.Status != registry.StatusClosed, append(fieldInputs(w), reason)...)
	add(registry.ActClose, open || w.Status == registry.StatusForwarded, perhaps)
	add(registry.ActAccess, w.Restricted, input{Name: "to", Kind: "choice", Choices: v.clerks(), Must: true}, perhaps)
	add(registry.ActAnnul, !annulled, input{Name: "dictionary", Kind: "choice", Choices: v.annulReasons(), Must: true}, input{Name: "to", Kind: "text", Value: w.DuplicateOf}, reason)
	for i := range all {
		all[i].refill(posted)
	}
	return all
}

// refill puts back what was typed into the form that was refused.
func (f *actForm) refill(posted url.Values) {
	if posted.Get("kind") != string(f.Kind) {
		return
	}
	f.Open = true
	for i := range f.Fields {
		f.Fields[i].Value = posted.Get(f.Fields[i].Name)
	}
}

// fieldInputs are the fields of an entry that people fill in.
func fieldInputs(w registry.Work) []input {
	return []input{
		{Name: "title", Kind: "text", Value: w.Title, Must: true, Words: true},
		{Name: "sender.name", Kind: "text", Value: w.Sender.Name, Words: true},
		{Name: "sender.email", Kind: "text", Value: w.Sender.Email, Words: true},
		{Name: "sender.postal", Kind: "text", Value: w.Sender.Postal, Words: true},
		{Name: "letter_date", Kind: "text", Value: w.LetterDate},
		{Name: "sender_ref", Kind: "text", Value: w.SenderRef},
		{Name: "posted_on", Kind: "text", Value: w.PostedOn},
		{Name: "received_at", Kind: "moment"},
		{Name: "remarks", Kind: "area", Value: w.Remarks},
	}
}

func (v *visit) annulReasons() []choice {
	var out []choice
	for _, r := range []string{registry.AnnulDuplicate, registry.AnnulTest, registry.AnnulAdvertisement, registry.AnnulTechnical, registry.AnnulOther} {
		out = append(out, choice{r, v.Say("web.annul." + r)})
	}
	return out
}

// act does one act to an entry or its folder. What is refused is shown again
// with what was typed; nothing is lost.
func (w *Web) act(rw http.ResponseWriter, r *http.Request, v *visit) error {
	if err := v.form(rw, r); err != nil {
		return err
	}
	work, err := v.entry(r)
	if err != nil {
		return err
	}
	after, err := strconv.ParseInt(field(r, "after"), 10, 64)
	if err != nil {
		return fmt.Errorf("%w: %w", errWrong, err)
	}
	act, err := v.readAct(r, work)
	if err == nil {
		var out registry.Outcome
		out, err = w.o.Acts.ActOnce(r.Context(), actKey(v, r, act.Subject), v.actor(), act, &after, field(r, "reason"))
		err = cmp.Or(err, out.Err())
	}
	if err == nil {
		done := string(act.Kind)
		if act.Kind == registry.ActAccept {
			done = "accepted_one"
		}
		return back(rw, r, "/entries/"+work.Number.String(), done)
	}
	status, key := fault(err)
	if status >= http.StatusInternalServerError {
		return err
	}
	again, findErr := v.entry(r)
	if findErr != nil {
		return err
	}
	if key == "forbidden" && act.Subject == again.Number.String() && again.LastLeaf != after {
		status, key = http.StatusConflict, "conflict" // it was theirs when the page was opened
	}
	wrong := v.Say("web.error." + key)
	if key == "refused" || key == "immutable" {
		wrong += " (" + err.Error() + ")"
	}
	return v.showEntry(rw, r, again, status, wrong, r.PostForm)
}

// readAct makes an act of a form. Only kinds that pages offer are taken.
func (v *visit) readAct(r *http.Request, work registry.Work) (registry.Act, error) {
	act := registry.Act{Kind: registry.ActKind(field(r, "kind")), Subject: work.Number.String()}
	var err error
	switch act.Kind {
	case registry.ActAccept, registry.ActReturn, registry.ActClose, registry.ActSplit:
	case registry.ActNote:
		act.Text = field(r, "text")
	case registry.ActForward:
		if act.To = field(r, "to"); act.To == "" {
			act.To, act.Outside = field(r, "body"), true
		}
	case registry.ActDue:
		var day registry.Day
		if day, err = registry.ParseDay(field(r, "due")); err != nil {
			return act, fmt.Errorf("%w: %w", registry.ErrRefused, err)
		}
		act.Deadline = &registry.Deadline{Raw: day, Due: day, Basis: field(r, "reason")}
	case registry.ActClassify:
		act.Class, act.Department, act.Clerk = changedTo(r, "class", work.Class), changedTo(r, "department", work.Department), changedTo(r, "clerk", work.Clerk)
	case registry.ActComplete, registry.ActCorrect:
		act.Fields = v.readFields(r, work)
	case registry.ActAnnul:
		act.Text = field(r, "dictionary")
		act.To, err = v.seenNumber(r, field(r, "to"))
	case registry.ActAccess:
		act.To = field(r, "to")
	case registry.ActOpenCase:
		act.Subject, act.Class, act.Department = work.Folder, field(r, "class"), field(r, "department")
	case registry.ActJoinCase:
		act.Subject = work.Folder
		act.To, err = v.seenFolder(r, field(r, "to"))
	default:
		return act, fmt.Errorf("%w: %.30q is no act of this page", errWrong, string(act.Kind))
	}
	return act, err
}

// changedTo gives a field only if it was changed: what is said again is no
// decision of this person's.
func changedTo(r *http.Request, name, was string) string {
	if now := field(r, name); now != was {
		return now
	}
	return ""
}

// readFields gives the fields that were changed.
func (v *visit) readFields(r *http.Request, work registry.Work) map[string]string {
	out := map[string]string{}
	for _, in := range fieldInputs(work) {
		if _, sent := r.PostForm[in.Name]; !sent {
			continue
		}
		if value := field(r, in.Name); strings.ReplaceAll(value, "\r\n", "\n") != in.Value {
			out[in.Name] = value
		}
	}
	if out["received_at"] == "" {
		delete(out, "received_at")
	}
	return out
}

// seenNumber gives the number of an entry that the visitor may know of.
func (v *visit) seenNumber(r *http.Request, text string) (string, error) {
	if text == "" {
		return "", nil
	}
	n, err := registry.ParseNumber(text)
	if err != nil {
		return "", fmt.Errorf("%w: %w", registry.ErrRefused, err)
	}
	found, err := v.find(r.Context(), registry.Query{Of: registry.FindEntry, Number: n, Limit: 1})
	if err == nil && len(found.Works) == 0 {
		err = fmt.Errorf("%w: %s is not in the register", registry.ErrRefused, n)
	}
	return n.String(), err
}

// seenFolder gives the folder that the visitor means by a case number, a folder
// or an entry in it, if they may know of it.
func (v *visit) seenFolder(r *http.Request, text string) (string, error) {
	q := registry.Query{Of: registry.FindFolders, Case: text, Limit: 1}
	if strings.HasPrefix(text, "K-") {
		q.Case, q.Folder = "", text
	} else if n, err := registry.ParseNumber(text); err == nil {
		found, err := v.find(r.Context(), registry.Query{Of: registry.FindEntry, Number: n, Limit: 1})
		if err != nil {
			return "", err
		}
		if len(found.Works) > 0 {
			return found.Works[0].Folder, nil
		}
	}
	found, err := v.find(r.Context(), q)
	if err != nil {
		return "", err
	}
	if len(found.Folders) == 0 || q.Case == "" && q.Folder == "" {
		return "", fmt.Errorf("%w: no folder, case or entry %.60q", registry.ErrRefused, text)
	}
	return found.Folders[0].ID, nil
}
