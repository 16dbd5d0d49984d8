//! Real powers of unitary matrices.

use ketch_interface::{Complex64, Matrix};

use super::{
    gate::{Step, What},
    modifier::known_params,
};

/// The most qubits of a gate of which a power is taken by its matrix.
pub(super) const MAX_QUBITS: usize = 5;

/// The matrix of gates one after the other, on these qubits; `None` if a parameter is not known.
pub(super) fn matrix_of(steps: &[Step], qubits: &[u32]) -> Option<Matrix> {
    let mut whole = Matrix::identity(qubits.len() as u32);
    for step in steps {
        let params = known_params(step)?;
        let base = match &step.what {
            What::Gate(gate, _) => gate.matrix(&params),
            What::Matrix(matrix) => (**matrix).clone(),
            What::Barrier => continue,
        };
        let pattern = step.controls.iter().enumerate().filter(|(_, control)| !control.1);
        let pattern = pattern.fold(0, |bits, (i, _)| bits | 1_u64 << i);
        let small = match step.controls.len() {
            0 => base,
            n => base.controlled(n as u32, pattern),
        };
        let named =
            step.controls.iter().map(|control| control.0).chain(step.targets.iter().copied());
        let places: Vec<usize> = named
            .map(|qubit| qubits.iter().position(|&known| known == qubit).expect("in the union"))
            .collect();
        whole = embedded(&small, &places, qubits.len())?.product(&whole);
    }
    Some(whole)
}

/// A matrix on the qubits at these places of `n` qubits.
fn embedded(matrix: &Matrix, places: &[usize], n: usize) -> Option<Matrix> {
    let dim = 1_usize << n;
    let mut entries = vec![Complex64::ZERO; dim * dim];
    let mask = places.iter().fold(0_usize, |mask, place| mask | 1 << place);
    let spread = |small: usize| {
        places.iter().enumerate().fold(0, |index, (i, place)| index | (small >> i & 1) << place)
    };
    for rest in (0..dim).filter(|index| index & mask == 0) {
        for row in 0..matrix.dim() {
            for column in 0..matrix.dim() {
                entries[(rest | spread(row)) * dim + (rest | spread(column))] =
                    matrix.at(row, column);
            }
        }
    }
    Matrix::new(dim, entries)
}

/// `unitary` to a real power: the phases of its eigenvalues, within (-π, π], are multiplied.
///
/// Its Hermitian and anti-Hermitian parts commute; a combination of the two has the same
/// eigenvectors, which Jacobi's method finds (Golub and Van Loan, "Matrix Computations", section
/// 8.5). `None` if two phases happen to coincide in every combination that is tried.
pub(super) fn real_power(unitary: &Matrix, exponent: f64) -> Option<Matrix> {
    let dim = unitary.dim();
    let adjoint = unitary.adjoint();
    for weight in [0.732_050_8, -1.618_034, 0.141_421_4, 2.236_068] {
        let mut entries = Vec::with_capacity(dim * dim);
        for row in 0..dim {
            for column in 0..dim {
                let (u, v) = (unitary.at(row, column), adjoint.at(row, column));
                let cosine = (u + v) / 2.0;
                let sine = (u - v) / Complex64::new(0.0, 2.0);
                entries.push(cosine + sine * weight);
            }
        }
        let vectors = eigenvectors(&mut entries, dim);
        let vectors = Matrix::new(dim, vectors)?;
        let diagonal = vectors.adjoint().product(&unitary.product(&vectors));
        let off = (0..dim * dim)
            .filter(|i| i / dim != i % dim)
            .map(|i| diagonal.at(i / dim, i % dim).norm())
            .fold(0.0, f64::max);
        if off > 1e-11 {
            continue;
        }
        let powers: Vec<Complex64> = (0..dim)
            .map(|i| {
                let phase = diagonal.at(i, i).arg();
                // -1 has the phase π, also where rounding put it on the other side of the cut.
                let phase = if phase < -std::f64::consts::PI + 1e-9 {
                    phase + std::f64::consts::TAU
                } else {
                    phase
                };
                Complex64::cis(phase * exponent)
            })
            .collect();
        return Some(vectors.product(&Matrix::diagonal(&powers)).product(&vectors.adjoint()));
    }
    None
}

/// The eigenvectors of a Hermitian matrix, as columns; the matrix becomes diagonal.
fn eigenvectors(matrix: &mut [Complex64], dim: usize) -> Vec<Complex64> {
    let mut vectors = vec![Complex64::ZERO; dim * dim];
    (0..dim).for_each(|i| vectors[i * dim + i] = Complex64::ONE);
    for _ in 0..100 {
        let mut largest = 0.0_f64;
        for p in 0..dim {
            for q in p + 1..dim {
                let entry = matrix[p * dim + q];
                largest = largest.max(entry.norm());
                if entry.norm() < 1e-17 {
                    continue;
                }
                // The turn in the plane of p and q that makes the entry 0.
                let phase = entry / entry.norm();
                let difference = matrix[q * dim + q].re - matrix[p * dim + p].re;
                let angle = 0.5 * (2.0 * entry.norm()).atan2(difference);
                let (sin, cos) = angle.sin_cos();
                for row in 0..dim {
                    let (a, b) = (matrix[row * dim + p], matrix[row * dim + q]);
                    matrix[row * dim + p] = a * cos - b * phase.conj() * sin;
                    matrix[row * dim + q] = a * phase * sin + b * cos;
                    let (a, b) = (vectors[row * dim + p], vectors[row * dim + q]);
                    vectors[row * dim + p] = a * cos - b * phase.conj() * sin;
                    vectors[row * dim + q] = a * phase * sin + b * cos;
                }
                for column in 0..dim {
                    let (a, b) = (matrix[p * dim + column], matrix[q * dim + column]);
                    matrix[p * dim + column] = a * cos - b * phase * sin;
                    matrix[q * dim + column] = a * phase.conj() * sin + b * cos;
                }
            }
        }
        if largest < 1e-15 {
            break;
        }
    }
    vectors
}

#[cfg(test)]
mod tests {
    use ketch_interface::circuit::Gate;

    use super::*;

    #[test]
    fn roots_of_gates_are_gates() {
        let close = |a: &Matrix, b: &Matrix| assert!(a.distance(b) < 1e-12, "{a:?} {b:?}");
        close(&real_power(&Gate::X.matrix(&[]), 0.5).unwrap(), &Gate::Sx.matrix(&[]));
        close(&real_power(&Gate::Z.matrix(&[]), 0.25).unwrap(), &Gate::T.matrix(&[]));
        close(&real_power(&Gate::Rx.matrix(&[0.3]), -1.7).unwrap(), &Gate::Rx.matrix(&[-0.51]));
        for (gate, params) in [
            (Gate::Swap, vec![]),
            (Gate::Iswap, vec![]),
            (Gate::Rccx, vec![]),
            (Gate::Rc3x, vec![]),
        ] {
            let matrix = gate.matrix(&params);
            let root = real_power(&matrix, 1.0 / 3.0).unwrap();
            close(&root.product(&root).product(&root), &matrix);
            assert!(root.unitarity_defect() < 1e-12);
        }
        close(&real_power(&Matrix::identity(2), 0.3).unwrap(), &Matrix::identity(2));
    }
}
