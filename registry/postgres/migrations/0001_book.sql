-- The book. Everything lies in the schema kancelaria and belongs to the role
-- that migrates; the service's role owns nothing.
--
-- Three kinds of tables: append-only ones hold what the office has said (leaf,
-- erasure, node, entry, checkpoint, access); counters hold the present edge of
-- that (head, series, counter, arrival) and only ever grow; all others are
-- projections that the leaves can rebuild, or work in hand.
--
-- KN001 is raised by whatever would change what was said. The triggers are
-- ENABLE ALWAYS: session_replication_role would pass by ordinary ones. There
-- are no foreign keys: they lock, and so write again, each row they point at.

-- +goose Up

-- +goose StatementBegin
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql SET search_path = kancelaria, pg_temp AS $$
BEGIN
	RAISE EXCEPTION USING ERRCODE = 'KN001', MESSAGE = TG_ARGV[0];
END $$;
-- +goose StatementEnd

-- One leaf of the ledger. content may be erased by law; body never is.
CREATE TABLE leaf (
	idx          bigint      PRIMARY KEY CHECK (idx >= 0),
	type         text        NOT NULL,
	subject      text        NOT NULL,
	key          text        NOT NULL UNIQUE,
	at           timestamptz NOT NULL,
	actor        text        NOT NULL,
	on_behalf_of text        NOT NULL,
	salt         bytea       NOT NULL CHECK (octet_length(salt) = 32),
	body         bytea       NOT NULL,
	hash         bytea       NOT NULL CHECK (octet_length(hash) = 32),
	content      bytea
);
CREATE INDEX leaf_subject ON leaf (subject, idx);

-- Which leaf's content was put out by which leaf that says so.
CREATE TABLE erasure (
	leaf       bigint PRIMARY KEY,
	ordered_by bigint NOT NULL,
	CHECK (ordered_by > leaf)
);

-- +goose StatementBegin
CREATE FUNCTION leaf_follows() RETURNS trigger LANGUAGE plpgsql SET search_path = kancelaria, pg_temp AS $$
DECLARE
	first bigint; last bigint; n bigint;
BEGIN
	SELECT min(idx), max(idx), count(*) INTO first, last, n FROM fresh;
	IF n > 0 AND (last - first + 1 <> n OR first <> coalesce((SELECT max(idx) FROM leaf WHERE idx < first), -1) + 1) THEN
		RAISE EXCEPTION USING ERRCODE = 'KN001', MESSAGE = 'a leaf follows the one before it';
	END IF;
	RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER leaf_follows AFTER INSERT ON leaf REFERENCING NEW TABLE AS fresh
	FOR EACH STATEMENT EXECUTE FUNCTION leaf_follows();
ALTER TABLE leaf ENABLE ALWAYS TRIGGER leaf_follows;

-- The one lawful change: the content of what an erasure names is put out.
-- +goose StatementBegin
CREATE FUNCTION leaf_stays() RETURNS trigger LANGUAGE plpgsql SET search_path = kancelaria, pg_temp AS $$
BEGIN
	IF NEW.content IS NOT NULL OR to_jsonb(NEW) - 'content' IS DISTINCT FROM to_jsonb(OLD) - 'content'
		OR NOT EXISTS (SELECT FROM erasure WHERE leaf = OLD.idx) THEN
		RAISE EXCEPTION USING ERRCODE = 'KN001', MESSAGE = 'a leaf never changes';
	END IF;
	RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER leaf_stays BEFORE UPDATE ON leaf FOR EACH ROW EXECUTE FUNCTION leaf_stays();
CREATE TRIGGER leaf_remains BEFORE DELETE ON leaf FOR EACH ROW EXECUTE FUNCTION refuse('a leaf is never deleted');
CREATE TRIGGER leaf_is_kept BEFORE TRUNCATE ON leaf FOR EACH STATEMENT EXECUTE FUNCTION refuse('leaves are never deleted');
ALTER TABLE leaf ENABLE ALWAYS TRIGGER leaf_stays;
ALTER TABLE leaf ENABLE ALWAYS TRIGGER leaf_remains;
ALTER TABLE leaf ENABLE ALWAYS TRIGGER leaf_is_kept;

