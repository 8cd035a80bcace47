package barcode_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"image"
	"image/draw"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/go-pdf/fpdf"
	"golang.org/x/image/tiff"

	"kancelaria/gateway"
	"kancelaria/gateway/drop/barcode"
	"kancelaria/gateway/paper"
	"kancelaria/registry"
)

var (
	ours   = gateway.NewLabels([]byte("secret"))
	number = registry.Number{Register: "RPW", Year: 2026, Seq: 4512}
)

func press() paper.Press {
	return paper.Press{
		Office: &registry.Office{Name: "Urząd Miejski w Aleksandrowie", Zone: time.UTC}, Texts: registry.Catalogue("pl"),
		Now: func() time.Time { return time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC) },
	}
}

// printed draws the first page of what the office prints, as a scanner sees it.
func printed(t testing.TB, dpi int, print func(*bytes.Buffer) error) *image.Gray {
	t.Helper()
	if testing.Short() {
		t.Skip("needs pdftoppm")
	}
	var pdf bytes.Buffer
	if err := print(&pdf); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("pdftoppm", "-gray", "-png", "-singlefile", "-r", fmt.Sprint(dpi), "-", filepath.Join(t.TempDir(), "page"))
	cmd.Stdin = &pdf
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("pdftoppm: %v %s", err, out)
	}
	raw, err := os.ReadFile(cmd.Args[len(cmd.Args)-1] + ".png")
	if err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	grey := image.NewGray(img.Bounds())
	draw.Draw(grey, img.Bounds(), img, image.Point{}, draw.Src)
	return grey
}

func label(t testing.TB, dpi int) *image.Gray {
	return printed(t, dpi, func(b *bytes.Buffer) error {
		return press().Labels(b, []paper.Label{{Number: number, ReceivedOn: registry.Day{Year: 2026, Month: 11, Day: 23}, Code: ours.Label(number)}}, 4)
	})
}

func separator(t testing.TB, dpi int) *image.Gray {
	return printed(t, dpi, func(b *bytes.Buffer) error { return press().Separators(b, ours.Separator(), 1) })
}

func slip(t testing.TB, dpi int) *image.Gray {
	return printed(t, dpi, func(b *bytes.Buffer) error {
		return press().Slip(b, paper.Label{Number: number, ReceivedAt: press().Now(), Slip: ours.Slip(number)})
	})
}

// blank is a page without any code, with some writing on it.
func blank(seed uint64) *image.Gray {
	img := image.NewGray(image.Rect(0, 0, 1240, 1754))
	draw.Draw(img, img.Bounds(), image.White, image.Point{}, draw.Src)
	r := rand.New(rand.NewPCG(seed, 0))
	for y := 100; y < 1600; y += 30 {
		for x := 100; x < 1100; x += 4 + r.IntN(12) {
			draw.Draw(img, image.Rect(x, y, x+2, y+8+r.IntN(8)), image.Black, image.Point{}, draw.Src)
		}
	}
	return img
}

// turned is a page as it lies in the scanner: any way up, a little grey and noisy.
func turned(img *image.Gray, quarters int) *image.Gray {
	for range quarters {
		b := img.Bounds()
		next := image.NewGray(image.Rect(0, 0, b.Dy(), b.Dx()))
		for y := range b.Dy() {
			for x := range b.Dx() {
				next.SetGray(b.Dy()-1-y, x, img.GrayAt(x, y))
			}
		}
		img = next
	}
	r := rand.New(rand.NewPCG(1, 2))
	out := image.NewGray(img.Bounds())
	for i, v := range img.Pix {
		out.Pix[i] = byte(min(255, 30+int(v)*190/255+r.IntN(25)))
	}
	return out
}

