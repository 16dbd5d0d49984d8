//! Channels that a stabilizer state can follow: a few Clifford operations, one of which is drawn.
//!
//! Most noise is a mixture of Pauli strings. Kraus operators need not show that, for any unitary
//! mixture of them is the same channel, so it is read from the channel's matrix on Pauli strings:
//! it is a mixture of Pauli strings if that matrix is diagonal, and the probabilities are the
//! Walsh-Hadamard transform of the diagonal.

use ketch_interface::{Complex64, Matrix, noise::Channel};

use super::clifford::{Clifford, decompose, scaled_pauli};

/// How far a probability may be off.
const TOLERANCE: f64 = 1e-9;

/// A channel as operations and their probabilities, which sum to 1.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Mixture {
    pub(super) terms: Vec<(f64, Act)>,
}

/// One operation on the qubits of a channel.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Act {
    /// The Pauli string with these X and Z parts.
    Pauli {
        /// Bit `i` acts on the `i`-th qubit.
        x: u32,
        /// As `x`.
        z: u32,
    },
    /// These gates; place `i` is the `i`-th qubit.
    Gates(Vec<Clifford>),
    /// The only qubit is set to this value.
    Set(bool),
}

impl Mixture {
    /// The operations of a channel; `None` if it is no such mixture.
    pub(super) fn of(channel: &Channel) -> Option<Self> {
        let kraus = channel.kraus();
        let mixture = paulis(kraus)
            .or_else(|| diagonal_on_paulis(channel))
            .or_else(|| cliffords(kraus))
            .or_else(|| relaxation(channel))?;
        mixture.normalized()
    }

    /// All operations are Pauli strings.
    pub(super) fn is_pauli(&self) -> bool {
        self.terms.iter().all(|(_, act)| matches!(act, Act::Pauli { .. }))
    }

    /// X and Z parts and probabilities, if all operations are Pauli strings.
    pub(super) fn paulis(&self) -> Option<Vec<(u32, u32, f64)>> {
        let pauli = |(p, act): &(f64, Act)| match act {
            Act::Pauli { x, z } => Some((*x, *z, *p)),
            Act::Gates(_) | Act::Set(_) => None,
        };
        self.terms.iter().map(pauli).collect()
    }

    /// The place of the operation that a uniform number falls on.
    pub(super) fn pick(&self, uniform: f64) -> usize {
        let mut left = uniform;
        for (place, (p, _)) in self.terms.iter().enumerate() {
            if left < *p {
                return place;
            }
            left -= p;
        }
        // Rounding left a little over.
        self.terms.len() - 1
    }

    /// The likeliest first, without what never happens.
    fn normalized(mut self) -> Option<Self> {
        let total: f64 = self.terms.iter().map(|(p, _)| p).sum();
        if (total - 1.0).abs() > 1e-6 {
            return None;
        }
        self.terms.retain(|(p, _)| *p > 1e-15);
        self.terms.iter_mut().for_each(|(p, _)| *p /= total);
        self.terms.sort_by(|a, b| b.0.total_cmp(&a.0));
        Some(self)
    }
}

/// Each Kraus operator is a multiple of a Pauli string.
fn paulis(kraus: &[Matrix]) -> Option<Mixture> {
    let term = |k: &Matrix| scaled_pauli(k).map(|(x, z, p)| (p, Act::Pauli { x, z }));
    Some(Mixture { terms: kraus.iter().map(term).collect::<Option<_>>()? })
}

/// Each Kraus operator is a multiple of a Clifford unitary.
fn cliffords(kraus: &[Matrix]) -> Option<Mixture> {
    let term = |k: &Matrix| {
        if let Some((x, z, p)) = scaled_pauli(k) {
            return Some((p, Act::Pauli { x, z }));
        }
        let p: f64 = (0..k.dim()).map(|row| k.at(row, 0).norm_sqr()).sum();
        let entries = k.entries().iter().map(|entry| entry / p.sqrt()).collect();
        let unitary = Matrix::new(k.dim(), entries).filter(|k| k.unitarity_defect() < TOLERANCE)?;
        Some((p, Act::Gates(decompose(&unitary)?)))
    };
    Some(Mixture { terms: kraus.iter().map(term).collect::<Option<_>>()? })
}

