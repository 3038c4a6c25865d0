//! Who may send faxes to us, and to whom they go: RFC 4160 4.1 and 4.2, RFC 4161 3.1.

use crate::{
    config::{OfframpRule, Onramp, Route, Unrouted},
    ifax::{address::PhoneNumber, dial::DialPlan},
    mail::Mailbox,
};

/// What is known of a call that comes in. What is not known is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Incoming {
    /// The number it was made to.
    pub dialled: String,
    /// The number it came from, as the network tells.
    pub number: String,
    /// What the calling machine calls itself.
    pub station: String,
    /// T.33 subaddress.
    pub subaddress: String,
    /// The destination keyed in.
    pub keyed: String,
    /// Who proved to be calling.
    pub user: String,
}

/// Why a fax is not taken, for the log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallerRefused {
    /// Not from there.
    #[error("caller {number:?} with station {station:?} may not send; add an [[onramp.caller]] table to let it")]
    Caller {
        /// Caller ID.
        number: String,
        /// Station ID.
        station: String,
    },
    /// Nowhere to.
    #[error("no [[onramp.route]] takes {0}")]
    Unrouted(String),
    /// Not who it says.
    #[error("the caller did not prove who it is: {0}")]
    Unproved(String),
}

/// Whether the table lets this caller send.
pub fn may_send(onramp: &Onramp, call: &Incoming) -> Result<(), CallerRefused> {
    let fits = |rule: &&crate::config::CallerRule| {
        rule.number.matches(&call.number) && rule.station.matches(call.station.trim())
    };
    let allowed = onramp.callers.is_empty() || onramp.callers.iter().find(fits).is_some_and(|rule| rule.allow);
    if allowed {
        return Ok(());
    }
    Err(CallerRefused::Caller { number: call.number.clone(), station: call.station.trim().to_owned() })
}

/// What was found of what a caller keyed in, besides the tables.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The mailbox of the user of that name.
    pub own: Option<String>,
    /// The mailbox that the number stands for, RFC 4143.
    pub listed: Option<Mailbox>,
}

/// Where a fax goes.
///
/// # Errors
/// Nowhere.
pub fn route(onramp: &Onramp, plan: &DialPlan, call: &Incoming, found: &Found) -> Result<Vec<String>, CallerRefused> {
    if let Some(route) = row(onramp, call) {
        return Ok(route.mailboxes.iter().map(ToString::to_string).collect());
    }
    if let Some(own) = found.own.as_ref().filter(|own| !own.is_empty()) {
        return Ok(vec![own.clone()]);
    }
    if let Some(mailbox) = keyed_number(plan, &call.keyed).and_then(|number| of_number(onramp, call, &number, found)) {
        return Ok(vec![mailbox]);
    }
    match onramp.unrouted {
        Unrouted::Mailbox if call.keyed.is_empty() => Ok(vec![onramp.mailbox.to_string()]),
        _ => Err(CallerRefused::Unrouted(what(call))),
    }
}

/// The number whose mailbox is to be looked up for a call: no table has a place for it, and it may be asked for.
pub fn to_look_up(onramp: &Onramp, plan: &DialPlan, call: &Incoming, own: Option<&str>) -> Option<PhoneNumber> {
    let placed = row(onramp, call).is_some() || own.is_some_and(|own| !own.is_empty());
    let number = keyed_number(plan, &call.keyed).filter(|number| !placed && offramp_row(onramp, number).is_none())?;
    let may = onramp.enum_numbers.iter().any(|pattern| pattern.matches(&number.to_string()));
    may.then_some(number)
}

/// The row of destinations that fits a call.
fn row<'a>(onramp: &'a Onramp, call: &Incoming) -> Option<&'a Route> {
    onramp.routes.iter().find(|route| {
        route.dialled.matches(&call.dialled)
            && route.number.matches(&call.number)
            && route.station.matches(call.station.trim())
            && route.subaddress.matches(call.subaddress.trim())
            && route.keyed.matches(&call.keyed)
            && route.user.matches(&call.user)
    })
}

fn offramp_row<'a>(onramp: &'a Onramp, number: &PhoneNumber) -> Option<&'a str> {
    let fits = |rule: &&OfframpRule| rule.numbers.iter().any(|pattern| pattern.matches(&number.to_string()));
    onramp.gateways.iter().find(fits).map(|rule| rule.offramp.as_str())
}

/// The mailbox for a number keyed in: at the off-ramp that the operator chose for it, RFC 4160 4.3, or as it is listed, or at
/// the off-ramp for all. With a subaddress for that machine, RFC 4160 4.2.4.
fn of_number(onramp: &Onramp, call: &Incoming, number: &PhoneNumber, found: &Found) -> Option<String> {
    let at = |offramp: &str| {
        let digits = call.subaddress.trim();
        let is_subaddress = (1..=20).contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_digit());
        let subaddress = if is_subaddress { format!("/T33S={digits}") } else { String::new() };
        format!("FAX={number}{subaddress}@{offramp}")
    };
    let chosen = offramp_row(onramp, number).map(at);
    let listed = || found.listed.as_ref().map(ToString::to_string);
    chosen.or_else(listed).or_else(|| (!onramp.offramp.is_empty()).then(|| at(&onramp.offramp)))
}

/// A number as it is keyed in: as it is dialled here where the dial plan knows how, else with the country code first.
fn keyed_number(plan: &DialPlan, keyed: &str) -> Option<PhoneNumber> {
    if keyed.is_empty() {
        return None;
    }
    let local = DialPlan { local_numbers: !plan.country_code.is_empty(), ..plan.clone() };
    local.number(keyed).or_else(|_| PhoneNumber::parse(&format!("+{keyed}"))).ok()
}

