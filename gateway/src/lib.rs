//! The Internet-fax gateway.
