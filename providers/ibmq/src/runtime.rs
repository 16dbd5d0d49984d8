//! The one thread on which all of a provider's connections live.

use std::{future::Future, io, time::Duration};

/// Drives connections, however many jobs there are.
pub(crate) struct Runtime(Option<tokio::runtime::Runtime>);

impl Runtime {
    /// # Errors
    /// If the thread cannot be started.
    pub(crate) fn new() -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("ketch-ibmq")
            .enable_all()
            .build()?;
        Ok(Self(Some(runtime)))
    }

    /// Waits for the work on the caller's thread; `None` if it takes longer than `limit`.
    pub(crate) fn block_on<T>(&self, limit: Duration, work: impl Future<Output = T>) -> Option<T> {
        let runtime = self.0.as_ref().expect("the runtime is there until it is dropped");
        runtime.block_on(async { tokio::time::timeout(limit, work).await.ok() })
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        // A name look-up that hangs must not hold up whoever drops the provider.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
