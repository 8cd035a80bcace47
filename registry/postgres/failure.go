package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"kancelaria/registry"
)

// failure says what an error means for the caller of a verb. Until COMMIT is
// sent a broken connection means that nothing was written.
func failure(ctx context.Context, err error) error {
	switch {
	case err == nil || classed(err):
		return err
	case errors.Is(err, pgx.ErrNoRows):
		return fmt.Errorf("%w: %w", registry.ErrNotFound, err)
	case ctx.Err() != nil: // the caller has had enough
		return fmt.Errorf("%w: %w: %w", registry.ErrRetry, ctx.Err(), err)
	}
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return fmt.Errorf("%w: %w", classOf(e), err)
	}
	if _, ok := errors.AsType[*dataError](err); ok {
		return fmt.Errorf("%w: %w", registry.ErrData, err)
	}
	return fmt.Errorf("%w: %w", registry.ErrUnavailable, err)
}

// A dataError is a value that no column can hold.
type dataError struct{ error }

// classes are those of registry.Store, which an error has at most one of.
var classes = []error{
	registry.ErrRetry, registry.ErrUnavailable, registry.ErrUnknownOutcome, registry.ErrConflict, registry.ErrImmutable,
	registry.ErrRefused, registry.ErrCorrupt, registry.ErrData, registry.ErrNotFound, registry.ErrSchema, registry.ErrBehind,
}

func classed(err error) bool {
	for _, c := range classes {
		if errors.Is(err, c) {
			return true
		}
	}
	return false
}

// codes are those that need a class of their own (PostgreSQL manual, appendix
// A); the others have that of their first two characters.
var codes = map[string]error{
	"KN001": registry.ErrImmutable,
	"40001": registry.ErrRetry, // serialization_failure
	"40P01": registry.ErrRetry, // deadlock_detected
	"55P03": registry.ErrRetry, // lock_not_available
	"57014": registry.ErrRetry, // query_canceled: statement_timeout
	"25P03": registry.ErrRetry, // idle_in_transaction_session_timeout
	"42P01": registry.ErrSchema,
	"42703": registry.ErrSchema,
	"3F000": registry.ErrSchema,
}

var codeClasses = map[string]error{
	"22": registry.ErrData,
	"23": registry.ErrData,
	"XX": registry.ErrCorrupt,
}

func classOf(e *pgconn.PgError) error {
	if class, ok := codes[e.Code]; ok {
		return class
	}
	if class, ok := codeClasses[e.Code[:min(2, len(e.Code))]]; ok {
		return class
	}
	// Shutting down, out of connections, out of disk, not let in.
	return registry.ErrUnavailable
}