-- +goose StatementBegin
CREATE FUNCTION erasure_is_said() RETURNS trigger LANGUAGE plpgsql SET search_path = kancelaria, pg_temp AS $$
BEGIN
	IF NOT EXISTS (SELECT FROM leaf WHERE idx = NEW.ordered_by AND type = 'erased') THEN
		RAISE EXCEPTION USING ERRCODE = 'KN001', MESSAGE = 'an erasure needs a leaf that orders it';
	END IF;
	RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER erasure_is_said BEFORE INSERT ON erasure FOR EACH ROW EXECUTE FUNCTION erasure_is_said();
CREATE TRIGGER erasure_stays BEFORE UPDATE OR DELETE ON erasure FOR EACH ROW EXECUTE FUNCTION refuse('an erasure never changes');
CREATE TRIGGER erasure_is_kept BEFORE TRUNCATE ON erasure FOR EACH STATEMENT EXECUTE FUNCTION refuse('erasures are never deleted');
ALTER TABLE erasure ENABLE ALWAYS TRIGGER erasure_is_said;
ALTER TABLE erasure ENABLE ALWAYS TRIGGER erasure_stays;
ALTER TABLE erasure ENABLE ALWAYS TRIGGER erasure_is_kept;

-- Stored hashes of the tree, by tlog index.
CREATE TABLE node (
	pos  bigint PRIMARY KEY CHECK (pos >= 0),
	hash bytea  NOT NULL CHECK (octet_length(hash) = 32)
);

-- +goose StatementBegin
CREATE FUNCTION node_follows() RETURNS trigger LANGUAGE plpgsql SET search_path = kancelaria, pg_temp AS $$
DECLARE
	first bigint; last bigint; n bigint;
BEGIN
	SELECT min(pos), max(pos), count(*) INTO first, last, n FROM fresh;
	IF n > 0 AND (last - first + 1 <> n OR first <> coalesce((SELECT max(pos) FROM node WHERE pos < first), -1) + 1) THEN
		RAISE EXCEPTION USING ERRCODE = 'KN001', MESSAGE = 'a tree hash follows the one before it';
	END IF;
	RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER node_follows AFTER INSERT ON node REFERENCING NEW TABLE AS fresh
	FOR EACH STATEMENT EXECUTE FUNCTION node_follows();
CREATE TRIGGER node_stays BEFORE UPDATE OR DELETE ON node FOR EACH ROW EXECUTE FUNCTION refuse('a tree hash never changes');
CREATE TRIGGER node_is_kept BEFORE TRUNCATE ON node FOR EACH STATEMENT EXECUTE FUNCTION refuse('tree hashes are never deleted');
ALTER TABLE node ENABLE ALWAYS TRIGGER node_follows;
ALTER TABLE node ENABLE ALWAYS TRIGGER node_stays;
ALTER TABLE node ENABLE ALWAYS TRIGGER node_is_kept;

-- The edge of the ledger: one row, locked by whoever writes. edge is the roots
-- of the complete subtrees one after the other.
CREATE TABLE head (
	one     smallint    PRIMARY KEY CHECK (one = 1),
	size    bigint      NOT NULL CHECK (size >= 0),
	edge    bytea       NOT NULL CHECK (octet_length(edge) % 32 = 0),
	last_at timestamptz,
	origin  text        NOT NULL
);
INSERT INTO head (one, size, edge, last_at, origin) VALUES (1, 0, '', NULL, '');

-- +goose StatementBegin
CREATE FUNCTION head_grows() RETURNS trigger LANGUAGE plpgsql SET search_path = kancelaria, pg_temp AS $$
BEGIN
	IF NEW.size < OLD.size OR NEW.one <> OLD.one THEN
		RAISE EXCEPTION USING ERRCODE = 'KN001', MESSAGE = 'the ledger never shrinks';
	END IF;
	RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER head_grows BEFORE UPDATE ON head FOR EACH ROW EXECUTE FUNCTION head_grows();
