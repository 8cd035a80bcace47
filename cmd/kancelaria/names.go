package main

import (
	"path/filepath"
	"strings"
	"time"

	"kancelaria/cmd/internal/config"
	"kancelaria/registry"
)

func base(path string) string { return filepath.Base(path) }

func absolute(path string) config.Path {
	abs, err := filepath.Abs(path)
	if err != nil {
		return config.Path(path)
	}
	return config.Path(abs)
}

// dropTexts are what people at the scanner read, from the catalogue.
type dropTexts struct {
	texts *registry.Texts
	limit int64
}

func (d dropTexts) Reason(code, name string, at time.Time) string {
	limit := d.texts.Size(d.limit)
	return strings.Join([]string{
		d.texts.Say("drop.what", "name", name),
		d.texts.Say("drop.when", "when", d.texts.Stamp(at)),
		d.texts.Say("drop.why", "reason", d.texts.Say("drop."+code, "limit", limit)),
		d.texts.Say("drop.do", "advice", d.texts.Say("drop."+code+".do", "limit", limit)),
	}, "\n") + "\n"
}

func (d dropTexts) Registered(out registry.Outcome, name string) string {
	if out.Number.IsZero() {
		return d.texts.Say("drop.beside", "name", name)
	}
	return out.Number.String() + " " + name
}

func (d dropTexts) Errors() string { return d.texts.Say("drop.folder.errors") }

func (d dropTexts) List(day string) string { return d.texts.Say("drop.folder.list", "day", day) }

// now is the clock of commands.
func (e *env) now() time.Time { return time.Now() }
