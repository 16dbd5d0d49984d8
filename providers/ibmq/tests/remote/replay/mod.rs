//! A tiny HTTP/1.1 server on the loopback interface that answers as it is told and notes what it
//! was asked.
#![allow(dead_code, reason = "each program that includes this module uses a part of it")]

pub(crate) mod ibm;
pub(crate) mod kept;
pub(crate) mod quantum_experience;

use std::{
    collections::VecDeque,
    io::{self, BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use serde_json::Value;

/// A question that came in.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) at: Instant,
    pub(crate) method: String,
    /// Without the query.
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Received {
    /// `GET /jobs/1`
    pub(crate) fn route(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        let pair = self.query.iter().find(|(key, _)| key == name);
        pair.map(|(_, value)| value.as_str())
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let pair = self.headers.iter().find(|(key, _)| key == name);
        pair.map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    /// A field of a form.
    pub(crate) fn form(&self, name: &str) -> Option<String> {
        pairs(&self.body).into_iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }
}

/// What is done about a question.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// A whole answer.
    Answer { status: u16, headers: Vec<(String, String)>, body: Vec<u8> },
    /// An answer that ends before its announced length.
    Truncated(Vec<u8>),
    /// The connection is closed without an answer.
    HangUp,
    /// No answer until the client goes away.
    Hang,
    /// As if the script had no line for it.
    Pass,
    /// The service does its work, but this is what the client gets.
    Instead(Box<Reply>),
}

impl Reply {
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self::text(status, &body.to_string())
    }

    pub(crate) fn text(status: u16, body: &str) -> Self {
        Self::Answer { status, headers: Vec::new(), body: body.as_bytes().to_vec() }
    }

    pub(crate) fn with(self, name: &str, value: &str) -> Self {
        match self {
            Self::Answer { status, mut headers, body } => {
                headers.push((name.to_owned(), value.to_owned()));
                Self::Answer { status, headers, body }
            }
            other => other,
        }
    }
}

/// A service: from a question to what is done about it.
pub(crate) trait Service: Send + Sync + 'static {
    fn reply(&self, question: &Received) -> Reply;
}

impl<S: Service> Service for Arc<S> {
    fn reply(&self, question: &Received) -> Reply {
        (**self).reply(question)
    }
}

/// Replies by route that come before a service's own, one after the other; the last one stays.
#[derive(Default)]
pub(crate) struct Script(Mutex<Vec<(String, VecDeque<Reply>)>>);

impl Script {
    pub(crate) fn on(self, route: &str, replies: impl IntoIterator<Item = Reply>) -> Self {
        lock(&self.0).push((route.to_owned(), replies.into_iter().collect()));
        self
    }

    fn next(&self, route: &str) -> Reply {
        let mut lines = lock(&self.0);
        match lines.iter_mut().find(|(known, _)| known == route) {
            Some((_, replies)) if replies.len() > 1 => replies.pop_front().unwrap_or(Reply::Pass),
            Some((_, replies)) => replies.front().cloned().unwrap_or(Reply::Pass),
            None => Reply::Pass,
        }
    }
}

/// A service behind a script.
pub(crate) struct Scripted<S> {
    pub(crate) script: Script,
    pub(crate) service: S,
}

impl<S: Service> Service for Scripted<S> {
    fn reply(&self, question: &Received) -> Reply {
        match self.script.next(&question.route()) {
            Reply::Pass => self.service.reply(question),
            Reply::Instead(reply) => {
                self.service.reply(question);
                *reply
            }
            reply => reply,
        }
    }
}

/// Knows nothing.
pub(crate) struct Nothing;

impl Service for Nothing {
    fn reply(&self, _question: &Received) -> Reply {
        Reply::text(404, "")
    }
}

/// Listens on this port; 0 is one that the system chooses.
///
/// While a server that comes back on its port was away, the system may have lent the port to a
/// connection; then it is waited for.
fn listener(port: u16) -> io::Result<TcpListener> {
    let start = Instant::now();
    loop {
        match TcpListener::bind(("127.0.0.1", port)) {
            Err(error)
                if error.kind() == io::ErrorKind::AddrInUse
                    && port != 0
                    && start.elapsed() < Duration::from_secs(10) =>
            {
                std::thread::yield_now();
            }
            listening => return listening,
        }
    }
}

