//! Operators that are evolved: sums of products of one-qubit operators.

use ketch_interface::Complex64;

use super::array;
use crate::{
    cursor::Cursor,
    error::{Decoded, malformed},
    model::Term,
};

/// An operator, in the one form or the other.
pub(super) fn operator(cursor: &mut Cursor<'_>, version: u8) -> Decoded<Vec<Term>> {
    if version >= 17 && cursor.truth()? {
        return observable(cursor, version);
    }
    let size = cursor.u64()?;
    let mut part = cursor.part(size)?;
    let at = part.at();
    let mut terms = Vec::new();
    for (label, weight) in array::labelled(&mut part)? {
        let mut factors = Vec::new();
        // The rightmost letter is that of the first qubit.
        for (qubit, letter) in label.bytes().rev().enumerate() {
            match letter {
                b'I' => {}
                b'X' | b'Y' | b'Z' => factors.push((qubit as u32, letter)),
                _ => return malformed(at, format!("the letter `{}`", letter.escape_ascii())),
            }
        }
        terms.push(Term { weight, factors });
    }
    Ok(terms)
}

/// The letters of one-qubit operators, by their codes.
fn letter(code: u16) -> Option<u8> {
    Some(match code {
        0b0001 => b'Z',
        0b0010 => b'X',
        0b0011 => b'Y',
        0b1001 => b'0',
        0b0101 => b'1',
        0b1010 => b'+',
        0b0110 => b'-',
        0b1011 => b'r',
        0b0111 => b'l',
        _ => return None,
    })
}

/// A sparse observable: weights, then the letters of all terms, their qubits, and where the terms
/// begin and end.
fn observable(cursor: &mut Cursor<'_>, version: u8) -> Decoded<Vec<Term>> {
    let start = cursor.at();
    let _n_qubits = cursor.u32()?;
    let sizes = [cursor.u64()?, cursor.u64()?, cursor.u64()?, cursor.u64()?];
    let letter_size = if version >= 18 { 1 } else { 2 };
    // Some writers count entries, others bytes. There is one bound more than there are weights.
    let entries = match sizes[3] == (sizes[0] / 2).saturating_add(1) {
        true => [sizes[0] / 2, sizes[1], sizes[2], sizes[3]],
        false => [sizes[0] / 16, sizes[1] / letter_size, sizes[2] / 4, sizes[3] / 8],
    };
    let [n_terms, n_letters, n_indices, n_bounds] = entries;
    if n_letters != n_indices || n_bounds != n_terms.saturating_add(1) {
        return malformed(start, "an observable whose parts do not belong together");
    }
    let n_terms = cursor.count(n_terms, 16)?;
    let mut weights = Vec::with_capacity(n_terms);
    for _ in 0..n_terms {
        weights.push(Complex64::new(cursor.f64()?, cursor.f64()?));
    }
    let n_letters = cursor.count(n_letters, letter_size as usize)?;
    let mut letters = Vec::with_capacity(n_letters);
    for _ in 0..n_letters {
        let at = cursor.at();
        let code = if letter_size == 1 { cursor.u8()?.into() } else { cursor.u16()? };
        match letter(code) {
            Some(letter) => letters.push(letter),
            None => return malformed(at, format!("an operator of code {code}")),
        }
    }
    cursor.count(n_indices, 4)?;
    let mut qubits = Vec::with_capacity(n_letters);
    for _ in 0..n_letters {
        qubits.push(cursor.u32()?);
    }
    let mut begin = cursor.u64()?;
    let mut terms = Vec::with_capacity(n_terms);
    for weight in weights {
        let at = cursor.at();
        let end = cursor.u64()?;
        let range = begin as usize..end as usize;
        let (Some(letters), Some(qubits)) = (letters.get(range.clone()), qubits.get(range)) else {
            return malformed(at, "a term beyond the letters");
        };
        let factors = qubits.iter().copied().zip(letters.iter().copied()).collect();
        terms.push(Term { weight, factors });
        begin = end;
    }
    Ok(terms)
}
