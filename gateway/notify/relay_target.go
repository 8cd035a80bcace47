package notify

import (
	"fmt"
	"net"
	"net/url"
	"strings"
)

// A target is where a relay is and what it speaks.
type target struct {
	network, address string
	lmtp             bool // RFC 2033 instead of SMTP
	implicit         bool // TLS from the first byte
}

// parseTarget reads a relay's address.
func parseTarget(s string) (target, error) {
	bad := fmt.Errorf("%.200q is not a relay like smtp://host:25, smtps://host or lmtp:unix:/path", s)
	if p, ok := strings.CutPrefix(s, "lmtp:unix:"); ok {
		if !strings.HasPrefix(p, "/") {
			return target{}, bad
		}
		return target{network: "unix", address: p, lmtp: true}, nil
	}
	u, err := url.Parse(s)
	if err != nil || u.Hostname() == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" {
		return target{}, bad
	}
	ports := map[string]string{"smtp": "25", "smtps": "465", "lmtp": "24"}
	port, ok := ports[u.Scheme]
	if !ok {
		return target{}, bad
	}
	return target{
		network: "tcp", address: net.JoinHostPort(u.Hostname(), orText(u.Port(), port)),
		lmtp: u.Scheme == "lmtp", implicit: u.Scheme == "smtps",
	}, nil
}

// isLocal reports whether it lies on this machine.
func (t target) isLocal() bool {
	host, _, err := net.SplitHostPort(t.address)
	if t.network == "unix" || err != nil {
		return t.network == "unix"
	}
	ip := net.ParseIP(host)
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}
