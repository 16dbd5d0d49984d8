//! A plugin that can do everything the boundary allows: extensions that the host has never heard
//! of, objects, events, large buffers, jobs by id.

#![forbid(unsafe_code)]

use std::{sync::Weak, time::Duration};

use ketch_core::{
    Array, Buffer, Extensions, JobQuery, Message, device::BackendConfiguration, prelude::*,
};
use serde_json::json;

struct Able {
    host: Host,
    backend: Arc<AbleBackend>,
}

impl Able {
    fn new(host: Host) -> Self {
        let backend = Arc::new_cyclic(|me| AbleBackend { me: me.clone(), host: host.clone() });
        Self { host, backend }
    }
}

impl Provider for Able {
    fn name(&self) -> &str {
        "able"
    }

    fn backends(&self, filter: &Filter) -> Result<Vec<Arc<dyn Backend>>> {
        filter.apply([Arc::clone(&self.backend) as Arc<dyn Backend>])
    }

    fn extensions(&self) -> Option<&dyn Extensions> {
        Some(self)
    }
}

impl Extensions for Able {
    fn supports(&self, name: &str) -> u32 {
        match name {
            "test.echo" => 3,
            "test.numbers" | "test.address" | "test.host" | "test.counter" => 1,
            _ => 0,
        }
    }

    fn call(&self, name: &str, message: Message) -> Result<Message> {
        match name {
            "test.echo" => Ok(message),
            // A buffer of as many bytes as asked for, and where it lies.
            "test.numbers" => {
                let bytes = message.to_json().and_then(|ask| ask["bytes"].as_u64()).unwrap_or(0);
                let numbers = Array::from_owner(AlignedNumbers::new(bytes as usize / 8));
                let mut answer = Message::json(&json!({"address": numbers.as_ptr().addr()}));
                answer.buffers.push(Buffer::Reals(numbers));
                Ok(answer)
            }
            // Where this side sees the buffer that it was given, and its last number.
            "test.address" => match message.buffers.as_slice() {
                [Buffer::Reals(numbers)] => {
                    let last = numbers.last().copied().unwrap_or(-1.0);
                    let address = numbers.as_ptr().addr();
                    Ok(Message::json(&json!({"address": address, "last": last})))
                }
                _ => Err(Error::other("test.no_numbers", "expected one buffer of numbers")),
            },
            // What this side gets when it asks the host for more than the host knows.
            "test.host" => {
                let host = self.host.extensions();
                let refused = host.call("test.future", Message::default());
                let code = refused.err().map(|error| error.code().to_owned());
                let (future, log) = (host.supports("test.future"), host.supports(ketch_core::LOG));
                Ok(Message::json(&json!({"future": future, "log": log, "refused": code})))
            }
            _ => Err(Error::not_supported("able", name)),
        }
    }

    fn open(&self, name: &str, _message: Message) -> Result<Arc<dyn Extensions>> {
        match name {
            "test.counter" => Ok(Arc::new(Counter::default())),
            _ => Err(Error::not_supported("able", name)),
        }
    }
}

/// Numbers 0, 1, 2, … that begin at a multiple of 64 bytes.
struct AlignedNumbers {
    numbers: Vec<f64>,
    start: usize,
    count: usize,
}

impl AlignedNumbers {
    fn new(count: usize) -> Self {
        let mut numbers = vec![0.0; count + 8];
        let start = (64 - numbers.as_ptr().addr() % 64) % 64 / 8;
        numbers[start..].iter_mut().enumerate().for_each(|(i, number)| *number = i as f64);
        Self { numbers, start, count }
    }
}

impl AsRef<[f64]> for AlignedNumbers {
    fn as_ref(&self) -> &[f64] {
        &self.numbers[self.start..self.start + self.count]
    }
}

#[derive(Default)]
struct Counter(std::sync::atomic::AtomicU64);

impl Extensions for Counter {
    fn supports(&self, name: &str) -> u32 {
        u32::from(name == "test.next")
    }

    fn call(&self, _name: &str, _message: Message) -> Result<Message> {
        let next = self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Ok(Message::json(&json!({"next": next})))
    }
}

struct AbleBackend {
    me: Weak<AbleBackend>,
    host: Host,
}

impl AbleBackend {
    fn job(&self, id: &str) -> Arc<dyn Job> {
        let backend = self.me.upgrade().expect("a backend that is being called is alive");
        Arc::new(AbleJob { id: id.to_owned(), backend })
    }
}

impl Backend for AbleBackend {
    fn name(&self) -> &str {
        "able"
    }

    fn configuration(&self) -> Result<Arc<BackendConfiguration>> {
        Ok(Arc::new(BackendConfiguration::simulator("able", "1.0.0", 2)))
    }

    fn status(&self) -> Result<BackendStatus> {
        Ok(BackendStatus::active("able", "1.0.0"))
    }

    fn run(&self, qobj: Qobj, options: RunOptions) -> Result<Arc<dyn Job>> {
        let id = options.job_key.unwrap_or_else(|| qobj.qobj_id.clone());
        self.host.log(Level::Info, &format!("running {id}"));
        self.host.progress(&id, 0.5);
        Ok(self.job(&id))
    }

    fn retrieve_job(&self, job_id: &str) -> Result<Arc<dyn Job>> {
        match job_id.starts_with("job") {
            true => Ok(self.job(job_id)),
            false => Err(Error::JobNotFound { job: job_id.to_owned() }),
        }
    }

    fn jobs(&self, query: &JobQuery) -> Result<Vec<Arc<dyn Job>>> {
        let ids = (0..query.limit).map(|number| format!("job {}", number + query.skip));
        Ok(ids.map(|id| self.job(&id)).collect())
    }
}

/// A job that runs for ever.
struct AbleJob {
    id: String,
    backend: Arc<AbleBackend>,
}

impl Job for AbleJob {
    fn job_id(&self) -> String {
        self.id.clone()
    }

    fn backend(&self) -> Arc<dyn Backend> {
        Arc::clone(&self.backend) as Arc<dyn Backend>
    }

    fn status(&self) -> Result<JobStatus> {
        Ok(JobStatus::from("CALIBRATING"))
    }

    fn result(&self, timeout: Option<Duration>) -> Result<RunResult> {
        let after = timeout.unwrap_or(Duration::MAX);
        Err(Error::Timeout { job: self.id.clone(), after })
    }

    fn cancel(&self) -> Result<bool> {
        Ok(false)
    }

    fn queue_position(&self) -> Result<Option<u32>> {
        Ok(Some(7))
    }

    fn creation_date(&self) -> Result<Option<std::time::SystemTime>> {
        Ok(Some(std::time::UNIX_EPOCH + Duration::from_millis(1_530_835_200_123)))
    }

    fn error_message(&self) -> Result<Option<String>> {
        Ok(Some("no calibration since 2018".to_owned()))
    }
}

ketch_core::export_provider! {
    id: "able",
    provider: |host| Ok(Able::new(host)),
    manifest: r#""status":"static","capabilities":["test.echo/3"]"#,
}
