//! A plain tableau: the stabilizers and destabilizers of the state, one bool for each part, after
//! Aaronson and Gottesman, "Improved simulation of stabilizer circuits", quant-ph/0406196, section
//! III. It tracks the state forwards, the engine's tableau backwards.

/// A Pauli string with its sign.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Row {
    pub(super) x: Vec<bool>,
    pub(super) z: Vec<bool>,
    pub(super) minus: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Plain {
    n: usize,
    /// Destabilizers, then stabilizers.
    pub(super) rows: Vec<Row>,
}

impl Plain {
    pub(super) fn new(n: usize) -> Self {
        let unit = |at: usize| (0..n).map(|q| q == at).collect::<Vec<bool>>();
        let zeros = || vec![false; n];
        let destabilizers = (0..n).map(|q| Row { x: unit(q), z: zeros(), minus: false });
        let stabilizers = (0..n).map(|q| Row { x: zeros(), z: unit(q), minus: false });
        Self { n, rows: destabilizers.chain(stabilizers).collect() }
    }

    pub(super) fn h(&mut self, q: usize) {
        for row in &mut self.rows {
            row.minus ^= row.x[q] && row.z[q];
            (row.x[q], row.z[q]) = (row.z[q], row.x[q]);
        }
    }

    pub(super) fn s(&mut self, q: usize) {
        for row in &mut self.rows {
            row.minus ^= row.x[q] && row.z[q];
            row.z[q] ^= row.x[q];
        }
    }

    pub(super) fn cx(&mut self, c: usize, t: usize) {
        for row in &mut self.rows {
            row.minus ^= row.x[c] && row.z[t] && row.x[t] == row.z[c];
            row.x[t] ^= row.x[c];
            row.z[c] ^= row.z[t];
        }
    }

    /// `row · by`, which commute up to the sign that is kept.
    fn multiplied(row: &Row, by: &Row) -> Row {
        let mut power = 2 * i32::from(row.minus) + 2 * i32::from(by.minus);
        for q in 0..row.x.len() {
            let (x1, z1) = (i32::from(by.x[q]), i32::from(by.z[q]));
            let (x2, z2) = (i32::from(row.x[q]), i32::from(row.z[q]));
            power += match (x1, z1) {
                (0, 0) => 0,
                (1, 1) => z2 - x2,
                (1, 0) => z2 * (2 * x2 - 1),
                _ => x2 * (1 - 2 * z2),
            };
        }
        let sum = |a: &[bool], b: &[bool]| a.iter().zip(b).map(|(a, b)| a ^ b).collect();
        Row { x: sum(&row.x, &by.x), z: sum(&row.z, &by.z), minus: power.rem_euclid(4) >= 2 }
    }

    /// Measures a qubit; a random outcome becomes `wanted`. Answers the outcome and whether it was
    /// random.
    pub(super) fn measure(&mut self, q: usize, wanted: bool) -> (bool, bool) {
        let n = self.n;
        if let Some(p) = (n..2 * n).find(|&row| self.rows[row].x[q]) {
            let pivot = self.rows[p].clone();
            for row in (0..2 * n).filter(|&row| row != p) {
                if self.rows[row].x[q] {
                    self.rows[row] = Self::multiplied(&self.rows[row], &pivot);
                }
            }
            self.rows[p - n] = pivot;
            let z = (0..n).map(|other| other == q).collect();
            self.rows[p] = Row { x: vec![false; n], z, minus: wanted };
            return (wanted, true);
        }
        let mut product = Row { x: vec![false; n], z: vec![false; n], minus: false };
        for row in 0..n {
            if self.rows[row].x[q] {
                product = Self::multiplied(&product, &self.rows[n + row]);
            }
        }
        (product.minus, false)
    }

    /// The letters of a row behind its sign, qubit 0 rightmost.
    pub(super) fn text(row: &Row) -> String {
        let letter = |q: usize| match (row.x[q], row.z[q]) {
            (false, false) => 'I',
            (true, false) => 'X',
            (false, true) => 'Z',
            (true, true) => 'Y',
        };
        let sign = if row.minus { '-' } else { '+' };
        std::iter::once(sign).chain((0..row.x.len()).rev().map(letter)).collect()
    }
}
