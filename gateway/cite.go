package gateway

import (
	"context"
	"errors"
	"log/slog"
	"sync"

	"kancelaria/registry"
)

// A RuleFile is a file by which letters are decided, as the book keeps it.
type RuleFile struct {
	Kind    string // RulesFile, OfficeFile
	Name    string // as on the disk
	Digest  registry.Digest
	Content []byte
}

// The kinds of rule files. A set of rules is only whole with the office it was
// checked against.
const (
	RulesFile  = "rules"
	OfficeFile = "office"
)

// RuleFiles is the subject of the leaves that keep rule files.
const RuleFiles = "rules"

// Key names the draft that keeps the file: one for each digest, for ever.
func (f RuleFile) Key() string { return FileKey(f.Kind, f.Digest) }

// FileKey is the key under which the book keeps a rule file.
func FileKey(kind string, digest registry.Digest) string { return kind + "/" + digest.String() }

func (f RuleFile) draft() registry.Draft {
	return registry.Draft{Key: f.Key(), Actor: registry.Daemon, Act: &registry.Act{
		Kind: registry.ActRules, Subject: RuleFiles, Text: f.Name, Content: f.Content,
	}}
}

// A Citing is the book for a desk: the first decision that cites a set of rules
// brings the set into the book, so that it can be explained when the rules have
// long been others. It costs a look at a map for each letter after that.
type Citing struct {
	Book
	files func(c Cited) []RuleFile
	log   *slog.Logger

	mu    sync.Mutex
	cited map[Cited]bool // offered, and not known to have failed; guarded by mu
}

// Cited names the two files that make a decision.
type Cited struct{ Rules, Office registry.Digest }

// NewCiting makes it. Files gives the files of a set in force now or lately.
func NewCiting(book Book, files func(c Cited) []RuleFile, log *slog.Logger) *Citing {
	return &Citing{Book: book, files: files, log: log, cited: map[Cited]bool{}}
}

// Offer implements Book. What becomes of the files does not hold up the letter:
// if they could not be written, the next one brings them.
func (c *Citing) Offer(ctx context.Context, d registry.Draft) func(context.Context) (registry.Outcome, error) {
	if d.Arrival == nil {
		return c.Book.Offer(ctx, d)
	}
	settle := c.cite(ctx, d.Arrival.Decision)
	written := c.Book.Offer(ctx, d)
	return func(ctx context.Context) (registry.Outcome, error) {
		out, err := written(ctx)
		settle(ctx)
		return out, err
	}
}

// Cite brings the set that made a decision into the book, if it is not there.
func (c *Citing) Cite(ctx context.Context, d registry.Decision) { c.cite(ctx, d)(ctx) }

// cite offers the files that a decision is the first to cite and gives a
// function that waits for them. The lock is held until they stand in the queue:
// whoever finds them cited comes behind them.
func (c *Citing) cite(ctx context.Context, d registry.Decision) (settle func(context.Context)) {
	key := Cited{d.RulesDigest, d.OfficeDigest}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cited[key] || key.Rules.IsZero() {
		return func(context.Context) {}
	}
	c.cited[key] = true
	var files []func(context.Context) (registry.Outcome, error)
	for _, f := range c.files(key) {
		files = append(files, c.Book.Offer(ctx, f.draft()))
	}
	return func(ctx context.Context) {
		for _, f := range files {
			out, err := f(ctx)
			if err == nil {
				err = out.Err()
			}
			if err != nil {
				c.forget(key, err)
			}
		}
	}
}

// forget lets the next letter bring a set that did not get into the book. What
// the law of the book refuses is not offered again.
func (c *Citing) forget(key Cited, err error) {
	c.log.Warn("rules.not_kept", "rules", key.Rules, "office", key.Office, "err", err)
	if errors.Is(err, registry.ErrRefused) {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.cited, key)
}
