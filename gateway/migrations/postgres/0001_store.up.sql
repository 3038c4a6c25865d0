-- The tables of the SQLite migrations beside these, for several gateways. Times are milliseconds since 1970.

CREATE TABLE message (
    id           BIGINT  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    received_at  BIGINT  NOT NULL,
    mail_from    TEXT    NOT NULL,             -- return path; empty is the null sender
    envelope_id  TEXT,                         -- ENVID of RFC 3461
    return_full  BIGINT  NOT NULL DEFAULT 0,   -- RET=FULL
    message_id   TEXT,
    mdn_to       TEXT,                         -- Disposition-Notification-To
    peer         TEXT    NOT NULL,
    raw          BYTEA   NOT NULL,
    identity     TEXT,                         -- Message-ID, or a digest of a message that has none
    subject      TEXT    NOT NULL DEFAULT '',
    account      TEXT    NOT NULL DEFAULT '',  -- whose limits it counts against
    is_notice    BIGINT  NOT NULL DEFAULT 0,   -- a report: nobody is told of its fate
    proof        TEXT    NOT NULL DEFAULT ''   -- what was found of signatures and domains
);
CREATE INDEX message_identity ON message (identity);
CREATE INDEX message_account ON message (account, received_at);

CREATE TABLE job (
    id           BIGINT  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    message      BIGINT  NOT NULL REFERENCES message(id),
    message_id   TEXT,
    identity     TEXT,
    recipient    TEXT    NOT NULL,
    orcpt        TEXT,
    notify       BIGINT  NOT NULL DEFAULT 0,   -- NOTIFY of RFC 3461: 1 success, 2 failure, 4 delay, 8 never; 0 not given
    number       TEXT    NOT NULL,
    subaddress   TEXT    NOT NULL DEFAULT '',
    post_dial    TEXT    NOT NULL DEFAULT '',  -- keys pressed after the answer
    state        TEXT    NOT NULL CHECK (state IN ('queued', 'sending', 'waiting', 'done', 'failed', 'cancelled')),
    priority     BIGINT  NOT NULL DEFAULT 1,
    held         BIGINT  NOT NULL DEFAULT 0,
    due_at       BIGINT  NOT NULL,
    attempts     BIGINT  NOT NULL DEFAULT 0,
    causes       TEXT    NOT NULL DEFAULT '{}',-- how often each cause has ended an attempt, JSON
    last_line    TEXT    NOT NULL DEFAULT '',  -- the line to be avoided next time
    page_count   BIGINT,
    next_page    BIGINT  NOT NULL DEFAULT 0,   -- pages the far machine has confirmed
    cause        TEXT,
    said         TEXT,                         -- why it waits or failed, for people
    status       TEXT    NOT NULL DEFAULT '',  -- RFC 3463, once it is over
    finished_at  BIGINT,
    told         BIGINT  NOT NULL DEFAULT 0,   -- whether its sender was told of its end, or needs not be
    delay_told   BIGINT  NOT NULL DEFAULT 0,
    notice       BIGINT,                       -- the mail that told it
    node         TEXT    NOT NULL DEFAULT '',  -- the gateway that has it in hand
    lease_until  BIGINT  NOT NULL DEFAULT 0,   -- until when it does without saying so again
    hooked       BIGINT  NOT NULL DEFAULT 0    -- whether its webhooks are queued
);
CREATE UNIQUE INDEX job_once ON job (identity, number, subaddress) WHERE identity IS NOT NULL;
CREATE INDEX job_due ON job (priority DESC, due_at, id) WHERE state IN ('queued', 'waiting') AND held = 0;
CREATE INDEX job_sending ON job (number) WHERE state = 'sending';
CREATE INDEX job_number ON job (number) WHERE state IN ('queued', 'waiting');
CREATE INDEX job_message ON job (message);
CREATE INDEX job_untold ON job (message) WHERE told = 0 AND state IN ('done', 'failed', 'cancelled');
CREATE INDEX job_unhooked ON job (id) WHERE hooked = 0 AND state IN ('done', 'failed', 'cancelled');

CREATE TABLE page (
    message      BIGINT  NOT NULL REFERENCES message(id),
    number       BIGINT  NOT NULL,
    image        BYTEA   NOT NULL,
    PRIMARY KEY (message, number)
);

CREATE TABLE cover (
    job          BIGINT  NOT NULL REFERENCES job(id),
    number       BIGINT  NOT NULL,
    image        BYTEA   NOT NULL,
    PRIMARY KEY (job, number)
);

