//! No panic crosses the boundary.

use std::{
    any::Any,
    mem::ManuallyDrop,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use abi_stable::std_types::RResult;
use ketch_interface::Error;

use crate::raw::{Reply, WireError};

/// Runs `work`; a panic in it becomes [`Error::ProviderPanicked`].
pub(crate) fn guard<T>(provider: &str, work: impl FnOnce() -> Result<T, Error>) -> Reply<T> {
    // An error is put into words in here too, for its causes may be types of the provider.
    let told = || work().map_err(|error| WireError::from((provider, &error)));
    match caught(told) {
        Ok(Ok(value)) => RResult::ROk(value),
        Ok(Err(error)) => RResult::RErr(error),
        Err(panic) => RResult::RErr((provider, &panicked(provider, &**panic)).into()),
    }
}

/// Runs `work`; a panic in it becomes `otherwise`.
pub(crate) fn guard_or<T>(otherwise: T, work: impl FnOnce() -> T) -> T {
    caught(work).unwrap_or(otherwise)
}

/// Runs `work` and catches its panic. What was thrown is never dropped, for that may panic again.
fn caught<T>(work: impl FnOnce() -> T) -> Result<T, ManuallyDrop<Box<dyn Any + Send>>> {
    // What a panic leaves half done stays on the panicking side; the caller only gets an error.
    catch_unwind(AssertUnwindSafe(work)).map_err(ManuallyDrop::new)
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

#[cfg(test)]
mod tests {
    use std::{fmt, panic::panic_any};

    use super::*;

    struct Bomb;

    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("dropped");
        }
    }

    #[derive(Debug)]
    struct Unspeakable;

    impl fmt::Display for Unspeakable {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            panic!("no words");
        }
    }

    impl std::error::Error for Unspeakable {}

    fn code(work: impl FnOnce() -> Result<(), Error>) -> String {
        match guard("lab", work) {
            RResult::ROk(()) => "fine".to_owned(),
            RResult::RErr(error) => error.code.into(),
        }
    }

    #[test]
    fn panics_of_every_kind_become_errors() {
        assert_eq!(code(|| Ok(())), "fine");
        assert_eq!(code(|| panic!("text")), "provider.panicked");
        assert_eq!(code(|| panic_any(Bomb)), "provider.panicked");
        assert_eq!(code(|| panic_any(7)), "provider.panicked");
        guard_or((), || panic_any(Bomb));
    }

    #[test]
    fn an_error_that_cannot_be_put_into_words_is_a_panic_too() {
        assert_eq!(code(|| Err(Error::caused("x", "y", Unspeakable))), "provider.panicked");
    }
}
