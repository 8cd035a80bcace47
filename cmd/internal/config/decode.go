package config

import (
	"fmt"
	"net/netip"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"kancelaria/rules"
)

// A decoder walks the syntax tree itself, since the library's strict mode
// stops at the first unknown key and expands aliases before anybody can look.
type decoder struct {
	file, dir  string
	complaints Complaints
	at         map[string]*token.Token // key path → where it stands
}

func (d *decoder) complain(t *token.Token, fix, format string, args ...any) {
	c := Complaint{File: d.file, Text: fmt.Sprintf(format, args...), Fix: fix}
	if t != nil && t.Position != nil {
		c.Line, c.Column = t.Position.Line, t.Position.Column
	}
	d.complaints = append(d.complaints, c)
}

// complainAt places a complaint at a key, or at the file if the key is not
// written in it.
func (d *decoder) complainAt(path, fix, format string, args ...any) {
	d.complain(d.at[path], fix, format, args...)
}

func (d *decoder) document(data []byte, into any) {
	d.at = map[string]*token.Token{}
	switch {
	case len(data) > maxFile:
		d.complain(nil, "", "is over 1 MB: not a configuration")
		return
	case !utf8.Valid(data):
		d.complain(nil, "save it as UTF-8", "is not valid UTF-8")
		return
	}
	file, err := parser.ParseBytes(data, 0)
	if err != nil {
		d.syntax(err)
		return
	}
	if len(file.Docs) == 0 || file.Docs[0].Body == nil {
		return
	}
	if len(file.Docs) > 1 {
		d.complain(file.Docs[1].Start, "keep one document in the file", "a second document begins here")
		return
	}
	d.value(file.Docs[0].Body, reflect.ValueOf(into).Elem(), "")
}

// syntax turns the library's many-line complaint into one line.
func (d *decoder) syntax(err error) {
	text := err.Error()
	c := Complaint{File: d.file, Text: "is not valid YAML"}
	if rest, ok := strings.CutPrefix(text, "["); ok {
		if place, message, ok := strings.Cut(rest, "]"); ok {
			line, column, _ := strings.Cut(place, ":")
			c.Line, _ = strconv.Atoi(line)
			c.Column, _ = strconv.Atoi(column)
			first, _, _ := strings.Cut(strings.TrimSpace(message), "\n")
			c.Text = "is not valid YAML: " + first
		}
	}
	d.complaints = append(d.complaints, c)
}

func (d *decoder) value(n ast.Node, v reflect.Value, path string) {
	switch n := n.(type) {
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode, *ast.MergeKeyNode:
		d.complain(n.GetToken(), "write the value out", "anchors, aliases and tags are not allowed")
		return
	case *ast.NullNode:
		return
	}
	switch v.Interface().(type) {
	case Path, Size, time.Duration, netip.Prefix:
		d.scalar(n, v, path)
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		d.mapping(n, v, path)
	case reflect.Slice:
		d.sequence(n, v, path)
	default:
		d.scalar(n, v, path)
	}
}

func (d *decoder) mapping(n ast.Node, v reflect.Value, path string) {
	pairs, ok := mappingOf(n)
	if !ok {
		d.complain(n.GetToken(), "", "%s must hold keys and values", describe(path))
		return
	}
	fields := map[string]reflect.Value{}
	var known []string
	for i := range v.NumField() {
		if name := v.Type().Field(i).Tag.Get("yaml"); name != "-" {
			fields[name] = v.Field(i)
			known = append(known, name)
		}
	}
	seen := map[string]bool{}
	for _, pair := range pairs {
		key := pair.Key.GetToken().Value
		t := pair.Key.GetToken()
		field, ok := fields[key]
		switch {
		case !ok:
			fix := "known keys: " + strings.Join(known, ", ")
			if near := rules.DidYouMean(key, known); near != "" {
				fix = near
			}
			d.complain(t, fix, "unknown key %q", key)
		case seen[key]:
			d.complain(t, "keep one", "key %q stands here twice", key)
		default:
			seen[key] = true
			here := strings.TrimPrefix(path+"."+key, ".")
			d.at[here] = pair.Value.GetToken()
			d.value(pair.Value, field, here)
		}
	}
}

func mappingOf(n ast.Node) ([]*ast.MappingValueNode, bool) {
	switch n := n.(type) {
	case *ast.MappingNode:
		return n.Values, true
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}, true
	default:
		return nil, false
	}
}

func (d *decoder) sequence(n ast.Node, v reflect.Value, path string) {
	seq, ok := n.(*ast.SequenceNode)
	if !ok {
		d.complain(n.GetToken(), "write [a, b] or a line beginning with - for each", "%s must be a list", describe(path))
		return
	}
	for i, item := range seq.Values {
		elem := reflect.New(v.Type().Elem()).Elem()
		here := fmt.Sprintf("%s[%d]", path, i)
		d.at[here] = item.GetToken()
		d.value(item, elem, here)
		v.Set(reflect.Append(v, elem))
	}
}

func (d *decoder) scalar(n ast.Node, v reflect.Value, path string) {
	s, ok := n.(ast.ScalarNode)
	if !ok {
		d.complain(n.GetToken(), "", "%s must be a single value", describe(path))
		return
	}
	text := s.GetToken().Value
	if err := d.set(v, text); err != nil {
		d.complain(n.GetToken(), "", "%s: %v", describe(path), err)
	}
}

func (d *decoder) set(v reflect.Value, text string) error {
	var parsed any
	var err error
	switch v.Interface().(type) {
	case Path:
		if text != "" && !filepath.IsAbs(text) {
			text = filepath.Join(d.dir, text)
		}
		parsed = Path(text)
	case Size:
		parsed, err = ParseSize(text)
	case time.Duration:
		parsed, err = ParseDuration(text)
	case netip.Prefix:
		parsed, err = parsePrefix(text)
	case bool:
		if text != "true" && text != "false" {
			return fmt.Errorf("%.40q is neither true nor false", text)
		}
		parsed = text == "true"
	case int:
		parsed, err = strconv.Atoi(text)
		if err != nil {
			return fmt.Errorf("%.40q is not a whole number", text)
		}
	default:
		v.SetString(text)
		return nil
	}
	if err != nil {
		return err
	}
	v.Set(reflect.ValueOf(parsed))
	return nil
}

func describe(path string) string {
	if path == "" {
		return "the file"
	}
	return path
}
