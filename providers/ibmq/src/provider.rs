//! [`IbmqProvider`]: the backends of all accounts.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

use ketch_core::{Backend, Error, Filter, Host, Level, Provider, Result};

use crate::{
    Settings,
    account::{self, Account, Api},
    backend::RemoteBackend,
    early::Early,
    runtime::Runtime,
    service::Service,
    today::Today,
    watch::Watch,
};

/// The backends of all accounts that the host keeps.
///
/// A backend that only one account has is known by its own name; one that several have is
/// `account:name`. That longer name is understood for every backend, and the configuration tells
/// the account in its field `account`.
pub struct IbmqProvider {
    host: Host,
    settings: Settings,
    runtime: OnceLock<Arc<Runtime>>,
    open: Mutex<Vec<Arc<OpenAccount>>>,
}

/// An account in use: its tokens and backends are kept as long as it does not change.
pub(crate) struct OpenAccount {
    pub(crate) account: Arc<Account>,
    pub(crate) service: Arc<dyn Service>,
    pub(crate) watch: Arc<Watch>,
    backends: Mutex<HashMap<String, RemoteBackend>>,
}

impl OpenAccount {
    /// What stands before the names of its devices where several accounts have them.
    fn prefix(&self) -> String {
        format!("{}:", self.account.name)
    }
}

impl IbmqProvider {
    /// The backends of this host's accounts. Does nothing until they are asked for.
    #[must_use]
    pub fn new(host: Host) -> Self {
        Self::with_settings(host, Settings::default())
    }

    /// The same, with other time limits.
    #[must_use]
    pub fn with_settings(host: Host, settings: Settings) -> Self {
        Self { host, settings, runtime: OnceLock::new(), open: Mutex::default() }
    }

    /// The accounts as the host has them now. One that did not change stays open.
    fn accounts(&self) -> Result<Vec<Arc<OpenAccount>>> {
        let accounts = Account::of_host(&self.host)?;
        let known = lock(&self.open).clone();
        let open = accounts.into_iter().map(|account| {
            match known.iter().find(|open| *open.account == *account) {
                Some(open) => Ok(Arc::clone(open)),
                None => self.open(account),
            }
        });
        let open = open.collect::<Result<Vec<_>>>()?;
        lock(&self.open).clone_from(&open);
        Ok(open)
    }

    fn open(&self, account: Arc<Account>) -> Result<Arc<OpenAccount>> {
        let runtime = self.runtime()?;
        let settings = self.settings.clone();
        let service: Arc<dyn Service> = match account.api() {
            Api::IbmQuantum => Arc::new(Today::new(&account, runtime, settings)?),
            Api::Qx2018 => Arc::new(Early::new(&account, runtime, settings)?),
        };
        let watch = Arc::new(Watch::new(Arc::clone(&service), self.settings.clone()));
        Ok(Arc::new(OpenAccount { account, service, watch, backends: Mutex::default() }))
    }

    fn runtime(&self) -> Result<Arc<Runtime>> {
        if let Some(runtime) = self.runtime.get() {
            return Ok(Arc::clone(runtime));
        }
        let started = Runtime::new().map_err(|error| {
            Error::caused("thread.unavailable", "cannot start the thread for connections", error)
        })?;
        Ok(Arc::clone(self.runtime.get_or_init(|| Arc::new(started))))
    }

    /// Every account's devices. An account with a problem does not hide the others, unless it is the
    /// one that the `wanted` backend is to be of.
    fn listed(&self, wanted: &str) -> Result<Vec<(Arc<OpenAccount>, Vec<String>)>> {
        let mut listed = Vec::new();
        let mut problems = Vec::new();
        for open in self.accounts()? {
            match open.service.devices() {
                Ok(devices) => listed.push((open, devices)),
                Err(error) => problems.push((open, error)),
            }
        }
        let owner = problems.iter().position(|(open, _)| wanted.starts_with(&open.prefix()));
        let only = (listed.is_empty() && !problems.is_empty()).then(|| problems.len() - 1);
        if let Some(place) = owner.or(only) {
            return Err(problems.swap_remove(place).1);
        }
        for (open, error) in problems {
            let name = &open.account.name;
            self.host.log(Level::Warn, &format!("account `{name}` is left out: {error}"));
        }
        Ok(listed)
    }

    fn backend(&self, open: &Arc<OpenAccount>, device: &str, name: String) -> RemoteBackend {
        let mut backends = lock(&open.backends);
        let made = backends
            .entry(name.clone())
            .or_insert_with(|| RemoteBackend::new(name, device, open, self.settings.clone()));
        made.clone()
    }
}

impl Provider for IbmqProvider {
    fn name(&self) -> &str {
        "ibmq"
    }

    fn backends(&self, filter: &Filter) -> Result<Vec<Arc<dyn Backend>>> {
        let listed = self.listed("")?;
        let mut owners: HashMap<&str, usize> = HashMap::new();
        for device in listed.iter().flat_map(|(_, devices)| devices) {
            *owners.entry(device).or_default() += 1;
        }
        let mut backends: Vec<Arc<dyn Backend>> = Vec::new();
        for (open, devices) in &listed {
            for device in devices {
                let shared = owners[device.as_str()] > 1;
                let qualified = open.prefix() + device;
                let name = if shared { qualified } else { device.clone() };
                backends.push(Arc::new(self.backend(open, device, name)));
            }
        }
        filter.apply(backends)
    }

    fn get_backend(&self, name: &str) -> Result<Arc<dyn Backend>> {
        let listed = self.listed(name)?;
        // Listing backends without an account is no mistake; wanting one is.
        if listed.is_empty() {
            return Err(account::none("there is no account"));
        }
        let mut found = Vec::new();
        let mut known = Vec::new();
        for (open, devices) in &listed {
            let prefix = open.prefix();
            let wanted = name.strip_prefix(&prefix).unwrap_or(name);
            let wanted = open.service.alias(wanted).unwrap_or(wanted);
            if let Some(device) = devices.iter().find(|device| *device == wanted) {
                found.push((open, device, format!("{prefix}{device}")));
            }
            known.extend(devices.iter().cloned());
        }
        match &found[..] {
            [] => Err(Error::BackendNotFound { name: name.to_owned(), known }),
            [(open, device, qualified)] => {
                let shared = known.iter().filter(|name| name == device).count() > 1;
                let name = if shared { qualified.clone() } else { (*device).clone() };
                Ok(Arc::new(self.backend(open, device, name)))
            }
            several => Err(Error::BackendAmbiguous {
                name: name.to_owned(),
                candidates: several.iter().map(|(.., qualified)| qualified.clone()).collect(),
            }),
        }
    }
}

impl std::fmt::Debug for IbmqProvider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IbmqProvider").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// Nothing panics while such a lock is held, and each change is one assignment.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
