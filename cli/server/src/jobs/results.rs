//! `GET /jobs/{id}/results`

use ketch::JobStatus;

use super::{asked_for, describe};
use crate::{
    answer::{Answer, Refusal, Reply},
    programs::{ANSWER, Program, Unread},
    request::Request,
    routes::Call,
};

/// The result of a job that is done, the reason of one that failed, and nothing of one that is on its
/// way.
pub(crate) fn results(call: &Call<'_>) -> Reply {
    let job = asked_for(call)?;
    let (record, store) = (&job.job, &call.service.reading);
    match record.state {
        JobStatus::Done => {}
        JobStatus::Error => {
            let reason = record.error.as_ref().map(describe::reason);
            return Ok(Answer::text(reason.unwrap_or_else(|| "the job failed".to_owned())));
        }
        JobStatus::Cancelled => {
            let reason = record.error.as_ref().map(describe::reason);
            return Ok(Answer::text(reason.unwrap_or_else(|| "the job was cancelled".to_owned())));
        }
        _ => return Ok(Answer::done()),
    }
    let params = serde_json::from_slice(&store.params(&record.id)?)
        .map_err(|error| damaged(&record.id, &error.to_string()))?;
    let program = Program::read(&job.program, &params).map_err(|error| match error {
        Unread::Refused(refusal) | Unread::Fails(refusal) => damaged(&record.id, &refusal.message),
    })?;
    let result = store.result(&record.id)?;
    let result = result.ok_or_else(|| damaged(&record.id, "its result is gone"))?;
    let text = program.result(result);
    Ok(Answer::json_text(text.map_err(|refusal| damaged(&record.id, &refusal.message))?))
}

/// What it takes to give a result, at most: as it is kept, by registers, and as it is written.
pub(crate) fn results_work(_: &Request) -> usize {
    2 * ANSWER
}

/// Not a request's fault, and no other request would fare better.
fn damaged(id: &str, why: &str) -> Refusal {
    Refusal::new(501, "job.result", format!("the result of job `{id}` cannot be given: {why}"))
}
