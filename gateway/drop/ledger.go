package drop

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"time"

	"kancelaria/registry"
)

// A Ledger remembers what was taken from a source that must be left as it is.
// It is a file of lines, only ever added to: one before a file goes into the
// archive, one after. It grows by about 200 bytes for each file taken.
type Ledger struct {
	mu    sync.Mutex
	f     *os.File
	files map[seenFile]registry.ItemID // guarded by mu, as all below
	open  map[registry.ItemID][]ledgerLine
}

// A seenFile is one content of one name, as far as a listing tells.
type seenFile struct {
	path  string
	size  int64
	mtime int64
	id    uint64
}

// A ledgerLine says that an item was begun from a file, or how it ended.
type ledgerLine struct {
	Item   registry.ItemID `json:"item"`
	State  string          `json:"state"` // begun, done, too_large, changed
	Path   string          `json:"path,omitempty"`
	Size   int64           `json:"size,omitempty"`
	MTime  int64           `json:"mtime_ns,omitempty"`
	FileID uint64          `json:"file_id,omitempty"`
	Digest string          `json:"sha256,omitempty"`
	Part   bool            `json:"incomplete,omitempty"`
}

// OpenLedger opens or begins the ledger of one source.
func OpenLedger(name string) (*Ledger, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the list of files taken: %w", err)
	}
	l := &Ledger{f: f, files: map[seenFile]registry.ItemID{}, open: map[registry.ItemID][]ledgerLine{}}
	if err := l.load(); err != nil {
		return nil, errors.Join(fmt.Errorf("reading the list of files taken: %w", err), f.Close())
	}
	return l, nil
}

// load reads the lines. The last may be torn by a power cut: nothing was done
// on the strength of it.
func (l *Ledger) load() error {
	lines := bufio.NewReader(l.f)
	for {
		text, err := lines.ReadBytes('\n')
		var line ledgerLine
		if len(bytes.TrimSpace(text)) > 0 && json.Unmarshal(text, &line) == nil {
			l.apply(line)
		}
		if err == io.EOF && len(text) > 0 {
			_, err = l.f.WriteString("\n")
			return err
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (l *Ledger) apply(line ledgerLine) {
	switch line.State {
	case "begun":
		l.files[seenFile{line.Path, line.Size, line.MTime, line.FileID}] = line.Item
		l.open[line.Item] = append(l.open[line.Item], line)
	case "changed":
		for _, b := range l.open[line.Item] {
			delete(l.files, seenFile{b.Path, b.Size, b.MTime, b.FileID})
		}
		delete(l.open, line.Item)
	default:
		delete(l.open, line.Item)
	}
}

// add writes lines and returns once they are on the disk.
func (l *Ledger) add(lines ...ledgerLine) error {
	var text []byte
	for _, line := range lines {
		b, err := json.Marshal(line)
		if err != nil {
			return err
		}
		text = append(append(text, b...), '\n')
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, err := l.f.Write(text); err != nil {
		return fmt.Errorf("writing the list of files taken: %w", err)
	}
	if err := l.f.Sync(); err != nil {
		return fmt.Errorf("writing the list of files taken: %w", err)
	}
	for _, line := range lines {
		l.apply(line)
	}
	return nil
}

// knows reports whether this content of this name was begun or taken.
func (l *Ledger) knows(p string, e Entry) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, known := l.files[seenFile{p, e.Size, e.ModTime.UnixNano(), e.ID}]
	return known
}

// begun are the claims that may not have reached the archive.
func (l *Ledger) begun() []claim {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []claim
	for item, lines := range l.open {
		c := claim{item: item, part: lines[0].Part, begun: time.Unix(0, lines[0].MTime)}
		for _, line := range lines {
			c.parts = append(c.parts, part{path: line.Path, at: line.Path})
		}
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b claim) int { return cmp.Compare(a.item.String(), b.item.String()) })
	return all
}

// Close lets go of the file.
func (l *Ledger) Close() error { return l.f.Close() }

// takeLeft takes what stays where it is.
func (w *Watcher) takeLeft(ctx context.Context, c claim, b bundle) error {
	lines := make([]ledgerLine, len(b.files))
	for i, f := range b.files {
		c.parts[i].at = f.path
		e := f.entry
		lines[i] = ledgerLine{Item: c.item, State: "begun", Path: f.path, Size: e.Size, MTime: e.ModTime.UnixNano(), FileID: e.ID, Part: b.part}
	}
	if err := w.ledger.add(lines...); err != nil {
		return err
	}
	c.begun = b.files[0].entry.ModTime
	for _, p := range c.parts {
		w.unsee(p.path)
	}
	w.note(c)
	held, err := w.hold(ctx, c)
	if err != nil {
		return fmt.Errorf("opening the file: %w", err)
	}
	return w.spool(ctx, c, held)
}

// doneLeft notes that an item is in the archive; nothing more is owed.
func (w *Watcher) doneLeft(c claim, put []registry.Item) error {
	line := ledgerLine{Item: c.item, State: "done"}
	if len(put) > 0 {
		line.Digest = put[0].Original.Digest.String()
	}
	if err := w.ledger.add(line); err != nil {
		return err
	}
	w.forget(c.item)
	w.counted()
	return nil
}

// dropLeft forgets an item whose file is no longer what it was. Failing to
// write that down only means that it is found out again.
func (w *Watcher) dropLeft(c claim) {
	if err := w.ledger.add(ledgerLine{Item: c.item, State: "changed"}); err != nil {
		w.Log.Warn("drop.ledger", "source", w.Name, "err", err)
	}
	w.forget(c.item)
}
