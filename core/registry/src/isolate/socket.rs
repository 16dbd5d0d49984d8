//! The socket between a host and a worker: whole frames, each sent and received at once.
//!
//! A socket of sequenced packets keeps frames apart by itself: none is ever half sent or half
//! read, and several threads may send and receive without a lock.

use std::{
    io::{self, IoSlice, IoSliceMut},
    mem::MaybeUninit,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    time::Instant,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
    net::{
        AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags,
        SendAncillaryBuffer, SendAncillaryMessage, SendFlags, Shutdown, SocketFlags, SocketType,
        recvmsg, sendmsg, shutdown, socketpair,
    },
};

use super::{
    frame::{DATAGRAM, Frame, FrameError, Packed, unpack},
    memory::Memory,
};

/// One end of the socket.
#[derive(Debug)]
pub(super) struct Socket(OwnedFd);

/// Where a datagram is read to. Each reader has its own.
pub(super) struct Inbox(Vec<u8>);

/// What came.
#[derive(Debug)]
pub(super) enum Received {
    Frame(Frame),
    /// Nothing is there yet.
    Nothing,
    /// The other side is gone.
    End,
}

impl Inbox {
    pub(super) fn new() -> Self {
        Self(vec![0; DATAGRAM])
    }
}

impl Socket {
    /// Both ends. The second is for another process.
    pub(super) fn pair() -> io::Result<(Self, OwnedFd)> {
        let kind = SocketType::SEQPACKET;
        let (here, there) = socketpair(AddressFamily::UNIX, kind, SocketFlags::CLOEXEC, None)?;
        Ok((Self(here), there))
    }

    /// Sends a frame, waiting until the other side takes it.
    pub(super) fn send(&self, frame: &Frame) -> io::Result<()> {
        self.send_packed(&Packed::new(frame)?, SendFlags::empty())
    }

    /// Sends a frame without waiting.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] if the other side has not taken enough of the earlier ones.
    pub(super) fn send_now(&self, packed: &Packed) -> io::Result<()> {
        self.send_packed(packed, SendFlags::DONTWAIT)
    }

    /// Sends a frame, waiting until `deadline`.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] if the other side has not taken it by then.
    pub(super) fn send_until(&self, packed: &Packed, deadline: Instant) -> io::Result<()> {
        loop {
            match self.send_now(packed) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                done => return done,
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            let left = Timespec::try_from(left).ok();
            match poll(&mut [PollFd::new(&self.0, PollFlags::OUT)], left.as_ref()) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn send_packed(&self, packed: &Packed, flags: SendFlags) -> io::Result<()> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        let memory = packed.memory.as_ref().map(|memory| [memory.as_fd()]);
        if let Some(memory) = &memory {
            control.push(SendAncillaryMessage::ScmRights(memory));
        }
        let datagram = [IoSlice::new(&packed.datagram)];
        // A broken pipe is an error to look at, not a signal that ends the process.
        let flags = flags | SendFlags::NOSIGNAL;
        rustix::io::retry_on_intr(|| sendmsg(&self.0, &datagram, &mut control, flags))?;
        Ok(())
    }

    /// Receives a frame, waiting for one.
    pub(super) fn receive(&self, inbox: &mut Inbox) -> Result<Received, FrameError> {
        self.receive_with(inbox, RecvFlags::empty())
    }

    /// Receives a frame if one is there.
    pub(super) fn receive_now(&self, inbox: &mut Inbox) -> Result<Received, FrameError> {
        self.receive_with(inbox, RecvFlags::DONTWAIT)
    }

    fn receive_with(&self, inbox: &mut Inbox, flags: RecvFlags) -> Result<Received, FrameError> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let flags = flags | RecvFlags::CMSG_CLOEXEC;
        let received = rustix::io::retry_on_intr(|| {
            recvmsg(&self.0, &mut [IoSliceMut::new(&mut inbox.0)], &mut control, flags)
        });
        let received = match received {
            Ok(received) => received,
            Err(Errno::AGAIN) => return Ok(Received::Nothing),
            // The other side is gone, or this one has been shut down.
            Err(_) => return Ok(Received::End),
        };
        let descriptors = control.drain().filter_map(|message| match message {
            RecvAncillaryMessage::ScmRights(descriptors) => Some(descriptors),
            _ => None,
        });
        // Those beyond the first are closed by being dropped.
        let memory = descriptors.flatten().next().map(Memory::from);
        if received.flags.contains(ReturnFlags::TRUNC) {
            return Err(FrameError::Long);
        }
        match received.bytes {
            0 => Ok(Received::End),
            length => unpack(&inbox.0[..length], memory).map(Received::Frame),
        }
    }

    /// Ends both directions, for both sides.
    pub(super) fn close(&self) {
        // A socket whose other side is gone needs no closing.
        let _ = shutdown(&self.0, Shutdown::Both);
    }
}

impl From<OwnedFd> for Socket {
    fn from(descriptor: OwnedFd) -> Self {
        Self(descriptor)
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
