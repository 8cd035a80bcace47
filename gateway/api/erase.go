package api

import (
	"encoding/json"
	"net/http"
	"slices"

	"kancelaria/registry"
)

// An EraseOrder is the body of POST /api/v1/items/{id}/erase; the id may be a
// register number.
type EraseOrder struct {
	Reason string `json:"reason"` // of the closed list
	Text   string `json:"text"`   // in words; kept for ever
	By     string `json:"by,omitempty"`
}

// An Erasure is what came of an order.
type Erasure struct {
	ItemID    string `json:"item_id"`
	Number    string `json:"number"` // "" of what is not in the book
	State     string `json:"state"`  // erased, ordered (a second person must confirm)
	Reason    string `json:"reason"`
	OrderedBy string `json:"ordered_by"`
	Leaf      int64  `json:"leaf,omitempty"` // that orders it
	// Redelivered are items with the same letter, which went with it.
	Redelivered []string `json:"redelivered"`
}

// The states of an Erasure.
const (
	ErasureDone    = "erased"
	ErasureOrdered = "ordered"
)

// erasers are the reasons for which people order erasures. The others are the
// daemon's own, after their term.
var erasers = []string{registry.ErasedCategory, registry.ErasedCourt, registry.ErasedClassified}

// erase orders or confirms that an item be erased.
func (a *API) erase(w http.ResponseWriter, r *http.Request) error {
	var in EraseOrder
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxAct))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&in); err != nil {
		return wrong("%v", err)
	}
	if !slices.Contains(erasers, in.Reason) {
		return wrong("%.40q is no reason for which a person erases: %q", in.Reason, erasers)
	}
	who, err := a.actor(r.Context(), in.By)
	if err != nil {
		return err
	}
	id, err := registry.ParseItemID(r.PathValue("id"))
	if err != nil {
		work, err := a.find(r.Context(), r.PathValue("id"))
		if err != nil {
			return err
		}
		id = work.Item
	}
	done, err := a.Keeper.Erase(r.Context(), who, id, in.Reason, in.Text)
	if err != nil {
		return err
	}
	return newLines(w).write(done)
}
