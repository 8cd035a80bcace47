package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"kancelaria/gateway/notify"
	"kancelaria/registry"
	"kancelaria/registry/ledger"
	"kancelaria/registry/storetest"
)

// A caught channel keeps what is sent.
type caught struct{ parcels chan notify.Parcel }

func (c caught) Send(_ context.Context, p notify.Parcel) (string, error) {
	c.parcels <- p
	return "250 taken", nil
}

// A signedBook proves leaves of a book in memory.
type signedBook struct {
	*storetest.Memory
	sealer *registry.Sealer
}

func (b signedBook) Prove(ctx context.Context, leaf int64) ([]byte, bool, error) {
	rows, err := b.Leaves(ctx, leaf, leaf+1)
	if err != nil {
		return nil, false, err
	}
	proof, err := registry.Prove(ctx, b.Memory, rows[0], b.sealer.Latest())
	return []byte(proof.String()), err == nil, err
}

// writtenReceipt lets the office register a letter with two attachments and
// gives the receipt it sends, and its public key.
func writtenReceipt(t *testing.T, english bool) (receipt []byte, public string) {
	t.Helper()
	secret, public, err := ledger.GenerateKey(rand.Reader, "aleksandrowo.example/ksiega")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ledger.NewSigner(secret)
	if err != nil {
		t.Fatal(err)
	}
	book := signedBook{Memory: storetest.NewMemory("aleksandrowo.example/ksiega", nil)}
	book.sealer = registry.NewSealer(book, signer, registry.SealerOptions{Node: "n1"})
	letter := storetest.Letter(1, func(d *registry.Draft) {
		d.Arrival.Receipt.English = english
		d.Arrival.Item.Original = registry.Original{Digest: sha256.Sum256([]byte("pismo")), Size: 5}
		d.Arrival.Item.Recipients = []string{"urzad@aleksandrowo.example"}
		d.Arrival.Document.Attachments = []registry.Attachment{
			{Path: "2", Role: registry.RoleAttachment, Size: 7, Digest: sha256.Sum256([]byte("wniosek"))},
			{Path: "3", Role: registry.RoleAttachment, Size: 4, Digest: sha256.Sum256([]byte("mapa"))},
		}
	})
	if _, err := book.Commit(t.Context(), []registry.Draft{storetest.Letter(0), letter}); err != nil {
		t.Fatal(err)
	}
	if err := book.sealer.Seal(t.Context()); err != nil {
		t.Fatal(err)
	}
	warsaw, err := time.LoadLocation("Europe/Warsaw")
	if err != nil {
		t.Fatal(err)
	}
	office := &registry.Office{
		Name: "Urząd Miejski w Aleksandrowie", EnglishName: "Aleksandrowo Town Office", Domain: "aleksandrowo.example", Zone: warsaw,
		ADE: "AE:PL-00000-00000-AAAAA-00", BIP: "https://bip.aleksandrowo.example", Phone: "00 000 00 00",
	}
	mail := caught{make(chan notify.Parcel, 16)}
	bell := notify.New(book, func() *registry.Office { return office }, mail, notify.Options{Node: "n1", From: "Kancelaria <kancelaria@aleksandrowo.example>", Prover: book})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- bell.Run(ctx) }()
	for p := range mail.parcels {
		if p.Row.Kind == registry.OutboxReceipt && p.Row.Number.Seq == 2 {
			receipt = p.Row.Rendered
			break
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	return receipt, public
}

// check runs the command and gives its findings.
func check(t *testing.T, receipt []byte, public string, args ...string) (codes []string, said string, exit int) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "receipt.eml")
	if err := os.WriteFile(name, receipt, 0o600); err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	exit = run(append([]string{"receipt", "verify", name, "--key", public}, args...), nil, &out, &errs)
	for line := range strings.Lines(out.String()) {
		if m := regexp.MustCompile(`^([a-z_]+)  `).FindStringSubmatch(line); m != nil {
			codes = append(codes, m[1])
		}
	}
	return codes, out.String() + errs.String(), exit
}

