//! The same work done by libspandsp, loaded when the program runs; measured beside ours where it is installed.
//!
//! `unsafe` is for calling C: the library's functions are found by name, and nothing but the library's header says
//! what they take. It stays in this module, and what this module offers is safe to call.
#![allow(unsafe_code)]
#![deny(clippy::undocumented_unsafe_blocks)]

pub mod call;

use std::{
    ffi::{c_char, c_int, c_void},
    hint::black_box,
    ptr::null_mut,
    sync::OnceLock,
};

use answertone_dsp::{modem::prbs::Prbs, pcm::BLOCK_SAMPLES, tone::progress::ProgressTone};
use libloading::Library;

use crate::signal::Mode;

/// The release whose functions this file knows, 0.0.6; later ones take other arguments.
const LIBRARY: &str = "libspandsp.so.2";

/// The library.
pub struct Spandsp(Library);

/// What the library keeps between calls.
type Context = *mut c_void;
type Run = unsafe extern "C" fn(Context, *mut i16, c_int) -> c_int;
type Free = unsafe extern "C" fn(Context) -> c_int;
type PutBit = extern "C" fn(*mut u64, c_int);
type PutOctets = extern "C" fn(*mut u64, *const u8, c_int);
type PutTone = extern "C" fn(*mut u64, c_int, c_int, c_int);
type GetBit = extern "C" fn(*mut Prbs) -> c_int;

/// A receiver or detector.
pub struct Hearer {
    context: Context,
    run: Run,
    free: Free,
    /// How much it has told: bits, digits, messages or tones.
    told: *mut u64,
}

/// A transmitter of pseudo-random bits.
pub struct Speaker {
    context: Context,
    run: Run,
    free: Free,
    bits: *mut Prbs,
}

/// An echo canceller.
pub struct Canceller {
    context: Context,
    update: unsafe extern "C" fn(Context, i16, i16) -> i16,
    free: Free,
}

/// What [`Spandsp::fax_tone`] listens for, by the header's numbers.
#[derive(Clone, Copy)]
pub enum FaxTone {
    /// The calling tone, 1100 Hz.
    Cng = 1,
    /// The answering tone, 2100 Hz.
    Ced = 2,
    /// Either CED or the V.21 preamble: what the library has for telling who answered.
    CedOrPreamble = 7,
}

/// Tones with their cadences, for [`Spandsp::progress`]. They stay as long as the program.
#[derive(Clone, Copy)]
pub struct Tones(Context);

