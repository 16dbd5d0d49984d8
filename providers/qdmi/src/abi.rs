//! The device interface in Rust: the numbers and functions of QDMI 1.4, and what 1.3 does
//! otherwise. Source: the headers `constants.h` and `device.h` of QDMI 1.3.2 and 1.4.0.

use std::ffi::{c_char, c_int, c_void};

use libloading::os::unix::Library;

/// A session, job, site or operation: the device knows what is behind it.
pub(crate) type Handle = *mut c_void;

/// What the functions return.
pub(crate) mod status {
    use super::c_int;
    pub(crate) const FATAL: c_int = -1;
    pub(crate) const OUT_OF_MEMORY: c_int = -2;
    pub(crate) const NOT_IMPLEMENTED: c_int = -3;
    pub(crate) const NOT_FOUND: c_int = -5;
    pub(crate) const OUT_OF_RANGE: c_int = -6;
    pub(crate) const INVALID_ARGUMENT: c_int = -7;
    pub(crate) const PERMISSION_DENIED: c_int = -8;
    pub(crate) const NOT_SUPPORTED: c_int = -9;
    pub(crate) const BAD_STATE: c_int = -10;
    pub(crate) const TIMEOUT: c_int = -11;
}

/// Properties of a device.
pub(crate) mod device {
    use super::c_int;
    pub(crate) const NAME: c_int = 0;
    pub(crate) const VERSION: c_int = 1;
    pub(crate) const STATUS: c_int = 2;
    pub(crate) const LIBRARY_VERSION: c_int = 3;
    pub(crate) const QUBITS: c_int = 4;
    pub(crate) const SITES: c_int = 5;
    pub(crate) const OPERATIONS: c_int = 6;
    pub(crate) const COUPLING_MAP: c_int = 7;
    pub(crate) const DURATION_UNIT: c_int = 12;
    pub(crate) const DURATION_SCALE: c_int = 13;
    pub(crate) const PROGRAM_FORMATS: c_int = 15;
    pub(crate) const QUEUE_LENGTH: c_int = 17;
}

/// States of a device, by their numbers.
pub(crate) const DEVICE_STATES: [&str; 6] =
    ["offline", "idle", "busy", "in an error state", "in maintenance", "in calibration"];

/// Properties of a site.
pub(crate) mod site {
    use super::c_int;
    pub(crate) const T1: c_int = 1;
    pub(crate) const T2: c_int = 2;
    pub(crate) const IS_ZONE: c_int = 7;
}

/// Properties of an operation.
pub(crate) mod operation {
    use super::c_int;
    pub(crate) const NAME: c_int = 0;
    pub(crate) const QUBITS: c_int = 1;
    pub(crate) const PARAMETERS: c_int = 2;
    pub(crate) const DURATION: c_int = 3;
    pub(crate) const FIDELITY: c_int = 4;
    pub(crate) const IS_ZONED: c_int = 8;
    pub(crate) const SITES: c_int = 9;
}

/// Parameters of a session, by the words that manifests use.
pub(crate) const SESSION_PARAMETERS: &[(&str, c_int)] = &[
    ("base-url", 0),
    ("token", 1),
    ("auth-file", 2),
    ("auth-url", 3),
    ("username", 4),
    ("password", 5),
    ("custom1", 999_999_995),
    ("custom2", 999_999_996),
    ("custom3", 999_999_997),
    ("custom4", 999_999_998),
    ("custom5", 999_999_999),
];

/// Parameters of a job; the first two are of versions before 1.4.
pub(crate) mod job_parameter {
    use super::c_int;
    pub(crate) const PROGRAM_FORMAT: c_int = 0;
    pub(crate) const PROGRAM: c_int = 1;
    pub(crate) const SHOTS: c_int = 2;
}

/// Properties of a job.
pub(crate) mod job_property {
    use super::c_int;
    pub(crate) const ID: c_int = 0;
    pub(crate) const QUEUE_POSITION: c_int = 4;
}

/// States of a job.
pub(crate) mod job_status {
    use super::c_int;
    pub(crate) const QUEUED: c_int = 2;
    pub(crate) const RUNNING: c_int = 3;
    pub(crate) const DONE: c_int = 4;
    pub(crate) const CANCELLED: c_int = 5;
    pub(crate) const FAILED: c_int = 6;
}

