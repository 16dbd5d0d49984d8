//! What a run of unitaries on the same two places comes to.

use ketch_interface::Complex64;
use ketch_kernels::{Kernels, Threads};

use super::cartan::Matrix2;
use crate::dense::apply::{Action, Apply, Matrix1, product};

const O: Complex64 = Complex64::ZERO;
const I: Complex64 = Complex64::ONE;

/// The matrix of a run on two places, the first as the low bit of its index.
pub(super) fn matrix(run: &[&Apply<f64>], places: [usize; 2]) -> Matrix2 {
    let mut rows = [[I, O, O, O], [O, I, O, O], [O, O, I, O], [O, O, O, I]];
    run.iter().for_each(|apply| follow(&mut rows, apply, places));
    rows
}

/// Multiplies from the left by a unitary on the two places: as a gate acts on four amplitudes, with
/// a row for each.
fn follow(rows: &mut Matrix2, apply: &Apply<f64>, [low, high]: [usize; 2]) {
    let index = |row: usize| (row & 1) << low | (row >> 1) << high;
    let bit = |place: usize| if place == low { 1 } else { 2 };
    let controls = apply.controls;
    let mut pairs = |place: usize, [[a, b], [c, d]]: Matrix1| {
        let bit = bit(place);
        // A control on the place itself would be no control.
        for row in (0..4).filter(|row| row & bit == 0 && controls.admits(index(*row))) {
            let [low, high] = rows.get_disjoint_mut([row, row | bit]).expect("two different rows");
            for (x, y) in low.iter_mut().zip(high) {
                (*x, *y) = (a * *x + b * *y, c * *x + d * *y);
            }
        }
    };
    match &apply.action {
        Action::One { place, matrix } => pairs(*place, *matrix),
        Action::Antidiagonal1 { place, entries: [b, c] } => pairs(*place, [[O, *b], [*c, O]]),
        Action::X { place } => {
            let bit = bit(*place);
            for row in (0..4).filter(|row| row & bit == 0 && controls.admits(index(*row))) {
                rows.swap(row, row | bit);
            }
        }
        Action::Phase(_) | Action::Diagonal1 { .. } | Action::Diagonal { .. } => {
            for (row, line) in rows.iter_mut().enumerate() {
                let factor = apply.factor(index(row));
                if factor != I {
                    line.iter_mut().for_each(|entry| *entry *= factor);
                }
            }
        }
        _ => {
            let small = apply.mapped(|place| usize::from(place == high));
            let (kernels, serial) = (Kernels::detect(), Threads::serial());
            for column in 0..4 {
                let mut state = [0, 1, 2, 3].map(|row: usize| rows[row][column]);
                small.run(kernels, &serial, &mut state);
                rows.iter_mut().zip(state).for_each(|(row, entry)| row[column] = entry);
            }
        }
    }
}

pub(super) fn is_unitary(matrix: &Matrix2) -> bool {
    let dot = |i: usize, j: usize| -> Complex64 {
        matrix[i].iter().zip(&matrix[j]).map(|(a, b)| a * b.conj()).sum()
    };
    (0..4).all(|i| (0..=i).all(|j| (dot(i, j) - f64::from(i == j)).norm_sqr() < 1e-24))
}

/// The phases of a matrix that is diagonal up to rounding.
pub(super) fn diagonal_angles(matrix: &Matrix2) -> Option<[f64; 4]> {
    let diagonal = (0..4).all(|i| (0..4).all(|j| i == j || is_nothing(matrix[i][j])));
    diagonal.then(|| [0, 1, 2, 3].map(|i| matrix[i][i].arg()))
}

/// A unitary on one of two places that only looks at the other: on the target `before`, then a
/// phase by the values of both where the control is 1, then `after`.
///
/// The unitaries A where the control is 0 and B where it is 1 differ by one on the left whose
/// eigenvectors are those of A^-1 B: as in the theorem on controlled gates of Barenco et al.
/// (Phys. Rev. A 52, 3457, 1995), and much less work than the decomposition of any two-place gate.
#[derive(Clone, Debug)]
pub(super) struct Controlled {
    /// Which of the two places it only looks at.
    pub(super) control: usize,
    pub(super) before: Matrix1,
    /// Where the control is 1, by the value of the target.
    pub(super) angles: [f64; 2],
    pub(super) after: Matrix1,
}

