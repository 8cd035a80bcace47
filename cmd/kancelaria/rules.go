package main

type rulesCmd struct {
	Lint    rulesLintCmd    `cmd:"" help:"Check the rules; every finding with place and remedy."`
	Test    rulesTestCmd    `cmd:"" help:"Run the tests of the rules: those in the file and the letters beside it."`
	History rulesHistoryCmd `cmd:"" help:"List the rules by which letters were decided, as the book keeps them."`
	Diff    rulesDiffCmd    `cmd:"" help:"Compare rules of the past with each other or with those on the disk."`
	Replay  rulesReplayCmd  `cmd:"" help:"Say what other rules would have made of the letters in the register; changes nothing."`
	Explain rulesExplainCmd `cmd:"" help:"Say why: of an entry as it was decided, of a letter as it would be."`
}

type rulesLintCmd struct {
	History string `placeholder:"WHEN" help:"Also look at the letters in the register since then (90d): rules none needed, words that fit most."`
	File    string `arg:"" optional:"" help:"A rules file; default: the office's."`
}

type rulesTestCmd struct {
	File string `arg:"" optional:"" help:"A rules file; default: the office's."`
}

type rulesExplainCmd struct {
	What   string `arg:"" help:"A register number, or a file with a letter (.eml)."`
	WhyNot string `placeholder:"RULE" help:"Say which condition of this rule failed."`
}
