//! Who answered: a fax machine, a modem, a text telephone, an alarm receiver, somebody, somebody's answering machine.
//!
//! ```text
//!  fax             CED 2100 Hz ≥ 2.6 s   75 ms   V.21 flags      (many leave CED out)
//!  data modem      2100 Hz, with reversals or 15 Hz modulation, and then anything but V.21; 2225 or 2250 Hz
//!  text telephone  see `text`
//!  alarm receiver  1400 Hz 100 ms, 2300 Hz 100 ms (Contact ID)
//!  voice           periods of 2.5 to 13 ms that change, loud and soft by turns
//!  machine         a voice, and then one tone
//! ```

use crate::{
    bits::{BitRun, Mark},
    fsk::{FskDemodulator, V21_CHANNEL_2},
    lanes::{Isa, Lanes},
    modem::Demodulator,
    pcm::BLOCK_SAMPLES,
    tone::{
        call::{CedListener, ToneEdge},
        content::{Content, ContentKernel},
        dtmf_detector::{DtmfListener, HeardDigit},
        dtmf_look::{self, LookKernel},
        ear::{Alone, Both, EarBank, Listener, Piece},
        pitch::{self, Look, PitchKernel, VOICED, voice},
        text::TextEar,
    },
    units::{Dbm0, SampleIndex},
};

/// Who answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answerer {
    /// A fax machine: V.21 flags.
    Fax,
    /// A data modem.
    DataModem,
    /// A text telephone for the deaf.
    TextTelephone,
    /// The receiver of alarm panels.
    AlarmReceiver,
    /// Somebody, or something that speaks.
    Voice,
    /// Something that spoke and beeped.
    AnsweringMachine,
}

impl Answerer {
    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fax => "fax",
            Self::DataModem => "data_modem",
            Self::TextTelephone => "text_telephone",
            Self::AlarmReceiver => "alarm_receiver",
            Self::Voice => "voice",
            Self::AnsweringMachine => "answering_machine",
        }
    }
}

/// Somebody was recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answered {
    /// When it was certain, in samples from the first.
    pub at: SampleIndex,
    /// Who.
    pub who: Answerer,
}

/// Blocks in a second.
const SECOND: u32 = 100;

/// Level from which something is heard.
const HEARD: Dbm0 = Dbm0(-43.0);

/// Purity from which a block is worth listening for V.21: that of V.21 in as much noise, or clipped to a square.
const V21_PURITY: f32 = 0.75;

/// Flags in a row that only V.21 has.
const FLAGS: u32 = 5;

/// Blocks after an answer tone within which a fax machine begins with V.21: 75 ms, and what echo cancellers, jitter and
/// the preamble's five flags take.
const FOLLOWS: u32 = SECOND;

/// Blocks with something else than V.21 after an answer tone that a data modem sends at least.
const DATA: u32 = SECOND / 2;

/// Blocks of 2225 or 2250 Hz that a data modem sends at least.
const BELL: u32 = SECOND / 2;

/// Blocks of each tone of Contact ID's handshake, and the longest pause between them.
const HANDSHAKE: core::ops::RangeInclusive<u32> = 6..=14;
const HANDSHAKE_PAUSE: u32 = 20;

/// Blocks looked back at for a voice, those of them that are voiced at least, and the longest period among them relative
/// to the shortest.
const VOICE_WINDOW: usize = 200;
const VOICED_BLOCKS: usize = 28;
const PITCH_CHANGE: f32 = 1.12;

/// Loudest block among the voiced ones relative to the softest, as powers.
const SYLLABLES: f32 = 8.0;

/// Blocks of one tone that a machine's beep lasts.
const BEEP: core::ops::RangeInclusive<u32> = 10..=250;

/// Tells who answered. The same answer is not told twice, but a better one is: a voice may turn out to be a machine.
#[derive(Clone, Debug)]
pub struct AnswererDetector(Alone<AnswererListener>);

