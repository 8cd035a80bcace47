package archive

// A Reason is why something may be erased. The list is closed.
type Reason string

// The reasons. The first three are the daemon's own, after their term.
const (
	SpamExpired     Reason = "spam_expired"
	MalwareExpired  Reason = "malware_expired"
	BesideExpired   Reason = "beside_expired"
	CategoryExpired Reason = "category_expired"
	CourtOrder      Reason = "court_order"
	Classified      Reason = "classified" // two persons
)
