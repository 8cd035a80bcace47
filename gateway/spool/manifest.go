package spool

import (
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"

	"kancelaria/registry"
)

// maxManifest bounds what is read as a manifest. A letter with 1,000 recipients
// needs a tenth of it.
const maxManifest = 4 << 20

// manifestVersion is the only one there is. A later one only adds; what an
// older program can't understand gets a number this one refuses.
const manifestVersion = 1

// ErrNewer: the manifest was written by a newer kancelaria. The item is kept
// until that one runs again.
var ErrNewer = errors.New("written by a newer kancelaria")

type manifest struct {
	Version int `json:"version"`
	registry.Item
}

// Manifest writes an item as it is kept in the archive.
func Manifest(it registry.Item) ([]byte, error) {
	b, err := json.Marshal(manifest{manifestVersion, it})
	if err != nil {
		return nil, fmt.Errorf("writing the manifest of item %s: %w", it.ID, err)
	}
	if len(b) > maxManifest {
		return nil, fmt.Errorf("the manifest of item %s has %d bytes, at most %d: %w", it.ID, len(b), maxManifest, registry.ErrTooLarge)
	}
	return b, nil
}

// ParseManifest reads what Manifest wrote.
func ParseManifest(b []byte) (registry.Item, error) {
	if len(b) > maxManifest {
		return registry.Item{}, fmt.Errorf("a manifest of %d bytes, at most %d", len(b), maxManifest)
	}
	if !utf8.Valid(b) {
		return registry.Item{}, errors.New("a manifest that is not UTF-8")
	}
	var m manifest
	if err := json.Unmarshal(b, &m); err != nil {
		var v struct{ Version int }
		if json.Unmarshal(b, &v) == nil && v.Version > manifestVersion {
			return registry.Item{}, fmt.Errorf("manifest version %d: %w", v.Version, ErrNewer)
		}
		return registry.Item{}, fmt.Errorf("reading a manifest: %w", err)
	}
	switch {
	case m.Version > manifestVersion:
		return registry.Item{}, fmt.Errorf("manifest version %d: %w", m.Version, ErrNewer)
	case m.Version != manifestVersion:
		return registry.Item{}, fmt.Errorf("manifest version %d is none", m.Version)
	case m.ID.IsZero():
		return registry.Item{}, errors.New("a manifest without an item id")
	}
	return m.Item, nil
}
