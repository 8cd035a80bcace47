package parse

import (
	"path"
	"regexp"
	"strings"
	"time"
)

// The hints that the name of a scan may give. Times are local to the device
// and have no zone.
const (
	HintDevice = "device" // maker, and model where the name tells it
	HintTime   = "time"   // 2026-11-23T08:15:02, or only the day
	HintPage   = "page"   // of a scan that lies in one file a page
)

// A scanNaming is how one maker's devices name what they scan.
type scanNaming struct {
	device  string
	pattern *regexp.Regexp // groups: model, time, page
	layouts []string       // of the time
}

// scanNamings lists what devices do, the surest first. Konica Minolta runs the
// model into the date, so the date is counted from the end.
func scanNamings() []scanNaming {
	long := []string{"20060102150405", "200601021504", "20060102"}
	make := func(device, pattern string, layouts ...string) scanNaming {
		return scanNaming{device, regexp.MustCompile(pattern), layouts}
	}
	return []scanNaming{
		make("Konica Minolta", `(?i)^[SCFP]?KM(?:BT)?_(?P<model>[a-z0-9 -]{2,12}?)(?P<time>\d{10})\d(?:_(?P<page>\d{4}))?$`, "0601021504"),
		make("Konica Minolta", `(?i)^[SCFP]?BIZHUB[ _]?(?P<model>[a-z0-9-]{2,12}?)?_?(?P<time>\d{10})\d?(?:_(?P<page>\d{4}))?$`, "0601021504"),
		make("Kyocera", `(?i)^doc\d{5,6}(?P<time>\d{14})$`, long...),
		make("Ricoh", `^(?P<time>\d{14})\d{3}(?:_(?P<page>\d{4}))?$`, long...),
		make("Canon", `^(?:\d{4}_)?(?P<time>\d{14})$`, long...),
		make("HP", `(?i)^\[Untitled\]_?(?P<time>\d{12})\d{0,2}$`, "200601021504"),
		make("HP", `(?i)^scan_\d{8}_(?P<time>\d{14})$`, long...),
		make("Brother", `(?i)^BR[NW][0-9a-f]{8,12}_\d{3,6}$`),
		make("Epson", `(?i)^EPSON(?P<page>\d{3,4})$`),
		make("Xerox", `(?i)^Xerox[ _]?Scan[_ ]?(?P<time>\d{8,14})$`, long...),
		make("", `(?i)^(?:scan|skan|img|doc|dokument)[ _-]?(?P<time>20\d{6}[_-]?(?:\d{6}|\d{4})?)(?:[_-](?P<page>\d{3,4}))?$`, long...),
		make("", `^(?P<page>\d{4})$`),
	}
}

// scanHints reads the name of a scan. A name is a hint, never a key: counters
// start again and devices are renamed.
func (r *Reader) scanHints(name string) map[string]string {
	base := strings.TrimSuffix(path.Base(name), path.Ext(name))
	if len(base) > 100 {
		return nil
	}
	for _, n := range r.scans {
		m := n.pattern.FindStringSubmatch(base)
		if m == nil {
			continue
		}
		hints := map[string]string{}
		put := func(key, value string) {
			if value != "" {
				hints[key] = value
			}
		}
		group := func(name string) string {
			if i := n.pattern.SubexpIndex(name); i >= 0 {
				return m[i]
			}
			return ""
		}
		when := group("time")
		at := scanTime(when, n.layouts)
		if when != "" && at == "" {
			continue
		}
		put(HintDevice, strings.TrimSpace(n.device+" "+group("model")))
		put(HintTime, at)
		put(HintPage, strings.TrimLeft(group("page"), "0"))
		if len(hints) > 0 {
			return hints
		}
	}
	return nil
}

func scanTime(digits string, layouts []string) string {
	digits = strings.NewReplacer("_", "", "-", "").Replace(digits)
	for _, layout := range layouts {
		t, err := time.Parse(layout, digits)
		switch {
		case err != nil || t.Year() < 1995:
		case layout == "20060102":
			return t.Format(time.DateOnly)
		default:
			return t.Format("2006-01-02T15:04:05")
		}
	}
	return ""
}
