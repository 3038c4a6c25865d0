//! Every modem at every rate to and from another maker's, over levels and offsets; and our program judged by the other
//! maker's bench on samples that are not ours.

use std::{
    io::{Cursor, Write},
    path::PathBuf,
    process::{Command, Stdio},
    sync::OnceLock,
};

use answertone_dsp::{
    bits::{BitQueue, BitRun, Mark},
    channel::{Impairments, carry},
    fsk::{self, FskDemodulator, FskModulator, FskSpec},
    modem::{
        Demodulator, Modulator, Plan, Protection, Receiver, Train, Transmitter, plans,
        prbs::{Prbs, PrbsMessage},
    },
    pcm::BLOCK_SAMPLES,
    units::{Db, Dbm0, Hz},
};
use answertone_vectors::{
    not_run,
    program::{answertone, build_peers, target_folder},
    shared,
};
use serde_json::Value;

/// Bits of a message: a second or more of each modem but V.21, which gets fewer.
const BITS: usize = 6000;
const BITS_OF_V21: usize = 900;

/// Marks that an FSK message sends before and after its bits: they have no training.
const MARKS: (usize, usize) = (100, 20);

/// Silence around a signal of ours.
const LEAD: usize = 800;

/// Level at which the peer sends, and we without another word.
const LEVEL: f32 = -14.0;

/// A modem at a rate.
#[derive(Clone, Copy)]
struct Mode {
    modem: &'static str,
    rate: u32,
    kind: Kind,
}

#[derive(Clone, Copy)]
enum Kind {
    Fsk(&'static FskSpec),
    Fast(&'static Plan),
}

fn modes() -> Vec<Mode> {
    let fsk = |modem, spec: &'static FskSpec| Mode { modem, rate: spec.rate.0 as u32, kind: Kind::Fsk(spec) };
    let fast = |plan: &'static Plan| {
        let modem = ["v27ter", "v29", "v17"].into_iter().find(|modem| plan.name.starts_with(&modem.replace('v', "V.")));
        Mode { modem: modem.expect("a plan is of a known modem"), rate: plan.bit_rate.0, kind: Kind::Fast(plan) }
    };
    let slow = [fsk("v21", &fsk::V21_CHANNEL_2), fsk("bell202", &fsk::BELL_202), fsk("v23", &fsk::V23_FORWARD)];
    slow.into_iter().chain(plans().into_iter().map(fast)).collect()
}

impl Mode {
    fn bits(&self) -> usize {
        if self.rate <= 300 { BITS_OF_V21 } else { BITS }
    }

    fn modulator(&self, level: f32, train: Train) -> Box<dyn Modulator> {
        match self.kind {
            Kind::Fsk(spec) => Box::new(FskModulator::new(spec, Dbm0(level))),
            Kind::Fast(plan) => {
                let mut transmitter = Transmitter::new(plan, Dbm0(level), Protection::None);
                transmitter.begin(Protection::None, train);
                Box::new(transmitter)
            }
        }
    }

    fn demodulator(&self) -> Box<dyn Demodulator> {
        match self.kind {
            Kind::Fsk(spec) => Box::new(FskDemodulator::new(spec)),
            Kind::Fast(plan) => Box::new(Receiver::new(plan)),
        }
    }

    /// Our signal with the message.
    fn signal(&self, level: f32, message: impl Iterator<Item = bool>) -> Vec<f32> {
        let (before, after) = if matches!(self.kind, Kind::Fsk(_)) { MARKS } else { (0, 0) };
        let marks = |count| std::iter::repeat_n(true, count);
        let bits: Vec<bool> = marks(before).chain(message).chain(marks(after)).collect();
        let mut queue = BitQueue::with_room(bits.len());
        bits.iter().for_each(|bit| queue.push(*bit));
        queue.finish();
        let mut samples = vec![0.0; LEAD + bits.len() * 8000 / self.rate as usize + 16_000];
        let written = self.modulator(level, Train::Long).run(&mut queue, &mut samples[LEAD..]);
        samples.truncate(LEAD + written + LEAD);
        samples
    }

