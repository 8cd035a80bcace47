package notify

import (
	"context"

	"kancelaria/registry"
)

// A finisher writes what became of rows: all that wait go in one transaction,
// so that a thousand mails cost a few dozen syncs instead of two thousand.
type finisher struct {
	store Store
	queue chan finishing
}

type finishing struct {
	row  registry.OutboxRow
	done chan error // buffered: the finisher never waits
}

const finishAtOnce = 128

func newFinisher(store Store) *finisher {
	return &finisher{store: store, queue: make(chan finishing, finishAtOnce)}
}

// finish writes a row and waits until it is written.
func (f *finisher) finish(ctx context.Context, row registry.OutboxRow) error {
	job := finishing{row, make(chan error, 1)}
	select {
	case f.queue <- job:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-job.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// run writes until close was called and nothing waits.
func (f *finisher) run(ctx context.Context) {
	for first := range f.queue {
		jobs := []finishing{first}
		for more := true; more && len(jobs) < finishAtOnce; {
			select {
			case job, ok := <-f.queue:
				if ok {
					jobs = append(jobs, job)
				}
				more = ok
			default:
				more = false
			}
		}
		rows := make([]registry.OutboxRow, len(jobs))
		for i, job := range jobs {
			rows[i] = job.row
		}
		err := f.store.Finish(ctx, rows)
		for _, job := range jobs {
			job.done <- err
		}
	}
}

// close ends run. Nobody may call finish after it.
func (f *finisher) close() { close(f.queue) }
