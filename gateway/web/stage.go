package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"

	"kancelaria/gateway"
)

// Bounds of what is handed in at once, beside its bytes.
const (
	mostFiles      = 200
	mostFieldBytes = 64 << 10
)

// A staged hand-in lies in a file of ours without a name until all of it is
// there: whether several files come is known only at the end, and a slow
// browser keeps nobody waiting.
type staged struct {
	values map[string]string
	files  []stagedFile
	wrong  []error
	temp   *os.File
	size   int64
}

type stagedFile struct {
	name        string
	start, size int64
}

// stage reads a form with files. The caller closes what it gets, also with an
// error.
func (w *Web) stage(rw http.ResponseWriter, r *http.Request) (*staged, error) {
	r.Body = http.MaxBytesReader(rw, r.Body, w.o.MaxSize+1<<20)
	parts, err := r.MultipartReader()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errWrong, err)
	}
	s := &staged{values: map[string]string{}}
	for {
		p, err := parts.NextPart()
		if err == io.EOF {
			return s, nil
		}
		if err != nil {
			return s, bodyError(err)
		}
		switch {
		case p.FormName() != "file":
			b, err := io.ReadAll(io.LimitReader(p, mostFieldBytes))
			if err != nil {
				return s, bodyError(err)
			}
			if len(s.values) < 100 {
				s.values[p.FormName()] = string(b)
			}
		case p.FileName() == "":
			// the browser sends an empty part when no file was chosen
		case len(s.files) == mostFiles:
			return s, errTooLarge
		default:
			if err := s.take(w.o.TempDir, cleanName(p.FileName()), p); err != nil {
				return s, err
			}
		}
	}
}

// bodyError tells what is ours to say of a body that did not come whole.
func bodyError(err error) error {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return err
	}
	if errors.Is(err, context.Canceled) {
		return err
	}
	return fmt.Errorf("%w: %w", errWrong, err)
}

// take lays one file behind those before it.
func (s *staged) take(dir, name string, from io.Reader) error {
	if s.temp == nil {
		f, err := os.CreateTemp(dir, "hand-in-*")
		if err != nil {
			return fmt.Errorf("laying a hand-in aside: %w", err)
		}
		s.temp = f
		if err := os.Remove(f.Name()); err != nil { // it lives as long as it is open
			return fmt.Errorf("laying a hand-in aside: %w", err)
		}
	}
	n, err := io.Copy(s.temp, from)
	if err != nil {
		return bodyError(err)
	}
	s.files = append(s.files, stagedFile{name, s.size, n})
	s.size += n
	return nil
}

func (s *staged) close(w *Web) {
	if s.temp == nil {
		return
	}
	if err := s.temp.Close(); err != nil {
		w.o.Log.Debug("web.close", "err", err)
	}
}

// original gives the bytes of item i of n: the file itself, or all files
// wrapped into one.
func (s *staged) original(i, n int) io.Reader {
	open := func(f stagedFile) io.Reader { return io.NewSectionReader(s.temp, f.start, f.size) }
	if n > 1 || len(s.files) == 1 {
		return open(s.files[i])
	}
	r, w := io.Pipe()
	left := s.files
	go func() { // ends when the reader is done or closed
		w.CloseWithError(gateway.Wrap(w, func() (string, io.Reader, error) {
			if len(left) == 0 {
				return "", nil, io.EOF
			}
			f := left[0]
			left = left[1:]
			return f.name, open(f), nil
		}))
	}()
	return r
}
