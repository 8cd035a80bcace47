package notify

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"kancelaria/registry"
)

type fakeDocuments struct {
	list []Document
	err  error
}

func (d fakeDocuments) Documents(context.Context, registry.Number) ([]Document, error) {
	return d.list, d.err
}

func document(name, mediaType, content string) Document {
	return Document{Name: name, MediaType: mediaType, Open: func(context.Context) (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(content)), nil
	}}
}

func TestADepartmentGetsTheDocumentsWholeOrNotAtAll(t *testing.T) {
	pdf, letter := document("wniosek.pdf", "application/pdf", "0123456789"), document("list.eml", "message/rfc822", "abcde")
	for name, tt := range map[string]struct {
		limit     int64
		documents fakeDocuments
		restrict  bool
		want      []string
	}{
		"all that fits":        {15, fakeDocuments{list: []Document{letter, pdf}}, false, []string{"application/octet-stream list.eml abcde", "application/pdf wniosek.pdf 0123456789"}},
		"a byte too many":      {14, fakeDocuments{list: []Document{letter, pdf}}, false, nil},
		"never":                {0, fakeDocuments{list: []Document{pdf}}, false, nil},
		"restricted":           {15, fakeDocuments{list: []Document{pdf}}, true, nil},
		"archive out of reach": {15, fakeDocuments{err: errors.New("no")}, false, nil},
		"too many":             {15, fakeDocuments{list: make([]Document, maxAttachedFiles+1)}, false, nil},
		"an odd type":          {15, fakeDocuments{list: []Document{document("a\r\nb.html", "text/html; x=\"\r\n", "<p>")}}, false, []string{"application/octet-stream a b.html <p>"}},
	} {
		t.Run(name, func(t *testing.T) {
			office := sampleOffice()
			d := office.Departments["OS"]
			d.OriginalsUpTo = tt.limit
			office.Departments["OS"] = d
			line := sampleLine(1)
			line.Draft.Arrival.Decision.Restricted = tt.restrict
			book := newFakeBook()
			book.write(t, line, today, noticeRow("os1"))
			p := samplePress(book, func(o *Options) { o.Documents = tt.documents })
			p.office = func() *registry.Office { return office }
			m, err := p.compose(t.Context(), book.all()[0])
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, part := range readBack(t, m.bytes).parts {
				if part.name != "" {
					got = append(got, part.mediaType+" "+part.name+" "+part.content)
				}
			}
			if strings.Join(got, "|") != strings.Join(tt.want, "|") {
				t.Errorf("attached %q, want %q", got, tt.want)
			}
		})
	}
}
