package screen

import (
	"strconv"
	"strings"

	"kancelaria/registry"
)

// arc reads what the newest seal of forwarders says of the chain before it
// (RFC 8617 § 4.1.3): "pass, sealed by list.example (2)". Nobody verifies it
// here: it tells a clerk that a letter came through somebody, and no more.
func arc(doc registry.Document) string {
	newest, instance := map[string]string(nil), 0
	for _, seal := range doc.Headers.ARCSeals {
		tags := tagList(seal)
		if n, err := strconv.Atoi(tags["i"]); err == nil && n > instance && n <= 50 {
			newest, instance = tags, n
		}
	}
	cv := newest["cv"]
	switch {
	case instance == 0:
		return ""
	case cv != "none" && cv != "pass" && cv != "fail":
		cv = "malformed"
	}
	return cut(cv + ", sealed by " + newest["d"] + " (" + strconv.Itoa(instance) + ")")
}

// tagList reads tag=value pairs (RFC 6376 § 3.2).
func tagList(s string) map[string]string {
	tags := map[string]string{}
	for pair := range strings.SplitSeq(s, ";") {
		if name, value, ok := strings.Cut(pair, "="); ok && len(tags) < 30 {
			tags[strings.TrimSpace(name)] = strings.ToLower(strings.Join(strings.Fields(value), ""))
		}
	}
	return tags
}
