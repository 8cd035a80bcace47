package web

import (
	"net/http"
	"net/url"
	"strings"

	"kancelaria/registry"
)

// A searchPage is a question and what was found.
type searchPage struct {
	Q     string
	Rows  []registry.Work
	Next  string
	Asked bool
}

const (
	longestSearch = 300
	mostWords     = 20
	searchRows    = 30
)

// search finds by number, case number, e-mail address or words. Words count by
// how they begin, since Polish declines their ends.
func (w *Web) search(rw http.ResponseWriter, r *http.Request, v *visit) error {
	p := searchPage{Q: strings.TrimSpace(shorten(r.FormValue("q"), longestSearch))}
	if p.Q == "" {
		return v.show(rw, r, "search", "search", v.Say("web.search.title"), p)
	}
	if n, err := registry.ParseNumber(p.Q); err == nil {
		found, err := v.find(r.Context(), registry.Query{Of: registry.FindEntry, Number: n, Limit: 1})
		if err != nil {
			return err
		}
		if len(found.Works) > 0 {
			http.Redirect(rw, r, "/entries/"+n.String(), http.StatusSeeOther)
			return nil
		}
	}
	if strings.Count(p.Q, ".") >= 3 && !strings.ContainsAny(p.Q, " @") || strings.HasPrefix(p.Q, "K-") {
		if id, err := v.seenFolder(r, p.Q); err == nil {
			http.Redirect(rw, r, "/cases/"+url.PathEscape(id), http.StatusSeeOther)
			return nil
		}
	}
	q := searchQuery(p.Q)
	q.After, q.Limit = r.FormValue("after"), searchRows
	found, err := v.find(r.Context(), q)
	if err != nil {
		return err
	}
	p.Rows, p.Asked = found.Works, true
	if found.Next != "" {
		p.Next = "/search?" + url.Values{"q": {p.Q}, "after": {found.Next}}.Encode()
	}
	return v.show(rw, r, "search", "search", v.Say("web.search.title"), p)
}

func searchQuery(text string) registry.Query {
	if strings.Contains(text, "@") && !strings.Contains(text, " ") {
		return registry.Query{Of: registry.FindSender, Sender: strings.ToLower(text)}
	}
	words := strings.Fields(registry.Fold(text))
	if len(words) > mostWords {
		words = words[:mostWords]
	}
	for i, word := range words {
		words[i] = beginning(word)
	}
	return registry.Query{Of: registry.FindSearch, Words: words}
}

// beginning is how a word begins whatever its case is: without the vowel at its
// end, if it is long enough to be told from others.
func beginning(word string) string {
	if len(word) < 3 || strings.HasSuffix(word, "*") {
		return word
	}
	if len(word) > 4 && strings.ContainsRune("aeiouy", rune(word[len(word)-1])) {
		word = word[:len(word)-1]
	}
	return word + "*"
}
