package rules

// A test is an example that stands in the rules file.
type test struct {
	name string
	at   *node
}

func (r *setReader) readTest(n *node) {}
