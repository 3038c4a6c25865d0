//! What benchmarks run: signals of every modem, and whole calls. The benchmarks are the files beside this one.

pub mod call;
pub mod signal;