/// Tells who answered the lines of a bank.
pub type AnswererBank = EarBank<AnswererListener>;

/// What one line heard of who answered.
#[derive(Clone, Debug)]
pub struct AnswererListener {
    /// Mean square from which something is heard.
    least_sound: f32,
    blocks: u32,
    ced: CedListener,
    /// Blocks since the answer tone ended, and those among them that held something else than V.21.
    answer_tone: Option<(u32, u32)>,
    v21: FskDemodulator,
    /// Blocks for which V.21 is still listened for.
    v21_for: u32,
    run: BitRun,
    v21_up: bool,
    /// The last bits, and flags in a row.
    bits: u16,
    bits_since_flag: u32,
    flags: u32,
    bell: u32,
    handshake: Handshake,
    text: TextEar,
    /// The last three blocks.
    recent: [f32; VOICED],
    /// Periods (0 for none) and powers of the last blocks.
    voiced: [(u8, f32); VOICE_WINDOW],
    /// Keys are no voice.
    keys: DtmfListener,
    beep: Beep,
    told: Option<Answerer>,
    isa: Isa,
}

/// Where Contact ID's handshake stands.
#[derive(Clone, Copy, Debug, Default)]
struct Handshake {
    /// Blocks of 1400 Hz in a row, and of 2300 Hz.
    low: u32,
    high: u32,
    /// Blocks since 1400 Hz of the right length ended.
    since: Option<u32>,
}

/// One tone that may be a machine's.
#[derive(Clone, Copy, Debug, Default)]
struct Beep {
    /// Blocks of it in a row, and its pitch.
    blocks: u32,
    pitch: f32,
    /// The last block was neither tone nor silence.
    fades: bool,
}

impl AnswererDetector {
    /// A detector that has heard nothing.
    pub fn new() -> Self {
        Self(Alone::new(AnswererListener::default()))
    }

    /// Takes the next samples, in 16-bit scale; who answered, when that is known anew. Give it at most a block at once.
    pub fn run(&mut self, samples: &[f32]) -> Option<Answered> {
        let mut answered = None;
        self.0.run(samples, |heard| answered = Some(heard));
        answered
    }

    /// Who answered, as far as is known.
    pub fn answerer(&self) -> Option<Answerer> {
        self.0.listener().told
    }
}

impl Default for AnswererListener {
    fn default() -> Self {
        Self {
            least_sound: HEARD.mean_square(),
            blocks: 0,
            ced: CedListener::default(),
            answer_tone: None,
            v21: FskDemodulator::new(&V21_CHANNEL_2),
            v21_for: 0,
            run: BitRun::with_room(VOICED),
            v21_up: false,
            bits: 0,
            bits_since_flag: 0,
            flags: 0,
            bell: 0,
            handshake: Handshake::default(),
            text: TextEar::new(),
            recent: [0.0; VOICED],
            voiced: [(0, 0.0); VOICE_WINDOW],
            keys: DtmfListener::default(),
            beep: Beep::default(),
            told: None,
            isa: Isa::detect(),
        }
    }
}

/// Where each kernel's results begin.
const CED_RESULTS: usize = pitch::RESULTS;
const KEY_RESULTS: usize = CED_RESULTS + 3;

impl Listener for AnswererListener {
    type Kernel = Both<PitchKernel, Both<ContentKernel, LookKernel>>;
    type Heard = Answered;
    const SAMPLES: usize = BLOCK_SAMPLES;

    fn fresh(&self) -> Self {
        Self::default()
    }

    fn kernel(&self) -> (Self::Kernel, usize) {
        let ((ced, ced_results), (keys, key_results)) = (self.ced.kernel(), self.keys.kernel());
        let kernel = Both::new(PitchKernel, pitch::RESULTS, Both::new(ced, ced_results, keys));
        (kernel, KEY_RESULTS + BLOCK_SAMPLES / DtmfListener::SAMPLES * key_results)
    }

