//! From rows of one clbit for many shots to rows of many clbits for one shot.

use super::frames::{Row, SHOTS, WORDS};

/// Writes shot `s` of the block into `out[s * stride ..][..stride]`: bit `c` of it is bit `s` of
/// `rows[c]`. Bits beyond the rows are 0.
///
/// Eight squares of 64 by 64 bits are transposed side by side (Warren, Hacker's Delight, section
/// 7-3): the loops over the words of a row are what the vectors are made of.
#[inline(always)]
pub(super) fn transpose(rows: &[Row], out: &mut [u8], stride: usize) {
    let n_shots = (out.len() / stride).min(SHOTS);
    for (group, rows) in rows.chunks(64).enumerate() {
        let mut square = [[0; WORDS]; 64];
        square.iter_mut().zip(rows).for_each(|(to, row)| *to = row.0);
        let mut mask = 0x0000_0000_ffff_ffff_u64;
        let mut distance = 32;
        while distance > 0 {
            let mut at = 0;
            while at < 64 {
                let (below, above) = square.split_at_mut(at + distance);
                for (a, b) in below[at].iter_mut().zip(&mut above[0]) {
                    let exchanged = (*a >> distance ^ *b) & mask;
                    *a ^= exchanged << distance;
                    *b ^= exchanged;
                }
                at = (at + distance + 1) & !distance;
            }
            distance /= 2;
            mask ^= mask << distance;
        }
        let start = group * 8;
        let n_bytes = (stride - start).min(8);
        for shot in 0..n_shots {
            let word = square[shot % 64][shot / 64].to_le_bytes();
            let to = &mut out[shot * stride + start..];
            if n_bytes == 8 {
                to[..8].copy_from_slice(&word);
            } else {
                to[..n_bytes].copy_from_slice(&word[..n_bytes]);
            }
        }
    }
}
