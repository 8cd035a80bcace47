package signature

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"kancelaria/gateway/parse"
	"kancelaria/registry"
	"kancelaria/testenv/forge"
)

// A member of a container.
type member struct {
	name    string
	content []byte
}

func zipped(t testing.TB, members ...member) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, m := range members {
		f, err := w.CreateHeader(&zip.FileHeader{Name: m.name, Method: zip.Store})
		if err == nil {
			_, err = f.Write(m.content)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

const asicE, asicS = "application/vnd.etsi.asic-e+zip", "application/vnd.etsi.asic-s+zip"

func manifest(signs string, files ...member) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, `<asic:ASiCManifest xmlns:asic="http://uri.etsi.org/02918/v1.2.1#" xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><asic:SigReference URI="%s"/>`, signs)
	for _, f := range files {
		fmt.Fprintf(&b, `<asic:DataObjectReference URI="%s"><ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/><ds:DigestValue>%s</ds:DigestValue></asic:DataObjectReference>`,
			f.name, base64.StdEncoding.EncodeToString(forge.Sum(crypto.SHA256, f.content)))
	}
	b.WriteString(`</asic:ASiCManifest>`)
	return []byte(b.String())
}

func checkFile(t *testing.T, c *Checker, name string, b []byte) []registry.SignatureReport {
	t.Helper()
	it := registry.Item{Door: registry.DoorFolder, Original: registry.Original{Name: name}}
	return parse.New(parse.Options{Checker: c, Now: forge.Now}).Read(t.Context(), it, bytes.NewReader(b)).Signatures
}

func TestAContainerIsWhatBothReadersSee(t *testing.T) {
	c := newCast(t)
	a, b := member{"wniosek.txt", []byte("Wniosek")}, member{"zał 1.txt", []byte("Załącznik")}
	both := manifest("META-INF/signature001.p7s", a, b)
	mime := func(s string) member { return member{"mimetype", []byte(s)} }
	signed := func(m []byte) []member {
		return []member{{"META-INF/ASiCManifest001.xml", m}, {"META-INF/signature001.p7s", c.resident.Sign(t, string(m))}}
	}
	with := func(list ...any) []byte {
		var all []member
		for _, one := range list {
			switch m := one.(type) {
			case member:
				all = append(all, m)
			case []member:
				all = append(all, m...)
			}
		}
		return zipped(t, all...)
	}
	good := with(mime(asicE), a, b, signed(both))
	simple := []member{{"META-INF/signature.p7s", c.resident.Sign(t, string(a.content))}}
	clock := c.town.Authority.Issue("clock", c.town.Authority.Key, forge.Stamping())
	const passed, refused = "TOTAL-PASSED intact whole", "TOTAL-FAILED/FORMAT_FAILURE broken whole"
	for _, tt := range []struct {
		name string
		zip  []byte
		want string
	}{
		{"every file is covered", good, passed},
		{"one file", with(mime(asicS), a, simple), passed},
		{"no mimetype", with(a, simple), passed},
		{"a file was changed", with(mime(asicE), member{a.name, []byte("Inny")}, b, signed(both)), "TOTAL-FAILED/HASH_FAILURE broken files"},
		{"the manifest was changed", with(mime(asicE), a, b, member{"META-INF/ASiCManifest001.xml", manifest("META-INF/signature001.p7s", a)}, signed(both)[1]), "TOTAL-FAILED/HASH_FAILURE broken files"},
		{"a file that nobody signed", with(mime(asicE), a, b, member{"dopisek.txt", []byte("x")}, signed(both)), "TOTAL-PASSED intact files"},
		{"a listed file is missing", with(mime(asicE), a, signed(both)), "INDETERMINATE/SIGNED_DATA_NOT_FOUND intact whole"},
		{"two files in a container of one", with(mime(asicS), a, b, simple), "TOTAL-FAILED/FORMAT_FAILURE broken files"},
		{"the one file lies in a folder", with(mime(asicS), member{"x/wniosek.txt", a.content}, simple), refused},
		{"two files of signatures", with(mime(asicS), a, simple, member{"META-INF/timestamp.tst", clock.Stamp(t, a.content, forge.Now())}), refused},
		{"no file", with(mime(asicE), signed(manifest("META-INF/signature001.p7s"))), refused},
		{"a name twice", with(mime(asicE), a, b, member{a.name, []byte("Inny")}, signed(both)), "TOTAL-FAILED/FORMAT_FAILURE broken files"},
		{"a name twice, but for its case", with(mime(asicE), a, b, member{"WNIOSEK.txt", []byte("Inny")}, signed(both)), "TOTAL-FAILED/FORMAT_FAILURE broken files"},
		{"a name that leads out", with(mime(asicE), a, b, member{"../wniosek.txt", []byte("Inny")}, signed(both)), "TOTAL-FAILED/FORMAT_FAILURE broken files"},
		{"bytes behind the directory", append(slices.Clone(good), "<html>"...), refused},
		{"another name before the file", bytes.Replace(good, []byte("wniosek.txt"), []byte("wniosok.txt"), 1), refused},
		{"a document type in the manifest", with(mime(asicE), a, b, signed(append([]byte("<!DOCTYPE x>"), both...))), "TOTAL-FAILED/FORMAT_FAILURE broken files"},
		{"a timestamp alone", with(mime(asicS), a, member{"META-INF/timestamp.tst", clock.Stamp(t, a.content, forge.Now())}), "INDETERMINATE/GENERIC intact whole"},
		{"a timestamp of something else", with(mime(asicS), a, member{"META-INF/timestamp.tst", clock.Stamp(t, b.content, forge.Now())}), "TOTAL-FAILED/HASH_FAILURE broken files"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := checkFile(t, c.checker, "pismo.asice", tt.zip)
			if said(got) != tt.want {
				t.Errorf("got  %s\nwant %s", said(got), tt.want)
				for _, r := range got {
					t.Logf("%v %v", r.Reasons, r.Coverage)
				}
			}
		})
	}
}

func TestAZipBombIsRefusedUnpacked(t *testing.T) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, name := range []string{"zera.bin", "META-INF/signature.p7s"} {
		f, err := w.Create(name)
		if err == nil {
			_, err = f.Write(make([]byte, 4<<20))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	got := checkFile(t, newCast(t).checker, "bomba.asics", b.Bytes())
	if len(got) == 0 || got[0].Verdict == registry.TotalPassed || !strings.Contains(got[0].Reasons[0].Note+fmt.Sprint(got[0].Reasons), "times its size") {
		t.Errorf("%s %+v", said(got), got)
	}
}

func FuzzContainer(f *testing.F) {
	a := member{"wniosek.txt", []byte("Wniosek")}
	f.Add(zipped(f, member{"mimetype", []byte(asicE)}, a, member{"META-INF/ASiCManifest001.xml", manifest("META-INF/signature001.p7s", a)}, member{"META-INF/signature001.p7s", []byte("0\x80")}))
	f.Add(binary.LittleEndian.AppendUint32(nil, 0x06054b50))
	c := New(Options{Now: forge.Now})
	f.Fuzz(func(t *testing.T, b []byte) {
		candidate := parse.Candidate{Path: "1", Format: parse.ASiC, Open: func(context.Context) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil }}
		for _, r := range c.Check(t.Context(), []parse.Candidate{candidate}) {
			if r.Verdict == registry.TotalPassed || r.Verdict != "" && len(r.Reasons) == 0 {
				t.Errorf("%+v", r)
			}
			for _, why := range r.Reasons {
				if why.Code == "program" {
					t.Error("a panic")
				}
			}
		}
	})
}
