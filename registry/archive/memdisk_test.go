package archive

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"time"
)

// memDisk is a file system that remembers what was synced. A power cut lets
// each page, each length, each mode and each name that was not synced survive
// or vanish on its own. It also fails on demand.
type memDisk struct {
	mu    sync.Mutex
	names map[string]*inode // as processes see them
	kept  map[string]*inode // as the disk has them; folders are always kept
	dirs  map[string]bool
	free  int64
	nodes int64 // inodes left
	locks map[string]bool

	calls int
	fail  func(call int, op, name string) error // asked before each call that changes something
}

// errPower ends a life: what a call was to change is changed for the process,
// and the cut decides what of it reached the disk. Nobody is told success.
var errPower = errors.New("the power is gone")

// An inode has content as processes see it and as the disk has it.
type inode struct {
	data, kept        []byte
	dirty             map[int64]bool // pages
	mode, keptMode    fs.FileMode
	lostWhenForgotten bool // a sync failed: pages are clean and not on the disk
}

const memPage = 4096

func newMemDisk() *memDisk {
	return &memDisk{
		names: map[string]*inode{}, kept: map[string]*inode{}, dirs: map[string]bool{".": true},
		free: 1 << 40, nodes: 1 << 20, locks: map[string]bool{},
	}
}

// cut is the power cut. What open files still write afterwards is lost.
func (d *memDisk) cut(r *rand.Rand) {
	d.mu.Lock()
	defer d.mu.Unlock()
	seen := map[*inode]*inode{}
	after := map[string]*inode{}
	all := map[string]bool{}
	for n := range d.names {
		all[n] = true
	}
	for n := range d.kept {
		all[n] = true
	}
	for _, n := range slices.Sorted(maps.Keys(all)) { // sorted: the same seed cuts the same
		f := d.kept[n]
		if d.names[n] != f && r.IntN(2) == 0 {
			f = d.names[n]
		}
		if f == nil {
			continue
		}
		if seen[f] == nil {
			seen[f] = f.cut(r)
		}
		after[n] = seen[f]
	}
	d.names, d.kept = after, maps.Clone(after)
	d.locks = map[string]bool{}
	d.fail = nil
}

func (f *inode) cut(r *rand.Rand) *inode {
	size := len(f.kept)
	if r.IntN(2) == 0 {
		size = len(f.data)
	}
	data := make([]byte, size)
	copy(data, f.kept)
	for _, p := range slices.Sorted(maps.Keys(f.dirty)) {
		from := p * memPage
		if from >= int64(size) {
			continue
		}
		page := data[from:min(from+memPage, int64(size))]
		switch r.IntN(8) {
		case 0: // it was being written: neither the old nor the new
			for i := range page {
				page[i] = byte(r.Uint32())
			}
		case 1, 2, 3:
			clear(page)
			if from < int64(len(f.data)) {
				copy(page, f.data[from:])
			}
		}
	}
	mode := f.keptMode
	if r.IntN(2) == 0 {
		mode = f.mode
	}
	return &inode{data: data, kept: slices.Clone(data), dirty: map[int64]bool{}, mode: mode, keptMode: mode}
}

func (d *memDisk) ask(op, name string) error {
	d.calls++
	if d.fail != nil {
		return d.fail(d.calls, op, name)
	}
	return nil
}

// stops reports whether a call that got err changes nothing.
func stops(err error) bool { return err != nil && !errors.Is(err, errPower) }

func (d *memDisk) OpenFile(name string, flag int, perm fs.FileMode) (file File, failed error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f := d.names[name]
	if flag&os.O_CREATE != 0 {
		err := d.ask("create", name)
		if stops(err) {
			return nil, err
		}
		defer func() {
			if err != nil {
				file, failed = nil, err
			}
		}()
		if f != nil {
			return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrExist}
		}
		if !d.dirs[path.Dir(name)] {
			return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
		}
		f = &inode{dirty: map[int64]bool{}, mode: perm, keptMode: perm}
		d.names[name] = f
	}
	if f == nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return &memFile{d: d, f: f, name: name}, nil
}

func (d *memDisk) Mkdir(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.ask("mkdir", name); err != nil {
		return err
	}
	d.dirs[name] = true
	return nil
}

func (d *memDisk) Rename(from, to string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	err := d.ask("rename", from)
	if stops(err) {
		return err
	}
	if d.names[to] != nil {
		return &fs.PathError{Op: "rename", Path: to, Err: fs.ErrExist}
	}
	d.names[to] = d.names[from]
	delete(d.names, from)
	return err
}

func (d *memDisk) Remove(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	err := d.ask("remove", name)
	if stops(err) {
		return err
	}
	if d.names[name] == nil {
		return &fs.PathError{Op: "remove", Path: name, Err: fs.ErrNotExist}
	}
	delete(d.names, name)
	return err
}

func (d *memDisk) ReadDir(name string) ([]fs.FileInfo, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var out []fs.FileInfo
	for _, n := range slices.Sorted(maps.Keys(d.names)) {
		if path.Dir(n) == name {
			f := d.names[n]
			out = append(out, memInfo{path.Base(n), int64(len(f.data)), f.mode})
		}
	}
	for n := range d.dirs {
		if path.Dir(n) == name && n != "." {
			out = append(out, memInfo{path.Base(n), 0, fs.ModeDir | 0o700})
		}
	}
	slices.SortFunc(out, func(a, b fs.FileInfo) int { return strings.Compare(a.Name(), b.Name()) })
	return out, nil
}

