//! Who is there: sessions after a login, kept in memory, and how often a login may be tried.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, Instant},
};

use axum::{
    extract::{FromRequest, FromRequestParts, Request},
    http::{HeaderMap, header, request::Parts},
};
use sha2::{Digest, Sha256};

use super::{Site, failure::Failure};
use crate::{
    hexadecimal,
    store::{Owner, User},
};

/// The name of the cookie.
pub(super) const COOKIE: &str = "answertone";

/// Most sessions at once; beyond them the one idle longest ends.
const MOST: usize = 10_000;

/// Sessions by the digest of what is in the cookie: who reads this memory cannot log in by it.
pub(super) struct Sessions {
    idle: Duration,
    held: Mutex<HashMap<[u8; 32], Session>>,
}

struct Session {
    user: String,
    /// What every form of this session must bring.
    token: String,
    last: Instant,
}

impl Sessions {
    pub(super) fn new(idle: Duration) -> Self {
        Self { idle, held: Mutex::default() }
    }

    /// Begins a session; what goes into the cookie.
    pub(super) fn begin(&self, user: &str) -> String {
        let secret = chance();
        let mut held = self.held();
        held.retain(|_, session| session.last.elapsed() < self.idle);
        if held.len() >= MOST
            && let Some(oldest) = held.iter().min_by_key(|(_, session)| session.last).map(|(key, _)| *key)
        {
            held.remove(&oldest);
        }
        held.insert(digest(&secret), Session { user: user.into(), token: chance(), last: Instant::now() });
        secret
    }

    /// The user and the token of forms.
    fn find(&self, secret: &str) -> Option<(String, String)> {
        let mut held = self.held();
        let session = held.get_mut(&digest(secret)).filter(|session| session.last.elapsed() < self.idle)?;
        session.last = Instant::now();
        Some((session.user.clone(), session.token.clone()))
    }

    /// Ends a session.
    pub(super) fn end(&self, secret: &str) {
        self.held().remove(&digest(secret));
    }

    /// Ends all sessions of a user.
    pub(super) fn end_all(&self, user: &str) {
        self.held().retain(|_, session| session.user != user);
    }

    fn held(&self) -> MutexGuard<'_, HashMap<[u8; 32], Session>> {
        self.held.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// 256 bits of chance as text.
pub(super) fn chance() -> String {
    hexadecimal::chance::<32>()
}

fn digest(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

/// The value of a cookie.
pub(super) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let fields = headers.get_all(header::COOKIE).into_iter().filter_map(|field| field.to_str().ok());
    let mut pairs = fields.flat_map(|field| field.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(found, _)| *found == name).map(|(_, value)| value)
}

/// Somebody who is logged in.
pub(super) struct Visitor {
    pub(super) user: User,
    /// Sees and may change everything.
    pub(super) operator: bool,
    /// For forms.
    pub(super) token: String,
}

impl Visitor {
    async fn of(headers: &HeaderMap, site: &Site) -> Result<Option<Self>, Failure> {
        let Some((name, token)) = cookie(headers, COOKIE).and_then(|secret| site.sessions.find(secret)) else {
            return Ok(None);
        };
        // Who was removed meanwhile is nobody any more.
        let Some(user) = site.front.store().user(&name).await? else { return Ok(None) };
        let operator = site.front.config().web.operators.contains(&name);
        Ok(Some(Self { user, operator, token }))
    }

    /// Whose faxes this one may see; none: all.
    pub(super) fn owner(&self, site: &Site) -> Option<Owner> {
        if self.operator {
            return None;
        }
        let name = &self.user.name;
        let rules = site.front.config().senders.iter().map(|rule| format!("{}/{name}", rule.name));
        let accounts = rules.chain([format!("user {name}")]).collect();
        Some(Owner { accounts, name: name.clone(), mailbox: self.user.mailbox.clone() })
    }

    /// Only an operator goes on from here.
    pub(super) fn operates(&self) -> Result<(), Failure> {
        if self.operator { Ok(()) } else { Err(Failure::NotYours) }
    }

    /// A form must bring the token of its session.
    pub(super) fn check(&self, token: &str) -> Result<(), Failure> {
        let same = aws_lc_rs::constant_time::verify_slices_are_equal(self.token.as_bytes(), token.as_bytes()).is_ok();
        if same { Ok(()) } else { Err(Failure::OldForm) }
    }
}

impl FromRequestParts<Arc<Site>> for Visitor {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, site: &Arc<Site>) -> Result<Self, Failure> {
        let then = parts.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        Self::of(&parts.headers, site).await?.ok_or(Failure::Nobody { then })
    }
}

/// A form of somebody who is logged in; its token is right.
pub(super) struct Act {
    pub(super) visitor: Visitor,
    fields: HashMap<String, String>,
}

impl Act {
    /// A field, or nothing.
    pub(super) fn field(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", String::as_str)
    }
}

impl FromRequest<Arc<Site>> for Act {
    type Rejection = Failure;

    async fn from_request(request: Request, site: &Arc<Site>) -> Result<Self, Failure> {
        let (mut parts, body) = request.into_parts();
        let visitor = Visitor::from_request_parts(&mut parts, site).await?;
        let form = axum::Form::from_request(Request::from_parts(parts, body), site).await;
        let axum::Form(fields): axum::Form<HashMap<String, String>> = form.map_err(|_| Failure::OldForm)?;
        visitor.check(fields.get("token").map_or("", String::as_str))?;
        Ok(Self { visitor, fields })
    }
}

/// How often somebody may try in a minute.
pub(super) struct Limiter {
    most: u32,
    tries: Mutex<HashMap<IpAddr, (Instant, u32)>>,
}

const MINUTE: Duration = Duration::from_secs(60);

impl Limiter {
    pub(super) fn new(most: u32) -> Self {
        Self { most, tries: Mutex::default() }
    }

    /// Whether one more try is allowed at that time.
    pub(super) fn allows(&self, who: IpAddr, now: Instant) -> bool {
        let mut tries = self.tries.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        tries.retain(|_, (since, _)| now.duration_since(*since) < MINUTE);
        let (_, count) = tries.entry(who).or_insert((now, 0));
        *count += 1;
        *count <= self.most
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_lasts_until_it_is_ended_or_idle() {
        let sessions = Sessions::new(Duration::from_secs(60));
        let (anna, bert) = (sessions.begin("anna"), sessions.begin("bert"));
        assert_eq!(sessions.find(&anna).unwrap().0, "anna");
        assert_ne!(sessions.find(&anna).unwrap().1, sessions.find(&bert).unwrap().1);
        sessions.end(&anna);
        assert!(sessions.find(&anna).is_none() && sessions.find("").is_none());
        sessions.end_all("bert");
        assert!(sessions.find(&bert).is_none());
        let short = Sessions::new(Duration::ZERO);
        assert!(short.find(&short.begin("anna")).is_none());
    }

    #[test]
    fn tries_are_counted_by_address_and_minute() {
        let limiter = Limiter::new(2);
        let (here, there) = ("127.0.0.1".parse().unwrap(), "192.0.2.1".parse().unwrap());
        let now = Instant::now();
        assert!(limiter.allows(here, now) && limiter.allows(here, now) && !limiter.allows(here, now));
        assert!(limiter.allows(there, now));
        assert!(limiter.allows(here, now + MINUTE));
    }

    #[test]
    fn cookies_are_found_among_others() {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, "a=b; answertone=x; c=d".parse().unwrap());
        assert_eq!(cookie(&headers, COOKIE), Some("x"));
        assert_eq!(cookie(&headers, "other"), None);
    }
}
