//! The backends: listed, described, and whether they work now.

mod ask;
mod describe;
mod described;

use std::{sync::Arc, time::Duration};

use ketch::{
    BackendConfiguration, BackendStatus, Filter, ListedBackend, QualifiedBackend, Registry,
};
use serde_json::{Value, json};

use crate::{
    answer::{Answer, Refusal, Reply},
    names,
    routes::Call,
    time,
};
use ask::{Question, Times};
use described::Described;

/// The backends of the registry, under names of one segment.
pub(crate) struct Backends {
    registry: Arc<Registry>,
    /// Whether those of remote services are served.
    remote: bool,
    listed: Vec<Arc<Named>>,
    left_out: usize,
    problems: Vec<String>,
}

/// A backend and its name on the wire.
pub(crate) struct Named {
    pub(crate) wire: String,
    pub(crate) listed: ListedBackend,
    status: Question<BackendStatus>,
    /// The backend and its documents.
    opened: Question<QualifiedBackend>,
}

/// Whether a backend works.
const STATUS: Times = Times {
    fresh: Duration::from_secs(5),
    patience: Duration::from_secs(2),
    standing: Duration::from_secs(15),
};

/// And what it is: its plugin may have to be loaded, and a service be asked.
const OPENED: Times = Times {
    fresh: Duration::from_secs(30),
    patience: Duration::from_secs(15),
    standing: Duration::ZERO,
};

impl Backends {
    /// Looks at the plugins; those that were asked before are not loaded. Backends of remote
    /// services are left out unless they are to be served.
    pub(crate) fn new(registry: Registry, remote: bool) -> Self {
        let catalogue = registry.catalogue(&Filter::new());
        let named = |listed: ListedBackend| {
            let wire = names::to_wire(&listed.name);
            let (status, opened) = (Question::new(STATUS), Question::new(OPENED));
            Arc::new(Named { wire, status, opened, listed })
        };
        let problems = catalogue.problems.iter().map(ToString::to_string).collect();
        // What did not say is looked at again when it is opened.
        let (listed, left_out): (Vec<_>, Vec<_>) =
            catalogue.backends.into_iter().partition(|one| {
                one.configuration.as_ref().is_none_or(|known| is_served(known, remote))
            });
        let listed = listed.into_iter().map(named).collect();
        Self { registry: Arc::new(registry), remote, listed, left_out: left_out.len(), problems }
    }

    /// How many backends of remote services are not served.
    pub(crate) fn left_out(&self) -> usize {
        self.left_out
    }

    pub(crate) fn listed(&self) -> &[Arc<Named>] {
        &self.listed
    }

    /// What is wrong with providers, one line each.
    pub(crate) fn problems(&self) -> &[String] {
        &self.problems
    }

    /// The backend of a name on the wire.
    ///
    /// # Errors
    /// If there is none.
    pub(crate) fn named(&self, wire: &str) -> Result<&Arc<Named>, Refusal> {
        self.listed.iter().find(|one| one.wire == wire).ok_or_else(|| {
            let meant = names::from_wire(wire);
            let known = ketch::nearest(wire, self.listed.iter().map(|one| one.wire.as_str()));
            let message = match meant {
                Some(qualified) => format!("no backend `{wire}` (`{qualified}`)"),
                None => format!("no backend `{wire}`"),
            };
            let refusal = Refusal::new(404, "backend.not_found", message);
            match known {
                Some(known) => refusal.with_solution(format!("did you mean `{known}`?")),
                None => refusal,
            }
        })
    }

    /// Loads the plugin of a backend, if it is not there yet, and asks it what it is. To look at its
    /// documents then takes no time.
    ///
    /// # Errors
    /// If it cannot be, does not answer in time, or turns out to be of a remote service where those
    /// are not served.
    pub(crate) fn open(&self, named: &Named) -> Result<QualifiedBackend, Refusal> {
        let (registry, name) = (Arc::clone(&self.registry), named.listed.name.clone());
        let opened = named.opened.ask(&named.wire, move || {
            let found = registry.get_backend(&name)?;
            let described = Described::ask(Arc::clone(&found.backend))?;
            Ok(QualifiedBackend { backend: Arc::new(described), ..found })
        })?;
        match is_served(&*opened.configuration()?, self.remote) {
            true => Ok(opened),
            false => {
                let message = format!("backend `{}` of a remote service is not served", named.wire);
                Err(Refusal::new(404, "backend.not_found", message))
            }
        }
    }

