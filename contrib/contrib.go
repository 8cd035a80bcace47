// Package contrib carries the files that a new office begins with: its
// configuration and the rules of the sample office with their tests, which
// "kancelaria init" writes from here. Beside them lie units for systemd and
// what Postfix and Samba need to work with the daemon.
//
// The sample is the fictional town of Aleksandrowo, whose mail domain
// aleksandrowo.example belongs to nobody.
package contrib

import "embed"

// Files holds config/, rules/, systemd/, postfix/ and samba/.
//
//go:embed config rules systemd postfix samba
var Files embed.FS
