package web

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"kancelaria/registry"
)

// A part of a letter as the page lists it.
type part struct {
	registry.Attachment
	Kind string // how it can be previewed: html, text, image, pdf, or not at all
	Open bool   // it may be handed out
}

// Bounds of a preview; whoever needs more takes the file.
const (
	mostPreview  = 40 << 20 // of a PDF or a picture
	mostPictures = 8 << 20  // inside one page
)

// previewKind says how a part is shown. SVG is a program and is not.
func previewKind(a registry.Attachment) string {
	switch a.MediaType {
	case "text/html":
		return "html"
	case "text/plain", "text/csv", "application/xml", "text/xml", "application/json":
		return "text"
	case "image/png", "image/jpeg", "image/gif", "image/webp", "image/bmp":
		return "image"
	case "application/pdf":
		return "pdf"
	}
	return ""
}

// listParts lists the parts of a letter, and decides which may be opened at all.
func (p *entryPage) listParts(v *visit) {
	if p.Arrival == nil {
		return
	}
	for _, f := range []registry.Flag{registry.FlagMalware, registry.FlagNotScanned, registry.FlagClassified, registry.FlagSealed} {
		if slices.Contains(p.Work.Flags, f) {
			p.Withheld = v.Say("web.withheld", "why", v.Flag(f))
			break
		}
	}
	for _, a := range p.Arrival.Document.Attachments {
		open := p.Withheld == "" || a.Role == registry.RoleBody && !slices.Contains(p.Work.Flags, registry.FlagClassified)
		one := part{Attachment: a, Open: open}
		if open && a.Size <= mostPreview {
			one.Kind = previewKind(a)
		}
		p.Parts = append(p.Parts, one)
	}
}

// choosePreview shows the part asked for, or the letter itself, or the first
// that can be shown.
func (p *entryPage) choosePreview(path string) {
	best := -1
	for i, a := range p.Parts {
		switch {
		case a.Kind == "":
			continue
		case path != "" && a.Path == path:
			p.Shown = &p.Parts[i]
			return
		case best < 0, a.Role == registry.RoleBody && p.Parts[best].Role != registry.RoleBody,
			a.Role == registry.RoleBody && a.Kind == "html" && p.Parts[best].Kind == "text":
			best = i
		}
	}
	if best >= 0 {
		p.Shown = &p.Parts[best]
	}
}

// partOf finds a part that a visitor may open, by its path in the letter. A
// path names nothing on any disk.
func (v *visit) partOf(r *http.Request) (*entryPage, *part, error) {
	work, err := v.entry(r)
	if err != nil {
		return nil, nil, err
	}
	p := &entryPage{Work: work}
	if p.Arrival, err = v.arrival(r.Context(), work); err != nil {
		return nil, nil, err
	}
	if p.Arrival == nil {
		return nil, nil, registry.ErrErased
	}
	p.listParts(v)
	path := r.URL.Query().Get("part")
	for i := range p.Parts {
		if p.Parts[i].Path == path {
			if !p.Parts[i].Open {
				return nil, nil, errWithheld
			}
			return p, &p.Parts[i], nil
		}
	}
	return nil, nil, fmt.Errorf("%w: %s has no such part", registry.ErrNotFound, work.Number)
}

// preview shows one part in a frame that may do nothing.
func (w *Web) preview(rw http.ResponseWriter, r *http.Request, v *visit) error {
	p, a, err := v.partOf(r)
	if err != nil {
		return err
	}
	w.o.Access(r.Context(), v.actor(), "preview "+a.Path, p.Work.Number.String())
	switch a.Kind {
	case "html", "text":
		text, err := w.o.Originals.PartText(r.Context(), p.Arrival.Item, a.Path)
		if err != nil {
			return err
		}
		return v.frame(rw, w.foreignPage(r.Context(), p, a, text))
	case "image", "pdf":
		return w.picture(rw, r, p, a)
	}
	return errNoPage
}

// foreignPage makes a page of a letter's HTML, cleaned, or of its text.
func (w *Web) foreignPage(ctx context.Context, p *entryPage, a *part, text string) template.HTML {
	if a.Kind == "text" {
		return template.HTML("<pre>" + template.HTMLEscapeString(text) + "</pre>") //nolint:gosec // escaped
	}
	room := int64(mostPictures)
	return template.HTML(w.o.Originals.SafeHTML(text, func(cid string) (string, bool) { //nolint:gosec // cleaned
		for _, pic := range p.Parts {
			if pic.ContentID == cid && cid != "" && pic.Kind == "image" && pic.Size <= room {
				room -= pic.Size
				return w.inline(ctx, p.Arrival.Item, pic)
			}
		}
		return "", false
	}))
}

