//! Errors across the boundary: whole, never flattened to a string.

use std::{sync::Arc, time::Duration};

use abi_stable::std_types::RVec;
use ketch_interface::{Error, TextCause};
use serde_json::{Map, Value, json};

use crate::raw::WireError;

impl From<(&str, &Error)> for WireError {
    fn from((provider, error): (&str, &Error)) -> Self {
        let fields = fields_of(error);
        Self {
            code: error.code().into(),
            message: error.to_string().into(),
            hint: error.hint().unwrap_or_default().into(),
            provider: provider.into(),
            causes: error.causes().into_iter().map(Into::into).collect(),
            fields: match fields {
                Value::Null => RVec::new(),
                fields => fields.to_string().into_bytes().into(),
            },
            retryable: error.is_retryable(),
        }
    }
}

impl From<WireError> for Error {
    /// The same variant if this side knows the code and finds its fields; else
    /// [`Error::Other`] with everything in it.
    fn from(wire: WireError) -> Self {
        let fields = serde_json::from_slice(&wire.fields).unwrap_or_default();
        known(&wire, &fields).unwrap_or_else(|| other(&wire))
    }
}

/// An error as the document that crosses sockets: the fields of [`WireError`]. `provider` is who
/// says so.
#[must_use]
pub fn error_to_document(provider: &str, error: &Error) -> Value {
    json!({
        "schema": "ketch.error_record/1",
        "code": error.code(),
        "message": error.to_string(),
        "hint": error.hint(),
        "provider": provider,
        "causes": error.causes(),
        "fields": fields_of(error),
        "retryable": error.is_retryable(),
    })
}

/// The error in such a document. What is missing is empty: an error is told in any case.
#[must_use]
pub fn error_from_document(document: &Value) -> Error {
    let text = |key: &str| document[key].as_str().unwrap_or_default().into();
    let causes = document["causes"].as_array().map(Vec::as_slice).unwrap_or_default();
    WireError {
        code: text("code"),
        message: text("message"),
        hint: text("hint"),
        provider: text("provider"),
        causes: causes.iter().filter_map(Value::as_str).map(Into::into).collect(),
        fields: document["fields"].to_string().into_bytes().into(),
        retryable: document["retryable"] == true,
    }
    .into()
}

fn other(wire: &WireError) -> Error {
    Error::Other {
        code: wire.code.to_string(),
        message: wire.message.to_string(),
        hint: (!wire.hint.is_empty()).then(|| wire.hint.to_string()),
        retryable: wire.retryable,
        source: causes(wire),
    }
}

fn causes(wire: &WireError) -> Option<ketch_interface::Cause> {
    let messages: Vec<String> = wire.causes.iter().map(ToString::to_string).collect();
    TextCause::chain(&messages)
}

fn fields_of(error: &Error) -> Value {
    match error {
        Error::BackendNotFound { name, known } => json!({"name": name, "known": known}),
        Error::BackendAmbiguous { name, candidates } => {
            json!({"name": name, "candidates": candidates})
        }
        Error::InvalidQobj { reason, .. } => json!({"reason": reason}),
        Error::InvalidOption { name, reason, nearest } => {
            json!({"name": name, "reason": reason, "nearest": nearest})
        }
        Error::UnsupportedInstruction { backend, instruction } => {
            json!({"backend": backend, "instruction": instruction})
        }
        Error::TooManyQubits { backend, circuit, needed, limit } => {
            json!({"backend": backend, "circuit": circuit, "needed": needed, "limit": limit})
        }
        Error::OutOfMemory { needed, available } => {
            json!({"needed": needed, "available": available})
        }
        Error::Timeout { job, after } => json!({"job": job, "after_s": after.as_secs_f64()}),
        Error::JobFailed { job, reason } => json!({"job": job, "reason": reason}),
        Error::Cancelled { job } | Error::JobNotFound { job } => json!({"job": job}),
        Error::NotSupported { what, operation } => json!({"what": what, "operation": operation}),
        Error::Unauthenticated { reason } => json!({"reason": reason}),
        Error::RateLimited { retry_after } => {
            json!({"retry_after_s": retry_after.map(|after| after.as_secs_f64())})
        }
        Error::Transport { service, .. } => json!({"service": service}),
        Error::ProviderPanicked { provider, message } => {
            json!({"provider": provider, "message": message})
        }
        _ => Value::Null,
    }
}

