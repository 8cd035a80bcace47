package registry

// The kinds of outbox rows that drafts bring about.
const (
	OutboxNotice  = "notice"  // to a clerk: Recipient is a login
	OutboxReceipt = "receipt" // to a sender: Recipient is the plan's address
	OutboxDaily   = "daily"   // the day's closing: Recipient is a login
)

// The states of an outbox row.
const (
	OutboxReady  = "ready"
	OutboxLeased = "leased"
	OutboxSent   = "sent"
	OutboxDead   = "dead"
	// OutboxReplayed rows came back with a replay and are never sent by
	// themselves.
	OutboxReplayed = "replayed"
)