CREATE TRIGGER head_remains BEFORE DELETE ON head FOR EACH ROW EXECUTE FUNCTION refuse('the ledger is never deleted');
CREATE TRIGGER head_is_kept BEFORE TRUNCATE ON head FOR EACH STATEMENT EXECUTE FUNCTION refuse('the ledger is never deleted');
ALTER TABLE head ENABLE ALWAYS TRIGGER head_grows;
ALTER TABLE head ENABLE ALWAYS TRIGGER head_remains;
ALTER TABLE head ENABLE ALWAYS TRIGGER head_is_kept;

-- A series of numbers and how many of it are taken.
CREATE TABLE series (
	register  text        COLLATE "C" NOT NULL,
	year      integer     NOT NULL,
	taken     bigint      NOT NULL CHECK (taken >= 0),
	last_at   timestamptz,
	opened_at timestamptz,
	closed_at timestamptz,
	PRIMARY KEY (register, year)
);

-- +goose StatementBegin
CREATE FUNCTION series_grows() RETURNS trigger LANGUAGE plpgsql SET search_path = kancelaria, pg_temp AS $$
BEGIN
	IF NEW.taken < OLD.taken OR NEW.register <> OLD.register OR NEW.year <> OLD.year
		OR OLD.closed_at IS NOT NULL AND NEW.closed_at IS DISTINCT FROM OLD.closed_at THEN
		RAISE EXCEPTION USING ERRCODE = 'KN001', MESSAGE = 'a series only grows and is closed once';
	END IF;
	RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER series_grows BEFORE UPDATE ON series FOR EACH ROW EXECUTE FUNCTION series_grows();
CREATE TRIGGER series_remains BEFORE DELETE ON series FOR EACH ROW EXECUTE FUNCTION refuse('a series is never deleted');
CREATE TRIGGER series_is_kept BEFORE TRUNCATE ON series FOR EACH STATEMENT EXECUTE FUNCTION refuse('series are never deleted');
ALTER TABLE series ENABLE ALWAYS TRIGGER series_grows;
ALTER TABLE series ENABLE ALWAYS TRIGGER series_remains;
ALTER TABLE series ENABLE ALWAYS TRIGGER series_is_kept;

-- An entry: which number went to which item, by which leaf.
CREATE TABLE entry (
	leaf          bigint      PRIMARY KEY,
	register      text        COLLATE "C" NOT NULL,
	year          integer     NOT NULL,
	seq           bigint      NOT NULL CHECK (seq >= 1),
	item          uuid        NOT NULL UNIQUE,
	registered_at timestamptz NOT NULL,
	UNIQUE (register, year, seq)
);

-- No gap and no second use. Numbers lost in a restore are counted as taken
-- before the next is given; that is the only jump.
-- +goose StatementBegin
CREATE FUNCTION entry_follows() RETURNS trigger LANGUAGE plpgsql SET search_path = kancelaria, pg_temp AS $$
BEGIN
	IF EXISTS (
		SELECT FROM (SELECT register, year, min(seq) AS first, max(seq) AS last, count(*) AS n FROM fresh GROUP BY register, year) AS f
		 WHERE f.last - f.first + 1 <> f.n OR f.first <> 1 + greatest(
			(SELECT coalesce(max(e.seq), 0) FROM entry AS e WHERE e.register = f.register AND e.year = f.year AND e.seq < f.first),
			(SELECT coalesce(max(s.taken), 0) FROM series AS s WHERE s.register = f.register AND s.year = f.year))
	) THEN
		RAISE EXCEPTION USING ERRCODE = 'KN001', MESSAGE = 'a number follows the one before it';
	END IF;
	RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER entry_follows AFTER INSERT ON entry REFERENCING NEW TABLE AS fresh
	FOR EACH STATEMENT EXECUTE FUNCTION entry_follows();
