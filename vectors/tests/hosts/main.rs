//! Modems on pseudo-terminals with hosts that others made, in real time, because hosts have clocks: efax, HylaFAX and mgetty
//! send to and receive from our own machine, another maker's and each other, and pages must be equal pel by pel.
//!
//! All calls of a test are made side by side. A program that is missing is told of, and its cases are counted as not run.

mod analogue;
mod bench;
mod efax;
mod hylafax;
mod mgetty;
mod polling;
mod rogue;

use bench::together;

#[test]
fn efax_sends_and_receives() {
    together(efax::few(), efax::cannot_run());
}

#[test]
fn hylafax_sends_and_receives() {
    together(hylafax::few(), hylafax::cannot_run());
}

#[test]
fn mgetty_sends_and_receives() {
    together(mgetty::all(), mgetty::cannot_run());
}

/// Every modem each way: some minutes.
#[test]
#[ignore = "takes minutes; run with --ignored"]
fn efax_sends_and_receives_by_every_modem() {
    together(efax::all(), efax::cannot_run());
}

/// Every modem each way, with and without error correction: some minutes.
#[test]
#[ignore = "takes minutes; run with --ignored"]
fn hylafax_sends_and_receives_by_every_modem() {
    together(hylafax::all(), hylafax::cannot_run());
}
