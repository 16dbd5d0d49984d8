//! A plugin that does to its process whatever it is told to: ends it, stops it, fills it, floods
//! its host.

#![expect(
    unsafe_code,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "what this plugin is for"
)]

use std::{
    fs::{self, File},
    io::Write,
    os::{fd::FromRawFd, unix::net::UnixDatagram},
    process::Command,
    sync::{Condvar, Mutex},
    thread,
    time::Duration,
};

use ketch_core::{Extensions, Message, device::BackendConfiguration, prelude::*};
use serde_json::json;

struct Unruly {
    host: Host,
    backend: Arc<UnrulyBackend>,
}

impl Provider for Unruly {
    fn name(&self) -> &str {
        "unruly"
    }

    fn backends(&self, filter: &Filter) -> Result<Vec<Arc<dyn Backend>>> {
        filter.apply([Arc::clone(&self.backend) as Arc<dyn Backend>])
    }

    fn extensions(&self) -> Option<&dyn Extensions> {
        Some(self)
    }
}

impl Extensions for Unruly {
    fn supports(&self, _name: &str) -> u32 {
        1
    }

    fn call(&self, name: &str, message: Message) -> Result<Message> {
        let told = message.to_json().unwrap_or_default();
        let number = |key: &str| told[key].as_u64().unwrap_or(0);
        match name {
            "abort" => {
                eprintln!("about to abort");
                std::process::abort()
            }
            "exit" => std::process::exit(number("code") as i32),
            "segfault" => {
                // SAFETY: none: nothing is at this address, which is the point.
                let byte = unsafe { std::ptr::without_provenance::<u8>(8).read_volatile() };
                Ok(Message::json(&json!(byte)))
            }
            "overflow" => Ok(Message::json(&json!(deeper(number("from"))))),
            "hang" => loop {
                thread::park();
            },
            "spin" => loop {
                std::hint::spin_loop();
            },
            "allocate" => {
                let bytes = vec![1_u8; number("bytes") as usize];
                Ok(Message::json(&json!(bytes.iter().map(|byte| u64::from(*byte)).sum::<u64>())))
            }
            "open_files" => {
                let files = (0..number("count")).map_while(|_| File::open("/dev/null").ok());
                Ok(Message::json(&json!(files.collect::<Vec<_>>().len())))
            }
            "print" => {
                let (mut out, mut err) = (std::io::stdout(), std::io::stderr());
                for line in 0..number("lines") {
                    // Nobody need read it.
                    let _ = writeln!(out, "line {line}");
                    let _ = writeln!(err, "\x1b[31mloud {line}");
                }
                Ok(Message::default())
            }
            "events" => {
                for event in 0..number("count") {
                    self.host.log(Level::Warn, &format!("event {event}"));
                }
                Ok(Message::default())
            }
            "start_child" => {
                let child = Command::new("sleep").arg("1000").spawn();
                let child = child.map_err(|error| Error::caused("test.child", "sleep", error))?;
                Ok(Message::json(&json!(child.id())))
            }
            "process" => Ok(Message::json(&json!(std::process::id()))),
            "standard_input" => {
                let target = fs::read_link("/proc/self/fd/0").unwrap_or_default();
                Ok(Message::json(&json!(target)))
            }
            "accounts" => self.host.extensions().call("ketch.accounts/1", Message::default()),
            "junk" => {
                for socket in sockets() {
                    // SAFETY: the descriptor is a socket, if not this plugin's own.
                    let socket = unsafe { UnixDatagram::from_raw_fd(socket) };
                    // Whatever comes of it is what the test looks at.
                    let _ = socket.send(&[0x7f; 100]);
                    std::mem::forget(socket);
                }
                loop {
                    thread::park();
                }
            }
            "close_socket" => {
                for socket in sockets() {
                    // SAFETY: as above; dropping it closes it.
                    let socket = unsafe { UnixDatagram::from_raw_fd(socket) };
                    let _ = socket.shutdown(std::net::Shutdown::Both);
                }
                loop {
                    thread::park();
                }
            }
            _ => Err(Error::not_supported("unruly", name)),
        }
    }
}

#[expect(unconditional_recursion, reason = "to the end of the stack")]
fn deeper(depth: u64) -> u64 {
    let kept = std::hint::black_box([depth; 64]);
    deeper(depth + 1) + kept[7]
}

/// The numbers of the descriptors of this process that are sockets.
fn sockets() -> Vec<i32> {
    let entries = fs::read_dir("/proc/self/fd").into_iter().flatten().flatten();
    let sockets = entries.filter(|entry| {
        fs::read_link(entry.path()).is_ok_and(|to| to.to_string_lossy().starts_with("socket:"))
    });
    sockets.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

#[derive(Default)]
struct UnrulyBackend {
    jobs: Mutex<Vec<Arc<UnrulyJob>>>,
}

impl Backend for UnrulyBackend {
    fn name(&self) -> &str {
        "bench"
    }

    fn configuration(&self) -> Result<Arc<BackendConfiguration>> {
        Ok(Arc::new(BackendConfiguration::simulator("bench", "1.0.0", 2)))
    }

    fn status(&self) -> Result<BackendStatus> {
        Ok(BackendStatus::active("bench", "1.0.0"))
    }

    /// The key of the job says what it does: `waits`, `deaf`, `dies`.
    fn run(&self, _qobj: Qobj, options: RunOptions) -> Result<Arc<dyn Job>> {
        let id = options.job_key.unwrap_or_default();
        let job = Arc::new(UnrulyJob { id, ..UnrulyJob::default() });
        self.jobs.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(Arc::clone(&job));
        Ok(job)
    }
}

/// A job that runs until it is cancelled.
#[derive(Default)]
struct UnrulyJob {
    id: String,
    cancelled: Mutex<bool>,
    woken: Condvar,
}

impl Job for UnrulyJob {
    fn job_id(&self) -> String {
        self.id.clone()
    }

    fn backend(&self) -> Arc<dyn Backend> {
        Arc::new(UnrulyBackend::default())
    }

    fn status(&self) -> Result<JobStatus> {
        Ok(JobStatus::Running)
    }

    fn result(&self, timeout: Option<Duration>) -> Result<RunResult> {
        let cancelled = self.cancelled.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        match self.id.as_str() {
            "deaf" => loop {
                thread::park();
            },
            "dies" => std::process::abort(),
            _ => {}
        }
        let timeout = timeout.unwrap_or(Duration::from_secs(1000));
        let waited = self.woken.wait_timeout_while(cancelled, timeout, |cancelled| !*cancelled);
        match *waited.unwrap_or_else(std::sync::PoisonError::into_inner).0 {
            true => Err(Error::Cancelled { job: self.id.clone() }),
            false => Err(Error::Timeout { job: self.id.clone(), after: timeout }),
        }
    }

    fn cancel(&self) -> Result<bool> {
        *self.cancelled.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = true;
        self.woken.notify_all();
        Ok(true)
    }
}

fn make(host: Host) -> Result<Unruly> {
    // What a constructor prints must not matter to anybody.
    println!("unruly is here");
    Ok(Unruly { host, backend: Arc::default() })
}

ketch_core::export_provider! { id: "unruly", provider: make }