impl Controlled {
    /// `None` if the unitary mixes or moves values of both places.
    pub(super) fn of(matrix: &Matrix2) -> Option<Self> {
        let control = [0, 1].into_iter().find(|control| {
            let crosses = |row: usize, column: usize| (row ^ column) >> control & 1 == 1;
            let all = (0..4).flat_map(|row| (0..4).map(move |column| (row, column)));
            all.filter(|(r, c)| crosses(*r, *c)).all(|(r, c)| is_nothing(matrix[r][c]))
        })?;
        let target = 1 - control;
        let block = |value: usize| -> Matrix1 {
            let at = |bit: usize| value << control | bit << target;
            [0, 1].map(|row| [0, 1].map(|column| matrix[at(row)][at(column)]))
        };
        let (zero, one) = (block(0), block(1));
        let [[a, b], [c, d]] = zero;
        let inverse = [[a.conj(), c.conj()], [b.conj(), d.conj()]];
        let Eigen { angles, vectors } = eigen(&product(&inverse, &one));
        let [[a, b], [c, d]] = vectors;
        let before = [[a.conj(), c.conj()], [b.conj(), d.conj()]];
        Some(Self { control, before, angles, after: product(&zero, &vectors) })
    }
}

/// The eigenvalues of a unitary, as angles, and its eigenvectors, as columns.
struct Eigen {
    angles: [f64; 2],
    vectors: Matrix1,
}

/// A unitary is a phase times `w - i (x X + y Y + z Z)`: its eigenvectors are those of a spin along
/// the axis.
fn eigen(&[[a, b], [c, d]]: &Matrix1) -> Eigen {
    let phase = (a * d - b * c).arg() / 2.0;
    let back = Complex64::cis(-phase);
    let [a, b, c, d] = [a, b, c, d].map(|entry| entry * back);
    let (w, z) = ((a + d).re / 2.0, (d - a).im / 2.0);
    let (x, y) = (-(b + c).im / 2.0, (c - b).re / 2.0);
    let length = (x * x + y * y + z * z).sqrt();
    // The axis of what is the identity up to rounding is anything.
    if length < 1e-15 {
        let vectors = [[I, O], [O, I]];
        return Eigen { angles: [phase + length.atan2(w); 2], vectors };
    }
    // Of both directions of the axis, the one whose first eigenvector loses no digits.
    let sign = if z < 0.0 { -1.0 } else { 1.0 };
    let turn = (sign * length).atan2(w);
    let (up, across) = (length + sign * z, Complex64::new(x, y) * sign);
    let norm = (up * up + across.norm_sqr()).sqrt().recip();
    let (up, across) = (Complex64::from(up * norm), across * norm);
    Eigen { angles: [phase - turn, phase + turn], vectors: [[up, -across.conj()], [across, up]] }
}

/// Whether an entry is rounding.
fn is_nothing(entry: Complex64) -> bool {
    entry.norm_sqr() < 1e-30
}

#[cfg(test)]
mod tests {
    use ketch_interface::circuit::{ControlState, GATES, Gate, GateOp};
    use ketch_kernels::Controls;

    use super::*;

    const ANGLES: [f64; 8] = [0.0, 1e-9, 1e-16, 0.3, 1.7, std::f64::consts::PI, -2.0, -6.0];

    /// Every gate of the table on up to two places, with a control that it leaves room for, on both
    /// orders of the places 3 and 5.
    fn gates() -> impl Iterator<Item = Apply<f64>> {
        let ops = GATES.iter().flat_map(|info| {
            let most = 2 - (info.n_qubits as u16).min(2);
            (0..=most).flat_map(move |controls| {
                (0..1 << controls).filter_map(move |pattern| {
                    let state = ControlState::new(controls, pattern)?;
                    Some((info, GateOp { gate: info.gate, controls, state }))
                })
            })
        });
        ops.filter(|(info, _)| info.n_qubits <= 2).flat_map(|(info, op)| {
            ANGLES.into_iter().flat_map(move |theta| {
                [[3, 5], [5, 3]].into_iter().filter_map(move |places| {
                    let params = [theta, 0.4 - theta, 2.0 * theta, theta - 1.0];
                    let n = usize::from(op.controls) + info.n_qubits as usize;
                    Apply::of_gate(op, &params[..info.n_params as usize], &places[..n])
                })
            })
        })
    }

