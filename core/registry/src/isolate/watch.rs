//! The thread that watches a worker: its answers, its news, what it prints, its end.

use std::{
    collections::VecDeque,
    io::{self, PipeReader, Read},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use ketch_abi::{error_to_document, message};
use ketch_core::{Error, Extensions, JOB_EVENT, LOG, Message, Result};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::{Errno, ioctl_fionbio},
};
use serde_json::json;

use super::{
    call::Method,
    death::{Death, how},
    frame::{Frame, Kind, Packed},
    output::LastLines,
    pace::Pace,
    process::Process,
    socket::{Inbox, Received},
    worker::Shared,
};

/// A worker that is not needed any more, or that closed its socket, ends within this time or is
/// killed.
const GRACE: Duration = Duration::from_millis(500);

/// Answers that a worker has asked for and not taken.
const MAX_UNTAKEN: usize = 1000;

/// So often what a dead worker left behind is looked at.
const LAST_ROUNDS: usize = 100;

/// The thread's state.
pub(super) struct Watch<'a> {
    shared: &'a Shared,
    process: &'a Process,
    /// `None` once nobody can print any more.
    output: Option<PipeReader>,
    host: Arc<dyn Extensions>,
    inbox: Inbox,
    lines: LastLines,
    /// Answers to the plugin's questions that it has not taken yet.
    untaken: VecDeque<Packed>,
    frames: Pace,
    printed: Pace,
    news: Pace,
    dropped: usize,
}

/// The worker's socket is of no use any more.
struct Ended;

impl<'a> Watch<'a> {
    pub(super) fn new(
        shared: &'a Shared,
        process: &'a Process,
        output: PipeReader,
        host: Arc<dyn Extensions>,
    ) -> Self {
        // A pipe of this process can be set so; and if not, reading waits for what is announced.
        let _ = ioctl_fionbio(&output, true);
        Self {
            shared,
            process,
            output: Some(output),
            host,
            inbox: Inbox::new(),
            lines: LastLines::default(),
            untaken: VecDeque::new(),
            // What a busy worker needs by far; a flood beyond it waits in the worker.
            frames: Pace::new(20_000, Duration::from_millis(100)),
            printed: Pace::new(4 << 20, Duration::from_millis(100)),
            news: Pace::new(1000, Duration::from_secs(1)),
            dropped: 0,
        }
    }

    /// Watches until the worker's end, and tells everybody of it.
    pub(super) fn run(mut self) {
        while self.turn().is_ok() {}
        self.wait_for_end();
        // What it sent and printed before its end counts; what it started may go on for ever.
        self.process.kill();
        for _ in 0..LAST_ROUNDS {
            let (received, read) = (self.receive().unwrap_or(0), self.read_output());
            if received + read == 0 {
                break;
            }
        }
        let call = self.shared.current_call();
        let status = self.process.reap();
        let ended = match (self.shared.verdict(), status) {
            (Some(verdict), _) => verdict.to_owned(),
            (None, Ok(status)) => how(status, self.shared.limits.cpu_time, call.as_deref()),
            (None, Err(error)) => format!("is gone: {error}"),
        };
        let output = std::mem::take(&mut self.lines).into_lines();
        self.shared.dead(Death::new(&self.shared.provider, &ended, output));
    }

    /// Waits until something happens, and deals with it.
    fn turn(&mut self) -> Result<(), Ended> {
        let now = Instant::now();
        let (wait_frames, wait_output) = (self.frames.wait(now), self.printed.wait(now));
        let wants = |wanted, flags| if wanted { flags } else { PollFlags::empty() };
        let socket = wants(wait_frames.is_none(), PollFlags::IN)
            | wants(!self.untaken.is_empty(), PollFlags::OUT);
        let mut sources = vec![
            PollFd::new(self.process, PollFlags::IN),
            PollFd::new(&self.shared.socket, socket),
        ];
        if let (Some(output), None) = (&self.output, wait_output) {
            sources.push(PollFd::new(output, PollFlags::IN));
        }
        let wait = wait_frames.into_iter().chain(wait_output).min();
        let wait = wait.and_then(|wait| Timespec::try_from(wait).ok());
        match poll(&mut sources, wait.as_ref()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(_) => return Err(Ended),
        }
        let ready = |index: usize| sources.get(index).map_or(PollFlags::empty(), PollFd::revents);
        let (ended, socket, printed) = (ready(0), ready(1), ready(2));
        if !printed.is_empty() {
            self.read_output();
        }
        if !ended.is_empty() {
            return Err(Ended);
        }
        if socket.contains(PollFlags::OUT) {
            self.hand_over();
        }
        if socket.intersects(PollFlags::IN | PollFlags::HUP | PollFlags::ERR) {
            self.receive()?;
        }
        Ok(())
    }

