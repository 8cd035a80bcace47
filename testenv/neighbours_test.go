package testenv_test

import (
	"testing"

	"kancelaria/testenv"
)

func TestPostgresForgetsNothingInACrash(t *testing.T) {
	pg := testenv.Postgres(t)
	dsn := pg.NewDatabase(t)
	pg.Exec(t, dsn, "CREATE TABLE t (n integer); INSERT INTO t VALUES (41), (42)")
	pg.RestartImmediate(t)
	if got := pg.Exec(t, dsn, "SELECT sum(n) FROM t"); got != "83" {
		t.Errorf("sum = %q, want 83", got)
	}
	pg.Stop(t)
	pg.Start(t)
	if got := pg.Exec(t, dsn, "SELECT count(*) FROM t"); got != "2" {
		t.Errorf("count = %q, want 2", got)
	}
}

func TestPostgresDatabasesAreApart(t *testing.T) {
	pg := testenv.Postgres(t)
	a, b := pg.NewDatabase(t), pg.NewDatabase(t)
	pg.Exec(t, a, "CREATE TABLE only_here (n integer)")
	if got := pg.Exec(t, b, "SELECT count(*) FROM pg_tables WHERE tablename = 'only_here'"); got != "0" {
		t.Errorf("a table of one database is seen %s times in the other", got)
	}
}
