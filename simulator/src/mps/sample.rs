//! Drawing shots from a chain without collapsing it.
//!
//! All sites are right canonical, so that the probabilities of a site's values, given those of the
//! sites in front of it, need only what is in front (Ferris and Vidal, Phys. Rev. B 85, 165146,
//! 2012). Shots go from left to right together: those that agree so far are one row of a matrix,
//! and one product serves all rows.

use ketch_interface::{BitString, Complex64};
use ketch_kernels::Threads;
use nalgebra::DMatrix;

use super::{MpsProgram, chain::Chain, linalg::Mat, op::MpsOp, register::State};
use crate::{
    Error, Options,
    progress::Unit,
    records::Records,
    rng::uniform,
    run::{Measured, Outcomes, Ran, Run, Shot, misread, unmeasured_segments},
};

/// Shots that go together: their rows and one site fit the first cache.
const SHOTS_PER_GROUP: u64 = 128;

/// Groups whose outcomes are held before they are counted.
const GROUPS_AT_A_TIME: u64 = 512;

/// Evolves the state once and draws all shots from it: right where measurements come last.
pub(super) fn sampled<'t>(
    run: &Run<'_, '_, MpsOp>,
    mut state: State<'t>,
    measured: &Measured<'_>,
    options: &Options,
) -> Result<Ran<State<'t>>, Error> {
    let program: &MpsProgram<'_> = run.program;
    let mut records = Records::default();
    run.cancel.expects(Unit::Passes, run.program.n_passes() as u64);
    for segment in unmeasured_segments(program) {
        let mut shot = Shot::new(program, options.seed, 0);
        shot.run(run, &mut state, &mut records, segment.start, segment.end)?;
    }
    let mut outcomes = Outcomes::new(program.circuit.n_clbits(), options.memory, options.shots)?;
    let threads = state.threads();
    let (chain, sites) = state.settled()?;
    chain.right_canonical()?;
    draw(chain, &sites, measured, options, threads, &mut outcomes)?;
    Ok(Ran { state, outcomes, records: records.repeated(options.shots) })
}

/// Draws all shots. Each has random numbers of its own, so that its outcome depends neither on
/// other shots nor on threads.
fn draw(
    chain: &Chain,
    sites: &[usize],
    measured: &Measured<'_>,
    options: &Options,
    threads: &Threads,
    outcomes: &mut Outcomes,
) -> Result<(), Error> {
    let mut clbits_at: Vec<Vec<u32>> = vec![Vec::new(); chain.len()];
    for (clbit, place) in &measured.bits {
        if let Some(place) = place {
            clbits_at[sites[*place]].push(*clbit);
        }
    }
    let end = clbits_at.iter().rposition(|clbits| !clbits.is_empty()).map_or(0, |last| last + 1);
    let sites = chain.sites()[..end].iter().map(real).collect();
    let (clbits_at, seed) = (&clbits_at[..end], options.seed);
    let drawing = Drawing { chain, sites, clbits_at, measured, seed };
    let width = outcomes.width();
    let n_groups = options.shots.div_ceil(SHOTS_PER_GROUP);
    for first in (0..n_groups).step_by(GROUPS_AT_A_TIME as usize) {
        let n = (n_groups - first).min(GROUPS_AT_A_TIME);
        let groups = threads.map(n as usize, |group| {
            let from = (first + group as u64) * SHOTS_PER_GROUP;
            drawing.group(from, (from + SHOTS_PER_GROUP).min(options.shots), width)
        });
        for group in groups {
            group?.iter().for_each(|clbits| outcomes.add(clbits));
        }
    }
    Ok(())
}

struct Drawing<'a> {
    chain: &'a Chain,
    /// Real forms of the sites, see [`real`].
    sites: Vec<DMatrix<f64>>,
    /// The clbits that each site is read into, up to the last one that is.
    clbits_at: &'a [Vec<u32>],
    measured: &'a Measured<'a>,
    seed: u64,
}