    /// Errors that our receiver makes of a message with seed 1; nothing if it finds none.
    fn errors(&self, samples: &[f32]) -> Option<usize> {
        let mut demodulator = self.demodulator();
        let (mut run, mut bits) = (BitRun::with_room(1024), Vec::new());
        for block in samples.chunks(BLOCK_SAMPLES) {
            run.clear();
            demodulator.run(block, &mut run);
            let trained = run.marks().iter().rfind(|marked| matches!(marked.mark, Mark::Trained(_)));
            if trained.is_some() {
                bits.clear();
            }
            bits.extend_from_slice(&run.bits()[trained.map_or(0, |marked| marked.bit)..]);
        }
        let score = PrbsMessage::new(1, self.bits()).score(&bits);
        score.locked.then_some(score.errors + self.bits() - score.bits)
    }
}

/// The folder of the peer's programs, made once; unless something is missing.
fn peer(cases: usize) -> Option<PathBuf> {
    static PROGRAMS: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let source = shared("peer", cases)?;
    let made = PROGRAMS.get_or_init(|| {
        build_peers(&source, &target_folder().join("modem-peers"), &["bin/peer-modem", "bin/peer-ber"])
    });
    made.as_ref().map_err(|why| not_run(cases, why)).ok().map(|folder| folder.join("bin"))
}

/// What a program of the peer says when it is fed; it ends with a complaint when it heard nothing.
fn say(program: PathBuf, arguments: &[&str], fed: &[u8]) -> Vec<u8> {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().expect("the peer runs");
    child.stdin.take().expect("it is piped").write_all(fed).expect("the peer reads what it is fed");
    child.wait_with_output().expect("the peer ends").stdout
}

fn samples_of(wav: &[u8]) -> Vec<f32> {
    let mut wav = hound::WavReader::new(wav).expect("the peer writes WAV");
    wav.samples::<i16>().map(|sample| f32::from(sample.expect("a whole file"))).collect()
}

fn wav_of(samples: &[f32]) -> Vec<u8> {
    let format =
        hound::WavSpec { channels: 1, sample_rate: 8000, bits_per_sample: 16, sample_format: hound::SampleFormat::Int };
    let mut file = Cursor::new(Vec::new());
    let mut wav = hound::WavWriter::new(&mut file, format).expect("WAV can be written to memory");
    samples.iter().for_each(|sample| wav.write_sample(sample.round() as i16).expect("memory takes it"));
    wav.finalize().expect("memory takes it");
    file.into_inner()
}

/// Levels from the loudest to the faintest, offsets of carrier and clock to their bounds.
fn lines() -> Vec<(f32, f32, f32)> {
    let levels = [-3.0, -14.0, -28.0, -43.0].map(|level| (level, 0.0, 0.0));
    let offsets = [(10.0, 0.0), (-10.0, 0.0), (0.0, 200.0), (0.0, -200.0), (10.0, -200.0), (-10.0, 200.0)];
    levels.into_iter().chain(offsets.map(|(hz, ppm)| (-20.0, hz, ppm))).collect()
}

#[test]
fn every_burst_of_the_peer_is_received_at_every_level_and_offset() {
    let lines = lines();
    let Some(peer) = peer(modes().len() * lines.len()) else { return };
    for mode in modes() {
        let (rate, bits) = (mode.rate.to_string(), mode.bits().to_string());
        let arguments = ["tx", "--modem", mode.modem, "--rate", &rate, "--bits", &bits, "--out", "/dev/stdout"];
        let out = say(peer.join("peer-modem"), &arguments, &[]);
        // A slow clock makes it longer.
        let sent = [samples_of(&out), vec![0.0; LEAD]].concat();
        for (level, hz, ppm) in &lines {
            let gain = Db(level - LEVEL);
            let line = Impairments { gain, carrier_offset: Hz(*hz), clock_offset_ppm: *ppm, ..Impairments::default() };
            let errors = mode.errors(&carry(&line, 1, &sent));
            assert_eq!(errors, Some(0), "{} {rate} at {level} dBm0, {hz} Hz, {ppm} ppm", mode.modem);
        }
    }
}

#[test]
fn every_burst_of_ours_is_received_by_the_peer_within_its_bounds() {
    // Beyond these levels and offsets the peer loses its own bursts, too.
    let lines = [(-3.0, 0.0, 0.0), (-14.0, 0.0, 0.0), (-25.0, 0.0, 0.0), (-20.0, 5.0, 0.0), (-20.0, -5.0, 0.0)];
    let Some(peer) = peer(modes().len() * lines.len()) else { return };
    for mode in modes() {
        let (rate, bits) = (mode.rate.to_string(), mode.bits().to_string());
        for (level, hz, ppm) in lines {
            let line = Impairments { carrier_offset: Hz(hz), clock_offset_ppm: ppm, ..Impairments::default() };
            let heard = carry(&line, 1, &mode.signal(level, Prbs::new(1).take(mode.bits())));
            let arguments = ["rx", "--modem", mode.modem, "--rate", &rate, "--bits", &bits, "-"];
            let said = say(peer.join("peer-modem"), &arguments, &wav_of(&heard));
            let json: Value = serde_json::from_slice(&said).expect("the peer reports in JSON");
            let case = format!("{} {rate} at {level} dBm0, {hz} Hz, {ppm} ppm: {json}", mode.modem);
            assert!(json["locked"] == true && json["bit_errors"] == 0 && json["bits"] == mode.bits(), "{case}");
        }
    }
}

#[test]
fn the_peers_bench_judges_our_program() {
    /// Modem, rate, and the signal to noise ratio in decibels one above where 1e-5 is wanted.
    const POINTS: [(&str, &str, &str); 5] = [
        ("v21", "300", "5.3"),
        ("bell202", "1200", "10.3"),
        ("v27ter", "4800", "16.0"),
        ("v29", "9600", "20.5"),
        ("v17", "14400", "22.4"),
    ];
    let Some(peer) = peer(POINTS.len()) else { return };
    let judge = format!(
        "{} modem rx --modem {{modem}} --rate {{rate}} --seed {{seed}} --bits {{bits}} {{wav}}",
        answertone().display()
    );
    for (modem, rate, snr) in POINTS {
        let bits = if modem == "v21" { "1000" } else { "10000" };
        let point = ["sweep", "--modem", modem, "--rate", rate, "--from", snr, "--to", snr, "--trials", "3"];
        let how = ["--bits", bits, "--lead-noise", "--rx-cmd", &judge];
        let said = say(peer.join("peer-ber"), &[&point[..], &how].concat(), &[]);
        let csv = String::from_utf8_lossy(&said);
        let [header, row] = [0, 1].map(|line| csv.lines().nth(line).unwrap_or_default().split(',').collect::<Vec<_>>());
        let value = |name: &str| header.iter().position(|column| *column == name).and_then(|place| row.get(place));
        println!("{csv}");
        assert_eq!((value("trained"), value("missing")), (Some(&"3"), Some(&"0")), "{csv}");
        let errors: usize = value("errors").and_then(|errors| errors.parse().ok()).expect("errors are counted");
        assert!(errors <= 20, "no more than one error of the trellis decoder: {csv}");
    }
}
