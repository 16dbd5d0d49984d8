//! The Quantum Experience of 2018, from recordings of the real one: see the notice beside them.

use std::sync::{
    Mutex,
    atomic::{AtomicUsize, Ordering},
};

use serde_json::{Value, json};

use super::{Received, Reply, Service, lock};

/// The key that is good.
pub(crate) const KEY: &str = "2018-key-that-must-stay-secret";

/// The session token of the recordings.
pub(crate) const SESSION: &str = "dummyapiusersloginWithTokenid01";

/// The job of the recordings.
pub(crate) const JOB: &str = "dummyapiJobsid01";

macro_rules! recordings {
    ($($name:literal)*) => {
        /// Name and text of each recording.
        const RECORDINGS: &[(&str, &str)] = &[$((
            $name,
            include_str!(concat!("../../../../../tests/golden/iqx-api-2018/", $name, ".json")),
        )),*];
    };
}

recordings! {
    "GET_Backends_200"
    "GET_Backends_ibmqx4_calibration_200"
    "GET_Backends_ibmqx4_parameters_200"
    "GET_Backends_ibmqx4_queue_status_200"
    "GET_Backends_ibmqx5_calibration_200"
    "GET_Backends_ibmqx5_parameters_200"
    "GET_Backends_ibmqx5_queue_status_200"
    "GET_Backends_ibmqx2_queue_status_200"
    "GET_Backends_ibmq_16_melbourne_queue_status_200"
    "GET_Backends_ibmq_qasm_simulator_queue_status_200"
    "GET_Jobs_200"
    "GET_Jobs_BAD_JOB_ID_401"
    "GET_Jobs_id__200_COMPLETED"
    "GET_Jobs_id__200_RUNNING"
    "GET_Jobs_id_status_200_COMPLETED"
    "GET_Jobs_id_status_200_RUNNING"
    "POST_Jobs_200_RUNNING"
    "POST_users_loginWithToken_200"
}

/// A recorded exchange.
pub(crate) fn recording(name: &str) -> Value {
    let (_, text) = RECORDINGS.iter().find(|(known, _)| *known == name).expect("a recording");
    serde_json::from_str(text).expect("recordings are JSON")
}

/// The answer of a recorded exchange.
pub(crate) fn recorded(name: &str) -> Reply {
    let exchange = recording(name);
    let status = exchange["response"]["status"].as_u64().unwrap_or(500);
    Reply::json(u16::try_from(status).unwrap_or(500), &exchange["response"]["body"])
}

/// The service. Its job runs when it is first looked at and is completed afterwards.
#[derive(Default)]
pub(crate) struct QuantumExperience {
    looks: AtomicUsize,
    /// What was handed over.
    taken: Mutex<Vec<Value>>,
}

impl QuantumExperience {
    /// Takes a job, the body of `POST /Jobs`.
    pub(crate) fn take(&self, body: &Value) -> Reply {
        lock(&self.taken).push(body.clone());
        recorded("POST_Jobs_200_RUNNING")
    }

    /// Lists jobs: those that were handed over with the mark that is asked for, or the recorded
    /// ones. Not recorded is how the service looked for marks: this is how it looked for others.
    fn list(&self, question: &Received) -> Reply {
        let filter: Value = question
            .query("filter")
            .and_then(|text| serde_json::from_str(text).ok())
            .unwrap_or_default();
        let marks = ["/qasms/0/metadata/ketch_job_key", "/qObject/header/ketch_job_key"];
        let wanted = ["qasms.metadata.ketch_job_key", "qObject.header.ketch_job_key"]
            .map(|path| filter["where"].get(path).cloned());
        if wanted.iter().all(Option::is_none) {
            return recorded("GET_Jobs_200");
        }
        let taken = lock(&self.taken);
        let found = taken.iter().filter(|body| {
            marks
                .iter()
                .zip(&wanted)
                .any(|(mark, wanted)| wanted.is_some() && body.pointer(mark) == wanted.as_ref())
        });
        let document = |body: &Value| {
            let mut document = recording("POST_Jobs_200_RUNNING")["response"]["body"].clone();
            for field in ["qasms", "qObject", "backend"] {
                if let Some(value) = body.get(field) {
                    document[field] = value.clone();
                }
            }
            document
        };
        Reply::json(200, &found.map(document).collect())
    }
}

impl Service for QuantumExperience {
    fn reply(&self, question: &Received) -> Reply {
        let Some(path) = question.path.strip_prefix("/api/") else {
            return Reply::text(404, "");
        };
        let steps: Vec<&str> = path.split('/').collect();
        let method = question.method.as_str();
        match (method, &steps[..]) {
            ("POST", ["users", "loginWithToken"]) => {
                return match question.form("apiToken").as_deref() {
                    Some(KEY) => recorded("POST_users_loginWithToken_200"),
                    _ => recorded("GET_Jobs_BAD_JOB_ID_401"),
                };
            }
            ("GET", ["Backends", name, "queue", "status"]) => {
                return by_name(&format!("GET_Backends_{name}_queue_status_200"));
            }
            _ => {}
        }
        if question.query("access_token") != Some(SESSION) {
            return recorded("GET_Jobs_BAD_JOB_ID_401");
        }
        match (method, &steps[..]) {
            ("GET", ["Backends"]) => recorded("GET_Backends_200"),
            ("GET", ["Backends", name, what]) => {
                by_name(&format!("GET_Backends_{name}_{what}_200"))
            }
            ("POST", ["Jobs"]) => self.take(&question.json()),
            ("GET", ["Jobs"]) => self.list(question),
            ("GET", ["Jobs", JOB, "status"]) => match self.looks.fetch_add(1, Ordering::Relaxed) {
                0 => recorded("GET_Jobs_id_status_200_RUNNING"),
                _ => recorded("GET_Jobs_id_status_200_COMPLETED"),
            },
            ("GET", ["Jobs", JOB]) => recorded("GET_Jobs_id__200_COMPLETED"),
            // Not recorded: the shape is that of the clients of the time.
            ("POST", ["Jobs", JOB, "cancel"]) => Reply::json(200, &json!({"cancelled": true})),
            _ => recorded("GET_Jobs_BAD_JOB_ID_401"),
        }
    }
}

fn by_name(name: &str) -> Reply {
    match RECORDINGS.iter().any(|(known, _)| *known == name) {
        true => recorded(name),
        false => Reply::text(404, ""),
    }
}
