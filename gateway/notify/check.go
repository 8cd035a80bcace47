package notify

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"kancelaria/registry"
)

// The codes of what CheckReceipt finds: what of a receipt is not as the office
// has signed it.
const (
	FoundNoProof       = "proof_missing"
	FoundProof         = "proof_invalid"
	FoundNumber        = "number_differs"
	FoundTime          = "time_differs"
	FoundCount         = "attachment_count_differs"
	FoundMessageSize   = "message_size_differs"
	FoundMessageDigest = "message_digest_differs"
	FoundFiles         = "attachments_differ"
	FoundText          = "text_differs"
)

// maxReceipt bounds what is read as a receipt; ours have some ten kilobytes.
const maxReceipt = 2 << 20

// A Checked receipt: what the office's signature proves, and whatever the
// receipt states otherwise.
type Checked struct {
	Proven   bool              // the proof holds; else Leaf says nothing
	Leaf     registry.LeafBody // of the entry
	Head     registry.Checkpoint
	Files    []CheckedFile // the letter's attachments; nil if their list was changed
	Findings []registry.Finding
}

// A CheckedFile is an attachment of the letter, as its sender can compare it.
type CheckedFile struct {
	Ordinal int
	Size    int64
	Digest  registry.Digest
}

func (c *Checked) find(code, subject, format string, args ...any) {
	f := registry.Finding{Code: code, Subject: subject, Text: fmt.Sprintf(format, args...)}
	if !slices.Contains(c.Findings, f) {
		c.Findings = append(c.Findings, f)
	}
}

// CheckReceipt checks a receipt offline, with nothing but the office's public
// keys: its proof first, and then each thing it states against what the proof
// proves. The mail's whole text is compared with the texts the office writes;
// only how the office names itself is nobody's to prove. The error means that
// it could not be read at all.
func CheckReceipt(r io.Reader, publics []string, zone *time.Location) (Checked, error) {
	raw, err := io.ReadAll(io.LimitReader(r, maxReceipt+1))
	if err != nil {
		return Checked{}, fmt.Errorf("reading the receipt: %w", err)
	}
	if len(raw) > maxReceipt {
		return Checked{}, errors.New("too large to be a receipt of this office")
	}
	m := openReceipt(raw)
	var c Checked
	figures, proof, ok := m.proof()
	if !ok {
		c.find(FoundNoProof, "proof", "it carries no proof that can be checked: no attached file holds the line %q; receipts for several letters and those of restricted registers have none", proofMark)
		return c, nil
	}
	if c.Leaf, c.Head, err = registry.ReadProof([]byte(proof), publics...); err != nil {
		c.find(FoundProof, "proof", "its proof does not hold: %v; either the proof was changed, or it is not of the office whose key you gave", err)
		return c, nil
	}
	if c.Leaf.Number.IsZero() || registry.Disposition(c.Leaf.Kind) != registry.Registered {
		c.find(FoundProof, "proof", "its proof is of a line of the book that is no entry (%s)", c.Leaf.Kind)
		return c, nil
	}
	c.Proven = true
	c.Leaf.AcceptedAt = c.Leaf.AcceptedAt.In(zone)
	c.checkFigures(figures)
	if m.whole {
		c.checkHeader(m)
		c.checkLetter(m.text)
	}
	return c, nil
}

// checkHeader looks at what the mail says before one opens it.
func (c *Checked) checkHeader(m receivedMail) {
	number := c.Leaf.Number.String()
	if want := registry.Catalogue("pl").Say("receipt.subject", "number", number); m.subject != want {
		if said := findNumber(m.subject); said != "" && said != number {
			c.find(FoundNumber, "subject", "the subject says %s, the office signed %s", said, number)
		} else {
			c.find(FoundText, "subject", "the subject is not the one the office writes: %.120q", m.subject)
		}
	}
	if m.item != "" && m.item != number {
		c.find(FoundNumber, "header", "the header says %.60s, the office signed %s", m.item, number)
	}
}

