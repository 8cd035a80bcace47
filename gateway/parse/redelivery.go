package parse

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"hash"
	"io"
	"strings"

	"kancelaria/registry"
)

// A redelivery digests a letter without the trace fields at its very top,
// which relays add anew each time they offer it: Received, Return-Path,
// Delivered-To, X-Original-To, Envelope-To, Authentication-Results,
// Received-SPF, ARC-*, X-Spam-*, X-Virus-*, X-Rspamd-*. The first other field
// ends the top; what stands below it is the letter.
type redelivery struct {
	skip int64 // bytes of trace still to come
	sha  hash.Hash
}

func newRedelivery(src Source) *redelivery {
	return &redelivery{skip: traceLength(src), sha: sha256.New()}
}

// Write takes the letter's bytes in order.
func (d *redelivery) Write(p []byte) (int, error) {
	n := len(p)
	if d.skip > 0 {
		cut := min(d.skip, int64(n))
		d.skip -= cut
		p = p[cut:]
	}
	_, _ = d.sha.Write(p)
	return n, nil
}

func (d *redelivery) sum() (out registry.Digest) {
	d.sha.Sum(out[:0])
	return out
}

// traceLength gives the length of the trace at the top of a letter.
func traceLength(src Source) int64 {
	const most = 256 << 10
	r := bufio.NewReaderSize(io.NewSectionReader(src, 0, min(src.Size(), most)), 4<<10)
	var at, end int64
	inTrace := false
	for {
		line, err := r.ReadSlice('\n')
		long := err == bufio.ErrBufferFull
		switch {
		case len(line) == 0:
			return end
		case line[0] == ' ' || line[0] == '\t':
			if !inTrace {
				return end
			}
		default:
			if inTrace = isTrace(line); !inTrace {
				return end
			}
		}
		at += int64(len(line))
		for long {
			line, err = r.ReadSlice('\n')
			at += int64(len(line))
			long = err == bufio.ErrBufferFull
		}
		if err != nil {
			return end // the trace never ends: then nothing is trace
		}
		end = at
	}
}

func isTrace(line []byte) bool {
	name, _, ok := bytes.Cut(line, []byte(":"))
	if !ok || len(name) > 60 {
		return false
	}
	n := strings.ToLower(string(bytes.TrimRight(name, " \t")))
	switch n {
	case "received", "return-path", "delivered-to", "x-original-to", "envelope-to", "authentication-results", "received-spf":
		return true
	}
	for _, prefix := range [...]string{"arc-", "x-spam-", "x-virus-", "x-rspamd-"} {
		if strings.HasPrefix(n, prefix) {
			return true
		}
	}
	return false
}
