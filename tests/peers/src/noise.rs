//! The noise of the comparisons: depolarizing after each gate, damping if asked for, and readout
//! errors.

use anyhow::{Context, Result};
use ketch_interface::{
    Circuit,
    circuit::{Controls, GateOp, SPELLINGS},
    noise::{Channel, NoiseModel, QuantumError, ReadoutError},
};
use serde::Deserialize;

/// How strong it is. `p1` and `p2` are the chance that any of the Paulis other than the identity
/// happens, each of them as likely as the next.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Noise {
    /// After each gate on one qubit.
    p1: f64,
    /// After each gate on two qubits.
    p2: f64,
    /// The chance that a bit is read wrongly.
    #[serde(default)]
    readout: f64,
    /// The chance of |1> to decay to |0> after each gate on one qubit.
    #[serde(default)]
    damping: f64,
    /// How the qubits of a gate relax while it lasts.
    #[serde(default)]
    relaxation: Option<Relaxation>,
}

/// Time constants and lengths of gates, all in one unit.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Relaxation {
    t1: f64,
    t2: f64,
    /// Of a gate on one qubit.
    gate1: f64,
    /// Of a gate on two qubits.
    gate2: f64,
}

impl Relaxation {
    fn during(&self, time: f64) -> Result<Channel> {
        Channel::thermal_relaxation(self.t1, self.t2, time, 0.0).context("relaxation")
    }
}

/// The circuit with the noise in it.
pub(crate) fn insert(circuit: &Circuit, noise: Noise) -> Result<Circuit> {
    let one = depolarizing(noise.p1, 1)?;
    let one = match noise.damping > 0.0 {
        true => one.then(&Channel::amplitude_damping(noise.damping).context("damping")?),
        false => one,
    };
    let (mut one, mut two) =
        (QuantumError::from(one), QuantumError::from(depolarizing(noise.p2, 2)?));
    if let Some(relaxation) = noise.relaxation {
        let each = relaxation.during(relaxation.gate2)?;
        one = one.then(relaxation.during(relaxation.gate1)?, &[0]);
        two = two.then(each.clone(), &[0]).then(each, &[1]);
    }
    let mut model = NoiseModel::new();
    for spelling in SPELLINGS {
        let Controls::Exactly(controls) = spelling.controls else { continue };
        // One gate may have several names.
        if GateOp::new(spelling.gate, controls).name() != spelling.name {
            continue;
        }
        match spelling.gate.info().n_qubits + u32::from(controls) {
            1 => model.add(spelling.name, one.clone()),
            2 => model.add(spelling.name, two.clone()),
            _ => {}
        }
    }
    if noise.readout > 0.0 {
        let error = ReadoutError::of_bit(noise.readout, noise.readout).context("readout")?;
        model.add_readout(error);
    }
    Ok(ketch_simulator::noise::insert(circuit, &model)?)
}

/// The channel that applies one of the `4^k - 1` Paulis with chance `p` in all.
fn depolarizing(p: f64, n_qubits: u32) -> Result<Channel> {
    // Replacing the state by the maximally mixed one keeps it with chance 1/4^k.
    let paulis = f64::from(1_u32 << (2 * n_qubits));
    Channel::depolarizing(p * paulis / (paulis - 1.0), n_qubits).context("depolarizing")
}

#[cfg(test)]
mod tests {
    use ketch_interface::circuit::Op;

    use super::*;

    #[test]
    fn channels_follow_gates_and_errors_follow_measurements() {
        let noise = Noise { p1: 0.1, p2: 0.2, readout: 0.3, damping: 0.1, relaxation: None };
        let noisy = insert(&Circuit::new(2, 2).h(0).cx(0, 1).measure(0, 0), noise).unwrap();
        let count = |wanted: fn(&Op) -> bool| noisy.instructions().filter(|i| wanted(i.op)).count();
        assert_eq!(count(|op| matches!(op, Op::Kraus(_))), 2);
        assert_eq!(count(|op| matches!(op, Op::ReadoutError(_))), 1);
    }

    #[test]
    fn the_chance_is_that_of_all_paulis_but_the_identity() {
        let none = Noise { p1: 0.0, p2: 0.0, readout: 0.0, damping: 0.0, relaxation: None };
        let channel = depolarizing(0.25, 1).unwrap();
        // The chance of the identity is the process fidelity.
        assert!((channel.process_fidelity() - 0.75).abs() < 1e-12);
        assert!((depolarizing(0.25, 2).unwrap().process_fidelity() - 0.75).abs() < 1e-12);
        assert!(insert(&Circuit::new(1, 0), Noise { p1: 2.0, ..none }).is_err());
        let relaxation = Relaxation { t1: 1.0, t2: 3.0, gate1: 0.1, gate2: 0.1 };
        let refused = insert(&Circuit::new(1, 0), Noise { relaxation: Some(relaxation), ..none });
        assert!(refused.is_err());
    }
}
