package parse

import (
	"net/url"
	"regexp"
	"strings"

	"github.com/microcosm-cc/bluemonday"
)

// SafeHTML makes a preview of a letter's HTML that fetches nothing and runs
// nothing: no scripts, forms, frames, styles that load, no pictures from
// elsewhere. A picture of the letter itself ("cid:…") stays if picture gives
// an address for it; links open apart and tell nobody where they were.
func SafeHTML(source string, picture func(cid string) (address string, ok bool)) string {
	policy := previewPolicy()
	policy.RewriteSrc(func(u *url.URL) {
		cid := u.Opaque
		if u.Scheme != "cid" || picture == nil {
			*u = url.URL{}
			return
		}
		address, ok := picture(unescapePercent(cid))
		parsed, err := url.Parse(address)
		if !ok || err != nil {
			*u = url.URL{}
			return
		}
		*u = *parsed
	})
	// An address that was taken away leaves an empty one, which some browsers
	// read as that of the page. In text the quotes would be escaped.
	return strings.ReplaceAll(policy.Sanitize(source), ` src=""`, "")
}

// previewPolicy allows what text needs and nothing that reaches out.
func previewPolicy() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowElements("p", "br", "div", "span", "hr", "pre", "blockquote", "center", "address",
		"h1", "h2", "h3", "h4", "h5", "h6", "b", "strong", "i", "em", "u", "s", "strike", "del", "ins", "sub", "sup", "small", "big", "tt", "code", "font",
		"ul", "ol", "li", "dl", "dt", "dd", "table", "thead", "tbody", "tfoot", "tr", "td", "th", "caption", "colgroup", "col")
	small := regexp.MustCompile(`^[0-9]{1,4}%?$`)
	p.AllowAttrs("colspan", "rowspan", "width", "height", "border", "cellpadding", "cellspacing").Matching(small).OnElements("table", "td", "th", "col", "img")
	p.AllowAttrs("align", "valign").Matching(regexp.MustCompile(`(?i)^(left|right|center|justify|top|middle|bottom)$`)).OnElements("p", "div", "td", "th", "tr", "table", "h1", "h2", "h3")
	colour := regexp.MustCompile(`(?i)^(#[0-9a-f]{3,8}|[a-z]{3,20})$`)
	p.AllowAttrs("color", "bgcolor").Matching(colour).OnElements("font", "td", "th", "tr", "table")
	p.AllowStyles("color", "background-color").Matching(colour).Globally()
	p.AllowStyles("font-weight", "font-style", "text-align", "text-decoration").Matching(regexp.MustCompile(`(?i)^[a-z0-9 -]{1,30}$`)).Globally()
	p.AllowAttrs("alt", "title").Matching(regexp.MustCompile(`^[^<>"]{0,200}$`)).OnElements("img", "a", "span")
	p.AllowAttrs("src").OnElements("img")
	p.AllowAttrs("href").OnElements("a")
	p.AllowURLSchemes("http", "https", "mailto", "cid")
	p.AllowRelativeURLs(false)
	p.RequireParseableURLs(true)
	p.RequireNoFollowOnLinks(true)
	p.RequireNoReferrerOnLinks(true)
	p.AddTargetBlankToFullyQualifiedLinks(true)
	return p
}

// unescapePercent undoes the escaping of a URL, as far as it is well formed.
func unescapePercent(s string) string {
	if strings.IndexByte(s, '%') < 0 {
		return s
	}
	if plain, err := url.PathUnescape(s); err == nil {
		return plain
	}
	return s
}
