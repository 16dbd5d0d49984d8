//! [`Coverage`]: what of a circuit a noise model has something to say about.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{NoiseModel, ReadoutError, model::PULSE};
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
    /// Which instructions of a circuit have noise: gates, unitaries, resets, measurements and delays.
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
                Op::Measure | Op::MeasureVar { .. } | Op::Reset | Op::Delay(_) => {
                    instruction.op.name()
                }
                _ => continue,
            };
            let each = matches!(
                instruction.op,
                Op::Measure | Op::MeasureVar { .. } | Op::Reset | Op::Delay(_)
            );
            let groups = qubits.chunks(if each { 1 } else { qubits.len().max(1) });
            let is_measured = matches!(instruction.op, Op::Measure);
            let acts = |error: Option<&ReadoutError>| error.is_some_and(|e| !e.is_identity());
            let joint = self.joint_readout(&qubits).filter(|_| is_measured);
            let is_pulsed = matches!(instruction.op, Op::Gate(gate) if self.is_pulsed(*gate));
            for group in groups {
                let of = if is_pulsed { PULSE } else { &name };
                let error = self.error(of, group).is_some_and(|error| !error.is_identity());
                let is_noisy = match instruction.op {
                    Op::Delay(_) => self.relaxation(group[0]).is_some(),
                    Op::Measure if joint.is_some() => error || acts(joint),
                    Op::Measure => error || acts(self.readout(group[0])),
                    _ => error,
                };
                let is_noisy = is_noisy || !self.non_local(&name, group).is_empty();
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
    use crate::{
        circuit::TimeUnit,
        noise::{Channel, Relaxation},
    };

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

    #[test]
    fn pulses_delays_and_perfect_readout_are_what_they_are() {
        let mut model = NoiseModel::new();
        model.add(PULSE, Channel::depolarizing(0.1, 1).unwrap());
        model.set_x90_gates(["h", "z"].map(String::from).into());
        model.add_readout(ReadoutError::of_bit(0.0, 0.0).unwrap());
        model.add_relaxation(0, Relaxation { t1: 1.0, t2: 1.0, excited: 0.0 });
        let circuit = Circuit::new(2, 1).h(0).z(0).measure(0, 0);
        let circuit = circuit.delay(1.0, TimeUnit::Second, 0).delay(1.0, TimeUnit::Second, 1);
        assert_eq!(
            model.coverage(&circuit).to_json().to_string(),
            r#"{"noisy":{"delay":1,"h":1},"ideal":{"delay":1,"measure":1,"z":1}}"#
        );
    }
}
