//! `answertone tones`: DTMF, caller identification and call progress, to and from WAV files.

use std::{path::PathBuf, process::ExitCode};

use answertone_dsp::{
    callerid::{CallerId, CallerIdReceiver, CallerIdSender, DtmfForm, Message, Standard, digits_for, read_digits},
    pcm::{narrow, widen},
    tone::{
        call::{CedDetector, CedGenerator, CngDetector, CngGenerator},
        dtmf::{DtmfStyle, digits},
        dtmf_detector::DtmfDetector,
        progress::{ProgressDetector, ProgressKind, ProgressTone},
    },
    units::{Db, Dbm0},
};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::error::{CliError, NO};

/// Samples per second of the WAV files.
const SAMPLE_RATE: u32 = 8000;

/// Samples in a millisecond.
const MS: usize = 8;

/// Make or detect DTMF, caller identification and other tones of the telephone.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  answertone tones make dtmf --digits 123A --out x.wav\n  \
                        answertone tones detect dtmf x.wav")]
pub(super) struct TonesArgs {
    #[command(subcommand)]
    direction: Direction,
}

#[derive(Subcommand, Debug)]
enum Direction {
    /// Write a WAV file: 8000 Hz, mono, 16 bit.
    Make {
        #[command(subcommand)]
        what: Made,
    },
    /// Read a WAV file and report what is in it as JSON.
    Detect {
        what: Heard,
        /// WAV file to read: 8000 Hz, mono, 16 bit.
        wav: PathBuf,
        /// Whose caller identification.
        #[arg(long, default_value = "class")]
        standard: Form,
        /// Whose call progress tones, ISO 3166 alpha-2.
        #[arg(long, default_value = "us")]
        country: String,
    },
}

#[derive(Subcommand, Debug)]
enum Made {
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
    /// CNG or CED.
    Tone {
        /// Which.
        #[arg(long, default_value = "cng")]
        tone: FaxTone,
        /// How long.
        #[arg(long, default_value_t = 5)]
        seconds: usize,
        #[command(flatten)]
        file: FileArgs,
    },
}

