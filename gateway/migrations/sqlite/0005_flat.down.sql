DROP INDEX fax_begun;
DROP INDEX message_received;
DROP INDEX fax_open;
DROP INDEX job_undelayed;
DROP INDEX job_next;
DROP INDEX job_due;
CREATE INDEX job_due ON job (priority DESC, due_at, id) WHERE state IN ('queued', 'waiting') AND held = 0;
