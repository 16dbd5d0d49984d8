//! The Cartan decomposition of a two-qubit unitary.
//!
//! Every `U` is `exp(iγ) · (A₁⊗A₀) · exp(i(x XX + y YY + z ZZ)) · (B₁⊗B₀)` with
//! `π/4 ≥ x ≥ y ≥ |z|` (Kraus and Cirac, arXiv:quant-ph/0011050). In the magic basis the local
//! factors are real orthogonal and the middle is diagonal, so `UᵀU` there is diagonalised by a real
//! rotation. Its real and imaginary parts commute and are diagonalised together by Jacobi's method,
//! which needs no distinct eigenvalues.

use std::f64::consts::{FRAC_PI_2, FRAC_PI_4};

use crate::linear::{C, M2, M4, TOLERANCE, X, Y, Z, adjoint, identity_phase, kron, mul, scale};

/// The factors of a two-qubit unitary; of each pair of one-qubit factors the first acts on the
/// first qubit.
#[derive(Clone, Debug)]
pub(crate) struct Kak {
    pub(crate) phase: f64,
    pub(crate) after: [M2; 2],
    /// x, y and z.
    pub(crate) coordinates: [f64; 3],
    pub(crate) before: [M2; 2],
}

/// Coordinates of rounding errors are taken for 0 and π/4.
const NEAR: f64 = 1e-9;

impl Kak {
    /// Decomposes a unitary.
    pub(crate) fn of(u: &M4) -> Self {
        let magic = magic();
        let inside = mul(&mul(&adjoint(&magic), u), &magic);
        let gram = mul(&transposed(&inside), &inside);
        let mut p = diagonalise(&gram);
        if determinant(&p) < 0.0 {
            p.iter_mut().for_each(|row| row[0] = -row[0]);
        }
        let p: M4 = p.map(|row| row.map(|entry| C::new(entry, 0.0)));
        let diagonal = mul(&mul(&transposed(&p), &gram), &p);
        let mut theta: [f64; 4] = std::array::from_fn(|k| diagonal[k][k].arg() / 2.0);
        let mut k1 = left_factor(&inside, &p, &theta);
        if determinant(&k1.map(|row| row.map(|entry| entry.re))) < 0.0 {
            theta[0] += std::f64::consts::PI;
            k1 = left_factor(&inside, &p, &theta);
        }
        let (after, after_phase) = split(&mul(&mul(&magic, &k1), &adjoint(&magic)));
        let (before, before_phase) = split(&mul(&mul(&magic, &transposed(&p)), &adjoint(&magic)));
        // The columns of the magic basis are eigenvectors of XX, YY and ZZ.
        let [phi_plus, phi_minus, psi_plus, psi_minus] = theta;
        let coordinates = [
            (phi_plus + psi_plus - phi_minus - psi_minus) / 4.0,
            (phi_minus + psi_plus - phi_plus - psi_minus) / 4.0,
            (phi_plus + phi_minus - psi_plus - psi_minus) / 4.0,
        ];
        let phase = theta.iter().sum::<f64>() / 4.0 + after_phase + before_phase;
        let mut kak = Self { phase, after, coordinates, before };
        kak.move_to_chamber();
        kak
    }

    /// The least number of `cx` (0 to 3) that make this unitary.
    pub(crate) fn cx_count(&self) -> usize {
        let [x, y, z] = self.coordinates;
        match () {
            () if x < NEAR => 0,
            () if (x - FRAC_PI_4).abs() < NEAR && y < NEAR => 1,
            () if z.abs() < NEAR => 2,
            () => 3,
        }
    }

    /// The number of coordinates that are not 0: how many Ising interactions make this unitary.
    pub(crate) fn ising_count(&self) -> usize {
        self.coordinates.iter().filter(|c| c.abs() >= NEAR).count()
    }

