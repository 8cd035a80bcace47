package screen

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"blitiri.com.ar/go/spf"
	"github.com/emersion/go-msgauth/authres"
	"github.com/emersion/go-msgauth/dkim"
	"github.com/emersion/go-msgauth/dmarc"
	"golang.org/x/net/publicsuffix"

	"kancelaria/registry"
)

// The results, in the words of RFC 8601, and one of our own.
const (
	resultPass      = "pass"
	resultFail      = "fail"
	resultNone      = "none"
	resultTemp      = "temperror"
	notChecked      = "not_checked"
	maxSignatures   = 5
	maxAuthResults  = 20
	maxEvidenceText = 4000
)

// authenticate says who wrote a letter, as far as mail can tell. Behind a
// trusted relay only that relay's own results are believed: SPF by its address
// would say nothing of the sender.
func (s *Screen) authenticate(ctx context.Context, it registry.Item, doc registry.Document, within time.Duration) registry.Authentication {
	a := registry.Authentication{SPF: notChecked, DKIM: notChecked, DMARC: notChecked, Verdict: registry.Unchecked, ARC: arc(doc)}
	if !it.Door.IsMail() || it.Envelope == nil {
		return a
	}
	if it.Envelope.TrustedRelay && s.AuthservID != "" {
		if told, ok := s.believed(doc); ok {
			told.ARC = a.ARC
			return told
		}
	}
	return s.own(ctx, it, doc, a, within)
}

// believed takes the topmost results of the authserv-id we trust; a sender can
// write such a field too, but only below those of our relay.
func (s *Screen) believed(doc registry.Document) (registry.Authentication, bool) {
	for _, field := range doc.Headers.AuthResults[:min(len(doc.Headers.AuthResults), maxAuthResults)] {
		id, results, err := authres.Parse(field)
		if err != nil || !strings.EqualFold(id, s.AuthservID) {
			continue
		}
		a := registry.Authentication{SPF: resultNone, DKIM: resultNone, DMARC: resultNone, By: id, Note: cut(field)}
		for _, r := range results {
			switch r := r.(type) {
			case *authres.SPFResult:
				a.SPF = string(r.Value)
			case *authres.DKIMResult:
				if a.DKIM != resultPass {
					a.DKIM = string(r.Value)
				}
			case *authres.DMARCResult:
				a.DMARC = string(r.Value)
			}
		}
		a.Verdict = verdict(a.DMARC, a.DMARC == resultFail && !strings.Contains(strings.ToLower(field), "p=none"), true)
		return a, true
	}
	return registry.Authentication{}, false
}

// own asks DNS ourselves, all within one bound.
func (s *Screen) own(ctx context.Context, it registry.Item, doc registry.Document, a registry.Authentication, within time.Duration) registry.Authentication {
	a.By = "own"
	signed := doc.Headers.Signed || len(doc.Headers.All["dkim-signature"]) > 0
	peer, direct := s.peer(it)
	if s.Resolver == nil || !signed && !direct {
		return a
	}
	if !s.dns.asks() {
		a.Late = true
		return a
	}
	bounded, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	from := domainOf(doc.Sender().Email)
	var aligned bool
	if direct {
		a.SPF = s.spf(bounded, peer, it.Envelope)
		aligned = a.SPF == resultPass && sameOrganisation(domainOf(it.Envelope.MailFrom), from)
	}
	var signers []string
	if signed {
		a.DKIM, signers, a.Note = s.dkim(bounded, it)
		aligned = aligned || slices.ContainsFunc(signers, func(d string) bool { return sameOrganisation(d, from) })
	} else {
		a.DKIM = resultNone
	}
	policy, found := s.policy(bounded, from)
	timedOut := errors.Is(bounded.Err(), context.DeadlineExceeded)
	s.dns.note(!timedOut)
	if timedOut {
		a.SPF, a.DKIM, a.DMARC = late(a.SPF), late(a.DKIM), notChecked
		a.Verdict, a.Late = registry.Unchecked, true
		return a
	}
	switch {
	case aligned && found:
		a.DMARC = resultPass
	case found && a.SPF != resultTemp && a.DKIM != resultTemp && direct:
		a.DMARC = resultFail
	case found:
		// Through a forwarder SPF fails though the letter is honest: without our
		// own sight of the sender this is unchecked, never forged.
		a.DMARC = notChecked
	default:
		a.DMARC = resultNone
	}
	a.Verdict = verdict(a.DMARC, policy != dmarc.PolicyNone, found)
	if aligned && !found {
		a.Verdict = registry.Confirmed
	}
	return a
}

