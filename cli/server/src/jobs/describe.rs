//! A job as IBM's clients read it.

use ketch::{
    JobStatus,
    jobs::{StoredError, TOO_LONG, served::ServedJob},
};
use serde_json::{Value, json};

use crate::{names, time::written};

/// The number by which clients know a job that was stopped because it ran longer than its
/// `max_execution_time`: they say so, where they take others that are cancelled for stopped on request.
const RAN_TOO_LONG: u32 = 1305;

/// The word for a state. One that is not known here is passed on as it is.
pub(super) fn state(state: &JobStatus) -> &str {
    match state {
        JobStatus::Initializing | JobStatus::Queued | JobStatus::Validating => "Queued",
        JobStatus::Running => "Running",
        JobStatus::Done => "Completed",
        JobStatus::Cancelled => "Cancelled",
        JobStatus::Error => "Failed",
        other => other.as_str(),
    }
}

/// Why a job failed, and what can be done about it, on a line.
pub(super) fn reason(error: &StoredError) -> String {
    match &error.hint {
        Some(hint) => format!("{}; {hint} ({})", error.line(), error.code),
        None => format!("{} ({})", error.line(), error.code),
    }
}

/// The job, without the words in which it was asked for.
pub(super) fn job(job: &ServedJob) -> Value {
    let record = &job.job;
    let word = state(&record.state);
    let mut state = json!({ "status": word });
    let is_told = matches!(record.state, JobStatus::Error | JobStatus::Cancelled);
    if let Some(error) = record.error.as_ref().filter(|_| is_told) {
        state["reason"] = reason(error).into();
        state["reason_code"] = match error.code.as_str() {
            TOO_LONG => RAN_TOO_LONG.into(),
            code => code.into(),
        };
        state["reason_solution"] = error.hint.clone().into();
    }
    let mut document = json!({
        "id": record.id,
        "backend": names::to_wire(&record.backend),
        "state": state,
        "status": word,
        "program": { "id": job.program },
        "created": written(record.created),
        "cost": job.cost,
        "tags": record.tags,
        "user_id": job.user,
        "private": false,
        "usage": usage(job),
        "estimated_running_time_seconds": null,
        "estimated_max_running_time_seconds": job.cost,
    });
    if let Some(session) = &job.session {
        document["session_id"] = session.clone().into();
    }
    document
}

/// For how many seconds the job ran, or runs so far: as `GET /instances/usage` counts it.
fn usage(job: &ServedJob) -> Value {
    // Divided as the sum of all is: to the last digit the same number.
    let seconds = job.job.ran().as_millis() as f64 / 1e3;
    let status = if job.job.state.is_final() { "finalized" } else { "pending" };
    json!({ "status": status, "qpu_charge_time_seconds": seconds, "quantum_seconds": seconds })
}

/// The job's times, and its place in the queue.
pub(super) fn metrics(job: &ServedJob, position: Option<u32>) -> Value {
    let record = &job.job;
    json!({
        "timestamps": {
            "created": written(record.created),
            "running": record.started.map(written),
            "finished": record.ended.map(written),
        },
        "usage": usage(job),
        "estimated_start_time": null,
        "estimated_completion_time": null,
        "position_in_queue": position,
        "position_in_provider": position,
        "num_circuits": record.experiments,
        "qiskit_version": null,
    })
}

/// How the job went, a line an event.
pub(super) fn logs(job: &ServedJob) -> String {
    let record = &job.job;
    let mut lines = vec![format!("{} accepted for {}", written(record.created), record.backend)];
    if let Some(started) = record.started {
        let experiments = record.experiments;
        lines.push(format!("{} running, {experiments} experiments", written(started)));
    }
    if record.attempt > 1 {
        lines.push(format!("taken {} times, since workers were lost", record.attempt));
    }
    if let Some(ended) = record.ended {
        lines.push(format!("{} {}", written(ended), state(&record.state).to_lowercase()));
    }
    lines.extend(record.error.as_ref().map(reason));
    lines.iter().map(|line| format!("{line}\n")).collect()
}