// opened undoes the encodings, so that a test can change what people read.
func opened(t *testing.T, receipt []byte) string {
	t.Helper()
	text := strings.ReplaceAll(string(receipt), "\r\n", "\n")
	letter, file, cut := strings.Cut(text, "Content-Transfer-Encoding: base64")
	if !cut {
		t.Fatalf("no file in base64:\n%s", text)
	}
	header, letter, _ := strings.Cut(letter, "\n\n")
	letter = regexp.MustCompile(`=\n`).ReplaceAllString(letter, "")
	letter = regexp.MustCompile(`=([0-9A-F]{2})`).ReplaceAllStringFunc(letter, func(s string) string { return string(hexByte(s[1:])) })
	head, body, _ := strings.Cut(file, "\n\n")
	body, rest, _ := strings.Cut(body, "\n--")
	raw, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(body, "\n", ""))
	if err != nil {
		t.Fatal(err)
	}
	letter = header + "\n\n" + letter
	return strings.Replace(letter, "quoted-printable", "8bit", 1) + "Content-Transfer-Encoding: 8bit" + head + "\n\n" + strings.ReplaceAll(string(raw), "\r\n", "\n") + "\n--" + rest
}

func hexByte(s string) []byte {
	var b byte
	for _, c := range []byte(s) {
		b = b<<4 | byte(strings.IndexByte("0123456789ABCDEF", c))
	}
	return []byte{b}
}

func TestAReceiptProvesWhatItStates(t *testing.T) {
	for _, english := range []bool{false, true} {
		receipt, public := writtenReceipt(t, english)
		if codes, said, exit := check(t, receipt, public); exit != 0 || len(codes) != 0 || !strings.Contains(said, "RPW-000002-2026") {
			t.Fatalf("a true receipt: exit %d, %s", exit, said)
		}
		text := opened(t, receipt)
		if codes, said, exit := check(t, []byte(text), public); exit != 0 || len(codes) != 0 {
			t.Fatalf("a true receipt, encoded anew: exit %d, %s", exit, said)
		}
		file := text[strings.Index(text, "\ufeffPOTW"):]
		if codes, said, exit := check(t, []byte(file[:strings.Index(file, "\n--kancelaria")]), public); exit != 0 || len(codes) != 0 {
			t.Fatalf("the attached file alone: exit %d, %s", exit, said)
		}
	}
}

func TestEachStatementChangedInAReceiptIsNamed(t *testing.T) {
	for _, tt := range []struct {
		name, from, to string
		nth            int // which occurrence, from 0
		want           string
	}{
		{"the number in the letter", "(RPW): RPW-000002-2026", "(RPW): RPW-000003-2026", 0, notify.FoundNumber},
		{"the time in the letter", "12:00:00", "12:00:01", 0, notify.FoundTime},
		{"the day in the letter", "godzina: 23 listopada", "godzina: 22 listopada", 0, notify.FoundTime},
		{"the count in the letter", "załączników: 2", "załączników: 3", 0, notify.FoundCount},
		{"no attachments in the letter", "Liczba załączników: 2", "Wiadomość nie zawierała załączników.", 0, notify.FoundCount},
		{"a word of the letter", "nie oznacza wszczęcia", "oznacza wszczęcie", 0, notify.FoundText},
		{"a line left out of the letter", "CO OZNACZA TO POTWIERDZENIE\n", "", 0, notify.FoundText},
		{"a line put into the letter", "Dzień dobry,\n", "Dzień dobry,\nsprawa wygrana\n", 0, notify.FoundText},
		{"the English number", "number: RPW-000002-2026", "number: RPW-000009-2026", 0, notify.FoundNumber},
		{"the English count", "Attachments: 2.", "Attachments: 1.", 0, notify.FoundCount},
		{"the number in the header", "X-Kancelaria-Item: RPW-000002-2026", "X-Kancelaria-Item: RPW-000001-2026", 0, notify.FoundNumber},
		{"the number in the file", "Numer: RPW-000002-2026", "Numer: RPW-000002-2025", 0, notify.FoundNumber},
		{"the time in the file", "godzina: 23 listopada", "godzina: 24 listopada", 1, notify.FoundTime},
		{"the size in the file", "Wiadomość: 5 B", "Wiadomość: 6 B", 0, notify.FoundMessageSize},
		{"the digest in the file", "5 B, SHA-256 ", "5 B, SHA-256 a", 0, notify.FoundMessageDigest},
		{"an attachment's size", "Załącznik 1: 7 B", "Załącznik 1: 8 B", 0, notify.FoundFiles},
		{"an attachment's ordinal", "Załącznik 2: 4 B", "Załącznik 3: 4 B", 0, notify.FoundFiles},
		{"an attachment of the English list", "Attachment 2: 4 B", "Attachment 2: 5 B", 0, notify.FoundFiles},
		{"the advice in the file", "sha256sum PLIK", "md5sum PLIK", 0, notify.FoundText},
		{"the proof is cut off", "c2sp.org/tlog-proof@v1", "c2sp.org/tlog-proof@v2", 0, notify.FoundNoProof},
		{"the place in the ledger", "index 1", "index 0", 0, notify.FoundProof},
		{"the name of the ledger", "\naleksandrowo.example/ksiega\n", "\naleksandrowo.example/ksiegi\n", 0, notify.FoundProof},
	} {
		t.Run(tt.name, func(t *testing.T) {
			receipt, public := writtenReceipt(t, true)
			text := opened(t, receipt)
			at := -1
			for range tt.nth + 1 {
				next := strings.Index(text[at+1:], tt.from)
				if next < 0 {
					t.Fatalf("the receipt does not say %q:\n%s", tt.from, text)
				}
				at += 1 + next
			}
			codes, said, exit := check(t, []byte(text[:at]+tt.to+text[at+len(tt.from):]), public)
			if exit != exitFindings || !slices.Equal(codes, []string{tt.want}) {
				t.Errorf("exit %d, found %v, want %s:\n%s", exit, codes, tt.want, said)
			}
		})
	}
}

