//! The fax machine's own settings, as options.

use std::{fmt, str::FromStr};

use answertone_dsp::units::Dbm0;
use answertone_t30::{
    audio::AudioConfig,
    frame::{Modems, Width},
    image::{Coding, Resolution},
    session::{Codings, Config, Limits, Operator, Refused, Resolutions},
    time::LineSpan,
};
use clap::{Args, ValueEnum};

use super::{document::Wanted, error::CliError};

/// On or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Switch {
    On,
    Off,
}

/// Settings of our fax machine.
#[derive(Args, Clone, Debug)]
pub(super) struct MachineArgs {
    /// Error correction.
    #[arg(long, value_enum, default_value = "on")]
    ecm: Switch,
    /// Modems to use, of v27ter, v29 and v17.
    #[arg(long, value_name = "LIST", default_value = "v27ter,v29,v17")]
    modems: ModemList,
    /// No faster than this.
    #[arg(long, value_name = "BIT/S")]
    max_rate: Option<u32>,
    /// Image codings to use, of mh, mr, mmr, jbig and jpeg; jpeg sends grey and colour pages as such.
    #[arg(long, value_name = "LIST", default_value = "mh,mr,mmr")]
    codings: CodingList,
    /// Our identification, 20 characters at most.
    #[arg(long, value_name = "TEXT", default_value = "")]
    ident: String,
    /// Subaddress to send.
    #[arg(long, value_name = "TEXT")]
    sub: Option<String>,
    /// Password to send.
    #[arg(long, value_name = "TEXT")]
    pwd: Option<String>,
    /// Sender identification to send.
    #[arg(long, value_name = "TEXT")]
    sid: Option<String>,
    /// Selective polling address to send, or to hold a document under.
    #[arg(long, value_name = "TEXT")]
    sep: Option<String>,
    /// Polled subaddress to send.
    #[arg(long, value_name = "TEXT")]
    psa: Option<String>,
    /// Send callers away who do not give this password.
    #[arg(long, value_name = "TEXT")]
    expect_pwd: Option<String>,
    /// Non-standard facilities to offer: octets of the field in hexadecimal.
    #[arg(long, value_name = "HEX")]
    nsf: Option<String>,
    /// Non-standard facilities command to poll with: octets of the field in hexadecimal.
    #[arg(long, value_name = "HEX")]
    nsc: Option<String>,
    /// Non-standard set-up to send with: octets of the field in hexadecimal.
    #[arg(long, value_name = "HEX")]
    nss: Option<String>,
    /// Time we need for a row without error correction: 0, 5, 10, 20 or 40.
    #[arg(long, value_name = "MS", default_value_t = 0)]
    min_scan_ms: u32,
    /// Widest paper to record on: a4, b4 or a3.
    #[arg(long, value_name = "PAPER", default_value = "a4")]
    width: String,
    /// Finest resolution: standard, fine, superfine, 300, 400, 600, 1200, 300x600, 400x800 or 600x1200; pages coarser than
    /// it keep theirs, and PDF, pictures and text are drawn as fine as it is, up to 600. Those above 400 need error correction.
    #[arg(long, value_name = "NAME", default_value = "fine")]
    resolution: String,
    /// A page that is refused is not sent again.
    #[arg(long)]
    no_retransmit: bool,
    /// A page that is refused counts as delivered.
    #[arg(long, conflicts_with = "no_retransmit")]
    take_refused: bool,
    /// Ask for damaged commands and responses again by CRP.
    #[arg(long)]
    crp: bool,
    /// A person is at the telephone: when the other side asks for one (PRI-x) the line is his after PIP or PIN. Without it
    /// such requests are answered as if nobody had been asked for.
    #[arg(long)]
    operator: bool,
    /// Longest call in seconds of line time.
    #[arg(long, value_name = "S", default_value_t = 10_800)]
    timeout: u64,
    /// Level of our signals in dBm0.
    #[arg(long, value_name = "DBM0", default_value_t = -14.0, allow_negative_numbers = true)]
    level: f32,
    /// Send the talker echo protection tone before V.29 and V.17 training.
    #[arg(long)]
    tep: bool,
}

impl MachineArgs {
    /// The settings, checked.
    pub(super) fn config(&self) -> Result<Config, CliError> {
        Ok(Config {
            ident: self.checked_ident()?,
            modems: self.modems.0,
            max_rate: self.max_rate,
            ecm: self.ecm == Switch::On,
            codings: self.codings.0,
            resolutions: resolutions(&self.resolution)?,
            width: width(&self.width)?,
            min_scan_ms: self.checked_min_scan()?,
            nsf: self.nsf.as_deref().map(|hex| octets("--nsf", hex)).transpose()?,
            nsc: self.nsc.as_deref().map(|hex| octets("--nsc", hex)).transpose()?,
            nss: self.nss.as_deref().map(|hex| octets("--nss", hex)).transpose()?,
            sub: self.sub.clone(),
            pwd: self.pwd.clone(),
            sid: self.sid.clone(),
            sep: self.sep.clone(),
            psa: self.psa.clone(),
            expect_pwd: self.expect_pwd.clone(),
            ask_again: self.crp,
            refused: if self.take_refused { Refused::TakeAsDelivered } else { Refused::SendAgain },
            operator: if self.operator { Operator::Called } else { Operator::Absent },
            limits: self.limits(),
            ..Config::default()
        })
    }

