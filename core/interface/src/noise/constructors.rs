//! The channels that have names.

use super::{
    Channel, NoiseError, TOLERANCE,
    channel::{MAX_QUBITS, bad_count},
    pauli::PauliBits,
};
use crate::{Complex64, Matrix};

impl Channel {
    /// With probability `p` the qubits become completely mixed: (1 − p) ρ + p 1/2ⁿ, on 1 to 5
    /// qubits.
    ///
    /// `p` may go up to 4ⁿ / (4ⁿ − 1), where every Pauli but the identity is equally likely.
    ///
    /// # Errors
    /// If `p` is outside of that.
    pub fn depolarizing(p: f64, n_qubits: u32) -> Result<Self, NoiseError> {
        let terms = depolarizing_terms(p, n_qubits)?;
        let kraus = terms.into_iter().map(|(string, p)| string.matrix(n_qubits).scaled(p.sqrt()));
        Self::new(kraus.collect())
    }

    /// One of several Pauli strings happens, each with its probability. The rightmost letter of a
    /// string acts on the first qubit.
    ///
    /// # Errors
    /// If there are none, the strings differ in length or have other letters than `IXYZ`, or the
    /// numbers are no probabilities that sum to 1 within [`TOLERANCE`].
    pub fn pauli(terms: &[(&str, f64)]) -> Result<Self, NoiseError> {
        let matrix = |(label, p): &(&str, f64)| {
            let n_qubits = label.len() as u32;
            if !(1..=MAX_QUBITS).contains(&n_qubits) {
                return Err(bad_count(n_qubits));
            }
            Ok((*p, PauliBits::parse(label)?.matrix(n_qubits)))
        };
        Self::mixed_unitary(&terms.iter().map(matrix).collect::<Result<Vec<_>, _>>()?)
    }

    /// One of several unitaries happens, each with its probability.
    ///
    /// # Errors
    /// If there are none, the matrices differ in size or are not unitary, or the numbers are no
    /// probabilities that sum to 1 within [`TOLERANCE`].
    pub fn mixed_unitary(terms: &[(f64, Matrix)]) -> Result<Self, NoiseError> {
        check_probabilities(terms.iter().map(|(p, _)| *p))?;
        for (_, unitary) in terms {
            let defect = unitary.unitarity_defect();
            if defect > TOLERANCE || defect.is_nan() {
                return Err(NoiseError::NotUnitary { defect });
            }
        }
        let happens = terms.iter().filter(|(p, _)| *p > 0.0);
        Self::new(happens.map(|(p, unitary)| unitary.scaled(p.sqrt())).collect())
    }

    /// A gate that is off by a unitary, always the same.
    ///
    /// # Errors
    /// If the matrix is not unitary within [`TOLERANCE`], or not of 1 to 5 qubits.
    pub fn unitary(unitary: Matrix) -> Result<Self, NoiseError> {
        Self::mixed_unitary(&[(1.0, unitary)])
    }

    /// One qubit is set to |0> or to |1> with these probabilities, and left alone otherwise.
    ///
    /// # Errors
    /// If a number is no probability, or both together are more than 1.
    pub fn reset(to_zero: f64, to_one: f64) -> Result<Self, NoiseError> {
        probability("the probability of a reset to |0>", to_zero)?;
        probability("the probability of a reset to |1>", to_one)?;
        probability("the probability of any reset", to_zero + to_one)?;
        let (a, b) = (to_zero.sqrt(), to_one.sqrt());
        let stays = (1.0 - to_zero - to_one).sqrt();
        real_kraus(&[
            [[stays, 0.0], [0.0, stays]],
            [[a, 0.0], [0.0, 0.0]],
            [[0.0, a], [0.0, 0.0]],
            [[0.0, 0.0], [b, 0.0]],
            [[0.0, 0.0], [0.0, b]],
        ])
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
        probability("the excited population", excited)?;
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
        real_kraus(&[
            [[a.sqrt(), 0.0], [0.0, first]],
            [[0.0, 0.0], [0.0, left.sqrt()]],
            [[0.0, ((1.0 - excited) * decayed).sqrt()], [0.0, 0.0]],
            [[0.0, 0.0], [(excited * decayed).sqrt(), 0.0]],
        ])
    }

