package trust

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/crypto/ocsp"
)

// Online fetches revocation data. A certificate is written by a stranger: it
// must not choose where the office connects to, so only hosts the office named
// are asked, never one in a private network, and no redirection is followed.
type Online struct {
	Hosts  []string     // as in the certificates: "ocsp.certum.pl"
	Client *http.Client // nil: one that refuses private addresses
}

// Bounds of fetching.
const (
	ocspWait    = 3 * time.Second
	crlWait     = 10 * time.Second
	onlineWait  = 20 * time.Second
	largestOCSP = 2 << 20
	mostTries   = 3
)

// ask fetches an answer or a list about a certificate.
func (o *Online) ask(ctx context.Context, c, issuer *x509.Certificate, at time.Time) (finding, bool) {
	ctx, cancel := context.WithTimeout(ctx, onlineWait)
	defer cancel()
	for _, address := range c.OCSPServer[:min(len(c.OCSPServer), mostTries)] {
		if f, ok := o.ocsp(ctx, address, c, issuer, at); ok {
			return f, true
		}
	}
	for _, address := range c.CRLDistributionPoints[:min(len(c.CRLDistributionPoints), mostTries)] {
		b, err := o.fetch(ctx, crlWait, address, nil, largestCRL)
		if err != nil {
			continue
		}
		if crl, err := x509.ParseRevocationList(unarmoured(b, "X509 CRL")); err == nil {
			if f, ok := inCRL(crl, c, issuer, at); ok {
				f.source = "online"
				return f, true
			}
		}
	}
	return finding{}, false
}

func (o *Online) ocsp(ctx context.Context, address string, c, issuer *x509.Certificate, at time.Time) (finding, bool) {
	request, err := ocsp.CreateRequest(c, issuer, nil)
	if err != nil {
		return finding{}, false
	}
	b, err := o.fetch(ctx, ocspWait, address, request, largestOCSP)
	if err != nil {
		return finding{}, false
	}
	f, ok := inOCSP(b, c, issuer, at)
	f.source = "online"
	return f, ok
}

var errNotAllowed = errors.New("not a host that may be asked")

func (o *Online) allowed(address string) error {
	u, err := url.Parse(address)
	if err != nil {
		return fmt.Errorf("%w: %w", errNotAllowed, err)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.User != nil ||
		!slices.ContainsFunc(o.Hosts, func(h string) bool { return strings.EqualFold(h, u.Hostname()) }) {
		return fmt.Errorf("%s: %w", u.Hostname(), errNotAllowed)
	}
	return nil
}

func (o *Online) fetch(ctx context.Context, wait time.Duration, address string, body []byte, limit int64) ([]byte, error) {
	if err := o.allowed(address); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	method := http.MethodGet
	if body != nil {
		method = http.MethodPost
	}
	req, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("asking about a certificate: %w", err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/ocsp-request")
	}
	res, err := o.client().Do(req)
	if err != nil {
		return nil, fmt.Errorf("asking about a certificate: %w", err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("asking about a certificate: %s", res.Status)
	}
	b, err := io.ReadAll(io.LimitReader(res.Body, limit+1))
	if err != nil {
		return nil, fmt.Errorf("asking about a certificate: %w", err)
	}
	if int64(len(b)) > limit {
		return nil, fmt.Errorf("asking about a certificate: more than %d bytes", limit)
	}
	return b, nil
}

// client refuses redirections and, at the moment of connecting, addresses that
// are not public: a name may lead anywhere.
func (o *Online) client() *http.Client {
	if o.Client != nil {
		return o.Client
	}
	dialer := &net.Dialer{Timeout: ocspWait, Control: func(_, address string, _ syscall.RawConn) error {
		ap, err := netip.ParseAddrPort(address)
		if err != nil || !public(ap.Addr().Unmap()) {
			return fmt.Errorf("%s: %w", address, errNotAllowed)
		}
		return nil
	}}
	return &http.Client{
		Transport:     &http.Transport{DialContext: dialer.DialContext, DisableKeepAlives: true, MaxResponseHeaderBytes: 64 << 10},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func public(a netip.Addr) bool {
	return a.IsGlobalUnicast() && !a.IsPrivate() && !a.IsLoopback() && !a.IsLinkLocalUnicast()
}
