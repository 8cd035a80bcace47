package parse

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/emersion/go-message"
	_ "github.com/emersion/go-message/charset"
	"github.com/emersion/go-message/mail"
	"golang.org/x/text/unicode/norm"

	"kancelaria/registry"
)

var update = flag.Bool("update", false, "write the baseline anew")

// A reading of a letter by another parser.
type opinion struct {
	File    string   `json:"file"`
	Subject string   `json:"subject"`
	Sender  string   `json:"sender"`
	Names   []string `json:"names"`
	Digests []string `json:"digests"`
	Words   []string `json:"words"`
	Error   string   `json:"error"`
}

// What two parsers agree on, we read too. What is still missing stands in the
// baseline, and nothing may be added to that.
func TestWhatOthersAgreeOnIsRead(t *testing.T) {
	files := corpusFiles(t)
	if len(files) == 0 {
		return
	}
	python := askPython(t, files)
	r := New(Options{})
	var short []string
	for _, name := range files {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		rel, err := filepath.Rel(filepath.Join(os.Getenv("KANCELARIA_CORPORA"), "mime"), name)
		if err != nil {
			t.Fatal(err)
		}
		doc := r.Read(t.Context(), registry.Item{Door: registry.DoorSMTP}, bytes.NewReader(raw))
		for _, lack := range lacks(doc, python[name], askGoMessage(raw)) {
			short = append(short, rel+"\t"+lack)
		}
	}
	slices.Sort(short)
	compareBaseline(t, short)
}

// lacks names what both others have and the document has not.
func lacks(doc registry.Document, a, b opinion) []string {
	var out []string
	if s := a.Subject; s != "" && s == b.Subject && s != plain(doc.Subject) {
		out = append(out, fmt.Sprintf("subject\t%.80q\t%.80q", s, plain(doc.Subject)))
	}
	if s := a.Sender; s != "" && strings.EqualFold(s, b.Sender) && !strings.EqualFold(s, doc.Sender().Email) {
		out = append(out, fmt.Sprintf("sender\t%.80q\t%.80q", s, doc.Sender().Email))
	}
	var names, digests []string
	for _, at := range doc.Attachments {
		names = append(names, plain(at.Name), plain(at.RawName))
		digests = append(digests, at.Digest.String())
	}
	for _, n := range a.Names {
		if slices.Contains(b.Names, n) && !slices.Contains(names, n) {
			out = append(out, fmt.Sprintf("name\t%.80q", n))
		}
	}
	for _, d := range a.Digests {
		if slices.Contains(b.Digests, d) && !slices.Contains(digests, d) {
			out = append(out, "digest\t"+d[:16])
		}
	}
	if share := shared(a.Words, b.Words, doc.Text); share < 0.95 {
		out = append(out, fmt.Sprintf("text\t%.2f", share))
	}
	return out
}

// shared gives how much of what a and b both say is in text.
func shared(a, b []string, text string) float64 {
	count := map[string]int{}
	for _, w := range b {
		count[w]++
	}
	ours := map[string]int{}
	for w := range strings.FieldsSeq(text) {
		ours[w]++
	}
	all, found := 0, 0
	for _, w := range a {
		if count[w] == 0 || strings.ContainsRune(w, unicode.ReplacementChar) {
			continue // not agreed, or read by nobody
		}
		count[w]--
		all++
		if ours[w] > 0 {
			ours[w]--
			found++
		}
	}
	if all == 0 {
		return 1
	}
	return float64(found) / float64(all)
}

func plain(s string) string { return norm.NFC.String(strings.Join(strings.Fields(s), " ")) }

func askPython(t *testing.T, files []string) map[string]opinion {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "python3", "testdata/oracle.py")
	cmd.Stdin = strings.NewReader(strings.Join(files, "\n"))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("asking Python: %v", err)
	}
	all := map[string]opinion{}
	lines := bufio.NewScanner(bytes.NewReader(out))
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var o opinion
		if err := json.Unmarshal(lines.Bytes(), &o); err != nil {
			t.Fatal(err)
		}
		all[o.File] = o
	}
	return all
}

var preface = regexp.MustCompile(`\A(From [^\n]*\n|[\r\n]+)+`)

// askGoMessage walks a letter with go-message as its own examples do.
func askGoMessage(raw []byte) opinion {
	var o opinion
	e, err := message.Read(bytes.NewReader(preface.ReplaceAll(raw, nil)))
	if e == nil {
		o.Error = fmt.Sprint(err)
		return o
	}
	h := mail.Header{Header: e.Header}
	if s, err := h.Subject(); err == nil {
		o.Subject = plain(s)
	}
	if list, err := h.AddressList("From"); err == nil && len(list) > 0 {
		o.Sender = list[0].Address
	}
	_ = e.Walk(func(_ []int, part *message.Entity, err error) error {
		if part == nil || err != nil && !message.IsUnknownCharset(err) && !message.IsUnknownEncoding(err) {
			return nil
		}
		kind, params, _ := part.Header.ContentType()
		if strings.HasPrefix(kind, "multipart/") {
			return nil
		}
		body, err := io.ReadAll(part.Body)
		if err != nil && len(body) == 0 {
			return nil
		}
		disposition, dparams, _ := part.Header.ContentDisposition()
		name := dparams["filename"]
		if name == "" {
			name = params["name"]
		}
		if name != "" {
			o.Names = append(o.Names, plain(name))
		}
		if !strings.HasPrefix(kind, "text/") && !strings.HasPrefix(kind, "message/") && len(body) > 0 {
			sum := sha256.Sum256(body)
			o.Digests = append(o.Digests, hex.EncodeToString(sum[:]))
		}
		if kind == "text/plain" && name == "" && disposition != "attachment" {
			o.Words = append(o.Words, strings.Fields(norm.NFC.String(string(withoutUU(body))))...)
		}
		return nil
	})
	return o
}

func compareBaseline(t *testing.T, short []string) {
	t.Helper()
	const file = "testdata/oracle-baseline.tsv"
	if *update {
		if err := os.WriteFile(file, []byte(strings.Join(short, "\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	known := strings.Split(strings.TrimSpace(string(b)), "\n")
	for _, s := range short {
		if !slices.Contains(known, s) {
			t.Errorf("lacking: %s", s)
		}
	}
	for _, s := range known {
		if s != "" && !slices.Contains(short, s) {
			t.Errorf("better than the baseline, which should lose this line: %s", s)
		}
	}
	t.Logf("lacking something: %d", len(short))
}
