//! The test pattern: a stream of octets in which any sixteen in a row tell their place, and a listener that follows
//! it, sees where octets are missing or silence stands between, and keeps the delay. It is not a codec test.

use alloc::collections::VecDeque;

/// Octets in a row that tell a place in the pattern.
const WINDOW: usize = 16;
/// How far back a listener looks for its place after a break: more than all the buffers of two channels.
const SEARCH: u32 = 16_384;

/// Octet `index` of the pattern `seed`.
pub fn octet(seed: u32, index: u32) -> u8 {
    let mut x = index.wrapping_mul(0x9E37_79B1) ^ seed.wrapping_mul(0x85EB_CA77);
    x ^= x >> 15;
    x = x.wrapping_mul(0x2C1B_3C6D);
    x ^= x >> 12;
    x = x.wrapping_mul(0x297A_2D39);
    (x >> 15) as u8
}

/// Follows the pattern in what a far channel reads. The stream that it hears is its clock: one octet is 125 µs.
#[derive(Clone, Debug)]
pub struct Listener {
    seed: u32,
    next: Option<u32>,
    after_last: u32,
    window: VecDeque<u8>,
    /// Octets heard in all.
    pub heard: u64,
    /// Octets that were the pattern's next one.
    pub good: u64,
    /// Octets of the present unbroken run.
    pub run: u64,
    /// Times that the pattern broke off: silence stood in it, or octets were missing.
    pub breaks: u32,
    /// Octets of the pattern that never came, of those before the present place.
    pub lost: u64,
    /// Octets from the first one heard to the pattern's first octet, as it would be at the present delay.
    pub delay: i64,
}

impl Listener {
    /// A listener that has heard nothing.
    pub fn new(seed: u32) -> Self {
        Listener {
            seed,
            next: None,
            after_last: 0,
            window: VecDeque::with_capacity(WINDOW),
            heard: 0,
            good: 0,
            run: 0,
            breaks: 0,
            lost: 0,
            delay: 0,
        }
    }

    /// Hears some octets; `written` is how many of the pattern have been sent so far.
    pub fn hear(&mut self, octets: &[u8], written: u32) {
        for &heard in octets {
            self.heard += 1;
            match self.next {
                Some(next) if heard == octet(self.seed, next) => {
                    self.next = Some(next.wrapping_add(1));
                    self.good += 1;
                    self.run += 1;
                }
                Some(next) => {
                    self.breaks += 1;
                    self.after_last = next;
                    self.next = None;
                    self.run = 0;
                    self.window.clear();
                    self.search(heard, written);
                }
                None => self.search(heard, written),
            }
        }
    }

    /// The index of the octet that it expects, once it knows its place.
    pub fn place(&self) -> Option<u32> {
        self.next
    }

    fn search(&mut self, heard: u8, written: u32) {
        if self.window.len() == WINDOW {
            self.window.pop_front();
        }
        self.window.push_back(heard);
        let all_same = self.window.iter().all(|&o| o == heard);
        if self.window.len() < WINDOW || all_same {
            return;
        }
        let from = self.after_last.max(written.saturating_sub(SEARCH));
        let to = written.saturating_sub(WINDOW as u32 - 1);
        let found = (from..to).find(|&at| self.window.iter().zip(at..).all(|(&o, i)| o == octet(self.seed, i)));
        if let Some(at) = found {
            let next = at + WINDOW as u32;
            self.lost += u64::from(at - self.after_last);
            self.good += WINDOW as u64;
            self.run = WINDOW as u64;
            self.delay = self.heard as i64 - i64::from(next);
            self.next = Some(next);
            self.window.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    #[test]
    fn a_listener_counts_gaps_and_losses() {
        let sent: Vec<u8> = (0..4000).map(|i| octet(7, i)).collect();
        let mut listener = Listener::new(7);
        listener.hear(&[0xD5; 160], 0);
        listener.hear(&sent[..1000], 4000);
        assert_eq!((listener.good, listener.breaks, listener.delay), (1000, 0, 160));
        listener.hear(&[0xD5; 80], 4000);
        listener.hear(&sent[1000..2000], 4000);
        assert_eq!((listener.breaks, listener.lost, listener.delay), (1, 0, 240));
        listener.hear(&sent[2080..], 4000);
        assert_eq!((listener.breaks, listener.lost, listener.delay), (2, 80, 160));
        assert_eq!(listener.place(), Some(4000));
    }

    #[test]
    fn the_pattern_has_every_octet() {
        let mut seen = [false; 256];
        for i in 0..4000 {
            seen[usize::from(octet(1, i))] = true;
        }
        assert!(seen.iter().all(|&s| s));
    }
}
