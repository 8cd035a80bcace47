package drop

import (
	"bytes"
	"context"
	"io"
	"time"
)

// Health is how a source fares, for status and metrics.
type Health struct {
	Name     string
	LastScan time.Time
	LastOK   time.Time
	Error    string
	Again    time.Time      // next try
	Failed   int            // scans in a row that ended in an error
	Waiting  map[string]int // files by why they wait: growing, open, incomplete, empty, forbidden, unreachable, companion
	Claimed  int
	Taken    int64 // named since the start
	purged   time.Time
}

// Health gives a copy.
func (w *Watcher) Health() Health {
	w.mu.Lock()
	defer w.mu.Unlock()
	h := w.health
	h.Waiting = map[string]int{}
	for _, f := range w.seen {
		h.Waiting[f.why]++
	}
	h.Claimed = len(w.claimed)
	return h
}

func (w *Watcher) noteScan(err error, wait time.Duration) {
	now := w.Now()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.health.LastScan, w.health.Again, w.health.Error = now, now.Add(wait), ""
	if err != nil {
		w.health.Error = err.Error()
		w.health.Failed++
		return
	}
	w.health.LastOK, w.health.Failed = now, 0
}

// Red reports whether a person must look: nothing goes on any more, or there
// are files that we may not touch.
func (h Health) Red() bool {
	return h.Failed >= 5 && h.LastScan.Sub(h.LastOK) > 5*time.Minute || h.Waiting["forbidden"] > 0
}

func (w *Watcher) counted() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.health.Taken++
}

// maxList bounds a daily list that is read back.
const maxList = 16 << 20

// listed reads the names in a daily list.
func (w *Watcher) listed(ctx context.Context, p string) ([]string, error) {
	h, err := w.fs.Open(ctx, p)
	if err != nil {
		return nil, err
	}
	defer h.Close()
	e, err := h.Stat()
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.NewSectionReader(h, 0, min(e.Size, maxList)))
	if err != nil {
		return nil, err
	}
	var names []string
	for line := range bytes.Lines(data) {
		if i := bytes.LastIndexByte(line, '\t'); i >= 0 {
			names = append(names, string(bytes.TrimSpace(line[i+1:])))
		}
	}
	return names, nil
}
