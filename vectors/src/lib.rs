//! Test vectors: where they are, what they hold and how results are compared.
