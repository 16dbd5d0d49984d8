//! A matrix on two qubits or more.
//!
//! The qubits that tell vectors apart make a group of rows, a vector each. Those that
//! tell lanes apart are reached by exchanging lanes: each vector of the group is an
//! input once for every such exchange, and each pair of row and input has a coefficient
//! by lane. That is the number of products that the matrix asks for, wherever the
//! qubits are, and the state need not be moved.

#![expect(unsafe_code, reason = "vectors are read and written through pointers")]

use std::ops::Range;

use num_complex::Complex;

use super::{Shared, plan, sweep, unit};
use crate::arch::portable::Portable;
use crate::controls::Controls;
use crate::index::Walk;
use crate::real::Real;
use crate::simd::{Coefficient, MAX_LANES, Pass, Simd, Sum, Task};
use crate::threads::Threads;

/// The most qubits of a group that is kept on the stack.
const ON_STACK: usize = 6;

/// Amplitudes for each column of a matrix from which coefficients by lane pay, measured
/// with `examples/throughput.rs`.
const AMPLITUDES_FOR_A_COLUMN: usize = 8;

/// Rows that are summed at a time: as many chains of sums as hide the time of one.
const ROWS_AT_A_TIME: usize = 4;

#[derive(Debug)]
pub struct Dense<'a, T> {
    pub(crate) threads: &'a Threads,
    pub(crate) state: &'a mut [Complex<T>],
    /// At least two.
    pub(crate) qubits: &'a [usize],
    pub(crate) matrix: &'a [Complex<T>],
    pub(crate) controls: Controls,
}

impl<T: Real> Task<T> for Dense<'_, T> {
    type Output = ();

    fn run<S: Simd<T>>(self, simd: S) {
        let qubits = self.qubits.len();
        let within = self.qubits.iter().filter(|&&qubit| 1 << qubit < S::LANES).count();
        let by_lane = within > 0 || self.controls.mask() & (S::LANES - 1) != 0;
        // A small state is done sooner than its coefficients by lane would be made; those
        // of a large matrix would outgrow the cache. One amplitude at a time, then.
        let few = self.state.len() < AMPLITUDES_FOR_A_COLUMN << qubits;
        if by_lane && qubits > 3 && (few || qubits > ON_STACK) {
            return self.run(Portable::<1>);
        }
        match (qubits, within) {
            (2, 0) if !by_lane => self.uniform::<S, 4, 16>(simd),
            (3, 0) if !by_lane => self.uniform::<S, 8, 64>(simd),
            (4, 0) if !by_lane => self.uniform::<S, 16, 256>(simd),
            (2, 0) => self.by_lane::<S, 4, 4, 16>(simd),
            (2, 1) => self.by_lane::<S, 2, 4, 8>(simd),
            (2, _) => self.by_lane::<S, 1, 4, 4>(simd),
            (3, 0) => self.by_lane::<S, 8, 8, 64>(simd),
            (3, 1) => self.by_lane::<S, 4, 8, 32>(simd),
            (3, 2) => self.by_lane::<S, 2, 8, 16>(simd),
            (3, _) => self.by_lane::<S, 1, 8, 8>(simd),
            (4, 1) => self.by_lane::<S, 8, 16, 128>(simd),
            (4, 2) => self.by_lane::<S, 4, 16, 64>(simd),
            (4, 3) => self.by_lane::<S, 2, 16, 32>(simd),
            _ if !by_lane => {
                let matrix = self.matrix;
                self.large::<S, _>(simd, matrix);
            }
            _ => {
                let layout = Layout::new::<S>(&self);
                let (rows, inputs) = (layout.rows, layout.rows * layout.flips);
                let entries = (0..rows).flat_map(|row| (0..inputs).map(move |at| (row, at)));
                let entries = entries.map(|(row, input)| layout.coefficient(simd, row, input));
                let coefficients: Vec<_> = entries.collect();
                self.large::<S, _>(simd, &coefficients);
            }
        }
    }
}

