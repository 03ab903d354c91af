//! The turns of a call on a subscriber's loop: rung in, seized, dialled, answered, refused, cleared. What moves octets and
//! reads events is one storey up.

use tipring_card::{Cause, Hook, Micros};
use tipring_isdn::By;

use super::{Desk, MAX_NUMBER, OPEN_AGAIN, Sound, State, SubscriberLine, Word};
use crate::{
    exchange::{Call, CallReport, Dialled, Reply, Subscriber},
    office::{
        callerid,
        config::{CallerIdForm, Clearing, DialTone, OfficeConfig},
    },
    phone::Phone,
    tones::OfficeTone,
};

/// After a battery drop the line is fed again; a tone then, if the loop is still closed.
const DROP_LASTS: Micros = Micros::from_ms(900);
/// From a reversal to the tone behind it.
const TONE_AFTER_REVERSAL: Micros = Micros::from_ms(200);
/// Caller id in digits: from the reversal to the first digit, and from the last to the ring.
const REVERSED_BEFORE: Micros = Micros::from_ms(200);
const RING_AFTER: Micros = Micros::from_ms(1_000);

impl SubscriberLine {
    /// A call is to be rung here.
    pub(in crate::office) fn rings_in(&mut self, now: Micros, call: &Call, desk: &mut Desk<'_>) {
        let mut report = CallReport::of(call, self.law, now);
        self.name(&mut report);
        self.caller_id = callerid::burst(call, desk.config.caller_id, self.law);
        let _ = desk.card.ring_cadence(self.id, desk.config.zone.tones().ring_ms); // fails with the card only
        self.call = Some(report);
        let mut first_at = now + desk.config.ring_delay;
        let before = self.caller_id.as_ref().filter(|_| desk.config.caller_id == CallerIdForm::Dtmf);
        let caller_id_at = before.map(|_| now + REVERSED_BEFORE);
        if let Some(octets) = before {
            first_at = first_at + REVERSED_BEFORE + Micros::from_ms(octets.len() as u64 / 8) + RING_AFTER;
            self.reverse(true, desk);
        }
        self.state = State::Ringing { first_at, rings: false, caller_id_at };
        self.begin_audio();
        self.note(now, desk, || format!("call {} comes in", call.id));
        self.ring(now, desk);
    }

    /// The far end of the call hangs up.
    pub(in crate::office) fn far_end_hangs_up(&mut self, now: Micros, cause: Cause, desk: &mut Desk<'_>) {
        match self.state {
            State::Idle | State::Ending { .. } | State::Parked { .. } => {}
            State::Ringing { .. } => {
                self.hook(Hook::RingOff);
                self.reverse(false, desk);
                self.mark_end(cause, By::Local);
                self.note(now, desk, || "the caller gives up".into());
                self.finish(now);
            }
            State::Announcing { cause } => {
                let tone = match OfficeTone::of_refusal(cause) {
                    OfficeTone::Information => OfficeTone::Congestion, // it has been said already
                    tone => tone,
                };
                self.refuse(now, cause, tone, desk);
            }
            _ => self.clear(now, cause, desk),
        }
    }

    pub(super) fn ring(&mut self, now: Micros, desk: &mut Desk<'_>) {
        let State::Ringing { first_at, rings, caller_id_at } = self.state else {
            return;
        };
        let is_told = caller_id_at.is_some() && self.caller_id.is_none() && matches!(self.sound, Sound::Silence);
        if !rings && is_told && self.reversed {
            self.reverse(false, desk);
        }
        if !rings && first_at <= now && self.hook(Hook::Ring) {
            self.state = State::Ringing { first_at, rings: true, caller_id_at };
            if let Some(call) = &mut self.call {
                call.alerting_at.get_or_insert(now);
            }
            self.note(now, desk, || "rings".into());
        }
        if caller_id_at.is_some_and(|at| at <= now)
            && let Some(octets) = self.caller_id.take()
        {
            self.sound = Sound::Octets { octets, sent: 0 };
            self.note(now, desk, || "caller id".into());
        }
    }

