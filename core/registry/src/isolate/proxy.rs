//! The host's side of an isolated plugin: the traits, whose every call crosses to a worker.

use std::{
    sync::{Arc, Mutex, Weak},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use ketch_abi::message;
use ketch_core::{
    Backend, BackendConfiguration, BackendProperties, BackendStatus, Error, Extensions, Filter,
    Job, JobQuery, JobStatus, Message, Provider, Qobj, Result, RunOptions, RunResult,
};
use serde::de::DeserializeOwned;

use super::{
    call::{Method, PROVIDER},
    frame::Frame,
    isolated::Isolated,
    lock,
    worker::{Request, Worker},
};

/// The answer to a wait has this long to arrive after the plugin's own time is up, so that it is
/// the plugin's answer that counts wherever there is one.
const ARRIVAL: Duration = Duration::from_millis(40);

/// An object of a worker, for one call.
struct Target {
    worker: Arc<Worker>,
    object: u64,
    /// What it is called in messages.
    subject: Arc<str>,
}

impl Target {
    fn request<'a>(&'a self, method: Method, name: &'a str, message: Message) -> Request<'a> {
        Request { method, object: self.object, subject: &self.subject, name, message }
    }

    fn call(&self, method: Method, name: &str, message: Message) -> Result<Frame> {
        self.worker.call(self.request(method, name, message))
    }

    /// A method without arguments, whose answer is a document.
    fn ask<T: DeserializeOwned>(&self, method: Method) -> Result<T> {
        let answer = self.call(method, "", Message::default())?;
        message::to_document(&answer.message, method.name())
    }
}

/// Something behind a worker.
trait Remote {
    fn target(&self) -> Result<Target>;
}

/// The same three methods for each kind of object.
macro_rules! remote_extensions {
    ($($kind:ident)*) => {
        $(impl Extensions for $kind {
            fn supports(&self, name: &str) -> u32 {
                let answer = self.target().and_then(|target| {
                    target.call(Method::Supports, name, Message::default())
                });
                answer.and_then(|answer| message::to_document(&answer.message, name)).unwrap_or(0)
            }

            fn call(&self, name: &str, message: Message) -> Result<Message> {
                Ok(self.target()?.call(Method::Call, name, message)?.message)
            }

            fn open(&self, name: &str, message: Message) -> Result<Arc<dyn Extensions>> {
                let target = self.target()?;
                let object = target.call(Method::Open, name, message)?.object;
                let subject = format!("`{name}` of {}", target.subject).into();
                Ok(Arc::new(ObjectProxy { worker: target.worker, object, subject }))
            }
        })*
    };
}

remote_extensions! { ProviderProxy BackendProxy JobProxy ObjectProxy }

/// A provider behind a worker.
pub(super) struct ProviderProxy {
    isolated: Arc<Isolated>,
}

impl ProviderProxy {
    pub(super) fn new(isolated: Isolated) -> Self {
        Self { isolated: Arc::new(isolated) }
    }

    fn backend(
        &self,
        worker: &Arc<Worker>,
        object: u64,
        name: String,
        asked: String,
    ) -> Arc<dyn Backend> {
        let place = Place { worker: Arc::clone(worker), object };
        Arc::new_cyclic(|me| BackendProxy {
            me: Weak::clone(me),
            isolated: Arc::clone(&self.isolated),
            subject: format!("backend `{name}`").into(),
            name,
            asked,
            place: Mutex::new(place),
        })
    }
}

impl Remote for ProviderProxy {
    fn target(&self) -> Result<Target> {
        let worker = self.isolated.worker()?;
        Ok(Target { worker, object: PROVIDER, subject: "the provider".into() })
    }
}

impl Provider for ProviderProxy {
    fn name(&self) -> &str {
        self.isolated.id()
    }

    fn backends(&self, filter: &Filter) -> Result<Vec<Arc<dyn Backend>>> {
        let target = self.target()?;
        let all: Vec<(u64, String)> = target.ask(Method::Backends)?;
        let backend = |(object, name): (u64, String)| {
            self.backend(&target.worker, object, name.clone(), name)
        };
        filter.apply(all.into_iter().map(backend))
    }

    fn get_backend(&self, name: &str) -> Result<Arc<dyn Backend>> {
        let target = self.target()?;
        let answer = target.call(Method::GetBackend, name, Message::default())?;
        Ok(self.backend(&target.worker, answer.object, answer.name, name.to_owned()))
    }

    fn extensions(&self) -> Option<&dyn Extensions> {
        Some(self)
    }
}

/// A backend behind a worker. When the worker was replaced, it is found again by its name.
struct BackendProxy {
    me: Weak<Self>,
    isolated: Arc<Isolated>,
    name: String,
    /// The name by which it was asked for, which may be another one.
    asked: String,
    subject: Arc<str>,
    place: Mutex<Place>,
}

/// Where an object is.
struct Place {
    worker: Arc<Worker>,
    object: u64,
}

impl Remote for BackendProxy {
    fn target(&self) -> Result<Target> {
        let worker = self.isolated.worker()?;
        let subject = Arc::clone(&self.subject);
        let mut place = lock(&self.place);
        if !Arc::ptr_eq(&place.worker, &worker) {
            let provider = Target {
                worker: Arc::clone(&worker),
                object: PROVIDER,
                subject: Arc::clone(&subject),
            };
            let found = provider.call(Method::GetBackend, &self.asked, Message::default())?;
            *place = Place { worker: Arc::clone(&worker), object: found.object };
        }
        Ok(Target { worker, object: place.object, subject })
    }
}

impl BackendProxy {
    fn job(&self, worker: Arc<Worker>, object: u64, id: String) -> Arc<dyn Job> {
        let backend = self.me.upgrade().expect("a backend that is being called is alive");
        let subject = format!("job `{id}`").into();
        Arc::new(JobProxy { backend, id, subject, worker, object })
    }
}

impl Backend for BackendProxy {
    fn name(&self) -> &str {
        &self.name
    }

    fn configuration(&self) -> Result<Arc<BackendConfiguration>> {
        self.target()?.ask(Method::Configuration).map(Arc::new)
    }

    fn properties(&self) -> Result<Option<Arc<BackendProperties>>> {
        let answer = self.target()?.call(Method::Properties, "", Message::default())?;
        Ok(message::to_properties(&answer.message)?.map(Arc::new))
    }

    fn status(&self) -> Result<BackendStatus> {
        self.target()?.ask(Method::Status)
    }

    fn run(&self, qobj: Qobj, options: RunOptions) -> Result<Arc<dyn Job>> {
        let request = message::from_run(&qobj, &options)?;
        // Large circuits are in memory often enough: here, in the request, in the worker.
        drop(qobj);
        let target = self.target()?;
        let answer = target.call(Method::Run, "", request)?;
        Ok(self.job(target.worker, answer.object, answer.name))
    }

    fn retrieve_job(&self, job_id: &str) -> Result<Arc<dyn Job>> {
        let target = self.target()?;
        let answer = target.call(Method::RetrieveJob, job_id, Message::default())?;
        Ok(self.job(target.worker, answer.object, answer.name))
    }

    fn jobs(&self, query: &JobQuery) -> Result<Vec<Arc<dyn Job>>> {
        let target = self.target()?;
        let answer = target.call(Method::Jobs, "", message::from_job_query(query)?)?;
        let jobs: Vec<(u64, String)> = message::to_document(&answer.message, "jobs")?;
        let job = |(object, id)| self.job(Arc::clone(&target.worker), object, id);
        Ok(jobs.into_iter().map(job).collect())
    }

    fn extensions(&self) -> Option<&dyn Extensions> {
        Some(self)
    }
}

impl Drop for BackendProxy {
    fn drop(&mut self) {
        let place = lock(&self.place);
        place.worker.release(place.object);
    }
}

/// A job behind a worker. It ends with its worker.
struct JobProxy {
    backend: Arc<BackendProxy>,
    id: String,
    subject: Arc<str>,
    worker: Arc<Worker>,
    object: u64,
}

impl Remote for JobProxy {
    fn target(&self) -> Result<Target> {
        let (worker, subject) = (Arc::clone(&self.worker), Arc::clone(&self.subject));
        Ok(Target { worker, object: self.object, subject })
    }
}

impl JobProxy {
    /// What a method answers; `otherwise` if the worker is dead, for then the job has failed.
    fn ask_or<T: DeserializeOwned>(&self, method: Method, otherwise: T) -> Result<T> {
        match self.target()?.ask(method) {
            Err(_) if self.worker.death().is_some() => Ok(otherwise),
            answer => answer,
        }
    }
}

impl Job for JobProxy {
    fn job_id(&self) -> String {
        self.id.clone()
    }

    fn backend(&self) -> Arc<dyn Backend> {
        Arc::clone(&self.backend) as Arc<dyn Backend>
    }

    fn status(&self) -> Result<JobStatus> {
        self.ask_or(Method::JobStatus, JobStatus::Error)
    }

    fn result(&self, timeout: Option<Duration>) -> Result<RunResult> {
        let nanos = timeout.map(|timeout| u64::try_from(timeout.as_nanos()).unwrap_or(u64::MAX));
        // A time so long that the clock does not have it is without end.
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout + ARRIVAL));
        let target = self.target()?;
        let request = target.request(Method::Result, "", message::from_document(&nanos)?);
        match (target.worker.wait(request, deadline)?, timeout) {
            (Some(answer), _) => message::to_result(&answer.message),
            (None, after) => {
                let after = after.unwrap_or(Duration::MAX);
                Err(Error::Timeout { job: self.id.clone(), after })
            }
        }
    }

    fn cancel(&self) -> Result<bool> {
        self.ask_or(Method::Cancel, false)
    }

    fn creation_date(&self) -> Result<Option<SystemTime>> {
        let millis: Option<u64> = self.ask_or(Method::CreationDate, None)?;
        Ok(millis.and_then(|millis| UNIX_EPOCH.checked_add(Duration::from_millis(millis))))
    }

    fn queue_position(&self) -> Result<Option<u32>> {
        self.ask_or(Method::QueuePosition, None)
    }

    fn error_message(&self) -> Result<Option<String>> {
        let message = self.ask_or(Method::ErrorMessage, None)?;
        Ok(self.worker.death().map(|death| death.story()).or(message))
    }

    fn extensions(&self) -> Option<&dyn Extensions> {
        Some(self)
    }
}

impl Drop for JobProxy {
    fn drop(&mut self) {
        self.worker.release(self.object);
    }
}

/// An object of a kind that the traits do not know, behind a worker.
struct ObjectProxy {
    worker: Arc<Worker>,
    object: u64,
    subject: Arc<str>,
}

impl Remote for ObjectProxy {
    fn target(&self) -> Result<Target> {
        let (worker, subject) = (Arc::clone(&self.worker), Arc::clone(&self.subject));
        Ok(Target { worker, object: self.object, subject })
    }
}

impl Drop for ObjectProxy {
    fn drop(&mut self) {
        self.worker.release(self.object);
    }
}
