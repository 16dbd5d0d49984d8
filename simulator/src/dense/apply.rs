//! One unitary as the kernels take it.

use ketch_interface::{
    Complex64, Matrix,
    circuit::{Gate, GateOp},
};
use ketch_kernels::{Controls, Kernels, OneQubitGate, Real, Threads};
use num_complex::Complex;

/// A 2x2 matrix, row by row.
pub(crate) type Matrix1<T = f64> = [[Complex<T>; 2]; 2];

/// A unitary on some places of the state, with controls. A place is the index bit of a qubit.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Apply<T> {
    pub(crate) action: Action<T>,
    pub(crate) controls: Controls,
}

/// What is applied, by the kernel that does it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Action<T> {
    One { place: usize, matrix: Matrix1<T> },
    Diagonal1 { place: usize, entries: [Complex<T>; 2] },
    Antidiagonal1 { place: usize, entries: [Complex<T>; 2] },
    X { place: usize },
    Two { places: [usize; 2], matrix: Box<[[Complex<T>; 4]; 4]> },
    Swap { places: [usize; 2] },
    Matrix { places: Box<[usize]>, entries: Box<[Complex<T>]> },
    Diagonal { places: Box<[usize]>, entries: Box<[Complex<T>]> },
    Phase(Complex<T>),
    Pauli { x: usize, z: usize },
}

impl Apply<f64> {
    /// A gate of the table; `None` for the identity. `places` are its controls, then its targets.
    pub(crate) fn of_gate(op: GateOp, params: &[f64], places: &[usize]) -> Option<Self> {
        let (controlling, targets) = places.split_at(usize::from(op.controls));
        let pattern = op.state.bits(op.controls);
        let controls = (0..).zip(controlling).fold(Controls::NONE, |controls, (i, &place)| {
            controls.and(place, op.state.is_all() || pattern >> i & 1 == 1)
        });
        if let Some(matrix) = op.gate.matrix1(params) {
            return Self::of_matrix1(matrix, targets[0], controls);
        }
        if op.gate == Gate::Swap {
            let action = Action::Swap { places: [targets[0], targets[1]] };
            return Some(Self { action, controls });
        }
        Self::of_matrix(&op.gate.matrix(params), targets, controls)
    }

    /// The Pauli string with these masks of X and of Z.
    pub(crate) fn of_string([x, z]: [usize; 2]) -> Self {
        Self { action: Action::Pauli { x, z }, controls: Controls::NONE }
    }

    /// Any unitary; `None` for the identity on one place.
    pub(crate) fn of_matrix(matrix: &Matrix, places: &[usize], controls: Controls) -> Option<Self> {
        let dim = matrix.dim();
        let off_diagonal =
            (0..dim * dim).filter(|i| i / dim != i % dim).map(|i| matrix.entries()[i]);
        let diagonal = off_diagonal.clone().all(|entry| entry == Complex64::ZERO);
        let action = match places {
            [] => Action::Phase(matrix.at(0, 0)),
            [place] => {
                let entries = [0, 1].map(|row| [0, 1].map(|column| matrix.at(row, column)));
                return Self::of_matrix1(entries, *place, controls);
            }
            _ if diagonal => {
                let entries = (0..dim).map(|i| matrix.at(i, i)).collect();
                Action::Diagonal { places: places.into(), entries }
            }
            [low, high] => {
                let rows = std::array::from_fn(|r| std::array::from_fn(|c| matrix.at(r, c)));
                Action::Two { places: [*low, *high], matrix: Box::new(rows) }
            }
            _ => Action::Matrix { places: places.into(), entries: matrix.entries().into() },
        };
        Some(Self { action, controls })
    }

    /// A diagonal; `None` for the identity on one place.
    pub(crate) fn of_diagonal(entries: &[Complex64], places: &[usize]) -> Option<Self> {
        if places.len() <= 1 {
            return Self::of_matrix(&Matrix::diagonal(entries), places, Controls::NONE);
        }
        let action = Action::Diagonal { places: places.into(), entries: entries.into() };
        Some(Self { action, controls: Controls::NONE })
    }

