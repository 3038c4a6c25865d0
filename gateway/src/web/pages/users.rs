//! Users, and what senders have used of what they may.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Path, State},
    response::{IntoResponse, Redirect, Response},
};

use crate::{
    authorise::secret::hashed,
    mail::Mailbox,
    store::{Usage, User, now},
    web::{
        Site,
        failure::Failure,
        frame::{Frame, Html},
        session::{Act, Visitor},
        words::{filters, t},
    },
};

/// The shortest password.
const LETTERS: usize = 8;
const DAY_MS: i64 = 86_400_000;

#[derive(Template)]
#[template(path = "web/users.html")]
struct UsersPage {
    frame: Frame,
    users: Vec<UserRow>,
    limits: Vec<LimitRow>,
    said: &'static str,
}

struct UserRow {
    name: String,
    mailbox: String,
    operator: bool,
    password: bool,
    pin: bool,
    locked_until: i64,
    locked: bool,
    used: Usage,
}

/// A table of senders and its bounds.
struct LimitRow {
    name: String,
    allowed: bool,
    numbers: String,
    bounds: Vec<(&'static str, String, String)>,
}

pub(super) async fn show(State(site): State<Arc<Site>>, visitor: Visitor) -> Result<Response, Failure> {
    visitor.operates()?;
    page(&site, &visitor, "").await
}

async fn page(site: &Site, visitor: &Visitor, said: &'static str) -> Result<Response, Failure> {
    let mut users = vec![];
    for user in site.front.store().users().await? {
        let used = used(site, &user.name).await?;
        users.push(UserRow {
            operator: site.front.config().web.operators.contains(&user.name),
            password: user.password.is_some(),
            pin: user.pin.is_some(),
            locked: user.locked_until > now(),
            locked_until: user.locked_until,
            name: user.name,
            mailbox: user.mailbox,
            used,
        });
    }
    let limits = limits(site).await?;
    Ok(Html(UsersPage { frame: Frame::new(visitor, "users"), users, limits, said }).into_response())
}

/// What a user has used in 24 hours, under whichever table of senders.
async fn used(site: &Site, name: &str) -> Result<Usage, Failure> {
    let rules = site.front.config().senders.iter().map(|rule| format!("{}/{name}", rule.name));
    let mut sum = Usage::default();
    for account in rules.chain([format!("user {name}")]) {
        let used = site.front.store().usage(&account, now() - DAY_MS).await?;
        sum = Usage {
            jobs: sum.jobs + used.jobs,
            pages: sum.pages + used.pages,
            numbers: sum.numbers + used.numbers,
            cost: sum.cost + used.cost,
        };
    }
    Ok(sum)
}

async fn limits(site: &Site) -> Result<Vec<LimitRow>, Failure> {
    let mut rows = vec![];
    for rule in &site.front.config().senders {
        let used = site.front.store().usage(&rule.name, now() - DAY_MS).await?;
        let (quota, bound) = (&rule.quota, |most: Option<i64>| most.map_or("∞".into(), |most| most.to_string()));
        let cost = quota.cost.map_or("∞".into(), |most| format!("{most:.2}"));
        rows.push(LimitRow {
            name: rule.name.clone(),
            allowed: rule.allow,
            numbers: rule.numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
            bounds: vec![
                (t("limit.jobs"), used.jobs.to_string(), bound(quota.jobs)),
                (t("limit.pages"), used.pages.to_string(), bound(quota.pages)),
                (t("limit.numbers"), used.numbers.to_string(), bound(quota.numbers)),
                (t("limit.cost"), format!("{:.2}", used.cost), cost),
            ],
        });
    }
    Ok(rows)
}

/// Adds a user or changes one.
pub(super) async fn set(State(site): State<Arc<Site>>, act: Act) -> Result<Response, Failure> {
    act.visitor.operates()?;
    let (name, password, mailbox) = (act.field("name").trim(), act.field("password"), act.field("mailbox").trim());
    let plain = !name.is_empty() && name.bytes().all(|c| c.is_ascii_graphic() && !b"/\"".contains(&c));
    if !plain {
        return page(&site, &act.visitor, t("users.bad_name")).await;
    }
    if !mailbox.is_empty() && Mailbox::parse(mailbox).is_none() {
        return page(&site, &act.visitor, t("users.bad_mailbox")).await;
    }
    if !password.is_empty() && password.chars().count() < LETTERS {
        return page(&site, &act.visitor, t("users.short_password")).await;
    }
    let given = Some(password.to_owned()).filter(|password| !password.is_empty());
    let hashed = tokio::task::spawn_blocking(move || given.map(|password| hashed(&password)));
    let password = hashed.await.map_err(|error| Failure::Wrong(error.to_string()))?;
    if password.is_some() {
        site.sessions.end_all(name);
    }
    let user = User { name: name.into(), password, mailbox: mailbox.into(), ..User::default() };
    site.front.store().put_user(&user).await?;
    tracing::info!(user = name, by = act.visitor.user.name, "user set");
    page(&site, &act.visitor, t("users.saved")).await
}

pub(super) async fn act(
    State(site): State<Arc<Site>>,
    Path((name, action)): Path<(String, String)>,
    act: Act,
) -> Result<Redirect, Failure> {
    act.visitor.operates()?;
    let done = match action.as_str() {
        "unlock" => site.front.store().unlock_user(&name).await?,
        "remove" => {
            site.sessions.end_all(&name);
            site.front.store().remove_user(&name).await?
        }
        _ => false,
    };
    if !done {
        return Err(Failure::NotFound);
    }
    tracing::info!(user = name, action, by = act.visitor.user.name, "by the page");
    Ok(Redirect::to("/users"))
}
