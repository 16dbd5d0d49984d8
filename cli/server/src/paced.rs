//! A stream whose other end has to take what is written to it: who reads nothing, or next to
//! nothing, is hung up on. Otherwise one could keep a connection and its answer for ever.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep_until},
};

/// Who takes fewer bytes in a second than this uses up the patience that there is.
const RATE: u32 = 32 << 10;

/// For how long somebody may still keep us waiting. What is taken earns new time, at [`RATE`], up
/// to what there was in the beginning; while nothing has to be taken, no time passes.
#[derive(Clone, Copy, Debug)]
struct Patience {
    most: Duration,
    left: Duration,
    waiting_since: Option<Instant>,
}

impl Patience {
    fn new(most: Duration) -> Self {
        Self { most, left: most, waiting_since: None }
    }

    /// Nothing can be written now: when patience will be over.
    fn waits(&mut self, now: Instant) -> Instant {
        *self.waiting_since.get_or_insert(now) + self.left
    }

    /// So many bytes were taken.
    fn taken(&mut self, bytes: usize, now: Instant) {
        let waited = self.waiting_since.take().map_or(Duration::ZERO, |since| now - since);
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        let earned = Duration::from_secs(bytes.into()) / RATE;
        self.left = (self.left.saturating_sub(waited) + earned).min(self.most);
    }
}

/// The stream.
pub(crate) struct Paced<S> {
    stream: S,
    patience: Patience,
    /// Wakes the task when patience is over; only while it waits.
    alarm: Option<Pin<Box<Sleep>>>,
}

impl<S> Paced<S> {
    /// A stream that may keep us waiting for so long.
    pub(crate) fn new(stream: S, patience: Duration) -> Self {
        Self { stream, patience: Patience::new(patience), alarm: None }
    }

    /// What writing came to, or the end of our patience.
    fn judged(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if let Poll::Ready(done) = &written {
            self.alarm = None;
            self.patience.taken(*done.as_ref().unwrap_or(&0), Instant::now());
            return written;
        }
        let end = self.patience.waits(Instant::now());
        let alarm = self.alarm.get_or_insert_with(|| Box::pin(sleep_until(end)));
        alarm.as_mut().poll(context).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Paced<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Paced<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.judged(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.judged(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    #[test]
    fn what_is_taken_earns_time_and_nothing_else_does() {
        let begun = Instant::now();
        let after = |seconds: u64| begun + Duration::from_secs(seconds);
        let second = RATE as usize;
        let mut patience = Patience::new(Duration::from_secs(30));
        assert_eq!(patience.waits(after(0)), after(30));
        // Asked again while it waits, it is the same wait.
        assert_eq!(patience.waits(after(10)), after(30));
        // Five seconds' worth in twenty seconds.
        patience.taken(5 * second, after(20));
        assert_eq!(patience.waits(after(100)), after(115));
        // A byte now and then is no help.
        patience.taken(1, after(110));
        let end = patience.waits(after(200));
        assert!(after(205) <= end && end < after(206));
        // Nobody saves time up.
        patience.taken(1000 * second, after(201));
        assert_eq!(patience.waits(after(300)), after(330));
    }

    /// Takes so many bytes, and then no more.
    struct Full(usize);

    impl AsyncWrite for Full {
        fn poll_write(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            let taken = bytes.len().min(self.0);
            self.0 -= taken;
            if taken == 0 { Poll::Pending } else { Poll::Ready(Ok(taken)) }
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    #[test]
    fn who_takes_nothing_is_given_up() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let mut stream = Paced::new(Full(5), Duration::from_millis(20));
            let mut write = async |bytes: &[u8]| {
                poll_fn(|context| Pin::new(&mut stream).poll_write(context, bytes)).await
            };
            assert_eq!(write(b"abc").await.unwrap(), 3);
            assert_eq!(write(b"def").await.unwrap(), 2);
            assert_eq!(write(b"f").await.unwrap_err().kind(), io::ErrorKind::TimedOut);
        });
    }
}
