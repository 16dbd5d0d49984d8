//! One-qubit unitaries in the gates that a device has.

use std::f64::consts::{FRAC_PI_2, PI, TAU};

use ketch_interface::circuit::{Gate, Param};

use crate::linear::{C, H, M2, TOLERANCE, X, identity_phase, mul, of, relative_phase};

/// The gates that one-qubit unitaries are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Euler {
    /// One gate with three angles, `u3` or `u`; the names that say less where they do.
    U { general: Gate, half: bool, phase: Option<Gate> },
    /// Rotations about Z by a gate of one angle, and half turns between by `sx`, `x` where it is.
    ZSx { z: Gate, x: bool },
    /// Rotations about two axes, the outer one first: Z and X, Z and Y, or X and Y.
    Axes(Axis, Axis),
}

/// A rotation with one angle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Axis {
    /// `rx`, or `r` with angle 0.
    X(Gate),
    /// `ry`, or `r` with angle π/2.
    Y(Gate),
    /// `rz`, `p` or `u1`.
    Z(Gate),
    /// About X, made of a rotation about Z between two `h`.
    ByH(Gate),
}

/// A native gate with its angles.
pub(crate) type Native = (Gate, [f64; 3]);

impl Euler {
    /// Writes a unitary in these gates and returns the phase that is left.
    pub(crate) fn synthesise(self, u: &M2, out: &mut Vec<Native>) -> f64 {
        if let Some(phase) = identity_phase(u) {
            return phase;
        }
        let start = out.len();
        self.write(u, out);
        let made = out[start..].iter().map(matrix).reduce(|all, next| mul(&next, &all));
        made.map_or(0.0, |made| relative_phase(u, &made))
    }

    fn write(self, u: &M2, out: &mut Vec<Native>) {
        match self {
            Self::U { general, half, phase } => {
                let [theta, phi, lambda] = angles(u);
                if let (true, Some(phase)) = (theta < TOLERANCE, phase) {
                    out.push((phase, [turn(phi + lambda), 0.0, 0.0]));
                } else if half && (theta - FRAC_PI_2).abs() < TOLERANCE {
                    out.push((Gate::U2, [turn(phi), turn(lambda), 0.0]));
                } else {
                    out.push((general, [theta, turn(phi), turn(lambda)]));
                }
            }
            Self::ZSx { z, x } => {
                let [theta, phi, lambda] = angles(u);
                let rotate = |angle: f64, out: &mut Vec<Native>| {
                    if turn(angle).abs() > TOLERANCE {
                        out.push((z, [turn(angle), 0.0, 0.0]));
                    }
                };
                let sx = (Gate::Sx, [0.0; 3]);
                if theta < TOLERANCE {
                    rotate(phi + lambda, out);
                } else if (theta - FRAC_PI_2).abs() < TOLERANCE {
                    rotate(lambda - FRAC_PI_2, out);
                    out.push(sx);
                    rotate(phi + FRAC_PI_2, out);
                } else if x && (theta - PI).abs() < TOLERANCE {
                    rotate(lambda - phi + PI, out);
                    out.push((Gate::X, [0.0; 3]));
                } else {
                    rotate(lambda, out);
                    out.push(sx);
                    rotate(theta + PI, out);
                    out.push(sx);
                    rotate(phi + PI, out);
                }
            }
            Self::Axes(outer, inner) => {
                // U = R_outer(φ) · R_inner(θ) · R_outer(λ), found in the frame where the outer axis
                // is Z and the inner one is Y.
                let frame = frame(outer, inner);
                let inside = mul(&crate::linear::adjoint(&frame), &mul(u, &frame));
                let [theta, phi, lambda] = angles(&inside);
                if theta < TOLERANCE {
                    outer.rotate(phi + lambda, out);
                } else {
                    outer.rotate(lambda, out);
                    inner.rotate(theta, out);
                    outer.rotate(phi, out);
                }
            }
        }
    }

