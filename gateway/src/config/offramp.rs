//! `[offramp]`: e-mail to fax. How numbers are dialled, which of them, when, how often and at what cost.

use std::time::Duration;

use answertone_dsp::tone::progress::TONES;
use answertone_t30::{image::Resolution, session::Instead};
use jiff::{Zoned, civil::Time};
use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::{
    ConfigError,
    file::{File, Key, all_as_seconds, flag, patterns, text},
};
use crate::{
    engine::Hearing,
    ifax::{
        dial::DialPlan,
        priority::Priority,
        status::{Consequence, consequence, known_causes},
    },
    pattern::Pattern,
};

/// What messages may be drawn at.
const DRAWN: [(&str, Resolution); 5] = [
    ("fine", Resolution::Fine),
    ("superfine", Resolution::Superfine),
    ("300", Resolution::Dpi300),
    ("400", Resolution::Dpi400),
    ("600", Resolution::Dpi600),
];

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct Raw {
    country_code: Key<String>,
    area_code: Key<String>,
    national_prefix: Key<String>,
    international_prefix: Key<String>,
    outside_line: Key<String>,
    local_numbers: Key<bool>,
    allowed: Key<Vec<String>>,
    blocked: Key<Vec<String>>,
    emergency: Key<Vec<String>>,
    attempts: Key<i64>,
    retry_s: Key<Vec<i64>>,
    max_pages: Key<i64>,
    colour: Key<bool>,
    resolution: Key<String>,
    country: Key<String>,
    give_up_on: Key<Vec<String>>,
    jobs_per_call: Key<i64>,
    stubborn_days: Key<i64>,
    cover_file: Key<String>,
    #[serde(default)]
    cause: Vec<RawCause>,
    #[serde(default)]
    hours: Vec<RawHours>,
    #[serde(default)]
    rate: Vec<RawRate>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCause {
    name: Spanned<String>,
    attempts: Key<i64>,
    retry_s: Key<Vec<i64>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawHours {
    numbers: Key<Vec<String>>,
    priority: Key<String>,
    from: Spanned<String>,
    to: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRate {
    numbers: Key<Vec<String>>,
    per_call: Key<f64>,
    per_minute: Key<f64>,
}

/// E-mail to fax.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Offramp {
    /// How numbers are dialled, and which may be.
    #[serde(flatten)]
    pub dial: DialPlan,
    /// Attempts in all.
    pub attempts: u32,
    /// Waiting times between them.
    #[serde(rename = "retry_s", serialize_with = "all_as_seconds")]
    pub retry: Vec<Duration>,
    /// Most pages of a message.
    pub max_pages: usize,
    /// Whether pages in colour and grey are sent as such to machines that take them.
    pub colour: bool,
    /// What messages are drawn at, and the finest that is sent.
    #[serde(serialize_with = "as_name")]
    pub resolution: Resolution,
    /// What is listened for in a call, and what ends it.
    #[serde(flatten)]
    pub hearing: Hearing,
    /// Most jobs for one number that go in one call.
    pub jobs_per_call: u32,
    /// How long it is remembered that a number needs slower or simpler calls.
    pub stubborn_days: u32,
    /// The file a cover page is made from; empty for none.
    pub cover_file: String,
    /// Its text.
    #[serde(skip)]
    pub cover: Option<String>,
    /// What holds for single causes of failure.
    #[serde(rename = "cause")]
    pub causes: Vec<CauseRule>,
    /// When some calls may be made.
    pub hours: Vec<Hours>,
    /// What calls cost.
    #[serde(rename = "rate")]
    pub rates: Vec<Rate>,
}

/// How often and when a fax is tried again that failed by this cause.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CauseRule {
    /// The cause.
    pub name: String,
    /// Attempts that may end by it.
    pub attempts: u32,
    /// Waiting times after them.
    #[serde(rename = "retry_s", serialize_with = "all_as_seconds")]
    pub retry: Vec<Duration>,
}

/// Hours of the day within which calls are made. They may go over midnight.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Hours {
    /// For these numbers.
    pub numbers: Vec<Pattern>,
    /// For faxes of this priority; none: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<Priority>,
    /// From this minute on,
    #[serde(serialize_with = "as_clock")]
    pub from: Time,
    /// to this, excluded.
    #[serde(serialize_with = "as_clock")]
    pub to: Time,
}

