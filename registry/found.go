package registry

// A Found is the content of a finding: what became known of an entry after it
// was registered. It never changes the number, the arrival or the original.
type Found struct {
	Kind FoundKind `json:"kind"`
	// Texts are the parts whose text was read late. The text itself is kept for
	// search only: what the ledger holds of a letter must be erasable with it.
	Texts   []TextFound     `json:"texts,omitempty"`
	Malware *Malware        `json:"malware,omitempty"`
	Auth    *Authentication `json:"authentication,omitempty"`
	Flaws   []Flaw          `json:"flaws,omitempty"`
	// Signatures are all reports of a later look: they stand beside those of
	// before and replace none.
	Signatures []SignatureReport `json:"signatures,omitempty"`
}

// A FoundKind says what a finding is about.
type FoundKind string

// The kinds of findings.
const (
	FoundText    FoundKind = "text"           // of PDFs and scans
	FoundMalware FoundKind = "malware"        // the scanner answered at last
	FoundSender  FoundKind = "authentication" // DNS answered at last
	FoundSigned  FoundKind = "signatures"     // trust, revocation and time; or integrity that there was no time for
)

// A TextFound is a part whose text was read late, and by which program.
type TextFound struct {
	Path       string `json:"path"`
	By         string `json:"by"` // pdftotext, tesseract
	Characters int    `json:"characters"`
	Digest     Digest `json:"sha256"` // of the text
}
