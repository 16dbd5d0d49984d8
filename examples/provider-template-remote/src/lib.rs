//! The backends of a service that speaks JSON over HTTP, for whoever has an account there.

#![forbid(unsafe_code)]

use std::{io::Read, time::Duration};

use ketch_core::prelude::*;
use reqwest::{Method, Url, blocking::Client};
use serde_json::{Value, from_slice, from_value};

ketch_core::export_provider! {
    id: "template", provider: provider, manifest: r#""secrets":["token"],"rerun":"never""#,
}

/// What the plugin and its tests begin with. Asks nothing yet.
pub fn provider(host: Host) -> Result<impl Provider> {
    let client = Client::builder().connect_timeout(Duration::from_secs(5)).build();
    Ok(Template(host, client.map_err(|e| Error::caused("http.client", "no HTTP client", e))?))
}

struct Template(Host, Client);

impl Provider for Template {
    fn name(&self) -> &str {
        "template"
    }

    /// Those of the user's first account; none without one.
    fn backends(&self, filter: &Filter) -> Result<Vec<Arc<dyn Backend>>> {
        let Some(account) = self.0.accounts()?.into_iter().next() else { return filter.apply([]) };
        let its = |field| account[field].as_str().unwrap_or_default().to_owned();
        let url = Url::parse(&its("url")).map_err(|e| Error::caused("account.url", "no URL", e))?;
        let service = Arc::new(Service { client: self.1.clone(), url, token: its("token") });
        let listed: Vec<_> = from_value(service.ask(&["backends"], "", WAIT)?).map_err(unclear)?;
        let at = |c| -> Arc<dyn Backend> { Arc::new(RemoteBackend(service.clone(), Arc::new(c))) };
        filter.apply(listed.into_iter().map(at))
    }
}

#[derive(Clone)]
struct RemoteBackend(Arc<Service>, Arc<BackendConfiguration>);

impl Backend for RemoteBackend {
    fn name(&self) -> &str {
        &self.1.backend_name
    }

    fn configuration(&self) -> Result<Arc<BackendConfiguration>> {
        Ok(Arc::clone(&self.1))
    }

    fn status(&self) -> Result<BackendStatus> {
        from_value(self.0.ask(&["backends", self.name()], "", WAIT)?).map_err(unclear)
    }

    /// Refuses what the configuration does not allow. A job is sent once: twice might run twice.
    fn run(&self, qobj: Qobj, _options: RunOptions) -> Result<Arc<dyn Job>> {
        check_qobj(&qobj, &self.1, &[])?;
        let job = self.0.ask(&["backends", self.name()], &qobj.to_json()?.to_string(), 4 * WAIT)?;
        let id: String = from_value(job["id"].clone()).map_err(unclear)?;
        Ok(Arc::new(PolledJob::new(id, Arc::new(self.clone()), self.0.clone())))
    }

    fn retrieve_job(&self, job_id: &str) -> Result<Arc<dyn Job>> {
        PolledJob::new(job_id, Arc::new(self.clone()), self.0.clone()).found()
    }
}

/// The longest that an answer is waited for.
const WAIT: Duration = Duration::from_secs(30);

struct Service {
    client: Client,
    url: Url,
    token: String,
}

impl Service {
    /// The answer, within a limit, to the document that is sent, if any.
    fn ask(&self, path: &[&str], json: &str, limit: Duration) -> Result<Value> {
        let mut url = self.url.clone();
        let segments = url.path_segments_mut();
        segments.map_err(|()| Error::other("account.url", "no URL"))?.pop_if_empty().extend(path);
        let method = if json.is_empty() { Method::GET } else { Method::POST };
        let request = self.client.request(method, url).bearer_auth(&self.token).timeout(limit);
        let request = request.header("Content-Type", "application/json").body(json.to_owned());
        let service = self.url.origin().ascii_serialization();
        let lost = |cause| Error::Transport { service: service.clone(), source: Some(cause) };
        let answer = request.send().map_err(|e| lost(Arc::new(e.without_url())))?;
        let (status, mut body) = (answer.status().as_u16(), Vec::new());
        answer.take(256 << 20).read_to_end(&mut body).map_err(|e| lost(Arc::new(e)))?;
        let said = || format!("{service} says {status}: {:.200}", String::from_utf8_lossy(&body));
        match status {
            200..300 => from_slice(&body).map_err(unclear),
            401 | 403 => Err(Error::Unauthenticated { reason: said() }),
            404 if path[0] == "jobs" => Err(Error::JobNotFound { job: path[1].to_owned() }),
            429 => Err(Error::RateLimited { retry_after: None }),
            500.. => Err(lost(Arc::new(Error::other("service.broken", said())))),
            _ => Err(Error::other("service.refused", said())),
        }
    }
}

impl JobService for Service {
    fn look(&self, id: &str, limit: Duration) -> Result<JobNews> {
        Ok(JobNews::from_json(&self.ask(&["jobs", id], "", limit)?))
    }

    fn result(&self, id: &str, limit: Duration) -> Result<RunResult> {
        RunResult::from_qiskit_json(&self.ask(&["jobs", id, "result"], "", limit)?).map_err(unclear)
    }

    fn cancel(&self, id: &str, limit: Duration) -> Result<bool> {
        Ok(self.ask(&["jobs", id, "cancel"], "{}", limit)?["cancelled"] == true)
    }
}

fn unclear(cause: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::caused("service.answer", "the service's answer makes no sense", cause)
}
