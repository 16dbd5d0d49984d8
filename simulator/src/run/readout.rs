//! Misreading measured bits.

use ketch_interface::{BitString, circuit::Clbit};

/// Replaces the value of some clbits by the one that a uniform number falls on: `rows[i][j]` is
/// the probability of reading `j` where the value is `i`.
pub(crate) fn misread(clbits: &mut BitString, of: &[Clbit], rows: &[Vec<f64>], uniform: f64) {
    let value =
        of.iter().enumerate().fold(0, |v, (i, bit)| v | usize::from(clbits.get(bit.0)) << i);
    let row = &rows[value];
    let mut left = uniform * row.iter().sum::<f64>();
    let mut read = value;
    for (candidate, probability) in row.iter().enumerate() {
        if *probability > 0.0 {
            read = candidate;
            if left < *probability {
                break;
            }
            left -= probability;
        }
    }
    for (i, bit) in of.iter().enumerate() {
        clbits.set(bit.0, read >> i & 1 == 1);
    }
}