    fn move_to_chamber(&mut self) {
        const PAULIS: [M2; 3] = [X, Y, Z];
        // exp(iπ/2 σσ) = i σσ: a shift by π/2 moves a Pauli into the local factors.
        for (axis, pauli) in PAULIS.iter().enumerate() {
            let shifts = ((self.coordinates[axis] - NEAR) / FRAC_PI_2).round();
            self.coordinates[axis] -= shifts * FRAC_PI_2;
            self.phase += shifts * FRAC_PI_2;
            if shifts.rem_euclid(2.0) == 1.0 {
                self.after = self.after.map(|a| mul(&a, pauli));
            }
        }
        for (a, b) in [(0, 1), (1, 2), (0, 1)] {
            if self.coordinates[a].abs() < self.coordinates[b].abs() {
                self.exchange(a, b);
            }
        }
        // Conjugation of one qubit by the third axis's Pauli negates two coordinates.
        let [x, y, _] = self.coordinates.map(|c| c < 0.0);
        match (x, y) {
            (true, true) => self.negate(0, 1, &Z),
            (true, false) => self.negate(0, 2, &Y),
            (false, true) => self.negate(1, 2, &X),
            (false, false) => {}
        }
    }

    fn exchange(&mut self, a: usize, b: usize) {
        let r = std::f64::consts::FRAC_1_SQRT_2;
        let (i, one) = (C::new(0.0, r), C::new(r, 0.0));
        // A quarter turn about the axis that stays.
        let turn: M2 = match 3 - a - b {
            0 => [[one, -i], [-i, one]],
            1 => [[one, -one], [one, one]],
            _ => [[one - i, C::ZERO], [C::ZERO, one + i]],
        };
        self.coordinates.swap(a, b);
        self.after = self.after.map(|m| mul(&m, &turn));
        self.before = self.before.map(|m| mul(&adjoint(&turn), &m));
    }

    fn negate(&mut self, a: usize, b: usize, pauli: &M2) {
        self.coordinates[a] = -self.coordinates[a];
        self.coordinates[b] = -self.coordinates[b];
        self.after[0] = mul(&self.after[0], pauli);
        self.before[0] = mul(pauli, &self.before[0]);
    }
}

/// Whether `a` is a tensor product of one-qubit matrices, without decomposing it in full.
pub(crate) fn as_product(a: &M4) -> Option<([M2; 2], f64)> {
    let (factors, phase) = split(a);
    let product = scale(&kron(&factors[1], &factors[0]), C::cis(phase));
    identity_phase(&mul(&adjoint(&product), a)).is_some().then_some((factors, phase))
}

/// The Bell states, with the phases that make local rotations real.
fn magic() -> M4 {
    let r = C::new(std::f64::consts::FRAC_1_SQRT_2, 0.0);
    let (i, o) = (r * C::I, C::ZERO);
    [[r, i, o, o], [o, o, i, r], [o, o, i, -r], [r, -i, o, o]]
}

fn transposed(a: &M4) -> M4 {
    std::array::from_fn(|i| std::array::from_fn(|j| a[j][i]))
}

fn left_factor(inside: &M4, p: &M4, theta: &[f64; 4]) -> M4 {
    let mut k1 = mul(inside, p);
    for row in &mut k1 {
        row.iter_mut().zip(theta).for_each(|(entry, theta)| *entry *= C::cis(-theta));
    }
    k1
}

fn determinant(a: &[[f64; 4]; 4]) -> f64 {
    let minor = |r: [usize; 2], c: [usize; 2]| {
        a[r[0]][c[0]] * a[r[1]][c[1]] - a[r[0]][c[1]] * a[r[1]][c[0]]
    };
    const PAIRS: [([usize; 2], [usize; 2], f64); 6] = [
        ([0, 1], [2, 3], 1.0),
        ([0, 2], [1, 3], -1.0),
        ([0, 3], [1, 2], 1.0),
        ([1, 2], [0, 3], 1.0),
        ([1, 3], [0, 2], -1.0),
        ([2, 3], [0, 1], 1.0),
    ];
    PAIRS.iter().map(|&(c, d, sign)| sign * minor([0, 1], c) * minor([2, 3], d)).sum()
}

