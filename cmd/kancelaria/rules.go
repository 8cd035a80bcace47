package main

type rulesCmd struct {
	Lint    rulesLintCmd    `cmd:"" help:"Check the rules; every finding with place and remedy."`
	Test    rulesTestCmd    `cmd:"" help:"Run the tests that stand in the rules."`
	Explain rulesExplainCmd `cmd:"" help:"Say why: of an entry as it was decided, of a letter as it would be."`
}

type rulesLintCmd struct {
	File string `arg:"" optional:"" help:"A rules file; default: the office's."`
}

type rulesTestCmd struct {
	File string `arg:"" optional:"" help:"A rules file; default: the office's."`
}

type rulesExplainCmd struct {
	What   string `arg:"" help:"A register number, or a file with a letter (.eml)."`
	WhyNot string `placeholder:"RULE" help:"Say which condition of this rule failed."`
}