func (d *memDisk) SyncDir(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.ask("syncdir", name); err != nil {
		return err
	}
	for n := range d.kept {
		if path.Dir(n) == name && d.names[n] == nil {
			delete(d.kept, n)
		}
	}
	for n, f := range d.names {
		if path.Dir(n) == name {
			d.kept[n] = f
		}
	}
	return nil
}

func (d *memDisk) Usage() (Usage, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return Usage{Free: d.free, Total: 1 << 40, Inodes: d.nodes, Kind: "memory"}, nil
}

func (d *memDisk) Lock(name string) (io.Closer, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.locks[name] {
		return nil, ErrLocked
	}
	d.locks[name] = true
	return memLock{d, name}, nil
}

type memLock struct {
	d    *memDisk
	name string
}

func (l memLock) Close() error {
	l.d.mu.Lock()
	defer l.d.mu.Unlock()
	delete(l.d.locks, l.name)
	return nil
}

type memInfo struct {
	name string
	size int64
	mode fs.FileMode
}

func (i memInfo) Name() string       { return i.name }
func (i memInfo) Size() int64        { return i.size }
func (i memInfo) Mode() fs.FileMode  { return i.mode }
func (i memInfo) ModTime() time.Time { return time.Time{} }
func (i memInfo) IsDir() bool        { return i.mode.IsDir() }
func (i memInfo) Sys() any           { return nil }

type memFile struct {
	d    *memDisk
	f    *inode
	name string
	pos  int64
}

func (m *memFile) Read(p []byte) (int, error) {
	n, err := m.ReadAt(p, m.pos)
	m.pos += int64(n)
	if n > 0 && errors.Is(err, io.EOF) {
		err = nil
	}
	return n, err
}

func (m *memFile) ReadAt(p []byte, off int64) (int, error) {
	m.d.mu.Lock()
	defer m.d.mu.Unlock()
	return bytes.NewReader(m.f.data).ReadAt(p, off)
}

func (m *memFile) WriteAt(p []byte, off int64) (int, error) {
	m.d.mu.Lock()
	defer m.d.mu.Unlock()
	err := m.d.ask("write", m.name)
	if stops(err) {
		return 0, err
	}
	m.f.write(p, off)
	return len(p), err
}

func (f *inode) write(p []byte, off int64) {
	if end := off + int64(len(p)); end > int64(len(f.data)) {
		f.data = append(f.data, make([]byte, end-int64(len(f.data)))...)
	}
	copy(f.data[off:], p)
	for at := off / memPage; at*memPage < off+int64(len(p)); at++ {
		f.dirty[at] = true
	}
}

func (m *memFile) Close() error { return nil }

func (m *memFile) Stat() (fs.FileInfo, error) {
	m.d.mu.Lock()
	defer m.d.mu.Unlock()
	return memInfo{path.Base(m.name), int64(len(m.f.data)), m.f.mode}, nil
}

func (m *memFile) Truncate(size int64) error {
	m.d.mu.Lock()
	defer m.d.mu.Unlock()
	err := m.d.ask("truncate", m.name)
	if stops(err) {
		return err
	}
	if size < int64(len(m.f.data)) {
		m.f.data = m.f.data[:size]
	}
	return err
}

func (m *memFile) Chmod(mode fs.FileMode) error {
	m.d.mu.Lock()
	defer m.d.mu.Unlock()
	err := m.d.ask("chmod", m.name)
	if stops(err) {
		return err
	}
	m.f.mode = mode
	return err
}

func (m *memFile) Sync() error     { return m.sync(true) }
func (m *memFile) Datasync() error { return m.sync(false) }

func (m *memFile) sync(mode bool) error {
	m.d.mu.Lock()
	defer m.d.mu.Unlock()
	f := m.f
	if err := m.d.ask("sync", m.name); errors.Is(err, errPower) {
		return err
	} else if err != nil {
		// As Linux does: the pages count as clean now and are not on the disk.
		f.lostWhenForgotten = true
		f.dirty = map[int64]bool{}
		return err
	}
	f.keepPages()
	if mode {
		f.keptMode = f.mode
	}
	return nil
}

// keepPages keeps what is dirty and no more.
func (f *inode) keepPages() {
	switch n := len(f.data) - len(f.kept); {
	case n > 0:
		f.kept = append(f.kept, make([]byte, n)...)
	case n < 0:
		f.kept = f.kept[:len(f.data)]
	}
	for p := range f.dirty {
		if from := p * memPage; from < int64(len(f.kept)) {
			copy(f.kept[from:min(from+memPage, int64(len(f.kept)))], f.data[from:])
		}
	}
	clear(f.dirty)
}

func (m *memFile) Punch(off, n int64) error {
	m.d.mu.Lock()
	defer m.d.mu.Unlock()
	err := m.d.ask("punch", m.name)
	if stops(err) {
		return err
	}
	n = min(n, int64(len(m.f.data))-off)
	if n > 0 {
		m.f.write(make([]byte, n), off)
	}
	return err
}

func (m *memFile) Forget() error {
	m.d.mu.Lock()
	defer m.d.mu.Unlock()
	if m.f.lostWhenForgotten && len(m.f.dirty) == 0 {
		m.f.data = slices.Clone(m.f.kept)
	}
	return nil
}
