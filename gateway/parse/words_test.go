package parse

import (
	"maps"
	"strings"
	"testing"
)

func TestTitlesLoseTheMarksOfAnswering(t *testing.T) {
	w := loadWords()
	for in, want := range map[string]string{
		"Wniosek":                        "Wniosek",
		"Re: Wniosek":                    "Wniosek",
		"Odp: RE: Fwd: PD: Wniosek":      "Wniosek",
		"Re[2]: Wniosek":                 "Wniosek",
		"RE (3): Wniosek":                "Wniosek",
		"AW: WG: Antrag":                 "Antrag",
		"ODP.: Wniosek":                  "Wniosek",
		"回复：Wniosek":                     "Wniosek",
		"Sprawa: Wniosek":                "Sprawa: Wniosek",
		"Re:":                            "",
		"":                               "",
		"Termin 12:30":                   "Termin 12:30",
		"  Re:Wniosek ":                  "Wniosek",
		strings.Repeat("Re: ", 10) + "x": "x",
	} {
		if got := w.title(in); got != want {
			t.Errorf("%q = %q, want %q", in, got, want)
		}
	}
}

func TestOwnTextIsWithoutQuotedLetters(t *testing.T) {
	w := loadWords()
	for name, tt := range map[string]struct{ in, want string }{
		"nothing quoted":          {"Dzień dobry\n\nproszę o odpowiedź", "Dzień dobry\n\nproszę o odpowiedź"},
		"Outlook":                 {"Dziękuję\n\n-----Original Message-----\nFrom: a\nstare", "Dziękuję"},
		"Outlook in Polish":       {"Dziękuję\n\n-----Oryginalna wiadomość-----\nOd: a\nstare", "Dziękuję"},
		"Outlook's four fields":   {"Dziękuję\n\nOd: Urząd <a@b.example>\nWysłano: poniedziałek\nDo: Jan\nTemat: Wniosek\n\nstare", "Dziękuję"},
		"in English":              {"Thanks\n\nFrom: Office <a@b.example>\nSent: Monday\nTo: Jan\nSubject: x\n\nold", "Thanks"},
		"Thunderbird":             {"Dziękuję\n\nW dniu 23.11.2026 o 10:00, Urząd pisze:\n> stare\n> stare\n", "Dziękuję"},
		"Gmail":                   {"Dziękuję\n\npon., 23 lis 2026 o 10:00 Urząd <a@b.example> napisał(a):\n\n> stare", "Dziękuję"},
		"Gmail on two lines":      {"Thanks\n\nOn Mon, 23 Nov 2026 at 10:00, The Office\n<a@b.example> wrote:\n\n> old", "Thanks"},
		"answers between":         {"> czy?\ntak\n> kiedy?\njutro", "tak\njutro"},
		"a signature":             {"Dziękuję\n-- \nJan\ntel. 1", "Dziękuję"},
		"a forwarded letter":      {"Do wiadomości\n\n---------- Forwarded message ---------\nFrom: a\nstare", "Do wiadomości"},
		"a list of items":         {"Lista:\n- a\n- b", "Lista:\n- a\n- b"},
		"words that only look so": {"W dniu wczorajszym pisałem do Państwa.\nOd: rana do nocy hałas", "W dniu wczorajszym pisałem do Państwa.\nOd: rana do nocy hałas"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := w.own(tt.in); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestLanguagesAreTold(t *testing.T) {
	w := loadWords()
	for in, want := range map[string]string{
		"Szanowni Państwo, proszę o wydanie zaświadczenia.":                          "pl",
		"Prosze o informacje w sprawie mojego wniosku z dnia 3 maja":                 "pl",
		"Dear Sir or Madam, please send me a copy of my birth certificate.":          "en",
		"Sehr geehrte Damen und Herren, bitte senden Sie mir eine Kopie der Urkunde": "",
		"":                                 "",
		"12345":                            "",
		"Request for my birth certificate": "en",
	} {
		if got := w.language(in); got != want {
			t.Errorf("%q = %q, want %q", in, got, want)
		}
	}
}

func TestLinksToFilesElsewhereAreSeen(t *testing.T) {
	w := loadWords()
	for in, want := range map[string]bool{
		"plik: https://drive.google.com/file/d/1/view":  true,
		"https://we.tl/t-abc":                           true,
		"https://firma.sharepoint.com/x":                true,
		"http://www.dropbox.com/s/1":                    true,
		"https://box.com/s/1":                           true,
		"https://box.com/about":                         false,
		"https://notdropbox.com/s/1":                    false,
		"https://aleksandrowo.example/drive.google.com": false,
		"drive.google.com bez adresu":                   false,
		"":                                              false,
	} {
		if got := w.cloud(in, nil); got != want {
			t.Errorf("%q = %t, want %t", in, got, want)
		}
		if got := w.cloud("", []string{strings.TrimPrefix(in, "plik: ")}); got != want {
			t.Errorf("link %q = %t, want %t", in, got, want)
		}
	}
}

func TestNumbersOfResidentsAreKnownByTheirCheckDigit(t *testing.T) {
	for in, want := range map[string]bool{
		"PESEL 44051401359":     true,
		"02070803628":           true, // born in this century? month 07: in 1902
		"44051401358":           false,
		"44991401359":           false, // no such month
		"440514013590":          false,
		"nr konta 12 1234 1234": false,
		"00000000000":           false,
		"x44051401359y":         true,
	} {
		if got := hasPESEL(in); got != want {
			t.Errorf("%q = %t, want %t", in, got, want)
		}
	}
}

func TestNamesOfScansGiveHints(t *testing.T) {
	r := New(Options{})
	for in, want := range map[string]map[string]string{
		"SKM_C250i26112308150.pdf":         {"device": "Konica Minolta C250i", "time": "2026-11-23T08:15:00"},
		"SKMBT_C45108102315230.pdf":        {"device": "Konica Minolta C451", "time": "2008-10-23T15:23:00"},
		"SKMBT_C45108102315230_0001.pdf":   {"device": "Konica Minolta C451", "time": "2008-10-23T15:23:00", "page": "1"},
		"doc00012320261123081502.pdf":      {"device": "Kyocera", "time": "2026-11-23T08:15:02"},
		"20261123081502001.pdf":            {"device": "Ricoh", "time": "2026-11-23T08:15:02"},
		"20261123081502.pdf":               {"device": "Canon", "time": "2026-11-23T08:15:02"},
		"0001_20261123081502.pdf":          {"device": "Canon", "time": "2026-11-23T08:15:02"},
		"[Untitled]_2026112308150.pdf":     {"device": "HP", "time": "2026-11-23T08:15:00"},
		"scan_20261123_20261123081502.pdf": {"device": "HP", "time": "2026-11-23T08:15:02"},
		"BRN001BA9ABCDEF_000123.pdf":       {"device": "Brother"},
		"EPSON001.PDF":                     {"device": "Epson", "page": "1"},
		"Scan_20261123_081502.pdf":         {"time": "2026-11-23T08:15:02"},
		"Scan_20261123.pdf":                {"time": "2026-11-23"},
		"0014.tif":                         {"page": "14"},
		"skan.pdf":                         nil,
		"umowa najmu 2026.pdf":             nil,
		"Scan_20269923.pdf":                nil,
		"":                                 nil,
		strings.Repeat("1", 5000) + ".pdf": nil,
	} {
		if got := r.scanHints(in); !maps.Equal(got, want) {
			t.Errorf("%.60q = %v, want %v", in, got, want)
		}
	}
}
