package parse

import (
	"strings"
	"testing"

	"golang.org/x/net/html"
)

func TestPagesBecomeText(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"paragraphs", "<p>one</p><p>two</p>", "one\n\ntwo"},
		{"lines", "one<br>two<BR/>three", "one\ntwo\nthree"},
		{"blanks and line ends", "  one \n\n two&nbsp;three ", "one two three"},
		{"words in elements", "o<b>n</b>e <i>two</i>", "one two"},
		{"entities", "&quot;za&#380;&oacute;&#x142;&#263;&quot; &amp; &lt;b&gt;", `"zażółć" & <b>`},
		{"a list", "<ul><li>one<li>two</ul>", "- one\n- two"},
		{"a table", "<table><tr><td>a<td>b<tr><td>c<td>d</table>", "a b\nc d"},
		{"kept blanks", "<pre>a\n  b</pre>", "a\nb"},
		{"scripts and styles", "a<script>var x = '<p>b</p>'</script><style>p{}</style>c", "ac"},
		{"a title", "<head><title>T</title></head><body>b</body>", "b"},
		{"comments", "a<!-- b -->c<!--[if mso]>d<![endif]-->e", "ace"},
		{"hidden by style", `a<div style="display: none">b<div>c</div></div>d`, "ad"},
		{"hidden by attribute", `a<p hidden>b</p>c`, "ac"},
		{"hidden from Outlook", `a<span style='mso-hide:all;'>b</span>c`, "ac"},
		{"no size", `a<span style="font-size:0">b</span>c`, "ac"},
		{"a small size is seen", `a<span style="font-size:0.8em">b</span>c`, "abc"},
		{"hidden paragraphs end where the next begins", `<p style="display:none">a<p>b`, "b"},
		{"hiding that never ends hides nothing", `<div style="display:none">all of it`, "all of it"},
		{"no elements", "just text", "just text"},
		{"broken elements", "<p>a<b>b</p><p<c>d", "ab\nd"},
		{"nothing", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := htmlText(tt.in).text; strings.Join(strings.Fields(got), " ") != strings.Join(strings.Fields(tt.want), " ") {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
	if got := htmlText("<p>one</p><p>two<br>three</p>").text; got != "one\n\ntwo\nthree" {
		t.Errorf("lines: got %q", got)
	}
}

func TestPagesTellWhatTheyShow(t *testing.T) {
	p := htmlText(`<body background="cid:bg@x"><a href="https://we.tl/x">a</a><img src='CID:logo%40firma'><div style="display:none"><img src="cid:pixel"></div>`)
	if got := strings.Join(p.cids, " "); got != "bg@x logo@firma pixel" {
		t.Errorf("pictures = %q", got)
	}
	if got := strings.Join(p.links, " "); got != "https://we.tl/x" {
		t.Errorf("links = %q", got)
	}
}

func TestPreviewsReachNothingOutside(t *testing.T) {
	show := func(cid string) (string, bool) { return "https://kancelaria.example/part/" + cid, cid == "logo@firma" }
	for _, tt := range []struct{ name, in, want string }{
		{"text", "<p>Dzień <b>dobry</b></p>", "<p>Dzień <b>dobry</b></p>"},
		{"a script", "a<script>alert(1)</script>b", "ab"},
		{"an event", `<p onclick="x()">a</p>`, "<p>a</p>"},
		{"a link that runs", `<a href="javascript:x()">a</a>`, "a"},
		{"a picture from elsewhere", `<img src="https://spy.example/1.gif" alt="x">`, `<img alt="x">`},
		{"a picture of the letter", `<img src="cid:logo%40firma">`, `<img src="https://kancelaria.example/part/logo@firma">`},
		{"a picture that the letter lacks", `<img src="cid:other" alt="y">`, `<img alt="y">`},
		{"a picture in the address", `<img src="data:image/png;base64,AAAA" alt="z">`, `<img alt="z">`},
		{"a form", `<form action="https://a.example"><input name="pesel">a</form>`, "a"},
		{"a frame", `<iframe src="https://a.example"></iframe>a`, "a"},
		{"a style that loads", `<p style="background:url(https://a.example)">a</p>`, "<p>a</p>"},
		{"a colour", `<p style="color:red">a</p>`, `<p style="color: red">a</p>`},
		{"meta, base and link", `<base href="//a"><meta http-equiv="refresh" content="0"><link rel="stylesheet" href="//a">a`, "a"},
		{"a drawing", `<svg><script>x()</script></svg>a`, "a"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := SafeHTML(tt.in, show); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
	link := SafeHTML(`<a href="https://a.example/x">a</a>`, nil)
	for _, want := range []string{"nofollow", "noreferrer", "noopener", `target="_blank"`} {
		if !strings.Contains(link, want) {
			t.Errorf("%s lacks %s", link, want)
		}
	}
}

// FuzzSafeHTML promises that the preview, read as a browser would, has no
// element that runs or fetches.
func FuzzSafeHTML(f *testing.F) {
	for _, s := range []string{
		"<p>a", "<svg><style><img src=x onerror=alert(1)></style></svg>", "<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1 onerror=alert(1)&gt;\">",
		`<a href="java&#x0a;script:x">`, "<img src=\"cid:a\" src=b>", "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">", "<div style='background-image:url(//x)'>",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		out := SafeHTML(in, func(string) (string, bool) { return "https://kancelaria.example/1", true })
		z := html.NewTokenizer(strings.NewReader(out))
		for z.Next() != html.ErrorToken {
			checkToken(t, z.Token(), out)
		}
	})
}

func checkToken(t *testing.T, token html.Token, out string) {
	t.Helper()
	if token.Type != html.StartTagToken && token.Type != html.SelfClosingTagToken {
		return
	}
	switch token.Data {
	case "script", "style", "iframe", "object", "embed", "form", "input", "link", "meta", "base", "svg", "math", "video", "audio", "frame":
		t.Errorf("%q holds <%s>", out, token.Data)
	}
	for _, a := range token.Attr {
		v := strings.ToLower(a.Val)
		if strings.HasPrefix(a.Key, "on") || strings.Contains(v, "javascript:") && a.Key == "href" || a.Key == "src" && v != "https://kancelaria.example/1" || a.Key == "style" && strings.Contains(v, "url") {
			t.Errorf("%q holds %s=%q", out, a.Key, a.Val)
		}
	}
}

func FuzzHTMLText(f *testing.F) {
	f.Add("<p>a<div style=display:none>b</div><pre>c")
	f.Add("<!--<![CDATA[<a href=cid:x>&#0;&#xd800;")
	f.Fuzz(func(t *testing.T, in string) {
		p := htmlText(in)
		if len(p.text) > 4*len(in)+16 || len(p.links) > maxLinks || len(p.cids) > maxLinks {
			t.Errorf("%d bytes became %d", len(in), len(p.text))
		}
	})
}
