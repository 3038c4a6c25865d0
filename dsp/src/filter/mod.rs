//! Filters: the line's own past, FIR and biquad sections.

pub mod biquad;
pub mod fir;
pub mod history;
