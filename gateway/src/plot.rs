//! Pictures of calls and pages as PNG.
//!
//! ```text
//!  recording ─▶ bursts ─┐
//!  transcript ──────────┴▶ timeline with names ─┐
//!  recording ─▶ spectrogram of each direction ──┴▶ one picture
//! ```

mod bursts;
mod canvas;
pub mod chart;
pub mod overview;
mod spectrogram;
mod surface;
pub mod svg;

use std::io::Cursor;

use answertone_t30::{
    image::{Page, Resolution},
    session::TraceLine,
};
use image::{GrayImage, ImageError, ImageFormat, Luma};

use self::{
    bursts::{Burst, Kind, bursts},
    canvas::{Canvas, Color},
    spectrogram::Spectrogram,
};

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub enum PlotError {
    /// The recording.
    #[error("the recording cannot be read: {0}")]
    Wav(#[from] hound::Error),
    /// It is not one of ours.
    #[error("the recording has {channels} channels at {rate} Hz; 2 at 8000 Hz are drawn")]
    Shape {
        /// Channels.
        channels: u16,
        /// Samples per second.
        rate: u32,
    },
    /// The picture.
    #[error("the picture cannot be written: {0}")]
    Image(#[from] ImageError),
}

/// A page as it looks on paper; rows of standard resolution are drawn twice.
pub fn page_png(page: &Page) -> Result<Vec<u8>, PlotError> {
    let repeat = if page.resolution == Resolution::Standard { 2 } else { 1 };
    let picture = GrayImage::from_fn(page.bitmap.width(), page.bitmap.height() * repeat, |x, y| {
        Luma([if page.bitmap.is_black(x, y / repeat) { 0 } else { 255 }])
    });
    let mut png = Cursor::new(vec![]);
    picture.write_to(&mut png, ImageFormat::Png)?;
    Ok(png.into_inner())
}

const WIDTH: u32 = 2000;
const HEIGHT: u32 = 1040;
const LEFT: u32 = 150;
const RIGHT: u32 = 50;
const LANES_TOP: u32 = 196;
const LANE: u32 = 44;
const PANELS_TOP: u32 = 376;
const PANEL: u32 = 270;
const PANEL_GAP: u32 = 34;

const INK: Color = Color(226, 230, 240);
const FAINT: Color = Color(128, 138, 160);
const GROUND: Color = Color(13, 16, 26);
const GRID: Color = Color(38, 45, 64);

/// A recorded call: who sent what when, and the spectrum of both directions. `wav` has what we sent on the left and
/// what we received on the right.
pub fn call_png(wav: &[u8], transcript: &[TraceLine], title: &str) -> Result<Vec<u8>, PlotError> {
    let [caller, answerer] = directions(wav)?;
    let seconds = (caller.len().max(1) as f32 / 8000.0).max(1.0);
    let mut picture = Picture { canvas: Canvas::new(WIDTH, HEIGHT, GROUND), seconds };
    picture.head(title);
    picture.time_grid();
    let lanes = [bursts(&caller, transcript, true), bursts(&answerer, transcript, false)];
    picture.lane("caller", &lanes[0], LANES_TOP, true);
    picture.lane("answerer", &lanes[1], LANES_TOP + LANE + 14, false);
    picture.panel("caller", &caller, PANELS_TOP);
    picture.panel("answerer", &answerer, PANELS_TOP + PANEL + PANEL_GAP);
    picture.time_labels();
    Ok(picture.canvas.png()?)
}

fn directions(wav: &[u8]) -> Result<[Vec<f32>; 2], PlotError> {
    let mut reader = hound::WavReader::new(Cursor::new(wav))?;
    let spec = reader.spec();
    if spec.channels != 2 || spec.sample_rate != 8000 {
        return Err(PlotError::Shape { channels: spec.channels, rate: spec.sample_rate });
    }
    let samples = reader.samples::<i16>().map(|sample| sample.map(|s| f32::from(s) / 32768.0));
    let samples: Vec<f32> = samples.collect::<Result<_, _>>()?;
    let one = |first: usize| samples.iter().skip(first).step_by(2).copied().collect();
    Ok([one(0), one(1)])
}

struct Picture {
    canvas: Canvas,
    seconds: f32,
}

impl Picture {
    fn x(&self, second: f32) -> i32 {
        LEFT as i32 + (second / self.seconds * (WIDTH - LEFT - RIGHT) as f32) as i32
    }

    fn head(&mut self, title: &str) {
        self.canvas.text(LEFT as i32, 30, 36.0, INK, "A fax call");
        self.canvas.text(LEFT as i32, 80, 22.0, FAINT, title);
        let mut x = LEFT as i32 + 900;
        for (kind, name) in [
            (Kind::Tone, "tones"),
            (Kind::Frames, "V.21 frames"),
            (Kind::Check, "training check"),
            (Kind::Page, "page"),
        ] {
            self.canvas.fill(x, 86, 18, 18, color(kind));
            x += 28;
            x += self.canvas.text(x, 84, 19.0, FAINT, name) + 34;
        }
    }

    /// A step of time that leaves room for its labels.
    fn step(&self) -> f32 {
        let wanted = self.seconds / 14.0;
        [1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0].into_iter().find(|step| *step >= wanted).unwrap_or(600.0)
    }

    fn ticks(&self) -> impl Iterator<Item = f32> + use<> {
        let (step, seconds) = (self.step(), self.seconds);
        (0..).map(move |n| n as f32 * step).take_while(move |second| *second <= seconds)
    }

    fn time_grid(&mut self) {
        for second in self.ticks() {
            let x = self.x(second);
            self.canvas.fill(
                x,
                LANES_TOP as i32 - 10,
                1,
                (PANELS_TOP + 2 * PANEL + PANEL_GAP - LANES_TOP) as i32 + 10,
                GRID,
            );
        }
    }

    fn time_labels(&mut self) {
        let y = (PANELS_TOP + 2 * PANEL + PANEL_GAP) as i32 + 14;
        for second in self.ticks() {
            let x = self.x(second);
            self.canvas.fill(x, y - 12, 1, 8, FAINT);
            self.canvas.centered(x, y, 20.0, FAINT, &format!("{second:.0} s"));
        }
    }

    /// The signals of one machine as boxes, their names above or below.
    fn lane(&mut self, who: &str, signals: &[Burst], top: u32, names_above: bool) {
        self.canvas.text(20, top as i32 + 11, 19.0, INK, who);
        self.canvas.fill(LEFT as i32, (top + LANE / 2) as i32, (WIDTH - LEFT - RIGHT) as i32, 1, GRID);
        let mut ends = [i32::MIN; 4];
        for signal in signals {
            let (from, to) = (self.x(signal.from), self.x(signal.to));
            let wide = (to - from).max(3);
            self.canvas.fill(from, top as i32, wide, LANE as i32, color(signal.kind));
            if signal.name.is_empty() {
                continue;
            }
            let width = self.canvas.width_of(17.0, &signal.name);
            let middle = from + wide / 2;
            if width + 10 < wide {
                self.canvas.centered(middle, top as i32 + 11, 17.0, GROUND, &signal.name);
                continue;
            }
            let Some(tier) = ends.iter().position(|end| *end + 8 < middle - width / 2) else { continue };
            ends[tier] = middle + width / 2;
            let far = 26 + 22 * tier as i32;
            let (y, stem, length) = match names_above {
                true => (top as i32 - far, top as i32 - far + 20, far - 20),
                false => ((top + LANE) as i32 + far - 18, (top + LANE) as i32, far - 18),
            };
            self.canvas.fill(middle, stem, 1, length, FAINT);
            self.canvas.centered(middle, y, 17.0, color(signal.kind), &signal.name);
        }
    }

    fn panel(&mut self, who: &str, samples: &[f32], top: u32) {
        let width = WIDTH - LEFT - RIGHT;
        let spectrogram = Spectrogram::new(samples, width as usize, PANEL as usize);
        for y in 0..PANEL {
            for x in 0..width {
                let level = spectrogram.level(x as usize, (PANEL - 1 - y) as usize);
                self.canvas.pixel((LEFT + x) as i32, (top + y) as i32, heat(level));
            }
        }
        self.canvas.text(20, (top + PANEL * 3 / 8) as i32 - 12, 19.0, INK, who);
        for kilohertz in 0..=4 {
            let y = (top + PANEL) as i32 - (PANEL as f32 * kilohertz as f32 / 4.0) as i32;
            self.canvas.fill(LEFT as i32 - 8, y, 8, 1, FAINT);
            let name = if kilohertz == 4 { "4 kHz".to_owned() } else { kilohertz.to_string() };
            let x = LEFT as i32 - 14 - self.canvas.width_of(17.0, &name);
            self.canvas.text(x, y - 11, 17.0, FAINT, &name);
        }
    }
}

fn color(kind: Kind) -> Color {
    match kind {
        Kind::Tone => Color(94, 214, 190),
        Kind::Frames => Color(247, 187, 84),
        Kind::Check => Color(197, 134, 246),
        Kind::Page => Color(96, 160, 250),
    }
}

/// Level 0 to 1 as colour: night, violet, orange, straw.
fn heat(level: f32) -> Color {
    const STOPS: [(f32, [f32; 3]); 6] = [
        (0.0, [13.0, 16.0, 26.0]),
        (0.25, [44.0, 24.0, 88.0]),
        (0.5, [138.0, 34.0, 106.0]),
        (0.7, [222.0, 73.0, 68.0]),
        (0.88, [252.0, 165.0, 60.0]),
        (1.0, [252.0, 250.0, 196.0]),
    ];
    let level = level.clamp(0.0, 1.0);
    let above = STOPS.iter().position(|(at, _)| *at >= level).unwrap_or(STOPS.len() - 1).max(1);
    let ((low, from), (high, to)) = (STOPS[above - 1], STOPS[above]);
    let share = (level - low) / (high - low);
    let mix = |i: usize| (from[i] + (to[i] - from[i]) * share) as u8;
    Color(mix(0), mix(1), mix(2))
}

#[cfg(test)]
mod tests {
    use hound::{SampleFormat, WavSpec, WavWriter};

    use super::*;

    #[test]
    fn a_recording_becomes_a_picture_and_another_file_does_not() {
        let spec = WavSpec { channels: 2, sample_rate: 8000, bits_per_sample: 16, sample_format: SampleFormat::Int };
        let mut wav = Cursor::new(vec![]);
        let mut writer = WavWriter::new(&mut wav, spec).unwrap();
        for n in 0..16_000 {
            let tone = (n as f32 * 1100.0 / 8000.0 * std::f32::consts::TAU).sin() * 3000.0;
            writer.write_sample(if n < 8000 { tone as i16 } else { 0 }).unwrap();
            writer.write_sample(0i16).unwrap();
        }
        writer.finalize().unwrap();
        let png = call_png(wav.get_ref(), &[], "test").unwrap();
        let picture = image::load_from_memory(&png).unwrap();
        assert_eq!((picture.width(), picture.height()), (WIDTH, HEIGHT));
        assert!(call_png(b"RIFF", &[], "").is_err());
    }
}
