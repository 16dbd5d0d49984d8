//! Gates: the public methods, and what their passes share.

#![expect(unsafe_code, reason = "passes write disjoint groups of one state from many threads")]

mod collapse;
mod dense;
mod diagonal;
mod exchange;
mod interaction;
mod one_qubit;
mod pauli;
mod sequence;

use std::marker::PhantomData;

use num_complex::Complex;

use self::collapse::Collapse;
use self::dense::Dense;
use self::diagonal::Diagonal;
use self::exchange::Exchange;
use self::interaction::Interact;
pub use self::interaction::Interaction;
use self::one_qubit::OneQubit;
use self::pauli::Pauli;
pub use self::sequence::OneQubitGate;
use self::sequence::Sequence;
use crate::controls::Controls;
use crate::dispatch::Kernels;
use crate::index::Walk;
use crate::real::Real;
use crate::simd::{Pass, Simd};
use crate::threads::Threads;

/// Gates, in place. `threads` are the threads that may help; the call returns when all
/// is done. Matrices are row-major, and the first qubit named is the least significant
/// bit of their index. A gate acts on the amplitudes that meet its controls.
///
/// # Panics
/// Every method panics when the length of the state is not a power of two, a qubit or a
/// control lies beyond the state, or a qubit is named twice.
impl Kernels {
    /// Applies a 2×2 matrix to `qubit`.
    pub fn apply_1q<T: Real>(
        self,
        threads: &Threads,
        state: &mut [Complex<T>],
        qubit: usize,
        matrix: &[[Complex<T>; 2]; 2],
        controls: Controls,
    ) {
        check(state.len(), &[qubit], controls);
        T::apply(self.isa, Gate::OneQubit(OneQubit { threads, state, qubit, matrix, controls }));
    }

    /// Applies gates on one qubit each, one after the other, on the calling thread: for states that
    /// fit the first cache, where to begin a pass takes longer than the pass.
    pub fn apply_1q_sequence<T: Real>(self, state: &mut [Complex<T>], gates: &[OneQubitGate<T>]) {
        gates.iter().for_each(|gate| check(state.len(), &[gate.qubit], gate.controls));
        if !gates.is_empty() {
            T::apply(self.isa, Gate::Sequence(Sequence { state, gates }));
        }
    }

    /// Multiplies by `diagonal[b]` where `qubit` reads `b`.
    pub fn apply_diagonal_1q<T: Real>(
        self,
        threads: &Threads,
        state: &mut [Complex<T>],
        qubit: usize,
        diagonal: [Complex<T>; 2],
        controls: Controls,
    ) {
        self.apply_diagonal(threads, state, &[qubit], &diagonal, controls);
    }

    /// Applies `[[0, upper], [lower, 0]]` to `qubit`.
    pub fn apply_antidiagonal_1q<T: Real>(
        self,
        threads: &Threads,
        state: &mut [Complex<T>],
        qubit: usize,
        [upper, lower]: [Complex<T>; 2],
        controls: Controls,
    ) {
        let zero = Complex::new(T::zero(), T::zero());
        self.apply_1q(threads, state, qubit, &[[zero, upper], [lower, zero]], controls);
    }

    /// Applies X to `qubit`: with controls CNOT, Toffoli and so on. Exact.
    pub fn apply_x<T: Real>(
        self,
        threads: &Threads,
        state: &mut [Complex<T>],
        qubit: usize,
        controls: Controls,
    ) {
        check(state.len(), &[qubit], controls);
        let pair = [0, 1 << qubit];
        T::apply(self.isa, Gate::Exchange(Exchange { threads, state, pair, controls }));
    }

    /// Applies a 4×4 matrix to two qubits; `qubits[0]` is the low bit of its index.
    pub fn apply_2q<T: Real>(
        self,
        threads: &Threads,
        state: &mut [Complex<T>],
        qubits: [usize; 2],
        matrix: &[[Complex<T>; 4]; 4],
        controls: Controls,
    ) {
        self.apply_matrix(threads, state, &qubits, matrix.as_flattened(), controls);
    }

