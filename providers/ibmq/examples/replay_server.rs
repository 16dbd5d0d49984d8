//! A small scripted IBM Quantum on the loopback interface, for trying the provider without IBM.
//!
//! ```text
//! cargo run -p ketch-provider-ibmq --example replay_server
//! ```
//!
//! It prints its port, one line on stdout, and what an account must hold on stderr. Its one
//! device, `fake_lima`, answers every job after a few looks with canned outcomes: all zeros and
//! all ones by turns. Below `/api` it replays recordings of the Quantum Experience of 2018.
//!
//! With a directory, and perhaps a port, as arguments it keeps the jobs that it takes there, and has
//! them again when it is started again; a file `fault` in it makes it fail once (`replay/kept.rs`).

#[path = "../tests/remote/replay/mod.rs"]
mod replay;

use std::{
    env,
    io::{self, Write},
    path::PathBuf,
};

use replay::{
    Server,
    ibm::{self, Ibm},
    kept::Both,
    quantum_experience::{self, QuantumExperience},
};

/// What a job of today's service goes through, one state for each look.
const COURSE: &[&str] = &["Queued", "Queued", "Queued", "Running", "Running", "Completed"];

fn main() -> io::Result<()> {
    let mut arguments = env::args_os().skip(1);
    let directory = arguments.next().map(PathBuf::from);
    let port = arguments.next().and_then(|port| port.to_str()?.parse().ok()).unwrap_or(0);
    let both =
        Both { today: Ibm::with_course(COURSE), early: QuantumExperience::default(), directory };
    both.remember()?;
    let server = Server::start_on(port, both)?;
    writeln!(io::stdout(), "{}", server.port())?;
    io::stdout().flush()?;
    let url = server.url();
    let accounts = [
        (url.clone(), ibm::KEY, ibm::DEVICE),
        (format!("{url}/api"), quantum_experience::KEY, "ibmq_qasm_simulator"),
    ];
    for (url, key, device) in accounts {
        writeln!(io::stderr(), "url {url}, token {key}: device {device}")?;
    }
    server.wait();
    Ok(())
}
