//! Tells progress tones by the rounds of sound and silence of a country's table, or without knowing the country.

use alloc::vec::Vec;

use crate::{
    lanes::Lanes,
    pcm::BLOCK_SAMPLES,
    tone::{
        content::{Content, ContentKernel},
        ear::{Alone, Both, EarBank, Listener, Piece},
        information::Information,
        pitch::{self, Look, PitchKernel},
        progress::{ProgressKind, ProgressTone, TONES},
    },
    units::{Dbm0, Hz},
};

/// Level from which there is a sound.
const SOUND: Dbm0 = Dbm0(-38.0);

/// Part of the power that has to be in the frequencies of a country.
const LEAST_SHARE: f32 = 0.6;

/// Blocks without a pause after which a tone goes on without end.
const ENDLESS: u32 = 300;

/// Spans remembered.
const SPANS: usize = 12;

/// Frequencies looked at when the country is not known: those of dial tone, ringing and busy anywhere.
const ANYWHERE: [f32; 10] = [330.0, 350.0, 375.0, 400.0, 425.0, 440.0, 460.0, 480.0, 600.0, 620.0];

/// Silence after which a tone is one of ringing, when the country is not known, and a round of busy at least; shorter
/// ones are congestion. In milliseconds.
const RING_PAUSE: u32 = 1500;
const BUSY_ROUND: u32 = 560;

/// Blocks of the shortest sound of it.
const SHORTEST: u32 = 12;

/// Part of a sound's power that is in its strongest frequency, when the country is not known: half and less of two.
const TONAL: f32 = 0.3;

/// Most by which sounds of one tone differ in power, and by which a silence is below them, when the country is not known:
/// tones of an exchange are all alike, and nothing is between them.
const UNEVEN: f32 = 1.6;
const SILENT: f32 = 0.06;

/// Blocks of a stretch, whose powers tell whether a tone without end is even.
const STRETCH: u32 = 20;

/// Tells the progress tones of one country, or of any.
#[derive(Clone, Debug)]
pub struct ProgressDetector(Alone<ProgressListener>);

/// Tells the progress tones of one country, or of any, in lines of a bank.
pub type ProgressBank = EarBank<ProgressListener>;

/// What one line heard of a country's progress tones, or of any.
#[derive(Clone, Debug)]
pub struct ProgressListener {
    rows: Vec<(&'static ProgressTone, Vec<u32>)>,
    pitches: Vec<Hz>,
    /// Mean square from which there is a sound.
    least_sound: f32,
    sounds: bool,
    blocks: u32,
    /// Lengths of sound and silence in blocks, the newest last, and the strongest frequencies of the sounds.
    spans: Vec<Span>,
    /// Powers of the frequencies in this block, and in this span so far.
    now: Vec<f32>,
    powers: Vec<f32>,
    /// Power of everything in this span, the same without its first and its last block, and that of the last block.
    everything: f32,
    inner: f32,
    last: f32,
    /// Power of the stretch of this span under way, and the least and the most of those before.
    stretch: f32,
    range: (f32, f32),
    information: Information,
    told: Option<ProgressKind>,
}

/// A sound or a silence.
#[derive(Clone, Debug)]
struct Span {
    sounds: bool,
    blocks: u32,
    /// Frequencies that sounded, a bit each, and the strongest of them.
    pitches: u64,
    strongest: usize,
    /// Mean square of everything in it, its first and its last block left out.
    power: f32,
}

impl ProgressDetector {
    /// A detector for a country; nothing if no row is known of it.
    pub fn new(country: &str) -> Option<Self> {
        ProgressListener::new(country).map(Self::with)
    }

    /// A detector for a country, or for one that is not known if there is no row of it.
    pub fn of(country: &str) -> Self {
        Self::with(ProgressListener::of(country))
    }

    /// A detector for a country that is not known, by what most have in common: one tone or two below 650 Hz; ringing has
    /// long pauses, busy sounds and pauses alike, congestion the same but faster.
    pub fn anywhere() -> Self {
        Self::with(ProgressListener::anywhere())
    }

