package reply

import (
	"strings"
	"testing"
	"unicode/utf8"

	"kancelaria/registry"
)

func TestWhatIsACommand(t *testing.T) {
	day := registry.Day{Year: 2026, Month: 12, Day: 5}
	for _, tt := range []struct {
		name, text string
		want       Command
	}{
		{"accept", "przyjmuję", Command{Verb: "accept"}},
		{"capital letters and a stop", "Przyjmuję.\n", Command{Verb: "accept"}},
		{"without marks", "PRZYJMUJE", Command{Verb: "accept"}},
		{"English", "accept", Command{Verb: "accept"}},
		{"after a greeting", "Dzień dobry,\n\nprzyjmuję\n\nreferent ds. zieleni\ntel. 1", Command{Verb: "accept"}},
		{"above a quotation", "przyjmuję\n> zwracam wszystko\n", Command{Verb: "accept"}},
		{"below nothing but quoted lines", "> zwracam x\n>\nprzyjmuję", Command{Verb: "accept"}},
		{"above a quoted head", "przyjmuję\n\nW dniu 23.11.2026 o 10:02, Kancelaria pisze:\nzwracam x", Command{Verb: "accept"}},
		{"return", "zwracam to nie nasza sprawa", Command{Verb: "return", Reason: "to nie nasza sprawa"}},
		{"with a colon", "Zwracam: to nie nasza sprawa", Command{Verb: "return", Reason: "to nie nasza sprawa"}},
		{"a reason of two lines", "return not our matter\nat all\n\nbest wishes", Command{Verb: "return", Reason: "not our matter at all"}},
		{"forward", "przekaż os2 zna sprawę", Command{Verb: "forward", To: "os2", Reason: "zna sprawę"}},
		{"forward without a reason", "forward OS", Command{Verb: "forward", To: "OS"}},
		{"case", "do sprawy OS.6131.12.2026", Command{Verb: "case", To: "OS.6131.12.2026"}},
		{"case in English", "case OS.6131.12.2026.", Command{Verb: "case", To: "OS.6131.12.2026"}},
		{"due", "termin 2026-12-05 strona prosi", Command{Verb: "due", Day: day, Reason: "strona prosi"}},
		{"due as people write it", "termin 5.12.2026 strona prosi", Command{Verb: "due", Day: day, Reason: "strona prosi"}},
		{"note", "notatka: dzwoniła strona", Command{Verb: "note", Reason: "dzwoniła strona"}},
		{"close", "zakończ", Command{Verb: "close"}},
		{"close with a text", "close answered by letter", Command{Verb: "close", Reason: "answered by letter"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Parse(tt.text)
			got.Right = 0
			if err != nil || got != tt.want {
				t.Errorf("Parse = %+v, %v, want %+v", got, err, tt.want)
			}
		})
	}
}

func TestWhatIsNoCommand(t *testing.T) {
	for _, text := range []string{
		"",
		"\n\n",
		"Dzień dobry,",
		"Przyjmuję do wiadomości, że…",
		"przyjmuję z zastrzeżeniem",
		"Dziękuję, przyjmuję",
		"Dzień dobry, przyjmuję",
		"Szanowni Państwo\nWitam\nprzyjmuję",
		"nie przyjmuję",
		"przyjmujemy",
		"zwracam",
		"przekaż",
		"termin jutro bo tak",
		"termin 2026-02-30 bo tak",
		"termin 2026-12-05",
		"do sprawy",
		"do sprawy OS.6131.12.2026 i zamknij",
		"notatka",
		"> przyjmuję",
		"-----Original Message-----\nprzyjmuję",
		"ok",
	} {
		if c, err := Parse(text); err == nil {
			t.Errorf("Parse(%q) = %+v", text, c)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"przyjmuję", "Dzień dobry,\nzwracam: x\ny\n\nz", "przekaż os2\xff x", "termin 5.12.2026 y", "do sprawy A.1.2.2026",
		strings.Repeat("notatka ", 1000), "\ufeffclose\u00a0x", "due : : x",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := Parse(text)
		switch {
		case err != nil && c != Command{}:
			t.Errorf("a command beside an error: %+v", c)
		case err != nil:
		case c.Verb == "" || c.Right == 0:
			t.Errorf("no verb in %+v", c)
		case len(c.Reason) > maxReason || !utf8.ValidString(c.Reason) || !utf8.ValidString(c.To) || strings.ContainsAny(c.Reason+c.To, "\r\n"):
			t.Errorf("a text that cannot be written down: %+v", c)
		}
	})
}
