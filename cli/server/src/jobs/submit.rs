//! `POST /jobs`: read, planned, and kept. When the client hears of the job, it is on disk.

use std::sync::PoisonError;

use ketch::{
    Backend, Qobj, RunOptions, check_fit,
    jobs::{NewJob, Runner, StoredError, served::Served},
    qobj::seed_experiments,
};
use serde::Deserialize;
use serde_json::{json, value::RawValue};

use super::{check_tags, distinct};
use crate::{
    answer::{Answer, Refusal, Reply},
    backends::Named,
    programs::{INFLATED, Program, Unread},
    quotas,
    request::Request,
    routes::Call,
};

/// What a client sends. Fields that are not named here change nothing.
#[derive(Deserialize)]
struct Asked<'a> {
    program_id: String,
    backend: String,
    #[serde(borrow)]
    params: &'a RawValue,
    #[serde(default)]
    tags: Vec<String>,
    session_id: Option<String>,
    /// In seconds.
    cost: Option<u32>,
    #[serde(default)]
    private: bool,
}

/// `POST /jobs`
pub(crate) fn submit(call: &Call<'_>) -> Reply {
    let asked: Asked<'_> = serde_json::from_slice(&call.request.body)
        .map_err(|error| Refusal::bad(format!("the body cannot be read: {error}")))?;
    check_tags(&asked.tags)?;
    if asked.private {
        return Err(Refusal::new(400, "job.private", "private jobs are not taken here"));
    }
    let named = call.service.backends.named(&asked.backend)?;
    check_session(call, &asked, named)?;
    let params = serde_json::from_str(asked.params.get())
        .map_err(|error| Refusal::bad(format!("params cannot be read: {error}")))?;
    let (qobj, refused) = match Program::read(&asked.program_id, &params) {
        Ok(program) => (planned(call, named, program)?, None),
        Err(Unread::Refused(refusal)) => return Err(refusal),
        Err(Unread::Fails(why)) => {
            let error = StoredError::new(&why.code, why.message, why.solution.as_deref());
            (Qobj::from_circuits(Vec::new()), Some(error))
        }
    };
    drop(params);
    let options = RunOptions { tags: distinct(asked.tags), ..RunOptions::default() };
    let runner = match refused {
        None => runner(call, named)?,
        Some(_) => Runner::Worker,
    };
    let mut new = NewJob::new(named.listed.name.clone(), runner, options);
    new.plugins = call.service.plugins.clone();
    new.served = Some(Served {
        user: call.user.name.clone(),
        program: asked.program_id,
        session: asked.session_id.clone(),
        cost: asked.cost.map(u64::from),
        params: asked.params.get().as_bytes().to_vec(),
        refused,
    });
    let id = {
        let _counting = call.service.counting.lock().unwrap_or_else(PoisonError::into_inner);
        quotas::check_user(call.service, &call.user.name)?;
        call.service.store.submit(&new, &qobj).map_err(|error| Refusal::from(error).once())?
    };
    (call.service.wake)();
    let mut document = json!({ "id": &id, "backend": named.wire });
    if let Some(session) = asked.session_id {
        document["session_id"] = session.into();
    }
    Ok(Answer::json(&document).with_made(id))
}

/// What it takes to read a request: values for its text, and what is inflated of it, as numbers, as
/// circuits, and as what is kept.
pub(crate) fn submit_work(request: &Request) -> usize {
    /// JSON's shortest elements are two bytes, and a value takes 32; lists of them grow by doubling.
    const VALUES: usize = 32;
    /// Nothing is deflated to less than about a thousandth.
    const INFLATING: usize = 1030;
    const COPIES: usize = 4;
    /// Loops of a few lines can stand for many instructions.
    const UNROLLED: usize = 256 << 20;
    let bytes = request.body.len();
    let inflated = bytes.saturating_mul(INFLATING).min(INFLATED);
    let work = bytes.saturating_mul(VALUES).saturating_add(inflated * COPIES);
    if bytes == 0 { 0 } else { work.max(UNROLLED) }
}

/// # Errors
/// If the job's session is not the user's, is of another backend, or takes no more jobs.
fn check_session(call: &Call<'_>, asked: &Asked<'_>, named: &Named) -> Result<(), Refusal> {
    let Some(id) = &asked.session_id else { return Ok(()) };
    let session = call.service.reading.session(&call.user.name, id)?;
    if session.asked.backend != named.listed.name {
        let of = &session.asked.backend;
        return Err(Refusal::bad(format!("session `{id}` is of backend `{of}`")));
    }
    match session.takes_jobs() {
        true => Ok(()),
        false => Err(ketch::jobs::Error::SessionClosed { id: id.clone() }.into()),
    }
}

/// Who runs jobs of a backend: a worker, or the service that the backend is, to which a worker sends
/// them.
fn runner(call: &Call<'_>, named: &Named) -> Result<Runner, Refusal> {
    let is_local = call.service.backends.open(named)?.configuration()?.local;
    Ok(if is_local { Runner::Worker } else { Runner::Service })
}

/// What the backend is to run, with a seed in every experiment.
fn planned(call: &Call<'_>, named: &Named, mut program: Program) -> Result<Qobj, Refusal> {
    let backend = call.service.backends.open(named)?;
    let configuration = backend.configuration()?;
    program.speak_as(&configuration.basis_gates);
    fits(&*backend.backend, &program)?;
    let mut qobj = program.plan(&configuration)?;
    quotas::check_size(call.service, &qobj)?;
    seed_experiments(&mut qobj, random_seed());
    Ok(qobj)
}

/// # Errors
/// If a circuit is not written in the gates of a device, or for other qubits.
fn fits(backend: &dyn Backend, program: &Program) -> Result<(), Refusal> {
    check_fit(&Qobj::from_circuits(program.circuits()), backend).map_err(|error| {
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
        let message = format!("{error}{}", cause.unwrap_or_default());
        Refusal::new(400, error.code(), message)
            .with_solution("transpile the circuit for this backend")
    })
}

/// A seed of 53 bits, which every reader of JSON keeps.
fn random_seed() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    // Fresh keys every time; results say which seed it was.
    RandomState::new().hash_one(0_u8) >> 11
}
