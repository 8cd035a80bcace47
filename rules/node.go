package rules

import (
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// Limits of a file. They are checked on bytes and tokens, before the parser
// sees them: its time grows with the square of a mapping's keys and of nesting.
const (
	maxFile    = 1 << 20
	maxSigns   = 150_000 // brackets, commas, colons: the scanner's time grows with their square
	maxTokens  = 300_000
	maxDepth   = 32
	maxKeys    = 5_000
	maxPerLine = 16 // "- - - -" on one line
)

// A node is a piece of a file with its place. It is what the library's syntax
// tree is reduced to at the border; nothing beyond this file knows the library.
type node struct {
	kind      kind
	line, col int
	text      string // of a scalar, as written or unquoted
	quoted    bool
	pairs     []pair
	items     []*node
}

type kind uint8

const (
	nullNode kind = iota
	scalarNode
	mapNode
	listNode
)

// what names a node's kind in a complaint.
func (n *node) what() string {
	switch n.kind {
	case scalarNode:
		return fmt.Sprintf("%q", clip(n.text, 40))
	case mapNode:
		return "a mapping"
	case listNode:
		return "a list"
	default:
		return "nothing"
	}
}

type pair struct {
	key   string
	line  int
	col   int
	value *node
}

// clip bounds what a sentence quotes to n letters.
func clip(s string, n int) string {
	for i := range s {
		if n == 0 {
			return s[:i] + "…"
		}
		n--
	}
	return s
}

// parseNode reads one YAML document without anchors, aliases, tags, merge keys
// and complex keys. On complaint the tree is nil.
func parseNode(src *source, data []byte) *node {
	if len(data) > maxFile {
		src.errorAt(0, 0, "E100", fmt.Sprintf("the file has %d bytes, more than 1 MB", len(data)), "split off what is not needed")
		return nil
	}
	if at := invalidUTF8(data); at >= 0 {
		line, col := placeOf(data, at)
		src.errorAt(line, col, "E100", "this is not UTF-8", "save the file as UTF-8")
		return nil
	}
	if countSigns(data) > maxSigns {
		src.errorAt(0, 0, "E100", "the file has too many parts", "split off what is not needed")
		return nil
	}
	tokens := lexer.Tokenize(string(data))
	if !tokensAllowed(src, tokens) {
		return nil
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		line, col, text := syntaxError(err)
		src.errorAt(line, col, "E100", "this is not YAML: "+text, "")
		return nil
	}
	var body ast.Node
	for _, d := range file.Docs {
		if d.Body == nil {
			continue
		}
		if body != nil {
			p := d.Body.GetToken().Position
			src.errorAt(p.Line, p.Column, "E100", "a second document begins here", "keep one document in the file")
			return nil
		}
		body = d.Body
	}
	if body == nil {
		src.errorAt(1, 1, "E100", "the file is empty", "")
		return nil
	}
	c := converter{src: src}
	n := c.convert(body, 0)
	if c.failed {
		return nil
	}
	return n
}

// invalidUTF8 gives the offset of the first byte that is not UTF-8 or is NUL.
func invalidUTF8(data []byte) int {
	for i := 0; i < len(data); {
		r, size := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && size <= 1 || r == 0 {
			return i
		}
		i += size
	}
	return -1
}

func countSigns(data []byte) (n int) {
	for _, b := range data {
		switch b {
		case ',', ':', '[', ']', '{', '}':
			n++
		}
	}
	return n
}

func placeOf(data []byte, at int) (line, col int) {
	line, col = 1, 1
	for _, b := range data[:at] {
		switch {
		case b == '\n':
			line, col = line+1, 1
		case b&0xC0 != 0x80:
			col++
		}
	}
	return line, col
}

// tokensAllowed refuses what the two files never need and what would cost the
// parser seconds, at the first finding: a file like that is not worth a list.
func tokensAllowed(src *source, tokens token.Tokens) bool {
	refuse := func(t *token.Token, text, fix string) bool {
		src.errorAt(t.Position.Line, t.Position.Column, "E100", text, fix)
		return false
	}
	if len(tokens) > maxTokens {
		return refuse(tokens[maxTokens], "the file has too many parts", "split off what is not needed")
	}
	depth, documents, dashes, dashLine := 0, 0, 0, 0
	keys := map[int]int{} // keys of the open block mappings by column
	for i, t := range tokens {
		switch t.Type {
		case token.AnchorType, token.AliasType, token.MergeKeyType:
			return refuse(t, "anchors, aliases and merge keys are not allowed", `write it out, or use "lists"; quote a word that begins with * or &`)
		case token.TagType, token.DirectiveType:
			return refuse(t, "tags and directives are not allowed", "quote a word that begins with ! or %")
		case token.MappingKeyType:
			return refuse(t, "a key is written key: value", "")
		case token.InvalidType:
			return refuse(t, "this is not YAML: "+t.Error, "")
		case token.DocumentHeaderType:
			if documents++; documents > 1 || i > 0 && hasContent(tokens[:i]) {
				return refuse(t, "a second document begins here", "keep one document in the file")
			}
		case token.MappingStartType, token.SequenceStartType:
			if depth++; depth > maxDepth {
				return refuse(t, fmt.Sprintf("brackets are nested deeper than %d", maxDepth), "")
			}
		case token.MappingEndType, token.SequenceEndType:
			depth--
		case token.SequenceEntryType:
			if t.Position.Line != dashLine {
				dashLine, dashes = t.Position.Line, 0
			}
			if dashes++; dashes > maxPerLine {
				return refuse(t, "too many lists begin on this line", "")
			}
			forget(keys, t.Position.Column)
		case token.MappingValueType:
			if depth > 0 || i == 0 {
				continue
			}
			col := tokens[i-1].Position.Column
			forget(keys, col)
			if keys[col]++; keys[col] > maxKeys {
				return refuse(t, fmt.Sprintf("more than %d keys in one mapping", maxKeys), "")
			}
			if len(keys) > maxDepth {
				return refuse(t, fmt.Sprintf("mappings are nested deeper than %d", maxDepth), "")
			}
		}
	}
	return true
}

// forget drops the mappings that a token at column col has closed.
func forget(keys map[int]int, col int) {
	for c := range keys {
		if c > col {
			delete(keys, c)
		}
	}
}

func hasContent(tokens token.Tokens) bool {
	for _, t := range tokens {
		if t.Type != token.CommentType {
			return true
		}
	}
	return false
}

func syntaxError(err error) (line, col int, text string) {
	var syntax *yaml.SyntaxError
	if errors.As(err, &syntax) {
		text = syntax.GetMessage()
		if t := syntax.GetToken(); t != nil && t.Position != nil {
			line, col = t.Position.Line, t.Position.Column
		}
		return line, col, text
	}
	return 1, 1, clip(err.Error(), 120)
}

// A converter reduces the library's tree to nodes.
type converter struct {
	src    *source
	failed bool
}

func (c *converter) refuse(t *token.Token, text, fix string) *node {
	c.src.errorAt(t.Position.Line, t.Position.Column, "E100", text, fix)
	c.failed = true
	return &node{line: t.Position.Line, col: t.Position.Column}
}

func (c *converter) convert(from ast.Node, depth int) *node {
	if from == nil {
		return &node{}
	}
	t := from.GetToken()
	if depth > maxDepth {
		return c.refuse(t, fmt.Sprintf("this is nested deeper than %d", maxDepth), "")
	}
	n := &node{line: t.Position.Line, col: t.Position.Column}
	switch x := from.(type) {
	case *ast.NullNode:
	case *ast.StringNode:
		n.kind, n.text = scalarNode, x.Value
		n.quoted = t.Type == token.SingleQuoteType || t.Type == token.DoubleQuoteType
	case *ast.LiteralNode:
		n.kind, n.quoted, n.text = scalarNode, true, x.Value.Value
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		n.kind, n.text = scalarNode, t.Value
	case *ast.MappingNode:
		n.kind = mapNode
		if len(x.Values) > 0 && !x.IsFlowStyle { // the token is the first colon
			k := x.Values[0].Key.GetToken()
			n.line, n.col = k.Position.Line, k.Position.Column
		}
		for _, v := range x.Values {
			c.pair(n, v, depth)
		}
	case *ast.MappingValueNode:
		n.kind = mapNode
		k := x.Key.GetToken()
		n.line, n.col = k.Position.Line, k.Position.Column
		c.pair(n, x, depth)
	case *ast.SequenceNode:
		n.kind = listNode
		for _, v := range x.Values {
			n.items = append(n.items, joined(c.convert(v, depth+1), v, x.IsFlowStyle))
		}
	default:
		return c.refuse(t, "anchors, aliases, tags and merge keys are not allowed", "write it out")
	}
	return n
}

// joined mends what the library splits: in [clerk:os1] a colon without space
// is part of the word, not a mapping of its own.
func joined(n *node, from ast.Node, flow bool) *node {
	if !flow || n.kind != mapNode || len(n.pairs) != 1 || from.GetToken().Type == token.MappingStartType {
		return n
	}
	p := n.pairs[0]
	if p.value.kind != scalarNode || p.value.line != p.line || p.value.col != p.col+utf8.RuneCountInString(p.key)+1 {
		return n
	}
	return &node{kind: scalarNode, line: p.line, col: p.col, text: p.key + ":" + p.value.text}
}

func (c *converter) pair(n *node, v *ast.MappingValueNode, depth int) {
	k := v.Key.GetToken()
	p := pair{key: k.Value, line: k.Position.Line, col: k.Position.Column, value: c.convert(v.Value, depth+1)}
	if len(n.pairs) >= maxKeys {
		c.refuse(k, fmt.Sprintf("more than %d keys in one mapping", maxKeys), "")
		return
	}
	n.pairs = append(n.pairs, p)
}