    /// A unitary on one place; `None` for the identity.
    pub(crate) fn of_matrix1(matrix: Matrix1, place: usize, controls: Controls) -> Option<Self> {
        let [[a, b], [c, d]] = matrix;
        let (zero, one) = (Complex64::ZERO, Complex64::ONE);
        let (action, controls) = if b == zero && c == zero {
            match (a == one, d == one) {
                (true, true) => return None,
                (true, false) => (Action::Phase(d), controls.and(place, true)),
                (false, true) => (Action::Phase(a), controls.and(place, false)),
                (false, false) => (Action::Diagonal1 { place, entries: [a, d] }, controls),
            }
        } else if a == zero && d == zero {
            if b == one && c == one {
                (Action::X { place }, controls)
            } else {
                (Action::Antidiagonal1 { place, entries: [b, c] }, controls)
            }
        } else {
            (Action::One { place, matrix }, controls)
        };
        Some(Self { action, controls })
    }

    /// The place and the matrix of a unitary on one place without controls.
    pub(crate) fn as_matrix1(&self) -> Option<(usize, Matrix1)> {
        let (zero, one) = (Complex64::ZERO, Complex64::ONE);
        let mask = self.controls.mask();
        match self.action {
            // A phase with one control is a diagonal on that place.
            Action::Phase(phase) if mask.is_power_of_two() => {
                let at_one = self.controls.value() != 0;
                let (a, d) = if at_one { (one, phase) } else { (phase, one) };
                Some((mask.trailing_zeros() as usize, [[a, zero], [zero, d]]))
            }
            _ if mask != 0 => None,
            Action::One { place, matrix } => Some((place, matrix)),
            Action::Diagonal1 { place, entries: [a, d] } => Some((place, [[a, zero], [zero, d]])),
            Action::Antidiagonal1 { place, entries: [b, c] } => {
                Some((place, [[zero, b], [c, zero]]))
            }
            Action::X { place } => Some((place, [[zero, one], [one, zero]])),
            _ => None,
        }
    }
}

impl Apply<f64> {
    /// The matrix on these places, which are all that it touches, column by column from what it
    /// does to basis states.
    pub(crate) fn matrix(&self, places: &[usize]) -> Matrix {
        let dim = 1 << places.len();
        let place_of = |place: usize| places.iter().position(|&p| p == place);
        let small = self.mapped(|place| place_of(place).expect("the places are those it touches"));
        let mut entries = vec![Complex64::ZERO; dim * dim];
        let mut state = vec![Complex64::ZERO; dim];
        for column in 0..dim {
            state.fill(Complex64::ZERO);
            state[column] = Complex64::ONE;
            small.run(Kernels::detect(), &Threads::serial(), &mut state);
            for (row, amplitude) in state.iter().enumerate() {
                entries[row * dim + column] = *amplitude;
            }
        }
        Matrix::new(dim, entries).expect("dim² entries")
    }
}

impl<T: Real> Apply<T> {
    /// As a matrix on one place with controls, if it is one.
    pub(crate) fn as_one_qubit_gate(&self) -> Option<OneQubitGate<T>> {
        let (zero, one) = (Complex::new(T::zero(), T::zero()), Complex::new(T::one(), T::zero()));
        let mut controls = self.controls;
        let (qubit, matrix) = match self.action {
            Action::One { place, matrix } => (place, matrix),
            Action::Diagonal1 { place, entries: [a, d] } => (place, [[a, zero], [zero, d]]),
            Action::Antidiagonal1 { place, entries: [b, c] } => (place, [[zero, b], [c, zero]]),
            Action::X { place } => (place, [[zero, one], [one, zero]]),
            Action::Phase(phase) if controls != Controls::NONE => {
                // A diagonal on any of the controls.
                let (mask, value) = (controls.mask(), controls.value());
                let bit = 1 << mask.trailing_zeros();
                controls = Controls::new(mask & !bit, value & !bit);
                let (a, d) = if value & bit != 0 { (one, phase) } else { (phase, one) };
                (mask.trailing_zeros() as usize, [[a, zero], [zero, d]])
            }
            _ => return None,
        };
        Some(OneQubitGate { qubit, matrix, controls })
    }