// inline gives a picture of the letter as an address that fetches nothing.
func (w *Web) inline(ctx context.Context, it registry.Item, pic part) (string, bool) {
	body, err := w.o.Originals.Attachment(ctx, it, pic.Path)
	if err != nil {
		return "", false
	}
	defer body.Close()
	b, err := io.ReadAll(io.LimitReader(body, pic.Size))
	if err != nil {
		return "", false
	}
	return "data:" + pic.MediaType + ";base64," + base64.StdEncoding.EncodeToString(b), true
}

// frameStyle is all the style of ours in a frame.
const frameStyle = "html{font:16px/1.5 system-ui,sans-serif;background:#fff;color:#1b1f24}body{margin:1rem;overflow-wrap:anywhere}" +
	"pre{white-space:pre-wrap;font:inherit;margin:0}img{max-width:100%;height:auto}table{max-width:100%}"

func (v *visit) frame(rw http.ResponseWriter, body template.HTML) error {
	framed(rw.Header(), framePolicy)
	rw.Header().Set("Content-Type", "text/html; charset=utf-8")
	var b bytes.Buffer
	err := v.w.frame.Execute(&b, struct {
		Lang, Title string
		Style       template.CSS
		Body        template.HTML
	}{v.Lang(), v.Say("web.preview"), frameStyle, body})
	if err != nil {
		return err
	}
	_, _ = rw.Write(b.Bytes()) // who asked may have gone
	return nil
}

// picture hands a picture or a PDF to the browser, under a type that we chose.
func (w *Web) picture(rw http.ResponseWriter, r *http.Request, p *entryPage, a *part) error {
	body, err := w.o.Originals.Attachment(r.Context(), p.Arrival.Item, a.Path)
	if err != nil {
		return err
	}
	defer body.Close()
	if a.Kind == "pdf" {
		framed(rw.Header(), pdfPolicy)
	} else {
		framed(rw.Header(), framePolicy)
	}
	rw.Header().Set("Content-Type", a.MediaType)
	rw.Header().Set("Content-Disposition", mime.FormatMediaType("inline", map[string]string{"filename": a.Name}))
	w.pour(rw, body, a.Size, p.Work.Number)
	return nil
}

// part hands out one file of a letter. Browsers keep it; they don't open it.
func (w *Web) part(rw http.ResponseWriter, r *http.Request, v *visit) error {
	p, a, err := v.partOf(r)
	if err != nil {
		return err
	}
	w.o.Access(r.Context(), v.actor(), "attachment "+a.Path, p.Work.Number.String())
	body, err := w.o.Originals.Attachment(r.Context(), p.Arrival.Item, a.Path)
	if err != nil {
		return err
	}
	defer body.Close()
	handOut(rw, a.Name)
	w.pour(rw, body, a.Size, p.Work.Number)
	return nil
}

// original hands out the bytes as they arrived.
func (w *Web) original(rw http.ResponseWriter, r *http.Request, v *visit) error {
	work, err := v.entry(r)
	if err != nil {
		return err
	}
	w.o.Access(r.Context(), v.actor(), "original", work.Number.String())
	body, err := w.o.Originals.Original(r.Context(), work)
	if err != nil {
		return err
	}
	defer body.Close()
	handOut(rw, work.Number.String()+extension(work.MediaType))
	w.pour(rw, body, work.Size, work.Number)
	return nil
}

func handOut(rw http.ResponseWriter, name string) {
	if name == "" {
		name = "file"
	}
	rw.Header().Set("Content-Type", "application/octet-stream")
	rw.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name}))
}

func extension(media string) string {
	switch {
	case media == "message/rfc822", strings.HasPrefix(media, "multipart/"):
		return ".eml"
	case media == "application/pdf":
		return ".pdf"
	case media == "image/tiff":
		return ".tif"
	}
	return ""
}

// pour writes a body that is known to be whole; half of it must not look so.
func (w *Web) pour(rw http.ResponseWriter, body io.Reader, size int64, n registry.Number) {
	rw.Header().Set("Content-Length", strconv.FormatInt(size, 10))
	if _, err := io.Copy(rw, body); err != nil {
		w.o.Log.Info("web.cut", "number", n, "err", err)
		panic(http.ErrAbortHandler)
	}
}
