package rules

import (
	"slices"
	"strings"

	"kancelaria/registry"
)

// A titled is a title of a clerk as a phrase of the lexicon.
type titled struct {
	phrase int32
	login  string
}

// build finishes a set that was read without errors: zones for the phrases,
// the list of fields asked, titles, and the scratch.
func (s *Set) build() {
	asked := [fieldCount]bool{}
	s.zoneOf[fSubject], s.zones = 0, 1 // the subject is always read: titles stand there
	inUse := [fieldCount]bool{fSubject: true}
	for _, r := range s.rules {
		r.when.leaves(func(l *leaf) {
			if l.other != "" {
				if header, ok := strings.CutPrefix(l.other, headerPrefix); ok && !slices.Contains(s.headers, header) {
					s.headers = append(s.headers, header)
				}
				return
			}
			asked[l.field] = true
			if l.op == opWords && !inUse[l.field] {
				inUse[l.field] = true
				s.zoneOf[l.field] = uint8(s.zones)
				s.zones++
			}
		})
	}
	slices.Sort(s.headers)
	for f := range fieldID(fieldCount) {
		if asked[f] {
			s.asks = append(s.asks, f)
		}
	}
	for _, login := range keys(s.office.Clerks) {
		for _, t := range s.office.Clerks[login].Titles {
			if p, ok := parsePhrase(t); ok {
				s.titles = append(s.titles, titled{s.lexicon.add(p), login})
			}
		}
	}
	s.lexicon.build()
	s.dates = newDateFinder(registry.Catalogue(s.office.Language))
	s.views.New = func() any { return &view{set: s, reading: s.lexicon.newReading(s.zones)} }
}
