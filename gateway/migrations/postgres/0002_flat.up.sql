-- What is looked for again and again is found without passing over what waits or is long over.

DROP INDEX job_due;
CREATE INDEX job_due ON job (priority, due_at, id) WHERE state IN ('queued', 'waiting') AND held = 0;
CREATE INDEX job_next ON job (due_at) WHERE state IN ('queued', 'waiting') AND held = 0;
CREATE INDEX job_undelayed ON job (id) WHERE state IN ('queued', 'waiting') AND delay_told = 0 AND notify & 4 <> 0;
CREATE INDEX fax_open ON fax (node) WHERE state = 'receiving';
CREATE INDEX message_received ON message (received_at);
CREATE INDEX fax_begun ON fax (begun_at);
