//! Drawing shots from the probabilities of the clbits.

use ketch_interface::circuit::Clbit;
use ketch_kernels::Real;

use super::{DensityOp, state::PauliState};
use crate::{
    Error, Options,
    dense::sample::{Distribution, draw},
    progress::Unit,
    records::Records,
    run::{Measured, Ran, Run, Shot, unmeasured_segments},
};

/// The most clbits whose probabilities are written down.
const WRITTEN_BITS: usize = 16;

/// Evolves the state once and draws all shots from it: right where measurements come last, into
/// the clbits `measured`.
pub(super) fn sampled<'t, T: Real>(
    run: &Run<'_, '_, DensityOp<T>>,
    mut state: PauliState<'t, T>,
    measured: &Measured<'_>,
    options: &Options,
) -> Result<Ran<PauliState<'t, T>>, Error> {
    let mut records = Records::default();
    run.cancel.expects(Unit::Passes, run.program.n_passes() as u64);
    for segment in unmeasured_segments(run.program) {
        let mut shot = Shot::new(run.program, options.seed, 0);
        shot.run(run, &mut state, &mut records, segment.start, segment.end)?;
    }
    let probabilities = state.all_probabilities();
    let width = run.program.circuit.n_clbits();
    let read = read(&probabilities, measured);
    let (measured, probabilities) = match &read {
        Some((measured, probabilities)) => (measured, probabilities),
        None => (measured, &probabilities),
    };
    let outcomes = draw(probabilities, measured, width, options, run.cancel)?;
    Ok(Ran { state, outcomes, records: records.repeated(options.shots) })
}

/// The probabilities of the values of the clbits after they were misread, so that no shot needs to
/// be misread on its own. `None` where there are no readout errors, or many clbits.
fn read(probabilities: &[f64], measured: &Measured<'_>) -> Option<(Measured<'static>, Vec<f64>)> {
    if measured.readout_errors.is_empty() {
        return None;
    }
    let mut clbits: Vec<(u32, Option<usize>)> = measured.bits.clone();
    for Clbit(clbit) in measured.readout_errors.iter().flat_map(|(bits, _)| *bits) {
        if !clbits.iter().any(|(known, _)| known == clbit) {
            // It was never written and reads 0.
            clbits.push((*clbit, None));
        }
    }
    if clbits.len() > WRITTEN_BITS {
        return None;
    }
    let mut values = vec![0.0; 1 << clbits.len()];
    for (state, probability) in probabilities.iter().enumerate() {
        let ones = clbits
            .iter()
            .enumerate()
            .filter(|(_, (_, place))| place.is_some_and(|place| state >> place & 1 == 1));
        values[ones.fold(0, |value, (bit, _)| value | 1 << bit)] += probability;
    }
    for (bits, rows) in &measured.readout_errors {
        let bit = |clbit: &Clbit| clbits.iter().position(|(known, _)| *known == clbit.0);
        let bits: Vec<usize> = bits.iter().filter_map(bit).collect();
        misread(&mut values, &bits, rows);
    }
    let bits = clbits.iter().enumerate().map(|(bit, (clbit, _))| (*clbit, Some(bit))).collect();
    Some((Measured { bits, readout_errors: Vec::new() }, values))
}

/// What becomes of the probabilities where some bits are misread: `rows[i][j]` is the probability
/// of reading `j` where the value is `i`.
fn misread(values: &mut [f64], bits: &[usize], rows: &[Vec<f64>]) {
    let offset =
        |value: usize| bits.iter().enumerate().fold(0, |at, (k, bit)| at | (value >> k & 1) << bit);
    let offsets: Vec<usize> = (0..rows.len()).map(offset).collect();
    let mask = offset(rows.len() - 1);
    let mut read = vec![0.0; rows.len()];
    for base in (0..values.len()).filter(|index| index & mask == 0) {
        read.fill(0.0);
        for (row, offset) in rows.iter().zip(&offsets) {
            let probability = values[base | offset] / row.iter().sum::<f64>();
            read.iter_mut().zip(row).for_each(|(sum, p)| *sum += probability * p);
        }
        offsets.iter().zip(&read).for_each(|(offset, p)| values[base | offset] = *p);
    }
}

impl Distribution for Vec<f64> {
    fn n_outcomes(&self) -> usize {
        self.len()
    }

    fn weights(&self) -> Vec<f64> {
        self.clone()
    }

    fn sample_sorted(&self, uniforms: &[f64]) -> Result<Vec<usize>, Error> {
        Ok(fallen_on(self, uniforms))
    }
}

/// The values that ascending uniform numbers fall on.
pub(super) fn fallen_on(probabilities: &[f64], uniforms: &[f64]) -> Vec<usize> {
    // Rounding leaves a total near 1: compare with what it is.
    let total: f64 = probabilities.iter().sum();
    let last = probabilities.iter().rposition(|p| *p > 0.0).unwrap_or(0);
    let (mut value, mut below) = (0, probabilities[0]);
    let fallen_on = |uniform: &f64| {
        while value < last && uniform * total >= below {
            value += 1;
            below += probabilities[value];
        }
        value
    };
    uniforms.iter().map(fallen_on).collect()
}
