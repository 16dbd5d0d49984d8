//! Products of Pauli strings, and the projection of a whole table of them.
//!
//! A string is a row of words, the X half first: `i^phase X^x Z^z`, where `X^x` is the product of X
//! on the qubits whose bit is set in `x`. Y is `i X Z`. In this form products of controlled X and
//! the like change no phase, and a product of two strings changes it by -1 for each qubit where Z of
//! the left meets X of the right.

#![expect(unsafe_code, reason = "code for an instruction set is entered through `unsafe`")]

use super::compiled;

compiled! {
    /// The Pauli string `row` becomes `row · by`; answers whether the product has a factor of -1
    /// beyond the two phases. A row holds its X words, then as many Z words.
    ///
    /// # Panics
    /// If the rows differ in length.
    multiply_row(row: &mut [u64], by: &[u64]) -> bool, multiply
}

compiled! {
    /// The Pauli string `row` becomes `by · row`; as [`multiply_row`](crate::Kernels::multiply_row).
    ///
    /// # Panics
    /// If the rows differ in length.
    multiply_row_from_left(row: &mut [u64], by: &[u64]) -> bool, multiply_from_left
}

compiled! {
    /// Conjugates each Pauli string of a table as [`Collapse`] says. `rows` holds rows of
    /// `2 * how.others.len()` words, `phases` the power of i of each.
    ///
    /// # Panics
    /// If `rows` is not as long as `phases` asks for.
    collapse_rows(rows: &mut [u64], phases: &mut [u8], how: &Collapse<'_>), collapse
}

#[inline(always)]
fn multiply(row: &mut [u64], by: &[u64]) -> bool {
    assert_eq!(row.len(), by.len(), "words of two Pauli strings");
    let (x, z) = row.split_at_mut(by.len() / 2);
    let (by_x, by_z) = by.split_at(by.len() / 2);
    let mut met = 0;
    for (((x, z), by_x), by_z) in x.iter_mut().zip(z).zip(by_x).zip(by_z) {
        met ^= *z & by_x;
        *x ^= by_x;
        *z ^= by_z;
    }
    is_odd(met)
}

#[inline(always)]
fn multiply_from_left(row: &mut [u64], by: &[u64]) -> bool {
    assert_eq!(row.len(), by.len(), "words of two Pauli strings");
    let (x, z) = row.split_at_mut(by.len() / 2);
    let (by_x, by_z) = by.split_at(by.len() / 2);
    let mut met = 0;
    for (((x, z), by_x), by_z) in x.iter_mut().zip(z).zip(by_x).zip(by_z) {
        met ^= *x & by_z;
        *x ^= by_x;
        *z ^= by_z;
    }
    is_odd(met)
}

/// Turns one qubit of the input of a Clifford circuit so that an observable which was random
/// becomes certain: controlled X from `pivot` to `others`, then the phase gate if `phase`, then the
/// Hadamard gate, then X if `flip`; all on columns of the table.
#[derive(Clone, Copy, Debug)]
pub struct Collapse<'m> {
    /// The qubit that is turned.
    pub pivot: usize,
    /// The other qubits on which the observable has an X part, as a row of bits.
    pub others: &'m [u64],
    /// The observable has Y at the pivot once it is X on no other qubit.
    pub phase: bool,
    /// The turned qubit starts from 1.
    pub flip: bool,
}

#[inline(always)]
fn collapse(rows: &mut [u64], phases: &mut [u8], how: &Collapse<'_>) {
    let Collapse { pivot, others, phase, flip } = *how;
    assert_eq!(rows.len(), phases.len() * 2 * others.len(), "words of a table of Pauli strings");
    let (word, bit) = (pivot / 64, pivot % 64);
    for (row, power) in rows.chunks_exact_mut(2 * others.len()).zip(phases) {
        let (x, z) = row.split_at_mut(others.len());
        let met = z.iter().zip(others).fold(0, |met, (z, other)| met ^ (z & other));
        let at_x = x[word] >> bit & 1;
        let mut at_z = (z[word] >> bit & 1) ^ u64::from(is_odd(met));
        if at_x == 1 {
            x.iter_mut().zip(others).for_each(|(x, other)| *x ^= other);
        }
        let mut turned = u64::from(*power);
        if phase {
            turned += 3 * at_x;
            at_z ^= at_x;
        }
        // Hadamard exchanges the two bits: X Z becomes Z X = -X Z.
        turned += 2 * (at_x & at_z) + 2 * (at_x & u64::from(flip));
        *power = (turned & 3) as u8;
        x[word] = x[word] & !(1 << bit) | at_z << bit;
        z[word] = z[word] & !(1 << bit) | at_x << bit;
    }
}

#[inline(always)]
fn is_odd(word: u64) -> bool {
    word.count_ones() & 1 == 1
}
