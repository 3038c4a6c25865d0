//! The echo canceller on the echo paths of ITU-T G.168, and digits heard through our own prompt.

use std::path::Path;

use answertone_dsp::{
    channel::noise::Noise,
    echo::EchoCanceller,
    osc::Oscillator,
    pcm::BLOCK_SAMPLES,
    tone::{
        dtmf::{DtmfStyle, digits},
        dtmf_prompted::PromptedDtmfDetector,
    },
    units::{Db, Dbm0, Hz},
};
use answertone_vectors::{files_below, shared, wav::Recording};

/// The paths, G.168 annex D.
const PATHS: [&str; 5] = ["d2", "d4", "d5", "d7", "d8"];

/// Samples of a second.
const SECOND: usize = 8000;

/// Taps of an echo path with a loss of `loss` decibels for white noise, after `delay` samples.
fn path(folder: &Path, name: &str, loss: f32, delay: usize) -> Vec<f32> {
    let text = std::fs::read_to_string(folder.join(format!("g168_echo_path_{name}.csv"))).expect("the path is there");
    let rows = text.lines().filter(|line| line.starts_with(|first: char| first.is_ascii_digit()));
    let taps: Vec<f32> = rows.map(|row| row.split(',').nth(1).unwrap_or("").parse().expect("a number")).collect();
    let energy: f32 = taps.iter().map(|tap| tap * tap).sum();
    let factor = 10f32.powf(-loss / 20.0) / energy.sqrt();
    std::iter::repeat_n(0.0, delay).chain(taps.iter().map(|tap| tap * factor)).collect()
}

fn echo(far: &[f32], path: &[f32]) -> Vec<f32> {
    let at = |now: usize| path.iter().take(now + 1).enumerate().map(|(ago, tap)| tap * far[now - ago]).sum();
    (0..far.len()).map(at).collect()
}

fn cancel(canceller: &mut EchoCanceller, far: &[f32], near: &[f32]) -> Vec<f32> {
    let mut left = Vec::new();
    for (far, near) in far.as_chunks().0.iter().zip(near.as_chunks().0) {
        let mut block: [f32; BLOCK_SAMPLES] = *near;
        canceller.run(far, &mut block);
        left.extend(block);
    }
    left
}

/// White noise at -10 dBm0, or noise with the long-term spectrum of speech.
fn noise(seed: u64, speech_like: bool, samples: usize) -> Vec<f32> {
    let mut noise = Noise::new(Dbm0(-10.0), seed);
    let mut before = 0.0;
    let mut next = || {
        before = noise.next_sample() + if speech_like { 0.9 * before } else { 0.0 };
        before * if speech_like { 0.43 } else { 1.0 }
    };
    (0..samples).map(|_| next()).collect()
}

fn decibels(whole: &[f32], left: &[f32]) -> f32 {
    let power = |samples: &[f32]| samples.iter().map(|sample| f64::from(sample * sample)).sum::<f64>();
    (10.0 * (power(whole) / power(left).max(1e-9)).log10()) as f32
}

/// What a canceller that learns no more takes away.
fn kept(canceller: &EchoCanceller, far: &[f32], near: &[f32]) -> f32 {
    let mut frozen = canceller.clone();
    frozen.freeze(true);
    let left = cancel(&mut frozen, far, near);
    decibels(&near[SECOND / 4..], &left[SECOND / 4..])
}

/// Figures of one path, in decibels.
struct Figures {
    /// 300 ms after noise with the spectrum of speech began: the mean of three noises, and the worst.
    soon: f32,
    soon_worst: f32,
    /// White noise after 2 s.
    steady: f32,
    /// Noise on the line 40 dB below the echo, after 2 s: of the echo alone.
    noisy: f32,
    /// Before 3 s of double talk, at one level, and after it.
    before_talk: f32,
    after_talk: f32,
    /// Once the far end was silent for 6 s.
    leaked: f32,
    /// After 1 s of each of five tones and pairs of tones.
    after_tones: f32,
    /// 500 ms after the path became another.
    changed: f32,
    /// What comes out relative to what was sent, 500 ms after the echo went away.
    infinite: f32,
}

