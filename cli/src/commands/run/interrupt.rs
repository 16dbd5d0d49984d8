//! Ctrl-C while jobs run, and the wish that a worker go.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use signal_hook::{
    consts::{SIGINT, SIGTERM},
    flag,
};

/// Whether somebody has asked this process to go (SIGTERM), from now on; a second time ends it.
///
/// # Errors
/// If the system does not let it listen.
pub(crate) fn asked_to_go() -> io::Result<Arc<AtomicBool>> {
    let asked = Arc::new(AtomicBool::new(false));
    // In this order: at the first signal the condition does not hold yet.
    flag::register_conditional_default(SIGTERM, Arc::clone(&asked))?;
    flag::register(SIGTERM, Arc::clone(&asked))?;
    Ok(asked)
}

/// While it lives, the first Ctrl-C is only noted. A second one, and any after it is dropped, ends
/// the process as usual.
#[derive(Debug)]
pub(crate) struct Interrupt {
    pressed: Arc<AtomicBool>,
}

impl Interrupt {
    /// Begins to listen.
    ///
    /// # Errors
    /// If the system does not let it.
    pub(crate) fn listen() -> io::Result<Self> {
        let pressed = Arc::new(AtomicBool::new(false));
        // In this order: at the first signal the condition does not hold yet.
        flag::register_conditional_default(SIGINT, Arc::clone(&pressed))?;
        flag::register(SIGINT, Arc::clone(&pressed))?;
        Ok(Self { pressed })
    }

    /// Ctrl-C was pressed.
    pub(crate) fn is_pressed(&self) -> bool {
        self.pressed.load(Ordering::SeqCst)
    }
}

impl Drop for Interrupt {
    fn drop(&mut self) {
        self.pressed.store(true, Ordering::SeqCst);
    }
}