impl<T: Real> Dense<'_, T> {
    /// For a small matrix whose entries all lanes share.
    fn uniform<S: Simd<T>, const ROWS: usize, const ENTRIES: usize>(self, simd: S) {
        let layout = Layout::new::<S>(&self);
        let matrix = self.matrix.first_chunk().expect("the matrix has ROWS * ROWS entries");
        self.small::<S, Complex<T>, ROWS, ROWS, ENTRIES>(simd, &layout, *matrix);
    }

    /// For a small matrix whose entries differ by lane.
    fn by_lane<S: Simd<T>, const ROWS: usize, const INPUTS: usize, const ENTRIES: usize>(
        self,
        simd: S,
    ) {
        let layout = Layout::new::<S>(&self);
        let coefficients =
            std::array::from_fn(|entry| layout.coefficient(simd, entry / INPUTS, entry % INPUTS));
        self.small::<S, _, ROWS, INPUTS, ENTRIES>(simd, &layout, coefficients);
    }

    /// For a matrix that is small enough to keep at hand, its size known beforehand.
    fn small<S, C, const ROWS: usize, const INPUTS: usize, const ENTRIES: usize>(
        self,
        simd: S,
        layout: &Layout<'_, T>,
        matrix: [C; ENTRIES],
    ) where
        S: Simd<T>,
        C: Entry<T, S>,
    {
        let (walk, _) = plan::<T, S>(self.state.len(), layout.offset(ROWS - 1), self.controls);
        let pass = Small::<_, _, _, ROWS, INPUTS, ENTRIES> {
            offsets: std::array::from_fn(|row| layout.offset(row)),
            shuffles: layout.shuffles(simd),
            matrix,
            walk,
            state: Shared::new(self.state),
        };
        sweep(simd, self.threads, &walk, ENTRIES * S::LANES / 2, &pass);
    }

    /// For a matrix of any size, its entries in memory: coefficients by lane, or plain
    /// numbers where all lanes have the same.
    fn large<S: Simd<T>, C: Entry<T, S>>(self, simd: S, matrix: &[C]) {
        let layout = Layout::new::<S>(&self);
        let (rows, flips) = (layout.rows, layout.flips);
        let mut on_stack = [0; 1 << ON_STACK];
        let mut on_heap = Vec::new();
        let offsets = scratch(&mut on_stack, &mut on_heap, rows);
        for (row, offset) in offsets.iter_mut().enumerate() {
            *offset = layout.offset(row);
        }
        let shuffles = layout.shuffles(simd);
        let (walk, _) = plan::<T, S>(self.state.len(), layout.offset(rows - 1), self.controls);
        let state = Shared::new(self.state);
        let pass = Large { state, walk, offsets, shuffles, flips, matrix };
        sweep(simd, self.threads, &walk, matrix.len() * S::LANES / 2, &pass);
    }
}

/// The first `len` places of `on_stack`, or as many of `on_heap`.
fn scratch<'a, V: Copy>(on_stack: &'a mut [V], on_heap: &'a mut Vec<V>, len: usize) -> &'a mut [V] {
    if len <= on_stack.len() {
        return &mut on_stack[..len];
    }
    on_heap.resize(len, on_stack[0]);
    on_heap
}

/// Where the qubits of a gate are found.
struct Layout<'a, T> {
    qubits: &'a [usize],
    matrix: &'a [Complex<T>],
    controls: Controls,
    /// Amplitudes of a vector.
    lanes: usize,
    /// Vectors of a group.
    rows: usize,
    /// Ways to exchange the lanes of a vector, the idle one among them.
    flips: usize,
    /// What each lane adds to the row of the matrix.
    element_of_lane: [usize; MAX_LANES],
}

