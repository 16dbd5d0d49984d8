//! What an answer says.

use std::time::{Duration, SystemTime};

use ketch_core::{Error, Result};
use reqwest::header::{HeaderMap, RETRY_AFTER};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Call, Failure, Http};

/// An answer, whatever it says.
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// How long the service asks to be left alone.
    pub(crate) retry_after: Option<Duration>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The service is overloaded or broken: the statuses that IBM's own clients repeat at.
    pub(crate) fn is_passing(&self) -> bool {
        self.is_too_many() || matches!(self.status, 500 | 502 | 503 | 504 | 520..=522 | 524)
    }

    pub(crate) fn is_too_many(&self) -> bool {
        self.status == 429
    }

    /// The text of a successful answer, up to 2,000 characters; `None` if there is none.
    pub(crate) fn text(&self) -> Option<String> {
        let text = String::from_utf8_lossy(&self.body);
        let text: String = text.trim().chars().take(2000).collect();
        (self.is_success() && !text.is_empty()).then_some(text)
    }

    /// What the service says went wrong: the shapes of today, of IAM, of 2018, or the text itself.
    fn complaint(&self) -> (String, Option<String>) {
        let document: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        let error = match document.get("errors").and_then(|errors| errors.get(0)) {
            Some(first) => first,
            None => document.get("error").filter(|error| error.is_object()).unwrap_or(&document),
        };
        let text = |name: &str| error.get(name).and_then(Value::as_str).map(str::to_owned);
        let message = text("message").or(text("errorMessage")).unwrap_or_else(|| self.excerpt());
        (message, text("solution"))
    }

    /// The beginning of the answer, on one line.
    fn excerpt(&self) -> String {
        let text = String::from_utf8_lossy(&self.body[..self.body.len().min(400)]);
        let text: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let short: String = text.chars().take(80).collect();
        match short.is_empty() {
            true => "nothing".to_owned(),
            false if short.len() < text.len() => format!("`{short}…`"),
            false => format!("`{short}`"),
        }
    }
}

impl Http {
    /// The error for an answer that is not a success.
    pub(crate) fn refusal(&self, call: &Call, answer: &Answer) -> Error {
        let (message, hint) = answer.complaint();
        let (message, hint) = (self.scrub(&message), hint.map(|hint| self.scrub(&hint)));
        let service = self.service();
        match answer.status {
            401 | 403 => Error::Unauthenticated {
                reason: format!("{service} answered {}: {message}", answer.status),
            },
            429 => Error::RateLimited { retry_after: answer.retry_after },
            status if status >= 500 => Failure::Unavailable { status, message }.into_error(service),
            status => Error::Other {
                code: "service.refused".to_owned(),
                message: format!("{service} refused {} with {status}: {message}", call.describe()),
                hint,
                retryable: false,
                source: None,
            },
        }
    }

    /// The document of a successful answer.
    ///
    /// # Errors
    /// What is wrong: the answer is a refusal, no JSON, or another document than expected.
    pub(crate) fn read<T: DeserializeOwned>(&self, call: &Call, answer: &Answer) -> Result<T> {
        if !answer.is_success() {
            return Err(self.refusal(call, answer));
        }
        serde_json::from_slice(&answer.body).map_err(|error| {
            let found = answer.excerpt();
            self.misunderstood(call, &format!("{error}; found {found}"))
        })
    }

    /// The error for an answer that makes no sense.
    pub(crate) fn misunderstood(&self, call: &Call, what: &str) -> Error {
        let (service, call) = (self.service(), call.describe());
        let message = format!("{service} answered {call} unexpectedly: {}", self.scrub(what));
        Error::other("service.answer", message)
    }
}

/// The wait that the service asks for, in seconds or until a date (RFC 9110, section 10.2.3).
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    match text.parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => {
            let wait = http_date(text)?.duration_since(SystemTime::now());
            Some(wait.unwrap_or_default())
        }
    }
}

/// `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110, section 5.6.7; the obsolete forms are not read).
fn http_date(text: &str) -> Option<SystemTime> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let mut words = text.split_once(", ")?.1.split(' ');
    let mut word = || words.next();
    let (day, month, year, time) = (word()?, word()?, word()?, word()?);
    let month = MONTHS.iter().position(|name| *name == month)? + 1;
    humantime::parse_rfc3339(&format!("{year}-{month:02}-{day}T{time}Z")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(text: &str) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, text.parse().unwrap());
        retry_after(&headers)
    }

    #[test]
    fn waits_are_seconds_or_dates() {
        assert_eq!(wait("7"), Some(Duration::from_secs(7)));
        assert_eq!(wait("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Duration::ZERO));
        assert_eq!(wait("soon"), None);
        assert_eq!(wait("-1"), None);
        let date = http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        assert_eq!(humantime::format_rfc3339_seconds(date).to_string(), "1994-11-06T08:49:37Z");
    }

    #[test]
    fn complaints_are_found_in_each_shape() {
        let complaint = |body: &str| {
            let body = body.as_bytes().to_vec();
            Answer { status: 400, retry_after: None, body }.complaint().0
        };
        assert_eq!(complaint(r#"{"errors":[{"code":1,"message":"a"}]}"#), "a");
        assert_eq!(complaint(r#"{"error":{"message":"b"}}"#), "b");
        assert_eq!(complaint(r#"{"errorCode":"X","errorMessage":"c"}"#), "c");
        assert_eq!(complaint("<html>\n no"), "`<html> no`");
        assert_eq!(complaint(""), "nothing");
    }
}
