//! A unitary on one place as phases, a real rotation and phases.

use ketch_interface::Complex64;

use crate::dense::apply::Matrix1;

/// `e^{i whole} diag(1, e^{i after}) [[cos, -sin], [sin, cos]] diag(1, e^{i before})`: the Euler
/// angles about z, y, z, with `cos` and `sin` not negative.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Euler {
    /// The phase of everything.
    pub(crate) whole: f64,
    /// The phase where the place reads 1, before the rotation.
    pub(crate) before: f64,
    pub(crate) cos: f64,
    pub(crate) sin: f64,
    /// The phase where the place reads 1, after the rotation.
    pub(crate) after: f64,
}

/// Below this, an entry is rounding.
const NOTHING: f64 = 1e-15;

impl Euler {
    /// The angles of a unitary matrix.
    pub(crate) fn of(matrix: &Matrix1) -> Self {
        let [[a, b], [c, d]] = *matrix;
        // Of the two phases that the rotation needs, the larger entries tell; the small ones
        // may have lost theirs to rounding.
        let (straight, across) = (a.norm_sqr() + d.norm_sqr(), b.norm_sqr() + c.norm_sqr());
        let (cos, sin, norm) = (straight.sqrt(), across.sqrt(), (straight + across).sqrt());
        let round = |number: f64| if number < NOTHING { 0.0 } else { number / norm };
        let (cos, sin) = (round(cos), round(sin));
        let phase = Complex64::arg;
        let (whole, before, after) = if sin == 0.0 {
            (phase(a), 0.0, phase(d) - phase(a))
        } else if cos == 0.0 {
            (0.0, phase(-b), phase(c))
        } else if cos >= sin {
            let after = phase(c) - phase(a);
            (phase(a), phase(d) - phase(a) - after, after)
        } else {
            let whole = phase(a);
            (whole, phase(-b) - whole, phase(c) - whole)
        };
        Self { whole, before, cos, sin, after }
    }
}

/// How far a matrix is from unitary.
pub(super) fn unitarity_defect([[a, b], [c, d]]: &Matrix1) -> f64 {
    let row = |x: &Complex64, y: &Complex64| (x.norm_sqr() + y.norm_sqr() - 1.0).abs();
    let mixed = (a * c.conj() + b * d.conj()).norm_sqr().sqrt();
    row(a, b).max(row(c, d)).max(mixed)
}

#[cfg(test)]
mod tests {
    use ketch_interface::circuit::{GATES, Gate};

    use super::*;

    fn product(euler: &Euler) -> Matrix1 {
        let Euler { whole, before, cos, sin, after } = *euler;
        let at = |number: f64, angle: f64| Complex64::from_polar(1.0, whole + angle) * number;
        [[at(cos, 0.0), at(-sin, before)], [at(sin, after), at(cos, before + after)]]
    }

    fn check(matrix: &Matrix1) {
        let euler = Euler::of(matrix);
        assert!(euler.cos >= 0.0 && euler.sin >= 0.0);
        for (row, expected) in product(&euler).iter().zip(matrix) {
            for (found, expected) in row.iter().zip(expected) {
                assert!((found - expected).norm() < 1e-14, "{matrix:?} became {euler:?}");
            }
        }
    }

    fn rows(matrix: &ketch_interface::Matrix) -> Matrix1 {
        [0, 1].map(|row| [0, 1].map(|column| matrix.at(row, column)))
    }

    #[test]
    fn every_one_qubit_gate_of_the_table_is_the_product_of_its_parts() {
        let angles = [0.0, 1e-9, 1e-17, 0.3, 1.7, 3.1, -2.0, std::f64::consts::PI, -6.0, 100.0];
        for info in GATES.iter().filter(|info| info.n_qubits == 1) {
            for theta in angles {
                for other in angles {
                    let params = [theta, other, 0.4 - other, theta - 1.0];
                    check(&rows(&info.gate.matrix(&params[..info.n_params as usize])));
                }
            }
        }
        assert_eq!(Euler::of(&rows(&Gate::X.matrix(&[]))).cos, 0.0);
        assert_eq!(Euler::of(&rows(&Gate::T.matrix(&[]))).sin, 0.0);
    }
}
