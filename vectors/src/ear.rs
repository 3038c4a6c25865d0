//! A third party's ear: one fast modem that listens to a whole recording, as long trainings and short ones come.

use answertone_dsp::{
    bits::{BitRun, Mark},
    modem::{Demodulator, Plan, Receiver, Train, plans},
};

/// A signal of a fast modem, from its training to its end.
pub struct Burst {
    /// The sample at which the training sequence ended.
    pub trained: u64,
    /// Error power at the end of training, in decibels below the points' mean power.
    pub evm: f32,
    /// Times it went away and came back.
    pub returns: u32,
    /// Its bits, those of the turn-off among them.
    pub bits: Vec<bool>,
    /// The sample at which it ended.
    pub ended: u64,
}

/// The plan of this name, such as `V.17 14400`. Panics when there is none.
pub fn plan(name: &str) -> &'static Plan {
    plans().into_iter().find(|plan| plan.name == name).unwrap_or_else(|| panic!("no modem is named {name}"))
}

/// Everything that a modem hears in a recording.
pub fn bursts(plan: &'static Plan, samples: &[f32]) -> Vec<Burst> {
    let (mut receiver, mut run) = (Receiver::new(plan), BitRun::with_room(512));
    let mut bursts = Vec::new();
    for block in samples.chunks(80) {
        run.clear();
        receiver.run(block, &mut run);
        hear(&run, &mut bursts);
        if run.marks().iter().any(|marked| matches!(marked.mark, Mark::Trained(_))) {
            receiver.expect(Train::Short);
        }
    }
    bursts
}

/// A signal that comes back is trained in the moment in which its carrier appears.
fn hear(run: &BitRun, bursts: &mut Vec<Burst>) {
    let mut appeared = None;
    let mut taken = 0;
    for marked in run.marks() {
        append(bursts, &run.bits()[taken..marked.bit]);
        taken = marked.bit;
        match (marked.mark, bursts.last_mut()) {
            (Mark::CarrierUp, _) => appeared = Some(marked.at),
            (Mark::Trained(_), Some(burst)) if appeared == Some(marked.at) => burst.returns += 1,
            (Mark::Trained(evm), _) => {
                bursts.push(Burst { trained: marked.at.0, evm: evm.0, returns: 0, bits: Vec::new(), ended: 0 })
            }
            (Mark::CarrierDown, Some(burst)) => burst.ended = marked.at.0,
            _ => {}
        }
    }
    append(bursts, &run.bits()[taken..]);
}

fn append(bursts: &mut [Burst], bits: &[bool]) {
    if let Some(burst) = bursts.last_mut() {
        burst.bits.extend_from_slice(bits);
    }
}

impl Burst {
    /// The longest run of zeros: a training check is 1.5 s of them.
    pub fn longest_zeros(&self) -> usize {
        self.bits.split(|bit| *bit).map(<[bool]>::len).max().unwrap_or(0)
    }

    /// The bits as octets, first bit least significant.
    pub fn octets(&self) -> Vec<u8> {
        let octet = |bits: &[bool]| bits.iter().rev().fold(0, |octet, bit| octet << 1 | u8::from(*bit));
        self.bits.chunks(8).map(octet).collect()
    }
}
