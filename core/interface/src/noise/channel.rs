//! [`Channel`]: what noise does to qubits.

use std::sync::Arc;

use num_complex::Complex64;

use super::{NoiseError, choi};
use crate::{Matrix, circuit::Op};

/// How far a channel may be from keeping the trace: Qiskit Aer's default of
/// `validation_threshold`.
pub const TOLERANCE: f64 = 1e-8;

/// Qubits above which a channel is refused: its superoperator would have over a million entries.
pub(super) const MAX_QUBITS: u32 = 5;

/// A completely positive map that keeps the trace, as Kraus operators: ρ becomes Σ K ρ K†.
///
/// The first qubit is the least significant bit of the matrices' indices, as everywhere.
#[derive(Clone, Debug, PartialEq)]
pub struct Channel {
    n_qubits: u32,
    kraus: Arc<[Matrix]>,
}

impl Channel {
    /// The channel of these Kraus operators, on 1 to 5 qubits.
    ///
    /// # Errors
    /// If there are none, they differ in size, or their K†K do not sum to the identity within
    /// [`TOLERANCE`].
    pub fn new(kraus: Vec<Matrix>) -> Result<Self, NoiseError> {
        let n_qubits = n_qubits(&kraus)?;
        let defect = trace_defect(&kraus);
        if defect > TOLERANCE || defect.is_nan() {
            return Err(NoiseError::NotTracePreserving { defect });
        }
        Ok(Self { n_qubits, kraus: kraus.into() })
    }

    /// Nothing happens.
    ///
    /// # Panics
    /// If there are no qubits, or more than 5.
    #[must_use]
    pub fn identity(n_qubits: u32) -> Self {
        assert!((1..=MAX_QUBITS).contains(&n_qubits), "a channel on {n_qubits} qubits");
        Self { n_qubits, kraus: [Matrix::identity(n_qubits)].into() }
    }

    /// The number of qubits.
    #[must_use]
    pub fn n_qubits(&self) -> u32 {
        self.n_qubits
    }

    /// The Kraus operators.
    #[must_use]
    pub fn kraus(&self) -> &[Matrix] {
        &self.kraus
    }

    /// This channel and then `later`, on the same qubits; with as few Kraus operators as it takes.
    ///
    /// # Panics
    /// If the numbers of qubits differ.
    #[must_use]
    pub fn then(&self, later: &Self) -> Self {
        assert_eq!(self.n_qubits, later.n_qubits, "channels on different numbers of qubits");
        let kraus = choi::kraus_of(&later.superop().product(&self.superop()));
        let kraus = kraus.expect("a product of channels is a channel");
        Self { n_qubits: self.n_qubits, kraus: kraus.into() }
    }

    /// Both at once, `low` on the first qubits: `self ⊗ low`, which Qiskit calls `self.tensor(low)`
    /// and `low.expand(self)`.
    ///
    /// # Errors
    /// If they have more than 5 qubits together.
    pub fn tensor(&self, low: &Self) -> Result<Self, NoiseError> {
        let n_qubits = self.n_qubits + low.n_qubits;
        if n_qubits > MAX_QUBITS {
            return Err(bad_count(n_qubits));
        }
        let pairs = self.kraus.iter().flat_map(|high| low.kraus.iter().map(|low| high.kron(low)));
        Ok(Self { n_qubits, kraus: pairs.collect() })
    }

    /// The channel on some of `n_qubits` qubits, its first qubit being the first of `places`.
    ///
    /// # Errors
    /// If there are more than 5 qubits, not as many places as the channel has qubits, or a place
    /// twice or beyond the qubits.
    pub fn on_qubits(&self, places: &[usize], n_qubits: u32) -> Result<Self, NoiseError> {
        if !(1..=MAX_QUBITS).contains(&n_qubits) {
            return Err(bad_count(n_qubits));
        }
        check_places(self.n_qubits, places)?;
        if let Some(place) = places.iter().find(|place| **place >= n_qubits as usize) {
            let reason = format!("a channel on qubit {place} of {n_qubits}");
            return Err(NoiseError::BadShape(reason));
        }
        let kraus = self.kraus.iter().map(|k| k.on_qubits(places, n_qubits)).collect();
        Ok(Self { n_qubits, kraus })
    }

    /// The fidelity with the identity as a process: Σ |tr K|² / 4ⁿ.
    #[must_use]
    pub fn process_fidelity(&self) -> f64 {
        let n_paulis = f64::from(1_u32 << (2 * self.n_qubits));
        self.kraus.iter().map(|k| k.trace().norm_sqr()).sum::<f64>() / n_paulis
    }