    /// The same in another precision.
    pub(crate) fn cast<U: Real>(&self) -> Apply<U> {
        let n = |c: Complex<T>| Complex::new(U::narrow(c.re.widen()), U::narrow(c.im.widen()));
        let all = |entries: &[Complex<T>]| entries.iter().map(|&c| n(c)).collect();
        let action = match &self.action {
            Action::One { place, matrix } => {
                Action::One { place: *place, matrix: matrix.map(|row| row.map(n)) }
            }
            Action::Diagonal1 { place, entries } => {
                Action::Diagonal1 { place: *place, entries: entries.map(n) }
            }
            Action::Antidiagonal1 { place, entries } => {
                Action::Antidiagonal1 { place: *place, entries: entries.map(n) }
            }
            Action::X { place } => Action::X { place: *place },
            Action::Two { places, matrix } => {
                Action::Two { places: *places, matrix: Box::new(matrix.map(|row| row.map(n))) }
            }
            Action::Swap { places } => Action::Swap { places: *places },
            Action::Matrix { places, entries } => {
                Action::Matrix { places: places.clone(), entries: all(entries) }
            }
            Action::Diagonal { places, entries } => {
                Action::Diagonal { places: places.clone(), entries: all(entries) }
            }
            Action::Phase(phase) => Action::Phase(n(*phase)),
            Action::Pauli { x, z } => Action::Pauli { x: *x, z: *z },
        };
        Apply { action, controls: self.controls }
    }

    /// The same on other places.
    pub(crate) fn mapped(&self, to: impl Fn(usize) -> usize) -> Self {
        let moved = |mask: usize| {
            let bits = (0..usize::BITS as usize).filter(|bit| mask >> bit & 1 == 1);
            bits.fold(0, |moved, bit| moved | 1 << to(bit))
        };
        let all = |places: &[usize]| places.iter().map(|&place| to(place)).collect();
        let action = match &self.action {
            Action::One { place, matrix } => Action::One { place: to(*place), matrix: *matrix },
            Action::Diagonal1 { place, entries } => {
                Action::Diagonal1 { place: to(*place), entries: *entries }
            }
            Action::Antidiagonal1 { place, entries } => {
                Action::Antidiagonal1 { place: to(*place), entries: *entries }
            }
            Action::X { place } => Action::X { place: to(*place) },
            Action::Two { places, matrix } => {
                Action::Two { places: places.map(&to), matrix: matrix.clone() }
            }
            Action::Swap { places } => Action::Swap { places: places.map(&to) },
            Action::Matrix { places, entries } => {
                Action::Matrix { places: all(places), entries: entries.clone() }
            }
            Action::Diagonal { places, entries } => {
                Action::Diagonal { places: all(places), entries: entries.clone() }
            }
            Action::Phase(phase) => Action::Phase(*phase),
            Action::Pauli { x, z } => Action::Pauli { x: moved(*x), z: moved(*z) },
        };
        let controls = Controls::new(moved(self.controls.mask()), moved(self.controls.value()));
        Self { action, controls }
    }

    /// The matrix with all entries conjugated.
    pub(crate) fn conjugate(&self) -> Self {
        let c = |entry: Complex<T>| entry.conj();
        let all = |entries: &[Complex<T>]| entries.iter().map(Complex::conj).collect();
        let action = match &self.action {
            Action::One { place, matrix } => {
                Action::One { place: *place, matrix: matrix.map(|row| row.map(c)) }
            }
            Action::Diagonal1 { place, entries } => {
                Action::Diagonal1 { place: *place, entries: entries.map(c) }
            }
            Action::Antidiagonal1 { place, entries } => {
                Action::Antidiagonal1 { place: *place, entries: entries.map(c) }
            }
            Action::X { place } => Action::X { place: *place },
            Action::Two { places, matrix } => {
                Action::Two { places: *places, matrix: Box::new(matrix.map(|row| row.map(c))) }
            }
            Action::Swap { places } => Action::Swap { places: *places },
            Action::Matrix { places, entries } => {
                Action::Matrix { places: places.clone(), entries: all(entries) }
            }
            Action::Diagonal { places, entries } => {
                Action::Diagonal { places: places.clone(), entries: all(entries) }
            }
            Action::Phase(phase) => Action::Phase(c(*phase)),
            // Y is imaginary, so the conjugate may be the negative of a string.
            Action::Pauli { .. } => unreachable!("strings are lowered letter by letter"),
        };
        Self { action, controls: self.controls }
    }

    /// The inverse of a unitary.
    pub(crate) fn adjoint(&self) -> Self {
        let transposed = |entries: &[Complex<T>]| {
            let dim = entries.len().isqrt();
            (0..entries.len()).map(|at| entries[at % dim * dim + at / dim].conj()).collect()
        };
        let action = match &self.action {
            Action::One { place, matrix: [[a, b], [c, d]] } => {
                let matrix = [[a.conj(), c.conj()], [b.conj(), d.conj()]];
                Action::One { place: *place, matrix }
            }
            Action::Antidiagonal1 { place, entries: [b, c] } => {
                Action::Antidiagonal1 { place: *place, entries: [c.conj(), b.conj()] }
            }
            Action::Two { places, matrix } => {
                let entry = |row: usize, column: usize| matrix[column][row].conj();
                let rows = std::array::from_fn(|r| std::array::from_fn(|c| entry(r, c)));
                Action::Two { places: *places, matrix: Box::new(rows) }
            }
            Action::Matrix { places, entries } => {
                Action::Matrix { places: places.clone(), entries: transposed(entries) }
            }
            // A string is its own inverse.
            Action::Pauli { .. } => return self.clone(),
            _ => return self.conjugate(),
        };
        Self { action, controls: self.controls }
    }

