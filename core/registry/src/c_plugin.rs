//! A plugin that came through the plain C entry, as a provider.
//!
//! The plugin only computes: one experiment at a time, on a thread of a job queue of this side,
//! which does all that a job must. What the configuration does not allow is refused here, before
//! the plugin is asked.

#![expect(unsafe_code, reason = "calls the functions that a plugin exports")]

mod answer;

use std::{
    collections::BTreeMap,
    ffi::{CString, c_char, c_void},
    ptr, slice,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use ketch_abi::{
    LoadError,
    c::{Bytes, Call, FAILED, OK, Plugin, Slice, UNKNOWN_METHOD, VERSION},
    error_from_document,
};
use ketch_core::{
    Backend, BackendConfiguration, BackendProperties, BackendStatus, Error, Filter, Job, JobQuery,
    JobQueue, Provider, Qobj, Result, RunOptions, RunResult, Running, check_qobj,
    qobj::{Experiment, Program},
    result::ExperimentResult,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use answer::Asked;

/// Nobody answers with more.
const MAX_REPLY: u64 = 1 << 31;

/// So many jobs run at a time.
const AT_ONCE: usize = 2;

/// The provider of a library, which stays loaded for the rest of the process.
struct Library {
    plugin: &'static Plugin,
    provider: *mut c_void,
    /// `create` said that there is a provider, so that `destroy` is to be called.
    created: bool,
}

// SAFETY: the entry asks of every plugin that `call` and `free_bytes` may be called from any thread,
// and from several at once.
unsafe impl Send for Library {}
// SAFETY: as above.
unsafe impl Sync for Library {}

/// Makes the provider of a library.
///
/// # Errors
/// If the struct is of another version or not whole, or the plugin refuses to start.
///
/// # Safety
/// `plugin` must be the address of the symbol `ketch_abi::c::SYMBOL` of a library that stays loaded
/// for the rest of the process.
pub(crate) unsafe fn provider(
    plugin: *const Plugin,
    id: &str,
) -> Result<Arc<dyn Provider>, LoadError> {
    let refuse = |text: &str| LoadError::Provider(Error::other("plugin.c_entry", text));
    // SAFETY: size and version come first in every version of the struct.
    let (size, version) = unsafe { ((*plugin).size, (*plugin).version) };
    if version != VERSION || (size as usize) < size_of::<Plugin>() {
        let found = format!("version {version} of {size} bytes");
        return Err(refuse(&format!("the C entry is of {found}, this host knows {VERSION}")));
    }
    // SAFETY: the struct is as long as it says, constant, and never unloaded.
    let plugin = unsafe { &*plugin };
    let (Some(create), Some(_), Some(_)) = (plugin.create, plugin.call, plugin.free_bytes) else {
        return Err(refuse("`create`, `call` or `free_bytes` is null"));
    };
    let mut library = Library { plugin, provider: ptr::null_mut(), created: false };
    let mut reply = Bytes { data: ptr::null_mut(), length: 0 };
    // SAFETY: both pointers are to variables of this function.
    let code = unsafe { create(&raw mut library.provider, &raw mut reply) };
    library.created = code == OK;
    let reply = library.take(reply).map_err(LoadError::Provider)?;
    if code != OK {
        return Err(LoadError::Provider(failure(&reply)));
    }
    let (id, library) = (id.to_owned(), Arc::new(library));
    Ok(Arc::new(CProvider { id, library, backends: Mutex::default() }))
}

impl Library {
    /// Calls a method. `None` if the plugin does not know it. Blocks as long as the plugin does.
    fn call(
        &self,
        method: &str,
        backend: &str,
        request: &[u8],
        job: Option<&Running>,
    ) -> Result<Option<Vec<u8>>> {
        let text = |text: &str| {
            CString::new(text)
                .map_err(|_| Error::BackendNotFound { name: text.to_owned(), known: Vec::new() })
        };
        let (method, backend) = (text(method)?, text(backend)?);
        let context: *const c_void = ptr::from_ref(&job).cast();
        let call = Call { size: size_of::<Call>() as u32, version: VERSION, context, is_cancelled };
        let request = Slice { data: request.as_ptr(), length: request.len() as u64 };
        let mut reply = Bytes { data: ptr::null_mut(), length: 0 };
        let function = self.plugin.call.expect("checked when it was loaded");
        let (method, backend): (*const c_char, _) = (method.as_ptr(), backend.as_ptr());
        // SAFETY: all pointers are to what lives until the call returns; `provider` is what
        // `create` made.
        let code = unsafe {
            function(self.provider, &raw const call, method, backend, request, &raw mut reply)
        };
        let reply = self.take(reply)?;
        match code {
            OK => Ok(Some(reply)),
            UNKNOWN_METHOD => Ok(None),
            FAILED => Err(failure(&reply)),
            code => Err(malformed(&format!("the code {code}, which is none"))),
        }
    }

    /// A copy of what the plugin made, which is given back to it.
    fn take(&self, bytes: Bytes) -> Result<Vec<u8>> {
        if bytes.data.is_null() {
            return Ok(Vec::new());
        }
        let copy = (bytes.length <= MAX_REPLY).then(|| {
            // SAFETY: the plugin says that so many bytes are there, and nobody else has them.
            unsafe { slice::from_raw_parts(bytes.data, bytes.length as usize) }.to_vec()
        });
        let free = self.plugin.free_bytes.expect("checked when it was loaded");
        // SAFETY: the bytes are the plugin's own, and given back once.
        unsafe { free(self.provider, bytes) };
        copy.ok_or_else(|| malformed(&format!("{} bytes, at most {MAX_REPLY}", bytes.length)))
    }

    fn document<T: DeserializeOwned>(&self, method: &str, backend: &str) -> Result<Option<T>> {
        let Some(reply) = self.call(method, backend, &[], None)? else { return Ok(None) };
        let read = serde_json::from_slice(&reply);
        read.map(Some).map_err(|error| malformed(&format!("`{method}`: {error}")))
    }

    fn needed<T: DeserializeOwned>(&self, method: &str, backend: &str) -> Result<T> {
        let answer = self.document(method, backend)?;
        answer.ok_or_else(|| Error::not_supported("the plugin", format!("the method `{method}`")))
    }
}

impl Drop for Library {
    fn drop(&mut self) {
        if let (Some(destroy), true) = (self.plugin.destroy, self.created) {
            // SAFETY: `create` made the provider, and nobody holds it any more.
            unsafe { destroy(self.provider) };
        }
    }
}

/// As [`Call::is_cancelled`].
///
/// # Safety
/// `context` must be the one of a [`Call`] that [`Library::call`] made and that has not returned.
unsafe extern "C" fn is_cancelled(context: *const c_void) -> i32 {
    // SAFETY: the caller says that the context is the job in the frame of `Library::call`.
    let job = unsafe { &*context.cast::<Option<&Running>>() };
    i32::from(job.is_some_and(Running::is_cancelled))
}

/// The error that a reply tells, a document or a text.
fn failure(reply: &[u8]) -> Error {
    match serde_json::from_slice::<Value>(reply) {
        Ok(document) if document["code"].is_string() => error_from_document(&document),
        _ => {
            let text = String::from_utf8_lossy(reply).trim().to_owned();
            let text =
                if text.is_empty() { "the plugin does not say why".to_owned() } else { text };
            Error::other("provider.failed", text)
        }
    }
}

fn malformed(what: &str) -> Error {
    Error::other("plugin.malformed_answer", format!("the plugin answered {what}"))
}

struct CProvider {
    id: String,
    library: Arc<Library>,
    /// Each backend once, with its jobs, however many hold it.
    backends: Mutex<BTreeMap<String, CBackend>>,
}

impl CProvider {
    fn names(&self) -> Result<Vec<String>> {
        self.library.needed("backends", "")
    }

    fn backend(&self, name: &str) -> Arc<dyn Backend> {
        // Nothing panics under the lock.
        let mut backends = self.backends.lock().unwrap_or_else(PoisonError::into_inner);
        let backend = backends.entry(name.to_owned()).or_insert_with(|| CBackend {
            name: name.to_owned(),
            library: Arc::clone(&self.library),
            configuration: Arc::default(),
            jobs: JobQueue::new(AT_ONCE),
        });
        Arc::new(backend.clone())
    }
}

impl Provider for CProvider {
    fn name(&self) -> &str {
        &self.id
    }

    fn backends(&self, filter: &Filter) -> Result<Vec<Arc<dyn Backend>>> {
        filter.apply(self.names()?.iter().map(|name| self.backend(name)))
    }

    fn get_backend(&self, name: &str) -> Result<Arc<dyn Backend>> {
        let known = self.names()?;
        match known.iter().any(|one| one == name) {
            true => Ok(self.backend(name)),
            false => Err(Error::BackendNotFound { name: name.to_owned(), known }),
        }
    }
}

#[derive(Clone)]
struct CBackend {
    name: String,
    library: Arc<Library>,
    configuration: Arc<OnceLock<Arc<BackendConfiguration>>>,
    jobs: Arc<JobQueue>,
}

impl Backend for CBackend {
    fn name(&self) -> &str {
        &self.name
    }

    fn configuration(&self) -> Result<Arc<BackendConfiguration>> {
        if let Some(known) = self.configuration.get() {
            return Ok(Arc::clone(known));
        }
        let asked = Arc::new(self.library.needed("configuration", &self.name)?);
        Ok(Arc::clone(self.configuration.get_or_init(|| asked)))
    }

    fn properties(&self) -> Result<Option<Arc<BackendProperties>>> {
        Ok(self.library.document("properties", &self.name)?.map(Arc::new))
    }

    fn status(&self) -> Result<BackendStatus> {
        if let Some(status) = self.library.document("status", &self.name)? {
            return Ok(status);
        }
        let status = BackendStatus::active(&self.name, &self.configuration()?.backend_version);
        Ok(BackendStatus { pending_jobs: self.jobs.pending(), ..status })
    }

    fn run(&self, qobj: Qobj, options: RunOptions) -> Result<Arc<dyn Job>> {
        let configuration = self.configuration()?;
        // Whatever the configuration says: the entry has no words for pulses.
        if matches!(qobj.program, Program::Pulse(_)) {
            let backend = format!("backend `{}`", self.name);
            return Err(Error::not_supported(backend, "pulse programs"));
        }
        check_qobj(&qobj, &configuration, &[])?;
        let backend = self.clone();
        Ok(self.jobs.submit(Arc::new(self.clone()), &options, move |job| {
            let experiments = qobj.experiments().iter().map(|experiment| {
                // What is left undone must not look like a result.
                match job.is_cancelled() {
                    true => Err(Error::Cancelled { job: job.job_id().to_owned() }),
                    false => Ok(backend.experiment(&qobj, experiment, job)),
                }
            });
            let experiments = experiments.collect::<Result<_>>()?;
            let backend_version = configuration.backend_version.clone();
            let Qobj { qobj_id, header, .. } = qobj;
            let success = true;
            let result =
                RunResult { qobj_id, header, backend_version, success, ..Default::default() };
            Ok(RunResult { experiments, ..result })
        }))
    }

    fn retrieve_job(&self, job_id: &str) -> Result<Arc<dyn Job>> {
        self.jobs.job(job_id)
    }

    fn jobs(&self, query: &JobQuery) -> Result<Vec<Arc<dyn Job>>> {
        Ok(self.jobs.jobs(query))
    }
}

impl CBackend {
    /// Runs one experiment; what goes wrong is in its result, and stops no other.
    fn experiment(&self, qobj: &Qobj, experiment: &Experiment, job: &Running) -> ExperimentResult {
        let start = std::time::Instant::now();
        let mut result = ExperimentResult {
            name: qobj.experiment_name(experiment).to_owned(),
            shots: qobj.shots(experiment),
            seed: qobj.seed(experiment),
            header: experiment.header.clone(),
            ..Default::default()
        };
        match self.compute(qobj, experiment, job, &mut result) {
            Ok(()) => (result.success, result.status) = (true, "DONE".to_owned()),
            Err(error) => {
                let causes = error.causes();
                let chain: Vec<_> = std::iter::once(error.to_string()).chain(causes).collect();
                result.status = chain.join(": ");
            }
        }
        result.time_taken = start.elapsed().as_secs_f64();
        result
    }

    fn compute(
        &self,
        qobj: &Qobj,
        experiment: &Experiment,
        job: &Running,
        result: &mut ExperimentResult,
    ) -> Result<()> {
        let circuit = qobj.circuits()[experiment.circuit].bind(&experiment.bindings)?;
        let asked = Asked {
            shots: result.shots,
            width: circuit.n_clbits(),
            registers: circuit.cregs().to_vec(),
            counts: circuit.instructions().any(|instruction| instruction.op.writes_clbits()),
            memory: qobj.memory(experiment),
        };
        let mut alone = Qobj::from_circuit(circuit).with_shots(asked.shots);
        alone.config.seed = result.seed;
        alone.config.memory = Some(asked.memory);
        let document = alone.to_json().map_err(Error::from)?;
        let request = json!({ "schema": "ketch.c_run/1", "qobj": document }).to_string();
        let reply = self.library.call("run", &self.name, request.as_bytes(), Some(job))?;
        let reply = reply.ok_or_else(|| Error::not_supported("the plugin", "the method `run`"))?;
        asked.read(&reply, result)
    }
}
