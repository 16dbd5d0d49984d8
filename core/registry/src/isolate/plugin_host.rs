//! What a worker does: `ketch plugin-host`.

use std::{env, fs::File, io, os::fd::AsFd, path::Path, sync::Arc};

use ketch_abi::message;
use ketch_core::{Error, Extensions, Message, Provider, Result};
use rustix::{
    net::{SocketType, sockopt::socket_type},
    process::{Signal, set_parent_process_death_signal},
};

use super::{
    hello::{Hello, Welcome},
    program,
    serve::serve,
    socket::Socket,
};
use crate::load;

/// Lets this program run isolated plugins by itself: call it first in `main`.
///
/// An isolated plugin runs in a child process, a *worker*. If this process was started to be one,
/// the function serves until its host is gone and ends the process. Otherwise it returns at once,
/// and from then on workers are started from this very program; programs that do not call it need
/// an executable `ketch` beside them or on the path.
pub fn run_if_plugin_host() {
    let is_asked = env::args_os().nth(1).is_some_and(|argument| argument == program::ARGUMENT);
    // Somebody may type the argument by hand.
    let has_socket = || matches!(socket_type(io::stdin()), Ok(SocketType::SEQPACKET));
    if !is_asked || !has_socket() {
        program::remember_this_program();
        return;
    }
    let served = host_socket().and_then(|socket| serve(socket, Box::new(load)));
    std::process::exit(match served {
        Ok(()) => 0,
        // Nobody would read why.
        Err(_) => 1,
    });
}

/// Takes the socket from standard input, so that the plugin finds nothing there, and makes sure
/// that this process ends with its host.
fn host_socket() -> io::Result<Socket> {
    let socket = io::stdin().as_fd().try_clone_to_owned()?;
    rustix::stdio::dup2_stdin(File::open("/dev/null")?)?;
    set_parent_process_death_signal(Some(Signal::KILL))?;
    Ok(socket.into())
}

/// Loads the plugin of which the host tells.
fn load(
    hello: &Message,
    host: Arc<dyn Extensions>,
) -> Result<(Message, Option<Arc<dyn Provider>>)> {
    let Hello { path, manifest, sha256, limits, .. } = Hello::from_message(hello)?;
    limits.impose().map_err(|error| {
        Error::caused("plugin.limits", "cannot impose the limits of the plugin", error)
    })?;
    let (welcome, provider) = match load::load(Path::new(&path), &manifest, sha256.as_deref(), host)
    {
        Ok(provider) => (Welcome::Loaded, Some(provider)),
        Err(refusal) => (Welcome::refused(refusal), None),
    };
    Ok((message::from_document(&welcome)?, provider))
}
