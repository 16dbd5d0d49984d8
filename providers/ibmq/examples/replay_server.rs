//! A small scripted IBM Quantum on the loopback interface, for trying the provider without IBM.
//!
//! ```text
//! cargo run -p ketch-provider-ibmq --example replay_server
//! ```
//!
//! It prints its port, one line on stdout, and what an account must hold on stderr. Its one
//! device, `fake_lima`, answers every job after a few looks with canned outcomes: all zeros and
//! all ones by turns. Below `/api` it replays recordings of the Quantum Experience of 2018.

#[path = "../tests/remote/replay/mod.rs"]
mod replay;

use std::io::{self, Write};

use replay::{
    Received, Reply, Server, Service,
    ibm::{self, Ibm},
    quantum_experience::{self, QuantumExperience},
};

/// What a job of today's service goes through, one state for each look.
const COURSE: &[&str] = &["Queued", "Queued", "Queued", "Running", "Running", "Completed"];

/// Both generations, told apart by the path.
struct Both {
    today: Ibm,
    early: QuantumExperience,
}

impl Service for Both {
    fn reply(&self, question: &Received) -> Reply {
        let early = question.path.starts_with("/api/") && !question.path.starts_with("/api/v1/");
        if early { self.early.reply(question) } else { self.today.reply(question) }
    }
}

fn main() -> io::Result<()> {
    let server = Server::start(Both {
        today: Ibm::with_course(COURSE),
        early: QuantumExperience::default(),
    })?;
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
