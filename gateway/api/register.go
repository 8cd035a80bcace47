package api

import (
	"context"
	"encoding/json"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"time"

	"kancelaria/gateway"
	"kancelaria/registry"
)

// A Registration is what comes with documents handed in: the part "entry" of
// POST /api/v1/register, before the parts "file".
type Registration struct {
	Door       registry.Door   `json:"door"`
	Register   string          `json:"register"`
	Sender     registry.Sender `json:"sender"`
	Title      string          `json:"title"`
	ReceivedAt time.Time       `json:"received_at,omitzero"`
	LetterDate string          `json:"letter_date,omitempty"`
	SenderRef  string          `json:"sender_ref,omitempty"`
	PostedOn   string          `json:"posted_on,omitempty"`
	Remarks    string          `json:"remarks,omitempty"`
	By         string          `json:"by,omitempty"`
	Key        string          `json:"key,omitempty"` // an item id: offered again, the same entry
	Files      []string        `json:"files"`         // names, in the order of the parts "file"
}

// A Registered is the answer: the number, or that the item is safe and waits.
type Registered struct {
	ItemID string `json:"item_id"`
	Number string `json:"number"`
	Folder string `json:"folder"`
	Case   string `json:"case"`
}

// register takes documents by hand: one entry, the first file is the letter.
// Several files travel as one multipart original, so that they stay one item.
func (a *API) register(w http.ResponseWriter, r *http.Request) error {
	parts, err := r.MultipartReader()
	if err != nil {
		return wrong("%v", err)
	}
	reg, err := a.registration(parts)
	if err != nil {
		return err
	}
	who, err := a.actor(r.Context(), reg.By)
	if err != nil {
		return err
	}
	if reg.Key != "" && !who.Owner { // an id of somebody else's item would tell its number
		return wrong("key: send the header Idempotency-Key instead")
	}
	it, err := a.handed(reg, who)
	if err != nil {
		return err
	}
	if key := r.Header.Get("Idempotency-Key"); key != "" {
		if it.ID, err = a.Keyring.Once(r.Context(), who.Login, key); err != nil {
			return err
		}
	}
	put, err := a.Intake.Put(r.Context(), []registry.Item{it}, original(parts, reg.Files))
	if err != nil {
		return err
	}
	answer := Registered{ItemID: put[0].ID.String()}
	wait, cancel := context.WithTimeout(r.Context(), 10*time.Second)
	defer cancel()
	if out, err := a.Intake.Wait(wait, put[0].ID); err == nil {
		answer.Number, answer.Folder, answer.Case = out.Number.String(), out.Folder, out.Case
	}
	return newLines(w).write(answer)
}

func (a *API) registration(parts *multipart.Reader) (Registration, error) {
	var reg Registration
	entry, err := parts.NextPart()
	if err != nil || entry.FormName() != "entry" {
		return reg, wrong("the first part must be \"entry\"")
	}
	dec := json.NewDecoder(io.LimitReader(entry, maxAct))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&reg); err != nil {
		return reg, wrong("entry: %v", err)
	}
	return reg, nil
}

// handed makes the item of a registration by hand.
func (a *API) handed(reg Registration, who registry.Actor) (registry.Item, error) {
	if len(reg.Files) == 0 || len(reg.Files) > maxFiles {
		return registry.Item{}, wrong("files: name between 1 and %d", maxFiles)
	}
	it := registry.Item{Door: reg.Door, Register: strings.ToUpper(reg.Register)}
	it.Original.Name = reg.Files[0]
	it.File = &registry.File{Path: reg.Files[0]}
	if it.Door == "" {
		it.Door = registry.DoorCounter
	}
	if it.Door != registry.DoorCounter && it.Door != registry.DoorWeb {
		return it, wrong("door: %.20q is not one for hands; write counter or web", it.Door)
	}
	if it.Register == "" {
		it.Register = "RPW"
	}
	if _, ok := a.Office().Registers[it.Register]; !ok {
		return it, wrong("there is no register %.30q in office.yaml", reg.Register)
	}
	if reg.ReceivedAt.After(a.Now()) {
		return it, wrong("received_at lies in the future")
	}
	if reg.Key != "" {
		id, err := registry.ParseItemID(reg.Key)
		if err != nil {
			return it, wrong("key: %v", err)
		}
		it.ID = id
	}
	it.Hand = &registry.Hand{
		By: who.Acting(), Sender: reg.Sender, Title: reg.Title, ReceivedAt: reg.ReceivedAt.UTC(), LetterDate: reg.LetterDate,
		SenderRef: reg.SenderRef, PostedOn: reg.PostedOn, Remarks: reg.Remarks,
	}
	if len(reg.Files) > 1 {
		it.Hand.Files = reg.Files
	}
	if reg.ReceivedAt.IsZero() {
		it.Hand.ReceivedAt = time.Time{}
	}
	return it, nil
}

// maxFiles bounds one registration by hand.
const maxFiles = 200

// original gives the bytes to be kept: those of the one file, or several files
// wrapped as multipart/mixed (RFC 2046), since an item has one original.
func original(parts *multipart.Reader, names []string) io.Reader {
	if len(names) == 1 {
		return &later{open: func() (io.Reader, error) { return filePart(parts) }}
	}
	r, w := io.Pipe()
	go func() { w.CloseWithError(wrap(w, parts, names)) }() // ends when the reader is done or closed
	return r
}

// A later opens its reader when it is first read.
type later struct {
	open func() (io.Reader, error)
	r    io.Reader
}

func (l *later) Read(p []byte) (int, error) {
	if l.r == nil {
		r, err := l.open()
		if err != nil {
			return 0, err
		}
		l.r = r
	}
	return l.r.Read(p)
}

func filePart(parts *multipart.Reader) (io.Reader, error) {
	part, err := parts.NextPart()
	if err != nil || part.FormName() != "file" {
		return nil, wrong("fewer files came than were named")
	}
	return part, nil
}

// wrap writes as many files as were named.
func wrap(w io.Writer, parts *multipart.Reader, names []string) error {
	return gateway.Wrap(w, func() (string, io.Reader, error) {
		if len(names) == 0 {
			return "", nil, io.EOF
		}
		name := names[0]
		names = names[1:]
		part, err := filePart(parts)
		return name, part, err
	})
}
