package registry

import "cmp"

// An itemLaw is the law of acts on items outside the book.
type itemLaw struct {
	decide func(f *fold, l *Line, row ArrivalRow) error
	enter  func(l Line, row *ArrivalRow)
}

func onItem(law itemLaw) actLaw {
	return actLaw{
		item: true,
		decide: func(f *fold, l *Line) error {
			id, err := ParseItemID(l.Draft.Act.Subject)
			if err != nil {
				return refuse("%s", err)
			}
			row := f.arrivals.get(id)
			if !row.Found {
				return refuse("item %s never arrived", id)
			}
			l.Draft.Act.Subject = id.String()
			if l.Draft.After != nil && *l.Draft.After != row.Leaf {
				return conflict(id.String(), *l.Draft.After, row.Leaf)
			}
			l.Outcome.Disposition, l.Outcome.Number, l.Outcome.Item = row.Disposition, row.Number, id
			return law.decide(f, l, row)
		},
		enter: func(f *fold, l Line) (string, int64) {
			id, _ := ParseItemID(l.Draft.Act.Subject) // decided, so it parses
			row := f.arrivals.get(id)
			previous := row.Leaf
			if law.enter != nil {
				row.Leaf = l.Outcome.Leaf
				law.enter(l, &row)
				f.arrivals.set(id, row)
			}
			f.notice(l, row.Number, id, l.Draft.Act.Tell...)
			return id.String(), previous
		},
	}
}

func decideReject(_ *fold, l *Line, row ArrivalRow) error {
	switch row.Disposition {
	case Quarantined, Beside:
		l.Outcome.Disposition = Rejected
		return nil
	case Rejected:
		return &standing{row.Leaf}
	case Registered:
		return forbid("item %s is in the book as %s", row.Item, row.Number)
	default:
		return refuse("item %s is %s", row.Item, row.Disposition)
	}
}

func enterReject(l Line, row *ArrivalRow) {
	row.Disposition = Rejected
	row.Reason = clean(cmp.Or(l.Draft.Act.Text, row.Reason))
}

// Why bytes may be erased: a closed list (DESIGN § 4, sealing, erasure).
const (
	ErasedSpam       = "spam_expired"
	ErasedMalware    = "malware_expired"
	ErasedBeside     = "beside_expired"
	ErasedCategory   = "category_expired"
	ErasedCourt      = "court_order"
	ErasedClassified = "classified"
)

// OrderedBy is the field of an erasure that names who ordered it, where another
// confirms it.
const OrderedBy = "ordered_by"

// byTwo reports whether one person ordered an erasure and another confirmed it.
func (d Draft) byTwo() bool {
	first := d.Act.Fields[OrderedBy]
	return first != "" && first != d.Actor && first != d.OnBehalfOf
}

func decideErased(_ *fold, l *Line, row ArrivalRow) error {
	switch reason := l.Draft.Act.Text; reason {
	case ErasedSpam, ErasedMalware, ErasedBeside:
		if row.Disposition == Registered || !row.Number.IsZero() {
			return forbid("item %s is in the book as %s; %s does not erase it", row.Item, row.Number, reason)
		}
	case ErasedCategory, ErasedCourt, ErasedClassified:
		if l.Draft.Reason == "" {
			return refuse("erasing item %s for %s needs the reason in words", row.Item, reason)
		}
		if reason == ErasedClassified && !l.Draft.byTwo() {
			return refuse("erasing item %s as classified needs two persons: one who orders it, another who confirms", row.Item)
		}
	default:
		return forbid("%.40q is no reason to erase anything", reason)
	}
	return nil
}
