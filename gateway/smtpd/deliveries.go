package smtpd

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"kancelaria/registry"
)

// A Delivery is one attempt to hand us a letter, successful or not: the answer
// to "you never got it".
type Delivery struct {
	At         time.Time         `json:"at"`
	Session    string            `json:"session,omitempty"`
	Door       registry.Door     `json:"door"`
	Peer       string            `json:"peer,omitempty"`
	Helo       string            `json:"helo,omitempty"`
	TLS        string            `json:"tls,omitempty"`
	User       string            `json:"user,omitempty"`
	Command    string            `json:"command"` // that was answered: CONNECT, MAIL, RCPT, DATA, BDAT, AUTH
	Sender     string            `json:"sender"`
	Recipients []string          `json:"recipients,omitempty"`
	Size       int64             `json:"size,omitempty"`
	Code       int               `json:"code"`
	Answer     string            `json:"answer,omitempty"`
	Items      []registry.ItemID `json:"items,omitempty"`
	// Omitted counts refusals before this line that were too many to write down.
	Omitted int `json:"omitted,omitempty"`
}

// keepMonths is how long deliveries are kept.
const keepMonths = 24

// Deliveries is the log of what was tried at the mail door: a file a month,
// one JSON object a line. What was written last may be lost with the
// power; the letters themselves are elsewhere.
type Deliveries struct {
	dir string
	log *slog.Logger

	mu    sync.Mutex
	month string // of file
	file  *os.File
	buf   *bufio.Writer
}

// OpenDeliveries keeps the log in dir, which is made if need be.
func OpenDeliveries(dir string, log *slog.Logger) (*Deliveries, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the log of deliveries: %w", err)
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Deliveries{dir: dir, log: log}, nil
}

// Record adds a line. A disk that fails costs lines, never letters.
func (d *Deliveries) Record(one Delivery) {
	line, err := json.Marshal(one)
	if err != nil {
		d.log.Error("smtpd.deliveries", "err", err)
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.turn(one.At); err != nil {
		d.log.Error("smtpd.deliveries", "err", err)
		return
	}
	if _, err := d.buf.Write(append(line, '\n')); err != nil {
		d.log.Error("smtpd.deliveries", "err", err)
		d.drop()
	}
}

// Run writes what is held five times a second until ctx is done, then closes.
func (d *Deliveries) Run(ctx context.Context) error {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if err := d.Flush(); err != nil {
				d.log.Error("smtpd.deliveries", "err", err)
			}
		case <-ctx.Done():
			return d.Close()
		}
	}
}

// Flush hands what is held to the system.
func (d *Deliveries) Flush() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.buf == nil {
		return nil
	}
	if err := d.buf.Flush(); err != nil {
		d.drop()
		return fmt.Errorf("writing the log of deliveries: %w", err)
	}
	return nil
}

// Close writes what is held. Record may be called after; it opens again.
func (d *Deliveries) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.file == nil {
		return nil
	}
	err := errors.Join(d.buf.Flush(), d.file.Close())
	d.month, d.file, d.buf = "", nil, nil
	return err
}

// drop gives up a file that cannot be written; the next line tries again.
func (d *Deliveries) drop() {
	_ = d.file.Close() // it failed already
	d.month, d.file, d.buf = "", nil, nil
}

// turn opens the file of a month, and drops those that are too old.
func (d *Deliveries) turn(at time.Time) error {
	month := at.UTC().Format("2006-01")
	if month == d.month {
		return nil
	}
	if d.file != nil {
		if err := errors.Join(d.buf.Flush(), d.file.Close()); err != nil {
			d.log.Error("smtpd.deliveries", "err", err)
		}
		d.month, d.file, d.buf = "", nil, nil
	}
	f, err := os.OpenFile(filepath.Join(d.dir, month+".log"), os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	if err := mendEnd(f); err != nil {
		_ = f.Close()
		return err
	}
	d.month, d.file, d.buf = month, f, bufio.NewWriterSize(f, 64<<10)
	d.dropOld(at)
	return nil
}

// mendEnd closes a line that a crash has cut off, so that the next one is whole.
func mendEnd(f *os.File) error {
	info, err := f.Stat()
	if err != nil || info.Size() == 0 {
		return err
	}
	var last [1]byte
	if _, err := f.ReadAt(last[:], info.Size()-1); err != nil || last[0] == '\n' {
		return err
	}
	_, err = f.WriteString("\n")
	return err
}

func (d *Deliveries) dropOld(now time.Time) {
	first := now.UTC().AddDate(0, 0, 1-now.UTC().Day()) // the 1st: no month has days to overflow
	oldest := first.AddDate(0, -keepMonths, 0).Format("2006-01")
	months, err := monthsIn(d.dir)
	for _, m := range months {
		if m < oldest {
			err = errors.Join(err, os.Remove(filepath.Join(d.dir, m+".log")))
		}
	}
	if err != nil {
		d.log.Error("smtpd.deliveries", "err", err)
	}
}

// A Search names deliveries: those whose sender contains Sender, in any case,
// at or after Since. Zero means all.
type Search struct {
	Sender string
	Since  time.Time
}

// Find gives what was tried, oldest first, what was recorded just now included.
func (d *Deliveries) Find(q Search) iter.Seq2[Delivery, error] {
	if err := d.Flush(); err != nil {
		return func(yield func(Delivery, error) bool) { yield(Delivery{}, err) }
	}
	return FindDeliveries(d.dir, q)
}

// FindDeliveries reads the log in dir, oldest first, also while a daemon writes
// it. Lines that a crash has cut are passed over.
func FindDeliveries(dir string, q Search) iter.Seq2[Delivery, error] {
	return func(yield func(Delivery, error) bool) {
		months, err := monthsIn(dir)
		if err != nil {
			yield(Delivery{}, fmt.Errorf("reading the log of deliveries: %w", err))
			return
		}
		for _, m := range months {
			if m < q.Since.UTC().Format("2006-01") {
				continue
			}
			if !findIn(filepath.Join(dir, m+".log"), q, yield) {
				return
			}
		}
	}
}

func findIn(name string, q Search, yield func(Delivery, error) bool) bool {
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return true // dropped meanwhile
	}
	if err != nil {
		return yield(Delivery{}, fmt.Errorf("reading the log of deliveries: %w", err))
	}
	defer f.Close()
	lines := bufio.NewReader(f)
	for {
		line, err := lines.ReadBytes('\n')
		var one Delivery
		if json.Unmarshal(line, &one) == nil && q.fits(one) && !yield(one, nil) {
			return false
		}
		if errors.Is(err, io.EOF) {
			return true
		}
		if err != nil {
			return yield(Delivery{}, fmt.Errorf("reading the log of deliveries: %w", err))
		}
	}
}

func (q Search) fits(d Delivery) bool {
	return !d.At.Before(q.Since) && (q.Sender == "" || strings.Contains(strings.ToLower(d.Sender), strings.ToLower(q.Sender)))
}

// monthsIn lists the months there are files of, oldest first.
func monthsIn(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	var months []string
	for _, e := range entries {
		m, ok := strings.CutSuffix(e.Name(), ".log")
		if _, err := time.Parse("2006-01", m); ok && err == nil {
			months = append(months, m)
		}
	}
	slices.Sort(months)
	return months, err
}
