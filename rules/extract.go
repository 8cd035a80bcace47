package rules

import (
	"slices"

	"kancelaria/registry"
)

// The bounds of a header that is kept: a letter may bring a megabyte of them.
const (
	maxKeptValues = 8
	maxKeptValue  = 500
)

// Extract gives what the set looks at of a letter beside its document: the
// beginning of the text, and the headers that conditions name.
func (s *Set) Extract(doc registry.Document) registry.Extract {
	e := registry.Extract{Text: window(doc.Own, s.window), Window: s.window}
	for _, name := range s.headers {
		if e.Headers == nil {
			e.Headers = make(map[string][]string, len(s.headers))
		}
		var kept []string
		for _, v := range doc.Headers.All[name][:min(len(doc.Headers.All[name]), maxKeptValues)] {
			kept = append(kept, window(v, maxKeptValue))
		}
		e.Headers[name] = kept
	}
	return e
}

// restore puts an extract back into the document it was taken from. It reports
// whether all is there that the set looks at: another set may look further.
func (s *Set) restore(doc *registry.Document, e registry.Extract) bool {
	doc.Own, doc.Headers.All = e.Text, e.Headers
	whole := s.window <= e.Window || e.Window > 0 && len(e.Text) < e.Window-3 // a letter is not cut in two
	return whole && !slices.ContainsFunc(s.headers, func(name string) bool {
		_, kept := e.Headers[name]
		return !kept
	})
}
