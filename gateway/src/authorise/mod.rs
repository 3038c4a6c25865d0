//! Who may have faxes sent, RFC 4161 and RFC 3965 5.2.2: the table of senders, and what each may use.
//!
//! ```text
//!  network, login, return path ──▶ first row that fits ──▶ number allowed? ──▶ within 24 hours' bounds? ──▶ job
//! ```

pub mod caller;
mod login;
pub mod origin;
pub mod secret;

use std::net::IpAddr;

pub use login::{Denied, LockOut, Proof, prove};
use origin::Origin;

use crate::{
    config::{Config, Quota, SenderRule},
    ifax::{address::PhoneNumber, priority::Priority},
    store::Usage,
};

/// Who brings a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bearer<'a> {
    /// From where; none when it was found in a mailbox or a folder.
    pub peer: Option<IpAddr>,
    /// Logged in as.
    pub user: Option<&'a str>,
    /// Return path.
    pub from: &'a str,
    /// What was found of where it comes from; none before the message is there, when it is given the benefit.
    pub origin: Option<&'a Origin>,
}

/// What a sender may do.
#[derive(Clone, Debug, PartialEq)]
pub struct Permit {
    /// Under which name it is counted.
    pub account: String,
    /// The priority of its faxes.
    pub priority: Priority,
    /// How much it may use.
    pub quota: Quota,
}

/// Why a sender may not, for people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Not from there.
    #[error("{0} may not have faxes sent; log in, or ask the operator to add it to smtp.allowed_senders")]
    Network(IpAddr),
    /// Not this one.
    #[error("{0} may not have faxes sent; ask the operator for a [[sender]] table")]
    Sender(String),
    /// Not there.
    #[error("{0} may not have {1} called; ask the operator")]
    Number(String, PhoneNumber),
    /// Enough for today.
    #[error("{account} has used up its {what} of 24 hours ({most}); try again later")]
    Quota {
        /// Who.
        account: String,
        /// `faxes`, `pages`, `numbers` or `costs`.
        what: &'static str,
        /// How much there was.
        most: String,
    },
}

impl Refusal {
    /// Whether waiting helps.
    pub fn passes(&self) -> bool {
        matches!(self, Self::Quota { .. })
    }
}

/// What the bearer may do with that number.
pub fn permit(config: &Config, bearer: &Bearer<'_>, number: &PhoneNumber) -> Result<Permit, Refusal> {
    if let (Some(peer), None) = (bearer.peer, bearer.user)
        && !config.smtp.allowed_senders.iter().any(|network| network.contains(peer))
    {
        return Err(Refusal::Network(peer));
    }
    if config.senders.is_empty() {
        let account = bearer.user.map_or_else(String::new, |user| format!("user {user}"));
        return Ok(Permit { account, priority: Priority::Normal, quota: Quota::default() });
    }
    let name = || bearer.user.unwrap_or(bearer.from).to_owned();
    match config.senders.iter().find(|rule| fits(rule, bearer)) {
        Some(rule) if !rule.allow => Err(Refusal::Sender(name())),
        Some(rule) if !rule.numbers.iter().any(|pattern| pattern.matches(&number.to_string())) => {
            Err(Refusal::Number(name(), number.clone()))
        }
        Some(rule) => Ok(Permit { account: account(rule, bearer), priority: rule.priority, quota: rule.quota.clone() }),
        None => Err(Refusal::Sender(name())),
    }
}

fn fits(rule: &SenderRule, bearer: &Bearer<'_>) -> bool {
    let user = match (&rule.user, bearer.user) {
        (None, _) => true,
        (Some(pattern), Some(user)) => pattern.matches(user),
        (Some(_), None) => false,
    };
    let network = match (rule.network, bearer.peer) {
        (None, _) => true,
        (Some(network), Some(peer)) => network.contains(peer),
        (Some(_), None) => false,
    };
    let proved = rule.proof.is_none_or(|proof| bearer.origin.is_none_or(|origin| origin.proves(proof, bearer.from)));
    user && network && proved && rule.address.matches(bearer.from)
}

/// Users are counted each by itself; a return path anybody can write is not.
fn account(rule: &SenderRule, bearer: &Bearer<'_>) -> String {
    match bearer.user {
        Some(user) => format!("{}/{user}", rule.name),
        None => rule.name.clone(),
    }
}

