package main

import (
	"time"

	"golang.org/x/sys/unix"
)

// steady is a clock that nobody can set and that goes on while the machine
// sleeps, so that waking up is no jump.
func steady() time.Duration {
	var ts unix.Timespec
	if unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts) != nil {
		return 0
	}
	return time.Duration(ts.Nano())
}
