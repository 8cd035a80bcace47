package xml

import (
	"net/url"
	"strings"
)

// joinBase joins xml:base values (Canonical XML 1.1 § 2.4): references stay
// relative, dots are removed, leading ones kept.
func joinBase(base, ref string) string {
	if ref == "" {
		return base
	}
	r, err := url.Parse(ref)
	if err != nil || r.IsAbs() || base == "" {
		return ref
	}
	b, err := url.Parse(base)
	if err != nil {
		return ref
	}
	if b.IsAbs() || b.Host != "" {
		return b.ResolveReference(r).String()
	}
	if strings.HasPrefix(r.Path, "/") {
		return ref
	}
	dir := b.Path[:strings.LastIndexByte(b.Path, '/')+1]
	r.Path = withoutDots(dir + r.Path)
	r.RawPath = ""
	return r.String()
}

func withoutDots(p string) string {
	var out []string
	parts := strings.Split(p, "/")
	for i, s := range parts {
		last := i == len(parts)-1
		switch {
		case s == ".":
			if last {
				out = append(out, "")
			}
		case s == ".." && len(out) > 0 && out[len(out)-1] != ".." && (len(out) > 1 || out[0] != ""):
			out = out[:len(out)-1]
			if last {
				out = append(out, "")
			}
		default:
			out = append(out, s)
		}
	}
	return strings.Join(out, "/")
}
