package registry

// An Actor is who does an act, as the house has made sure of.
type Actor struct {
	// Login of the clerk; the unix user where no clerk has that login.
	Login string
	// OnBehalfOf is the clerk named with --by, or for whom a deputy acts.
	OnBehalfOf string
	// Owner is the owner of the data, or root: the town's administrator at the
	// machine. Owners may act for any clerk and see state, not content.
	Owner bool
}

// Acting is the clerk whose hand it counts as.
func (a Actor) Acting() string {
	if a.OnBehalfOf != "" {
		return a.OnBehalfOf
	}
	return a.Login
}