impl Spandsp {
    /// The library; the first time it is missing, that is told.
    pub fn load() -> Option<&'static Self> {
        static LOADED: OnceLock<Option<Spandsp>> = OnceLock::new();
        let load = || {
            // SAFETY: the library's initialisation does nothing but compute tables.
            let library = unsafe { Library::new(LIBRARY) };
            library.map(Self).inspect_err(|error| println!("nothing is compared with spandsp: {error}")).ok()
        };
        LOADED.get_or_init(load).as_ref()
    }

    /// A function by its name.
    ///
    /// # Safety
    /// `F` must be the type that the library's header gives it.
    unsafe fn function<F: Copy>(&self, name: &str) -> F {
        // SAFETY: as the caller promises.
        match unsafe { self.0.get::<F>(name.as_bytes()) } {
            Ok(function) => *function,
            Err(error) => panic!("{LIBRARY} is not spandsp 0.0.6: it has no {name}: {error}"),
        }
    }

    fn hearer(&self, family: &str, init: impl FnOnce(String, *mut u64) -> Context) -> Hearer {
        let told = Box::into_raw(Box::new(0));
        let context = init(format!("{family}_init"), told);
        assert!(!context.is_null(), "{LIBRARY} makes no {family}");
        // SAFETY: all receivers of the library share these two types.
        let (run, free) = unsafe { (self.function(family), self.function(&format!("{family}_free"))) };
        Hearer { context, run, free, told }
    }

    /// A modem's receiver.
    pub fn receiver(&self, mode: &Mode) -> Hearer {
        match mode {
            Mode::Fsk(name, _) => self.hearer("fsk_rx", |init, told| {
                const SYNCHRONOUS: c_int = 1;
                type Init = unsafe extern "C" fn(Context, *const FskPreset, c_int, PutBit, *mut u64) -> Context;
                // SAFETY: the header has this type; null asks for a new context, the row is one of the library's own, and the
                // count outlives the context.
                unsafe { self.function::<Init>(&init)(null_mut(), self.fsk(name), SYNCHRONOUS, put_bit, told) }
            }),
            Mode::Fast(plan) => self.hearer(&format!("{}_rx", family(plan.name)), |init, told| {
                type Init = unsafe extern "C" fn(Context, c_int, PutBit, *mut u64) -> Context;
                // SAFETY: the header has this type; null asks for a new context, and the count outlives it.
                unsafe { self.function::<Init>(&init)(null_mut(), plan.bit_rate.0 as c_int, put_bit, told) }
            }),
        }
    }

    /// A modem's transmitter.
    pub fn transmitter(&self, mode: &Mode) -> Speaker {
        let bits = Box::into_raw(Box::new(Prbs::new(1)));
        let (family, context) = match mode {
            Mode::Fsk(name, _) => {
                type Init = unsafe extern "C" fn(Context, *const FskPreset, GetBit, *mut Prbs) -> Context;
                // SAFETY: the header has this type; null asks for a new context, the row is one of the library's own, and the
                // bits outlive the context.
                let context =
                    unsafe { self.function::<Init>("fsk_tx_init")(null_mut(), self.fsk(name), get_bit, bits) };
                ("fsk_tx".to_string(), context)
            }
            Mode::Fast(plan) => {
                type Init = unsafe extern "C" fn(Context, c_int, c_int, GetBit, *mut Prbs) -> Context;
                let family = format!("{}_tx", family(plan.name));
                // SAFETY: the header has this type.
                let init = unsafe { self.function::<Init>(&format!("{family}_init")) };
                // SAFETY: null asks for a new context, and the bits outlive it.
                let context = unsafe { init(null_mut(), plan.bit_rate.0 as c_int, 0, get_bit, bits) };
                (family, context)
            }
        };
        assert!(!context.is_null(), "{LIBRARY} makes no {family}");
        // SAFETY: all transmitters of the library share these two types.
        let (run, free) = unsafe { (self.function(&family), self.function(&format!("{family}_free"))) };
        Speaker { context, run, free, bits }
    }

    /// What the library knows of an FSK modem.
    fn fsk(&self, name: &str) -> *const FskPreset {
        let place = match name {
            "V.21 300" => 1,
            "V.23 1200" => 2,
            "Bell 202 1200" => 6,
            other => panic!("no spandsp modem is known for {other}"),
        };
        // SAFETY: the header declares an array of these rows, at least ten.
        unsafe { self.function::<*const FskPreset>("preset_fsk_specs").add(place) }
    }

    /// A detector of DTMF digits.
    pub fn dtmf(&self) -> Hearer {
        self.hearer("dtmf_rx", |init, told| {
            type Init = unsafe extern "C" fn(Context, PutOctets, *mut u64) -> Context;
            // SAFETY: the header has this type; null asks for a new context, and the count outlives it.
            unsafe { self.function::<Init>(&init)(null_mut(), put_octets, told) }
        })
    }

    /// A receiver of Bellcore's caller identification.
    pub fn caller_id(&self) -> Hearer {
        const CLASS: c_int = 1;
        self.hearer("adsi_rx", |init, told| {
            type Init = unsafe extern "C" fn(Context, c_int, PutOctets, *mut u64) -> Context;
            // SAFETY: the header has this type; null asks for a new context, and the count outlives it.
            unsafe { self.function::<Init>(&init)(null_mut(), CLASS, put_octets, told) }
        })
    }

    /// A detector of a tone that opens a fax call.
    pub fn fax_tone(&self, tone: FaxTone) -> Hearer {
        self.hearer("modem_connect_tones_rx", |init, told| {
            type Init = unsafe extern "C" fn(Context, c_int, PutTone, *mut u64) -> Context;
            // SAFETY: the header has this type; null asks for a new context, and the count outlives it.
            unsafe { self.function::<Init>(&init)(null_mut(), tone as c_int, put_tone, told) }
        })
    }

    /// Tones for a detector of call progress, lengths within a fifth.
    pub fn tones<'a>(&self, rows: impl IntoIterator<Item = &'a ProgressTone>) -> Tones {
        // SAFETY: the header has these three types.
        let (make, add_tone, add_element) = unsafe {
            (
                self.function::<unsafe extern "C" fn(Context) -> Context>("super_tone_rx_make_descriptor"),
                self.function::<unsafe extern "C" fn(Context) -> c_int>("super_tone_rx_add_tone"),
                self.function::<unsafe extern "C" fn(Context, c_int, c_int, c_int, c_int, c_int) -> c_int>(
                    "super_tone_rx_add_element",
                ),
            )
        };
        // SAFETY: null asks for a new descriptor.
        let tones = unsafe { make(null_mut()) };
        for row in rows {
            // SAFETY: the descriptor was made above.
            let tone = unsafe { add_tone(tones) };
            for (pitches, length) in row.segments {
                let pitch = |place: usize| pitches.get(place).map_or(-1, |pitch| *pitch as c_int);
                // To the library, no longest length is 0.
                let (least, most) = if *length == 0 { (700, 0) } else { (length * 4 / 5, length * 6 / 5) };
                // SAFETY: the tone was added above.
                unsafe { add_element(tones, tone, pitch(0), pitch(1), least as c_int, most as c_int) };
            }
        }
        Tones(tones)
    }

    /// A detector of call progress.
    pub fn progress(&self, tones: Tones) -> Hearer {
        self.hearer("super_tone_rx", |init, told| {
            type Init = unsafe extern "C" fn(Context, Context, PutTone, *mut u64) -> Context;
            // SAFETY: the header has this type; null asks for a new context, the count outlives it, and the descriptor is never
            // freed.
            unsafe { self.function::<Init>(&init)(null_mut(), tones.0, put_tone, told) }
        })
    }

    /// An echo canceller that adapts and does no more.
    pub fn canceller(&self, taps: usize) -> Canceller {
        const ADAPTION: c_int = 1;
        type Init = unsafe extern "C" fn(c_int, c_int) -> Context;
        black_box(__printf_chk as extern "C" fn(c_int, *const c_char) -> c_int);
        // SAFETY: the header has these three types; numbers are all that making one takes.
        unsafe {
            let context = self.function::<Init>("echo_can_init")(taps as c_int, ADAPTION);
            assert!(!context.is_null(), "{LIBRARY} makes no echo canceller of {taps} taps");
            Canceller { context, update: self.function("echo_can_update"), free: self.function("echo_can_free") }
        }
    }
}