    /// The fidelity with the identity, averaged over all pure states: what randomized benchmarking
    /// reports as 1 − gate error (Nielsen, arXiv:quant-ph/0205035).
    #[must_use]
    pub fn average_fidelity(&self) -> f64 {
        let dim = f64::from(1_u32 << self.n_qubits);
        (dim * self.process_fidelity() + 1.0) / (dim + 1.0)
    }

    /// Nothing happens but for rounding.
    #[must_use]
    pub fn is_identity(&self) -> bool {
        1.0 - self.process_fidelity() < 1e-15
    }

    /// The instruction that applies it.
    #[must_use]
    pub fn to_op(&self) -> Op {
        Op::Kraus(Arc::clone(&self.kraus))
    }
}

/// The number of qubits that Kraus operators act on.
pub(super) fn n_qubits(kraus: &[Matrix]) -> Result<u32, NoiseError> {
    let Some(first) = kraus.first() else {
        return Err(NoiseError::BadShape("a channel without Kraus operators".to_owned()));
    };
    let dim = first.dim();
    if let Some(other) = kraus.iter().find(|k| k.dim() != dim) {
        let reason = format!("Kraus operators of {dim} and of {} rows", other.dim());
        return Err(NoiseError::BadShape(reason));
    }
    match first.n_qubits() {
        Some(n) if (1..=MAX_QUBITS).contains(&n) => Ok(n),
        Some(n) => Err(bad_count(n)),
        None => Err(NoiseError::BadShape(format!("a Kraus operator of {dim} rows"))),
    }
}

pub(super) fn bad_count(n: u32) -> NoiseError {
    NoiseError::BadShape(format!("a channel on {n} qubits, expected 1 to {MAX_QUBITS}"))
}

/// One place for each qubit, none twice.
pub(super) fn check_places(n_qubits: u32, places: &[usize]) -> Result<(), NoiseError> {
    if places.len() != n_qubits as usize {
        let reason = format!("a channel of {n_qubits} qubits on {} qubits", places.len());
        return Err(NoiseError::BadShape(reason));
    }
    match places.iter().enumerate().find(|(i, place)| places[..*i].contains(place)) {
        Some((_, twice)) => Err(NoiseError::BadShape(format!("a channel on qubit {twice} twice"))),
        None => Ok(()),
    }
}

/// The largest absolute difference between an entry of Σ K†K and of the identity.
fn trace_defect(kraus: &[Matrix]) -> f64 {
    let dim = kraus[0].dim();
    let mut sum = vec![Complex64::ZERO; dim * dim];
    for k in kraus {
        let product = k.adjoint().product(k);
        sum.iter_mut().zip(product.entries()).for_each(|(sum, entry)| *sum += entry);
    }
    let sum = Matrix::new(dim, sum).expect("dim² entries");
    sum.distance(&Matrix::diagonal(&vec![Complex64::ONE; dim]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::circuit::Gate;

    fn real(rows: [[f64; 2]; 2]) -> Matrix {
        Matrix::from_rows(rows.map(|row| row.map(|x| Complex64::new(x, 0.0))))
    }

    #[test]
    fn what_is_no_channel_is_refused_with_its_defect() {
        let x = Gate::X.matrix(&[]);
        let found = Channel::new(vec![x.clone(), x.clone()]).unwrap_err();
        assert_eq!(found, NoiseError::NotTracePreserving { defect: 1.0 });
        assert!(Channel::new(vec![]).is_err());
        assert!(Channel::new(vec![x.clone(), Matrix::identity(2)]).is_err());
        let transpose = Matrix::from_rows(
            [[1, 0, 0, 0], [0, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 1]]
                .map(|row: [i8; 4]| row.map(|entry| Complex64::new(entry.into(), 0.0))),
        );
        let found = Channel::from_superop(&transpose).unwrap_err();
        assert!(matches!(found, NoiseError::NotPositive { .. }), "{found}");
        let nan = Matrix::diagonal(&[Complex64::new(f64::NAN, 0.0); 2]);
        assert!(Channel::new(vec![nan]).is_err());
    }

    #[test]
    fn superoperators_lead_back_to_the_channel() {
        let damping = Channel::amplitude_damping(0.3).unwrap();
        let relaxation = Channel::thermal_relaxation(50.0, 70.0, 10.0, 0.2).unwrap();
        let turned = Channel::new(vec![Gate::H.matrix(&[])]).unwrap();
        let two = Channel::depolarizing(0.1, 2).unwrap();
        for channel in [damping.clone(), relaxation, turned.clone(), two] {
            let again = Channel::from_superop(&channel.superop()).unwrap();
            assert!(again.superop().distance(&channel.superop()) < 1e-12);
        }
        let rho = real([[0.25, 0.4], [0.4, 0.75]]);
        let both = damping.then(&turned);
        let expected = turned.apply(&damping.apply(&rho));
        assert!(both.apply(&rho).distance(&expected) < 1e-14);
    }
}
