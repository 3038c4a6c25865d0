//! `sip:` as a URI. What is behind it, an account and its calls, belongs to the gateway.

use crate::{UriError, query::Query};

const WANTED: &str = "write sip:ACCOUNT, the name of a [[sip]] table of the configuration, or sip:ACCOUNT?to=NUMBER";

/// An account of the configuration, and whom to call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SipParams {
    /// Its name.
    pub account: String,
    /// The number or address to call, where nothing else says it.
    pub to: Option<String>,
}

impl SipParams {
    /// Reads what follows `sip:`.
    pub(crate) fn parse(uri: &str, rest: &str) -> Result<Self, UriError> {
        let (account, parameters) = rest.split_once('?').unwrap_or((rest, ""));
        let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
        if account.is_empty() || !account.chars().all(plain) {
            return Err(UriError::BadNetworkLine { line: uri.to_owned(), wanted: WANTED });
        }
        let mut query = Query::new("sip", "to", parameters);
        let to = query.take("to").filter(|to| !to.is_empty()).map(str::to_owned);
        query.finish()?;
        Ok(Self { account: account.to_owned(), to })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_read_and_addresses_are_not_taken_for_them() {
        let parsed = |rest: &str| SipParams::parse(&format!("sip:{rest}"), rest).map_err(|error| error.to_string());
        assert_eq!(parsed("office"), Ok(SipParams { account: "office".into(), to: None }));
        assert_eq!(parsed("office?to=+15550100").unwrap().to.as_deref(), Some("+15550100"));
        assert!(parsed("fax@pbx.example").unwrap_err().contains("write sip:ACCOUNT"));
        assert!(parsed("office?dial=5").unwrap_err().contains("parameter 'dial' of a line sip: is not known"));
    }
}
