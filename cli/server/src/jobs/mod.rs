//! Jobs of the user who asks: found, read, cancelled, tagged, deleted.

mod describe;
mod results;
mod submit;

pub(crate) use results::results;
pub(crate) use submit::submit;

use std::{
    thread,
    time::{Duration, Instant},
};

use ketch::jobs::{
    Store,
    served::{ServedFilter, ServedJob},
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    answer::{Answer, Refusal, Reply},
    request::Request,
    routes::Call,
    time,
};

/// How many jobs a list has, if the request does not say; and the most that it may ask for.
const PAGE: u64 = 200;
const LARGEST_PAGE: u64 = 1000;

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

/// `GET /jobs`
pub(crate) fn list(call: &Call<'_>) -> Reply {
    let request = call.request;
    let filter = filter(request)?;
    let page = call.service.reading.served_jobs(&call.user.name, &filter)?;
    let with_params = !request.parsed::<bool>("exclude_params")?.unwrap_or(true);
    let jobs = page.jobs.iter().map(|job| {
        let mut document = describe::job(job);
        if with_params {
            let params = call.service.reading.params(&job.job.id)?;
            document["params"] = serde_json::from_slice(&params).unwrap_or(Value::Null);
        }
        Ok(document)
    });
    let jobs: Vec<Value> = jobs.collect::<Result<_, Refusal>>()?;
    Ok(Answer::json(&json!({
        "jobs": jobs,
        "count": page.count,
        "limit": filter.limit,
        "offset": filter.offset,
    })))
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
    let document = describe::job(&job);
    if call.request.parsed::<bool>("exclude_params")?.unwrap_or(false) {
        return Ok(Answer::json(&document));
    }
    // In the very words of the request: they are not read and written again.
    let params = call.service.reading.params(&job.job.id)?;
    let mut text = document.to_string().into_bytes();
    text.pop();
    text.extend_from_slice(b",\"params\":");
    text.extend_from_slice(&params);
    text.push(b'}');
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

/// `POST /jobs/{id}/cancel`
pub(crate) fn cancel(call: &Call<'_>) -> Reply {
    let job = asked_for(call)?;
    match call.service.store.cancel(&job.job.id)? {
        true => {
            // Most workers have stopped it by then, so that whoever looks next sees it.
            wait_for_the_end(&call.service.reading, &job.job.id, Duration::from_secs(1))?;
            Ok(Answer::done())
        }
        false => {
            let message = format!("job `{}` has come to its end already", job.job.id);
            Err(Refusal::new(409, "job.wrong_state", message))
        }
    }
}

/// `DELETE /jobs/{id}`
pub(crate) fn delete(call: &Call<'_>) -> Reply {
    let job = asked_for(call)?;
    if job.job.cancel_requested {
        wait_for_the_end(&call.service.reading, &job.job.id, Duration::from_secs(5))?;
    }
    call.service.store.delete(&job.job.id)?;
    Ok(Answer::done())
}

/// Waits for so long, at most, until a job that was asked to stop has come to its end.
fn wait_for_the_end(store: &Store, id: &str, patience: Duration) -> Result<(), Refusal> {
    let begun = Instant::now();
    while !store.job(id)?.state.is_final() && begun.elapsed() < patience {
        thread::sleep(LOOK);
    }
    Ok(())
}

/// How often a job is looked at that is about to end.
const LOOK: Duration = Duration::from_millis(10);

#[derive(Deserialize)]
struct Tags {
    tags: Vec<String>,
}

/// `PUT /jobs/{id}/tags`
pub(crate) fn tag(call: &Call<'_>) -> Reply {
    let job = asked_for(call)?;
    let Tags { tags } = call.request.json()?;
    check_tags(&tags)?;
    call.service.store.set_tags(&job.job.id, &tags)?;
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
