// Command kancelaria-load plays the townsfolk: it writes letters to a running
// office and leaves scans in its folder.
//
//	kancelaria-load demo     sixteen letters and three scans, and what became of them
//	kancelaria-load load     letters as fast, or at the rate, that is asked for
//	kancelaria-load drop     scans into a folder at a rate
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

type commandLine struct {
	Demo demo `cmd:"" help:"Play Polish letters and scans through a running office and show what became of them."`
	Load load `cmd:"" help:"Send letters over many connections and measure the time to 250."`
	Drop drop `cmd:"" help:"Leave scans in a folder."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var line commandLine
	k := kong.Parse(&line,
		kong.Name("kancelaria-load"),
		kong.Description("Plays the townsfolk: letters and scans for a running office."),
		kong.BindTo(ctx, (*context.Context)(nil)))
	k.FatalIfErrorf(k.Run())
}
