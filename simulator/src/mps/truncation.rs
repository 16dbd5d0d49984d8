//! How much of the entanglement is kept.

/// Which singular values of a bond are kept.
///
/// As in Qiskit Aer: the smallest are left out as long as the sum of their squares stays below the
/// threshold, and all beyond the largest bond dimension.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Truncation {
    /// The most values of a bond; `None` for no limit. At least 1 is kept.
    pub max_bond_dimension: Option<usize>,
    /// The squares that may be left out of one bond at a time, of a sum of 1.
    pub threshold: f64,
}

impl Default for Truncation {
    /// No limit, and a threshold of 1e-16.
    fn default() -> Self {
        Self { max_bond_dimension: None, threshold: 1e-16 }
    }
}

impl Truncation {
    /// Squares that are rounding, whatever the threshold.
    const ROUNDING: f64 = 1e-31;

    /// How many of these squares are kept, which sum to 1 and stand with the largest first, and
    /// the sum of the others.
    pub(super) fn kept(
        &self,
        squares: impl DoubleEndedIterator<Item = f64> + ExactSizeIterator,
    ) -> (usize, f64) {
        let mut kept = squares.len();
        let most = self.max_bond_dimension.unwrap_or(usize::MAX).max(1);
        // What goes for the limit does not use up the threshold.
        let (mut beyond, mut below) = (0.0, 0.0);
        for square in squares.rev() {
            if kept <= 1 {
                break;
            }
            if kept > most {
                beyond += square;
            } else if below + square < self.threshold.max(Self::ROUNDING) {
                below += square;
            } else {
                break;
            }
            kept -= 1;
        }
        (kept, beyond + below)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_go_first() {
        let kept = |most, threshold, squares: &[f64]| {
            Truncation { max_bond_dimension: most, threshold }.kept(squares.iter().copied())
        };
        assert_eq!(kept(None, 0.0, &[0.75, 0.25, 0.0]), (2, 0.0));
        assert_eq!(kept(None, 0.2, &[0.75, 0.125, 0.0625, 0.0625]), (2, 0.125));
        assert_eq!(kept(None, 0.125, &[0.75, 0.125, 0.0625, 0.0625]), (3, 0.0625));
        assert_eq!(kept(Some(2), 0.2, &[0.75, 0.125, 0.125]), (1, 0.25));
        assert_eq!(kept(Some(2), 0.0, &[0.75, 0.125, 0.125]), (2, 0.125));
        assert_eq!(kept(Some(0), 2.0, &[0.75, 0.25]), (1, 0.25));
    }
}
