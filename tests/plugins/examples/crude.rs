//! A plugin that speaks the boundary's own language, wrongly: its answers have the right types and
//! the wrong contents. What each backend does is its name.

#![expect(unsafe_code, reason = "a hand-written entry, and answers that nobody should make")]

use abi_stable::{
    sabi_trait::TD_Opaque,
    std_types::{RArc, RResult, RStr, RString, RVec},
};
use ketch_abi::{
    __private::{Header, RootModuleResult, RootRef, call_root, header, root},
    raw::{
        BackendRef, JobRef, ObjectRef, Payload, ProviderRef, RawBackend, RawBackend_TO, RawBuffer,
        RawJob, RawJob_TO, RawProvider, RawProvider_TO, Reply, WireError, dtype, format,
    },
};

struct Provider;

struct Backend(String);

struct Job(String);

/// A payload of JSON, unless something else is said.
fn payload(format: u32, head: &[u8], buffers: Vec<RawBuffer>) -> Payload {
    Payload { format, reserved: 0, head: head.to_vec().into(), buffers: buffers.into() }
}

fn error(code: &str) -> WireError {
    WireError {
        code: code.into(),
        message: "something crude".into(),
        hint: RString::new(),
        provider: "somebody else".into(),
        causes: RVec::new(),
        fields: RVec::new(),
        retryable: true,
    }
}

/// A text that is none.
fn no_text() -> RString {
    // SAFETY: none: this is no UTF-8.
    unsafe { RString::from_utf8_unchecked(vec![0xff, 0xfe, 0x1b, 0xc0].into()) }
}

extern "C" fn keep(_owner: *mut u8) {}

extern "C" fn die(_owner: *mut u8) {
    std::process::abort();
}

#[repr(align(64))]
struct Numbers([f64; 16]);

static NUMBERS: Numbers = Numbers([0.5; 16]);

fn buffer(dtype: u32, skip: usize, length: u64) -> RawBuffer {
    let data = NUMBERS.0.as_ptr().cast::<u8>().wrapping_add(skip);
    let owner = std::ptr::null_mut();
    RawBuffer { dtype, reserved: 0, data, length, owner, release: keep }
}

/// Buffers that break a rule each, by the name of the backend.
fn buffers(kind: &str) -> Vec<RawBuffer> {
    let mut buffer = match kind {
        "unknown-type" => buffer(99, 0, 64),
        "unaligned" => buffer(dtype::REAL, 8, 64),
        "half-a-number" => buffer(dtype::REAL, 0, 63),
        "longer-than-memory" => buffer(dtype::REAL, 0, 1 << 63),
        _ => buffer(dtype::REAL, 0, 64),
    };
    match kind {
        "nowhere" => buffer.data = std::ptr::null(),
        "dies-when-released" => buffer.release = die,
        _ => {}
    }
    vec![buffer]
}

impl RawProvider for Provider {
    fn name(&self) -> RString {
        "crude".into()
    }

    fn backends(&self, _hint: Payload) -> Reply<RVec<BackendRef>> {
        RResult::ROk(RVec::new())
    }

    fn get_backend(&self, name: RStr<'_>) -> Reply<BackendRef> {
        RResult::ROk(RawBackend_TO::from_ptr(RArc::new(Backend(name.into())), TD_Opaque))
    }

    fn supports(&self, _name: RStr<'_>) -> u32 {
        u32::MAX
    }

    fn call(&self, _name: RStr<'_>, message: Payload) -> Reply<Payload> {
        RResult::ROk(message)
    }

    fn open(&self, _name: RStr<'_>, _message: Payload) -> Reply<ObjectRef> {
        RResult::RErr(error("not_supported"))
    }
}

impl RawBackend for Backend {
    fn name(&self) -> RString {
        match self.0.as_str() {
            "name-no-text" => no_text(),
            _ => self.0.as_str().into(),
        }
    }

    fn configuration(&self) -> Reply<Payload> {
        RResult::ROk(match self.0.as_str() {
            "other-format" => payload(77, b"{}", Vec::new()),
            "no-json" => payload(format::JSON, b"\xff\xfe\0\0", Vec::new()),
            "empty" => payload(format::JSON, b"", Vec::new()),
            "other-document" => payload(format::JSON, b"[1,2,3]", Vec::new()),
            "deep" => payload(format::JSON, &[b'['; 1 << 20], Vec::new()),
            "with-buffers" => payload(format::JSON, b"{}", buffers("")),
            _ => {
                return RResult::RErr(match self.0.as_str() {
                    "error-no-text" => {
                        WireError { code: no_text(), message: no_text(), ..error("") }
                    }
                    "error-of-another" => WireError {
                        fields: b"not json".to_vec().into(),
                        causes: vec![no_text(); 1000].into(),
                        ..error("job.timeout")
                    },
                    _ => error("crude"),
                });
            }
        })
    }

