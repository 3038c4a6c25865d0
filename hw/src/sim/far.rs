//! Who is at the far end of a simulated line.

/// The machine that answers, or calls, at the far end of a simulated line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Far {
    /// The built-in fax machine.
    #[default]
    FaxMachine,
    /// The gateway's own on-ramp.
    OnRamp,
}
