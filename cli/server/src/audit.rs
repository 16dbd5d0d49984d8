//! Who did what: a line of JSON for every request that changes something or is turned away, in
//! `audit.log` beside the jobs. What a request carries is not in it, and no token ever.

use std::{
    fs::{File, OpenOptions},
    io::Write,
    net::SocketAddr,
    os::unix::fs::OpenOptionsExt,
    path::Path,
    time::SystemTime,
};

use hyper::Method;
use ketch::jobs;
use serde_json::json;

use crate::{request::Request, time, users::User};

/// The file.
pub(crate) struct Audit(File);

impl Audit {
    /// # Errors
    /// If it cannot be written to.
    pub(crate) fn open(directory: &Path) -> jobs::Result<Self> {
        let path = directory.join("audit.log");
        let file = OpenOptions::new().create(true).append(true).mode(0o600).open(&path);
        file.map(Self).map_err(|source| jobs::Error::File { doing: "open", path, source })
    }

    /// Notes a request, unless it only looked at something and was answered.
    pub(crate) fn note(
        &self,
        trace: &str,
        peer: SocketAddr,
        user: Option<&User>,
        request: &Request,
        status: u16,
    ) {
        let turned_away = matches!(status, 401 | 403);
        if request.method == Method::GET && !turned_away {
            return;
        }
        let line = json!({
            "time": time::written(SystemTime::now()),
            "request": trace,
            "peer": peer.ip().to_string(),
            "user": user.map(|user| &user.name),
            "token": user.map(|user| &user.token),
            "method": request.method.as_str(),
            "path": format!("/{}", request.path.join("/")),
            "status": status,
        });
        // One write a line: lines of several threads do not mix. A full disk stops no job.
        let _ = (&self.0).write_all(format!("{line}\n").as_bytes());
    }
}
