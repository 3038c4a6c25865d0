//! Who the modem says it is.

const MAKER: &str = "Answertone";
const MODEL: &str = "Answertone fax modem";
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Lines of `I0` and on.
pub(super) fn information(number: u32) -> Option<&'static str> {
    match number {
        0 => Some("14400"),
        1 | 2 => Some("OK"),
        3 => Some(MODEL),
        4 => Some(VERSION),
        5..=9 => Some(MAKER),
        _ => None,
    }
}

/// Answers of the commands that ask for maker, model and version, by V.250, T.31 and T.32.
pub(super) fn extended(name: &str) -> Option<&'static str> {
    match name {
        "+FMI" | "+GMI" | "+FMFR" => Some(MAKER),
        "+FMM" | "+GMM" | "+FMDL" => Some(MODEL),
        "+FMR" | "+GMR" | "+FREV" => Some(VERSION),
        "+GCAP" => Some("+GCAP: +FCLASS"),
        _ => None,
    }
}