// findNumber finds a register number among the words of a line.
func findNumber(line string) string {
	for word := range strings.FieldsSeq(line) {
		if n, err := registry.ParseNumber(strings.Trim(word, ".,;:()")); err == nil && strings.Count(word, "-") >= 2 {
			return n.String()
		}
	}
	return ""
}

// checkLetter compares the mail's text with the office's.
func (c *Checked) checkLetter(text string) {
	page := receiptPage{At: c.Leaf.AcceptedAt, Number: c.Leaf.Number.String(), Register: c.Leaf.Number.Register, Attachments: int(c.Leaf.Attachments)}
	var best *comparison
	for _, id := range registry.Catalogue("pl").Templates() {
		if !strings.HasPrefix(id, "receipt/") || strings.HasPrefix(id, "receipt/proof/") || strings.HasPrefix(id, "receipt/collective/") {
			continue
		}
		got := compareText(text, lettersOf(id, page))
		if best == nil || got.worse() < best.worse() {
			best = &got
		}
	}
	if best != nil {
		c.report("letter", *best)
	}
}

// checkFigures compares the attached file with what is proven.
func (c *Checked) checkFigures(text string) {
	page := proofPage{At: c.Leaf.AcceptedAt, Number: c.Leaf.Number.String(), Size: c.Leaf.Size, Digest: c.Leaf.Original.String()}
	for section := range strings.SplitSeq(text, separator) {
		files := listedFiles(section)
		if count, list := digestOf(files); count == c.Leaf.Attachments && list == c.Leaf.AttachmentList {
			c.Files = files
			break
		}
	}
	switch {
	case c.Files == nil && c.Leaf.Attachments > 0:
		c.find(FoundFiles, "file", "the list of attachments is not the one the office signed: it signed one of %d", c.Leaf.Attachments)
		page.Files = []proofFile{{Ordinal: wildInt, Size: wildInt, Digest: wildText}}
	case c.Files == nil:
		c.Files = []CheckedFile{}
	}
	for _, f := range c.Files {
		page.Files = append(page.Files, proofFile{f.Ordinal, f.Size, f.Digest.String()})
	}
	listLost := c.Leaf.Attachments > 0 && len(c.Files) == 0
	best := compareText(text, figuresOf(page))
	if listLost { // said already
		best.shape = false
		best.odd = slices.DeleteFunc(best.odd, func(o oddLine) bool { return o.code == FoundFiles })
	}
	c.report("file", best)
}

// report turns a comparison into findings.
func (c *Checked) report(where string, got comparison) {
	for _, o := range got.odd {
		switch o.code {
		case FoundText:
			c.find(o.code, where, "line %d is not as the office writes it: %.200q", o.number, o.line)
		default:
			c.find(o.code, where, "line %d reads %.200q; the office signed: %s", o.number, o.line, c.signed(o.code))
		}
	}
	if got.shape && len(got.odd) == 0 {
		c.find(FoundText, where, "lines are missing, were added or stand in another order")
	}
}

// signed says what the proof proves of one thing.
func (c *Checked) signed(code string) string {
	switch code {
	case FoundNumber:
		return c.Leaf.Number.String()
	case FoundTime:
		return c.Leaf.AcceptedAt.Format(time.RFC3339)
	case FoundCount:
		return fmt.Sprintf("%d attachments", c.Leaf.Attachments)
	case FoundMessageSize:
		return fmt.Sprintf("%d bytes", c.Leaf.Size)
	case FoundMessageDigest:
		return c.Leaf.Original.String()
	default:
		return fmt.Sprintf("a list of %d attachments", c.Leaf.Attachments)
	}
}

func digestOf(files []CheckedFile) (int64, registry.Digest) {
	attachments := make([]registry.Attachment, len(files))
	for i, f := range files {
		if f.Ordinal != i+1 {
			return -1, registry.Digest{}
		}
		attachments[i] = registry.Attachment{Role: registry.RoleAttachment, Size: f.Size, Digest: f.Digest}
	}
	return registry.AttachmentListDigest(attachments)
}
