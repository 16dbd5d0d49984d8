//! What a request is answered with, and how a refusal looks: IBM's shape of errors.

use ketch::{BackendError, RegistryError, jobs};
use serde_json::{Value, json};

/// An answer to a request.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// The media type of the body.
    pub(crate) kind: &'static str,
    pub(crate) body: Vec<u8>,
    /// The id of what was made, for those who read the notes.
    pub(crate) made: Option<String>,
}

/// What a request comes to.
pub(crate) type Reply = Result<Answer, Refusal>;

impl Answer {
    /// 200 with a document.
    pub(crate) fn json(document: &Value) -> Self {
        Self::document(200, document)
    }

    /// 200 with a document that is text already.
    pub(crate) fn json_text(body: Vec<u8>) -> Self {
        Self { status: 200, kind: JSON, body, made: None }
    }

    pub(crate) fn document(status: u16, document: &Value) -> Self {
        Self { status, kind: JSON, body: document.to_string().into_bytes(), made: None }
    }

    /// 200 with text.
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self { status: 200, kind: TEXT, body: text.into().into_bytes(), made: None }
    }

    /// 204: done, and nothing to say.
    pub(crate) fn done() -> Self {
        Self { status: 204, kind: TEXT, body: Vec::new(), made: None }
    }

    /// The time for the request has not come: it is put off for a moment and asked again, and who
    /// sent it hears nothing of it.
    pub(crate) fn not_yet() -> Self {
        Self { status: 102, ..Self::done() }
    }

    /// Something of this id was made.
    pub(crate) fn with_made(self, id: impl Into<String>) -> Self {
        Self { made: Some(id.into()), ..self }
    }
}

const JSON: &str = "application/json";
const TEXT: &str = "text/plain; charset=utf-8";

/// Why a request is not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    /// The stable word for machines.
    pub(crate) code: String,
    pub(crate) message: String,
    /// What the user can do.
    pub(crate) solution: Option<String>,
}

impl Refusal {
    pub(crate) fn new(status: u16, code: &str, message: impl Into<String>) -> Self {
        Self { status, code: code.to_owned(), message: message.into(), solution: None }
    }

    pub(crate) fn with_solution(mut self, solution: impl Into<String>) -> Self {
        self.solution = Some(solution.into());
        self
    }

    /// The request makes no sense.
    pub(crate) fn bad(message: impl Into<String>) -> Self {
        Self::new(400, "request.invalid", message)
    }

    /// There is nothing of this name.
    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(404, "request.not_found", message)
    }

    /// Nobody is known by what was shown.
    pub(crate) fn unknown_user(message: impl Into<String>) -> Self {
        Self::new(401, "unauthenticated", message)
            .with_solution("`ketch serve token new NAME`, where the server runs, makes a token")
    }

    /// As it is for a request to make something, where nobody knows whether it was made: clients send
    /// a request again that is answered with 500, and would have two.
    pub(crate) fn once(self) -> Self {
        match self.status {
            500 => Self { status: 501, ..self }
                .with_solution("look whether it is there before you send the request again"),
            _ => self,
        }
    }

    /// The answer; `trace` is the request's number, by which the server's own notes name it.
    pub(crate) fn answer(&self, trace: &str) -> Answer {
        let error = json!({
            "code": self.code,
            "message": self.message,
            "solution": self.solution.as_deref().unwrap_or(""),
            "more_info": "",
        });
        Answer::document(self.status, &json!({ "errors": [error], "trace": trace }))
    }
}

impl From<jobs::Error> for Refusal {
    fn from(error: jobs::Error) -> Self {
        let status = match &error {
            jobs::Error::NotFound { .. } | jobs::Error::NoSession { .. } => 404,
            jobs::Error::Illegal { .. } | jobs::Error::SessionClosed { .. } => 409,
            error if error.is_busy() => 503,
            _ => 500,
        };
        let refusal = Self::new(status, error.code(), error.to_string());
        match error.hint() {
            // Hints of the store are about commands of this machine.
            Some(hint) if status == 500 => refusal.with_solution(hint),
            _ => refusal,
        }
    }
}

/// Python's client sends requests again that are answered with 500, 502, 503 or 504, five times,
/// `POST` too; with 501 or 429 it gives up at once. Errors of
/// backends that the same request would meet again are none of those.
impl From<BackendError> for Refusal {
    fn from(error: BackendError) -> Self {
        let status = match &error {
            BackendError::BackendNotFound { .. } | BackendError::JobNotFound { .. } => 404,
            _ if error.is_retryable() => 503,
            _ => 400,
        };
        let mut message = error.to_string();
        for cause in error.causes() {
            message = format!("{message}: {cause}");
        }
        let refusal = Self::new(status, error.code(), message);
        match error.hint() {
            Some(hint) => refusal.with_solution(hint),
            None => refusal,
        }
    }
}

impl From<RegistryError> for Refusal {
    fn from(error: RegistryError) -> Self {
        match error {
            RegistryError::Provider { source, .. } => source.into(),
            error => Self::new(404, error.code(), error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_have_been_made_is_not_asked_for_twice() {
        let lost = || jobs::Error::File {
            doing: "write",
            path: "x".into(),
            source: std::io::ErrorKind::StorageFull.into(),
        };
        assert_eq!(Refusal::from(lost()).status, 500);
        assert_eq!(Refusal::from(lost()).once().status, 501);
        let mistaken = jobs::Error::NoSession { id: "x".to_owned() };
        assert_eq!(Refusal::from(mistaken).once().status, 404);
    }

    #[test]
    fn errors_have_the_shape_of_ibms() {
        let answer = Refusal::bad("no").with_solution("yes").answer("1");
        assert_eq!(answer.status, 400);
        assert_eq!(
            String::from_utf8(answer.body).unwrap(),
            r#"{"errors":[{"code":"request.invalid","message":"no","solution":"yes","more_info":""}],"trace":"1"}"#
        );
    }
}
