//! The service of the tests, for trying the plugin by hand: runs a command, such as a shell, beside
//! it, and ends with it.
//!
//! ```console
//! $ cargo run --example service -- bash
//! ```
//!
//! The command finds the service's address in `$SERVICE_URL`, and a token in `$SERVICE_TOKEN`.

#[path = "../tests/service/mod.rs"]
mod service;

use std::{
    env,
    process::{Command, ExitCode},
};

use service::{Service, TOKEN};

fn main() -> ExitCode {
    let mut words = env::args_os().skip(1);
    let Some(program) = words.next() else {
        eprintln!("say which command to run, such as `bash`");
        return ExitCode::from(2);
    };
    let service = Service::start();
    let mut command = Command::new(&program);
    command.args(words).env("SERVICE_URL", service.url()).env("SERVICE_TOKEN", TOKEN);
    match command.status() {
        Ok(status) => {
            ExitCode::from(status.code().and_then(|code| code.try_into().ok()).unwrap_or(1))
        }
        Err(error) => {
            eprintln!("cannot run {}: {error}", program.display());
            ExitCode::FAILURE
        }
    }
}