impl<'a, T: Real> Layout<'a, T> {
    fn new<S: Simd<T>>(gate: &Dense<'a, T>) -> Self {
        let Dense { qubits, matrix, controls, .. } = *gate;
        let lanes = S::LANES;
        let within = qubits.iter().filter(|&&qubit| 1 << qubit < lanes).count();
        let controls = Controls::new(controls.mask() & (lanes - 1), controls.value() & (lanes - 1));
        let (rows, flips) = (1 << (qubits.len() - within), 1 << within);
        let element_of_lane = std::array::from_fn(|lane| element(qubits, lane & (lanes - 1)));
        Self { qubits, matrix, controls, lanes, rows, flips, element_of_lane }
    }

    /// The bits of `packed` at the qubits that tell vectors apart (`across`), or at
    /// those that tell lanes apart.
    fn spread(&self, packed: usize, across: bool) -> usize {
        let chosen = self.qubits.iter().filter(|&&qubit| (1 << qubit >= self.lanes) == across);
        chosen.enumerate().fold(0, |bits, (bit, qubit)| bits | (packed >> bit & 1) << qubit)
    }

    /// What a row adds to the index of an amplitude.
    fn offset(&self, row: usize) -> usize {
        self.spread(row, true)
    }

    /// What an input contributes to a row, by lane.
    fn coefficient<S: Simd<T>>(&self, simd: S, row: usize, input: usize) -> Coefficient<S::Vector> {
        let (source, flip) = (input / self.flips, input % self.flips);
        let to = element(self.qubits, self.offset(row));
        let from = element(self.qubits, self.offset(source));
        let entry = |to: usize, from: usize| self.matrix[to << self.qubits.len() | from];
        if self.flips == 1 && self.controls == Controls::NONE {
            return entry(to, from).coefficient(simd);
        }
        let exchanged = self.spread(flip, false);
        Coefficient::by_lane(simd, |lane| {
            if self.controls.admits(lane) {
                let partner = lane ^ exchanged;
                entry(to | self.element_of_lane[lane], from | self.element_of_lane[partner])
            } else {
                unit(row == source && flip == 0)
            }
        })
    }

    fn shuffles<S: Simd<T>>(&self, simd: S) -> [S::Shuffle; MAX_LANES] {
        std::array::from_fn(|flip| simd.shuffle(self.spread(flip % self.flips, false)))
    }
}

/// The row of the matrix that belongs to an amplitude.
fn element(qubits: &[usize], index: usize) -> usize {
    let qubits = qubits.iter().enumerate();
    qubits.fold(0, |element, (bit, qubit)| element | (index >> qubit & 1) << bit)
}

struct Small<'a, T, F, C, const ROWS: usize, const INPUTS: usize, const ENTRIES: usize> {
    state: Shared<'a, T>,
    walk: Walk,
    offsets: [usize; ROWS],
    shuffles: [F; MAX_LANES],
    /// Row by row, an entry for each input.
    matrix: [C; ENTRIES],
}

impl<T, S, C, const ROWS: usize, const INPUTS: usize, const ENTRIES: usize> Pass<T, S>
    for Small<'_, T, S::Shuffle, C, ROWS, INPUTS, ENTRIES>
where
    T: Real,
    S: Simd<T>,
    C: Entry<T, S>,
{
    type Output = ();

    #[inline(always)]
    fn run(&self, simd: S, range: Range<usize>) {
        let flips = INPUTS / ROWS;
        for base in self.walk.bases(range) {
            let mut inputs = [simd.splat(T::zero()); INPUTS];
            for row in 0..ROWS {
                // SAFETY: `plan` makes a base with bits of the targets, and the offsets
                // are made of these, a vector of the state that no other group has.
                let place = unsafe { self.state.at(base | self.offsets[row]) };
                // SAFETY: `place` is valid for LANES amplitudes.
                let vector = unsafe { simd.load(place) };
                inputs[row * flips] = vector;
                for flip in 1..flips {
                    inputs[row * flips + flip] = simd.permute(vector, self.shuffles[flip]);
                }
            }
            for row in 0..ROWS {
                let entries = &self.matrix[row * INPUTS..(row + 1) * INPUTS];
                let mut sum = Sum::product(simd, entries[0].coefficient(simd), inputs[0]);
                for input in 1..INPUTS {
                    sum = sum.and(simd, entries[input].coefficient(simd), inputs[input]);
                }
                // SAFETY: as for the load of the same row.
                let place = unsafe { self.state.at(base | self.offsets[row]) };
                // SAFETY: `place` is valid for LANES amplitudes.
                unsafe { simd.store(place, sum.total(simd)) };
            }
        }
    }
}

