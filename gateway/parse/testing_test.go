package parse

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"

	"kancelaria/registry"
)

func digestOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// read reads a letter written with plain line ends.
func read(t testing.TB, letter string) registry.Document {
	t.Helper()
	return readRaw(t, strings.ReplaceAll(letter, "\n", "\r\n"))
}

// readRaw reads a letter byte for byte.
func readRaw(t testing.TB, letter string) registry.Document {
	t.Helper()
	return New(Options{}).Read(t.Context(), registry.Item{Door: registry.DoorSMTP}, strings.NewReader(letter))
}

// readFile reads a file that was dropped.
func readFile(t testing.TB, name string, content []byte) registry.Document {
	t.Helper()
	it := registry.Item{Door: registry.DoorFolder, File: &registry.File{Path: name}, Original: registry.Original{Name: name}}
	return New(Options{}).Read(t.Context(), it, bytes.NewReader(content))
}

func flawCodes(doc registry.Document) string {
	var codes []string
	for _, f := range doc.Flaws {
		codes = append(codes, f.Code)
	}
	return strings.Join(codes, " ")
}

func paths(doc registry.Document) string {
	var out []string
	for _, a := range doc.Attachments {
		out = append(out, a.Path+"="+string(a.Role))
	}
	return strings.Join(out, " ")
}

func flagsOf(doc registry.Document) string {
	var out []string
	for _, f := range doc.Flags {
		out = append(out, string(f))
	}
	return strings.Join(out, " ")
}

func part(t testing.TB, doc registry.Document, path string) registry.Attachment {
	t.Helper()
	for _, a := range doc.Attachments {
		if a.Path == path {
			return a
		}
	}
	t.Fatalf("no part %s among %s", path, paths(doc))
	return registry.Attachment{}
}
