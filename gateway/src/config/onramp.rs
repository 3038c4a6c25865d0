//! `[onramp]`: fax to e-mail. Who may send to us, and where it goes.

use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::{
    ConfigError,
    file::{File, Key, flag, patterns, text},
};
use crate::{mail::Mailbox, pattern::Pattern};

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct Raw {
    mailbox: Key<String>,
    from: Key<String>,
    attach: Key<String>,
    confirm: Key<bool>,
    colour: Key<bool>,
    proof: Key<String>,
    collect_number: Key<bool>,
    tries: Key<i64>,
    offramp: Key<String>,
    enum_zone: Key<String>,
    enum_numbers: Key<Vec<String>>,
    negotiate: Key<bool>,
    fax_notices: Key<String>,
    fax_notices_to: Key<String>,
    unrouted: Key<String>,
    #[serde(default)]
    gateway: Vec<RawGateway>,
    #[serde(default)]
    caller: Vec<RawCaller>,
    #[serde(default)]
    route: Vec<RawRoute>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCaller {
    number: Key<String>,
    station: Key<String>,
    allow: Key<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRoute {
    dialled: Key<String>,
    number: Key<String>,
    station: Key<String>,
    subaddress: Key<String>,
    keyed: Key<String>,
    user: Key<String>,
    mailboxes: Spanned<Vec<Spanned<String>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawGateway {
    numbers: Key<Vec<String>>,
    offramp: Spanned<String>,
}

/// How received pages are attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Attach {
    /// TIFF, RFC 3949.
    Tiff,
    /// PDF.
    Pdf,
    /// Both.
    Both,
}

/// How callers prove who they are, RFC 4161 3.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CallerProof {
    /// Not at all.
    None,
    /// They key in user and PIN before the fax begins.
    Pin,
    /// Their machine sends `USER*PIN` as its password, ITU-T T.30 PWD.
    Pwd,
}

/// What becomes of a fax that no route takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unrouted {
    /// It goes to the mailbox of all.
    Mailbox,
    /// Its caller is refused.
    Refuse,
}

/// What of the replies to a fax's mail is told to its caller by fax, RFC 4160 4.6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FaxNotices {
    /// Nothing.
    Never,
    /// That it could not be delivered or read.
    Failures,
    /// That it was, too.
    All,
}

/// Which number of the caller they go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FaxNoticesTo {
    /// The one that the network tells.
    Caller,
    /// That, or else what its machine calls itself.
    Station,
}

/// Fax to e-mail.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Onramp {
    /// Where faxes go that no route takes.
    pub mailbox: Mailbox,
    /// Who they come from when the caller is unknown.
    pub from: Mailbox,
    /// How.
    pub attach: Attach,
    /// Whether delivery and reading of the mail are asked for, and what is told of them is kept.
    pub confirm: bool,
    /// Whether pages in colour and grey are taken as such.
    pub colour: bool,
    /// How callers prove who they are.
    pub proof: CallerProof,
    /// Whether callers key in where the fax is to go.
    pub collect_number: bool,
    /// How often they may try.
    pub tries: u32,
    /// The off-ramp that numbers keyed in are mailed to as `FAX=+NUMBER`, if no table has one for them; empty for none.
    pub offramp: String,
    /// The zone that is asked for the mailbox of a number keyed in, RFC 4143; empty to ask none.
    pub enum_zone: String,
    /// The numbers that it is asked for: who asks tells the name servers whom a fax goes to.
    pub enum_numbers: Vec<Pattern>,
    /// Whether other forms of a fax are offered to who gets its mail, RFC 3297.
    pub negotiate: bool,
    /// What of the replies to a fax's mail is told to its caller by fax.
    pub fax_notices: FaxNotices,
    /// Which number of the caller they go to.
    pub fax_notices_to: FaxNoticesTo,
    /// What becomes of a fax that no route takes.
    pub unrouted: Unrouted,
    /// Off-ramps for numbers keyed in. The first that fits decides.
    #[serde(rename = "gateway")]
    pub gateways: Vec<OfframpRule>,
    /// Who may send. The first that fits decides; with none at all everybody may.
    #[serde(rename = "caller")]
    pub callers: Vec<CallerRule>,
    /// Where it goes. The first that fits decides.
    #[serde(rename = "route")]
    pub routes: Vec<Route>,
}

impl Onramp {
    /// Whether what is told of faxes' mails comes to [`Onramp::from`].
    pub fn hears_replies(&self) -> bool {
        self.confirm || self.negotiate || self.fax_notices != FaxNotices::Never
    }
}

/// A row of the table of off-ramps.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OfframpRule {
    /// International numbers.
    pub numbers: Vec<Pattern>,
    /// The off-ramp for them.
    pub offramp: String,
}

/// A row of the table of callers: both patterns have to fit.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CallerRule {
    /// The number the network tells.
    pub number: Pattern,
    /// What the machine calls itself.
    pub station: Pattern,
    /// Whether they may.
    pub allow: bool,
}

