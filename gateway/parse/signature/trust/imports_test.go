package trust

import (
	"bytes"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"
)

func TestListsAreImportedOnlyFromWhomTheyMustCome(t *testing.T) {
	w := newTown(t)
	first, second, third := issue(t, "LOTL 1", w.root), issue(t, "LOTL 2", w.root), issue(t, "LOTL 3", w.root)
	pl, lv := issue(t, "PL operator", w.root), issue(t, "LV operator", w.root)
	lotl := func(sequence int, signer, next *holder) File {
		f := tsl{territory: "EU", sequence: sequence, lotl: true, pointers: map[string]*holder{"PL": pl, "LV": lv, "EU": next}, signer: signer}.file()
		f.Name = "EU-" + signer.cert.Subject.CommonName
		return f
	}
	list := func(territory string, sequence int, signer *holder) File {
		return tsl{territory: territory, sequence: sequence, services: listed("CA/QC", w.ca, "", "granted@2020-01-01"), signer: signer}.file()
	}
	for _, step := range []struct {
		name  string
		files []File
		want  []string // a part of each sentence
	}{
		{"a national list without the list of lists", []File{list("PL", 5, pl)}, []string{"refused: the list of lists has to be imported first; it says who may sign list PL"}},
		{"a list of lists signed by nobody known", []File{lotl(10, first, first)}, []string{"refused: the list of lists is signed by C=PL, CN=LOTL 1"}},
		{"who may sign it", []File{{"dziennik.crt", first.cert.Raw}}, []string{"imported C=PL, CN=LOTL 1 as one who may sign the list of lists; compare SHA-256"}},
		{"pivots in disorder, and a national list before them", []File{list("PL", 5, pl), lotl(12, second, third), lotl(10, first, second)}, []string{
			"imported list PL number 5 of 2026-11-01, 1 services; good until 2027-05-24", "imported list EU number 12", "imported list EU number 10",
		}},
		{"an older list of lists", []File{lotl(11, second, third)}, []string{"refused: list EU has number 11, older than number 12 imported on 2026-11-24"}},
		{"an older national list", []File{list("PL", 4, pl)}, []string{"refused: list PL has number 4, older than number 5 imported on 2026-11-24"}},
		{"the same again", []File{list("PL", 5, pl)}, []string{"list PL number 5 was imported before"}},
		{"other content under the same number", []File{{"PL.xml", bytes.Replace(list("PL", 5, pl).Content, []byte(">Provider<"), []byte(">Intruder<"), 1)}}, []string{"refused: list PL number 5 was imported with other content"}},
		{"a list signed by whom is named for another territory", []File{list("PL", 6, lv)}, []string{"refused: list PL is signed by C=PL, CN=LV operator, whom the list of lists (number 12) does not name for it"}},
		{"a territory nobody names", []File{list("XX", 1, pl)}, []string{`refused: the list of lists knows no list of territory "XX"`}},
		{"a list that is not signed", []File{{"LV.xml", bytes.Split(list("LV", 1, lv).Content, []byte("<!--"))[0]}}, []string{"refused: it is not signed"}},
		{"a list out of date", []File{tsl{territory: "LV", sequence: 1, next: noon.AddDate(0, 0, -10), signer: lv}.file()}, []string{"it is out of date since 2026-11-14, and every answer will say so"}},
		{"no list", []File{{"a.xml", []byte("<html/>")}, {"b.txt", []byte("tekst")}, {"c.xml", []byte("<TrustServiceStatusList xmlns='http://uri.etsi.org/02231/v2#'/>")}}, []string{"refused: not a trusted list", "refused: neither a trusted list nor a certificate nor a revocation list", "refused: its dates"}},
		{"authorities in one file", []File{{"urząd.pem", append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: w.root.cert.Raw}), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: w.ca.cert.Raw})...)}}, []string{"imported C=PL, CN=Root as an authority the office trusts"}},
		{"a revocation list", []File{{"a.crl", w.ca.crl(t, noon, noon.AddDate(0, 0, 7))}}, []string{"imported a revocation list of C=PL, CN=Authority of 2026-11-24, 0 certificates"}},
		{"an older revocation list", []File{{"a.crl", w.ca.crl(t, noon.AddDate(0, 0, -7), noon)}}, []string{"refused: a revocation list of C=PL, CN=Authority of 2026-11-24 is there already"}},
	} {
		t.Run(step.name, func(t *testing.T) {
			out := w.bring(step.files...)
			for i, want := range step.want {
				if !strings.Contains(out[i].Says, want) || strings.HasPrefix(want, "refused") != (out[i].State == Refused) {
					t.Errorf("%s: %s\nwant %s", out[i].State, out[i].Says, want)
				}
			}
		})
	}
}

