-- Who has what in hand, what was found out about mail, and what is to be told to other programs.

ALTER TABLE job ADD COLUMN node        TEXT    NOT NULL DEFAULT '';   -- the gateway that has it in hand
ALTER TABLE job ADD COLUMN lease_until INTEGER NOT NULL DEFAULT 0;    -- until when it does without saying so again
ALTER TABLE job ADD COLUMN hooked      INTEGER NOT NULL DEFAULT 0;    -- whether its webhooks are queued
ALTER TABLE fax ADD COLUMN node        TEXT    NOT NULL DEFAULT '';
ALTER TABLE fax ADD COLUMN lease_until INTEGER NOT NULL DEFAULT 0;
ALTER TABLE fax ADD COLUMN hooked      INTEGER NOT NULL DEFAULT 0;
ALTER TABLE outbound ADD COLUMN node        TEXT    NOT NULL DEFAULT '';
ALTER TABLE outbound ADD COLUMN lease_until INTEGER NOT NULL DEFAULT 0;
ALTER TABLE outbound ADD COLUMN relay       TEXT;                     -- who took it
ALTER TABLE outbound ADD COLUMN reply       TEXT;                     -- the last thing told of it: delivered, displayed, failed...
ALTER TABLE outbound ADD COLUMN replied_at  INTEGER;
ALTER TABLE message  ADD COLUMN proof       TEXT    NOT NULL DEFAULT '';  -- what was found of signatures and domains
UPDATE job SET hooked = 1 WHERE state IN ('done', 'failed', 'cancelled');
UPDATE fax SET hooked = 1 WHERE state <> 'receiving';
-- What was wiped is no octets, not an empty text.
UPDATE message  SET raw = x''   WHERE typeof(raw) = 'text';
UPDATE outbound SET raw = x''   WHERE typeof(raw) = 'text';
UPDATE fax_page SET image = x'' WHERE typeof(image) = 'text';
CREATE INDEX job_unhooked ON job (id) WHERE hooked = 0 AND state IN ('done', 'failed', 'cancelled');
CREATE INDEX fax_unhooked ON fax (id) WHERE hooked = 0 AND state <> 'receiving';

-- What other programs are to be told of.
CREATE TABLE webhook (
    id           INTEGER PRIMARY KEY,
    url          TEXT    NOT NULL,
    body         TEXT    NOT NULL,             -- JSON
    state        TEXT    NOT NULL CHECK (state IN ('waiting', 'delivered', 'refused')),
    due_at       INTEGER NOT NULL,
    attempts     INTEGER NOT NULL DEFAULT 0,
    said         TEXT,
    finished_at  INTEGER,
    node         TEXT    NOT NULL DEFAULT '',
    lease_until  INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX webhook_due ON webhook (due_at) WHERE state = 'waiting';
