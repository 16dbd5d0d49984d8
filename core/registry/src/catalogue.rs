//! The backends of all providers without their plugins, as far as they are known from earlier
//! times; plugins that are not known yet are asked, those of third parties in processes of their
//! own.

use std::{
    num::NonZero,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    thread,
    time::{Duration, Instant},
};

use ketch_core::{
    Backend, BackendConfiguration, BackendStatus, Filter, Job, JobQuery, Provider, Qobj, RunOptions,
};

use serde::Deserialize;

use crate::{
    Error, Limits, Refusal, Registry, Result,
    backends::provider_error,
    cache::{PROBE, Probe},
    isolate, made_from,
    scan::Snapshot,
    slot::Slot,
};

/// The backends of all providers, and what went wrong with some.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    /// The backends, by provider in search order.
    pub backends: Vec<ListedBackend>,
    /// Providers that could not be asked.
    pub problems: Vec<Error>,
}

/// A backend as it is listed: what it is, perhaps without its plugin being loaded.
#[derive(Clone, Debug)]
pub struct ListedBackend {
    /// `provider/backend`.
    pub name: String,
    /// The provider's id.
    pub provider: String,
    /// What it is; `None` if it did not say.
    pub configuration: Option<Arc<BackendConfiguration>>,
    /// Whether it works, if that is known without asking it: its plugin says that it always does,
    /// or the filter asked.
    pub status: Option<BackendStatus>,
}

/// A backend's own name, and what it is.
type Listed = (String, Option<Arc<BackendConfiguration>>);

/// The backends of a provider, with the problems of some.
type Answer = Result<(Vec<Listed>, Vec<Error>)>;

/// What became of asking a plugin.
struct Asked {
    answer: Answer,
    /// What can be remembered of it.
    probe: Option<Probe>,
    took: Duration,
}

/// How much a plugin is asked.
#[derive(Clone, Copy, PartialEq)]
enum Question {
    /// For its backends.
    List,
    /// For its backends if that can be remembered, else only whether it can be opened: asking may
    /// mean a question to a service.
    Works,
}

/// A plugin that is only to be listed is not waited for as long as one that is at work.
const PATIENCE: Duration = Duration::from_secs(10);

/// No more processes than this are started at a time.
const MOST_AT_ONCE: usize = 16;

impl Registry {
    /// The backends of all providers that pass the filter. Plugins are loaded only if what they
    /// said earlier cannot be used: their file is another one, their list depends on an account,
    /// or the filter asks for a status that is not known. A provider with a problem does not hide
    /// the others. Blocks while plugins are asked.
    #[must_use]
    pub fn catalogue(&self, filter: &Filter) -> Catalogue {
        let mut catalogue = Catalogue::default();
        for (slot, answer) in self.ask_all(Question::List) {
            let (listed, problems) = match answer {
                Ok(answer) => answer,
                Err(problem) => {
                    catalogue.problems.push(problem);
                    continue;
                }
            };
            catalogue.problems.extend(problems);
            for (name, configuration) in listed {
                let seen = Unloaded::new(self, &slot, name, configuration);
                match filter.matches(&seen) {
                    Ok(true) => catalogue.backends.push(seen.into_listed()),
                    Ok(false) => {}
                    Err(source) => catalogue.problems.push(provider_error(slot.id(), source)),
                }
            }
        }
        catalogue
    }

    /// Asks a listed backend whether it works now; loads its plugin, and blocks as it does.
    ///
    /// # Errors
    /// If the plugin cannot be loaded, or the backend cannot say.
    pub fn status(&self, backend: &ListedBackend) -> Result<BackendStatus> {
        let id = &backend.provider;
        let name = backend.name.strip_prefix(id).map_or("", |rest| rest.trim_start_matches('/'));
        let found = self.provider(id)?.get_backend(name);
        found.and_then(|found| found.status()).map_err(|source| provider_error(id, source))
    }

    /// Finds out for every accepted plugin whether it works, and returns the problems by id. Those
    /// of third parties are asked in processes of their own, unless that was done before.
    #[must_use]
    pub fn examine(&self) -> Vec<(String, Error)> {
        let asked = self.ask_all(Question::Works).into_iter();
        asked.filter_map(|(slot, answer)| Some((slot.id().to_owned(), answer.err()?))).collect()
    }

    /// What every accepted plugin says, in search order. A plugin that turns out to be of no use
    /// makes room for the next one with its id.
    fn ask_all(&self, question: Question) -> Vec<(Arc<Slot>, Answer)> {
        let mut snapshot = self.snapshot();
        // Every turn but the last refuses a plugin, so that they come to an end.
        loop {
            let asked = self.ask_each(&snapshot, question);
            let refused = self.remember(&snapshot, &asked);
            if !refused {
                let answers = asked.into_iter().map(|asked| asked.answer);
                return snapshot.slots.iter().cloned().zip(answers).collect();
            }
            snapshot = self.snapshot();
        }
    }

