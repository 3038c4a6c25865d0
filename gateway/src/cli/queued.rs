//! `answertone send --queue`: the documents go to a gateway at work, and its fax is followed until it is over.
//!
//! ```text
//!  files ── POST /faxes ──▶ gateway ◀── GET /faxes/N, twice a second ── bar on a terminal, lines elsewhere, JSON
//! ```

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use clap::{ArgGroup, Args};
use reqwest::{Client, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::{
    attendant::Show,
    call::pages,
    config::read,
    document::media_type,
    error::{CliError, NO, with_causes},
    queue::time,
};

/// How often it is asked how the fax stands.
const LOOK: Duration = Duration::from_millis(500);
/// How long a gateway may take to answer.
const PATIENCE: Duration = Duration::from_secs(60);
/// Interrupted, as shells count it.
const INTERRUPTED: u8 = 130;
/// Where the token of a gateway elsewhere is.
const TOKEN: &str = "ANSWERTONE_API_TOKEN";

/// How a gateway at work is reached, and what it is told beside the documents.
#[derive(Args, Debug)]
#[command(next_help_heading = "Through a gateway", group(ArgGroup::new("through").args(["queue", "gateway"]).multiple(true)))]
pub(super) struct QueuedArgs {
    /// Hand the documents to the gateway that runs by --config, which calls when it can and as often as it has to; follow
    /// the fax until it is over.
    #[arg(long, conflicts_with = "line")]
    queue: bool,
    /// The same with a gateway elsewhere: its [api] listen, as http://HOST:PORT; its token is in ANSWERTONE_API_TOKEN.
    #[arg(long, value_name = "URL", conflicts_with = "line")]
    gateway: Option<String>,
    /// Who is told of the fax's end by mail.
    #[arg(long, value_name = "ADDRESS", default_value = "", hide_default_value = true, requires = "through")]
    from: String,
    /// What it is about, for the log and cover page.
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true, requires = "through")]
    subject: String,
    /// Do not follow it.
    #[arg(long, requires = "through")]
    detach: bool,
}

impl QueuedArgs {
    /// Whether a gateway is to send.
    pub(super) fn is_wanted(&self) -> bool {
        self.queue || self.gateway.is_some()
    }
}

/// Submits the documents and follows the fax.
pub(super) fn run(
    files: &[PathBuf],
    to: &str,
    json: bool,
    config: &Path,
    args: &QueuedArgs,
) -> Result<ExitCode, CliError> {
    let documents = files.iter().map(|file| enclosed(file)).collect::<Result<Vec<_>, _>>()?;
    let gateway = match &args.gateway {
        Some(url) => Gateway::elsewhere(url)?,
        None => Gateway::here(config)?,
    };
    let submission = json!({"to": [to], "from": args.from, "subject": args.subject, "documents": documents});
    Runtime::new().map_err(CliError::failed)?.block_on(async {
        let fax = gateway.submit(&submission).await?;
        let mut show = if json { Show::Json } else { Show::person() };
        show.say("queued", &format!("fax {fax} to {to} is in the queue"), json!({ "fax": fax }));
        if args.detach {
            return Ok(ExitCode::SUCCESS);
        }
        tokio::select! {
            over = gateway.follow(fax, &mut show) => over,
            _ = tokio::signal::ctrl_c() => {
                let said = format!("fax {fax} stays in the queue; answertone queue show {fax} tells of it, queue cancel {fax} ends it");
                show.say("left", &said, json!({ "fax": fax }));
                Ok(ExitCode::from(INTERRUPTED))
            }
        }
    })
}

/// A file as the interface takes it.
fn enclosed(path: &Path) -> Result<Value, CliError> {
    let octets = fs::read(path).map_err(|error| CliError::usage(format!("{}: {error}", path.display())))?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    Ok(json!({"name": name, "type": media_type(path), "content": STANDARD.encode(octets)}))
}

/// A gateway at work.
struct Gateway {
    client: Client,
    root: String,
    token: String,
    /// What to do when it does not answer.
    remedy: String,
}

impl Gateway {
    /// The one of this machine, at the socket beside its store.
    fn here(config: &Path) -> Result<Self, CliError> {
        let socket = read(config)?.store.control();
        let client = Client::builder().unix_socket(socket.clone());
        let remedy = format!(
            "no gateway listens at {}: start it by answertone serve --config {}, or send without it by --line LINE instead of --queue",
            socket.display(),
            config.display()
        );
        Self::new(client, "http://localhost", String::new(), remedy)
    }

    fn elsewhere(url: &str) -> Result<Self, CliError> {
        let token = std::env::var(TOKEN)
            .map_err(|_| CliError::usage(format!("--gateway {url}: put the gateway's token into {TOKEN}")))?;
        let remedy = format!("--gateway {url}: is it the address of [api] listen, and does the gateway run?");
        Self::new(Client::builder(), url.trim_end_matches('/'), token, remedy)
    }

    fn new(client: reqwest::ClientBuilder, root: &str, token: String, remedy: String) -> Result<Self, CliError> {
        // Whoever was first has said the same.
        let _ = tokio_rustls::rustls::crypto::aws_lc_rs::default_provider().install_default();
        let client = client.timeout(PATIENCE).build().map_err(CliError::failed)?;
        Ok(Self { client, root: format!("{root}/api/v1"), token, remedy })
    }

    /// The number of the fax.
    async fn submit(&self, submission: &Value) -> Result<i64, CliError> {
        let submitted = self.asked(self.client.post(format!("{}/faxes", self.root)).json(submission)).await;
        let submitted = submitted.map_err(Unanswered::into_error)?;
        submitted["faxes"][0].as_i64().ok_or_else(|| {
            CliError::failed("the gateway has this message already; answertone queue list --all shows it")
        })
    }

