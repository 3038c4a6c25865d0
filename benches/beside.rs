//! Work timed by Criterion, ours and another maker's on the same samples, with the ratio.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use criterion::{BenchmarkGroup, Criterion, SamplingMode, Throughput, measurement::WallTime};

/// Times of things that take the same samples.
pub(crate) struct Comparison<'a> {
    name: String,
    group: BenchmarkGroup<'a, WallTime>,
    samples: usize,
}

impl<'a> Comparison<'a> {
    /// A group of this name for work on so many samples, of all lines together.
    pub(crate) fn new(criterion: &'a mut Criterion, name: impl Into<String>, samples: usize) -> Self {
        let name = name.into();
        let mut group = criterion.benchmark_group(&name);
        group.sample_size(10).sampling_mode(SamplingMode::Flat);
        group.warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
        let mut comparison = Self { name, group, samples };
        comparison.set_samples(samples);
        comparison
    }

    /// What is timed next takes another number of samples.
    pub(crate) fn set_samples(&mut self, samples: usize) {
        self.samples = samples;
        self.group.throughput(Throughput::Elements(samples as u64));
    }

    /// Times `run` on what `make` makes anew each time; nanoseconds per sample of the fastest run, and nothing if it was
    /// not asked for.
    pub(crate) fn time<S, R>(&mut self, what: &str, make: impl Fn() -> S, run: impl Fn(&mut S) -> R) -> Option<f64> {
        let mut least = None;
        self.group.bench_function(what, |bench| {
            bench.iter_custom(|rounds| {
                let once = || {
                    let mut state = make();
                    let begin = Instant::now();
                    black_box(run(&mut state));
                    begin.elapsed()
                };
                (0..rounds).map(|_| once()).inspect(|time| least = Some(least.map_or(*time, |l| (*time).min(l)))).sum()
            });
        });
        least.map(|time: Duration| time.as_nanos() as f64 / self.samples as f64)
    }

    /// Prints our time beside theirs.
    pub(crate) fn tell(&self, what: &str, ours: Option<f64>, theirs: Option<f64>) {
        let Some(ours) = ours else { return };
        let theirs =
            theirs.map_or(String::new(), |theirs| format!("; spandsp {theirs:.2}, ratio {:.2}", ours / theirs));
        println!("{}, {what}: {ours:.2} ns per sample{theirs}\n", self.name);
    }
}
