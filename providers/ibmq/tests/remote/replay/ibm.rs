//! A small IBM Quantum: keys, one device, jobs that go from state to state as they are looked at
//! and come back with canned outcomes. In the shapes of the API version 2026-04-15.

use std::sync::Mutex;

use serde_json::{Value, json};

use super::{Received, Reply, Service, lock};

/// The device's name.
pub(crate) const DEVICE: &str = "fake_lima";

/// The key that is good.
pub(crate) const KEY: &str = "key-that-must-stay-secret";

/// Why failed jobs failed.
pub(crate) const REASON: &str = "the circuit is not in the device's basis";

/// The service.
pub(crate) struct Ibm {
    /// The states of a job, one for each look at it; the last one stays.
    course: Vec<&'static str>,
    /// How long tokens live, in seconds.
    token_life: u64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    tokens: usize,
    jobs: Vec<Job>,
}

struct Job {
    id: String,
    document: Value,
    looks: usize,
    cancelled: bool,
}

impl Default for Ibm {
    fn default() -> Self {
        Self::with_course(&["Queued", "Queued", "Running", "Completed"])
    }
}

impl Ibm {
    pub(crate) fn with_course(course: &[&'static str]) -> Self {
        Self { course: course.to_vec(), token_life: 3600, state: Mutex::default() }
    }

    pub(crate) fn with_token_life(mut self, seconds: u64) -> Self {
        self.token_life = seconds;
        self
    }

    /// The number of jobs that it took.
    pub(crate) fn n_jobs(&self) -> usize {
        lock(&self.state).jobs.len()
    }

    /// The first tag of each job that it took.
    pub(crate) fn tags(&self) -> Vec<String> {
        let state = lock(&self.state);
        let tag = |job: &Job| job.document["tags"][0].as_str().unwrap_or_default().to_owned();
        state.jobs.iter().map(tag).collect()
    }

    fn token(&self, question: &Received) -> Reply {
        if question.form("apikey").as_deref() != Some(KEY) {
            // The real service does not repeat the key; a bad one might.
            let sent = question.form("apikey").unwrap_or_default();
            let message = format!("Provided API key {sent} could not be found.");
            let body = json!({"errorCode": "BXNIM0415E", "errorMessage": message});
            return Reply::json(400, &body);
        }
        let mut state = lock(&self.state);
        state.tokens += 1;
        let (token, life) = (format!("secret-token-{}", state.tokens), self.token_life);
        let body = json!({"access_token": token, "token_type": "Bearer", "expires_in": life});
        Reply::json(200, &body)
    }

    fn is_authorized(&self, question: &Received) -> bool {
        let given = lock(&self.state).tokens;
        let token = question.header("authorization");
        let number = token.and_then(|token| token.strip_prefix("Bearer secret-token-"));
        number.and_then(|number| number.parse().ok()).is_some_and(|n| (1..=given).contains(&n))
    }

    /// Takes a job, the body of `POST /jobs`.
    pub(crate) fn take(&self, body: &Value) -> Reply {
        if body["backend"] != DEVICE {
            return refusal(404, "Unknown backend");
        }
        let mut state = lock(&self.state);
        let id = format!("job-{}", state.jobs.len() + 1);
        let document = json!({
            "id": id,
            "backend": DEVICE,
            "created": "2026-11-22T10:00:00.250Z",
            "program": {"id": body["program_id"]},
            "tags": body["tags"],
            "params": body["params"],
        });
        state.jobs.push(Job { id: id.clone(), document, looks: 0, cancelled: false });
        Reply::json(200, &json!({"id": id, "backend": DEVICE}))
    }

    /// The job as it is at its latest look.
    fn shown(&self, job: &Job) -> Value {
        let at = job.looks.saturating_sub(1).min(self.course.len() - 1);
        let word = if job.cancelled { "Cancelled" } else { self.course[at] };
        let mut document = job.document.clone();
        document["status"] = word.into();
        document["state"] = json!({"status": word});
        if word == "Failed" {
            document["state"]["reason"] = REASON.into();
            document["state"]["reason_code"] = 1517.into();
        }
        document
    }

    fn about_job(&self, id: &str, what: &str, method: &str) -> Reply {
        let mut state = lock(&self.state);
        let Some(job) = state.jobs.iter_mut().find(|job| job.id == id) else {
            return refusal(404, "Job not found.");
        };
        if (method, what) == ("GET", "") {
            job.looks += 1;
        }
        let shown = self.shown(job);
        let word = shown["status"].as_str().unwrap_or_default();
        let ended = ["Completed", "Failed", "Cancelled"].contains(&word);
        match (method, what) {
            ("GET", "") => Reply::json(200, &shown),
            ("GET", "results") if word == "Completed" => Reply::json(200, &outcomes(&shown)),
            ("GET", "results") => refusal(404, "Job has no results"),
            ("GET", "metrics") => {
                let waits = self.course.iter().skip(job.looks.saturating_sub(1));
                let place = waits.take_while(|word| **word == "Queued").count();
                Reply::json(200, &json!({"position_in_queue": place, "timestamps": {}}))
            }
            ("POST", "cancel") if ended => refusal(409, "Job is already in a final state."),
            ("POST", "cancel") => {
                job.cancelled = true;
                Reply::text(204, "")
            }
            _ => refusal(404, "Not found"),
        }
    }

    fn list(&self, question: &Received) -> Reply {
        let state = lock(&self.state);
        let number = |name, default| {
            question.query(name).and_then(|text| text.parse().ok()).unwrap_or(default)
        };
        let matches = |job: &Value| {
            let tags = job["tags"].as_array().cloned().unwrap_or_default();
            let pending = ["Queued", "Running"].contains(&job["status"].as_str().unwrap_or(""));
            question.query("tags").is_none_or(|tag| tags.contains(&tag.into()))
                && question.query("backend").is_none_or(|name| job["backend"] == name)
                && question.query("pending").is_none_or(|wanted| wanted == pending.to_string())
        };
        let shown = state.jobs.iter().rev().map(|job| self.shown(job)).filter(matches);
        let all: Vec<Value> = shown.collect();
        let page = all.iter().skip(number("offset", 0)).take(number("limit", 200));
        let page: Vec<&Value> = page.collect();
        Reply::json(200, &json!({"jobs": page, "count": all.len()}))
    }
}

impl Service for Ibm {
    fn reply(&self, question: &Received) -> Reply {
        if question.route() == "POST /identity/token" {
            return self.token(question);
        }
        let Some(path) = question.path.strip_prefix("/api/v1/") else {
            return refusal(404, "Not found");
        };
        if !self.is_authorized(question) {
            return refusal(401, "Authentication failed");
        }
        let steps: Vec<&str> = path.split('/').collect();
        match (question.method.as_str(), &steps[..]) {
            ("GET", ["backends"]) => Reply::json(200, &devices()),
            ("GET", ["backends", name, what]) if *name == DEVICE => match *what {
                "configuration" => Reply::json(200, &configuration()),
                "properties" => Reply::json(200, &properties()),
                "status" => Reply::json(200, &status()),
                _ => refusal(404, "Not found"),
            },
            ("POST", ["jobs"]) => self.take(&question.json()),
            ("GET", ["jobs"]) => self.list(question),
            (method, ["jobs", id]) => self.about_job(id, "", method),
            (method, ["jobs", id, what]) => self.about_job(id, what, method),
            _ => refusal(404, "Not found"),
        }
    }
}

pub(crate) fn refusal(status: u16, message: &str) -> Reply {
    Reply::json(status, &json!({"errors": [{"code": 1000 + status, "message": message}]}))
}

fn devices() -> Value {
    let device = |name: &str, class: &str| {
        json!({"name": name, "status": {"name": "online", "reason": "available"},
            "queue_length": 3, "qubits": 5, "is_simulator": false, "class": class})
    };
    json!({"devices": [device(DEVICE, "nisq"), device("mock_fake_lima", "mock")]})
}

const PAIRS: [[u32; 2]; 8] = [[0, 1], [1, 0], [1, 2], [2, 1], [1, 3], [3, 1], [3, 4], [4, 3]];

/// The configuration: a T of five qubits.
pub(crate) fn configuration() -> Value {
    let gate = |name: &str, parameters: &[&str], map: Value| {
        json!({"name": name, "parameters": parameters, "qasm_def": format!("gate {name} q {{ }}"),
            "coupling_map": map})
    };
    let singles = json!([[0], [1], [2], [3], [4]]);
    json!({
        "backend_name": DEVICE, "backend_version": "1.0.3", "n_qubits": 5,
        "basis_gates": ["cx", "id", "rz", "sx", "x"],
        "gates": [
            gate("cx", &[], json!(PAIRS)), gate("id", &[], singles.clone()),
            gate("rz", &["theta"], singles.clone()), gate("sx", &[], singles.clone()),
            gate("x", &[], singles),
        ],
        "local": false, "simulator": false, "conditional": false, "open_pulse": false,
        "memory": true, "max_shots": 100_000, "coupling_map": PAIRS,
        "supported_instructions": ["cx", "id", "rz", "sx", "x", "measure", "reset", "delay",
            "if_else"],
        "online_date": "2021-01-08T05:00:00Z", "dt": 0.222, "processor_type": {"family": "Falcon"},
    })
}

/// The calibration.
pub(crate) fn properties() -> Value {
    let date = "2026-11-22T08:00:00Z";
    let number = |name: &str, unit: &str, value: f64| json!({"date": date, "name": name, "unit": unit, "value": value});
    let qubit = |place: u32| {
        let shift = f64::from(place);
        json!([
            number("T1", "us", 100.0 + shift),
            number("T2", "us", 80.0 + shift),
            number("frequency", "GHz", 5.0 + shift / 10.0),
            number("readout_error", "", 0.02),
            number("prob_meas0_prep1", "", 0.03),
            number("prob_meas1_prep0", "", 0.01),
            number("readout_length", "ns", 5351.0),
        ])
    };
    let gate = |name: &str, qubits: &[u32], error: f64, length: f64| {
        json!({"gate": name, "qubits": qubits, "name": format!("{name}{qubits:?}"),
            "parameters": [number("gate_error", "", error), number("gate_length", "ns", length)]})
    };
    let singles = (0..5).flat_map(|q| {
        [
            gate("id", &[q], 2e-4, 35.5),
            gate("rz", &[q], 0.0, 0.0),
            gate("sx", &[q], 2e-4, 35.5),
            gate("x", &[q], 2e-4, 35.5),
        ]
    });
    let pairs = PAIRS.iter().map(|pair| gate("cx", pair, 8e-3, 300.0));
    json!({
        "backend_name": DEVICE, "backend_version": "1.0.3", "last_update_date": date,
        "qubits": (0..5).map(qubit).collect::<Vec<_>>(),
        "gates": singles.chain(pairs).collect::<Vec<_>>(), "general": [],
    })
}

fn status() -> Value {
    json!({"state": true, "status": "active", "message": "", "length_queue": 3,
        "backend_version": "1.0.3"})
}

/// Shots that are all zeros and all ones by turns, in each register that the program declares.
fn outcomes(job: &Value) -> Value {
    let pubs = job["params"]["pubs"].as_array().cloned().unwrap_or_default();
    let results = pubs.iter().map(|unit| {
        let shots = unit[2].as_u64().unwrap_or(4096);
        let program = unit[0].as_str().unwrap_or_default();
        let mut data = json!({});
        for line in program.lines().filter_map(|line| line.strip_prefix("bit[")) {
            let Some((bits, name)) = line.trim_end_matches(';').split_once("] ") else { continue };
            let n_bits: usize = bits.parse().unwrap_or(0);
            let ones = BitsOf(n_bits).hex();
            let shot = |i| if i % 2 == 0 { "0x0".to_owned() } else { ones.clone() };
            let samples: Vec<String> = (0..shots).map(shot).collect();
            data[name] = json!({"samples": samples, "num_bits": n_bits});
        }
        json!({"data": data, "metadata": {}})
    });
    json!({"results": results.collect::<Vec<_>>(), "metadata": {"version": 2}})
}

/// A number of so many ones.
struct BitsOf(usize);

impl BitsOf {
    fn hex(&self) -> String {
        let first = match self.0 % 4 {
            0 => "",
            1 => "1",
            2 => "3",
            _ => "7",
        };
        format!("0x{first}{}", "f".repeat(self.0 / 4))
    }
}

/// Base64 of zlib (stored, not compressed) of a NumPy file of `rows` rows of bytes.
pub(crate) fn packed(bytes: &[u8], rows: usize) -> String {
    let shape = format!("({rows}, {})", bytes.len() / rows);
    let header = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}\n");
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend(u16::try_from(header.len()).unwrap_or(u16::MAX).to_le_bytes());
    file.extend(header.as_bytes());
    file.extend(bytes);
    let length = u16::try_from(file.len()).unwrap_or(u16::MAX);
    let mut zlib = vec![0x78, 0x01, 0x01];
    zlib.extend(length.to_le_bytes());
    zlib.extend((!length).to_le_bytes());
    zlib.extend(&file);
    let (a, b) = file.iter().fold((1_u32, 0_u32), |(a, b), &byte| {
        let a = (a + u32::from(byte)) % 65521;
        (a, (b + a) % 65521)
    });
    zlib.extend((b << 16 | a).to_be_bytes());
    base64(&zlib)
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let byte = |i: usize| u32::from(chunk.get(i).copied().unwrap_or(0));
        let word = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4 {
            let letter = LETTERS[(word >> (18 - 6 * place)) as usize & 63];
            text.push(if place <= chunk.len() { letter as char } else { '=' });
        }
    }
    text
}
