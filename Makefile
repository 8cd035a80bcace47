# kancelaria. "make help" lists what can be made. Needs Go, make and git;
# "make test" also a C compiler (for -race) and the neighbours of testenv/setup.
.DEFAULT_GOAL := help
.PHONY: run demo build test short lint fuzz bench soak package clean help

FUZZTIME ?= 30s
SOAK     ?= 30m
BENCH    ?= -rounds 5
VERSION  := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
GOBUILD   = CGO_ENABLED=0 go build -trimpath -o bin/

run: build ## build, make a sample office in ./run if there is none, and serve it
	@test -e run/kancelaria.yaml || bin/kancelaria init run
	@sed -n 's/^#> //p' Makefile
	@exec bin/kancelaria -c run/kancelaria.yaml serve

#> Letters:  swaks --server 127.0.0.1:2525 --to urzad@aleksandrowo.example   (or "make demo" in a second terminal)
#> Scans:    copy a PDF into run/drop/skaner
#> The book: bin/kancelaria -c run/kancelaria.yaml list      (then: show NUMBER, original NUMBER, search WORDS)
#> Outgoing: notices and receipts lie as files under run/mail, one folder a recipient
#> Rules:    edit run/office.yaml and run/rules.yaml; bin/kancelaria -c run/kancelaria.yaml check; Ctrl-C stops

demo: build ## play Polish letters and scans through the running daemon and show what became of them
	@bin/kancelaria-load demo --config run/kancelaria.yaml --kancelaria bin/kancelaria

build: ## build both programs into bin/
	@$(GOBUILD) ./cmd/...

test: setup lint ## everything: neighbours, lint, all tests with the race detector
	go test -race -shuffle=on -timeout 45m ./...

short: ## the tests that need no neighbours, in under a minute
	go test -short ./...

lint: ## formatting, vet, staticcheck; golangci-lint where it is installed
	@test -z "$$(go tool gofumpt -l . | tee /dev/stderr)" || { echo 'lint: run "go tool gofumpt -w" on these files' >&2; exit 1; }
	go vet ./... && go vet -tags failpoint ./... && go tool staticcheck ./...
	@! command -v golangci-lint >/dev/null || golangci-lint run

setup:
	@testenv/setup

fuzz: ## fuzz every target for FUZZTIME
	@for p in $$(go list ./...); do for f in $$(go test -list '^Fuzz' $$p | grep '^Fuzz'); do \
		echo "$$p $$f" && go test -run '^$$' -fuzz "^$$f\$$" -fuzztime $(FUZZTIME) $$p || exit 1; done; done

bench: build ## measure against Postfix and others; tables and pictures in testenv/bench/out
	@cd testenv/bench && go test -count=1 -v -timeout 0 -run TestBench . $(BENCH)

soak: ## kill and restart the daemon under load for SOAK
	KANCELARIA_SOAK=$(SOAK) go test -count=1 -v -timeout 0 -run 'KilledDaemon' ./testenv

package: build ## a reproducible archive of both programs and contrib in dist/
	@mkdir -p dist && tar --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$$(git log -1 --format=%ct)" \
		-cf - bin contrib README.md | gzip -9n >dist/kancelaria-$(VERSION)-$$(go env GOOS)-$$(go env GOARCH).tar.gz
	@cd dist && sha256sum *.tar.gz >SHA256SUMS

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile | expand -t 10
