//! The worker as a process: started, killed with all that it started, and taken leave of.

use std::{
    io::{self, PipeReader, pipe},
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::process::CommandExt,
    },
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::Mutex,
};

use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};

use super::{lock, program::ARGUMENT};

/// A running worker.
#[derive(Debug)]
pub(super) struct Process {
    /// Until it has been waited for: afterwards its number may be another process's.
    child: Mutex<Option<Child>>,
    /// Becomes readable when it ends.
    descriptor: OwnedFd,
}

impl Process {
    /// Starts a worker whose standard input is the socket. Also returns what it prints.
    ///
    /// It is the leader of a group of its own, so that a Ctrl-C in the terminal of the host does
    /// not reach it, and so that what it starts ends with it.
    pub(super) fn start(
        program: &Path,
        provider: &str,
        socket: OwnedFd,
    ) -> io::Result<(Self, PipeReader)> {
        let (output, printed) = pipe()?;
        let mut child = Command::new(program)
            .arg0("ketch")
            .arg(ARGUMENT)
            // For those who look at the list of processes.
            .arg(provider)
            .stdin(Stdio::from(socket))
            .stdout(printed.try_clone()?)
            .stderr(printed)
            .process_group(0)
            .spawn()?;
        match pidfd_open(Pid::from_child(&child), PidfdFlags::empty()) {
            Ok(descriptor) => Ok((Self { child: Mutex::new(Some(child)), descriptor }, output)),
            Err(error) => {
                child.kill()?;
                child.wait()?;
                Err(error.into())
            }
        }
    }

    /// Kills it and all of its group, if it still runs.
    pub(super) fn kill(&self) {
        if let Some(child) = &*lock(&self.child) {
            // A group without members is what is wanted.
            let _ = kill_process_group(Pid::from_child(child), Signal::KILL);
        }
    }

    /// Kills what is left of its group and waits for its end, which is now.
    pub(super) fn reap(&self) -> io::Result<ExitStatus> {
        self.kill();
        let child = lock(&self.child).take();
        child.ok_or_else(|| io::Error::other("it was waited for before"))?.wait()
    }
}

impl AsFd for Process {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}
