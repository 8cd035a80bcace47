package notify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"

	"kancelaria/registry"
)

// The bounds of what is attached to a notice, whatever a department allows.
const (
	maxAttachedBytes = 20 << 20
	maxAttachedFiles = 30
)

var errTooMuch = errors.New("more than a notice may carry")

// documents gives the files to attach to the notice of an arrival: all of them,
// if the department wants them and they are no more than it allows, else none.
// A clerk never gets some and takes them for all. Nothing here keeps a notice
// from being sent.
func (p *press) documents(ctx context.Context, o *registry.Office, t told) []attached {
	limit := min(o.Departments[department(t)].OriginalsUpTo, maxAttachedBytes)
	if p.opt.Documents == nil || limit <= 0 || registry.Locked(flags(t)) != "" {
		return nil
	}
	list, err := p.opt.Documents.Documents(ctx, t.number())
	if err == nil && len(list) > maxAttachedFiles {
		err = errTooMuch
	}
	var files []attached
	for i := 0; err == nil && i < len(list); i++ {
		var f attached
		if f, err = readDocument(ctx, list[i], limit); err == nil {
			limit -= int64(len(f.content))
			files = append(files, f)
		}
	}
	if err != nil {
		p.opt.Log.Info("notify.not_attached", "row", t.row.ID, "number", t.number().String(), "err", err)
		return nil
	}
	return files
}

func readDocument(ctx context.Context, d Document, limit int64) (attached, error) {
	r, err := d.Open(ctx)
	if err != nil {
		return attached{}, fmt.Errorf("opening a document: %w", err)
	}
	var b bytes.Buffer
	n, err := io.Copy(&b, io.LimitReader(r, limit+1))
	if err = errors.Join(err, r.Close()); err != nil {
		return attached{}, fmt.Errorf("reading a document: %w", err)
	}
	if n > limit {
		return attached{}, errTooMuch
	}
	// As a letter it would have to be written in clear; as bytes it stays what
	// it is.
	mediaType, _, err := mime.ParseMediaType(d.MediaType)
	if err != nil || mediaType == "message/rfc822" || !isPlainType(mediaType) {
		mediaType = "application/octet-stream"
	}
	return attached{name: fileName(d.Name), mediaType: mediaType, content: b.Bytes()}, nil
}

// isPlainType lets through what needs no parameters to be read.
func isPlainType(mediaType string) bool {
	for _, prefix := range []string{"application/", "image/", "audio/", "video/"} {
		if len(mediaType) < 100 && len(mediaType) > len(prefix) && mediaType[:len(prefix)] == prefix {
			return true
		}
	}
	return false
}