    pub(super) fn seized(&mut self, now: Micros, desk: &mut Desk<'_>) {
        *desk.named += 1;
        let from = desk.config.number_of(self.number).map(str::to_string);
        let call = Call { id: format!("in-{}", desk.named), from, ..Call::default() };
        let mut report = CallReport { dialled: Dialled::There, ..CallReport::of(&call, self.law, now) };
        self.name(&mut report);
        self.call = Some(report);
        self.state = State::Collecting { since: now, last_key_at: None };
        self.ears.detector = tipring_dsp::Detector::new();
        self.feeds_soon = true;
        self.feed();
        self.begin_audio();
        if desk.config.reversal_on_seizure {
            self.reverse(true, desk);
        }
        self.note(now, desk, || format!("seized, call {}", call.id));
    }

    pub(super) fn answered_by_box(&mut self, now: Micros, desk: &mut Desk<'_>) {
        self.feeds_soon = true;
        self.feed();
        self.talk(now);
        self.say(Word::Answered);
        self.note(now, desk, || "answered".into());
    }

    pub(super) fn box_hangs_up(&mut self, now: Micros, desk: &mut Desk<'_>) {
        self.mark_end(Cause::NORMAL, By::Remote);
        self.note(now, desk, || "the box is on hook".into());
        self.hook(Hook::OnHook);
        self.reverse(false, desk);
        self.finish(now);
    }

    pub(super) fn lost(&mut self, now: Micros, desk: &mut Desk<'_>) {
        self.channel = None;
        self.open_at = now + OPEN_AGAIN;
        self.mark_end(Cause::NETWORK_OUT_OF_ORDER, By::Link);
        self.note(now, desk, || "the card is gone".into());
        self.finish(now);
    }

    /// Dial tone, digits, and when they are complete.
    pub(super) fn collect(&mut self, now: Micros, since: Micros, last_key_at: Option<Micros>, desk: &mut Desk<'_>) {
        let passed = now.since(since);
        match (last_key_at, desk.config.dial_tone) {
            (None, DialTone::After(delay)) if passed >= delay && matches!(self.sound, Sound::Silence) => {
                self.play(now, OfficeTone::Dial, desk);
            }
            (None, _) if passed >= desk.config.first_digit => self.refuse(now, Cause(28), OfficeTone::Congestion, desk),
            (None, _) => {}
            (Some(last), _) => {
                let digits = self.call.as_ref().map_or("", |call| call.to.as_str());
                if now.since(last) >= desk.config.digit_pause || is_complete(digits, desk.config) {
                    self.state = State::Switching { until: now + desk.config.switching };
                    self.note(now, desk, || format!("dialled {digits}"));
                }
            }
        }
    }

    /// The number is complete: who is it?
    pub(super) fn switch(&mut self, now: Micros, desk: &mut Desk<'_>) {
        let digits = self.call.as_ref().map_or("", |call| call.to.as_str());
        if let Some(line) = desk.config.line_of(digits) {
            self.state = State::RingingOut { answer_at: Micros::FOREVER };
            self.words.push_back(Word::Calls(line));
            return;
        }
        let fits = |subscriber: &&Subscriber| subscriber.number.is_empty() || subscriber.number == digits;
        let reply = desk.config.subscribers.iter().find(fits).map(|subscriber| subscriber.reply.clone());
        match reply {
            None => self.refuse(now, Cause::UNALLOCATED, OfficeTone::Information, desk),
            Some(Reply::Refuse(cause) | Reply::RefuseWithTone(cause)) => {
                self.refuse(now, cause, OfficeTone::of_refusal(cause), desk)
            }
            Some(Reply::Ignore) => {
                self.state = State::RingingOut { answer_at: Micros::FOREVER };
                self.note(now, desk, || "nothing is said".into());
            }
            Some(Reply::Announce { steps, cause }) => {
                self.state = State::Announcing { cause };
                self.sound = Sound::Phone;
                if let Some(call) = &mut self.call {
                    call.phone = Phone::new(self.law, steps, now);
                    call.phone.connected(now);
                }
                self.note(now, desk, || "an announcement".into());
            }
            Some(Reply::RingForever) => self.ring_out(now, Micros::FOREVER, desk),
            Some(Reply::Answer { rings, steps }) => {
                if let Some(call) = &mut self.call {
                    call.phone = Phone::new(self.law, steps, now + rings);
                }
                self.ring_out(now, now + rings, desk);
            }
        }
    }

