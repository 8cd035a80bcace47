package paper

import (
	"errors"
	"fmt"
	"io"
	"time"

	"kancelaria/registry"
)

// A Label is what is printed for an entry, and what a reader finds in it.
type Label struct {
	Number     registry.Number `json:"number"`
	ReceivedOn registry.Day    `json:"received_on"`
	ReceivedAt time.Time       `json:"received_at"`
	// Parts counts attachments, for the slip.
	Parts int    `json:"parts"`
	Code  string `json:"code"` // of the label
	Slip  string `json:"slip"` // of the slip
}

// A Press prints small papers.
type Press struct {
	Office *registry.Office
	Texts  *registry.Texts
	Now    func() time.Time
}

// Sheets of labels are those sold everywhere: A4, three by eight, 70 by 37 mm,
// without gaps.
const (
	labelColumns, labelRows = 3, 8
	labelWidth, labelHeight = 70.0, 37.0
	labelTop                = (297 - labelRows*labelHeight) / 2
	// LabelsOnASheet is how many there are on one.
	LabelsOnASheet = labelColumns * labelRows
)

// MostLabels bounds one print.
const MostLabels = 100 * LabelsOnASheet

// Labels prints labels to be stuck on paper, leaving out the places on the
// first sheet that were used before.
func (p Press) Labels(w io.Writer, labels []Label, used int) error {
	switch {
	case len(labels) == 0:
		return errors.New("no labels to print")
	case len(labels) > MostLabels:
		return fmt.Errorf("%d labels are more than the %d of one print", len(labels), MostLabels)
	case used < 0 || used >= LabelsOnASheet:
		return fmt.Errorf("a sheet has %d places; %d cannot be used up", LabelsOnASheet, used)
	}
	s := newSheet(upright, p.Texts.Say("paper.labels.title"), p.Now())
	for i, l := range labels {
		place := (used + i) % LabelsOnASheet
		if i == 0 || place == 0 {
			s.AddPage()
		}
		x := float64(place%labelColumns) * labelWidth
		y := labelTop + float64(place/labelColumns)*labelHeight
		if err := s.square(x+4, y+4.5, 28, l.Code); err != nil {
			return err
		}
		s.SetFont(letters, "B", 9)
		s.line(x+33, y+8, labelWidth-36, "L", l.Number.String())
		s.SetFont(letters, "", 7)
		s.line(x+33, y+14, labelWidth-36, "L", p.Texts.Say("paper.labels.received", "day", l.ReceivedOn.String()))
		s.block(x+33, y+19, labelWidth-36, 3, 4, p.Office.Name)
	}
	return s.write(w)
}

// Separators prints sheets to be laid between the letters of a batch. The code
// stands twice and the words in two directions: a sheet lies any way up.
func (p Press) Separators(w io.Writer, code string, sheets int) error {
	if sheets < 1 || sheets > 500 {
		return fmt.Errorf("%d separators cannot be printed: 1 to 500", sheets)
	}
	s := newSheet(upright, p.Texts.Say("paper.separator.title"), p.Now())
	for range sheets {
		s.AddPage()
		if err := s.square(70, 30, 70, code); err != nil {
			return err
		}
		if err := s.bars(20, 210, 170, 30, code); err != nil {
			return err
		}
		s.SetFont(letters, "B", 28)
		s.line(10, 120, 190, "C", p.Texts.Say("paper.separator.title"))
		s.SetFont(letters, "", 11)
		for i, l := range s.wrap(p.Texts.Say("paper.separator.use"), 150, 6) {
			s.line(30, 140+float64(i)*6, 150, "C", l)
		}
		s.line(10, 260, 190, "C", p.Office.Name)
	}
	return s.write(w)
}

// Slip prints what the person at the counter takes home, and below it the same
// for the office. It says that the letter came in, and nothing about it.
func (p Press) Slip(w io.Writer, l Label) error {
	s := newSheet(upright, p.Texts.Say("paper.slip.title"), p.Now())
	s.AddPage()
	for i, copyFor := range []string{"paper.slip.for_sender", "paper.slip.for_office"} {
		if err := p.slip(s, 12+float64(i)*148, l, copyFor); err != nil {
			return err
		}
	}
	s.SetDashPattern([]float64{2, 2}, 0)
	s.Line(5, 148.5, 205, 148.5)
	return s.write(w)
}

func (p Press) slip(s sheet, y float64, l Label, copyFor string) error {
	const left, width = 20.0, 170.0
	s.SetFont(letters, "B", 12)
	s.block(left, y, 125, 5.5, 2, p.Office.Name)
	s.SetFont(letters, "B", 16)
	s.line(left, y+18, 125, "L", p.Texts.Say("paper.slip.title"))
	if err := s.square(left+width-38, y-3, 38, l.Slip); err != nil {
		return err
	}
	s.SetFont(letters, "", 11)
	at := y + 34
	for _, row := range [][2]string{
		{"paper.slip.number", l.Number.String()},
		{"paper.slip.received", p.Texts.Moment(l.ReceivedAt.In(p.Office.Zone))},
		{"paper.slip.attachments", p.Texts.Count("count.attachments", int64(l.Parts))},
	} {
		s.line(left, at, 60, "L", p.Texts.Say(row[0]))
		s.SetFont(letters, "B", 11)
		s.line(left+62, at, width-62, "L", row[1])
		s.SetFont(letters, "", 11)
		at += 8
	}
	s.SetFont(letters, "", 9)
	s.block(left, at+4, width, 4.5, 4, p.Texts.Say("paper.slip.keep"))
	s.Line(left+90, y+100, left+width, y+100)
	s.SetFont(letters, "", 8)
	s.line(left+90, y+101.5, 80, "C", p.Texts.Say("paper.slip.clerk"))
	s.line(left, y+101.5, 80, "L", p.Texts.Say(copyFor))
	return nil
}
