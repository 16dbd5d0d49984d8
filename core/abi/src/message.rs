//! The documents that cross, as messages: what the arguments and answers of the traits are turned
//! into, once, for every road that they take, a plugin's objects or a worker's socket.
//!
//! Small documents are JSON, Qobjs and results have the binary form of `ketch_interface::codec`;
//! large arrays stay buffers and are never copied here.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ketch_interface::{
    BackendProperties, Buffer, Error, JobQuery, JobStatus, Message, Qobj, Result, RunOptions,
    RunResult, codec,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::{error::malformed, raw::format, threads::on_threads};

/// A message that is not what it should be.
#[derive(Debug, thiserror::Error)]
enum MessageError {
    #[error("expected {expected} buffers, found {found}")]
    Count { expected: usize, found: usize },
    #[error("expected a payload of format {expected}, found {found}")]
    Format { expected: u32, found: u32 },
}

/// A document as a message.
///
/// # Errors
/// If it cannot be written as JSON.
pub fn from_document(document: &impl Serialize) -> Result<Message> {
    let head = serde_json::to_vec(document)
        .map_err(|error| Error::caused("document.unwritable", "cannot write a document", error))?;
    Ok(Message { format: format::JSON, head, buffers: Vec::new() })
}

/// The document in a message; `what` it should be is named if it is not.
///
/// # Errors
/// If it is another document, or none.
pub fn to_document<T: DeserializeOwned>(message: &Message, what: &str) -> Result<T> {
    expect_format(message, format::JSON, what)?;
    serde_json::from_slice(&message.head).map_err(|error| malformed(what, error))
}

fn expect_format(message: &Message, expected: u32, what: &str) -> Result<()> {
    match message.format {
        found if found == expected => Ok(()),
        found => Err(malformed(what, MessageError::Format { expected, found })),
    }
}

/// The properties of a backend; an empty message where there are none.
///
/// # Errors
/// If they cannot be written.
pub fn from_properties(properties: Option<&BackendProperties>) -> Result<Message> {
    properties.map_or_else(|| Ok(Message::default()), from_document)
}

/// What [`from_properties`] wrote.
///
/// # Errors
/// If it is another document.
pub fn to_properties(message: &Message) -> Result<Option<BackendProperties>> {
    match message.head.is_empty() {
        true => Ok(None),
        false => to_document(message, "backend properties").map(Some),
    }
}

/// What [`Backend::run`](ketch_interface::Backend::run) is called with: the options as the
/// document `ketch.run_request/1`, the Qobj as its one buffer.
///
/// # Errors
/// If the options cannot be written.
pub fn from_run(qobj: &Qobj, options: &RunOptions) -> Result<Message> {
    let millis = |deadline: SystemTime| {
        let since = deadline.duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    };
    let mut message = from_document(&json!({
        "schema": "ketch.run_request/1",
        "job_key": options.job_key,
        "threads": options.threads,
        "memory": options.memory,
        "deadline_ms": options.deadline.map(millis),
        "tags": options.tags,
    }))?;
    let threads = options.threads.map_or(0, |threads| threads as usize);
    message.buffers.push(Buffer::Bytes(codec::encode_qobj_on(qobj, &on_threads(threads))));
    Ok(message)
}

/// What [`from_run`] wrote.
///
/// # Errors
/// If it is something else, or the Qobj in it is not valid.
pub fn to_run(message: &Message) -> Result<(Qobj, RunOptions)> {
    let what = "run request";
    let head: Value = to_document(message, what)?;
    let number = |key: &str| head.get(key).and_then(Value::as_u64);
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let tags = head.get("tags").and_then(Value::as_array);
    let options = RunOptions {
        job_key: head.get("job_key").and_then(text),
        threads: number("threads").and_then(|n| u32::try_from(n).ok()),
        memory: number("memory"),
        deadline: number("deadline_ms")
            .and_then(|ms| UNIX_EPOCH.checked_add(Duration::from_millis(ms))),
        tags: tags.map(|tags| tags.iter().filter_map(text).collect()).unwrap_or_default(),
    };
    let [Buffer::Bytes(qobj)] = message.buffers.as_slice() else {
        let found = message.buffers.len();
        return Err(malformed(what, MessageError::Count { expected: 1, found }));
    };
    let threads = options.threads.map_or(0, |threads| threads as usize);
    Ok((codec::decode_qobj_on(qobj, &on_threads(threads))?, options))
}

/// What [`Backend::jobs`](ketch_interface::Backend::jobs) is called with.
///
/// # Errors
/// If it cannot be written.
pub fn from_job_query(query: &JobQuery) -> Result<Message> {
    from_document(&json!({
        "schema": "ketch.job_query/1",
        "limit": query.limit,
        "skip": query.skip,
        "status": query.status,
    }))
}

/// What [`from_job_query`] wrote; what is missing has its default.
///
/// # Errors
/// If it is no document.
pub fn to_job_query(message: &Message) -> Result<JobQuery> {
    let head: Value = to_document(message, "job query")?;
    let default = JobQuery::default();
    let count = |key: &str| head.get(key)?.as_u64().and_then(|n| usize::try_from(n).ok());
    Ok(JobQuery {
        limit: count("limit").unwrap_or(default.limit),
        skip: count("skip").unwrap_or(default.skip),
        status: head.get("status").and_then(Value::as_str).map(JobStatus::from),
    })
}

/// A result: a small head, and its large arrays as buffers.
#[must_use]
pub fn from_result(result: &RunResult) -> Message {
    let (head, buffers) = codec::encode_result_on(result, &on_threads(0));
    Message { format: format::RESULT, head, buffers }
}

/// What [`from_result`] wrote. The large arrays of the result are the buffers, not copies.
///
/// # Errors
/// If it is something else, or damaged.
pub fn to_result(message: &Message) -> Result<RunResult> {
    expect_format(message, format::RESULT, "result")?;
    Ok(codec::decode_result_on(&message.head, &message.buffers, &on_threads(0))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn run_requests_and_job_queries_come_back_whole() {
        let qobj = Qobj::from_circuit(ketch_interface::Circuit::new(2, 1).h(0).measure(1, 0));
        let options = RunOptions {
            job_key: Some("key \"1\"".to_owned()),
            threads: Some(3),
            memory: Some(u64::MAX),
            deadline: UNIX_EPOCH.checked_add(Duration::from_millis(1_530_835_200_123)),
            tags: vec!["a".to_owned(), String::new()],
        };
        let message = from_run(&qobj, &options).unwrap();
        assert_eq!(to_run(&message).unwrap(), (qobj, options));

        let query = JobQuery { limit: 2, skip: 5, status: Some(JobStatus::Done) };
        assert_eq!(to_job_query(&from_job_query(&query).unwrap()).unwrap(), query);
    }

    #[test]
    fn what_is_something_else_is_named() {
        let said = |error: Error| format!("{error}: {}", error.causes().join(": "));
        let mut message = from_document(&json!({})).unwrap();
        assert_eq!(
            said(to_run(&message).unwrap_err()),
            "the provider answered a malformed run request: expected 1 buffers, found 0"
        );
        assert_eq!(
            said(to_result(&message).unwrap_err()),
            "the provider answered a malformed result: expected a payload of format 2, found 0"
        );
        message.head = b"{".to_vec();
        let unread = said(to_document::<Value>(&message, "status").unwrap_err());
        assert!(unread.starts_with("the provider answered a malformed status: EOF"), "{unread}");
    }
}
