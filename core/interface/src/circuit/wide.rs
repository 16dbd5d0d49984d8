//! Arithmetic on unsigned numbers of any width, modulo 2 to the width.

use crate::BitString;

/// Products, quotients and powers of wider numbers are refused: their cost grows with the square of
/// the width, and a circuit may ask for many.
pub(super) const MAX_PRODUCT_WIDTH: u32 = 4096;

/// `a + b`, at the width of `a`.
pub(super) fn add(a: &BitString, b: &BitString) -> BitString {
    sum(a, b, false)
}

/// `a - b`, at the width of `a`.
pub(super) fn sub(a: &BitString, b: &BitString) -> BitString {
    sum(a, b, true)
}

/// `a + b`, or `a + !b + 1`, which is `a - b`.
fn sum(a: &BitString, b: &BitString, negated: bool) -> BitString {
    let mut carry = negated;
    let others = b.words().chain(std::iter::repeat(0));
    let words: Vec<u64> = a
        .words()
        .zip(others)
        .map(|(x, y)| {
            let (partial, over) = x.overflowing_add(if negated { !y } else { y });
            let (total, over_again) = partial.overflowing_add(u64::from(carry));
            carry = over || over_again;
            total
        })
        .collect();
    BitString::from_words(a.width(), &words)
}

/// `a * b`, at the width of `a`.
pub(super) fn mul(a: &BitString, b: &BitString) -> BitString {
    let (x, y): (Vec<u64>, Vec<u64>) = (a.words().collect(), b.words().collect());
    let mut product = vec![0_u64; x.len()];
    for (i, &x) in x.iter().enumerate().filter(|(_, x)| **x != 0) {
        let mut carry = 0_u128;
        for (&y, to) in y.iter().chain(std::iter::repeat(&0)).zip(&mut product[i..]) {
            let total = u128::from(x) * u128::from(y) + u128::from(*to) + carry;
            *to = total as u64;
            carry = total >> 64;
        }
    }
    BitString::from_words(a.width(), &product)
}

/// Quotient and remainder of two numbers of one width, bit by bit; `None` for a divisor of 0.
pub(super) fn div_rem(a: &BitString, b: &BitString) -> Option<(BitString, BitString)> {
    let width = a.width();
    if let (Some(x), Some(y)) = (a.to_u64(), b.to_u64()) {
        let (quotient, remainder) = (x.checked_div(y)?, x.checked_rem(y)?);
        return Some((BitString::from_u64(width, quotient), BitString::from_u64(width, remainder)));
    }
    if b.words().all(|word| word == 0) {
        return None;
    }
    // One more bit, so that twice the remainder fits.
    let divisor = b.slice(0, width + 1);
    let (mut quotient, mut remainder) = (BitString::zeros(width), BitString::zeros(width + 1));
    for place in (0..width).rev() {
        remainder = add(&remainder, &remainder);
        remainder.set(0, a.get(place));
        if remainder >= divisor {
            remainder = sub(&remainder, &divisor);
            quotient.set(place, true);
        }
    }
    Some((quotient, remainder.slice(0, width)))
}

/// `a` to the power of `exponent`, at the width of `a`, by squaring.
pub(super) fn pow(a: &BitString, exponent: &BitString) -> BitString {
    let mut power = BitString::from_u64(a.width(), 1);
    for place in (0..exponent.width()).rev() {
        power = mul(&power, &power);
        if exponent.get(place) {
            power = mul(&power, a);
        }
    }
    power
}
