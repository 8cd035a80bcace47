package postgres

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"kancelaria/registry"
)

// moment is how an instant is handed over; no instant is NULL.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func instant(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC()
}

// column gathers one value of each row: what unnest takes apart.
func column[R, V any](rows []R, value func(r *R) V) []V {
	out := make([]V, len(rows))
	for i := range rows {
		out[i] = value(&rows[i])
	}
	return out
}

// uuid is how an id is handed over; none is NULL.
func uuid(id registry.ItemID) [16]byte { return id }

func uuidOrNull(id registry.ItemID) *[16]byte {
	if id.IsZero() {
		return nil
	}
	return (*[16]byte)(&id)
}

// blob copies bytes of a fixed length.
func blob(to, from []byte, what string) error {
	if len(from) != len(to) {
		return fmt.Errorf("%w: a %s of %d bytes", registry.ErrCorrupt, what, len(from))
	}
	copy(to, from)
	return nil
}

// array spells a list of texts as JSON; it can't fail.
func array(list []string) string {
	if list == nil {
		return "[]"
	}
	b, err := json.Marshal(list)
	if err != nil {
		panic(fmt.Sprintf("postgres: a list of texts is no JSON: %v", err))
	}
	return string(b)
}

// arrayOrNull is for lists that are nearly always empty.
func arrayOrNull(list []string) *string {
	if len(list) == 0 {
		return nil
	}
	text := array(list)
	return &text
}

func list(text string) (out []string, err error) {
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		return nil, fmt.Errorf("%w: a list: %w", registry.ErrCorrupt, err)
	}
	if len(out) == 0 {
		return nil, nil
	}
	return out, nil
}

// mark is what a long text is found by: eight bytes of its digest.
func mark(text string) int64 {
	sum := sha256.Sum256([]byte(text))
	return int64(binary.BigEndian.Uint64(sum[:8]))
}

func markOrNull(text string) *int64 {
	if text == "" {
		return nil
	}
	m := mark(text)
	return &m
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