    fn hear<V: Lanes>(&mut self, piece: &Piece<'_, V>) -> Option<Answered> {
        self.blocks += 1;
        let look = Look::new(|at| piece.result(at));
        let loud = look.mean_square >= self.least_sound;
        self.recent.copy_within(BLOCK_SAMPLES.., 0);
        for (at, sample) in self.recent[VOICED - BLOCK_SAMPLES..].iter_mut().enumerate() {
            *sample = piece.sample(at);
        }
        let edge = self.ced.take(Content::of(0, |at| piece.result(CED_RESULTS + at)));
        let mut digit = None;
        for hop in 0..BLOCK_SAMPLES / DtmfListener::SAMPLES {
            let heard = self.keys.look(|at| piece.result(KEY_RESULTS + hop * dtmf_look::RESULTS + at));
            digit = heard.or(digit);
        }
        self.block(&look, loud, edge, digit)
    }
}

impl AnswererListener {
    /// Who answered, as far as is known.
    pub fn answerer(&self) -> Option<Answerer> {
        self.told
    }

    fn block(
        &mut self,
        look: &Look,
        loud: bool,
        edge: Option<ToneEdge>,
        digit: Option<HeardDigit>,
    ) -> Option<Answered> {
        let fax = self.hears_flags(look, loud);
        let modem = self.hears_modem(look, loud, edge);
        let text = self.text.hears(look, loud, &self.recent, digit);
        let alarm = self.handshake.hears(look, loud);
        let voice = self.hears_voice(look, loud, digit.is_some());
        let machine = self.hears_beep(look, loud);
        let who = [
            (fax, Answerer::Fax),
            (alarm, Answerer::AlarmReceiver),
            (text, Answerer::TextTelephone),
            (modem, Answerer::DataModem),
            (machine, Answerer::AnsweringMachine),
            (voice, Answerer::Voice),
        ];
        let who = who.into_iter().find(|(heard, _)| *heard)?.1;
        self.tell(who)
    }

    /// A later answer counts if it says more: voices and beeps say nothing to one who heard a machine.
    fn tell(&mut self, who: Answerer) -> Option<Answered> {
        let better = match (self.told, who) {
            (None, _) => true,
            (Some(told), _) if told == who => false,
            (Some(Answerer::Voice), _) => true,
            (Some(Answerer::AnsweringMachine), Answerer::Voice) => false,
            (Some(Answerer::AnsweringMachine), _) => true,
            (Some(Answerer::DataModem), Answerer::Fax | Answerer::AlarmReceiver) => true,
            _ => false,
        };
        self.told = if better { Some(who) } else { self.told };
        better.then_some(Answered { at: SampleIndex(u64::from(self.blocks) * BLOCK_SAMPLES as u64), who })
    }

    /// V.21 is listened for from the first block that may hold it until it has been gone for a second.
    fn hears_flags(&mut self, look: &Look, loud: bool) -> bool {
        let begins = self.v21_for == 0;
        let may_be = loud && like_v21(look) && look.purity >= V21_PURITY;
        self.v21_for = if may_be { SECOND } else { self.v21_for.saturating_sub(1) };
        if self.v21_for == 0 {
            (self.v21_up, self.flags) = (false, 0);
            return false;
        }
        self.run.clear();
        if begins {
            self.v21.restart();
            self.v21.run(&self.recent, &mut self.run);
        } else {
            self.v21.run(&self.recent[VOICED - BLOCK_SAMPLES..], &mut self.run);
        }
        for mark in self.run.marks() {
            match mark.mark {
                Mark::CarrierUp => (self.v21_up, self.flags) = (true, 0),
                Mark::CarrierDown => self.v21_up = false,
                _ => {}
            }
        }
        let mut heard = false;
        for bit in self.run.bits() {
            self.bits = self.bits << 1 | u16::from(*bit);
            self.bits_since_flag += 1;
            if self.bits & 0xff == 0x7e {
                self.flags = if self.bits_since_flag == 8 { self.flags + 1 } else { 1 };
                self.bits_since_flag = 0;
                heard |= self.flags >= FLAGS;
            }
        }
        heard
    }

