package pdf

import (
	"bytes"
	"compress/zlib"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func itoa(n int) string { return strconv.Itoa(n) }

// Universal signature forgery and signature wrapping: a dictionary that makes
// viewers skip the check, or check other bytes.
func TestForgedDictionaries(t *testing.T) {
	whole := func(old, new string) func([]byte) []byte {
		return func(b []byte) []byte {
			new += strings.Repeat(" ", max(0, len(old)-len(new)))
			return bytes.Replace(b, []byte(old), []byte(new), 1)
		}
	}
	good := signed("", "").b.Bytes()
	ranges := "/ByteRange" + string(between(good, "/ByteRange", "/Contents"))
	var n [4]int
	fmt.Sscanf(strings.ReplaceAll(ranges, "000000", ""), "/ByteRange[%d %d %d %d]", &n[0], &n[1], &n[2], &n[3]) //nolint:errcheck // checked by the cases
	contents := "<" + fakeCMS + strings.Repeat("0", reserve-len(fakeCMS)) + ">"
	set := func(a, b, c, d int) string { return fmt.Sprintf("/ByteRange[%d %d %d %d]", a, b, c, d) }
	for _, tt := range []struct {
		name  string
		forge func([]byte) []byte
		want  string
	}{
		{"as it should be", whole("", ""), "whole none"},
		{"no ByteRange", whole("/ByteRange", "/BitteRange"[:10]), "FORMAT_FAILURE byte_range"},
		{"ByteRange null", whole(ranges, "/ByteRange null"), "FORMAT_FAILURE byte_range"},
		{"ByteRange of two numbers", whole(ranges, "/ByteRange[0 10]"), "FORMAT_FAILURE byte_range"},
		{"ByteRange of six numbers", whole(ranges, "/ByteRange[0 1 2 3 4 5]"), "FORMAT_FAILURE byte_range"},
		{"ByteRange with negative numbers", whole(ranges, set(0, -1, 2, 3)), "FORMAT_FAILURE byte_range"},
		{"ByteRange beyond the file", whole(ranges, set(0, n[1], n[2], 99999999)), "FORMAT_FAILURE byte_range"},
		{"ByteRange that overflows", whole(ranges, "/ByteRange[0 1 9223372036854775807 9]"), "FORMAT_FAILURE byte_range"},
		{"ByteRange not from the start", whole(ranges, set(1, n[1]-1, n[2], n[3])), "FORMAT_FAILURE byte_range"},
		{"a gap too big", whole(ranges, set(0, n[1]-20, n[2], n[3])), "FORMAT_FAILURE byte_range"},
		{"a gap too big behind", whole(ranges, set(0, n[1], n[2]+5, n[3]-5)), "FORMAT_FAILURE byte_range"},
		{"a tail left out", whole(ranges, set(0, n[1], n[2], n[3]-8)), "FORMAT_FAILURE revision"},
		{"no gap", whole(ranges, set(0, n[1], n[1], n[3])), "FORMAT_FAILURE byte_range"},
		{"no Contents", whole("/Contents<3", "/Continua<3"), "FORMAT_FAILURE contents"},
		{"Contents null", whole("/Contents"+contents, "/Contents null"), "FORMAT_FAILURE contents"},
		{"Contents empty", whole(contents, "<>"), "FORMAT_FAILURE contents"},
		{"Contents of zeros", whole(fakeCMS, strings.Repeat("0", len(fakeCMS))), "FORMAT_FAILURE contents"},
		{"Contents with something behind the signature", whole(contents, contents[:40]+"1234"+contents[44:]), "FORMAT_FAILURE padding"},
		{"two values for one key", whole("/Filter/Adobe.PPKLite", "/Contents<3003020105>"), "FORMAT_FAILURE ambiguous"},
		{"a way of signing nobody knows", whole("/SubFilter/ETSI.CAdES.detached", "/SubFilter/ETSI.SAdES.detached"), "GENERIC sub_filter"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := verdict(read(t, tt.forge(bytes.Clone(good)))); got != tt.want {
				t.Errorf("verdict = %q, want %q", got, tt.want)
			}
		})
	}
}

