package parse

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"time"

	"kancelaria/gateway/parse/charset"
	"kancelaria/registry"
)

// An Extractor gives the text of files that this program cannot read itself.
// It is slow and runs other people's programs, so registering never waits for
// it: its text is a finding.
type Extractor interface {
	// Extracts reports whether the extractor knows files of a media type.
	Extracts(mediaType string) bool
	// Text gives the text of a file, bounded by most bytes.
	Text(ctx context.Context, file io.Reader, most int64) (string, error)
}

// Late gives the text of those parts that only the extractor can read, in
// order. What could not be read is told in the flaws.
func (r *Reader) Late(ctx context.Context, it registry.Item, src Source, doc registry.Document) (text string, flaws []registry.Flaw) {
	if r.Extractor == nil {
		return "", nil
	}
	var out bytes.Buffer
	for _, a := range doc.Attachments {
		room := r.Limits.Text - int64(out.Len())
		if room <= 0 || ctx.Err() != nil {
			break
		}
		if a.Role == registry.RoleEmbedded && a.ContentID != "" || !r.Extractor.Extracts(a.MediaType) {
			continue
		}
		s, err := r.late(ctx, it, src, a.Path, room)
		if err != nil {
			flaws = append(flaws, registry.Flaw{Code: "text_unreadable", Path: a.Path, Note: err.Error()})
		}
		if s != "" {
			_, _ = fmt.Fprintf(&out, "%s\n\n", s) // memory: never fails
		}
	}
	return lines(cut(out.String(), int(r.Limits.Text))), flaws
}

func (r *Reader) late(ctx context.Context, it registry.Item, src Source, path string, room int64) (string, error) {
	in, err := r.Open(ctx, it, src, path)
	if err != nil {
		return "", err
	}
	defer closing(in)
	return r.Extractor.Text(ctx, in, room)
}

// PDFText extracts with pdftotext of poppler-utils, in a child that is bounded
// in time, memory and output.
type PDFText struct {
	program string
	limits  string // prlimit, "" if the machine has none
	Time    time.Duration
	Memory  int64 // bytes of address space
}

// NewPDFText finds the program; ok is false where it is not installed.
func NewPDFText() (p *PDFText, ok bool) {
	program, err := exec.LookPath("pdftotext")
	if err != nil {
		return nil, false
	}
	limits, err := exec.LookPath("prlimit")
	if err != nil {
		limits = ""
	}
	return &PDFText{program: program, limits: limits, Time: 20 * time.Second, Memory: 1 << 30}, true
}

// Extracts implements Extractor.
func (p *PDFText) Extracts(mediaType string) bool { return mediaType == "application/pdf" }

// Text implements Extractor.
func (p *PDFText) Text(ctx context.Context, file io.Reader, most int64) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, p.Time)
	defer cancel()
	args := []string{p.program, "-q", "-enc", "UTF-8", "-nopgbrk", "-", "-"}
	if p.limits != "" {
		seconds := int(p.Time/time.Second) + 1
		args = append([]string{p.limits, fmt.Sprintf("--as=%d", p.Memory), fmt.Sprintf("--cpu=%d", seconds), "--core=0", "--nofile=64", "--fsize=" + fmt.Sprint(int64(1<<30)), "--"}, args...)
	}
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Env = []string{"LC_ALL=C.UTF-8", "PATH=/usr/bin:/bin"}
	cmd.Stdin = file
	cmd.WaitDelay = time.Second
	out := &cappedBuffer{most: most, stop: cancel}
	cmd.Stdout = out
	err := cmd.Run()
	text := charset.Clean(out.kept.String())
	switch {
	case out.full:
		return text, nil
	case ctx.Err() != nil:
		return text, fmt.Errorf("extracting text: %w", ctx.Err())
	case err != nil:
		return text, fmt.Errorf("extracting text: %w", err)
	}
	return text, nil
}

// A cappedBuffer keeps the first bytes and then stops the writer. It must not
// show the buffer's own ReadFrom, which knows no bound.
type cappedBuffer struct {
	kept bytes.Buffer
	most int64
	full bool
	stop func()
}

var errFull = errors.New("enough text")

// Write implements io.Writer.
func (b *cappedBuffer) Write(p []byte) (int, error) {
	if room := b.most - int64(b.kept.Len()); int64(len(p)) > room {
		b.full = true
		b.stop()
		n, _ := b.kept.Write(p[:max(room, 0)]) // memory: never fails
		return n, errFull
	}
	return b.kept.Write(p)
}