// scanPDF is what a scanner makes: a picture a page.
func scanPDF(t testing.TB, pages ...image.Image) []byte {
	t.Helper()
	p := fpdf.New("P", "mm", "A4", "")
	for i, img := range pages {
		var b bytes.Buffer
		if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: 60}); err != nil {
			t.Fatal(err)
		}
		name := fmt.Sprint("p", i)
		p.AddPage()
		p.RegisterImageOptionsReader(name, fpdf.ImageOptions{ImageType: "JPG"}, &b)
		p.ImageOptions(name, 0, 0, 210, 297, false, fpdf.ImageOptions{}, 0, "")
	}
	var out bytes.Buffer
	if err := p.Output(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// scanTIFF is a TIFF of several pages, a grey strip each.
func scanTIFF(pages ...*image.Gray) []byte {
	var b bytes.Buffer
	le := binary.LittleEndian
	b.WriteString("II*\x00")
	last := b.Len()
	b.Write(make([]byte, 4))
	for _, img := range pages {
		w, h := uint32(img.Bounds().Dx()), uint32(img.Bounds().Dy())
		strip := uint32(b.Len())
		b.Write(img.Pix)
		if b.Len()%2 == 1 {
			b.WriteByte(0)
		}
		le.PutUint32(b.Bytes()[last:], uint32(b.Len()))
		tags := [][3]uint32{{256, 4, w}, {257, 4, h}, {258, 3, 8}, {259, 3, 1}, {262, 3, 1}, {273, 4, strip}, {277, 3, 1}, {278, 4, h}, {279, 4, w * h}}
		dir := le.AppendUint16(nil, uint16(len(tags)))
		for _, tag := range tags {
			dir = le.AppendUint16(dir, uint16(tag[0]))
			dir = le.AppendUint16(dir, uint16(tag[1]))
			dir = le.AppendUint32(dir, 1)
			dir = le.AppendUint32(dir, tag[2])
		}
		b.Write(dir)
		last = b.Len()
		b.Write(make([]byte, 4))
	}
	return b.Bytes()
}

func encoded(t testing.TB, img image.Image, encode func(*bytes.Buffer, image.Image) error) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func asPNG(b *bytes.Buffer, img image.Image) error  { return png.Encode(b, img) }
func asJPEG(b *bytes.Buffer, img image.Image) error { return jpeg.Encode(b, img, nil) }
func asTIFF(b *bytes.Buffer, img image.Image) error {
	return tiff.Encode(b, img, &tiff.Options{Compression: tiff.Deflate})
}

func read(t testing.TB, file []byte, all bool) ([]registry.PageCode, int, error) {
	t.Helper()
	return barcode.New(barcode.Options{Know: ours.Read}).Read(t.Context(), bytes.NewReader(file), int64(len(file)), all)
}

// What the office prints is read again, from every kind of scan and any way up.
func TestWhatIsPrintedIsReadAgain(t *testing.T) {
	wantLabel := []string{"label RPW-004512-2026"}
	for _, tt := range []struct {
		name string
		file func() []byte
		want []string
	}{
		{"a label at 200 dpi, in a PDF", func() []byte { return scanPDF(t, turned(label(t, 200), 0)) }, wantLabel},
		{"a label at 150 dpi, in a PDF, upside down", func() []byte { return scanPDF(t, turned(label(t, 150), 2)) }, wantLabel},
		{"a label at 300 dpi, as JPEG, on its side", func() []byte { return encoded(t, turned(label(t, 300), 1), asJPEG) }, wantLabel},
		{"a label, as PNG", func() []byte { return encoded(t, label(t, 200), asPNG) }, wantLabel},
		{"a label, as TIFF", func() []byte { return encoded(t, label(t, 200), asTIFF) }, wantLabel},
		{"a separator", func() []byte { return scanPDF(t, turned(separator(t, 150), 0)) }, []string{"separator BATCH", "separator BATCH"}},
		{"a slip", func() []byte { return scanPDF(t, turned(slip(t, 200), 0)) }, []string{"slip RPW-004512-2026"}},
		{"writing", func() []byte { return scanPDF(t, turned(blank(1), 0)) }, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			codes, pages, err := read(t, tt.file(), false)
			if err != nil || pages != 1 {
				t.Fatalf("%d pages: %v", pages, err)
			}
			var got []string
			for _, c := range codes {
				if c.Page != 1 {
					t.Errorf("%+v is on page %d", c, c.Page)
				}
				got = append(got, c.Is+" "+c.Of)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("read %q, want %q", got, tt.want)
			}
		})
	}
}