    /// One qubit in |1> falls to |0> with probability `gamma`.
    ///
    /// # Errors
    /// If `gamma` is no probability.
    pub fn amplitude_damping(gamma: f64) -> Result<Self, NoiseError> {
        Self::phase_amplitude_damping(gamma, 0.0, 0.0)
    }

    /// The coherence of one qubit shrinks by the factor √(1 − `lambda`), its populations stay.
    ///
    /// # Errors
    /// If `lambda` is no probability.
    pub fn phase_damping(lambda: f64) -> Result<Self, NoiseError> {
        Self::phase_amplitude_damping(0.0, lambda, 0.0)
    }

    /// Amplitude damping by `gamma` and phase damping by `lambda` at once, towards an equilibrium
    /// in which |1> has the population `excited`: the channel of Aer's
    /// `phase_amplitude_damping_error`.
    ///
    /// # Errors
    /// If a number is no probability, or `gamma + lambda` is above 1.
    pub fn phase_amplitude_damping(
        gamma: f64,
        lambda: f64,
        excited: f64,
    ) -> Result<Self, NoiseError> {
        probability("the amplitude damping", gamma)?;
        probability("the phase damping", lambda)?;
        probability("the sum of amplitude and phase damping", gamma + lambda)?;
        probability("the excited population", excited)?;
        let (down, up) = ((1.0 - excited).sqrt(), excited.sqrt());
        let (jump, turn) = (gamma.sqrt(), lambda.sqrt());
        let stays = (1.0 - gamma - lambda).sqrt();
        real_kraus(&[
            [[down, 0.0], [0.0, down * stays]],
            [[0.0, down * jump], [0.0, 0.0]],
            [[0.0, 0.0], [0.0, down * turn]],
            [[up * stays, 0.0], [0.0, up]],
            [[0.0, 0.0], [up * jump, 0.0]],
            [[up * turn, 0.0], [0.0, 0.0]],
        ])
    }
}

/// The Pauli strings of depolarizing noise with their probabilities, the identity first; those that
/// cannot happen are left out.
pub(super) fn depolarizing_terms(
    p: f64,
    n_qubits: u32,
) -> Result<Vec<(PauliBits, f64)>, NoiseError> {
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
    let probability = |n: usize| if n == 0 { identity.max(0.0) } else { p / n_paulis };
    let strings = 0..1_usize << (2 * n_qubits);
    let terms = strings.map(|n| (PauliBits::numbered(n, n_qubits), probability(n)));
    Ok(terms.filter(|(_, p)| *p > 0.0).collect())
}

/// The channel of real Kraus operators of one qubit; those that are zero are left out.
fn real_kraus(kraus: &[[[f64; 2]; 2]]) -> Result<Channel, NoiseError> {
    let happens = |rows: &&[[f64; 2]; 2]| rows.as_flattened().iter().any(|entry| *entry != 0.0);
    let matrix = |rows: &[[f64; 2]; 2]| Matrix::from_rows(rows.map(|row| row.map(Complex64::from)));
    Channel::new(kraus.iter().filter(happens).map(matrix).collect())
}

fn probability(key: &str, found: f64) -> Result<(), NoiseError> {
    match (0.0..=1.0).contains(&found) {
        true => Ok(()),
        false => {
            Err(NoiseError::BadNumber { key: key.to_owned(), found, expected: "a probability" })
        }
    }
}

