//! One call of the exchange: its B channel and its telephone. Read paces write, two blocks ahead.

use tipring_card::{BLOCK, BLOCK_US, Card, CardError, Cause, Channel, Law, Micros, PREFILL, Setup, SpanId};
use tipring_isdn::CallId;

use super::{channel_at, report::CallReport};
use crate::{audio::BUFFERS, card::SimCard, port::EVENTS_KEPT, tones::Playing};

/// A call under way.
pub(super) struct ActiveCall {
    /// Index of its span.
    pub link: usize,
    pub isdn: CallId,
    pub report: CallReport,
    /// When the telephone is picked up, for a call that arrives.
    pub answer_at: Option<Micros>,
    /// When the channel is given up, for a call that was refused with tones.
    pub release_at: Option<(Micros, Cause)>,
    /// What the caller hears instead of the telephone.
    pub tone: Option<Playing>,
    span: SpanId,
    channel: Option<Box<dyn Channel>>,
    /// When it last spoke without a channel.
    spoke_at: Micros,
    /// Why the call is refused when the announcement is over.
    refused: Option<Cause>,
    is_ending: bool,
}

impl ActiveCall {
    pub fn new(link: usize, isdn: CallId, span: SpanId, mut report: CallReport) -> ActiveCall {
        report.span = Some(span);
        ActiveCall {
            link,
            isdn,
            report,
            answer_at: None,
            tone: None,
            release_at: None,
            span,
            channel: None,
            spoke_at: Micros::ZERO,
            refused: None,
            is_ending: false,
        }
    }

    /// Opens the B channel, once it is known, and again when it changes.
    pub fn use_channel(&mut self, card: &mut SimCard, timeslot: Option<u8>) {
        let Some(timeslot) = timeslot.filter(|_| timeslot != self.report.timeslot) else {
            return;
        };
        self.report.timeslot = Some(timeslot);
        self.channel = None;
        let law = self.report.phone.law();
        let opened = channel_at(card, self.span, timeslot).map(|id| card.open(id));
        if let Some(Ok(mut channel)) = opened
            && prime(channel.as_mut(), law).is_ok()
        {
            self.channel = Some(channel);
        }
        self.report.has_audio = self.channel.is_some();
    }

    /// The other side says that tones can be heard.
    pub fn hears(&mut self, now: Micros, inband: bool) {
        if inband {
            self.report.inband_at.get_or_insert(now);
        }
    }

    /// The telephone speaks without having answered; then the call is refused.
    pub fn announce(&mut self, now: Micros, cause: Cause) {
        self.refused = Some(cause);
        self.report.phone.connected(now);
    }

    /// Carries the telephone's blocks.
    pub fn carry(&mut self, now: Micros) {
        let mut block = [0; BLOCK];
        for _ in 0..BUFFERS + EVENTS_KEPT {
            let Some(channel) = &mut self.channel else {
                break;
            };
            match channel.read(&mut block) {
                Ok(_) => {
                    self.report.phone.hear(now, &block);
                    if self.is_ending {
                        block.fill(self.report.phone.law().silence());
                    } else {
                        self.report.phone.speak(now, &mut block);
                    }
                    if let Some(tone) = &mut self.tone {
                        tone.fill(&mut block, self.report.phone.law());
                    }
                    if channel.write(&block) == Err(CardError::Again) {
                        self.report.blocks_lost += 1;
                    }
                }
                Err(CardError::EventPending) => {
                    let _ = channel.event();
                }
                Err(CardError::Gone) => self.channel = None,
                Err(_) => break,
            }
        }
        // Nothing to hear and nowhere to speak: steps and limits run all the same.
        if !self.is_ending && self.channel.is_none() && now.since(self.spoke_at) >= Micros(BLOCK_US) {
            self.spoke_at = now;
            self.report.phone.speak(now, &mut block);
        }
    }

    /// Why the telephone wants to end the call; told once.
    pub fn wish_to_end(&mut self) -> Option<Cause> {
        if self.is_ending {
            return None;
        }
        let cause = self.report.phone.wants_to_hang_up()?;
        self.is_ending = true;
        Some(self.refused.unwrap_or(cause))
    }

    /// The other side ends it, or it is over.
    pub fn ends(&mut self, now: Micros) {
        self.is_ending = true;
        self.answer_at = None;
        self.report.phone.released(now);
    }
}

fn prime(channel: &mut dyn Channel, law: Law) -> Result<(), CardError> {
    channel.setup(Setup::Audio(law))?;
    for _ in 0..PREFILL {
        channel.write(&[law.silence(); BLOCK])?;
    }
    Ok(())
}
