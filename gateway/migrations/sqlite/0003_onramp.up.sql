-- Who may log in, and what the rules of the on-ramp need to know of a call.
CREATE TABLE account (
    name         TEXT    PRIMARY KEY,
    password     TEXT,                         -- PBKDF2, never in the clear
    pin          TEXT,                         -- likewise
    mailbox      TEXT    NOT NULL DEFAULT '',
    failures     INTEGER NOT NULL DEFAULT 0,
    locked_until INTEGER NOT NULL DEFAULT 0,
    created_at   INTEGER NOT NULL
);
ALTER TABLE fax ADD COLUMN dialled TEXT NOT NULL DEFAULT '';   -- the number the call was made to
ALTER TABLE fax ADD COLUMN caller  TEXT NOT NULL DEFAULT '';   -- the number it came from
ALTER TABLE fax ADD COLUMN account TEXT NOT NULL DEFAULT '';   -- who proved to be calling
ALTER TABLE fax ADD COLUMN keyed   TEXT NOT NULL DEFAULT '';   -- the destination keyed in
