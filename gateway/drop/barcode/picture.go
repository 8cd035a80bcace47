package barcode

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"

	"golang.org/x/image/tiff"
)

// mostPixels bounds a picture before it is decoded: a sheet of A4 at 600 dpi,
// and a little.
const mostPixels = 40_000_000

var errTooLarge = errors.New("the picture is larger than a sheet at 600 dpi")

// picture looks at a JPEG or PNG, which has one page.
func picture(_ context.Context, file *io.SectionReader, _ int, each func(page) error) error {
	config, kind, err := image.DecodeConfig(file) // the formats are those imported here and by others: asked again below
	if err != nil {
		return err
	}
	if err := fits(config); err != nil {
		return err
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	var img image.Image
	switch kind {
	case "jpeg":
		img, err = jpeg.Decode(file)
	case "png":
		img, err = png.Decode(file)
	default:
		err = fmt.Errorf("%w: %q", errPicture, kind)
	}
	if err != nil {
		return err
	}
	return each(pageOf(img))
}

// fits refuses what would take too much memory.
func fits(c image.Config) error {
	if c.Width < 1 || c.Height < 1 || c.Width > mostPixels/c.Height {
		return errTooLarge
	}
	return nil
}

// tiffPages looks at the pages of a TIFF. The decoder knows only the first
// directory, so each page is shown to it as if it were the first.
func tiffPages(ctx context.Context, file *io.SectionReader, most int, each func(page) error) error {
	var head [8]byte
	if _, err := file.ReadAt(head[:], 0); err != nil {
		return err
	}
	var order binary.ByteOrder = binary.LittleEndian
	if head[0] == 'M' {
		order = binary.BigEndian
	}
	at := order.Uint32(head[4:])
	for n := 0; at != 0 && n < most && ctx.Err() == nil; n++ {
		order.PutUint32(head[4:], at)
		only := &firstPage{SectionReader: file, head: head}
		config, err := tiff.DecodeConfig(only)
		if err != nil {
			return err
		}
		if err := fits(config); err != nil {
			return err
		}
		img, err := tiff.Decode(&firstPage{SectionReader: file, head: head})
		if err != nil {
			return err
		}
		if err := each(pageOf(img)); err != nil {
			return err
		}
		if at, err = nextPage(file, order, at); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// nextPage gives where the directory after the one at a place lies.
func nextPage(file io.ReaderAt, order binary.ByteOrder, at uint32) (uint32, error) {
	var word [4]byte
	if _, err := file.ReadAt(word[:2], int64(at)); err != nil {
		return 0, err
	}
	if _, err := file.ReadAt(word[:], int64(at)+2+12*int64(order.Uint16(word[:2]))); err != nil {
		return 0, err
	}
	return order.Uint32(word[:]), nil
}

// A firstPage is a TIFF whose header names another page as the first.
type firstPage struct {
	*io.SectionReader
	head [8]byte
	off  int64
}

// ReadAt implements io.ReaderAt.
func (f *firstPage) ReadAt(p []byte, off int64) (int, error) {
	n, err := f.SectionReader.ReadAt(p, off)
	if off < int64(len(f.head)) && off >= 0 {
		copy(p[:n], f.head[off:])
	}
	return n, err
}

// Read implements io.Reader.
func (f *firstPage) Read(p []byte) (int, error) {
	n, err := f.ReadAt(p, f.off)
	f.off += int64(n)
	return n, err
}

// pageOf turns a picture into grey of at most longSide pixels a side: each
// pixel is the mean of those it stands for, so that thin bars do not vanish.
func pageOf(img image.Image) page {
	b := img.Bounds()
	scale := max(1, (max(b.Dx(), b.Dy())+longSide-1)/longSide)
	p := page{width: max(1, b.Dx()/scale), height: max(1, b.Dy()/scale)}
	p.grey = make([]byte, p.width*p.height)
	row := make([]uint32, p.width)
	for y := range p.height {
		clear(row)
		for dy := range scale {
			sumRow(img, b.Min.Y+y*scale+dy, scale, row)
		}
		for x, sum := range row {
			p.grey[y*p.width+x] = byte(sum / uint32(scale*scale))
		}
	}
	return p
}

// sumRow adds one line of a picture to sums, scale pixels to each.
func sumRow(img image.Image, y, scale int, row []uint32) {
	left := img.Bounds().Min.X
	switch m := img.(type) {
	case *image.Gray:
		line := m.Pix[m.PixOffset(left, y):]
		for x := range len(row) * scale {
			row[x/scale] += uint32(line[x])
		}
	case *image.YCbCr:
		line := m.Y[m.YOffset(left, y):]
		for x := range len(row) * scale {
			row[x/scale] += uint32(line[x])
		}
	default:
		for x := range len(row) * scale {
			row[x/scale] += uint32(color.GrayModel.Convert(img.At(left+x, y)).(color.Gray).Y)
		}
	}
}
