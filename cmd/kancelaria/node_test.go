package main

import "testing"

func TestGatewaysThatDecideByOtherRulesAreTold(t *testing.T) {
	const rules, office = "aaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbb"
	for _, tt := range []struct {
		name, colour, text string
		others             map[string]presence
	}{
		{"all alike", "green", "2 others, which decide by the same rules", map[string]presence{"n2": {Rules: rules, Office: office}, "n3": {Rules: rules}}},
		{"other rules", "amber", "n2 decides by rules cccccccccccc, this one by aaaaaaaaaaaa", map[string]presence{"n2": {Rules: "cccccccccccccccc"}, "n3": {Rules: rules, Office: office}}},
		{"another office", "amber", "n2 has office.yaml cccccccccccc, this one bbbbbbbbbbbb", map[string]presence{"n2": {Rules: rules, Office: "cccccccccccccccc"}}},
		{"files refused there", "amber", "n2 refuses the files on its disk", map[string]presence{"n2": {Rules: rules, Office: office, Rejected: true}}},
	} {
		if l := compareGateways(tt.others, rules, office); l.Colour != tt.colour || l.Text != tt.text {
			t.Errorf("%s: %s %q, want %s %q", tt.name, l.Colour, l.Text, tt.colour, tt.text)
		}
	}
}