fn figures(taps: usize, path: &[f32], other: &[f32]) -> Figures {
    let soon = [7, 14, 21].map(|seed| {
        let speech = noise(seed, true, SECOND / 2);
        let returned = echo(&speech, path);
        let left = cancel(&mut EchoCanceller::new(taps), &speech, &returned);
        decibels(&returned[2400..2800], &left[2400..2800])
    });
    let white = noise(2, false, 3 * SECOND);
    let returned = echo(&white, path);
    let mut canceller = EchoCanceller::new(taps);
    let left = cancel(&mut canceller, &white, &returned);
    let steady = decibels(&returned[2 * SECOND..], &left[2 * SECOND..]);
    let before_talk = kept(&canceller, &white, &returned);
    let mut talked = canceller.clone();
    cancel(&mut talked, &white, &sum(&returned, &noise(3, true, white.len())));
    let mut quiet = canceller.clone();
    cancel(&mut quiet, &vec![0.0; 6 * SECOND], &noise_at(4, -65.0, 6 * SECOND));
    let mut toned = canceller.clone();
    for pitches in [[404.0, 404.0], [1004.0, 1004.0], [697.0, 1209.0], [350.0, 440.0], [2100.0, 2100.0]] {
        let tone = tones(pitches, SECOND);
        cancel(&mut toned, &tone, &echo(&tone, path));
    }
    let mut moved = canceller.clone();
    let elsewhere = echo(&white, other);
    let after = cancel(&mut moved, &white[..SECOND], &elsewhere[..SECOND]);
    let gone = cancel(&mut canceller, &white[..SECOND], &noise_at(5, -65.0, SECOND));
    let mut in_noise = EchoCanceller::new(taps);
    cancel(&mut in_noise, &white, &sum(&returned, &noise_at(6, -56.0, white.len())));
    Figures {
        soon: soon.iter().sum::<f32>() / 3.0,
        soon_worst: soon.into_iter().fold(f32::INFINITY, f32::min),
        steady,
        noisy: kept(&in_noise, &white, &returned),
        before_talk,
        after_talk: kept(&talked, &white, &returned),
        leaked: kept(&quiet, &white, &returned),
        after_tones: kept(&toned, &white, &returned),
        changed: decibels(&elsewhere[SECOND / 2..SECOND], &after[SECOND / 2..]),
        infinite: -decibels(&white[SECOND / 2..SECOND], &gone[SECOND / 2..]),
    }
}

/// Noise of that level.
fn noise_at(seed: u64, level: f32, samples: usize) -> Vec<f32> {
    let mut noise = Noise::new(Dbm0(level), seed);
    (0..samples).map(|_| noise.next_sample()).collect()
}

/// One or two tones at -7 dBm0 together.
fn tones(pitches: [f32; 2], samples: usize) -> Vec<f32> {
    let mut tones = pitches.map(|pitch| Oscillator::new(Hz(pitch)));
    (0..samples).map(|_| 5000.0 * tones.iter_mut().map(Oscillator::next_sine).sum::<f32>()).collect()
}

/// Taps and delays: of the paths alone, and of lines behind a network.
const TAILS: [(usize, usize); 4] = [(128, 0), (256, 40), (512, 200), (1024, 700)];

#[test]
fn the_paths_of_g168_are_cancelled() {
    let Some(folder) = shared("assets/7-line-data", PATHS.len() * TAILS.len()) else { return };
    println!("path    tail  300 ms (worst)  steady  noisy  talk before, after  leaked  tones  changed  infinite");
    for (name, other) in PATHS.into_iter().zip(PATHS.into_iter().cycle().skip(1)) {
        for (taps, delay) in TAILS {
            let path = path(&folder, name, 6.0, delay);
            let other = self::path(&folder, other, 8.0, delay / 2);
            let f = figures(taps, &path, &other);
            println!(
                "{name}    {:3} ms   {:5.1} ({:5.1})  {:6.1}  {:5.1}  {:10.1}, {:5.1}  {:6.1}  {:5.1}  {:7.1}  {:8.1}",
                taps / 8,
                f.soon,
                f.soon_worst,
                f.steady,
                f.noisy,
                f.before_talk,
                f.after_talk,
                f.leaked,
                f.after_tones,
                f.changed,
                f.infinite
            );
            assert!(f.soon >= 40.0 && f.soon_worst >= 30.0, "{name}, {taps} taps: {} dB after 300 ms", f.soon);
            assert!(f.steady >= 50.0, "{name}, {taps} taps: {} dB", f.steady);
            assert!(f.noisy >= 30.0, "{name}, {taps} taps: {} dB in noise", f.noisy);
            assert!(f.after_talk >= f.before_talk - 3.0, "{name}, {taps} taps: {} dB after talk", f.after_talk);
            assert!(f.leaked >= f.before_talk - 3.0, "{name}, {taps} taps: {} dB after silence", f.leaked);
            assert!(f.after_tones >= 40.0, "{name}, {taps} taps: {} dB after tones", f.after_tones);
            assert!(f.changed >= 25.0, "{name}, {taps} taps: {} dB on another path", f.changed);
            assert!(f.infinite <= -37.0, "{name}, {taps} taps: {} dB of an echo that is not there", f.infinite);
        }
    }
}