    fn with(listener: ProgressListener) -> Self {
        Self(Alone::new(listener))
    }

    /// Takes the next samples, in 16-bit scale; the tone, when it is recognised anew.
    pub fn run(&mut self, samples: &[f32]) -> Option<ProgressKind> {
        let mut found = None;
        self.0.run(samples, |kind| found = Some(kind));
        found
    }
}

impl Listener for ProgressListener {
    type Kernel = Both<PitchKernel, ContentKernel>;
    type Heard = ProgressKind;
    const SAMPLES: usize = BLOCK_SAMPLES;

    fn fresh(&self) -> Self {
        Self::with(self.rows.clone(), self.pitches.iter().map(|pitch| pitch.0).collect())
    }

    fn kernel(&self) -> (Self::Kernel, usize) {
        let (contents, results) = ContentKernel::new(&self.pitches, BLOCK_SAMPLES).counted();
        (Both::new(PitchKernel, pitch::RESULTS, contents), pitch::RESULTS + results)
    }

    fn hear<V: Lanes>(&mut self, piece: &Piece<'_, V>) -> Option<ProgressKind> {
        let look = Look::new(|at| piece.result(at));
        if look.mean_square >= self.least_sound && self.information.hears(&look) {
            return self.tell(ProgressKind::Special);
        }
        let mut strongest: f32 = 0.0;
        for (tone, power) in self.now.iter_mut().enumerate() {
            let content = Content::of(tone, |at| piece.result(pitch::RESULTS + at));
            *power = content.mean_square(BLOCK_SAMPLES);
            strongest = strongest.max(*power);
        }
        // Two frequencies share the power, and beat: one of them has a third of it at least.
        let sounds = look.mean_square >= self.least_sound && strongest >= look.mean_square * LEAST_SHARE / 2.0;
        self.block(look.mean_square, sounds)
    }
}

impl ProgressListener {
    /// Of a country; nothing if no row is known of it.
    pub fn new(country: &str) -> Option<Self> {
        let rows: Vec<_> = TONES.iter().filter(|row| row.country == country).map(|row| (row, row.cadence())).collect();
        let mut pitches: Vec<f32> =
            rows.iter().flat_map(|row| row.0.segments.iter().flat_map(|s| s.0)).copied().collect();
        pitches.sort_by(f32::total_cmp);
        pitches.dedup_by(|a, b| (*a - *b).abs() < 5.0);
        (!rows.is_empty()).then(|| Self::with(rows, pitches))
    }

    /// Of a country, or of one that is not known if there is no row of it.
    pub fn of(country: &str) -> Self {
        Self::new(country).unwrap_or_else(Self::anywhere)
    }

    /// Of a country that is not known.
    pub fn anywhere() -> Self {
        Self::with(Vec::new(), ANYWHERE.to_vec())
    }

