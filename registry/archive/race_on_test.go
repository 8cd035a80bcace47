//go:build race

package archive

const underRace = true
