//! A plugin that knows no extension at all: the least that a provider can be.

#![forbid(unsafe_code)]

use ketch_core::prelude::*;

struct Simple;

impl Provider for Simple {
    fn name(&self) -> &str {
        "simple"
    }

    fn backends(&self, filter: &Filter) -> Result<Vec<Arc<dyn Backend>>> {
        filter.apply([])
    }
}

ketch_core::export_provider! { id: "simple", provider: |_host| Ok(Simple) }
