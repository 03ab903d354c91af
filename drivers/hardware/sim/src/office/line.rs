//! One subscriber's loop: what the office does on it from the seizure or the first ring to the box's on-hook. Which call
//! is rung on which line is the office's; `turns` has the turns of a call, `partner` what a call to another line of the
//! office is to this one, here are the port, its events and its sound.

mod partner;
mod turns;

use std::collections::VecDeque;

use tipring_card::{
    BLOCK, Block, Card, CardError, Cause, Channel, ChannelId, ChannelInfo, Event, Hook, Law, Micros, PREFILL, Setup,
    SpanId,
};
use tipring_dsp::{Detector, g711::Companding};
use tipring_isdn::By;

pub(super) use self::partner::Word;

use self::partner::Partner;
use super::config::{DialTone, OfficeConfig};
use crate::{
    audio::BUFFERS,
    card::SimCard,
    dial::companding,
    exchange::{CallReport, Trace},
    port::EVENTS_KEPT,
    tones::{OfficeTone, Playing},
};

/// Longest number that is taken, as everywhere.
const MAX_NUMBER: usize = 40;
/// How long after a failed open the next is tried.
const OPEN_AGAIN: Micros = Micros::from_s(1);
/// From the end of the first ring to the caller id: half a second, as in GR-30.
const CALLER_ID_AFTER: Micros = Micros::from_ms(500);
/// DAHDI's codes for a ring at the exchange's port.
const RINGER_ON: Event = Event::RingerOn;
const RINGER_OFF: Event = Event::RingerOff;

/// What a line needs of its office.
pub(super) struct Desk<'a> {
    pub card: &'a mut SimCard,
    pub config: &'a OfficeConfig,
    pub trace: &'a mut Trace,
    pub named: &'a mut u32,
}

/// One loop.
pub(super) struct SubscriberLine {
    pub id: ChannelId,
    /// Among the office's lines, from 1.
    number: u8,
    span: SpanId,
    port: u8,
    law: Law,
    channel: Option<Box<dyn Channel>>,
    open_at: Micros,
    state: State,
    sound: Sound,
    ears: Ears,
    call: Option<CallReport>,
    finished: Option<CallReport>,
    caller_id: Option<Vec<u8>>,
    reversed: bool,
    /// The port is to be off hook, but it recovers from a drop still.
    feeds_soon: bool,
    /// Blocks that were read and are not answered yet.
    owed: usize,
    partner: Option<Partner>,
    words: VecDeque<Word>,
}

/// Where a call is.
enum State {
    /// On hook, nothing.
    Idle,
    /// A call is rung in.
    Ringing { first_at: Micros, rings: bool, caller_id_at: Option<Micros> },
    /// The box has seized the line.
    Collecting { since: Micros, last_key_at: Option<Micros> },
    /// The number is complete.
    Switching { until: Micros },
    /// The called telephone rings, until it answers.
    RingingOut { answer_at: Micros },
    /// Something is said to the box, but nobody has answered.
    Announcing { cause: Cause },
    /// Both talk.
    Talking,
    /// The call is over for the far end, and the box is not told yet.
    Ending { told_at: Micros },
    /// The call is over for the far end, or was refused; the box has not hung up yet. This tone comes then.
    Parked { tone: OfficeTone, tone_at: Micros },
}

/// What the box hears.
enum Sound {
    Silence,
    Tone(Playing),
    Octets {
        octets: Vec<u8>,
        sent: usize,
    },
    Phone,
    /// The line that it is joined with.
    Partner,
}

/// What listens for digits.
struct Ears {
    detector: Detector,
    coding: Companding,
}

impl SubscriberLine {
    /// The line of this number, from 1.
    pub fn new(info: &ChannelInfo, number: u8) -> SubscriberLine {
        SubscriberLine {
            id: info.id,
            number,
            span: info.span,
            port: info.timeslot,
            law: info.law,
            channel: None,
            open_at: Micros::ZERO,
            state: State::Idle,
            sound: Sound::Silence,
            ears: Ears { detector: Detector::new(), coding: companding(info.law) },
            call: None,
            finished: None,
            caller_id: None,
            reversed: false,
            feeds_soon: false,
            owed: 0,
            partner: None,
            words: VecDeque::new(),
        }
    }

    pub fn call(&self) -> Option<&CallReport> {
        self.call.as_ref()
    }

    pub fn take_finished(&mut self) -> Option<CallReport> {
        self.finished.take()
    }

    pub fn is_at_rest(&self) -> bool {
        matches!(self.state, State::Idle)
    }

    pub fn is_open(&self) -> bool {
        self.channel.is_some()
    }

    pub fn can_ring(&self) -> bool {
        self.is_at_rest() && self.is_open()
    }

    /// When the channel is to be opened, if it is not.
    pub fn opens_at(&self) -> Option<Micros> {
        self.channel.is_none().then_some(self.open_at)
    }

