-- The book. Instants are microseconds since 1970 UTC, ids 16 bytes, digests 32.
--
-- Three kinds of tables: append-only ones hold what the office has said (leaf,
-- node, entry, checkpoint, access); counters hold the present edge of that
-- (head, series, counter, arrival) and only ever grow; all others are
-- projections that the leaves can rebuild, or work in hand.
--
-- Whatever fails rolls the whole transaction back (RAISE ROLLBACK, deferred
-- keys): a statement that might be undone alone copies each page it touches.
--
-- KN001 is raised by whatever would change what was said. REPLACE asks delete
-- triggers only on connections with recursive_triggers, which ours have; where
-- one row is inserted at a time, inserts ask for the keys themselves too.

-- +goose Up

-- One leaf of the ledger. content may be erased by law; body never is.
CREATE TABLE leaf (
	idx          INTEGER PRIMARY KEY CHECK (idx >= 0),
	type         TEXT    NOT NULL,
	subject      TEXT    NOT NULL,
	key          TEXT    NOT NULL UNIQUE,
	at           INTEGER NOT NULL,
	actor        TEXT    NOT NULL,
	on_behalf_of TEXT    NOT NULL,
	salt         BLOB    NOT NULL CHECK (length(salt) = 32),
	body         BLOB    NOT NULL,
	hash         BLOB    NOT NULL CHECK (length(hash) = 32),
	content      BLOB
) STRICT;
CREATE INDEX leaf_subject ON leaf (subject);

-- The one lawful change: the content of what an erasure names is put out.
-- +goose StatementBegin
CREATE TRIGGER leaf_stays BEFORE UPDATE ON leaf
WHEN NEW.content IS NOT NULL
	OR NEW.idx IS NOT OLD.idx OR NEW.type IS NOT OLD.type OR NEW.subject IS NOT OLD.subject
	OR NEW.key IS NOT OLD.key OR NEW.at IS NOT OLD.at OR NEW.actor IS NOT OLD.actor
	OR NEW.on_behalf_of IS NOT OLD.on_behalf_of OR NEW.salt IS NOT OLD.salt
	OR NEW.body IS NOT OLD.body OR NEW.hash IS NOT OLD.hash
	OR NOT EXISTS (SELECT 1 FROM erasure WHERE leaf = OLD.idx)
BEGIN
	SELECT RAISE(ROLLBACK, 'KN001 a leaf never changes');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER leaf_remains BEFORE DELETE ON leaf
BEGIN
	SELECT RAISE(ROLLBACK, 'KN001 a leaf is never deleted');
END;
-- +goose StatementEnd

-- Which leaf's content was put out by which leaf that says so.
CREATE TABLE erasure (
	leaf       INTEGER PRIMARY KEY REFERENCES leaf (idx),
	ordered_by INTEGER NOT NULL REFERENCES leaf (idx),
	CHECK (ordered_by > leaf)
) STRICT;

-- +goose StatementBegin
CREATE TRIGGER erasure_is_said BEFORE INSERT ON erasure
WHEN NOT EXISTS (SELECT 1 FROM leaf WHERE idx = NEW.ordered_by AND type = 'erased')
	OR EXISTS (SELECT 1 FROM erasure WHERE leaf = NEW.leaf)
BEGIN
	SELECT RAISE(ROLLBACK, 'KN001 an erasure needs a leaf that orders it');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER erasure_stays BEFORE UPDATE ON erasure
BEGIN
	SELECT RAISE(ROLLBACK, 'KN001 an erasure never changes');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER erasure_remains BEFORE DELETE ON erasure
BEGIN
	SELECT RAISE(ROLLBACK, 'KN001 an erasure is never deleted');
END;
-- +goose StatementEnd

