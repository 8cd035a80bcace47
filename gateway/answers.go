package gateway

import (
	"slices"
	"sync"

	"kancelaria/registry"
)

// remembered is how many outcomes are kept for doors that ask late: the desk
// may be done before the door that put the item has begun to wait.
const remembered = 4096

// An answer is an outcome as a door may learn it. A secret one is not told in
// time: whoever sends to a closed register, or what is quarantined, sees an
// office that is slow.
type answer struct {
	registry.Outcome
	secret bool
}

// answers tells doors what became of their items.
type answers struct {
	mu      sync.Mutex
	waiting map[registry.ItemID][]chan answer
	told    map[registry.ItemID]answer
	order   []registry.ItemID // of told, oldest first
}

func (a *answers) tell(id registry.ItemID, out answer) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, w := range a.waiting[id] {
		w <- out // has room for its one answer
	}
	delete(a.waiting, id)
	if _, again := a.told[id]; !again {
		a.order = append(a.order, id)
	}
	a.told[id] = out
	if len(a.order) > remembered {
		delete(a.told, a.order[0])
		a.order = a.order[1:]
	}
}

// ask gives the channel on which the answer about an item comes, at once if it
// is known. Whoever stops listening calls forget.
func (a *answers) ask(id registry.ItemID) chan answer {
	a.mu.Lock()
	defer a.mu.Unlock()
	w := make(chan answer, 1)
	if out, ok := a.told[id]; ok {
		w <- out
		return w
	}
	a.waiting[id] = append(a.waiting[id], w)
	return w
}

// awaited reports whether a door waits for the answer about an item.
func (a *answers) awaited(id registry.ItemID) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.waiting[id]) > 0
}

func (a *answers) forget(id registry.ItemID, w chan answer) {
	a.mu.Lock()
	defer a.mu.Unlock()
	rest := slices.DeleteFunc(a.waiting[id], func(other chan answer) bool { return other == w })
	if len(rest) == 0 {
		delete(a.waiting, id)
		return
	}
	a.waiting[id] = rest
}
