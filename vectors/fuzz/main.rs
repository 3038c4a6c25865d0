//! Inputs that nobody meant: every reader of what a line, a file or a far end brings is given damaged and invented octets.
//!
//! A test replays the inputs kept in `__fuzz__/<module>__<name>/corpus` and `crashes` and stops there, so that it says the
//! same every time. `BOLERO_RANDOM_TEST_TIME_MS=60000 cargo test --package answertone-vectors --test fuzz` explores: new
//! inputs are drawn for so long in each target, and one that fails is printed with its seed.
//!
//! Without coverage to guide it, a random stream of octets never gets past a header. Most targets therefore read their input
//! as a way of damaging something valid, see [`damage`].

/// Whether new inputs are drawn.
fn explores() -> bool {
    ["BOLERO_RANDOM_TEST_TIME_MS", "BOLERO_RANDOM_ITERATIONS", "BOLERO_RANDOM_SEED"]
        .iter()
        .any(|name| std::env::var_os(name).is_some())
}

/// Runs a body on the kept inputs, and on new ones when exploring.
macro_rules! target {
    ($body:expr) => {{
        let target = bolero::check!();
        let target = if $crate::explores() { target } else { target.with_iterations(0) };
        target.for_each(|input: &[u8]| $body(input))
    }};
}

mod codings;
mod damage;
mod frames;
mod hdlc;
mod modem;
mod session;
mod t38;
mod tiff;