impl Drawing<'_> {
    /// The clbits of the shots `from..to`.
    fn group(&self, from: u64, to: u64, width: u32) -> Result<Vec<BitString>, Error> {
        let mut outcomes = vec![BitString::zeros(width); (to - from) as usize];
        let mut rows = DMatrix::from_row_slice(1, 2, &[1.0, 0.0]);
        // The row that each shot is in.
        let mut row_of = vec![0_usize; outcomes.len()];
        for (site, clbits) in self.clbits_at.iter().enumerate() {
            self.chain.cancel().poll()?;
            let both = &rows * &self.sites[site];
            let weights = squares(&both);
            let mut next: Vec<(usize, usize)> = Vec::new();
            // The next row of each row and half, once a shot has chosen it.
            let mut number = vec![[None; 2]; rows.nrows()];
            for ((shot, outcome), row) in (from..).zip(&mut outcomes).zip(&mut row_of) {
                let [zero, one] = weights[*row];
                let bit = uniform(self.seed, shot, site as u64) * (zero + one) < one;
                if bit {
                    clbits.iter().for_each(|&clbit| outcome.set(clbit, true));
                }
                let choice = (*row, usize::from(bit));
                *row = *number[choice.0][choice.1].get_or_insert_with(|| {
                    next.push(choice);
                    next.len() - 1
                });
            }
            rows = chosen(&both, &next, &weights);
        }
        let errors = &self.measured.readout_errors;
        for (shot, outcome) in (from..).zip(&mut outcomes) {
            for (number, (bits, rows)) in (self.chain.len() as u64..).zip(errors) {
                misread(outcome, bits, rows, uniform(self.seed, shot, number));
            }
        }
        Ok(outcomes)
    }
}

/// A site as a real matrix: rows `[re, im]` of a row of the chain times it are `[re, im]` of the row
/// behind the site, for |0> and then for |1>. The library multiplies real matrices much faster.
fn real(site: &Mat) -> DMatrix<f64> {
    let (l, r) = (site.nrows(), site.ncols() / 2);
    let mut real = DMatrix::zeros(2 * l, 4 * r);
    for half in 0..2 {
        for column in 0..r {
            for row in 0..l {
                let Complex64 { re, im } = site[(row, half * r + column)];
                let to = half * 2 * r + column;
                real[(row, to)] = re;
                real[(l + row, to)] = -im;
                real[(row, to + r)] = im;
                real[(l + row, to + r)] = re;
            }
        }
    }
    real
}

/// The squared norms of both halves of each row.
fn squares(both: &DMatrix<f64>) -> Vec<[f64; 2]> {
    let (rows, columns) = both.shape();
    let mut squares = vec![[0.0; 2]; rows];
    for (column, entries) in both.as_slice().chunks(rows).enumerate() {
        let half = usize::from(2 * column >= columns);
        for (square, entry) in squares.iter_mut().zip(entries) {
            square[half] += entry * entry;
        }
    }
    squares
}

/// Halves of rows, each with norm 1.
fn chosen(both: &DMatrix<f64>, choices: &[(usize, usize)], weights: &[[f64; 2]]) -> DMatrix<f64> {
    let half_columns = both.ncols() / 2;
    let scale = |&(row, half): &(usize, usize)| weights[row][half].sqrt().recip();
    let scales: Vec<f64> = choices.iter().map(scale).collect();
    let mut rows = DMatrix::zeros(choices.len(), half_columns);
    for (column, entries) in rows.as_mut_slice().chunks_mut(choices.len()).enumerate() {
        let halves = [0, 1].map(|half| {
            let first = (half * half_columns + column) * both.nrows();
            &both.as_slice()[first..first + both.nrows()]
        });
        for ((entry, (row, half)), scale) in entries.iter_mut().zip(choices).zip(&scales) {
            *entry = halves[*half][*row] * scale;
        }
    }
    rows
}