/// What a call costs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Rate {
    /// To these numbers.
    pub numbers: Vec<Pattern>,
    /// For being answered.
    pub per_call: f64,
    /// For each minute begun.
    pub per_minute: f64,
}

impl Offramp {
    /// What follows from a failure that has now happened so many times to a job, in its attempts in all: the time to
    /// wait, or none when it is given up.
    pub fn wait_after(&self, cause: &str, times: u32, attempts: u32) -> Option<Duration> {
        let rule = self.causes.iter().find(|rule| rule.name == cause);
        let Consequence { retry, .. } = consequence(cause);
        let (most, waits, counted) = match rule {
            Some(rule) => (rule.attempts, &rule.retry, times),
            None if retry => (self.attempts, &self.retry, attempts),
            None => return None,
        };
        let at = counted.saturating_sub(1) as usize;
        (counted < most && attempts < self.attempts.max(most)).then(|| waits[at.min(waits.len() - 1)])
    }

    /// When a call that is due at `now` may be made; none: at once. The first hours that fit number and priority decide.
    pub fn postponed(&self, number: &str, priority: Priority, now: &Zoned) -> Option<Zoned> {
        let fits =
            |hours: &&Hours| hours.priority.is_none_or(|wanted| wanted == priority) && any(&hours.numbers, number);
        let hours = self.hours.iter().find(fits)?;
        (!hours.contain(now.time())).then(|| hours.next(now))
    }

    /// What a call of so many seconds has cost; the first rate that fits counts.
    pub fn cost(&self, number: &str, seconds: f64) -> f64 {
        let rate = self.rates.iter().find(|rate| any(&rate.numbers, number));
        rate.map_or(0.0, |rate| rate.per_call + rate.per_minute * (seconds / 60.0).ceil())
    }
}

fn any(patterns: &[Pattern], number: &str) -> bool {
    patterns.iter().any(|pattern| pattern.matches(number))
}

impl Hours {
    fn contain(&self, time: Time) -> bool {
        if self.from < self.to { self.from <= time && time < self.to } else { time >= self.from || time < self.to }
    }

    fn next(&self, now: &Zoned) -> Zoned {
        let today = now.with().time(self.from).build().unwrap_or_else(|_| now.clone());
        if today > *now { today } else { today.tomorrow().unwrap_or(today) }
    }
}