/// A tensor product's factors, of determinant 1, and its phase.
fn split(a: &M4) -> ([M2; 2], f64) {
    let block = |i: usize, j: usize| -> M2 {
        [[a[2 * i][2 * j], a[2 * i][2 * j + 1]], [a[2 * i + 1][2 * j], a[2 * i + 1][2 * j + 1]]]
    };
    let size = |m: &M2| m.as_flattened().iter().map(C::norm_sqr).sum::<f64>();
    let blocks = [block(0, 0), block(0, 1)];
    let largest = if size(&blocks[0]) >= size(&blocks[1]) { blocks[0] } else { blocks[1] };
    let low = special(&largest);
    // high[i][j] is half the trace of low† · block.
    let inner = |m: &M2| {
        low.as_flattened().iter().zip(m.as_flattened()).map(|(a, b)| a.conj() * b).sum::<C>() / 2.0
    };
    let high =
        [[inner(&block(0, 0)), inner(&block(0, 1))], [inner(&block(1, 0)), inner(&block(1, 1))]];
    let special_high = special(&high);
    let phase = crate::linear::relative_phase(&high, &special_high);
    ([low, special_high], phase)
}

/// Scaled to determinant 1.
fn special(a: &M2) -> M2 {
    let determinant = a[0][0] * a[1][1] - a[0][1] * a[1][0];
    scale(a, C::ONE / determinant.sqrt())
}

/// The rotation whose columns diagonalise a symmetric unitary: joint Jacobi rotations of its real
/// and imaginary part (Cardoso and Souloumiac, SIAM J. Matrix Anal. Appl. 17, 1996).
fn diagonalise(gram: &M4) -> [[f64; 4]; 4] {
    let mut parts = [gram.map(|row| row.map(|c| c.re)), gram.map(|row| row.map(|c| c.im))];
    let mut p: [[f64; 4]; 4] =
        std::array::from_fn(|i| std::array::from_fn(|j| f64::from(u8::from(i == j))));
    // Convergence is quadratic: a handful of sweeps. The bound only guards against NaN.
    for _ in 0..40 {
        let mut largest = 0.0_f64;
        for i in 0..4 {
            for j in i + 1..4 {
                let (mut on, mut off) = (0.0, 0.0);
                for m in &parts {
                    let (d, s) = (m[i][i] - m[j][j], 2.0 * m[i][j]);
                    on += d * d - s * s;
                    off += 2.0 * d * s;
                }
                let (sin, cos) = (0.25 * f64::atan2(off, on)).sin_cos();
                if sin.abs() < 1e-16 {
                    continue;
                }
                largest = largest.max(parts.iter().map(|m| m[i][j].abs()).fold(0.0, f64::max));
                for m in &mut parts {
                    rotate_columns(m, i, j, sin, cos);
                    rotate_rows(m, i, j, sin, cos);
                }
                rotate_columns(&mut p, i, j, sin, cos);
            }
        }
        if largest < TOLERANCE * 1e-5 {
            break;
        }
    }
    p
}

fn rotate_columns(m: &mut [[f64; 4]; 4], i: usize, j: usize, sin: f64, cos: f64) {
    for row in m {
        (row[i], row[j]) = (cos * row[i] + sin * row[j], cos * row[j] - sin * row[i]);
    }
}

fn rotate_rows(m: &mut [[f64; 4]; 4], i: usize, j: usize, sin: f64, cos: f64) {
    let (a, b) = (m[i], m[j]);
    for k in 0..4 {
        m[i][k] = cos * a[k] + sin * b[k];
        m[j][k] = cos * b[k] - sin * a[k];
    }
}

#[cfg(test)]
mod tests {
    use ketch_interface::circuit::Gate;

    use super::*;
    use crate::{
        blocks::product,
        linear::{cx, of, relative_phase, rx, ry, rz},
        synthesis::two_qubit::{AsCx, Interaction, synthesise},
    };

