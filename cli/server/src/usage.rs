//! What a user's jobs came to, and which versions of the interface are spoken.

use std::time::SystemTime;

use ketch::jobs::served::{PERIOD, Usage};
use serde_json::json;

use crate::{
    Service,
    answer::{Answer, Refusal, Reply},
    routes::Call,
    time,
    users::{INSTANCE, PLAN},
};

/// What a user's jobs of the last four weeks came to, also those that are forgotten, and what those
/// that run have run so far.
///
/// # Errors
/// If the store cannot be read.
pub(crate) fn of(service: &Service, user: &str) -> Result<Usage, Refusal> {
    Ok(service.reading.usage(user, since())?)
}

fn since() -> SystemTime {
    SystemTime::now().checked_sub(PERIOD).unwrap_or(SystemTime::UNIX_EPOCH)
}

/// `GET /instances/usage`
pub(crate) fn usage(call: &Call<'_>) -> Reply {
    let usage = of(call.service, &call.user.name)?;
    let limit = call.service.quotas.seconds;
    let mut document = json!({
        "instance_id": INSTANCE,
        "plan_id": PLAN,
        "usage_consumed_seconds": usage.seconds,
        "usage_limit_reached": limit.is_some_and(|limit| usage.seconds >= limit as f64),
        "usage_period": {
            "start_time": time::written(since()),
            "end_time": time::written(SystemTime::now()),
        },
    });
    if let Some(limit) = limit {
        document["usage_limit_seconds"] = limit.into();
        document["usage_remaining_seconds"] = (limit as f64 - usage.seconds).max(0.0).into();
    }
    Ok(Answer::json(&document))
}

/// The versions of the interface: the one that is spoken, whatever the request says.
pub(crate) fn versions(_: &Call<'_>) -> Reply {
    Ok(Answer::json(&json!({ "versions": ["2026-04-15"] })))
}
