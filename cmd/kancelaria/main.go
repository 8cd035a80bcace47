// Command kancelaria is a town office's incoming-mail registry: the daemon
// that takes in letters and scans and gives each a number nobody can dispute,
// and the tools around it.
//
// One file a subcommand; serve.go assembles the house and knows every part.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

// A cli is the command line (stable: scripts and tests rely on it).
type cli struct {
	Config string `short:"c" placeholder:"FILE" env:"KANCELARIA_CONFIG" help:"The office's configuration. Default: ./kancelaria.yaml, then /etc/kancelaria/kancelaria.yaml."`
	JSON   bool   `name:"json" help:"Print one JSON object a line."`
	Log    string `enum:"text,json" default:"text" help:"How the log is written: text or json."`

	Init       initCmd       `cmd:"" help:"Make an office in a folder."`
	Serve      serveCmd      `cmd:"" help:"Run the daemon."`
	Migrate    migrateCmd    `cmd:"" help:"Bring a PostgreSQL book to this version's schema."`
	Check      checkCmd      `cmd:"" help:"Check the three files, and with --live the neighbours."`
	Status     statusCmd     `cmd:"" help:"Say how the office fares; exit 6 if anything is red."`
	List       listCmd       `cmd:"" help:"List entries, newest first."`
	Show       showCmd       `cmd:"" help:"Show an entry, an item, a folder or a case."`
	Original   originalCmd   `cmd:"" help:"Write out the bytes as they arrived."`
	Attachment attachmentCmd `cmd:"" help:"Write out one part of a letter, decoded."`
	Search     searchCmd     `cmd:"" help:"Find entries by words."`
	Register   registerCmd   `cmd:"" help:"Register documents by hand: one entry, the first file is the letter."`

	Accept  acceptCmd  `cmd:"" group:"acts" help:"Take an entry in hand."`
	Return  returnCmd  `cmd:"" group:"acts" help:"Give an entry back to the desk."`
	Forward forwardCmd `cmd:"" group:"acts" help:"Pass an entry to a clerk, a department or another body."`
	Note    noteCmd    `cmd:"" group:"acts" help:"Write a note on an entry."`
	Due     dueCmd     `cmd:"" group:"acts" help:"Set by when an entry must be dealt with."`
	Correct correctCmd `cmd:"" group:"acts" help:"Correct a field; the old value is kept."`
	Close   closeCmd   `cmd:"" group:"acts" help:"Say that an entry is dealt with."`
	Annul   annulCmd   `cmd:"" group:"acts" help:"Strike an entry out; its number stays."`

	Handover handoverCmd `cmd:"" group:"acts" help:"A clerk leaves: open entries, deputies and classes go to another, sent notices answer no more."`

	Case   caseCmd   `cmd:"" group:"cases" help:"Cases: list, show, open, join, move, close."`
	Folder folderCmd `cmd:"" group:"cases" help:"Folders: show, split."`

	Rules      rulesCmd      `cmd:"" help:"Rules: lint, test, explain, replay, history, diff."`
	Quarantine quarantineCmd `cmd:"" help:"What was kept out of the book: list, show, release, reject."`
	Beside     besideCmd     `cmd:"" help:"What was filed beside the book: list, promote."`
	Deliveries deliveriesCmd `cmd:"" help:"Every attempt to hand us mail, also refused ones."`
	Source     sourceCmd     `cmd:"" help:"Watched folders and shares: list, test."`
	Outbox     outboxCmd     `cmd:"" help:"Notices and receipts to be sent: list, retry."`
	Spool      spoolCmd      `cmd:"" help:"What is accepted and not settled: list, retry."`
	Archive    archiveCmd    `cmd:"" help:"The journal of originals: list, fsck, export, erase."`
	Receipt    receiptCmd    `cmd:"" help:"Receipts of senders: verify."`
	Signature  signatureCmd  `cmd:"" help:"Electronic signatures: check."`
	Trust      trustCmd      `cmd:"" help:"Who is trusted to vouch for signers: import, list."`
	Approval   approvalCmd   `cmd:"" help:"Approvals with a signature: ask, list, show, withdraw."`
	Verify     verifyCmd     `cmd:"" help:"Recompute ledger, numbers and digests; exit 6 on any difference."`
	Labels     labelsCmd     `cmd:"" help:"Print labels for paper that is in the book, or sheets to lay between letters."`
	Slip       slipCmd       `cmd:"" help:"Print the slip that the person at the counter takes home."`
	Report     reportCmd     `cmd:"" help:"Reports: month, person."`
	Export     exportCmd     `cmd:"" help:"Write a year of the register, with originals and proofs, into a folder."`
	Passwd     passwdCmd     `cmd:"" help:"Set a clerk's password for the counter."`
	Token      tokenCmd      `cmd:"" help:"Tokens for programs: add, list, revoke."`
	Backup     backupCmd     `cmd:"" help:"Copy the office into a folder, beside the running daemon; never the keys."`
	Restore    restoreCmd    `cmd:"" help:"Put a backup back on a new machine; demands the last number that was told."`
	Move       moveCmd       `cmd:"" name:"migrate-store" help:"Move the book from its file into PostgreSQL, and prove that the ledger is the same."`
	Recover    recoverCmd    `cmd:"" help:"Build the book again from the copybooks: what they hold and it lacks."`
	Key        keyCmd        `cmd:"" help:"The office's keys: show, rotate."`
	Help       helpCmd       `cmd:"" name:"help" help:"The manual, by topic."`
	Version    versionCmd    `cmd:"" help:"Say which build this is."`
}

// An env is what commands have in hand.
type env struct {
	*cli
	ctx    context.Context
	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer
	log    *slog.Logger
}

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

// run is main without the process, so that tests can be the command.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	var c cli
	e := &env{cli: &c, ctx: ctx, stdin: stdin, stdout: stdout, stderr: stderr}
	ended, status := false, exitDone
	parser, err := kong.New(
		&c, kong.Name("kancelaria"), kong.Description("A town office's incoming-mail registry."), kong.Writers(stdout, stderr),
		kong.UsageOnError(), kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}),
		kong.ExplicitGroups([]kong.Group{{Key: "acts", Title: "Acts (--by CLERK, --reason TEXT):"}, {Key: "cases", Title: "Cases:"}}),
		kong.Exit(func(code int) { ended, status = true, code }),
	)
	if err != nil {
		panic(err) // the declaration above is wrong: no input can cause it
	}
	parsed, err := parser.Parse(args)
	if ended { // --help
		return status
	}
	if err != nil {
		fmt.Fprintf(stderr, "kancelaria: %v\nSee \"kancelaria --help\".\n", err)
		return exitUsage
	}
	e.log = logger(c.Log, stderr, parsed.Command() == "serve")
	if err := parsed.Run(e); err != nil {
		return e.fail(err)
	}
	return exitDone
}

// logger writes the log; a daemon's service manager adds the rest. A command
// speaks for itself and logs only what somebody must know.
func logger(form string, w io.Writer, daemon bool) *slog.Logger {
	o := &slog.HandlerOptions{Level: slog.LevelWarn}
	if daemon {
		o.Level = slog.LevelInfo
	}
	if form == "json" {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}

// fail prints an error and gives its exit code.
func (e *env) fail(err error) int {
	var quiet silent
	if !errors.As(err, &quiet) {
		fmt.Fprintf(e.stderr, "kancelaria: %v\n", err)
	}
	return exitCode(e.ctx, err)
}
