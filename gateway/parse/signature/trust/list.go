package trust

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Bounds of a list.
const (
	largestList  = 20 << 20
	mostServices = 20_000
	mostPointers = 200
)

// A list is a trusted list, or the list of lists, as far as it decides
// anything (TS 119 612).
type list struct {
	Territory  string
	Sequence   int
	Lists      bool // the list of lists
	Issued     time.Time
	NextUpdate time.Time // zero: closed for good
	Pointers   []pointer
	Services   []service
}

// A pointer names another list and who may sign it.
type pointer struct {
	Territory string
	Lists     bool // to the list of lists itself, or an earlier one
	Signers   [][]byte
}

// A service is one service with what it was at each time, latest first.
type service struct {
	Provider, Name string
	Certificates   []*x509.Certificate
	States         []state
}

// A state is what a service was from a time on.
type state struct {
	Type   string // last part of the URI: CA/QC, TSA/QTST, …
	Status string // granted, withdrawn, …
	Since  time.Time
	For    []string // ForeSignatures, ForeSeals, …
	Rules  []rule
}

// The XML, as far as it is read.
type (
	xmlList struct {
		XMLName xml.Name `xml:"http://uri.etsi.org/02231/v2# TrustServiceStatusList"`
		Scheme  struct {
			Sequence  int          `xml:"TSLSequenceNumber"`
			Type      string       `xml:"TSLType"`
			Territory string       `xml:"SchemeTerritory"`
			Issued    string       `xml:"ListIssueDateTime"`
			Next      string       `xml:"NextUpdate>dateTime"`
			Pointers  []xmlPointer `xml:"PointersToOtherTSL>OtherTSLPointer"`
		} `xml:"SchemeInformation"`
		Providers []struct {
			Names    []xmlName    `xml:"TSPInformation>TSPName>Name"`
			Services []xmlService `xml:"TSPServices>TSPService"`
		} `xml:"TrustServiceProviderList>TrustServiceProvider"`
	}
	xmlPointer struct {
		Identities []xmlIdentity `xml:"ServiceDigitalIdentities>ServiceDigitalIdentity"`
		Info       []struct {
			Type      string `xml:"TSLType"`
			Territory string `xml:"SchemeTerritory"`
		} `xml:"AdditionalInformation>OtherInformation"`
	}
	xmlIdentity struct {
		Certificates []string `xml:"DigitalId>X509Certificate"`
	}
	xmlName struct {
		Language string `xml:"lang,attr"`
		Text     string `xml:",chardata"`
	}
	xmlService struct {
		Now     xmlState   `xml:"ServiceInformation"`
		History []xmlState `xml:"ServiceHistory>ServiceHistoryInstance"`
	}
	xmlState struct {
		Type       string      `xml:"ServiceTypeIdentifier"`
		Names      []xmlName   `xml:"ServiceName>Name"`
		Identity   xmlIdentity `xml:"ServiceDigitalIdentity"`
		Status     string      `xml:"ServiceStatus"`
		Since      string      `xml:"StatusStartingTime"`
		Extensions []struct {
			Additional []string         `xml:"AdditionalServiceInformation>URI"`
			Elements   []xmlQualifiedBy `xml:"Qualifications>QualificationElement"`
		} `xml:"ServiceInformationExtensions>Extension"`
	}
	xmlQualifiedBy struct {
		Qualifiers []struct {
			URI string `xml:"uri,attr"`
		} `xml:"Qualifiers>Qualifier"`
		Criteria xmlCriteria `xml:"CriteriaList"`
	}
)

var errNoList = errors.New("not a trusted list")

