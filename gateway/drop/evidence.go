package drop

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"path"
	"strings"
	"time"

	"kancelaria/registry"
)

// Bounds of a proof of delivery.
const (
	maxEvidence = 1 << 20
	maxElements = 20_000
)

// proofs are the roots of documents that prove a delivery: those of registered
// delivery services (ETSI EN 319 522-3) and of the ePUAP.
var proofs = []string{"REMEvidence", "ERDSEvidence", "Evidence", "UPP", "UPO", "UPD", "Poswiadczenie"}

// moments are the elements that say when it was made, the best first.
var moments = []string{"EventTime", "DataDoreczenia", "DataOdbioru", "DataWplywu", "DataOtrzymania"}

// An Evidence is a proof of delivery, as far as the office needs it. Whether it
// is genuine is for the signature checker.
type Evidence struct {
	Root string
	At   time.Time // zero if it names none
}

// ReadEvidence reads a proof of delivery. It reports false for any other file.
func ReadEvidence(r io.Reader, zone *time.Location) (Evidence, bool) {
	dec := xml.NewDecoder(io.LimitReader(r, maxEvidence))
	dec.CharsetReader = func(string, io.Reader) (io.Reader, error) { return nil, errors.New("not UTF-8") }
	var e Evidence
	var inside string
	best := len(moments)
	for range maxElements {
		token, err := dec.Token()
		if err != nil {
			break // its end, or no XML from here on
		}
		switch t := token.(type) {
		case xml.StartElement:
			if e.Root == "" {
				if e.Root = proof(t.Name); e.Root == "" {
					return Evidence{}, false
				}
			}
			inside = t.Name.Local
		case xml.EndElement:
			inside = ""
		case xml.CharData:
			if i := indexOf(moments, inside); i >= 0 && i < best {
				if at, ok := moment(string(bytes.TrimSpace(t)), zone); ok {
					e.At, best = at, i
				}
			}
		}
	}
	return e, e.Root != ""
}

// proof gives the kind of a root element. Documents of the ePUAP are all
// called Dokument; there the namespace tells.
func proof(name xml.Name) string {
	if i := indexOf(proofs, name.Local); i >= 0 {
		return proofs[i]
	}
	if space := strings.ToLower(name.Space); name.Local == "Dokument" && (strings.Contains(space, "/upo") || strings.Contains(space, "poswiadcz")) {
		return name.Local
	}
	return ""
}

func indexOf(list []string, s string) int {
	for i, v := range list {
		if v == s {
			return i
		}
	}
	return -1
}

// moment reads xsd:dateTime; without an offset it is the office's.
func moment(s string, zone *time.Location) (time.Time, bool) {
	if at, err := time.Parse(time.RFC3339Nano, s); err == nil {
		return at.UTC(), true
	}
	if at, err := time.ParseInLocation("2006-01-02T15:04:05.999999999", s, zone); err == nil {
		return at.UTC(), true
	}
	return time.Time{}, false
}

// oldEvidence bounds how long before us a delivery can have been made: the
// service keeps deliveries, and a wrong date would close a year's book early.
const oldEvidence = 90 * 24 * time.Hour

// readEvidence notes which files of a delivery prove it, and when it was made:
// the latest of them, since a proof of sending may lie beside that of receipt.
func (w *Watcher) readEvidence(it *registry.Item, c claim, held []File, before []Entry) {
	now := w.Now()
	for i, p := range c.parts {
		if !strings.EqualFold(path.Ext(p.path), ".xml") || before[i].Size > maxEvidence {
			continue
		}
		e, ok := ReadEvidence(io.NewSectionReader(held[i], 0, before[i].Size), w.Zone)
		if !ok {
			continue
		}
		it.File.Evidence = append(it.File.Evidence, path.Base(p.path))
		if e.At.IsZero() || e.At.After(now) || now.Sub(e.At) > oldEvidence {
			continue
		}
		if it.File.EvidenceAt.IsZero() || e.At.After(it.File.EvidenceAt) {
			it.File.EvidenceAt = e.At
		}
	}
}
