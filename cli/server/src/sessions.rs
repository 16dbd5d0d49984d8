//! Sessions and batches: jobs that belong together. Jobs of a session wait in the same queue as all
//! others; the session says which they are, and until when it takes more.

use std::{sync::PoisonError, time::SystemTime};

use ketch::jobs::{
    Store,
    served::{NewSession, ServedFilter, Session},
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    answer::{Answer, Refusal, Reply},
    names, quotas,
    routes::Call,
    time::written,
};

const MODES: [&str; 2] = ["dedicated", "batch"];

/// For how many seconds a session takes jobs that says nothing of it: one that a client forgot to
/// close counts for a day, and not for ever.
const DAY: u32 = 24 * 60 * 60;

#[derive(Deserialize)]
struct Asked {
    mode: Option<String>,
    backend: String,
    /// In seconds.
    max_ttl: Option<u32>,
}

/// `POST /sessions`
pub(crate) fn open(call: &Call<'_>) -> Reply {
    let Asked { mode, backend, max_ttl } = call.request.json()?;
    let mode = mode.unwrap_or_else(|| MODES[0].to_owned());
    if !MODES.contains(&mode.as_str()) {
        let modes = MODES.join(" or ");
        return Err(Refusal::bad(format!("`mode`: expected {modes}, found `{mode}`")));
    }
    let backend = call.service.backends.named(&backend)?.listed.name.clone();
    let user = call.user.name.clone();
    let max_ttl = Some(max_ttl.unwrap_or(DAY).into());
    let made = {
        let _counting = call.service.counting.lock().unwrap_or_else(PoisonError::into_inner);
        quotas::check_sessions(call.service, &user)?;
        call.service.store.new_session(NewSession { user, backend, mode, max_ttl })
    };
    let session = made.map_err(|error| Refusal::from(error).once())?;
    let described = described(&call.service.reading, &session).map_err(Refusal::once)?;
    Ok(Answer::json(&described).with_made(session.id))
}

/// `GET /sessions/{id}`
pub(crate) fn one(call: &Call<'_>) -> Reply {
    let session = call.service.reading.session(&call.user.name, call.arguments[0])?;
    Ok(Answer::json(&described(&call.service.reading, &session)?))
}

#[derive(Deserialize)]
struct Change {
    accepting_jobs: bool,
}

/// `PATCH /sessions/{id}`: the session takes no more jobs.
pub(crate) fn change(call: &Call<'_>) -> Reply {
    let Change { accepting_jobs } = call.request.json()?;
    let (user, id) = (&call.user.name, call.arguments[0]);
    let session = call.service.store.session(user, id)?;
    if accepting_jobs {
        return match session.takes_jobs() {
            true => Ok(Answer::done()),
            false => Err(Refusal::new(409, "session.closed", "a closed session stays closed")),
        };
    }
    call.service.store.close_session(user, id)?;
    Ok(Answer::done())
}

/// `DELETE /sessions/{id}/close`: the session is closed, and its jobs are stopped.
pub(crate) fn close(call: &Call<'_>) -> Reply {
    let (user, id, store) = (&call.user.name, call.arguments[0], &call.service.store);
    store.close_session(user, id)?;
    for job in jobs_of(store, user, id, Some(true))? {
        match store.cancel(&job) {
            // One that was deleted meanwhile needs no stop.
            Ok(_) | Err(ketch::jobs::Error::NotFound { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(Answer::done())
}

fn jobs_of(
    store: &Store,
    user: &str,
    id: &str,
    pending: Option<bool>,
) -> Result<Vec<String>, Refusal> {
    let filter = ServedFilter {
        session: Some(id.to_owned()),
        pending,
        limit: u64::MAX,
        ..ServedFilter::default()
    };
    let page = store.served_jobs(user, &filter)?;
    Ok(page.jobs.into_iter().map(|job| job.job.id).collect())
}

fn described(store: &Store, session: &Session) -> Result<Value, Refusal> {
    let asked = &session.asked;
    let newest = |pending| {
        let filter = ServedFilter {
            session: Some(session.id.clone()),
            pending,
            limit: 1,
            ..ServedFilter::default()
        };
        store.served_jobs(&asked.user, &filter)
    };
    let (all, pending, over) = (newest(None)?, newest(Some(true))?, newest(Some(false))?);
    let takes_jobs = session.takes_jobs();
    let state = match (takes_jobs, pending.count, all.count) {
        (_, 1.., _) => "active",
        (false, ..) => "closed",
        (true, 0, 0) => "open",
        (true, ..) => "inactive",
    };
    let end = session.closed.unwrap_or_else(SystemTime::now);
    let elapsed = end.duration_since(session.created).unwrap_or_default().as_secs();
    let started = all.jobs.first().map(|job| written(job.job.created));
    Ok(json!({
        "id": session.id,
        "backend_name": names::to_wire(&asked.backend),
        "mode": asked.mode,
        "state": state,
        "accepting_jobs": takes_jobs,
        "interactive_ttl": asked.max_ttl,
        "max_ttl": asked.max_ttl,
        "active_ttl": asked.max_ttl,
        "started_at": written(session.created),
        "activated_at": started,
        "closed_at": session.closed.map(written),
        "last_job_started": started,
        "last_job_completed":
            over.jobs.first().and_then(|job| job.job.ended).map(written),
        "elapsed_time": elapsed,
        "timestamps": [],
    }))
}
