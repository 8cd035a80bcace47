package testenv_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"kancelaria/testenv"
)

// counterPassword is everybody's: who may do what is tested by login.
const counterPassword = "cztery slowa na haslo"

// A chrome is Debian's Chromium, driven by its debugging protocol.
type chrome struct {
	t    *testing.T
	h    *testenv.House
	root context.Context
	axe  string
}

func startChrome(t *testing.T, h *testenv.House) *chrome {
	t.Helper()
	exe, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal("chromium is not installed; testenv/setup installs it")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(exe), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.WindowSize(1280, 900), chromedp.UserDataDir(testenv.TempDir(t)))
	alloc, stop := chromedp.NewExecAllocator(context.Background(), options...)
	root, closeRoot := chromedp.NewContext(alloc)
	t.Cleanup(func() {
		closeRoot()
		stop()
	})
	if err := chromedp.Do(root); err != nil {
		t.Fatalf("starting chromium: %v", err)
	}
	return &chrome{t, h, root, readAxe(t)}
}

func readAxe(t *testing.T) string {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", "axe", "axe.min.js.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// A tab is one person's browser: cookies are its own.
type tab struct {
	t    *testing.T
	c    *chrome
	ctx  context.Context
	base string

	mu       sync.Mutex
	requests []string // addresses asked for
	dialogs  []string // what scripts of a letter would have shown
}

func (c *chrome) open(t *testing.T) *tab {
	t.Helper()
	ctx, stop := chromedp.NewContext(c.root, chromedp.WithNewBrowserContext())
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	b := &tab{t: t, c: c, ctx: ctx, base: "http://" + c.h.Web}
	t.Cleanup(func() {
		cancel()
		stop()
	})
	err := chromedp.Listen(ctx, func(ev any) {
		b.mu.Lock()
		defer b.mu.Unlock()
		switch ev := ev.(type) {
		case *network.EventRequestWillBeSent:
			b.requests = append(b.requests, ev.Request.URL)
		case *page.EventJavascriptDialogOpening:
			b.dialogs = append(b.dialogs, ev.Message)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	call(b, network.Enable, network.EnableParams{})
	return b
}

// call sends one command of the protocol.
func call[P, R any](b *tab, cmd cdp.Command[P, R], params P) {
	b.t.Helper()
	if _, err := chromedp.Call(b.ctx, cmd, params); err != nil {
		b.t.Fatalf("%s: %v", cmd.Method, err)
	}
}

// eval gives what an expression of the page is.
func eval[T any](b *tab, script string, options ...chromedp.EvaluateOption) T {
	b.t.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](script, options...))
	if err != nil {
		b.t.Fatalf("%.80s: %v", script, err)
	}
	return v
}

// until waits for an expression of the page to be true, over pages that come
// and go meanwhile.
func (b *tab) until(script string) {
	b.t.Helper()
	testenv.Eventually(b.t, script, func() error {
		yes, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](script))
		if err != nil {
			return err
		}
		if !yes {
			text, _ := chromedp.Run(b.ctx, chromedp.Evaluate[string]("location.href + '\\n' + document.body.innerText"))
			return fmt.Errorf("the page says %s", text)
		}
		return nil
	})
}

// media lets the browser think that its user likes something.
func (b *tab) media(name, value string) {
	b.t.Helper()
	call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: name, Value: value}}})
}

func (b *tab) run(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, actions...); err != nil {
		b.stuck(err)
	}
}

// stuck fails with what the page says.
func (b *tab) stuck(err error) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(b.ctx), 5*time.Second)
	defer cancel()
	text, _ := chromedp.Run(ctx, chromedp.Evaluate[string]("location.href + '\\n' + document.body.innerText"))
	b.t.Fatalf("%v\n%s", err, text)
}

// goTo opens a page of the counter.
func (b *tab) goTo(path string) {
	b.t.Helper()
	b.run(chromedp.Navigate(b.base+path), chromedp.WaitReady(chromedp.CSS("main")))
}

func (b *tab) logIn(login string) {
	b.t.Helper()
	b.goTo("/login")
	b.run(chromedp.SendKeys(chromedp.CSS("#login"), login), chromedp.SendKeys(chromedp.CSS("#password"), counterPassword+kb.Enter))
	b.sees("h1", "Moje pisma")
}

// sees waits until an element holds words.
func (b *tab) sees(selector, want string) {
	b.t.Helper()
	script := fmt.Sprintf("!!document.querySelector(%q)?.innerText.includes(%q)", selector, want)
	b.until(script)
}

// press sends the form that a selector lies in by its button, and waits for the
// page that answers.
func (b *tab) press(selector string) {
	b.t.Helper()
	eval[int](b, "document.documentElement.dataset.old = 1")
	b.run(chromedp.Click(chromedp.CSS(selector)))
	b.until("!document.documentElement.dataset.old && document.readyState === 'complete'")
}

// act opens the form of an act of the entry's page and fills it in.
func (b *tab) act(kind string, fields map[string]string) {
	b.t.Helper()
	form := fmt.Sprintf("form:has(> input[name=kind][value=%s])", kind)
	eval[bool](b, fmt.Sprintf("(d => d ? d.open = true : false)(document.querySelector(%q).closest('details'))", form))
	for name, value := range fields {
		b.run(chromedp.SetValue(chromedp.CSS(form+fmt.Sprintf(" [name=%q]", name)), value))
	}
	b.press(form + " button")
}

// clean fails if axe finds anything that keeps people out (WCAG 2.1 A, AA).
func (b *tab) clean(where string) {
	b.t.Helper()
	call(b, page.SetBypassCSP, page.SetBypassCSPParams{Enabled: true})
	eval[int](b, b.c.axe+";1")
	result := eval[string](b, `axe.run(document, {iframes: false, runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]}).then(r => JSON.stringify(r.violations.map(v => v.id + ": " + v.nodes.slice(0, 3).map(n => n.html + " " + n.failureSummary).join("; "))))`,
		chromedp.EvalAwaitPromise)
	var violations []string
	if err := json.Unmarshal([]byte(result), &violations); err != nil {
		b.t.Fatalf("axe said %q: %v", result, err)
	}
	for _, v := range violations {
		b.t.Errorf("%s: %s", where, v)
	}
}

// picture keeps what a person would have seen.
func (b *tab) picture(name string) {
	b.t.Helper()
	png, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	if err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(b.t.ArtifactDir(), name+".png"), png, 0o644); err != nil {
		b.t.Error(err)
	}
}

// outside gives the requests that left the counter.
func (b *tab) outside() (all []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range b.requests {
		u, err := url.Parse(r)
		if err != nil || u.Scheme != "data" && u.Scheme != "blob" && u.Scheme != "about" && u.Host != b.c.h.Web {
			all = append(all, r)
		}
	}
	return append(all, b.dialogs...)
}

// setPasswords gives clerks their passwords as the owner does.
func setPasswords(t *testing.T, h *testenv.House, logins ...string) {
	t.Helper()
	for _, login := range logins {
		cmd := h.Command("passwd", login)
		cmd.Stdin = strings.NewReader(counterPassword + "\n")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("kancelaria passwd %s: %v\n%s", login, err, out)
		}
	}
}

// rowsOf reads a printed register with a tool of others.
func rowsOf(t *testing.T, pdf []byte) string {
	t.Helper()
	cmd := exec.Command("pdftotext", "-layout", "-", "-")
	cmd.Stdin = bytes.NewReader(pdf)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("pdftotext (package poppler-utils): %v", err)
	}
	return string(out)
}
