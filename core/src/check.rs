//! [`check_qobj`]: whether a backend can run a Qobj, as far as its configuration tells.

use ketch_interface::{
    BackendConfiguration, Circuit, Error, Qobj, Result,
    circuit::{Controls, Op, Spelling},
    nearest,
    qobj::{Experiment, Program},
};

/// Instructions that every backend knows which does not list all its instructions.
const ALWAYS: [&str; 2] = ["barrier", "measure"];

/// Checks what can be known before a job exists; a backend's `run` calls it first.
///
/// Pulse programs are refused unless the configuration says `open_pulse`; so are experiments
/// without a circuit, circuits that are not well formed or have too many qubits, more experiments
/// or shots than the limits, and instructions that are neither in `supported_instructions` nor,
/// where that is not given, in `basis_gates`. `options` are the names that the backend
/// understands; any other is refused with the nearest of them.
///
/// # Errors
/// The first thing that is wrong, by its name.
pub fn check_qobj(
    qobj: &Qobj,
    configuration: &BackendConfiguration,
    options: &[&str],
) -> Result<()> {
    let experiments = qobj.experiments();
    if matches!(qobj.program, Program::Pulse(_)) && !configuration.open_pulse {
        return Err(Error::not_supported(of(configuration), "pulse programs"));
    }
    for name in experiments
        .iter()
        .map(|experiment| &experiment.config)
        .chain([&qobj.config])
        .flat_map(|config| config.options.keys())
    {
        if !options.contains(&name.as_str()) {
            let nearest = nearest(name, options.iter().copied()).map(str::to_owned);
            let reason = format!("{} does not know it", of(configuration));
            return Err(Error::InvalidOption { name: name.clone(), reason, nearest });
        }
    }
    if let Some(limit) = configuration.max_experiments
        && experiments.len() as u64 > limit
    {
        let found = experiments.len();
        return invalid(format!("{found} experiments, {} takes {limit}", of(configuration)));
    }
    // Each circuit once, however many experiments run it.
    qobj.circuits().iter().try_for_each(|circuit| check_circuit(circuit, configuration))?;
    experiments.iter().try_for_each(|experiment| check_experiment(qobj, experiment, configuration))
}

fn check_circuit(circuit: &Circuit, configuration: &BackendConfiguration) -> Result<()> {
    circuit.validate()?;
    let backend = configuration.backend_name.clone();
    if let Some(limit) = configuration.n_qubits()
        && circuit.n_qubits() > limit
    {
        let (circuit, needed) = (circuit.name.clone(), circuit.n_qubits());
        return Err(Error::TooManyQubits { backend, circuit, needed, limit });
    }
    let mut operations = circuit.instructions().map(|instruction| instruction.op);
    match operations.find(|op| !is_supported(op, configuration)) {
        Some(op) => Err(Error::UnsupportedInstruction { backend, instruction: op.name() }),
        None => Ok(()),
    }
}

fn check_experiment(
    qobj: &Qobj,
    experiment: &Experiment,
    configuration: &BackendConfiguration,
) -> Result<()> {
    let name = qobj.experiment_name(experiment);
    let (place, circuits) = (experiment.circuit, qobj.circuits().len());
    if place >= circuits {
        return invalid(format!("experiment `{name}` names circuit {place} of {circuits}"));
    }
    let shots = qobj.shots(experiment);
    let limit = configuration.max_shots.unwrap_or(u64::MAX);
    if !(1..=limit).contains(&shots) {
        return invalid(format!("experiment `{name}` has {shots} shots, expected 1 to {limit}"));
    }
    Ok(())
}

fn is_supported(op: &Op, configuration: &BackendConfiguration) -> bool {
    let is = |name: &String| *name == op.name() || is_spelt(op, name);
    match &configuration.supported_instructions {
        Some(names) => names.iter().any(is),
        None => ALWAYS.contains(&&*op.name()) || configuration.basis_gates.iter().any(is),
    }
}

/// Whether the operation is the gate that the name means: `cnot` is `cx`.
fn is_spelt(op: &Op, name: &str) -> bool {
    let (Op::Gate(gate), Some(spelling)) = (op, Spelling::by_name(name)) else { return false };
    let controls = match spelling.controls {
        Controls::Exactly(controls) => gate.controls == controls,
        Controls::Any => gate.controls > 0,
    };
    gate.gate == spelling.gate && controls && gate.state.is_all()
}

fn of(configuration: &BackendConfiguration) -> String {
    format!("backend `{}`", configuration.backend_name)
}

fn invalid(reason: String) -> Result<()> {
    Err(Error::InvalidQobj { reason, source: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(qobj: Qobj, expected: &str) {
        let mut configuration = BackendConfiguration::simulator("sim", "1.0.0", 3);
        configuration.basis_gates = ["x", "cnot", "mcx"].map(str::to_owned).to_vec();
        configuration.max_experiments = Some(2);
        configuration.max_shots = Some(10);
        let found = check_qobj(&qobj, &configuration, &["method", "precision"]);
        let found = found.map_or_else(
            |error| format!("{error}; {}", error.hint().unwrap_or_default()),
            |()| "accepted".to_owned(),
        );
        assert_eq!(found, expected);
    }

    fn of(circuit: Circuit) -> Qobj {
        Qobj::from_circuit(circuit.named("it")).with_shots(10)
    }

    #[test]
    fn each_limit_of_a_configuration_is_a_refusal_by_name() {
        let known = Circuit::new(3, 3).x(0).cx(0, 1).ccx(0, 1, 2).barrier().measure_all();
        check(of(known.clone()), "accepted");
        check(of(known.clone()).with_option("method", 1), "accepted");
        check(
            of(known.clone()).with_option("methd", 1),
            "invalid option `methd`: backend `sim` does not know it; did you mean `method`?",
        );
        check(
            of(known.clone()).with_shots(11),
            "invalid Qobj: experiment `it` has 11 shots, expected 1 to 10; ",
        );
        check(
            of(known.clone()).with_shots(0),
            "invalid Qobj: experiment `it` has 0 shots, expected 1 to 10; ",
        );
        check(
            Qobj::from_circuits(vec![known; 3]).with_shots(1),
            "invalid Qobj: 3 experiments, backend `sim` takes 2; ",
        );
        check(of(Circuit::new(1, 1).h(0)), "backend `sim` does not know the instruction `h`; ");
        check(of(Circuit::new(4, 0)), "backend `sim` has 3 qubits, the circuit `it` needs 4; ");
        let mut nowhere = of(Circuit::new(1, 0));
        nowhere.experiments_mut()[0].circuit = 7;
        check(nowhere, "invalid Qobj: experiment `` names circuit 7 of 1; ");
        let mut pulses = of(Circuit::new(1, 0));
        pulses.program = Program::Pulse(serde_json::Map::new());
        check(pulses, "backend `sim` does not support pulse programs; ");
    }

    #[test]
    fn a_full_list_of_instructions_counts_alone() {
        let mut configuration = BackendConfiguration::simulator("sim", "1.0.0", None);
        configuration.basis_gates = vec!["x".to_owned()];
        configuration.supported_instructions = Some(vec!["reset".to_owned()]);
        let runs = |circuit| check_qobj(&of(circuit), &configuration, &[]).is_ok();
        assert!(runs(Circuit::new(1, 1).reset(0)));
        assert!(!runs(Circuit::new(1, 1).x(0)));
        assert!(!runs(Circuit::new(1, 1).measure(0, 0)));
    }
}
