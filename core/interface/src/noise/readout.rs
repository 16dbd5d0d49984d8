//! [`ReadoutError`]: how measured bits are misread.

use super::{NoiseError, TOLERANCE};
use crate::circuit::Op;

/// How measured bits are misread: row `i` holds the probabilities of reading `j` where the true
/// value is `i`. The first bit is the least significant of both.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadoutError {
    rows: Vec<Vec<f64>>,
}

impl ReadoutError {
    /// A readout error of 1 to 8 bits from its `2^k` rows.
    ///
    /// # Errors
    /// If the shape is another, or a row holds no probabilities that sum to 1 within
    /// [`TOLERANCE`].
    pub fn new(rows: Vec<Vec<f64>>) -> Result<Self, NoiseError> {
        let n = rows.len();
        if !(2..=256).contains(&n) || !n.is_power_of_two() || rows.iter().any(|r| r.len() != n) {
            let reason = format!("a readout error of {n} rows, expected 2^k rows of 2^k numbers");
            return Err(NoiseError::BadShape(reason));
        }
        for (i, row) in rows.iter().enumerate() {
            if let Some(p) = row.iter().find(|p| !(0.0..=1.0).contains(*p)) {
                let key = format!("a number of row {i} of the readout error");
                return Err(NoiseError::BadNumber { key, found: *p, expected: "a probability" });
            }
            let sum: f64 = row.iter().sum();
            if (sum - 1.0).abs() > TOLERANCE {
                let key = format!("the sum of row {i} of the readout error");
                return Err(NoiseError::BadNumber { key, found: sum, expected: "1" });
            }
        }
        Ok(Self { rows })
    }

    /// The readout error of one bit: the probabilities of reading 1 for 0 and 0 for 1.
    ///
    /// # Errors
    /// If one is no probability.
    pub fn of_bit(one_for_zero: f64, zero_for_one: f64) -> Result<Self, NoiseError> {
        Self::new(vec![
            vec![1.0 - one_for_zero, one_for_zero],
            vec![zero_for_one, 1.0 - zero_for_one],
        ])
    }

    /// The number of bits.
    #[must_use]
    pub fn n_bits(&self) -> u32 {
        self.rows.len().trailing_zeros()
    }

    /// The rows, by true value.
    #[must_use]
    pub fn rows(&self) -> &[Vec<f64>] {
        &self.rows
    }

    /// Nothing is misread.
    #[must_use]
    pub fn is_identity(&self) -> bool {
        self.rows.iter().enumerate().all(|(i, row)| row[i] == 1.0)
    }

    /// The instruction that applies it to clbits.
    #[must_use]
    pub fn to_op(&self) -> Op {
        Op::ReadoutError(self.rows.clone().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_the_true_values() {
        let error = ReadoutError::of_bit(0.1, 0.2).unwrap();
        assert_eq!(error.rows(), [vec![0.9, 0.1], vec![0.2, 0.8]]);
        assert_eq!((error.n_bits(), error.is_identity()), (1, false));
        assert!(ReadoutError::of_bit(0.0, 0.0).unwrap().is_identity());
    }

    #[test]
    fn what_is_no_readout_error_is_refused() {
        let refusal = |rows| ReadoutError::new(rows).unwrap_err().to_string();
        assert_eq!(
            refusal(vec![vec![0.9, 0.2], vec![0.0, 1.0]]),
            "the sum of row 0 of the readout error is 1.1, expected 1"
        );
        assert!(refusal(vec![vec![1.0, 0.0], vec![-0.5, 1.5]]).contains("row 1"));
        assert!(refusal(vec![vec![1.0]]).contains("1 rows"));
        assert!(refusal(vec![vec![1.0, 0.0], vec![1.0]]).contains("2 rows"));
        assert!(refusal(vec![vec![f64::NAN, 0.0], vec![0.0, 1.0]]).contains("NaN"));
    }
}
