package registry

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the golden files anew")

// goldenBody is one body of each field.
func goldenBody() LeafBody {
	return LeafBody{
		Kind: "registered", Subject: "RPW-004512-2026", Key: "item/018f2a3c-0000-7000-8000-000000000001",
		At: time.Date(2026, 11, 23, 8, 41, 7, 123456000, time.UTC), Actor: "kancelaria", OnBehalfOf: "os1",
		Previous: 41, Content: digestOf("content"),
		Item: itemID(1), Number: Number{"RPW", 2026, 4512},
		AcceptedAt: time.Date(2026, 11, 23, 8, 41, 7, 1000, time.UTC), ReceivedAt: time.Date(2026, 11, 22, 23, 30, 0, 0, time.UTC),
		ReceivedOn: Day{2026, 11, 23}, Original: digestOf("original"), Size: 182_000, Attachments: 2,
		AttachmentList: digestOf("list"), Rules: digestOf("rules"),
	}
}

// The encoding is for ever: this file changes with a new version, never alone.
func TestLeafEncodingV1(t *testing.T) {
	file := filepath.Join("testdata", "leaf-v1.golden")
	body := goldenBody().Encode()
	hash := LeafHash("registered", salt("golden"), body)
	got := hex.EncodeToString(body) + "\n" + hash.String() + "\n"
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("leaf v1 is\n%s, want\n%s", got, want)
	}
}

func TestABodyIsReadBackAsItWas(t *testing.T) {
	for _, want := range []LeafBody{
		goldenBody(),
		{Kind: "accepted", Subject: "RPW-000001-2026", Key: "act/1", At: noon, Actor: "os1", Previous: 0, Content: digestOf("c")},
		{Previous: -1},
	} {
		got, err := DecodeLeaf(want.Encode())
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%+v is read back as %+v, %v", want, got, err)
		}
	}
}

func TestBodiesOutOfFormAreRefused(t *testing.T) {
	good := goldenBody().Encode()
	for name, body := range map[string][]byte{
		"empty":                  nil,
		"of another version":     append([]byte{2}, good[1:]...),
		"cut":                    good[:len(good)-1],
		"with something behind":  append(bytes.Clone(good), 0),
		"with a field twice":     append(bytes.Clone(good), good[len(good)-34:]...),
		"with an unknown field":  append(bytes.Clone(good), 99, 0),
		"with a long length":     {1, 1, 0x81, 0x00, 'x'},
		"with an empty text":     {1, 1, 0},
		"with a NUL in a text":   {1, 1, 1, 0},
		"with text out of UTF-8": {1, 1, 1, 0xff},
		"with a sloppy number":   append([]byte{1, 10, 9}, "4512/2026"...),
		"too long":               append([]byte{1}, bytes.Repeat([]byte{0}, maxLeafBody)...),
	} {
		if b, err := DecodeLeaf(body); err == nil {
			t.Errorf("a body %s is read as %+v", name, b)
		}
	}
}

func TestTheLeafHidesWhatItSaltsAndBindsItsType(t *testing.T) {
	body := goldenBody().Encode()
	hash := LeafHash("registered", salt("a"), body)
	if hash == LeafHash("registered", salt("b"), body) {
		t.Error("the salt does not count")
	}
	if hash == LeafHash("accepted", salt("a"), body) {
		t.Error("the type does not count")
	}
	if ContentDigest(salt("a"), body) == ContentDigest(salt("b"), body) {
		t.Error("the salt of the content does not count")
	}
}

func TestOnlyWhatTheSenderWouldCountIsListed(t *testing.T) {
	pdf := Attachment{Role: RoleAttachment, Size: 7, Digest: digestOf("pdf"), Name: "a.pdf"}
	body := Attachment{Role: RoleBody, Size: 9, Digest: digestOf("text")}
	n, one := AttachmentListDigest([]Attachment{body, pdf})
	if n != 1 {
		t.Errorf("%d attachments, want 1", n)
	}
	pdf.Name = "b.pdf"
	if _, again := AttachmentListDigest([]Attachment{pdf, body}); again != one {
		t.Error("names or bodies count")
	}
	if _, two := AttachmentListDigest([]Attachment{pdf, pdf}); two == one {
		t.Error("the number of attachments does not count")
	}
}

func TestALineIsWrittenAgainAsItWasRead(t *testing.T) {
	// A later program adds fields that this one does not know.
	content := []byte(`{"draft":{"key":"k","at":"2026-11-23T11:00:00Z","later":1},"outcome":{"key":"k","state":"written"}}`)
	l, err := ParseLine(content)
	if err != nil {
		t.Fatal(err)
	}
	got, err := l.Encode()
	if err != nil || !bytes.Equal(got, content) {
		t.Errorf("written again as %s, %v", got, err)
	}
}

func TestAnErasedLineStillAnswersItsKey(t *testing.T) {
	b := newBook(t)
	w, _ := b.commit(letter(1))
	row := w.Leaves[0]
	row.Content = nil
	l, err := LineOf(row)
	if err != nil || l.Draft.Key != row.Key || l.Outcome.Number.String() != "RPW-000001-2026" || l.Outcome.Leaf != 0 || l.Draft.Arrival.Item.ID != itemID(1) {
		t.Errorf("%+v, %v", l, err)
	}
	if raw, err := json.Marshal(l); err != nil || strings.Contains(string(raw), "poczta.example") {
		t.Errorf("something of the letter is left: %s, %v", raw, err)
	}
}

func FuzzDecodeLeaf(f *testing.F) {
	f.Add(goldenBody().Encode())
	f.Add([]byte{1})
	f.Add(LeafBody{Kind: "x", Previous: -1, At: time.UnixMicro(-1)}.Encode())
	f.Fuzz(func(t *testing.T, body []byte) {
		b, err := DecodeLeaf(body)
		if err != nil {
			return
		}
		if !bytes.Equal(b.Encode(), body) {
			t.Errorf("%x is read as %+v", body, b)
		}
	})
}
