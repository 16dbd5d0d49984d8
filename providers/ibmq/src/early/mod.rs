//! The API of the Quantum Experience of 2018.
//!
//! Facts: the clients of that time (Qiskit 0.6 and 0.7, `qiskit/backends/ibmq` and
//! `qiskit/providers/ibmq/api`) and the exchanges that Qiskit 0.6.1 recorded with the service for
//! its own tests. The service itself is gone.

mod calibration;
mod device;
mod job;
mod place;
mod results;
mod submit;

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use ketch_core::{
    BackendConfiguration, BackendProperties, BackendStatus, Error, JobQuery, JobStatus, Result,
    RunResult,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use self::{device::Device, place::Place};
use crate::{
    Settings,
    account::{Account, Token},
    http::{Answer, Call, Http},
    runtime::Runtime,
    service::{Extent, JobRecord, MAX_PAGES, Plan, Service, Work, no_such_job, too_many_jobs},
    session::{Access, Session, answered},
    submission::Submission,
};

/// Jobs are looked through this many at a time.
const PAGE: usize = 50;

/// The states of so many jobs are asked for at a time.
const STATES: usize = 200;

/// An account of the Quantum Experience.
pub(crate) struct Early {
    http: Http,
    place: Place,
    key: Token,
    session: Session,
    /// As they were listed last.
    devices: Mutex<Vec<Device>>,
}

/// `POST /users/loginWithToken`.
#[derive(Deserialize)]
struct Login {
    id: Token,
    /// In seconds.
    #[serde(default = "two_weeks")]
    ttl: u64,
}

fn two_weeks() -> u64 {
    14 * 24 * 60 * 60
}

/// `GET /Backends/{name}/queue/status`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Queue {
    #[serde(default)]
    state: bool,
    #[serde(default)]
    status: String,
    #[serde(default)]
    length_queue: u64,
    #[serde(default)]
    busy: Option<bool>,
}

impl Early {
    pub(crate) fn new(
        account: &Account,
        runtime: Arc<Runtime>,
        settings: Settings,
    ) -> Result<Self> {
        let place = Place::of(account)?;
        let http = Http::new(place.api.clone(), account, runtime, settings)?;
        let (key, session) = (account.token.clone(), Session::default());
        Ok(Self { http, place, key, session, devices: Mutex::default() })
    }

    fn login(&self, deadline: Option<Instant>) -> Result<Access> {
        let form = [("apiToken", self.key.expose())];
        let call = Call::post(&["users", "loginWithToken"]).form(&form).until(deadline);
        let answer = answered(&self.http, self.http.send(&call))?;
        if matches!(answer.status, 400 | 401 | 403) {
            let refusal = self.http.refusal(&call, &answer);
            let reason = format!("the account's token is refused: {refusal}");
            return Err(Error::Unauthenticated { reason });
        }
        let login: Login = self.http.read(&call, &answer).map_err(|error| match error {
            // What was found may be half a token.
            Error::Other { code, .. } if code == "service.answer" => {
                self.http.misunderstood(&call, "expected an object with `id`")
            }
            error => error,
        })?;
        Ok(Access::living(login.id, Duration::from_secs(login.ttl)))
    }

    fn ask(&self, deadline: Option<Instant>, call: impl Fn() -> Call) -> Result<(Call, Answer)> {
        let call = |token| call().secret_query("access_token", token).until(deadline);
        let (call, answer) = self.session.send(&self.http, || self.login(deadline), call)?;
        Ok((call, answered(&self.http, answer)?))
    }

    fn get<T: serde::de::DeserializeOwned>(&self, call: impl Fn() -> Call) -> Result<T> {
        let (call, answer) = self.ask(None, call)?;
        self.http.read(&call, &answer)
    }

    /// The job at a path below its own. The service refuses unknown jobs as it refuses tokens.
    fn get_job(
        &self,
        job_id: &str,
        below: &[&str],
        deadline: Option<Instant>,
    ) -> Result<(Call, Map<String, Value>)> {
        let path = [&self.place.jobs(), &[job_id][..], below].concat();
        let (call, answer) = self.ask(deadline, || Call::get(&path))?;
        if matches!(answer.status, 401 | 404) {
            return Err(no_such_job(job_id));
        }
        let document = self.http.read(&call, &answer)?;
        Ok((call, document))
    }

