//! The state: a Clifford operation C on |0…0>, as what C† P C is for each X and Z.
//!
//! This inverse tableau (Gidney, "Stim: a fast stabilizer circuit simulator", arXiv:2103.02202,
//! section 3) tells from one row whether a measurement is certain: Z is measured on |0…0> as C† Z C,
//! which is certain if it has no X part. A gate multiplies a few rows.

use ketch_kernels::{AllocError, Collapse, Kernels};

use super::clifford::Clifford;

/// A stabilizer state of `n` places.
#[derive(Clone, Debug)]
pub(crate) struct Tableau {
    n: usize,
    /// Words of each half of a row.
    words: usize,
    /// Rows: C† X C of place 0, C† Z C of place 0, C† X C of place 1, … Each holds its X words, then
    /// its Z words.
    rows: Vec<u64>,
    /// The power of i of each row; see [`ketch_kernels::Kernels::multiply_row`].
    phases: Vec<u8>,
    kernels: Kernels,
}

/// A Pauli string on the places of a tableau: `i^phase X^x Z^z`.
#[derive(Clone, Debug)]
pub(crate) struct Pauli {
    /// The X words, then the Z words.
    pub(crate) bits: Vec<u64>,
    pub(crate) phase: u8,
}

impl Pauli {
    /// The product with another string of as many places; `None` if they anticommute.
    pub(crate) fn commuting_product(&self, other: &Self) -> Option<Self> {
        let half = self.bits.len() / 2;
        let met = |a: &[u64], b: &[u64]| -> u32 {
            a[half..].iter().zip(&b[..half]).map(|(z, x)| (z & x).count_ones()).sum()
        };
        let (ours, theirs) = (met(&self.bits, &other.bits), met(&other.bits, &self.bits));
        let bits = self.bits.iter().zip(&other.bits).map(|(a, b)| a ^ b).collect();
        let phase = (self.phase + other.phase + 2 * (ours & 1) as u8) & 3;
        ((ours ^ theirs) & 1 == 0).then_some(Self { bits, phase })
    }
}

impl Tableau {
    /// |0…0>.
    pub(crate) fn zero(n: usize) -> Result<Self, AllocError> {
        let words = words(n);
        let n_words = 4 * n * words;
        let mut rows = Vec::new();
        rows.try_reserve_exact(n_words).map_err(|_| AllocError { bytes: n_words * 8 })?;
        rows.resize(n_words, 0);
        let mut tableau =
            Self { n, words, rows, phases: vec![0; 2 * n], kernels: Kernels::detect() };
        for place in 0..n {
            tableau.row_mut(2 * place)[place / 64] = 1 << (place % 64);
            tableau.row_mut(2 * place + 1)[words + place / 64] = 1 << (place % 64);
        }
        Ok(tableau)
    }

    /// The bytes that a state of `n` places takes.
    pub(crate) fn bytes(n: usize) -> u128 {
        32 * n as u128 * words(n) as u128 + 2 * n as u128
    }

    pub(crate) fn n_places(&self) -> usize {
        self.n
    }

    /// Becomes a copy of another state of as many places.
    pub(crate) fn copy_from(&mut self, other: &Self) {
        self.rows.copy_from_slice(&other.rows);
        self.phases.copy_from_slice(&other.phases);
    }

    /// Applies an elementary gate G: row P becomes the row of G† P G.
    pub(crate) fn apply(&mut self, gate: Clifford) {
        let (x, z) = (|q: u32| 2 * q as usize, |q: u32| 2 * q as usize + 1);
        match gate {
            Clifford::X(q) => self.turn(z(q), 2),
            Clifford::Z(q) => self.turn(x(q), 2),
            Clifford::Y(q) => {
                self.turn(x(q), 2);
                self.turn(z(q), 2);
            }
            Clifford::H(q) => self.swap(x(q), z(q)),
            // S† X S = -Y = -i X Z.
            Clifford::S(q) => {
                self.multiply(x(q), z(q));
                self.turn(x(q), 3);
            }
            Clifford::Sdg(q) => {
                self.multiply(x(q), z(q));
                self.turn(x(q), 1);
            }
            // √X† Z √X = Y = i X Z.
            Clifford::SqrtX(q) => {
                self.multiply_from_left(z(q), x(q));
                self.turn(z(q), 1);
            }
            Clifford::SqrtXdg(q) => {
                self.multiply_from_left(z(q), x(q));
                self.turn(z(q), 3);
            }
            Clifford::Cx(c, t) => {
                self.multiply(x(c), x(t));
                self.multiply(z(t), z(c));
            }
            Clifford::Cz(a, b) => {
                self.multiply(x(a), z(b));
                self.multiply(x(b), z(a));
            }
            Clifford::Swap(a, b) => {
                self.swap(x(a), x(b));
                self.swap(z(a), z(b));
            }
        }
    }

