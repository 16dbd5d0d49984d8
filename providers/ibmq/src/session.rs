//! Tokens: fetched once, kept as long as they are good, fetched again when the service says no.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use ketch_core::{Error, Result};

use crate::{
    account::Token,
    http::{Answer, Call, Failure, Http},
};

/// A token and the time after which it is better not used.
#[derive(Clone)]
pub(crate) struct Access {
    pub(crate) token: Token,
    pub(crate) good_until: Instant,
}

impl Access {
    /// A token that lives for so long; it is replaced when four fifths of that are over.
    pub(crate) fn living(token: Token, life: Duration) -> Self {
        // A life beyond all clocks is as good as a day.
        let day = Duration::from_secs(24 * 60 * 60);
        Self { token, good_until: Instant::now() + life.min(day).mul_f64(0.8) }
    }
}

/// The token of an account at a service.
#[derive(Default)]
pub(crate) struct Session {
    access: Mutex<Option<Access>>,
}

impl Session {
    /// Sends a call with a token; where the service refuses the token, once more with a new one.
    ///
    /// `fetch` gets a new token, `call` puts a token into the question. No lock is held meanwhile,
    /// so that nobody waits longer than their own deadline for somebody else's fetching.
    ///
    /// # Errors
    /// Those of `fetch`; the failure to get an answer, with the call.
    pub(crate) fn send(
        &self,
        http: &Http,
        fetch: impl Fn() -> Result<Access>,
        call: impl Fn(Token) -> Call,
    ) -> Result<(Call, Result<Answer, Failure>)> {
        let token = self.token(http, &fetch)?;
        let question = call(token.clone());
        let answer = http.send(&question);
        if !answer.as_ref().is_ok_and(|answer| answer.status == 401) {
            return Ok((question, answer));
        }
        self.forget(&token);
        let question = call(self.token(http, &fetch)?);
        let answer = http.send(&question);
        Ok((question, answer))
    }

    fn token(&self, http: &Http, fetch: impl Fn() -> Result<Access>) -> Result<Token> {
        let known = self.lock().clone();
        if let Some(access) = known.filter(|access| access.good_until > Instant::now()) {
            return Ok(access.token);
        }
        let access = fetch()?;
        http.hide(&access.token);
        *self.lock() = Some(access.clone());
        Ok(access.token)
    }

    /// Forgets the token unless somebody has replaced it already.
    fn forget(&self, token: &Token) {
        let mut access = self.lock();
        if access.as_ref().is_some_and(|access| access.token == *token) {
            *access = None;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Access>> {
        // Nothing panics while it is held, and each change is one assignment.
        self.access.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An answer where there is one, and otherwise the error that tells why not.
pub(crate) fn answered(http: &Http, answer: Result<Answer, Failure>) -> Result<Answer, Error> {
    answer.map_err(|failure| failure.into_error(http.service()))
}