    /// Applies a unitary on two qubits in factors; `qubits[0]` is the first.
    pub fn apply_interaction<T: Real>(
        self,
        threads: &Threads,
        state: &mut [Complex<T>],
        qubits: [usize; 2],
        interaction: &Interaction,
    ) {
        check(state.len(), &qubits, Controls::NONE);
        T::apply(self.isa, Gate::Interact(Interact { threads, state, qubits, interaction }));
    }

    /// Exchanges two qubits. Exact.
    pub fn apply_swap<T: Real>(
        self,
        threads: &Threads,
        state: &mut [Complex<T>],
        qubits: [usize; 2],
        controls: Controls,
    ) {
        check(state.len(), &qubits, controls);
        let pair = qubits.map(|qubit| 1 << qubit);
        T::apply(self.isa, Gate::Exchange(Exchange { threads, state, pair, controls }));
    }

    /// Applies a matrix of 2^k rows to k qubits; `qubits[0]` is the low bit of its index.
    ///
    /// # Panics
    /// Also when `matrix` has not 4^k elements.
    pub fn apply_matrix<T: Real>(
        self,
        threads: &Threads,
        state: &mut [Complex<T>],
        qubits: &[usize],
        matrix: &[Complex<T>],
        controls: Controls,
    ) {
        check(state.len(), qubits, controls);
        let rows = 1_usize << qubits.len();
        let wanted = rows.checked_mul(rows);
        assert_eq!(Some(matrix.len()), wanted, "the matrix must have 4^{} elements", qubits.len());
        match *qubits {
            [] => self.apply_phase(threads, state, matrix[0], controls),
            [qubit] => {
                let matrix = &[[matrix[0], matrix[1]], [matrix[2], matrix[3]]];
                self.apply_1q(threads, state, qubit, matrix, controls);
            }
            _ => {
                let gate = Dense { threads, state, qubits, matrix, controls };
                T::apply(self.isa, Gate::Dense(gate));
            }
        }
    }

    /// Multiplies by the element of `diagonal` that k qubits select; `qubits[0]` is the
    /// low bit of its index.
    ///
    /// # Panics
    /// Also when `diagonal` has not 2^k elements.
    pub fn apply_diagonal<T: Real>(
        self,
        threads: &Threads,
        state: &mut [Complex<T>],
        qubits: &[usize],
        diagonal: &[Complex<T>],
        controls: Controls,
    ) {
        check(state.len(), qubits, controls);
        let wanted = 1 << qubits.len();
        assert_eq!(diagonal.len(), wanted, "the diagonal must have 2^{} elements", qubits.len());
        let gate = Diagonal { threads, state, qubits, diagonal, controls };
        T::apply(self.isa, Gate::Diagonal(gate));
    }

    /// Multiplies the amplitudes that meet the controls by `factor`: all of them with
    /// [`Controls::NONE`], a controlled phase otherwise.
    pub fn apply_phase<T: Real>(
        self,
        threads: &Threads,
        state: &mut [Complex<T>],
        factor: Complex<T>,
        controls: Controls,
    ) {
        self.apply_diagonal(threads, state, &[], &[factor], controls);
    }

    /// Applies the Pauli string with X on the qubits of `x_mask`, Z on those of
    /// `z_mask` and Y where both are set. No phase is dropped.
    ///
    /// # Panics
    /// Also when a control is a qubit of the string.
    pub fn apply_pauli<T: Real>(
        self,
        threads: &Threads,
        state: &mut [Complex<T>],
        x_mask: usize,
        z_mask: usize,
        controls: Controls,
    ) {
        check(state.len(), &[], controls);
        let support = x_mask | z_mask;
        assert!(support < state.len(), "the Pauli string is longer than the state");
        assert!(support & controls.mask() == 0, "a control is a qubit of the Pauli string");
        let gate = Pauli { threads, state, x_mask, z_mask, controls };
        T::apply(self.isa, Gate::Pauli(gate));
    }

