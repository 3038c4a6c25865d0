//! `answertone tones make`: WAV files with one signal each.

use std::{path::PathBuf, process::ExitCode};

use answertone_dsp::{
    callerid::{Alert, CallerId, CallerIdSender, DtmfForm, Hook, Message, Standard, digits_for},
    pcm::{SAMPLE_RATE, narrow},
    tone::{
        call::{CedGenerator, CngGenerator},
        dtmf::{DtmfStyle, digits},
        progress::{ProgressKind, ProgressTone},
    },
    units::{Db, Dbm0},
};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;

use super::{Form, MS};
use crate::cli::error::CliError;

/// Samples in a second.
const SECOND: usize = SAMPLE_RATE.0 as usize;

#[derive(Subcommand, Debug)]
pub(super) enum Made {
    /// Digits.
    Dtmf {
        /// 0 to 9, *, #, A to D.
        #[arg(long, default_value = "0123456789*#ABCD")]
        digits: String,
        /// Length of a digit.
        #[arg(long, default_value_t = 50)]
        on_ms: usize,
        /// Silence after a digit.
        #[arg(long, default_value_t = 50)]
        off_ms: usize,
        /// Level of the low group in dBm0.
        #[arg(long, default_value_t = -10.0, allow_negative_numbers = true)]
        level: f32,
        /// How much the high group is louder, in dB.
        #[arg(long, default_value_t = 0.0, allow_negative_numbers = true)]
        twist: f32,
        #[command(flatten)]
        file: FileArgs,
    },
    /// Caller identification.
    Cid {
        /// Whose.
        #[arg(long, default_value = "class")]
        standard: Form,
        /// The caller's number.
        #[arg(long)]
        number: Option<String>,
        /// The caller's name.
        #[arg(long)]
        name: Option<String>,
        /// Month, day, hour and minute, two digits each.
        #[arg(long)]
        date: Option<String>,
        /// Why there is no number: P withheld, O not available.
        #[arg(long)]
        absence: Option<char>,
        /// Sound the alerting tone first, 100 ms before the message; by `class` and `sdmf` the one of a call that waits.
        #[arg(long)]
        alert: bool,
        #[command(flatten)]
        file: FileArgs,
    },
    /// A call progress tone.
    Progress {
        /// ISO 3166 alpha-2.
        #[arg(long, default_value = "us")]
        country: String,
        /// Which.
        #[arg(long, default_value = "dial")]
        tone: Progress,
        /// How long.
        #[arg(long, default_value_t = 10)]
        seconds: usize,
        #[command(flatten)]
        file: FileArgs,
    },
    /// CNG, CED or ANSam.
    Tone {
        /// Which.
        #[arg(long, default_value = "cng")]
        tone: FaxTone,
        /// How long CNG is sent, by its cadence. An answer tone ends after 2.62 s; silence follows.
        #[arg(long, default_value_t = 5)]
        seconds: usize,
        #[command(flatten)]
        file: FileArgs,
    },
}

