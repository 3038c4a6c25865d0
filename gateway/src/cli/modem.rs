//! `answertone modem`: a pseudo-random message through one modem to a WAV file and back.

use std::{path::PathBuf, process::ExitCode};

use answertone_dsp::{
    bits::{BitQueue, BitRun, Mark},
    fsk::{self, FskDemodulator, FskModulator, FskSpec},
    modem::{
        Demodulator, Modulator, Plan, Protection, Receiver, Train, Transmitter,
        prbs::{Prbs, PrbsMessage, Score},
        v17, v27ter, v29,
    },
    pcm::{narrow, widen},
    units::Dbm0,
};
use clap::{Args, Subcommand, ValueEnum};
use serde::Serialize;

use super::error::{CliError, NO};

/// Samples per run of a modem: 20 ms.
const FRAME: usize = 160;
/// Mark bits before and after a message of a modem without training.
const FSK_MARKS: (usize, usize) = (100, 20);
/// Silence between the two signals of a message with short training: 75 ms.
const TURNAROUND: usize = 600;
/// Samples per second of the WAV files.
const SAMPLE_RATE: u32 = 8000;

/// Send a pseudo-random message through one modem to a WAV file, or receive one.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  answertone modem tx --modem v29 --rate 9600 --bits 10000 --out x.wav\n  \
                        answertone modem rx --modem v29 --rate 9600 --bits 10000 x.wav")]
pub(super) struct ModemArgs {
    #[command(subcommand)]
    direction: Direction,
}

#[derive(Subcommand, Debug)]
enum Direction {
    /// Write the message as samples.
    Tx {
        #[command(flatten)]
        message: MessageArgs,
        /// Talker echo protection tone before training.
        #[arg(long)]
        tep: bool,
        /// Level of the data in dBm0.
        #[arg(long, default_value_t = -14.0, allow_negative_numbers = true)]
        level: f32,
        /// Silence before and after, in milliseconds.
        #[arg(long, default_value_t = 100)]
        lead_ms: usize,
        /// WAV file to write: 8000 Hz, mono, 16 bit.
        #[arg(long)]
        out: PathBuf,
    },
    /// Receive the message and count errors.
    Rx {
        #[command(flatten)]
        message: MessageArgs,
        /// WAV file to read: 8000 Hz, mono, 16 bit.
        wav: PathBuf,
    },
}

