//! Listeners that are called: all of them on one thread.

use std::{
    collections::HashMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, LazyLock, Mutex},
};

use ketch_interface::{Job, Result};

use super::{
    JobEvent, looking,
    mailbox::{Bell, Mailbox, lock},
    no_thread,
};

type Listener = Box<dyn FnMut(JobEvent) + Send>;

#[derive(Default)]
struct Callbacks {
    bell: Arc<Bell>,
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    listeners: HashMap<usize, (Arc<Mailbox>, Listener)>,
    next: usize,
    has_thread: bool,
}

static CALLBACKS: LazyLock<Callbacks> = LazyLock::new(Default::default);

/// Calls the listener with the job's events up to its end.
pub(super) fn add(job: Arc<dyn Job>, listener: Listener) -> Result<()> {
    let mut table = lock(&CALLBACKS.table);
    if !table.has_thread {
        let thread = std::thread::Builder::new().name("ketch listeners".to_owned());
        thread.spawn(call_listeners).map_err(no_thread)?;
        table.has_thread = true;
    }
    let place = table.next;
    table.next += 1;
    let mailbox = Arc::new(Mailbox::new(Arc::clone(&CALLBACKS.bell), place));
    table.listeners.insert(place, (Arc::clone(&mailbox), listener));
    drop(table);
    let looked_after = looking::look_after(job, &mailbox);
    if looked_after.is_err() {
        lock(&CALLBACKS.table).listeners.remove(&place);
    }
    looked_after
}

/// Stays once it is there: it waits for the bell.
fn call_listeners() {
    while let Some(place) = CALLBACKS.bell.wait(None) {
        // Taken out, so that a listener may add another.
        let Some((mailbox, mut listener)) = lock(&CALLBACKS.table).listeners.remove(&place) else {
            continue;
        };
        let (event, is_last) = mailbox.take();
        let called =
            event.is_none_or(|event| catch_unwind(AssertUnwindSafe(|| listener(event))).is_ok());
        if called && !is_last {
            lock(&CALLBACKS.table).listeners.insert(place, (mailbox, listener));
        }
    }
}
