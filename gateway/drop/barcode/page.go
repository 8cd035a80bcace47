package barcode

import (
	"github.com/makiuchi-d/gozxing"
	qrpages "github.com/makiuchi-d/gozxing/multi/qrcode"
	"github.com/makiuchi-d/gozxing/oned"
	"github.com/makiuchi-d/gozxing/qrcode"
)

// The forms of codes that are read.
const (
	formQR      = "qr"
	formCode128 = "code128"
)

// A page is a picture in grey, a byte a pixel.
type page struct {
	grey          []byte
	width, height int
}

// A code is what was read.
type code struct{ form, text string }

// mostCodes bounds what is taken of one page.
const mostCodes = 20

// codes reads what is on a page. A reader that fails on a strange picture has
// read nothing.
func (p page) codes() []code {
	var found []code
	add := func(form string, texts []string) {
		for _, t := range texts {
			if len(found) < mostCodes {
				found = append(found, code{form, t})
			}
		}
	}
	add(formQR, unique(p.try(p.squares)))
	add(formCode128, unique(p.try(p.bars)))
	return found
}

// try runs a reader of a library that was written for tidy pictures.
func (p page) try(read func() []string) (texts []string) {
	defer func() {
		if recover() != nil { // an index beyond a picture: nothing was read
			texts = nil
		}
	}()
	return read()
}

func (p page) bitmap(binarizer func(gozxing.LuminanceSource) gozxing.Binarizer) (*gozxing.BinaryBitmap, error) {
	src, err := gozxing.NewPlanarYUVLuminanceSource(p.grey, p.width, p.height, 0, 0, p.width, p.height, false)
	if err != nil {
		return nil, err
	}
	return gozxing.NewBinaryBitmap(binarizer(src))
}

// squares reads QR codes, several at once; where the search for several finds
// none, that for one tries harder.
func (p page) squares() []string {
	bmp, err := p.bitmap(gozxing.NewHybridBinarizer)
	if err != nil {
		return nil
	}
	var texts []string
	if results, err := qrpages.NewQRCodeMultiReader().DecodeMultiple(bmp, nil); err == nil {
		for _, r := range results {
			texts = append(texts, r.GetText())
		}
	}
	if len(texts) > 0 {
		return texts
	}
	hints := map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_TRY_HARDER: true}
	if r, err := qrcode.NewQRCodeReader().Decode(bmp, hints); err == nil {
		texts = append(texts, r.GetText())
	}
	return texts
}

// bars reads a Code 128, lying or standing.
func (p page) bars() []string {
	bmp, err := p.bitmap(gozxing.NewHybridBinarizer)
	if err != nil {
		return nil
	}
	hints := map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_TRY_HARDER: true}
	r, err := oned.NewCode128Reader().Decode(bmp, hints)
	if err != nil {
		return nil
	}
	return []string{r.GetText()}
}

func unique(texts []string) []string {
	seen := map[string]bool{}
	var out []string
	for _, t := range texts {
		if t != "" && !seen[t] {
			seen[t] = true
			out = append(out, t)
		}
	}
	return out
}
