// Package postgres keeps the book in PostgreSQL: the store of an office with
// several gateways, or with a database that others look after.
//
// One lock orders all that has a leaf: the row of the ledger's head, taken
// first. What must never change is refused by triggers and by privileges: the
// service's role owns nothing (see Migrate), and Open refuses one that does.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"kancelaria/registry"
)

// Options of Open and Migrate; the zero value works.
type Options struct {
	// Now is the clock; it serves leases and terms, never what is registered.
	Now func() time.Time
	Log *slog.Logger
	// Origin names the ledger of a book that has no name yet.
	Origin string
	// Password, if set, is used instead of the DSN's.
	Password string
	// Node is shown to the database's administrator.
	Node string
	// Connections bounds how many are open at once; 0 is 8.
	Connections int
	// Timeout bounds one verb; 0 is 15s.
	Timeout time.Duration
	// AllowOwner lets the service work under a role that owns the tables: only
	// triggers guard the book then, and Check says so.
	AllowOwner bool
}

// A Store is a book in PostgreSQL. It implements registry.Store.
type Store struct {
	pool    *pgxpool.Pool
	now     func() time.Time
	log     *slog.Logger
	timeout time.Duration
	login   string // the role of the DSN
	allowed bool   // to work as owner
}

var _ registry.Store = (*Store)(nil)

// schema is where everything lies.
const schema = "kancelaria"

// Open connects to a book that Migrate has prepared. A role that could change
// what was said is refused, as is a schema of another version (ErrSchema).
func Open(ctx context.Context, dsn string, o Options) (*Store, error) {
	o.fill()
	cfg, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, fmt.Errorf("opening the book: %w: %w", registry.ErrUnavailable, err)
	}
	prepare(cfg.ConnConfig, o)
	cfg.MaxConns = int32(o.Connections)
	cfg.ConnConfig.OnNotice = remember
	serviceParams(cfg.ConnConfig.RuntimeParams)

	s := &Store{now: o.Now, log: o.Log, timeout: o.Timeout, login: cfg.ConnConfig.User, allowed: o.AllowOwner}
	role, err := s.look(ctx, cfg.ConnConfig)
	if err != nil {
		return nil, fmt.Errorf("opening the book at %s: %w", where(cfg.ConnConfig), err)
	}
	if role != "" {
		cfg.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
			_, err := conn.Exec(ctx, "SET ROLE "+pgx.Identifier{role}.Sanitize())
			return err
		}
	}
	if s.pool, err = pgxpool.NewWithConfig(context.WithoutCancel(ctx), cfg); err != nil {
		return nil, fmt.Errorf("opening the book at %s: %w", where(cfg.ConnConfig), failure(ctx, err))
	}
	if err := s.name(ctx, o.Origin); err != nil {
		s.pool.Close()
		return nil, fmt.Errorf("opening the book at %s: %w", where(cfg.ConnConfig), err)
	}
	return s, nil
}

func (o *Options) fill() {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Connections == 0 {
		o.Connections = 8
	}
	if o.Timeout == 0 {
		o.Timeout = 15 * time.Second
	}
}

// where names the database without its password.
func where(c *pgx.ConnConfig) string {
	return fmt.Sprintf("%s:%d/%s", c.Host, c.Port, c.Database)
}

// prepare sets what every connection of ours has, the owner's too.
func prepare(c *pgx.ConnConfig, o Options) {
	if o.Password != "" {
		c.Password = o.Password
	}
	if c.ConnectTimeout == 0 {
		c.ConnectTimeout = 5 * time.Second
	}
	// A dead network is noticed by the kernel too, not only by our deadlines.
	c.DialFunc = (&net.Dialer{Timeout: c.ConnectTimeout, KeepAliveConfig: net.KeepAliveConfig{
		Enable: true, Idle: 10 * time.Second, Interval: 5 * time.Second, Count: 3,
	}}).DialContext
	p := c.RuntimeParams
	p["application_name"] = "kancelaria"
	if o.Node != "" {
		p["application_name"] = "kancelaria/" + o.Node
	}
	p["search_path"] = schema + ", pg_temp"
	p["timezone"] = "UTC"
}

