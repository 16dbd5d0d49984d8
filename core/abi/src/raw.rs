//! The types that cross the boundary. **Frozen**: see the crate's promise.
//!
//! Every method may be called from any thread, and from several at once. None unwinds. All bytes
//! are little-endian.

#![expect(unsafe_code, reason = "`#[sabi_trait]` and a buffer that others own")]
#![allow(unused_qualifications, reason = "the expansion of `#[sabi_trait]` repeats paths")]

use abi_stable::{
    StableAbi, sabi_trait,
    std_types::{RArc, RResult, RStr, RString, RVec},
};

/// Bytes that belong to whoever made them.
///
/// `data` is aligned to 64 bytes unless `length` is 0; nobody writes to it until `release` is
/// called, once, from any thread.
#[repr(C)]
#[derive(StableAbi, Debug)]
pub struct RawBuffer {
    /// What the elements are: one of [`dtype`].
    pub dtype: u32,
    /// 0.
    pub reserved: u32,
    /// The first element.
    pub data: *const u8,
    /// In bytes.
    pub length: u64,
    /// What `release` is called with.
    pub owner: *mut u8,
    /// Gives the memory back to its maker.
    pub release: extern "C" fn(*mut u8),
}

/// The values of [`RawBuffer::dtype`].
pub mod dtype {
    /// Bytes.
    pub const BYTES: u32 = 0;
    /// IEEE 754 double precision.
    pub const REAL: u32 = 1;
    /// Two of those: real, imaginary.
    pub const COMPLEX: u32 = 2;
}

// SAFETY: the contract above: the memory is not written to while shared, and `release` may be
// called from any thread.
unsafe impl Send for RawBuffer {}
// SAFETY: as above; a shared reference only reads.
unsafe impl Sync for RawBuffer {}

impl Drop for RawBuffer {
    fn drop(&mut self) {
        (self.release)(self.owner);
    }
}

/// A document and large data beside it.
#[repr(C)]
#[derive(StableAbi, Debug)]
pub struct Payload {
    /// What `head` is: one of [`format`](mod@format), or what an extension defines.
    pub format: u32,
    /// 0.
    pub reserved: u32,
    /// The document.
    pub head: RVec<u8>,
    /// The data.
    pub buffers: RVec<RawBuffer>,
}

/// The values of [`Payload::format`].
pub mod format {
    /// JSON in UTF-8, with a field `schema`.
    pub const JSON: u32 = 0;
    /// A Qobj in the binary form of `ketch_interface::codec`.
    pub const QOBJ: u32 = 1;
    /// A result in the binary form of `ketch_interface::codec`.
    pub const RESULT: u32 = 2;
}

/// An error.
#[repr(C)]
#[derive(StableAbi, Debug)]
pub struct WireError {
    /// The stable word for machines.
    pub code: RString,
    /// What happened, without its causes.
    pub message: RString,
    /// What the user can do; empty if unknown.
    pub hint: RString,
    /// Who says so.
    pub provider: RString,
    /// The causes' messages, the nearest first.
    pub causes: RVec<RString>,
    /// The error's fields by name, as a JSON object; empty if it has none.
    pub fields: RVec<u8>,
    /// The same call may succeed later.
    pub retryable: bool,
}

/// What a method answers.
pub type Reply<T> = RResult<T, WireError>;

/// An object of any kind, known by what it supports. The host is one.
#[sabi_trait]
pub trait RawObject: Send + Sync {
    /// The newest revision of the extension; 0 if it is unknown.
    fn supports(&self, name: RStr<'_>) -> u32;
    /// Calls an extension.
    fn call(&self, name: RStr<'_>, message: Payload) -> Reply<Payload>;
    /// Opens an object.
    fn open(&self, name: RStr<'_>, message: Payload) -> Reply<ObjectRef>;
}
/// A shared [`RawObject`].
pub type ObjectRef = RawObject_TO<'static, RArc<()>>;

/// `ketch_interface::Provider`.
#[sabi_trait]
pub trait RawProvider: Send + Sync {
    /// Its name.
    fn name(&self) -> RString;
    /// Its backends. The payload is a JSON hint of what the host is looking for; the host filters
    /// again.
    fn backends(&self, hint: Payload) -> Reply<RVec<BackendRef>>;
    /// A backend by name or alias.
    fn get_backend(&self, name: RStr<'_>) -> Reply<BackendRef>;
    /// As [`RawObject`].
    fn supports(&self, name: RStr<'_>) -> u32;
    /// As [`RawObject`].
    fn call(&self, name: RStr<'_>, message: Payload) -> Reply<Payload>;
    /// As [`RawObject`].
    fn open(&self, name: RStr<'_>, message: Payload) -> Reply<ObjectRef>;
}
/// A shared [`RawProvider`].
pub type ProviderRef = RawProvider_TO<'static, RArc<()>>;

/// `ketch_interface::Backend`.
#[sabi_trait]
pub trait RawBackend: Send + Sync {
    /// Its name within the provider.
    fn name(&self) -> RString;
    /// A backend configuration document.
    fn configuration(&self) -> Reply<Payload>;
    /// A backend properties document; an empty head where there are none.
    fn properties(&self) -> Reply<Payload>;
    /// A backend status document.
    fn status(&self) -> Reply<Payload>;
    /// Head: `ketch.run_request/1`; buffer 0: the Qobj. Returns at once.
    fn run(&self, request: Payload) -> Reply<JobRef>;
    /// The job of this id.
    fn retrieve_job(&self, job_id: RStr<'_>) -> Reply<JobRef>;
    /// Head: `ketch.job_query/1`.
    fn jobs(&self, query: Payload) -> Reply<RVec<JobRef>>;
    /// As [`RawObject`].
    fn supports(&self, name: RStr<'_>) -> u32;
    /// As [`RawObject`].
    fn call(&self, name: RStr<'_>, message: Payload) -> Reply<Payload>;
    /// As [`RawObject`].
    fn open(&self, name: RStr<'_>, message: Payload) -> Reply<ObjectRef>;
}
/// A shared [`RawBackend`].
pub type BackendRef = RawBackend_TO<'static, RArc<()>>;

/// `ketch_interface::Job`. Dropping it never cancels.
#[sabi_trait]
pub trait RawJob: Send + Sync {
    /// The id that `retrieve_job` understands.
    fn job_id(&self) -> Reply<RString>;
    /// The backend that runs it.
    fn backend(&self) -> Reply<BackendRef>;
    /// The word of the state, such as `RUNNING`.
    fn status(&self) -> Reply<RString>;
    /// Waits at most this long in nanoseconds, without end if negative. The only method that waits
    /// for the work.
    fn result(&self, timeout: i64) -> Reply<Payload>;
    /// Asks for the work to stop; true if it had not come to an end.
    fn cancel(&self) -> Reply<bool>;
    /// Milliseconds since 1970 began; `i64::MIN` if unknown.
    fn creation_date(&self) -> Reply<i64>;
    /// 1 is next; 0 if not queued or unknown.
    fn queue_position(&self) -> Reply<u32>;
    /// Why it failed; empty if it did not.
    fn error_message(&self) -> Reply<RString>;
    /// As [`RawObject`].
    fn supports(&self, name: RStr<'_>) -> u32;
    /// As [`RawObject`].
    fn call(&self, name: RStr<'_>, message: Payload) -> Reply<Payload>;
    /// As [`RawObject`].
    fn open(&self, name: RStr<'_>, message: Payload) -> Reply<ObjectRef>;
}
/// A shared [`RawJob`].
pub type JobRef = RawJob_TO<'static, RArc<()>>;
