DROP TABLE webhook, account, destination, call, outbound, fax_page, fax, cover, page, job, message;
