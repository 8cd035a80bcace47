package gateway

import (
	"context"
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

func (a *answers) wait(ctx context.Context, id registry.ItemID) (answer, error) {
	a.mu.Lock()
	if out, ok := a.told[id]; ok {
		a.mu.Unlock()
		return out, nil
	}
	w := make(chan answer, 1)
	a.waiting[id] = append(a.waiting[id], w)
	a.mu.Unlock()
	select {
	case out := <-w:
		return out, nil
	case <-ctx.Done():
		a.forget(id, w)
		return answer{}, ctx.Err()
	}
}

func (a *answers) forget(id registry.ItemID, w chan answer) {
	a.mu.Lock()
	defer a.mu.Unlock()
	rest := a.waiting[id][:0]
	for _, other := range a.waiting[id] {
		if other != w {
			rest = append(rest, other)
		}
	}
	if len(rest) == 0 {
		delete(a.waiting, id)
		return
	}
	a.waiting[id] = rest
}
