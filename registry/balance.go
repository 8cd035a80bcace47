package registry

// choose takes one of the candidates and says what it saw of their loads.
// Whoever has waited longest wins a tie, then the order given.
func (f *fold) choose(candidates []string, balance string) (clerk string, loads map[string]int64) {
	if len(candidates) == 0 {
		return "", nil
	}
	if balance == "" {
		return candidates[0], nil
	}
	loads = make(map[string]int64, len(candidates))
	best := Balance{}
	for i, c := range candidates {
		b := f.balances.get(c)
		loads[c] = b.Open
		if i == 0 || b.before(best, balance) {
			best, clerk = b, c
		}
	}
	return clerk, loads
}

// before reports whether b's turn comes before o's.
func (b Balance) before(o Balance, balance string) bool {
	if balance == BalanceLeastOpen && b.Open != o.Open {
		return b.Open < o.Open
	}
	return b.waitingSince() < o.waitingSince()
}

// waitingSince is the leaf of the last assignment; whoever never got one has
// waited longest.
func (b Balance) waitingSince() int64 {
	if b.Given == 0 {
		return -1
	}
	return b.LastLeaf
}

// inHand reports whether an entry counts as somebody's open work.
func (w Work) inHand() bool { return w.Clerk != "" && w.Status.Open() }

// Open reports whether something is still to be done with an entry.
func (s Status) Open() bool {
	switch s {
	case StatusRegistered, StatusAssigned, StatusAccepted, StatusToComplete:
		return true
	default:
		return false
	}
}

// weigh keeps the balances in step with an entry that changes hands or state.
func (f *fold) weigh(before, after Work, leaf int64) {
	if before.inHand() {
		b := f.balances.get(before.Clerk)
		b.Clerk = before.Clerk
		b.Open--
		f.balances.set(b.Clerk, b)
	}
	if !after.inHand() {
		return
	}
	b := f.balances.get(after.Clerk)
	b.Clerk = after.Clerk
	b.Open++
	if before.Clerk != after.Clerk {
		b.Given++
		b.LastLeaf = leaf
	}
	f.balances.set(b.Clerk, b)
}