#[test]
fn suppression_takes_the_residue_and_leaves_the_talk() {
    let Some(folder) = shared("assets/7-line-data", PATHS.len()) else { return };
    for name in PATHS {
        let path = path(&folder, name, 10.0, 40);
        let far = noise(1, true, 3 * SECOND);
        // Noise of the line: what no filter takes away.
        let returned = sum(&echo(&far, &path), &noise_at(2, -50.0, far.len()));
        let mut plain = EchoCanceller::new(256);
        let left = cancel(&mut plain, &far, &returned);
        let mut suppressing = EchoCanceller::new(256);
        suppressing.suppress_residue(true);
        let suppressed = cancel(&mut suppressing, &far, &returned);
        let more = decibels(&left[2 * SECOND..], &suppressed[2 * SECOND..]);
        assert!(more >= 20.0, "{name}: {more} dB more");
        let talk = noise(3, true, far.len());
        let heard = cancel(&mut suppressing, &far, &sum(&returned, &talk));
        let lost = decibels(&talk, &heard);
        assert!(lost.abs() <= 1.0, "{name}: the talk lost {lost} dB");
    }
}

/// Digits heard while a prompt plays.
fn through(prompt: &[f32], near: &[f32]) -> String {
    let mut detector = PromptedDtmfDetector::new(256);
    let mut heard = String::new();
    for (prompt, near) in prompt.as_chunks().0.iter().zip(near.as_chunks().0) {
        detector.run(prompt, near, |digit| {
            if digit.end.is_none() {
                heard.push(digit.digit);
            }
        });
    }
    heard
}

fn sum(a: &[f32], b: &[f32]) -> Vec<f32> {
    a.iter().zip(b).map(|(a, b)| a + b).collect()
}

#[test]
fn digits_are_heard_through_our_own_prompt_and_none_of_the_prompts() {
    let Some(folder) = shared("assets", 2 * PATHS.len()) else { return };
    let prompts = files_below(&folder.join("6-speech-music/asterisk-en"));
    let spoken: Vec<f32> = prompts
        .iter()
        .filter_map(|file| Recording::read(file).ok())
        .flat_map(|recording| recording.telephone().swap_remove(0))
        .take(20 * SECOND)
        .collect();
    let own = DtmfStyle { level: Dbm0(-10.0), ..DtmfStyle::default() };
    // Digits of our own from the first sample on, before anything was learned, and again in the midst of the speech.
    let mut prompt = digits("159D", own);
    prompt.extend(&spoken);
    let middle = 10 * SECOND;
    for (at, sample) in digits("2468*0#", own).iter().enumerate() {
        prompt[middle + at] = *sample;
    }
    let caller = DtmfStyle { level: Dbm0(-20.0), on: 480, off: 480, ..DtmfStyle::default() };
    let pressed: Vec<f32> = (0..5).flat_map(|_| [vec![0.0; 2 * SECOND], digits("1379", caller)].concat()).collect();
    let silence = vec![0.0; prompt.len()];
    let mut pressed: Vec<f32> = pressed.into_iter().chain(silence.iter().copied()).take(prompt.len()).collect();
    pressed.extend(vec![0.0; prompt.len() - pressed.len()]);
    for name in PATHS {
        let path = path(&folder.join("7-line-data"), name, Db(10.0).0, 40);
        let returned = echo(&prompt, &path);
        assert_eq!(through(&prompt, &returned), "", "{name}: the prompt alone");
        assert_eq!(through(&prompt, &sum(&returned, &pressed)), "1379".repeat(5), "{name}: the caller");
    }
}
