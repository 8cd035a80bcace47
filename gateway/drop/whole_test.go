package drop_test

import (
	"bytes"
	"encoding/binary"
	"testing"

	"kancelaria/gateway/drop"
)

func tiff(order binary.AppendByteOrder, mark string, first uint32) []byte {
	b := []byte(mark)
	b = order.AppendUint32(b, first)
	b = append(b, bytes.Repeat([]byte{7}, 8)...) // the one strip, at 8
	b = order.AppendUint16(b, 2)                 // directory at 16
	for _, f := range [][4]uint32{{273, 4, 1, 8}, {279, 4, 1, 8}} {
		b = order.AppendUint16(b, uint16(f[0]))
		b = order.AppendUint16(b, uint16(f[1]))
		b = order.AppendUint32(b, f[2])
		b = order.AppendUint32(b, f[3])
	}
	return order.AppendUint32(b, 0)
}

func TestWholeKnowsTheEndOfEachKind(t *testing.T) {
	little := tiff(binary.LittleEndian, "II*\x00", 16)
	for _, tt := range []struct {
		name, file string
		data       []byte
		want       bool
	}{
		{"a PDF with its end", "a.pdf", []byte("%PDF-1.7\nx\n%%EOF\n"), true},
		{"a PDF without", "a.pdf", []byte("%PDF-1.7\nx\n"), false},
		{"a linearised PDF that is cut", "a.pdf", append([]byte("%PDF-1.7\n%%EOF\n"), bytes.Repeat([]byte("x"), 5000)...), false},
		{"a reserved PDF of zeros", "a.pdf", make([]byte, 4096), false},
		{"a JPEG", "a.jpg", []byte("\xff\xd8\xff\xe0 picture \xff\xd9"), true},
		{"a torn JPEG", "a.jpg", []byte("\xff\xd8\xff\xe0 picture"), false},
		{"a PNG", "a.png", []byte("\x89PNG\r\n\x1a\n picture IEND\xaeB`\x82"), true},
		{"a torn PNG", "a.png", []byte("\x89PNG\r\n\x1a\n picture"), false},
		{"a zip", "a.zip", []byte("PK\x03\x04 member PK\x05\x06"), true},
		{"a torn zip", "a.zip", []byte("PK\x03\x04 member"), false},
		{"a TIFF", "a.tif", little, true},
		{"a TIFF of the other order", "a.tif", tiff(binary.BigEndian, "MM\x00*", 16), true},
		{"a TIFF whose directory is not written yet", "a.tif", tiff(binary.LittleEndian, "II*\x00", 900), false},
		{"a TIFF whose first offset is filled in last", "a.tif", tiff(binary.LittleEndian, "II*\x00", 0), false},
		{"a torn TIFF", "a.tif", little[:len(little)-6], false},
		{"text", "a.txt", []byte("dzień dobry"), true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got, err := drop.Whole(bytes.NewReader(tt.data), int64(len(tt.data)), tt.file); got != tt.want || err != nil {
				t.Errorf("whole = %v, want %v", got, tt.want)
			}
		})
	}
}

func FuzzWhole(f *testing.F) {
	f.Add([]byte("%PDF-1.4 %%EOF"), "a.pdf")
	f.Add(tiff(binary.LittleEndian, "II*\x00", 16), "a.tif")
	f.Fuzz(func(t *testing.T, data []byte, name string) {
		// It must end and never read outside; what it says of rubbish is free.
		_, _ = drop.Whole(bytes.NewReader(data), int64(len(data)), name)
	})
}
