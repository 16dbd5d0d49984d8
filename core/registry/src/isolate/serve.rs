//! The worker's side of the socket: calls that come as frames are made of the objects of this
//! process, and their answers go back.
//!
//! Threads take turns: whoever receives a call also makes it, and another one waits for the next
//! frame meanwhile. So a call needs no hand-over, and one that blocks, as `result` does, never
//! delays another.

use std::{
    any::Any,
    collections::HashMap,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, Weak,
        atomic::{AtomicU64, AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, UNIX_EPOCH},
};

use ketch_abi::{error_from_document, error_to_document, message};
use ketch_core::{
    Backend, Error, Extensions, Filter, JOB_EVENT, Job, LOG, Message, Provider, Result,
};
use serde::Serialize;

use super::{
    call::{Method, PROVIDER},
    frame::{Frame, Kind},
    lock,
    socket::{Inbox, Received, Socket},
};

/// Makes the provider: called with the message of [`Method::Load`] and the host.
pub(super) type Load = dyn Fn(&Message, Arc<dyn Extensions>) -> Result<(Message, Option<Arc<dyn Provider>>)>
    + Send
    + Sync;

/// So many threads stay when they have nothing to do.
const KEPT_THREADS: usize = 4;

/// As much as a program's first thread has: plugins were written for that.
const STACK: usize = 8 << 20;

/// What the host holds of this process, by number.
#[derive(Clone)]
enum Object {
    Provider(Arc<dyn Provider>),
    Backend(Arc<dyn Backend>),
    Job(Arc<dyn Job>),
    Other(Arc<dyn Extensions>),
}

impl Object {
    fn extensions(&self) -> Option<&dyn Extensions> {
        match self {
            Self::Provider(provider) => provider.extensions(),
            Self::Backend(backend) => backend.extensions(),
            Self::Job(job) => job.extensions(),
            Self::Other(other) => Some(&**other),
        }
    }
}

struct Server {
    socket: Socket,
    load: Box<Load>,
    objects: Mutex<HashMap<u64, Object>>,
    next_object: AtomicU64,
    /// Threads that wait for a frame, or are about to.
    idle: AtomicUsize,
    ended: mpsc::Sender<()>,
    /// What the plugin asked its host, by the number of the call.
    asked: Mutex<HashMap<u64, mpsc::Sender<Frame>>>,
    next_question: AtomicU64,
}

/// Serves until the host is gone. Blocks.
///
/// # Errors
/// If no thread can be started.
pub(super) fn serve(socket: Socket, load: Box<Load>) -> io::Result<()> {
    let (ended, end) = mpsc::channel();
    let server = Arc::new(Server {
        socket,
        load,
        objects: Mutex::default(),
        next_object: AtomicU64::new(PROVIDER + 1),
        idle: AtomicUsize::new(0),
        ended,
        asked: Mutex::default(),
        next_question: AtomicU64::new(1),
    });
    server.start_thread()?;
    // The sender lives as long as the server, which this function holds.
    let _ = end.recv();
    // Whoever waits for an answer of the host learns that there is none.
    lock(&server.asked).clear();
    let objects = std::mem::take(&mut *lock(&server.objects));
    drop(objects);
    Ok(())
}

impl Server {
    fn start_thread(self: &Arc<Self>) -> io::Result<()> {
        self.idle.fetch_add(1, Ordering::SeqCst);
        let server = Arc::clone(self);
        let thread = thread::Builder::new().name("ketch call".to_owned()).stack_size(STACK);
        let started = thread.spawn(move || server.take_turns());
        if started.is_err() {
            self.idle.fetch_sub(1, Ordering::SeqCst);
        }
        started.map(|_| ())
    }

    fn take_turns(self: Arc<Self>) {
        let mut inbox = Inbox::new();
        loop {
            let received = self.socket.receive(&mut inbox);
            let was_last = self.idle.fetch_sub(1, Ordering::SeqCst) == 1;
            match received {
                Ok(Received::Frame(frame)) if was_last => match self.start_thread() {
                    Ok(()) => self.take(frame),
                    Err(error) => self.refuse(frame, error),
                },
                Ok(Received::Frame(frame)) => self.take(frame),
                Ok(Received::Nothing) => {}
                // A host that breaks the rules is of another kind than this worker.
                Ok(Received::End) | Err(_) => {
                    // Nobody listens when another thread has seen it before.
                    let _ = self.ended.send(());
                    return;
                }
            }
            if self.idle.fetch_add(1, Ordering::SeqCst) >= KEPT_THREADS {
                self.idle.fetch_sub(1, Ordering::SeqCst);
                return;
            }
        }
    }

