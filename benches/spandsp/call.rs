//! A whole call of two of the library's machines on a line that changes nothing.

use std::{
    ffi::{CString, c_char, c_int},
    path::Path,
    ptr::null_mut,
};

use answertone_dsp::pcm::{BLOCK_SAMPLES, Block, SILENCE};

use super::{Context, Free, Run, Spandsp};

/// Blocks after which a call that is not over has gone wrong: ten minutes.
const TOO_LONG: usize = 60_000;

/// What a machine may do.
#[derive(Clone, Copy)]
pub struct Abilities {
    /// V.27ter alone, V.29 too, or V.17 too.
    pub modems: usize,
    /// Error correction.
    pub ecm: bool,
}

/// One end of a call.
struct End {
    context: Context,
    receive: Run,
    transmit: Run,
    free: Free,
    /// How the call ended: 0 well, and negative while it has not.
    outcome: *mut c_int,
}

impl End {
    /// A machine that sends the file, or that answers and writes it.
    fn new(library: &Spandsp, abilities: Abilities, calls: bool, file: &Path) -> Self {
        let outcome = Box::into_raw(Box::new(-1));
        // SAFETY: the header has these types. Null asks for a new context, which holds that of its T.30; the outcome outlives
        // both, and the path is copied before its function returns.
        unsafe {
            let init = library.function::<unsafe extern "C" fn(Context, c_int) -> Context>("fax_init");
            let context = init(null_mut(), c_int::from(calls));
            assert!(!context.is_null(), "spandsp makes no fax machine");
            let t30 = library.function::<unsafe extern "C" fn(Context) -> Context>("fax_get_t30_state")(context);
            let set = |what: &str, value: c_int| {
                library.function::<unsafe extern "C" fn(Context, c_int) -> c_int>(what)(t30, value);
            };
            set("t30_set_ecm_capability", c_int::from(abilities.ecm));
            set("t30_set_supported_modems", (1 << abilities.modems) - 1);
            // MH, MR and MMR; standard and fine; pages of any length, 215 mm wide.
            set("t30_set_supported_compressions", 0x02 | 0x04 | 0x08);
            set("t30_set_supported_resolutions", 0x01 | 0x02 | 0x2_0000);
            set("t30_set_supported_image_sizes", 0x01 | 0x1_0000);
            type Handler = extern "C" fn(Context, *mut c_int, c_int);
            let ended =
                library.function::<unsafe extern "C" fn(Context, Handler, *mut c_int)>("t30_set_phase_e_handler");
            ended(t30, end, outcome);
            let path = CString::new(file.as_os_str().as_encoded_bytes()).expect("a path holds no zero octet");
            if calls {
                type SetFile = unsafe extern "C" fn(Context, *const c_char, c_int, c_int);
                library.function::<SetFile>("t30_set_tx_file")(t30, path.as_ptr(), -1, -1);
            } else {
                type SetFile = unsafe extern "C" fn(Context, *const c_char, c_int);
                library.function::<SetFile>("t30_set_rx_file")(t30, path.as_ptr(), -1);
            }
            Self {
                context,
                receive: library.function("fax_rx"),
                transmit: library.function("fax_tx"),
                free: library.function("fax_free"),
                outcome,
            }
        }
    }

    fn block(&mut self, mut rx: Block) -> Block {
        let mut tx = SILENCE;
        // SAFETY: the context lives as long as this; the library reads and writes a block at most.
        unsafe {
            (self.receive)(self.context, rx.as_mut_ptr(), BLOCK_SAMPLES as c_int);
            (self.transmit)(self.context, tx.as_mut_ptr(), BLOCK_SAMPLES as c_int);
        }
        tx
    }

    fn outcome(&self) -> c_int {
        // SAFETY: freed with this; only the calls above write to it.
        unsafe { *self.outcome }
    }
}

impl Drop for End {
    fn drop(&mut self) {
        // SAFETY: both were made for this value alone.
        unsafe {
            (self.free)(self.context);
            drop(Box::from_raw(self.outcome));
        }
    }
}

extern "C" fn end(_: Context, outcome: *mut c_int, code: c_int) {
    // SAFETY: the library hands on the outcome of the machine that calls.
    unsafe { *outcome = code };
}

/// Carries a TIFF file from one machine to another, which writes it; how many samples each end exchanged.
///
/// # Panics
/// When the pages do not arrive: their time would mean nothing.
pub fn call(library: &Spandsp, abilities: Abilities, sent: &Path, received: &Path) -> usize {
    let mut calling = End::new(library, abilities, true, sent);
    let mut answering = End::new(library, abilities, false, received);
    let (mut from_caller, mut from_answerer) = (SILENCE, SILENCE);
    for blocks in 1..TOO_LONG {
        let to_answerer = from_caller;
        from_caller = calling.block(from_answerer);
        from_answerer = answering.block(to_answerer);
        if calling.outcome() >= 0 && answering.outcome() >= 0 {
            assert!(
                calling.outcome() == 0 && answering.outcome() == 0,
                "spandsp's call ended with {}",
                calling.outcome()
            );
            return blocks * BLOCK_SAMPLES;
        }
    }
    panic!("spandsp's call did not end within ten minutes of line time");
}
