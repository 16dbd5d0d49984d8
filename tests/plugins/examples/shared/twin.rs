//! What the twins have in common.

use ketch_core::{device::BackendConfiguration, prelude::*};

/// A provider with one backend, `common`, whose description is the provider's name.
pub(crate) struct Twin(pub(crate) &'static str);

struct Common(&'static str);

impl Provider for Twin {
    fn name(&self) -> &str {
        self.0
    }

    fn backends(&self, filter: &Filter) -> Result<Vec<Arc<dyn Backend>>> {
        filter.apply([Arc::new(Common(self.0)) as Arc<dyn Backend>])
    }
}

impl Backend for Common {
    fn name(&self) -> &str {
        "common"
    }

    fn configuration(&self) -> Result<Arc<BackendConfiguration>> {
        let mut configuration = BackendConfiguration::simulator("common", "1.0.0", 1);
        configuration.description = Some(self.0.to_owned());
        Ok(Arc::new(configuration))
    }

    fn status(&self) -> Result<BackendStatus> {
        Err(Error::Unauthenticated { reason: format!("{} wants a token", self.0) })
    }

    fn run(&self, _qobj: Qobj, _options: RunOptions) -> Result<Arc<dyn Job>> {
        Err(Error::not_supported(self.0, "running"))
    }
}
