//go:build !failpoint

package registry

// Hit does nothing: this is a build for use.
func (FailPoint) Hit() {}
