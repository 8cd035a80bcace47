package spool

import "container/heap"

// A queue gives entries in order of arrival, also those that come back.
type queue struct{ list byOrder }

func (q *queue) push(e *entry) { heap.Push(&q.list, e) }
func (q *queue) len() int      { return len(q.list) }

func (q *queue) pop() *entry {
	if len(q.list) == 0 {
		return nil
	}
	return heap.Pop(&q.list).(*entry)
}

func (q *queue) remove(e *entry) { heap.Remove(&q.list, e.index) }

// timers gives entries by when they are due.
type timers struct{ list byDue }

func (t *timers) push(e *entry) { heap.Push(&t.list, e) }

func (t *timers) first() *entry {
	if len(t.list) == 0 {
		return nil
	}
	return t.list[0]
}

func (t *timers) remove(e *entry) { heap.Remove(&t.list, e.index) }

// byOrder and byDue are heaps; entries know where they are in theirs.
type (
	byOrder []*entry
	byDue   []*entry
)

func (h byOrder) Len() int           { return len(h) }
func (h byOrder) Less(i, j int) bool { return h[i].order < h[j].order }
func (h byOrder) Swap(i, j int)      { h[i], h[j] = h[j], h[i]; h[i].index, h[j].index = i, j }
func (h *byOrder) Push(x any)        { *h = append(*h, indexed(x, len(*h))) }
func (h *byOrder) Pop() any          { return pop((*[]*entry)(h)) }

func (h byDue) Len() int           { return len(h) }
func (h byDue) Less(i, j int) bool { return h[i].due.Before(h[j].due) }
func (h byDue) Swap(i, j int)      { h[i], h[j] = h[j], h[i]; h[i].index, h[j].index = i, j }
func (h *byDue) Push(x any)        { *h = append(*h, indexed(x, len(*h))) }
func (h *byDue) Pop() any          { return pop((*[]*entry)(h)) }

func indexed(x any, i int) *entry {
	e := x.(*entry)
	e.index = i
	return e
}

func pop(list *[]*entry) *entry {
	n := len(*list) - 1
	e := (*list)[n]
	(*list)[n] = nil
	*list = (*list)[:n]
	return e
}
