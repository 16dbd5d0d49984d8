//! `ketch serve`: the backends over HTTP, and the tokens of those who may ask.

mod token;

use std::{
    io::Write,
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use clap::{Args, Subcommand};
use ketch::jobs::Store;
use ketch_server::{Limits, Options, Quotas, Server, Tls, TlsError};
use signal_hook::{
    consts::{SIGINT, SIGTERM},
    flag,
};

use crate::{
    context::{Context, no_plugin},
    exit::Exit,
    failure::Failure,
    output::terminal::say,
    store,
};

/// The arguments of `ketch serve`.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Whoever asks shows a token, which `ketch serve token new NAME` makes. Jobs are run by workers, and
go on when the server ends. Ctrl-C ends it in good order."
)]
pub(crate) struct ServeArgs {
    #[command(subcommand)]
    command: Option<ServeCommand>,
    /// Listen at this address of this machine
    #[arg(long, value_name = "ADDRESS", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    address: IpAddr,
    /// Listen at this port; 0 for one that is free
    #[arg(long, value_name = "PORT", default_value_t = 8642)]
    port: u16,
    /// Encrypt: the certificate and those behind it, in a PEM file
    #[arg(long, value_name = "FILE", requires = "key", value_hint = clap::ValueHint::FilePath)]
    certificate: Option<PathBuf>,
    /// The certificate's private key, in a PEM file
    #[arg(long, value_name = "FILE", requires = "certificate", value_hint = clap::ValueHint::FilePath)]
    key: Option<PathBuf>,
    /// Let others than programs of this machine ask, although nothing is encrypted
    #[arg(long)]
    insecure: bool,
    /// Serve backends of remote services too; jobs there are the business of the owner's accounts
    #[arg(long)]
    remote: bool,
    /// Take no request of more than so many MiB
    #[arg(long, value_name = "MIB", default_value_t = 16,
          value_parser = clap::value_parser!(u16).range(1..=1024))]
    max_body: u16,
    /// Serve so many connections at a time; others wait
    #[arg(long, value_name = "CONNECTIONS", default_value_t = 512,
          value_parser = clap::value_parser!(u16).range(1..))]
    max_connections: u16,
    /// Wait so many seconds for a request to arrive, and as long for an answer to be taken
    #[arg(long, value_name = "SECONDS", default_value_t = 30,
          value_parser = clap::value_parser!(u16).range(1..=3600))]
    timeout: u16,
    /// Let a user have so many jobs that wait or run
    #[arg(long, value_name = "JOBS", default_value_t = 1000)]
    max_pending: u64,
    /// Let a user have so many sessions that take jobs
    #[arg(long, value_name = "SESSIONS", default_value_t = 1000)]
    max_sessions: u64,
    /// Take no job of more shots, all its circuits together
    #[arg(long, value_name = "SHOTS", default_value_t = 10_000_000)]
    max_shots: u64,
    /// Take no circuit of more qubits
    #[arg(long, value_name = "QUBITS")]
    max_qubits: Option<u32>,
    /// Let the jobs of a user run for so many seconds in four weeks
    #[arg(long, value_name = "SECONDS")]
    max_seconds: Option<u64>,
}

#[derive(Debug, Subcommand)]
enum ServeCommand {
    /// Make, list and revoke the tokens of those who may ask
    #[command(subcommand)]
    Token(token::TokenCommand),
}

impl ServeArgs {
    /// Programs read the output, so that a failure is a document, too.
    pub(crate) fn is_for_programs(&self) -> bool {
        matches!(&self.command, Some(ServeCommand::Token(token)) if token.is_for_programs())
    }
}

pub(crate) fn execute(
    args: &ServeArgs,
    context: &Context,
    out: &mut dyn Write,
) -> Result<Exit, Failure> {
    match &args.command {
        Some(ServeCommand::Token(command)) => token::execute(command, context, out),
        None => serve(args, context, out),
    }
}

