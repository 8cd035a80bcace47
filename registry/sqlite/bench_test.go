package sqlite

import (
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"kancelaria/registry"
)

// submit hands drafts over as the committer does: whoever waits goes with the
// next group.
func submit(b *testing.B, s registry.Store, submitters, total int, draft func(int) registry.Draft) {
	b.Helper()
	type offer struct {
		d    registry.Draft
		done chan struct{}
	}
	offers := make(chan offer, submitters)
	var next, groups atomic.Int64
	var clients, committer sync.WaitGroup
	for range submitters {
		clients.Go(func() {
			for {
				n := int(next.Add(1))
				if n > total {
					return
				}
				o := offer{draft(n), make(chan struct{})}
				offers <- o
				<-o.done
			}
		})
	}
	committer.Go(func() {
		for first := range offers {
			group, drafts := []offer{first}, []registry.Draft{first.d}
			for more := true; more && len(group) < 256; {
				select {
				case o, open := <-offers:
					if more = open; open {
						group, drafts = append(group, o), append(drafts, o.d)
					}
				default:
					more = false
				}
			}
			groups.Add(1)
			out, err := s.Commit(b.Context(), drafts)
			if err != nil {
				b.Error(err)
			}
			for i := range out {
				if out[i].State != registry.Written {
					b.Errorf("%+v", out[i])
				}
			}
			for _, o := range group {
				close(o.done)
			}
		}
	})
	clients.Wait()
	close(offers)
	committer.Wait()
	b.ReportMetric(float64(total)/float64(groups.Load()), "entries/group")
}

// cpu is the processor time this process has used: what is comparable on a
// machine that does other things too.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		b.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

func report(b *testing.B, before time.Duration) {
	b.Helper()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "entries/s")
	b.ReportMetric(float64((cpu(b)-before).Microseconds())/float64(b.N), "cpu-µs/entry")
}

func BenchmarkCommit64(b *testing.B) {
	s := open(b, Options{})
	before := cpu(b)
	b.ResetTimer()
	submit(b, s, 64, b.N, letter)
	report(b, before)
}

func BenchmarkCommit1(b *testing.B) {
	s := open(b, Options{})
	before := cpu(b)
	b.ResetTimer()
	submit(b, s, 1, b.N, letter)
	report(b, before)
}
