//! Gates before a measurement that turn X or Y into Z.

use std::f64::consts::{FRAC_PI_2, PI};

use ketch_interface::{
    BackendConfiguration, Circuit,
    circuit::{Clbit, Gate, GateOp, Op, Param, Qubit},
};

use crate::observable::Pauli;

type Gates = &'static [(Gate, &'static [f64])];

/// Gates `U` with `U† Z U = X` and with `U† Z U = Y`, in the order in which they act.
#[derive(Debug)]
pub(crate) struct Rotation {
    x: Gates,
    y: Gates,
}

/// The first row whose gates a backend has is taken; the first of all if it has none of them.
static ROTATIONS: &[Rotation] = &[
    Rotation { x: &[(Gate::H, &[])], y: &[(Gate::Sdg, &[]), (Gate::H, &[])] },
    Rotation { x: &[(Gate::Rz, &[FRAC_PI_2]), (Gate::Sx, &[])], y: &[(Gate::Sx, &[])] },
    Rotation { x: &[(Gate::Ry, &[-FRAC_PI_2])], y: &[(Gate::Rx, &[FRAC_PI_2])] },
    Rotation {
        x: &[(Gate::Rz, &[FRAC_PI_2]), (Gate::Rx, &[FRAC_PI_2])],
        y: &[(Gate::Rx, &[FRAC_PI_2])],
    },
    Rotation { x: &[(Gate::R, &[FRAC_PI_2, -FRAC_PI_2])], y: &[(Gate::R, &[FRAC_PI_2, 0.0])] },
    Rotation { x: &[(Gate::U2, &[0.0, PI])], y: &[(Gate::U2, &[0.0, FRAC_PI_2])] },
    Rotation {
        x: &[(Gate::U3, &[FRAC_PI_2, 0.0, PI])],
        y: &[(Gate::U3, &[FRAC_PI_2, 0.0, FRAC_PI_2])],
    },
    Rotation {
        x: &[(Gate::U, &[FRAC_PI_2, 0.0, PI])],
        y: &[(Gate::U, &[FRAC_PI_2, 0.0, FRAC_PI_2])],
    },
];

impl Rotation {
    /// In gates that the backend has, so that a circuit that fits a device still does.
    pub(crate) fn of(configuration: &BackendConfiguration) -> &'static Self {
        let more = configuration.supported_instructions.as_deref().unwrap_or_default();
        let known =
            |name: &str| configuration.basis_gates.iter().chain(more).any(|known| known == name);
        let fits = |rotation: &&Self| {
            rotation.x.iter().chain(rotation.y).all(|(gate, _)| known(gate.name()))
        };
        ROTATIONS.iter().find(fits).unwrap_or(&ROTATIONS[0])
    }

    fn gates(&self, pauli: Pauli) -> Gates {
        match pauli {
            Pauli::X => self.x,
            Pauli::Y => self.y,
            Pauli::Z => &[],
        }
    }

    /// The circuit, and behind it a measurement of these qubits in these bases into a new register;
    /// its bit `i` is for the `i`-th of them.
    pub(crate) fn measured(&self, circuit: &Circuit, basis: &[(u32, Pauli)]) -> Circuit {
        let mut circuit = circuit.clone();
        for &(qubit, pauli) in basis {
            for (gate, params) in self.gates(pauli) {
                let params: Vec<Param> = params.iter().copied().map(Param::Number).collect();
                let op = Op::Gate(GateOp::new(*gate, 0));
                circuit.push_unchecked(op, &[Qubit(qubit)], &[], &params);
            }
        }
        let name = free_name(&circuit);
        let n_bits = u32::try_from(basis.len()).expect("no more bits than qubits");
        let Clbit(first) = circuit.add_creg(name, n_bits);
        for (bit, &(qubit, _)) in (first..).zip(basis) {
            circuit.push_unchecked(Op::Measure, &[Qubit(qubit)], &[Clbit(bit)], &[]);
        }
        circuit
    }
}

/// A name that no register of the circuit has.
fn free_name(circuit: &Circuit) -> String {
    let taken = |name: &String| circuit.cregs().iter().any(|register| register.name == *name);
    let numbered = (1..).map(|number| format!("estimated{number}"));
    let mut names = std::iter::once("estimated".to_owned()).chain(numbered);
    names.find(|name| !taken(name)).expect("the names do not end")
}

#[cfg(test)]
mod tests {
    use ketch_interface::Matrix;

    use super::*;

    #[test]
    fn every_row_turns_x_and_y_into_z() {
        let matrix = |gate: Gate, params: &[f64]| GateOp::new(gate, 0).matrix(params);
        for rotation in ROTATIONS {
            for (gates, pauli) in [(rotation.x, Gate::X), (rotation.y, Gate::Y)] {
                let one = matrix(Gate::Id, &[]);
                let turn = gates
                    .iter()
                    .fold(one, |all, (gate, params)| matrix(*gate, params).product(&all));
                let turned: Matrix = turn.adjoint().product(&matrix(Gate::Z, &[]).product(&turn));
                let expected = matrix(pauli, &[]);
                let apart = turned.entries().iter().zip(expected.entries());
                assert!(
                    apart.clone().all(|(a, b)| (a - b).norm() < 1e-15),
                    "{gates:?} turn {pauli:?} into {turned:?}"
                );
            }
        }
    }

    #[test]
    fn a_backend_gets_gates_that_it_has() {
        let gates_for = |basis: &[&str]| {
            let mut configuration = BackendConfiguration::simulator("device", "1.0.0", 2);
            configuration.basis_gates = basis.iter().map(|&name| name.to_owned()).collect();
            let circuit = Rotation::of(&configuration)
                .measured(&Circuit::new(2, 1), &[(0, Pauli::X), (1, Pauli::Y)]);
            circuit.validate().unwrap();
            circuit.instructions().map(|one| one.op.name()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(gates_for(&["h", "sdg", "cx"]), "h sdg h measure measure");
        assert_eq!(gates_for(&["id", "rz", "sx", "x", "ecr"]), "rz sx sx measure measure");
        assert_eq!(gates_for(&["u1", "u2", "u3", "cx"]), "u2 u2 measure measure");
        assert_eq!(gates_for(&["r", "rz", "cz"]), "r r measure measure");
    }

    #[test]
    fn the_new_register_stands_behind_all_others() {
        let mut circuit = Circuit::new(2, 1);
        circuit.add_creg("estimated", 2);
        let measured = ROTATIONS[0].measured(&circuit, &[(1, Pauli::Z)]);
        let last = measured.cregs().last().unwrap();
        assert_eq!((last.name.as_str(), last.start, last.size), ("estimated1", 3, 1));
    }
}
