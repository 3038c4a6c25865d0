//! What benchmarks run: signals of every modem, whole calls, and another maker's work on the same samples. The benchmarks
//! are the files beside this one.

pub mod call;
pub mod signal;
pub mod spandsp;
