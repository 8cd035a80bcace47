package paper

import (
	"bytes"
	"encoding/xml"

	"kancelaria/registry"
)

// metadataSpace names the form of the metadata. The elements are those of the
// regulation on metadata of electronic documents (Dz.U. 2006 nr 206 poz. 1517),
// under the names it gives them.
const metadataSpace = "urn:kancelaria:metadane:1"

type metadata struct {
	XMLName     xml.Name        `xml:"dokument"`
	Space       string          `xml:"xmlns,attr"`
	Identifiers []metaValue     `xml:"identyfikator"`
	Creator     metaParty       `xml:"tworca"`
	Recipients  []metaParty     `xml:"odbiorca"`
	Title       string          `xml:"tytul"`
	Subject     string          `xml:"tytulOryginalny,omitempty"`
	Dates       []metaValue     `xml:"data"`
	SenderRef   string          `xml:"znakNadawcy,omitempty"`
	Format      metaFile        `xml:"format"`
	Attachments metaAttachments `xml:"zalaczniki"`
	Scans       []metaFile      `xml:"odwzorowanie"`
	Access      string          `xml:"dostep"`
	Kind        string          `xml:"typ"`
	Grouping    []metaValue     `xml:"grupowanie"`
	Class       *metaClass      `xml:"kwalifikacja"`
	Way         string          `xml:"sposobDostarczenia"`
	Department  string          `xml:"komorka,omitempty"`
	Clerk       string          `xml:"prowadzacy,omitempty"`
	Status      string          `xml:"stan"`
	Flags       []string        `xml:"znacznik"`
	Remarks     string          `xml:"uwagi,omitempty"`
	Annulled    string          `xml:"anulowano,omitempty"`
	Signatures  []metaSignature `xml:"podpis"`
}

type metaValue struct {
	Kind  string `xml:"typ,attr"`
	Value string `xml:",chardata"`
}

type metaParty struct {
	Name   string `xml:"nazwa,omitempty"`
	Email  string `xml:"email,omitempty"`
	Postal string `xml:"adres,omitempty"`
}

type metaFile struct {
	File   string `xml:"plik,attr,omitempty"`
	Media  string `xml:"typ,attr"`
	Size   int64  `xml:"rozmiar,attr"`
	Digest string `xml:"sha256,attr"`
	State  string `xml:"stan,attr,omitempty"`
	At     string `xml:"dodano,attr,omitempty"`
	Pages  string `xml:"strony,attr,omitempty"`
}

type metaAttachments struct {
	Count int              `xml:"liczba,attr"`
	Parts []metaAttachment `xml:"zalacznik"`
}

type metaAttachment struct {
	Path   string        `xml:"sciezka,attr"`
	Name   string        `xml:"nazwa,attr,omitempty"`
	Media  string        `xml:"typ,attr"`
	Size   int64         `xml:"rozmiar,attr"`
	Digest string        `xml:"sha256,attr"`
	Role   registry.Role `xml:"rola,attr"`
}

type metaClass struct {
	Symbol   string `xml:"klasa,attr"`
	Category string `xml:"kategoria,attr,omitempty"`
	Name     string `xml:",chardata"`
}

type metaSignature struct {
	Path    string `xml:"sciezka,attr,omitempty"`
	Format  string `xml:"format,attr"`
	Verdict string `xml:"wynik,attr"`
	Reason  string `xml:"powod,attr,omitempty"`
	Signer  string `xml:",chardata"`
}

// metadataOf writes the metadata of an entry. Line is nil if its content was
// erased; files are its original and later scans as they lie beside it.
func (s speller) metadataOf(r Row, line *registry.Line, files []metaFile) ([]byte, error) {
	w := r.Past.Work
	m := metadata{
		Space:       metadataSpace,
		Identifiers: []metaValue{{"numer", w.Number.String()}, {"przesylka", w.Item.String()}},
		Creator:     metaParty{s.sender(w), w.Sender.Email, w.Sender.Postal},
		Title:       s.known(w.Title), Subject: w.Subject, SenderRef: w.SenderRef,
		Dates: []metaValue{
			{"wplyw", w.ReceivedOn.String()},
			{"chwilaWplywu", s.instant(w.ReceivedAt)},
			{"rejestracja", s.instant(w.RegisteredAt)},
			{"naPismie", s.known(w.LetterDate)},
		},
		Format: files[0], Scans: files[1:],
		Attachments: metaAttachments{Count: w.Attachments},
		Access:      s.known(w.Access), Kind: "Text",
		Grouping: []metaValue{{"koszulka", w.Folder}},
		Way:      s.texts.Say("door." + string(w.Door)), Department: w.Department, Clerk: w.Clerk,
		Status: string(w.Status), Remarks: w.Remarks,
	}
	if w.PostedOn != "" {
		m.Dates = append(m.Dates, metaValue{"nadanie", w.PostedOn})
	}
	if r.Past.Case != "" {
		m.Grouping = append(m.Grouping, metaValue{"sprawa", r.Past.Case})
	}
	if w.Class != "" {
		c := s.office.Classes[w.Class]
		m.Class = &metaClass{w.Class, c.Category, c.Name}
	}
	for _, f := range w.Flags {
		m.Flags = append(m.Flags, string(f))
	}
	if r.Annulled != nil {
		m.Annulled = s.annulled(r)
	}
	m.letter(s, line)
	var out bytes.Buffer
	out.WriteString(xml.Header)
	enc := xml.NewEncoder(&out)
	enc.Indent("", "  ")
	if err := enc.Encode(m); err != nil {
		return nil, err
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}

// letter adds what was read of the letter.
func (m *metadata) letter(s speller, line *registry.Line) {
	m.Recipients = []metaParty{{Name: s.office.Name}}
	if line == nil || line.Draft.Arrival == nil {
		return
	}
	a := line.Draft.Arrival
	for _, box := range a.Item.Recipients {
		m.Recipients = append(m.Recipients, metaParty{Email: box})
	}
	for _, p := range a.Document.Attachments {
		m.Attachments.Parts = append(m.Attachments.Parts, metaAttachment{p.Path, p.Name, p.MediaType, p.Size, p.Digest.String(), p.Role})
	}
	for _, sig := range a.Document.Signatures {
		m.Signatures = append(m.Signatures, metaSignature{sig.Path, sig.Format, sig.Verdict, sig.Reason, sig.Signer.Name})
	}
}
