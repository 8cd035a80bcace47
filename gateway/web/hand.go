package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"kancelaria/registry"
)

// A handPage is the form by which documents are handed in.
type handPage struct {
	Values    map[string]string
	Key       string
	Registers []choice
	Doors     []choice
	MaxSize   int64
}

// handFields are the texts of the form, beside its files.
var handFields = []string{"title", "sender.name", "sender.email", "sender.postal", "letter_date", "sender_ref", "posted_on", "received_at", "remarks", "register", "door", "each"}

func (w *Web) handForm(rw http.ResponseWriter, r *http.Request, v *visit) error {
	return v.showHand(rw, r, http.StatusOK, "", nil)
}

// handFill shows the form with what was typed before the session ended.
func (w *Web) handFill(rw http.ResponseWriter, r *http.Request, v *visit) error {
	if err := v.form(rw, r); err != nil {
		return err
	}
	values := map[string]string{}
	for _, name := range handFields {
		values[name] = field(r, name)
	}
	return v.showHand(rw, r, http.StatusOK, "", values)
}

func (v *visit) showHand(rw http.ResponseWriter, r *http.Request, status int, wrong string, values map[string]string) error {
	if values == nil {
		values = map[string]string{"register": "RPW", "door": string(registry.DoorCounter)}
	}
	p := handPage{
		Values: values, Key: secretText(), Registers: v.registers(), MaxSize: v.w.o.MaxSize,
		Doors: []choice{{string(registry.DoorCounter), v.Say("door.counter")}, {string(registry.DoorWeb), v.Say("door.web")}},
	}
	s := v.sheet(r, "hand", v.Say("web.hand.title"), p)
	s.Wrong = wrong
	return v.w.show(rw, status, "hand", s)
}

// hand takes documents: one entry, the first file is the letter, unless each is
// to be one. Once a number is told, or "accepted", the bytes are durable.
func (w *Web) hand(rw http.ResponseWriter, r *http.Request, v *visit) error {
	files, err := w.stage(rw, r)
	if files != nil {
		defer files.close(w)
	}
	if err != nil {
		return err
	}
	if !v.session.owns(files.values["form"]) {
		return errStale
	}
	items, err := v.handed(files)
	if err == nil {
		err = errors.Join(files.wrong...)
	}
	if err != nil {
		return v.showHand(rw, r, http.StatusUnprocessableEntity, err.Error(), files.values)
	}
	var last registry.Outcome
	for i, it := range items {
		if it.ID, err = w.keys.Once(r.Context(), v.clerk.Login, files.values["key"]+"/"+strconv.Itoa(i)); err != nil {
			return err
		}
		put, err := w.o.Intake.Put(r.Context(), []registry.Item{it}, files.original(i, len(items)))
		if err != nil {
			return err
		}
		w.o.Log.Info("web.handed", "item", put[0].ID, "clerk", v.clerk.Login, "size", put[0].Original.Size)
		last = w.settled(r.Context(), put[0].ID)
	}
	switch {
	case last.Number.IsZero():
		return back(rw, r, "/", "handed_waits")
	case len(items) > 1:
		return back(rw, r, "/book", "handed_many", "n", strconv.Itoa(len(items)))
	default:
		return back(rw, r, "/entries/"+last.Number.String(), "handed")
	}
}

// settled waits a little for the number.
func (w *Web) settled(ctx context.Context, id registry.ItemID) registry.Outcome {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	out, err := w.o.Intake.Wait(ctx, id)
	if err != nil {
		w.o.Log.Info("web.waits", "item", id, "err", err)
	}
	return out
}

// handed makes the items of a form. Its complaints are sentences in the
// visitor's language.
func (v *visit) handed(f *staged) ([]registry.Item, error) {
	val := f.values
	it := registry.Item{Door: registry.Door(val["door"]), Register: val["register"], Peer: ""}
	if it.Door != registry.DoorCounter && it.Door != registry.DoorWeb {
		it.Door = registry.DoorWeb
	}
	if !slices.ContainsFunc(v.registers(), func(c choice) bool { return c.Value == it.Register }) {
		return nil, errors.New(v.Say("web.hand.register"))
	}
	hand := registry.Hand{
		By: v.clerk.Login, Sender: registry.Sender{Name: val["sender.name"], Email: val["sender.email"], Postal: val["sender.postal"]},
		Title: val["title"], LetterDate: val["letter_date"], SenderRef: val["sender_ref"], PostedOn: val["posted_on"], Remarks: val["remarks"],
	}
	if text := val["received_at"]; text != "" {
		at, err := v.moment(text)
		if err != nil || at.After(v.now) {
			return nil, errors.New(v.Say("web.hand.received"))
		}
		hand.ReceivedAt = at.UTC()
	}
	if len(f.files) == 0 {
		return nil, errors.New(v.Say("web.hand.nofile"))
	}
	for _, one := range f.files {
		if one.size == 0 {
			return nil, errors.New(v.Say("web.hand.empty", "name", one.name))
		}
	}
	if val["each"] != "" {
		var items []registry.Item
		for _, one := range f.files {
			items = append(items, itemOf(it, hand, []string{one.name}))
		}
		return items, nil
	}
	var names []string
	for _, one := range f.files {
		names = append(names, one.name)
	}
	return []registry.Item{itemOf(it, hand, names)}, nil
}

func itemOf(it registry.Item, hand registry.Hand, names []string) registry.Item {
	it.Original.Name = names[0]
	it.File = &registry.File{Path: names[0]}
	if len(names) > 1 {
		hand.Files = names
	}
	it.Hand = &hand
	return it
}

// moment reads a time as browsers send it, in the office's zone.
func (v *visit) moment(text string) (time.Time, error) {
	for _, layout := range []string{"2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04", time.DateOnly} {
		if t, err := time.ParseInLocation(layout, text, v.office.Zone); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%w: %.40q is no time", errWrong, text)
}

// cleanName makes a name of a file from what a browser said: no path, no signs
// that cannot be seen.
func cleanName(name string) string {
	name = name[strings.LastIndexAny(name, `/\`)+1:]
	name = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			return -1
		}
		return r
	}, strings.ToValidUTF8(name, ""))
	if name = strings.Trim(name, " ."); name == "" {
		return "file"
	}
	return shorten(name, 200)
}
