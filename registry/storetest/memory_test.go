package storetest

import (
	"testing"

	"kancelaria/registry"
)

func TestMemory(t *testing.T) {
	Run(t, func(*testing.T) registry.Store { return NewMemory(origin, nil) }, Options{})
}
