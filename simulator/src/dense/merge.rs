//! Merging runs of single-qubit gates into one pass each.

use ketch_interface::Complex64;
use ketch_kernels::Controls;

use super::apply::{Apply, Matrix1, product};

/// Single-qubit gates that wait for the next gate that needs their place, and the phase of the
/// whole.
#[derive(Debug)]
pub(crate) struct Waiting {
    matrices: Vec<Option<Matrix1>>,
    phase: Complex64,
}

impl Waiting {
    pub(crate) fn new(n_places: usize) -> Self {
        Self { matrices: vec![None; n_places], phase: Complex64::ONE }
    }

    /// Takes a unitary; gives out what must be applied now, in order.
    pub(crate) fn take(&mut self, apply: Apply<f64>, mut emit: impl FnMut(Apply<f64>)) {
        if let super::apply::Action::Phase(phase) = apply.action
            && apply.controls == Controls::NONE
        {
            self.phase *= phase;
        } else if let Some((place, matrix)) = apply.as_matrix1() {
            self.take_one(place, matrix);
        } else {
            self.flush(apply.mask(), &mut emit);
            emit(apply);
        }
    }

    /// Takes a unitary on one place.
    pub(crate) fn take_one(&mut self, place: usize, matrix: Matrix1) {
        let merged = match &self.matrices[place] {
            Some(first) => product(&matrix, first),
            None => matrix,
        };
        self.matrices[place] = Some(merged);
    }

    /// Gives out what waits on the places of `mask`.
    pub(crate) fn flush(&mut self, mask: usize, mut emit: impl FnMut(Apply<f64>)) {
        let mut rest = mask;
        while rest != 0 {
            let place = rest.trailing_zeros() as usize;
            rest &= rest - 1;
            let matrix = self.matrices[place].take();
            if let Some(apply) =
                matrix.and_then(|matrix| Apply::of_matrix1(matrix, place, Controls::NONE))
            {
                emit(apply);
            }
        }
    }

    /// Gives out the phase of the whole, which is seen in amplitudes only.
    pub(crate) fn flush_phase(&mut self, mut emit: impl FnMut(Apply<f64>)) {
        let phase = std::mem::replace(&mut self.phase, Complex64::ONE);
        if phase != Complex64::ONE {
            let action = super::apply::Action::Phase(phase);
            emit(Apply { action, controls: Controls::NONE });
        }
    }
}
