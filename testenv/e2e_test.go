package testenv_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"kancelaria/testenv"
)

func TestWhatIsHandedInIsRegisteredOnceAndWhole(t *testing.T) {
	eachStore(t, func(t *testing.T, o testenv.Options) {
		h := testenv.Daemon(t, o)
		bySwaks, byCurl, scan := compose(h, "pismo przez swaks"), compose(h, "pismo przez curl"), composePDF()
		tool(t, "swaks", "--server", h.SMTP, "--from", "a@resident.example", "--to", h.Mailbox, "--data", "@"+writeFile(t, "a.eml", bySwaks))
		tool(t, "curl", "--silent", "--show-error", "smtp://"+h.SMTP, "--mail-from", "b@resident.example",
			"--mail-rcpt", h.Mailbox, "--upload-file", writeFile(t, "b.eml", byCurl))
		if err := os.WriteFile(filepath.Join(h.Drop, "SKM_C250i26112308150.pdf"), scan, 0o644); err != nil {
			t.Fatal(err)
		}
		bySwaks = append(bySwaks, "\r\n"...) // swaks ends each letter with an empty line
		h.WaitFor(t, 3)
		h.Restart(t) // what was under way is finished

		book := h.List(t)
		if len(book) != 3 {
			t.Errorf("%d entries for two letters and a scan", len(book))
		}
		testenv.CheckGapless(t, book)
		doors := map[string]string{digest(bySwaks): "smtp", digest(byCurl): "smtp", digest(scan): "folder"}
		for _, e := range book {
			door, sent := doors[e.Original.SHA256]
			delete(doors, e.Original.SHA256)
			if !sent || e.Door != door {
				t.Errorf("%s came by %q with a digest that was sent: %t, want door %q", e.Number, e.Door, sent, door)
			}
			if got := digest(h.Original(t, e.Number)); got != e.Original.SHA256 {
				t.Errorf("%s: the original has digest %s, the book says %s", e.Number, got, e.Original.SHA256)
			}
			if shown := h.Show(t, e.Number); shown.Original != e.Original || shown.ItemID != e.ItemID {
				t.Errorf("show says %+v, list says %+v", shown, e)
			}
		}
		h.Run(t, "verify")
	})
}

// tool runs a program of the town.
func tool(t *testing.T, name string, args ...string) {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
}

func TestLettersAreTakenWhileTheBookIsAway(t *testing.T) {
	pg := testenv.OwnPostgres(t)
	h := testenv.Daemon(t, testenv.Options{Store: pg.NewDatabase(t), Edit: patientForNumbers})
	if answer := mustHand(t, h, compose(h, "before")); !strings.Contains(answer, "Registered as") {
		t.Errorf("with the book open the answer is %q", answer)
	}
	pg.Stop(t)
	var sent []string
	for i := range 10 {
		subject := fmt.Sprintf("away %d", i)
		sent = append(sent, subject)
		if answer := mustHand(t, h, compose(h, subject)); !strings.Contains(answer, "Accepted as") {
			t.Errorf("with the book away the answer is %q", answer)
		}
	}
	h.Restart(t) // while the book is away
	sent = append(sent, "after a restart")
	mustHand(t, h, compose(h, "after a restart"))
	pg.Start(t)
	checkOnce(t, h.WaitFor(t, len(sent)+1), append(sent, "before"))
	if answer := mustHand(t, h, compose(h, "afterwards")); !strings.Contains(answer, "Registered as") {
		t.Errorf("with the book open again the answer is %q", answer)
	}
	h.Run(t, "verify")
}

// patientForNumbers lets the door wait for a number longer than any test
// lasts, so that an answer shows that it did not wait.
func patientForNumbers(yaml string) string {
	return regexp.MustCompile(`wait_for_number: \w+`).ReplaceAllString(yaml, "wait_for_number: 1h")
}

func TestLettersSurviveACrashOfTheBook(t *testing.T) {
	pg := testenv.OwnPostgres(t)
	h := testenv.Daemon(t, testenv.Options{Store: pg.NewDatabase(t)})
	crowd := startCrowd(h, 4)
	for range 3 {
		crowd.waitForMore(t, 40)
		pg.RestartImmediate(t)
	}
	acknowledged := crowd.stop()
	checkOnce(t, h.WaitFor(t, len(acknowledged)), acknowledged)
	h.Run(t, "verify")
}

