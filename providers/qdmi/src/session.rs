//! [`Session`]: a conversation with a device, in which its properties are asked for.

use std::{
    ffi::{CString, c_int},
    ptr,
    sync::{Arc, Mutex},
};

use ketch_core::{Error, Result};

use crate::{
    abi::{Handle, SESSION_PARAMETERS, device},
    answer::{Answer, Failure, ask},
    configured::Configured,
    library::{self, Library},
    lock,
};

/// An initialized session. Any thread may use it; calls that name it take turns.
pub(crate) struct Session {
    pub(crate) library: &'static Library,
    handle: Handle,
    /// QDMI does not say that a session may be used by several threads at once.
    turn: Mutex<()>,
    /// The version of QDMI that the device speaks.
    pub(crate) version: String,
}

// SAFETY: the handle belongs to the device and not to a thread, and every call that names it is
// made under the lock `turn`.
unsafe impl Send for Session {}
// SAFETY: as above.
unsafe impl Sync for Session {}

impl Session {
    /// Opens a device's library, if that was not done yet, and a session of its own. Blocks while
    /// the device does that, which may ask a service.
    ///
    /// # Errors
    /// If the library cannot be used, a parameter is not taken, the device refuses the session, or
    /// speaks a version before 1.2.
    pub(crate) fn open(configured: &Configured) -> Result<Arc<Self>> {
        let id = &configured.id;
        let library = library::open(&configured.library, configured.prefix.as_deref())?;
        let refused = |what: &str, failure: Failure| session_error(id, what, failure);
        let mut handle = ptr::null_mut();
        // SAFETY: the library is initialized, and the place is a variable of this function.
        let code = unsafe { (library.functions.session_alloc)(&raw mut handle) };
        Failure::check(code).map_err(|failure| refused("does not open a session", failure))?;
        // From here on, dropping it frees the session.
        let mut session = Self { library, handle, turn: Mutex::new(()), version: String::new() };
        for (word, value) in &configured.parameters {
            session.set(id, word, value)?;
        }
        // SAFETY: the session was allocated and is not initialized yet.
        let code = unsafe { (library.functions.session_init)(handle) };
        Failure::check(code).map_err(|failure| refused("does not begin the session", failure))?;
        let version = session.text(device::LIBRARY_VERSION);
        let version = version.map_err(|failure| refused("does not tell its version", failure))?;
        session.version = checked(id, version)?;
        Ok(Arc::new(session))
    }

    fn set(&self, id: &str, word: &str, value: &str) -> Result<()> {
        let number = SESSION_PARAMETERS.iter().find(|(known, _)| *known == word);
        let (_, number) = *number.expect("the words were checked when they were read");
        let what = format!("does not take `{word}`");
        let value = CString::new(value).map_err(|_| {
            Error::other("qdmi.session", format!("`{id}`: the value of `{word}` holds a zero"))
        })?;
        let value = value.as_bytes_with_nul();
        let set = self.library.functions.session_set_parameter;
        // SAFETY: the session is not initialized yet; the device copies so many bytes.
        let code = unsafe { set(self.handle, number, value.len(), value.as_ptr().cast()) };
        Failure::check(code).map_err(|failure| session_error(id, &what, failure))
    }

    /// A property of the device.
    pub(crate) fn device(&self, property: c_int) -> Result<Option<Answer>, Failure> {
        let _turn = lock(&self.turn);
        let query = self.library.functions.session_query_device_property;
        // SAFETY: the session is initialized; the place has the size or is null.
        ask(|size, place, needed| unsafe { query(self.handle, property, size, place, needed) })
    }

    /// A text of the device.
    pub(crate) fn text(&self, property: c_int) -> Result<Option<String>, Failure> {
        Ok(self.device(property)?.map(|answer| answer.text()))
    }

    /// A property of one of the device's sites.
    pub(crate) fn site(&self, site: Handle, property: c_int) -> Result<Option<Answer>, Failure> {
        let _turn = lock(&self.turn);
        let query = self.library.functions.session_query_site_property;
        // SAFETY: the session is initialized, and the site one that it listed.
        ask(|size, place, needed| unsafe {
            query(self.handle, site, property, size, place, needed)
        })
    }

    /// A property of one of the device's operations, on these sites or wherever.
    pub(crate) fn operation(
        &self,
        operation: Handle,
        sites: &[Handle],
        property: c_int,
    ) -> Result<Option<Answer>, Failure> {
        let _turn = lock(&self.turn);
        let query = self.library.functions.session_query_operation_property;
        let places = if sites.is_empty() { ptr::null() } else { sites.as_ptr() };
        // SAFETY: the session is initialized, operation and sites are ones that it listed, and
        // there are so many sites; no parameters are told.
        ask(|size, place, needed| unsafe {
            let (handle, n) = (self.handle, sites.len());
            query(handle, operation, n, places, 0, ptr::null(), property, size, place, needed)
        })
    }

    /// Makes a job, which has to be freed before the session.
    pub(crate) fn create_job(&self) -> Result<Handle, Failure> {
        let _turn = lock(&self.turn);
        let mut job = ptr::null_mut();
        let create = self.library.functions.session_create_device_job;
        // SAFETY: the session is initialized, and the place is a variable of this function.
        Failure::check(unsafe { create(self.handle, &raw mut job) })?;
        Ok(job)
    }

    /// A job of earlier; `None` if the device does not give jobs back.
    pub(crate) fn retrieve_job(&self, id: &str) -> Result<Option<Handle>, Failure> {
        let (Some(retrieve), Ok(id)) = (self.library.retrieve, CString::new(id)) else {
            return Ok(None);
        };
        let _turn = lock(&self.turn);
        let mut job = ptr::null_mut();
        // SAFETY: the session is initialized, the id a text with an end, and the place a variable.
        match Failure::check(unsafe { retrieve(self.handle, id.as_ptr(), &raw mut job) }) {
            Err(failure) if failure.means_unsupported() => Ok(None),
            found => found.map(|()| Some(job)),
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // SAFETY: nobody else has it; jobs keep their session until they are freed.
        unsafe { (self.library.functions.session_free)(self.handle) };
    }
}

fn session_error(id: &str, what: &str, failure: Failure) -> Error {
    Error::other("qdmi.session", format!("the device `{id}` {what}: {failure}"))
}

/// The version, if it is one whose numbers are known: before 1.2 they stood for other things.
fn checked(id: &str, version: Option<String>) -> Result<String> {
    let version = version.unwrap_or_default();
    let mut numbers = version.split('.').map(|number| number.parse::<u32>().ok());
    match (numbers.next().flatten(), numbers.next().flatten()) {
        (Some(1), Some(minor)) if minor >= 2 => Ok(version),
        _ => Err(Error::other(
            "qdmi.version",
            format!("the device `{id}` speaks QDMI `{version}`, expected 1.2 or a later 1.x"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::checked;

    #[test]
    fn versions_before_1_2_are_refused() {
        for good in ["1.2", "1.3.2", "1.4.0", "1.10.1"] {
            assert_eq!(checked("d", Some(good.to_owned())).unwrap(), good);
        }
        for bad in [Some("1.1.9"), Some("0.9"), Some("2.0.0"), Some("new"), Some(""), None] {
            let refusal = checked("d", bad.map(str::to_owned)).unwrap_err();
            assert_eq!(refusal.code(), "qdmi.version");
        }
    }
}
