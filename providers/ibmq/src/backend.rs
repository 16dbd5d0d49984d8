//! [`RemoteBackend`]: a device of an account.

use std::{
    sync::{Arc, OnceLock},
    time::Instant,
};

use ketch_core::{
    Backend, BackendConfiguration, BackendProperties, BackendStatus, Error, Extensions, FIND_JOB,
    Job, JobQuery, Message, Qobj, Result, RunOptions, check_qobj,
};
use serde_json::{Value, json};

use crate::{
    Settings,
    http::chance,
    job::RemoteJob,
    provider::OpenAccount,
    service::{Extent, Plan, Service, Work},
    watch::Watch,
};

/// No service gives its jobs longer ids than that, in bytes.
const LONGEST_ID: usize = 1024;

/// A device of an account. Cheap to clone.
#[derive(Clone)]
pub(crate) struct RemoteBackend(Arc<Inner>);

struct Inner {
    /// The name by which the provider knows it.
    name: String,
    /// The name by which the service knows it.
    device: String,
    account: String,
    service: Arc<dyn Service>,
    watch: Arc<Watch>,
    settings: Settings,
    configuration: OnceLock<Arc<BackendConfiguration>>,
}

impl RemoteBackend {
    pub(crate) fn new(name: String, device: &str, open: &OpenAccount, settings: Settings) -> Self {
        let (account, device) = (open.account.name.clone(), device.to_owned());
        let (service, watch) = (Arc::clone(&open.service), Arc::clone(&open.watch));
        let configuration = OnceLock::new();
        Self(Arc::new(Inner { name, device, account, service, watch, settings, configuration }))
    }

    pub(crate) fn service(&self) -> &dyn Service {
        &*self.0.service
    }

    pub(crate) fn watch(&self) -> &Watch {
        &self.0.watch
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// Whether a job that names this device is this backend's.
    fn owns(&self, device: Option<&str>) -> bool {
        device.is_none_or(|device| device == self.0.device)
    }
}

impl Backend for RemoteBackend {
    fn name(&self) -> &str {
        &self.0.name
    }

    fn configuration(&self) -> Result<Arc<BackendConfiguration>> {
        if let Some(configuration) = self.0.configuration.get() {
            return Ok(Arc::clone(configuration));
        }
        let mut configuration = self.0.service.configuration(&self.0.device)?;
        configuration.backend_name.clone_from(&self.0.name);
        configuration.local = false;
        configuration.extra.insert("account".to_owned(), self.0.account.as_str().into());
        Ok(Arc::clone(self.0.configuration.get_or_init(|| Arc::new(configuration))))
    }

    fn properties(&self) -> Result<Option<Arc<BackendProperties>>> {
        let properties = self.0.service.properties(&self.0.device)?;
        Ok(properties.map(|mut properties| {
            properties.backend_name.clone_from(&self.0.name);
            Arc::new(properties)
        }))
    }

    fn status(&self) -> Result<BackendStatus> {
        let mut status = self.0.service.status(&self.0.device)?;
        status.backend_name.clone_from(&self.0.name);
        Ok(status)
    }

    fn run(&self, mut qobj: Qobj, options: RunOptions) -> Result<Arc<dyn Job>> {
        let configuration = self.configuration()?;
        check_qobj(&qobj, &configuration, self.0.service.options())?;
        if qobj.experiments().is_empty() {
            let reason = "it has no experiments".to_owned();
            return Err(Error::InvalidQobj { reason, source: None });
        }
        self.0.service.settle_seeds(&configuration, &mut qobj);
        let plan = Plan::of(&qobj, self.0.service.repeats(&configuration));
        let work = Work {
            device: &self.0.device,
            qobj: &qobj,
            key: key(options.job_key.as_deref()),
            tags: &options.tags,
            plan: &plan,
        };
        let record = self.0.service.submit(&work)?;
        Ok(Arc::new(RemoteJob::new(self.clone(), record, Instant::now(), Some(plan))))
    }

    fn retrieve_job(&self, job_id: &str) -> Result<Arc<dyn Job>> {
        // As parts of a path these would name something else (URL Standard, section 4.4), and a
        // server need not read a path that is very long (RFC 9112, section 3).
        if ["", ".", ".."].contains(&job_id) || job_id.len() > LONGEST_ID {
            return Err(Error::JobNotFound { job: job_id.to_owned() });
        }
        let list = self.0.watch.list(job_id, None, None);
        let listed = list.as_ref().and_then(|list| {
            let record = list.jobs.get(job_id)?.clone();
            // One that does not say whose it is, the service is asked for.
            let is_enough = !record.status.is_final() && record.device.is_some();
            is_enough.then_some((record, list.begun))
        });
        let (record, heard) = match listed {
            Some(listed) => listed,
            None => (self.0.service.job(job_id, Extent::Whole, None)?, Instant::now()),
        };
        if !self.owns(record.device.as_deref()) {
            return Err(Error::JobNotFound { job: job_id.to_owned() });
        }
        Ok(Arc::new(RemoteJob::new(self.clone(), record, heard, None)))
    }

    fn jobs(&self, query: &JobQuery) -> Result<Vec<Arc<dyn Job>>> {
        let records = self.0.service.jobs(&self.0.device, query)?;
        let heard = Instant::now();
        let job = |record| -> Arc<dyn Job> {
            Arc::new(RemoteJob::new(self.clone(), record, heard, None))
        };
        Ok(records.into_iter().map(job).collect())
    }

    fn extensions(&self) -> Option<&dyn Extensions> {
        Some(self)
    }
}

impl Extensions for RemoteBackend {
    fn supports(&self, name: &str) -> u32 {
        u32::from(name == FIND_JOB)
    }

    fn call(&self, name: &str, message: Message) -> Result<Message> {
        if name != FIND_JOB {
            let what = format!("backend `{}`", self.0.name);
            return Err(Error::not_supported(what, format!("the extension `{name}`")));
        }
        let question = message.to_json().unwrap_or_default();
        let job_key = question.get("job_key").and_then(Value::as_str).ok_or_else(|| {
            Error::other("extension.invalid", format!("`{FIND_JOB}` needs a `job_key`"))
        })?;
        let found = self.0.service.find(&self.0.device, &key(Some(job_key)))?;
        let job_id = found.map(|record| record.id);
        Ok(Message::json(&json!({"schema": FIND_JOB, "job_id": job_id})))
    }
}

/// A word that no other job has; with the caller's own, it is the same for the same job.
fn key(job_key: Option<&str>) -> String {
    match job_key {
        Some(key) => format!("ketch-{key}"),
        None => {
            let random = |_| (chance() * f64::from(u32::MAX)) as u32;
            let [a, b, c] = [0, 1, 2].map(random);
            format!("ketch-{a:08x}{b:08x}{c:08x}")
        }
    }
}