    pub(super) fn ring_out(&mut self, now: Micros, answer_at: Micros, desk: &mut Desk<'_>) {
        self.state = State::RingingOut { answer_at };
        if let Some(call) = &mut self.call {
            call.alerting_at.get_or_insert(now);
        }
        if answer_at > now {
            self.play(now, OfficeTone::Ringback, desk);
        }
    }

    pub(in crate::office) fn subscriber_answers(&mut self, now: Micros, desk: &mut Desk<'_>) {
        self.talk(now);
        if desk.config.reversal_on_answer {
            self.reverse(!self.reversed, desk);
        }
        self.note(now, desk, || "the subscriber answers".into());
    }

    fn talk(&mut self, now: Micros) {
        self.state = State::Talking;
        self.sound = if self.partner.is_some() { Sound::Partner } else { Sound::Phone };
        self.caller_id = None;
        if let Some(call) = &mut self.call {
            call.connected_at.get_or_insert(now);
            call.phone.connected(now);
        }
    }

    pub(super) fn refuse(&mut self, now: Micros, cause: Cause, tone: OfficeTone, desk: &mut Desk<'_>) {
        self.mark_end(cause, By::Local);
        self.state = State::Parked { tone, tone_at: Micros::FOREVER };
        self.play(now, tone, desk);
    }

    /// The far end is gone: the box is told in the line's own way, at once or after a while.
    fn clear(&mut self, now: Micros, cause: Cause, desk: &mut Desk<'_>) {
        self.mark_end(cause, By::Local);
        self.say(Word::HungUp(cause));
        self.sound = Sound::Silence;
        if let Some(call) = &mut self.call {
            call.phone.released(now);
        }
        let (clearing, after) = (desk.config.clearing, desk.config.clearing_after);
        self.note(now, desk, || format!("the far end hangs up, told by {clearing:?}"));
        self.state = State::Ending { told_at: now + after };
        if after == Micros::ZERO {
            self.tell_end(now, desk);
        }
    }

    /// Tells the box that the far end is gone.
    pub(super) fn tell_end(&mut self, now: Micros, desk: &mut Desk<'_>) {
        let (mut tone, mut tone_at) = (OfficeTone::Dial, Micros::FOREVER);
        match desk.config.clearing {
            clearing @ (Clearing::BatteryDrop | Clearing::BatteryDropThenBusyTone) => {
                self.hook(Hook::OnHook);
                self.feeds_soon = true;
                tone_at = now + DROP_LASTS;
                if clearing == Clearing::BatteryDropThenBusyTone {
                    tone = OfficeTone::Busy;
                }
            }
            Clearing::BusyTone => self.play(now, OfficeTone::Busy, desk),
            Clearing::Reversal => self.reverse(!self.reversed, desk),
            Clearing::ReversalThenBusyTone => {
                self.reverse(!self.reversed, desk);
                (tone, tone_at) = (OfficeTone::Busy, now + TONE_AFTER_REVERSAL);
            }
            Clearing::DialTone => tone_at = now,
            Clearing::Nothing => {}
        }
        self.state = State::Parked { tone, tone_at };
    }
}

/// Whether a number is whole by its length or by being somebody's, without waiting for a pause.
fn is_complete(digits: &str, config: &OfficeConfig) -> bool {
    let numbers = || {
        let subscribers = config.subscribers.iter().map(|subscriber| subscriber.number.as_str());
        subscribers.chain(config.line_numbers.iter().map(|(number, _)| number.as_str()))
    };
    let longer = |number: &str| number.is_empty() || (number.starts_with(digits) && number != digits);
    digits.len() >= MAX_NUMBER
        || config.number_length.is_some_and(|length| digits.len() >= length)
        || (numbers().any(|number| number == digits) && !numbers().any(longer))
}