/// An entry of a matrix in memory.
trait Entry<T: Real, S: Simd<T>>: Copy + Sync {
    fn coefficient(self, simd: S) -> Coefficient<S::Vector>;
}

impl<T: Real, S: Simd<T>> Entry<T, S> for Complex<T> {
    #[inline(always)]
    fn coefficient(self, simd: S) -> Coefficient<S::Vector> {
        Coefficient { re: simd.splat(self.re), im: simd.splat(self.im) }
    }
}

impl<T: Real, S: Simd<T>> Entry<T, S> for Coefficient<S::Vector> {
    #[inline(always)]
    fn coefficient(self, _simd: S) -> Self {
        self
    }
}

struct Large<'a, T, F, C> {
    state: Shared<'a, T>,
    walk: Walk,
    /// One for each row: a multiple of [`ROWS_AT_A_TIME`].
    offsets: &'a [usize],
    shuffles: [F; MAX_LANES],
    flips: usize,
    /// Row by row, an entry for each input.
    matrix: &'a [C],
}

impl<T: Real, S: Simd<T>, C: Entry<T, S>> Pass<T, S> for Large<'_, T, S::Shuffle, C> {
    type Output = ();

    #[inline(always)]
    fn run(&self, simd: S, range: Range<usize>) {
        let mut on_stack = [simd.splat(T::zero()); 1 << ON_STACK];
        let mut on_heap = Vec::new();
        let inputs = scratch(&mut on_stack, &mut on_heap, self.offsets.len() * self.flips);
        for base in self.walk.bases(range) {
            for (offset, inputs) in self.offsets.iter().zip(inputs.chunks_exact_mut(self.flips)) {
                // SAFETY: `plan` makes a base with bits of the targets, and the offsets
                // are made of these, a vector of the state that no other group has.
                let place = unsafe { self.state.at(base | offset) };
                // SAFETY: `place` is valid for LANES amplitudes.
                let vector = unsafe { simd.load(place) };
                inputs[0] = vector;
                for (input, shuffle) in inputs.iter_mut().zip(self.shuffles).skip(1) {
                    *input = simd.permute(vector, shuffle);
                }
            }
            // Rows that are summed together share the loads of the inputs.
            let blocks = self.matrix.chunks_exact(ROWS_AT_A_TIME * inputs.len());
            for (offsets, block) in self.offsets.chunks_exact(ROWS_AT_A_TIME).zip(blocks) {
                let mut sums = [Sum::zero(simd.splat(T::zero())); ROWS_AT_A_TIME];
                let (top, bottom) = block.split_at(2 * inputs.len());
                let (row_0, row_1) = top.split_at(inputs.len());
                let (row_2, row_3) = bottom.split_at(inputs.len());
                let columns = row_0.iter().zip(row_1).zip(row_2).zip(row_3);
                for (input, (((c0, c1), c2), c3)) in inputs.iter().zip(columns) {
                    sums[0] = sums[0].and(simd, c0.coefficient(simd), *input);
                    sums[1] = sums[1].and(simd, c1.coefficient(simd), *input);
                    sums[2] = sums[2].and(simd, c2.coefficient(simd), *input);
                    sums[3] = sums[3].and(simd, c3.coefficient(simd), *input);
                }
                for (offset, sum) in offsets.iter().zip(sums) {
                    // SAFETY: as for the load of the same row.
                    let place = unsafe { self.state.at(base | offset) };
                    // SAFETY: `place` is valid for LANES amplitudes.
                    unsafe { simd.store(place, sum.total(simd)) };
                }
            }
        }
    }
}
