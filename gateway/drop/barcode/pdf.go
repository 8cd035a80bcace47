package barcode

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"time"
)

// longSide is how many pixels the long side of a page is drawn with: 205 dpi of
// a sheet of A4, at which a label is read, and never more for a larger one.
const longSide = 2400

// pdf draws the pages of a PDF, grey, one after the other.
func (r *Reader) pdf(ctx context.Context, file *io.SectionReader, most int, each func(page) error) error {
	if scanned, err := hasPictures(file); err != nil || !scanned {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	args := []string{r.drawing, "-q", "-gray", "-scale-to", strconv.Itoa(longSide), "-f", "1", "-l", strconv.Itoa(most), "-"}
	if r.limits != "" {
		args = append([]string{
			r.limits, fmt.Sprintf("--as=%d", r.Memory), fmt.Sprintf("--cpu=%d", int(r.Time/time.Second)+1), "--core=0", "--nofile=64", "--fsize=0", "--",
		}, args...)
	}
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Env = []string{"LC_ALL=C.UTF-8", "PATH=/usr/bin:/bin"}
	cmd.Stdin = file
	cmd.WaitDelay = time.Second
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting pdftoppm: %w", err)
	}
	drawn := 0
	err = greyPages(bufio.NewReaderSize(out, 64<<10), func(p page) error {
		drawn++
		return each(p)
	})
	if err != nil {
		cancel() // it may still be drawing
	}
	if waited := cmd.Wait(); err == nil && waited != nil && drawn == 0 {
		err = fmt.Errorf("drawing the pages: %w", waited)
	}
	return err
}

// hasPictures reports whether a PDF has a picture at all. A scan is one; of
// what a program wrote as text no page is drawn, since nothing of ours was
// stuck on it. The dictionary of a picture is never packed (ISO 32000-1
// § 7.5.7), so its name stands there in plain.
func hasPictures(file *io.SectionReader) (bool, error) {
	const seam = 16 // more than the name and what follows it
	buf := make([]byte, 64<<10+seam)
	kept := 0
	for off := int64(0); off < file.Size(); {
		n, err := file.ReadAt(buf[kept:], off)
		if namesPicture(buf[:kept+n]) {
			return true, nil
		}
		if err == io.EOF || n == 0 {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		off += int64(n)
		end := kept + n
		kept = copy(buf, buf[max(0, end-seam):end])
	}
	return false, nil
}

// namesPicture finds the name /Image, which is not that of /ImageB.
func namesPicture(b []byte) bool {
	name := []byte("/Image")
	for {
		at := bytes.Index(b, name)
		if at < 0 {
			return false
		}
		if b = b[at+len(name):]; len(b) > 0 && (b[0]|0x20 < 'a' || b[0]|0x20 > 'z') {
			return true
		}
	}
}

var errPicture = errors.New("not a picture as pdftoppm draws it")

// greyPages reads pictures in PGM (P5, one byte a pixel) until they end. What
// the child writes is as hostile as the file it reads.
func greyPages(in *bufio.Reader, each func(page) error) error {
	for {
		if _, err := in.Peek(1); err == io.EOF {
			return nil
		}
		width, height, err := greyHead(in)
		if err != nil {
			return err
		}
		p := page{grey: make([]byte, width*height), width: width, height: height}
		if _, err := io.ReadFull(in, p.grey); err != nil {
			return fmt.Errorf("a page breaks off: %w", err)
		}
		if err := each(p); err != nil {
			return err
		}
	}
}

// greyHead reads "P5 width height 255" and the one space behind it.
func greyHead(in *bufio.Reader) (width, height int, err error) {
	var words [4]string
	for i := range words {
		if words[i], err = word(in); err != nil {
			return 0, 0, err
		}
	}
	width, errW := strconv.Atoi(words[1])
	height, errH := strconv.Atoi(words[2])
	if words[0] != "P5" || words[3] != "255" || errW != nil || errH != nil || width < 1 || height < 1 || width > longSide || height > longSide {
		return 0, 0, errPicture
	}
	return width, height, nil
}

// word reads up to the next space, which it takes too.
func word(in *bufio.Reader) (string, error) {
	var w []byte
	for len(w) < 10 {
		b, err := in.ReadByte()
		if err != nil {
			return "", errPicture
		}
		if b == ' ' || b == '\n' || b == '\r' || b == '\t' {
			return string(w), nil
		}
		w = append(w, b)
	}
	return "", errPicture
}