    /// Without a thread that waits for the next frame, a call that blocks could not be cancelled.
    fn refuse(self: &Arc<Self>, frame: Frame, error: io::Error) {
        match frame.kind {
            Kind::Call => {
                let error = Error::caused("thread.unavailable", "cannot start a thread", error);
                self.answer(frame.id, Err(error));
            }
            // Everything else is done at once.
            _ => self.take(frame),
        }
    }

    fn take(self: &Arc<Self>, frame: Frame) {
        match frame.kind {
            Kind::Call => {
                let id = frame.id;
                // What comes from a plugin never unwinds; this is for providers that are not one.
                let made = catch_unwind(AssertUnwindSafe(|| self.call(frame)));
                let made = made.unwrap_or_else(|panic| Err(panicked(&*panic)));
                self.answer(id, made);
            }
            Kind::Release => {
                let released = lock(&self.objects).remove(&frame.object);
                // Without the lock: dropping an object runs code of the plugin.
                drop(released);
            }
            Kind::HostReply | Kind::HostFailure => {
                if let Some(waiting) = lock(&self.asked).remove(&frame.id) {
                    // Whoever asked waits for the answer.
                    let _ = waiting.send(frame);
                }
            }
            // A later host may say what this worker does not know, and does without.
            _ => {}
        }
    }

    fn answer(&self, id: u64, answer: Result<Frame>) {
        let failure = |error: &Error| {
            let document = error_to_document("", error);
            Frame::new(Kind::Failure, id).with(Message::json(&document))
        };
        let frame = match answer {
            Ok(frame) => Frame { kind: Kind::Reply, id, ..frame },
            Err(error) => failure(&error),
        };
        if let Err(error) = self.socket.send(&frame) {
            // The answer may be too large for the memory that there is; that it is so is not. If
            // the host is gone, this fails too, and no harm is done.
            let error = Error::caused("answer.unsent", "cannot send the answer", error);
            let _ = self.socket.send(&failure(&error));
        }
    }

    fn call(self: &Arc<Self>, call: Frame) -> Result<Frame> {
        let Frame { id, object, name, message, .. } = call;
        let Some(method) = Method::of_number(call.method) else {
            return Err(Error::not_supported("this worker", format!("method {}", call.method)));
        };
        if method == Method::Load {
            let host: Arc<dyn Extensions> = Arc::new(RemoteHost(Arc::downgrade(self)));
            let (answer, provider) = (self.load)(&message, host)?;
            if let Some(provider) = provider {
                lock(&self.objects).insert(PROVIDER, Object::Provider(provider));
            }
            return Ok(reply(answer));
        }
        let found = lock(&self.objects).get(&object).cloned();
        let found = found.ok_or_else(|| {
            Error::other("object.unknown", format!("the worker has no object {object}"))
        })?;
        let extensions = || {
            let unknown = || Error::not_supported("this object", format!("the extension `{name}`"));
            found.extensions().ok_or_else(unknown)
        };
        match (&found, method) {
            (_, Method::Supports) => {
                document(&found.extensions().map_or(0, |extensions| extensions.supports(&name)))
            }
            (_, Method::Call) => Ok(reply(extensions()?.call(&name, message)?)),
            (_, Method::Open) => {
                let opened = Object::Other(extensions()?.open(&name, message)?);
                Ok(kept((self.keep(opened), String::new())))
            }
            (Object::Provider(provider), Method::Backends) => {
                let backends = provider.backends(&Filter::default())?.into_iter();
                document(&backends.map(|one| self.keep_backend(one)).collect::<Vec<_>>())
            }
            (Object::Provider(provider), Method::GetBackend) => {
                Ok(kept(self.keep_backend(provider.get_backend(&name)?)))
            }
            (Object::Backend(backend), Method::Configuration) => {
                document(&*backend.configuration()?)
            }
            (Object::Backend(backend), Method::Properties) => {
                Ok(reply(message::from_properties(backend.properties()?.as_deref())?))
            }
            (Object::Backend(backend), Method::Status) => document(&backend.status()?),
            (Object::Backend(backend), Method::Run) => {
                let (qobj, options) = message::to_run(&message)?;
                Ok(kept(self.keep_job(backend.run(qobj, options)?)))
            }
            (Object::Backend(backend), Method::RetrieveJob) => {
                Ok(kept(self.keep_job(backend.retrieve_job(&name)?)))
            }
            (Object::Backend(backend), Method::Jobs) => {
                let jobs = backend.jobs(&message::to_job_query(&message)?)?.into_iter();
                document(&jobs.map(|one| self.keep_job(one)).collect::<Vec<_>>())
            }
            (Object::Job(job), Method::JobStatus) => document(&job.status()?),
            (Object::Job(job), Method::Result) => {
                let nanos: Option<u64> = message::to_document(&message, "time-out")?;
                let result = job.shared_result(nanos.map(Duration::from_nanos))?;
                // Writing a large result down takes longer than the host may want to wait.
                let _ = self.socket.send(&Frame::new(Kind::Coming, id));
                Ok(reply(message::from_result(&result)))
            }
            (Object::Job(job), Method::Cancel) => document(&job.cancel()?),
            (Object::Job(job), Method::CreationDate) => {
                let since =
                    job.creation_date()?.and_then(|date| date.duration_since(UNIX_EPOCH).ok());
                document(&since.and_then(|since| u64::try_from(since.as_millis()).ok()))
            }
            (Object::Job(job), Method::QueuePosition) => document(&job.queue_position()?),
            (Object::Job(job), Method::ErrorMessage) => document(&job.error_message()?),
            _ => Err(Error::not_supported("this object", format!("`{}`", method.name()))),
        }
    }

