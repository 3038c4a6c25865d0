-- What the rules of RFC 4161 need to know of messages, jobs and calls.

ALTER TABLE message ADD COLUMN identity  TEXT;                          -- Message-ID, or a digest of a message that has none
ALTER TABLE message ADD COLUMN subject   TEXT    NOT NULL DEFAULT '';
ALTER TABLE message ADD COLUMN account   TEXT    NOT NULL DEFAULT '';   -- whose limits it counts against
ALTER TABLE message ADD COLUMN is_notice INTEGER NOT NULL DEFAULT 0;    -- a report: nobody is told of its fate
UPDATE message SET identity = message_id;
CREATE INDEX message_identity ON message (identity);
CREATE INDEX message_account ON message (account, received_at);

ALTER TABLE job ADD COLUMN identity   TEXT;
ALTER TABLE job ADD COLUMN post_dial  TEXT    NOT NULL DEFAULT '';      -- keys pressed after the answer
ALTER TABLE job ADD COLUMN priority   INTEGER NOT NULL DEFAULT 1;
ALTER TABLE job ADD COLUMN held       INTEGER NOT NULL DEFAULT 0;
ALTER TABLE job ADD COLUMN causes     TEXT    NOT NULL DEFAULT '{}';    -- how often each cause has ended an attempt, JSON
ALTER TABLE job ADD COLUMN last_line  TEXT    NOT NULL DEFAULT '';      -- the line to be avoided next time
ALTER TABLE job ADD COLUMN status     TEXT    NOT NULL DEFAULT '';      -- RFC 3463, once it is over
ALTER TABLE job ADD COLUMN told       INTEGER NOT NULL DEFAULT 0;       -- whether its sender was told of its end, or needs not be
ALTER TABLE job ADD COLUMN delay_told INTEGER NOT NULL DEFAULT 0;
ALTER TABLE job ADD COLUMN notice     INTEGER;                          -- the mail that told it
UPDATE job SET identity = message_id, told = CASE WHEN state IN ('done', 'failed', 'cancelled') THEN 1 ELSE 0 END;
-- Copies of one message to one number are one fax, RFC 4161 2.1.
DROP INDEX job_once;
CREATE UNIQUE INDEX job_once ON job (identity, number, subaddress) WHERE identity IS NOT NULL;
DROP INDEX job_due;
CREATE INDEX job_due ON job (priority DESC, due_at, id) WHERE state IN ('queued', 'waiting') AND held = 0;
CREATE INDEX job_sending ON job (number) WHERE state = 'sending';
CREATE INDEX job_number ON job (number) WHERE state IN ('queued', 'waiting');
CREATE INDEX job_message ON job (message);
CREATE INDEX job_untold ON job (message) WHERE told = 0 AND state IN ('done', 'failed', 'cancelled');

-- A cover page, made for one job.
CREATE TABLE cover (
    job     INTEGER NOT NULL REFERENCES job(id),
    number  INTEGER NOT NULL,
    image   BLOB    NOT NULL,
    PRIMARY KEY (job, number)
);

-- Numbers that only take slower or simpler calls, and until when that is believed.
CREATE TABLE destination (
    number  TEXT    PRIMARY KEY,
    step    INTEGER NOT NULL,
    until   INTEGER NOT NULL
);

ALTER TABLE call ADD COLUMN cause TEXT;
ALTER TABLE call ADD COLUMN cost  REAL NOT NULL DEFAULT 0;
CREATE INDEX call_job ON call (job);
CREATE INDEX call_fax ON call (fax);
CREATE INDEX outbound_fax ON outbound (fax);