/// A running server; it ends when it is dropped.
pub(crate) struct Server {
    address: SocketAddr,
    log: Arc<Mutex<Vec<Received>>>,
    ended: Arc<AtomicBool>,
    listener: Option<JoinHandle<()>>,
}

impl Server {
    /// Starts on a port that the system chooses.
    pub(crate) fn start(service: impl Service) -> io::Result<Self> {
        Self::start_on(0, service)
    }

    /// Starts on this port; 0 is one that the system chooses.
    pub(crate) fn start_on(port: u16, service: impl Service) -> io::Result<Self> {
        let socket = listener(port)?;
        let address = socket.local_addr()?;
        let (log, ended) =
            (Arc::<Mutex<Vec<Received>>>::default(), Arc::new(AtomicBool::new(false)));
        let (log_too, ended_too) = (Arc::clone(&log), Arc::clone(&ended));
        let service = Arc::new(service);
        let listener = std::thread::spawn(move || {
            for connection in socket.incoming() {
                if ended_too.load(Ordering::Relaxed) {
                    return;
                }
                let (log, service) = (Arc::clone(&log_too), Arc::clone(&service));
                // A client that goes away in the middle is its own affair.
                std::thread::spawn(move || connection.and_then(|c| serve(c, &log, &*service)));
            }
        });
        Ok(Self { address, log, ended, listener: Some(listener) })
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// All questions so far, in order.
    pub(crate) fn log(&self) -> Vec<Received> {
        lock(&self.log).clone()
    }

    /// The questions by this route.
    pub(crate) fn asked(&self, route: &str) -> Vec<Received> {
        self.log().into_iter().filter(|question| question.route() == route).collect()
    }

    /// Waits for ever.
    pub(crate) fn wait(mut self) {
        if let Some(listener) = self.listener.take() {
            let _ = listener.join();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        // Wakes the listener, so that it sees the flag.
        let _ = TcpStream::connect(self.address);
        if let Some(listener) = self.listener.take() {
            let _ = listener.join();
        }
    }
}

fn serve(stream: TcpStream, log: &Mutex<Vec<Received>>, service: &dyn Service) -> io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let Some(question) = read(&mut reader)? else { return Ok(()) };
    lock(log).push(question.clone());
    let mut stream = stream;
    match service.reply(&question) {
        Reply::Answer { status, headers, body } => {
            let mut head = format!(
                "HTTP/1.1 {status} -\r\nContent-Length: {}\r\nConnection: close\r\n",
                body.len()
            );
            for (name, value) in headers {
                head.push_str(&format!("{name}: {value}\r\n"));
            }
            head.push_str("\r\n");
            stream.write_all(head.as_bytes())?;
            stream.write_all(&body)
        }
        Reply::Truncated(body) => {
            let head = format!("HTTP/1.1 200 -\r\nContent-Length: {}\r\n\r\n", body.len() + 1000);
            stream.write_all(head.as_bytes())?;
            stream.write_all(&body)
        }
        Reply::Hang => reader.read_to_end(&mut Vec::new()).map(|_| ()),
        Reply::HangUp | Reply::Pass | Reply::Instead(_) => Ok(()),
    }
}

fn read(reader: &mut impl BufRead) -> io::Result<Option<Received>> {
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut words = line.split_whitespace();
    let (Some(method), Some(target)) = (words.next(), words.next()) else { return Ok(None) };
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut question = Received {
        at: Instant::now(),
        method: method.to_owned(),
        path: unescaped(path),
        query: pairs(query),
        headers: Vec::new(),
        body: String::new(),
    };
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        question.headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length = question.header("content-length").and_then(|length| length.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body)?;
    question.body = String::from_utf8_lossy(&body).into_owned();
    Ok(Some(question))
}

fn pairs(text: &str) -> Vec<(String, String)> {
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (unescaped(name), unescaped(&value.replace('+', " ")))
    };
    pairs.map(pair).collect()
}

fn unescaped(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let hex = tail.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()).filter(|_| *first == b'%') {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Whatever a handler that panicked left behind is good enough for a test to look at.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
