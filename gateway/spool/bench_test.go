package spool

import (
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"testing"

	"kancelaria/registry"
	"kancelaria/registry/archive"
)

func realArchive(b *testing.B, dir string) *archive.Archive {
	b.Helper()
	a, err := archive.Open(dir, archive.Options{UnsafeFilesystem: true, MinFree: 1, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	return a
}

// BenchmarkStart opens archive and spool with 100,000 letters of 4 KB waiting,
// after a crash (every record is walked) and after a stop (with a cursor), up
// to the first item in hand and one more letter accepted.
func BenchmarkStart(b *testing.B) {
	const waiting = 100_000
	dir := b.TempDir()
	a := realArchive(b, dir)
	s, err := New(b.Context(), a, Options{})
	if err != nil {
		b.Fatal(err)
	}
	text := strings.Repeat("letter  ", 512)
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			for range waiting / 64 {
				if _, err := s.Put(b.Context(), []registry.Item{letterTo("RPW")}, strings.NewReader(text)); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	if err := a.Close(); err != nil {
		b.Fatal(err)
	}
	for _, how := range []string{"after a crash", "after a stop"} {
		b.Run(how, func(b *testing.B) {
			for b.Loop() {
				a := realArchive(b, dir)
				s, err := New(b.Context(), a, Options{})
				if err != nil {
					b.Fatal(err)
				}
				it, err := s.Next(b.Context())
				if err != nil {
					b.Fatal(err)
				}
				if _, err := s.Put(b.Context(), []registry.Item{letterTo("RPW")}, strings.NewReader(text)); err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				if o, err := a.Original(b.Context(), it.Place, it.ID); err != nil {
					b.Fatal(err)
				} else if n, err := io.Copy(io.Discard, o); err != nil || n != int64(len(text)) {
					b.Fatal(n, err)
				}
				var m runtime.MemStats
				runtime.GC()
				runtime.ReadMemStats(&m)
				b.ReportMetric(float64(m.HeapAlloc)/1e6, "MB-heap")
				b.ReportMetric(float64(s.Stats().Waiting), "waiting")
				if how == "after a stop" {
					if err := s.Close(); err != nil {
						b.Fatal(err)
					}
				}
				if err := a.Close(); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
			}
		})
		if how == "after a crash" { // leave a cursor for the next round
			a := realArchive(b, dir)
			s, err := New(b.Context(), a, Options{})
			if err != nil {
				b.Fatal(err)
			}
			if err := s.Close(); err != nil {
				b.Fatal(err)
			}
			if err := a.Close(); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// BenchmarkPut accepts letters of 4 KB through the spool.
func BenchmarkPut(b *testing.B) {
	for _, writers := range []int{1, 8, 64} {
		b.Run(fmt.Sprint(writers), func(b *testing.B) {
			a := realArchive(b, b.TempDir())
			defer a.Close()
			s, err := New(b.Context(), a, Options{})
			if err != nil {
				b.Fatal(err)
			}
			text := strings.Repeat("letter  ", 512)
			b.SetParallelism((writers + 1) / 2)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if _, err := s.Put(b.Context(), []registry.Item{letterTo("RPW")}, strings.NewReader(text)); err != nil {
						b.Error(err)
						return
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "letters/s")
		})
	}
}
