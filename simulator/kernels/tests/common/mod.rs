//! The slow reference, and what all tests share.

#![allow(dead_code, reason = "each test binary uses its own part")]

use ketch_kernels::{Arch, Controls, Kernels, Real, Threads};
use num_complex::{Complex, Complex64};

/// The kernels of every instruction set of this CPU.
pub(crate) fn every_arch() -> Vec<Kernels> {
    Arch::ALL.into_iter().filter_map(Kernels::for_arch).collect()
}

/// Thread counts below, at and above the cores of any machine.
pub(crate) fn thread_counts() -> Vec<Threads> {
    [1, 2, 3, 5].into_iter().map(|count| Threads::new(count).expect("threads start")).collect()
}

/// SplitMix64: Steele, Lea and Flood, "Fast splittable pseudorandom number generators"
/// (2014).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ bits >> 31
    }

    /// At least 0 and less than 1.
    pub(crate) fn uniform(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.bits() % bound as u64) as usize
    }

    pub(crate) fn complex(&mut self) -> Complex64 {
        Complex64::new(2.0 * self.uniform() - 1.0, 2.0 * self.uniform() - 1.0)
    }

    pub(crate) fn numbers<T: Real>(&mut self, len: usize) -> Vec<Complex<T>> {
        (0..len).map(|_| narrow(self.complex())).collect()
    }

    /// `count` of the numbers below `bound`, in any order.
    pub(crate) fn distinct(&mut self, count: usize, bound: usize) -> Vec<usize> {
        let mut rest: Vec<usize> = (0..bound).collect();
        (0..count).map(|_| rest.swap_remove(self.below(rest.len()))).collect()
    }
}

pub(crate) fn narrow<T: Real>(value: Complex64) -> Complex<T> {
    Complex::new(T::narrow(value.re), T::narrow(value.im))
}

pub(crate) fn widen<T: Real>(values: &[Complex<T>]) -> Vec<Complex64> {
    values.iter().map(|value| Complex64::new(value.re.widen(), value.im.widen())).collect()
}

/// The bits of `index` at `qubits`, the first as the lowest.
pub(crate) fn read(index: usize, qubits: &[usize]) -> usize {
    qubits.iter().enumerate().map(|(bit, qubit)| (index >> qubit & 1) << bit).sum()
}

/// `index` with the bits of `value` at `qubits`.
pub(crate) fn write(index: usize, qubits: &[usize], value: usize) -> usize {
    let cleared = qubits.iter().fold(index, |index, qubit| index & !(1 << qubit));
    cleared | qubits.iter().enumerate().map(|(bit, q)| (value >> bit & 1) << q).sum::<usize>()
}

/// The definition of a controlled matrix, amplitude by amplitude, in double precision.
pub(crate) fn reference<T: Real>(
    state: &[Complex<T>],
    qubits: &[usize],
    matrix: &[Complex<T>],
    controls: Controls,
) -> Vec<Complex64> {
    let (state, matrix) = (widen(state), widen(matrix));
    let rows = 1 << qubits.len();
    let amplitude = |index: usize| {
        if index & controls.mask() != controls.value() {
            return state[index];
        }
        let row = read(index, qubits);
        (0..rows)
            .map(|column| matrix[row * rows + column] * state[write(index, qubits, column)])
            .sum()
    };
    (0..state.len()).map(amplitude).collect()
}

/// A diagonal as a full matrix.
pub(crate) fn diagonal_matrix<T: Real>(diagonal: &[Complex<T>]) -> Vec<Complex<T>> {
    let rows = diagonal.len();
    let zero = Complex::new(T::zero(), T::zero());
    let mut matrix = vec![zero; rows * rows];
    for (row, value) in diagonal.iter().enumerate() {
        matrix[row * rows + row] = *value;
    }
    matrix
}

/// Fails unless every amplitude is as expected, up to a few roundings of the precision.
#[track_caller]
pub(crate) fn assert_close<T: Real>(
    found: &[Complex<T>],
    expected: &[Complex64],
    what: impl Fn() -> String,
) {
    assert_eq!(found.len(), expected.len());
    for (index, (found, expected)) in widen(found).iter().zip(expected).enumerate() {
        // The inputs are of order 1; a sum of 2^k products has size below 2^(k+1).
        let tolerance = 64.0 * T::epsilon().widen() * (1.0 + expected.norm());
        let error = (found - expected).norm();
        assert!(error <= tolerance, "{}: amplitude {index:b}: {found} for {expected}", what());
    }
}

/// No control, each single one, and a few of several at once, among `n` qubits without
/// `targets`.
pub(crate) fn controls_beside(n: usize, targets: &[usize], random: &mut Random) -> Vec<Controls> {
    let free: Vec<usize> = (0..n).filter(|qubit| !targets.contains(qubit)).collect();
    let mut all = vec![Controls::NONE];
    for &qubit in &free {
        all.extend([Controls::NONE.and(qubit, false), Controls::NONE.and(qubit, true)]);
    }
    for _ in 0..free.len() {
        let mask = free.iter().fold(0, |mask, qubit| mask | random.below(2) << qubit);
        all.push(Controls::new(mask, random.bits() as usize & mask));
    }
    let mask = free.iter().fold(0, |mask, qubit| mask | 1 << qubit);
    all.push(Controls::ones(mask));
    all
}
