package registry

// A FailPoint is a moment between two steps of a document's way (DESIGN § 3) at
// which the crash tests kill the daemon. A build without the tag failpoint, and
// so every release, knows the names and does nothing there.
type FailPoint string

// The fail points, in the order in which a letter, a file or an erasure comes
// by them.
const (
	FailDoorBeforePut      FailPoint = "door.before_put"
	FailSpoolStaged        FailPoint = "spool.staged"         // the bytes are in, nothing is written
	FailLargeNamed         FailPoint = "archive.large_named"  // a large original has its name and is not synced
	FailLargeSynced        FailPoint = "archive.large_synced" // and no record names it
	FailArchiveBeforeWrite FailPoint = "archive.before_write" // of a group of records
	FailArchiveBeforeSync  FailPoint = "archive.before_sync"
	FailArchiveAfterSync   FailPoint = "archive.after_sync"
	FailSpoolDurable       FailPoint = "spool.durable"   // and nobody waits for it yet
	FailDoorAccepted       FailPoint = "door.accepted"   // Put has returned
	FailDoorBefore250      FailPoint = "door.before_250" // the number was waited for
	FailDeskTaken          FailPoint = "desk.taken"
	FailDeskRead           FailPoint = "desk.read"
	FailDeskDecided        FailPoint = "desk.decided"
	FailBookBeforeCommit   FailPoint = "book.before_commit"
	FailStoreWritten       FailPoint = "store.written" // in the transaction, before COMMIT
	FailBookAfterCommit    FailPoint = "book.after_commit"
	FailBeforeCopybook     FailPoint = "copybook.before"
	FailAfterCopybook      FailPoint = "copybook.after"
	FailDeskBeforeDone     FailPoint = "desk.before_done"
	FailDeskAfterDone      FailPoint = "desk.after_done"
	FailBellClaimed        FailPoint = "bell.claimed" // rows are leased
	FailBellWritten        FailPoint = "bell.written" // the mail is made and not stored
	FailBellBeforeSend     FailPoint = "bell.before_send"
	FailBellInTmp          FailPoint = "bell.in_tmp" // in the Maildir under a name nobody reads
	FailBellAfterSend      FailPoint = "bell.after_send"
	FailBellBeforeFinish   FailPoint = "bell.before_finish"
	FailBellAfterFinish    FailPoint = "bell.after_finish"
	FailDropBeforeClaim    FailPoint = "drop.before_claim"
	FailDropClaimed        FailPoint = "drop.claimed"
	FailDropSpooled        FailPoint = "drop.spooled"
	FailDropBeforeRename   FailPoint = "drop.before_rename"
	FailDropRenamed        FailPoint = "drop.renamed"   // and the day's list does not have it
	FailSegmentMade        FailPoint = "segment.made"   // and is still empty
	FailSegmentFilled      FailPoint = "segment.filled" // and nobody writes to it
	FailSegmentBeforeSeal  FailPoint = "segment.before_seal"
	FailSegmentCut         FailPoint = "segment.cut"    // to its length, and still writable
	FailSegmentSealed      FailPoint = "segment.sealed" // and the next one not begun
	FailSegmentBegun       FailPoint = "segment.begun"
	FailSegmentRecovered   FailPoint = "segment.recovered" // a start has closed one of an earlier life
	FailSealBeforeLeaf     FailPoint = "seal.before_leaf"
	FailSealAfterLeaf      FailPoint = "seal.after_leaf"
	FailHeadBeforeStore    FailPoint = "checkpoint.before" // signed and not stored
	FailHeadAfterStore     FailPoint = "checkpoint.after"
	FailEraseOrdered       FailPoint = "erase.ordered"   // noted, and no leaf says so
	FailEraseLeaf          FailPoint = "erase.leaf"      // the leaf is written, and nothing is gone
	FailEraseStone         FailPoint = "erase.tombstone" // and no byte is gone
	FailErasePictured      FailPoint = "erase.pictured"  // edges of holes are kept elsewhere
	FailErasePunched       FailPoint = "erase.punched"   // and not synced
	FailErased             FailPoint = "erase.erased"    // and the order still stands
)

// FailPoints lists them all.
func FailPoints() []FailPoint {
	return []FailPoint{
		FailDoorBeforePut, FailSpoolStaged, FailLargeNamed, FailLargeSynced, FailArchiveBeforeWrite, FailArchiveBeforeSync,
		FailArchiveAfterSync, FailSpoolDurable, FailDoorAccepted, FailDoorBefore250,
		FailDeskTaken, FailDeskRead, FailDeskDecided, FailBookBeforeCommit, FailStoreWritten, FailBookAfterCommit,
		FailBeforeCopybook, FailAfterCopybook, FailDeskBeforeDone, FailDeskAfterDone,
		FailBellClaimed, FailBellWritten, FailBellBeforeSend, FailBellInTmp, FailBellAfterSend, FailBellBeforeFinish, FailBellAfterFinish,
		FailDropBeforeClaim, FailDropClaimed, FailDropSpooled, FailDropBeforeRename, FailDropRenamed,
		FailSegmentMade, FailSegmentFilled, FailSegmentBeforeSeal, FailSegmentCut, FailSegmentSealed, FailSegmentBegun, FailSegmentRecovered,
		FailSealBeforeLeaf, FailSealAfterLeaf, FailHeadBeforeStore, FailHeadAfterStore,
		FailEraseOrdered, FailEraseLeaf, FailEraseStone, FailErasePictured, FailErasePunched, FailErased,
	}
}
