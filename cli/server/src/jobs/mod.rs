//! Jobs of the user who asks: found, read, cancelled, tagged, deleted.

mod describe;
mod results;
mod submit;

pub(crate) use results::{results, results_work};
pub(crate) use submit::{submit, submit_work};

use std::{collections::BTreeSet, time::Duration};

use ketch::jobs::{
    JobRecord,
    served::{ServedFilter, ServedJob},
};
use serde::Deserialize;

use crate::{
    answer::{Answer, Refusal, Reply},
    request::Request,
    routes::Call,
    time,
};

/// How many jobs a list has, if the request does not say; and the most that it may ask for.
const PAGE: u64 = 200;
const LARGEST_PAGE: u64 = 1000;

/// After so many bytes a page ends, whatever was asked for.
const PAGE_BYTES: usize = 32 << 20;

/// The most tags of a job, and bytes of a tag.
const MOST_TAGS: usize = 64;
const LONGEST_TAG: usize = 256;

/// The job that a request is about.
///
/// # Errors
/// If the user has none of this id.
fn asked_for(call: &Call<'_>) -> Result<ServedJob, Refusal> {
    let id = call.arguments[0];
    call.service.reading.served_job(&call.user.name, id).map_err(|error| match error {
        ketch::jobs::Error::NotFound { .. } => {
            Refusal::new(404, "job.not_found", format!("no job `{id}`"))
        }
        error => error.into(),
    })
}

/// `GET /jobs`. A page may have fewer jobs than were asked for, if they were asked for in many
/// words; the count is of all all the same, and whoever goes on behind the last job finds the others.
pub(crate) fn list(call: &Call<'_>) -> Reply {
    let request = call.request;
    let filter = filter(request)?;
    let page = call.service.reading.served_jobs(&call.user.name, &filter)?;
    let with_params = with_params(request, false)?;
    let mut text = b"{\"jobs\":[".to_vec();
    for (place, job) in page.jobs.iter().enumerate() {
        if text.len() > PAGE_BYTES {
            break;
        }
        if place > 0 {
            text.push(b',');
        }
        write_job(call, job, with_params, &mut text)?;
    }
    let (count, limit, offset) = (page.count, filter.limit, filter.offset);
    let rest = format!("],\"count\":{count},\"limit\":{limit},\"offset\":{offset}}}");
    text.extend_from_slice(rest.as_bytes());
    Ok(Answer::json_text(text))
}

/// A job, with the words in which it was asked for if they are wanted: as they were sent, not read
/// and written again.
fn write_job(
    call: &Call<'_>,
    job: &ServedJob,
    with_params: bool,
    text: &mut Vec<u8>,
) -> Result<(), Refusal> {
    text.extend_from_slice(describe::job(job).to_string().as_bytes());
    if with_params {
        let params = call.service.reading.params(&job.job.id)?;
        text.pop();
        text.extend_from_slice(b",\"params\":");
        text.extend_from_slice(&params);
        text.push(b'}');
    }
    Ok(())
}

/// Whether the request wants to have the words in which jobs were asked for.
fn with_params(request: &Request, unless_it_says: bool) -> Result<bool, Refusal> {
    Ok(request.parsed::<bool>("exclude_params")?.map_or(unless_it_says, |exclude| !exclude))
}

/// What it takes to answer with parameters: those of a page, and of one job more.
fn params_work(request: &Request, unless_it_says: bool) -> usize {
    match with_params(request, unless_it_says) {
        Ok(true) => 2 * PAGE_BYTES,
        Ok(false) | Err(_) => 0,
    }
}

pub(crate) fn list_work(request: &Request) -> usize {
    params_work(request, false)
}

pub(crate) fn one_work(request: &Request) -> usize {
    params_work(request, true)
}

