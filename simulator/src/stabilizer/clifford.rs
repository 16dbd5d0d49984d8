//! Clifford gates: a few elementary ones, and how any other is made of them.
//!
//! A unitary is recognised by its matrix: it is Clifford if it maps every X and every Z to a Pauli
//! string, and those images are all that matters of it but for a phase. Elementary gates that turn
//! the images back into X and Z, undone in reverse order, are the circuit (as in Aaronson and
//! Gottesman, "Improved simulation of stabilizer circuits", quant-ph/0406196, section VI).

use ketch_interface::{Complex64, Matrix};

/// The most qubits of a matrix that is looked at.
pub(super) const MAX_QUBITS: u32 = 6;

/// How far an entry may be from that of a Pauli string.
const TOLERANCE: f64 = 1e-9;

/// An elementary gate on places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Clifford {
    X(u32),
    Y(u32),
    Z(u32),
    H(u32),
    S(u32),
    Sdg(u32),
    SqrtX(u32),
    SqrtXdg(u32),
    Cx(u32, u32),
    Cz(u32, u32),
    Swap(u32, u32),
}

use Clifford::{Cx, Cz, H, S, Sdg, SqrtX, SqrtXdg, Swap, X, Y, Z};

impl Clifford {
    /// The same gate on other places: place `p` becomes `to(p)`.
    pub(super) fn moved(self, to: impl Fn(u32) -> u32) -> Self {
        match self {
            X(q) => X(to(q)),
            Y(q) => Y(to(q)),
            Z(q) => Z(to(q)),
            H(q) => H(to(q)),
            S(q) => S(to(q)),
            Sdg(q) => Sdg(to(q)),
            SqrtX(q) => SqrtX(to(q)),
            SqrtXdg(q) => SqrtXdg(to(q)),
            Cx(c, t) => Cx(to(c), to(t)),
            Cz(a, b) => Cz(to(a), to(b)),
            Swap(a, b) => Swap(to(a), to(b)),
        }
    }

    /// The places that it acts on; the second is the first again for one place.
    pub(super) fn places(self) -> [u32; 2] {
        match self {
            X(q) | Y(q) | Z(q) | H(q) | S(q) | Sdg(q) | SqrtX(q) | SqrtXdg(q) => [q, q],
            Cx(a, b) | Cz(a, b) | Swap(a, b) => [a, b],
        }
    }

    fn inverse(self) -> Self {
        match self {
            S(q) => Sdg(q),
            Sdg(q) => S(q),
            SqrtX(q) => SqrtXdg(q),
            SqrtXdg(q) => SqrtX(q),
            same => same,
        }
    }
}

/// A Pauli string on few qubits: `i^phase X^x Z^z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SmallPauli {
    pub(super) x: u32,
    pub(super) z: u32,
    pub(super) phase: u8,
}

impl SmallPauli {
    /// `gate · self · gate†`.
    fn turned(mut self, gate: Clifford) -> Self {
        let x = |q: u32| (self.x >> q & 1) as u8;
        let z = |q: u32| (self.z >> q & 1) as u8;
        let turns = match gate {
            X(q) => 2 * z(q),
            Y(q) => 2 * (x(q) + z(q)),
            Z(q) => 2 * x(q),
            H(q) => 2 * (x(q) & z(q)),
            S(q) => x(q),
            Sdg(q) => 3 * x(q),
            SqrtX(q) => 3 * z(q),
            SqrtXdg(q) => z(q),
            Cz(a, b) => 2 * (x(a) & x(b)),
            Cx(..) | Swap(..) => 0,
        };
        let exchanged = |bits: u32, a: u32, b: u32| {
            let differ = (bits >> a ^ bits >> b) & 1;
            bits ^ differ << a ^ differ << b
        };
        match gate {
            X(_) | Y(_) | Z(_) => {}
            H(q) => {
                let differ = (self.x ^ self.z) & 1 << q;
                (self.x, self.z) = (self.x ^ differ, self.z ^ differ);
            }
            S(q) | Sdg(q) => self.z ^= self.x & 1 << q,
            SqrtX(q) | SqrtXdg(q) => self.x ^= self.z & 1 << q,
            Cx(c, t) => {
                self.x ^= (self.x >> c & 1) << t;
                self.z ^= (self.z >> t & 1) << c;
            }
            Cz(a, b) => self.z ^= (self.x >> a & 1) << b ^ (self.x >> b & 1) << a,
            Swap(a, b) => {
                (self.x, self.z) = (exchanged(self.x, a, b), exchanged(self.z, a, b));
            }
        }
        self.phase = (self.phase + turns) & 3;
        self
    }

