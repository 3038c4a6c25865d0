//! `answertone tones`: DTMF, caller identification and call progress, to and from WAV files.

use std::{path::PathBuf, process::ExitCode};

use answertone_dsp::{
    callerid::{
        Alert, AlertDetector, CallerId, CallerIdReceiver, CallerIdSender, DtmfForm, Hook, Message, Standard, absence,
        digits_for, read_digits,
    },
    pcm::{narrow, widen},
    tone::{
        answerer::AnswererDetector,
        call::{CedDetector, CedGenerator, CngDetector, CngGenerator},
        dtmf::{DtmfStyle, digits},
        dtmf_detector::DtmfDetector,
        progress::{ProgressDetector, ProgressKind, ProgressTone},
    },
    units::{Db, Dbm0},
};
use answertone_hw::{LineUri, open};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::error::{CliError, NO, with_causes};
use crate::prompt::{self, Question, rounded};

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
        /// Whose call progress tones, ISO 3166 alpha-2; `any` if that is not known.
        #[arg(long, default_value = "any")]
        country: String,
    },
    /// Play a prompt on a line and report the digits that answer it as JSON.
    Ask(AskArgs),
}

#[derive(Args, Debug)]
struct AskArgs {
    /// Line, as for `call`; not a simulated one.
    #[arg(long)]
    line: String,
    /// WAV file to play: 8000 Hz, mono, 16 bit. Without it a short tone asks.
    #[arg(long)]
    prompt: Option<PathBuf>,
    /// Digits at most.
    #[arg(long, default_value_t = 16)]
    digits: usize,
    /// Key that ends the answer.
    #[arg(long, default_value = "#")]
    terminator: char,
    /// Play the prompt to its end, whatever is pressed.
    #[arg(long)]
    no_barge_in: bool,
    /// Seconds to the first digit once the prompt is over.
    #[arg(long, default_value_t = 6.0)]
    first_s: f32,
    /// Seconds from one digit to the next.
    #[arg(long, default_value_t = 3.0)]
    next_s: f32,
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
    /// Digits.
    Dtmf,
    /// Caller identification.
    Cid,
    /// Dial tone, ringing, busy and the like.
    Progress,
    /// CNG and the answer tones, with levels.
    Tone,
    /// Who answered: fax, data modem, voice and others.
    Answerer,
}

#[derive(Clone, Copy, Debug, ValueEnum, PartialEq, Eq)]
enum Form {
    /// Bellcore, a message of parameters.
    Class,
    /// Bellcore, a single data message.
    Sdmf,
    /// ETSI.
    Clip,
    /// Australia: Bellcore's.
    Aclip,
    /// British Telecom.
    Bt,
    /// NTT.
    Jclip,
    /// DTMF, A number C.
    ClipDtmf,
    /// DTMF, A number #.
    ClipDtmfHash,
    /// DTMF, D number C.
    ClipDtmfD,
    /// DTMF, number #.
    ClipDtmfBare,
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
    /// CED with reversals of phase.
    AnsPr,
    /// CED modulated by 15 Hz.
    Ansam,
    /// Both.
    AnsamPr,
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
        Direction::Ask(args) => ask(args),
    }
}

fn ask(args: &AskArgs) -> Result<ExitCode, CliError> {
    let uri: LineUri = args.line.parse().map_err(|error| CliError::usage(format!("--line {}: {error}", args.line)))?;
    let mut line = open(&uri).map_err(|error| CliError::usage(with_causes(&error)))?;
    let samples = match &args.prompt {
        Some(wav) => read(wav)?,
        None => digits("*", DtmfStyle { level: Dbm0(-19.0), ..DtmfStyle::default() }),
    };
    let question = Question {
        prompt: rounded(&samples),
        barge_in: !args.no_barge_in,
        digits: args.digits,
        terminator: Some(args.terminator),
        first_s: args.first_s,
        next_s: args.next_s,
    };
    let (asking, ended) = prompt::ask(line.as_mut(), question);
    line.hang_up();
    // Standard output may be the line.
    let report = json!({ "digits": asking.digits(), "ended": ended.name(), "barged_in": asking.was_barged_in() });
    eprintln!("{report}");
    Ok(if asking.digits().is_empty() { ExitCode::from(NO) } else { ExitCode::SUCCESS })
}

