//! A plugin with a backend for each misbehaviour: `abort-in-run`, `hang-in-result`, … does what
//! [`fault`] knows, where [`PLACES`] are. They are found by name and not listed, for what is listed
//! is asked for its configuration.

#![expect(unsafe_code, reason = "a text that is none")]

#[path = "shared/fault.rs"]
mod fault;

use std::{
    sync::{Mutex, Weak},
    time::Duration,
};

use ketch_core::{Extensions, Filter, JobQuery, Message, device::BackendConfiguration, prelude::*};
use serde_json::{Value, json};

struct Museum {
    calm: Arc<Exhibit>,
}

impl Provider for Museum {
    fn name(&self) -> &str {
        "museum"
    }

    fn backends(&self, filter: &Filter) -> Result<Vec<Arc<dyn Backend>>> {
        filter.apply([Arc::clone(&self.calm) as Arc<dyn Backend>])
    }

    fn get_backend(&self, name: &str) -> Result<Arc<dyn Backend>> {
        let exhibit = Exhibit::new(name);
        exhibit.reached("get_backend");
        Ok(exhibit)
    }
}

/// A backend that misbehaves in one place.
struct Exhibit {
    name: String,
    me: Weak<Exhibit>,
}

impl Exhibit {
    fn new(name: &str) -> Arc<Self> {
        Arc::new_cyclic(|me| Self { name: name.to_owned(), me: me.clone() })
    }

    /// What it does in this place, if anything.
    fn fault(&self, place: &str) -> &str {
        match self.name.rsplit_once("-in-") {
            Some((fault, here)) if here == place => fault,
            _ => "",
        }
    }

    fn reached(&self, place: &str) {
        fault::commit(self.fault(place));
    }

    fn text(&self, place: &str, good: &str) -> String {
        text(self.fault(place), good.to_owned())
    }

    fn me(&self) -> Arc<Self> {
        self.me.upgrade().expect("a backend that is being called is alive")
    }

    fn job(&self, id: &str) -> Arc<dyn Job> {
        Arc::new(ExhibitJob {
            id: self.text("job_id", id),
            of: self.me(),
            cancelled: Mutex::new(false),
        })
    }
}

impl Backend for Exhibit {
    fn name(&self) -> &str {
        match self.fault("name") {
            "" => &self.name,
            // A name lives as long as its backend, and this one is used once.
            fault => text(fault, self.name.clone()).leak(),
        }
    }

    fn configuration(&self) -> Result<Arc<BackendConfiguration>> {
        let version = self.text("configuration", "1.0.0");
        let mut configuration = BackendConfiguration::simulator(&self.name, version, 2);
        match self.fault("configuration") {
            "other-name" => configuration.backend_name = "local".to_owned(),
            "deep" => configuration.extra = [("deep".to_owned(), deep())].into_iter().collect(),
            "many-qubits" => configuration.n_qubits = Some(u32::MAX),
            "many-couplings" => configuration.coupling_map = Some(vec![vec![0, u32::MAX]; 1 << 20]),
            "one-coupling" => configuration.coupling_map = Some(vec![vec![0], vec![]]),
            _ => {}
        }
        Ok(Arc::new(configuration))
    }

    fn properties(&self) -> Result<Option<Arc<BackendProperties>>> {
        let date = self.text("properties", "2018-12-15T00:00:00Z");
        let properties = json!({
            "backend_name": self.name,
            "backend_version": "1.0.0",
            "last_update_date": date,
            "qubits": [],
            "gates": [],
            "general": [],
        });
        let properties: std::result::Result<BackendProperties, _> =
            serde_json::from_value(properties);
        Ok(Some(Arc::new(properties.map_err(|error| Error::other("museum", error.to_string()))?)))
    }

    fn status(&self) -> Result<BackendStatus> {
        let mut status = BackendStatus::active(&self.name, "1.0.0");
        status.status_msg = self.text("status", "active");
        if self.fault("status") == "many-jobs" {
            status.pending_jobs = u64::MAX;
        }
        Ok(status)
    }

    fn run(&self, qobj: Qobj, _options: RunOptions) -> Result<Arc<dyn Job>> {
        match self.fault("run") {
            "error" => Err(Error::other("", "\u{1b}[2J\n".repeat(1000))),
            fault => {
                fault::commit(fault);
                Ok(self.job(&qobj.qobj_id))
            }
        }
    }

    fn retrieve_job(&self, job_id: &str) -> Result<Arc<dyn Job>> {
        self.reached("retrieve_job");
        match self.fault("retrieve_job") {
            "other-id" => Ok(self.job("another")),
            _ => Ok(self.job(job_id)),
        }
    }

    fn jobs(&self, query: &JobQuery) -> Result<Vec<Arc<dyn Job>>> {
        self.reached("jobs");
        let count = if self.fault("jobs") == "many" { 100_000 } else { query.limit.min(3) };
        Ok((0..count).map(|number| self.job(&number.to_string())).collect())
    }

    fn extensions(&self) -> Option<&dyn Extensions> {
        Some(self)
    }
}

impl Drop for Exhibit {
    fn drop(&mut self) {
        self.reached("drop");
    }
}

