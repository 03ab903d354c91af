//! The audio buffers of one channel end: eight blocks each way, sent as soon as written, filled as the clock goes. No
//! clock here, no lock, no allocation.
//!
//! Source: DAHDI's data path with 8 buffers of 80 samples, policy "immediate".

use tipring_card::{BLOCK, Block};

/// Blocks that fit in each direction.
pub const BUFFERS: usize = 8;

/// What was written and is not yet sent.
#[derive(Clone, Debug)]
pub struct SendQueue {
    blocks: [Block; BUFFERS],
    lengths: [u8; BUFFERS],
    head: usize,
    count: usize,
    sent_of_head: usize,
}

impl SendQueue {
    /// An empty queue.
    pub fn new() -> Self {
        SendQueue { blocks: [[0; BLOCK]; BUFFERS], lengths: [0; BUFFERS], head: 0, count: 0, sent_of_head: 0 }
    }

    /// Queues one block, at most [`BLOCK`] octets; tells how many were taken, `None` when there is no room.
    pub fn push(&mut self, octets: &[u8]) -> Option<usize> {
        if self.count == BUFFERS {
            return None;
        }
        let length = octets.len().min(BLOCK);
        let slot = (self.head + self.count) % BUFFERS;
        self.blocks[slot][..length].copy_from_slice(&octets[..length]);
        self.lengths[slot] = length as u8;
        self.count += 1;
        Some(length)
    }

    /// Takes the next octets for the line; tells how many there were. The rest of `into` is left alone.
    pub fn pull(&mut self, into: &mut [u8]) -> usize {
        let mut done = 0;
        while done < into.len() && self.count > 0 {
            let length = usize::from(self.lengths[self.head]);
            let take = (length - self.sent_of_head).min(into.len() - done);
            let from = &self.blocks[self.head][self.sent_of_head..self.sent_of_head + take];
            into[done..done + take].copy_from_slice(from);
            done += take;
            self.sent_of_head += take;
            if self.sent_of_head == length {
                self.head = (self.head + 1) % BUFFERS;
                self.count -= 1;
                self.sent_of_head = 0;
            }
        }
        done
    }

    /// Throws everything away.
    pub fn clear(&mut self) {
        self.head = 0;
        self.count = 0;
        self.sent_of_head = 0;
    }
}

/// What was received and is not yet read.
#[derive(Clone, Debug)]
pub struct HearQueue {
    blocks: [Block; BUFFERS],
    head: usize,
    count: usize,
    filled_of_next: usize,
}

impl HearQueue {
    /// An empty queue.
    pub fn new() -> Self {
        HearQueue { blocks: [[0; BLOCK]; BUFFERS], head: 0, count: 0, filled_of_next: 0 }
    }

    /// Octets from the line; tells how many found no room and are lost.
    pub fn push(&mut self, mut octets: &[u8]) -> usize {
        while !octets.is_empty() {
            if self.count == BUFFERS {
                return octets.len();
            }
            let slot = (self.head + self.count) % BUFFERS;
            let take = (BLOCK - self.filled_of_next).min(octets.len());
            self.blocks[slot][self.filled_of_next..self.filled_of_next + take].copy_from_slice(&octets[..take]);
            self.filled_of_next += take;
            octets = &octets[take..];
            if self.filled_of_next == BLOCK {
                self.count += 1;
                self.filled_of_next = 0;
            }
        }
        0
    }

    /// The oldest whole block; what does not fit into `into` is lost.
    pub fn pop(&mut self, into: &mut [u8]) -> Option<usize> {
        if self.count == 0 {
            return None;
        }
        let length = into.len().min(BLOCK);
        into[..length].copy_from_slice(&self.blocks[self.head][..length]);
        self.head = (self.head + 1) % BUFFERS;
        self.count -= 1;
        Some(length)
    }

    /// Whether a whole block waits.
    pub fn has_block(&self) -> bool {
        self.count > 0
    }

    /// Throws everything away, the block that is being filled too.
    pub fn clear(&mut self) {
        self.head = 0;
        self.count = 0;
        self.filled_of_next = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn octets_leave_in_order_over_block_borders() {
        let mut queue = SendQueue::new();
        queue.push(&[1; 30]);
        queue.push(&[2; 80]);
        let mut line = [0; 40];
        assert_eq!(queue.pull(&mut line), 40);
        assert_eq!((line[29], line[30]), (1, 2));
        let mut rest = [9; 80];
        assert_eq!(queue.pull(&mut rest), 70);
        assert_eq!((rest[69], rest[70]), (2, 9));
    }

    #[test]
    fn the_ninth_block_finds_no_room() {
        let mut queue = SendQueue::new();
        assert!((0..8).all(|_| queue.push(&[0; 80]) == Some(80)));
        assert_eq!(queue.push(&[0; 80]), None);
        queue.clear();
        assert_eq!(queue.push(&[0; 200]), Some(80));
    }

    #[test]
    fn a_full_receiver_loses_the_newest() {
        let mut queue = HearQueue::new();
        for n in 0..8 {
            assert_eq!(queue.push(&[n; 80]), 0);
        }
        assert_eq!(queue.push(&[99; 40]), 40);
        let mut block = [0; 80];
        assert_eq!(queue.pop(&mut block), Some(80));
        assert_eq!(block, [0; 80]);
        assert_eq!(queue.push(&[99; 80]), 0);
    }
}