impl Hearer {
    /// Hears samples, block by block; how much it has told since it was made.
    pub fn run(&mut self, samples: &[i16]) -> u64 {
        for block in samples.chunks(BLOCK_SAMPLES) {
            // SAFETY: the context lives as long as this; the library only reads so many samples of the block.
            unsafe { (self.run)(self.context, block.as_ptr().cast_mut(), block.len() as c_int) };
        }
        // SAFETY: the count is freed with this; only callbacks of the calls above write to it.
        unsafe { *self.told }
    }
}

impl Drop for Hearer {
    fn drop(&mut self) {
        // SAFETY: both were made for this value alone.
        unsafe {
            (self.free)(self.context);
            drop(Box::from_raw(self.told));
        }
    }
}

impl Speaker {
    /// Fills `out` with signal, block by block.
    pub fn run(&mut self, out: &mut [i16]) {
        for block in out.chunks_mut(BLOCK_SAMPLES) {
            // SAFETY: the context lives as long as this; the library writes so many samples of the block at most.
            unsafe { (self.run)(self.context, block.as_mut_ptr(), block.len() as c_int) };
        }
    }
}

impl Drop for Speaker {
    fn drop(&mut self) {
        // SAFETY: both were made for this value alone.
        unsafe {
            (self.free)(self.context);
            drop(Box::from_raw(self.bits));
        }
    }
}

impl Canceller {
    /// Takes what is sent and what is heard; the energy of what is left.
    pub fn run(&mut self, far: &[i16], near: &[i16]) -> f64 {
        let mut energy = 0.0;
        for (far, near) in far.iter().zip(near) {
            // SAFETY: the context lives as long as this; samples go by value.
            let left = f64::from(unsafe { (self.update)(self.context, *far, *near) });
            energy += left * left;
        }
        energy
    }
}

impl Drop for Canceller {
    fn drop(&mut self) {
        // SAFETY: the context was made for this value alone.
        unsafe { (self.free)(self.context) };
    }
}

/// One row of the library's table of FSK modems.
#[repr(C)]
struct FskPreset {
    name: *const c_char,
    numbers: [c_int; 5],
}

/// How the library calls the modem of "V.17 14400": v17.
fn family(name: &str) -> String {
    name.split(' ').next().unwrap_or(name).replace('.', "").to_lowercase()
}

/// Negative bits are what the receiver tells of itself.
extern "C" fn put_bit(told: *mut u64, bit: c_int) {
    // SAFETY: the library hands on the count of the receiver that calls, which only that receiver writes to.
    unsafe { *told += u64::from(bit >= 0) };
}

extern "C" fn put_octets(told: *mut u64, _: *const u8, _: c_int) {
    // SAFETY: the library hands on the count of the detector that calls, which only that detector writes to.
    unsafe { *told += 1 };
}

extern "C" fn put_tone(told: *mut u64, _: c_int, _: c_int, _: c_int) {
    // SAFETY: the library hands on the count of the detector that calls, which only that detector writes to.
    unsafe { *told += 1 };
}

extern "C" fn get_bit(bits: *mut Prbs) -> c_int {
    // SAFETY: the library hands on the bits of the transmitter that calls, which only that transmitter takes.
    c_int::from(unsafe { (*bits).next() }.unwrap_or(true))
}

/// Debian's build of the library prints two lines for each sample that its echo canceller takes. This stands before the C
/// library's function of the name, so that the arithmetic is measured and not the printing.
///
/// The C function takes more arguments after these; none is looked at.
// SAFETY: the name is the C library's own; what calls it in this program only wants something printed, and goes on with how
// many characters that were.
#[unsafe(no_mangle)]
extern "C" fn __printf_chk(_: c_int, _: *const c_char) -> c_int {
    0
}
