package ops

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
)

func TestThePortTellsStateAndNoContent(t *testing.T) {
	accepting, red := true, []string(nil)
	p, err := Listen(Options{
		Listen: "127.0.0.1:0", Accepting: func() bool { return accepting }, Red: func(context.Context) []string { return red },
		Gauges: func() []Gauge { return []Gauge{{Name: "kancelaria_spool_waiting_items", Help: "Waiting.", Value: 3}} },
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	get := func(path string) (int, string) {
		res, err := http.Get("http://" + p.Addr() + path)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, string(body)
	}
	if code, _ := get("/healthz"); code != http.StatusOK {
		t.Errorf("healthz is %d while letters are taken in", code)
	}
	if _, body := get("/metrics"); !strings.Contains(body, "kancelaria_spool_waiting_items 3") {
		t.Error("the figure is not among the metrics")
	}
	accepting, red = false, []string{"archive: the disk is full"}
	if code, _ := get("/healthz"); code != http.StatusServiceUnavailable {
		t.Errorf("healthz is %d while nothing is taken in", code)
	}
	if code, body := get("/readyz"); code != http.StatusServiceUnavailable || !strings.Contains(body, "the disk is full") {
		t.Errorf("readyz is %d %q", code, body)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
