//! Gates and channels of a density matrix, gathered into one pass for each run on one or two
//! places.

use ketch_interface::{Complex64, Matrix};
use ketch_kernels::{Kernels, Real, Threads};
use num_complex::Complex;

use super::{Apply, DenseOp, Noise};
use crate::program::Step;

/// The channels that wait, by the places that they act on: at most two each.
struct Fusing<T> {
    n_places: usize,
    /// For each place, which of the waiting channels acts on it.
    on: Vec<Option<usize>>,
    waiting: Vec<Option<Waiting>>,
    steps: Vec<Step<DenseOp<T>>>,
}

/// A superoperator: index bits are the rows of its places, then their columns.
struct Waiting {
    places: Vec<usize>,
    superop: Matrix,
}

/// Gathers the steps of a program for a density matrix. A program with jumps is left as it is,
/// since they count steps.
pub(super) fn fused<T: Real>(
    steps: Vec<Step<DenseOp<T>>>,
    n_places: usize,
) -> Vec<Step<DenseOp<T>>> {
    if steps.iter().any(Step::is_jump) {
        return steps;
    }
    let mut fusing =
        Fusing { n_places, on: vec![None; n_places], waiting: Vec::new(), steps: Vec::new() };
    for step in steps {
        match fusing.superop(&step) {
            Some(channel) if channel.places.is_empty() => {}
            Some(channel) => fusing.take(channel),
            None => {
                fusing.flush_all();
                fusing.steps.push(step);
            }
        }
    }
    fusing.flush_all();
    fusing.steps
}

impl<T: Real> Fusing<T> {
    /// A step as a superoperator, if it is one on at most two places.
    fn superop(&self, step: &Step<DenseOp<T>>) -> Option<Waiting> {
        match step {
            Step::Quantum(DenseOp::Apply(apply)) => {
                let mask = apply.mask();
                let places: Vec<usize> =
                    (0..self.n_places).filter(|place| mask >> place & 1 == 1).collect();
                (places.len() <= 2).then(|| {
                    let superop = unitary_superop(&matrix(apply, &places));
                    Waiting { places, superop }
                })
            }
            Step::Quantum(DenseOp::Noise(Noise::Exact { bits, entries })) if bits.len() <= 4 => {
                let places = bits[bits.len() / 2..].to_vec();
                let entries = entries.iter().map(|&entry| widen(entry)).collect();
                let superop = Matrix::new(1 << bits.len(), entries)?;
                Some(Waiting { places, superop })
            }
            _ => None,
        }
    }

    fn take(&mut self, channel: Waiting) {
        let mut before: Vec<usize> =
            channel.places.iter().filter_map(|&place| self.on[place]).collect();
        before.dedup();
        let mut places = channel.places.clone();
        let mut absorbed = Vec::new();
        for at in before {
            let waiting = self.waiting[at].as_ref().expect("a place names what waits on it");
            let others: Vec<usize> =
                waiting.places.iter().copied().filter(|p| !places.contains(p)).collect();
            if places.len() + others.len() <= 2 {
                places.extend(others);
                absorbed.extend(self.waiting[at].take());
            } else {
                self.flush(at);
            }
        }
        places.sort_unstable();
        let dim = 1 << (2 * places.len());
        let nothing = Matrix::diagonal(&vec![Complex64::ONE; dim]);
        let superop = absorbed
            .iter()
            .chain([&channel])
            .fold(nothing, |earlier, part| widened(part, &places).product(&earlier));
        let at = self.waiting.len();
        places.iter().for_each(|&place| self.on[place] = Some(at));
        self.waiting.push(Some(Waiting { places, superop }));
    }

    fn flush(&mut self, at: usize) {
        if let Some(Waiting { places, superop }) = self.waiting[at].take() {
            let noise = Noise::exact(&superop, &places, self.n_places);
            self.steps.push(Step::Quantum(DenseOp::Noise(noise)));
            places.iter().for_each(|&place| self.on[place] = None);
        }
    }

    fn flush_all(&mut self) {
        (0..self.waiting.len()).for_each(|at| self.flush(at));
        self.waiting.clear();
    }
}

/// The matrix of a unitary on its places, column by column from what it does to basis states.
fn matrix<T: Real>(apply: &Apply<T>, places: &[usize]) -> Matrix {
    let dim = 1 << places.len();
    let place_of = |place: usize| places.iter().position(|&p| p == place);
    let small = apply.mapped(|place| place_of(place).expect("the places are those it touches"));
    let mut entries = vec![Complex64::ZERO; dim * dim];
    for column in 0..dim {
        let mut state = vec![Complex::new(T::zero(), T::zero()); dim];
        state[column] = Complex::new(T::one(), T::zero());
        small.run(Kernels::detect(), &Threads::serial(), &mut state);
        for (row, amplitude) in state.into_iter().enumerate() {
            entries[row * dim + column] = widen(amplitude);
        }
    }
    Matrix::new(dim, entries).expect("dim² entries")
}

/// conj(U) ⊗ U.
fn unitary_superop(unitary: &Matrix) -> Matrix {
    let d = unitary.dim();
    let dim = d * d;
    let entry = |row: usize, column: usize| {
        unitary.at(row / d, column / d).conj() * unitary.at(row % d, column % d)
    };
    let entries = (0..dim * dim).map(|i| entry(i / dim, i % dim)).collect();
    Matrix::new(dim, entries).expect("dim² entries")
}

/// The superoperator of a channel on more places, where it does nothing to the others.
fn widened(channel: &Waiting, places: &[usize]) -> Matrix {
    let n = places.len();
    let at = |place: &usize| places.iter().position(|p| p == place).expect("a place of the union");
    let rows = channel.places.iter().map(at);
    let bits: Vec<usize> = rows.clone().chain(rows.map(|bit| n + bit)).collect();
    let dim = 1 << (2 * n);
    let part = |i: usize| bits.iter().enumerate().fold(0, |p, (k, bit)| p | (i >> bit & 1) << k);
    let rest = |i: usize| bits.iter().fold(i, |i, bit| i & !(1 << bit));
    let entry = |row: usize, column: usize| match rest(row) == rest(column) {
        true => channel.superop.at(part(row), part(column)),
        false => Complex64::ZERO,
    };
    let entries = (0..dim * dim).map(|i| entry(i / dim, i % dim)).collect();
    Matrix::new(dim, entries).expect("dim² entries")
}

fn widen<T: Real>(entry: Complex<T>) -> Complex64 {
    Complex64::new(entry.re.widen(), entry.im.widen())
}
