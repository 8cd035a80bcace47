package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// A drop leaves scans in a folder, under the names a scanner gives.
type drop struct {
	Folder string  `arg:"" help:"The folder the office watches."`
	Count  int     `default:"100" help:"How many."`
	Rate   float64 `default:"10" help:"Scans a second; 0 is as fast as the disk."`
	Size   string  `default:"60KB" help:"Bytes of each."`
}

// Run implements the command.
func (d *drop) Run(ctx context.Context) error {
	m, err := parseMix(d.Size)
	if err != nil {
		return err
	}
	began := time.Now()
	page := filler(m[0].size)
	for n := range d.Count {
		if d.Rate > 0 {
			due := began.Add(time.Duration(float64(n) / d.Rate * float64(time.Second)))
			if !sleepUntil(ctx, due) {
				return ctx.Err()
			}
		}
		name := fmt.Sprintf("SKM_C250i%s%06d.pdf", began.Format("060102150405"), n)
		if err := leaveScan(filepath.Join(d.Folder, name), page, n); err != nil {
			return err
		}
	}
	fmt.Printf("%d scans left in %s in %.1f s\n", d.Count, d.Folder, time.Since(began).Seconds())
	return nil
}

// leaveScan writes a file that no other equals, and never over another.
func leaveScan(file string, page []byte, n int) (err error) {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("leaving a scan: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	own := fmt.Appendf(nil, "%%PDF-1.4\n%% %s %d\n", filepath.Base(file), n)
	if _, err := f.Write(append(own, bytes.TrimPrefix(page, []byte("%PDF-1.4\n"))...)); err != nil {
		return fmt.Errorf("leaving a scan: %w", err)
	}
	return nil
}