/// Qubits up to which the channel's matrix on Pauli strings is made.
const MAX_QUBITS: u32 = 2;

/// The channel is a mixture of Pauli strings however its Kraus operators are written.
fn diagonal_on_paulis(channel: &Channel) -> Option<Mixture> {
    let n = channel.n_qubits();
    if n > MAX_QUBITS {
        return None;
    }
    let transfer = transfer(channel);
    let n_strings = 1_usize << (2 * n);
    let off = |i: usize| i / n_strings != i % n_strings && transfer[i].abs() > TOLERANCE;
    if (0..n_strings * n_strings).any(off) {
        return None;
    }
    // A string changes the sign of those that anticommute with it.
    let probability = |string: usize| {
        let sign = |other: usize| if anticommute(string, other, n) { -1.0 } else { 1.0 };
        let sum: f64 = (0..n_strings).map(|q| sign(q) * transfer[q * n_strings + q]).sum();
        sum / n_strings as f64
    };
    let terms: Vec<(f64, Act)> = (0..n_strings)
        .map(|string| {
            let (x, z) = (string & ((1 << n) - 1), string >> n);
            (probability(string), Act::Pauli { x: x as u32, z: z as u32 })
        })
        .collect();
    (terms.iter().all(|(p, _)| *p > -TOLERANCE)).then_some(Mixture { terms })
}

/// A qubit that relaxes: a mixture of the identity, Z, and resets to |0> and |1>. So is thermal
/// relaxation where T2 is at most T1.
fn relaxation(channel: &Channel) -> Option<Mixture> {
    if channel.n_qubits() != 1 {
        return None;
    }
    // Rows and columns in the order I, X, Z, Y.
    let transfer = transfer(channel);
    let (kept, coherence, pulled) = (transfer[2 * 4 + 2], transfer[4 + 1], transfer[2 * 4]);
    let mut expected = [0.0; 16];
    expected[0] = 1.0;
    (expected[5], expected[15], expected[10], expected[8]) = (coherence, coherence, kept, pulled);
    let off = transfer.iter().zip(expected).any(|(a, b)| (a - b).abs() > TOLERANCE);
    let set = |sign: f64| (1.0 - kept + sign * pulled) / 2.0;
    let terms = vec![
        ((kept + coherence) / 2.0, Act::Pauli { x: 0, z: 0 }),
        ((kept - coherence) / 2.0, Act::Pauli { x: 0, z: 1 }),
        (set(1.0), Act::Set(false)),
        (set(-1.0), Act::Set(true)),
    ];
    (!off && terms.iter().all(|(p, _)| *p > -TOLERANCE)).then_some(Mixture { terms })
}

/// tr(P E(Q)) / 2ⁿ for all Pauli strings P (rows) and Q: numbers whose lower half are the X parts.
fn transfer(channel: &Channel) -> Vec<f64> {
    let n = channel.n_qubits();
    let (dim, n_strings) = (1_usize << n, 1_usize << (2 * n));
    let strings: Vec<Matrix> = (0..n_strings).map(|string| pauli(string, n)).collect();
    let mut transfer = vec![0.0; n_strings * n_strings];
    for kraus in channel.kraus() {
        let adjoint = kraus.adjoint();
        for (q, string) in strings.iter().enumerate() {
            let image = kraus.product(string).product(&adjoint);
            for (p, other) in strings.iter().enumerate() {
                let entry = |i: usize| other.at(i / dim, i % dim) * image.at(i % dim, i / dim);
                let trace: Complex64 = (0..dim * dim).map(entry).sum();
                transfer[p * n_strings + q] += trace.re / dim as f64;
            }
        }
    }
    transfer
}

