//! Waiting for a line to ring, and listening between the rings for who calls.

use answertone_dsp::{
    callerid::{CallerId, CallerIdReceiver, Standard},
    pcm::{BLOCK_SAMPLES, Block, SILENCE, widen},
};
use answertone_hw::{Line, LineUri, OpenError, PcmLine, exchange::Extension, hook::ring::RingDetector};

use super::{BLOCKS_PER_SECOND, Handset, LineCard, NoCall, has_switch};

/// Silence after which rings count anew: the caller has given up.
const GIVEN_UP_BLOCKS: u32 = 8 * BLOCKS_PER_SECOND;

/// What came before a call was answered.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rings {
    /// Rings.
    pub count: u32,
    /// Who calls, where the exchange said so.
    pub caller: Option<CallerId>,
}

/// Waits for so many rings and goes off hook. The hook's own ring signal counts; where it has none, the line's audio.
pub fn await_ring(line: &mut dyn PcmLine, rings: u32, cancelled: &mut dyn FnMut() -> bool) -> Result<Rings, NoCall> {
    let mut handset = Handset { line, cancelled };
    let mut listener = Listener::default();
    while listener.heard.count < rings {
        let block = handset.exchange(&SILENCE)?;
        listener.take(&block, told(handset.line)?);
    }
    handset.hook(true)?;
    Ok(listener.heard)
}

/// Rings before a line of the gateway is answered: caller ID comes after the first.
const USUAL_RINGS: u32 = 2;

/// Opens a line. One with a hook switch is on hook, as an analogue line of an exchange of this machine is.
pub fn open(uri: &LineUri, wanted: &dyn Fn() -> bool) -> Result<Line, OpenError> {
    match uri {
        LineUri::Exchange(extension @ Extension { analogue: Some(how), .. }) => {
            Ok(Line::Own(Box::new(LineCard::join(extension, how)?)))
        }
        uri => answertone_hw::open_line(uri, wanted),
    }
}

/// A line with a hook switch once it has rung and was answered, with the number that called; any other line as it is.
pub fn rung(mut line: Line, cancelled: &mut dyn FnMut() -> bool) -> Result<(Line, Option<String>), NoCall> {
    let rings = line.wait_on(|line| has_switch(line).then(|| await_ring(line, USUAL_RINGS, cancelled)));
    let caller = rings.transpose()?.and_then(|rings| rings.caller);
    Ok((line, caller.and_then(|caller| caller.number)))
}

/// Whether the hook's own signal says that the line rings; none: it has no such signal.
pub(crate) fn told(line: &mut dyn PcmLine) -> Result<Option<bool>, NoCall> {
    Ok(line.hook().map(|hook| hook.poll()).transpose()?.and_then(|signals| signals.ringing))
}

/// Silence within one ring, as distinctive ringing has it, is shorter than this.
const WITHIN_RING_BLOCKS: u32 = BLOCKS_PER_SECOND;

/// Bursts of one ring that are told.
const MOST_BURSTS: usize = 8;

/// Counts rings and reads caller ID.
pub(crate) struct Listener {
    heard: Rings,
    detector: RingDetector,
    receivers: [CallerIdReceiver; 2],
    ringing: bool,
    quiet: u32,
    /// The ring under way: blocks of sound and of the silence before it, burst by burst.
    bursts: Vec<[u32; 2]>,
    /// Who calls was read and not yet told.
    news: bool,
}

impl Default for Listener {
    fn default() -> Self {
        Self {
            heard: Rings::default(),
            detector: RingDetector::default(),
            receivers: [Standard::Bellcore, Standard::Etsi].map(CallerIdReceiver::new),
            ringing: false,
            quiet: WITHIN_RING_BLOCKS,
            bursts: Vec::with_capacity(MOST_BURSTS),
            news: false,
        }
    }
}

impl Listener {
    /// Takes a block; `told` is what the hardware says.
    pub(crate) fn take(&mut self, block: &Block, told: Option<bool>) {
        let audible = self.detector.run(block);
        let ringing = told.unwrap_or(audible);
        if ringing && !self.ringing {
            self.begin_burst();
        }
        if let (true, Some([sound, _])) = (ringing, self.bursts.last_mut()) {
            *sound += 1;
        }
        self.quiet = if ringing { 0 } else { self.quiet.saturating_add(1) };
        if self.quiet == GIVEN_UP_BLOCKS {
            self.heard = Rings::default();
        }
        self.ringing = ringing;
        self.listen(block);
    }

    fn begin_burst(&mut self) {
        if self.quiet >= WITHIN_RING_BLOCKS {
            self.heard.count += 1;
            self.bursts.clear();
        }
        if self.bursts.len() < MOST_BURSTS {
            self.bursts.push([0, self.quiet]);
        }
    }

    /// The ring that has just ended: blocks of sound and of the silence before it, burst by burst. Told once.
    pub(crate) fn ring(&mut self) -> Option<&[[u32; 2]]> {
        let ended = self.quiet == WITHIN_RING_BLOCKS && !self.bursts.is_empty();
        ended.then_some(&self.bursts)
    }

    /// Who calls. Told once.
    pub(crate) fn caller(&mut self) -> Option<&CallerId> {
        self.heard.caller.as_ref().filter(|_| std::mem::take(&mut self.news))
    }

    fn listen(&mut self, block: &Block) {
        let mut samples = [0.0; BLOCK_SAMPLES];
        widen(block, &mut samples);
        for receiver in &mut self.receivers {
            receiver.run(&samples, |message| {
                if message.intact {
                    self.heard.caller = Some(message.caller());
                    self.news = true;
                }
            });
        }
    }
}
