-- Times are milliseconds since 1970. Every change of state is one transaction.

-- E-mail taken by SMTP, as it came.
CREATE TABLE message (
    id           INTEGER PRIMARY KEY,
    received_at  INTEGER NOT NULL,
    mail_from    TEXT    NOT NULL,             -- return path; empty is the null sender
    envelope_id  TEXT,                         -- ENVID of RFC 3461
    return_full  INTEGER NOT NULL DEFAULT 0,   -- RET=FULL
    message_id   TEXT,
    mdn_to       TEXT,                         -- Disposition-Notification-To
    peer         TEXT    NOT NULL,
    raw          BLOB    NOT NULL
);

-- One fax to one number.
CREATE TABLE job (
    id           INTEGER PRIMARY KEY,
    message      INTEGER NOT NULL REFERENCES message(id),
    message_id   TEXT,
    recipient    TEXT    NOT NULL,
    orcpt        TEXT,
    notify       INTEGER NOT NULL DEFAULT 0,   -- NOTIFY of RFC 3461: 1 success, 2 failure, 4 delay, 8 never; 0 not given
    number       TEXT    NOT NULL,
    subaddress   TEXT    NOT NULL DEFAULT '',
    state        TEXT    NOT NULL CHECK (state IN ('queued', 'sending', 'waiting', 'done', 'failed', 'cancelled')),
    due_at       INTEGER NOT NULL,
    attempts     INTEGER NOT NULL DEFAULT 0,
    page_count   INTEGER,
    next_page    INTEGER NOT NULL DEFAULT 0,   -- pages the far machine has confirmed
    cause        TEXT,
    said         TEXT,                         -- why it waits or failed, for people
    finished_at  INTEGER
);
-- Copies of one message to one number are one fax, RFC 4161 2.1.
CREATE UNIQUE INDEX job_once ON job (message_id, number, subaddress) WHERE message_id IS NOT NULL;
CREATE INDEX job_due ON job (due_at) WHERE state IN ('queued', 'waiting');

-- What a message looks like on paper, rendered once: one TIFF a page.
CREATE TABLE page (
    message      INTEGER NOT NULL REFERENCES message(id),
    number       INTEGER NOT NULL,
    image        BLOB    NOT NULL,
    PRIMARY KEY (message, number)
);

-- A fax that came in, and its pages as they came.
CREATE TABLE fax (
    id           INTEGER PRIMARY KEY,
    line         TEXT    NOT NULL,
    begun_at     INTEGER NOT NULL,
    ended_at     INTEGER,
    state        TEXT    NOT NULL CHECK (state IN ('receiving', 'complete', 'partial', 'empty')),
    remote_ident TEXT    NOT NULL DEFAULT '',
    subaddress   TEXT    NOT NULL DEFAULT '',
    said         TEXT
);
CREATE TABLE fax_page (
    fax          INTEGER NOT NULL REFERENCES fax(id),
    number       INTEGER NOT NULL,
    kept_at      INTEGER NOT NULL,
    image        BLOB    NOT NULL,
    bad_rows     INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (fax, number)
);

-- Mail to hand to the relay: received faxes and notices.
CREATE TABLE outbound (
    id           INTEGER PRIMARY KEY,
    kind         TEXT    NOT NULL CHECK (kind IN ('fax', 'notice', 'mail')),
    fax          INTEGER REFERENCES fax(id),
    job          INTEGER REFERENCES job(id),
    mail_from    TEXT    NOT NULL,
    recipient    TEXT    NOT NULL,
    raw          BLOB    NOT NULL,
    state        TEXT    NOT NULL CHECK (state IN ('queued', 'waiting', 'delivered', 'refused')),
    due_at       INTEGER NOT NULL,
    attempts     INTEGER NOT NULL DEFAULT 0,
    said         TEXT,
    finished_at  INTEGER
);
CREATE INDEX outbound_due ON outbound (due_at) WHERE state IN ('queued', 'waiting');

-- Every call that was made or answered.
CREATE TABLE call (
    id           INTEGER PRIMARY KEY,
    line         TEXT    NOT NULL,
    job          INTEGER REFERENCES job(id),
    fax          INTEGER REFERENCES fax(id),
    dialled      TEXT,
    begun_at     INTEGER NOT NULL,
    ended_at     INTEGER NOT NULL,
    ok           INTEGER NOT NULL,
    report       TEXT    NOT NULL               -- JSON
);