    /// Everything that has happened.
    pub fn listen(&mut self, now: Micros, desk: &mut Desk<'_>) {
        if self.channel.is_none() {
            if now < self.open_at {
                return;
            }
            self.open(now, desk);
        }
        self.feed();
        self.read(now, desk);
    }

    /// What follows from it: sound, and what is due.
    pub fn work(&mut self, now: Micros, desk: &mut Desk<'_>) {
        self.write(now);
        self.act(now, desk);
    }

    fn open(&mut self, now: Micros, desk: &mut Desk<'_>) {
        self.open_at = now + OPEN_AGAIN;
        self.channel = desk.card.open(self.id).ok();
    }

    /// Reads what came. Each block is answered with one, two blocks ahead, once all lines have been read.
    fn read(&mut self, now: Micros, desk: &mut Desk<'_>) {
        let mut block = [0; BLOCK];
        for _ in 0..BUFFERS + EVENTS_KEPT {
            let Some(channel) = &mut self.channel else {
                return;
            };
            match channel.read(&mut block) {
                Ok(_) if matches!(self.state, State::Idle) => {}
                Ok(_) => {
                    self.hear(now, &block, desk);
                    self.owed += 1;
                }
                Err(CardError::EventPending) => {
                    if let Ok(Some(event)) = channel.event() {
                        self.event(now, event, desk);
                    }
                }
                Err(CardError::Gone) => self.lost(now, desk),
                // Not set up: events are all there is.
                Err(_) => match channel.event() {
                    Ok(Some(event)) => self.event(now, event, desk),
                    Err(CardError::Gone) => self.lost(now, desk),
                    _ => return,
                },
            }
        }
    }

    /// Writes a block for each that was read.
    fn write(&mut self, now: Micros) {
        let mut block = [0; BLOCK];
        for _ in 0..std::mem::take(&mut self.owed) {
            self.speak(now, &mut block);
            let full = self.channel.as_mut().map(|channel| channel.write(&block)) == Some(Err(CardError::Again));
            if let Some(call) = self.call.as_mut().filter(|_| full) {
                call.blocks_lost += 1;
            }
        }
    }

    fn event(&mut self, now: Micros, event: Event, desk: &mut Desk<'_>) {
        match (event, &mut self.state) {
            (Event::RingOffHook, State::Idle) => self.seized(now, desk),
            (Event::RingOffHook, State::Ringing { .. }) => self.answered_by_box(now, desk),
            (Event::OnHook, State::Idle | State::Ringing { .. }) => {}
            (Event::OnHook, _) => self.box_hangs_up(now, desk),
            (RINGER_OFF, State::Ringing { caller_id_at, .. }) => {
                *caller_id_at = self.caller_id.is_some().then(|| now + CALLER_ID_AFTER);
            }
            // The second half of a double ring: the pause comes after it.
            (RINGER_ON, State::Ringing { caller_id_at, .. }) => *caller_id_at = None,
            (Event::WinkFlash, _) => self.note(now, desk, || "a flash".into()),
            (Event::Alarm, State::Idle) => {}
            (Event::Alarm, _) => {
                self.mark_end(Cause::NETWORK_OUT_OF_ORDER, By::Link);
                self.note(now, desk, || "the line is broken".into());
                self.hook(Hook::OnHook);
                self.reverse(false, desk);
                self.finish(now);
            }
            _ => {}
        }
    }

    /// What is due.
    fn act(&mut self, now: Micros, desk: &mut Desk<'_>) {
        match self.state {
            State::Idle => {}
            State::Ringing { .. } => self.ring(now, desk),
            State::Collecting { since, last_key_at } => self.collect(now, since, last_key_at, desk),
            State::Switching { until } if until <= now => self.switch(now, desk),
            State::RingingOut { answer_at } if answer_at <= now => self.subscriber_answers(now, desk),
            State::Ending { told_at } if told_at <= now => self.tell_end(now, desk),
            State::Parked { tone, tone_at } if tone_at <= now => {
                self.state = State::Parked { tone, tone_at: Micros::FOREVER };
                self.play(now, tone, desk);
            }
            State::Switching { .. }
            | State::RingingOut { .. }
            | State::Announcing { .. }
            | State::Talking
            | State::Ending { .. }
            | State::Parked { .. } => {}
        }
        let wish = self.call.as_ref().and_then(|call| call.phone.wants_to_hang_up());
        if let Some(cause) = wish.filter(|_| self.has_phone()) {
            self.far_end_hangs_up(now, cause, desk);
        }
    }

    /// Whether a telephone of the office does its steps: it rings for the caller, speaks or listens.
    fn has_phone(&self) -> bool {
        let in_turn = matches!(self.state, State::Ringing { .. } | State::Announcing { .. } | State::Talking);
        in_turn && self.partner.is_none()
    }