fn filter(request: &Request) -> Result<ServedFilter, Refusal> {
    let text =
        |name: &str| request.parameter(name).filter(|text| !text.is_empty()).map(str::to_owned);
    let moment = |name: &str| match text(name) {
        None => Ok(None),
        Some(text) => time::read(&text).map(Some).ok_or_else(|| {
            Refusal::bad(format!("`{name}={text}`: expected a time such as 2026-01-31T12:00:00Z"))
        }),
    };
    // Jobs of a backend that is gone are still there.
    let backend = text("backend").map(|wire| crate::names::from_wire(&wire).unwrap_or(wire));
    let oldest_first = match text("sort").as_deref() {
        None | Some("DESC") => false,
        Some("ASC") => true,
        Some(other) => {
            return Err(Refusal::bad(format!("`sort={other}`: expected ASC or DESC")));
        }
    };
    let limit = request.parsed("limit")?.unwrap_or(PAGE);
    if !(1..=LARGEST_PAGE).contains(&limit) {
        return Err(Refusal::bad(format!("`limit={limit}`: expected 1 to {LARGEST_PAGE}")));
    }
    let tags: Vec<String> = request.parameters("tags").map(str::to_owned).collect();
    check_tags(&tags)?;
    Ok(ServedFilter {
        backend,
        pending: request.parsed("pending")?,
        program: text("program"),
        tags,
        session: text("session_id"),
        created_after: moment("created_after")?,
        created_before: moment("created_before")?,
        oldest_first,
        offset: request.parsed("offset")?.unwrap_or(0),
        limit,
    })
}

/// `GET /jobs/{id}`: what clients ask twice a second while they wait.
pub(crate) fn one(call: &Call<'_>) -> Reply {
    let job = asked_for(call)?;
    let mut text = Vec::new();
    write_job(call, &job, with_params(call.request, true)?, &mut text)?;
    Ok(Answer::json_text(text))
}

/// `GET /jobs/{id}/metrics`
pub(crate) fn metrics(call: &Call<'_>) -> Reply {
    let job = asked_for(call)?;
    let position = call.service.reading.position(&job.job.id)?;
    Ok(Answer::json(&describe::metrics(&job, position)))
}

/// `GET /jobs/{id}/logs`: how the job went, a line an event.
pub(crate) fn logs(call: &Call<'_>) -> Reply {
    Ok(Answer::text(describe::logs(&asked_for(call)?)))
}

/// `POST /jobs/{id}/cancel`. Python's client takes a job for cancelled as soon as this is answered;
/// that is mostly true, since the answer waits a moment for the worker to stop.
pub(crate) fn cancel(call: &Call<'_>) -> Reply {
    let job = asked_for(call)?;
    if call.waited.is_zero() && !call.service.store.cancel(&job.job.id)? {
        let message = format!("job `{}` has come to its end already", job.job.id);
        return Err(Refusal::new(409, "job.wrong_state", message));
    }
    let job = call.service.reading.job(&job.job.id)?;
    Ok(if is_stopping(&job, call, Duration::from_secs(1)) {
        Answer::not_yet()
    } else {
        Answer::done()
    })
}

/// `DELETE /jobs/{id}`. A job that runs is not deleted (409); one that was just asked to stop is,
/// when it has.
pub(crate) fn delete(call: &Call<'_>) -> Reply {
    let job = asked_for(call)?;
    if is_stopping(&job.job, call, Duration::from_secs(5)) {
        return Ok(Answer::not_yet());
    }
    call.service.store.delete(&job.job.id)?;
    Ok(Answer::done())
}

/// Whether a job that was asked to stop has not come to its end, and the request can wait for that.
fn is_stopping(job: &JobRecord, call: &Call<'_>, patience: Duration) -> bool {
    job.cancel_requested && !job.state.is_final() && call.waited < patience
}

#[derive(Deserialize)]
struct Tags {
    tags: Vec<String>,
}

/// `PUT /jobs/{id}/tags`
pub(crate) fn tag(call: &Call<'_>) -> Reply {
    let job = asked_for(call)?;
    let Tags { tags } = call.request.json()?;
    check_tags(&tags)?;
    call.service.store.set_tags(&job.job.id, &distinct(tags))?;
    Ok(Answer::done())
}

/// # Errors
/// If there are too many, or one is too long.
pub(crate) fn check_tags(tags: &[String]) -> Result<(), Refusal> {
    if tags.len() > MOST_TAGS {
        let found = tags.len();
        return Err(Refusal::bad(format!("{found} tags; a job has at most {MOST_TAGS}")));
    }
    match tags.iter().find(|tag| tag.len() > LONGEST_TAG) {
        Some(tag) => {
            let found = tag.len();
            Err(Refusal::bad(format!("a tag of {found} bytes; at most {LONGEST_TAG} are taken")))
        }
        None => Ok(()),
    }
}

/// Each tag once, in order.
fn distinct(tags: Vec<String>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    tags.into_iter().filter(|tag| seen.insert(tag.clone())).collect()
}

#[cfg(test)]
mod tests;