// Signature wrapping: the signed rest is moved to the end and other content
// stands where it was, as ByteRange lets it.
func TestMovedContentIsNoSignature(t *testing.T) {
	good := signed("", "").b.Bytes()
	i := bytes.LastIndex(good, []byte("/Contents<"))
	evil := slices.Concat(good[:i], []byte("/Contents<00>>>\nendobj\n"), good[i:])
	if got := verdict(read(t, evil)); !strings.HasPrefix(got, "FORMAT_FAILURE") {
		t.Errorf("verdict = %q, want a format failure", got)
	}
}

// A signature is its bytes: whichever bit is turned, either the digest of what
// is covered is another one, or the blob is, or the form is refused, or the
// change is outside and named.
func TestEverySingleBitMatters(t *testing.T) {
	p := signed("", "")
	end := p.b.Len()
	p.object(1, "<</Type/Catalog/Pages 2 0 R/AcroForm 6 0 R>>").save()
	good := p.b.Bytes()
	was := read(t, good).Signatures[0]
	sum := digest(t, was, good)
	contents := int(was.Ranges[0].Length)
	for at := range good {
		bits := []int{at % 8}
		if at >= contents && at < contents+reserve+2 {
			bits = []int{0, 1, 2, 3, 4, 5, 6, 7}
		}
		for _, bit := range bits {
			evil := bytes.Clone(good)
			evil[at] ^= 1 << bit
			doc, err := Read(t.Context(), bytes.NewReader(evil), int64(len(evil)), Limits{})
			if err != nil || len(doc.Signatures) != 1 {
				continue
			}
			s := doc.Signatures[0]
			switch {
			case s.Problem != nil || s.Update.Changed() || !bytes.Equal(s.CMS, was.CMS) || digest(t, s, evil) != sum:
			case at >= contents && at < contents+reserve+2 && strings.EqualFold(string(evil[at]), string(good[at])):
				// Another case of a hexadecimal digit is the same signature.
			case at >= end: // an update that changes nothing
			default:
				t.Fatalf("bit %d of byte %d (%q) was turned and nobody noticed: %+v", bit, at, good[max(0, at-20):at+1], s)
			}
		}
	}
}

func digest(t *testing.T, s Signature, b []byte) [32]byte {
	t.Helper()
	h := sha256.New()
	if _, err := io.Copy(h, s.Open(bytes.NewReader(b))); err != nil {
		t.Fatal(err)
	}
	return [32]byte(h.Sum(nil))
}

// Files that want to keep the reader busy.
func TestHostileFilesAreBounded(t *testing.T) {
	var bomb bytes.Buffer
	z := zlib.NewWriter(&bomb)
	for range 4 {
		z.Write(make([]byte, 1<<20)) //nolint:errcheck // into memory
	}
	z.Close() //nolint:errcheck // into memory
	deep := strings.Repeat("[", 5000) + strings.Repeat("]", 5000)
	for _, tt := range []struct {
		name string
		file func() []byte
	}{
		{"cross-reference sections in a circle", func() []byte {
			p := letterhead("").save()
			return bytes.Replace(p.b.Bytes(), []byte("/Size"), []byte("/Prev "+itoa(p.prev)+"/Size"), 1)
		}},
		{"an object stream that is a bomb", func() []byte {
			p := letterhead("")
			p.object(30, fmt.Sprintf("<</Type/ObjStm/N 1/First 4/Filter/FlateDecode/Length %d>>\nstream\n%s\nendstream", bomb.Len(), bomb.String()))
			return p.save().b.Bytes()
		}},
		{"deep nesting", func() []byte { return letterhead("/X " + deep).save().b.Bytes() }},
		{"a form that contains itself", func() []byte {
			p := letterhead("")
			return p.object(6, "<</Fields[6 0 R 6 0 R]/Kids[6 0 R]/T(x)>>").save().b.Bytes()
		}},
		{"pages that contain themselves", func() []byte {
			p := signed("", "")
			return p.object(2, "<</Type/Pages/Kids[2 0 R]/Count 1>>").save().b.Bytes()
		}},
		{"a length that is its own stream", func() []byte {
			p := letterhead("")
			return p.object(4, "<</Length 4 0 R>>\nstream\nx\nendstream").save().b.Bytes()
		}},
		{"a table with a hundred million entries", func() []byte {
			return []byte("%PDF-1.4\nxref\n0 100000000\ntrailer<<>>\nstartxref\n9\n%%EOF")
		}},
		{"no objects", func() []byte { return []byte("%PDF-1.4\nstartxref\n0\n%%EOF") }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := tt.file()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			doc, err := Read(ctx, bytes.NewReader(b), int64(len(b)), Limits{Stream: 1 << 20, Decoded: 2 << 20})
			if err == nil && len(doc.Signatures) > 0 && doc.Signatures[0].Problem == nil && !doc.Signatures[0].Update.Changed() {
				t.Errorf("%+v", doc.Signatures[0])
			}
		})
	}
}

