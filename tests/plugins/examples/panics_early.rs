//! A plugin that panics when its provider is made.

#![forbid(unsafe_code)]

use ketch_core::{Host, Provider, Result};

struct Never;

impl Provider for Never {
    fn name(&self) -> &str {
        "panics_early"
    }

    fn backends(
        &self,
        _filter: &ketch_core::Filter,
    ) -> Result<Vec<std::sync::Arc<dyn ketch_core::Backend>>> {
        Ok(Vec::new())
    }
}

fn make(_host: Host) -> Result<Never> {
    let missing: Result<Never, &str> = Err("no licence server");
    Ok(missing.expect("the licence"))
}

ketch_core::export_provider! { id: "panics_early", provider: make }
