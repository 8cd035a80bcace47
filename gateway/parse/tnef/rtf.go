package tnef

import "encoding/binary"

// dictionary is what compressed RTF starts with (MS-OXRTFCP § 2.1.2.1).
const dictionary = "{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx"

const (
	lzfu = 0x75465a4c // compressed
	mela = 0x414c454d // stored
)

// decompress undoes the compression of RTF. Damage ends it early; the output
// is never longer than the header says, nor than maxText.
func decompress(b []byte) []byte {
	if len(b) < 16 {
		return nil
	}
	raw := int(min(binary.LittleEndian.Uint32(b[4:]), maxText))
	magic := binary.LittleEndian.Uint32(b[8:])
	b = b[16:]
	if magic == mela {
		return b[:min(raw, len(b))]
	}
	if magic != lzfu {
		return nil
	}
	var ring [4096]byte
	at := copy(ring[:], dictionary)
	out := make([]byte, 0, min(raw, 64<<10))
	put := func(c byte) {
		ring[at] = c
		at = (at + 1) % len(ring)
		out = append(out, c)
	}
	for len(b) > 0 && len(out) < raw {
		control := b[0]
		b = b[1:]
		for bit := 0; bit < 8 && len(out) < raw; bit++ {
			if control>>bit&1 == 0 {
				if len(b) == 0 {
					return out
				}
				put(b[0])
				b = b[1:]
				continue
			}
			if len(b) < 2 {
				return out
			}
			ref := int(b[0])<<8 | int(b[1])
			b = b[2:]
			from, n := ref>>4, ref&15+2
			if from == at {
				return out // the end
			}
			for range n {
				if len(out) >= raw {
					break
				}
				put(ring[from])
				from = (from + 1) % len(ring)
			}
		}
	}
	return out
}
