//! Trials on several threads, with progress.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use indicatif::{ProgressBar, ProgressStyle};

/// Who does trials, and who is told how far they are.
#[derive(Clone, Debug)]
pub struct Workers {
    threads: usize,
    bar: ProgressBar,
}

impl Workers {
    /// So many threads; progress is shown unless `quiet`.
    pub fn new(threads: usize, quiet: bool) -> Self {
        let bar = if quiet { ProgressBar::hidden() } else { ProgressBar::new(0) };
        let style = ProgressStyle::with_template("{msg:32} {bar:40} {pos}/{len} {elapsed} left {eta}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Self { threads: threads.max(1), bar }
    }

    /// Says what is being done now, and how many steps it has.
    pub fn begin(&self, what: &str, steps: usize) {
        self.bar.reset();
        self.bar.set_length(steps as u64);
        self.bar.set_message(what.to_owned());
    }

    /// A step is done.
    pub fn step(&self) {
        self.bar.inc(1);
    }

    /// The work is over.
    pub fn end(&self) {
        self.bar.finish_and_clear();
    }

    /// Does the trials with these numbers; results are in their order. Each is one step of progress.
    pub fn all<T: Send>(&self, trials: std::ops::Range<usize>, trial: impl Fn(usize) -> T + Sync) -> Vec<T> {
        let next = AtomicUsize::new(trials.start);
        let done = Mutex::new(Vec::with_capacity(trials.len()));
        thread::scope(|scope| {
            for _ in 0..self.threads {
                scope.spawn(|| {
                    loop {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        if number >= trials.end {
                            return;
                        }
                        let result = trial(number);
                        done.lock().expect("no trial panics while it holds the lock").push((number, result));
                        self.bar.inc(1);
                    }
                });
            }
        });
        let mut done = done.into_inner().expect("every thread has ended");
        done.sort_by_key(|(number, _)| *number);
        done.into_iter().map(|(_, result)| result).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_order_whoever_did_them() {
        let squares = Workers::new(2, true).all(3..100, |number| number * number);
        assert_eq!(squares, (3..100).map(|number| number * number).collect::<Vec<_>>());
    }
}
