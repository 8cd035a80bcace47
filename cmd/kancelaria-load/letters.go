package main

import (
	"bytes"
	"embed"
	"fmt"
	"path"
	"strings"
)

// The letters are as they come off the wire, with what differs from run to run
// in double braces: {{to}}, {{date}}, {{run}}. They were written for this
// program; nobody in them exists.
//
//go:embed letters/*.eml
var letterFiles embed.FS

// The scans are whole PDF files with one comment that tells the runs apart.
//
//go:embed scans/*.pdf
var scanFiles embed.FS

// A letter is one of the town's letters.
type letter struct {
	Name  string // 01-wycinka
	From  string // envelope sender; empty is the null path
	Bytes []byte
}

// null marks the letters that robots send: nobody wants to hear back.
const null = "<>"

// senders are the envelope senders that are not the address in From.
var senders = map[string]string{
	"06-autoodpowiedz": null,
	"07-newsletter":    "odbicia@szkolenia.example",
}

// letters gives the town's letters in the order in which they are written.
func letters() ([]letter, error) {
	var all []letter
	err := eachFile(letterFiles, "letters", func(name string, content []byte) error {
		l := letter{Name: strings.TrimSuffix(name, ".eml"), Bytes: content}
		l.From = senders[l.Name]
		if l.From == null {
			l.From = ""
		} else if l.From == "" {
			l.From = fromOf(content)
		}
		all = append(all, l)
		return nil
	})
	return all, err
}

// fromOf gives the address in the From field of one of our own letters.
func fromOf(content []byte) string {
	header, _, _ := bytes.Cut(content, []byte("\r\n"))
	_, addr, _ := strings.Cut(string(header), "<")
	return strings.TrimSuffix(addr, ">")
}

// A scan is a file as a scanner writes it.
type scan struct {
	Name  string
	Bytes []byte
}

func scans() ([]scan, error) {
	var all []scan
	err := eachFile(scanFiles, "scans", func(name string, content []byte) error {
		all = append(all, scan{Name: name, Bytes: content})
		return nil
	})
	return all, err
}

func eachFile(files embed.FS, dir string, do func(name string, content []byte) error) error {
	entries, err := files.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("reading what is built in: %w", err)
	}
	for _, e := range entries {
		content, err := files.ReadFile(path.Join(dir, e.Name()))
		if err != nil {
			return fmt.Errorf("reading what is built in: %w", err)
		}
		if err := do(e.Name(), content); err != nil {
			return err
		}
	}
	return nil
}

// fill puts values in the place of {{names}}. The rest stays byte for byte:
// the letters are in several character sets.
func fill(content []byte, values map[string]string) []byte {
	for name, value := range values {
		content = bytes.ReplaceAll(content, []byte("{{"+name+"}}"), []byte(value))
	}
	return content
}