    /// What measuring Z reads for certain; `None` if both outcomes are equally likely.
    pub(crate) fn certain(&self, place: usize) -> Option<bool> {
        let row = 2 * place + 1;
        let is_certain = self.row(row)[..self.words].iter().all(|word| *word == 0);
        is_certain.then(|| self.phases[row] & 2 == 2)
    }

    /// Measures Z of a place; `choose` says what is read where both outcomes are equally likely.
    pub(crate) fn measure(&mut self, place: usize, choose: impl FnOnce() -> bool) -> bool {
        if let Some(outcome) = self.certain(place) {
            return outcome;
        }
        let outcome = choose();
        self.collapse(place, outcome);
        outcome
    }

    /// Measures places one after the other, reading 0 where both outcomes are equally likely. The
    /// state afterwards is not kept, so that only the rows that are still to be read are projected.
    pub(crate) fn read_out(&self, places: &[usize]) -> Result<Vec<bool>, AllocError> {
        let len = 2 * self.words;
        let mut rows: Vec<u64> = Vec::new();
        let bytes = places.len() * len * 8;
        rows.try_reserve_exact(places.len() * len).map_err(|_| AllocError { bytes })?;
        places.iter().for_each(|place| rows.extend_from_slice(self.row(2 * place + 1)));
        let mut phases: Vec<u8> = places.iter().map(|place| self.phases[2 * place + 1]).collect();
        let mut outcomes = Vec::with_capacity(places.len());
        for place in 0..places.len() {
            let (rows, phases) = (&mut rows[place * len..], &mut phases[place..]);
            if rows[..self.words].iter().any(|word| *word != 0) {
                project(self.kernels, rows, phases, 0, self.words, false);
            }
            outcomes.push(phases[0] & 2 == 2);
        }
        Ok(outcomes)
    }

    /// Projects a place whose Z is not certain onto an outcome.
    fn collapse(&mut self, place: usize, outcome: bool) {
        let row = 2 * place + 1;
        project(self.kernels, &mut self.rows, &mut self.phases, row, self.words, outcome);
    }

    /// Sets a place to |0>; `choose` as for [`measure`](Self::measure).
    pub(crate) fn reset(&mut self, place: usize, choose: impl FnOnce() -> bool) {
        if self.measure(place, choose) {
            self.turn(2 * place + 1, 2);
        }
    }

    /// C† P C for a Pauli string P.
    pub(crate) fn pulled_back(&self, pauli: &Pauli) -> Pauli {
        let mut product = Pauli { bits: vec![0; 2 * self.words], phase: pauli.phase };
        let (x, z) = pauli.bits.split_at(self.words);
        // X^x Z^z: all X first.
        for (parts, offset) in [(x, 0), (z, 1)] {
            for place in ones(parts) {
                let row = 2 * place + offset;
                let minus = self.kernels.multiply_row(&mut product.bits, self.row(row));
                product.phase += self.phases[row] + 2 * u8::from(minus);
                product.phase &= 3;
            }
        }
        product
    }

    /// The expectation value of a Hermitian Pauli string: -1, 0 or 1.
    pub(crate) fn expectation(&self, pauli: &Pauli) -> f64 {
        let Pauli { bits, phase } = self.pulled_back(pauli);
        match bits[..self.words].iter().all(|word| *word == 0) {
            true if phase == 2 => -1.0,
            true => 1.0,
            false => 0.0,
        }
    }

    /// The Hermitian Pauli string with Y where both sets of places meet.
    pub(crate) fn pauli(
        &self,
        x: impl IntoIterator<Item = usize>,
        z: impl IntoIterator<Item = usize>,
    ) -> Pauli {
        let mut bits = vec![0_u64; 2 * self.words];
        x.into_iter().for_each(|place| bits[place / 64] |= 1 << (place % 64));
        z.into_iter().for_each(|place| bits[self.words + place / 64] |= 1 << (place % 64));
        let n_y: u32 =
            (0..self.words).map(|word| (bits[word] & bits[self.words + word]).count_ones()).sum();
        Pauli { bits, phase: (n_y & 3) as u8 }
    }

    /// The strings C P C† for all Z, which stabilize the state, then for all X.
    ///
    /// A tableau is inverted by exchanging rows with columns and X with Z; a sign is the one that
    /// makes the string go back to where it came from.
    pub(crate) fn pushed_forward(&self) -> [Vec<Pauli>; 2] {
        let has = |row: usize, half: usize, place: usize| {
            self.row(row)[half * self.words + place / 64] >> (place % 64) & 1 == 1
        };
        // The string of Z has an X part at `q` where C† Z C of `q` has an X part at the place, and
        // so on: the string anticommutes with Z of `q` just where P does with C† Z C.
        let image = |place: usize, half: usize| {
            let x = (0..self.n).filter(|q| has(2 * q + 1, half, place));
            let z = (0..self.n).filter(|q| has(2 * q, half, place));
            let mut pauli = self.pauli(x, z);
            if self.pulled_back(&pauli).phase == 2 {
                pauli.phase ^= 2;
            }
            pauli
        };
        [0, 1].map(|half| (0..self.n).map(|place| image(place, half)).collect())
    }