// parseList reads a list whose signature was checked already.
func parseList(b []byte) (*list, error) {
	if len(b) > largestList {
		return nil, fmt.Errorf("it has %d bytes, more than any list: %w", len(b), errNoList)
	}
	var x xmlList
	d := xml.NewDecoder(bytes.NewReader(b))
	if err := d.Decode(&x); err != nil {
		return nil, fmt.Errorf("%w: %w", errNoList, err)
	}
	l := &list{Territory: strings.TrimSpace(x.Scheme.Territory), Sequence: x.Scheme.Sequence, Lists: isListOfLists(x.Scheme.Type)}
	var err1, err2 error
	l.Issued, err1 = time.Parse(time.RFC3339, strings.TrimSpace(x.Scheme.Issued))
	if next := strings.TrimSpace(x.Scheme.Next); next != "" {
		l.NextUpdate, err2 = time.Parse(time.RFC3339, next)
	}
	if err := errors.Join(err1, err2); err != nil {
		return nil, fmt.Errorf("its dates: %w: %w", err, errNoList)
	}
	if len(l.Territory) != 2 || l.Sequence <= 0 {
		return nil, fmt.Errorf("it names no territory or no sequence number: %w", errNoList)
	}
	for _, p := range x.Scheme.Pointers[:min(len(x.Scheme.Pointers), mostPointers)] {
		l.Pointers = append(l.Pointers, p.read())
	}
	for _, p := range x.Providers {
		for _, s := range p.Services {
			if len(l.Services) >= mostServices {
				return nil, fmt.Errorf("it has more than %d services: %w", mostServices, errNoList)
			}
			l.Services = append(l.Services, s.read(english(p.Names)))
		}
	}
	return l, nil
}

func isListOfLists(uri string) bool {
	return strings.HasSuffix(strings.TrimSpace(uri), "/EUlistofthelists")
}

func english(names []xmlName) string {
	for _, n := range names {
		if n.Language == "en" {
			return strings.TrimSpace(n.Text)
		}
	}
	if len(names) > 0 {
		return strings.TrimSpace(names[0].Text)
	}
	return ""
}

func (p xmlPointer) read() (out pointer) {
	for _, i := range p.Info {
		if i.Territory != "" {
			out.Territory = strings.TrimSpace(i.Territory)
		}
		out.Lists = out.Lists || isListOfLists(i.Type)
	}
	for _, id := range p.Identities {
		out.Signers = append(out.Signers, id.read()...)
	}
	return out
}

func (id xmlIdentity) read() (all [][]byte) {
	for _, text := range id.Certificates {
		if der, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), "")); err == nil {
			all = append(all, der)
		}
	}
	return all
}

func (s xmlService) read(provider string) service {
	out := service{Provider: provider, Name: english(s.Now.Names)}
	for _, der := range s.Now.Identity.read() {
		if c, err := x509.ParseCertificate(der); err == nil {
			out.Certificates = append(out.Certificates, c)
		}
	}
	for _, x := range append([]xmlState{s.Now}, s.History...) {
		since, err := time.Parse(time.RFC3339, strings.TrimSpace(x.Since))
		if err != nil {
			continue // a state without a time decides nothing
		}
		st := state{Type: lastOf(x.Type, "/Svctype/"), Status: lastOf(x.Status, "/Svcstatus/"), Since: since}
		for _, e := range x.Extensions {
			for _, uri := range e.Additional {
				st.For = append(st.For, lastOf(uri, "/SvcInfoExt/"))
			}
			for _, el := range e.Elements {
				st.Rules = append(st.Rules, el.read())
			}
		}
		out.States = append(out.States, st)
	}
	slices.SortStableFunc(out.States, func(a, b state) int { return b.Since.Compare(a.Since) })
	return out
}

func lastOf(uri, mark string) string {
	uri = strings.TrimSpace(uri)
	if i := strings.LastIndex(uri, mark); i >= 0 {
		return uri[i+len(mark):]
	}
	return uri
}

// at gives what the service was at a time.
func (s service) at(t time.Time) (state, bool) {
	for _, st := range s.States {
		if !t.Before(st.Since) {
			return st, true
		}
	}
	return state{}, false
}

// granted reports whether a status means that the state vouches. The words
// changed with eIDAS on 1 July 2016 (TS 119 612 annex D.5).
func (s state) granted() bool {
	switch s.Status {
	case "granted", "undersupervision", "supervisionincessation", "accredited", "setbynationallaw", "recognisedatnationallevel":
		return true
	}
	return false
}
