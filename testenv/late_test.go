package testenv_test

import (
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"kancelaria/registry"
	"kancelaria/testenv"
)

// scannedPage gives what a scanner makes of a page: a PDF whose only page is a
// picture. The picture is taken of a page of text.
func scannedPage(t *testing.T, text string) []byte {
	t.Helper()
	content := fmt.Sprintf("BT /F1 18 Tf 40 700 Td (%s) Tj ET", text)
	page := fmt.Sprintf("%%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"+
		"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>endobj\n"+
		"4 0 obj<</Length %d>>stream\n%s\nendstream endobj\n5 0 obj<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>endobj\ntrailer<</Root 1 0 R>>\n%%%%EOF\n", len(content), content)
	cmd := exec.Command("pdftoppm", "-q", "-gray", "-r", "100", "-")
	cmd.Stdin = strings.NewReader(page)
	pgm, err := cmd.Output()
	if err != nil {
		t.Fatalf("pdftoppm (package poppler-utils): %v", err)
	}
	var width, height, most int
	if _, err := fmt.Sscanf(string(pgm[:20]), "P5\n%d %d\n%d\n", &width, &height, &most); err != nil {
		t.Fatal(err)
	}
	pixels := pgm[len(pgm)-width*height:]
	show := "q 595 0 0 842 0 0 cm /Im Do Q"
	return fmt.Appendf(nil, "%%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"+
		"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</XObject<</Im 5 0 R>>>>>>endobj\n"+
		"4 0 obj<</Length %d>>stream\n%s\nendstream endobj\n"+
		"5 0 obj<</Type/XObject/Subtype/Image/Width %d/Height %d/ColorSpace/DeviceGray/BitsPerComponent 8/Length %d>>stream\n%s\nendstream endobj\n"+
		"trailer<</Root 1 0 R>>\n%%%%EOF\n", len(show), show, width, height, len(pixels), pixels)
}

// A scan says nothing to anybody until it is read; then it is found by its
// words, the front desk gets a proposal, and the entry is what it was.
func TestAScanIsFoundByItsWords(t *testing.T) {
	eachStore(t, func(t *testing.T, o testenv.Options) {
		h := testenv.Daemon(t, o)
		scan := scannedPage(t, "Wniosek o usuniecie drzewa przy ul. Lipowej")
		if err := os.WriteFile(filepath.Join(h.Drop, "SKM_C250i26112308150.pdf"), scan, 0o644); err != nil {
			t.Fatal(err)
		}
		before := h.WaitFor(t, 1)[0]
		testenv.Eventually(t, "the scan is found by a word in it", func() error {
			if out := h.Run(t, "--json", "search", "lipowej"); !strings.Contains(out, before.Number) {
				return fmt.Errorf("search prints %q", out)
			}
			return nil
		})
		after := h.Show(t, before.Number)
		var kinds []string
		for _, e := range after.Events {
			kinds = append(kinds, e.Kind)
		}
		if !slices.Contains(kinds, "finding") || !slices.Contains(kinds, "proposed") {
			t.Errorf("events %q", kinds)
		}
		if after.Number != before.Number || after.Original != before.Original || after.Class != before.Class || after.Status != before.Status {
			t.Errorf("the entry was %+v and is %+v", before, after)
		}
		if digest(h.Original(t, after.Number)) != digest(scan) {
			t.Error("the original is another one")
		}
		testenv.Eventually(t, "the front desk is told of the proposal", func() error {
			for _, m := range mailsFor(t, h, "pk1@aleksandrowo.example") {
				body := make([]byte, 1<<16)
				n, _ := m.Body.Read(body)
				if strings.Contains(string(body[:n]), "6131") {
					return nil
				}
			}
			return fmt.Errorf("no mail names the class")
		})
		if out := h.Run(t, "status"); !strings.Contains(out, "tesseract (pol)") {
			t.Errorf("status says nothing of what reads scans:\n%s", out)
		}
		h.Run(t, "verify", "--full")
	})
}

// With the scanner down a letter is registered and its files are locked; what
// the scanner says later unlocks them, or keeps them locked for good.
func TestMalwareFoundLaterKeepsTheFilesLocked(t *testing.T) {
	socket := filepath.Join(testenv.TempDir(t), "scanner")
	h := testenv.Daemon(t, testenv.Options{Edit: func(yaml string) string {
		return yaml + "\nscanner: {clamd: \"unix:" + socket + "\"}\n"
	}})
	scanner := testenv.Clamd(t)
	clean := compose(h, "czyste")
	infected := []byte(strings.Replace(string(compose(h, "zarażone")), "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n",
		"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nW załączeniu.\r\n--b\r\nContent-Type: application/octet-stream; name=umowa.bin\r\nContent-Transfer-Encoding: base64\r\n\r\n"+
			base64.StdEncoding.EncodeToString(testenv.EICAR())+"\r\n--b--\r\n", 1))
	mustHand(t, h, infected)
	mustHand(t, h, clean)
	for _, e := range h.WaitFor(t, 2) {
		if !slices.Contains(e.Flags, string(registry.FlagNotScanned)) {
			t.Fatalf("%s has flags %q while the scanner is down", e.Number, e.Flags)
		}
	}
	number := h.List(t)[1].Number
	locked(t, h, number)

	if err := os.Symlink(scanner, socket); err != nil {
		t.Fatal(err)
	}
	testenv.Eventually(t, "both letters are scanned", func() error {
		if left := h.List(t, "--flag", string(registry.FlagNotScanned)); len(left) > 0 {
			return fmt.Errorf("%d are not", len(left))
		}
		return nil
	})
	found := h.List(t, "--flag", string(registry.FlagMalware))
	if len(found) != 1 || found[0].Number != number {
		t.Fatalf("malware is found in %+v, want %s", found, number)
	}
	h.Original(t, h.List(t)[0].Number) // the clean one
	locked(t, h, number)
	if out := h.Run(t, "original", number, "--reason", "oględziny administratora", "--by", "sek"); digest([]byte(out)) != digest(infected) {
		t.Error("what was opened is not what arrived")
	}
	var unlocked bool
	for _, e := range h.Show(t, number).Events {
		unlocked = unlocked || e.Kind == "unlocked" && e.Reason == "oględziny administratora"
	}
	if !unlocked {
		t.Error("nobody wrote down that it was opened")
	}
	locked(t, h, number) // again: once is once
	h.Run(t, "verify")
}

// locked fails the test if an original or its parts can be had just so.
func locked(t *testing.T, h *testenv.House, number string) {
	t.Helper()
	for _, command := range [][]string{{"original", number}, {"attachment", number, "1"}} {
		if r := h.Try(t, command...); r.Code == 0 || !strings.Contains(r.Stderr, "locked") {
			t.Errorf("%s: exit code %d, %q", command[0], r.Code, r.Stderr)
		}
	}
}