/// The Hermitian Pauli string whose X parts are the lower `n` bits and Z parts the upper ones.
fn pauli(string: usize, n: u32) -> Matrix {
    let (dim, x, z) = (1_usize << n, string & ((1 << n) - 1), string >> n);
    let mut entries = vec![Complex64::ZERO; dim * dim];
    for column in 0..dim {
        let sign = if (column & z).count_ones() % 2 == 1 { -1.0 } else { 1.0 };
        entries[(column ^ x) * dim + column] = Complex64::I.powu((x & z).count_ones()) * sign;
    }
    Matrix::new(dim, entries).expect("dim² entries were made")
}

fn anticommute(a: usize, b: usize, n: u32) -> bool {
    let low = (1 << n) - 1;
    ((a & low & (b >> n)).count_ones() + (b & low & (a >> n)).count_ones()) % 2 == 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use ketch_interface::circuit::Gate;

    /// Kraus operators of the mixture make the same superoperator.
    fn assert_same(channel: &Channel, what: &str) {
        let mixture = Mixture::of(channel).unwrap_or_else(|| panic!("{what} is a mixture"));
        let total: f64 = mixture.terms.iter().map(|(p, _)| p).sum();
        assert!((total - 1.0).abs() < 1e-12);
        let n = channel.n_qubits();
        let mut kraus = Vec::new();
        for (p, act) in &mixture.terms {
            let scaled = |m: &Matrix| {
                let entries = m.entries().iter().map(|entry| entry * p.sqrt()).collect();
                Matrix::new(m.dim(), entries).unwrap()
            };
            match act {
                Act::Pauli { x, z } => kraus.push(scaled(&pauli((x | z << n) as usize, n))),
                Act::Gates(gates) => {
                    assert_eq!(gates, &[Clifford::H(0)]);
                    kraus.push(scaled(&Gate::H.matrix(&[])));
                }
                Act::Set(value) => {
                    let row = usize::from(*value);
                    for column in 0..2 {
                        let mut entries = vec![Complex64::ZERO; 4];
                        entries[row * 2 + column] = Complex64::ONE;
                        kraus.push(scaled(&Matrix::new(2, entries).unwrap()));
                    }
                }
            }
        }
        let distance = Channel::new(kraus).unwrap().superop().distance(&channel.superop());
        assert!(distance < 1e-9, "{what}: {distance}");
    }

    #[test]
    fn mixtures_are_the_channels_that_they_stand_for() {
        let depolarizing = |p, n| Channel::depolarizing(p, n).unwrap();
        for (p, n) in [(0.1, 1), (0.02, 2), (1.0, 1), (16.0 / 15.0, 2), (0.1, 3)] {
            assert_same(&depolarizing(p, n), &format!("depolarizing {p} {n}"));
        }
        let c = |re: f64| Complex64::new(re, 0.0);
        let damped = Channel::new(vec![
            Matrix::diagonal(&[c(1.0), c(0.7_f64.sqrt())]),
            Matrix::diagonal(&[c(0.0), c(0.3_f64.sqrt())]),
        ]);
        assert_same(&damped.unwrap(), "phase damping");
        // Products write their Kraus operators in some basis of their own.
        assert_same(&depolarizing(0.1, 2).then(&depolarizing(0.05, 2)), "a product");
        assert_same(&Channel::thermal_relaxation(50.0, 40.0, 10.0, 0.2).unwrap(), "relaxation");
        assert_same(&Channel::amplitude_damping(1.0).unwrap(), "a reset");
        let scaled = |gate: Gate, p: f64| {
            let entries = gate.matrix(&[]).entries().iter().map(|entry| entry * p.sqrt()).collect();
            Matrix::new(2, entries).unwrap()
        };
        let turned = Channel::new(vec![scaled(Gate::Id, 0.9), scaled(Gate::H, 0.1)]).unwrap();
        assert_same(&turned, "a Hadamard gate too many");
    }

    #[test]
    fn what_no_mixture_is_is_told() {
        assert!(Mixture::of(&Channel::amplitude_damping(0.3).unwrap()).is_none());
        assert!(Mixture::of(&Channel::thermal_relaxation(5.0, 9.0, 1.0, 0.0).unwrap()).is_none());
        let t = Channel::new(vec![Gate::T.matrix(&[])]).unwrap();
        assert!(Mixture::of(&t).is_none());
    }
}
