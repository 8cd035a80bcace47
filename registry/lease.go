package registry

// NodeLease names the lease that a node holds while it lives. When it is over,
// others may send what the node left in the outbox.
func NodeLease(node string) string { return "node/" + node }

// NoteAccess is the kind of notes that say who looked at what. They are written
// once, never changed, and go when their term (Expires) is over.
const NoteAccess = "access"
