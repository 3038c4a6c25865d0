//! `[[sender]]`: who may have faxes sent, where to, and how much of it.

use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::{
    ConfigError, Network,
    file::{File, Key, flag, patterns, text},
};
use crate::{authorise::origin::Proof, ifax::priority::Priority, pattern::Pattern};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Raw {
    name: Spanned<String>,
    address: Key<String>,
    user: Key<String>,
    network: Key<String>,
    proof: Key<String>,
    allow: Key<bool>,
    numbers: Key<Vec<String>>,
    priority: Key<String>,
    jobs_per_day: Key<i64>,
    pages_per_day: Key<i64>,
    numbers_per_day: Key<i64>,
    cost_per_day: Key<f64>,
}

/// A row of the table of senders. The first that fits decides.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SenderRule {
    /// Its name in the log; what its senders use is counted together under it.
    pub name: String,
    /// Return paths it is for.
    pub address: Pattern,
    /// Users it is for, by the name they logged in with; none: also those who did not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<Pattern>,
    /// Networks it is for; none: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network: Option<Network>,
    /// What must be proved of the domain of the return path; none: nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proof: Option<Proof>,
    /// Whether they may.
    pub allow: bool,
    /// Numbers they may have called.
    pub numbers: Vec<Pattern>,
    /// The priority of their faxes unless the mail says less.
    pub priority: Priority,
    /// How much.
    #[serde(flatten)]
    pub quota: Quota,
}

/// What may be used in 24 hours; none: no bound.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Quota {
    /// Faxes.
    #[serde(rename = "jobs_per_day", skip_serializing_if = "Option::is_none")]
    pub jobs: Option<i64>,
    /// Pages sent.
    #[serde(rename = "pages_per_day", skip_serializing_if = "Option::is_none")]
    pub pages: Option<i64>,
    /// Different numbers.
    #[serde(rename = "numbers_per_day", skip_serializing_if = "Option::is_none")]
    pub numbers: Option<i64>,
    /// Cost of calls by the rates of the off-ramp.
    #[serde(rename = "cost_per_day", skip_serializing_if = "Option::is_none")]
    pub cost: Option<f64>,
}

impl File<'_> {
    pub(super) fn sender(&self, raw: Raw) -> Result<SenderRule, ConfigError> {
        let proofs = [("spf", Proof::Spf), ("dkim", Proof::Dkim), ("dmarc", Proof::Dmarc), ("signed", Proof::Signed)];
        let names = Priority::ALL.map(|priority| (priority.name(), priority));
        Ok(SenderRule {
            name: raw.name.into_inner(),
            address: Pattern::new(text(raw.address, "*")),
            user: raw.user.map(|user| Pattern::new(user.into_inner())),
            network: raw.network.as_ref().map(|network| self.network("sender.network", network)).transpose()?,
            proof: match raw.proof {
                Some(name) => Some(self.choice("sender.proof", Some(name), Proof::Dmarc, &proofs)?),
                None => None,
            },
            allow: flag(raw.allow, true),
            numbers: patterns(raw.numbers, &["*"]),
            priority: self.choice("sender.priority", raw.priority, Priority::Normal, &names)?,
            quota: Quota {
                jobs: self.bound("sender.jobs_per_day", raw.jobs_per_day)?,
                pages: self.bound("sender.pages_per_day", raw.pages_per_day)?,
                numbers: self.bound("sender.numbers_per_day", raw.numbers_per_day)?,
                cost: self.amount("sender.cost_per_day", raw.cost_per_day)?,
            },
        })
    }
}