fn what(call: &Incoming) -> String {
    let known = [
        ("the number called", &call.dialled),
        ("the number keyed in", &call.keyed),
        ("the subaddress", &call.subaddress),
        ("the caller", &call.number),
        ("the station", &call.station),
    ];
    let known: Vec<_> = known
        .iter()
        .filter(|(_, value)| !value.trim().is_empty())
        .map(|(name, value)| format!("{name} {}", value.trim()))
        .collect();
    if known.is_empty() { "a call of which nothing is known".into() } else { known.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{config::Config, pattern::Pattern};

    fn config() -> Config {
        let text = "[offramp]\ncountry_code = \"44\"\nnational_prefix = \"0\"\n[onramp]\nofframp = \"gw.example\"\nmailbox = \"all@x.example\"\n\
            [[onramp.caller]]\nnumber = \"+44*\"\nstation = \"+44 1632*\"\n[[onramp.caller]]\nnumber = \"+1*\"\n\
            [[onramp.route]]\ndialled = \"0163296*\"\nsubaddress = \"12\"\nmailboxes = [\"sub@x.example\", \"copy@x.example\"]\n\
            [[onramp.route]]\nkeyed = \"77\"\nmailboxes = [\"short@x.example\"]\n\
            [[onramp.route]]\nnumber = \"+1555*\"\nmailboxes = [\"us@x.example\"]\n";
        Config::parse(text, "a.toml").unwrap()
    }

    fn routed(call: &Incoming, own: Option<&str>) -> Result<Vec<String>, CallerRefused> {
        let config = config();
        route(&config.onramp, &config.offramp.dial, call, &Found { own: own.map(str::to_owned), listed: None })
    }

    #[test]
    fn caller_and_station_are_judged_together() {
        let onramp = config().onramp;
        let judge = |number: &str, station: &str| {
            may_send(&onramp, &Incoming { number: number.into(), station: station.into(), ..Incoming::default() })
        };
        assert_eq!(judge("+441632960000", " +44 1632 960000 "), Ok(()));
        assert_eq!(judge("+1555", "anything"), Ok(()));
        assert!(judge("+441632960000", "+1 555").is_err());
        assert!(judge("", "+44 1632 960000").is_err());
        assert_eq!(may_send(&Config::default().onramp, &Incoming::default()), Ok(()));
    }

    #[test]
    fn a_fax_goes_by_number_called_subaddress_keys_caller_or_to_all() {
        let call = |change: fn(&mut Incoming)| {
            let mut call = Incoming::default();
            change(&mut call);
            routed(&call, None).unwrap()
        };
        assert_eq!(
            call(|call| (call.dialled, call.subaddress) = ("01632960000".into(), "12".into())),
            ["sub@x.example", "copy@x.example"]
        );
        assert_eq!(call(|call| call.keyed = "77".into()), ["short@x.example"]);
        assert_eq!(call(|call| call.keyed = "01632960000".into()), ["FAX=+441632960000@gw.example"]);
        assert_eq!(call(|call| call.number = "+15550100".into()), ["us@x.example"]);
        assert_eq!(call(|_| {}), ["all@x.example"]);
        let keyed = Incoming { keyed: "12".into(), ..Incoming::default() };
        assert_eq!(routed(&keyed, Some("anna@x.example")).unwrap(), ["anna@x.example"]);
    }

    #[test]
    fn a_number_goes_to_the_off_ramp_chosen_for_it_or_as_it_is_listed_or_to_the_one_for_all() {
        let mut config = config();
        config.onramp.gateways = vec![OfframpRule { numbers: vec![Pattern::new("+44*")], offramp: "gw.uk".into() }];
        config.onramp.enum_numbers = vec![Pattern::new("+49*"), Pattern::new("+44*")];
        let call = |keyed: &str, subaddress: &str| Incoming {
            keyed: keyed.into(),
            subaddress: subaddress.into(),
            ..Incoming::default()
        };
        let listed = Found { listed: Mailbox::parse("office@x.de"), ..Found::default() };
        let goes = |call: &Incoming, found: &Found| route(&config.onramp, &config.offramp.dial, call, found).unwrap();
        assert_eq!(goes(&call("01632960000", ""), &listed), ["FAX=+441632960000@gw.uk"]);
        assert_eq!(goes(&call("01632960000", " 42"), &listed), ["FAX=+441632960000/T33S=42@gw.uk"]);
        assert_eq!(goes(&call("004930123456", ""), &listed), ["office@x.de"]);
        assert_eq!(goes(&call("004930123456", "A"), &Found::default()), ["FAX=+4930123456@gw.example"]);
        let asked = |keyed, own| to_look_up(&config.onramp, &config.offramp.dial, &call(keyed, ""), own);
        assert_eq!(asked("004930123456", None).unwrap().to_string(), "+4930123456");
        assert_eq!(asked("004930123456", Some("anna@x.example")), None, "it is a user's");
        assert_eq!((asked("01632960000", None), asked("0015550100", None), asked("77", None)), (None, None, None));
        assert_eq!(asked("", None), None);
    }

    #[test]
    fn failed_look_ups_are_told() {
        let mut config = config();
        config.onramp.offramp = String::new();
        let keyed = Incoming { keyed: "99".into(), ..Incoming::default() };
        let said = route(&config.onramp, &config.offramp.dial, &keyed, &Found::default()).unwrap_err().to_string();
        assert_eq!(said, "no [[onramp.route]] takes the number keyed in 99");
        config.onramp.unrouted = Unrouted::Refuse;
        assert!(route(&config.onramp, &config.offramp.dial, &Incoming::default(), &Found::default()).is_err());
    }
}
