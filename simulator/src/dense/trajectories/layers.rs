//! The order of the steps: gates that can share a pass stand together.

use std::ops::Range;

use ketch_interface::Complex64;
use ketch_kernels::Controls;

use super::circuit::Step;
use crate::{
    dense::{
        Apply,
        apply::{bits, mask},
    },
    stage::Euler,
};

/// A segment has at least so many gates other than phases for each place, if there are as many: an
/// error costs its segment once more, and every segment is a pass and more over the state.
const GATES_PER_PLACE: usize = 2;

/// What a step is to those around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A place where something may go wrong.
    Site,
    /// Diagonal: phases of one layer share a pass.
    Phases,
    /// Mixes the values of one place.
    Turn,
    /// Exchanges the values of one place.
    Flip,
    /// Anything on more places.
    Wide,
}

/// Steps in the order of the circuit.
#[derive(Debug, Default)]
pub(super) struct Steps {
    /// With their places.
    steps: Vec<(Step, Kind, usize)>,
}

impl Steps {
    /// Adds a gate; if it is to be `split`, as phases, a real rotation and phases, so that both
    /// sides share passes with other phases.
    pub(super) fn gate(&mut self, apply: &Apply<f64>, split: bool) {
        let Some((place, matrix)) = apply.as_matrix1() else {
            let kind = if apply.moved() == 0 { Kind::Phases } else { Kind::Wide };
            return self.push(apply.clone(), kind);
        };
        let Euler { before, cos, sin, after, .. } = Euler::of(&matrix);
        let kind = match (cos == 0.0, sin == 0.0) {
            (true, _) => Kind::Flip,
            (_, true) => Kind::Phases,
            _ => Kind::Turn,
        };
        if kind != Kind::Turn || !split {
            return self.push(apply.clone(), kind);
        }
        let real = |entry: f64| Complex64::new(entry, 0.0);
        let phase = |angle: f64| [[real(1.0), real(0.0)], [real(0.0), Complex64::cis(angle)]];
        let turn = [[real(cos), real(-sin)], [real(sin), real(cos)]];
        let parts = [(phase(before), Kind::Phases), (turn, kind), (phase(after), Kind::Phases)];
        for (matrix, kind) in parts {
            let apply = Apply::of_matrix1(matrix, place, Controls::NONE);
            apply.into_iter().for_each(|apply| self.push(apply, kind));
        }
    }

    fn push(&mut self, apply: Apply<f64>, kind: Kind) {
        let places = apply.mask();
        self.steps.push((Step::gate(apply), kind, places));
    }

    /// Adds a site on these places.
    pub(super) fn site(&mut self, number: usize, places: &[usize]) {
        self.steps.push((Step::Site(number), Kind::Site, mask(places)));
    }

    /// Leaves out phases that nothing follows but what changes no probabilities: `mixes` says of a
    /// site whether it may do more.
    pub(super) fn without_last_phases(mut self, mixes: impl Fn(usize) -> bool) -> Self {
        let mut followed = 0;
        let mut kept = Vec::with_capacity(self.steps.len());
        while let Some((step, kind, places)) = self.steps.pop() {
            let matters = match (kind, &step) {
                (Kind::Turn | Kind::Wide, _) => true,
                (Kind::Site, Step::Site(site)) => mixes(*site),
                _ => false,
            };
            if matters {
                followed |= places;
            }
            if kind != Kind::Phases || places & followed != 0 {
                kept.push((step, kind, places));
            }
        }
        kept.reverse();
        Self { steps: kept }
    }

    /// The steps layer by layer, and the segments of one or several layers each. A layer is
    /// phases and then turns, where there are any.
    pub(super) fn in_segments(self, n_places: usize) -> (Vec<Step>, Vec<Range<usize>>) {
        let mut reached = vec![Reached::default(); n_places];
        let mut layered: Vec<(usize, Step, Kind)> = Vec::with_capacity(self.steps.len());
        for (step, kind, places) in self.steps {
            let first = |place| {
                let Reached { layer, turned } = reached[place];
                layer + usize::from(kind == Kind::Wide || kind == Kind::Phases && turned)
            };
            let layer = bits(places).map(first).max().unwrap_or(0);
            for place in bits(places) {
                let same = reached[place].layer == layer && kind != Kind::Wide;
                let turned = kind == Kind::Turn || same && reached[place].turned;
                reached[place] = Reached { layer, turned };
            }
            layered.push((layer, step, kind));
        }
        // Of two steps on a place, the later is not in an earlier layer, and so stays behind.
        layered.sort_by_key(|(layer, ..)| *layer);
        let (mut segments, mut start, mut n_gates) = (Vec::new(), 0, 0);
        for (at, (layer, _, kind)) in layered.iter().enumerate() {
            if n_gates >= GATES_PER_PLACE * n_places && layered[at - 1].0 != *layer {
                segments.push(start..at);
                (start, n_gates) = (at, 0);
            }
            n_gates += usize::from(matches!(kind, Kind::Turn | Kind::Flip | Kind::Wide));
        }
        segments.push(start..layered.len());
        (layered.into_iter().map(|(_, step, _)| step).collect(), segments)
    }
}

/// Where a place has got to.
#[derive(Clone, Copy, Debug, Default)]
struct Reached {
    layer: usize,
    /// It was turned in that layer: phases belong to the next.
    turned: bool,
}