    /// What of documents is to be sent where the other machine takes it.
    pub(super) fn wanted(&self) -> Result<Wanted, CliError> {
        let pictures = self.ecm == Switch::On && self.codings.0.has(Coding::Jpeg);
        Ok(Wanted { pictures, resolutions: resolutions(&self.resolution)? })
    }

    /// How it sounds.
    pub(super) fn audio(&self) -> Result<AudioConfig, CliError> {
        if !(-43.0..=0.0).contains(&self.level) {
            return Err(CliError::usage(format!(
                "--level {}: give a level from -43 to 0 dBm0, usually -14",
                self.level
            )));
        }
        Ok(AudioConfig { level: Dbm0(self.level), talker_echo_protection: self.tep })
    }

    /// How we name ourselves.
    pub(super) fn ident(&self) -> &str {
        &self.ident
    }

    fn checked_ident(&self) -> Result<String, CliError> {
        let fits = self.ident.len() <= 20 && self.ident.chars().all(|letter| (' '..='~').contains(&letter));
        if fits {
            return Ok(self.ident.clone());
        }
        Err(CliError::usage(format!("--ident '{}': give at most 20 printable ASCII characters", self.ident)))
    }

    fn checked_min_scan(&self) -> Result<u32, CliError> {
        if [0, 5, 10, 20, 40].contains(&self.min_scan_ms) {
            return Ok(self.min_scan_ms);
        }
        Err(CliError::usage(format!("--min-scan-ms {}: T.30 knows 0, 5, 10, 20 and 40", self.min_scan_ms)))
    }

    fn limits(&self) -> Limits {
        let limits = Limits { call: LineSpan::ms(self.timeout * 1000), ..Limits::default() };
        if self.no_retransmit { Limits { page_resends: 0, ..limits } } else { limits }
    }
}

/// Modems by name.
#[derive(Clone, Copy, Debug)]
struct ModemList(Modems);

impl FromStr for ModemList {
    type Err = String;

    fn from_str(list: &str) -> Result<Self, String> {
        let each = list.split(',').map(|name| match name {
            "v27ter" => Ok(Modems::V27TER),
            "v29" => Ok(Modems::V29),
            "v17" => Ok(Modems::V17),
            "v34" => Err("v34 is not offered by this build; choose of v27ter, v29 and v17".to_owned()),
            other => Err(format!("'{other}' is not a fax modem; choose of v27ter, v29 and v17")),
        });
        let modems = each.collect::<Result<Vec<_>, _>>()?.into_iter().fold(Modems::default(), |all, one| all | one);
        if modems.has(Modems::V27TER) {
            Ok(Self(modems))
        } else {
            Err("v27ter must be among them: every fax machine has it".to_owned())
        }
    }
}

/// Image codings by name.
#[derive(Clone, Copy, Debug)]
struct CodingList(Codings);

impl FromStr for CodingList {
    type Err = String;

    fn from_str(list: &str) -> Result<Self, String> {
        let each = list.split(',').map(|name| match name {
            "mh" => Ok(Codings::MH),
            "mr" => Ok(Codings::MR),
            "mmr" => Ok(Codings::MMR),
            "jbig" => Ok(Codings::JBIG),
            "jpeg" => Ok(Codings::JPEG),
            other => Err(format!("'{other}' is not a coding; choose of mh, mr, mmr, jbig and jpeg")),
        });
        // Every machine has MH.
        Ok(Self(each.collect::<Result<Vec<_>, _>>()?.into_iter().fold(Codings::MH, |all, one| all | one)))
    }
}

fn resolutions(name: &str) -> Result<Resolutions, CliError> {
    let finest = Resolution::ALL.into_iter().find(|resolution| resolution.name() == name);
    finest.map(Resolutions::up_to).ok_or_else(|| {
        let names = Resolution::ALL.map(Resolution::name);
        unknown("--resolution", name, format!("one of {}", names.join(", ")))
    })
}

fn width(name: &str) -> Result<Width, CliError> {
    match name {
        "a4" => Ok(Width::A4),
        "b4" => Ok(Width::B4),
        "a3" => Ok(Width::A3),
        _ => Err(unknown("--width", name, "a4, b4 or a3")),
    }
}

fn octets(option: &str, hexadecimal: &str) -> Result<Vec<u8>, CliError> {
    let pairs = hexadecimal.as_bytes().chunks(2).map(|pair| {
        let text = std::str::from_utf8(pair).ok().filter(|text| text.len() == 2)?;
        u8::from_str_radix(text, 16).ok()
    });
    pairs.collect::<Option<Vec<u8>>>().filter(|octets| !octets.is_empty() && octets.len() <= 90).ok_or_else(|| {
        CliError::usage(format!("{option} '{hexadecimal}': give 1 to 90 octets as pairs of hexadecimal digits"))
    })
}

fn unknown(option: &str, value: &str, instead: impl fmt::Display) -> CliError {
    CliError::usage(format!("{option} {value} is not known; use {instead}"))
}