    /// Whether a backend works, as it said last.
    ///
    /// # Errors
    /// If it cannot say, or does not in time.
    fn status(&self, named: &Named) -> Result<BackendStatus, Refusal> {
        if let Some(always) = &named.listed.status {
            return Ok(always.clone());
        }
        named.status.ask(&named.wire, self.asker(named))
    }

    /// Asks a backend whether it works, and waits for nothing.
    fn begin_status(&self, named: &Named) {
        if named.listed.status.is_none() {
            named.status.begin(self.asker(named));
        }
    }

    fn asker(&self, named: &Named) -> impl FnOnce() -> Result<BackendStatus, Refusal> + use<> {
        let (registry, listed) = (Arc::clone(&self.registry), named.listed.clone());
        move || Ok(registry.status(&listed)?)
    }
}

/// Whether a backend is for those who ask: at a remote service they would spend what is its owner's.
fn is_served(configuration: &BackendConfiguration, remote: bool) -> bool {
    configuration.local || remote
}

/// How many jobs wait or run at each backend, those of this store.
fn pending(call: &Call<'_>, qualified: &str) -> Result<u64, Refusal> {
    let pending = call.service.reading.pending()?;
    Ok(pending.iter().find(|(name, _)| name == qualified).map_or(0, |(_, count)| *count))
}

/// Whether a backend works and how long its queue is: that of this store, and that of the service
/// that the backend may be.
fn state(call: &Call<'_>, named: &Arc<Named>) -> Result<BackendStatus, Refusal> {
    let own = pending(call, &named.listed.name)?;
    let mut status = call.service.backends.status(named).unwrap_or_else(|refusal| {
        let mut status = BackendStatus::active(&named.wire, "0.0.0");
        status.operational = false;
        status.status_msg = refusal.message;
        status
    });
    status.pending_jobs = status.pending_jobs.saturating_add(own);
    Ok(status)
}

/// `GET /backends`
pub(crate) fn list(call: &Call<'_>) -> Reply {
    let backends = &call.service.backends;
    let described =
        backends.listed().iter().filter_map(|one| Some((one, one.listed.configuration.as_ref()?)));
    // All at once, so that those who are silent are waited for together.
    described.clone().for_each(|(named, _)| backends.begin_status(named));
    let mut devices = Vec::new();
    for (named, configuration) in described {
        let status = state(call, named)?;
        devices.push(json!({
            "name": named.wire,
            "status": {
                "name": if status.operational { "online" } else { "offline" },
                "reason": status.status_msg,
            },
            "queue_length": status.pending_jobs,
            "qubits": describe::n_qubits(configuration),
            "is_simulator": describe::is_simulator(configuration),
            "processor_type": { "family": named.listed.provider, "revision": 1 },
        }));
    }
    Ok(Answer::json(&json!({ "devices": devices })))
}

/// `GET /backends/{name}/configuration`
pub(crate) fn configuration(call: &Call<'_>) -> Reply {
    let named = call.service.backends.named(call.arguments[0])?;
    let configuration = match &named.listed.configuration {
        Some(configuration) => Arc::clone(configuration),
        None => call.service.backends.open(named)?.configuration()?,
    };
    let online = time::written(call.service.started);
    Ok(Answer::json(&describe::configuration(&configuration, &named.wire, &online)))
}

/// `GET /backends/{name}/properties`
pub(crate) fn properties(call: &Call<'_>) -> Reply {
    let named = call.service.backends.named(call.arguments[0])?;
    let Some(properties) = call.service.backends.open(named)?.properties()? else {
        return Ok(Answer::json(&json!({})));
    };
    let mut document = serde_json::to_value(&*properties).unwrap_or(Value::Null);
    document["backend_name"] = named.wire.clone().into();
    Ok(Answer::json(&document))
}

/// `GET /backends/{name}/status`
pub(crate) fn status(call: &Call<'_>) -> Reply {
    let named = call.service.backends.named(call.arguments[0])?;
    let status = state(call, named)?;
    Ok(Answer::json(&json!({
        "backend_name": named.wire,
        "backend_version": status.backend_version,
        "state": status.operational,
        "status": status.status_msg,
        "message": status.status_msg,
        "length_queue": status.pending_jobs,
    })))
}
