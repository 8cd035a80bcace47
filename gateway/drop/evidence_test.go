package drop_test

import (
	"strings"
	"testing"
	"time"

	"kancelaria/gateway/drop"
)

func FuzzReadEvidence(f *testing.F) {
	f.Add(`<REMEvidence><EventTime>2026-12-17T14:02:00+01:00</EventTime></REMEvidence>`)
	f.Add(`<a>` + strings.Repeat("<b>", 1000))
	f.Add(`<UPP><DataDoreczenia>2026</DataDoreczenia>`)
	f.Fuzz(func(t *testing.T, text string) {
		e, ok := drop.ReadEvidence(strings.NewReader(text), time.UTC)
		if !ok && !e.At.IsZero() || ok && e.Root == "" {
			t.Errorf("evidence = %+v, %v", e, ok)
		}
	})
}
