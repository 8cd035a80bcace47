package archive

import (
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"kancelaria/registry"
)

func TestRoomIsAskedForInBytesAndInodes(t *testing.T) {
	const minFree, minInodes = 1 << 20, 100
	for _, tt := range []struct {
		name        string
		free, nodes int64
		size        int64 // of the letter, if it was said
		full, large bool  // for a letter, for one that needs a file of its own
	}{
		{"plenty of both", 8 << 20, 1000, 0, false, false},
		{"exactly what must stay free", minFree, minInodes, 0, false, true},
		{"a byte too few", minFree - 1, 1000, 0, true, true},
		{"an inode too few", 8 << 20, minInodes - 1, 0, true, true},
		{"a file system that counts no inodes", 8 << 20, -1, 0, false, false},
		{"room, but not for so large a letter", 2 << 20, 1000, 1<<20 + 1, true, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d, r := newMemDisk(), rand.New(rand.NewPCG(8, 1))
			o := small(d)
			o.MinFree, o.MinInodes = minFree, minInodes
			a := mustOpen(t, o)
			defer a.Close()
			mustDeliver(t, a, newItem(r), random(r, 100)) // there is a segment with room
			d.free, d.nodes = tt.free, tt.nodes
			if err := a.Room(tt.size); errors.Is(err, registry.ErrFull) != tt.full {
				t.Errorf("room: %v", err)
			}
			// A large letter asks when its file is made.
			_, err := a.Stage(t.Context(), newItem(r), strings.NewReader(strings.Repeat("x", 20_000)), 0)
			if errors.Is(err, registry.ErrFull) != tt.large {
				t.Errorf("a large letter: %v", err)
			}
		})
	}
}

// A disk that fills up while a large letter comes stops it at the next look.
func TestALargeLetterIsStoppedWhenTheDiskFillsUp(t *testing.T) {
	d, r := newMemDisk(), rand.New(rand.NewPCG(8, 2))
	a := mustOpen(t, small(d))
	defer a.Close()
	half := io.MultiReader(strings.NewReader(strings.Repeat("x", roomEvery)), full{d}, strings.NewReader(strings.Repeat("x", roomEvery)))
	if _, err := a.Stage(t.Context(), newItem(r), half, 0); !errors.Is(err, registry.ErrFull) {
		t.Errorf("error %v, want ErrFull", err)
	}
	if left, _ := d.ReadDir("main/" + incomingDir); len(left) > 0 {
		t.Errorf("what was written of it is kept: %v", left[0].Name())
	}
}

// full fills the disk when it is read.
type full struct{ d *memDisk }

func (f full) Read([]byte) (int, error) {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	f.d.free = 0
	return 0, io.EOF
}

// Originals do not go to a disk in memory by mistake.
func TestTheKernelSaysWhatAFileSystemIs(t *testing.T) {
	dir, err := os.MkdirTemp("/dev/shm", "kancelaria")
	if err != nil {
		t.Logf("no disk in memory here: %v", err)
		return
	}
	defer os.RemoveAll(dir)
	if _, err := Open(dir, Options{}); !errors.Is(err, ErrUnsafeFilesystem) || !strings.Contains(err.Error(), "tmpfs") {
		t.Errorf("error %v, want ErrUnsafeFilesystem and tmpfs", err)
	}
	for _, name := range []string{"NFS", "SMB", "overlay", "FUSE"} {
		found := false
		for _, kind := range untrusted {
			found = found || strings.Contains(strings.ToLower(kind), strings.ToLower(name))
		}
		if !found {
			t.Errorf("%s is trusted: %v", name, untrusted)
		}
	}
}
