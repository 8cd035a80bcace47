package parse

import (
	"context"
	"fmt"
	"io"

	"kancelaria/gateway/parse/charset"
	"kancelaria/registry"
)

// PartText gives one part as text, in the character set that it names or seems
// to have: what a preview shows. It is cut at the reader's bound for texts.
func (r *Reader) PartText(ctx context.Context, it registry.Item, src Source, path string) (string, error) {
	part, err := r.Open(ctx, it, src, path)
	if err != nil {
		return "", err
	}
	defer closing(part)
	raw, err := io.ReadAll(io.LimitReader(part, r.Limits.Text))
	if err != nil {
		return "", fmt.Errorf("reading part %.80q: %w", path, err)
	}
	label := ""
	if open, ok := part.(*openPart); ok {
		label = open.seek.found.charset
	}
	if label == "" {
		label = metaCharset(raw)
	}
	if int64(len(raw)) >= r.Limits.Text {
		raw = trimPartial(raw)
	}
	set := &charset.Decoder{Order: r.DefaultCharsets}
	return set.Text(label, raw), nil
}