    fn keep(&self, object: Object) -> u64 {
        let number = self.next_object.fetch_add(1, Ordering::Relaxed);
        lock(&self.objects).insert(number, object);
        number
    }

    fn keep_backend(&self, backend: Arc<dyn Backend>) -> (u64, String) {
        let name = backend.name().to_owned();
        (self.keep(Object::Backend(backend)), name)
    }

    fn keep_job(&self, job: Arc<dyn Job>) -> (u64, String) {
        let id = job.job_id();
        (self.keep(Object::Job(job)), id)
    }
}

fn reply(message: Message) -> Frame {
    Frame::new(Kind::Reply, 0).with(message)
}

fn document(document: &impl Serialize) -> Result<Frame> {
    message::from_document(document).map(reply)
}

fn kept((object, name): (u64, String)) -> Frame {
    Frame { object, name, ..Frame::new(Kind::Reply, 0) }
}

fn panicked(panic: &(dyn Any + Send)) -> Error {
    let text = panic.downcast_ref::<&str>().copied().map(str::to_owned);
    let message = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
    Error::ProviderPanicked { provider: String::new(), message }
}

/// The host, as the plugin sees it from the worker.
struct RemoteHost(Weak<Server>);

impl RemoteHost {
    fn ask(&self, method: Method, name: &str, message: Message) -> Result<Frame> {
        let gone = || Error::other("host.gone", "the host is gone");
        let server = self.0.upgrade().ok_or_else(gone)?;
        let id = server.next_question.fetch_add(1, Ordering::Relaxed);
        let (sender, answer) = mpsc::channel();
        lock(&server.asked).insert(id, sender);
        let call = Frame::new(Kind::HostCall, id).with(message);
        let call = Frame { method: method as u32, name: name.to_owned(), ..call };
        server.socket.send(&call).map_err(|_| gone())?;
        let answer = answer.recv().map_err(|_| gone())?;
        match answer.kind {
            Kind::HostReply => Ok(answer),
            _ => Err(error_from_document(&answer.message.to_json().unwrap_or_default())),
        }
    }
}

impl Extensions for RemoteHost {
    fn supports(&self, name: &str) -> u32 {
        let answer = self.ask(Method::Supports, name, Message::default());
        answer.and_then(|answer| message::to_document(&answer.message, "revision")).unwrap_or(0)
    }

    fn call(&self, name: &str, message: Message) -> Result<Message> {
        // News need no answer: the host only takes note.
        if [LOG, JOB_EVENT].contains(&name) {
            let server = self.0.upgrade();
            let event = Frame { name: name.to_owned(), ..Frame::new(Kind::Event, 0) };
            let sent = server.map(|server| server.socket.send(&event.with(message)));
            // If the host is gone, nobody needs the news.
            drop(sent);
            return Ok(Message::default());
        }
        Ok(self.ask(Method::Call, name, message)?.message)
    }
}