    /// Tells how the fax stands until it is over.
    async fn follow(&self, fax: i64, show: &mut Show) -> Result<ExitCode, CliError> {
        let (mut before, mut away) = (String::new(), false);
        loop {
            match self.asked(self.client.get(format!("{}/faxes/{fax}", self.root))).await {
                Ok(stands) => {
                    away = false;
                    if let Some(over) = tell(&stands, &mut before, show) {
                        return Ok(over);
                    }
                }
                Err(Unanswered::Refused(error)) => return Err(error),
                Err(Unanswered::Away(error)) => {
                    if !std::mem::replace(&mut away, true) {
                        let text = format!("waiting for the gateway: {error}");
                        show.say("away", &text, json!({ "error": error.to_string() }));
                    }
                }
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn asked(&self, request: RequestBuilder) -> Result<Value, Unanswered> {
        let away = |error: reqwest::Error| {
            Unanswered::Away(CliError::failed(format!("{} ({})", self.remedy, with_causes(&error.without_url()))))
        };
        let answer = request.bearer_auth(&self.token).send().await.map_err(away)?;
        let status = answer.status();
        let body: Value = answer.json().await.unwrap_or_default();
        if status.is_success() {
            return Ok(body);
        }
        let said = body["error"].as_str().unwrap_or("it does not say why");
        let refused = [StatusCode::UNPROCESSABLE_ENTITY, StatusCode::PAYLOAD_TOO_LARGE].contains(&status);
        let said = if refused { said.to_owned() } else { format!("the gateway answers {status}: {said}") };
        let kind = if status.is_client_error() { Unanswered::Refused } else { Unanswered::Away };
        Err(kind(CliError::failed(said)))
    }
}

/// Why there is no answer.
enum Unanswered {
    /// The gateway is not there, or not well: it may be later.
    Away(CliError),
    /// It will not do that, later no more than now.
    Refused(CliError),
}

impl Unanswered {
    fn into_error(self) -> CliError {
        let (Self::Away(error) | Self::Refused(error)) = self;
        error
    }
}

/// Tells what is new of a fax; how it ended when it is over.
fn tell(stands: &Value, before: &mut String, show: &mut Show) -> Option<ExitCode> {
    let fax = &stands["fax"];
    let state = fax["state"].as_str().unwrap_or_default();
    let is_over = matches!(state, "done" | "failed" | "cancelled");
    let said = match state {
        "sending" => under_way(&stands["now"]),
        _ => waiting_or_over(fax),
    };
    show.at(stands["now"]["percent"].as_u64().filter(|_| state == "sending"), &said);
    if said != *before {
        let event = if is_over { "result" } else { state };
        let details = if state == "sending" { &stands["now"] } else { fax };
        show.say(event, &said, details.clone());
        *before = said;
    }
    is_over.then(|| if state == "done" { ExitCode::SUCCESS } else { ExitCode::from(NO) })
}

fn under_way(now: &Value) -> String {
    let (page, of) = (now["page"].as_u64().unwrap_or(0), now["of"].as_u64().unwrap_or(0));
    let Some(modem) = now["modem"].as_str().filter(|_| page > 0) else { return "calling".into() };
    let ecm = if now["ecm"] == true { ", errors corrected" } else { "" };
    format!("page {page} of {of}, {} bit/s {modem}{ecm}", now["bit_rate"])
}

fn waiting_or_over(fax: &Value) -> String {
    let number = |key: &str| fax[key].as_i64().unwrap_or(0);
    let why = fax["said"].as_str().filter(|said| !said.is_empty()).map_or(String::new(), |said| format!(": {said}"));
    let attempts = match number("attempts") {
        1 => "1 attempt".into(),
        attempts => format!("{attempts} attempts"),
    };
    let pages = pages(usize::try_from(number("next_page")).unwrap_or(0));
    match fax["state"].as_str().unwrap_or_default() {
        "done" => format!("sent, {pages}, in {attempts}"),
        "failed" => format!("not sent after {attempts}, {pages} arrived{why}"),
        "waiting" => format!("waiting until {} after {attempts}{why}", time(number("due_at"))),
        _ if number("held") != 0 => "held".into(),
        "queued" => "waiting for a line".into(),
        state => format!("{state}{why}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_a_gateway_can_do_is_asked_of_one() {
        use clap::Parser;
        let parsed = |more: &[&str]| {
            let words = ["answertone", "send", "letter.pdf", "--to", "+1", "--detach"].iter().chain(more);
            crate::cli::Cli::try_parse_from(words).is_ok()
        };
        assert!(!parsed(&[]) && parsed(&["--queue"]) && parsed(&["--gateway", "http://localhost"]));
    }

    #[test]
    fn each_state_is_told_as_it_is() {
        let fax = |state: &str| json!({"state": state, "attempts": 2, "next_page": 1, "due_at": 0, "said": "busy", "held": 0});
        assert_eq!(waiting_or_over(&fax("waiting")), "waiting until 1970-01-01 00:00:00 UTC after 2 attempts: busy");
        assert_eq!(waiting_or_over(&fax("failed")), "not sent after 2 attempts, 1 page arrived: busy");
        assert_eq!(waiting_or_over(&json!({"state": "queued", "held": 1})), "held");
        let now = json!({"page": 1, "of": 2, "modem": "v17", "bit_rate": 14400, "ecm": true});
        assert_eq!(under_way(&now), "page 1 of 2, 14400 bit/s v17, errors corrected");
        assert_eq!(under_way(&Value::Null), "calling");
    }
}
