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
    let server = std::env::var("NO_SUCH_LICENCE_SERVER");
    server.map(|_| Never).map_err(|_| "no licence server").expect("the licence");
    Ok(Never)
}

ketch_core::export_provider! { id: "panics_early", provider: make }
