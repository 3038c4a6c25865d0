//! What processes do that know the sound server.

use std::{f64::consts::TAU, fs, thread};

use answertone_dsp::pcm::{Block, SILENCE};
use answertone_hw::{LineError, open};

/// What the two ends say, in hertz: whole turns in a window, none in a period or buffer.
const TONES: [f64; 2] = [1010.0, 1770.0];

/// How loud they say it, peak, in 16-bit scale.
const PEAK: f64 = 8000.0;

/// Blocks of a call: three seconds.
const BLOCKS: usize = 300;

/// Samples that are looked at together: longer than any buffer on the way, so a sample lost or doubled in one shows.
const WINDOW: usize = 800;

/// What is not the tone, against it.
const MOST_REST_DB: f64 = -40.0;

/// How much the tone may be louder or weaker.
const MOST_LOSS_DB: f64 = 0.2;

/// Blocks that a device may live after it was taken away, before the test is stuck: a minute.
const STUCK: usize = 6000;

/// Two lines speak to each other at once.
pub(crate) fn call(near: &str, far: &str) {
    thread::scope(|scope| {
        let near = scope.spawn(|| talk(near, TONES[0]));
        let heard_far = talk(far, TONES[1]);
        assert_tone(&near.join().unwrap(), TONES[1]);
        assert_tone(&heard_far, TONES[0]);
    });
}

/// A line that hears itself, and whose plugin writes what is played into a file.
pub(crate) fn play_recorded(line: &str, path: &str) {
    assert_tone(&talk(line, TONES[0]), TONES[0]);
    let written = fs::read(path).unwrap();
    let samples: Vec<i16> = written.as_chunks().0.iter().map(|sample| i16::from_le_bytes(*sample)).collect();
    assert_tone(&samples, TONES[0]);
}

/// A line whose device is taken away, when `begun` is there, tells it.
pub(crate) fn lose(line: &str, begun: &str) {
    let mut line = open(&line.parse().unwrap()).unwrap();
    fs::write(begun, []).unwrap();
    let ended = (0..STUCK).find_map(|_| line.exchange(&SILENCE, &mut SILENCE.clone()).err()).unwrap();
    println!("{ended}");
    assert!(matches!(ended, LineError::Gone(_)));
}

/// Says a tone; what was heard meanwhile.
fn talk(line: &str, hertz: f64) -> Vec<i16> {
    let mut line = open(&line.parse().unwrap()).unwrap();
    let mut heard = Vec::new();
    for block in 0..BLOCKS {
        let mut rx = SILENCE;
        line.exchange(&tone(hertz, block), &mut rx).unwrap();
        heard.extend(rx);
    }
    println!("{:?}", line.health().unwrap());
    line.hang_up();
    heard
}

fn tone(hertz: f64, block: usize) -> Block {
    std::array::from_fn(|place| {
        let sample = block * SILENCE.len() + place;
        (PEAK * (TAU * hertz * sample as f64 / 8000.0).sin()).round() as i16
    })
}

/// Most of what was heard is the tone, as loud as it was said and nothing beside it. A busy machine may interrupt it; the
/// buffers of the way are silent first, and the one end begins before the other.
fn assert_tone(heard: &[i16], hertz: f64) {
    let mut windows: Vec<(f64, f64)> = heard.chunks_exact(WINDOW).map(|window| examine(window, hertz)).collect();
    windows.sort_by(|one, other| one.1.total_cmp(&other.1));
    let (level, rest) = windows[windows.len() / 4];
    println!("{hertz} Hz: {level:+.3} dB, rest {rest:.1} dB in the best quarter of {} windows", windows.len());
    assert!(level.abs() <= MOST_LOSS_DB && rest <= MOST_REST_DB);
}

/// Level of a tone in decibels against what was said, and of what is beside it against the tone.
fn examine(window: &[i16], hertz: f64) -> (f64, f64) {
    let turn = |place: usize| (TAU * hertz * place as f64 / 8000.0).sin_cos();
    let (mut sine, mut cosine, mut power) = (0.0, 0.0, 0.0);
    for (place, sample) in window.iter().enumerate() {
        let (sample, (by_sine, by_cosine)) = (f64::from(*sample), turn(place));
        sine += sample * by_sine;
        cosine += sample * by_cosine;
        power += sample * sample;
    }
    let count = window.len() as f64;
    let tone = 2.0 * (sine * sine + cosine * cosine) / (count * count);
    let rest = (power / count - tone).max(1e-9);
    (10.0 * (tone / (PEAK * PEAK / 2.0)).max(1e-9).log10(), 10.0 * (rest / tone.max(1e-9)).log10())
}
