//! One circuit by several methods, with all that comes out, for the differential tests.

use anyhow::{Context, Result};
use ketch_interface::{Circuit, Complex64, circuit::SaveKind};
use ketch_simulator::{Cancel, Options, Saved, simulate};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::noise::{self, Noise};

/// What is run.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Request {
    /// The program in OpenQASM 2.
    qasm: String,
    /// The methods, each with its precision.
    runs: Vec<(String, String)>,
    show: Show,
    /// Whether all qubits are measured at the end, after noise for the gates was put in.
    #[serde(default)]
    measure_all: bool,
    #[serde(default)]
    shots: u64,
    #[serde(default)]
    seed: u64,
    noise: Option<Noise>,
}

/// What is shown of a run.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Show {
    /// The state at the end, in the form of the method.
    State,
    /// The probabilities of all qubits at the end.
    Probabilities,
    /// The counts of the clbits, by hexadecimal number.
    Counts,
}

/// What came out of each run, by `method/precision`; an object with `error` where it failed.
pub(crate) fn answer(request: &Request) -> Result<Value> {
    let mut circuit = crate::parse(&request.qasm)?;
    if let Some(noise) = request.noise {
        circuit = noise::insert(&circuit, noise)?;
    }
    if request.measure_all {
        circuit = circuit.measure_all();
    }
    if matches!(request.show, Show::Probabilities) {
        circuit = crate::saving(circuit, SaveKind::Probabilities)?;
    }
    let mut answer = Map::new();
    for (method, precision) in &request.runs {
        let shown = one(request, &circuit, method, precision);
        let shown = shown.unwrap_or_else(|error| json!({ "error": format!("{error:#}") }));
        answer.insert(format!("{method}/{precision}"), shown);
    }
    Ok(Value::Object(answer))
}

fn one(request: &Request, circuit: &Circuit, method: &str, precision: &str) -> Result<Value> {
    let options = Options {
        method: crate::method(method)?,
        precision: crate::precision(precision)?,
        shots: request.shots,
        seed: request.seed,
        threads: 1,
        final_state: matches!(request.show, Show::State),
        ..Options::default()
    };
    let outcome = simulate(circuit, &options, &Cancel::new())?;
    match request.show {
        Show::Counts => {
            let counts = outcome.counts.context("no clbit is written")?;
            let counts = counts.iter().map(|(bits, count)| (bits.to_hex(), json!(count)));
            Ok(Value::Object(counts.collect()))
        }
        Show::Probabilities => match outcome.data.get("probabilities") {
            Some(Saved::Reals(values)) => Ok(values.iter().copied().collect()),
            other => anyhow::bail!("expected probabilities, found {other:?}"),
        },
        Show::State => {
            let states = ["statevector", "unitary", "density_matrix", "superop"];
            let state = states.iter().find_map(|key| outcome.data.get(*key));
            match state.context("no state was saved")? {
                Saved::Vector(entries) | Saved::Matrix { entries, .. } => Ok(numbers(entries)),
                other => anyhow::bail!("expected amplitudes, found {other:?}"),
            }
        }
    }
}

/// Real and imaginary parts, in turn.
fn numbers(entries: &[Complex64]) -> Value {
    entries.iter().flat_map(|entry| [entry.re, entry.im]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(request: Value) -> Value {
        answer(&serde_json::from_value(request).unwrap()).unwrap()
    }

    #[test]
    fn states_counts_and_refusals_of_each_method() {
        let flip = "OPENQASM 2.0; include \"qelib1.inc\"; qreg q[1]; creg c[1]; x q[0];";
        let runs = [["statevector", "double"], ["unitary", "single"], ["abacus", "double"]];
        let found = ask(json!({ "qasm": flip, "runs": runs, "show": "state" }));
        assert_eq!(found["statevector/double"], json!([0.0, 0.0, 1.0, 0.0]));
        assert_eq!(found["unitary/single"], json!([0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0]));
        assert!(found["abacus/double"]["error"].is_string());

        let found = ask(json!({ "qasm": flip, "runs": [runs[0]], "show": "probabilities" }));
        assert_eq!(found["statevector/double"], json!([0.0, 1.0]));

        let measured = format!("{flip} measure q[0] -> c[0];");
        let noise = json!({ "p1": 0.0, "p2": 0.0, "damping": 1.0 });
        let ask_counts = |noise: Value| {
            let request = json!({
                "qasm": measured, "runs": [["density_matrix", "double"]], "show": "counts",
                "shots": 9, "noise": noise,
            });
            ask(request)["density_matrix/double"].clone()
        };
        assert_eq!(ask_counts(Value::Null), json!({ "0x1": 9 }));
        assert_eq!(ask_counts(noise), json!({ "0x0": 9 }));
    }
}
