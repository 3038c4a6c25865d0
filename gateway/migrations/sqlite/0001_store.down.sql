DROP TABLE call;
DROP TABLE outbound;
DROP TABLE fax_page;
DROP TABLE fax;
DROP TABLE page;
DROP TABLE job;
DROP TABLE message;