fn serve(args: &ServeArgs, context: &Context, out: &mut dyn Write) -> Result<Exit, Failure> {
    let tls = match (&args.certificate, &args.key) {
        (Some(certificate), Some(key)) => Some(Tls::load(certificate, key).map_err(unusable)?),
        _ => None,
    };
    if !args.address.is_loopback() && tls.is_none() && !args.insecure {
        let message =
            format!("{} can be reached from outside, and nothing is encrypted", args.address);
        return Err(Failure::usage(message)
            .with_hint("give --certificate and --key, or --insecure in a network that you trust"));
    }
    let asked = SocketAddr::new(args.address, args.port);
    let listener = TcpListener::bind(asked).map_err(|error| {
        let failure = Failure::new("serve.address", format!("cannot listen at {asked}"));
        failure.caused_by(&error).with_hint("another --port may be free; 0 finds one")
    })?;
    let stop = asked_to_stop()?;
    let registry = context.registry();
    if let Some(failure) = no_plugin(&registry) {
        return Err(failure);
    }
    let store = store::open(context)?;
    store::keep_an_eye_on(context, &store);
    let server = Server::new(Options {
        registry,
        address: listener.local_addr()?,
        remote: args.remote,
        store: Arc::clone(&store),
        plugins: context.plugin_directories(),
        limits: Limits {
            body: usize::from(args.max_body) << 20,
            arriving: Duration::from_secs(args.timeout.into()),
            connections: args.max_connections.into(),
        },
        quotas: Quotas {
            pending: Some(args.max_pending),
            sessions: Some(args.max_sessions),
            shots: Some(args.max_shots),
            qubits: args.max_qubits,
            seconds: args.max_seconds,
        },
        tls: tls.clone(),
        wake: Box::new(store::waking(context, &store)),
        say: Box::new(|line| say(line)),
    })?;
    let scheme = if tls.is_some() { "https" } else { "http" };
    introduce(&server, &store, &listener, scheme, out)?;
    server.serve(listener, &stop).map_err(|error| {
        Failure::new("serve.failed", "the server cannot go on").caused_by(&error)
    })?;
    Ok(Exit::Ok)
}

fn unusable(error: TlsError) -> Failure {
    let failure = Failure::new("input.certificate", error.to_string());
    match std::error::Error::source(&error) {
        Some(cause) => failure.caused_by(cause),
        None => failure,
    }
}

/// The first Ctrl-C or SIGTERM asks it to stop; a second one ends the process.
fn asked_to_stop() -> Result<Arc<AtomicBool>, Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        // In this order: at the first signal the condition does not hold yet.
        flag::register_conditional_default(signal, Arc::clone(&stop))
            .and_then(|_| flag::register(signal, Arc::clone(&stop)))
            .map_err(|error| {
                Failure::new("interrupt.unavailable", "cannot listen to signals").caused_by(&error)
            })?;
    }
    debug_assert!(!stop.load(Ordering::Relaxed), "nobody knows of it yet");
    Ok(stop)
}

/// Says where the server is, and what to paste to ask it from Python.
fn introduce(
    server: &Server,
    store: &Store,
    listener: &TcpListener,
    scheme: &str,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let address = listener.local_addr()?;
    writeln!(out, "listening on {scheme}://{address}")?;
    writeln!(out, "# For Python's qiskit-ibm-runtime, which then needs no arguments:")?;
    for (name, value) in [
        ("QISKIT_IBM_URL", format!("{scheme}://{address}/experimental/api/v1")),
        ("IAM_URL", format!("{scheme}://{address}")),
        ("QISKIT_IBM_INSTANCE", ketch_server::INSTANCE.to_owned()),
        ("QISKIT_FUNCTIONS_EXPERIMENTAL", "1".to_owned()),
        ("QISKIT_IBM_TOKEN", "...".to_owned()),
    ] {
        writeln!(out, "export {name}={value}")?;
    }
    out.flush()?;
    say(format_args!("serving {} backends", server.names().len()));
    match server.left_out() {
        0 => {}
        1 => say("note: 1 backend of a remote service is not served; --remote serves it"),
        several => say(format_args!(
            "note: {several} backends of remote services are not served; --remote serves them"
        )),
    }
    if !store.tokens()?.iter().any(ketch::jobs::served::Token::is_good) {
        say("nobody may ask yet: `ketch serve token new NAME` makes a token");
    }
    Ok(())
}
