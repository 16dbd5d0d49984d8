//! What a user's jobs came to, and which versions of the interface are spoken.

use std::time::{Duration, SystemTime};

use serde_json::json;

use crate::{
    answer::{Answer, Reply},
    routes::Call,
    time,
    users::{INSTANCE, PLAN},
};

/// Jobs count for so long.
const PERIOD: Duration = Duration::from_secs(28 * 24 * 3600);

/// What the user's jobs of the last four weeks came to. Nothing is limited here yet.
pub(crate) fn usage(call: &Call<'_>) -> Reply {
    let now = SystemTime::now();
    let since = now.checked_sub(PERIOD).unwrap_or(SystemTime::UNIX_EPOCH);
    let usage = call.service.reading.usage(&call.user.name, since)?;
    Ok(Answer::json(&json!({
        "instance_id": INSTANCE,
        "plan_id": PLAN,
        "usage_consumed_seconds": usage.seconds,
        "usage_limit_reached": false,
        "usage_period": { "start_time": time::written(since), "end_time": time::written(now) },
    })))
}

/// The versions of the interface: the one that is spoken, whatever the request says.
pub(crate) fn versions(_: &Call<'_>) -> Reply {
    Ok(Answer::json(&json!({ "versions": ["2026-04-15"] })))
}
