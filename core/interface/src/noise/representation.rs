//! The matrices by which a channel is written, and the way back from each.
//!
//! With d = 2ⁿ, vec(ρ) stacking columns (index `column · d + row`), and Pauli strings P numbered as
//! digits `IXYZ` with the first qubit least significant (Wood, Biamonte and Cory,
//! arXiv:1111.6950):
//!
//! | matrix | entry |
//! | --- | --- |
//! | superoperator | vec(E(ρ)) = S vec(ρ) |
//! | Choi | Σ \|i><j\| ⊗ E(\|i><j\|), of trace d |
//! | Pauli transfer | R\[i, j\] = tr(Pᵢ E(Pⱼ)) / d, real |
//! | chi | E(ρ) = Σ χ\[i, j\] Pᵢ ρ Pⱼ / d, of trace d |
//!
//! They are Qiskit's `SuperOp`, `Choi`, `PTM` and `Chi`.

use super::{
    Channel, NoiseError, TOLERANCE, channel::MAX_QUBITS, channel::bad_count, choi, pauli::PauliBits,
};
use crate::{Complex64, Matrix};

impl Channel {
    /// The superoperator, column-stacking: index `column · 2ⁿ + row` of ρ.
    #[must_use]
    pub fn superop(&self) -> Matrix {
        choi::superop_of(self.kraus())
    }

    /// The channel of a superoperator of dimension `4ⁿ`, column-stacking.
    ///
    /// # Errors
    /// If the dimension is none of 1 to 5 qubits, the map is not completely positive, or it does
    /// not keep the trace.
    pub fn from_superop(superop: &Matrix) -> Result<Self, NoiseError> {
        Self::new(choi::kraus_of(superop)?)
    }

    /// The Choi matrix Σ |i><j| ⊗ E(|i><j|).
    #[must_use]
    pub fn choi(&self) -> Matrix {
        choi::exchanged(&self.superop())
    }

    /// The channel of a Choi matrix of dimension `4ⁿ`.
    ///
    /// # Errors
    /// As [`from_superop`](Self::from_superop).
    pub fn from_choi(choi: &Matrix) -> Result<Self, NoiseError> {
        n_qubits(choi, "a Choi matrix")?;
        Self::from_superop(&choi::exchanged(choi))
    }

    /// The Pauli transfer matrix: how much of Pauli string `i` comes of string `j`.
    #[must_use]
    pub fn pauli_transfer(&self) -> Matrix {
        let paulis = vectors_of_paulis(self.n_qubits());
        let d = f64::from(1_u32 << self.n_qubits());
        let mut transfer = paulis.adjoint().product(&self.superop()).product(&paulis);
        transfer = transfer.scaled(1.0 / d);
        // E keeps Hermitian matrices Hermitian, so what is imaginary is rounding.
        let real = transfer.entries().iter().map(|entry| Complex64::from(entry.re)).collect();
        Matrix::new(transfer.dim(), real).expect("as many entries as before")
    }

    /// The channel of a Pauli transfer matrix of dimension `4ⁿ`.
    ///
    /// # Errors
    /// As [`from_superop`](Self::from_superop); also if an entry is not real.
    pub fn from_pauli_transfer(transfer: &Matrix) -> Result<Self, NoiseError> {
        let n_qubits = n_qubits(transfer, "a Pauli transfer matrix")?;
        let defect = transfer.entries().iter().map(|entry| entry.im.abs()).fold(0.0, f64::max);
        if defect > TOLERANCE {
            return Err(NoiseError::NotPositive { defect });
        }
        let paulis = vectors_of_paulis(n_qubits);
        let superop = paulis.product(transfer).product(&paulis.adjoint());
        Self::from_superop(&superop.scaled(1.0 / f64::from(1_u32 << n_qubits)))
    }

    /// The chi matrix: the process in products of Pauli strings.
    #[must_use]
    pub fn chi(&self) -> Matrix {
        let paulis = vectors_of_paulis(self.n_qubits());
        let d = f64::from(1_u32 << self.n_qubits());
        paulis.adjoint().product(&self.choi()).product(&paulis).scaled(1.0 / d)
    }

