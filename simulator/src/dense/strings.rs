//! Pauli strings among matrices, and what unitaries make of strings.

use ketch_interface::{Complex64, Matrix};
use ketch_kernels::Controls;

use super::apply::{Action, Apply, bits, mask};

/// The places of a string's X and of its Z; a place in both has Y. Phases are left out.
pub(crate) type Masks = [usize; 2];

/// What rounding leaves of entries that are 0, or of norm 1.
const ROUNDING: f64 = 1e-13;

/// The string that a matrix is, up to a phase.
pub(super) fn string_of(matrix: &Matrix) -> Option<Masks> {
    let dim = matrix.dim();
    // Row `r` of a string has its one entry in column `r ^ x`, with the sign of `z` there.
    let x = (0..dim).find(|&column| matrix.at(0, column).norm() > 0.5)?;
    let first = matrix.at(0, x);
    let is_negative = |bit: &usize| (matrix.at(1 << bit, x ^ 1 << bit) / first).re < 0.0;
    let n_places = dim.trailing_zeros() as usize;
    let z = (0..n_places).filter(is_negative).fold(0, |z, bit| z | 1 << bit);
    let entry = |row: usize, column: usize| match (row ^ column == x, (z & row).count_ones() % 2) {
        (false, _) => Complex64::ZERO,
        (true, 0) => first,
        (true, _) => -first,
    };
    let differs = |i: usize| (matrix.entries()[i] - entry(i / dim, i % dim)).norm() > ROUNDING;
    let is_phase = (first.norm() - 1.0).abs() < ROUNDING;
    (is_phase && !(0..dim * dim).any(differs)).then_some([x, z])
}

/// The places whose numbers in a list are the bits of `part`.
pub(super) fn spread(part: usize, places: &[usize]) -> usize {
    bits(part).fold(0, |mask, bit| mask | 1 << places[bit])
}

/// What stands in front of a unitary, moved behind it: P becomes U P U†, where that is a string.
#[derive(Clone, Debug)]
pub(super) struct Passage {
    /// The places that the unitary acts on.
    mask: usize,
    /// For each of them in order, what X and what Z there become.
    images: Vec<[Option<Masks>; 2]>,
}

impl Passage {
    pub(super) fn of(apply: &Apply<f64>) -> Self {
        /// Beyond this, only what commutes is found.
        const FEW: usize = 2;
        let places: Vec<usize> = bits(apply.mask()).collect();
        let is_string = matches!(apply.action, Action::Pauli { .. });
        let images = if is_string && apply.controls == Controls::NONE {
            places.iter().map(|place| [Some([1 << place, 0]), Some([0, 1 << place])]).collect()
        } else if places.len() <= FEW {
            let unitary = apply.matrix(&places);
            let image = |x: usize, z: usize| {
                let moved =
                    unitary.product(&string(x, z, unitary.dim())).product(&unitary.adjoint());
                string_of(&moved).map(|masks| masks.map(|mask| spread(mask, &places)))
            };
            (0..places.len()).map(|at| [image(1 << at, 0), image(0, 1 << at)]).collect()
        } else {
            let moved = apply.moved();
            let z = |place: &usize| (moved >> place & 1 == 0).then_some([0, 1 << place]);
            places.iter().map(|place| [None, z(place)]).collect()
        };
        Self { mask: mask(&places), images }
    }

    /// The places that the unitary acts on.
    pub(super) fn mask(&self) -> usize {
        self.mask
    }

    /// What a string on places of the unitary becomes; `None` if that is no string.
    pub(super) fn through(&self, [x, z]: Masks) -> Option<Masks> {
        let mut through = [0, 0];
        for (place, images) in bits(self.mask).zip(&self.images) {
            for (masks, image) in [x, z].iter().zip(images) {
                if masks >> place & 1 == 1 {
                    let image = (*image)?;
                    through = [through[0] ^ image[0], through[1] ^ image[1]];
                }
            }
        }
        Some(through)
    }
}

/// A matrix that is a string up to a phase.
fn string(x: usize, z: usize, dim: usize) -> Matrix {
    let mut entries = vec![Complex64::ZERO; dim * dim];
    for row in 0..dim {
        let sign = if (z & row).count_ones() % 2 == 1 { -1.0 } else { 1.0 };
        entries[row * dim + (row ^ x)] = Complex64::new(sign, 0.0);
    }
    Matrix::new(dim, entries).expect("dim² entries")
}

#[cfg(test)]
mod tests {
    use ketch_interface::circuit::{Gate, GateOp};

    use super::*;

    fn passage(gate: Gate, params: &[f64], controls: u16, places: &[usize]) -> Passage {
        Passage::of(&Apply::of_gate(GateOp::new(gate, controls), params, places).unwrap())
    }

    #[test]
    fn matrices_are_told_from_strings() {
        for n_places in 1..=3 {
            let dim = 1 << n_places;
            for (x, z) in (0..dim).flat_map(|x| (0..dim).map(move |z| (x, z))) {
                let phase = Matrix::diagonal(&vec![Complex64::cis(0.7); dim]);
                assert_eq!(string_of(&string(x, z, dim).product(&phase)), Some([x, z]));
            }
        }
        for gate in [Gate::H, Gate::T, Gate::Sx] {
            assert_eq!(string_of(&gate.matrix(&[])), None);
        }
        assert_eq!(string_of(&Matrix::diagonal(&[Complex64::new(0.9, 0.0); 2])), None);
    }

    #[test]
    fn strings_pass_clifford_gates_and_what_they_commute_with() {
        let h = passage(Gate::H, &[], 0, &[3]);
        assert_eq!(h.through([8, 0]), Some([0, 8]));
        assert_eq!(h.through([8, 8]), Some([8, 8]));
        // X on the control of CX becomes X on both, Z on the target Z on both.
        let cx = passage(Gate::X, &[], 1, &[4, 1]);
        assert_eq!(cx.through([16, 0]), Some([18, 0]));
        assert_eq!(cx.through([0, 2]), Some([0, 18]));
        assert_eq!(cx.through([18, 16]), Some([16, 16]));
        let t = passage(Gate::T, &[], 0, &[0]);
        assert_eq!((t.through([0, 1]), t.through([1, 0])), (Some([0, 1]), None));
        let ccx = passage(Gate::X, &[], 2, &[0, 1, 2]);
        assert_eq!((ccx.through([0, 3]), ccx.through([1, 0])), (Some([0, 3]), None));
        assert_eq!(ccx.through([0, 4]), None);
    }
}