    fn hears_modem(&mut self, look: &Look, loud: bool, edge: Option<ToneEdge>) -> bool {
        if let Some(edge) = edge {
            self.answer_tone = if edge.on { None } else { Some((0, 0)) };
        }
        let bell = loud && (look.is(2225.0, 20.0) || look.is(2250.0, 12.0));
        self.bell = if bell { self.bell + 1 } else { 0 };
        let Some((since, data)) = &mut self.answer_tone else { return self.bell == BELL };
        *since += 1;
        *data += u32::from(loud && !self.v21_up && !like_v21(look));
        let over = *since > FOLLOWS && *data >= DATA && !self.v21_up;
        if over {
            self.answer_tone = None;
        }
        over || self.bell == BELL
    }

    fn hears_voice(&mut self, look: &Look, loud: bool, pressed: bool) -> bool {
        if pressed {
            // What was a key only now turns out to be one.
            self.voiced.iter_mut().for_each(|block| block.0 = 0);
        }
        let quiet = !loud || look.purity >= 0.97 || self.keys.sounding().is_some();
        let period = if quiet { 0 } else { voice(&self.recent, self.isa).unwrap_or(0) };
        let at = self.blocks as usize % VOICE_WINDOW;
        self.voiced[at] = (period as u8, look.mean_square);
        if period == 0 {
            return false;
        }
        let voiced = || self.voiced.iter().filter(|block| block.0 > 0);
        let fold = |of: fn(&(u8, f32)) -> f32| {
            voiced().map(of).fold((f32::INFINITY, 0.0f32), |(least, most), x| (least.min(x), most.max(x)))
        };
        let (pitches, powers) = (fold(|block| f32::from(block.0)), fold(|block| block.1));
        voiced().count() >= VOICED_BLOCKS && pitches.1 >= pitches.0 * PITCH_CHANGE && powers.1 >= powers.0 * SYLLABLES
    }

    fn hears_beep(&mut self, look: &Look, loud: bool) -> bool {
        let Beep { blocks, pitch, fades } = self.beep;
        let sounds = loud && look.purity >= 0.97 && (300.0..2050.0).contains(&look.tone);
        if sounds && !fades && (blocks == 0 || (look.tone - pitch).abs() < 20.0) {
            self.beep = Beep { blocks: blocks + 1, pitch: look.tone, fades: false };
            return false;
        }
        let whole = BEEP.contains(&blocks);
        // Its last block may be part silence, which is no tone and yet loud.
        let fading = whole && loud && !fades;
        self.beep = if fading { Beep { fades: true, ..self.beep } } else { Beep::default() };
        self.told == Some(Answerer::Voice) && whole && !loud
    }
}

/// Whether a block may be of V.21's second channel: clipped and bent it is neither one tone nor far from its two.
fn like_v21(look: &Look) -> bool {
    (1550.0..1950.0).contains(&look.tone) && look.purity > 0.4
}

impl Default for AnswererDetector {
    fn default() -> Self {
        Self::new()
    }
}

impl Handshake {
    fn hears(&mut self, look: &Look, loud: bool) -> bool {
        let (low, high) = (loud && look.is(1400.0, 45.0), loud && look.is(2300.0, 60.0));
        if !low && HANDSHAKE.contains(&self.low) {
            self.since = Some(0);
        }
        self.low = if low { self.low + 1 } else { 0 };
        let ended = !high && HANDSHAKE.contains(&self.high) && self.since.is_some();
        self.high = if high { self.high + 1 } else { 0 };
        self.since = self.since.map(|since| since + 1).filter(|since| *since < HANDSHAKE_PAUSE + self.high);
        ended
    }
}
