package parse

func (run *reading) inside(f file, k kind, index int, p place) {}
func (run *reading) signatures()                               {}

type Extractor interface{}
