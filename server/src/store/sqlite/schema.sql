-- The embedded data set, format 1. Times are milliseconds since 1970.
--
-- Columns are what the store searches by; what a thing means stands in its record (JSON, see store/codec.rs). No column holds
-- personal data: `person` is a keyed hash, `subject` and `answer` are sealed.

CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

CREATE TABLE jobs (
    id             TEXT PRIMARY KEY,
    tenant         TEXT NOT NULL,
    person         TEXT NOT NULL,
    product        TEXT NOT NULL,
    -- Sorts by birth; set for the jobs that callers may list.
    list_key       TEXT,
    state          TEXT NOT NULL,
    created_ms     INTEGER NOT NULL,
    ended_ms       INTEGER,
    -- Set exactly while the job lives: when it is to be looked at, or when its lease ends.
    due_ms         INTEGER,
    lease_until_ms INTEGER,
    fence          INTEGER NOT NULL,
    stalled_claims INTEGER NOT NULL,
    -- A job it waits for has ended while this one was leased.
    woken          INTEGER NOT NULL,
    version        INTEGER NOT NULL,
    sequence       INTEGER NOT NULL,
    last_op        BLOB,
    record         BLOB NOT NULL,
    CHECK ((due_ms IS NULL) = (ended_ms IS NOT NULL))
) STRICT;

CREATE INDEX jobs_due ON jobs (due_ms) WHERE due_ms IS NOT NULL;
CREATE INDEX jobs_listed ON jobs (tenant, list_key) WHERE list_key IS NOT NULL;
CREATE INDEX jobs_ended ON jobs (ended_ms) WHERE ended_ms IS NOT NULL;

CREATE TABLE sealed (
    job     TEXT PRIMARY KEY REFERENCES jobs (id) ON DELETE CASCADE,
    subject BLOB NOT NULL,
    answer  BLOB
) STRICT;

-- Earlier jobs that can serve a request; see store/dedupe.rs.
CREATE TABLE dedupe (
    tenant  TEXT NOT NULL,
    person  TEXT NOT NULL,
    product TEXT NOT NULL,
    record  TEXT NOT NULL,
    PRIMARY KEY (tenant, person, product)
) STRICT, WITHOUT ROWID;

-- The ledger: one row per intent, kept when the job is purged.
CREATE TABLE charges (
    id        TEXT PRIMARY KEY,
    job       TEXT NOT NULL,
    tenant    TEXT NOT NULL,
    person    TEXT NOT NULL,
    provider  TEXT NOT NULL,
    step      TEXT NOT NULL,
    charge    TEXT NOT NULL,
    opened_ms INTEGER NOT NULL,
    -- The day on which it takes one of the person's places, if they are counted.
    day       TEXT,
    record    BLOB NOT NULL
) STRICT;

CREATE INDEX charges_of_tenant ON charges (tenant, id);
CREATE INDEX charges_of_job ON charges (job, id);
CREATE INDEX charges_of_day ON charges (person, step, day) WHERE day IS NOT NULL;

-- The newest charge of each billing unit that is not known to be free; see store/ledger.rs.
CREATE TABLE units (
    tenant    TEXT NOT NULL,
    person    TEXT NOT NULL,
    provider  TEXT NOT NULL,
    step      TEXT NOT NULL,
    test_case TEXT NOT NULL,
    record    TEXT NOT NULL,
    PRIMARY KEY (tenant, person, provider, step, test_case)
) STRICT, WITHOUT ROWID;

CREATE TABLE feed (
    shard  INTEGER NOT NULL,
    number INTEGER NOT NULL,
    job    TEXT NOT NULL,
    PRIMARY KEY (shard, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE requests (
    key         TEXT PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    job         TEXT NOT NULL,
    settled     INTEGER NOT NULL,
    expires_ms  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX requests_of_job ON requests (job);
CREATE INDEX requests_expired ON requests (expires_ms);
