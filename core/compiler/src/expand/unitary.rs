//! Unitaries given by their matrices.

use ketch_interface::Matrix;

use super::Expander;
use crate::{
    CompileError,
    linear::{C, of},
    synthesis::decompose::{CosineSine, eigenvectors},
};

/// Larger unitaries take over a hundred thousand gates.
const LARGEST: usize = 8;

/// Entries of files have fewer digits than numbers in memory.
const NOT_UNITARY: f64 = 1e-6;

impl Expander<'_> {
    pub(super) fn unitary(&mut self, matrix: &Matrix, qubits: &[u32]) -> Result<(), CompileError> {
        if qubits.len() > LARGEST {
            let reason = format!("unitaries of more than {LARGEST} qubits are not split");
            return Err(self.untranslatable(&reason));
        }
        let defect = matrix.unitarity_defect();
        if defect > NOT_UNITARY || defect.is_nan() {
            return Err(self.untranslatable("its matrix is not unitary"));
        }
        self.split(matrix, qubits);
        Ok(())
    }

    /// The quantum Shannon decomposition (Shende, Bullock and Markov, arXiv:quant-ph/0406176).
    fn split(&mut self, matrix: &Matrix, qubits: &[u32]) {
        match *qubits {
            [] => self.phase += matrix.at(0, 0).arg(),
            [q] => self.one(q, of(matrix)),
            [a, b] => self.two(a, b, of(matrix)),
            [ref rest @ .., top] => {
                let CosineSine { left, angles, right } = CosineSine::of(matrix);
                let turns: Vec<f64> = angles.iter().map(|angle| 2.0 * angle).collect();
                self.either(&right, rest, top);
                self.selected_ry(&turns, rest, top);
                self.either(&left, rest, top);
            }
        }
    }

    /// The first unitary where `top` is 0, the second where it is 1: both are `V D W` and `V D† W`.
    fn either(&mut self, [zero, one]: &[Matrix; 2], rest: &[u32], top: u32) {
        let ratio = zero.product(&one.adjoint());
        let v = eigenvectors(&ratio);
        let squares = v.adjoint().product(&ratio).product(&v);
        let halves: Vec<f64> = (0..v.dim()).map(|i| squares.at(i, i).arg() / 2.0).collect();
        let d: Vec<C> = halves.iter().map(|&half| C::cis(half)).collect();
        let w = Matrix::diagonal(&d).product(&v.adjoint()).product(one);
        let turns: Vec<f64> = halves.iter().map(|half| -2.0 * half).collect();
        self.split(&w, rest);
        self.selected_rz(&turns, rest, top);
        self.split(&v, rest);
    }
}