// What no budget was left for is never called unchanged.
func TestALimitFailsClosed(t *testing.T) {
	p := signed("", "")
	p.stream(4, "", "BT (kwota 900 zl) Tj ET").save()
	b := p.b.Bytes()
	for objects := 1; objects < 200; objects++ {
		doc, err := Read(t.Context(), bytes.NewReader(b), int64(len(b)), Limits{Objects: objects})
		if err != nil {
			continue
		}
		for _, s := range doc.Signatures {
			if s.Problem == nil && !s.Update.Changed() {
				t.Fatalf("with %d objects: %+v", objects, s.Update)
			}
		}
	}
}

// Who has no time is told so; the document is not called changed.
func TestNoTimeIsNoVerdict(t *testing.T) {
	p := signed("", "")
	b := p.object(1, "<</Type/Catalog/Pages 2 0 R/AcroForm 6 0 R>>").save().b.Bytes()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	doc, err := Read(ctx, bytes.NewReader(b), int64(len(b)), Limits{})
	if doc != nil || !errors.Is(err, context.Canceled) {
		t.Errorf("%+v, %v", doc, err)
	}
}

// A polyglot's ranges count from its first byte.
func TestBytesBeforeTheHeaderAreTold(t *testing.T) {
	p := &paper{at: map[int]int{}, root: 1}
	p.b.WriteString("<!doctype html>\n")
	q := letterhead("")
	p.b.Write(q.b.Bytes())
	for num, at := range q.at {
		p.at[num] = at + len("<!doctype html>\n")
	}
	p.size = q.size
	doc := read(t, p.save().b.Bytes())
	if doc.LeadingBytes == 0 && !doc.Repaired {
		t.Errorf("%+v", doc)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(letterhead("").save().b.Bytes())
	f.Add(signed("", "").b.Bytes())
	p := signed(docMDP, mdp(2))
	f.Add(p.object(7, "<</FT/Tx/T(kwota)/V(1)>>").save().b.Bytes())
	f.Add(packedPaper())
	f.Add([]byte("%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj"))
	f.Fuzz(func(t *testing.T, b []byte) {
		doc, err := Read(t.Context(), bytes.NewReader(b), int64(len(b)), Limits{Objects: 20_000, Stream: 1 << 20, Decoded: 4 << 20})
		if err != nil {
			return
		}
		for _, s := range doc.Signatures {
			if s.Problem != nil {
				continue
			}
			gap := b[s.Ranges[0].Length:s.Ranges[1].Start]
			if len(gap) < 2 || gap[0] != '<' || gap[len(gap)-1] != '>' || bytes.ContainsAny(gap[1:len(gap)-1], "<>") {
				t.Fatalf("the gap is %q", gap)
			}
			if s.Covers == CoversWhole && s.Update.Kind == UpdateNone && len(blank(b[s.End:])) > 0 {
				t.Fatalf("%d bytes after the signature and no update", len(b)-int(s.End))
			}
		}
	})
}
