//! [`Split`]: a channel as Pauli strings that happen with probabilities of their own, and a rest.
//!
//! Most of what noise does is the same in every state: mostly it does nothing, and sometimes it
//! multiplies a string. Only what is left after that depends on the state. The Choi matrix C of a
//! channel is positive; with v the entries of a unitary, C - λ v v† stays positive up to
//! λ = 1 / (v† C⁺ v) if v is in the range of C, and else for no λ above 0 (Lewenstein and Sanpera,
//! Phys. Rev. Lett. 80, 2261, 1998). So strings are taken out one after the other, each as often as
//! it goes, the likeliest first.

use ketch_interface::{Complex64, Matrix, noise::Channel};

/// Qubits up to which a channel is taken apart: its Choi matrix has `16^k` entries.
const MAX_QUBITS: u32 = 2;

/// Strings that are less likely are left in the rest, and a rest that is less likely is rounding.
const LEAST: f64 = 1e-13;

/// How far the entries of a string may be from the range of the Choi matrix: columns with small pivots
/// magnify rounding.
const TOLERANCE: f64 = 1e-7;

/// How far the parts together may be from the channel.
const OFF: f64 = 1e-11;

/// A channel as what happens with the same probability in every state, and the rest.
#[derive(Clone, Debug)]
pub(crate) struct Split {
    /// Probabilities and the bits of the X and of the Z parts: bit `i` is on the `i`-th qubit. The
    /// likeliest first.
    pub(crate) strings: Vec<(f64, [usize; 2])>,
    /// Kraus operators whose probabilities depend on the state. Together they have in every state
    /// what the strings leave of 1.
    pub(crate) rest: Vec<Matrix>,
    /// The dimension of all of them.
    d: usize,
}

impl Split {
    /// Takes a channel apart; `None` if it is on too many qubits, or so close to strings that rounding
    /// hides what is left.
    pub(crate) fn of(channel: &Channel) -> Option<Self> {
        if channel.n_qubits() > MAX_QUBITS {
            return None;
        }
        let d = 1 << channel.n_qubits();
        let dim: usize = d * d;
        let mut choi = vec![Complex64::ZERO; dim * dim];
        for kraus in channel.kraus() {
            subtract(&mut choi, -1.0, kraus.entries());
        }
        let mut left: Vec<([usize; 2], Vec<Complex64>)> =
            (0..dim).map(|i| [i / d, i % d]).map(|masks| (masks, string(masks, d))).collect();
        let mut strings = Vec::new();
        let whole = choi.clone();
        let mut factor = Factor::of(choi.clone(), dim);
        loop {
            let shares = left.iter().map(|(_, entries)| factor.share(entries));
            let best = shares.enumerate().max_by(|(_, a), (_, b)| a.total_cmp(b));
            let Some((at, share)) = best.filter(|(_, share)| *share > LEAST) else { break };
            let (masks, entries) = left.swap_remove(at);
            subtract(&mut choi, share, &entries);
            strings.push((share, masks));
            factor = Factor::of(choi.clone(), dim);
        }
        let taken: f64 = strings.iter().map(|(share, _)| share).sum();
        let mut rest = factor.columns;
        if 1.0 - taken < LEAST {
            rest.clear();
        }
        let mut choi = whole;
        strings.iter().for_each(|(share, masks)| subtract(&mut choi, *share, &string(*masks, d)));
        rest.iter().for_each(|kraus| subtract(&mut choi, 1.0, kraus));
        if choi.iter().any(|off| off.norm() > OFF) {
            return None;
        }
        let matrix = |entries| Matrix::new(d, entries).expect("d² entries");
        let rest = rest.into_iter().map(matrix).collect();
        strings.sort_by(|a, b| b.0.total_cmp(&a.0));
        Some(Self { strings, rest, d })
    }