CREATE TRIGGER entry_stays BEFORE UPDATE OR DELETE ON entry FOR EACH ROW EXECUTE FUNCTION refuse('an entry never changes');
CREATE TRIGGER entry_is_kept BEFORE TRUNCATE ON entry FOR EACH STATEMENT EXECUTE FUNCTION refuse('entries are never deleted');
ALTER TABLE entry ENABLE ALWAYS TRIGGER entry_follows;
ALTER TABLE entry ENABLE ALWAYS TRIGGER entry_stays;
ALTER TABLE entry ENABLE ALWAYS TRIGGER entry_is_kept;

-- What became of each item that ever came.
CREATE TABLE arrival (
	item            uuid        PRIMARY KEY,
	delivery        uuid        NOT NULL,
	disposition     text        NOT NULL,
	leaf            bigint      NOT NULL,
	number_register text,
	number_year     integer,
	number_seq      bigint,
	place           text        NOT NULL,
	accepted_at     timestamptz NOT NULL,
	register        text        NOT NULL,
	reason          text        NOT NULL,
	redelivered     bigint      NOT NULL,
	first           uuid
);
CREATE INDEX arrival_disposition ON arrival (disposition, leaf) WHERE disposition <> 'registered';
CREATE TRIGGER arrival_remains BEFORE DELETE ON arrival FOR EACH ROW EXECUTE FUNCTION refuse('an arrival is never forgotten');
CREATE TRIGGER arrival_is_kept BEFORE TRUNCATE ON arrival FOR EACH STATEMENT EXECUTE FUNCTION refuse('arrivals are never forgotten');
ALTER TABLE arrival ENABLE ALWAYS TRIGGER arrival_remains;
ALTER TABLE arrival ENABLE ALWAYS TRIGGER arrival_is_kept;

-- The present of an entry. body is the whole of it as JSON; the columns are
-- what lists ask for. Marks are eight bytes of a digest: what is long and
-- random is compared, not indexed.
CREATE TABLE work (
	leaf         bigint  PRIMARY KEY,
	register     text    NOT NULL,
	year         integer NOT NULL,
	status       text    NOT NULL,
	open         boolean NOT NULL,
	department   text    NOT NULL,
	clerk        text    NOT NULL,
	class        text    NOT NULL,
	folder       text    NOT NULL,
	due          text    COLLATE "C" NOT NULL,
	flags        text    NOT NULL,
	sender       text    NOT NULL, -- e-mail, lower case
	message_id   text    NOT NULL,
	message_mark bigint,
	sender_mark  bigint,
	restricted   boolean NOT NULL,
	readers      jsonb,
	hide_from    jsonb,
	body         text    NOT NULL
);
CREATE INDEX work_clerk ON work (clerk, leaf);
CREATE INDEX work_department ON work (department, leaf);
CREATE INDEX work_folder ON work (folder, leaf);
CREATE INDEX work_open_of ON work (clerk, leaf) WHERE open;
CREATE INDEX work_due ON work (due, leaf) WHERE open AND due <> '';
CREATE INDEX work_message ON work (message_mark, leaf) WHERE message_mark IS NOT NULL;
CREATE INDEX work_sender ON work (sender_mark, leaf) WHERE sender_mark IS NOT NULL;

-- A folder. What a moved case leaves behind is one too, so id is not always
-- that of an entry.
CREATE TABLE folder (
	id          text        COLLATE "C" PRIMARY KEY,
	state       text        NOT NULL,
	case_number text        NOT NULL,
	year        integer     NOT NULL,
	class       text        NOT NULL,
	department  text        NOT NULL,
	clerk       text        NOT NULL,
	title       text        NOT NULL,
	joined_into text        NOT NULL,
	moved_to    text        NOT NULL,
	moved_from  text        NOT NULL,
	entries     bigint      NOT NULL,
	opened_at   timestamptz NOT NULL,
	closed_at   timestamptz,
	case_at     timestamptz,
	leaf        bigint      NOT NULL,
	last_leaf   bigint      NOT NULL,
	restricted  boolean     NOT NULL
);
CREATE UNIQUE INDEX folder_case ON folder (case_number) WHERE case_number <> '';
CREATE INDEX folder_leaf ON folder (leaf, id);
CREATE INDEX folder_class ON folder (class, year);

