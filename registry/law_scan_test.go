package registry

import (
	"slices"
	"testing"
)

// scanOf makes the item a scan of a paper that has its number.
func scanOf(number string) func(*Draft, *Arrival) {
	return func(_ *Draft, a *Arrival) {
		a.Item.Envelope, a.Item.Door, a.Receipt = nil, DoorFolder, ReceiptPlan{}
		a.Document.MessageID = ""
		a.Disposition, a.To = Attached, number
	}
}

func TestAScanWithOurLabelJoinsItsEntry(t *testing.T) {
	b := newBook(t)
	b.commit(letter(1))
	clerk := b.st.Entries[Number{"RPW", 2026, 1}].Clerk
	wr, out := b.commit(letter(2, scanOf("1/2026")))
	o := out[0]
	if o.State != Written || o.Disposition != Attached || o.Number.String() != "RPW-000001-2026" || o.Item != itemID(2) {
		t.Fatalf("the scan is %+v", o)
	}
	if flags := b.st.Entries[o.Number].Flags; !slices.Contains(flags, FlagFullMapping) {
		t.Errorf("flags %v after the first scan", flags)
	}
	if len(wr.Entries) != 0 || b.st.Series[Series{"RPW", 2026}].Taken != 1 {
		t.Error("a scan of what has a number took another")
	}
	if len(wr.Outbox) != 1 || wr.Outbox[0].Recipient != clerk || wr.Outbox[0].Variant != string(Attached) {
		t.Errorf("told %+v, want %s", wr.Outbox, clerk)
	}
	if leaf := wr.Leaves[0]; leaf.Type != "attached" || leaf.Subject != "RPW-000001-2026" {
		t.Errorf("its leaf is %s of %s", leaf.Type, leaf.Subject)
	}
	b.commit(letter(3, scanOf("RPW-000001-2026")))
	w := b.st.Entries[Number{"RPW", 2026, 1}]
	if !slices.Contains(w.Flags, FlagMappingVersion) {
		t.Errorf("flags %v after the second scan", w.Flags)
	}
	if w.Item != itemID(1) || w.LastLeaf != w.Leaf {
		t.Errorf("the entry's own original is %s, its last leaf %d: a scan changes neither", w.Item, w.LastLeaf)
	}
	if row := b.st.Arrivals[itemID(3)]; row.Disposition != Attached || row.Number != w.Number {
		t.Errorf("the scan is remembered as %+v", row)
	}
	b.checkReplay()
}

func TestALabelThatNamesNothingGivesANumber(t *testing.T) {
	for _, tt := range []struct{ name, label string }{
		{"a number that was never given", "RPW-000077-2026"},
		{"an entry that was struck out", "RPW-000001-2026"},
		{"what is no number", "RPW"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBook(t)
			b.commit(letter(1))
			b.act("annul", Act{Kind: ActAnnul, Subject: "1/2026"})
			_, out := b.commit(letter(2, scanOf(tt.label)))
			o := out[0]
			if o.Disposition != Registered || o.Number.String() != "RPW-000002-2026" || !slices.Contains(o.Flags, FlagUnknownCode) {
				t.Errorf("the scan is %+v", o)
			}
			b.checkReplay()
		})
	}
}

func TestAScanThatWasAttachedIsNotRegisteredToo(t *testing.T) {
	b := newBook(t)
	b.commit(letter(1), letter(2, scanOf("1/2026")))
	_, out := b.commit(letter(2, func(d *Draft, a *Arrival) { d.Key, a.Late = "release/2", true }))
	if o := out[0]; o.State != Refused || !o.Immutable {
		t.Errorf("released: %+v", o)
	}
}

func TestLettersOfOneBatchAreNotDuplicates(t *testing.T) {
	part := func(first, last int) func(*Draft, *Arrival) {
		return func(_ *Draft, a *Arrival) {
			a.Item.Envelope, a.Item.Door, a.Document.MessageID = nil, DoorFolder, ""
			a.Item.Original.Digest = digestOf("batch")
			a.Item.File = &File{Pages: &Pages{first, last}}
		}
	}
	b := newBook(t)
	_, out := b.commit(letter(1, part(1, 2)), letter(2, part(4, 4)), letter(3, part(1, 2)))
	for i, want := range []bool{false, false, true} {
		if got := slices.Contains(out[i].Flags, FlagPossibleDuplicate); got != want {
			t.Errorf("letter %d is taken for a duplicate: %v, want %v", i+1, got, want)
		}
	}
}