    /// The string that a matrix is, and a factor of modulus 1 beyond the phase if `any_phase`.
    fn of(matrix: &Matrix) -> Option<Self> {
        let dim = matrix.dim();
        let x = (0..dim).find(|&row| matrix.at(row, 0).norm() > 0.5)?;
        let first = matrix.at(x, 0);
        let phase = (0..4_u8).find(|&power| (first - i_to(power)).norm() < TOLERANCE)?;
        let z = signs(matrix, x, first)?;
        Some(Self { x: x as u32, z, phase })
    }
}

/// i to a power.
fn i_to(power: u8) -> Complex64 {
    [Complex64::ONE, Complex64::I, -Complex64::ONE, -Complex64::I][usize::from(power & 3)]
}

/// The Z part of the matrix `first · X^x Z^z`; `None` if it is no such matrix.
fn signs(matrix: &Matrix, x: usize, first: Complex64) -> Option<u32> {
    let dim = matrix.dim();
    let is_minus = |column: usize| (matrix.at(column ^ x, column) / first).re < 0.0;
    let bits = 0..dim.trailing_zeros();
    let z = bits.filter(|bit| is_minus(1 << bit)).fold(0, |z, bit| z | 1_usize << bit);
    let scale = first.norm();
    for column in 0..dim {
        for row in 0..dim {
            let expected = match row ^ column == x {
                true if (column & z).count_ones() % 2 == 1 => -first,
                true => first,
                false => Complex64::ZERO,
            };
            let off = (matrix.at(row, column) - expected).norm();
            // Written so that a NaN is off.
            if !matches!(off.partial_cmp(&(TOLERANCE * scale)), Some(std::cmp::Ordering::Less)) {
                return None;
            }
        }
    }
    Some(z as u32)
}

/// The X and Z parts of a matrix that is a number times a Pauli string, and the squared modulus of
/// the number. 0 for the matrix 0.
pub(super) fn scaled_pauli(matrix: &Matrix) -> Option<(u32, u32, f64)> {
    let norm = (0..matrix.dim()).map(|row| matrix.at(row, 0).norm_sqr()).sum::<f64>();
    if matrix.entries().iter().all(|entry| entry.norm_sqr() < TOLERANCE * TOLERANCE) {
        return Some((0, 0, 0.0));
    }
    let x = (0..matrix.dim()).find(|&row| matrix.at(row, 0).norm_sqr() > 0.5 * norm)?;
    let z = signs(matrix, x, matrix.at(x, 0))?;
    Some((x as u32, z, norm))
}

/// Elementary gates on the qubits of a matrix that do what it does but for a phase; `None` if it is
/// not Clifford or has more than [`MAX_QUBITS`].
pub(super) fn decompose(matrix: &Matrix) -> Option<Vec<Clifford>> {
    let n = matrix.n_qubits().filter(|n| *n <= MAX_QUBITS)?;
    let adjoint = matrix.adjoint();
    let image = |x: usize, z: usize| SmallPauli::of(&times_pauli(matrix, x, z).product(&adjoint));
    let mut images = Vec::with_capacity(n as usize);
    for qubit in 0..n {
        images.push([image(1 << qubit, 0)?, image(0, 1 << qubit)?]);
    }
    Some(undone(images, n))
}