    fn off(found: &Matrix2, expected: &Matrix2) -> f64 {
        let all = found.as_flattened().iter().zip(expected.as_flattened());
        all.map(|(a, b)| (a - b).norm()).fold(0.0, f64::max)
    }

    #[test]
    fn the_matrix_of_a_run_is_what_it_does_to_basis_states() {
        let slowly = |apply: &Apply<f64>| -> Matrix2 {
            let matrix = apply.matrix(&[3, 5]);
            std::array::from_fn(|row| std::array::from_fn(|column| matrix.at(row, column)))
        };
        let mut run = Vec::new();
        let mut expected = matrix(&[], [3, 5]);
        for apply in gates() {
            assert_eq!(off(&matrix(&[&apply], [3, 5]), &slowly(&apply)), 0.0, "{apply:?}");
            expected = super::super::cartan::multiply(&slowly(&apply), &expected);
            run.push(apply);
        }
        assert!(run.len() > 300);
        let found = matrix(&run.iter().collect::<Vec<_>>(), [3, 5]);
        assert!(off(&found, &expected) < 1e-12);
        assert!(is_unitary(&found));
    }

    /// What the parts of a controlled unitary come to.
    fn rebuilt(controlled: &Controlled) -> Matrix2 {
        let (control, target) = (controlled.control, 1 - controlled.control);
        let one = |matrix| {
            let action = Action::One { place: target, matrix };
            Apply { action, controls: Controls::NONE }
        };
        let phase = |value: usize| {
            let action = Action::Phase(Complex64::cis(controlled.angles[value]));
            let controls = Controls::NONE.and(control, true).and(target, value == 1);
            Apply { action, controls }
        };
        let run = [one(controlled.before), phase(0), phase(1), one(controlled.after)];
        matrix(&run.each_ref(), [0, 1])
    }

    fn check(matrix: &Matrix2) -> Controlled {
        let controlled = Controlled::of(matrix).expect("it only looks at one place");
        let off = off(&rebuilt(&controlled), matrix);
        assert!(off < 1e-14, "off by {off:e}: {matrix:?} became {controlled:?}");
        controlled
    }

    #[test]
    fn a_controlled_unitary_is_the_product_of_its_parts() {
        for info in GATES.iter().filter(|info| info.n_qubits == 1) {
            for theta in ANGLES {
                for control in [0, 1] {
                    let params = [theta, 0.4 - theta, 2.0 * theta, theta - 1.0];
                    let params = &params[..info.n_params as usize];
                    let places = [control, 1 - control];
                    let op = GateOp { gate: info.gate, controls: 1, state: ControlState::ALL };
                    let Some(apply) = Apply::of_gate(op, params, &places) else { continue };
                    let alone = matrix(&[&apply], [0, 1]);
                    check(&alone);
                    // Behind any unitary on its target.
                    let op = GateOp { gate: Gate::U, controls: 0, state: ControlState::ALL };
                    let angles = [0.3 + theta, 1.1, -0.7];
                    let turn = Apply::of_gate(op, &angles, &places[1..]).expect("no identity");
                    check(&matrix(&[&turn, &apply, &turn], [0, 1]));
                }
            }
        }
    }

    #[test]
    fn a_flip_around_a_rotation_is_controlled_and_a_swap_is_not() {
        let flip = Apply { action: Action::X { place: 1 }, controls: Controls::NONE.and(0, true) };
        let op = GateOp { gate: Gate::Ry, controls: 0, state: ControlState::ALL };
        let turn = Apply::of_gate(op, &[0.7], &[1]).unwrap();
        let found = check(&matrix(&[&flip, &turn, &flip], [0, 1]));
        assert_eq!(found.control, 0);
        // A turn by 0.35 one way or the other: the eigenvalues of what lies between, by 0.7.
        let [a, b] = found.angles;
        assert!(((a - b).abs() - 1.4).abs() < 1e-15);
        let swap = Apply { action: Action::Swap { places: [0, 1] }, controls: Controls::NONE };
        assert!(Controlled::of(&matrix(&[&swap], [0, 1])).is_none());
        assert!(Controlled::of(&matrix(&[&flip, &swap], [0, 1])).is_none());
    }
}
