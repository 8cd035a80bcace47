package archive

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
)

// keptDir holds small files that save a start from walking the whole journal.
// Each can be lost: it is made again from the records.
const (
	keptDir = "kept"
	maxKept = 256 << 20
)

// Keep stores a small file beside the segments, in place of an earlier one of
// that name. It is written under a new name and the old one removed after, so
// that one of both is whole at any moment.
func (a *Archive) Keep(name string, b []byte) error {
	if a.opt.ReadOnly {
		return ErrReadOnly
	}
	old, err := a.keptFiles(name)
	if err != nil {
		return err
	}
	generation := uint64(1)
	if n := len(old); n > 0 {
		generation = old[n-1] + 1
	}
	sum := sha256.Sum256(b)
	dir := a.node + "/" + keptDir
	f, err := a.fs.OpenFile(dir+"/"+keptName(name, generation), os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("keeping %s: %w", name, err)
	}
	_, err = f.WriteAt(append(sum[:], b...), 0)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("keeping %s: %w", name, err)
	}
	if err := a.fs.SyncDir(dir); err != nil {
		return fmt.Errorf("keeping %s: %w", name, err)
	}
	for _, g := range old {
		if err := a.fs.Remove(dir + "/" + keptName(name, g)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("keeping %s: %w", name, err)
		}
	}
	return nil
}

// Kept reads what was kept last and is whole; nil if there is none.
func (a *Archive) Kept(name string) ([]byte, error) {
	all, err := a.keptFiles(name)
	if err != nil {
		return nil, err
	}
	for i := len(all) - 1; i >= 0; i-- {
		b, err := readSmall(a.fs, a.node+"/"+keptDir+"/"+keptName(name, all[i]), maxKept)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if len(b) < sha256.Size {
			continue
		}
		if sum := sha256.Sum256(b[sha256.Size:]); bytes.Equal(sum[:], b[:sha256.Size]) {
			return b[sha256.Size:], nil
		}
	}
	return nil, nil
}

func keptName(name string, generation uint64) string {
	return fmt.Sprintf("%s-%016x", name, generation)
}

// keptFiles lists the generations of a name, oldest first.
func (a *Archive) keptFiles(name string) ([]uint64, error) {
	infos, err := a.fs.ReadDir(a.node + "/" + keptDir)
	if err != nil {
		return nil, err
	}
	var out []uint64
	for _, info := range infos {
		digits, ok := strings.CutPrefix(info.Name(), name+"-")
		if g, err := strconv.ParseUint(digits, 16, 64); ok && err == nil && len(digits) == 16 {
			out = append(out, g)
		}
	}
	return out, nil // ReadDir sorts by name, and all are of one length
}