#[derive(Args, Debug)]
struct MessageArgs {
    /// Which modem.
    #[arg(long)]
    modem: Kind,
    /// Bit rate; the fastest of the modem if not given.
    #[arg(long, default_value_t = 0)]
    rate: u32,
    /// Bits of the message.
    #[arg(long, default_value_t = 10_000)]
    bits: usize,
    /// Start of the pseudo-random pattern x^23 + x^18 + 1.
    #[arg(long, default_value_t = 1)]
    seed: u32,
    /// V.17: 1.5 s of zeros with long training, 75 ms of silence, then the message with short training.
    #[arg(long)]
    short_train: bool,
    /// Accepted for likeness with other commands: the report is JSON always.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum, PartialEq, Eq)]
enum Kind {
    /// ITU-T V.21 channel 2.
    V21,
    /// ITU-T V.21 channel 1.
    V21ch1,
    V27ter,
    V29,
    V17,
    Bell103,
    Bell202,
    V23,
}

/// A modem at a rate.
#[derive(Clone, Copy)]
enum Choice {
    Fsk(FskSpec),
    Fast(&'static Plan),
}

#[derive(Serialize)]
struct SentReport {
    modem: String,
    rate: u32,
    bits: usize,
    seed: u32,
    samples: usize,
    signal_start: usize,
    signal_end: usize,
}

#[derive(Serialize)]
struct ReceivedReport {
    modem: String,
    rate: u32,
    trained: bool,
    train_failures: usize,
    locked: bool,
    expected_bits: usize,
    bits: usize,
    bit_errors: usize,
    slips: usize,
    slips_mended: u32,
    lost_ms: u64,
    offset: isize,
    train_at_s: f64,
    final_carrier_hz: f32,
    clock_offset_ppm: f32,
    evm_db: f32,
    signal_power_dbm0: f32,
}

/// Runs the command.
pub(super) fn run(args: &ModemArgs) -> Result<ExitCode, CliError> {
    match &args.direction {
        Direction::Tx { message, tep, level, lead_ms, out } => {
            let protection = if *tep { Protection::TalkerEcho } else { Protection::None };
            let (samples, report) = send(message, protection, Dbm0(*level), lead_ms * SAMPLE_RATE as usize / 1000)?;
            write_wav(out, &samples)?;
            print(&report)?;
            Ok(ExitCode::SUCCESS)
        }
        Direction::Rx { message, wav } => {
            let report = receive(message, &read_wav(wav)?)?;
            print(&report)?;
            let whole = report.locked && report.bits == message.bits && report.bit_errors == 0;
            Ok(if whole { ExitCode::SUCCESS } else { ExitCode::from(NO) })
        }
    }
}

fn send(
    message: &MessageArgs,
    protection: Protection,
    level: Dbm0,
    lead: usize,
) -> Result<(Vec<i16>, SentReport), CliError> {
    let choice = message.choice()?;
    let mut samples = vec![0; lead];
    let bits = Prbs::new(message.seed).take(message.bits);
    let start = match choice {
        Choice::Fsk(spec) => {
            let (before, after) = FSK_MARKS;
            let marked = std::iter::repeat_n(true, before).chain(bits).chain(std::iter::repeat_n(true, after));
            modulate(&mut FskModulator::new(&spec, level), marked, &mut samples);
            lead
        }
        Choice::Fast(plan) => {
            let mut transmitter = Transmitter::new(plan, level, protection);
            if message.short_train {
                let zeros = std::iter::repeat_n(false, plan.bit_rate.0 as usize * 3 / 2);
                modulate(&mut transmitter, zeros, &mut samples);
                samples.resize(samples.len() + TURNAROUND, 0);
                transmitter.begin(protection, Train::Short);
            }
            let start = samples.len();
            modulate(&mut transmitter, bits, &mut samples);
            start
        }
    };
    let end = samples.len();
    samples.resize(end + lead, 0);
    let report = SentReport {
        modem: message.modem_name(),
        rate: choice.bit_rate(),
        bits: message.bits,
        seed: message.seed,
        samples: samples.len(),
        signal_start: start,
        signal_end: end,
    };
    Ok((samples, report))
}

fn modulate(modulator: &mut impl Modulator, mut bits: impl Iterator<Item = bool>, samples: &mut Vec<i16>) {
    let mut queue = BitQueue::with_room(1024);
    let mut frame = [0.0; FRAME];
    loop {
        while queue.room() > 0 {
            match bits.next() {
                Some(bit) => queue.push(bit),
                None => {
                    queue.finish();
                    break;
                }
            }
        }
        let written = modulator.run(&mut queue, &mut frame);
        let from = samples.len();
        samples.resize(from + written, 0);
        narrow(&frame[..written], &mut samples[from..]);
        if written < FRAME {
            return;
        }
    }
}

/// What a demodulator made of a recording, from its last training on.
#[derive(Default)]
struct Reception {
    bits: Vec<bool>,
    trained: bool,
    train_failures: usize,
    train_at: u64,
    signals: usize,
    evm_db: f32,
}

impl Reception {
    fn take(&mut self, run: &BitRun) {
        let mut taken = 0;
        for mark in run.marks() {
            match mark.mark {
                Mark::Trained(evm) => {
                    self.trained = true;
                    self.evm_db = evm.0;
                    self.train_at = mark.at.0;
                    self.bits.clear();
                    taken = mark.bit;
                }
                Mark::TrainingFailed => self.train_failures += 1,
                Mark::CarrierDown => self.signals += 1,
                Mark::CarrierUp => {}
            }
        }
        self.bits.extend_from_slice(&run.bits()[taken..]);
    }
}

fn receive(message: &MessageArgs, samples: &[i16]) -> Result<ReceivedReport, CliError> {
    let choice = message.choice()?;
    let mut reception = Reception::default();
    let mut report = ReceivedReport {
        modem: message.modem_name(),
        rate: choice.bit_rate(),
        trained: false,
        train_failures: 0,
        locked: false,
        expected_bits: message.bits,
        bits: 0,
        bit_errors: 0,
        slips: 0,
        slips_mended: 0,
        lost_ms: 0,
        offset: 0,
        train_at_s: 0.0,
        final_carrier_hz: 0.0,
        clock_offset_ppm: 0.0,
        evm_db: 0.0,
        signal_power_dbm0: 0.0,
    };
    match choice {
        Choice::Fsk(spec) => {
            demodulate(&mut FskDemodulator::new(&spec), samples, &mut reception, |_, _| {});
            reception.trained = reception.signals > 0 || !reception.bits.is_empty();
        }
        Choice::Fast(plan) => {
            demodulate(&mut Receiver::new(plan), samples, &mut reception, |receiver, reception| {
                if message.short_train && reception.signals == 1 {
                    receiver.expect(Train::Short);
                }
                let mended = receiver.mended();
                (report.slips_mended, report.lost_ms) =
                    (mended.slips, mended.lost_samples * 1000 / u64::from(SAMPLE_RATE));
                if reception.trained && reception.bits.len() < message.bits {
                    report.final_carrier_hz = receiver.carrier_frequency().0;
                    report.clock_offset_ppm = receiver.clock_deviation_ppm();
                    report.signal_power_dbm0 = receiver.signal_level().0;
                }
            });
        }
    }
    let score: Score = PrbsMessage::new(message.seed, message.bits).score(&reception.bits);
    report.trained = reception.trained;
    report.train_failures = reception.train_failures;
    report.train_at_s = reception.train_at as f64 / f64::from(SAMPLE_RATE);
    report.evm_db = reception.evm_db;
    (report.locked, report.bits, report.bit_errors) = (score.locked, score.bits, score.errors);
    (report.slips, report.offset) = (score.slips, score.offset);
    Ok(report)
}

fn demodulate<D: Demodulator>(
    demodulator: &mut D,
    samples: &[i16],
    reception: &mut Reception,
    mut after: impl FnMut(&mut D, &Reception),
) {
    let mut run = BitRun::with_room(16 * FRAME);
    let mut frame = [0.0; FRAME];
    for piece in samples.chunks(FRAME) {
        widen(piece, &mut frame);
        run.clear();
        demodulator.run(&frame[..piece.len()], &mut run);
        reception.take(&run);
        after(demodulator, reception);
    }
}

impl MessageArgs {
    fn modem_name(&self) -> String {
        self.modem.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }

