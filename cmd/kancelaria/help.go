package main

import (
	"embed"
	"fmt"
	"path"
	"runtime/debug"
	"strings"

	"kancelaria/registry"
)

// The manual lies beside the code and travels in the binary, so that it is
// never of another version.
//
//go:embed help/*.md
var manual embed.FS

type helpCmd struct {
	Topic string `arg:"" optional:"" help:"A topic; without one the list of topics."`
}

func (c *helpCmd) Run(e *env) error {
	if c.Topic == "flags" {
		return helpFlags(e)
	}
	if c.Topic != "" {
		text, err := manual.ReadFile("help/" + path.Base(c.Topic) + ".md")
		if err != nil {
			return withCode(exitUsage, fmt.Errorf("there is no topic %q; \"kancelaria help\" lists them", c.Topic))
		}
		_, err = e.stdout.Write(text)
		return err
	}
	entries, err := manual.ReadDir("help")
	if err != nil {
		return err
	}
	fmt.Fprintln(e.stdout, "Topics: kancelaria help TOPIC. Commands: kancelaria --help.")
	for _, f := range entries {
		text, err := manual.ReadFile("help/" + f.Name())
		if err != nil {
			return err
		}
		title, _, _ := strings.Cut(string(text), "\n")
		fmt.Fprintf(e.stdout, "  %-16s %s\n", strings.TrimSuffix(f.Name(), ".md"), strings.TrimPrefix(title, "# "))
	}
	_, err = fmt.Fprintf(e.stdout, "  %-16s %s\n", "flags", "The flags an entry may carry")
	return err
}

// helpFlags prints the closed list of flags with their meaning.
func helpFlags(e *env) error {
	texts := registry.Catalogue("en")
	for _, key := range texts.Keys("flag.") {
		fmt.Fprintf(e.stdout, "%-26s %s\n", strings.TrimPrefix(key, "flag."), texts.Say(key))
	}
	return nil
}

type versionCmd struct{}

func (versionCmd) Run(e *env) error {
	_, err := fmt.Fprintln(e.stdout, version())
	return err
}

// version says which commit this is, as the toolchain recorded it.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	v := info.Main.Version
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision" && len(s.Value) >= 12:
			v = s.Value[:12]
		case s.Key == "vcs.modified" && s.Value == "true":
			v += "-modified"
		}
	}
	return v
}