#[derive(Args, Debug)]
struct FileArgs {
    /// Silence before and after, in milliseconds.
    #[arg(long, default_value_t = 200)]
    lead_ms: usize,
    /// WAV file to write.
    #[arg(long)]
    out: PathBuf,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Heard {
    Dtmf,
    Cid,
    Progress,
    Tone,
}

#[derive(Clone, Copy, Debug, ValueEnum, PartialEq, Eq)]
enum Form {
    /// Bellcore, a message of parameters.
    Class,
    /// Bellcore, a single data message.
    Sdmf,
    /// ETSI.
    Clip,
    /// DTMF, A number C.
    ClipDtmf,
    /// DTMF, A number #.
    ClipDtmfHash,
    /// DTMF, D number C.
    ClipDtmfD,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Progress {
    Dial,
    Ring,
    Busy,
    Congestion,
    Sit,
    Waiting,
    NumberUnobtainable,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum FaxTone {
    Cng,
    Ced,
}

/// Runs the command.
pub(super) fn run(args: &TonesArgs) -> Result<ExitCode, CliError> {
    match &args.direction {
        Direction::Make { what } => make(what),
        Direction::Detect { what, wav, standard, country } => {
            let events = detect(*what, &read(wav)?, *standard, country)?;
            println!("{}", json!({ "events": events }));
            Ok(if events.is_empty() { ExitCode::from(NO) } else { ExitCode::SUCCESS })
        }
    }
}

fn make(what: &Made) -> Result<ExitCode, CliError> {
    let (samples, file) = match what {
        Made::Dtmf { digits: text, on_ms, off_ms, level, twist, file } => {
            let style =
                DtmfStyle { level: Dbm0(*level), twist: Db(*twist), on: on_ms * MS, off: off_ms * MS, deviation: 0.0 };
            (digits(text, style), file)
        }
        Made::Cid { standard, number, name, date, absence, file } => {
            let id = CallerId {
                call_type: (*standard == Form::Clip).then_some(1),
                date: date.clone(),
                number: number.clone(),
                number_absence: *absence,
                name: name.clone(),
                ..CallerId::default()
            };
            (caller_id(&id, *standard), file)
        }
        Made::Progress { country, tone, seconds, file } => {
            let tone = ProgressTone::find(country, tone.kind()).ok_or_else(|| {
                let name = tone.kind().name();
                CliError::usage(format!(
                    "--country {country} has no known tone {name}; try another country, like us or gb"
                ))
            })?;
            (tone.samples(seconds * SAMPLE_RATE as usize), file)
        }
        Made::Tone { tone, seconds, file } => {
            let mut samples = vec![0.0; seconds * SAMPLE_RATE as usize];
            match tone {
                FaxTone::Cng => CngGenerator::new(Dbm0(-13.0)).run(&mut samples),
                FaxTone::Ced => {
                    CedGenerator::new(Dbm0(-13.0)).run(&mut samples);
                }
            }
            (samples, file)
        }
    };
    write(file, &samples)
}

fn caller_id(id: &CallerId, form: Form) -> Vec<f32> {
    let level = Dbm0(-13.5);
    let in_digits = |form| digits(&digits_for(id, form), DtmfStyle::default());
    match form {
        Form::Class => CallerIdSender::new(&Message::multiple(id), Standard::Bellcore, level).samples(),
        Form::Sdmf => CallerIdSender::new(&Message::single(id), Standard::Bellcore, level).samples(),
        Form::Clip => CallerIdSender::new(&Message::multiple(id), Standard::Etsi, level).samples(),
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

fn detect(what: Heard, samples: &[f32], form: Form, country: &str) -> Result<Vec<Value>, CliError> {
    match what {
        Heard::Dtmf => Ok(dtmf(samples)),
        Heard::Cid => Ok(cid(samples, form)),
        Heard::Progress => progress(samples, country),
        Heard::Tone => Ok(tones(samples)),
    }
}

fn seconds(samples: u64) -> f64 {
    samples as f64 / f64::from(SAMPLE_RATE)
}

fn dtmf(samples: &[f32]) -> Vec<Value> {
    let mut detector = DtmfDetector::new();
    let mut events = Vec::new();
    for block in samples.chunks(80).chain([[0.0; 80].as_slice(); 10]) {
        detector.run(block, |digit| {
            if let Some(end) = digit.end {
                events.push(json!({
                    "at": seconds(digit.begin.0), "end": seconds(end.0), "digit": digit.digit,
                    "level_dbm0": digit.level.0, "twist_db": digit.twist.0,
                }));
            }
        });
    }
    events
}

fn cid(samples: &[f32], form: Form) -> Vec<Value> {
    let standard = match form {
        Form::Class | Form::Sdmf => Standard::Bellcore,
        Form::Clip => Standard::Etsi,
        Form::ClipDtmf | Form::ClipDtmfHash | Form::ClipDtmfD => {
            let text: String = dtmf(samples).iter().filter_map(|event| event["digit"].as_str()).collect();
            return read_digits(&text).map(|id| json!({ "digits": text, "caller": caller(&id) })).into_iter().collect();
        }
    };
    let mut receiver = CallerIdReceiver::new(standard);
    let mut events = Vec::new();
    for (at, block) in samples.chunks(80).chain([[0.0; 80].as_slice(); 10]).enumerate() {
        receiver.run(block, |message| {
            let fields: Vec<Value> = message
                .parameters()
                .iter()
                .map(|field| json!({ "type": field.code, "name": field.name(), "text": field.text() }))
                .collect();
            events.push(json!({
                "at": seconds(at as u64 * 80), "kind": message.kind.name(), "intact": message.intact,
                "fields": fields, "caller": caller(&message.caller()),
            }));
        });
    }
    events
}

fn caller(id: &CallerId) -> Value {
    json!({
        "date": id.date, "number": id.number, "number_absence": id.number_absence, "name": id.name,
        "name_absence": id.name_absence, "called": id.called, "redirecting": id.redirecting,
    })
}

fn progress(samples: &[f32], country: &str) -> Result<Vec<Value>, CliError> {
    let mut detector = ProgressDetector::new(country).ok_or_else(|| {
        CliError::usage(format!("--country {country} is not in the table of call progress tones; try us or gb"))
    })?;
    let blocks = samples.chunks(80).enumerate();
    let told = blocks.filter_map(|(at, block)| Some((at, detector.run(block)?)));
    Ok(told.map(|(at, kind)| json!({ "at": seconds(at as u64 * 80), "tone": kind.name() })).collect())
}

fn tones(samples: &[f32]) -> Vec<Value> {
    let (mut cng, mut ced) = (CngDetector::new(), CedDetector::new());
    let mut events = Vec::new();
    for block in samples.chunks(80) {
        for (name, edge) in [("cng", cng.run(block)), ("ced", ced.run(block))] {
            events.extend(edge.map(|edge| json!({ "at": seconds(edge.at.0), "tone": name, "on": edge.on })));
        }
    }
    events
}

fn read(path: &PathBuf) -> Result<Vec<f32>, CliError> {
    let complain = |error: hound::Error| CliError::usage(format!("{}: {error}", path.display()));
    let mut reader = hound::WavReader::open(path).map_err(complain)?;
    let spec = reader.spec();
    if (spec.sample_rate, spec.channels, spec.bits_per_sample) != (SAMPLE_RATE, 1, 16) {
        let what = format!("{} Hz, {} channels, {} bit", spec.sample_rate, spec.channels, spec.bits_per_sample);
        return Err(CliError::usage(format!("{}: {what}; convert it to 8000 Hz, mono, 16 bit", path.display())));
    }
    let samples: Result<Vec<i16>, hound::Error> = reader.samples().collect();
    let samples = samples.map_err(complain)?;
    let mut wide = vec![0.0; samples.len()];
    widen(&samples, &mut wide);
    Ok(wide)
}

fn write(file: &FileArgs, samples: &[f32]) -> Result<ExitCode, CliError> {
    let complain = |error: hound::Error| CliError::failed(format!("{}: {error}", file.out.display()));
    let lead = vec![0.0; file.lead_ms * MS];
    let whole = [lead.as_slice(), samples, lead.as_slice()].concat();
    let mut narrowed = vec![0; whole.len()];
    narrow(&whole, &mut narrowed);
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: SAMPLE_RATE,
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