fn known(wire: &WireError, fields: &Map<String, Value>) -> Option<Error> {
    let text = |key: &str| fields.get(key)?.as_str().map(str::to_owned);
    let texts = |key: &str| -> Option<Vec<String>> {
        fields.get(key)?.as_array()?.iter().map(|v| v.as_str().map(str::to_owned)).collect()
    };
    let number = |key: &str| fields.get(key)?.as_u64();
    let count = |key: &str| u32::try_from(number(key)?).ok();
    let seconds = |key: &str| Duration::try_from_secs_f64(fields.get(key)?.as_f64()?).ok();
    Some(match wire.code.as_str() {
        "backend.not_found" => {
            Error::BackendNotFound { name: text("name")?, known: texts("known")? }
        }
        "backend.ambiguous" => {
            Error::BackendAmbiguous { name: text("name")?, candidates: texts("candidates")? }
        }
        "qobj.invalid" => Error::InvalidQobj { reason: text("reason")?, source: causes(wire) },
        "option.invalid" => Error::InvalidOption {
            name: text("name")?,
            reason: text("reason")?,
            nearest: text("nearest"),
        },
        "instruction.unsupported" => Error::UnsupportedInstruction {
            backend: text("backend")?,
            instruction: text("instruction")?,
        },
        "circuit.too_large" => Error::TooManyQubits {
            backend: text("backend")?,
            circuit: text("circuit")?,
            needed: count("needed")?,
            limit: count("limit")?,
        },
        "memory.insufficient" => {
            Error::OutOfMemory { needed: number("needed")?, available: number("available")? }
        }
        "job.timeout" => Error::Timeout { job: text("job")?, after: seconds("after_s")? },
        "job.cancelled" => Error::Cancelled { job: text("job")? },
        "job.failed" => Error::JobFailed { job: text("job")?, reason: text("reason")? },
        "job.not_found" => Error::JobNotFound { job: text("job")? },
        "not_supported" => {
            Error::NotSupported { what: text("what")?, operation: text("operation")? }
        }
        "unauthenticated" => Error::Unauthenticated { reason: text("reason")? },
        "rate_limited" => Error::RateLimited { retry_after: seconds("retry_after_s") },
        "transport" => Error::Transport { service: text("service")?, source: causes(wire) },
        "provider.panicked" => {
            Error::ProviderPanicked { provider: text("provider")?, message: text("message")? }
        }
        _ => return None,
    })
}

/// An error for an answer of the other side that breaks the ABI's rules.
pub(crate) fn malformed(
    what: &str,
    error: impl std::error::Error + Send + Sync + 'static,
) -> Error {
    let message = format!("the provider answered a malformed {what}");
    Error::Other {
        code: "plugin.malformed_answer".to_owned(),
        message,
        hint: None,
        retryable: false,
        source: Some(Arc::new(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every_variant() -> Vec<Error> {
        let (a, b) = ("a \"quoted\"".to_owned(), "b\n".to_owned());
        let names = || vec![a.clone(), b.clone()];
        let cause = || TextCause::chain(&names());
        vec![
            Error::BackendNotFound { name: a.clone(), known: names() },
            Error::BackendAmbiguous { name: a.clone(), candidates: names() },
            Error::InvalidQobj { reason: a.clone(), source: cause() },
            Error::InvalidOption { name: a.clone(), reason: b.clone(), nearest: None },
            Error::InvalidOption { name: a.clone(), reason: b.clone(), nearest: Some(a.clone()) },
            Error::UnsupportedInstruction { backend: a.clone(), instruction: b.clone() },
            Error::TooManyQubits { backend: a.clone(), circuit: b.clone(), needed: 40, limit: 30 },
            Error::OutOfMemory { needed: u64::MAX, available: 7 },
            Error::Timeout { job: a.clone(), after: Duration::from_millis(1500) },
            Error::Cancelled { job: a.clone() },
            Error::JobFailed { job: a.clone(), reason: b.clone() },
            Error::JobNotFound { job: a.clone() },
            Error::not_supported(a.clone(), b.clone()),
            Error::Unauthenticated { reason: a.clone() },
            Error::RateLimited { retry_after: Some(Duration::from_secs(3)) },
            Error::RateLimited { retry_after: None },
            Error::Transport { service: a.clone(), source: cause() },
            Error::ProviderPanicked { provider: a.clone(), message: b.clone() },
            Error::other("x.y", a.clone()),
            Error::Other {
                code: "z".into(),
                message: a.clone(),
                hint: Some(b.clone()),
                retryable: true,
                source: cause(),
            },
        ]
    }

    #[test]
    fn every_variant_survives_the_boundary() {
        for error in every_variant() {
            let back = Error::from(WireError::from(("p", &error)));
            assert_eq!(format!("{back:?}"), format!("{error:?}"));
            assert_eq!(back.causes(), error.causes());
            assert_eq!((back.code(), back.hint()), (error.code(), error.hint()));

            let back = error_from_document(&error_to_document("p", &error));
            assert_eq!(format!("{back:?}"), format!("{error:?}"));
            assert_eq!(back.causes(), error.causes());
        }
    }

    #[test]
    fn a_document_that_is_no_error_is_an_error_without_words() {
        for document in [json!(null), json!([1]), json!({"code": 7, "causes": "x"})] {
            let error = error_from_document(&document);
            assert_eq!((error.code(), error.to_string().as_str()), ("", ""));
        }
    }

    #[test]
    fn an_unknown_code_and_lost_fields_keep_the_text() {
        let mut wire = WireError::from(("p", &Error::JobNotFound { job: "7".into() }));
        wire.fields = RVec::new();
        let error = Error::from(wire);
        assert_eq!((error.code(), error.to_string().as_str()), ("job.not_found", "no job `7`"));
    }
}
