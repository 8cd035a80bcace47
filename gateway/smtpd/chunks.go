package smtpd

import (
	"cmp"
	"fmt"
	"io"

	"github.com/emersion/go-smtp"
)

// chunks is a letter that comes by BDAT (RFC 3030). The library thinks it is
// reading DATA: its own way with chunks takes one that is cut off for a whole
// one, and runs Data beside the next commands. So the commands between the
// chunks are read and answered here.
type chunks struct {
	w     *wire
	ended error // io.EOF after the last chunk, or why there is none
}

// Read implements io.Reader.
func (c *chunks) Read(p []byte) (int, error) {
	for c.ended == nil {
		switch {
		case c.w.chunk > 0:
			n, err := c.w.readChunk(p)
			if err != nil {
				c.close(err)
			}
			if n > 0 {
				return n, nil
			}
		case c.w.last:
			c.close(io.EOF)
		default:
			c.next()
		}
	}
	return 0, c.ended
}

// next answers for a chunk and waits for the command of another one.
func (c *chunks) next() {
	w := c.w
	w.say(&smtp.SMTPError{Code: 250, EnhancedCode: smtp.EnhancedCode{2, 0, 0}, Message: "Continue"})
	for {
		line, err := w.nextLine()
		if err != nil {
			w.end(err)
			c.giveUp()
			return
		}
		switch w.filter.note(line) {
		case "BDAT":
			if w.filter.bdat() {
				return
			}
		case "NOOP":
			w.say(&smtp.SMTPError{Code: 250, EnhancedCode: smtp.EnhancedCode{2, 0, 0}, Message: "Still waiting for the next chunk"})
		case "RSET", "QUIT", "EHLO", "HELO", "LHLO", "STARTTLS":
			w.next = append([]byte(nil), line...)
			c.giveUp()
			return
		case unsayable:
		default:
			w.say(&smtp.SMTPError{Code: 503, EnhancedCode: smtp.EnhancedCode{5, 5, 1}, Message: "BDAT or RSET, please: a letter is on its way"})
		}
		if w.fail != nil {
			c.giveUp()
			return
		}
	}
}

// giveUp ends a letter of which no further chunk will come. Nobody waits for an
// answer to it.
func (c *chunks) giveUp() {
	c.close(fmt.Errorf("%w: no last chunk", errCut))
	c.w.quiet = true
}

func (c *chunks) close(why error) {
	c.ended = why
	c.w.closeBody()
}

func (c *chunks) drain() {
	if c.ended == nil {
		err := c.w.skipChunk() // whoever drains answers for this chunk
		c.close(cmp.Or(err, errCut))
	}
}
