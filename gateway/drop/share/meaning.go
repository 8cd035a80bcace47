package share

import (
	"errors"
	"fmt"
	"io"
	"io/fs"

	"kancelaria/gateway/drop"
)

// What a person must change before a share can be used.
var (
	// ErrLogon: trying again soon may lock the account.
	ErrLogon = errors.New("the file server refuses the logon")
	// ErrSetting: a setting of the server or of ours.
	ErrSetting = errors.New("the share cannot be used as it is set up")

	errGuest    = fmt.Errorf("%w: the server let us in as a guest only, as it does with user names it does not know; check the user name", ErrLogon)
	errUnsigned = fmt.Errorf("%w: this driver cannot read where answers are signed and not encrypted; write driver: cloudsoda (or signing: auto where the server does not demand signing)", ErrSetting)
	errOld      = fmt.Errorf("%w: the server does not greet in SMB 2 or 3; SMB 1 is not spoken here, so put a newer file server in front, or watch the folder on that machine itself", ErrSetting)
)

// logons are the answers to a logon that another try does not better
// (MS-ERREF § 2.3.1).
var logons = map[uint32]string{
	0xC000006D: "user name or password is wrong",
	0xC0000064: "the user name is not known",
	0xC000006A: "the password is wrong",
	0xC000006E: "the account is restricted",
	0xC000006F: "the account may not log on at this hour",
	0xC0000070: "the account may not log on from this machine",
	0xC0000071: "the password has expired",
	0xC0000072: "the account is disabled",
	0xC000015B: "the account may not log on over the network",
	0xC0000193: "the account has expired",
	0xC0000224: "the password must be changed first",
	0xC0000234: "the account is locked",
}

// answers of the server to single calls, and what they mean to the protocol.
var answers = map[uint32]error{
	0xC0000043: drop.ErrBusy, // sharing violation
	0xC0000054: drop.ErrBusy, // lock conflict
	0xC0000056: drop.ErrBusy, // delete pending
	0xC0000034: drop.ErrGone,
	0xC000003A: drop.ErrGone,
	0xC00000BA: drop.ErrGone, // a folder where a file was listed
	0x8000002D: drop.ErrGone, // a link: never followed
	0xC0000035: drop.ErrExist,
	0xC0000022: drop.ErrPerm,
	0xC00000A2: drop.ErrPerm, // write protected
	0xC0000121: drop.ErrPerm, // cannot delete
	0xC000007F: drop.ErrFull,
	0xC0000044: drop.ErrFull, // quota
	0xC0000033: errors.New("the file server does not take this name"),
	0xC0000039: errors.New("the file server does not take this path"),
	0xC000003B: errors.New("the file server does not take this path"),
	0xC00000CC: fmt.Errorf("%w: there is no share of that name on the server", ErrSetting),
	0xC0000257: fmt.Errorf("%w: this is a DFS name; name the server and share behind it (on Windows: dfsutil client property state PATH)", ErrSetting),
	0xC00000BB: fmt.Errorf("%w: the server does not speak a dialect of SMB 2 or 3 that we do", ErrSetting),
}

// gone are answers after which the session is of no use.
var gone = map[uint32]bool{
	0xC0000203: true, // session deleted
	0xC000035C: true, // session expired
	0xC00000C9: true, // share removed
	0xC000020C: true, // disconnected
}

// meaning turns a library's error into what the protocol acts on; broken says
// that the session cannot be trusted any more.
func (d driver) meaning(err error) (meant error, broken bool) {
	switch {
	case errors.Is(err, ErrLogon), errors.Is(err, ErrSetting):
		return err, true
	case err == io.EOF: //nolint:errorlint // the end of a file; that of a connection comes wrapped
		return err, false
	case errors.Is(err, fs.ErrExist):
		return drop.ErrExist, false
	case errors.Is(err, fs.ErrNotExist):
		return drop.ErrGone, false
	case errors.Is(err, fs.ErrPermission):
		return drop.ErrPerm, false
	}
	code, ok := d.status(err)
	if !ok {
		return err, true
	}
	if text, refused := logons[code]; refused {
		return fmt.Errorf("%w: %s", ErrLogon, text), true
	}
	if means, known := answers[code]; known {
		return fmt.Errorf("%w (status %#x)", means, code), false
	}
	return err, gone[code]
}
