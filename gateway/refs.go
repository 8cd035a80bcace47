package gateway

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"kancelaria/registry"
)

// What is scanned for marks: the subject and the beginning of the letter.
const refWindow = 4096

// candidate finds what may be a register number or a case number: letters,
// then figures between dots, slashes or hyphens, ending in a year.
var candidate = regexp.MustCompile(`\pL[\pL\d]*(?:[.-]\pL[\pL\d]*)*[./-]\d{1,12}(?:[./-]\d{1,12}){1,4}(?:\.\pL{2,4})?`)

// cases looks up the marks quoted in a letter. What is quoted proves nothing:
// it only suggests.
func (f Finder) cases(ctx context.Context, it registry.Item, doc registry.Document, from string) ([]registry.CaseRef, error) {
	own := doc.Own
	if len(own) > refWindow {
		own = own[:refWindow]
	}
	about := doc.Subject
	if it.Hand != nil { // what a person typed says more than the name of a file
		about = it.Hand.Title + "\n" + it.Hand.SenderRef + "\n" + about
	}
	seen := map[string]bool{}
	var refs []registry.CaseRef
	for _, raw := range candidates(about+"\n"+own, 4*maxRefs) {
		ref, ok, err := f.ref(ctx, raw, from)
		if err != nil {
			return nil, err
		}
		if !ok || seen[ref.Mark] || len(refs) == maxRefs {
			continue
		}
		seen[ref.Mark] = true
		refs = append(refs, ref)
	}
	return refs, nil
}

// candidates finds up to most of them. Only words that look like a mark are
// shown to the expression: it costs more than all else the desk looks up.
func candidates(text string, most int) []string {
	var found []string
	for word := range strings.FieldsFuncSeq(text, outsideMarks) {
		if len(found) >= most {
			break
		}
		if mayHoldMark(word) {
			found = append(found, candidate.FindAllString(word, most-len(found))...)
		}
	}
	return found
}

// outsideMarks holds for runes that no mark contains.
func outsideMarks(r rune) bool {
	return r != '.' && r != '-' && r != '/' && !unicode.IsLetter(r) && !unicode.IsDigit(r)
}

// mayHoldMark reports whether a word has a letter and twice a figure after a
// dot, slash or hyphen.
func mayHoldMark(word string) bool {
	figures, letter := 0, false
	for i := range len(word) {
		switch c := word[i]; {
		case c >= utf8.RuneSelf || 'a' <= c|0x20 && c|0x20 <= 'z':
			letter = true
		case '0' <= c && c <= '9' && i > 0 && strings.IndexByte("./-", word[i-1]) >= 0:
			figures++
		}
	}
	return letter && figures >= 2
}

// ref reads one candidate and says what is known of it.
func (f Finder) ref(ctx context.Context, raw, from string) (registry.CaseRef, bool, error) {
	if n, err := registry.ParseNumber(raw); err == nil {
		return f.numberRef(ctx, n, raw, from)
	}
	mark, err := registry.ParseCaseNumber(raw, f.Office().Departments)
	if err != nil {
		return registry.CaseRef{}, false, nil
	}
	ref := registry.CaseRef{Mark: mark.Number.String(), Raw: raw, Foreign: mark.Foreign}
	if mark.Foreign {
		return ref, true, nil
	}
	folder, err := f.folder(ctx, registry.Query{Of: registry.FindFolders, Case: ref.Mark, Limit: 1})
	if err != nil {
		return ref, false, fmt.Errorf("looking for a quoted case: %w", err)
	}
	if folder.ID == "" {
		ref.Foreign = f.elsewhere(mark.Number)
		return ref, true, nil
	}
	return ref, true, f.fill(ctx, &ref, folder, from)
}

// elsewhere reports whether a mark that is in no book of ours cannot be ours:
// another office has a department of the same name, and that one has cases of a
// class which ours never has.
func (f Finder) elsewhere(mark registry.CaseNumber) bool {
	class, known := f.Office().Classes[mark.Class]
	return known && class.Department != mark.Department
}

func (f Finder) numberRef(ctx context.Context, n registry.Number, raw, from string) (registry.CaseRef, bool, error) {
	ref := registry.CaseRef{Mark: n.String(), Raw: raw}
	found, err := f.Book.Find(ctx, registry.Query{Of: registry.FindEntry, Number: n, Limit: 1})
	if err != nil {
		return ref, false, fmt.Errorf("looking for a quoted number: %w", err)
	}
	if len(found.Works) == 0 {
		return ref, true, nil
	}
	folder, err := f.folder(ctx, registry.Query{Of: registry.FindFolders, Folder: found.Works[0].Folder, Limit: 1})
	if err != nil {
		return ref, false, err
	}
	return ref, true, f.fill(ctx, &ref, folder, from)
}

// fill says where a mark leads, and whether this sender has written there.
func (f Finder) fill(ctx context.Context, ref *registry.CaseRef, folder registry.Folder, from string) error {
	ref.Exists, ref.Folder, ref.Clerk, ref.Department, ref.Class = true, folder.ID, folder.Clerk, folder.Department, folder.Class
	ref.Open = folder.State == registry.FolderOpen || folder.State == registry.FolderWorking
	in, err := f.Book.Find(ctx, registry.Query{Of: registry.FindCaseEntries, Folder: folder.ID, Limit: 200})
	if err != nil {
		return fmt.Errorf("looking who has written in a case: %w", err)
	}
	for _, w := range in.Works {
		if from != "" && strings.EqualFold(w.Sender.Email, from) {
			ref.SenderKnown = true
		}
	}
	return nil
}
