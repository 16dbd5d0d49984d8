//! The provider against the real `ketch serve`, over the loopback interface.

#[cfg(test)]
#[path = "../remote/careful.rs"]
mod careful;
#[cfg(test)]
mod conformance;
#[cfg(test)]
mod jobs;
#[cfg(test)]
#[path = "../remote/network.rs"]
mod network;
#[cfg(test)]
#[path = "../remote/replay/mod.rs"]
mod replay;
#[cfg(test)]
mod service;
#[cfg(test)]
mod storm;
#[cfg(test)]
#[path = "../remote/support.rs"]
mod support;
#[cfg(test)]
mod watch;