func late(result string) string {
	if result == resultPass || result == resultFail {
		return result
	}
	return notChecked
}

// verdict puts it into one of four words.
func verdict(result string, enforced, known bool) registry.AuthVerdict {
	switch {
	case result == resultPass:
		return registry.Confirmed
	case result == resultFail && enforced:
		return registry.Forged
	case result == notChecked || result == resultTemp:
		return registry.Unchecked
	case !known && result == "":
		return registry.Unchecked
	default:
		return registry.Unconfirmed
	}
}

// peer is the sender's own address, if he spoke to us himself.
func (s *Screen) peer(it registry.Item) (netip.Addr, bool) {
	if it.Envelope.TrustedRelay || it.Door != registry.DoorSMTP {
		return netip.Addr{}, false
	}
	host, _, err := net.SplitHostPort(it.Peer)
	if err != nil {
		host = it.Peer
	}
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	ip = ip.Unmap()
	return ip, err == nil && outside(ip)
}

// spf gives what SPF says of a sender, asked early or now.
func (s *Screen) spf(ctx context.Context, peer netip.Addr, e *registry.Envelope) string {
	if result, ok := s.expected.answer(ctx, question{peer, e.Helo, e.MailFrom}, s.Now()); ok {
		return result
	}
	return s.askSPF(ctx, peer, e)
}

func (s *Screen) askSPF(ctx context.Context, peer netip.Addr, e *registry.Envelope) string {
	sender := cmp.Or(e.MailFrom, "postmaster@"+e.Helo) // RFC 7208 § 2.4
	result, err := spf.CheckHostWithSender(peer.AsSlice(), e.Helo, sender, spf.WithContext(ctx), spf.WithResolver(s.Resolver))
	if result == "" || err != nil && ctx.Err() != nil {
		return notChecked
	}
	return string(result)
}

// dkim verifies the signatures over the original and gives who signed. The key
// that was found is kept as evidence: it will have rotated in ten years.
func (s *Screen) dkim(ctx context.Context, it registry.Item) (result string, signers []string, note string) {
	original, err := s.open(ctx, it)
	if err != nil {
		s.Log.Warn("screen.original", "item", it.ID, "err", err)
		return notChecked, nil, ""
	}
	defer original.Close()
	var keys []string
	verifications, err := dkim.VerifyWithOptions(original, &dkim.VerifyOptions{
		MaxVerifications: maxSignatures,
		LookupTXT: func(name string) ([]string, error) {
			txt, err := s.Resolver.LookupTXT(ctx, name)
			if err == nil {
				keys = append(keys, name+": "+strings.Join(txt, ""))
			}
			return txt, err
		},
	})
	if err != nil && !errors.Is(err, dkim.ErrTooManySignatures) {
		return notChecked, nil, ""
	}
	result = resultNone
	for _, v := range verifications {
		switch {
		case v.Err == nil:
			result = resultPass
			signers = append(signers, v.Domain)
		case result == resultPass:
		case dkim.IsTempFail(v.Err):
			result = resultTemp
		default:
			result = resultFail
		}
	}
	return result, signers, cut(strings.Join(keys, "\n"))
}

// policy looks for the DMARC record of a domain, then of its organisation
// (RFC 7489 § 6.6.3).
func (s *Screen) policy(ctx context.Context, domain string) (dmarc.Policy, bool) {
	if domain == "" {
		return "", false
	}
	lookup := &dmarc.LookupOptions{LookupTXT: func(name string) ([]string, error) { return s.Resolver.LookupTXT(ctx, name) }}
	if rec, err := dmarc.LookupWithOptions(domain, lookup); err == nil {
		return rec.Policy, true
	}
	org := organisation(domain)
	if org == domain {
		return "", false
	}
	rec, err := dmarc.LookupWithOptions(org, lookup)
	if err != nil {
		return "", false
	}
	return cmp.Or(rec.SubdomainPolicy, rec.Policy), true
}

func domainOf(address string) string {
	at := strings.LastIndexByte(address, '@')
	return strings.ToLower(strings.TrimSuffix(address[at+1:], "."))
}

// organisation is the registered domain that a domain lies under.
func organisation(domain string) string {
	org, err := publicsuffix.EffectiveTLDPlusOne(domain)
	if err != nil {
		return domain
	}
	return org
}

func sameOrganisation(a, b string) bool {
	return a != "" && b != "" && organisation(strings.ToLower(a)) == organisation(strings.ToLower(b))
}

func cut(s string) string {
	if len(s) > maxEvidenceText {
		return fmt.Sprintf("%s… (%d bytes)", strings.ToValidUTF8(s[:maxEvidenceText], ""), len(s))
	}
	return s
}
