//! [`Coverage`]: what of a circuit a noise model has something to say about.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::NoiseModel;
use crate::{Circuit, circuit::Op};

/// Which of a circuit's instructions have noise in a model and which have none, by name, and how
/// often they occur.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// With noise.
    pub noisy: BTreeMap<String, usize>,
    /// Without: no number is known for them, or it is 0.
    pub ideal: BTreeMap<String, usize>,
}

impl NoiseModel {
    /// Which instructions of a circuit have noise: gates, unitaries, resets and measurements.
    #[must_use]
    pub fn coverage(&self, circuit: &Circuit) -> Coverage {
        let mut coverage = Coverage::default();
        for instruction in circuit.instructions() {
            let qubits: Vec<u32> = instruction.qubits.iter().map(|qubit| qubit.0).collect();
            let name = match instruction.op {
                Op::Unitary(unitary) => {
                    unitary.label.clone().unwrap_or_else(|| instruction.op.name())
                }
                Op::Gate(_) | Op::Diagonal(_) | Op::Multiplexer(_) | Op::Pauli(_) => {
                    instruction.op.name()
                }
                Op::Measure | Op::MeasureVar { .. } | Op::Reset => instruction.op.name(),
                _ => continue,
            };
            let each = matches!(instruction.op, Op::Measure | Op::MeasureVar { .. } | Op::Reset);
            let groups = qubits.chunks(if each { 1 } else { qubits.len().max(1) });
            let is_measured = matches!(instruction.op, Op::Measure);
            let is_joint = is_measured && self.joint_readout(&qubits).is_some();
            for group in groups {
                let error = self.error(&name, group).is_some_and(|error| !error.is_identity());
                let misread = is_measured && self.readout(group[0]).is_some();
                let is_noisy =
                    error || misread || is_joint || !self.non_local(&name, group).is_empty();
                let of = if is_noisy { &mut coverage.noisy } else { &mut coverage.ideal };
                *of.entry(name.clone()).or_default() += 1;
            }
        }
        coverage
    }
}

impl Coverage {
    /// `the noise model has nothing for 3 h, 1 t`; nothing if everything has noise.
    #[must_use]
    pub fn note(&self) -> Option<String> {
        let named = |(name, n): (&String, &usize)| format!("{n} {name}");
        let names: Vec<String> = self.ideal.iter().map(named).collect();
        (!names.is_empty()).then(|| format!("the noise model has nothing for {}", names.join(", ")))
    }

    /// For programs: numbers by name under `noisy` and `ideal`.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({ "noisy": self.noisy, "ideal": self.ideal })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::noise::{Channel, ReadoutError};

    #[test]
    fn what_has_no_noise_is_named() {
        let mut model = NoiseModel::new();
        model.add("x", Channel::depolarizing(0.1, 1).unwrap());
        model.add_on("cx", &[0, 1], Channel::depolarizing(0.1, 2).unwrap());
        model.add_readout_on(0, ReadoutError::of_bit(0.1, 0.1).unwrap());
        let circuit = Circuit::new(2, 2).h(0).x(0).x(1).cx(0, 1).cx(1, 0).barrier().measure_all();
        let coverage = model.coverage(&circuit);
        assert_eq!(
            coverage.to_json().to_string(),
            r#"{"noisy":{"cx":1,"measure":1,"x":2},"ideal":{"cx":1,"h":1,"measure":1}}"#
        );
        let note = coverage.note().unwrap();
        assert_eq!(note, "the noise model has nothing for 1 cx, 1 h, 1 measure");
        assert_eq!(model.coverage(&Circuit::new(1, 0).x(0)).note(), None);
    }
}
