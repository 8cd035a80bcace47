package paper

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"

	"kancelaria/registry"
)

// A table is the register book as CSV: RFC 4180 for programs, or with the
// semicolons and the mark that office programs in Poland expect.
type table struct {
	speller
	out *csv.Writer
}

// The first columns are those of the Instruction, in its order.
var columns = []string{
	"seq", "received_on", "title", "sender", "letter_date", "sender_ref", "assigned", "attachments", "remarks",
	"number", "registered_at", "received_at", "door", "status", "class", "folder", "case", "due", "flags", "item", "sha256", "size",
}

// newTable writes the headings.
func newTable(w io.Writer, s speller, semicolons bool) (*table, error) {
	t := &table{speller: s, out: csv.NewWriter(w)}
	t.out.UseCRLF = true
	if semicolons {
		t.out.Comma = ';'
		if _, err := io.WriteString(w, "\ufeff"); err != nil {
			return nil, err
		}
	}
	heads := make([]string, len(columns))
	for i, c := range columns {
		heads[i] = s.texts.Say("paper.col." + c)
	}
	return t, t.out.Write(heads)
}

// row writes one line.
func (t *table) row(r Row) error {
	cells := t.cells(r)
	for i, c := range cells {
		cells[i] = defused(c)
	}
	if err := t.out.Write(cells); err != nil {
		return fmt.Errorf("writing the table: %w", err)
	}
	return nil
}

func (t *table) cells(r Row) []string {
	if r.IsGap() {
		cells := make([]string, len(columns))
		cells[0] = strconv.FormatInt(r.From, 10)
		if r.To != r.From {
			cells[0] += "–" + strconv.FormatInt(r.To, 10)
		}
		cells[8] = t.gap(r)
		return cells
	}
	w := r.Past.Work
	flags := make([]string, len(w.Flags))
	for i, f := range w.Flags {
		flags[i] = string(f)
	}
	return []string{
		strconv.FormatInt(w.Number.Seq, 10), w.ReceivedOn.String(), t.known(w.Title), t.sender(w), t.known(w.LetterDate), t.known(w.SenderRef),
		t.assigned(w), strconv.Itoa(w.Attachments), t.remarks(r),
		w.Number.String(), t.instant(w.RegisteredAt), t.instant(w.ReceivedAt), t.texts.Say("door." + string(w.Door)), t.texts.Say("status." + string(w.Status)),
		w.Class, w.Folder, r.Past.Case, w.Deadline.Due.String(), strings.Join(flags, " "), w.Item.String(), digestText(w.Digest), strconv.FormatInt(w.Size, 10),
	}
}

func digestText(d registry.Digest) string {
	if d.IsZero() {
		return ""
	}
	return d.String()
}

// end gives the first error of all.
func (t *table) end() error {
	t.out.Flush()
	if err := t.out.Error(); err != nil {
		return fmt.Errorf("writing the table: %w", err)
	}
	return nil
}

// defused makes sure that a program for tables takes a cell as text: one that
// begins like a formula, also after spaces or in wide letters, gets an
// apostrophe before it.
func defused(cell string) string {
	switch first := strings.TrimLeft(cell, " \u00a0\u3000"); {
	case cell == "":
		return cell
	case first != "" && strings.ContainsRune("=+-@\t\r\n＝＋－＠", []rune(first)[0]), cell[0] == 0:
		return "'" + cell
	default:
		return cell
	}
}
