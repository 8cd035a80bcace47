package signature

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/clearsign"
	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"kancelaria/testenv/forge"
)

func newKey(t *testing.T, mail string, at time.Time, days int) *openpgp.Entity {
	t.Helper()
	e, err := openpgp.NewEntity("resident", "", mail, &packet.Config{
		Algorithm: packet.PubKeyAlgoEdDSA, Time: func() time.Time { return at }, KeyLifetimeSecs: uint32(days * 86400),
	})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func pgpSign(t *testing.T, by *openpgp.Entity, text string) string {
	t.Helper()
	var b bytes.Buffer
	soon := func() time.Time { return by.PrimaryKey.CreationTime.AddDate(0, 0, 2) }
	if err := openpgp.ArmoredDetachSignText(&b, by, strings.NewReader(text), &packet.Config{Time: soon}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func pgpClear(t *testing.T, by *openpgp.Entity, text string) string {
	t.Helper()
	var b bytes.Buffer
	w, err := clearsign.Encode(&b, by.PrivateKey, &packet.Config{Time: forge.Now})
	if err == nil {
		_, err = w.Write([]byte(text))
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestPGPCountsForKeysThatTheOfficeConfirmed(t *testing.T) {
	year := forge.Now().AddDate(-1, 0, 0)
	resident := newKey(t, "resident@poczta.example", year, 0)
	forged := newKey(t, "resident@poczta.example", year, 0) // the same user id
	expired := newKey(t, "resident@poczta.example", year, 30)
	revoked := newKey(t, "resident@poczta.example", year, 0)
	c := New(Options{Keys: openpgp.EntityList{resident, expired, revoked}, Now: forge.Now, Limits: Limits{Time: time.Minute}})
	part := forge.Part("Wniosek o wycinkę drzewa.\n")
	mime := func(by *openpgp.Entity) string {
		return "Content-Type: multipart/signed; protocol=\"application/pgp-signature\"; micalg=pgp-sha512; boundary=s\r\n\r\n--s\r\n" + part +
			"\r\n--s\r\nContent-Type: application/pgp-signature\r\n\r\n" + strings.ReplaceAll(pgpSign(t, by, part), "\n", "\r\n") + "\r\n--s--\r\n"
	}
	inline := func(before string, by *openpgp.Entity, after string) string {
		return "Content-Type: text/plain; charset=utf-8\r\n\r\n" + strings.ReplaceAll(before+pgpClear(t, by, "Wniosek.\n")+"\n"+after, "\n", "\r\n")
	}
	stolen := forge.Letter(from, mime(revoked))
	if err := revoked.RevokeKey(packet.KeyCompromised, "", &packet.Config{Time: func() time.Time { return year.AddDate(0, 1, 0) }}); err != nil {
		t.Fatal(err)
	}
	const passed, unknown = "TOTAL-PASSED intact whole", "INDETERMINATE/NO_SIGNING_CERTIFICATE_FOUND unchecked whole"
	for _, tt := range []struct{ name, letter, want string }{
		{"PGP/MIME by its author", forge.Letter(from, mime(resident)), passed},
		{"line ends lost on the way", strings.ReplaceAll(forge.Letter(from, mime(resident)), "\r\n", "\n"), passed},
		{"changed", strings.Replace(forge.Letter(from, mime(resident)), "drzewa", "drzew", 1), "TOTAL-FAILED/HASH_FAILURE broken whole"},
		{"somebody else's letter", forge.Letter("stranger@elsewhere.example", mime(resident)), "INDETERMINATE/SIG_CONSTRAINTS_FAILURE intact whole"},
		{"a key of the same name that nobody confirmed", forge.Letter(from, mime(forged)), unknown},
		{"a key that has expired", forge.Letter(from, mime(expired)), "INDETERMINATE/OUT_OF_BOUNDS_NO_POE intact whole"},
		{"a revoked key", stolen, "INDETERMINATE/REVOKED intact whole"},
		{"inline", forge.Letter(from, inline("", resident, "")), passed},
		{"text before the signed one", forge.Letter(from, inline("Zapłać:\n\n", resident, "")), "TOTAL-PASSED intact part"},
		{"text behind it", forge.Letter(from, inline("", resident, "Dopisek\n")), "TOTAL-PASSED intact part"},
		{"inline, changed", strings.Replace(forge.Letter(from, inline("", resident, "")), "Wniosek.", "Wnioski.", 1), "TOTAL-FAILED/HASH_FAILURE broken whole"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := read(t, c, tt.letter).Signatures
			if said(got) != tt.want {
				t.Errorf("got  %s\nwant %s", said(got), tt.want)
				for _, r := range got {
					t.Logf("%+v", r.Reasons)
				}
			}
		})
	}
	file := []byte("tabela;1;2\n")
	letter := forge.Letter(from, forge.Mixed(forge.Part("Plik.\n"), forge.File("dane.csv", file), forge.File("podpis.asc", []byte(pgpSign(t, resident, string(file))))))
	if got := read(t, c, letter).Signatures; said(got) != passed || got[0].Coverage.Parts[0] != "2" {
		t.Errorf("a detached one: %s", said(got))
	}
}
