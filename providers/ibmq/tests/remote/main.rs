//! The provider against a replay server, over the loopback interface.

#[cfg(test)]
mod accounts;
#[cfg(test)]
mod careful;
#[cfg(test)]
mod early;
#[cfg(test)]
mod network;
#[cfg(test)]
mod replay;
#[cfg(test)]
mod secrets;
#[cfg(test)]
mod storm;
#[cfg(test)]
mod submission;
#[cfg(test)]
mod support;
#[cfg(test)]
mod today;
#[cfg(test)]
mod trouble;
