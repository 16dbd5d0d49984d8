//! A backend that was asked what it is: its documents are known, so that nobody who looks at them
//! waits for its provider again.

use std::sync::Arc;

use ketch::{
    Backend, BackendConfiguration, BackendError, BackendProperties, BackendStatus, Job, JobQuery,
    Qobj, RunOptions,
};

type Result<T> = std::result::Result<T, BackendError>;

pub(super) struct Described {
    inner: Arc<dyn Backend>,
    configuration: Arc<BackendConfiguration>,
    /// Or why there are none.
    properties: Result<Option<Arc<BackendProperties>>>,
}

impl Described {
    /// Asks a backend. Blocks as long as it likes.
    ///
    /// # Errors
    /// If it does not say what it is.
    pub(super) fn ask(inner: Arc<dyn Backend>) -> Result<Self> {
        let configuration = inner.configuration()?;
        Ok(Self { properties: inner.properties(), inner, configuration })
    }
}

impl Backend for Described {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn configuration(&self) -> Result<Arc<BackendConfiguration>> {
        Ok(Arc::clone(&self.configuration))
    }

    fn properties(&self) -> Result<Option<Arc<BackendProperties>>> {
        self.properties.clone()
    }

    fn status(&self) -> Result<BackendStatus> {
        self.inner.status()
    }

    fn run(&self, qobj: Qobj, options: RunOptions) -> Result<Arc<dyn Job>> {
        self.inner.run(qobj, options)
    }

    fn retrieve_job(&self, job_id: &str) -> Result<Arc<dyn Job>> {
        self.inner.retrieve_job(job_id)
    }

    fn jobs(&self, query: &JobQuery) -> Result<Vec<Arc<dyn Job>>> {
        self.inner.jobs(query)
    }
}