    fn list(&self, filter: &Value) -> Result<Vec<JobRecord>> {
        let path = self.place.jobs();
        let jobs: Vec<Map<String, Value>> =
            self.get(|| Call::get(&path).query("filter", filter))?;
        Ok(jobs.iter().filter_map(job::record).map(|record| self.scrubbed(record)).collect())
    }

    fn scrubbed(&self, mut record: JobRecord) -> JobRecord {
        record.error = record.error.map(|error| self.http.scrub(&error));
        record
    }

    /// What the service says of a device, asked once.
    fn device(&self, name: &str) -> Result<Device> {
        let known = |devices: &[Device]| devices.iter().find(|d| d.name == name).cloned();
        let listed = known(&self.devices.lock().unwrap_or_else(PoisonError::into_inner));
        if let Some(device) = listed {
            return Ok(device);
        }
        let devices = self.list_devices()?;
        known(&devices).ok_or_else(|| {
            let known = devices.iter().map(|device| device.name.clone()).collect();
            Error::BackendNotFound { name: name.to_owned(), known }
        })
    }

    fn list_devices(&self) -> Result<Vec<Device>> {
        let path = self.place.devices();
        let documents: Vec<Map<String, Value>> = self.get(|| Call::get(&path))?;
        let devices: Vec<Device> = documents.into_iter().filter_map(Device::new).collect();
        let mut known = self.devices.lock().unwrap_or_else(PoisonError::into_inner);
        known.clone_from(&devices);
        Ok(devices)
    }

    /// One of a device's documents; none where the service has none.
    fn about(&self, device: &str, what: &str) -> Result<Option<Map<String, Value>>> {
        let path = [&self.place.about_devices(), &[device, what][..]].concat();
        let (call, answer) = self.ask(None, || Call::get(&path))?;
        if matches!(answer.status, 400 | 404) {
            return Ok(None);
        }
        let document: Option<Map<String, Value>> = self.http.read(&call, &answer)?;
        Ok(document.filter(|document| !document.is_empty()))
    }
}

impl Service for Early {
    fn devices(&self) -> Result<Vec<String>> {
        Ok(self.list_devices()?.into_iter().map(|device| device.name).collect())
    }