// Another process imports; who is asked notices.
func TestAnImportIsNoticedByWhoRuns(t *testing.T) {
	w := newTown(t)
	q := w.question(w.signer)
	if got := told(w.store.Answer(t.Context(), q)); got == "good" {
		t.Fatal("trusted before")
	}
	other := New(w.store.dir, w.store.options)
	if _, err := other.Import(t.Context(), fakeCheck, []File{{"root.crt", w.root.cert.Raw}}); err != nil {
		t.Fatal(err)
	}
	if got := told(w.store.Answer(t.Context(), q)); got != "good" {
		t.Error(got)
	}
}

// A list changed on the disk vouches for nobody.
func TestAListChangedOnTheDiskIsNotRead(t *testing.T) {
	w := newTown(t)
	signer, pl := issue(t, "LOTL", w.root), issue(t, "PL operator", w.root)
	w.bring(File{"s.crt", signer.cert.Raw}, tsl{territory: "EU", sequence: 1, lotl: true, pointers: map[string]*holder{"PL": pl}, signer: signer}.file())
	w.bring(tsl{territory: "PL", sequence: 1, services: listed("CA/QC", w.ca, "", "granted@2020-01-01"), signer: pl}.file())
	q := w.question(w.signer)
	if got := told(w.store.Answer(t.Context(), q)); got != "good" {
		t.Fatal(got)
	}
	name := filepath.Join(w.store.dir, "lists", "PL.xml")
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, bytes.Replace(b, []byte(">Provider<"), []byte(">Intruder<"), 1), 0o644); err != nil {
		t.Fatal(err)
	}
	if got := told(New(w.store.dir, w.store.options).Answer(t.Context(), q)); got == "good" {
		t.Error("it is believed")
	}
}

// A stranger's certificate chooses no host of ours.
func TestOnlyNamedHostsAreAsked(t *testing.T) {
	w := newTown(t)
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		asked++
		switch r.URL.Path {
		case "/away":
			http.Redirect(rw, r, "/ocsp", http.StatusFound)
		case "/large":
			rw.Write(make([]byte, largestOCSP+10)) //nolint:errcheck // the other side hangs up
		default:
			rw.Write(ocspOf(t, w.signer, w.ca, ocsp.Good, noon.Add(-time.Hour))) //nolint:errcheck // in memory
		}
	}))
	defer server.Close()
	u, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	plain := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for _, tt := range []struct {
		name, address string
		online        *Online
		want          bool
		asked         int
	}{
		{"a named host", server.URL + "/ocsp", &Online{Hosts: []string{u.Hostname()}, Client: plain}, true, 1},
		{"a host nobody named", server.URL + "/ocsp", &Online{Hosts: []string{"ocsp.example"}, Client: plain}, false, 0},
		{"a redirection", server.URL + "/away", &Online{Hosts: []string{u.Hostname()}, Client: plain}, false, 1},
		{"an answer too large", server.URL + "/large", &Online{Hosts: []string{u.Hostname()}, Client: plain}, false, 1},
		{"a private address under a named host", server.URL + "/ocsp", &Online{Hosts: []string{u.Hostname()}}, false, 0},
		{"a file", "file:///etc/passwd", &Online{Hosts: []string{""}, Client: plain}, false, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			asked = 0
			c := *w.signer.cert
			c.OCSPServer = []string{tt.address}
			f, ok := tt.online.ask(t.Context(), &c, w.ca.cert, noon)
			if ok != tt.want || asked != tt.asked || ok && (f.source != "online" || !f.fresh) {
				t.Errorf("%+v, %t, asked %d times", f, ok, asked)
			}
		})
	}
}

func FuzzParseList(f *testing.F) {
	f.Add([]byte(`<TrustServiceStatusList xmlns="http://uri.etsi.org/02231/v2#"><SchemeInformation><TSLSequenceNumber>1</TSLSequenceNumber><SchemeTerritory>PL</SchemeTerritory><ListIssueDateTime>2026-11-01T00:00:00Z</ListIssueDateTime></SchemeInformation></TrustServiceStatusList>`))
	f.Fuzz(func(t *testing.T, b []byte) {
		l, err := parseList(b)
		if err == nil && (l.Sequence <= 0 || len(l.Territory) != 2) {
			t.Fatalf("%+v", l)
		}
	})
}

func FuzzRevocation(f *testing.F) {
	f.Add([]byte{0x30, 0x03, 0x0a, 0x01, 0x00})
	t := &testing.T{}
	ca := issue(t, "Authority", nil, authority)
	c := issue(t, "x", ca)
	f.Fuzz(func(t *testing.T, b []byte) {
		if finding, ok := inOCSP(b, c.cert, ca.cert, noon); ok {
			t.Fatalf("an answer signed by nobody: %+v", finding)
		}
	})
}
