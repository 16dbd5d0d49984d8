//! The host's side of the socket: calls, and who waits for their answers.
//!
//! Deadlines are the host's. A call that takes too long ends the worker, and with the worker end
//! all calls that it had not answered, with one and the same reason.

use std::{
    collections::HashMap,
    fmt, io,
    path::Path,
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc::{self, RecvTimeoutError},
    },
    thread,
    time::{Duration, Instant},
};

use ketch_abi::error_from_document;
use ketch_core::{Error, Extensions, Message, Result};

use super::{
    call::Method,
    death::Death,
    frame::{Frame, Kind, Packed},
    limits::Limits,
    lock,
    process::Process,
    socket::Socket,
    watch::Watch,
};

/// A process that is killed is gone at once, unless the system itself hangs.
const KILLED_WITHIN: Duration = Duration::from_secs(10);

/// A worker, as those see it who call it. It ends when the last of them lets go of it.
pub(super) struct Worker {
    shared: Arc<Shared>,
}

/// What callers share with the thread that watches the worker.
pub(super) struct Shared {
    pub(super) provider: String,
    pub(super) limits: Limits,
    pub(super) socket: Socket,
    pub(super) process: OnceLock<Process>,
    calls: Mutex<Calls>,
    next_call: AtomicU64,
    /// Why the host ended it, as the rest of a sentence.
    verdict: OnceLock<String>,
    /// Nobody needs it any more.
    pub(super) is_over: AtomicBool,
    /// Objects of which the worker could not be told yet that they are not needed.
    unreleased: Mutex<Vec<u64>>,
}

#[derive(Default)]
struct Calls {
    waiting: HashMap<u64, Waiting>,
    /// Calls that nobody waits for any more, and since when.
    overdue: HashMap<u64, (String, Instant)>,
    death: Option<Arc<Death>>,
}

struct Waiting {
    /// Which call this is, for messages.
    call: String,
    waits_for_work: bool,
    notices: mpsc::Sender<Notice>,
}

enum Notice {
    /// The result is there and on its way.
    Coming,
    Answer(Frame),
}

/// A call to an object of a worker.
pub(super) struct Request<'a> {
    pub(super) method: Method,
    pub(super) object: u64,
    /// Whose method, for messages.
    pub(super) subject: &'a str,
    pub(super) name: &'a str,
    pub(super) message: Message,
}

impl fmt::Display for Request<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.method {
            Method::Supports | Method::Call | Method::Open => self.name,
            method => method.name(),
        };
        write!(f, "`{what}` of {}", self.subject)
    }
}

impl Worker {
    /// Starts a worker for a provider and a thread that watches it.
    pub(super) fn start(
        program: &Path,
        provider: &str,
        host: Arc<dyn Extensions>,
        limits: &Limits,
    ) -> io::Result<Self> {
        let (socket, theirs) = Socket::pair()?;
        let shared = Arc::new(Shared {
            provider: provider.to_owned(),
            limits: limits.clone(),
            socket,
            process: OnceLock::new(),
            calls: Mutex::default(),
            next_call: AtomicU64::new(1),
            verdict: OnceLock::new(),
            is_over: AtomicBool::new(false),
            unreleased: Mutex::default(),
        });
        let worker = Self { shared: Arc::clone(&shared) };
        let (program, provider) = (program.to_owned(), provider.to_owned());
        let (started, outcome) = mpsc::channel();
        // The worker is to end with the host, and for the kernel its parent is the thread that
        // started it. So it is started by the thread that lives as long as it does.
        let watching = move || match Process::start(&program, &provider, theirs) {
            Ok((process, output)) => {
                let process = shared.process.get_or_init(|| process);
                // Whoever starts it waits for this word.
                let _ = started.send(Ok(()));
                Watch::new(&shared, process, output, host).run();
            }
            Err(error) => {
                let _ = started.send(Err(error));
            }
        };
        thread::Builder::new().name("ketch worker".to_owned()).spawn(watching)?;
        outcome.recv().map_err(io::Error::other)??;
        Ok(worker)
    }