-- How many case numbers of a list of cases are taken.
CREATE TABLE counter (
	department text    NOT NULL,
	class      text    NOT NULL,
	subgroup   bigint  NOT NULL,
	year       integer NOT NULL,
	taken      bigint  NOT NULL,
	PRIMARY KEY (department, class, subgroup, year)
);

-- +goose StatementBegin
CREATE FUNCTION counter_grows() RETURNS trigger LANGUAGE plpgsql SET search_path = kancelaria, pg_temp AS $$
BEGIN
	IF NEW.taken < OLD.taken THEN
		RAISE EXCEPTION USING ERRCODE = 'KN001', MESSAGE = 'a case number is not given twice';
	END IF;
	RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER counter_grows BEFORE UPDATE ON counter FOR EACH ROW EXECUTE FUNCTION counter_grows();
CREATE TRIGGER counter_remains BEFORE DELETE ON counter FOR EACH ROW EXECUTE FUNCTION refuse('a list of cases is never deleted');
CREATE TRIGGER counter_is_kept BEFORE TRUNCATE ON counter FOR EACH STATEMENT EXECUTE FUNCTION refuse('lists of cases are never deleted');
ALTER TABLE counter ENABLE ALWAYS TRIGGER counter_grows;
ALTER TABLE counter ENABLE ALWAYS TRIGGER counter_remains;
ALTER TABLE counter ENABLE ALWAYS TRIGGER counter_is_kept;

-- How much a clerk has in hand.
CREATE TABLE balance (
	clerk     text   COLLATE "C" PRIMARY KEY,
	open      bigint NOT NULL,
	given     bigint NOT NULL,
	last_leaf bigint NOT NULL
);

-- Letters that came lately, to know them when they come again. Pruned by week.
CREATE TABLE trace (
	week     integer     NOT NULL,
	kind     smallint    NOT NULL,
	key      bytea       NOT NULL CHECK (octet_length(key) = 16),
	item     uuid        NOT NULL,
	digest   bytea       NOT NULL CHECK (octet_length(digest) = 32),
	register text        NOT NULL,
	year     integer     NOT NULL,
	seq      bigint      NOT NULL,
	at       timestamptz NOT NULL,
	PRIMARY KEY (week, kind, key, item)
);

-- Notices and receipts to be sent. turn marks the one row of each recipient
-- that may be sent now, so that claiming costs the same with any backlog.
CREATE TABLE outbox (
	leaf       bigint      NOT NULL,
	n          bigint      NOT NULL,
	node       text        NOT NULL,
	kind       text        NOT NULL,
	recipient  text        NOT NULL,
	register   text        NOT NULL,
	year       integer     NOT NULL,
	seq        bigint      NOT NULL,
	item       uuid        NOT NULL,
	variant    text        NOT NULL,
	state      text        NOT NULL CHECK (state IN ('ready', 'leased', 'sent', 'dead', 'replayed')),
	turn       boolean     NOT NULL,
	attempts   integer     NOT NULL,
	not_before timestamptz,
	lease_by   text        NOT NULL,
	lease_till timestamptz,
	message_id text        NOT NULL,
	rendered   bytea,
	sender     text        NOT NULL,
	addresses  text        NOT NULL,
	last_error text        NOT NULL,
	created_at timestamptz,
	done_at    timestamptz,
	PRIMARY KEY (leaf, n),
	CHECK (NOT turn OR state IN ('ready', 'leased'))
);
CREATE INDEX outbox_recipient ON outbox (recipient, leaf, n);
CREATE INDEX outbox_undone ON outbox (recipient, leaf, n) WHERE state IN ('ready', 'leased');
CREATE INDEX outbox_turn ON outbox (leaf, n) WHERE turn;
CREATE INDEX outbox_odd ON outbox (state, leaf, n) WHERE state IN ('dead', 'replayed');
CREATE TRIGGER outbox_remains BEFORE DELETE ON outbox FOR EACH ROW EXECUTE FUNCTION refuse('what was to be sent is never forgotten');
CREATE TRIGGER outbox_is_kept BEFORE TRUNCATE ON outbox FOR EACH STATEMENT EXECUTE FUNCTION refuse('what was to be sent is never forgotten');
ALTER TABLE outbox ENABLE ALWAYS TRIGGER outbox_remains;
ALTER TABLE outbox ENABLE ALWAYS TRIGGER outbox_is_kept;

