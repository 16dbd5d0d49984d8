//! Checks of what a backend refuses, before there is a job and by its name.

use ketch_core::{
    Backend, Circuit, Error, Qobj, RunOptions,
    circuit::{Gate, MAX_QUBITS, Op, Qubit},
    qobj::Program,
};
use serde_json::{Value, json};

use crate::{
    Gates, Outcome,
    report::{Check, require},
    results::shots,
};

/// The error of a Qobj that must be refused.
fn refusal(backend: &dyn Backend, qobj: Qobj, what: &str) -> Result<Error, Outcome> {
    match backend.run(qobj, RunOptions::default()) {
        Err(error) => Ok(error),
        Ok(job) => {
            job.cancel()?;
            Err(Outcome::failed(format!("{what} was accepted")))
        }
    }
}

fn probe(backend: &dyn Backend) -> Result<Qobj, Outcome> {
    let gates = Gates::of(backend)?;
    Ok(Qobj::from_circuit(gates.x(gates.circuit("probe"), gates.first)?)
        .with_shots(shots(backend, 10)?))
}

/// A pulse program is refused, and the error says `pulse`. Not applicable with `open_pulse`.
pub fn pulse_programs_are_refused(backend: &dyn Backend) -> Check {
    if backend.configuration()?.open_pulse {
        return Err(Outcome::not_applicable("it runs pulse programs"));
    }
    let document = json!({"type": "PULSE", "schema_version": "1.0.0", "experiments": []});
    let Value::Object(document) = document else { return Ok(()) };
    let mut qobj = probe(backend)?;
    qobj.program = Program::Pulse(document);
    let error = refusal(backend, qobj, "a pulse program")?;
    let text = error.to_string();
    require!(text.to_lowercase().contains("pulse"), "the error does not say `pulse`: {text}");
    Ok(())
}

/// An option that the backend does not know is refused by its name.
pub fn unknown_options_are_refused(backend: &dyn Backend) -> Check {
    const UNKNOWN: &str = "no_such_option";
    let qobj = probe(backend)?.with_option(UNKNOWN, 1);
    match refusal(backend, qobj, "an unknown option")? {
        Error::InvalidOption { name, .. } => {
            require!(name == UNKNOWN, "the error names `{name}` instead of `{UNKNOWN}`");
            Ok(())
        }
        error => Err(wrong_code("option.invalid", &error)),
    }
}

/// A misspelt option is refused with the nearest that the backend knows.
///
/// Not applicable where it knows none of the options that simulators usually have.
pub fn misspelt_options_get_the_nearest(backend: &dyn Backend) -> Check {
    const USUAL: [(&str, &str, &str); 2] =
        [("method", "methid", "automatic"), ("precision", "precison", "double")];
    let mut known = 0;
    for (right, wrong, value) in USUAL {
        let Ok(job) = backend.run(probe(backend)?.with_option(right, value), RunOptions::default())
        else {
            continue;
        };
        job.cancel()?;
        known += 1;
        match refusal(backend, probe(backend)?.with_option(wrong, value), "a misspelt option")? {
            Error::InvalidOption { nearest, .. } => {
                let found = nearest.as_deref();
                require!(found == Some(right), "nearest to `{wrong}` is {found:?}, not `{right}`");
            }
            error => return Err(wrong_code("option.invalid", &error)),
        }
    }
    if known == 0 {
        return Err(Outcome::not_applicable("it has none of the usual options"));
    }
    Ok(())
}

/// An instruction that the backend does not know is refused by its name.
pub fn unknown_instructions_are_refused(backend: &dyn Backend) -> Check {
    const UNKNOWN: &str = "no_such_instruction";
    let mut circuit = Circuit::new(1, 1).named("probe");
    let pushed = circuit.push(Op::Opaque(UNKNOWN.into()), &[Qubit(0)], &[], &[]);
    pushed.map_err(|error| Outcome::failed(error.to_string()))?;
    match refusal(backend, Qobj::from_circuit(circuit).with_shots(1), "an unknown instruction")? {
        Error::UnsupportedInstruction { instruction, .. } => {
            require!(instruction == UNKNOWN, "the error names `{instruction}`, not `{UNKNOWN}`");
            Ok(())
        }
        error => Err(wrong_code("instruction.unsupported", &error)),
    }
}

/// A circuit of one qubit more than there are is refused. Not applicable without a limit.
pub fn too_many_qubits_are_refused(backend: &dyn Backend) -> Check {
    let Some(limit) = backend.configuration()?.n_qubits().filter(|limit| *limit < MAX_QUBITS)
    else {
        return Err(Outcome::not_applicable("it has no limit"));
    };
    let circuit = large(backend, limit + 1)?;
    let qobj = Qobj::from_circuit(circuit).with_shots(1);
    match refusal(backend, qobj, "a circuit of too many qubits")? {
        Error::TooManyQubits { .. } | Error::OutOfMemory { .. } => Ok(()),
        error => Err(wrong_code("circuit.too_large", &error)),
    }
}

/// A circuit that needs all its qubits: what is idle, unseen or little entangled may be left out or
/// made cheap by a simulator, so there is as much entanglement as the backend has gates for.
fn large(backend: &dyn Backend, n_qubits: u32) -> Result<Circuit, Outcome> {
    let gates = Gates::of(backend)?;
    let configuration = backend.configuration()?;
    let has = |name: &str| configuration.basis_gates.iter().any(|gate| gate == name);
    let mut circuit = Circuit::new(n_qubits, n_qubits).named("large");
    if !has("u3") || !has("cx") {
        let random = gates.h(gates.circuit("probe"), gates.first).is_ok();
        for qubit in 0..n_qubits {
            circuit = if random { gates.h(circuit, qubit)? } else { gates.x(circuit, qubit)? };
        }
        return Ok(circuit);
    }
    for distance in [1, 2, 3, 5, 7, 11] {
        for qubit in 0..n_qubits {
            let angles = [0.3 + f64::from(qubit), 0.7, 1.1];
            circuit = circuit.gate(Gate::U3, 0, &angles, &[qubit]);
        }
        for qubit in 0..n_qubits.saturating_sub(distance) {
            circuit = circuit.cx(qubit, qubit + distance);
        }
    }
    Ok((0..n_qubits).fold(circuit, |circuit, qubit| circuit.measure(qubit, qubit)))
}

fn wrong_code(expected: &str, error: &Error) -> Outcome {
    Outcome::failed(format!("expected {expected}, found {}: {error}", error.code()))
}
