//! `answertone demo`: the gateway's main job on this machine alone, with nothing configured.
//!
//! ```text
//!  letter.pdf ─ e-mail ─▶ SMTP ─▶ off-ramp ═ modem samples over a simulated line ═ on-ramp ─▶ SMTP ─▶ the page
//!                                                                       and the return notice ─▶ the sender
//! ```
//!
//! Both SMTP ports are real sockets, both fax machines are the ones that serve real lines. At the end the page that
//! arrived is compared with the page that was sent, pel for pel.

mod letter;
mod record;
mod sink;
mod watch;

use std::{path::PathBuf, process::ExitCode, time::Duration};

use clap::Args;
use mail_builder::{MessageBuilder, headers::address::Address};
use mail_parser::{MessageParser, MimeHeaders};
use tokio::{
    runtime::Runtime,
    sync::{mpsc, watch as signal},
    time::{Instant, timeout_at},
};

use self::{record::Record, sink::Arrived, watch::Terminal};
use super::error::{CliError, NO};
use crate::{
    config::{Config, Relay, Tls},
    mail::{MailOut, Outgoing},
    service::{Happening, Options, Service, Way},
};

/// Send an e-mail with a PDF through the gateway and a simulated telephone line, and compare what arrives.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  answertone demo --out demo-out")]
pub(super) struct DemoArgs {
    /// Folder for pages, mails, the recording, the transcript and the plot.
    #[arg(long, value_name = "DIR", default_value = "demo-out")]
    out: PathBuf,
    /// The simulated line.
    #[arg(long, value_name = "URI", default_value = "sim:?far=onramp&snr=35")]
    line: String,
    /// Another PDF, TIFF, picture or text to send.
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Print the result as JSON instead of progress.
    #[arg(long)]
    json: bool,
}

const SENDER: &str = "clerk@office.example";
const MAILBOX: &str = "harbour@office.example";
const NUMBER: &str = "+15550100";
/// The longest the demo may take.
const PATIENCE: Duration = Duration::from_secs(600);

/// Runs the demo: success when every page that arrived equals the page that was sent.
pub(super) fn run(args: &DemoArgs) -> Result<ExitCode, CliError> {
    let runtime = Runtime::new().map_err(CliError::failed)?;
    let equal = runtime.block_on(demo(args))?;
    runtime.shutdown_timeout(Duration::from_secs(2));
    Ok(if equal { ExitCode::SUCCESS } else { ExitCode::from(NO) })
}

async fn demo(args: &DemoArgs) -> Result<bool, CliError> {
    let mut record = Record::begin(&args.out)?;
    let scratch = Scratch::new()?;
    let (stop, stopped) = signal::channel(false);
    let (relay, mut arrivals) = sink::listen(stopped).await.map_err(CliError::failed)?;
    let config = configuration(args, relay.port(), &scratch)?;
    record.text("answertone.toml", &config.to_toml())?;

    let (to, mut happenings) = mpsc::unbounded_channel();
    let options = Options { happenings: Some(to), recordings: Some(scratch.0.clone()), operations: None };
    let service = Service::start(config, options).await.map_err(CliError::failed)?;
    let gateway = service.addresses()[0];
    let mut terminal = Terminal::new(args.json);
    terminal.say("mail in", &format!("gateway takes mail at {gateway}, its relay is {relay}"));

    let (name, document) = document(args)?;
    record.file(&name, &document)?;
    let mail = email(&name, document);
    record.file("mail-in.eml", &mail)?;
    submit(gateway.port(), &mail).await?;

    let mut demo = Demo { record, terminal, fax_mail: None, notice: None };
    demo.follow(&mut happenings, &mut arrivals).await?;
    service.stop().await;
    stop.send_replace(true);
    demo.conclude(args)
}

/// Everything that is left behind while the demo runs.
struct Demo {
    record: Record,
    terminal: Terminal,
    fax_mail: Option<Vec<u8>>,
    notice: Option<Vec<u8>>,
}

impl Demo {
    /// Follows what happens until fax and notice have arrived.
    async fn follow(
        &mut self,
        happenings: &mut mpsc::UnboundedReceiver<Happening>,
        arrivals: &mut mpsc::UnboundedReceiver<Arrived>,
    ) -> Result<(), CliError> {
        let until = Instant::now() + PATIENCE;
        while self.fax_mail.is_none() || self.notice.is_none() {
            let next = async {
                tokio::select! {
                    Some(happening) = happenings.recv() => self.happened(happening),
                    Some(arrived) = arrivals.recv() => self.arrived(arrived),
                    else => Err(CliError::failed("the gateway stopped by itself")),
                }
            };
            timeout_at(until, next).await.map_err(|_| CliError::failed("nothing arrived in ten minutes"))??;
        }
        // The far end's report may be a moment behind its mail.
        while let Ok(happening) = happenings.try_recv() {
            self.happened(happening)?;
        }
        Ok(())
    }

    fn happened(&mut self, happening: Happening) -> Result<(), CliError> {
        self.terminal.show(&happening);
        match happening {
            Happening::Dialling { pages, recording, .. } => self.record.sent(&pages, recording),
            Happening::CallEnded(way, ended) => self.record.call(way, *ended),
            Happening::JobState { state: "failed", said, .. } => {
                Err(CliError::failed(format!("the fax failed: {said}")))
            }
            _ => Ok(()),
        }
    }

