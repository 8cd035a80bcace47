package postgres

import (
	"context"
	_ "embed"
	"fmt"
	"slices"
	"strings"

	"kancelaria/registry"
)

// fingerprint is the description of the schema that the migrations make, one
// object a line; a test writes it (-update) and compares it.
//
//go:embed schema.txt
var fingerprint string

// describe lists what guards the book: tables with their columns, indexes,
// constraints, triggers and whether they always fire, and the text of each
// function.
//
//go:embed describe.sql
var describe string

// Check implements registry.Store: it compares each object with what the
// migrations make, and looks at what the service's role may do.
func (s *Store) Check(ctx context.Context) ([]registry.Finding, error) {
	bound, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	found, err := examine(bound, s.pool, s.login)
	if err != nil {
		return nil, fmt.Errorf("checking the book: %w", failure(ctx, err))
	}
	return found, nil
}

func examine(ctx context.Context, c querier, login string) ([]registry.Finding, error) {
	have, err := describeSchema(ctx, c)
	if err != nil {
		return nil, err
	}
	found := differences(strings.Split(strings.TrimSpace(fingerprint), "\n"), have)
	able, err := powers(ctx, c)
	if err != nil {
		return nil, err
	}
	for _, a := range able {
		found = append(found, registry.Finding{
			Code: "role_too_strong", Subject: "role " + login,
			Text: fmt.Sprintf("the service's role %s: only triggers guard the book from it", a),
		})
	}
	missing, err := lacking(ctx, c)
	return append(found, missing...), err
}

// describeSchema gives the lines of describe.sql.
func describeSchema(ctx context.Context, c querier) (lines []string, err error) {
	rows, err := c.Query(ctx, describe, schema)
	if err != nil {
		return nil, err
	}
	err = each(rows, func(r row) error {
		var line string
		err := r.Scan(&line)
		lines = append(lines, strings.Join(strings.Fields(line), " "))
		return err
	})
	return lines, err
}

// differences names what lacks, what was changed and what was added. A line
// begins with the object's kind and name, up to a colon.
func differences(want, have []string) (found []registry.Finding) {
	object := func(line string) string { name, _, _ := strings.Cut(line, ":"); return name }
	there := map[string]bool{}
	for _, line := range have {
		there[object(line)] = true
	}
	known := map[string]bool{}
	finding := func(code, subject, format string) {
		found = append(found, registry.Finding{Code: code, Subject: subject, Text: fmt.Sprintf(format, subject)})
	}
	for _, line := range want {
		name := object(line)
		known[name] = true
		switch {
		case slices.Contains(have, line):
		case !there[name] && strings.HasPrefix(name, "trigger "):
			finding("trigger_missing", name, "the %s is missing: what it guards can be changed unnoticed by the database")
		case !there[name]:
			finding("schema_missing", name, "the %s is missing")
		default:
			finding("schema_changed", name, "the %s is not as kancelaria made it")
		}
	}
	for _, line := range have {
		if name := object(line); !known[name] {
			finding("schema_foreign", name, "the %s is not of kancelaria's making")
		}
	}
	return found
}

// lacking names the rights that the service's role needs and does not have.
func lacking(ctx context.Context, c querier) (found []registry.Finding, err error) {
	var privileges, tables []string
	for _, r := range rights {
		for _, p := range strings.Split(r.privileges, ", ") {
			for _, t := range strings.Split(r.tables, ", ") {
				if p != "UPDATE (content)" {
					privileges, tables = append(privileges, p), append(tables, t)
				}
			}
		}
	}
	rows, err := c.Query(ctx, `SELECT t, p FROM unnest($2::text[], $3::text[]) AS v (t, p)
 WHERE pg_catalog.to_regclass($1 || '.' || t) IS NOT NULL AND NOT pg_catalog.has_table_privilege(current_user, $1 || '.' || t, p)
 ORDER BY t, p`, schema, tables, privileges)
	if err != nil {
		return nil, err
	}
	err = each(rows, func(r row) error {
		var table, privilege string
		err := r.Scan(&table, &privilege)
		found = append(found, registry.Finding{
			Code: "grant_missing", Subject: "table " + table,
			Text: fmt.Sprintf("the service's role may not %s on %s; run kancelaria migrate", privilege, table),
		})
		return err
	})
	return found, err
}