    fn alias(&self, name: &str) -> Option<&'static str> {
        device::ALIASES.iter().find(|(alias, _)| *alias == name).map(|(_, name)| *name)
    }

    fn options(&self) -> &'static [&'static str] {
        submit::OPTIONS
    }

    fn configuration(&self, device: &str) -> Result<BackendConfiguration> {
        let found = self.device(device)?;
        found.configuration().map_err(|error| {
            let call = Call::get(&self.place.devices());
            self.http.misunderstood(&call, &format!("device `{device}`: {error}"))
        })
    }

    fn properties(&self, device: &str) -> Result<Option<BackendProperties>> {
        let found = self.device(device)?;
        if found.is_simulator() {
            return Ok(None);
        }
        let calibration = self.about(device, "calibration")?;
        let parameters = self.about(device, "parameters")?;
        Ok(calibration::properties(&found, calibration.as_ref(), parameters.as_ref()))
    }

    fn status(&self, device: &str) -> Result<BackendStatus> {
        // The one question that needs no token.
        let call = Call::get(&["Backends", device, "queue", "status"]);
        let answer = answered(&self.http, self.http.send(&call))?;
        let queue: Queue = self.http.read(&call, &answer)?;
        let version = self.device(device)?.version();
        let mut status = BackendStatus::active(device, version);
        status.operational = queue.state;
        status.pending_jobs = queue.length_queue;
        status.status_msg = self.http.scrub(&queue.status);
        if let Some(busy) = queue.busy {
            status.extra.insert("busy".to_owned(), busy.into());
        }
        Ok(status)
    }

    fn submit(&self, work: &Work<'_>) -> Result<JobRecord> {
        let body = submit::body(work, self.device(work.device)?.takes_qobj())?;
        let path = self.place.jobs();
        Submission {
            send: &|| {
                let call = || Call::post(&path).json(body.clone()).once();
                let call = |token| call().secret_query("access_token", token);
                self.session.send(&self.http, || self.login(None), call)
            },
            receipt: &|call, answer| {
                let receipt: Map<String, Value> = self.http.read(call, answer)?;
                let what = || self.http.misunderstood(call, "expected an object with `id`");
                job::record(&receipt).map(|record| self.scrubbed(record)).ok_or_else(what)
            },
            find: &|| self.find(work.device, &work.key),
            key: &work.key,
        }
        .run(&self.http)
    }

    fn find(&self, _device: &str, key: &str) -> Result<Option<JobRecord>> {
        let path = self.place.jobs();
        // Nobody knows which of the two a device took then.
        for condition in submit::marked(key) {
            for page in 0..MAX_PAGES {
                let filter = json!({"order": "creationDate DESC", "limit": PAGE,
                    "skip": page * PAGE, "where": condition});
                let jobs: Vec<Map<String, Value>> =
                    self.get(|| Call::get(&path).query("filter", &filter))?;
                // A service that does not know the filter answers with other jobs too.
                let ours = jobs.iter().find(|job| submit::is_marked(job, key));
                if let Some(record) = ours.and_then(job::record) {
                    return Ok(Some(self.scrubbed(record)));
                }
                if jobs.len() < PAGE {
                    break;
                }
                if page + 1 == MAX_PAGES {
                    return Err(too_many_jobs(&self.http.service(), key));
                }
            }
        }
        Ok(None)
    }

    fn job(&self, job_id: &str, extent: Extent, deadline: Option<Instant>) -> Result<JobRecord> {
        let below: &[&str] = if extent == Extent::State { &["status"] } else { &[] };
        let (call, mut document) = self.get_job(job_id, below, deadline)?;
        document.entry("id").or_insert_with(|| job_id.into());
        let what = || self.http.misunderstood(&call, "expected an object with `status`");
        job::record(&document).map(|record| self.scrubbed(record)).ok_or_else(what)
    }

    fn unfinished(&self, n_jobs: usize, deadline: Option<Instant>) -> Result<Vec<JobRecord>> {
        let path = [&self.place.jobs(), &["status"][..]].concat();
        let limit = n_jobs.max(STATES);
        let filter = json!({"order": "creationDate DESC", "limit": limit, "skip": 0,
            "where": job::filter(&JobStatus::Queued)?});
        let (call, answer) = self.ask(deadline, || Call::get(&path).query("filter", &filter))?;
        let jobs: Vec<Map<String, Value>> = self.http.read(&call, &answer)?;
        let records = jobs.iter().filter_map(job::record);
        // A job of which only `RUNNING` is told may wait, too.
        Ok(records.filter(|record| record.status == JobStatus::Queued).collect())
    }

    fn queue_position(&self, record: &JobRecord) -> Result<Option<u32>> {
        Ok(record.position)
    }

    fn result(
        &self,
        job_id: &str,
        plan: Option<&Plan>,
        deadline: Option<Instant>,
    ) -> Result<RunResult> {
        let (call, document) = self.get_job(job_id, &[], deadline)?;
        let device = job::device(&document);
        let on_device = match device {
            Some(name) => !self.device(name)?.is_simulator(),
            None => false,
        };
        results::read(&document, plan, on_device)
            .map_err(|what| self.http.misunderstood(&call, &what))
    }

    fn cancel(&self, job_id: &str) -> Result<bool> {
        let path = [&self.place.jobs(), &[job_id, "cancel"][..]].concat();
        let (call, answer) = self.ask(None, || Call::post(&path))?;
        if matches!(answer.status, 401 | 404) {
            return Err(no_such_job(job_id));
        }
        let document: Value = self.http.read(&call, &answer)?;
        // The service says no with an object `error` in an answer of success.
        Ok(document.get("error").is_none_or(Value::is_null))
    }

    fn jobs(&self, device: &str, query: &JobQuery) -> Result<Vec<JobRecord>> {
        let mut filter = match &query.status {
            Some(status) => job::filter(status)?,
            None => json!({}),
        };
        filter["backend.name"] = device.into();
        let filter = json!({
            "order": "creationDate DESC",
            "limit": query.limit,
            "skip": query.skip,
            "where": filter,
        });
        let mut records = self.list(&filter)?;
        records.truncate(query.limit);
        Ok(records)
    }
}

/// States that the service cannot look for.
fn no_such_filter(status: &JobStatus) -> Error {
    Error::not_supported("the API of 2018", format!("listing jobs in the state {status}"))
}