/// The quota of an account, by the rules as they are now.
pub fn quota_of(config: &Config, account: &str) -> Quota {
    let rule = account.split('/').next().unwrap_or_default();
    config.senders.iter().find(|sender| sender.name == rule).map_or_else(Quota::default, |sender| sender.quota.clone())
}

/// Whether one more fax, to a number that is new or not, fits what was used.
pub fn within(account: &str, quota: &Quota, used: &Usage, new_number: bool) -> Result<(), Refusal> {
    let refused = |what, most: String| Err(Refusal::Quota { account: account.into(), what, most });
    match quota {
        Quota { jobs: Some(most), .. } if used.jobs >= *most => refused("faxes", most.to_string()),
        Quota { pages: Some(most), .. } if used.pages >= *most => refused("pages", most.to_string()),
        Quota { numbers: Some(most), .. } if new_number && used.numbers >= *most => {
            refused("numbers", most.to_string())
        }
        Quota { cost: Some(most), .. } if used.cost >= *most => refused("costs", most.to_string()),
        _ => Ok(()),
    }
}

/// Whether so many pages still fit.
pub fn pages_within(account: &str, quota: &Quota, used: &Usage, pages: usize) -> Result<(), Refusal> {
    match quota.pages {
        Some(most) if used.pages + pages as i64 > most => {
            Err(Refusal::Quota { account: account.into(), what: "pages", most: most.to_string() })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> Config {
        let text = "[[sender]]\nname = \"nobody\"\naddress = \"evil@*\"\nallow = false\n\
                    [[sender]]\nname = \"staff\"\nuser = \"*\"\npriority = \"urgent\"\nnumbers = [\"+44*\", \"+1*\"]\n\
                    [[sender]]\nname = \"office\"\naddress = \"*@office.example\"\nnetwork = \"10.0.0.0/8\"\nnumbers = [\"+44*\"]\njobs_per_day = 2\n\
                    [smtp]\nallowed_senders = [\"10.0.0.0/8\", \"127.0.0.1\"]\n";
        Config::parse(text, "a.toml").unwrap()
    }

    fn asks(peer: &str, user: Option<&str>, from: &str, number: &str) -> Result<String, String> {
        let bearer = Bearer { peer: Some(peer.parse().unwrap()), user, from, origin: None };
        let permit = permit(&config(), &bearer, &PhoneNumber::parse(number).unwrap());
        permit.map(|permit| permit.account).map_err(|refusal| refusal.to_string())
    }

    #[test]
    fn the_first_row_that_fits_decides() {
        assert_eq!(asks("10.0.0.1", None, "anna@office.example", "+44163"), Ok("office".into()));
        assert_eq!(asks("192.0.2.1", Some("anna"), "anna@home.example", "+1555"), Ok("staff/anna".into()));
        assert!(
            asks("10.0.0.1", None, "anna@office.example", "+1555").unwrap_err().contains("may not have +1555 called")
        );
        assert!(asks("10.0.0.1", None, "evil@office.example", "+44163").is_err());
        assert!(asks("10.0.0.1", Some("evil"), "evil@office.example", "+44163").is_err());
        assert!(asks("127.0.0.1", None, "anna@office.example", "+44163").unwrap_err().contains("[[sender]]"));
        assert!(asks("192.0.2.1", None, "anna@office.example", "+44163").unwrap_err().contains("192.0.2.1 may not"));
    }

    #[test]
    fn bounds_hold_for_24_hours() {
        let quota = Quota { jobs: Some(2), pages: Some(10), numbers: Some(1), cost: Some(1.0) };
        let used = Usage { jobs: 1, pages: 8, numbers: 1, cost: 0.5 };
        assert_eq!(within("a", &quota, &used, false), Ok(()));
        assert!(within("a", &quota, &used, true).unwrap_err().to_string().contains("its numbers of 24 hours (1)"));
        assert!(within("a", &quota, &Usage { jobs: 2, ..used }, false).unwrap_err().passes());
        assert!(within("a", &quota, &Usage { cost: 1.0, ..used }, false).is_err());
        assert_eq!(pages_within("a", &quota, &used, 2), Ok(()));
        assert!(pages_within("a", &quota, &used, 3).is_err());
        assert_eq!(quota_of(&config(), "office").jobs, Some(2));
        assert_eq!(quota_of(&config(), "staff/anna"), Quota::default());
    }
}
