//! Who asks: tokens, the access tokens that clients get for them, and what they may do.

use std::time::SystemTime;

use ketch::jobs::served::Token;
use serde_json::json;

use crate::{
    Service,
    answer::{Answer, Refusal, Reply},
    jwt::{self, Claims},
    request::Request,
    routes::Call,
    time,
};

/// What a token lets its holder do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Look at backends, and at the user's own jobs.
    Read,
    /// Submit jobs, cancel, tag and delete them.
    Run,
}

/// The words for what a token lets its holder do.
pub const SCOPES: [&str; 2] = ["read", "run"];

impl Scope {
    fn word(self) -> &'static str {
        match self {
            Self::Read => SCOPES[0],
            Self::Run => SCOPES[1],
        }
    }
}

/// Somebody who is known.
#[derive(Clone, Debug)]
pub(crate) struct User {
    pub(crate) name: String,
    /// The token by which.
    pub(crate) token: String,
    scopes: Vec<String>,
}

impl User {
    /// # Errors
    /// If the user's token does not say so.
    pub(crate) fn may(&self, scope: Scope) -> Result<(), Refusal> {
        if self.scopes.iter().any(|one| one == scope.word()) {
            return Ok(());
        }
        let message = format!("this token is not good for `{}`", scope.word());
        Err(Refusal::new(403, "token.scope", message)
            .with_solution("`ketch serve token new NAME --scope …` makes one that is"))
    }
}

/// Who sends a request: by an access token, or by the token itself.
///
/// # Errors
/// If nobody is known by what is shown.
pub(crate) fn known(service: &Service, request: &Request) -> Result<User, Refusal> {
    let nobody = || Refusal::unknown_user("a token is needed: `Authorization: Bearer …`");
    let (scheme, shown) = request.credentials().ok_or_else(nobody)?;
    let token = match scheme.as_str() {
        "bearer" | "apikey" if shown.starts_with("ketch-") => service.reading.token_shown(shown)?,
        "bearer" => {
            let now = time::seconds(SystemTime::now());
            let Some(claims) = jwt::verify(&service.signing_key, shown, now) else {
                return Err(Refusal::unknown_user("the access token is not good, or not any more"));
            };
            service.reading.token(&claims.sub)?
        }
        "apikey" => None,
        other => {
            return Err(Refusal::unknown_user(format!(
                "`{other}` is no scheme that is known here"
            )));
        }
    };
    let token = good(token)?;
    Ok(User { name: token.user, token: token.id, scopes: token.scopes })
}

fn good(token: Option<Token>) -> Result<Token, Refusal> {
    let token = token.ok_or_else(|| Refusal::unknown_user("the token is not known"))?;
    match token.is_good() {
        true => Ok(token),
        false => Err(Refusal::unknown_user("the token has expired or was revoked")),
    }
}

/// Gives an access token for a token, in the form of IBM Cloud's identity service.
pub(crate) fn exchange(service: &Service, request: &Request) -> Reply {
    let form = request.form()?;
    let field =
        |name: &str| form.iter().find(|(one, _)| one == name).map(|(_, value)| value.as_str());
    let key = field("apikey").unwrap_or("");
    let Ok(token) = good(service.reading.token_shown(key)?) else {
        // The shape of that service's refusals is another one.
        let refused = json!({
            "errorCode": "BXNIM0415E",
            "errorMessage": "Provided API key could not be found.",
            "errorDetails": "the token is not known here, has expired or was revoked; \
                             `ketch serve token new NAME` makes one",
        });
        return Ok(Answer::document(400, &refused));
    };
    let now = time::seconds(SystemTime::now());
    let end = token.expires.map_or(u64::MAX, time::seconds).min(now + jwt::LIFE);
    let claims = Claims { sub: token.id, iat: now, exp: end };
    let answer = Answer::json(&json!({
        "access_token": jwt::sign(&service.signing_key, &claims),
        "refresh_token": "not_supported",
        "token_type": "Bearer",
        "expires_in": end.saturating_sub(now),
        "expiration": end,
        "scope": "ibm openid",
    }));
    // An access token has no id of its own; it goes with the token that it was given for.
    Ok(answer.with_made(claims.sub))
}

/// The id of the one plan that there is.
pub(crate) const PLAN: &str = "ketch-plan";

/// The one instance that there is. Any name that looks like one is taken for it.
pub const INSTANCE: &str = "crn:v1:bluemix:public:quantum-computing:us-east:a/local:0000::";

/// The instances that a client finds when it searches for some: one.
pub(crate) fn instances(_: &Call<'_>) -> Reply {
    let instance = json!({
        "crn": INSTANCE,
        "name": "ketch",
        "service_plan_unique_id": PLAN,
        "tags": [],
        "doc": { "extensions": { "ketch": true } },
    });
    Ok(Answer::json(&json!({ "items": [instance], "limit": 100 })))
}

/// The plan of that instance.
pub(crate) fn plan(_: &Call<'_>) -> Reply {
    Ok(Answer::json(&json!({
        "id": PLAN,
        "overview_ui": { "en": { "display_name": "Open" } },
        "metadata": { "pricing": { "type": "free" } },
    })))
}
