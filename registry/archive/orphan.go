package archive

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"kancelaria/registry"
)

// orphanWithin is how long before the last record a large original can have
// got its name and still be one that an end of the process kept from its record.
const orphanWithin = 2 * time.Hour

// setAsideOrphans moves large originals that no record names beside: the power
// went, or somebody ended the process, after a file had got its name and before
// its record was written. Nobody was promised it, and no erasure would find it.
// Where something is damaged all stay where they are: their record may be what
// can't be read.
func (a *Archive) setAsideOrphans(segs []segmentFile) error {
	if len(a.Damage()) > 0 {
		return nil
	}
	since := a.lastAt.Add(-orphanWithin)
	orphans, err := a.namedSince(since)
	if err != nil {
		return err
	}
	for i := len(segs) - 1; i >= 0 && len(orphans) > 0; i-- {
		s, err := a.openSegment(a.node, segs[i].number)
		if errors.Is(err, ErrNotFound) {
			continue // removed by this start, as unused
		}
		if errors.Is(err, errNoHeader) {
			return nil
		}
		if err != nil {
			return err
		}
		created := s.header.created
		_ = s.Close()
		if err := a.eachRecord(context.Background(), a.node, segs[i].number, block, func(_ *segment, _ int64, h *header) bool {
			if h.isLarge() {
				delete(orphans, h.large)
			}
			return true
		}); err != nil {
			return err
		}
		if created.Before(since) {
			break
		}
	}
	for id, dir := range orphans {
		if err := a.setAside(dir, id); err != nil {
			return fmt.Errorf("setting %s aside: %w", id, err)
		}
	}
	return nil
}

// namedSince lists large originals with the folders they lie in.
func (a *Archive) namedSince(since time.Time) (map[registry.ItemID]string, error) {
	root := a.node + "/" + largeDir
	months, err := a.fs.ReadDir(root)
	if err != nil {
		return nil, err
	}
	found := map[registry.ItemID]string{}
	for _, m := range months {
		dir := root + "/" + m.Name()
		if !m.IsDir() || dir == a.node+"/"+incomingDir || m.Name() < since.UTC().Format("2006-01") {
			continue
		}
		files, err := a.fs.ReadDir(dir)
		if err != nil {
			return nil, err
		}
		for _, info := range files {
			if id, err := registry.ParseItemID(info.Name()); err == nil && !timeOf(id).Before(since) {
				found[id] = dir
			}
		}
	}
	return found, nil
}

func (a *Archive) setAside(dir string, id registry.ItemID) error {
	tails := a.node + "/" + tailsDir
	a.log.Warn("archive.orphan_kept", "file", id)
	err := a.fs.Rename(dir+"/"+id.String(), tails+"/"+id.String()+".tail")
	if errors.Is(err, fs.ErrExist) {
		return nil // another of that name is beside already; fsck tells of this one
	}
	if err == nil {
		err = a.fs.SyncDir(tails)
	}
	if err == nil {
		err = a.fs.SyncDir(dir)
	}
	return err
}