// Any byte of the proof that means something breaks it when it is another one.
func TestAnyChangedByteOfTheFiguresAndTheProofIsFound(t *testing.T) {
	receipt, public := writtenReceipt(t, false)
	text := opened(t, receipt)
	file := text[strings.Index(text, "POTW"):]
	file = file[:strings.Index(file, "\n--kancelaria")]
	zone, err := time.LoadLocation("Europe/Warsaw")
	if err != nil {
		t.Fatal(err)
	}
	step := 1
	if testing.Short() {
		step = 7
	}
	for i := 0; i < len(strings.TrimRight(file, "\n")); i += step {
		for _, bit := range []byte{1, 0x20} {
			changed := []byte(file)
			changed[i] ^= bit
			seen, err := notify.CheckReceipt(bytes.NewReader(changed), []string{public}, zone)
			if err == nil && len(seen.Findings) == 0 {
				t.Errorf("byte %d changed from %q to %q is not found", i, file[i], changed[i])
			}
		}
	}
}

func TestAReceiptIsComparedWithTheSendersFiles(t *testing.T) {
	receipt, public := writtenReceipt(t, false)
	dir := t.TempDir()
	put := func(name, text string) string {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	if codes, said, exit := check(t, receipt, public, "--original", put("pismo.eml", "pismo"), "--attachment", put("mapa.png", "mapa")); exit != 0 || len(codes) != 0 || !strings.Contains(said, "as attachment 2") {
		t.Errorf("exit %d: %s", exit, said)
	}
	if codes, said, exit := check(t, receipt, public, "--attachment", put("inna.png", "inna mapa")); exit != exitFindings || !slices.Equal(codes, []string{"attachment_not_there"}) {
		t.Errorf("exit %d: %s", exit, said)
	}
	letter := "From: a@poczta.example\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: text/plain\r\n\r\nDzien dobry\r\n" +
		"--x\r\nContent-Type: image/png\r\nContent-Disposition: attachment; filename=mapa.png\r\n\r\nmapa\r\n--x--\r\n"
	if codes, said, exit := check(t, receipt, public, "--original", put("inne.eml", letter)); exit != exitFindings || !slices.Equal(codes, []string{"original_differs"}) || !strings.Contains(said, "1 of its 1 attachments") {
		t.Errorf("exit %d: %s", exit, said)
	}
}

func TestAReceiptOfAnotherOfficeIsNotTakenForOurs(t *testing.T) {
	receipt, _ := writtenReceipt(t, false)
	_, other := writtenReceipt(t, false)
	if codes, said, exit := check(t, receipt, other); exit != exitFindings || !slices.Equal(codes, []string{notify.FoundProof}) {
		t.Errorf("exit %d: %s", exit, said)
	}
	if _, said, exit := check(t, receipt, "not-a-key"); exit != exitUsage {
		t.Errorf("exit %d: %s", exit, said)
	}
}
