package main

import (
	"context"
	"errors"

	"kancelaria/cmd/internal/config"
	"kancelaria/registry"
)

// The exit codes: a closed list, printed by "kancelaria help exit-codes".
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitConfig      = 3
	exitRules       = 4
	exitUnreachable = 5
	exitFindings    = 6
	exitLocked      = 7
	exitImmutable   = 9
	exitInterrupted = 130
)

// A coded error has an exit code of its own.
type coded struct {
	error
	code int
}

func (c coded) Unwrap() error { return c.error }

func withCode(code int, err error) error { return coded{err, code} }

// silent errors were told already, by what the command printed.
type silent struct{ code int }

func (s silent) Error() string { return "said already" }

// exitCode gives the code for an error.
func exitCode(ctx context.Context, err error) int {
	var c coded
	var s silent
	var complaints config.Complaints
	switch {
	case errors.As(err, &s):
		return s.code
	case errors.As(err, &c):
		return c.code
	case errors.As(err, &complaints):
		return exitConfig
	case errors.Is(err, registry.ErrImmutable):
		return exitImmutable
	case errors.Is(err, registry.ErrUnavailable):
		return exitUnreachable
	case errors.Is(err, context.Canceled) && ctx.Err() != nil:
		return exitInterrupted
	default:
		return exitFailed
	}
}
