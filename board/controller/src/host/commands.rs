//! What is sent next: the watchdog's food before all, then relays, LEDs, tests, and a question when there is nothing else.
//! It is chosen anew each time from what is wanted and what the chip has said, and never taken from a queue.

use super::{ASK_EVERY, Event, Host, Link, Millis, Output};
use crate::leds::Look;
use crate::words::{Looks, MAX_RELAYS, Status, ToChip};

/// A command that waits for its answer.
pub(super) struct Outstanding {
    pub(super) sequence: u8,
    pub(super) until: Millis,
    pub(super) sent: Sent,
}

/// What was commanded.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Sent {
    Feed(u32),
    Relay(u8),
    Leds { first: u8, looks: Looks },
    Test,
    Ask,
}

impl Host {
    /// Sends what is to be sent, if nothing is under way.
    pub(super) fn go_on(&mut self, now: Millis) {
        self.food.spoil(now);
        let Link::Up(up) = &self.link else { return };
        if up.outstanding.is_some() {
            return;
        }
        let (board, status, version, retry, sent_at) = (up.board, up.state.status, up.version, up.retry, up.sent_at);
        self.restored(now);
        let next = self
            .feed(now)
            .or_else(|| self.relay(board.relays, status))
            .or_else(|| self.leds(board.leds))
            .or_else(|| self.test(now, board.relays, status.fed))
            .or_else(|| (sent_at + ASK_EVERY <= now).then_some((ToChip::Ask, Sent::Ask)));
        let Some((message, sent)) = next else { return };
        let sequence = self.transmit(version, &message);
        if let Link::Up(up) = &mut self.link {
            up.sent_at = now;
            up.unanswered_since.get_or_insert(now);
            up.outstanding = Some(Outstanding { sequence, until: now + retry, sent });
        }
    }

    fn feed(&self, now: Millis) -> Option<(ToChip, Sent)> {
        let (beat, lasts_ms) = self.food.portion(now)?;
        Some((ToChip::Feed { beat, lasts_ms }, Sent::Feed(beat)))
    }

    /// Relays that are not as they are wanted: those to be released first; none is energised without food.
    fn relay(&self, relays: u8, status: Status) -> Option<(ToChip, Sent)> {
        let wrong = self.wrong_relays(relays, status);
        let release = wrong & !self.wanted;
        let energise = if status.fed { wrong & self.wanted } else { 0 };
        let (bits, energised) = if release != 0 { (release, false) } else { (energise, true) };
        let relay = (bits != 0).then(|| bits.trailing_zeros() as u8)?;
        Some((ToChip::SetRelay { relay, energised }, Sent::Relay(relay)))
    }

    fn wrong_relays(&self, relays: u8, status: Status) -> u8 {
        (self.wanted ^ status.energised) & !self.refused & mask(relays)
    }

    /// The first LEDs in a row that do not show what they are to show.
    fn leds(&self, leds: u8) -> Option<(ToChip, Sent)> {
        let is_wrong = |led: &usize| self.shown & (1 << led) == 0;
        let mut all = 0..usize::from(leds).min(self.looks.len());
        let first = all.find(is_wrong)?;
        let run = core::iter::once(first).chain(all.take_while(is_wrong));
        let looks: Looks = run.take(crate::words::MAX_LOOKS).map(|led| self.look_of(led)).collect();
        let first = first as u8;
        Some((ToChip::SetLed { first, looks: looks.clone() }, Sent::Leds { first, looks }))
    }

    fn look_of(&self, led: usize) -> Look {
        self.looks.get(led).copied().unwrap_or_default()
    }

    /// LEDs have taken these looks; those of which another is wanted by now stay wrong.
    pub(super) fn leds_shown(&mut self, first: u8, looks: &[Look]) {
        for (led, look) in (usize::from(first)..).zip(looks) {
            if self.looks.get(led) == Some(look) {
                self.shown |= 1 << led;
            }
        }
    }

    fn test(&mut self, now: Millis, relays: u8, fed: bool) -> Option<(ToChip, Sent)> {
        use super::selftest::Step;
        match self.tests.next(now, relays.min(MAX_RELAYS as u8), fed) {
            Step::Nothing => None,
            Step::Test { relay, test } => Some((ToChip::TestRelay { relay, test }, Sent::Test)),
            Step::Waits => {
                self.put(Output::Event(Event::SelfTestWaits));
                None
            }
            Step::Over(report) => {
                self.put(Output::Event(Event::SelfTest(report)));
                None
            }
        }
    }

    /// Tells once in a session that everything is as it is wanted.
    fn restored(&mut self, now: Millis) {
        let Link::Up(up) = &self.link else { return };
        let (began, board, status) = (up.began, up.board, up.state.status);
        let wrong = self.wrong_relays(board.relays, status) != 0 || self.leds(board.leds).is_some();
        if up.restored || wrong {
            return;
        }
        if let Link::Up(up) = &mut self.link {
            up.restored = true;
        }
        self.tell(Event::Restored { after_ms: now.since(began).0 });
    }
}

/// A bit for each of so many.
pub(super) fn mask(count: u8) -> u8 {
    match count {
        0..=7 => (1 << count) - 1,
        _ => u8::MAX,
    }
}
