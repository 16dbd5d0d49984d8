//! A small service on this machine, such as the provider asks: one backend, one account.
//!
//! | question | answer |
//! | --- | --- |
//! | `GET /backends` | the configurations |
//! | `GET /backends/NAME` | the status |
//! | `POST /backends/NAME`, a Qobj | `{"id"}` of a new job |
//! | `GET /jobs/ID` | `{"status", "backend"}`, and `created`, `position`, `error` where known |
//! | `GET /jobs/ID/result` | Qiskit's Result |
//! | `POST /jobs/ID/cancel` | `{"cancelled"}` |

mod machine;

use std::{
    collections::HashMap,
    io::{self, BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread,
    time::{Duration, SystemTime},
};

use ketch_core::{Backend, Error, Job, Qobj, RunOptions};
use machine::BitMachine;
use serde_json::{Value, json, to_value};

/// What the service's only account is known by.
pub const TOKEN: &str = "open-sesame";

/// No question is longer than so many bytes.
const LONGEST: u64 = 64 << 20;

/// It answers as long as this is there.
pub struct Service {
    address: SocketAddr,
    state: Arc<State>,
}

struct State {
    machine: BitMachine,
    jobs: Mutex<HashMap<String, Arc<dyn Job>>>,
    silent: AtomicBool,
    closed: AtomicBool,
}

impl Service {
    /// Starts it on a port that is free.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
        let address = listener.local_addr().expect("a listener has an address");
        let (jobs, silent, closed) = Default::default();
        let state = Arc::new(State { machine: BitMachine::new(), jobs, silent, closed });
        let of_listener = Arc::clone(&state);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if of_listener.closed.load(Relaxed) {
                    break;
                }
                let state = Arc::clone(&of_listener);
                // Somebody who hangs up, or sends no HTTP, is nobody else's business.
                thread::spawn(move || serve(&stream, &state));
            }
        });
        Self { address, state }
    }

    /// Its address, for an account.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on it takes questions and answers none.
    #[allow(dead_code, reason = "only the tests ask for it")]
    pub fn fall_silent(&self) {
        self.state.silent.store(true, Relaxed);
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.state.closed.store(true, Relaxed);
        // Wakes the listener; if nobody can connect, nobody listens.
        let _ = TcpStream::connect(self.address);
    }
}

/// One question and its answer.
fn serve(mut stream: &TcpStream, state: &State) -> io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    let mut reader = BufReader::new(stream.take(LONGEST));
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let (method, path) = match line.split(' ').collect::<Vec<_>>()[..] {
        [method, path, _] => (method.to_owned(), path.to_owned()),
        _ => return Ok(()),
    };
    let (mut length, mut known) = (0, false);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim().split_once(':') else { break };
        match name.to_lowercase().as_str() {
            "content-length" => length = value.trim().parse().unwrap_or(0),
            "authorization" => known = value.trim() == format!("Bearer {TOKEN}"),
            _ => {}
        }
    }
    let mut body = Vec::new();
    reader.take(length).read_to_end(&mut body)?;
    while state.silent.load(Relaxed) && !state.closed.load(Relaxed) {
        thread::park_timeout(Duration::from_millis(20));
    }
    let path: Vec<&str> = path.split('/').skip(1).collect();
    let (status, document) = match known {
        true => answer(state, &method, &path, &body).unwrap_or_else(|e| refusal(&e)),
        false => (401, json!({"error": "who are you?"})),
    };
    let text = document.to_string();
    write!(
        stream,
        "HTTP/1.1 {status} \r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n{text}",
        text.len(),
    )
}

fn answer(
    state: &State,
    method: &str,
    path: &[&str],
    body: &[u8],
) -> ketch_core::Result<(u16, Value)> {
    let machine = &state.machine;
    let jobs = || state.jobs.lock().expect("nobody panics with the jobs in hand");
    let job =
        |id: &str| jobs().get(id).cloned().ok_or_else(|| Error::JobNotFound { job: id.to_owned() });
    let nothing = || Error::other("service.path", "there is nothing here");
    let found = |document| Ok((200, document));
    let is_one = "a configuration and a status are documents";
    match (method, path) {
        ("GET", ["backends"]) => {
            let configuration = to_value(&*machine.configuration()?).expect(is_one);
            found(json!([configuration]))
        }
        (_, ["backends", name]) if *name != machine.name() => Err(nothing()),
        ("GET", ["backends", _]) => found(to_value(machine.status()?).expect(is_one)),
        ("POST", ["backends", _]) => {
            let qobj = Qobj::from_json(&String::from_utf8_lossy(body))?;
            let job = machine.run(qobj, RunOptions::default())?;
            let id = job.job_id();
            jobs().insert(id.clone(), job);
            found(json!({"id": id}))
        }
        ("GET", ["jobs", id]) => found(news(&*job(id)?)?),
        ("GET", ["jobs", id, "result"]) => {
            let result = job(id)?.result(Some(Duration::ZERO))?;
            found(result.to_qiskit_json())
        }
        ("POST", ["jobs", id, "cancel"]) => found(json!({"cancelled": job(id)?.cancel()?})),
        _ => Err(nothing()),
    }
}

fn news(job: &dyn Job) -> ketch_core::Result<Value> {
    let since = |time: SystemTime| time.duration_since(SystemTime::UNIX_EPOCH).ok();
    let created = job.creation_date()?.and_then(since).map(|since| since.as_secs_f64());
    Ok(json!({
        "status": job.status()?.as_str(),
        "backend": job.backend().name(),
        "created": created,
        "position": job.queue_position()?,
        "error": job.error_message()?,
    }))
}

fn refusal(error: &Error) -> (u16, Value) {
    let status = match error {
        Error::JobNotFound { .. } => 404,
        _ => 400,
    };
    (status, json!({"error": error.to_string()}))
}
