//! Ketch's side of the comparisons with other simulators: a request a line in, an answer a line
//! out, both JSON.
//!
//! The scripts beside it start it, once for each measurement so that none can disturb another, and
//! once for all differential tests. [`Request`] lists what can be asked; a request that fails is
//! answered with `{"error": …}` and the next one is read.

#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "the answers go to the standard output")]

mod code;
mod compare;
mod jobs;
mod noise;
mod primitives;
mod serve;
mod small_jobs;
mod stim;
mod timer;
mod timing;

use std::io::{BufRead, Write};

use anyhow::{Context, Result};
use ketch_interface::{
    Circuit,
    circuit::{Op, Qubit, Save, SaveKind, SaveSubtype},
};
use ketch_simulator::{Method, Precision};
use serde::Deserialize;
use serde_json::{Value, json};

/// What can be asked.
#[derive(Debug, Deserialize)]
#[serde(tag = "task", rename_all = "snake_case")]
enum Request {
    /// Time one circuit.
    Time(timing::Request),
    /// Time the measurements of a surface code.
    Code(code::Request),
    /// Time thousands of small circuits.
    SmallJobs(small_jobs::Request),
    /// Measure what it is like to have jobs.
    Jobs(jobs::Request),
    /// Have clients ask `ketch serve`.
    Serve(serve::Request),
    /// Run a circuit by several methods and show what comes out.
    Compare(compare::Request),
    /// Sample or estimate.
    Primitives(primitives::Request),
    /// Name the methods that there are.
    Methods,
}

fn main() -> Result<()> {
    for line in std::io::stdin().lock().lines() {
        let line = line.context("reading a request")?;
        let answer = answer(&line).unwrap_or_else(|error| json!({ "error": format!("{error:#}") }));
        println!("{answer}");
        std::io::stdout().flush().context("writing an answer")?;
    }
    Ok(())
}

fn answer(line: &str) -> Result<Value> {
    match serde_json::from_str(line).context("reading a request")? {
        Request::Time(request) => timing::answer(&request),
        Request::Code(request) => code::answer(&request),
        Request::SmallJobs(request) => small_jobs::answer(&request),
        Request::Jobs(request) => jobs::answer(&request),
        Request::Serve(request) => serve::answer(&request),
        Request::Compare(request) => compare::answer(&request),
        Request::Primitives(request) => primitives::answer(&request),
        Request::Methods => Ok(json!({ "methods": Method::ALL.map(Method::name) })),
    }
}

/// The method of this name.
fn method(name: &str) -> Result<Method> {
    let mut methods = Method::ALL.into_iter();
    methods.find(|method| method.name() == name).with_context(|| {
        let known = Method::ALL.map(Method::name).join(", ");
        format!("method `{name}`: expected one of {known}")
    })
}

/// The precision of this name.
fn precision(name: &str) -> Result<Precision> {
    let mut precisions = Precision::ALL.into_iter();
    precisions
        .find(|precision| precision.name() == name)
        .with_context(|| format!("precision `{name}`: expected single or double"))
}

/// The circuit of a text in OpenQASM 2.
fn parse(text: &str) -> Result<Circuit> {
    ketch_qasm::parse_str(text, "request").map_err(|error| anyhow::anyhow!("{error}"))
}

/// The circuit with something saved at its end, under the default key.
fn saving(mut circuit: Circuit, kind: SaveKind) -> Result<Circuit> {
    let key = kind.default_key().to_owned();
    let save = Op::Save(Box::new(Save { kind, key, subtype: SaveSubtype::Single }));
    let all: Vec<Qubit> = (0..circuit.n_qubits()).map(Qubit).collect();
    circuit.push(save, &all, &[], &[])?;
    Ok(circuit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_request_is_answered_and_names_what_is_wrong() {
        assert!(answer("{}").is_err());
        assert!(answer(r#"{"task":"fly"}"#).is_err());
        let error = method("abacus").unwrap_err().to_string();
        assert!(error.starts_with("method `abacus`: expected one of automatic, "), "{error}");
        assert_eq!(
            precision("half").unwrap_err().to_string(),
            "precision `half`: expected single or double"
        );
        assert!(parse("OPENQASM 2.0; qreg q[1]; fly q[0];").is_err());
    }
}