#[derive(Args, Debug)]
pub(super) struct FileArgs {
    /// Silence before and after, in milliseconds.
    #[arg(long, default_value_t = 200)]
    lead_ms: usize,
    /// WAV file to write.
    #[arg(long)]
    out: PathBuf,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Progress {
    Dial,
    Ring,
    Busy,
    Congestion,
    Sit,
    Waiting,
    NumberUnobtainable,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum FaxTone {
    Cng,
    Ced,
    /// CED with reversals of phase.
    AnsPr,
    /// CED modulated by 15 Hz.
    Ansam,
    /// Both.
    AnsamPr,
}

/// Runs the command.
pub(super) fn make(what: &Made) -> Result<ExitCode, CliError> {
    let (samples, file) = match what {
        Made::Dtmf { digits: text, on_ms, off_ms, level, twist, file } => {
            let style =
                DtmfStyle { level: Dbm0(*level), twist: Db(*twist), on: on_ms * MS, off: off_ms * MS, deviation: 0.0 };
            (digits(text, style), file)
        }
        Made::Cid { standard, number, name, date, absence, alert, file } => {
            let id = CallerId {
                call_type: matches!(standard, Form::Clip | Form::Bt).then_some(1),
                date: date.clone(),
                number: number.clone(),
                number_absence: *absence,
                name: name.clone(),
                ..CallerId::default()
            };
            let alert = if *alert { alert_of(*standard) } else { Vec::new() };
            ([alert, caller_id(&id, *standard)].concat(), file)
        }
        Made::Progress { country, tone, seconds, file } => {
            let tone = ProgressTone::find(country, tone.kind()).ok_or_else(|| {
                let name = tone.kind().name();
                CliError::usage(format!(
                    "--country {country} has no known tone {name}; try another country, like us or gb"
                ))
            })?;
            (tone.samples(seconds * SECOND), file)
        }
        Made::Tone { tone, seconds, file } => {
            let mut samples = vec![0.0; seconds * SECOND];
            let level = Dbm0(-13.0);
            let answer = match tone {
                FaxTone::Cng => None,
                FaxTone::Ced => Some(CedGenerator::new(level)),
                FaxTone::AnsPr => Some(CedGenerator::with_reversals(level)),
                FaxTone::Ansam => Some(CedGenerator::ansam(level, false)),
                FaxTone::AnsamPr => Some(CedGenerator::ansam(level, true)),
            };
            match answer {
                Some(mut answer) => _ = answer.run(&mut samples),
                None => CngGenerator::new(level).run(&mut samples),
            }
            (samples, file)
        }
    };
    write(file, &samples)
}

/// The alerting tone and the pause after it.
fn alert_of(form: Form) -> Vec<f32> {
    let alert = if matches!(form, Form::Class | Form::Sdmf) { Alert::Cas } else { Alert::DualTone };
    let mut samples = alert.samples(Dbm0(-16.0));
    samples.resize(samples.len() + 100 * MS, 0.0);
    samples
}

fn caller_id(id: &CallerId, form: Form) -> Vec<f32> {
    let sent = |message: Message, standard| CallerIdSender::new(&message, standard, Hook::On, Dbm0(-13.5)).samples();
    let in_digits = |form| digits(&digits_for(id, form), DtmfStyle::default());
    match form {
        Form::Class | Form::Aclip => sent(Message::multiple(id), Standard::Bellcore),
        Form::Sdmf => sent(Message::single(id), Standard::Bellcore),
        Form::Clip => sent(Message::multiple(id), Standard::Etsi),
        Form::Bt => sent(Message::multiple(id), Standard::Bt),
        Form::Jclip => sent(Message::japanese(id), Standard::Japan),
        Form::ClipDtmfBare => in_digits(DtmfForm::Bare),
        Form::ClipDtmf => in_digits(DtmfForm::EndedByC),
        Form::ClipDtmfHash => in_digits(DtmfForm::EndedByHash),
        Form::ClipDtmfD => in_digits(DtmfForm::BegunByD),
    }
}

impl Progress {
    fn kind(self) -> ProgressKind {
        match self {
            Self::Dial => ProgressKind::Dial,
            Self::Ring => ProgressKind::Ringback,
            Self::Busy => ProgressKind::Busy,
            Self::Congestion => ProgressKind::Congestion,
            Self::Sit => ProgressKind::Special,
            Self::Waiting => ProgressKind::Waiting,
            Self::NumberUnobtainable => ProgressKind::Unobtainable,
        }
    }
}

fn write(file: &FileArgs, samples: &[f32]) -> Result<ExitCode, CliError> {
    let complain = |error: hound::Error| CliError::failed(format!("{}: {error}", file.out.display()));
    let lead = vec![0.0; file.lead_ms * MS];
    let whole = [lead.as_slice(), samples, lead.as_slice()].concat();
    let mut narrowed = vec![0; whole.len()];
    narrow(&whole, &mut narrowed);
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: SECOND as u32,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(&file.out, spec).map_err(complain)?;
    narrowed.iter().try_for_each(|sample| writer.write_sample(*sample)).map_err(complain)?;
    writer.finalize().map_err(complain)?;
    let (start, end) = (lead.len(), lead.len() + samples.len());
    println!("{}", json!({ "samples": whole.len(), "signal_start": start, "signal_end": end }));
    Ok(ExitCode::SUCCESS)
}