impl File<'_> {
    pub(super) fn offramp(&self, raw: Raw) -> Result<Offramp, ConfigError> {
        let cover = match raw.cover_file.as_ref().filter(|path| !path.get_ref().is_empty()) {
            Some(path) => Some(
                std::fs::read_to_string(path.get_ref())
                    .map_err(|error| self.refuse("offramp.cover_file", path, &format!("cannot be read: {error}")))?,
            ),
            None => None,
        };
        Ok(Offramp {
            dial: DialPlan {
                country_code: self.digits("offramp.country_code", raw.country_code, "")?,
                area_code: self.digits("offramp.area_code", raw.area_code, "")?,
                national_prefix: self.digits("offramp.national_prefix", raw.national_prefix, "")?,
                international_prefix: self.digits("offramp.international_prefix", raw.international_prefix, "00")?,
                outside_line: self.digits("offramp.outside_line", raw.outside_line, "")?,
                local_numbers: flag(raw.local_numbers, false),
                allowed: patterns(raw.allowed, &["+*"]),
                blocked: patterns(raw.blocked, &[]),
                emergency: match raw.emergency {
                    Some(list) => list.into_inner(),
                    None => DialPlan::default().emergency,
                },
            },
            attempts: self.number("offramp.attempts", raw.attempts, 4, 1, 50)? as u32,
            retry: self.waits("offramp.retry_s", raw.retry_s, &[120, 300, 900])?,
            max_pages: self.number("offramp.max_pages", raw.max_pages, 200, 1, 10_000)? as usize,
            colour: flag(raw.colour, false),
            resolution: self.choice("offramp.resolution", raw.resolution, Resolution::Fine, &DRAWN)?,
            hearing: self.hearing(raw.country, raw.give_up_on)?,
            jobs_per_call: self.number("offramp.jobs_per_call", raw.jobs_per_call, 5, 1, 100)? as u32,
            stubborn_days: self.number("offramp.stubborn_days", raw.stubborn_days, 30, 0, 3650)? as u32,
            cover_file: text(raw.cover_file, ""),
            cover,
            causes: raw.cause.into_iter().map(|cause| self.cause(cause)).collect::<Result<_, _>>()?,
            hours: raw.hours.into_iter().map(|hours| self.hours(hours)).collect::<Result<_, _>>()?,
            rates: raw.rate.into_iter().map(|rate| self.rate(rate)).collect::<Result<_, _>>()?,
        })
    }

    fn hearing(&self, country: Key<String>, give_up_on: Key<Vec<String>>) -> Result<Hearing, ConfigError> {
        let usual = Hearing::default();
        let known = |country: &str| country == usual.country || TONES.iter().any(|tone| tone.country == country);
        if let Some(country) = country.as_ref().filter(|country| !known(country.get_ref())) {
            let remedy = "write \"any\", or a country such as \"us\" or \"de\"";
            return Err(self.refuse("offramp.country", country, remedy));
        }
        let give_up_on = match give_up_on {
            Some(list) => Hearing::give_up_list(list.get_ref().iter().map(String::as_str)).map_err(|_| {
                let all = Instead::ALL.map(Instead::name).join(", ");
                self.refuse("offramp.give_up_on", &list, &format!("choose of {all}"))
            })?,
            None => usual.give_up_on,
        };
        Ok(Hearing { country: country.map_or(usual.country, Spanned::into_inner), give_up_on })
    }

    fn cause(&self, raw: RawCause) -> Result<CauseRule, ConfigError> {
        let known: Vec<_> = known_causes().collect();
        if !known.contains(&raw.name.get_ref().as_str()) {
            return Err(self.refuse("offramp.cause.name", &raw.name, &format!("write one of {}", known.join(", "))));
        }
        Ok(CauseRule {
            attempts: self.number("offramp.cause.attempts", raw.attempts, 4, 1, 50)? as u32,
            retry: self.waits("offramp.cause.retry_s", raw.retry_s, &[120, 300, 900])?,
            name: raw.name.into_inner(),
        })
    }

    fn hours(&self, raw: RawHours) -> Result<Hours, ConfigError> {
        let names = Priority::ALL.map(|priority| (priority.name(), priority));
        let priority = match raw.priority {
            Some(name) => Some(self.choice("offramp.hours.priority", Some(name), Priority::Normal, &names)?),
            None => None,
        };
        Ok(Hours {
            numbers: patterns(raw.numbers, &["*"]),
            priority,
            from: self.clock("offramp.hours.from", &raw.from)?,
            to: self.clock("offramp.hours.to", &raw.to)?,
        })
    }

    fn clock(&self, key: &str, text: &Spanned<String>) -> Result<Time, ConfigError> {
        Time::strptime("%H:%M", text.get_ref())
            .map_err(|_| self.refuse(key, text, "write an hour and minute of the day such as \"22:30\""))
    }

    fn rate(&self, raw: RawRate) -> Result<Rate, ConfigError> {
        Ok(Rate {
            numbers: patterns(raw.numbers, &["*"]),
            per_call: self.amount("offramp.rate.per_call", raw.per_call)?.unwrap_or_default(),
            per_minute: self.amount("offramp.rate.per_minute", raw.per_minute)?.unwrap_or_default(),
        })
    }
}