    /// The strings as Kraus operators.
    pub(crate) fn strings(&self) -> impl Iterator<Item = Matrix> {
        let d = self.d;
        self.strings.iter().map(move |(share, masks)| {
            let entries = string(*masks, d).iter().map(|entry| entry * share.sqrt()).collect();
            Matrix::new(d, entries).expect("d² entries")
        })
    }

    /// The probability, in every state, that one of the strings happens.
    pub(crate) fn free(&self) -> f64 {
        match self.rest.is_empty() {
            true => 1.0,
            false => self.strings.iter().map(|(share, _)| share).sum(),
        }
    }
}

/// The entries of the string with these X and Z parts, up to a phase.
fn string([x, z]: [usize; 2], d: usize) -> Vec<Complex64> {
    let mut entries = vec![Complex64::ZERO; d * d];
    for column in 0..d {
        let sign = if (column & z).count_ones() % 2 == 1 { -1.0 } else { 1.0 };
        entries[(column ^ x) * d + column] = Complex64::new(sign, 0.0);
    }
    entries
}

/// Subtracts `share · v v†`.
fn subtract(matrix: &mut [Complex64], share: f64, v: &[Complex64]) {
    for (line, left) in matrix.chunks_mut(v.len()).zip(v) {
        for (entry, right) in line.iter_mut().zip(v) {
            *entry -= share * left * right.conj();
        }
    }
}

/// L with L L† = a positive matrix, by Cholesky's method with the largest pivot first.
struct Factor {
    columns: Vec<Vec<Complex64>>,
    /// The row of each column's pivot: there, later columns are 0.
    pivots: Vec<usize>,
}

impl Factor {
    fn of(mut matrix: Vec<Complex64>, dim: usize) -> Self {
        let mut factor = Self { columns: Vec::new(), pivots: Vec::new() };
        for _ in 0..dim {
            let diagonal = |i: &usize| matrix[i * dim + i].re;
            let pivot = (0..dim).max_by(|a, b| diagonal(a).total_cmp(&diagonal(b)));
            let Some(pivot) = pivot.filter(|pivot| diagonal(pivot) > LEAST) else { break };
            let root = diagonal(&pivot).sqrt();
            let column: Vec<Complex64> =
                (0..dim).map(|row| matrix[row * dim + pivot] / root).collect();
            subtract(&mut matrix, 1.0, &column);
            // What rounding leaves there must not be a pivot once more.
            for i in 0..dim {
                matrix[pivot * dim + i] = Complex64::ZERO;
                matrix[i * dim + pivot] = Complex64::ZERO;
            }
            factor.columns.push(column);
            factor.pivots.push(pivot);
        }
        factor
    }

    /// The largest λ for which λ v v† can be subtracted: with L x = v it is 1 / |x|².
    fn share(&self, v: &[Complex64]) -> f64 {
        let mut left = v.to_vec();
        let mut norm = 0.0;
        for (column, &pivot) in self.columns.iter().zip(&self.pivots) {
            let x = left[pivot] / column[pivot];
            left.iter_mut().zip(column).for_each(|(left, entry)| *left -= x * entry);
            norm += x.norm_sqr();
        }
        let off = left.iter().map(|entry| entry.norm()).fold(0.0, f64::max);
        if off > TOLERANCE || norm == 0.0 { 0.0 } else { norm.recip() }
    }
}

#[cfg(test)]
mod tests {
    use ketch_interface::circuit::Gate;

    use super::*;

    /// The parts make the channel; returns the probabilities of nothing and of the rest.
    fn assert_same(channel: &Channel, what: &str) -> [f64; 2] {
        let split = Split::of(channel).unwrap();
        let kraus = split.rest.iter().cloned().chain(split.strings()).collect();
        let off = Channel::new(kraus).unwrap().superop().distance(&channel.superop());
        assert!(off < 1e-11, "{what}: off by {off}");
        let nothing = split.strings.iter().find(|(_, masks)| *masks == [0, 0]);
        [nothing.map_or(0.0, |(share, _)| *share), 1.0 - split.free()]
    }