    /// The places it touches, as a mask.
    pub(crate) fn mask(&self) -> usize {
        let acted = match &self.action {
            Action::One { place, .. }
            | Action::Diagonal1 { place, .. }
            | Action::Antidiagonal1 { place, .. }
            | Action::X { place } => 1 << place,
            Action::Two { places, .. } | Action::Swap { places } => mask(places),
            Action::Matrix { places, .. } | Action::Diagonal { places, .. } => mask(places),
            Action::Phase(_) => 0,
            Action::Pauli { x, z } => x | z,
        };
        acted | self.controls.mask()
    }

    /// The places whose basis states it mixes or moves, as a mask; the others it only looks at.
    pub(crate) fn moved(&self) -> usize {
        match &self.action {
            Action::One { place, .. }
            | Action::Antidiagonal1 { place, .. }
            | Action::X { place } => 1 << place,
            Action::Two { places, .. } | Action::Swap { places } => mask(places),
            Action::Matrix { places, .. } => mask(places),
            Action::Diagonal1 { .. } | Action::Diagonal { .. } | Action::Phase(_) => 0,
            Action::Pauli { x, z } => x | z,
        }
    }

    /// Applies it.
    pub(crate) fn run(&self, kernels: Kernels, threads: &Threads, state: &mut [Complex<T>]) {
        let controls = self.controls;
        match &self.action {
            Action::One { place, matrix } => {
                kernels.apply_1q(threads, state, *place, matrix, controls);
            }
            Action::Diagonal1 { place, entries } => {
                kernels.apply_diagonal_1q(threads, state, *place, *entries, controls);
            }
            Action::Antidiagonal1 { place, entries } => {
                kernels.apply_antidiagonal_1q(threads, state, *place, *entries, controls);
            }
            Action::X { place } => kernels.apply_x(threads, state, *place, controls),
            Action::Two { places, matrix } => {
                kernels.apply_2q(threads, state, *places, matrix, controls);
            }
            Action::Swap { places } => kernels.apply_swap(threads, state, *places, controls),
            Action::Matrix { places, entries } => {
                kernels.apply_matrix(threads, state, places, entries, controls);
            }
            Action::Diagonal { places, entries } => {
                kernels.apply_diagonal(threads, state, places, entries, controls);
            }
            Action::Phase(phase) => kernels.apply_phase(threads, state, *phase, controls),
            Action::Pauli { x, z } => kernels.apply_pauli(threads, state, *x, *z, controls),
        }
    }
}

/// The product of two matrices: `first` acts first.
pub(crate) fn product(second: &Matrix1, first: &Matrix1) -> Matrix1 {
    let entry = |row: usize, column: usize| {
        second[row][0] * first[0][column] + second[row][1] * first[1][column]
    };
    [[entry(0, 0), entry(0, 1)], [entry(1, 0), entry(1, 1)]]
}

/// The bits of these places.
pub(crate) fn mask(places: &[usize]) -> usize {
    places.iter().fold(0, |mask, place| mask | 1 << place)
}

/// The places of a mask.
pub(crate) fn bits(mask: usize) -> impl Iterator<Item = usize> {
    let mut rest = mask;
    std::iter::from_fn(move || {
        let bit = (rest != 0).then(|| rest.trailing_zeros() as usize)?;
        rest &= rest - 1;
        Some(bit)
    })
}

/// The masks of a Pauli string whose rightmost letter acts on the first place.
pub(crate) fn pauli_masks(letters: &str, places: &[usize]) -> (usize, usize) {
    let mut masks = (0, 0);
    for (letter, place) in letters.bytes().rev().zip(places) {
        let bit = 1 << place;
        masks.0 |= if matches!(letter, b'X' | b'Y') { bit } else { 0 };
        masks.1 |= if matches!(letter, b'Z' | b'Y') { bit } else { 0 };
    }
    masks
}