    fn with(rows: Vec<(&'static ProgressTone, Vec<u32>)>, mut pitches: Vec<f32>) -> Self {
        pitches.truncate(64);
        let pitches: Vec<Hz> = pitches.into_iter().map(Hz).collect();
        Self {
            now: alloc::vec![0.0; pitches.len()],
            powers: alloc::vec![0.0; pitches.len()],
            pitches,
            least_sound: SOUND.mean_square(),
            rows,
            everything: 0.0,
            inner: 0.0,
            last: 0.0,
            stretch: 0.0,
            range: (f32::INFINITY, 0.0),
            sounds: false,
            blocks: 0,
            spans: Vec::with_capacity(SPANS + 1),
            information: Information::default(),
            told: None,
        }
    }

    fn block(&mut self, mean_square: f32, sounds: bool) -> Option<ProgressKind> {
        let turned = sounds != self.sounds;
        if turned {
            self.end_span();
            self.sounds = sounds;
        }
        self.blocks += 1;
        self.count(mean_square);
        match (turned, sounds) {
            (true, true) => self.round(),
            (false, true) if self.blocks == ENDLESS => self.endless(),
            _ => None,
        }
    }

    /// Counts a block for the span that it belongs to. The first and the last of a span may hold something of its
    /// neighbours, and count for nothing but their frequencies.
    fn count(&mut self, mean_square: f32) {
        self.powers.iter_mut().zip(&self.now).for_each(|(power, now)| *power += now);
        self.everything += mean_square;
        if self.blocks > 2 {
            self.inner += self.last;
            self.stretch += self.last;
        }
        self.last = mean_square;
        if self.blocks > 2 && self.blocks.is_multiple_of(STRETCH) {
            let stretch = core::mem::take(&mut self.stretch);
            self.range = (self.range.0.min(stretch), self.range.1.max(stretch));
        }
    }

    fn end_span(&mut self) {
        let power = self.inner / self.blocks.saturating_sub(2).max(1) as f32;
        let (blocks, strongest) = (self.blocks, self.strongest());
        self.spans.push(Span { sounds: self.sounds, blocks, pitches: self.loud(), power, strongest });
        if self.spans.len() > SPANS {
            self.spans.remove(0);
        }
        (self.blocks, self.everything, self.inner, self.last, self.stretch) = (0, 0.0, 0.0, 0.0, 0.0);
        self.range = (f32::INFINITY, 0.0);
        self.powers.fill(0.0);
    }

    /// Frequencies with a fair part of what sounded in this span.
    fn loud(&self) -> u64 {
        let most = self.powers.iter().copied().fold(0.0, f32::max);
        let bits = self.powers.iter().enumerate().filter(|(_, power)| **power > most * 0.3);
        bits.fold(0, |bits, (at, _)| bits | 1 << at)
    }

    /// The frequency with most of what sounded in this span.
    fn strongest(&self) -> usize {
        (0..self.powers.len()).max_by(|a, b| self.powers[*a].total_cmp(&self.powers[*b])).unwrap_or(0)
    }

    fn endless(&mut self) -> Option<ProgressKind> {
        if self.rows.is_empty() {
            let tonal = self.powers[self.strongest()] >= TONAL * self.everything;
            let even = self.range.1 <= UNEVEN * self.range.0;
            return (tonal && even).then(|| self.tell(ProgressKind::Dial)).flatten();
        }
        // The strongest tells one tone from two around it; two may also be uneven.
        let rows = || self.rows.iter().filter(|row| row.0.goes_on());
        let with = |heard: u64| rows().find(|row| self.holds(row.0, heard));
        let kind = with(1 << self.strongest()).or_else(|| with(self.loud()))?.0.kind;
        self.tell(kind)
    }

    /// A round is over in a country that is not known: two of them alike, or two short rings and a long pause.
    fn round_anywhere(&mut self) -> Option<ProgressKind> {
        let [.., on_before, off_before, on, off] = self.spans.as_slice() else { return None };
        let alike = |a: &Span, b: &Span| a.blocks.abs_diff(b.blocks) * 100 <= 250 + a.blocks * 15;
        let balanced = on.blocks * 2 >= off.blocks && off.blocks * 5 >= on.blocks * 2;
        let even = on.power <= UNEVEN * on_before.power && on_before.power <= UNEVEN * on.power;
        let silent = off.power.max(off_before.power) <= SILENT * on.power;
        let one = on.strongest == on_before.strongest && even && silent;
        if !alike(on_before, on) || on.blocks < SHORTEST || !one {
            return None;
        }
        let (rounds, pairs) = (alike(off_before, off), (15..=30).contains(&off_before.blocks));
        let rings = off.blocks * 10 >= RING_PAUSE && (rounds || pairs);
        let fast = (on.blocks + off.blocks) * 10 < BUSY_ROUND;
        match (rings, rounds && balanced, fast) {
            (true, ..) => self.tell(ProgressKind::Ringback),
            (_, true, true) => self.tell(ProgressKind::Congestion),
            (_, true, false) => self.tell(ProgressKind::Busy),
            _ => None,
        }
    }

    /// A round of sounds and silences is over: the row with the same lengths.
    fn round(&mut self) -> Option<ProgressKind> {
        if self.rows.is_empty() {
            return self.round_anywhere();
        }
        let fits = |cadence: &[u32]| {
            let from = self.spans.len().checked_sub(cadence.len())?;
            let pairs = self.spans[from..].iter().zip(cadence);
            let errors =
                pairs.map(|(span, ms)| (span.blocks as f32 * 10.0 - *ms as f32).abs() / (*ms as f32 * 0.15 + 25.0));
            Some(errors.fold(0.0, f32::max)).filter(|worst| self.spans[from].sounds && *worst <= 1.0)
        };
        let heard = self.spans.iter().rev().find(|span| span.sounds)?.pitches;
        let rows = self.rows.iter().filter(|row| row.1.len() % 2 == 0 && self.holds(row.0, heard));
        let best = rows.filter_map(|row| Some((row.0.kind, fits(&row.1)?))).min_by(|a, b| a.1.total_cmp(&b.1))?;
        self.tell(best.0)
    }

    /// Whether the loudest of the frequencies heard belong to a row.
    fn holds(&self, row: &ProgressTone, heard: u64) -> bool {
        let mut pitches = row.segments.iter().flat_map(|segment| segment.0);
        pitches.any(|pitch| {
            self.pitches.iter().enumerate().any(|(at, known)| heard >> at & 1 == 1 && (known.0 - pitch).abs() < 5.0)
        })
    }

    fn tell(&mut self, kind: ProgressKind) -> Option<ProgressKind> {
        let new = self.told != Some(kind);
        self.told = Some(kind);
        new.then_some(kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(country: &str, samples: &[f32]) -> Vec<ProgressKind> {
        let mut detector = ProgressDetector::new(country).expect("a country of the table");
        samples.chunks(80).filter_map(|block| detector.run(block)).collect()
    }

    #[test]
    fn ringback_busy_and_dial_tone_are_told_apart_in_countries_whose_sources_agree() {
        for country in ["us", "gb", "fr", "nl", "mx", "cl"] {
            for kind in [ProgressKind::Dial, ProgressKind::Ringback, ProgressKind::Busy] {
                let tone = ProgressTone::find(country, kind).expect("a row");
                let mut samples = alloc::vec![0.0; 4000];
                samples.extend(tone.samples(13 * 8000));
                let told = told(country, &samples);
                // Some countries have one tone for busy and congestion.
                let alike = |other: &ProgressTone| other.segments == tone.segments && told == [other.kind];
                assert!(TONES.iter().any(alike), "{country} {kind:?}: {told:?}");
            }
        }
    }

    #[test]
    fn every_tone_of_every_country_is_told_and_most_without_knowing_the_country() {
        let (mut wrong, mut unknown) = (Vec::new(), 0);
        let plain = |kind| matches!(kind, ProgressKind::Dial | ProgressKind::Ringback | ProgressKind::Busy);
        for tone in &TONES {
            let mut samples = alloc::vec![0.0; 4000];
            samples.extend(tone.samples(16 * 8000));
            let heard = told(tone.country, &samples);
            // Where two rows have one cadence, or one is the beginning of the other, either may be told.
            let known = TONES.iter().filter(|row| row.country == tone.country).any(|row| heard.contains(&row.kind));
            if !known || plain(tone.kind) && !heard.contains(&tone.kind) {
                wrong.push((tone.country, tone.kind, heard));
            }
            let mut anywhere = ProgressDetector::anywhere();
            let heard: Vec<_> = samples.chunks(80).filter_map(|block| anywhere.run(block)).collect();
            unknown += usize::from(heard.contains(&tone.kind));
        }
        std::println!("{} of {} not told: {wrong:?}; {unknown} told anywhere", wrong.len(), TONES.len());
        assert!(wrong.len() <= 4 && unknown >= 190, "{} wrong, {unknown}", wrong.len());
    }

    #[test]
    fn silence_tells_nothing() {
        assert_eq!(told("us", &alloc::vec![0.0; 80_000]), []);
    }
}
