package notify

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"kancelaria/registry"
)

// headLine finds, in any language, the line of a daily mail that tells the
// ledger's size and head in readable groups.
var headLine = regexp.MustCompile(`(?m)^[^\d\n]*\b(\d{1,18})\b[^\d\n]*? ((?:[0-9a-f]{8} ){7}[0-9a-f]{8})\s*$`)

// DailyHead reads the ledger's size and head out of a daily closing mail, or
// its text: the mail is not signed, but it left the house.
func DailyHead(r io.Reader) (size int64, root registry.Digest, err error) {
	raw, err := io.ReadAll(io.LimitReader(r, maxReceipt+1))
	if err != nil {
		return 0, root, fmt.Errorf("reading the daily mail: %w", err)
	}
	if len(raw) > maxReceipt {
		return 0, root, errors.New("too large to be a daily mail")
	}
	m := openReceipt(raw)
	for _, text := range append([]string{m.text}, m.files...) {
		found := headLine.FindStringSubmatch(tidy(text))
		if found == nil {
			continue
		}
		if size, err = strconv.ParseInt(found[1], 10, 64); err != nil {
			continue
		}
		return size, root, root.UnmarshalText([]byte(strings.ReplaceAll(found[2], " ", "")))
	}
	return 0, root, errors.New("no line in it tells the ledger's size and head")
}
