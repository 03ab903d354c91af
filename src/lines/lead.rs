//! Digits on their way to the wire without a gap. The media thread makes them block by block; a gap in a tone makes two
//! digits of one, and a wrong number. So the card's buffers are filled before the first digit, the lead over the wire is
//! counted on the card's own clock, and a lead that may have been used up breaks the sending off. What is late but was
//! covered by the lead never reached the wire, and does not count. It does not know what is sent.
//!
//! The count is a lower bound. A late tick says how many blocks the wire has taken; it cannot say whether the delay was
//! before the last block was written or after, so both are taken for true.

use tipring_card::Block;

/// Buffers of a channel: see [`tipring_card::Setup::Audio`].
pub(crate) const BUFFERS: u8 = 8;
/// Whole blocks ahead when the card takes no more: one buffer is being sent.
const FULL: u32 = BUFFERS as u32 - 1;

/// How far a line's digits are ahead of the wire.
#[derive(Debug)]
pub(crate) struct Lead {
    /// Blocks ahead at least, now.
    ahead: u32,
    /// The same before the last write.
    least: u32,
    /// Blocks to leave out after the last digit, so that the line's delay becomes what it was.
    pub extra: u8,
    /// The buffers were full by a hair: this one comes first next time.
    pub held: Option<Block>,
    /// Every tone is out: nothing can break any more.
    is_sure: bool,
}

impl Lead {
    /// The buffers have just been filled with `filled` blocks of silence, one of them owed.
    pub fn new(filled: u8) -> Lead {
        Lead { ahead: FULL, least: FULL, extra: filled.saturating_sub(1), held: None, is_sure: false }
    }

    /// So many blocks have passed on the wire. False: it may have run dry since the last call.
    pub fn passes(&mut self, blocks: u32) -> bool {
        let lowest = self.least.saturating_sub(blocks);
        self.ahead = self.ahead.saturating_sub(blocks);
        self.least = self.ahead;
        self.is_sure || lowest > 0
    }

    /// A block was taken by the card.
    pub fn wrote(&mut self) {
        self.ahead += 1;
    }

    /// The last digit was given out and what came before was in time.
    pub fn is_over(&mut self) {
        self.is_sure |= self.held.is_none();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ticks as they come, each with a block for every one that has passed.
    fn holds(ticks: &[u32]) -> bool {
        let mut lead = Lead::new(BUFFERS);
        ticks.iter().all(|ticks| {
            let holds = lead.passes(*ticks);
            (0..*ticks).for_each(|_| lead.wrote());
            holds
        })
    }

    #[test]
    fn a_delay_that_the_buffers_cover_is_none() {
        assert!(holds(&[1; 1_000]));
        assert!(holds(&[1, 1, 5, 1, 1, 5, 1]));
    }

    #[test]
    fn a_delay_that_may_have_emptied_them_breaks() {
        assert!(!holds(&[1, 1, 6]));
        assert!(!holds(&[1, 1, 1_000]));
        assert!(!holds(&[1, 4, 3]), "the block of the first may have been written in the time of the second");
    }

    #[test]
    fn blocks_that_are_not_written_use_the_lead_up() {
        let mut lead = Lead::new(BUFFERS);
        assert_eq!((0..100).take_while(|_| lead.passes(1)).count(), 6);
    }

    #[test]
    fn after_the_last_digit_nothing_breaks() {
        let mut lead = Lead::new(BUFFERS);
        lead.held = Some([0; tipring_card::BLOCK]);
        lead.is_over();
        assert!(!lead.passes(100), "a block of it is not out yet");
        lead.held = None;
        lead.is_over();
        assert!(lead.passes(100));
    }
}