-- Mutable facts without a leaf.
CREATE TABLE note (
	kind    text   COLLATE "C" NOT NULL,
	key     text   COLLATE "C" NOT NULL,
	value   bytea  NOT NULL,
	expires timestamptz,
	version bigint NOT NULL,
	PRIMARY KEY (kind, key)
);
CREATE INDEX note_expires ON note (expires) WHERE expires IS NOT NULL;

-- Who looked at what: written once, gone when its term is over.
CREATE TABLE access (
	key     text        COLLATE "C" PRIMARY KEY,
	value   bytea       NOT NULL,
	expires timestamptz NOT NULL
);
CREATE INDEX access_expires ON access (expires);

-- +goose StatementBegin
CREATE FUNCTION access_remains() RETURNS trigger LANGUAGE plpgsql SET search_path = kancelaria, pg_temp AS $$
BEGIN
	IF OLD.expires > clock_timestamp() THEN
		RAISE EXCEPTION USING ERRCODE = 'KN001', MESSAGE = 'an access event is kept for its term';
	END IF;
	RETURN OLD;
END $$;
-- +goose StatementEnd
CREATE TRIGGER access_stays BEFORE UPDATE ON access FOR EACH ROW EXECUTE FUNCTION refuse('an access event never changes');
CREATE TRIGGER access_remains BEFORE DELETE ON access FOR EACH ROW EXECUTE FUNCTION access_remains();
CREATE TRIGGER access_is_kept BEFORE TRUNCATE ON access FOR EACH STATEMENT EXECUTE FUNCTION refuse('access events are kept for their term');
ALTER TABLE access ENABLE ALWAYS TRIGGER access_stays;
ALTER TABLE access ENABLE ALWAYS TRIGGER access_remains;
ALTER TABLE access ENABLE ALWAYS TRIGGER access_is_kept;

-- Who holds what until when.
CREATE TABLE lease (
	name  text        COLLATE "C" PRIMARY KEY,
	node  text        NOT NULL,
	until timestamptz NOT NULL,
	note  text        NOT NULL
);

-- Signed tree heads.
CREATE TABLE checkpoint (
	size      bigint      PRIMARY KEY CHECK (size >= 0),
	root      bytea       NOT NULL CHECK (octet_length(root) = 32),
	note      bytea       NOT NULL,
	signed_at timestamptz NOT NULL
);

-- +goose StatementBegin
CREATE FUNCTION checkpoint_follows() RETURNS trigger LANGUAGE plpgsql SET search_path = kancelaria, pg_temp AS $$
BEGIN
	IF NEW.size <= (SELECT max(size) FROM checkpoint) THEN
		RAISE EXCEPTION USING ERRCODE = 'KN001', MESSAGE = 'a checkpoint follows the one before it';
	END IF;
	RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER checkpoint_follows BEFORE INSERT ON checkpoint FOR EACH ROW EXECUTE FUNCTION checkpoint_follows();
CREATE TRIGGER checkpoint_stays BEFORE UPDATE OR DELETE ON checkpoint FOR EACH ROW EXECUTE FUNCTION refuse('a checkpoint never changes');
CREATE TRIGGER checkpoint_is_kept BEFORE TRUNCATE ON checkpoint FOR EACH STATEMENT EXECUTE FUNCTION refuse('checkpoints are never deleted');
ALTER TABLE checkpoint ENABLE ALWAYS TRIGGER checkpoint_follows;
ALTER TABLE checkpoint ENABLE ALWAYS TRIGGER checkpoint_stays;
ALTER TABLE checkpoint ENABLE ALWAYS TRIGGER checkpoint_is_kept;

-- Search text by leaf of the entry: a projection, folded words only.
CREATE TABLE search (
	leaf  bigint   PRIMARY KEY,
	words tsvector NOT NULL
);
CREATE INDEX search_words ON search USING gin (words);
