//! The user's side: objects that crossed become safe traits again.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use abi_stable::std_types::RStr;
use ketch_interface::{
    Backend, BackendConfiguration, BackendProperties, BackendStatus, Extensions, Filter, Job,
    JobQuery, JobStatus, Message, Provider, Qobj, Result, RunOptions, RunResult,
};
use serde::de::DeserializeOwned;

use crate::{
    message,
    raw::{BackendRef, JobRef, ObjectRef, Payload, ProviderRef, Reply},
};

/// A provider of the other side.
pub struct ForeignProvider {
    raw: ProviderRef,
    name: String,
}

/// An object of the other side: a plugin sees its host as one.
pub struct ForeignObject {
    raw: ObjectRef,
}

struct ForeignBackend {
    raw: BackendRef,
    name: String,
}

struct ForeignJob {
    raw: JobRef,
}

impl ForeignProvider {
    pub(crate) fn new(raw: ProviderRef) -> Self {
        let name = raw.name().into();
        Self { raw, name }
    }
}

impl ForeignObject {
    pub(crate) fn new(raw: ObjectRef) -> Self {
        Self { raw }
    }
}

fn backend(raw: BackendRef) -> Arc<dyn Backend> {
    let name = raw.name().into();
    Arc::new(ForeignBackend { raw, name })
}

fn job(raw: JobRef) -> Arc<dyn Job> {
    Arc::new(ForeignJob { raw })
}

fn answer<T>(reply: Reply<T>) -> Result<T> {
    Ok(reply.into_result()?)
}

fn document<T: DeserializeOwned>(reply: Reply<Payload>, what: &str) -> Result<T> {
    message::to_document(&answer(reply)?.try_into()?, what)
}

/// The same three methods for each kind of object.
macro_rules! foreign_extensions {
    ($($kind:ident)*) => {
        $(impl Extensions for $kind {
            fn supports(&self, name: &str) -> u32 {
                self.raw.supports(RStr::from_str(name))
            }

            fn call(&self, name: &str, message: Message) -> Result<Message> {
                answer(self.raw.call(RStr::from_str(name), message.into()))?.try_into()
            }

            fn open(&self, name: &str, message: Message) -> Result<Arc<dyn Extensions>> {
                let raw = answer(self.raw.open(RStr::from_str(name), message.into()))?;
                Ok(Arc::new(ForeignObject { raw }))
            }
        }

        impl std::fmt::Debug for $kind {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($kind)).finish_non_exhaustive()
            }
        })*
    };
}

foreign_extensions! { ForeignProvider ForeignBackend ForeignJob ForeignObject }

impl Provider for ForeignProvider {
    fn name(&self) -> &str {
        &self.name
    }

    fn backends(&self, filter: &Filter) -> Result<Vec<Arc<dyn Backend>>> {
        let all = answer(self.raw.backends(Payload::empty()))?;
        filter.apply(all.into_iter().map(backend))
    }

    fn get_backend(&self, name: &str) -> Result<Arc<dyn Backend>> {
        Ok(backend(answer(self.raw.get_backend(RStr::from_str(name)))?))
    }

    fn extensions(&self) -> Option<&dyn Extensions> {
        Some(self)
    }
}

impl Backend for ForeignBackend {
    fn name(&self) -> &str {
        &self.name
    }

    fn configuration(&self) -> Result<Arc<BackendConfiguration>> {
        document(self.raw.configuration(), "backend configuration").map(Arc::new)
    }

    fn properties(&self) -> Result<Option<Arc<BackendProperties>>> {
        let properties = answer(self.raw.properties())?.try_into()?;
        message::to_properties(&properties).map(|properties| properties.map(Arc::new))
    }

    fn status(&self) -> Result<BackendStatus> {
        document(self.raw.status(), "backend status")
    }

    fn run(&self, qobj: Qobj, options: RunOptions) -> Result<Arc<dyn Job>> {
        Ok(job(answer(self.raw.run(message::from_run(&qobj, &options)?.into()))?))
    }

    fn retrieve_job(&self, job_id: &str) -> Result<Arc<dyn Job>> {
        Ok(job(answer(self.raw.retrieve_job(RStr::from_str(job_id)))?))
    }

    fn jobs(&self, query: &JobQuery) -> Result<Vec<Arc<dyn Job>>> {
        let jobs = answer(self.raw.jobs(message::from_job_query(query)?.into()))?;
        Ok(jobs.into_iter().map(job).collect())
    }

    fn extensions(&self) -> Option<&dyn Extensions> {
        Some(self)
    }
}

impl Job for ForeignJob {
    fn job_id(&self) -> String {
        // A plugin that panics here has no id that could be of use to anybody.
        answer(self.raw.job_id()).map(Into::into).unwrap_or_default()
    }

    fn backend(&self) -> Arc<dyn Backend> {
        match answer(self.raw.backend()) {
            Ok(raw) => backend(raw),
            Err(error) => Arc::new(LostBackend { error }),
        }
    }

    fn status(&self) -> Result<JobStatus> {
        Ok(JobStatus::from(answer(self.raw.status())?.as_str()))
    }

    fn result(&self, timeout: Option<Duration>) -> Result<RunResult> {
        let nanos = |timeout: Duration| i64::try_from(timeout.as_nanos()).unwrap_or(i64::MAX);
        message::to_result(&answer(self.raw.result(timeout.map_or(-1, nanos)))?.try_into()?)
    }

    fn cancel(&self) -> Result<bool> {
        answer(self.raw.cancel())
    }

    fn creation_date(&self) -> Result<Option<SystemTime>> {
        let millis = u64::try_from(answer(self.raw.creation_date())?).ok();
        Ok(millis.and_then(|ms| UNIX_EPOCH.checked_add(Duration::from_millis(ms))))
    }

    fn queue_position(&self) -> Result<Option<u32>> {
        Ok(Some(answer(self.raw.queue_position())?).filter(|&position| position > 0))
    }

    fn error_message(&self) -> Result<Option<String>> {
        let message: String = answer(self.raw.error_message())?.into();
        Ok(Some(message).filter(|message| !message.is_empty()))
    }

    fn extensions(&self) -> Option<&dyn Extensions> {
        Some(self)
    }
}

/// Stands for the backend of a job whose provider panicked when asked for it.
struct LostBackend {
    error: ketch_interface::Error,
}

impl Backend for LostBackend {
    fn name(&self) -> &'static str {
        "unknown"
    }

    fn configuration(&self) -> Result<Arc<BackendConfiguration>> {
        Err(self.error.clone())
    }

    fn status(&self) -> Result<BackendStatus> {
        Err(self.error.clone())
    }

    fn run(&self, _qobj: Qobj, _options: RunOptions) -> Result<Arc<dyn Job>> {
        Err(self.error.clone())
    }
}
