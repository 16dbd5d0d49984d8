//! No panic crosses the boundary.

use std::{
    any::Any,
    mem::ManuallyDrop,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use abi_stable::std_types::RResult;
use ketch_interface::{Error, Result};

use crate::raw::Reply;

/// Runs `work`; a panic in it becomes [`Error::ProviderPanicked`].
pub(crate) fn guard<T>(provider: &str, work: impl FnOnce() -> Result<T>) -> Reply<T> {
    // What a panic leaves half done stays on the panicking side; the caller only gets an error.
    let caught = catch_unwind(AssertUnwindSafe(work));
    match caught.unwrap_or_else(|panic| Err(panicked(provider, &*panic))) {
        Ok(value) => RResult::ROk(value),
        Err(error) => RResult::RErr((provider, &error).into()),
    }
}

/// Runs `work`; a panic in it becomes `otherwise`.
pub(crate) fn guard_or<T>(otherwise: T, work: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or(otherwise)
}

/// The error for a caught panic.
pub(crate) fn panicked(provider: &str, panic: &(dyn Any + Send)) -> Error {
    let text = panic.downcast_ref::<&str>().copied().map(str::to_owned);
    let message = text.or_else(|| panic.downcast_ref::<String>().cloned());
    Error::ProviderPanicked {
        provider: provider.to_owned(),
        message: message.unwrap_or_else(|| "a value that is not text".to_owned()),
    }
}

/// A shared thing whose last owner may be on the other side, so that even dropping it must not
/// panic across.
pub(crate) struct Guarded<T: ?Sized>(ManuallyDrop<Arc<T>>);

impl<T: ?Sized> Guarded<T> {
    pub(crate) fn new(inner: Arc<T>) -> Self {
        Self(ManuallyDrop::new(inner))
    }
}

impl<T: ?Sized> std::ops::Deref for Guarded<T> {
    type Target = Arc<T>;

    fn deref(&self) -> &Arc<T> {
        &self.0
    }
}

impl<T: ?Sized> Drop for Guarded<T> {
    #[expect(unsafe_code, reason = "dropping inside a closure that catches panics")]
    fn drop(&mut self) {
        // SAFETY: `self` is being dropped, so the value is neither used nor taken again.
        let inner = unsafe { ManuallyDrop::take(&mut self.0) };
        guard_or((), || drop(inner));
    }
}
