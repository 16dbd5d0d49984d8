//! From the account's key to tokens.

use std::time::{Duration, Instant};

use ketch_core::{Error, Result};
use serde::Deserialize;

use crate::{
    account::Token,
    http::{Call, Http},
    session::{Access, answered},
};

/// The service that exchanges keys for tokens.
pub(super) struct Iam {
    http: Http,
    key: Token,
}

/// `POST /identity/token`.
#[derive(Deserialize)]
struct Grant {
    access_token: Token,
    /// In seconds.
    #[serde(default = "an_hour")]
    expires_in: u64,
}

fn an_hour() -> u64 {
    3600
}

impl Iam {
    pub(super) fn new(http: Http, key: Token) -> Self {
        Self { http, key }
    }

    /// A new token. Blocks, at most until the deadline.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] if the key is refused.
    pub(super) fn token(&self, deadline: Option<Instant>) -> Result<Access> {
        let form = [
            ("grant_type", "urn:ibm:params:oauth:grant-type:apikey"),
            ("apikey", self.key.expose()),
            ("response_type", "cloud_iam"),
        ];
        let call = Call::post(&["identity", "token"]).form(&form).until(deadline);
        let call = call.header("Accept", "application/json");
        let answer = answered(&self.http, self.http.send(&call))?;
        if matches!(answer.status, 400 | 401 | 403) {
            let refusal = self.http.refusal(&call, &answer);
            let reason = format!("the account's token is refused: {refusal}");
            return Err(Error::Unauthenticated { reason });
        }
        let grant: Grant = self.http.read(&call, &answer).map_err(|error| match error {
            // What was found may be half a token.
            Error::Other { code, .. } if code == "service.answer" => {
                self.http.misunderstood(&call, "expected an object with `access_token`")
            }
            error => error,
        })?;
        Ok(Access::living(grant.access_token, Duration::from_secs(grant.expires_in)))
    }
}
