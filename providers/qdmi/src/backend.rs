//! [`QdmiBackend`]: a device behind the interface.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, Weak},
};

use ketch_core::{
    Backend, BackendConfiguration, BackendProperties, BackendStatus, Error, Job, JobQuery,
    JobQueue, Qobj, Result, RunOptions, Running,
};
use serde_json::Map;

use crate::{
    abi::{DEVICE_STATES, device},
    configured::Configured,
    device::Device,
    lock,
    run::{Plan, collect},
    ticket::Ticket,
    watch::{Watch, WatchedJob},
};

/// A device, opened when it is first asked anything. Clones are the same backend.
#[derive(Clone)]
pub(crate) struct QdmiBackend(Arc<Inner>);

struct Inner {
    configured: Configured,
    opened: Mutex<Option<Arc<Device>>>,
    queue: Arc<JobQueue>,
    /// What is known of the jobs that somebody may still hold, by id.
    watches: Mutex<HashMap<String, Weak<Watch>>>,
}

/// A separator that ids of devices do not hold.
const BETWEEN_IDS: char = ',';

impl QdmiBackend {
    pub(crate) fn new(configured: Configured) -> Self {
        let at_once = std::thread::available_parallelism().map_or(1, usize::from);
        let queue = JobQueue::new(at_once);
        let (opened, watches) = (Mutex::default(), Mutex::default());
        Self(Arc::new(Inner { configured, opened, queue, watches }))
    }

    /// The device. What keeps it from being opened may be over the next time.
    fn device(&self) -> Result<Arc<Device>> {
        let mut opened = lock(&self.0.opened);
        if let Some(device) = &*opened {
            return Ok(Arc::clone(device));
        }
        let device = Arc::new(Device::open(&self.0.configured)?);
        *opened = Some(Arc::clone(&device));
        Ok(device)
    }

    fn submit(
        &self,
        options: &RunOptions,
        work: impl FnOnce(&Watch, &Running) -> Result<ketch_core::RunResult> + Send + 'static,
    ) -> Arc<dyn Job> {
        let watch = Arc::new(Watch::new());
        let seen = Arc::clone(&watch);
        let work = move |running: &Running| work(&seen, running);
        let job = self.0.queue.submit(Arc::new(self.clone()), options, work);
        let mut watches = lock(&self.0.watches);
        watches.retain(|_, watch| watch.strong_count() > 0);
        watches.insert(job.job_id(), Arc::downgrade(&watch));
        drop(watches);
        Arc::new(WatchedJob::new(job, watch))
    }

    fn watched(&self, job: Arc<dyn Job>) -> Arc<dyn Job> {
        let watch = lock(&self.0.watches).get(&job.job_id()).and_then(Weak::upgrade);
        match watch {
            Some(watch) => Arc::new(WatchedJob::new(job, watch)),
            None => job,
        }
    }
}

impl Backend for QdmiBackend {
    fn name(&self) -> &str {
        &self.0.configured.id
    }

    fn configuration(&self) -> Result<Arc<BackendConfiguration>> {
        Ok(Arc::clone(&self.device()?.configuration))
    }

    fn properties(&self) -> Result<Option<Arc<BackendProperties>>> {
        Ok(self.device()?.properties.clone())
    }

    fn status(&self) -> Result<BackendStatus> {
        let opened = self.device()?;
        let asked = |property| {
            opened.session.device(property).map_err(|failure| {
                let message = format!("the device `{}` does not answer: {failure}", self.name());
                Error::other("qdmi.device", message)
            })
        };
        let state = asked(device::STATUS)?.and_then(|answer| answer.code());
        let word = state.and_then(|state| DEVICE_STATES.get(usize::try_from(state).ok()?).copied());
        let queued = asked(device::QUEUE_LENGTH)?.and_then(|answer| answer.number());
        Ok(BackendStatus {
            backend_name: self.name().to_owned(),
            backend_version: opened.configuration.backend_version.clone(),
            operational: !opened.formats.is_empty() && matches!(word, Some("idle" | "busy") | None),
            pending_jobs: queued.unwrap_or(0).max(self.0.queue.pending()),
            status_msg: word.unwrap_or("active").to_owned(),
            extra: Map::new(),
        })
    }

    fn run(&self, qobj: Qobj, options: RunOptions) -> Result<Arc<dyn Job>> {
        let device = self.device()?;
        let plan = Plan::new(&device, qobj, &options)?;
        // A device that keeps jobs is a service, and its ids find them after a restart. Any other
        // may run a job before it says that it took it, which is work for a thread.
        let tickets = if device.retrieves { plan.submit(&device)? } else { Vec::new() };
        let ids: Vec<String> = tickets.iter().map_while(Ticket::id).collect();
        let mut options = options;
        if !ids.is_empty() && ids.len() == tickets.len() {
            options.job_key = Some(ids.join(&BETWEEN_IDS.to_string()));
        }
        Ok(self.submit(&options, move |watch, running| plan.run(&device, tickets, watch, running)))
    }

    fn retrieve_job(&self, job_id: &str) -> Result<Arc<dyn Job>> {
        if let Ok(job) = self.0.queue.job(job_id) {
            return Ok(self.watched(job));
        }
        let device = self.device()?;
        let unknown = || Error::JobNotFound { job: job_id.to_owned() };
        let mut tickets = Vec::new();
        for id in job_id.split(BETWEEN_IDS).filter(|_| device.retrieves) {
            let ticket = Ticket::retrieve(&device.session, id).map_err(|_| unknown())?;
            tickets.push((id.to_owned(), ticket.ok_or_else(unknown)?));
        }
        if tickets.is_empty() {
            return Err(unknown());
        }
        let options = RunOptions { job_key: Some(job_id.to_owned()), ..RunOptions::default() };
        Ok(self.submit(&options, move |watch, running| collect(&device, tickets, watch, running)))
    }

    fn jobs(&self, query: &JobQuery) -> Result<Vec<Arc<dyn Job>>> {
        let jobs = self.0.queue.jobs(query);
        Ok(jobs.into_iter().map(|job| self.watched(job)).collect())
    }
}