    /// What is known, and for the others the answers, several at a time.
    fn ask_each(&self, snapshot: &Snapshot, question: Question) -> Vec<Asked> {
        let mut answers: Vec<Option<Asked>> =
            snapshot.slots.iter().map(|slot| self.known(slot)).collect();
        let unknown: Vec<usize> =
            (0..answers.len()).filter(|&place| answers[place].is_none()).collect();
        let threads = thread::available_parallelism().map_or(1, NonZero::get) * 2;
        let next = Mutex::new(unknown.iter().copied());
        let new = Mutex::new(Vec::new());
        thread::scope(|scope| {
            for _ in 0..threads.min(MOST_AT_ONCE).min(unknown.len()) {
                scope.spawn(|| {
                    let take = || next.lock().unwrap_or_else(PoisonError::into_inner).next();
                    while let Some(place) = take() {
                        let asked = self.ask(&snapshot.slots[place], question);
                        let mut new = new.lock().unwrap_or_else(PoisonError::into_inner);
                        new.push((place, asked));
                    }
                });
            }
        });
        for (place, asked) in new.into_inner().unwrap_or_else(PoisonError::into_inner) {
            answers[place] = Some(asked);
        }
        answers.into_iter().map(|asked| asked.expect("the unknown ones were asked")).collect()
    }

    /// What a plugin said at an earlier time, if that still holds.
    fn known(&self, slot: &Slot) -> Option<Asked> {
        if !self.may_be_remembered(slot) {
            return None;
        }
        let seen = self.seen();
        let Some(Probe::Backends { made_from, backends }) = &seen.cache.last(slot.path())?.probe
        else {
            return None;
        };
        if made_from::now(&slot.manifest.listing_reads).as_ref() != Some(made_from) {
            return None;
        }
        let listed = backends.iter().map(|(name, document)| {
            let configuration = BackendConfiguration::deserialize(document).ok()?;
            Some((name.clone(), Some(Arc::new(configuration))))
        });
        let answer = Ok((listed.collect::<Option<_>>()?, Vec::new()));
        Some(Asked { answer, probe: None, took: Duration::ZERO })
    }

    /// Whether what the plugin lists depends on nothing but what can be looked at: where it needs
    /// secrets or settings, on whether there are any.
    fn may_be_remembered(&self, slot: &Slot) -> bool {
        let manifest = &slot.manifest;
        let alone = manifest.secrets.is_empty() && manifest.configuration.is_empty();
        let accounts = || self.around.accounts.accounts();
        alone || !accounts().iter().any(|account| account.provider == manifest.id)
    }

    /// Runs a plugin and asks it.
    fn ask(&self, slot: &Slot, question: Question) -> Asked {
        let began = Instant::now();
        let isolated = slot.is_isolated(self.around.isolation);
        let fresh = slot.opened().is_none();
        let before = made_from::now(&slot.manifest.listing_reads);
        let lasting = self.may_be_remembered(slot);
        let answer = self.open(slot, isolated).and_then(|provider| match question {
            Question::Works if !lasting => Ok((Vec::new(), Vec::new())),
            _ => list(slot, &*provider),
        });
        // One that worked for a while is no bad file because it died now.
        if isolated
            && fresh
            && let Err(error) = &answer
            && let Some((refusal, lasting)) = refusal(slot, error)
        {
            let probe = Some(Probe::refused(&refusal, lasting));
            return Asked { answer: Err(Error::Plugin { refusal }), probe, took: began.elapsed() };
        }
        let probe = match &answer {
            Ok((listed, problems)) if lasting && problems.is_empty() => {
                let now = made_from::now(&slot.manifest.listing_reads);
                before.filter(|before| now.as_ref() == Some(before)).and_then(|made_from| {
                    let backends = listed.iter().map(|(name, configuration)| {
                        let document = serde_json::to_value(configuration.as_deref()?).ok()?;
                        Some((name.clone(), document))
                    });
                    Some(Probe::Backends { made_from, backends: backends.collect::<Option<_>>()? })
                })
            }
            _ => None,
        };
        Asked { answer, probe, took: began.elapsed() }
    }

    /// A provider to ask. One in a process of its own is not kept: a list should not leave a
    /// hundred processes behind.
    fn open(&self, slot: &Slot, isolated: bool) -> Result<Arc<dyn Provider>> {
        let provider = match slot.opened() {
            Some(opened) => opened,
            None if isolated => {
                let limits = slot.limits(&self.around.limits);
                let limits = Limits { answer: limits.answer.min(PATIENCE), ..limits };
                slot.open_within(&self.around, limits)
            }
            None => slot.provider(&self.around),
        };
        provider.map_err(|refusal| Error::Plugin { refusal })
    }

    /// Remembers what was learned; whether a plugin was refused that was not before.
    fn remember(&self, snapshot: &Snapshot, asked: &[Asked]) -> bool {
        let (mut learned, mut refused) = (false, false);
        let mut unpinned = Vec::new();
        let mut seen = self.seen();
        for (slot, asked) in snapshot.slots.iter().zip(asked) {
            let Some(probe) = &asked.probe else { continue };
            // If the file was replaced in between, this was said by another one.
            if seen.holds(slot) && seen.cache.remember(slot.path(), probe.clone(), asked.took) {
                learned = true;
                if matches!(probe, Probe::Refused { .. }) {
                    refused = true;
                    // A file that never worked leaves the id free for one that does.
                    if seen.has_pinned(slot) {
                        unpinned.push(slot.id());
                    }
                }
            }
        }
        if let Some(lock_file) = self.lock_file().filter(|_| !unpinned.is_empty()) {
            // If it cannot be written, the next file is asked about, and no harm is done.
            let _ = lock_file.change(|pins| pins.retain(|id, _| !unpinned.contains(&&**id)));
        }
        if learned {
            seen.look_again();
            seen.cache.save();
        }
        refused
    }
}

