// Package contrib carries the files that a new office begins with: its three
// configuration files, the rules of the sample office with their tests, and
// units for systemd. "kancelaria init" writes from here.
//
// The sample is the fictional town of Aleksandrowo, whose mail domain
// aleksandrowo.example belongs to nobody. Names of a real town take its place
// with Town.
package contrib

import (
	"embed"
	"strings"
)

// Files holds config/, rules/ and systemd/.
//
//go:embed config rules systemd
var Files embed.FS

// What the sample says of the town, and what Town replaces.
const (
	SampleName   = "Urząd Miejski w Aleksandrowie"
	SampleDomain = "aleksandrowo.example"
)

// Town writes a sample file for another office: its name and mail domain take
// the place of the fictional ones.
func Town(text, name, domain string) string {
	return strings.NewReplacer(SampleName, name, SampleDomain, domain).Replace(text)
}