/// Formats of programs.
pub(crate) mod format {
    use super::c_int;
    pub(crate) const QASM2: c_int = 0;
    pub(crate) const QASM3: c_int = 1;
}

/// Results of a job.
pub(crate) mod result {
    use super::c_int;
    pub(crate) const SHOTS: c_int = 0;
    pub(crate) const KEYS: c_int = 1;
    pub(crate) const VALUES: c_int = 2;
    pub(crate) const STATE: c_int = 3;
}

/// Declares the functions that every device exports, as fields.
macro_rules! functions {
    ($($name:ident($($argument:ty),*) $(-> $answer:ty)?;)*) => {
        /// The functions of a device that are the same in all versions, by the names behind
        /// `PREFIX_QDMI_device_`.
        pub(crate) struct Functions {
            $(pub(crate) $name: unsafe extern "C" fn($($argument),*) $(-> $answer)?,)*
        }

        impl Functions {
            /// Finds them.
            ///
            /// # Errors
            /// The first one that the library lacks.
            ///
            /// # Safety
            /// The library is a QDMI device of this prefix, of version 1.2 or later, and stays
            /// loaded.
            pub(crate) unsafe fn of(library: &Library, prefix: &str) -> Result<Self, String> {
                Ok(Self {
                    // SAFETY: the caller says that the symbols have the types of the headers.
                    $($name: unsafe { symbol(library, prefix, stringify!($name)) }
                        .ok_or_else(|| full_name(prefix, stringify!($name)))?,)*
                })
            }
        }
    };
}

functions! {
    initialize() -> c_int;
    session_alloc(*mut Handle) -> c_int;
    session_set_parameter(Handle, c_int, usize, *const c_void) -> c_int;
    session_init(Handle) -> c_int;
    session_free(Handle);
    session_query_device_property(Handle, c_int, usize, *mut c_void, *mut usize) -> c_int;
    session_query_site_property(Handle, Handle, c_int, usize, *mut c_void, *mut usize) -> c_int;
    session_query_operation_property(
        Handle, Handle, usize, *const Handle, usize, *const f64, c_int, usize, *mut c_void,
        *mut usize
    ) -> c_int;
    session_create_device_job(Handle, *mut Handle) -> c_int;
    job_set_parameter(Handle, c_int, usize, *const c_void) -> c_int;
    job_query_property(Handle, c_int, usize, *mut c_void, *mut usize) -> c_int;
    job_submit(Handle) -> c_int;
    job_check(Handle, *mut c_int) -> c_int;
    job_cancel(Handle) -> c_int;
    job_free(Handle);
}

/// Puts programs into a job, from 1.4 on: job, format, count, sizes, programs.
pub(crate) type SetPrograms =
    unsafe extern "C" fn(Handle, c_int, usize, *const usize, *const *const c_void) -> c_int;

/// Finds a job by its id, from 1.3.3 on.
pub(crate) type Retrieve = unsafe extern "C" fn(Handle, *const c_char, *mut Handle) -> c_int;

/// Asks for a result before 1.4: job, which, size, place, size needed.
pub(crate) type ResultOfJob =
    unsafe extern "C" fn(Handle, c_int, usize, *mut c_void, *mut usize) -> c_int;

/// The same from 1.4 on, with the number of the program behind the job.
pub(crate) type ResultOfProgram =
    unsafe extern "C" fn(Handle, usize, c_int, usize, *mut c_void, *mut usize) -> c_int;

/// `PREFIX_QDMI_device_NAME`.
pub(crate) fn full_name(prefix: &str, name: &str) -> String {
    format!("{prefix}_QDMI_device_{name}")
}

/// A function of the library, if it is there.
///
/// # Safety
/// `F` is the type of the function, and the library stays loaded.
pub(crate) unsafe fn symbol<F: Copy>(library: &Library, prefix: &str, name: &str) -> Option<F> {
    // SAFETY: the caller says that the symbol is a function of this type.
    let found = unsafe { library.get::<F>(full_name(prefix, name)) };
    found.ok().map(|found| *found)
}