impl Extensions for Exhibit {
    fn supports(&self, _name: &str) -> u32 {
        self.reached("supports");
        1
    }

    fn call(&self, _name: &str, message: Message) -> Result<Message> {
        match self.fault("call") {
            "huge" => Ok(Message { head: vec![1; 300 << 20], ..Message::default() }),
            "other-format" => Ok(Message { format: 77, head: vec![0xff; 9], ..message }),
            fault => {
                fault::commit(fault);
                Ok(message)
            }
        }
    }

    fn open(&self, _name: &str, _message: Message) -> Result<Arc<dyn Extensions>> {
        self.reached("open");
        Ok(Arc::new(Opened(self.me())))
    }
}

/// An object of no known kind.
struct Opened(Arc<Exhibit>);

impl Extensions for Opened {
    fn supports(&self, _name: &str) -> u32 {
        self.0.reached("opened_supports");
        1
    }

    fn call(&self, _name: &str, message: Message) -> Result<Message> {
        self.0.reached("opened_call");
        Ok(message)
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        self.0.reached("opened_drop");
    }
}

/// A job that is done, unless it misbehaves.
struct ExhibitJob {
    id: String,
    of: Arc<Exhibit>,
    cancelled: Mutex<bool>,
}

impl Job for ExhibitJob {
    fn job_id(&self) -> String {
        self.id.clone()
    }

    fn backend(&self) -> Arc<dyn Backend> {
        self.of.reached("backend");
        Arc::clone(&self.of) as Arc<dyn Backend>
    }

    fn status(&self) -> Result<JobStatus> {
        Ok(JobStatus::from(self.of.text("job_status", "DONE").as_str()))
    }

    fn result(&self, _timeout: Option<Duration>) -> Result<RunResult> {
        let fault = self.of.fault("result");
        let mut result = RunResult {
            backend_name: self.of.name.clone(),
            job_id: self.id.clone(),
            success: true,
            status: self.of.text("result", "COMPLETED"),
            ..RunResult::default()
        };
        let mut one = ExperimentResult { success: true, shots: 1, ..ExperimentResult::default() };
        match fault {
            "other-id" => result.job_id = "another".to_owned(),
            "no-success" => one.success = false,
            "no-time" => one.time_taken = f64::NAN,
            "deep" => result.metadata = [("deep".to_owned(), deep())].into_iter().collect(),
            "many-shots" => one.shots = u64::MAX,
            "many" => result.experiments = vec![one.clone(); 100_000],
            _ => {}
        }
        result.experiments.push(one);
        Ok(result)
    }

    fn cancel(&self) -> Result<bool> {
        self.of.reached("cancel");
        let mut cancelled = self.cancelled.lock().unwrap_or_else(|error| error.into_inner());
        Ok(!std::mem::replace(&mut *cancelled, true))
    }

    fn creation_date(&self) -> Result<Option<std::time::SystemTime>> {
        self.of.reached("creation_date");
        let far = Duration::from_secs(1 << 55);
        match self.of.fault("creation_date") {
            "far" => Ok(std::time::UNIX_EPOCH.checked_add(far)),
            "early" => Ok(std::time::UNIX_EPOCH.checked_sub(far)),
            _ => Ok(Some(std::time::UNIX_EPOCH)),
        }
    }

    fn queue_position(&self) -> Result<Option<u32>> {
        self.of.reached("queue_position");
        Ok(Some(if self.of.fault("queue_position") == "far" { u32::MAX } else { 1 }))
    }

    fn error_message(&self) -> Result<Option<String>> {
        Ok(Some(self.of.text("error_message", "nothing is wrong")))
    }

    fn extensions(&self) -> Option<&dyn Extensions> {
        Some(self)
    }
}

impl Extensions for ExhibitJob {
    fn supports(&self, _name: &str) -> u32 {
        self.of.reached("job_supports");
        1
    }

    fn call(&self, _name: &str, message: Message) -> Result<Message> {
        self.of.reached("job_call");
        Ok(message)
    }

    fn open(&self, _name: &str, _message: Message) -> Result<Arc<dyn Extensions>> {
        self.of.reached("job_open");
        Ok(Arc::new(Opened(Arc::clone(&self.of))))
    }
}

impl Drop for ExhibitJob {
    fn drop(&mut self) {
        self.of.reached("job_drop");
    }
}

/// What a plugin may say instead of a good text.
fn text(fault: &str, good: String) -> String {
    match fault {
        "empty" => String::new(),
        "huge" => "x".repeat(300 << 20),
        "long" => "x".repeat(1 << 20),
        "control" => "\u{1b}[2J\u{7}\r\nrefused: everything\0".to_owned(),
        // SAFETY: none: this is no UTF-8, and whoever takes it for that learns what it does.
        "no-utf-8" => unsafe { String::from_utf8_unchecked(vec![b'a', 0xff, 0xfe, 0xc0, 0x80]) },
        fault => {
            fault::commit(fault);
            good
        }
    }
}

/// A document deeper than any stack.
fn deep() -> Value {
    (0..1_000_000).fold(Value::Null, |inner, _| Value::Array(vec![inner]))
}

ketch_core::export_provider! {
    id: "museum",
    provider: |_host| Ok(Museum { calm: Exhibit::new("calm") }),
}
