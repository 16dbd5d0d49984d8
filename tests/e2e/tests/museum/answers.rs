//! A plugin whose answers have the right types and the wrong contents.

use std::time::{Duration, Instant};

use ketch::{BackendError, Circuit, JobQuery, Message, Qobj, Registry, RunOptions};

use super::{Elf, impatient};
use crate::sandbox::built;

type Call = fn(&Registry, &str) -> Result<String, BackendError>;

fn job(registry: &Registry, name: &str) -> Result<std::sync::Arc<dyn ketch::Job>, BackendError> {
    let backend = registry.provider("crude").unwrap().get_backend(name)?;
    let circuit = Circuit::new(1, 1).x(0).measure_all();
    backend.run(Qobj::from_circuit(circuit), RunOptions::default())
}

const CONFIGURATION: Call = |registry, name| {
    let backend = registry.provider("crude").unwrap().get_backend(name)?;
    Ok(backend.configuration()?.backend_name.clone())
};

const PROPERTIES: Call = |registry, name| {
    let backend = registry.provider("crude").unwrap().get_backend(name)?;
    Ok(format!("{:?}", backend.properties()?))
};

const STATUS: Call = |registry, name| {
    let backend = registry.provider("crude").unwrap().get_backend(name)?;
    Ok(backend.status()?.status_msg)
};

const CALL: Call = |registry, name| {
    let backend = registry.provider("crude").unwrap().get_backend(name)?;
    let answer = backend.extensions().unwrap().call("test.any", Message::default())?;
    Ok(format!("{} buffers", answer.buffers.len()))
};

const JOBS: Call = |registry, name| {
    let backend = registry.provider("crude").unwrap().get_backend(name)?;
    Ok(backend.jobs(&JobQuery::default())?.len().to_string())
};

const NAME: Call =
    |registry, name| Ok(registry.provider("crude").unwrap().get_backend(name)?.name().to_owned());
const JOB_ID: Call = |registry, name| Ok(job(registry, name)?.job_id());
const JOB_STATUS: Call = |registry, name| Ok(job(registry, name)?.status()?.to_string());
const RESULT: Call =
    |registry, name| Ok(job(registry, name)?.result(Some(Duration::from_secs(1)))?.status);
const DATE: Call = |registry, name| Ok(format!("{:?}", job(registry, name)?.creation_date()?));
const ERROR: Call = |registry, name| Ok(job(registry, name)?.error_message()?.unwrap_or_default());

/// The backend, what is called, and what the error says; an empty word admits an answer too.
const ANSWERS: &[(&str, Call, &str)] = &[
    ("name-no-text", NAME, ""),
    ("other-format", CONFIGURATION, "malformed backend configuration"),
    ("no-json", CONFIGURATION, "malformed backend configuration"),
    ("empty", CONFIGURATION, "malformed backend configuration"),
    ("other-document", CONFIGURATION, "malformed backend configuration"),
    ("deep", CONFIGURATION, "malformed backend configuration"),
    ("with-buffers", CONFIGURATION, "malformed backend configuration"),
    ("error-no-text", CONFIGURATION, " "),
    ("error-of-another", CONFIGURATION, "malformed error"),
    ("any", PROPERTIES, "malformed backend properties"),
    ("any", STATUS, "malformed backend status"),
    ("panics-across", STATUS, "exited with code 1 in `status`"),
    ("any", JOBS, "something crude"),
    ("any", CALL, ""),
    ("unknown-type", CALL, "malformed message"),
    ("unaligned", CALL, "malformed message"),
    ("half-a-number", CALL, "malformed message"),
    ("longer-than-memory", CALL, "malformed message"),
    ("nowhere", CALL, "malformed message"),
    ("dies-when-released", CALL, ""),
    ("id-no-text", JOB_ID, ""),
    ("no-id", JOB_ID, ""),
    ("any", JOB_STATUS, ""),
    ("any", DATE, ""),
    ("any", ERROR, ""),
    ("result-of-another-format", RESULT, "malformed result"),
    ("result-empty", RESULT, " "),
    ("result-of-noise", RESULT, " "),
    ("unknown-type", RESULT, "malformed message"),
    ("unaligned", RESULT, "malformed message"),
    ("nowhere", RESULT, "malformed message"),
    ("longer-than-memory", RESULT, "malformed message"),
    ("half-a-number", RESULT, "malformed message"),
];

#[test]
fn wrong_contents_are_errors() {
    let directory = tempfile::tempdir().unwrap();
    let crude = Elf::read(&built("examples/libcrude.so")).stripped();
    crude.write(&directory.path().join("crude.so"));
    let mut wrong = Vec::new();
    for (name, call, says) in ANSWERS {
        let registry = impatient(directory.path());
        let start = Instant::now();
        let outcome = call(&registry, name);
        let time = start.elapsed();
        let fine = match &outcome {
            Ok(text) => says.is_empty() && std::str::from_utf8(text.as_bytes()).is_ok(),
            Err(error) => error.to_string().contains(says) && error.to_string().len() < 2000,
        };
        if !fine || time > Duration::from_secs(10) {
            wrong.push(format!("{name}, {time:?}: {outcome:?}\n  expected an error with {says:?}"));
        }
        // The same plugin answers again, in a fresh process if need be.
        let again = NAME(&registry, "again").or_else(|_| NAME(&registry, "again"));
        if !again.as_ref().is_ok_and(|name| name == "again") {
            wrong.push(format!("{name}, then: {again:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
