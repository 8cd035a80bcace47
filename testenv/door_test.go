package testenv_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"kancelaria/testenv"
)

// TestTheDoorKeepsCount looks at the mail door as the operator does, and at its
// log as whoever is told "you never got it".
func TestTheDoorKeepsCount(t *testing.T) {
	h := testenv.Daemon(t, testenv.Options{Edit: func(yaml string) string {
		// From outside, where the limits for strangers count.
		return strings.Replace(yaml, "trusted_relays: [127.0.0.1/32]", "trusted_relays: []\n  per_minute: 3", 1)
	}})
	for i := range 3 {
		mustHand(t, h, compose(h, fmt.Sprintf("letter %d", i)))
	}
	if code, _, err := hand(h.SMTP, h.Mailbox, compose(h, "too fast")); code != 450 && code != 451 && code != 452 {
		t.Errorf("a fourth letter within the minute: %d, %v", code, err)
	}
	conn, err := net.Dial("tcp", h.SMTP)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := bufio.NewReader(conn).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	for metric, want := range map[string]string{
		"kancelaria_smtpd_connections":                        "1",
		`kancelaria_smtpd_attempts_total{outcome="taken"}`:    "3",
		`kancelaria_smtpd_attempts_total{outcome="deferred"}`: "1",
		`kancelaria_smtpd_attempts_total{outcome="refused"}`:  "0",
		`kancelaria_spool_parked_items`:                       "0",
	} {
		testenv.Eventually(t, metric, func() error {
			if got := scrape(t, h)[metric]; got != want {
				return fmt.Errorf("is %q, want %q", got, want)
			}
			return nil
		})
	}
	var codes []int
	testenv.Eventually(t, "the log of deliveries", func() error {
		codes = nil
		for line := range strings.Lines(h.Run(t, "--json", "deliveries", "--sender", "MIESZKANIEC@resident", "--since", "1h")) {
			var d struct {
				Code       int
				Recipients []string
			}
			if err := json.Unmarshal([]byte(line), &d); err != nil {
				t.Fatalf("deliveries printed %q", line)
			}
			codes = append(codes, d.Code)
		}
		if len(codes) != 4 {
			return fmt.Errorf("codes %v", codes)
		}
		return nil
	})
	if out := h.Run(t, "deliveries", "--sender", "nobody@resident"); out != "" {
		t.Errorf("deliveries of nobody: %s", out)
	}
}

// scrape reads the operator's figures.
func scrape(t *testing.T, h *testenv.House) map[string]string {
	t.Helper()
	res, err := http.Get("http://" + h.Ops + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for line := range strings.Lines(string(body)) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), " "); ok && !strings.HasPrefix(name, "#") {
			all[name] = value
		}
	}
	return all
}
