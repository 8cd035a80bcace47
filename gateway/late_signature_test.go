package gateway_test

import (
	"context"
	"slices"
	"testing"

	"kancelaria/registry"
	"kancelaria/registry/storetest"
)

// reports are what a later look finds.
type reports []registry.SignatureReport

func (r reports) Signed(_ context.Context, it registry.Item) (registry.Document, error) {
	return registry.Document{Signatures: r}, nil
}

func TestSignaturesAreLookedAtOnceMore(t *testing.T) {
	report := func(verdict, reason, intact string) registry.SignatureReport {
		return registry.SignatureReport{Path: "2", Schema: 1, Format: "PAdES", Verdict: verdict, Reason: reason, Intact: intact, Covers: registry.CoversWhole}
	}
	open := report(registry.Indeterminate, registry.NotChecked, registry.SignatureUnchecked)
	stale := report(registry.Indeterminate, registry.TryLater, registry.SignatureIntact)
	good := report(registry.TotalPassed, "", registry.SignatureIntact)
	bad := report(registry.TotalFailed, registry.HashFailure, registry.SignatureBroken)
	for _, tt := range []struct {
		name         string
		first, later registry.SignatureReport
		events       []string
		flags        string
	}{
		{"there was no time, and it is good", open, good, []string{"finding → "}, ""},
		{"there was no time, and it is broken", open, bad, []string{"finding → os1"}, "signature_failed"},
		{"revocation became known", stale, good, []string{"finding → "}, ""},
		{"nothing more is known", stale, stale, nil, ""},
		{"nothing was open", bad, good, nil, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			letter := storetest.Letter(1)
			letter.Arrival.Document.Signatures = []registry.SignatureReport{tt.first}
			r := newBackroom(t, letter)
			r.checker = reports{tt.later}
			r.look(t)
			r.look(t)
			if got := r.events(t, 1); !slices.Equal(got, tt.events) {
				t.Errorf("events %q, want %q", got, tt.events)
			}
			if got := r.entry(t, 1).Flags; len(got) > 0 != (tt.flags != "") || tt.flags != "" && !slices.Contains(got, registry.Flag(tt.flags)) {
				t.Errorf("flags %v, want %q", got, tt.flags)
			}
		})
	}
}
