//! `answertone tones detect`: what is in a recording.

use std::{path::PathBuf, process::ExitCode};

use answertone_dsp::{
    callerid::{AlertDetector, CallerId, CallerIdReceiver, Standard, absence, read_digits},
    pcm::SAMPLE_RATE,
    tone::{
        answerer::AnswererDetector,
        call::{CedDetector, CngDetector},
        dtmf_detector::DtmfDetector,
        progress::ProgressDetector,
    },
};
use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::{Form, read};
use crate::cli::error::{CliError, NO};

/// Read a recording and report what is in it as JSON.
#[derive(Args, Debug)]
pub(super) struct DetectArgs {
    what: Heard,
    /// Recording to read: WAV in any coding (A-law and µ-law too), FLAC or MP3, 8000 to 48000 samples per second.
    recording: PathBuf,
    /// Hear this channel only, 1 or 2; if not given, each one.
    #[arg(long)]
    channel: Option<usize>,
    /// Whose caller identification.
    #[arg(long, default_value = "class")]
    standard: Form,
    /// Whose call progress tones, ISO 3166 alpha-2; `any` if that is not known.
    #[arg(long, default_value = "any")]
    country: String,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Heard {
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

/// Runs the command.
pub(super) fn run(args: &DetectArgs) -> Result<ExitCode, CliError> {
    let channels = read(&args.recording)?;
    let count = channels.len();
    if let Some(channel) = args.channel.filter(|channel| !(1..=count).contains(channel)) {
        let name = args.recording.display();
        return Err(CliError::usage(format!(
            "--channel {channel}: {name} has {count}; give a number from 1 to {count}"
        )));
    }
    let mut events = Vec::new();
    for (at, samples) in channels.iter().enumerate().filter(|(at, _)| args.channel.is_none_or(|one| one == at + 1)) {
        for mut event in detect(args.what, samples, args.standard, &args.country)? {
            if count > 1 {
                event["channel"] = (at + 1).into();
            }
            events.push(event);
        }
    }
    println!("{}", json!({ "events": events }));
    Ok(if events.is_empty() { ExitCode::from(NO) } else { ExitCode::SUCCESS })
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
    samples as f64 / f64::from(SAMPLE_RATE.0)
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
