package sqlite

import (
	"context"
	"errors"
	"fmt"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"kancelaria/registry"
)

// failure says what an error of SQLite means for the caller of a verb.
func failure(err error) error {
	if err == nil || classed(err) {
		return err
	}
	e, ok := errors.AsType[*sqlite.Error](err)
	if !ok {
		return err
	}
	if class := classOf(e.Code()); class != nil {
		return fmt.Errorf("%w: %w", class, err)
	}
	return err
}

// classes are those of registry.Store, which an error has at most one of.
var classes = []error{
	registry.ErrRetry, registry.ErrUnavailable, registry.ErrUnknownOutcome, registry.ErrConflict,
	registry.ErrImmutable, registry.ErrRefused, registry.ErrCorrupt, registry.ErrData, registry.ErrNotFound,
	registry.ErrSchema, registry.ErrBehind, context.Canceled, context.DeadlineExceeded,
}

func classed(err error) bool {
	for _, c := range classes {
		if errors.Is(err, c) {
			return true
		}
	}
	return false
}

// classOf knows result codes (sqlite.org/rescode.html); every RAISE of the
// schema is a refusal to change what must not change.
func classOf(code int) error {
	if code == sqlite3.SQLITE_CONSTRAINT_TRIGGER {
		return registry.ErrImmutable
	}
	switch code & 0xff {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return registry.ErrRetry
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return registry.ErrCorrupt
	case sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM:
		return registry.ErrUnavailable
	case sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_MISMATCH:
		return registry.ErrData
	case sqlite3.SQLITE_INTERRUPT:
		return context.Canceled
	default:
		return nil
	}
}

// commitFailure tells a COMMIT that did not happen from one that may have: when
// the disk failed after the last page was written, a restart may find it whole.
func commitFailure(err error) error {
	e, ok := errors.AsType[*sqlite.Error](err)
	if !ok {
		return fmt.Errorf("%w: %w", registry.ErrUnknownOutcome, err)
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_FULL, sqlite3.SQLITE_CONSTRAINT:
		return err
	default:
		return fmt.Errorf("%w: %w", registry.ErrUnknownOutcome, err)
	}
}
