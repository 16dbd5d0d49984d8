//! Questions to a service and its answers: one call, its time-out, its size.

mod answer;
mod failure;
mod retry;

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use ketch_core::{Error, Result};
use reqwest::{Method, Url, header::HeaderValue};
use serde_json::Value;

pub(crate) use answer::Answer;
pub(crate) use failure::Failure;
use retry::Allowance;
pub(crate) use retry::chance;

use crate::{
    Settings,
    account::{Account, Token},
    runtime::Runtime,
};

/// Answers are read up to this many bytes.
const MAX_ANSWER: usize = 256 << 20;

/// One service of an account.
pub(crate) struct Http {
    base: Url,
    client: reqwest::Client,
    runtime: Arc<Runtime>,
    settings: Settings,
    allowance: Arc<Allowance>,
    /// What must not appear in any message.
    secrets: Arc<Mutex<Vec<Token>>>,
}

/// A question.
pub(crate) struct Call {
    method: Method,
    /// Below the service's base; each is escaped.
    path: Vec<String>,
    query: Vec<(&'static str, String)>,
    /// Query pairs that are secret.
    secret_query: Vec<(&'static str, Token)>,
    headers: Vec<(&'static str, String)>,
    /// The value of the `Authorization` header: a scheme and a secret.
    authorization: Option<(&'static str, Token)>,
    body: Body,
    repeat: Repeat,
    /// Nobody wants the answer after that.
    deadline: Option<Instant>,
}

#[derive(Clone)]
enum Body {
    None,
    Json(Value),
    Form(Vec<(&'static str, Token)>),
}

/// When a question may be asked again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// Whenever there was no answer: asking twice changes nothing.
    Always,
    /// Only if it surely was not taken: it never arrived, or was turned away unread.
    IfNotTaken,
}

impl Call {
    pub(crate) fn get(path: &[&str]) -> Self {
        Self::new(Method::GET, path, Body::None)
    }

    pub(crate) fn post(path: &[&str]) -> Self {
        Self::new(Method::POST, path, Body::None)
    }

    fn new(method: Method, path: &[&str], body: Body) -> Self {
        Self {
            method,
            path: path.iter().map(|&segment| segment.to_owned()).collect(),
            query: Vec::new(),
            secret_query: Vec::new(),
            headers: Vec::new(),
            authorization: None,
            body,
            repeat: Repeat::Always,
            deadline: None,
        }
    }

    pub(crate) fn json(mut self, body: Value) -> Self {
        self.body = Body::Json(body);
        self
    }

    pub(crate) fn form(mut self, fields: &[(&'static str, &str)]) -> Self {
        self.body = Body::Form(fields.iter().map(|(k, v)| (*k, Token::new(*v))).collect());
        self
    }

    pub(crate) fn query(mut self, name: &'static str, value: impl ToString) -> Self {
        self.query.push((name, value.to_string()));
        self
    }

    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn secret_query(mut self, name: &'static str, token: Token) -> Self {
        self.secret_query.push((name, token));
        self
    }

    pub(crate) fn authorized(mut self, scheme: &'static str, token: Token) -> Self {
        self.authorization = Some((scheme, token));
        self
    }

    pub(crate) fn once(mut self) -> Self {
        self.repeat = Repeat::IfNotTaken;
        self
    }

    pub(crate) fn until(mut self, deadline: Option<Instant>) -> Self {
        self.deadline = deadline;
        self
    }

    /// `GET /jobs/17`, for messages: without query, which may hold a secret.
    pub(crate) fn describe(&self) -> String {
        format!("{} /{}", self.method, self.path.join("/"))
    }
}

impl Http {
    /// The service at `base`, reached as the account says.
    ///
    /// # Errors
    /// If a proxy is not a URL, or the machine's certificates cannot be read.
    pub(crate) fn new(
        base: Url,
        account: &Account,
        runtime: Arc<Runtime>,
        settings: Settings,
    ) -> Result<Self> {
        let client = client(&base, account, &settings)?;
        let secrets = Arc::new(Mutex::new(vec![account.token.clone()]));
        Ok(Self { base, client, runtime, settings, allowance: Arc::default(), secrets })
    }

    /// The same account at another place.
    pub(crate) fn at(&self, base: Url) -> Self {
        Self {
            base,
            client: self.client.clone(),
            runtime: Arc::clone(&self.runtime),
            settings: self.settings.clone(),
            allowance: Arc::clone(&self.allowance),
            secrets: Arc::clone(&self.secrets),
        }
    }

    /// Keeps a text out of all messages from now on.
    pub(crate) fn hide(&self, secret: &Token) {
        let mut secrets = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        if !secrets.contains(secret) {
            // Old tokens may still be quoted for a while, but not for ever.
            if secrets.len() > 8 {
                secrets.remove(1);
            }
            secrets.push(secret.clone());
        }
    }

    /// The text without secrets.
    pub(crate) fn scrub(&self, text: &str) -> String {
        let secrets = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        let secrets = secrets.iter().filter(|secret| !secret.expose().is_empty());
        secrets.fold(text.to_owned(), |text, secret| text.replace(secret.expose(), "…"))
    }

    /// The service's name in messages: scheme, host and port.
    pub(crate) fn service(&self) -> String {
        self.base.origin().ascii_serialization()
    }

    /// Asks once. Blocks, at most for the time-out or until the deadline.
    fn ask(&self, call: &Call) -> Result<Answer, Failure> {
        let whole = match call.repeat {
            Repeat::Always => self.settings.request,
            Repeat::IfNotTaken => self.settings.submit,
        };
        let limit = call.deadline.map_or(whole, |deadline| {
            whole.min(deadline.saturating_duration_since(Instant::now()))
        });
        let request = self.request(call)?;
        let exchange = async {
            // A URL may hold a secret, and the causes of errors name it.
            let mut response = request.send().await.map_err(|e| Failure::of(e.without_url()))?;
            let status = response.status().as_u16();
            let retry_after = answer::retry_after(response.headers());
            let mut body = Vec::new();
            let broken = |e: reqwest::Error| Failure::Broken { source: e.without_url() };
            while let Some(chunk) = response.chunk().await.map_err(broken)? {
                if body.len() + chunk.len() > MAX_ANSWER {
                    return Err(Failure::TooLarge { limit: MAX_ANSWER });
                }
                body.extend_from_slice(&chunk);
            }
            Ok(Answer { status, retry_after, body })
        };
        self.runtime.block_on(limit, exchange).unwrap_or(Err(Failure::TimedOut { after: limit }))
    }

    fn request(&self, call: &Call) -> Result<reqwest::RequestBuilder, Failure> {
        let mut url = self.base.clone();
        url.path_segments_mut()
            .map_err(|()| Failure::Unaskable { what: "a base URL without a host" })?
            .pop_if_empty()
            .extend(&call.path);
        let pairs = call.query.iter().map(|(name, value)| (*name, value.as_str()));
        let secret = call.secret_query.iter().map(|(name, token)| (*name, token.expose()));
        let mut pairs = pairs.chain(secret).peekable();
        if pairs.peek().is_some() {
            url.query_pairs_mut().extend_pairs(pairs);
        }
        let mut request = self.client.request(call.method.clone(), url);
        for (name, value) in &call.headers {
            request = request.header(*name, value);
        }
        if let Some((scheme, token)) = &call.authorization {
            let value = HeaderValue::try_from(format!("{scheme} {}", token.expose()));
            // The cause would quote the token.
            let mut value = value
                .map_err(|_| Failure::Unaskable { what: "a token with control characters" })?;
            value.set_sensitive(true);
            request = request.header(reqwest::header::AUTHORIZATION, value);
        }
        Ok(match &call.body {
            Body::None => request,
            Body::Json(value) => {
                request.header("Content-Type", "application/json").body(value.to_string())
            }
            Body::Form(fields) => {
                let mut form = self.base.clone();
                let pairs = fields.iter().map(|(name, value)| (*name, value.expose()));
                form.query_pairs_mut().clear().extend_pairs(pairs);
                let body = form.query().unwrap_or_default().to_owned();
                request.header("Content-Type", "application/x-www-form-urlencoded").body(body)
            }
        })
    }
}

fn client(base: &Url, account: &Account, settings: &Settings) -> Result<reqwest::Client> {
    let mut builder = reqwest::Client::builder()
        .connect_timeout(settings.connect)
        .user_agent(concat!("ketch/", env!("CARGO_PKG_VERSION")))
        // A redirection would carry the token to another place.
        .redirect(reqwest::redirect::Policy::none())
        .pool_idle_timeout(Duration::from_secs(30))
        .danger_accept_invalid_certs(!account.verify);
    // This machine is never behind a proxy.
    if is_loopback(base) {
        builder = builder.no_proxy();
    }
    let proxies = account.proxies.get("urls").and_then(Value::as_object);
    for (scheme, url) in proxies.unwrap_or(&account.proxies) {
        let Some(url) = url.as_str() else { continue };
        let proxy = match scheme.as_str() {
            "http" => reqwest::Proxy::http(url),
            "https" => reqwest::Proxy::https(url),
            "all" => reqwest::Proxy::all(url),
            _ => continue,
        };
        let invalid = |error: reqwest::Error| {
            let message = format!("the {scheme} proxy of account `{}` is not a URL", account.name);
            Error::caused("account.invalid", message, error.without_url())
        };
        builder = builder.proxy(proxy.map_err(invalid)?);
    }
    builder.build().map_err(|error| {
        let message = format!("cannot prepare connections for account `{}`", account.name);
        Error::caused("http.client", message, error.without_url())
    })
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback())
}