    /// The channel of a chi matrix of dimension `4ⁿ`.
    ///
    /// # Errors
    /// As [`from_superop`](Self::from_superop).
    pub fn from_chi(chi: &Matrix) -> Result<Self, NoiseError> {
        let n_qubits = n_qubits(chi, "a chi matrix")?;
        let paulis = vectors_of_paulis(n_qubits);
        let choi = paulis.product(chi).product(&paulis.adjoint());
        Self::from_choi(&choi.scaled(1.0 / f64::from(1_u32 << n_qubits)))
    }

    /// What happens to a density matrix: Σ K ρ K†.
    ///
    /// # Panics
    /// If the matrix is of another number of qubits.
    #[must_use]
    pub fn apply(&self, rho: &Matrix) -> Matrix {
        let mut sum = vec![Complex64::ZERO; rho.entries().len()];
        for k in self.kraus() {
            let term = k.product(rho).product(&k.adjoint());
            sum.iter_mut().zip(term.entries()).for_each(|(sum, entry)| *sum += entry);
        }
        Matrix::new(rho.dim(), sum).expect("as many entries as before")
    }
}

/// The matrix whose columns are vec(P) of all Pauli strings P; divided by √d it is unitary.
fn vectors_of_paulis(n_qubits: u32) -> Matrix {
    let dim = 1_usize << (2 * n_qubits);
    let mut entries = vec![Complex64::ZERO; dim * dim];
    for number in 0..dim {
        let pauli = PauliBits::numbered(number, n_qubits).matrix(n_qubits);
        let d = pauli.dim();
        for (i, entry) in pauli.entries().iter().enumerate() {
            entries[(i % d * d + i / d) * dim + number] = *entry;
        }
    }
    Matrix::new(dim, entries).expect("dim² entries")
}