    #[test]
    fn the_parts_of_pauli_noise_are_its_strings() {
        for (p, n) in [(0.1, 1), (0.02, 2), (1.0, 1), (16.0 / 15.0, 2)] {
            let channel = Channel::depolarizing(p, n).unwrap();
            // However its operators are written.
            let other = Channel::from_superop(&channel.superop()).unwrap();
            for channel in [channel, other] {
                let [nothing, rest] = assert_same(&channel, &format!("depolarizing {p} {n}"));
                let n_paulis = f64::from(1_u32 << (2 * n));
                assert!((nothing - (1.0 - p * (n_paulis - 1.0) / n_paulis)).abs() < 1e-9);
                assert_eq!(rest, 0.0);
            }
        }
    }

    #[test]
    fn relaxation_does_nothing_as_often_as_the_formula_says() {
        for (t1, t2, time, excited) in
            [(50.0, 70.0, 1.0, 0.0), (50.0, 30.0, 2.0, 0.0), (50.0, 95.0, 0.3, 0.1)]
        {
            let channel = Channel::thermal_relaxation(t1, t2, time, excited).unwrap();
            let [nothing, rest] = assert_same(&channel, &format!("T2 {t2}"));
            let decayed: f64 = 1.0 - (-time / t1).exp();
            let c: f64 = (-time / t2).exp();
            let (a, b) = (1.0 - excited * decayed, 1.0 - (1.0 - excited) * decayed);
            // The diagonal operators have the Choi matrix [[a, c], [c, b]].
            let expected = (a * b - c * c) / (a + b - 2.0 * c);
            assert!((nothing - expected).abs() < 1e-10, "{nothing}, expected {expected}");
            assert!(rest > 0.0 && rest <= 1.0 - nothing + 1e-12);
        }
        // Where T2 is 2 T1 every operator depends on the state.
        let damping = Channel::amplitude_damping(0.1).unwrap();
        assert_eq!(assert_same(&damping, "damping")[0], 0.0);
    }

    #[test]
    fn channels_of_two_qubits_and_of_no_symmetry_are_taken_apart() {
        let damping = Channel::amplitude_damping(0.02).unwrap();
        let both: Vec<Matrix> = damping
            .kraus()
            .iter()
            .flat_map(|a| damping.kraus().iter().map(move |b| product(a, b)))
            .collect();
        let both = Channel::new(both).unwrap();
        let noisy = Channel::depolarizing(0.02, 2).unwrap().then(&both);
        let [nothing, rest] = assert_same(&noisy, "depolarized and damped");
        assert!(nothing > 0.9 && rest < 0.08, "{nothing} {rest}");
        let turned = both.kraus().iter().map(|k| k.product(&Gate::Rxx.matrix(&[0.3]))).collect();
        assert_same(&Channel::new(turned).unwrap(), "turned and damped");
        assert!(Split::of(&Channel::depolarizing(0.1, 3).unwrap()).is_none());
    }

    #[test]
    fn weak_noise_is_not_lost() {
        for strength in [1e-4, 1e-6, 1e-7, 1e-8, 1e-10] {
            let damping = Channel::amplitude_damping(strength).unwrap();
            let relaxing = Channel::thermal_relaxation(1.0, 1.5, strength, 0.1).unwrap();
            for channel in [damping, relaxing] {
                if Split::of(&channel).is_some() {
                    assert_same(&channel, &format!("strength {strength}"));
                }
            }
        }
    }

    fn product(high: &Matrix, low: &Matrix) -> Matrix {
        let entry = |i: usize| {
            let (row, column) = (i / 4, i % 4);
            high.at(row / 2, column / 2) * low.at(row % 2, column % 2)
        };
        Matrix::new(4, (0..16).map(entry).collect()).unwrap()
    }
}
