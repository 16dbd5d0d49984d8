//! Whether the server is well, and what it did: for those who watch it.

use std::{
    fmt::Write,
    sync::atomic::{AtomicU64, Ordering},
};

use serde_json::json;

use crate::{
    Service,
    answer::{Answer, Reply},
    request::Request,
    routes::Call,
};

/// How many requests were answered, by the first digit of the status.
#[derive(Debug, Default)]
pub(crate) struct Watch([AtomicU64; 6]);

impl Watch {
    pub(crate) fn answered(&self, status: u16) {
        if let Some(counter) = self.0.get(usize::from(status / 100)) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// The server answers, and can read its jobs.
pub(crate) fn health(service: &Service, _: &Request) -> Reply {
    service.reading.states()?;
    Ok(Answer::json(&json!({ "status": "ok", "version": env!("CARGO_PKG_VERSION") })))
}

/// Numbers in the text form of Prometheus.
pub(crate) fn metrics(call: &Call<'_>) -> Reply {
    let service = call.service;
    let mut text = String::new();
    let mut block = |name: &str, kind: &str, help: &str, rows: &[(String, String)]| {
        // A string takes everything.
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
        for (labels, value) in rows {
            let _ = writeln!(text, "{name}{labels} {value}");
        }
    };
    let requests = service.watch.0.iter().enumerate().skip(1).map(|(class, count)| {
        (format!("{{status=\"{class}xx\"}}"), count.load(Ordering::Relaxed).to_string())
    });
    let requests: Vec<_> = requests.collect();
    block("ketch_requests_total", "counter", "Requests that were answered.", &requests);
    let jobs: Vec<_> = service
        .reading
        .states()?
        .into_iter()
        .map(|(state, count)| (format!("{{state=\"{}\"}}", state.as_str()), count.to_string()))
        .collect();
    block("ketch_jobs", "gauge", "Jobs in the store, by state.", &jobs);
    let up = service.started.elapsed().unwrap_or_default().as_secs().to_string();
    block("ketch_uptime_seconds", "gauge", "Since the server was started.", &[(String::new(), up)]);
    Ok(Answer::text(text))
}
