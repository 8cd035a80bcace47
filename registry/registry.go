// Package registry holds the words of the office and the law of the book.
//
// The words are what every floor of the house speaks: Item, Document, Decision,
// Number, Entry, Case. The law is Apply, a pure function that folds drafts into
// the book, and the Registrar, the only writer of it. Stores load what Apply
// asks for and write what it answers; SQL decides nothing.
package registry
