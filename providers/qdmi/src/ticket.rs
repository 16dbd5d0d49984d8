//! [`Ticket`]: one program that was handed to a device, until its results are there.

use std::{
    ffi::{CStr, c_int},
    fmt, mem, ptr,
    sync::Arc,
};

use crate::{
    abi::{Handle, job_parameter, job_property, job_status},
    answer::{Answer, Failure, ask},
    library::Programs,
    printed,
    session::Session,
};

/// A job of a device. One thread at a time uses it.
pub(crate) struct Ticket {
    job: Handle,
    session: Arc<Session>,
    /// What was printed before it was there.
    pub(crate) printed: u64,
}

// SAFETY: the handle belongs to the device and not to a thread, and only its owner names it.
unsafe impl Send for Ticket {}

/// What could not be done with a job, and what the device said.
#[derive(Debug, PartialEq)]
pub(crate) struct Refused(pub(crate) &'static str, pub(crate) Failure);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the device {}: {}", self.0, self.1)
    }
}

/// How a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Waiting,
    Running,
    Done,
    Cancelled,
    Failed,
}

impl Ticket {
    /// Hands a program to the device. Blocks as long as the device takes to accept it, which may
    /// be as long as it runs.
    ///
    /// # Errors
    /// What the device does not take.
    pub(crate) fn submit(
        session: &Arc<Session>,
        format: c_int,
        program: &CStr,
        shots: u64,
    ) -> Result<Self, Refused> {
        let printed = printed::mark();
        let made = session.create_job();
        let job = made.map_err(|failure| Refused("does not make a job", failure))?;
        let ticket = Self { job, session: Arc::clone(session), printed };
        let says = |what| move |failure| Refused(what, failure);
        ticket.set_program(format, program).map_err(says("does not take the program"))?;
        let shots = usize::try_from(shots).unwrap_or(usize::MAX);
        let set =
            ticket.set(job_parameter::SHOTS, size_of::<usize>(), ptr::from_ref(&shots).cast());
        set.map_err(says("does not take the number of shots"))?;
        // SAFETY: the job is complete and was not submitted yet.
        let code = unsafe { (session.library.functions.job_submit)(job) };
        Failure::check(code).map_err(says("does not take the job"))?;
        Ok(ticket)
    }

    /// A job of earlier by the device's id; `None` if the device does not give jobs back.
    pub(crate) fn retrieve(session: &Arc<Session>, id: &str) -> Result<Option<Self>, Failure> {
        let printed = printed::mark();
        let job = session.retrieve_job(id)?;
        Ok(job.map(|job| Self { job, session: Arc::clone(session), printed }))
    }

    fn set_program(&self, format: c_int, program: &CStr) -> Result<(), Failure> {
        let bytes = program.to_bytes_with_nul();
        match self.session.library.programs {
            Programs::AsList(set, _) => {
                let (size, text) = (bytes.len(), bytes.as_ptr().cast());
                // SAFETY: a list of one program of so many bytes, which the device copies.
                Failure::check(unsafe {
                    set(self.job, format, 1, &raw const size, &raw const text)
                })
            }
            Programs::AsParameters(_) => {
                let place = ptr::from_ref(&format).cast();
                self.set(job_parameter::PROGRAM_FORMAT, size_of::<c_int>(), place)?;
                self.set(job_parameter::PROGRAM, bytes.len(), bytes.as_ptr().cast())
            }
        }
    }

    /// `value` is the place of `size` bytes.
    fn set(
        &self,
        parameter: c_int,
        size: usize,
        value: *const std::ffi::c_void,
    ) -> Result<(), Failure> {
        let set = self.session.library.functions.job_set_parameter;
        // SAFETY: the callers give places of so many bytes, which the device copies.
        Failure::check(unsafe { set(self.job, parameter, size, value) })
    }

    /// How the job is now. Does not wait for it.
    pub(crate) fn state(&self) -> Result<State, Failure> {
        let mut state = job_status::QUEUED;
        // SAFETY: the job is there until this is dropped, and the place is a variable.
        let code = unsafe { (self.session.library.functions.job_check)(self.job, &raw mut state) };
        Failure::check(code)?;
        Ok(match state {
            job_status::RUNNING => State::Running,
            job_status::DONE => State::Done,
            job_status::CANCELLED => State::Cancelled,
            job_status::FAILED => State::Failed,
            _ => State::Waiting,
        })
    }

    /// The device's id of it.
    pub(crate) fn id(&self) -> Option<String> {
        let id = self.property(job_property::ID).ok()??.text();
        (!id.is_empty()).then_some(id)
    }

    /// How many jobs are before it in the queue, where the device tells.
    pub(crate) fn jobs_before(&self) -> Option<u64> {
        self.property(job_property::QUEUE_POSITION).ok()??.number()
    }

    fn property(&self, property: c_int) -> Result<Option<Answer>, Failure> {
        let query = self.session.library.functions.job_query_property;
        // SAFETY: the job is there until this is dropped; the place has the size or is null.
        ask(|size, place, needed| unsafe { query(self.job, property, size, place, needed) })
    }

    /// A result of a job that is done; `None` if the device does not have it.
    pub(crate) fn result(&self, which: c_int) -> Result<Option<Answer>, Failure> {
        let job = self.job;
        ask(|size, place, needed| match self.session.library.programs {
            // SAFETY: the job is there until this is dropped; the place has the size or is null.
            Programs::AsList(_, result) => unsafe { result(job, 0, which, size, place, needed) },
            // SAFETY: as above.
            Programs::AsParameters(result) => unsafe { result(job, which, size, place, needed) },
        })
    }

    /// Asks for the job to be cancelled, and gives it up: some devices go on all the same, and
    /// wait for the end when the job is freed.
    pub(crate) fn cancel(self) {
        // SAFETY: the job is there until this is dropped. A device that does not cancel says so,
        // and nobody wants the job's results any more.
        let _ = unsafe { (self.session.library.functions.job_cancel)(self.job) };
        match self.state() {
            Ok(State::Done | State::Cancelled | State::Failed) => {}
            // Freeing it here would make whoever cancels wait for the device.
            _ => {
                let freeing = std::thread::Builder::new().name("qdmi job given up".to_owned());
                let job = GivenUp(Some(self));
                // Without a thread, the job stays with the device for as long as the process lives.
                drop(freeing.spawn(move || job.free()));
            }
        }
    }
}

/// A job that nobody waits for. It is forgotten rather than freed where freeing could block.
struct GivenUp(Option<Ticket>);

impl GivenUp {
    fn free(mut self) {
        drop(self.0.take());
    }
}

impl Drop for GivenUp {
    fn drop(&mut self) {
        mem::forget(self.0.take());
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        // SAFETY: nobody else has the job, and its session is still there.
        unsafe { (self.session.library.functions.job_free)(self.job) };
    }
}
