package testenv_test

import (
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"kancelaria/testenv"
)

// TestRulesAreTakenWhileTheBookIsAway: a reload asks the disk and nobody else.
// Files that are refused leave the old rules in force, in plain sight, and what
// was decided by rules that are gone is still explained by them.
func TestRulesAreTakenWhileTheBookIsAway(t *testing.T) {
	pg := testenv.OwnPostgres(t)
	h := testenv.Daemon(t, testenv.Options{Store: pg.NewDatabase(t)})
	if err := handFrom(h, 1); err != nil {
		t.Fatal(err)
	}
	first := h.WaitFor(t, 1)[0].Number
	before := rulesInForce(t, h)
	pg.Stop(t)

	h.EditFile(t, "rules.yaml", func(yaml string) string { return strings.Replace(yaml, "fallback:", "falback:", 1) })
	h.Reload(t)
	testenv.Eventually(t, "the refused files are told", func() error {
		r := h.Try(t, "status")
		if r.Code != 6 || !strings.Contains(r.Stdout, `not in force`) || !strings.Contains(r.Stdout, `did you mean "fallback"?`) {
			return fmt.Errorf("exit %d:\n%s", r.Code, r.Stdout)
		}
		return nil
	})
	if got := rulesInForce(t, h); got != before {
		t.Errorf("rules %s are in force, want %s", got, before)
	}
	metrics := scraped(t, h)
	for _, want := range []string{"kancelaria_rules_rejected 1", "kancelaria_rules_reload_failures_total 1"} {
		if !strings.Contains(metrics, want) {
			t.Errorf("the metrics lack %q", want)
		}
	}
	if !strings.Contains(h.Log(t), "rules.rejected") {
		t.Error("the log does not tell of the refused rules")
	}

	h.EditFile(t, "rules.yaml", func(yaml string) string {
		return strings.Replace(yaml, "falback:", "# inne\nfallback:", 1)
	})
	h.Reload(t)
	testenv.Eventually(t, "the new rules are in force", func() error {
		if got := rulesInForce(t, h); got == before || strings.Contains(h.Try(t, "status").Stdout, "not in force") {
			return fmt.Errorf("rules %s", got)
		}
		return nil
	})

	pg.Start(t)
	testenv.Eventually(t, "a letter is taken", func() error { return handFrom(h, 2) })
	second := h.WaitFor(t, 2)[0].Number
	for number, rules := range map[string]string{first: before, second: rulesInForce(t, h)} {
		why := h.Run(t, "rules", "explain", number, "--why-not", "drzewa")
		if !strings.Contains(why, "lacked") || !strings.Contains(h.Run(t, "rules", "explain", number), "rules "+rules[:8]) {
			t.Errorf("%s, decided by %s, is not explained by them:\n%s", number, rules, why)
		}
	}
	h.Run(t, "verify")
}

var inForcePattern = regexp.MustCompile(`"digest":"([0-9a-f]{64})"`)

func rulesInForce(t *testing.T, h *testenv.House) string {
	t.Helper()
	m := inForcePattern.FindStringSubmatch(h.Try(t, "--json", "status").Stdout)
	if m == nil {
		t.Fatal("the status names no rules")
	}
	return m[1]
}

func scraped(t *testing.T, h *testenv.House) string {
	t.Helper()
	res, err := http.Get("http://" + h.Ops + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