fn make(what: &Made) -> Result<ExitCode, CliError> {
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
            (tone.samples(seconds * SAMPLE_RATE as usize), file)
        }
        Made::Tone { tone, seconds, file } => {
            let mut samples = vec![0.0; seconds * SAMPLE_RATE as usize];
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

fn detect(what: Heard, samples: &[f32], form: Form, country: &str) -> Result<Vec<Value>, CliError> {
    match what {
        Heard::Dtmf => Ok(dtmf(samples)),
        Heard::Cid => Ok(cid(samples, form)),
        Heard::Progress => progress(samples, country),
        Heard::Tone => Ok(tones(samples)),
        Heard::Answerer => Ok(answerer(samples)),
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
        Form::Class | Form::Sdmf | Form::Aclip => Standard::Bellcore,
        Form::Clip => Standard::Etsi,
        Form::Bt => Standard::Bt,
        Form::Jclip => Standard::Japan,
        Form::ClipDtmf | Form::ClipDtmfHash | Form::ClipDtmfD | Form::ClipDtmfBare => {
            let text: String = dtmf(samples).iter().filter_map(|event| event["digit"].as_str()).collect();
            return read_digits(&text).map(|id| json!({ "digits": text, "caller": caller(&id) })).into_iter().collect();
        }
    };
    let (mut receiver, mut alerts) = (CallerIdReceiver::new(standard), AlertDetector::new());
    let mut events = Vec::new();
    for (at, block) in samples.chunks(80).chain([[0.0; 80].as_slice(); 10]).enumerate() {
        if let Some(alert) = alerts.run(block) {
            let (begin, end) = (seconds(alert.begin.0), seconds(alert.end.0));
            events.push(json!({ "at": begin, "end": end, "kind": "alert", "level_dbm0": alert.level.0 }));
        }
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
        "why_no_number": id.number_absence.map(absence), "why_no_name": id.name_absence.map(absence),
        "name_absence": id.name_absence, "called": id.called, "redirecting": id.redirecting,
    })
}

fn progress(samples: &[f32], country: &str) -> Result<Vec<Value>, CliError> {
    let known = if country == "any" { Some(ProgressDetector::anywhere()) } else { ProgressDetector::new(country) };
    let mut detector = known.ok_or_else(|| {
        CliError::usage(format!("--country {country} is not in the table of call progress tones; try any, us or gb"))
    })?;
    let blocks = samples.chunks(80).enumerate();
    let told = blocks.filter_map(|(at, block)| Some((at, detector.run(block)?)));
    Ok(told.map(|(at, kind)| json!({ "at": seconds(at as u64 * 80), "tone": kind.name() })).collect())
}

fn tones(samples: &[f32]) -> Vec<Value> {
    let (mut cng, mut ced) = (CngDetector::new(), CedDetector::new());
    let mut events = Vec::new();
    // The end of a tone is told when it is certain.
    let silence = vec![[0.0; 80]; 500];
    for block in samples.chunks(80).chain(silence.iter().map(<[f32; 80]>::as_slice)) {
        if let Some(edge) = cng.run(block) {
            let (at, level) = (seconds(edge.at.0), cng.level().0);
            events.push(json!({ "at": at, "tone": "cng", "on": edge.on, "level_dbm0": level }));
        }
        if let Some(edge) = ced.run(block) {
            let name = match (ced.is_modulated(), ced.reversals() > 0) {
                (true, true) => "ansam-pr",
                (true, false) => "ansam",
                (false, true) => "ans-pr",
                (false, false) => "ced",
            };
            let (at, level) = (seconds(edge.at.0), ced.level().0);
            let reversals = ced.reversals();
            events.push(json!({ "at": at, "tone": name, "on": edge.on, "level_dbm0": level, "reversals": reversals }));
        }
    }
    events
}

fn answerer(samples: &[f32]) -> Vec<Value> {
    let mut detector = AnswererDetector::new();
    let answers = samples.chunks(80).chain([[0.0; 80].as_slice(); 30]).filter_map(|block| detector.run(block));
    answers.map(|answer| json!({ "at": seconds(answer.at.0), "answerer": answer.who.name() })).collect()
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
