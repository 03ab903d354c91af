//! The digits of an analogue line in the place of what the switch says: in their time, with a lead over the wire, or not at
//! all ([`crate::lead`]).

use tipring_card::{BLOCK, Block, CardError};

use super::{Bearer, MediaCounters, News};
use crate::lead::{BUFFERS, Lead};

impl Bearer {
    /// One block of the handset's digits, in their time or not at all.
    pub(super) fn send_digits(&mut self, counters: &mut MediaCounters, news: &mut News, late: bool) {
        let mut said = [self.law.silence(); BLOCK];
        if self.lead.is_none() {
            if late {
                // The line is behind; it begins when it is not.
                counters.lost_blocks += u64::from(self.put(counters, news, &said) != Ok(BLOCK));
                return;
            }
            return self.take_lead(counters, news, &said);
        }
        if let Some(held) = self.lead.as_mut().and_then(|lead| lead.held.take())
            && !self.put_counted(counters, news, &held)
        {
            // Full for two ticks: the card does not send.
            return self.break_off(counters);
        }
        let Some(handset) = &mut self.handset else { return };
        let in_tail = handset.is_in_tail();
        handset.speak(&mut said);
        if let Some(lead) = self.lead.as_mut().filter(|lead| in_tail && lead.extra > 0) {
            lead.extra -= 1;
        } else if !self.put_counted(counters, news, &said)
            && !in_tail
            && let Some(lead) = &mut self.lead
        {
            lead.held = Some(said);
        }
    }

    /// Whether the card had room. Any other failure breaks the digits off.
    fn put_counted(&mut self, counters: &mut MediaCounters, news: &mut News, block: &Block) -> bool {
        match self.put(counters, news, block) {
            Ok(BLOCK) => {
                if let Some(lead) = &mut self.lead {
                    lead.wrote();
                }
                true
            }
            Err(CardError::Again) => false,
            Ok(_) | Err(_) => {
                counters.lost_blocks += 1;
                self.break_off(counters);
                true
            }
        }
    }

    /// Fills the card's buffers with silence in front of the digits.
    fn take_lead(&mut self, counters: &mut MediaCounters, news: &mut News, silence: &Block) {
        for filled in 0..=BUFFERS {
            match self.put(counters, news, silence) {
                Ok(BLOCK) if filled < BUFFERS => {}
                Ok(BLOCK) | Err(CardError::Again) => {
                    self.lead = Some(Lead::new(filled));
                    return;
                }
                Ok(_) | Err(_) => {
                    counters.lost_blocks += 1;
                    return self.break_off(counters);
                }
            }
        }
    }

    pub(super) fn break_off(&mut self, counters: &mut MediaCounters) {
        self.lead = None;
        if let Some(handset) = self.handset.as_mut().filter(|handset| handset.is_sending()) {
            handset.break_off();
            counters.broken_sendings += 1;
        }
    }
}