// serviceParams bound how long a gateway that hangs can hold the head. The
// planner is told to use indexes: prepared statements keep plans that were made
// while the tables were empty, and all we ask can be answered by an index.
func serviceParams(p map[string]string) {
	p["statement_timeout"] = "10s"
	p["lock_timeout"] = "5s"
	p["idle_in_transaction_session_timeout"] = "5s"
	p["enable_seqscan"] = "off"
	p["enable_hashjoin"] = "off"
	p["enable_mergejoin"] = "off"
	p["jit"] = "off"
}

// noticed is the key under which a connection remembers its last notice.
const noticed = "kancelaria.noticed"

// remember keeps a notice until somebody asks: one on COMMIT may say that the
// commit is not where it should be.
func remember(c *pgconn.PgConn, n *pgconn.Notice) { c.CustomData()[noticed] = n.Message }

// name gives the ledger its origin, once.
func (s *Store) name(ctx context.Context, origin string) error {
	if origin == "" {
		return nil
	}
	_, err := s.pool.Exec(ctx, "UPDATE head SET origin = $1 WHERE origin = ''", origin)
	return failure(ctx, err)
}

// Clock asks the database for its time: gateways whose clocks differ from it
// by much do not register.
func (s *Store) Clock(ctx context.Context) (t time.Time, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	if err := s.pool.QueryRow(ctx, "SELECT clock_timestamp()").Scan(&t); err != nil {
		return t, fmt.Errorf("asking the database for the time: %w", failure(ctx, err))
	}
	return t.UTC(), nil
}

// Close lets go of all connections.
func (s *Store) Close() error {
	s.pool.Close()
	return nil
}

// session runs do on one connection, bounded in time. What do leaves open is
// rolled back.
func (s *Store) session(ctx context.Context, do func(ctx context.Context, c *pgx.Conn) error) error {
	bound, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	conn, err := s.pool.Acquire(bound)
	if err != nil {
		return failure(ctx, err)
	}
	defer conn.Release()
	err = do(bound, conn.Conn())
	if conn.Conn().PgConn().TxStatus() != 'I' && !conn.Conn().IsClosed() {
		s.rollback(ctx, conn.Conn())
	}
	return failure(ctx, err)
}

// rollback ends a transaction; a connection that can't is closed by the pool.
func (s *Store) rollback(ctx context.Context, c *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	if _, err := c.Exec(ctx, "ROLLBACK"); err != nil {
		s.log.Debug("book.rollback_failed", "err", err)
	}
}

// commit sends the last statements of a transaction with its COMMIT, in one
// go. From here on only an error of the server about a statement means that
// nothing was written; whatever else happens, it may have been.
func (s *Store) commit(ctx context.Context, c *pgx.Conn, b *pgx.Batch) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.timeout)
	defer cancel()
	delete(c.PgConn().CustomData(), noticed)
	b.Queue("COMMIT")
	if err := c.SendBatch(ctx, b).Close(); err != nil {
		e, ok := errors.AsType[*pgconn.PgError](err)
		if ok && e.SeverityUnlocalized == "ERROR" {
			return err
		}
		return fmt.Errorf("%w: %w", registry.ErrUnknownOutcome, err)
	}
	if text, ok := c.PgConn().CustomData()[noticed]; ok {
		return fmt.Errorf("%w: the database said on COMMIT: %s", registry.ErrUnknownOutcome, text)
	}
	return nil
}

// query reads all rows of one statement outside any transaction.
func (s *Store) query(ctx context.Context, text string, scan func(row) error, args ...any) error {
	bound, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	rows, err := s.pool.Query(bound, text, args...)
	if err != nil {
		return failure(ctx, err)
	}
	return failure(ctx, each(rows, scan))
}

// A row is what can be scanned.
type row interface{ Scan(dest ...any) error }

func each(rows pgx.Rows, scan func(row) error) error {
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	rows.Close()
	return rows.Err()
}
