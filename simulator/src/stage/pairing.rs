//! Runs of unitaries on the same two places, which are simpler together than one by one.

use ketch_interface::Complex64;
use ketch_kernels::{Controls, Kernels, Threads};

use super::{
    cartan::{Cartan, Matrix2},
    merge::Merging,
    part::Part,
};
use crate::dense::apply::{Action, Apply, bits};

/// Takes a run of unitaries apart, in order, and gives the phase of everything. They act on |0…0>
/// if `from_zero`.
pub(super) fn parts(run: &[Apply<f64>], n_places: usize, from_zero: bool) -> (Vec<Part>, f64) {
    let mut pairing =
        Pairing { on: vec![None; n_places], pairs: Vec::new(), merging: Merging::new(n_places) };
    run.iter().for_each(|apply| pairing.take(apply));
    (0..n_places).for_each(|place| pairing.close(place));
    pairing.merging.finish(from_zero)
}

struct Pairing<'a> {
    /// The open pair that each place belongs to.
    on: Vec<Option<usize>>,
    pairs: Vec<Pair<'a>>,
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
            let pair = Some(self.pairs.len());
            (self.on[low], self.on[high]) = (pair, pair);
            return self.pairs.push(Pair { places: [low, high], run: vec![apply] });
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
        let (places, run) = (*places, std::mem::take(run));
        places.iter().for_each(|&place| self.on[place] = None);
        let last = run.iter().rposition(|apply| apply.mask().count_ones() == 2);
        let (inner, tail) = run.split_at(last.map_or(0, |last| last + 1));
        self.give(places, inner, tail);
        tail.iter().for_each(|apply| self.merging.take(apply));
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
                    let cartan = Cartan::of(&matrix);
                    // Turns and phases in front and behind cost more than one dense matrix.
                    return match cartan.mixes_all() {
                        true => self.merging.dense(places, &matrix),
                        false => self.merging.cartan(places, &cartan),
                    };
                }
            }
        } else if let [apply] = inner
            && let Action::X { place: target } = apply.action
            && self.merging.mixes(target)
            && tail.iter().any(|apply| apply.mask() == 1 << target && is_mixing(apply))
        {
            // Between unitaries on the target, both Hadamards around a CZ cost nothing.
            return self.merging.cartan(places, &Cartan::of(&matrix(inner, places)));
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

/// The matrix of a run on two places, column by column from what it does to basis states.
fn matrix(run: &[&Apply<f64>], [low, high]: [usize; 2]) -> Matrix2 {
    let mut rows = [[Complex64::ZERO; 4]; 4];
    let (kernels, serial) = (Kernels::detect(), Threads::serial());
    let small: Vec<Apply<f64>> = run
        .iter()
        .map(|apply| {
            apply.mapped(|place| {
                debug_assert!(place == low || place == high);
                usize::from(place == high)
            })
        })
        .collect();
    for column in 0..4 {
        let mut state = [Complex64::ZERO; 4];
        state[column] = Complex64::ONE;
        small.iter().for_each(|apply| apply.run(kernels, &serial, &mut state));
        rows.iter_mut().zip(state).for_each(|(row, amplitude)| row[column] = amplitude);
    }
    rows
}

fn is_unitary(matrix: &Matrix2) -> bool {
    let dot = |i: usize, j: usize| -> Complex64 {
        matrix[i].iter().zip(&matrix[j]).map(|(a, b)| a * b.conj()).sum()
    };
    (0..4).all(|i| (0..=i).all(|j| (dot(i, j) - f64::from(i == j)).norm() < 1e-12))
}

/// The phases of a matrix that is diagonal up to rounding.
fn diagonal_angles(matrix: &Matrix2) -> Option<[f64; 4]> {
    let is_zero = |i: usize, j: usize| matrix[i][j].norm_sqr() < 1e-30;
    let diagonal = (0..4).all(|i| (0..4).all(|j| i == j || is_zero(i, j)));
    diagonal.then(|| [0, 1, 2, 3].map(|i| matrix[i][i].arg()))
}
