package screen

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"kancelaria/registry"
)

// scan asks the malware scanner. Only a scanner that is down, or too slow,
// leaves a letter unscanned; it is registered all the same, and shown so.
func (s *Screen) scan(ctx context.Context, it registry.Item) registry.Malware {
	if s.Clamd == "" {
		return registry.Malware{}
	}
	if !s.scanner.asks() {
		return registry.Malware{State: registry.ScanNot}
	}
	bounded, cancel := context.WithTimeout(ctx, s.ScanTime)
	defer cancel()
	name, err := s.instream(bounded, it)
	s.scanner.note(err == nil)
	switch {
	case err != nil:
		s.Log.Warn("screen.scanner", "item", it.ID, "err", err)
		return registry.Malware{State: registry.ScanNot}
	case name != "":
		return registry.Malware{State: registry.ScanFound, Names: []string{name}}
	default:
		return registry.Malware{State: registry.ScanClean}
	}
}

// errScanner: the scanner answered that it could not look.
var errScanner = errors.New("the scanner could not look")

// instream speaks clamd's INSTREAM: chunks with their length before them, an
// empty one at the end, one line for an answer.
func (s *Screen) instream(ctx context.Context, it registry.Item) (string, error) {
	network, address := "tcp", s.Clamd
	if path, ok := strings.CutPrefix(s.Clamd, "unix:"); ok {
		network, address = "unix", path
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if err != nil {
		return "", fmt.Errorf("reaching the scanner: %w", err)
	}
	defer conn.Close()
	if until, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(until)
	}
	original, err := s.open(ctx, it)
	if err != nil {
		return "", err
	}
	defer original.Close()
	sendErr := send(conn, original)
	answer, err := bufio.NewReader(io.LimitReader(conn, 4096)).ReadString(0)
	if err != nil && answer == "" {
		return "", fmt.Errorf("asking the scanner: %w", errors.Join(sendErr, err))
	}
	return parseAnswer(answer)
}

func send(conn io.Writer, original io.Reader) error {
	w := bufio.NewWriterSize(conn, 64<<10)
	if _, err := w.WriteString("zINSTREAM\x00"); err != nil {
		return err
	}
	chunk := make([]byte, 4+32<<10)
	for {
		n, err := io.ReadFull(original, chunk[4:])
		if n > 0 {
			binary.BigEndian.PutUint32(chunk, uint32(n))
			if _, err := w.Write(chunk[:4+n]); err != nil {
				return err
			}
		}
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			break
		}
		if err != nil {
			return err
		}
	}
	if _, err := w.Write([]byte{0, 0, 0, 0}); err != nil {
		return err
	}
	return w.Flush()
}

// parseAnswer reads "stream: OK", "stream: NAME FOUND" or an error.
func parseAnswer(answer string) (string, error) {
	answer = strings.Trim(answer, "\x00\r\n ")
	_, said, _ := strings.Cut(answer, ": ")
	if said == "OK" {
		return "", nil
	}
	if name, ok := strings.CutSuffix(said, " FOUND"); ok {
		return strings.ToValidUTF8(name, "?"), nil
	}
	return "", fmt.Errorf("%w: %.100q", errScanner, answer)
}
