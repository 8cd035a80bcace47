package web

import (
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// The policies of pages and of previews. A page runs our two scripts and
// nothing else, and nothing of it comes from elsewhere. A preview is a foreign
// document: it may not run, load, submit, open or navigate anything.
const (
	policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
		"frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
	framePolicy = "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'; " +
		"form-action 'none'; base-uri 'none'; frame-ancestors 'self'"
	// Viewers of PDF are part of the browser and don't work in a sandbox.
	pdfPolicy = "default-src 'none'; object-src 'self'; plugin-types application/pdf; style-src 'unsafe-inline'; " +
		"form-action 'none'; base-uri 'none'; frame-ancestors 'self'"
)

// harden sets the headers that every answer has.
func harden(h http.Header, secure bool) {
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=(), usb=()")
	h.Set("Cache-Control", "no-store")
	if secure {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
}

// framed sets the headers of a preview.
func framed(h http.Header, policy string) {
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Frame-Options", "SAMEORIGIN")
	h.Del("Cross-Origin-Opener-Policy")
}

// peer is who holds the other end of the connection.
func peer(r *http.Request) netip.Addr {
	a, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return a.Addr().Unmap()
}

func (w *Web) trusts(a netip.Addr) bool {
	return slices.ContainsFunc(w.o.Proxies, func(p netip.Prefix) bool { return p.Contains(a) })
}

// client is who asks: the peer, or, where the peer is a proxy of ours, the last
// address that it did not add itself.
func (w *Web) client(r *http.Request) netip.Addr {
	a := peer(r)
	if !w.trusts(a) {
		return a
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, hop := range slices.Backward(hops) {
		named, err := netip.ParseAddr(strings.TrimSpace(hop))
		if err != nil {
			return a
		}
		if a = named.Unmap(); !w.trusts(a) {
			return a
		}
	}
	return a
}

// secure reports whether the client speaks TLS, to us or to a proxy of ours.
func (w *Web) secure(r *http.Request) bool {
	return w.o.TLS || r.TLS != nil || w.trusts(peer(r)) && r.Header.Get("X-Forwarded-Proto") == "https"
}

// origin gives the scheme and host of an address.
func origin(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	return u.Scheme + "://" + u.Host
}

// local takes an address to go to after the login only if it is a path of ours.
func local(to string) string {
	u, err := url.Parse(to)
	if err != nil || len(to) > 2000 || u.Scheme != "" || u.Host != "" || !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.Contains(to, `\`) {
		return "/"
	}
	return u.RequestURI()
}
