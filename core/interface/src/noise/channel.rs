//! [`Channel`]: what noise does to qubits.

use std::sync::Arc;

use num_complex::Complex64;

use super::{NoiseError, choi};
use crate::{
    Matrix,
    circuit::{Gate, Op},
};

/// How far a channel may be from keeping the trace: Qiskit Aer's default of
/// `validation_threshold`.
pub const TOLERANCE: f64 = 1e-8;

/// Qubits above which a channel is refused: its superoperator would have over a million entries.
const MAX_QUBITS: u32 = 5;

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

    /// The channel of a superoperator of dimension `4^k`, column-stacking.
    ///
    /// # Errors
    /// If the dimension is none of 1 to 5 qubits, the map is not completely positive, or it does
    /// not keep the trace.
    pub fn from_superop(superop: &Matrix) -> Result<Self, NoiseError> {
        Self::new(choi::kraus_of(superop)?)
    }

    /// Nothing happens.
    ///
    /// # Panics
    /// If there are more than 5 qubits.
    #[must_use]
    pub fn identity(n_qubits: u32) -> Self {
        assert!(n_qubits <= MAX_QUBITS, "a channel on {n_qubits} qubits");
        Self { n_qubits, kraus: [Matrix::identity(n_qubits)].into() }
    }

    /// With probability `p` the qubits become completely mixed: (1 − p) ρ + p 1/2ⁿ, on 1 to 5
    /// qubits.
    ///
    /// `p` may go up to 4ⁿ / (4ⁿ − 1), where every Pauli but the identity is equally likely.
    ///
    /// # Errors
    /// If `p` is outside of that.
    pub fn depolarizing(p: f64, n_qubits: u32) -> Result<Self, NoiseError> {
        if !(1..=MAX_QUBITS).contains(&n_qubits) {
            return Err(bad_count(n_qubits));
        }
        let n_paulis = f64::from(1_u32 << (2 * n_qubits));
        if !(0.0..=n_paulis / (n_paulis - 1.0)).contains(&p) {
            let key = "the depolarizing probability".to_owned();
            return Err(NoiseError::BadNumber { key, found: p, expected: "0 to 4^n / (4^n - 1)" });
        }
        // 1/2ⁿ is the mean of P ρ P over all Pauli strings P, the identity included.
        let identity = 1.0 - p * (n_paulis - 1.0) / n_paulis;
        let others = p / n_paulis;
        let weights = (0..1_u32 << (2 * n_qubits))
            .map(|string| (string, if string == 0 { identity.max(0.0) } else { others }));
        let kraus = weights
            .filter(|(_, weight)| *weight > 0.0)
            .map(|(string, weight)| scaled(&pauli(string, n_qubits), weight.sqrt()));
        Self::new(kraus.collect())
    }

    /// One qubit decays towards equilibrium for a time: populations with time constant `t1`,
    /// coherence with `t2`, both in the unit of `time`. `excited` is the population of |1> in
    /// equilibrium.
    ///
    /// # Errors
    /// If a time is negative or not a number, `t1` or `t2` is 0, `t2` is above `2 t1`, or `excited`
    /// is no probability. Infinite `t1` and `t2` mean no decay.
    pub fn thermal_relaxation(
        t1: f64,
        t2: f64,
        time: f64,
        excited: f64,
    ) -> Result<Self, NoiseError> {
        let refuse = |key: &str, found, expected| {
            Err(NoiseError::BadNumber { key: key.to_owned(), found, expected })
        };
        if t1.is_nan() || t1 <= 0.0 {
            return refuse("T1", t1, "a time above 0");
        }
        // The bound up to rounding: T2 computed as twice T1 is not refused.
        if t2.is_nan() || t2 <= 0.0 || t2 > 2.0 * t1 * (1.0 + 1e-12) {
            return refuse("T2", t2, "a time above 0 and at most 2 T1");
        }
        if !(time.is_finite() && time >= 0.0) {
            return refuse("the time of relaxation", time, "a time of 0 or more");
        }
        if !(0.0..=1.0).contains(&excited) {
            return refuse("the excited population", excited, "a probability");
        }
        let decayed = -(-time / t1).exp_m1();
        let coherence = (-time / t2).exp();
        // |0> stays with probability `a` and |1> with `b`; the coherence between them is left. The
        // rest jumps. The part without a jump is the 2x2 block [[a, c], [c, b]] of the Choi matrix,
        // split as Cholesky does.
        let (a, b) = (1.0 - excited * decayed, 1.0 - (1.0 - excited) * decayed);
        let (first, left) = match a > 0.0 {
            true => (coherence / a.sqrt(), b - coherence * coherence / a),
            false => (0.0, b),
        };
        // At T2 = 2 T1 nothing is left but rounding.
        let left = if left > 1e-15 { left } else { 0.0 };
        let real = |rows: [[f64; 2]; 2]| {
            Matrix::from_rows(rows.map(|row| row.map(|entry| Complex64::new(entry, 0.0))))
        };
        let kraus = [
            [[a.sqrt(), 0.0], [0.0, first]],
            [[0.0, 0.0], [0.0, left.sqrt()]],
            [[0.0, ((1.0 - excited) * decayed).sqrt()], [0.0, 0.0]],
            [[0.0, 0.0], [(excited * decayed).sqrt(), 0.0]],
        ];
        let happens = |rows: &[[f64; 2]; 2]| rows.as_flattened().iter().any(|entry| *entry != 0.0);
        Self::new(kraus.into_iter().filter(happens).map(real).collect())
    }

    /// One qubit in |1> falls to |0> with probability `gamma`.
    ///
    /// # Errors
    /// If `gamma` is no probability.
    pub fn amplitude_damping(gamma: f64) -> Result<Self, NoiseError> {
        if !(0.0..=1.0).contains(&gamma) {
            let key = "the damping".to_owned();
            return Err(NoiseError::BadNumber { key, found: gamma, expected: "a probability" });
        }
        let c = |re: f64| Complex64::new(re, 0.0);
        let stays = [[c(1.0), c(0.0)], [c(0.0), c((1.0 - gamma).sqrt())]];
        let falls = [[c(0.0), c(gamma.sqrt())], [c(0.0), c(0.0)]];
        Self::new(vec![Matrix::from_rows(stays), Matrix::from_rows(falls)])
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

    /// The superoperator, column-stacking: index `column · 2ⁿ + row` of ρ.
    #[must_use]
    pub fn superop(&self) -> Matrix {
        choi::superop_of(&self.kraus)
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

    /// The fidelity with the identity as a process: Σ |tr K|² / 4ⁿ.
    #[must_use]
    pub fn process_fidelity(&self) -> f64 {
        let dim = 1_usize << self.n_qubits;
        let trace = |k: &Matrix| (0..dim).map(|i| k.at(i, i)).sum::<Complex64>();
        self.kraus.iter().map(|k| trace(k).norm_sqr()).sum::<f64>() / (dim * dim) as f64
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

fn bad_count(n: u32) -> NoiseError {
    NoiseError::BadShape(format!("a channel on {n} qubits, expected 1 to {MAX_QUBITS}"))
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

/// The Pauli string whose letter on qubit `q` is `(string >> 2q) & 3` of I, X, Y, Z.
fn pauli(string: u32, n_qubits: u32) -> Matrix {
    const LETTERS: [Gate; 4] = [Gate::Id, Gate::X, Gate::Y, Gate::Z];
    let letter = |qubit: u32| LETTERS[(string >> (2 * qubit) & 3) as usize].matrix(&[]);
    (0..n_qubits).fold(Matrix::identity(0), |low, qubit| kron(&letter(qubit), &low))
}

/// The Kronecker product: `high` on the more significant bits.
fn kron(high: &Matrix, low: &Matrix) -> Matrix {
    let (n, dim) = (low.dim(), high.dim() * low.dim());
    let entry =
        |row: usize, column: usize| high.at(row / n, column / n) * low.at(row % n, column % n);
    let entries = (0..dim * dim).map(|i| entry(i / dim, i % dim)).collect();
    Matrix::new(dim, entries).expect("dim² entries")
}

pub(super) fn scaled(matrix: &Matrix, factor: f64) -> Matrix {
    let entries = matrix.entries().iter().map(|entry| entry * factor).collect();
    Matrix::new(matrix.dim(), entries).expect("as many entries as before")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Σ K ρ K† of one qubit's density matrix.
    fn applied(channel: &Channel, rho: &Matrix) -> Matrix {
        let terms = channel.kraus().iter().map(|k| k.product(rho).product(&k.adjoint()));
        terms
            .reduce(|a, b| {
                let entries = a.entries().iter().zip(b.entries()).map(|(a, b)| a + b).collect();
                Matrix::new(a.dim(), entries).unwrap()
            })
            .unwrap()
    }

    fn real(rows: [[f64; 2]; 2]) -> Matrix {
        Matrix::from_rows(rows.map(|row| row.map(|x| Complex64::new(x, 0.0))))
    }

    #[test]
    fn depolarizing_mixes_with_its_probability() {
        let plus = real([[0.5, 0.5], [0.5, 0.5]]);
        let mixed = applied(&Channel::depolarizing(0.3, 1).unwrap(), &plus);
        assert!(mixed.distance(&real([[0.5, 0.35], [0.35, 0.5]])) < 1e-15);
        for (p, n) in [(0.0, 1), (1.0, 2), (16.0 / 15.0, 2), (0.02, 3)] {
            let channel = Channel::depolarizing(p, n).unwrap();
            let dim = f64::from(1_u32 << n);
            let fidelity = 1.0 - p + p / dim;
            assert!((channel.average_fidelity() - fidelity).abs() < 1e-14, "p {p} n {n}");
        }
        for (p, n) in [(-0.1, 1), (1.34, 1), (f64::NAN, 1), (0.1, 0), (0.1, 6)] {
            assert!(Channel::depolarizing(p, n).is_err(), "p {p} n {n}");
        }
    }

    #[test]
    fn relaxation_decays_populations_and_coherence() {
        let rho = real([[0.25, 0.4], [0.4, 0.75]]);
        for (t1, t2, time, excited) in [
            (50.0, 30.0, 5.0, 0.0),
            (50.0, 100.0, 20.0, 0.1),
            (1.0, 1.7, 9.0, 1.0),
            (2.0, 2.0, 0.0, 0.3),
        ] {
            let channel = Channel::thermal_relaxation(t1, t2, time, excited).unwrap();
            let keep = (-time / t1).exp();
            let one = excited + (0.75 - excited) * keep;
            let coherence = 0.4 * (-time / t2).exp();
            let expected = real([[1.0 - one, coherence], [coherence, one]]);
            assert!(applied(&channel, &rho).distance(&expected) < 1e-14, "T1 {t1} T2 {t2}");
        }
        let none = Channel::thermal_relaxation(f64::INFINITY, f64::INFINITY, 1.0, 0.0).unwrap();
        assert!(none.is_identity());
        let never = Channel::thermal_relaxation(1.0, 1.0, 1e9, 1.0).unwrap();
        assert!(applied(&never, &rho).distance(&real([[0.0, 0.0], [0.0, 1.0]])) < 1e-14);
    }

    #[test]
    fn impossible_relaxation_is_refused_by_name() {
        let refusal = |t1, t2, time, excited| {
            Channel::thermal_relaxation(t1, t2, time, excited).unwrap_err().to_string()
        };
        assert_eq!(refusal(0.0, 1.0, 1.0, 0.0), "T1 is 0, expected a time above 0");
        let t2 = "T2 is 3, expected a time above 0 and at most 2 T1";
        assert_eq!(refusal(1.0, 3.0, 1.0, 0.0), t2);
        assert!(refusal(1.0, 1.0, f64::NAN, 0.0).starts_with("the time of relaxation is NaN"));
        assert!(refusal(1.0, 1.0, 1.0, 2.0).starts_with("the excited population is 2"));
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
        let expected = applied(&turned, &applied(&damping, &rho));
        assert!(applied(&both, &rho).distance(&expected) < 1e-14);
    }
}