-- Stored hashes of the tree, by tlog index.
CREATE TABLE node (
	pos  INTEGER PRIMARY KEY CHECK (pos >= 0),
	hash BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT;

-- +goose StatementBegin
CREATE TRIGGER node_stays BEFORE UPDATE ON node
BEGIN
	SELECT RAISE(ROLLBACK, 'KN001 a tree hash never changes');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER node_remains BEFORE DELETE ON node
BEGIN
	SELECT RAISE(ROLLBACK, 'KN001 a tree hash is never deleted');
END;
-- +goose StatementEnd

-- The edge of the ledger: one row, held by whoever writes. edge is the roots of
-- the complete subtrees one after the other.
CREATE TABLE head (
	one     INTEGER PRIMARY KEY CHECK (one = 1),
	size    INTEGER NOT NULL CHECK (size >= 0),
	edge    BLOB    NOT NULL CHECK (length(edge) % 32 = 0),
	last_at INTEGER,
	origin  TEXT    NOT NULL
) STRICT;
INSERT INTO head (one, size, edge, last_at, origin) VALUES (1, 0, x'', NULL, '');

-- Looked at once for each transaction: the ledger only grows, and by leaves and
-- tree hashes that are there. (A tree of size n has 2n - popcount(n) hashes; the
-- last of them has the greatest position.)
-- +goose StatementBegin
CREATE TRIGGER head_grows BEFORE UPDATE ON head
WHEN NEW.size < OLD.size OR NEW.one IS NOT OLD.one
	OR NEW.size <> (SELECT coalesce(max(idx), -1) + 1 FROM leaf)
	OR 2 * NEW.size - length(NEW.edge) / 32 <> (SELECT coalesce(max(pos), -1) + 1 FROM node)
BEGIN
	SELECT RAISE(ROLLBACK, 'KN001 the ledger only grows, and by what is there');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER head_is_one BEFORE INSERT ON head
WHEN EXISTS (SELECT 1 FROM head)
BEGIN
	SELECT RAISE(ROLLBACK, 'KN001 there is one ledger');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER head_remains BEFORE DELETE ON head
BEGIN
	SELECT RAISE(ROLLBACK, 'KN001 the ledger is never deleted');
END;
-- +goose StatementEnd

-- A series of numbers and how many of it are taken.
CREATE TABLE series (
	register  TEXT    NOT NULL,
	year      INTEGER NOT NULL,
	taken     INTEGER NOT NULL CHECK (taken >= 0),
	last_at   INTEGER,
	opened_at INTEGER,
	closed_at INTEGER,
	PRIMARY KEY (register, year)
) STRICT, WITHOUT ROWID;

-- +goose StatementBegin
CREATE TRIGGER series_grows BEFORE UPDATE ON series
WHEN NEW.taken < OLD.taken OR NEW.register IS NOT OLD.register OR NEW.year IS NOT OLD.year
	OR (OLD.closed_at IS NOT NULL AND NEW.closed_at IS NOT OLD.closed_at)
BEGIN
	SELECT RAISE(ROLLBACK, 'KN001 a series only grows and is closed once');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER series_opens_once BEFORE INSERT ON series
WHEN NEW.taken < (SELECT taken FROM series WHERE register = NEW.register AND year = NEW.year)
BEGIN
	SELECT RAISE(ROLLBACK, 'KN001 a series only grows and is closed once');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER series_remains BEFORE DELETE ON series
BEGIN
	SELECT RAISE(ROLLBACK, 'KN001 a series is never deleted');
END;
-- +goose StatementEnd

-- An entry: which number went to which item, by which leaf.
CREATE TABLE entry (
	leaf          INTEGER PRIMARY KEY REFERENCES leaf (idx) DEFERRABLE INITIALLY DEFERRED,
	register      TEXT    NOT NULL,
	year          INTEGER NOT NULL,
	seq           INTEGER NOT NULL CHECK (seq >= 1),
	item          BLOB    NOT NULL UNIQUE CHECK (length(item) = 16),
	registered_at INTEGER NOT NULL,
	UNIQUE (register, year, seq)
) STRICT;

-- No gap and no second use. Numbers lost in a restore are counted as taken
-- before the next is given; that is the only jump.
-- +goose StatementBegin
CREATE TRIGGER entry_follows BEFORE INSERT ON entry
WHEN NEW.seq <> 1 + max(
		(SELECT coalesce(max(seq), 0) FROM entry WHERE register = NEW.register AND year = NEW.year),
		(SELECT coalesce(max(taken), 0) FROM series WHERE register = NEW.register AND year = NEW.year))
BEGIN
	SELECT RAISE(ROLLBACK, 'KN001 a number follows the one before it and is not given twice');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER entry_stays BEFORE UPDATE ON entry
BEGIN
	SELECT RAISE(ROLLBACK, 'KN001 an entry never changes');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER entry_remains BEFORE DELETE ON entry
BEGIN
	SELECT RAISE(ROLLBACK, 'KN001 an entry is never deleted');
END;
-- +goose StatementEnd

-- What became of each item that ever came.
CREATE TABLE arrival (
	item            BLOB    PRIMARY KEY CHECK (length(item) = 16),
	delivery        BLOB    NOT NULL CHECK (length(delivery) = 16),
	disposition     TEXT    NOT NULL,
	leaf            INTEGER NOT NULL,
	number_register TEXT,
	number_year     INTEGER,
	number_seq      INTEGER,
	place           TEXT    NOT NULL,
	accepted_at     INTEGER NOT NULL,
	register        TEXT    NOT NULL,
	reason          TEXT    NOT NULL,
	redelivered     INTEGER NOT NULL,
	first           BLOB CHECK (length(first) = 16)
) STRICT, WITHOUT ROWID;
CREATE INDEX arrival_disposition ON arrival (disposition, leaf) WHERE disposition <> 'registered';

-- +goose StatementBegin
CREATE TRIGGER arrival_remains BEFORE DELETE ON arrival
BEGIN
	SELECT RAISE(ROLLBACK, 'KN001 an arrival is never forgotten');
END;
-- +goose StatementEnd

-- The present of an entry. body is the whole of it as JSON; the columns are
-- what lists ask for.
CREATE TABLE work (
	leaf       INTEGER PRIMARY KEY REFERENCES entry (leaf) DEFERRABLE INITIALLY DEFERRED,
	register   TEXT    NOT NULL,
	year       INTEGER NOT NULL,
	status     TEXT    NOT NULL,
	open       INTEGER NOT NULL CHECK (open IN (0, 1)),
	department TEXT    NOT NULL,
	clerk      TEXT    NOT NULL,
	class      TEXT    NOT NULL,
	folder     TEXT    NOT NULL,
	due        TEXT    NOT NULL,
	flags      TEXT    NOT NULL,
	sender     TEXT    NOT NULL, -- e-mail, lower case
	restricted INTEGER NOT NULL CHECK (restricted IN (0, 1)),
	readers    TEXT,
	hide_from  TEXT,
	body       TEXT    NOT NULL
) STRICT;
CREATE INDEX work_clerk ON work (clerk);
CREATE INDEX work_department ON work (department);
CREATE INDEX work_folder ON work (folder);
CREATE INDEX work_open_of ON work (clerk) WHERE open = 1;
CREATE INDEX work_due ON work (due, leaf) WHERE open = 1 AND due <> '';

-- Which leaves bear a mark: eight bytes of the digest of a Message-ID, a
-- sender, a recipient or a trace. Ordinary indexes on such random values cost
-- fifteen times as much as the rows at 200,000 entries, and more with each; this
-- one appends and merges. It is never deleted from: who looks compares the
-- values themselves.
CREATE VIRTUAL TABLE mark USING fts5(
	marks, content = '', columnsize = 0, detail = none, tokenize = 'ascii'
);

-- A folder. What a moved case leaves behind is one too, so id is not always
-- that of an entry.
CREATE TABLE folder (
	id          TEXT    PRIMARY KEY,
	state       TEXT    NOT NULL,
	case_number TEXT    NOT NULL,
	year        INTEGER NOT NULL,
	class       TEXT    NOT NULL,
	department  TEXT    NOT NULL,
	clerk       TEXT    NOT NULL,
	title       TEXT    NOT NULL,
	joined_into TEXT    NOT NULL,
	moved_to    TEXT    NOT NULL,
	moved_from  TEXT    NOT NULL,
	entries     INTEGER NOT NULL,
	opened_at   INTEGER NOT NULL,
	closed_at   INTEGER,
	case_at     INTEGER,
	leaf        INTEGER NOT NULL,
	last_leaf   INTEGER NOT NULL,
	restricted  INTEGER NOT NULL CHECK (restricted IN (0, 1))
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX folder_case ON folder (case_number) WHERE case_number <> '';
CREATE INDEX folder_leaf ON folder (leaf, id);
CREATE INDEX folder_class ON folder (class, year);

-- How many case numbers of a list of cases are taken.
CREATE TABLE counter (
	department TEXT    NOT NULL,
	class      TEXT    NOT NULL,
	subgroup   INTEGER NOT NULL,
	year       INTEGER NOT NULL,
	taken      INTEGER NOT NULL,
	PRIMARY KEY (department, class, subgroup, year)
) STRICT, WITHOUT ROWID;

-- +goose StatementBegin
CREATE TRIGGER counter_grows BEFORE UPDATE ON counter
WHEN NEW.taken < OLD.taken
BEGIN
	SELECT RAISE(ROLLBACK, 'KN001 a case number is not given twice');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER counter_opens_once BEFORE INSERT ON counter
WHEN NEW.taken < (
	SELECT taken FROM counter
	 WHERE department = NEW.department AND class = NEW.class AND subgroup = NEW.subgroup AND year = NEW.year)
BEGIN
	SELECT RAISE(ROLLBACK, 'KN001 a case number is not given twice');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER counter_remains BEFORE DELETE ON counter
BEGIN
	SELECT RAISE(ROLLBACK, 'KN001 a list of cases is never deleted');
END;
-- +goose StatementEnd

-- How much a clerk has in hand.
CREATE TABLE balance (
	clerk     TEXT PRIMARY KEY,
	open      INTEGER NOT NULL,
	given     INTEGER NOT NULL,
	last_leaf INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Letters that came lately, to know them when they come again; found by marks.
CREATE TABLE trace (
	leaf     INTEGER NOT NULL,
	kind     INTEGER NOT NULL,
	key      BLOB    NOT NULL CHECK (length(key) = 16),
	week     INTEGER NOT NULL,
	item     BLOB    NOT NULL CHECK (length(item) = 16),
	digest   BLOB    NOT NULL CHECK (length(digest) = 32),
	register TEXT    NOT NULL,
	year     INTEGER NOT NULL,
	seq      INTEGER NOT NULL,
	at       INTEGER NOT NULL,
	PRIMARY KEY (leaf, kind, key)
) STRICT, WITHOUT ROWID;

-- Notices and receipts to be sent. turn marks the one row of each recipient
-- that may be sent now, so that claiming costs the same with any backlog.
CREATE TABLE outbox (
	leaf       INTEGER NOT NULL,
	n          INTEGER NOT NULL,
	node       TEXT    NOT NULL,
	kind       TEXT    NOT NULL,
	recipient  TEXT    NOT NULL,
	whose      INTEGER NOT NULL, -- eight bytes of the recipient's digest
	register   TEXT    NOT NULL,
	year       INTEGER NOT NULL,
	seq        INTEGER NOT NULL,
	item       BLOB    NOT NULL CHECK (length(item) = 16),
	variant    TEXT    NOT NULL,
	state      TEXT    NOT NULL CHECK (state IN ('ready', 'leased', 'sent', 'dead', 'replayed')),
	turn       INTEGER NOT NULL CHECK (turn IN (0, 1)),
	attempts   INTEGER NOT NULL,
	not_before INTEGER,
	lease_by   TEXT    NOT NULL DEFAULT '',
	lease_till INTEGER,
	message_id TEXT    NOT NULL,
	rendered   BLOB,
	sender     TEXT    NOT NULL DEFAULT '',
	addresses  TEXT    NOT NULL DEFAULT '[]',
	last_error TEXT    NOT NULL DEFAULT '',
	created_at INTEGER,
	done_at    INTEGER,
	PRIMARY KEY (leaf, n),
	CHECK (turn = 0 OR state IN ('ready', 'leased'))
) STRICT, WITHOUT ROWID;
CREATE INDEX outbox_turn ON outbox (leaf, n) WHERE turn = 1;
CREATE INDEX outbox_turn_of ON outbox (whose) WHERE turn = 1;
CREATE INDEX outbox_waiting ON outbox (whose, leaf, n) WHERE turn = 0 AND state IN ('ready', 'leased');
CREATE INDEX outbox_odd ON outbox (state, leaf, n) WHERE state IN ('dead', 'replayed');

-- +goose StatementBegin
CREATE TRIGGER outbox_remains BEFORE DELETE ON outbox
BEGIN
	SELECT RAISE(ROLLBACK, 'KN001 what was to be sent is never forgotten');
END;
-- +goose StatementEnd

-- Mutable facts without a leaf.
CREATE TABLE note (
	kind    TEXT    NOT NULL,
	key     TEXT    NOT NULL,
	value   BLOB    NOT NULL,
	expires INTEGER,
	version INTEGER NOT NULL,
	PRIMARY KEY (kind, key)
) STRICT;
CREATE INDEX note_expires ON note (expires) WHERE expires IS NOT NULL;

-- Who looked at what: written once, gone when its term is over.
CREATE TABLE access (
	key     TEXT    PRIMARY KEY,
	value   BLOB    NOT NULL,
	expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX access_expires ON access (expires);

-- +goose StatementBegin
CREATE TRIGGER access_is_new BEFORE INSERT ON access
WHEN EXISTS (SELECT 1 FROM access WHERE key = NEW.key)
BEGIN
	SELECT RAISE(ROLLBACK, 'KN001 an access event is written once');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER access_stays BEFORE UPDATE ON access
BEGIN
	SELECT RAISE(ROLLBACK, 'KN001 an access event never changes');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER access_remains BEFORE DELETE ON access
WHEN OLD.expires > CAST(unixepoch('subsec') * 1000000 AS INTEGER)
BEGIN
	SELECT RAISE(ROLLBACK, 'KN001 an access event is kept for its term');
END;
-- +goose StatementEnd

-- Who holds what until when.
CREATE TABLE lease (
	name  TEXT PRIMARY KEY,
	node  TEXT    NOT NULL,
	until INTEGER NOT NULL,
	note  TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

-- Signed tree heads.
CREATE TABLE checkpoint (
	size      INTEGER PRIMARY KEY CHECK (size >= 0),
	root      BLOB    NOT NULL CHECK (length(root) = 32),
	note      BLOB    NOT NULL,
	signed_at INTEGER NOT NULL
) STRICT;

-- +goose StatementBegin
CREATE TRIGGER checkpoint_follows BEFORE INSERT ON checkpoint
WHEN NEW.size <= (SELECT max(size) FROM checkpoint)
BEGIN
	SELECT RAISE(ROLLBACK, 'KN001 a checkpoint follows the one before it');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER checkpoint_stays BEFORE UPDATE ON checkpoint
BEGIN
	SELECT RAISE(ROLLBACK, 'KN001 a checkpoint never changes');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER checkpoint_remains BEFORE DELETE ON checkpoint
BEGIN
	SELECT RAISE(ROLLBACK, 'KN001 a checkpoint is never deleted');
END;
-- +goose StatementEnd

-- Search text by leaf of the entry: a projection that holds no text to read
-- back, only where words occur.
CREATE VIRTUAL TABLE search USING fts5(
	words, content = '', contentless_delete = 1, detail = none,
	tokenize = 'unicode61 remove_diacritics 0'
);