    fn hear(&mut self, now: Micros, block: &Block, desk: &mut Desk<'_>) {
        match &mut self.state {
            State::Talking
            | State::Announcing { .. }
            | State::RingingOut { .. }
            | State::Ending { .. }
            | State::Parked { .. } => {
                if let Some(call) = &mut self.call {
                    call.phone.hear(now, block);
                }
                if let Some(partner) = &mut self.partner {
                    partner.hear(block);
                }
            }
            State::Collecting { since, last_key_at } => {
                let hears = match desk.config.dial_tone {
                    DialTone::After(delay) => now.since(*since) >= delay,
                    DialTone::Silent => true,
                    DialTone::Dead => false,
                };
                let mut samples = [0; BLOCK];
                self.ears.coding.decode_into(block, &mut samples);
                let Some(call) = &mut self.call else {
                    return;
                };
                self.ears.detector.feed(&samples, |key| {
                    if hears && call.to.len() < MAX_NUMBER {
                        call.to.push(char::from(key));
                        *last_key_at = Some(now);
                        self.sound = Sound::Silence;
                    }
                });
            }
            State::Idle | State::Ringing { .. } | State::Switching { .. } => {}
        }
    }

    fn speak(&mut self, now: Micros, block: &mut Block) {
        let has_phone = self.has_phone();
        // The telephone does its steps even when it is not heard: a caller waits for the answer.
        let phone = self.call.as_mut().filter(|_| has_phone);
        match phone {
            Some(call) => call.phone.speak(now, block),
            None => block.fill(self.law.silence()),
        }
        match &mut self.sound {
            Sound::Phone => {}
            Sound::Partner => {
                if let Some(partner) = &mut self.partner {
                    partner.speak(block, self.law);
                }
            }
            Sound::Silence => block.fill(self.law.silence()),
            Sound::Tone(tone) => tone.fill(block, self.law),
            Sound::Octets { octets, sent } => {
                block.fill(self.law.silence());
                let rest = octets.get(*sent..).unwrap_or_default();
                let take = rest.len().min(BLOCK);
                block[..take].copy_from_slice(&rest[..take]);
                *sent += take;
                if *sent == octets.len() {
                    self.sound = Sound::Silence;
                }
            }
        }
    }

    fn play(&mut self, now: Micros, tone: OfficeTone, desk: &mut Desk<'_>) {
        self.sound = Sound::Tone(desk.config.tone(tone));
        self.note(now, desk, || format!("{tone:?} tone"));
    }

    fn reverse(&mut self, reversed: bool, desk: &mut Desk<'_>) {
        self.reversed = reversed;
        let _ = desk.card.reverse(self.id, reversed); // a card that is gone tells it at the next read
    }

    /// Moves the port's hook; false: it cannot at the moment.
    fn hook(&mut self, hook: Hook) -> bool {
        self.channel.as_mut().is_some_and(|channel| channel.hook(hook).is_ok())
    }

    /// Feeds the loop as soon as the port can.
    fn feed(&mut self) {
        if self.feeds_soon && self.hook(Hook::OffHook) {
            self.feeds_soon = false;
        }
    }

    /// Audio from now on: what is queued is of another call. Fails with the card only, and the next read tells that.
    fn begin_audio(&mut self) {
        self.sound = Sound::Silence;
        self.owed = 0;
        let Some(channel) = &mut self.channel else {
            return;
        };
        let _ = channel.setup(Setup::Audio(self.law));
        for _ in 0..PREFILL {
            let _ = channel.write(&[self.law.silence(); BLOCK]);
        }
    }

    fn name(&self, report: &mut CallReport) {
        report.span = Some(self.span);
        report.timeslot = Some(self.port);
        report.line = Some(self.id);
        report.has_audio = true;
    }

    /// The first end of a call is its end.
    fn mark_end(&mut self, cause: Cause, by: By) {
        if let Some(call) = self.call.as_mut().filter(|call| call.cause.is_none()) {
            call.cause = Some(cause);
            call.by = Some(by);
        }
    }

    fn finish(&mut self, now: Micros) {
        self.state = State::Idle;
        self.sound = Sound::Silence;
        self.caller_id = None;
        self.feeds_soon = false;
        self.owed = 0;
        let cause = self.call.as_ref().and_then(|call| call.cause);
        self.say(Word::HungUp(cause.unwrap_or(Cause::NORMAL)));
        if let Some(channel) = &mut self.channel {
            let _ = channel.setup(Setup::Audio(self.law)); // silence, and nothing counts as late
        }
        if let Some(mut call) = self.call.take() {
            call.phone.released(now);
            call.released_at = Some(now);
            self.finished = Some(call);
        }
    }

    fn note(&self, now: Micros, desk: &mut Desk<'_>, what: impl FnOnce() -> String) {
        desk.trace.note(now, self.span, || format!("line {} {}", self.port, what()));
    }
}