/// `matrix · X^x Z^z`.
fn times_pauli(matrix: &Matrix, x: usize, z: usize) -> Matrix {
    let dim = matrix.dim();
    let entry = |row: usize, column: usize| {
        let sign = if (column & z).count_ones() % 2 == 1 { -1.0 } else { 1.0 };
        matrix.at(row, column ^ x) * sign
    };
    let entries = (0..dim * dim).map(|i| entry(i / dim, i % dim)).collect();
    Matrix::new(dim, entries).expect("dim² entries were made")
}

/// The gates that map X and Z of each of `n` qubits to these images.
fn undone(mut images: Vec<[SmallPauli; 2]>, n: u32) -> Vec<Clifford> {
    let mut gates: Vec<Clifford> = Vec::new();
    for qubit in 0..n {
        let at = qubit as usize;
        let mut turn = |images: &mut Vec<[SmallPauli; 2]>, gate: Clifford| {
            images.iter_mut().flatten().for_each(|image| *image = image.turned(gate));
            gates.push(gate);
        };
        // The image of X becomes X on `qubit` but for the sign.
        for other in qubit..n {
            let SmallPauli { x, z, .. } = images[at][0];
            match (x >> other & 1, z >> other & 1) {
                (1, 1) => turn(&mut images, Sdg(other)),
                (0, 1) => turn(&mut images, H(other)),
                _ => {}
            }
        }
        let pivot = images[at][0].x.trailing_zeros();
        if pivot != qubit {
            turn(&mut images, Swap(qubit, pivot));
        }
        for other in qubit + 1..n {
            if images[at][0].x >> other & 1 == 1 {
                turn(&mut images, Cx(qubit, other));
            }
        }
        // The image of Z becomes Z on `qubit`: it has a Z part there, for it anticommutes with X.
        if images[at][1].x >> qubit & 1 == 1 {
            turn(&mut images, SqrtX(qubit));
        }
        for other in qubit + 1..n {
            let SmallPauli { x, z, .. } = images[at][1];
            if x >> other & 1 == 1 {
                if z >> other & 1 == 1 {
                    turn(&mut images, Sdg(other));
                }
                turn(&mut images, H(other));
            }
            if images[at][1].z >> other & 1 == 1 {
                turn(&mut images, Cx(other, qubit));
            }
        }
        match images[at].map(|image| image.phase == 2) {
            [true, true] => turn(&mut images, Y(qubit)),
            [true, false] => turn(&mut images, Z(qubit)),
            [false, true] => turn(&mut images, X(qubit)),
            [false, false] => {}
        }
    }
    gates.into_iter().rev().map(Clifford::inverse).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ketch_interface::circuit::{GATES, Gate};
    use std::f64::consts::{FRAC_PI_2, PI};

    use crate::reference::applied;

    /// The matrix of elementary gates on `n` qubits.
    fn matrix_of(gates: &[Clifford], n: u32) -> Matrix {
        let dim = 1 << n;
        let mut columns: Vec<Vec<Complex64>> = (0..dim)
            .map(|column| {
                let mut state = vec![Complex64::ZERO; dim];
                state[column] = Complex64::ONE;
                state
            })
            .collect();
        for gate in gates {
            let (matrix, qubits) = elementary(*gate);
            for column in &mut columns {
                *column = applied(&matrix, &qubits, column);
            }
        }
        let entries = (0..dim * dim).map(|i| columns[i % dim][i / dim]).collect();
        Matrix::new(dim, entries).unwrap()
    }

    fn elementary(gate: Clifford) -> (Matrix, Vec<usize>) {
        let [a, b] = gate.places().map(|place| place as usize);
        let one = |gate: Gate| (gate.matrix(&[]), vec![a]);
        match gate {
            X(_) => one(Gate::X),
            Y(_) => one(Gate::Y),
            Z(_) => one(Gate::Z),
            H(_) => one(Gate::H),
            S(_) => one(Gate::S),
            Sdg(_) => one(Gate::Sdg),
            SqrtX(_) => one(Gate::Sx),
            SqrtXdg(_) => one(Gate::Sxdg),
            Cx(..) => (Gate::X.matrix(&[]).controlled(1, 1), vec![a, b]),
            Cz(..) => (Gate::Z.matrix(&[]).controlled(1, 1), vec![a, b]),
            Swap(..) => (Gate::Swap.matrix(&[]), vec![a, b]),
        }
    }

    fn assert_recognised(matrix: &Matrix, what: &str) {
        let n = matrix.n_qubits().unwrap();
        let gates = decompose(matrix).unwrap_or_else(|| panic!("{what} is Clifford"));
        let product = matrix_of(&gates, n).adjoint().product(matrix);
        let phase = product.at(0, 0);
        let scaled = Matrix::diagonal(&vec![phase; product.dim()]);
        assert!((phase.norm() - 1.0).abs() < 1e-12, "{what}: {gates:?}");
        assert!(product.distance(&scaled) < 1e-12, "{what}: {gates:?}");
    }

    /// Every gate of the table at all multiples of π/2 that make it Clifford, with up to two
    /// controls: the gates that are found do what the matrix does.
    #[test]
    fn every_clifford_gate_of_the_table_is_recognised() {
        let mut n_recognised = 0;
        for info in GATES.iter().filter(|info| info.n_qubits > 0) {
            let n_angles = 8_usize.pow(info.n_params);
            for angles in 0..n_angles.min(512) {
                let angle = |place: u32| (angles / 8_usize.pow(place) % 8) as f64 * FRAC_PI_2;
                let params: Vec<f64> = (0..info.n_params).map(angle).collect();
                for n_controls in 0..=2 {
                    let matrix = info.gate.matrix(&params).controlled(n_controls, 0);
                    let what = format!("{n_controls} controls, {} {params:?}", info.name);
                    if decompose(&matrix).is_some() {
                        assert_recognised(&matrix, &what);
                        n_recognised += 1;
                    } else {
                        assert!(!info.clifford || n_controls > 0, "{what}");
                    }
                }
            }
        }
        assert!(n_recognised > 700, "{n_recognised}");
    }

    #[test]
    fn random_products_on_up_to_four_qubits_are_recognised() {
        let mut random = crate::rng::ShotRandom::new(5, 0);
        let mut draw = |n: u32| (random.uniform() * f64::from(n)) as u32;
        for n in 1..=4 {
            for _ in 0..40 {
                let gates: Vec<_> = (0..6 * n)
                    .map(|_| {
                        let a = draw(n);
                        let b = (a + 1 + draw(n.max(2) - 1)) % n;
                        match draw(if n > 1 { 11 } else { 8 }) {
                            0 => X(a),
                            1 => Y(a),
                            2 => Z(a),
                            3 => H(a),
                            4 => S(a),
                            5 => Sdg(a),
                            6 => SqrtX(a),
                            7 => SqrtXdg(a),
                            8 => Cx(a, b),
                            9 => Cz(a, b),
                            _ => Swap(a, b),
                        }
                    })
                    .collect();
                assert_recognised(&matrix_of(&gates, n), &format!("{gates:?}"));
            }
        }
    }

    #[test]
    fn what_is_not_clifford_is_told_from_what_is() {
        assert!(decompose(&Gate::T.matrix(&[])).is_none());
        assert!(decompose(&Gate::Rx.matrix(&[FRAC_PI_2 + 1e-6])).is_none());
        assert!(decompose(&Gate::Rx.matrix(&[FRAC_PI_2 + 1e-12])).is_some());
        assert!(decompose(&Gate::X.matrix(&[]).controlled(2, 3)).is_none());
        assert!(decompose(&Gate::H.matrix(&[]).controlled(1, 1)).is_none());
        assert!(decompose(&Gate::Rzz.matrix(&[PI / 3.0])).is_none());
        assert!(decompose(&Matrix::diagonal(&[Complex64::new(f64::NAN, 0.0); 2])).is_none());
    }
}