    /// How it ended; `None` while it lives.
    pub(super) fn death(&self) -> Option<Arc<Death>> {
        lock(&self.shared.calls).death.clone()
    }

    /// Calls a method that answers soon.
    ///
    /// # Errors
    /// What the plugin answers, or how the worker ended, also because of this call.
    pub(super) fn call(&self, request: Request<'_>) -> Result<Frame> {
        self.call_within(request, self.shared.limits.answer)
    }

    /// Calls a method that answers within `time`.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub(super) fn call_within(&self, request: Request<'_>, time: Duration) -> Result<Frame> {
        let call = request.to_string();
        let (_, notices) = self.send(request, &call, false)?;
        self.answer_within(&notices, &call, time)
    }

    /// Calls a method that waits for work, and waits until `deadline`, or without end. `None` if
    /// there is no answer by then.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub(super) fn wait(
        &self,
        request: Request<'_>,
        deadline: Option<Instant>,
    ) -> Result<Option<Frame>> {
        let call = request.to_string();
        let (id, notices) = self.send(request, &call, true)?;
        let notice = match deadline {
            None => notices.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(deadline) => {
                notices.recv_timeout(deadline.saturating_duration_since(Instant::now()))
            }
        };
        match notice {
            Ok(Notice::Answer(frame)) => answered(frame).map(Some),
            Ok(Notice::Coming) => {
                self.answer_within(&notices, &call, self.shared.limits.answer).map(Some)
            }
            Err(RecvTimeoutError::Disconnected) => Err(self.shared.ending()),
            Err(RecvTimeoutError::Timeout) => {
                let mut calls = lock(&self.shared.calls);
                if let Some(waiting) = calls.waiting.remove(&id) {
                    calls.overdue.insert(id, (waiting.call, Instant::now()));
                }
                drop(calls);
                // It may have come between the two.
                match notices.try_recv() {
                    Ok(Notice::Answer(frame)) => answered(frame).map(Some),
                    _ => Ok(None),
                }
            }
        }
    }

    /// The worker needs to keep the object no longer. Never waits.
    pub(super) fn release(&self, object: u64) {
        lock(&self.shared.unreleased).push(object);
        self.shared.tell_released();
    }

    fn send(
        &self,
        request: Request<'_>,
        call: &str,
        waits_for_work: bool,
    ) -> Result<(u64, mpsc::Receiver<Notice>)> {
        let shared = &*self.shared;
        shared.tell_released();
        let Request { method, object, name, message, .. } = request;
        let id = shared.next_call.fetch_add(1, Ordering::Relaxed);
        let frame = Frame {
            kind: Kind::Call,
            method: method as u32,
            id,
            object,
            name: name.to_owned(),
            message,
        };
        let unsent = |error| Error::caused("call.unsent", format!("cannot send {call}"), error);
        let packed = Packed::new(&frame).map_err(unsent)?;
        drop(frame);
        let (sender, notices) = mpsc::channel();
        shared.expect(id, Waiting { call: call.to_owned(), waits_for_work, notices: sender })?;
        match shared.socket.send_until(&packed, Instant::now() + shared.limits.answer) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                let seconds = shared.limits.answer.as_secs_f64();
                shared.end(format!("took no calls for {seconds} s"));
            }
            // The worker is about to be found dead: its end is the answer.
            Err(_) => {}
        }
        Ok((id, notices))
    }

    fn answer_within(
        &self,
        notices: &mpsc::Receiver<Notice>,
        call: &str,
        time: Duration,
    ) -> Result<Frame> {
        let deadline = Instant::now() + time;
        loop {
            match notices.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(Notice::Answer(frame)) => return answered(frame),
                Ok(Notice::Coming) => {}
                Err(RecvTimeoutError::Disconnected) => return Err(self.shared.ending()),
                Err(RecvTimeoutError::Timeout) => break,
            }
        }
        self.shared.end(format!("gave no answer to {call} for {} s", time.as_secs_f64()));
        match notices.recv_timeout(KILLED_WITHIN) {
            // It came at the last moment.
            Ok(Notice::Answer(frame)) => answered(frame),
            _ => Err(self.shared.ending()),
        }
    }
}

