//! Diagonal unitaries, rotations selected by other qubits, and the preparation of states.
//!
//! The Gray-code construction of Möttönen et al. (arXiv:quant-ph/0404089): a rotation by one of
//! `2^k` angles, selected by `k` qubits, takes `2^k` `cx`.

use ketch_interface::Matrix;
use num_complex::Complex64;

use super::Expander;
use crate::{
    CompileError,
    linear::{SH, TOLERANCE, adjoint, mul, of, relative_phase, ry, rz},
    node::Node,
    synthesis::one_qubit::angles,
};

impl Expander<'_> {
    /// `exp(i phases[x])` for each basis state `x`, the first qubit its least significant bit.
    pub(super) fn diagonal(&mut self, phases: &[f64], qubits: &[u32]) {
        let Some((target, rest)) = qubits.split_last() else {
            self.phase += phases[0];
            return;
        };
        let (zero, one) = phases.split_at(phases.len() / 2);
        let turns: Vec<f64> = zero.iter().zip(one).map(|(zero, one)| one - zero).collect();
        let means: Vec<f64> = zero.iter().zip(one).map(|(a, b)| (a + b) / 2.0).collect();
        self.selected_rz(&turns, rest, *target);
        self.diagonal(&means, rest);
    }

    /// `rz(angles[x])` on the target where the selecting qubits hold `x`.
    pub(super) fn selected_rz(&mut self, angles: &[f64], select: &[u32], target: u32) {
        if angles.iter().all(|angle| angle.abs() < TOLERANCE) {
            return;
        }
        if select.is_empty() {
            self.one(target, rz(angles[0]));
            return;
        }
        let n = angles.len();
        let mut spectrum = angles.to_vec();
        walsh(&mut spectrum);
        for step in 0..n {
            let gray = step ^ (step >> 1);
            let angle = spectrum[gray] / n as f64;
            if angle.abs() > TOLERANCE {
                self.one(target, rz(angle));
            }
            // The bit in which the next code differs; the last code goes back to 0.
            let bit =
                if step + 1 == n { select.len() - 1 } else { (step + 1).trailing_zeros() as usize };
            self.cx(select[bit], target);
        }
    }

    /// `ry(angles[x])` on the target where the selecting qubits hold `x`.
    pub(super) fn selected_ry(&mut self, angles: &[f64], select: &[u32], target: u32) {
        if select.is_empty() {
            self.one(target, ry(angles[0]));
            return;
        }
        self.one(target, adjoint(&SH));
        self.selected_rz(angles, select, target);
        self.one(target, SH);
    }

    /// One unitary for each value of the controls, which come behind the targets.
    pub(super) fn multiplexer(
        &mut self,
        matrices: &[Matrix],
        qubits: &[u32],
    ) -> Result<(), CompileError> {
        let n_targets = matrices[0].n_qubits().unwrap_or(0) as usize;
        self.bound(qubits.len())?;
        if n_targets != 1 {
            let dim = matrices[0].dim();
            let whole = dim * matrices.len();
            let mut entries = vec![Complex64::ZERO; whole * whole];
            for (k, matrix) in matrices.iter().enumerate() {
                for row in 0..dim {
                    for column in 0..dim {
                        entries[(k * dim + row) * whole + k * dim + column] =
                            matrix.at(row, column);
                    }
                }
            }
            let whole = Matrix::new(whole, entries).expect("as many entries as a square has");
            return self.unitary(&whole, qubits);
        }
        if !matrices.iter().all(|matrix| matrix.unitarity_defect() < 1e-6) {
            return Err(self.untranslatable("one of its matrices is not unitary"));
        }
        let (target, select) = (qubits[0], &qubits[1..]);
        let turns: Vec<_> = matrices
            .iter()
            .map(|matrix| {
                let u = of(matrix);
                let [theta, phi, lambda] = angles(&u);
                let made = mul(&rz(phi), &mul(&ry(theta), &rz(lambda)));
                (theta, phi, lambda, relative_phase(&u, &made))
            })
            .collect();
        let column =
            |of: fn(&(f64, f64, f64, f64)) -> f64| turns.iter().map(of).collect::<Vec<_>>();
        self.selected_rz(&column(|t| t.2), select, target);
        self.selected_ry(&column(|t| t.0), select, target);
        self.selected_rz(&column(|t| t.1), select, target);
        self.diagonal(&column(|t| t.3), select);
        Ok(())
    }

    /// Sets the qubits to a state, whatever they held: magnitudes qubit by qubit from the last to
    /// the first, then the phases.
    pub(super) fn initialize(&mut self, amplitudes: &[Complex64], qubits: &[u32]) {
        qubits.iter().for_each(|&q| self.push(Node::Reset(q)));
        let n = qubits.len();
        for level in (0..n).rev() {
            // The probability of each value of the qubits from `level` up.
            let mut weights = vec![0.0; 1 << (n - level)];
            for (x, amplitude) in amplitudes.iter().enumerate() {
                weights[x >> level] += amplitude.norm_sqr();
            }
            let turns: Vec<f64> =
                weights.chunks(2).map(|pair| 2.0 * pair[1].sqrt().atan2(pair[0].sqrt())).collect();
            self.selected_ry(&turns, &qubits[level + 1..], qubits[level]);
        }
        if amplitudes.iter().any(|amplitude| amplitude.im.abs() > TOLERANCE || amplitude.re < 0.0) {
            let phase = |a: &Complex64| if a.norm() < TOLERANCE { 0.0 } else { a.arg() };
            let phases: Vec<f64> = amplitudes.iter().map(phase).collect();
            self.diagonal(&phases, qubits);
        }
    }
}

/// The Walsh-Hadamard transform, in place and not normalised.
fn walsh(values: &mut [f64]) {
    let mut half = 1;
    while half < values.len() {
        for block in values.chunks_mut(2 * half) {
            let (low, high) = block.split_at_mut(half);
            for (a, b) in low.iter_mut().zip(high) {
                (*a, *b) = (*a + *b, *a - *b);
            }
        }
        half *= 2;
    }
}