/// A row of the table of destinations: all patterns have to fit.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Route {
    /// The number that was called.
    pub dialled: Pattern,
    /// The number it was called from.
    pub number: Pattern,
    /// What the calling machine calls itself.
    pub station: Pattern,
    /// The subaddress it sent.
    pub subaddress: Pattern,
    /// What was keyed in.
    pub keyed: Pattern,
    /// Who proved to be calling.
    pub user: Pattern,
    /// Where it goes.
    pub mailboxes: Vec<Mailbox>,
}

impl File<'_> {
    pub(super) fn onramp(&self, raw: Raw, hostname: &str) -> Result<Onramp, ConfigError> {
        let kinds = [("tiff", Attach::Tiff), ("pdf", Attach::Pdf), ("both", Attach::Both)];
        let proofs = [("none", CallerProof::None), ("pin", CallerProof::Pin), ("pwd", CallerProof::Pwd)];
        let told = [("never", FaxNotices::Never), ("failures", FaxNotices::Failures), ("all", FaxNotices::All)];
        let whom = [("caller", FaxNoticesTo::Caller), ("station", FaxNoticesTo::Station)];
        let fates = [("mailbox", Unrouted::Mailbox), ("refuse", Unrouted::Refuse)];
        Ok(Onramp {
            mailbox: self.mailbox("onramp.mailbox", raw.mailbox, &format!("postmaster@{hostname}"))?,
            from: self.mailbox("onramp.from", raw.from, &format!("fax@{hostname}"))?,
            confirm: flag(raw.confirm, false),
            negotiate: self.offers(raw.negotiate, raw.attach.as_ref())?,
            attach: self.choice("onramp.attach", raw.attach, Attach::Both, &kinds)?,
            colour: flag(raw.colour, false),
            proof: self.choice("onramp.proof", raw.proof, CallerProof::None, &proofs)?,
            collect_number: flag(raw.collect_number, false),
            tries: self.number("onramp.tries", raw.tries, 3, 1, 10)? as u32,
            offramp: text(raw.offramp, ""),
            enum_zone: self.zone(raw.enum_zone)?,
            enum_numbers: patterns(raw.enum_numbers, &["*"]),
            fax_notices: self.choice("onramp.fax_notices", raw.fax_notices, FaxNotices::Never, &told)?,
            fax_notices_to: self.choice("onramp.fax_notices_to", raw.fax_notices_to, FaxNoticesTo::Caller, &whom)?,
            gateways: raw.gateway.into_iter().map(|row| self.gateway(row)).collect::<Result<_, _>>()?,
            unrouted: self.choice("onramp.unrouted", raw.unrouted, Unrouted::Mailbox, &fates)?,
            callers: raw.caller.into_iter().map(caller).collect(),
            routes: raw.route.into_iter().map(|route| self.route(route)).collect::<Result<_, _>>()?,
        })
    }

    /// Other forms are offered of the TIFF in the mail.
    fn offers(&self, key: Key<bool>, attach: Option<&Spanned<String>>) -> Result<bool, ConfigError> {
        match key {
            Some(key) if *key.get_ref() && attach.is_some_and(|attach| attach.get_ref() == "pdf") => {
                Err(self.refuse("onramp.negotiate", &key, "write onramp.attach = \"tiff\" or \"both\" with it"))
            }
            key => Ok(flag(key, false)),
        }
    }

    fn zone(&self, key: Key<String>) -> Result<String, ConfigError> {
        let Some(zone) = key else { return Ok(String::new()) };
        let plain = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
        if !zone.get_ref().chars().all(plain) {
            return Err(self.refuse("onramp.enum_zone", &zone, "write a domain such as \"e164.arpa\""));
        }
        Ok(zone.into_inner().trim_matches('.').to_owned())
    }

    fn gateway(&self, raw: RawGateway) -> Result<OfframpRule, ConfigError> {
        let remedy = "write the domain of an off-ramp such as \"fax.example.com\"";
        if Mailbox::parse(&format!("FAX=+1@{}", raw.offramp.get_ref())).is_none() {
            return Err(self.refuse("onramp.gateway.offramp", &raw.offramp, remedy));
        }
        Ok(OfframpRule { numbers: patterns(raw.numbers, &["*"]), offramp: raw.offramp.into_inner() })
    }

    fn route(&self, raw: RawRoute) -> Result<Route, ConfigError> {
        if raw.mailboxes.get_ref().is_empty() {
            return Err(self.refuse("onramp.route.mailboxes", &raw.mailboxes, "write at least one e-mail address"));
        }
        let mailboxes = raw.mailboxes.into_inner();
        Ok(Route {
            dialled: pattern(raw.dialled),
            number: pattern(raw.number),
            station: pattern(raw.station),
            subaddress: pattern(raw.subaddress),
            keyed: pattern(raw.keyed),
            user: pattern(raw.user),
            mailboxes: mailboxes
                .iter()
                .map(|address| self.address("onramp.route.mailboxes", address))
                .collect::<Result<_, _>>()?,
        })
    }
}

fn caller(raw: RawCaller) -> CallerRule {
    CallerRule { number: pattern(raw.number), station: pattern(raw.station), allow: flag(raw.allow, true) }
}

fn pattern(key: Key<String>) -> Pattern {
    Pattern::new(text(key, "*"))
}
