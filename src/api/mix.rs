//! One channel made of two while it is read: the sum of left and right, as a recording of one channel would have been.

use std::io::Result;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, ReadBuf};

/// Frames of two 16-bit samples from `inner`, as single samples. Half a frame at the end is left out.
#[derive(Debug)]
pub(crate) struct Mixed<R> {
    inner: R,
    /// Octets that were read; the first `held` are good.
    raw: Vec<u8>,
    held: usize,
    /// Octets that are mixed, and how many of them are given away.
    mixed: Vec<u8>,
    given: usize,
    /// Octets that are left out at the beginning.
    skip: usize,
}

impl<R> Mixed<R> {
    pub(crate) fn new(inner: R) -> Self {
        Mixed { inner, raw: vec![0; READ], held: 0, mixed: Vec::with_capacity(READ / 2), given: 0, skip: 0 }
    }

    /// Leaves out the first octet: what is wanted begins in the middle of a sample.
    pub(crate) fn skip_octet(&mut self) {
        self.skip = 1;
    }

    fn mix(&mut self) {
        self.mixed.clear();
        let frames = self.raw[..self.held].chunks_exact(4);
        let rest = frames.remainder().len();
        for frame in frames {
            let left = i16::from_le_bytes([frame[0], frame[1]]);
            let right = i16::from_le_bytes([frame[2], frame[3]]);
            self.mixed.extend(left.saturating_add(right).to_le_bytes());
        }
        self.raw.copy_within(self.held - rest..self.held, 0);
        self.held = rest;
        self.given = self.skip.min(self.mixed.len());
        self.skip -= self.given;
    }
}

impl<R: AsyncRead + Unpin> AsyncRead for Mixed<R> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        let this = self.get_mut();
        while this.given == this.mixed.len() {
            let mut space = ReadBuf::new(&mut this.raw[this.held..]);
            ready!(Pin::new(&mut this.inner).poll_read(context, &mut space))?;
            let read = space.filled().len();
            if read == 0 {
                return Poll::Ready(Ok(()));
            }
            this.held += read;
            this.mix();
        }
        let count = out.remaining().min(this.mixed.len() - this.given);
        out.put_slice(&this.mixed[this.given..this.given + count]);
        this.given += count;
        Poll::Ready(Ok(()))
    }
}

/// Octets read at once.
const READ: usize = 32 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncReadExt;

    /// Gives `step` octets at a time.
    struct Slow<'a>(&'a [u8], usize);

    impl AsyncRead for Slow<'_> {
        fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<Result<()>> {
            let count = self.0.len().min(self.1).min(out.remaining());
            out.put_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Poll::Ready(Ok(()))
        }
    }

    #[tokio::test]
    async fn left_and_right_are_summed_wherever_the_reads_are_cut() {
        let pairs: Vec<(i16, i16)> =
            (0..20_000).map(|n| ((n % 700) as i16 * 46, (n % 900) as i16 * 36 - 16_000)).collect();
        let mut octets: Vec<u8> = pairs.iter().flat_map(|(l, r)| [l.to_le_bytes(), r.to_le_bytes()].concat()).collect();
        octets.extend([1, 2, 3]);
        let sums: Vec<u8> = pairs.iter().flat_map(|(l, r)| l.saturating_add(*r).to_le_bytes()).collect();
        for step in [1, 3, 4, 4097, 1 << 20] {
            let mut heard = Vec::new();
            Mixed::new(Slow(&octets, step)).read_to_end(&mut heard).await.unwrap();
            assert!(heard == sums, "{step} at a time: {} of {}", heard.len(), sums.len());
        }
    }
}