fn answered(frame: Frame) -> Result<Frame> {
    match (frame.kind, frame.message.to_json()) {
        (Kind::Reply, _) => Ok(frame),
        (_, Some(document)) => Err(error_from_document(&document)),
        (_, None) => {
            Err(Error::other("plugin.malformed_answer", "the provider answered a malformed error"))
        }
    }
}

impl Shared {
    fn expect(&self, id: u64, waiting: Waiting) -> Result<()> {
        let mut calls = lock(&self.calls);
        if let Some(death) = &calls.death {
            return Err(death.error());
        }
        let now = Instant::now();
        let late =
            |(_, since): &&(String, Instant)| now.duration_since(*since) > self.limits.answer;
        if let Some((call, _)) = calls.overdue.values().find(late) {
            self.end(format!("gave no answer to {call}, whose time was over long ago"));
        }
        calls.waiting.insert(id, waiting);
        Ok(())
    }

    /// Hands on what a worker sent as answer. False if nobody asked.
    pub(super) fn answer(&self, frame: Frame) -> bool {
        let mut calls = lock(&self.calls);
        // Whoever waited may have given up at this moment: then nobody listens.
        if frame.kind == Kind::Coming {
            if let Some(waiting) = calls.waiting.get(&frame.id) {
                let _ = waiting.notices.send(Notice::Coming);
                return true;
            }
            return calls.overdue.contains_key(&frame.id);
        }
        match calls.waiting.remove(&frame.id) {
            Some(waiting) => {
                let _ = waiting.notices.send(Notice::Answer(frame));
                true
            }
            None => calls.overdue.remove(&frame.id).is_some(),
        }
    }

    /// The call during which a worker probably died: the newest, of those that wait for work and
    /// of the others.
    pub(super) fn current_call(&self) -> Option<String> {
        let calls = lock(&self.calls);
        let newest = |waits: bool| {
            let of_kind = calls.waiting.iter().filter(|(_, call)| call.waits_for_work == waits);
            of_kind.max_by_key(|(id, _)| **id).map(|(_, waiting)| waiting.call.clone())
        };
        // From outside nobody can tell which of two it was.
        match (newest(false), newest(true)) {
            (Some(soon), Some(work)) => Some(format!("{work} or {soon}")),
            (soon, work) => soon.or(work),
        }
    }

    /// Ends the worker; the first reason counts.
    pub(super) fn end(&self, verdict: String) {
        // A second reason is a consequence of the first.
        let _ = self.verdict.set(verdict);
        if let Some(process) = self.process.get() {
            process.kill();
        }
    }

    pub(super) fn verdict(&self) -> Option<&str> {
        self.verdict.get().map(String::as_str)
    }

    /// Tells everybody who waits.
    pub(super) fn dead(&self, death: Death) {
        let mut calls = lock(&self.calls);
        calls.death = Some(Arc::new(death));
        // Dropping the senders wakes whoever waits.
        let waiting = std::mem::take(&mut calls.waiting);
        calls.overdue.clear();
        drop(calls);
        drop(waiting);
    }

    fn ending(&self) -> Error {
        let death = lock(&self.calls).death.clone();
        let death = death.unwrap_or_else(|| {
            let how = format!("{}, and cannot be killed", self.verdict().unwrap_or("is gone"));
            Arc::new(Death::new(&self.provider, &how, Vec::new()))
        });
        death.error()
    }

    fn tell_released(&self) {
        let mut unreleased = lock(&self.unreleased);
        while let Some(object) = unreleased.last() {
            let frame = Frame { object: *object, ..Frame::new(Kind::Release, 0) };
            let told = Packed::new(&frame).and_then(|packed| self.socket.send_now(&packed));
            // A worker that is busy is told with the next call; one that is dead needs no word.
            if told.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock) {
                return;
            }
            unreleased.pop();
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::SeqCst);
        self.shared.socket.close();
    }
}
