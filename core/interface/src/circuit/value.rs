//! Values as other types, and as numbers of Rust.

use super::{EvaluateError, Value, VarType};
use crate::BitString;

impl Value {
    /// What a variable of this type holds at first.
    #[must_use]
    pub fn zero(ty: VarType) -> Self {
        Self::Bool(false).cast(ty)
    }

    /// The value as another type: bits are cut, or filled with zeros or the sign; numbers are
    /// rounded towards zero and wrap around at the width. What is not a number becomes 0.
    #[must_use]
    pub fn cast(&self, ty: VarType) -> Self {
        match ty {
            VarType::Bool => Self::Bool(self.is_true()),
            VarType::Float => Self::Float(self.to_f64()),
            VarType::Int(width) => {
                let value = match self {
                    Self::Int(value) => *value,
                    other => other.to_bits(64).to_u64().unwrap_or(0) as i64,
                };
                let unused = 64 - width.clamp(1, 64);
                Self::Int(value << unused >> unused)
            }
            VarType::Uint(width) => Self::Uint(self.to_bits(width)),
        }
    }

    /// As [`cast`](Self::cast), for values that a run computes.
    ///
    /// # Errors
    /// If a number that is not finite shall become an integer.
    pub fn try_cast(&self, ty: VarType) -> Result<Self, EvaluateError> {
        match (self, ty) {
            (Self::Float(number), VarType::Int(_) | VarType::Uint(_)) if !number.is_finite() => {
                Err(EvaluateError::NotFinite { number: *number })
            }
            _ => Ok(self.cast(ty)),
        }
    }

    /// The nearest number in double precision; 0 and 1 for truth values.
    #[must_use]
    pub fn to_f64(&self) -> f64 {
        match self {
            Self::Bool(value) => f64::from(u8::from(*value)),
            Self::Uint(bits) => match bits.to_u64() {
                Some(value) => value as f64,
                None => nearest(bits),
            },
            Self::Int(value) => *value as f64,
            Self::Float(value) => *value,
        }
    }

    /// The value as an integer, rounded towards zero; `None` if it is beyond 127 bits or not a
    /// number.
    #[must_use]
    pub fn to_i128(&self) -> Option<i128> {
        match self {
            Self::Bool(value) => Some(i128::from(*value)),
            Self::Uint(bits) => {
                let mut words = bits.words();
                let (low, high) = (words.next().unwrap_or(0), words.next().unwrap_or(0));
                let fits = high >> 63 == 0 && words.all(|word| word == 0);
                fits.then_some(i128::from(high) << 64 | i128::from(low))
            }
            Self::Int(value) => Some(i128::from(*value)),
            Self::Float(value) => (value.abs() < 2_f64.powi(127)).then_some(*value as i128),
        }
    }

    /// The value as an index into `size` things. Negative values count from the end: -1 is the last.
    ///
    /// # Errors
    /// If there is no such thing.
    pub fn to_index(&self, size: u32) -> Result<u32, EvaluateError> {
        let out_of_range = || {
            let index = match self {
                Self::Float(number) => number.to_string(),
                _ => self.to_i128().map_or("more than 127 bits".to_owned(), |i| i.to_string()),
            };
            EvaluateError::IndexOutOfRange { index, size }
        };
        let index = self.to_i128().ok_or_else(out_of_range)?;
        let from_start = if index < 0 { index + i128::from(size) } else { index };
        let place = u32::try_from(from_start).ok().filter(|place| *place < size);
        place.ok_or_else(out_of_range)
    }

    /// The lowest `width` bits, in two's complement.
    pub(super) fn to_bits(&self, width: u32) -> BitString {
        match self {
            Self::Bool(value) => BitString::from_u64(width, u64::from(*value)),
            Self::Uint(bits) if bits.width() == width => bits.clone(),
            Self::Uint(bits) if width <= 64 => {
                BitString::from_u64(width, bits.words().next().unwrap_or(0))
            }
            Self::Uint(bits) => {
                let words: Vec<u64> = bits.words().collect();
                BitString::from_words(width, &words)
            }
            Self::Int(value) => signed(width, *value),
            Self::Float(value) if value.abs() < 2_f64.powi(63) => signed(width, *value as i64),
            Self::Float(value) => large(width, *value),
        }
    }

    /// The bits that the value is made of: 64 for signed and real numbers.
    pub(super) fn width(&self) -> u32 {
        match self {
            Self::Bool(_) => 1,
            Self::Uint(bits) => bits.width(),
            Self::Int(_) | Self::Float(_) => 64,
        }
    }
}

fn signed(width: u32, value: i64) -> BitString {
    if width <= 64 {
        return BitString::from_u64(width, value as u64);
    }
    let sign = if value < 0 { u64::MAX } else { 0 };
    let mut words = vec![sign; (width as usize).div_ceil(64)];
    words[0] = value as u64;
    BitString::from_words(width, &words)
}

/// A number from 2^63 on, which is an integer: 53 bits, shifted.
fn large(width: u32, value: f64) -> BitString {
    let mut bits = BitString::zeros(width);
    if !value.is_finite() {
        return bits;
    }
    let exponent = (value.to_bits() >> 52 & 0x7ff) as u32 - 1075;
    let mantissa = value.to_bits() & ((1 << 52) - 1) | 1 << 52;
    for place in (0..53).filter(|place| mantissa >> place & 1 == 1) {
        if place + exponent < width {
            bits.set(place + exponent, true);
        }
    }
    if value < 0.0 { super::wide::sub(&BitString::zeros(width), &bits) } else { bits }
}

/// The double nearest to a number of more than 64 bits, ties to even.
fn nearest(bits: &BitString) -> f64 {
    let Some(top) = (0..bits.width()).rev().find(|&place| bits.get(place)) else { return 0.0 };
    // The highest 64 bits; whatever is below them only breaks ties.
    let shift = top.saturating_sub(63);
    let mut head = bits.slice(shift, 64).to_u64().unwrap_or(0);
    if (0..shift).any(|place| bits.get(place)) {
        head |= 1;
    }
    head as f64 * 2_f64.powi(shift as i32)
}
