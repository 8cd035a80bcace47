// Package contrib carries the files that a new office begins with: its
// configuration, the rules of the sample office with their tests, and units
// for systemd. "kancelaria init" writes from here.
//
// The sample is the fictional town of Aleksandrowo, whose mail domain
// aleksandrowo.example belongs to nobody.
package contrib

import "embed"

// Files holds config/, rules/ and systemd/.
//
//go:embed config rules systemd
var Files embed.FS