    fn properties(&self) -> Reply<Payload> {
        RResult::ROk(payload(format::RESULT, b"{}", Vec::new()))
    }

    fn status(&self) -> Reply<Payload> {
        // This may not unwind out of the function, so abi_stable ends the process.
        assert_ne!(self.0, "panics-across", "nobody catches this");
        RResult::ROk(payload(format::JSON, b"\"well\"", Vec::new()))
    }

    fn run(&self, _request: Payload) -> Reply<JobRef> {
        RResult::ROk(RawJob_TO::from_ptr(RArc::new(Job(self.0.clone())), TD_Opaque))
    }

    fn retrieve_job(&self, _job_id: RStr<'_>) -> Reply<JobRef> {
        RResult::RErr(error(""))
    }

    fn jobs(&self, _query: Payload) -> Reply<RVec<JobRef>> {
        RResult::RErr(error(&"x".repeat(1 << 20)))
    }

    fn supports(&self, _name: RStr<'_>) -> u32 {
        1
    }

    fn call(&self, _name: RStr<'_>, _message: Payload) -> Reply<Payload> {
        RResult::ROk(payload(3, b"", buffers(&self.0)))
    }

    fn open(&self, _name: RStr<'_>, _message: Payload) -> Reply<ObjectRef> {
        RResult::RErr(error("x"))
    }
}

impl RawJob for Job {
    fn job_id(&self) -> Reply<RString> {
        match self.0.as_str() {
            "id-no-text" => RResult::ROk(no_text()),
            "no-id" => RResult::RErr(error("no.id")),
            _ => RResult::ROk("1".into()),
        }
    }

    fn backend(&self) -> Reply<BackendRef> {
        RResult::RErr(error("no.backend"))
    }

    fn status(&self) -> Reply<RString> {
        RResult::ROk(no_text())
    }

    fn result(&self, _timeout: i64) -> Reply<Payload> {
        RResult::ROk(match self.0.as_str() {
            "result-of-another-format" => payload(format::JSON, b"{}", Vec::new()),
            "result-empty" => payload(format::RESULT, b"", Vec::new()),
            "result-of-noise" => payload(format::RESULT, &[0xa5; 4096], buffers("")),
            kind => payload(format::RESULT, &[0; 64], buffers(kind)),
        })
    }

    fn cancel(&self) -> Reply<bool> {
        RResult::RErr(error("no"))
    }

    fn creation_date(&self) -> Reply<i64> {
        RResult::ROk(i64::MAX)
    }

    fn queue_position(&self) -> Reply<u32> {
        RResult::ROk(u32::MAX)
    }

    fn error_message(&self) -> Reply<RString> {
        RResult::ROk(no_text())
    }

    fn supports(&self, _name: RStr<'_>) -> u32 {
        1
    }

    fn call(&self, _name: RStr<'_>, _message: Payload) -> Reply<Payload> {
        RResult::ROk(payload(3, b"", buffers(&self.0)))
    }

    fn open(&self, _name: RStr<'_>, _message: Payload) -> Reply<ObjectRef> {
        RResult::RErr(error("x"))
    }
}

#[used]
#[unsafe(link_section = ".ketch.manifest")]
static MANIFEST: [u8; 90] =
    *br#"{"schema":"ketch.plugin/1","id":"crude","version":"1.0.0","abi":1,"target":"x86_64-linux"}"#;

/// The number.
#[unsafe(no_mangle)]
pub extern "C" fn ketch_plugin_abi() -> u32 {
    1
}

extern "C" fn make(_host: ObjectRef, _configuration: Payload) -> Reply<ProviderRef> {
    RResult::ROk(RawProvider_TO::from_ptr(RArc::new(Provider), TD_Opaque))
}

fn the_root() -> RootRef {
    root(make)
}

extern "C" fn constructor() -> RootModuleResult {
    call_root(the_root)
}

/// abi_stable's header.
#[unsafe(no_mangle)]
pub static _1as_0lib_1header_0root_bmodule_bloader: Header = header(constructor);