/// The backends of a provider, and what each is.
fn list(slot: &Slot, provider: &dyn Provider) -> Answer {
    let backends = provider.backends(&Filter::default());
    let backends = backends.map_err(|source| provider_error(slot.id(), source))?;
    let mut problems = Vec::new();
    let mut listed = Vec::new();
    for backend in backends {
        let name = backend.name().to_owned();
        let configuration = match backend.configuration() {
            Ok(configuration) => Some(configuration),
            Err(source) if source.code().starts_with("plugin.") => {
                return Err(provider_error(slot.id(), source));
            }
            Err(source) => {
                problems.push(provider_error(slot.id(), source));
                None
            }
        };
        listed.push((name, configuration));
    }
    Ok((listed, problems))
}

/// What went wrong when a plugin was asked in a process of its own, as a refusal if the plugin
/// itself is to blame; and whether that will be so as long as the file is the same.
fn refusal(slot: &Slot, error: &Error) -> Option<(Refusal, bool)> {
    let (found, lasting, details) = match error {
        // That no process could be started says nothing about the plugin.
        Error::Plugin { refusal } if refusal.step == "isolation" => return None,
        Error::Plugin { refusal } => {
            (refusal.found.clone(), refusal.step == isolate::START, refusal.details.clone())
        }
        Error::Provider { source, .. } if source.code() == "plugin.died" => {
            let causes: String = source.causes().iter().map(|cause| format!("; {cause}")).collect();
            (format!("{source}{causes}"), true, None)
        }
        _ => return None,
    };
    let refusal = Refusal {
        path: slot.path().to_owned(),
        step: PROBE,
        found,
        expected: "a plugin that can be loaded and lists its backends".to_owned(),
        fix: match lasting {
            true => "`ketch providers --why` tries again".to_owned(),
            false => "mend that, or ask its author for a newer build".to_owned(),
        },
        details,
    };
    Some((refusal, lasting))
}

/// A backend whose plugin is loaded only if a filter asks for more than its configuration.
struct Unloaded<'a> {
    registry: &'a Registry,
    /// `provider/backend`.
    qualified: String,
    name: String,
    provider: &'a str,
    configuration: Option<Arc<BackendConfiguration>>,
    status: OnceLock<BackendStatus>,
}

impl<'a> Unloaded<'a> {
    fn new(
        registry: &'a Registry,
        slot: &'a Slot,
        name: String,
        configuration: Option<Arc<BackendConfiguration>>,
    ) -> Self {
        let qualified = format!("{}/{name}", slot.id());
        let status = OnceLock::new();
        if slot.manifest.status.as_deref() == Some("static")
            && let Some(configuration) = &configuration
        {
            let _ = status.set(BackendStatus::active(&name, &configuration.backend_version));
        }
        Self { registry, qualified, name, provider: slot.id(), configuration, status }
    }

    fn into_listed(self) -> ListedBackend {
        ListedBackend {
            name: self.qualified,
            provider: self.provider.to_owned(),
            configuration: self.configuration,
            status: self.status.into_inner(),
        }
    }

    fn loaded(&self) -> ketch_core::Result<Arc<dyn Backend>> {
        match self.registry.provider(self.provider) {
            Ok(provider) => provider.get_backend(&self.name),
            Err(Error::Provider { source, .. }) => Err(source),
            Err(error) => {
                Err(ketch_core::Error::caused("plugin.refused", "cannot be loaded", error))
            }
        }
    }
}

impl Backend for Unloaded<'_> {
    fn name(&self) -> &str {
        &self.name
    }

    fn configuration(&self) -> ketch_core::Result<Arc<BackendConfiguration>> {
        match &self.configuration {
            Some(configuration) => Ok(Arc::clone(configuration)),
            None => self.loaded()?.configuration(),
        }
    }

    fn status(&self) -> ketch_core::Result<BackendStatus> {
        match self.status.get() {
            Some(status) => Ok(status.clone()),
            None => {
                let status = self.loaded()?.status()?;
                Ok(self.status.get_or_init(|| status).clone())
            }
        }
    }

    fn run(&self, qobj: Qobj, options: RunOptions) -> ketch_core::Result<Arc<dyn Job>> {
        self.loaded()?.run(qobj, options)
    }

    fn retrieve_job(&self, job_id: &str) -> ketch_core::Result<Arc<dyn Job>> {
        self.loaded()?.retrieve_job(job_id)
    }

    fn jobs(&self, query: &JobQuery) -> ketch_core::Result<Vec<Arc<dyn Job>>> {
        self.loaded()?.jobs(query)
    }
}