fn n_qubits(matrix: &Matrix, what: &str) -> Result<u32, NoiseError> {
    match matrix.n_qubits() {
        Some(bits) if bits % 2 == 0 && (2..=2 * MAX_QUBITS).contains(&bits) => Ok(bits / 2),
        Some(bits) if bits % 2 == 0 => Err(bad_count(bits / 2)),
        _ => {
            let reason = format!("{what} of {} rows, expected 4^n for 1 to 5 qubits", matrix.dim());
            Err(NoiseError::BadShape(reason))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::circuit::Gate;

    fn channels() -> Vec<Channel> {
        let relaxation = Channel::thermal_relaxation(50.0, 70.0, 10.0, 0.2).unwrap();
        let turned = Channel::unitary(Gate::U.matrix(&[0.3, 0.7, -1.1])).unwrap();
        let flips = Channel::pauli(&[("XY", 0.1), ("ZI", 0.25), ("II", 0.65)]).unwrap();
        vec![
            Channel::identity(1),
            Channel::depolarizing(0.1, 2).unwrap(),
            Channel::reset(0.1, 0.3).unwrap(),
            relaxation.tensor(&turned).unwrap().then(&flips),
            relaxation,
            turned,
            flips,
        ]
    }

    #[test]
    fn each_matrix_leads_back_to_the_channel() {
        for channel in channels() {
            let superop = channel.superop();
            let same = |other: Result<Channel, NoiseError>, what: &str| {
                let distance = other.unwrap().superop().distance(&superop);
                assert!(distance < 1e-12, "{what}: off by {distance}");
            };
            same(Channel::from_superop(&superop), "superoperator");
            same(Channel::from_choi(&channel.choi()), "Choi");
            same(Channel::from_pauli_transfer(&channel.pauli_transfer()), "Pauli transfer");
            same(Channel::from_chi(&channel.chi()), "chi");
        }
    }

    #[test]
    fn matrices_have_the_stated_entries() {
        let damping = Channel::amplitude_damping(0.36).unwrap();
        let transfer = damping.pauli_transfer();
        let expected = [
            [1.0, 0.0, 0.0, 0.0],
            [0.0, 0.8, 0.0, 0.0],
            [0.0, 0.0, 0.8, 0.0],
            [0.36, 0.0, 0.0, 0.64],
        ];
        let expected = Matrix::from_rows(expected.map(|row| row.map(Complex64::from)));
        assert!(transfer.distance(&expected) < 1e-15);
        // The population that falls is E(|1><1|) = 0.36 |0><0| + …: row 2, column 2 of the Choi matrix.
        assert!((damping.choi().at(2, 2) - 0.36).norm() < 1e-15);
        assert!((damping.choi().trace() - 2.0).norm() < 1e-15);
        let flips = Channel::pauli(&[("XI", 0.25), ("II", 0.75)]).unwrap();
        let chi = flips.chi();
        assert!((chi.at(4, 4) - 1.0).norm() < 1e-14 && (chi.at(0, 0) - 3.0).norm() < 1e-14);
        assert!((flips.pauli_transfer().at(3, 3) - 1.0).norm() < 1e-14);
        assert!((flips.pauli_transfer().at(12, 12) - 0.5).norm() < 1e-14);
    }

    #[test]
    fn what_is_no_channel_is_refused_in_each_form() {
        let negative = Matrix::diagonal(&[1.0, 1.0, 1.0, -1.0].map(Complex64::from));
        for found in [
            Channel::from_choi(&negative.scaled(0.5)),
            Channel::from_pauli_transfer(&negative),
            Channel::from_chi(&negative),
        ] {
            assert!(matches!(found, Err(NoiseError::NotPositive { .. })), "{found:?}");
        }
        let half = Matrix::diagonal(&[Complex64::from(0.5); 4]);
        let found = Channel::from_pauli_transfer(&half);
        assert!(matches!(found, Err(NoiseError::NotTracePreserving { .. })), "{found:?}");
        let turned = Matrix::diagonal(&[Complex64::I; 4]);
        assert!(Channel::from_pauli_transfer(&turned).is_err());
        assert!(Channel::from_choi(&Matrix::identity(3)).is_err());
        assert!(Channel::from_chi(&Matrix::identity(12)).is_err());
    }

    #[test]
    fn channels_keep_the_trace_and_stay_positive() {
        let i = Complex64::I;
        let amplitudes =
            [0.5.into(), i * 0.5, 0.1.into(), i * -0.7, 0.0.into(), i, 0.2.into(), 0.3.into()];
        for channel in channels() {
            let d = 1_usize << channel.n_qubits();
            let norm: f64 = amplitudes[..d].iter().map(Complex64::norm_sqr).sum();
            let entry = |i: usize| amplitudes[i / d] * amplitudes[i % d].conj() / norm;
            let rho = Matrix::new(d, (0..d * d).map(entry).collect()).unwrap();
            let after = channel.apply(&rho);
            assert!((after.trace() - 1.0).norm() < 1e-14);
            assert!(after.distance(&after.adjoint()) < 1e-15);
            // <v|ρ|v> of any state v is a probability.
            for v in 0..d {
                let expectation: Complex64 = (0..d * d)
                    .map(|n| {
                        let (a, b) = (n / d, n % d);
                        let phase = |k: usize| Complex64::cis((k * v + k * k) as f64);
                        phase(a).conj() * after.at(a, b) * phase(b)
                    })
                    .sum();
                assert!(expectation.re > -1e-14 && expectation.im.abs() < 1e-14);
            }
        }
    }

    #[test]
    fn composition_obeys_its_laws() {
        let all = channels();
        let close = |a: &Channel, b: &Channel| a.superop().distance(&b.superop()) < 1e-13;
        for n in [1, 2] {
            let same: Vec<&Channel> = all.iter().filter(|c| c.n_qubits() == n).collect();
            for a in &same {
                assert!(close(&a.then(&Channel::identity(n)), a));
                assert!(close(&Channel::identity(n).then(a), a));
                for b in &same {
                    let product = b.pauli_transfer().product(&a.pauli_transfer());
                    assert!(a.then(b).pauli_transfer().distance(&product) < 1e-13);
                    let c = same[0];
                    assert!(close(&a.then(b).then(c), &a.then(&b.then(c))));
                    if n == 1 {
                        let both = a.tensor(b).unwrap();
                        let product = a.pauli_transfer().kron(&b.pauli_transfer());
                        assert!(both.pauli_transfer().distance(&product) < 1e-13);
                        let apart =
                            b.on_qubits(&[0], 2).unwrap().then(&a.on_qubits(&[1], 2).unwrap());
                        assert!(close(&both, &apart));
                    }
                }
            }
        }
        let three = Channel::identity(3);
        assert!(three.tensor(&three).is_err() && three.on_qubits(&[0, 1, 1], 3).is_err());
        assert!(three.on_qubits(&[0, 1], 3).is_err() && three.on_qubits(&[0, 1, 4], 4).is_err());
    }
}
