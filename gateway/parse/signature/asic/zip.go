package asic

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
)

// The headers of a zip (APPNOTE 4.3).
const (
	signLocal, signCentral, signEnd = 0x04034b50, 0x02014b50, 0x06054b50
	sizeLocal, sizeCentral, sizeEnd = 30, 46, 22
	maxComment                      = 1<<16 - 1
	maxDirectory                    = 16 << 20
	elsewhere                       = 1<<32 - 1 // told by zip64
)

// twoTruths says where a zip shows different files to different readers: one
// that goes by the directory at its end and one that goes by the headers before
// the files. Empty if it does not.
func twoTruths(ra io.ReaderAt, size int64) string {
	end, at := endRecord(ra, size)
	if end == nil {
		return "no directory"
	}
	if behind := size - at - sizeEnd - int64(binary.LittleEndian.Uint16(end[20:])); behind != 0 {
		return fmt.Sprintf("%d bytes behind the directory", behind)
	}
	length, start := int64(binary.LittleEndian.Uint32(end[12:])), int64(binary.LittleEndian.Uint32(end[16:]))
	if start == elsewhere || length == elsewhere {
		return "" // zip64: the library has read it, sizes above 4 GB are over every limit
	}
	if length > maxDirectory || start+length != at {
		return "bytes between the directory and its end"
	}
	directory := make([]byte, length)
	if _, err := ra.ReadAt(directory, start); err != nil {
		return "the directory cannot be read"
	}
	return headers(ra, directory, start)
}

// endRecord finds the end of the directory.
func endRecord(ra io.ReaderAt, size int64) (record []byte, at int64) {
	n := min(size, sizeEnd+maxComment)
	tail := make([]byte, n)
	if _, err := ra.ReadAt(tail, size-n); err != nil && err != io.EOF {
		return nil, 0
	}
	sign := binary.LittleEndian.AppendUint32(nil, signEnd)
	i := bytes.LastIndex(tail, sign)
	if i < 0 || len(tail)-i < sizeEnd {
		return nil, 0
	}
	return tail[i : i+sizeEnd], size - n + int64(i)
}

// headers compares each entry of the directory with the header before its file,
// and sees that files do not lie in each other.
func headers(ra io.ReaderAt, directory []byte, start int64) string {
	next := int64(0)
	for len(directory) >= sizeCentral && binary.LittleEndian.Uint32(directory) == signCentral {
		le := binary.LittleEndian
		nameLen, extra, comment := int(le.Uint16(directory[28:])), int(le.Uint16(directory[30:])), int(le.Uint16(directory[32:]))
		if sizeCentral+nameLen+extra+comment > len(directory) {
			return "the directory is cut off"
		}
		name := directory[sizeCentral : sizeCentral+nameLen]
		packed, at := int64(le.Uint32(directory[20:])), int64(le.Uint32(directory[42:]))
		if packed == elsewhere || at == elsewhere {
			return ""
		}
		local := make([]byte, sizeLocal+nameLen)
		if _, err := ra.ReadAt(local, at); err != nil || le.Uint32(local) != signLocal {
			return fmt.Sprintf("no header before %.100q", name)
		}
		if int(le.Uint16(local[26:])) != nameLen || !bytes.Equal(local[sizeLocal:], name) {
			return fmt.Sprintf("another name before %.100q", name)
		}
		streamed := le.Uint16(local[6:])&8 != 0
		if !streamed && (le.Uint32(local[18:]) != le.Uint32(directory[20:]) || le.Uint32(local[22:]) != le.Uint32(directory[24:]) || le.Uint32(local[14:]) != le.Uint32(directory[16:])) {
			return fmt.Sprintf("another size before %.100q", name)
		}
		if at < next {
			return fmt.Sprintf("%.100q lies inside another file", name)
		}
		if next = at + int64(sizeLocal+nameLen) + int64(le.Uint16(local[28:])) + packed; next > start {
			return fmt.Sprintf("%.100q reaches into the directory", name)
		}
		directory = directory[sizeCentral+nameLen+extra+comment:]
	}
	return ""
}