/// Numbers that are probabilities and sum to 1 within [`TOLERANCE`]; their sum.
pub(super) fn check_probabilities(
    probabilities: impl Iterator<Item = f64>,
) -> Result<f64, NoiseError> {
    let mut sum = 0.0;
    for (place, p) in probabilities.enumerate() {
        // Rounding may take what should be 0 or 1 a little beyond.
        if !(-TOLERANCE..=1.0 + TOLERANCE).contains(&p) {
            return probability(&format!("probabilities[{place}]"), p).map(|()| p);
        }
        sum += p;
    }
    match (sum - 1.0).abs() <= TOLERANCE {
        true => Ok(sum),
        false => {
            let key = "the sum of the probabilities".to_owned();
            Err(NoiseError::BadNumber { key, found: sum, expected: "1" })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::circuit::Gate;

    fn real(rows: [[f64; 2]; 2]) -> Matrix {
        Matrix::from_rows(rows.map(|row| row.map(|x| Complex64::new(x, 0.0))))
    }

    #[test]
    fn depolarizing_mixes_with_its_probability() {
        let plus = real([[0.5, 0.5], [0.5, 0.5]]);
        let mixed = Channel::depolarizing(0.3, 1).unwrap().apply(&plus);
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
            assert!(channel.apply(&rho).distance(&expected) < 1e-14, "T1 {t1} T2 {t2}");
        }
        let none = Channel::thermal_relaxation(f64::INFINITY, f64::INFINITY, 1.0, 0.0).unwrap();
        assert!(none.is_identity());
        let never = Channel::thermal_relaxation(1.0, 1.0, 1e9, 1.0).unwrap();
        assert!(never.apply(&rho).distance(&real([[0.0, 0.0], [0.0, 1.0]])) < 1e-14);
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
    fn damping_and_resets_move_populations() {
        let rho = real([[0.25, 0.4], [0.4, 0.75]]);
        let damped = Channel::phase_amplitude_damping(0.3, 0.2, 0.1).unwrap();
        // Towards 0.1 in |1>, by 0.3; the coherence by √(1 − 0.5).
        let (one, coherence) = (0.75 * 0.7 + 0.3 * 0.1, 0.4 * 0.5_f64.sqrt());
        let expected = real([[1.0 - one, coherence], [coherence, one]]);
        assert!(damped.apply(&rho).distance(&expected) < 1e-15);
        let dephased = Channel::phase_damping(0.36).unwrap();
        assert!(dephased.apply(&rho).distance(&real([[0.25, 0.32], [0.32, 0.75]])) < 1e-15);
        let reset = Channel::reset(0.2, 0.3).unwrap();
        let expected = real([[0.2 + 0.5 * 0.25, 0.2], [0.2, 0.3 + 0.5 * 0.75]]);
        assert!(reset.apply(&rho).distance(&expected) < 1e-15);
    }

    #[test]
    fn mixtures_need_unitaries_and_probabilities() {
        let flips = Channel::pauli(&[("IX", 0.1), ("ZI", 0.2), ("II", 0.7)]).unwrap();
        assert_eq!((flips.n_qubits(), flips.kraus().len()), (2, 3));
        let turned = Channel::unitary(Gate::Sx.matrix(&[])).unwrap();
        assert!((turned.process_fidelity() - 0.5).abs() < 1e-15);
        let refusal = |terms: &[(&str, f64)]| Channel::pauli(terms).unwrap_err().to_string();
        assert_eq!(
            refusal(&[("X", 0.5), ("I", 0.6)]),
            "the sum of the probabilities is 1.1, expected 1"
        );
        assert_eq!(
            refusal(&[("X", -0.5), ("I", 1.5)]),
            "probabilities[0] is -0.5, expected a probability"
        );
        assert!(refusal(&[("X", f64::NAN)]).contains("NaN"));
        assert!(refusal(&[("XX", 0.5), ("I", 0.5)]).contains("4 and of 2 rows"));
        assert!(refusal(&[("W", 1.0)]).contains("`W`"));
        assert!(!refusal(&[]).is_empty() && !refusal(&[("XXXXXX", 1.0)]).is_empty());
        let half = Channel::unitary(Matrix::identity(1).scaled(0.5)).unwrap_err();
        assert_eq!(half, NoiseError::NotUnitary { defect: 0.75 });
        assert!(Channel::reset(0.7, 0.7).is_err() && Channel::phase_damping(1.1).is_err());
        assert!(Channel::phase_amplitude_damping(0.6, 0.6, 0.0).is_err());
    }

    #[test]
    fn no_strength_is_exactly_nothing() {
        for channel in [
            Channel::depolarizing(0.0, 2),
            Channel::pauli(&[("X", 0.0), ("I", 1.0)]),
            Channel::reset(0.0, 0.0),
            Channel::amplitude_damping(0.0),
            Channel::phase_damping(0.0),
            Channel::phase_amplitude_damping(0.0, 0.0, 0.0),
            Channel::thermal_relaxation(50.0, 70.0, 0.0, 0.0),
        ] {
            let channel = channel.unwrap();
            assert_eq!(channel, Channel::identity(channel.n_qubits()));
        }
    }
}