CREATE TABLE fax (
    id           BIGINT  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    line         TEXT    NOT NULL,
    begun_at     BIGINT  NOT NULL,
    ended_at     BIGINT,
    state        TEXT    NOT NULL CHECK (state IN ('receiving', 'complete', 'partial', 'empty')),
    remote_ident TEXT    NOT NULL DEFAULT '',
    subaddress   TEXT    NOT NULL DEFAULT '',
    said         TEXT,
    dialled      TEXT    NOT NULL DEFAULT '',  -- the number the call was made to
    caller       TEXT    NOT NULL DEFAULT '',  -- the number it came from
    account      TEXT    NOT NULL DEFAULT '',  -- who proved to be calling
    keyed        TEXT    NOT NULL DEFAULT '',  -- the destination keyed in
    node         TEXT    NOT NULL DEFAULT '',
    lease_until  BIGINT  NOT NULL DEFAULT 0,
    hooked       BIGINT  NOT NULL DEFAULT 0
);
CREATE INDEX fax_unhooked ON fax (id) WHERE hooked = 0 AND state <> 'receiving';

CREATE TABLE fax_page (
    fax          BIGINT  NOT NULL REFERENCES fax(id),
    number       BIGINT  NOT NULL,
    kept_at      BIGINT  NOT NULL,
    image        BYTEA   NOT NULL,
    bad_rows     BIGINT  NOT NULL DEFAULT 0,
    PRIMARY KEY (fax, number)
);

CREATE TABLE outbound (
    id           BIGINT  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind         TEXT    NOT NULL CHECK (kind IN ('fax', 'notice', 'mail')),
    fax          BIGINT  REFERENCES fax(id),
    job          BIGINT  REFERENCES job(id),
    mail_from    TEXT    NOT NULL,
    recipient    TEXT    NOT NULL,
    raw          BYTEA   NOT NULL,
    state        TEXT    NOT NULL CHECK (state IN ('queued', 'waiting', 'delivered', 'refused')),
    due_at       BIGINT  NOT NULL,
    attempts     BIGINT  NOT NULL DEFAULT 0,
    said         TEXT,
    finished_at  BIGINT,
    node         TEXT    NOT NULL DEFAULT '',
    lease_until  BIGINT  NOT NULL DEFAULT 0,
    relay        TEXT,                         -- who took it
    reply        TEXT,                         -- the last thing told of it: delivered, displayed, failed...
    replied_at   BIGINT
);
CREATE INDEX outbound_due ON outbound (due_at) WHERE state IN ('queued', 'waiting');
CREATE INDEX outbound_fax ON outbound (fax);

CREATE TABLE call (
    id           BIGINT  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    line         TEXT    NOT NULL,
    job          BIGINT  REFERENCES job(id),
    fax          BIGINT  REFERENCES fax(id),
    dialled      TEXT,
    begun_at     BIGINT  NOT NULL,
    ended_at     BIGINT  NOT NULL,
    ok           BIGINT  NOT NULL,
    report       TEXT    NOT NULL,             -- JSON
    cause        TEXT,
    cost         DOUBLE PRECISION NOT NULL DEFAULT 0
);
CREATE INDEX call_job ON call (job);
CREATE INDEX call_fax ON call (fax);

CREATE TABLE destination (
    number       TEXT    PRIMARY KEY,
    step         BIGINT  NOT NULL,
    until        BIGINT  NOT NULL
);

CREATE TABLE account (
    name         TEXT    PRIMARY KEY,
    password     TEXT,                         -- PBKDF2, never in the clear
    pin          TEXT,                         -- likewise
    mailbox      TEXT    NOT NULL DEFAULT '',
    failures     BIGINT  NOT NULL DEFAULT 0,
    locked_until BIGINT  NOT NULL DEFAULT 0,
    created_at   BIGINT  NOT NULL
);

CREATE TABLE webhook (
    id           BIGINT  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    url          TEXT    NOT NULL,
    body         TEXT    NOT NULL,             -- JSON
    state        TEXT    NOT NULL CHECK (state IN ('waiting', 'delivered', 'refused')),
    due_at       BIGINT  NOT NULL,
    attempts     BIGINT  NOT NULL DEFAULT 0,
    said         TEXT,
    finished_at  BIGINT,
    node         TEXT    NOT NULL DEFAULT '',
    lease_until  BIGINT  NOT NULL DEFAULT 0
);
CREATE INDEX webhook_due ON webhook (due_at) WHERE state = 'waiting';
