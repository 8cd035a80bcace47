package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"os"
	"path/filepath"
	"time"

	"kancelaria/gateway/api"
	"kancelaria/registry"
)

type registerCmd struct {
	Files      []string `arg:"" name:"file" help:"The documents; the first is the letter."`
	Door       string   `default:"counter" enum:"counter,web" help:"How it came."`
	Sender     string   `help:"Who wrote it."`
	Email      string   `help:"The sender's e-mail address."`
	Postal     string   `help:"The sender's postal address."`
	Received   string   `placeholder:"TIME" help:"When it arrived, if not now: YYYY-MM-DD or RFC 3339."`
	Title      string   `help:"What it is about."`
	Register   string   `default:"RPW" help:"The register."`
	LetterDate string   `help:"The date on the letter: YYYY, YYYY-MM or YYYY-MM-DD."`
	SenderRef  string   `help:"The mark on the letter."`
	PostedOn   string   `help:"The day of the postmark."`
	Remarks    string   `help:"Anything else."`
	By         string   `placeholder:"CLERK" help:"The clerk who registers."`
}

func (c *registerCmd) Run(e *env) error {
	reg := api.Registration{
		Door: registry.Door(c.Door), Register: c.Register, Title: c.Title, LetterDate: c.LetterDate, SenderRef: c.SenderRef,
		PostedOn: c.PostedOn, Remarks: c.Remarks, By: c.By, Sender: registry.Sender{Name: c.Sender, Email: c.Email, Postal: c.Postal},
		// Minted here, so that a command repeated by a nervous script's retry
		// after a lost answer is at least visible as another item.
		Key: registry.NewItemID(time.Now()).String(),
	}
	cfg, err := e.config()
	if err != nil {
		return err
	}
	if c.Received != "" {
		if reg.ReceivedAt, err = parseMoment(c.Received, cfg.Zone); err != nil {
			return withCode(exitUsage, err)
		}
	}
	for _, f := range c.Files {
		if st, err := os.Stat(f); err != nil || !st.Mode().IsRegular() {
			return fmt.Errorf("%s is not a file that can be read; nothing was registered", f)
		}
		reg.Files = append(reg.Files, filepath.Base(f))
	}
	o, err := e.office(true)
	if err != nil {
		return err
	}
	return e.closing(o, func() error { return c.send(e, o, reg) })
}

func (c *registerCmd) send(e *env, o *client, reg api.Registration) error {
	r, w := io.Pipe()
	form := multipart.NewWriter(w)
	go func() { w.CloseWithError(errors.Join(writeForm(form, reg, c.Files), form.Close())) }()
	body, err := o.do(e.ctx, "POST", "register", form.FormDataContentType(), r)
	if err != nil {
		return err
	}
	return print(e, body, func(v api.Registered) error {
		if v.Number == "" {
			_, err := fmt.Fprintf(e.stdout, "accepted as %s; the number follows: kancelaria show %s\n", v.ItemID, v.ItemID)
			return err
		}
		_, err := fmt.Fprintf(e.stdout, "%s registered, case %s\n", v.Number, v.Case)
		return err
	})
}

func writeForm(form *multipart.Writer, reg api.Registration, files []string) error {
	entry, err := form.CreateFormField("entry")
	if err != nil {
		return err
	}
	if err := json.NewEncoder(entry).Encode(reg); err != nil {
		return err
	}
	for _, name := range files {
		part, err := form.CreateFormFile("file", filepath.Base(name))
		if err != nil {
			return err
		}
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		_, err = io.Copy(part, f)
		if err = errors.Join(err, f.Close()); err != nil {
			return err
		}
	}
	return nil
}

// parseMoment reads a day (its noon in the office) or an instant.
func parseMoment(s string, zone *time.Location) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t, nil
	}
	day, err := registry.ParseDay(s)
	if err != nil {
		return time.Time{}, fmt.Errorf("%.40q is neither a day (2026-11-20) nor an instant (2026-11-20T09:30:00+01:00)", s)
	}
	return time.Date(day.Year, day.Month, day.Day, 12, 0, 0, 0, zone), nil
}
