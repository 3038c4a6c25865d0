//! The decoder where errors are predicted: every path has errors of its own, and predicts with them.
//!
//! The last decisions come too late to predict with, and the best path so far is often wrong for some symbols. So each
//! state foresees what its own path foretells, and measures its own distances.

use super::{
    Eight, LABEL, Lanes, ORIGINS, Octet, STATE, STATES, SUBSET, SUBSETS_OF_WAYS, Survivors, Vectors, Viterbi, WAYS,
    as_integer, settled,
};
use crate::modem::{
    complex::Complex,
    predictor::{Errors, ORDER},
};

/// The last errors of the best path to each state, the newest first; parts apart.
#[derive(Clone, Debug)]
pub(super) struct PathErrors {
    re: [[f32; STATES]; ORDER],
    im: [[f32; STATES]; ORDER],
}

impl PathErrors {
    pub(super) const NONE: Self = Self { re: [[0.0; STATES]; ORDER], im: [[0.0; STATES]; ORDER] };

    fn all_paths(errors: &Errors) -> Self {
        Self { re: errors.map(|error| [error.re; STATES]), im: errors.map(|error| [error.im; STATES]) }
    }

    /// A received point as each path expects it to be without its error.
    #[inline(always)]
    fn corrected<V: Eight>(&self, received: Complex, weights: &Errors) -> [Complex; STATES] {
        let (mut re, mut im) = (V::splat(received.re), V::splat(received.im));
        for ((weight, past_re), past_im) in weights.iter().zip(&self.re).zip(&self.im) {
            let (weight_re, weight_im) = (V::splat(weight.re), V::splat(weight.im));
            let (past_re, past_im) = (V::load(past_re), V::load(past_im));
            re = re + (weight_re * past_re - weight_im * past_im);
            im = im + (weight_re * past_im + weight_im * past_re);
        }
        let (re, im) = (re.values(), im.values());
        core::array::from_fn(|state| Complex::new(re[state], im[state]))
    }

    /// The errors of the paths that go on from these states.
    #[inline(always)]
    fn push<V: Eight>(&mut self, origins: &[i32; STATES], newest: [Complex; STATES]) {
        for row in [&mut self.re, &mut self.im] {
            for past in (1..ORDER).rev() {
                row[past] = V::load(&row[past - 1]).permuted(origins).values();
            }
        }
        self.re[0] = newest.map(|error| error.re);
        self.im[0] = newest.map(|error| error.im);
    }
}

impl Viterbi {
    /// From the next point on every path predicts its errors, after these of the symbols before.
    pub(in crate::modem) fn predict_after(&mut self, errors: &Errors) {
        self.predicts = true;
        *self.errors = PathErrors::all_paths(errors);
    }

    /// The last errors of the paths tell nothing of the next.
    pub(in crate::modem) fn forget_errors(&mut self) {
        *self.errors = PathErrors::NONE;
    }

    /// [`Viterbi::push`] with errors predicted by these weights. Neither part of an error counts for more than `most`.
    #[inline(always)]
    pub(in crate::modem) fn push_predicted<V: Vectors>(
        &mut self,
        received: Complex,
        weights: &Errors,
        most: f32,
    ) -> (Complex, &[u8]) {
        let corrected = self.errors.corrected::<V::Row>(received, weights);
        let distances = self.distances::<V>(corrected).map(|distances| distances.values());
        let metrics = V::Row::load(&self.metrics);
        let mut ways = [V::Row::splat(0.0); WAYS];
        for (way, place) in ways.iter_mut().enumerate() {
            let of_origin =
                |state: usize| distances[ORIGINS[way][state] as usize][SUBSETS_OF_WAYS[way][state] as usize];
            let on_way = V::Row::load(&core::array::from_fn(of_origin));
            *place = (metrics.permuted(&ORIGINS[way]) + on_way).labelled(STATE, &ORIGINS[way]);
        }
        let [a, b, c, d] = ways;
        let nearest = a.lesser(b).lesser(c.lesser(d));
        let (metrics, best) = settled(nearest);
        self.metrics = metrics.values();
        let origins = nearest.values().map(|metric| as_integer(metric) & STATE);
        let label = |state: usize| {
            let from = origins[state] as usize;
            (as_integer(distances[from][SUBSET[from][state]]) & LABEL) as u8
        };
        let labels: [u8; STATES] = core::array::from_fn(label);
        let error = |label: u8| {
            let error = self.constellation.point(label) - received;
            Complex::new(error.re.clamp(-most, most), error.im.clamp(-most, most))
        };
        let newest = labels.map(error);
        self.errors.push::<V::Row>(&origins, newest);
        let probable = self.constellation.point(labels[best.state()]);
        let survivors = Survivors::of_octets(nearest.lowest_octets(), u64::from_le_bytes(labels));
        (probable, self.keep::<V::Row>(survivors, &origins))
    }

    /// The label on the best path into a state, of a symbol.
    #[inline(always)]
    pub(super) fn label(&self, survivors: Survivors, state: Octet) -> u8 {
        if self.predicts { survivors.label_at(state.0, survivors.subset(state)) } else { survivors.label(state) }
    }
}
