package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"kancelaria/gateway"
	"kancelaria/gateway/parse"
	"kancelaria/registry"
	"kancelaria/registry/archive"
	"kancelaria/registry/archive/s3"
)

// originals joins the archive, which has the bytes, and the reader, which
// understands them. Neither knows the other.
type originals struct {
	archive *archive.Archive
	reader  *parse.Reader
	book    *book
	second  *s3.Bucket // nil: there is no second home
}

// Open opens the bytes of an item that has not been registered yet.
func (o originals) Open(ctx context.Context, it registry.Item) (registry.OpenOriginal, error) {
	return o.open(ctx, it.Place, it.ID)
}

// open opens an original here or, if another gateway has it, in the second
// home.
func (o originals) open(ctx context.Context, p registry.Place, id registry.ItemID) (registry.OpenOriginal, error) {
	src, err := o.archive.Original(ctx, p, id)
	if err != nil {
		return o.elsewhere(ctx, id, err)
	}
	return src, nil
}

// Read implements gateway.Reader.
func (o originals) Read(ctx context.Context, it registry.Item) (registry.Document, error) {
	src, err := o.Open(ctx, it)
	if err != nil {
		return registry.Document{}, err
	}
	defer src.Close()
	doc := o.reader.Read(ctx, readAs(it), src)
	return markCodes(it, markEvidence(it, doc)), nil
}

// markEvidence tells proofs of delivery from what the sender attached: they do
// not count as attachments.
func markEvidence(it registry.Item, doc registry.Document) registry.Document {
	if it.File == nil || len(it.File.Evidence) == 0 {
		return doc
	}
	for i, a := range doc.Attachments {
		if a.Role == registry.RoleAttachment && slices.Contains(it.File.Evidence, a.Name) {
			doc.Attachments[i].Role = registry.RoleEvidence
		}
	}
	if !it.File.EvidenceAt.IsZero() {
		doc.Flags = registry.AddFlags(doc.Flags, registry.FlagEvidenceTime)
	}
	return doc
}

// readAs lets several files that came together be read as what they were
// wrapped into.
func readAs(it registry.Item) registry.Item {
	if it.Hand != nil && len(it.Hand.Files) > 1 || it.File != nil && len(it.File.Companions) > 0 {
		it.Door = registry.DoorSMTP
	}
	return it
}

// Original opens the bytes as they arrived, checked against the digest that
// the book has: that the archive agrees with itself is not enough.
func (o originals) Original(ctx context.Context, work registry.Work) (io.ReadCloser, error) {
	src, err := o.open(ctx, work.Place, work.Item)
	if err != nil {
		return nil, err
	}
	if src.Digest() != work.Digest {
		_ = src.Close()
		return nil, fmt.Errorf("%w: the original of %s is %s, the book says %s", registry.ErrDamaged, work.Number, src.Digest(), work.Digest)
	}
	return src, nil
}

// Attachment opens one decoded part.
func (o originals) Attachment(ctx context.Context, it registry.Item, path string) (io.ReadCloser, error) {
	src, err := o.open(ctx, it.Place, it.ID)
	if err != nil {
		return nil, err
	}
	part, err := o.reader.Open(ctx, readAs(it), src, path)
	if err != nil {
		_ = src.Close()
		return nil, err
	}
	return both{part, src}, nil
}

// both closes a part and the original it was read from.
type both struct {
	io.ReadCloser
	under io.Closer
}

func (b both) Close() error {
	err := b.ReadCloser.Close()
	if underErr := b.under.Close(); err == nil {
		err = underErr
	}
	return err
}

// Text reads a letter for people once more, since the book does not keep it,
// and adds what was read of its files later.
func (o originals) Text(ctx context.Context, it registry.Item) (string, error) {
	doc, err := o.Read(ctx, it)
	if err != nil {
		return doc.Text, err
	}
	late, err := o.lateText(ctx, it.ID)
	return strings.Trim(doc.Text+"\n\n"+late, "\n"), err
}

// lateText gives the text of an item's PDFs and scans, "" while nobody has read
// them.
func (o originals) lateText(ctx context.Context, id registry.ItemID) (string, error) {
	found, err := o.book.Find(ctx, registry.Query{Of: registry.FindNotes, NoteKind: gateway.LateTextNote, Key: id.String(), Limit: 1})
	if err != nil || len(found.Notes) == 0 {
		return "", err
	}
	return gateway.UnpackText(found.Notes[0].Value)
}

// PartText reads one part as text.
func (o originals) PartText(ctx context.Context, it registry.Item, path string) (string, error) {
	src, err := o.Open(ctx, it)
	if err != nil {
		return "", err
	}
	defer src.Close()
	return o.reader.PartText(ctx, readAs(it), src, path)
}

// SafeHTML cleans a page for a preview.
func (o originals) SafeHTML(source string, picture func(cid string) (address string, ok bool)) string {
	return parse.SafeHTML(source, picture)
}

// replied opens originals for answers to our own mail.
type replied struct{ originals }

// Original implements reply.Originals.
func (r replied) Original(ctx context.Context, it registry.Item) (io.ReadCloser, error) {
	return r.Open(ctx, it)
}