    fn choice(&self) -> Result<Choice, CliError> {
        if self.short_train && self.modem != Kind::V17 {
            return Err(CliError::usage(format!(
                "--short-train: {} has no short training, only v17 has",
                self.modem_name()
            )));
        }
        let choices = self.modem.choices();
        let wanted = |choice: &&Choice| self.rate == 0 || choice.bit_rate() == self.rate;
        choices.iter().rev().find(wanted).copied().ok_or_else(|| {
            let rates: Vec<_> = choices.iter().map(|choice| choice.bit_rate().to_string()).collect();
            CliError::usage(format!("--rate {}: {} has {}", self.rate, self.modem_name(), rates.join(", ")))
        })
    }
}

impl Kind {
    /// The modem at each of its rates, slowest first.
    fn choices(self) -> Vec<Choice> {
        match self {
            Self::V21 => vec![Choice::Fsk(fsk::V21_CHANNEL_2)],
            Self::V21ch1 => vec![Choice::Fsk(fsk::V21_CHANNEL_1)],
            Self::Bell103 => vec![Choice::Fsk(fsk::BELL_103_ORIGINATE)],
            Self::Bell202 => vec![Choice::Fsk(fsk::BELL_202)],
            Self::V23 => vec![Choice::Fsk(fsk::V23_FORWARD)],
            Self::V27ter => [v27ter::Rate::R2400, v27ter::Rate::R4800].map(|r| Choice::Fast(v27ter::plan(r))).into(),
            Self::V29 => {
                [v29::Rate::R4800, v29::Rate::R7200, v29::Rate::R9600].map(|r| Choice::Fast(v29::plan(r))).into()
            }
            Self::V17 => [v17::Rate::R7200, v17::Rate::R9600, v17::Rate::R12000, v17::Rate::R14400]
                .map(|r| Choice::Fast(v17::plan(r)))
                .into(),
        }
    }
}

impl Choice {
    fn bit_rate(&self) -> u32 {
        match self {
            Self::Fsk(spec) => spec.rate.0 as u32,
            Self::Fast(plan) => plan.bit_rate.0,
        }
    }
}

fn print(report: &impl Serialize) -> Result<(), CliError> {
    println!("{}", serde_json::to_string(report).map_err(CliError::failed)?);
    Ok(())
}

fn read_wav(path: &PathBuf) -> Result<Vec<i16>, CliError> {
    let failed = |error: hound::Error| CliError::usage(format!("{}: {error}; give a WAV file", path.display()));
    let reader = hound::WavReader::open(path).map_err(failed)?;
    let spec = reader.spec();
    if (spec.channels, spec.sample_rate, spec.bits_per_sample) != (1, SAMPLE_RATE, 16) {
        return Err(CliError::usage(format!(
            "{}: {} channels of {} bit at {} Hz; convert it to one channel of 16 bit at 8000 Hz",
            path.display(),
            spec.channels,
            spec.bits_per_sample,
            spec.sample_rate
        )));
    }
    reader.into_samples().collect::<Result<_, _>>().map_err(failed)
}

fn write_wav(path: &PathBuf, samples: &[i16]) -> Result<(), CliError> {
    let failed = |error: hound::Error| CliError::failed(format!("{}: {error}; is the folder there?", path.display()));
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: SAMPLE_RATE,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(path, spec).map_err(failed)?;
    samples.iter().try_for_each(|sample| writer.write_sample(*sample)).map_err(failed)?;
    writer.finalize().map_err(failed)
}
