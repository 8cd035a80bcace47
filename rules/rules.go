// Package rules turns two files that a secretary can read, office.yaml and
// rules.yaml, into the office and into decisions about its letters.
//
// LoadOffice and Load read the files strictly: every mistake is a Complaint
// with its place and its remedy, all of them at once. A Set decides: Decide is
// pure, so that the same letter, facts and set give the same decision today
// and when an auditor asks in five years. Explain says why, Lint finds what
// can be known to be wrong without any letter, Trial runs the tests that stand
// in the file, and Replay shows what other rules would have decided.
//
// The package knows no clock, no disk and no network: time comes in with the
// facts, files come in as bytes.
package rules