func TestClerksWorkWhileLettersPourIn(t *testing.T) {
	eachStore(t, func(t *testing.T, o testenv.Options) {
		h := testenv.Daemon(t, o)
		crowd := startCrowd(h, 4)
		crowd.waitForMore(t, 50)
		h.WaitFor(t, 5)
		for _, e := range h.List(t, "--limit", "5") {
			h.Run(t, "annul", e.Number, "--reason", "wpisane omyłkowo", "--by", "sek")
			if e := h.Show(t, e.Number); e.Status != "annulled" {
				t.Errorf("%s is %q after it was annulled", e.Number, e.Status)
			}
		}
		acknowledged := crowd.stop()
		checkOnce(t, h.WaitFor(t, len(acknowledged)), acknowledged)
		if annulled := h.List(t, "--status", "annulled"); len(annulled) != 5 {
			t.Errorf("%d entries are annulled, want 5", len(annulled))
		}
		h.Run(t, "verify")
	})
}

func TestBrokenFilesAreNamedByPlace(t *testing.T) {
	for _, tt := range []struct {
		name, file string
		edit       func(string) string
		want       string // complaint, as a pattern
		code       int
	}{
		{"a misspelt key of the daemon", "kancelaria.yaml", replace("\nsmtp:", "\nsmpt:"), `kancelaria\.yaml:\d+:\d+: .*smpt.*smtp`, 3},
		{"a wrong unit", "kancelaria.yaml", replace("50MB", "50MX"), `kancelaria\.yaml:\d+:\d+: .*50MX`, 3},
		{"a misspelt key of the office", "office.yaml", replace("\ndepartments:", "\ndepartmnets:"), `office\.yaml:\d+:\d+: .*departmnets.*departments`, 3},
		{"a broken line", "office.yaml", func(s string) string { return s + "\nclasses: [\n" }, `office\.yaml:\d+:\d+: `, 3},
		{"a rule for nobody", "rules.yaml", replace("\nfallback:", "\nfallbakc:"), `rules\.yaml:\d+:\d+: .*fallbakc.*fallback`, 4},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := testenv.Office(t, testenv.Options{})
			h.EditFile(t, tt.file, func(text string) string {
				edited := tt.edit("\n" + text)[1:]
				if edited == text {
					t.Fatalf("%s has nothing to break", tt.file)
				}
				return edited
			})
			for _, command := range []string{"check", "serve"} {
				r := h.Try(t, command)
				if r.Code != tt.code {
					t.Errorf("%s: exit code %d, want %d", command, r.Code, tt.code)
				}
				if said := r.Stdout + r.Stderr; !regexp.MustCompile(tt.want).MatchString(said) {
					t.Errorf("%s says\n%s\nwant %s", command, said, tt.want)
				}
			}
		})
	}
}

func replace(old, new string) func(string) string {
	return func(text string) string { return strings.Replace(text, old, new, 1) }
}

func TestTheSampleOfficeHasNothingToComplainAbout(t *testing.T) {
	h := testenv.Office(t, testenv.Options{})
	h.Run(t, "check")
	if r := h.Try(t, "init", h.Dir); r.Code == 0 {
		t.Error("init writes over an office that is there")
	}
}

func TestASecondDaemonFindsTheDoorLocked(t *testing.T) {
	h := testenv.Daemon(t, testenv.Options{})
	if r := h.Try(t, "serve"); r.Code != 7 {
		t.Errorf("exit code %d, want 7\n%s", r.Code, r.Stderr)
	}
	mustHand(t, h, compose(h, "the first goes on"))
}

func TestBooksAreReadWithoutADaemon(t *testing.T) {
	h := testenv.Daemon(t, testenv.Options{})
	letter := compose(h, "pismo")
	mustHand(t, h, letter)
	h.WaitFor(t, 1)
	h.Stop(t)
	book := h.List(t)
	if len(book) != 1 || !bytes.Equal(h.Original(t, book[0].Number), letter) {
		t.Errorf("without a daemon the book shows %+v", book)
	}
	h.Run(t, "verify", "--full")
}
