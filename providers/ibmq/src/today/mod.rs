//! IBM Quantum's REST API of today.
//!
//! Facts: the public API reference at <https://quantum.cloud.ibm.com/docs/api/qiskit-runtime-rest>,
//! API version 2026-04-15.

mod iam;
mod job;
mod note;
mod place;
mod results;
mod samples;
mod submit;

use std::{sync::Arc, time::Instant};

use ketch_core::{
    BackendConfiguration, BackendProperties, BackendStatus, Error, JobQuery, JobStatus, Qobj,
    Result, RunResult, qobj::seed_experiments,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use self::{iam::Iam, job::JobDocument, place::Place};
use crate::{
    Settings,
    account::{Account, Token},
    http::{Answer, Call, Failure, Http},
    runtime::Runtime,
    service::{Extent, JobRecord, MAX_PAGES, Plan, Service, Work, no_such_job, too_many_jobs},
    session::{Session, answered},
    submission::Submission,
};

/// The version of the API whose documents are read here.
const VERSION: &str = "2026-04-15";

/// Jobs are listed this many at a time.
const PAGE: usize = 50;

/// The states of so many jobs are asked for at a time: as many as the service lists unasked.
const STATES: usize = 200;

/// An account of IBM Quantum, or of a service that speaks like it.
pub(crate) struct Today {
    http: Http,
    iam: Iam,
    session: Session,
    instance: Option<String>,
}

impl Today {
    pub(crate) fn new(
        account: &Account,
        runtime: Arc<Runtime>,
        settings: Settings,
    ) -> Result<Self> {
        let place = Place::of(account)?;
        let http = Http::new(place.api, account, runtime, settings)?;
        let iam = Iam::new(http.at(place.iam), account.token.clone());
        let instance = account.instance.clone();
        Ok(Self { http, iam, session: Session::default(), instance })
    }

    /// Asks, with a token. An error only if there is no answer; what the answer says is the
    /// caller's.
    fn ask(&self, deadline: Option<Instant>, call: impl Fn() -> Call) -> Result<(Call, Answer)> {
        let call = |token| self.authorized(call(), token).until(deadline);
        let fetch = || self.iam.token(deadline);
        let (call, answer) = self.session.send(&self.http, fetch, call)?;
        Ok((call, answered(&self.http, answer)?))
    }

    fn authorized(&self, call: Call, token: Token) -> Call {
        let call = call.authorized("Bearer", token).header("IBM-API-Version", VERSION);
        let call = call.header("Accept", "application/json");
        match &self.instance {
            Some(instance) => call.header("Service-CRN", instance.clone()),
            None => call,
        }
    }

    fn get<T: serde::de::DeserializeOwned>(&self, call: impl Fn() -> Call) -> Result<T> {
        let (call, answer) = self.ask(None, call)?;
        self.http.read(&call, &answer)
    }

    /// As [`ask`](Self::ask), about a job: an unknown one is an error of its own.
    fn ask_job(
        &self,
        job_id: &str,
        deadline: Option<Instant>,
        call: impl Fn() -> Call,
    ) -> Result<(Call, Answer)> {
        match self.ask(deadline, call)? {
            (_, answer) if answer.status == 404 => Err(no_such_job(job_id)),
            answered => Ok(answered),
        }
    }

    fn page(&self, query: impl Fn(Call) -> Call) -> Result<Page> {
        self.get(|| query(Call::get(&["jobs"]).query("exclude_params", true)))
    }

    /// The plan of a job that another process submitted; `None` if it is not one of ours.
    fn noted(&self, job_id: &str, deadline: Option<Instant>) -> Result<Option<Plan>> {
        let (call, answer) = self.ask_job(job_id, deadline, || Call::get(&["jobs", job_id]))?;
        let document: Value = self.http.read(&call, &answer)?;
        Ok(document.get("params").and_then(note::read))
    }

    fn record(&self, document: JobDocument) -> JobRecord {
        let mut record = document.into_record();
        record.error = record.error.map(|error| self.http.scrub(&error));
        record
    }
}

/// `GET /backends`.
#[derive(Deserialize)]
struct Devices {
    devices: Vec<Device>,
}

#[derive(Deserialize)]
struct Device {
    name: String,
    #[serde(default)]
    class: Option<String>,
}

/// `GET /backends/{name}/status`.
#[derive(Deserialize)]
struct DeviceStatus {
    state: bool,
    #[serde(default)]
    status: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    length_queue: u64,
    #[serde(default)]
    backend_version: String,
    #[serde(flatten)]
    extra: Map<String, Value>,
}

/// `GET /jobs`.
#[derive(Deserialize)]
struct Page {
    jobs: Vec<JobDocument>,
}

impl Service for Today {
    fn devices(&self) -> Result<Vec<String>> {
        let devices: Devices = self.get(|| Call::get(&["backends"]))?;
        // Each device may have a twin of this class, for dry runs.
        let real = devices.devices.into_iter().filter(|d| d.class.as_deref() != Some("mock"));
        Ok(real.map(|device| device.name).collect())
    }

    fn options(&self) -> &'static [&'static str] {
        submit::OPTIONS
    }

    fn repeats(&self, configuration: &BackendConfiguration) -> bool {
        // Of an array of places without values, Aer's sampler runs the first and tells zeros of the
        // others; what IBM's does is not known.
        configuration.extra.get("places_without_values").is_some_and(|told| *told == true)
    }

    fn settle_seeds(&self, configuration: &BackendConfiguration, qobj: &mut Qobj) {
        let declared = configuration.extra.get("seeds").and_then(Value::as_bool);
        // IBM's own devices have no option for it, simulators have.
        if !declared.unwrap_or(configuration.simulator) {
            qobj.config.seed = None;
            qobj.experiments_mut().iter_mut().for_each(|one| one.config.seed = None);
        } else if let Some(seed) = qobj.config.seed {
            seed_experiments(qobj, seed);
        }
    }

    fn configuration(&self, device: &str) -> Result<BackendConfiguration> {
        let call = || Call::get(&["backends", device, "configuration"]);
        let mut configuration: BackendConfiguration = self.get(call)?;
        if let Some(supported) = &mut configuration.supported_instructions {
            // The service lists what the device does; barriers are for its compiler.
            let always = ["barrier", "measure"].map(str::to_owned);
            let all = configuration.basis_gates.iter().cloned().chain(always);
            let missing: Vec<String> = all.filter(|name| !supported.contains(name)).collect();
            supported.extend(missing);
        }
        Ok(configuration)
    }

    fn properties(&self, device: &str) -> Result<Option<BackendProperties>> {
        let (call, answer) = self.ask(None, || Call::get(&["backends", device, "properties"]))?;
        if answer.status == 404 {
            return Ok(None);
        }
        let mut document: Map<String, Value> = self.http.read(&call, &answer)?;
        if document.is_empty() {
            return Ok(None);
        }
        document.entry("general").or_insert(json!([]));
        serde_json::from_value(document.into())
            .map(Some)
            .map_err(|error| self.http.misunderstood(&call, &error.to_string()))
    }

    fn status(&self, device: &str) -> Result<BackendStatus> {
        let status: DeviceStatus = self.get(|| Call::get(&["backends", device, "status"]))?;
        let words = [status.status, status.message];
        let told: Vec<String> = words.into_iter().filter(|word| !word.is_empty()).collect();
        Ok(BackendStatus {
            backend_name: device.to_owned(),
            backend_version: status.backend_version,
            operational: status.state,
            pending_jobs: status.length_queue,
            status_msg: self.http.scrub(&told.join(": ")),
            extra: without_schema_fields(status.extra),
        })
    }

    fn submit(&self, work: &Work<'_>) -> Result<JobRecord> {
        let body = submit::body(work)?;
        Submission {
            send: &|| {
                let call = || Call::post(&["jobs"]).json(body.clone()).once();
                let call = |token| self.authorized(call(), token);
                self.session.send(&self.http, || self.iam.token(None), call)
            },
            receipt: &|call, answer| {
                let receipt: JobDocument = self.http.read(call, answer)?;
                let mut record = self.record(receipt);
                if record.status == JobStatus::Other(String::new()) {
                    record.status = JobStatus::Queued;
                }
                Ok(record)
            },
            find: &|| self.find(work.device, &work.key),
            key: &work.key,
        }
        .run(&self.http)
    }

    fn find(&self, device: &str, key: &str) -> Result<Option<JobRecord>> {
        for page in 0..MAX_PAGES {
            let found = self.page(|call| {
                let call = call.query("tags", key).query("backend", device);
                call.query("limit", PAGE).query("offset", page * PAGE).query("sort", "DESC")
            })?;
            // A service that does not know the filter answers with other jobs too.
            let n_jobs = found.jobs.len();
            if let Some(ours) = found.jobs.into_iter().find(|job| job.has_tag(key)) {
                return Ok(Some(self.record(ours)));
            }
            if n_jobs < PAGE {
                return Ok(None);
            }
        }
        Err(too_many_jobs(&self.http.service(), key))
    }

    fn job(&self, job_id: &str, extent: Extent, deadline: Option<Instant>) -> Result<JobRecord> {
        let call = || Call::get(&["jobs", job_id]).query("exclude_params", true);
        let (call, answer) = self.ask_job(job_id, deadline, call)?;
        let document: JobDocument = self.http.read(&call, &answer)?;
        let mut record = self.record(document);
        if record.status == JobStatus::Other(String::new()) {
            return Err(self.http.misunderstood(&call, "expected an object with `state`"));
        }
        let untold = record.status == JobStatus::Error && record.error.is_none();
        if untold && extent == Extent::Whole {
            // The program's own last words.
            let call = || Call::get(&["jobs", job_id, "results"]);
            let (_, answer) = self.ask(deadline, call)?;
            record.error = answer.text().map(|text| self.http.scrub(&text));
        }
        Ok(record)
    }

    fn unfinished(&self, n_jobs: usize, deadline: Option<Instant>) -> Result<Vec<JobRecord>> {
        let mut found = Vec::new();
        // No more pages than the wanted jobs would fill, and one: others' jobs stand there, too.
        for page in 0..=n_jobs.div_ceil(STATES) {
            let call = || {
                let call = Call::get(&["jobs"]).query("exclude_params", true);
                let call = call.query("pending", true).query("limit", STATES);
                call.query("offset", page * STATES)
            };
            let read = self
                .ask(deadline, call)
                .and_then(|(call, answer)| self.http.read::<Page>(&call, &answer));
            let listed: Page = match read {
                Ok(listed) => listed,
                // What came so far is worth having.
                Err(_) if page > 0 => break,
                Err(error) => return Err(error),
            };
            let n_jobs = listed.jobs.len();
            let records = listed.jobs.into_iter().map(|job| self.record(job));
            found.extend(records.filter(|job| job.status != JobStatus::Other(String::new())));
            if n_jobs < STATES {
                break;
            }
        }
        Ok(found)
    }

    fn queue_position(&self, record: &JobRecord) -> Result<Option<u32>> {
        // Not every service tells it, and not of every job.
        let (_, answer) = self.ask(None, || Call::get(&["jobs", &record.id, "metrics"]))?;
        let metrics: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let position = metrics.get("position_in_queue").and_then(Value::as_u64);
        Ok(position.filter(|_| answer.is_success()).and_then(|place| u32::try_from(place).ok()))
    }

    fn result(
        &self,
        job_id: &str,
        plan: Option<&Plan>,
        deadline: Option<Instant>,
    ) -> Result<RunResult> {
        let call = || Call::get(&["jobs", job_id, "results"]);
        let (call, answer) = self.ask(deadline, call)?;
        if answer.status == 404 {
            let reason = "the service has no result of it".to_owned();
            return Err(Error::JobFailed { job: job_id.to_owned(), reason });
        }
        let document: Value = self.http.read(&call, &answer)?;
        let noted = match plan {
            Some(_) => None,
            None => match self.noted(job_id, deadline) {
                Err(error) if passes(&error) => return Err(error),
                // The service does not show the programs, or not here. Their result is in hand.
                noted => noted.ok().flatten(),
            },
        };
        results::read(&document, plan.or(noted.as_ref()))
            .map_err(|error| self.http.misunderstood(&call, &error.to_string()))
    }

    fn cancel(&self, job_id: &str) -> Result<bool> {
        let call = || Call::post(&["jobs", job_id, "cancel"]);
        match self.ask_job(job_id, None, call)? {
            (_, answer) if answer.is_success() => Ok(true),
            // It had come to an end.
            (_, answer) if answer.status == 409 => Ok(false),
            (call, answer) => Err(self.http.refusal(&call, &answer)),
        }
    }

    fn jobs(&self, device: &str, query: &JobQuery) -> Result<Vec<JobRecord>> {
        let pending = query.status.as_ref().map(|status| !status.is_final());
        let mut found = Vec::new();
        let mut skip = query.skip;
        // The service filters by pending or not; what is finer is done here, page by page.
        let mut offset = if pending.is_none() { std::mem::take(&mut skip) } else { 0 };
        while found.len() < query.limit {
            let page = self.page(|call| {
                let call = call.query("backend", device).query("limit", PAGE);
                let call = call.query("offset", offset).query("sort", "DESC");
                match pending {
                    Some(pending) => call.query("pending", pending),
                    None => call,
                }
            })?;
            let n_jobs = page.jobs.len();
            for job in page.jobs {
                let record = self.record(job);
                if query.status.as_ref().is_some_and(|wanted| *wanted != record.status) {
                    continue;
                }
                if skip > 0 {
                    skip -= 1;
                } else if found.len() < query.limit {
                    found.push(record);
                }
            }
            // A short page is the last, whatever the service says of their number.
            if n_jobs < PAGE {
                break;
            }
            offset += n_jobs;
        }
        Ok(found)
    }
}

/// Whether the same question may be answered later. An answer that is too large is so each time.
fn passes(error: &Error) -> bool {
    let is_too_large = match error {
        Error::Transport { source: Some(source), .. } => {
            matches!(source.downcast_ref(), Some(Failure::TooLarge { .. }))
        }
        _ => false,
    };
    error.is_retryable() && !is_too_large
}

/// Fields that would stand twice in the status document.
fn without_schema_fields(mut extra: Map<String, Value>) -> Map<String, Value> {
    for field in ["backend_name", "operational", "pending_jobs", "status_msg"] {
        extra.remove(field);
    }
    extra
}

/// What a place that is not one is told.
fn not_a_url(account: &Account, what: &str) -> Error {
    Error::other(
        "account.invalid",
        format!("the {what} of account `{}` is not a URL", account.name),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_large_once_is_so_each_time() {
        let service = || "the service".to_owned();
        assert!(!passes(&Failure::TooLarge { limit: 5 }.into_error(service())));
        let after = std::time::Duration::from_secs(1);
        assert!(passes(&Failure::TimedOut { after }.into_error(service())));
        assert!(!passes(&no_such_job("job-1")));
    }
}
