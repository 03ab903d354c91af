//! HDLC on a simulated D channel: frames leave at 64 kbit/s, arrive with their two FCS octets, abort each other when a
//! sender vanishes. Bit stuffing is not simulated; its time is not either.
//!
//! Source: ISO/IEC 13239 for the check sum; DAHDI's buffers for the bounds.

use std::collections::VecDeque;

/// Frames that wait in each direction, as with DAHDI's 32 buffers.
pub const FRAME_BUFFERS: usize = 32;
/// Octets of the longest frame with its FCS: the size of one buffer.
pub const FRAME_OCTETS: usize = 1024;
/// Octets of a check sum.
pub const FCS_OCTETS: usize = 2;
/// Flag octets on the line for every frame.
const FLAG_OCTETS: usize = 1;

/// The sending half.
#[derive(Clone, Debug, Default)]
pub struct FrameSender {
    queue: VecDeque<Vec<u8>>,
    left_of_head: usize,
}

impl FrameSender {
    /// Queues a frame, given with two octets of room for the FCS. `None`: no room.
    pub fn push(&mut self, with_room: &[u8]) -> Option<usize> {
        if self.queue.len() == FRAME_BUFFERS {
            return None;
        }
        let taken = with_room.len().min(FRAME_OCTETS);
        self.queue.push_back(with_room[..taken - FCS_OCTETS.min(taken)].to_vec());
        Some(taken)
    }

    /// Lets `octets` of line time pass; gives each frame, without FCS, that is now out.
    pub fn run(&mut self, octets: usize) -> FramesOut<'_> {
        FramesOut { sender: self, octets }
    }

    /// Whether nothing waits and nothing is on its way.
    pub fn is_idle(&self) -> bool {
        self.queue.is_empty()
    }

    /// Octets of line time until the next frame is out.
    pub fn octets_to_next(&self) -> Option<usize> {
        let head = self.queue.front()?;
        Some(if self.left_of_head > 0 { self.left_of_head } else { head.len() + FCS_OCTETS + FLAG_OCTETS })
    }

    /// Throws everything away; true when a frame was cut in the middle.
    pub fn clear(&mut self) -> bool {
        let cut = self.left_of_head > 0;
        self.queue.clear();
        self.left_of_head = 0;
        cut
    }
}

/// The frames that leave in a stretch of line time.
pub struct FramesOut<'a> {
    sender: &'a mut FrameSender,
    octets: usize,
}

impl Iterator for FramesOut<'_> {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        let head = self.sender.queue.front()?;
        if self.octets == 0 {
            return None;
        }
        if self.sender.left_of_head == 0 {
            self.sender.left_of_head = head.len() + FCS_OCTETS + FLAG_OCTETS;
        }
        let take = self.sender.left_of_head.min(self.octets);
        self.octets -= take;
        self.sender.left_of_head -= take;
        if self.sender.left_of_head > 0 {
            return None;
        }
        self.sender.queue.pop_front()
    }
}

/// The receiving half.
#[derive(Clone, Debug, Default)]
pub struct FrameReceiver {
    queue: VecDeque<Vec<u8>>,
}

impl FrameReceiver {
    /// A whole frame from the line, without FCS; it is kept with FCS. False: no buffer was free, the frame is lost.
    pub fn push(&mut self, mut frame: Vec<u8>) -> bool {
        if self.queue.len() == FRAME_BUFFERS {
            return false;
        }
        let fcs = fcs(&frame);
        frame.extend_from_slice(&fcs.to_le_bytes());
        self.queue.push_back(frame);
        true
    }

    /// The oldest frame with its FCS; what does not fit is lost.
    pub fn pop(&mut self, into: &mut [u8]) -> Option<usize> {
        let frame = self.queue.pop_front()?;
        let length = frame.len().min(into.len());
        into[..length].copy_from_slice(&frame[..length]);
        Some(length)
    }

    /// Whether a frame waits.
    pub fn has_frame(&self) -> bool {
        !self.queue.is_empty()
    }

    /// Throws everything away.
    pub fn clear(&mut self) {
        self.queue.clear();
    }
}

/// The check sum of HDLC over `octets`, as it is sent: low octet first.
pub fn fcs(octets: &[u8]) -> u16 {
    let mut sum = 0xFFFF_u16;
    for &octet in octets {
        sum ^= u16::from(octet);
        for _ in 0..8 {
            sum = if sum & 1 == 1 { (sum >> 1) ^ 0x8408 } else { sum >> 1 };
        }
    }
    !sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_sum_is_that_of_the_standard() {
        // The known check value of CRC-16/X.25 over the digits 1 to 9.
        assert_eq!(fcs(b"123456789"), 0x906E);
    }

    #[test]
    fn a_frame_takes_its_time_on_the_line() {
        let mut sender = FrameSender::default();
        sender.push(&[7; 12]);
        assert_eq!(sender.run(12).count(), 0);
        assert_eq!(sender.run(1).collect::<Vec<_>>(), [vec![7; 10]]);
        assert!(sender.is_idle());
    }

    #[test]
    fn a_cut_frame_is_known() {
        let mut sender = FrameSender::default();
        sender.push(&[7; 12]);
        assert!(!sender.clone().clear());
        assert_eq!(sender.run(3).count(), 0);
        assert!(sender.clear());
    }

    #[test]
    fn both_queues_are_bounded_and_shortest_writes_are_harmless() {
        let mut sender = FrameSender::default();
        assert!((0..FRAME_BUFFERS).all(|_| sender.push(&[0]).is_some()));
        assert!(sender.push(&[0; 8]).is_none());
        let mut receiver = FrameReceiver::default();
        assert!((0..FRAME_BUFFERS).all(|_| receiver.push(vec![1, 2])));
        assert!(!receiver.push(vec![1, 2]));
        let mut buffer = [0; 8];
        assert_eq!(receiver.pop(&mut buffer), Some(4));
    }
}
