//! IBM Quantum's backends over HTTP, as a Ketch plugin.
//!
//! Two languages are spoken: today's IBM Quantum REST API, and the API of the Quantum Experience
//! of 2018. An [`Account`] says which, by its field `api` or its URL. Accounts come from the host,
//! by the extension [`ACCOUNTS`].
//!
//! Every call has a time-out. Questions that fail are asked again after a random, growing wait, or
//! the one that the service asks for; a job is never handed over twice without asking whether it
//! arrived. Tokens are fetched once, replaced before they expire, and stay out of all messages.

#![forbid(unsafe_code)]

mod account;
mod backend;
mod early;
mod http;
mod job;
mod provider;
mod runtime;
mod service;
mod session;
mod settings;
mod submission;
mod today;
mod watch;

pub use account::{Account, Api, Token};
pub use ketch_core::ACCOUNTS;
pub use provider::IbmqProvider;
pub use settings::Settings;

ketch_core::export_provider! {
    id: "ibmq",
    provider: |host| Ok(IbmqProvider::new(host)),
    manifest: r#""secrets":["token"],"rerun":"never","capabilities":["ketch.find_job/1"]"#,
}
