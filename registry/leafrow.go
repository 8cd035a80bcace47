package registry

import (
	"bytes"
	"fmt"
)

// Holds tells whether the leaf was written for the line: the same draft with
// the same outcome. Of an erased leaf only the key can be compared.
func (row LeafRow) Holds(l Line) error {
	if row.Index != l.Outcome.Leaf || row.Key != l.Draft.Key {
		return fmt.Errorf("%w: leaf %d is of draft %.80q, not of %.80q", ErrCorrupt, l.Outcome.Leaf, row.Key, l.Draft.Key)
	}
	if l.Bare != nil && l.Bare.Hash != row.Hash {
		return fmt.Errorf("%w: leaf %d is not the one whose stub is replayed", ErrCorrupt, row.Index)
	}
	if len(row.Content) == 0 || l.Bare != nil {
		return nil
	}
	content, err := l.Encode()
	if err != nil {
		return fmt.Errorf("%w: draft %.80q cannot be written down: %w", ErrData, l.Draft.Key, err)
	}
	if !bytes.Equal(row.Content, content) {
		return fmt.Errorf("%w: leaf %d holds another line than the one replayed", ErrCorrupt, row.Index)
	}
	return nil
}