fn as_name<S: serde::Serializer>(resolution: &Resolution, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(resolution.name())
}

fn as_clock<S: serde::Serializer>(time: &Time, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(&time.strftime("%H:%M"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn offramp(text: &str) -> Offramp {
        Config::parse(text, "a.toml").unwrap().offramp
    }

    #[test]
    fn each_cause_has_its_own_number_of_attempts_and_waiting_times() {
        let offramp = offramp(
            "[offramp]\nattempts = 3\nretry_s = [10, 20]\n\
             [[offramp.cause]]\nname = \"busy\"\nattempts = 5\nretry_s = [60, 90]\n\
             [[offramp.cause]]\nname = \"line_lost\"\nattempts = 1\n",
        );
        let after = |cause, times, attempts| offramp.wait_after(cause, times, attempts).map(|wait| wait.as_secs());
        assert_eq!([1, 2, 3].map(|n| after("training_failed", n, n)), [Some(10), Some(20), None]);
        assert_eq!([1, 2, 4, 5].map(|n| after("busy", n, n)), [Some(60), Some(90), Some(90), None]);
        assert_eq!(after("line_lost", 1, 1), None);
        assert_eq!(after("voice", 1, 1), None, "people are not rung again");
    }

    #[test]
    fn calls_wait_for_their_hours() {
        let offramp = offramp(
            "[[offramp.hours]]\npriority = \"low\"\nfrom = \"22:00\"\nto = \"06:00\"\n\
             [[offramp.hours]]\nnumbers = [\"+1*\"]\nfrom = \"14:00\"\nto = \"20:00\"\n",
        );
        let at = |text: &str| format!("{text}[UTC]").parse::<Zoned>().unwrap();
        let next = |number, priority, now: &str| offramp.postponed(number, priority, &at(now));
        assert_eq!(next("+44", Priority::Low, "2026-05-01T23:30:00"), None);
        assert_eq!(next("+44", Priority::Low, "2026-05-01T05:59:00"), None);
        assert_eq!(next("+44", Priority::Low, "2026-05-01T12:00:00"), Some(at("2026-05-01T22:00:00")));
        assert_eq!(next("+1555", Priority::Normal, "2026-05-01T21:00:00"), Some(at("2026-05-02T14:00:00")));
        assert_eq!(next("+44", Priority::Urgent, "2026-05-01T12:00:00"), None);
    }

    #[test]
    fn a_call_costs_by_the_first_rate_that_fits() {
        let offramp = offramp(
            "[[offramp.rate]]\nnumbers = [\"+44*\"]\nper_call = 0.5\nper_minute = 0.1\n[[offramp.rate]]\nper_minute = 1.0\n",
        );
        assert_eq!(offramp.cost("+441632960000", 61.0), 0.7);
        assert_eq!(offramp.cost("+1555", 59.0), 1.0);
    }

    #[test]
    fn wrong_tables_are_refused_with_line_and_remedy() {
        let refusal = |text: &str| Config::parse(text, "a.toml").unwrap_err().to_string();
        let said = refusal("\n[[offramp.cause]]\nname = \"bussy\"\n");
        assert!(
            said.starts_with("a.toml:3: offramp.cause.name = \"bussy\": write one of ") && said.contains("busy,"),
            "{said}"
        );
        let said = refusal("[[offramp.hours]]\nfrom = \"25:00\"\nto = \"06:00\"\n");
        assert!(said.starts_with("a.toml:2: offramp.hours.from = \"25:00\""), "{said}");
        assert!(refusal("[[offramp.rate]]\nper_call = -1.0\n").contains("not negative"));
        assert!(refusal("[offramp]\ncover_file = \"/no/such\"\n").contains("cannot be read"));
        let said = refusal("[offramp]\ngive_up_on = [\"busy\", \"bussy\"]\n");
        assert!(said.starts_with("a.toml:2: offramp.give_up_on") && said.contains("special_information"), "{said}");
        assert!(refusal("[offramp]\ncountry = \"atlantis\"\n").contains("any"));
    }
}