    /// The letters of a Hermitian string, place 0 rightmost, behind its sign.
    pub(crate) fn text(&self, pauli: &Pauli) -> String {
        let bit = |at: usize, place: usize| pauli.bits[at + place / 64] >> (place % 64) & 1;
        let mut n_y = 0_u8;
        let letters: String = (0..self.n)
            .rev()
            .map(|place| match (bit(0, place), bit(self.words, place)) {
                (0, 0) => 'I',
                (1, 0) => 'X',
                (0, _) => 'Z',
                _ => {
                    n_y = (n_y + 1) & 3;
                    'Y'
                }
            })
            .collect();
        let sign = if (pauli.phase + 4 - n_y) & 3 == 2 { '-' } else { '+' };
        format!("{sign}{letters}")
    }

    fn row(&self, row: usize) -> &[u64] {
        &self.rows[row * 2 * self.words..][..2 * self.words]
    }

    fn row_mut(&mut self, row: usize) -> &mut [u64] {
        &mut self.rows[row * 2 * self.words..][..2 * self.words]
    }

    fn turn(&mut self, row: usize, power: u8) {
        self.phases[row] = (self.phases[row] + power) & 3;
    }

    fn swap(&mut self, a: usize, b: usize) {
        let (row_a, row_b) = self.two_rows(a, b);
        row_a.swap_with_slice(row_b);
        self.phases.swap(a, b);
    }

    fn multiply(&mut self, row: usize, by: usize) {
        let kernels = self.kernels;
        let (to, from) = self.two_rows(row, by);
        let minus = kernels.multiply_row(to, from);
        self.turn(row, self.phases[by] + 2 * u8::from(minus));
    }

    fn multiply_from_left(&mut self, row: usize, by: usize) {
        let kernels = self.kernels;
        let (to, from) = self.two_rows(row, by);
        let minus = kernels.multiply_row_from_left(to, from);
        self.turn(row, self.phases[by] + 2 * u8::from(minus));
    }

    fn two_rows(&mut self, a: usize, b: usize) -> (&mut [u64], &mut [u64]) {
        let len = 2 * self.words;
        let [a, b] = self
            .rows
            .get_disjoint_mut([a * len..(a + 1) * len, b * len..(b + 1) * len])
            .expect("two different rows");
        (a, b)
    }
}

/// Projects the state so that the observable of `row`, which has an X part, has this outcome; on all
/// rows that are given.
///
/// |0…0> does not change under controlled X. That makes the observable an X or a Y on one input
/// qubit, with Z on others, and an eigenstate of that is found by turning this one qubit.
fn project(
    kernels: Kernels,
    rows: &mut [u64],
    phases: &mut [u8],
    row: usize,
    words: usize,
    outcome: bool,
) {
    let (x, z) = rows[row * 2 * words..][..2 * words].split_at(words);
    let mut others = x.to_vec();
    let word = others.iter().position(|word| *word != 0).expect("the outcome is random");
    let bit = others[word].trailing_zeros();
    others[word] &= others[word] - 1;
    let pivot = word * 64 + bit as usize;
    let met = z.iter().zip(&others).fold(0, |met, (z, other)| met ^ (z & other));
    let phase = (z[word] >> bit & 1) ^ u64::from(met.count_ones() & 1) == 1;
    // What is left is i^power X, or i^power X Z, on the pivot.
    let power = phases[row] + if phase { 3 } else { 0 };
    let flip = outcome != (power & 2 == 2);
    let collapse = Collapse { pivot, others: &others, phase, flip };
    kernels.collapse_rows(rows, phases, &collapse);
}

/// The words of half a row: whole vectors where there is more than one.
fn words(n: usize) -> usize {
    let words = n.div_ceil(64).max(1);
    if words > 4 { words.next_multiple_of(8) } else { words }
}

/// The places of the bits that are set.
fn ones(words: &[u64]) -> impl Iterator<Item = usize> + '_ {
    words.iter().enumerate().flat_map(|(place, &word)| {
        let bits = std::iter::successors(Some(word), |word| Some(word & word.wrapping_sub(1)));
        bits.take_while(|word| *word != 0)
            .map(move |word| place * 64 + word.trailing_zeros() as usize)
    })
}