    fn local(seed: f64) -> M2 {
        mul(&rz(seed), &mul(&ry(2.0 * seed + 0.3), &rx(seed * seed - 0.7)))
    }

    fn cases() -> Vec<M4> {
        let gate = |gate: Gate, params: &[f64]| -> M4 { of(&gate.matrix(params)) };
        let mut cases = vec![
            kron(&local(0.1), &local(0.2)),
            cx(true),
            cx(false),
            gate(Gate::Swap, &[]),
            gate(Gate::Iswap, &[]),
            gate(Gate::Dcx, &[]),
            gate(Gate::Ecr, &[]),
            gate(Gate::Rxx, &[0.7]),
            gate(Gate::Rzz, &[-2.9]),
            gate(Gate::Rzx, &[1e-7]),
            gate(Gate::XxPlusYy, &[0.4, 1.1]),
            gate(Gate::XxMinusYy, &[-0.4, 2.1]),
        ];
        for i in 0..200 {
            let s = f64::from(i) * 0.37;
            let first = cases[i as usize % cases.len()];
            let around = mul(&kron(&local(s), &local(s + 1.0)), &first);
            let then = cases[(i as usize * 7 + 1) % 12];
            cases.push(mul(&then, &mul(&kron(&local(s + 2.0), &local(-s)), &around)));
        }
        cases
    }

    #[test]
    fn synthesis_gives_the_matrix_back_phase_included() {
        for u in cases() {
            let kak = Kak::of(&u);
            let [x, y, z] = kak.coordinates;
            assert!(
                x < FRAC_PI_4 + 1e-8 && x >= y && y >= z.abs() - 1e-12,
                "{:?}",
                kak.coordinates
            );
            for interaction in [Interaction::Cx, Interaction::Ising] {
                let mut nodes = Vec::new();
                let phase = synthesise(&kak, [4, 2], interaction, &mut nodes);
                let made = scale(&product([4, 2], &nodes), C::cis(phase));
                let distance = made.as_flattened().iter().zip(u.as_flattened());
                let distance = distance.map(|(a, b)| (a - b).norm()).fold(0.0, f64::max);
                assert!(distance < 1e-8, "{interaction:?} {distance} {:?}", kak.coordinates);
                let count = nodes.iter().filter(|node| node.pair().is_some()).count();
                assert_eq!(count, kak.count(interaction));
            }
        }
    }

    #[test]
    fn well_known_gates_take_as_many_cx_as_is_known() {
        let count = |gate: Gate, params: &[f64]| Kak::of(&of(&gate.matrix(params))).cx_count();
        assert_eq!(Kak::of(&cx(true)).cx_count(), 1);
        assert_eq!(count(Gate::Ecr, &[]), 1);
        assert_eq!(count(Gate::Rzz, &[0.3]), 2);
        assert_eq!(count(Gate::Iswap, &[]), 2);
        assert_eq!(count(Gate::Dcx, &[]), 2);
        assert_eq!(count(Gate::Swap, &[]), 3);
        assert_eq!(Kak::of(&kron(&local(0.4), &local(0.9))).cx_count(), 0);
    }

    #[test]
    fn what_is_a_cx_up_to_local_gates_becomes_one() {
        for gate in [Gate::Ecr.matrix(&[]), Gate::Z.matrix(&[]).controlled(1, 1)] {
            let gate: M4 = of(&gate);
            let as_cx = AsCx::of(&gate).unwrap();
            let [before, after] = [&as_cx.before, &as_cx.after].map(|m| kron(&m[1], &m[0]));
            let made = mul(&after, &mul(&gate, &before));
            assert!(identity_phase(&mul(&adjoint(&made), &cx(true))).is_some());
            assert!((relative_phase(&cx(true), &made) - as_cx.phase).abs() < 1e-9);
        }
        assert!(AsCx::of(&of(&Gate::Swap.matrix(&[]))).is_none());
    }
}
