package folder_test

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/mail"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"kancelaria/gateway/drop"
	"kancelaria/registry"
)

// only gives the one item that was taken and the files in its original.
func (s *scanner) only() (registry.Item, map[string]string) {
	s.t.Helper()
	if len(s.office.items) != 1 {
		s.t.Fatalf("%d items taken, want one; the folder holds %q, waiting %v", len(s.office.items), s.files(), s.w.Health().Waiting)
	}
	for id, it := range s.office.items {
		letter, err := mail.ReadMessage(bytes.NewReader(s.office.bytes[id]))
		if err != nil {
			s.t.Fatal(err)
		}
		_, params, err := mime.ParseMediaType(letter.Header.Get("Content-Type"))
		if err != nil {
			s.t.Fatal(err)
		}
		parts := map[string]string{}
		for r := multipart.NewReader(letter.Body, params["boundary"]); ; {
			p, err := r.NextRawPart()
			if err == io.EOF {
				return it, parts
			}
			if err != nil {
				s.t.Fatal(err)
			}
			data, err := io.ReadAll(p)
			if err != nil {
				s.t.Fatal(err)
			}
			parts[p.FileName()] = string(data)
		}
	}
	panic("not reached")
}

func TestADocumentAndItsDescriptionAreOneItem(t *testing.T) {
	s := newScanner(t, func(o *drop.Options) { o.Group = drop.GroupStem })
	s.write("skan ż.xml", []byte("<opis/>"))
	s.scans(0, time.Minute)
	s.wantTaken() // a description alone waits for its document
	s.write("skan ż.pdf", pdf("doc"))
	s.scans(0, 3*time.Second, time.Second)
	it, parts := s.only()
	if it.Original.Name != "skan ż.pdf" || !slices.Equal(it.File.Companions, []string{"skan ż.xml"}) {
		t.Errorf("item = %+v, %+v", it.Original, it.File)
	}
	if parts["skan ż.pdf"] != string(pdf("doc")) || parts["skan ż.xml"] != "<opis/>" {
		t.Errorf("parts = %q", parts)
	}
	if left := strings.Join(s.files(), "\n"); strings.Count(left, "RPW-000001-2026 skan ż") != 2 {
		t.Errorf("the folder holds %q, want both files named", left)
	}
}

func TestAFolderOfPagesIsOneItem(t *testing.T) {
	s := newScanner(t, func(o *drop.Options) { o.Group = drop.GroupFolder })
	s.write("USC/0001/2.txt", []byte("second"))
	s.write("USC/0001/1.txt", []byte("first"))
	s.scans(0, 2*time.Second)
	s.write("USC/0001/3.txt", []byte("third"))
	s.scans(2 * time.Second)
	s.wantTaken() // it still grows
	s.scans(3*time.Second, time.Second)
	it, parts := s.only()
	if it.File.Path != "USC/0001/1.txt" || len(parts) != 3 {
		t.Errorf("item of %q with %q", it.File.Path, parts)
	}
	if _, err := os.Stat(filepath.Join(s.dir, "USC/0001")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the empty folder is still there: %v", err)
	}
}

// A stop between any two steps of claiming leaves one item, not two.
func TestAHalfClaimedItemGoesBack(t *testing.T) {
	s := newScanner(t, func(o *drop.Options) { o.Group = drop.GroupStem })
	id := registry.NewItemID(s.now)
	s.write("a.pdf", pdf("doc"))
	s.write(".kancelaria/claim/n1/"+id.String()+"+a.xml", []byte("<opis/>"))
	s.scans(0, 0, 3*time.Second, time.Second)
	it, parts := s.only()
	if it.ID == id || len(parts) != 2 {
		t.Errorf("item %s with %q", it.ID, parts)
	}
}

func TestADeliveryArrivesWhenItsEvidenceSays(t *testing.T) {
	for _, tt := range []struct {
		name, evidence string
		at             time.Time // of the taking
		want           string
	}{
		{"e-Doręczenia, sent and received", `<ns:REMEvidence xmlns:ns="http://uri.etsi.org/19522/v1#"><ns:EventTime>2026-12-17T14:02:00+01:00</ns:EventTime></ns:REMEvidence>`, time.Date(2026, 12, 18, 7, 30, 0, 0, time.UTC), "2026-12-17T13:02:00Z"},
		{"e-Doręczenia, minutes ago", `<ERDSEvidence><EventTime>2026-11-24T08:08:00Z</EventTime></ERDSEvidence>`, time.Date(2026, 11, 24, 8, 10, 0, 0, time.UTC), "2026-11-24T08:08:00Z"},
		{"ePUAP, local time", `<pos:Dokument xmlns:pos="http://crd.gov.pl/xml/schematy/UPO/2008/05/09/"><pos:UPP><pos:DataDoreczenia>2026-11-23T17:00:00.123</pos:DataDoreczenia></pos:UPP></pos:Dokument>`, time.Date(2026, 11, 23, 18, 0, 0, 0, time.UTC), "2026-11-23T17:00:00Z"},
		{"evidence of tomorrow is not believed", `<UPP><DataDoreczenia>2027-01-01T00:00:00Z</DataDoreczenia></UPP>`, time.Date(2026, 11, 23, 18, 0, 0, 0, time.UTC), ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newScanner(t, func(o *drop.Options) { o.Group, o.Door = drop.GroupPackage, registry.DoorPackage })
			s.now = tt.at
			s.write("d-1/pismo.pdf", pdf("wezwanie"))
			s.write("d-1/załączniki/mapa.txt", []byte("mapa"))
			s.write("d-1/dowód.xml", []byte(tt.evidence))
			s.write("d-1/wniosek.xml", []byte("<wniosek><EventTime>2026-01-01T00:00:00Z</EventTime></wniosek>"))
			s.scans(0, 3*time.Second, time.Second)
			it, parts := s.only()
			if len(parts) != 4 || it.Door != registry.DoorPackage || !slices.Equal(it.File.Evidence, []string{"dowód.xml"}) {
				t.Errorf("item %+v with %d parts", it.File, len(parts))
			}
			got := ""
			if !it.File.EvidenceAt.IsZero() {
				got = it.ReceivedAt().Truncate(time.Second).Format(time.RFC3339)
			}
			if got != tt.want {
				t.Errorf("received at %q, want %q", got, tt.want)
			}
		})
	}
}

func TestWhatMustBeConfirmedIsNotLaidAmongTheErrors(t *testing.T) {
	s := newScanner(t, func(o *drop.Options) { o.OnConfirm = true })
	s.office.closed = true
	s.write("a.pdf", pdf("a"))
	s.scans(0, 3*time.Second)
	s.office.closed = false
	for id, it := range s.office.items {
		if !it.File.OnConfirm {
			t.Error("the item does not say that it must be confirmed")
		}
		s.office.outcomes[id] = registry.Outcome{Disposition: registry.Quarantined}
	}
	s.scans(time.Second)
	if left := strings.Join(s.files(), "\n"); strings.Contains(left, "_bledy") || !strings.Contains(left, "_zarejestrowane/2026-11/") {
		t.Errorf("the folder holds %q", left)
	}
}
