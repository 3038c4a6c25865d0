//! Callbacks of sound devices, and the line between them, allocate nothing.

use std::alloc::System;

use answertone_dsp::pcm::SILENCE;
use answertone_hw::{
    LineError, Pace, PcmLine,
    hook::AlwaysOff,
    sound::{
        Device, Rings, SoundLine,
        ring::{self, CaptureEnd, DeviceSample, PlaybackEnd, Side, Stamp},
    },
};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// A device whose callbacks run when the line waits, and whose allocations are counted apart.
struct Clockwork<T> {
    ears: CaptureEnd,
    mouth: PlaybackEnd,
    samples: Vec<T>,
    rate: u32,
    now_ns: u64,
    interrupt: Box<dyn FnMut(u64) + Send>,
}

impl<T: DeviceSample + Send> Device for Clockwork<T> {
    fn pace(&self) -> Pace {
        Pace::Unpaced
    }

    fn wait(&mut self, _: usize) -> Result<(), LineError> {
        let region = Region::new(ALLOCATOR);
        let stamp = Stamp { at_ns: self.now_ns, latency_ns: 3_000_000 };
        (self.interrupt)(self.now_ns);
        self.ears.deliver(&self.samples, 2, stamp);
        self.mouth.fill(&mut self.samples, 2, stamp);
        self.now_ns += self.samples.len() as u64 / 2 * 1_000_000_000 / u64::from(self.rate);
        let change = region.change();
        assert_eq!(change.allocations + change.reallocations + change.deallocations, 0);
        Ok(())
    }

    fn stop(&mut self) {}
}

/// Allocations in a minute of line, the callbacks' own apart.
fn allocations<T: DeviceSample + Send + 'static>(rate: u32, period: usize) -> usize {
    let (ears, capture) = ring::capture(rate, Side::Left, rate as usize);
    let (mouth, playback) = ring::playback(rate, Side::Right, rate as usize);
    let counters = [capture.counters.clone(), playback.counters.clone()];
    let interrupt = move |now_ns: u64| {
        if now_ns % 5_000_000_000 < 20_000_000 {
            counters.iter().for_each(|counters| counters.interrupt());
        }
    };
    let samples = vec![T::from_line(1000.0); 2 * period];
    let device = Clockwork { ears, mouth, samples, rate, now_ns: 0, interrupt: Box::new(interrupt) };
    let rings = Rings { capture, playback };
    let mut line = SoundLine::new(Box::new(device), rings, rate, None, Box::new(AlwaysOff)).unwrap();
    let region = Region::new(ALLOCATOR);
    let mut rx = SILENCE;
    for _ in 0..6000 {
        line.exchange(&SILENCE, &mut rx).unwrap();
    }
    let change = region.change();
    assert!(line.health().is_some_and(|health| health.overruns > 5 && health.underruns > 5), "{:?}", line.health());
    change.allocations + change.reallocations
}

#[test]
fn nothing_is_allocated_while_samples_move() {
    // The test's own harness allocates while the first round runs.
    allocations::<i16>(8000, 160);
    assert_eq!(allocations::<i16>(8000, 160), 0);
    assert_eq!(allocations::<i16>(44_100, 441), 0);
    assert_eq!(allocations::<f32>(48_000, 960), 0);
}