    /// Projects on the states whose qubits of `mask` read `value`: their amplitudes are
    /// multiplied by `scale`, all others become 0. With `scale` one over the root of
    /// the outcome's probability, that is the state after a measurement.
    ///
    /// # Panics
    /// Also when `value` has a bit outside `mask`.
    pub fn collapse<T: Real>(
        self,
        threads: &Threads,
        state: &mut [Complex<T>],
        mask: usize,
        value: usize,
        scale: f64,
    ) {
        let outcome = Controls::new(mask, value);
        check(state.len(), &[], outcome);
        let scale = T::narrow(scale);
        T::apply(self.isa, Gate::Collapse(Collapse { threads, state, outcome, scale }));
    }
}

/// A gate with all that it needs, its arguments checked.
#[derive(Debug)]
pub enum Gate<'a, T> {
    OneQubit(OneQubit<'a, T>),
    Dense(Dense<'a, T>),
    Diagonal(Diagonal<'a, T>),
    Exchange(Exchange<'a, T>),
    Pauli(Pauli<'a, T>),
    Collapse(Collapse<'a, T>),
    Sequence(Sequence<'a, T>),
    Interact(Interact<'a, T>),
}

/// Refuses what no pass may see; the passes' memory accesses rely on it.
fn check(len: usize, targets: &[usize], controls: Controls) {
    assert!(len.is_power_of_two(), "a state of {len} amplitudes: not a power of two");
    assert!(controls.mask() < len, "a control lies beyond the {} qubits", len.ilog2());
    let mut seen = controls.mask();
    for &qubit in targets {
        assert!(qubit < len.ilog2() as usize, "qubit {qubit} of {}", len.ilog2());
        assert!(seen >> qubit & 1 == 0, "qubit {qubit} is named twice");
        seen |= 1 << qubit;
    }
}

/// A state that several threads write at once, each its own groups.
pub(crate) struct Shared<'a, T> {
    start: *mut Complex<T>,
    len: usize,
    state: PhantomData<&'a mut [Complex<T>]>,
}

// SAFETY: a `Shared` stands for `&mut [Complex<T>]`, which may be sent.
unsafe impl<T: Send> Send for Shared<'_, T> {}
// SAFETY: all access is through `at`, whose users keep to disjoint groups.
unsafe impl<T: Send> Sync for Shared<'_, T> {}

impl<'a, T> Shared<'a, T> {
    pub(crate) fn new(state: &'a mut [Complex<T>]) -> Self {
        Self { start: state.as_mut_ptr(), len: state.len(), state: PhantomData }
    }

    /// Where amplitude `index` is.
    ///
    /// # Safety
    /// `index` is below the length of the state.
    #[inline(always)]
    pub(crate) unsafe fn at(&self, index: usize) -> *mut Complex<T> {
        debug_assert!(index < self.len);
        // SAFETY: the caller's promise keeps the pointer within the slice.
        unsafe { self.start.add(index) }
    }
}

/// The walk over the vectors that a gate touches, and the controls that are left to
/// decide within a vector.
///
/// The bases of the walk have 0 in the bits of the lanes and of `targets`, so that a
/// base, any of these bits added, is the index of an amplitude; and different groups
/// never share an amplitude.
fn plan<T: Real, S: Simd<T>>(len: usize, targets: usize, controls: Controls) -> (Walk, Controls) {
    let lanes = S::LANES - 1;
    let fixed = lanes | targets | controls.mask();
    let walk = Walk::new(len, fixed, controls.value() & !lanes);
    (walk, Controls::new(controls.mask() & lanes, controls.value() & lanes))
}

/// Runs a pass over every group of a walk. The work of a group is in amplitudes under a
/// one-qubit matrix.
fn sweep<T: Real, S: Simd<T>, P: Pass<T, S, Output = ()>>(
    simd: S,
    threads: &Threads,
    walk: &Walk,
    work_of_group: usize,
    pass: &P,
) {
    let work = walk.groups() * work_of_group;
    threads.split(walk.groups(), work, &|range| simd.vectorize(pass, range));
}

/// 1 or 0, as a complex number.
fn unit<T: Real>(one: bool) -> Complex<T> {
    Complex::new(if one { T::one() } else { T::zero() }, T::zero())
}
