package sqlite

import (
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"kancelaria/registry"
)

// micros is how an instant stands in a column; no instant is NULL.
func micros(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMicro()
}

func instant(n sql.NullInt64) time.Time {
	if !n.Valid {
		return time.Time{}
	}
	return time.UnixMicro(n.Int64).UTC()
}

// array is how a list is passed to one parameter; json_each takes it apart.
// Texts and numbers only, so it can't fail.
func array[T any](list []T) string {
	b, err := json.Marshal(list)
	if err != nil {
		panic(fmt.Sprintf("sqlite: a list of %T is no JSON: %v", list, err))
	}
	return string(b)
}

// arrayOrNull is for lists that are nearly always empty.
func arrayOrNull(list []string) any {
	if len(list) == 0 {
		return nil
	}
	return array(list)
}

func list(text sql.NullString) ([]string, error) {
	if !text.Valid {
		return nil, nil
	}
	var out []string
	if err := json.Unmarshal([]byte(text.String), &out); err != nil {
		return nil, fmt.Errorf("%w: a list: %w", registry.ErrCorrupt, err)
	}
	if len(out) == 0 {
		return nil, nil
	}
	return out, nil
}

// hexes spells ids for an array; unhex takes them back.
func hexes[T ~[16]byte](ids []T) []string {
	out := make([]string, len(ids))
	for i, id := range ids {
		b := [16]byte(id)
		out[i] = hex.EncodeToString(b[:])
	}
	return out
}

// blob copies bytes of a fixed length.
func blob(to, from []byte, what string) error {
	if len(from) != len(to) {
		return fmt.Errorf("%w: a %s of %d bytes", registry.ErrCorrupt, what, len(from))
	}
	copy(to, from)
	return nil
}

// The kinds of marks.
const (
	markMessage   = 'm'
	markSender    = 's'
	markRecipient = 'r'
	markTrace     = 't'
)

// mark is the one word by which the index of marks finds a text: a letter and
// eight bytes of its digest.
func mark(kind byte, text string) string {
	sum := sha256.Sum256([]byte(text))
	return string(kind) + hex.EncodeToString(sum[:8])
}

// traceMark is the mark of a trace: its key is part of a digest already.
func traceMark(k registry.TraceKey) string {
	return string([]byte{markTrace, k.Kind}) + hex.EncodeToString(k.Key[:8])
}

// number is the form of a mark that columns hold.
func number(text string) int64 {
	sum := sha256.Sum256([]byte(text))
	return int64(binary.BigEndian.Uint64(sum[:8]))
}

// flagColumn spells flags so that one is found by " flag ".
func flagColumn(flags []registry.Flag) string {
	if len(flags) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteByte(' ')
	for _, f := range flags {
		b.WriteString(string(f))
		b.WriteByte(' ')
	}
	return b.String()
}

// yearIn gives the year that ends a case number or the name of a folder.
func yearIn(mark string) int {
	year, err := strconv.Atoi(mark[strings.LastIndexAny(mark, ".-")+1:])
	if err != nil {
		return 0
	}
	return year
}

// outboxKey takes an outbox row's id apart: leaf and place among its rows.
func outboxKey(id string) (leaf, n int64, err error) {
	a, b, ok := strings.Cut(id, ".")
	if ok {
		leaf, err = strconv.ParseInt(a, 10, 64)
	}
	if ok && err == nil {
		n, err = strconv.ParseInt(b, 10, 64)
	}
	if !ok || err != nil || leaf < 0 || n < 0 {
		return 0, 0, fmt.Errorf("%w: %.40q is no id of an outbox row", registry.ErrData, id)
	}
	return leaf, n, nil
}