func TestEveryPageOfABatchIsLookedAt(t *testing.T) {
	pages := []*image.Gray{blank(1), turned(separator(t, 100), 0), blank(2), blank(3), turned(label(t, 150), 0)}
	for name, file := range map[string][]byte{
		"a PDF":  scanPDF(t, pages[0], pages[1], pages[2], pages[3], pages[4]),
		"a TIFF": scanTIFF(pages...),
	} {
		t.Run(name, func(t *testing.T) {
			codes, n, err := read(t, file, true)
			if err != nil || n != 5 {
				t.Fatalf("%d pages: %v", n, err)
			}
			at := map[int]string{}
			for _, c := range codes {
				at[c.Page] = c.Is
			}
			if len(at) != 2 || at[2] != registry.CodeSeparator || at[5] != registry.CodeLabel {
				t.Errorf("codes %+v", codes)
			}
			if _, first, err := read(t, file, false); err != nil || first != 1 {
				t.Errorf("of the first page only, %d pages: %v", first, err)
			}
		})
	}
}

func TestWhatIsNoScanIsNotLookedAt(t *testing.T) {
	var text bytes.Buffer
	if err := press().Separators(&text, ours.Separator(), 1); err != nil { // drawn, not scanned
		t.Fatal(err)
	}
	for name, file := range map[string][]byte{
		"an empty file": nil, "text": []byte("Proszę o ławki"), "a PDF without a picture": text.Bytes(), "half a head": []byte("%PD"),
	} {
		if codes, pages, err := read(t, file, true); len(codes) > 0 || pages > 0 || err != nil {
			t.Errorf("%s: %v, %d pages, %v", name, codes, pages, err)
		}
	}
}

// noise is the worst that a page can be for a reader of codes.
func noise(w, h int) *image.Gray {
	img := image.NewGray(image.Rect(0, 0, w, h))
	r := rand.New(rand.NewPCG(3, 4))
	for i := range img.Pix {
		if r.IntN(2) == 0 {
			img.Pix[i] = 255
		}
	}
	return img
}

func TestHostileScansHaveNoCodes(t *testing.T) {
	if testing.Short() {
		t.Skip("needs pdftoppm")
	}
	whole := scanPDF(t, blank(1))
	large := encoded(t, image.NewGray(image.Rect(0, 0, 1, 1)), asPNG)
	binary.BigEndian.PutUint32(large[16:], 1<<20) // says that it is a million pixels wide and high
	binary.BigEndian.PutUint32(large[20:], 1<<20)
	loop := scanTIFF(blank(2))
	binary.LittleEndian.PutUint32(loop[len(loop)-4:], binary.LittleEndian.Uint32(loop[4:])) // the page after the first is the first
	for name, file := range map[string][]byte{
		"a torn PDF":             whole[:len(whole)/2],
		"a PDF of rubbish":       append([]byte("%PDF-1.4 /Image "), bytes.Repeat([]byte("\x00\xff<<>>"), 5000)...),
		"a picture that is huge": large,
		"noise":                  encoded(t, noise(1200, 1600), asPNG),
		"a TIFF that goes round": loop,
		"a JPEG of nothing":      []byte("\xff\xd8\xff\xe0"),
		"one pixel":              encoded(t, image.NewGray(image.Rect(0, 0, 1, 1)), asPNG),
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			r := barcode.New(barcode.Options{Know: ours.Read, Pages: 4})
			if codes, _, _ := r.Read(ctx, bytes.NewReader(file), int64(len(file)), true); len(codes) > 0 {
				t.Errorf("codes %+v", codes)
			}
			if ctx.Err() != nil {
				t.Error("it was looked at for a minute")
			}
		})
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte("II*\x00\x08\x00\x00\x00\x00\x00"), true)
	f.Add([]byte("\xff\xd8\xff\xdb"), false)
	f.Add(scanTIFF(image.NewGray(image.Rect(0, 0, 3, 2))), true)
	f.Add(encoded(f, image.NewGray(image.Rect(0, 0, 2, 2)), asPNG), true)
	r := barcode.New(barcode.Options{Know: ours.Read, Pages: 3, Time: 5 * time.Second})
	f.Fuzz(func(t *testing.T, file []byte, all bool) {
		if bytes.Contains(file[:min(len(file), 1024)], []byte("%PDF-")) {
			return // another program's to read
		}
		_, pages, _ := r.Read(t.Context(), bytes.NewReader(file), int64(len(file)), all)
		if pages > 3 || pages > 1 && !all {
			t.Errorf("%d pages were looked at", pages)
		}
	})
}
