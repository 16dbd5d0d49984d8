//! Runs of unitaries on the same two places, which are simpler together than one by one.

use ketch_kernels::Controls;

use super::{
    cartan::Cartan,
    merge::Merging,
    pair::{Controlled, diagonal_angles, is_unitary, matrix},
    part::Part,
};
use crate::dense::apply::{Action, Apply, bits};

/// Takes a run of unitaries apart, in order, and gives the phase of everything. They act on |0…0>
/// if `from_zero`.
pub(super) fn parts(run: &[Apply<f64>], n_places: usize, from_zero: bool) -> (Vec<Part>, f64) {
    let mut pairing = Pairing {
        on: vec![None; n_places],
        pairs: Vec::new(),
        closed: Vec::new(),
        merging: Merging::new(n_places),
    };
    run.iter().for_each(|apply| pairing.take(apply));
    (0..n_places).for_each(|place| pairing.close(place));
    pairing.merging.finish(from_zero)
}

struct Pairing<'a> {
    /// The open pair that each place belongs to.
    on: Vec<Option<usize>>,
    pairs: Vec<Pair<'a>>,
    /// The pairs that were given out, to be opened again.
    closed: Vec<usize>,
    merging: Merging,
}

/// Unitaries on two places, the first of them on both.
struct Pair<'a> {
    places: [usize; 2],
    run: Vec<&'a Apply<f64>>,
}

impl<'a> Pairing<'a> {
    fn take(&mut self, apply: &'a Apply<f64>) {
        let mask = apply.mask();
        // Strings without controls are unitaries on one place each.
        if mask.count_ones() == 2 && !matches!(apply.action, Action::Pauli { .. }) {
            let mut places = bits(mask);
            let (Some(low), Some(high)) = (places.next(), places.next()) else {
                unreachable!("a mask of two bits")
            };
            if let (Some(a), Some(b)) = (self.on[low], self.on[high])
                && a == b
            {
                return self.pairs[a].run.push(apply);
            }
            self.close(low);
            self.close(high);
            let pair = self.closed.pop().unwrap_or_else(|| {
                self.pairs.push(Pair { places: [low, high], run: Vec::new() });
                self.pairs.len() - 1
            });
            (self.on[low], self.on[high]) = (Some(pair), Some(pair));
            self.pairs[pair].places = [low, high];
            return self.pairs[pair].run.push(apply);
        }
        if mask.is_power_of_two()
            && let Some(pair) = self.on[mask.trailing_zeros() as usize]
        {
            return self.pairs[pair].run.push(apply);
        }
        bits(mask).for_each(|place| self.close(place));
        self.merging.take(apply);
    }

    /// Gives out the pair that a place belongs to.
    fn close(&mut self, place: usize) {
        let Some(at) = self.on[place] else { return };
        let Pair { places, run } = &mut self.pairs[at];
        let (places, mut run) = (*places, std::mem::take(run));
        places.iter().for_each(|&place| self.on[place] = None);
        let last = run.iter().rposition(|apply| apply.mask().count_ones() == 2);
        let (inner, tail) = run.split_at(last.map_or(0, |last| last + 1));
        self.give(places, inner, tail);
        tail.iter().for_each(|apply| self.merging.take(apply));
        run.clear();
        self.pairs[at].run = run;
        self.closed.push(at);
    }

    fn give(&mut self, places: [usize; 2], inner: &[&Apply<f64>], tail: &[&Apply<f64>]) {
        let n_moving = inner.iter().filter(|apply| is_moving(apply)).count();
        let any_hard = inner.iter().any(|apply| is_hard(apply));
        if any_hard || n_moving >= 2 {
            let matrix = matrix(inner, places);
            if is_unitary(&matrix) {
                if let Some(angles) = diagonal_angles(&matrix) {
                    return self.merging.diagonal(places, angles);
                }
                if any_hard || inner.iter().any(|apply| is_mixing(apply)) {
                    if let Some(controlled) = Controlled::of(&matrix) {
                        return self.merging.controlled(places, &controlled);
                    }
                    let cartan = Cartan::of(&matrix);
                    // Turns and phases of its own cost more than to do it all at once.
                    return match cartan.mixes_all() {
                        true => self.merging.interaction(places, &cartan),
                        false => self.merging.cartan(places, &cartan),
                    };
                }
            }
        } else if let [apply] = inner
            && let Action::X { place: target } = apply.action
            && self.merging.mixes(target)
            && tail.iter().any(|apply| apply.mask() == 1 << target && is_mixing(apply))
        {
            // Between unitaries on the target, what turns it into a phase costs nothing.
            let controlled = Controlled::of(&matrix(inner, places));
            let controlled = controlled.expect("X by a control looks at it only");
            return self.merging.controlled(places, &controlled);
        }
        inner.iter().for_each(|apply| self.merging.take(apply));
    }
}

/// It mixes basis states, or moves them by a control.
fn is_moving(apply: &Apply<f64>) -> bool {
    apply.mask().count_ones() == 2 && apply.moved() != 0 && !is_free_swap(apply)
}

/// It is no permutation on two places.
fn is_hard(apply: &Apply<f64>) -> bool {
    is_moving(apply) && !matches!(apply.action, Action::X { .. })
}

/// It mixes basis states.
fn is_mixing(apply: &Apply<f64>) -> bool {
    matches!(apply.action, Action::One { .. } | Action::Two { .. } | Action::Matrix { .. })
}

fn is_free_swap(apply: &Apply<f64>) -> bool {
    matches!(apply.action, Action::Swap { .. }) && apply.controls == Controls::NONE
}
