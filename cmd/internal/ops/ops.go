// Package ops is the operator's port: health, metrics and profiles. It shows
// state, never content.
package ops

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// A Gauge is one figure with its labels of closed sets.
type Gauge struct {
	Name   string // kancelaria_spool_waiting
	Help   string
	Labels map[string]string
	Value  float64
}

// Options of the port.
type Options struct {
	Listen string
	// Gauges are read at each scrape; it must not block.
	Gauges func() []Gauge
	// Accepting reports whether letters are taken in now; Red what is wrong.
	Accepting func() bool
	Red       func(context.Context) []string
}

// A Port serves the operator.
type Port struct {
	o        Options
	listener net.Listener
}

// Listen binds the port; Run serves it.
func Listen(o Options) (*Port, error) {
	l, err := net.Listen("tcp", o.Listen)
	if err != nil {
		return nil, fmt.Errorf("the operator's port: %w", err)
	}
	return &Port{o, l}, nil
}

// Addr is where it listens.
func (p *Port) Addr() string { return p.listener.Addr().String() }

// Run serves until ctx ends.
func (p *Port) Run(ctx context.Context) error {
	server := &http.Server{Handler: p.handler(), ReadHeaderTimeout: 5 * time.Second}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.Serve(p.listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("the operator's port: %w", err)
	}
	return nil
}

func (p *Port) handler() http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), gauges(p.o.Gauges))
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		if !p.o.Accepting() {
			http.Error(w, "not accepting", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "accepting")
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		if red := p.o.Red(r.Context()); len(red) > 0 {
			w.WriteHeader(http.StatusServiceUnavailable)
			for _, line := range red {
				fmt.Fprintln(w, line)
			}
			return
		}
		fmt.Fprintln(w, "ready")
	})
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	return mux
}

// gauges collects figures when they are asked for: nobody counts twice.
type gauges func() []Gauge

// Describe sends nothing: the figures are not known before they are read.
func (gauges) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (g gauges) Collect(out chan<- prometheus.Metric) {
	for _, v := range g() {
		desc := prometheus.NewDesc(v.Name, v.Help, nil, v.Labels)
		out <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, v.Value)
	}
}
