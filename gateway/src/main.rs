//! The program `answertone`.
fn main() {}
