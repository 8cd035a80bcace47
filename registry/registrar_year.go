package registry

import (
	"context"
	"fmt"
	"time"
)

// yearStaysOpen is how long after New Year the old year's series stay open: a
// holiday-long outage still registers into the year of arrival.
const yearStaysOpen = closeAfterDays * 24 * time.Hour

// CloseYears closes the series of years that are over, 72 hours after New
// Year, unless a live node still holds an item that was accepted before. The
// closing is a leaf: how many numbers were given and which was the last.
// It is safe to call at any time, from any node.
func (r *Registrar) CloseYears(ctx context.Context, waits func(ctx context.Context, acceptedBefore time.Time) (bool, error)) error {
	office := r.o.Office()
	now := r.o.Now()
	page, err := r.store.Find(ctx, Query{Of: FindSeries})
	if err != nil {
		return fmt.Errorf("closing years: %w", err)
	}
	for _, s := range page.Series {
		newYear := time.Date(s.Year+1, time.January, 1, 0, 0, 0, 0, office.Zone)
		if !s.ClosedAt.IsZero() || s.OpenedAt.IsZero() || now.Before(newYear.Add(yearStaysOpen)) {
			continue
		}
		waiting, err := waits(ctx, newYear)
		if err != nil {
			return fmt.Errorf("closing %s: asking what waits: %w", s.Series, err)
		}
		if waiting {
			continue
		}
		out, err := r.Submit(ctx, Draft{
			Key: "close/" + s.Series.String(), Actor: Daemon, Act: &Act{Kind: ActClosed, Subject: s.Series.String()},
		})
		if err == nil {
			err = out.Err()
		}
		if err != nil {
			return fmt.Errorf("closing %s: %w", s.Series, err)
		}
		r.o.Log.Info("registrar.year_closed", "series", s.Series.String(), "leaf", out.Leaf)
	}
	return nil
}
