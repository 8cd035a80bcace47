package paper

import (
	"fmt"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/oned"
	"github.com/makiuchi-d/gozxing/qrcode"
)

// quiet is the white border that a QR code needs, in modules (ISO/IEC 18004).
const quiet = 4

// square draws a QR code with its border, so large that a quarter of it may be
// lost to a stamp or a fold.
func (s sheet) square(x, y, size float64, text string) error {
	hints := map[gozxing.EncodeHintType]any{gozxing.EncodeHintType_ERROR_CORRECTION: "Q", gozxing.EncodeHintType_MARGIN: quiet}
	m, err := qrcode.NewQRCodeWriter().Encode(text, gozxing.BarcodeFormat_QR_CODE, 0, 0, hints)
	if err != nil {
		return fmt.Errorf("drawing a QR code: %w", err)
	}
	s.modules(m, x, y, size/float64(m.GetWidth()), size/float64(m.GetHeight()))
	return nil
}

// bars draws a Code 128 of a width and height, with its border.
func (s sheet) bars(x, y, width, height float64, text string) error {
	m, err := oned.NewCode128Writer().Encode(text, gozxing.BarcodeFormat_CODE_128, 0, 1, nil)
	if err != nil {
		return fmt.Errorf("drawing a bar code: %w", err)
	}
	s.modules(m, x, y, width/float64(m.GetWidth()), height/float64(m.GetHeight()))
	return nil
}

// modules draws what is dark, each run of a line as one bar.
func (s sheet) modules(m *gozxing.BitMatrix, x, y, w, h float64) {
	s.SetFillColor(0, 0, 0)
	for row := range m.GetHeight() {
		for from := 0; from < m.GetWidth(); {
			to := from
			for to < m.GetWidth() && m.Get(to, row) {
				to++
			}
			if to > from {
				s.Rect(x+float64(from)*w, y+float64(row)*h, float64(to-from)*w, h+0.01, "F")
			}
			from = max(to, from+1)
		}
	}
}
