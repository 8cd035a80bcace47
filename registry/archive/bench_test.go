package archive

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"kancelaria/registry"
)

// BenchmarkAccept makes letters durable, in the journal and, to compare on the
// same disk in the same run, as a file for each letter: written, synced,
// renamed, its folder synced.
func BenchmarkAccept(b *testing.B) {
	for _, size := range []int{4 << 10, 60 << 10, 1 << 20} {
		for _, writers := range []int{1, 8, 64} {
			text := bytes.Repeat([]byte("letter  "), size/8)
			b.Run(fmt.Sprintf("%dKB/%02d/journal", size>>10, writers), func(b *testing.B) {
				a, err := Open(b.TempDir(), Options{UnsafeFilesystem: true, MinFree: 1})
				if err != nil {
					b.Fatal(err)
				}
				defer a.Close()
				ctx, stop := context.WithCancel(b.Context())
				ran := make(chan error)
				go func() { ran <- a.Run(ctx) }()
				defer func() { stop(); <-ran }()
				deliver(b, a, registry.NewItemID(time.Now()), text) // the first segment is there
				spread(b, writers, int64(size), func() error {
					_, err := deliver(b, a, registry.NewItemID(time.Now()), text)
					return err
				})
			})
			b.Run(fmt.Sprintf("%dKB/%02d/files", size>>10, writers), func(b *testing.B) {
				dir := b.TempDir()
				var n atomic.Int64
				spread(b, writers, int64(size), func() error { return fileFor(dir, n.Add(1), text) })
			})
		}
	}
}

// spread runs do b.N times in so many goroutines and reports rate and p99.
func spread(b *testing.B, writers int, size int64, do func() error) {
	b.SetBytes(size)
	var left atomic.Int64
	left.Store(int64(b.N))
	took := make([][]time.Duration, writers)
	var wg sync.WaitGroup
	b.ResetTimer()
	for w := range writers {
		wg.Go(func() {
			for left.Add(-1) >= 0 {
				begin := time.Now()
				if err := do(); err != nil {
					b.Error(err)
					return
				}
				took[w] = append(took[w], time.Since(begin))
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	all := slices.Concat(took...)
	slices.Sort(all)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "letters/s")
	b.ReportMetric(float64(all[len(all)*99/100].Microseconds())/1000, "p99-ms")
}

func fileFor(dir string, n int64, text []byte) error {
	tmp := filepath.Join(dir, fmt.Sprint("tmp", n))
	f, err := os.Create(tmp)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Write(text); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := os.Rename(tmp, filepath.Join(dir, fmt.Sprint(n))); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// BenchmarkOriginal reads and checks a letter of 4 KB.
func BenchmarkOriginal(b *testing.B) {
	a, err := Open(b.TempDir(), Options{UnsafeFilesystem: true, MinFree: 1})
	if err != nil {
		b.Fatal(err)
	}
	defer a.Close()
	l := mustDeliver(b, a, registry.NewItemID(time.Now()), bytes.Repeat([]byte("letter  "), 512))
	for b.Loop() {
		o, err := a.Original(b.Context(), l.place, l.item)
		if err != nil {
			b.Fatal(err)
		}
		o.Close()
	}
}

// BenchmarkManyLarge has 64 letters of 25 MB under way at once and reports the
// peak of the process's memory.
func BenchmarkManyLarge(b *testing.B) {
	a, err := Open(b.TempDir(), Options{UnsafeFilesystem: true, MinFree: 1})
	if err != nil {
		b.Fatal(err)
	}
	defer a.Close()
	for b.Loop() {
		var wg sync.WaitGroup
		for range 64 {
			wg.Go(func() {
				id := registry.NewItemID(time.Now())
				body, err := a.Stage(b.Context(), id, io.LimitReader(endless{}, 25<<20), 0)
				if err != nil {
					b.Error(err)
					return
				}
				defer body.Close()
				if _, err := a.Append(b.Context(), registry.RecordItems, []registry.Sheet{{Item: id}}, body); err != nil {
					b.Error(err)
				}
			})
		}
		wg.Wait()
	}
	b.ReportMetric(peakMB(b), "MB-peak")
}

// endless reads as text without end, as a slow sender would give it.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	n := min(len(p), 4<<10)
	for i := range p[:n] {
		p[i] = 'x'
	}
	return n, nil
}

func peakMB(b *testing.B) float64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	var kb float64
	if _, err := fmt.Sscan(rest, &kb); err != nil {
		b.Fatal(err)
	}
	return kb / 1024
}