    fn arrived(&mut self, arrived: Arrived) -> Result<(), CliError> {
        let Some(recipient) = arrived.envelope.recipients.first() else { return Ok(()) };
        if recipient.address == MAILBOX {
            self.terminal.say("mail out", &format!("fax arrived for {MAILBOX}"));
            self.record.file("mail-out.eml", &arrived.raw)?;
            self.fax_mail = Some(arrived.raw);
        } else {
            self.terminal.say("notice", &format!("return notice arrived for {}", recipient.address));
            self.record.file("notice.eml", &arrived.raw)?;
            self.notice = Some(arrived.raw);
        }
        Ok(())
    }

    /// Compares, draws, and tells.
    fn conclude(mut self, args: &DemoArgs) -> Result<bool, CliError> {
        let raw = self.fax_mail.take().unwrap_or_default();
        let mail = MessageParser::default().parse(&raw).ok_or_else(|| CliError::failed("what arrived is no mail"))?;
        for part in mail.attachments() {
            let name = part.attachment_name().unwrap_or("attachment").replace(['/', '\\'], "_");
            self.record.file(&name, part.contents())?;
            if name.ends_with(".tif") {
                self.record.received(part.contents())?;
            }
        }
        self.record.conclude()?;
        if args.json {
            println!("{:#}", self.record.json());
        } else {
            self.terminal.end();
            print!("{}", self.record.for_people());
        }
        Ok(self.record.is_equal())
    }
}

fn configuration(args: &DemoArgs, relay: u16, scratch: &Scratch) -> Result<Config, CliError> {
    let text = format!(
        r#"
hostname = "fax.example"
domains = ["fax.example"]
[smtp]
listen = ["127.0.0.1:0"]
[relay]
port = {relay}
tls = "none"
[store]
dir = {store:?}
[identity]
station = "+1 555 0100"
header = "Harbour & Lark"
[onramp]
mailbox = "{MAILBOX}"
from = "fax@fax.example"
[[line]]
name = "simulated"
uri = {uri:?}
"#,
        store = scratch.0.join("store").display().to_string(),
        uri = args.line,
    );
    let config = Config::parse(&text, "demo").map_err(CliError::usage)?;
    match &config.lines[0].uri {
        answertone_hw::LineUri::Sim(params) if params.far == answertone_hw::sim::Far::OnRamp => Ok(config),
        _ => Err(CliError::usage(format!(
            "--line {}: the demo needs its own on-ramp at the far end; write sim:?far=onramp",
            args.line
        ))),
    }
}

fn document(args: &DemoArgs) -> Result<(String, Vec<u8>), CliError> {
    let Some(path) = &args.file else { return Ok(("letter.pdf".into(), letter::pdf())) };
    let octets = std::fs::read(path).map_err(|error| CliError::usage(format!("--file {}: {error}", path.display())))?;
    let name = path.file_name().map_or("document".into(), |name| name.to_string_lossy().into_owned());
    Ok((name, octets))
}

/// The sender's e-mail. It asks for a notice.
fn email(name: &str, document: Vec<u8>) -> Vec<u8> {
    let kind = match name.rsplit('.').next().unwrap_or_default().to_lowercase().as_str() {
        "pdf" => "application/pdf",
        "tif" | "tiff" => "image/tiff",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "txt" => "text/plain",
        _ => "application/octet-stream",
    };
    let id = format!("demo.{}.{}@office.example", std::process::id(), jiff::Timestamp::now().as_millisecond());
    MessageBuilder::new()
        .from(Address::new_address(Some("A clerk"), SENDER))
        .to(format!("FAX={NUMBER}@fax.example"))
        .subject("Confirmation of order")
        .message_id(id)
        .header("Disposition-Notification-To", Address::new_address(None::<String>, SENDER))
        .attachment(kind, name.to_owned(), document)
        .write_to_vec()
        .expect("writing to memory")
}

/// Hands the mail to the gateway as any mail program would.
async fn submit(port: u16, mail: &[u8]) -> Result<(), CliError> {
    let relay =
        Relay { host: "127.0.0.1".into(), port, tls: Tls::None, user: String::new(), ..Config::default().relay };
    let out = MailOut::new(&relay, "office.example").map_err(CliError::failed)?;
    let to = format!("FAX={NUMBER}@fax.example");
    let outgoing = Outgoing { from: SENDER, to: &to, envelope_id: None, raw: mail };
    out.send(outgoing).await.map(drop).map_err(CliError::failed)
}

/// A folder for the gateway's store that goes away with the demo.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Result<Self, CliError> {
        let path = std::env::temp_dir().join(format!("answertone-demo-{}", std::process::id()));
        std::fs::create_dir_all(&path).map_err(|error| CliError::failed(format!("{}: {error}", path.display())))?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed from the folder for temporary files is the system's to remove.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// `out` or `in`, for file names.
fn name_of(way: Way) -> &'static str {
    match way {
        Way::Out => "caller",
        Way::In => "answerer",
    }
}