    /// The gate for a rotation about Z by an angle that is not known yet, its parameters, and the
    /// unitary to be done before it and undone behind it.
    pub(crate) fn rotation_about_z(self, angle: Param) -> (Gate, Vec<Param>, Option<M2>) {
        let zero = Param::Number(0.0);
        match self {
            Self::U { phase: Some(gate), .. } | Self::ZSx { z: gate, .. } => {
                (gate, vec![angle], None)
            }
            Self::U { general, .. } => (general, vec![zero, zero, angle], None),
            Self::Axes(outer, inner) => {
                let z = [outer, inner].into_iter().find_map(|axis| match axis {
                    Axis::Z(gate) | Axis::ByH(gate) => Some(gate),
                    _ => None,
                });
                match (z, outer) {
                    (Some(gate), _) => (gate, vec![angle], None),
                    // H takes Z to X and back.
                    (None, Axis::X(Gate::R)) => (Gate::R, vec![angle, zero], Some(H)),
                    (None, Axis::X(gate) | Axis::Y(gate) | Axis::Z(gate) | Axis::ByH(gate)) => {
                        (gate, vec![angle], Some(H))
                    }
                }
            }
        }
    }
}

impl Axis {
    fn rotate(self, angle: f64, out: &mut Vec<Native>) {
        let angle = turn(angle);
        if angle.abs() < TOLERANCE {
            return;
        }
        match self {
            Self::Y(Gate::R) => out.push((Gate::R, [angle, FRAC_PI_2, 0.0])),
            Self::X(gate) | Self::Y(gate) | Self::Z(gate) => out.push((gate, [angle, 0.0, 0.0])),
            Self::ByH(gate) => {
                out.push((Gate::H, [0.0; 3]));
                out.push((gate, [angle, 0.0, 0.0]));
                out.push((Gate::H, [0.0; 3]));
            }
        }
    }

    fn letter(self) -> char {
        match self {
            Self::X(_) | Self::ByH(_) => 'X',
            Self::Y(_) => 'Y',
            Self::Z(_) => 'Z',
        }
    }
}

/// The rotation that takes Z to the outer axis and Y to the inner one.
fn frame(outer: Axis, inner: Axis) -> M2 {
    match (outer.letter(), inner.letter()) {
        // S† takes Y to X and leaves Z.
        ('Z', 'X') => of(&Gate::Sdg.matrix(&[])),
        // A quarter turn about Y takes Z to X and leaves Y.
        ('X', _) => crate::linear::ry(FRAC_PI_2),
        _ => crate::linear::IDENTITY,
    }
}

/// The angles θ, φ and λ of `u(θ, φ, λ)`, θ from 0 to π.
pub(crate) fn angles(u: &M2) -> [f64; 3] {
    let theta = 2.0 * u[1][0].norm().atan2(u[0][0].norm());
    if theta < TOLERANCE {
        return [0.0, 0.0, (u[1][1] / u[0][0]).arg()];
    }
    if PI - theta < TOLERANCE {
        return [PI, 0.0, (-u[0][1] / u[1][0]).arg()];
    }
    [theta, (u[1][0] / u[0][0]).arg(), (-u[0][1] / u[0][0]).arg()]
}

/// The same angle from -π to π, so that rounding errors of a full turn vanish.
pub(crate) fn turn(angle: f64) -> f64 {
    let turned = angle - TAU * (angle / TAU).round();
    if turned.abs() < TOLERANCE { 0.0 } else { turned }
}

fn matrix((gate, params): &Native) -> M2 {
    match gate {
        Gate::X => X,
        Gate::H => H,
        Gate::Rz => crate::linear::rz(params[0]),
        Gate::P | Gate::U1 => crate::linear::phase(params[0]),
        Gate::Sx => {
            let (plus, minus) = (C::new(0.5, 0.5), C::new(0.5, -0.5));
            [[plus, minus], [minus, plus]]
        }
        gate => of(&gate.matrix(&params[..gate.info().n_params as usize])),
    }
}
