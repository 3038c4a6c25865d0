//! The echo canceller on the echo paths of ITU-T G.168, and digits heard through our own prompt.

use std::path::Path;

use answertone_dsp::{
    channel::noise::Noise,
    echo::EchoCanceller,
    pcm::BLOCK_SAMPLES,
    tone::{
        dtmf::{DtmfStyle, digits},
        dtmf_prompted::PromptedDtmfDetector,
    },
    units::{Db, Dbm0},
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

#[test]
fn the_paths_of_g168_are_cancelled() {
    let Some(folder) = shared("assets/7-line-data", PATHS.len()) else { return };
    println!("path  tail   speech-like 300 ms   white 3 s   after double talk");
    for name in PATHS {
        for (taps, delay) in [(128, 0), (256, 40), (512, 200), (1024, 700)] {
            let path = path(&folder, name, 6.0, delay);
            if path.len() > taps {
                continue;
            }
            let speech = noise(1, true, SECOND);
            let speech_echo = echo(&speech, &path);
            let left = cancel(&mut EchoCanceller::new(taps), &speech, &speech_echo);
            let soon = decibels(&speech_echo[2400..2800], &left[2400..2800]);
            let white = noise(2, false, 6 * SECOND);
            let white_echo = echo(&white, &path);
            let mut canceller = EchoCanceller::new(taps);
            let half = 3 * SECOND;
            let left = cancel(&mut canceller, &white[..half], &white_echo[..half]);
            let steady = decibels(&white_echo[2 * SECOND..half], &left[2 * SECOND..]);
            let both = sum(&white_echo[half..], &noise(3, true, half));
            let before = kept(&canceller, &white, &white_echo);
            cancel(&mut canceller, &white[half..], &both);
            let after = kept(&canceller, &white, &white_echo);
            println!("{name}    {:3} ms  {soon:5.1} dB  {steady:5.1} dB  {before:5.1} -> {after:5.1} dB", taps / 8);
            assert!(steady >= 50.0, "{name}, {taps} taps: {steady} dB");
            assert!(after >= before - 3.0, "{name}, {taps} taps: {before} dB before double talk, {after} dB after");
            assert!(taps > 256 || soon >= 30.0, "{name}, {taps} taps: {soon} dB after 300 ms");
        }
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
