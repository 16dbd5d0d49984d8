//! By which way a pub is estimated: the backend's own expectation values, or measurement.

use ketch_interface::{
    BackendConfiguration, Circuit,
    circuit::{Op, SetState},
};

use super::{By, EstimatorOptions, asked::Asked};
use crate::{error::PubError, limits::check_shots};

/// How a pub is estimated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// The backend says the expectation values of the state.
    ExpectationValues,
    /// Measured in the bases of groups of strings, so often each.
    Measurement { shots: u64 },
}

/// The instruction by which a backend is asked for an expectation value.
const SAVE: &str = "save_expval";

impl Way {
    pub(crate) fn of(
        asked: &Asked<'_>,
        options: &EstimatorOptions,
        configuration: &BackendConfiguration,
    ) -> Result<Self, PubError> {
        let circuit = &asked.of.circuit;
        if circuit.instructions().any(|instruction| matches!(instruction.op, Op::End)) {
            return Err(PubError::EndsEarly);
        }
        let exact = asked.precision == 0.0;
        // Of noise, readout errors are no part of the state: what is measured has them.
        let ideal = options.by == By::Automatic && !exact;
        let not_exact = |wanted, reason| Err(PubError::NotExact { wanted, reason });
        match (options.by, obstacle(circuit, options, configuration, ideal)) {
            (By::Measurement, _) if exact => {
                not_exact(EXACT, "the options ask for measurement".to_owned())
            }
            (By::Automatic, Some(reason)) if exact => not_exact(EXACT, reason),
            (By::ExpectationValues, Some(reason)) => {
                not_exact("the options ask for the backend's expectation values", reason)
            }
            (By::Automatic | By::ExpectationValues, None) => Ok(Self::ExpectationValues),
            (By::Automatic, Some(_)) | (By::Measurement, _) => {
                shots(asked.precision, configuration).map(|shots| Self::Measurement { shots })
            }
        }
    }
}

const EXACT: &str = "precision 0 asks for the exact value";

/// The shots that a precision takes: each string has at most variance 1 in a shot.
pub(crate) fn shots(precision: f64, configuration: &BackendConfiguration) -> Result<u64, PubError> {
    let needed = (1.0 / (precision * precision)).ceil().max(1.0);
    // Beyond 2^53 a number in double precision is no count.
    let limit = configuration.max_shots.unwrap_or(1 << 53).min(1 << 53);
    if needed > limit as f64 {
        return Err(PubError::TooPrecise {
            found: precision,
            shots: needed,
            backend: configuration.backend_name.clone(),
            limit,
            reached: 1.0 / (limit as f64).sqrt(),
        });
    }
    check_shots(needed as u64, configuration)?;
    Ok(needed as u64)
}

/// Why the backend cannot say the expectation values of the one state that the circuit ends in.
fn obstacle(
    circuit: &Circuit,
    options: &EstimatorOptions,
    configuration: &BackendConfiguration,
    ideal: bool,
) -> Option<String> {
    let instructions = configuration.supported_instructions.as_deref().unwrap_or_default();
    if !instructions.iter().any(|name| name == SAVE) {
        let backend = &configuration.backend_name;
        return Some(format!("backend `{backend}` offers no expectation values (`{SAVE}`)"));
    }
    let mixed = options.backend.get("method").is_some_and(|method| method == "density_matrix");
    let noisy = options.backend.get("noise_model").is_some_and(|model| !model.is_null());
    if noisy && (ideal || !mixed) {
        return Some("there is noise, and the method is not `density_matrix`".to_owned());
    }
    let chance = chance(circuit)?;
    let same_state = mixed && chance == Chance::Channel;
    (!same_state).then(|| match chance {
        Chance::Measurement => {
            "the circuit measures, and its state depends on what is found".to_owned()
        }
        Chance::Channel => "the circuit resets qubits or has noise of its own, and the method is \
                            not `density_matrix`"
            .to_owned(),
    })
}

/// What makes the state of a circuit differ from shot to shot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Chance {
    /// A density matrix holds all that may happen.
    Channel,
    /// Also that collapses.
    Measurement,
}

/// Whether chance has a part in the state, by its greatest cause.
fn chance(circuit: &Circuit) -> Option<Chance> {
    let mut chance = None;
    let mut touched = vec![false; circuit.n_qubits() as usize];
    let jumps = circuit.has_control_flow();
    for instruction in circuit.instructions() {
        let mut qubits = instruction.qubits.iter();
        match instruction.op {
            Op::Measure | Op::MeasureVar { .. } => return Some(Chance::Measurement),
            Op::Kraus(_) | Op::Superop(_) | Op::Opaque(_) => chance = Some(Chance::Channel),
            Op::SetState(state) if !matches!(**state, SetState::Statevector(_)) => {
                chance = Some(Chance::Channel);
            }
            // A qubit that is still |0> is not changed by it; in a loop it may not be.
            Op::Reset | Op::Initialize(_) if jumps || qubits.any(|q| touched[q.0 as usize]) => {
                chance = Some(Chance::Channel);
            }
            _ => {}
        }
        if !matches!(instruction.op, Op::Barrier | Op::Save(_) | Op::Snapshot(_)) {
            instruction.qubits.iter().for_each(|qubit| touched[qubit.0 as usize] = true);
        }
        if matches!(instruction.op, Op::SetState(_)) {
            touched.fill(true);
        }
    }
    chance
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chance_is_where_the_state_may_differ() {
        let of = |circuit: Circuit| chance(&circuit);
        assert_eq!(of(Circuit::new(2, 0).h(0).cx(0, 1).barrier()), None);
        assert_eq!(of(Circuit::new(2, 0).reset(0).h(0)), None);
        assert_eq!(of(Circuit::new(2, 0).h(0).reset(0)), Some(Chance::Channel));
        assert_eq!(of(Circuit::new(2, 0).barrier().reset(0)), None);
        assert_eq!(of(Circuit::new(1, 1).h(0).reset(0).measure(0, 0)), Some(Chance::Measurement));
        let looped = Circuit::new(1, 1).if_equal(0, 0, |c| c.reset(0));
        assert_eq!(of(looped), Some(Chance::Channel));
    }

    #[test]
    fn shots_are_the_inverse_square_of_the_precision() {
        let mut device = BackendConfiguration::simulator("device", "1.0.0", 2);
        device.max_shots = Some(10_000);
        let found = |precision| shots(precision, &device);
        assert_eq!(found(0.015_625).unwrap(), 4096);
        assert_eq!(found(0.3).unwrap(), 12);
        assert_eq!(found(7.0).unwrap(), 1);
        assert_eq!(
            found(1e-3).unwrap_err().to_string(),
            "precision 0.001 takes 1000000 shots, backend `device` runs at most 10000, which give \
             0.01"
        );
        device.max_shots = None;
        assert!(matches!(shots(1e-300, &device), Err(PubError::TooPrecise { .. })));
    }
}
