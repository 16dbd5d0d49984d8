//! [`NoisyBackend`]: a device behind the interface.

use std::sync::Arc;

use ketch_core::{
    Backend, BackendConfiguration, BackendProperties, BackendStatus, Job, JobQuery, JobQueue, Qobj,
    Result, RunOptions, Running,
};

use crate::{document::Device, run::Plan};

/// A simulated device. It runs one job at a time, as devices do. Clones are the same backend.
#[derive(Clone, Debug)]
pub struct NoisyBackend(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    device: Arc<Device>,
    queue: Arc<JobQueue>,
}

impl NoisyBackend {
    pub(crate) fn new(device: Device) -> Self {
        let (device, queue) = (Arc::new(device), JobQueue::new(1));
        Self(Arc::new(Inner { device, queue }))
    }

    pub(crate) fn shared(&self) -> Arc<dyn Backend> {
        Arc::new(self.clone())
    }
}

impl Backend for NoisyBackend {
    fn name(&self) -> &str {
        self.0.device.name()
    }

    fn configuration(&self) -> Result<Arc<BackendConfiguration>> {
        Ok(Arc::clone(&self.0.device.configuration))
    }

    fn properties(&self) -> Result<Option<Arc<BackendProperties>>> {
        Ok(Some(Arc::clone(&self.0.device.properties)))
    }

    fn status(&self) -> Result<BackendStatus> {
        Ok(BackendStatus {
            backend_name: self.name().to_owned(),
            backend_version: self.0.device.configuration.backend_version.clone(),
            operational: true,
            pending_jobs: self.0.queue.pending(),
            status_msg: "active".to_owned(),
            extra: serde_json::Map::new(),
        })
    }

    fn run(&self, qobj: Qobj, options: RunOptions) -> Result<Arc<dyn Job>> {
        let plan = Plan::new(Arc::clone(&self.0.device), qobj, &options)?;
        let work = move |running: &Running| plan.run(running);
        Ok(self.0.queue.submit(self.shared(), &options, work))
    }

    fn retrieve_job(&self, job_id: &str) -> Result<Arc<dyn Job>> {
        self.0.queue.job(job_id)
    }

    fn jobs(&self, query: &JobQuery) -> Result<Vec<Arc<dyn Job>>> {
        Ok(self.0.queue.jobs(query))
    }
}
