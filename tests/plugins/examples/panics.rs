//! A plugin whose every method panics, and whose objects panic when they are dropped.

#![forbid(unsafe_code)]
#![expect(clippy::panic, reason = "what this plugin is for")]

use ketch_core::{Extensions, Message, device::BackendConfiguration, prelude::*};

struct Panics;

impl Drop for Panics {
    fn drop(&mut self) {
        panic!("dropped");
    }
}

impl Provider for Panics {
    fn name(&self) -> &str {
        "panics"
    }

    fn backends(&self, _filter: &Filter) -> Result<Vec<Arc<dyn Backend>>> {
        Ok(vec![Arc::new(Self)])
    }

    fn get_backend(&self, name: &str) -> Result<Arc<dyn Backend>> {
        panic!("asked for {name}");
    }

    fn extensions(&self) -> Option<&dyn Extensions> {
        Some(self)
    }
}

impl Extensions for Panics {
    fn supports(&self, _name: &str) -> u32 {
        panic!("asked what it supports");
    }

    fn call(&self, _name: &str, _message: Message) -> Result<Message> {
        std::panic::panic_any(7);
    }
}

impl Backend for Panics {
    fn name(&self) -> &str {
        "panics"
    }

    fn configuration(&self) -> Result<Arc<BackendConfiguration>> {
        panic!("a configuration");
    }

    fn status(&self) -> Result<BackendStatus> {
        Ok(Vec::<BackendStatus>::new().swap_remove(0))
    }

    fn run(&self, _qobj: Qobj, _options: RunOptions) -> Result<Arc<dyn Job>> {
        Ok(Arc::new(Self))
    }
}

impl Job for Panics {
    fn job_id(&self) -> String {
        panic!("asked for its id");
    }

    fn backend(&self) -> Arc<dyn Backend> {
        panic!("asked for its backend");
    }

    fn status(&self) -> Result<JobStatus> {
        panic!("asked for its status");
    }

    fn result(&self, _timeout: Option<std::time::Duration>) -> Result<RunResult> {
        panic!("asked for its result");
    }

    fn cancel(&self) -> Result<bool> {
        panic!("cancelled");
    }
}

ketch_core::export_provider! { id: "panics", provider: |_host| Ok(Panics) }