    /// The process is gone, or should be: gives it a moment, so that its own end is what is told.
    fn wait_for_end(&self) {
        let grace = Timespec::try_from(GRACE).ok();
        let mut end = [PollFd::new(self.process, PollFlags::IN)];
        match poll(&mut end, grace.as_ref()) {
            Ok(1..) => {}
            _ if self.shared.is_over.load(Ordering::SeqCst) => self.process.kill(),
            _ => self.shared.end("closed its socket".to_owned()),
        }
    }

    /// Takes frames that are there; how many.
    fn receive(&mut self) -> Result<usize, Ended> {
        for received in 0..64 {
            match self.shared.socket.receive_now(&mut self.inbox) {
                Ok(Received::Frame(frame)) => {
                    self.frames.spend(1, Instant::now());
                    self.take(frame)?;
                }
                Ok(Received::Nothing) => return Ok(received),
                Ok(Received::End) => return Err(Ended),
                Err(error) => return Err(self.rules_broken(&error.to_string())),
            }
        }
        Ok(64)
    }

    fn rules_broken(&self, what: &str) -> Ended {
        self.shared.end(format!("broke the rules of its socket: {what}"));
        Ended
    }

    fn take(&mut self, frame: Frame) -> Result<(), Ended> {
        match frame.kind {
            Kind::Reply | Kind::Failure | Kind::Coming => {
                let id = frame.id;
                if !self.shared.answer(frame) {
                    let what = format!("an answer to call {id}, which nobody made");
                    return Err(self.rules_broken(&what));
                }
            }
            Kind::Event if [LOG, JOB_EVENT].contains(&frame.name.as_str()) => {
                self.tell(&frame.name, frame.message);
            }
            Kind::HostCall => {
                let answer = self.ask_host(frame);
                self.untaken.extend(Packed::new(&answer).ok());
                self.hand_over();
                if self.untaken.len() > MAX_UNTAKEN {
                    let what = format!("{MAX_UNTAKEN} questions without taking the answers");
                    return Err(self.rules_broken(&what));
                }
            }
            kind => {
                let what = format!("a frame of the kind {kind:?}, which a worker does not send");
                return Err(self.rules_broken(&what));
            }
        }
        Ok(())
    }

    /// Answers a question of the plugin.
    fn ask_host(&self, question: Frame) -> Frame {
        let Frame { id, name, message, .. } = question;
        let asked = || match Method::of_number(question.method) {
            Some(Method::Supports) => message::from_document(&self.host.supports(&name)),
            Some(Method::Call) => self.host.call(&name, message),
            _ => Err(Error::not_supported("this host", "that method")),
        };
        // The program that uses the registry may listen, and panic when it hears.
        let answer = catch_unwind(AssertUnwindSafe(asked))
            .unwrap_or_else(|_| Err(Error::other("host.panicked", "the host panicked")));
        match answer {
            Ok(message) => Frame::new(Kind::HostReply, id).with(message),
            Err(error) => {
                let document = error_to_document("ketch", &error);
                Frame::new(Kind::HostFailure, id).with(Message::json(&document))
            }
        }
    }

    /// Hands answers to the plugin's questions over, as far as it takes them.
    fn hand_over(&mut self) {
        while let Some(answer) = self.untaken.front() {
            match self.shared.socket.send_now(answer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                // If it is gone, that is noticed elsewhere.
                _ => self.untaken.pop_front(),
            };
        }
    }

    /// Tells the host's listeners, unless there was too much to tell lately.
    fn tell(&mut self, name: &str, message: Message) {
        let now = Instant::now();
        if self.news.wait(now).is_some() {
            self.dropped += 1;
            return;
        }
        self.news.spend(1, now);
        let dropped = std::mem::take(&mut self.dropped);
        let told = || {
            if dropped > 0 {
                let text = format!("{dropped} events were dropped, because there were too many");
                self.host.call(LOG, log("warn", &text))?;
            }
            self.host.call(name, message)
        };
        // A listener that panics, or an event that is none, must not end this thread.
        let _ = catch_unwind(AssertUnwindSafe(told));
    }

    /// Reads what was printed; how much.
    fn read_output(&mut self) -> usize {
        let Some(output) = &mut self.output else { return 0 };
        let mut bytes = [0; 16 << 10];
        let read = match output.read(&mut bytes) {
            Ok(0) => {
                self.output = None;
                return 0;
            }
            Ok(read) => read,
            Err(_) => return 0,
        };
        self.printed.spend(read, Instant::now());
        let mut lines = Vec::new();
        self.lines.take(&bytes[..read], |line| lines.push(log("info", line)));
        lines.into_iter().for_each(|line| self.tell(LOG, line));
        read
    }
}

fn log(level: &str, message: &str) -> Message {
    Message::json(&json!({"schema": LOG, "level": level, "message": message}))
}
