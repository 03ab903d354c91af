//! The calls of an analogue line: what its machine is told and what it wants, between the router and the channel.

use tipring_analog::{Command, Digits, Event, Evidence, Input, Output, Sign};
use tipring_card::{Cause, Event as ChannelEvent, Micros, Supervision};
use tipring_numbering::TypeOfNumber;
use tipring_router::{LineCommand, LineEvent, LineKind, LineNumber};
use tipring_switch::Port;

use super::super::outward::INVALID_NUMBER;
use super::super::{Signalling, SignallingAction};
use super::{Looped, OUTPUTS_A_STEP, TIMERS_A_STEP, Use};
use crate::groups::Availability;
use crate::media::LineNews;

impl Signalling {
    pub(in crate::signalling) fn step_loop(
        &mut self,
        now: Micros,
        at: usize,
        look: bool,
        actions: &mut Vec<SignallingAction>,
    ) {
        if self.loops[at].take_settings() {
            actions.push(SignallingAction::Note(format!("{}: goes on with its new settings", self.loops[at].name)));
        }
        if !self.loops[at].is_open() && now >= self.loops[at].reopen_at {
            self.open_loop(now, at, actions);
        }
        self.idle_events(now, at, actions);
        if look {
            self.look_loop(now, at, actions);
        }
        for _ in 0..TIMERS_A_STEP {
            if self.loops[at].fxo.deadline().is_none_or(|deadline| deadline > now) {
                break;
            }
            self.loops[at].give(now, Input::Timer);
            self.loop_outputs(now, at, actions);
        }
        let looped = &mut self.loops[at];
        let hears = looped.deaf_until.is_some_and(|until| until <= now);
        if hears {
            looped.deaf_until = None;
        }
        if looped.resting && matches!(looped.availability(now), Availability::Free(_)) {
            looped.resting = false;
            looped.rested_since = now;
            self.tell(LineEvent::LineFree, actions);
        } else if hears {
            self.restored(actions);
        }
    }

    pub(in crate::signalling) fn loop_event_of_channel(
        &mut self,
        now: Micros,
        at: usize,
        event: ChannelEvent,
        actions: &mut Vec<SignallingAction>,
    ) {
        match event {
            ChannelEvent::Removed => return self.loop_lost(now, at, actions),
            ChannelEvent::Alarm => self.alarm(now, at, |looped| looped.port_alarm = true, actions),
            ChannelEvent::AlarmCleared => self.alarm(now, at, |looped| looped.port_alarm = false, actions),
            _ => {}
        }
        self.loops[at].give(now, Input::Line(event));
        self.loop_outputs(now, at, actions);
    }

    pub(in crate::signalling) fn loop_news(
        &mut self,
        now: Micros,
        at: usize,
        port: Port,
        news: LineNews,
        actions: &mut Vec<SignallingAction>,
    ) {
        if port != self.loops[at].port || !self.loops[at].at_media {
            return;
        }
        match news {
            LineNews::Event(event) => self.loop_event_of_channel(now, at, event, actions),
            LineNews::Heard(heard) => {
                self.loops[at].give(now, Input::Heard(heard));
                self.loop_outputs(now, at, actions);
            }
        }
    }

    /// Seizes a line. `None`: it rings, as its last events say; closing the loop now would answer that ring.
    pub(in crate::signalling) fn loop_dial(
        &mut self,
        now: Micros,
        at: usize,
        digits: Digits,
        actions: &mut Vec<SignallingAction>,
    ) -> Option<Port> {
        self.idle_events(now, at, actions);
        let looped = &mut self.loops[at];
        if !looped.is_free(now) {
            return None;
        }
        looped.begin(now, Use::Outgoing { early: false, ringing: false, answered: false }, actions);
        looped.give(now, Input::Command(Command::Dial(digits)));
        Some(looped.port)
    }

    pub(in crate::signalling) fn loop_command(
        &mut self,
        now: Micros,
        at: usize,
        command: &LineCommand,
        actions: &mut Vec<SignallingAction>,
    ) {
        let looped = &mut self.loops[at];
        match *command {
            LineCommand::Answer { lease }
                if lease == looped.port && matches!(looped.used, Use::Incoming { told: true, answered: false }) =>
            {
                looped.give(now, Input::Command(Command::Answer));
            }
            LineCommand::Clear { lease, cause } if lease == looped.port && looped.is_told() => {
                self.loop_over(now, at, cause, false, actions);
                self.loops[at].give(now, Input::Command(Command::Hangup));
            }
            LineCommand::SilenceCounts { lease, counts } if lease == looped.port && looped.is_told() => {
                looped.give(now, Input::Command(Command::SilenceCounts(counts)));
            }
            LineCommand::Answer { .. } | LineCommand::Clear { .. } | LineCommand::SilenceCounts { .. } => {
                self.stale_commands += 1;
            }
            // A line cannot say that it rings, and dialling is no command to one line.
            LineCommand::Alert { .. } | LineCommand::Dial { .. } => {}
        }
        self.loop_outputs(now, at, actions);
    }

    /// The present use ends: the router is told, if it knew of it.
    pub(in crate::signalling) fn loop_over(
        &mut self,
        now: Micros,
        at: usize,
        cause: Cause,
        by_far_end: bool,
        actions: &mut Vec<SignallingAction>,
    ) {
        let looped = &mut self.loops[at];
        if looped.used == Use::Nothing {
            return;
        }
        let (told, lease) = (looped.is_told(), looped.port);
        let text = looped.summary(now, cause, by_far_end);
        looped.rest(now);
        if told {
            self.tell(LineEvent::Told { lease, text }, actions);
            self.tell(LineEvent::Cleared { lease, cause, by_far_end }, actions);
        }
    }

    pub(in crate::signalling) fn loop_outputs(&mut self, now: Micros, at: usize, actions: &mut Vec<SignallingAction>) {
        for _ in 0..OUTPUTS_A_STEP {
            let Some(output) = self.loops[at].wants(now) else {
                return;
            };
            match output {
                Output::Hook(hook) => self.move_hook(now, at, hook),
                Output::Audio(true) => self.hand_over(now, at, actions),
                Output::Audio(false) => self.take_back(now, at, actions),
                Output::Listen(listen) => {
                    let looped = &mut self.loops[at];
                    looped.listen = listen;
                    if looped.at_media {
                        actions.push(SignallingAction::Listen { port: looped.port, listen });
                    }
                }
                Output::Send(digits) => {
                    let port = self.loops[at].port;
                    actions.push(SignallingAction::Send { port, digits });
                }
                Output::Event(event) => self.loop_event(now, at, event, actions),
            }
        }
        self.runaways += 1;
    }

    /// A word of the line for the timeline of its call.
    fn loop_tells(&mut self, at: usize, text: &str, actions: &mut Vec<SignallingAction>) {
        let looped = &self.loops[at];
        if looped.is_told() {
            self.tell(LineEvent::Told { lease: looped.port, text: text.to_owned() }, actions);
        }
    }

    pub(in crate::signalling) fn loop_event(
        &mut self,
        now: Micros,
        at: usize,
        event: Event,
        actions: &mut Vec<SignallingAction>,
    ) {
        let looped = &mut self.loops[at];
        if let Some(loan) = &mut looped.lent {
            loan.told(now, &event);
        }
        let lease = looped.port;
        match (event, looped.used) {
            (Event::Incoming { caller }, Use::Nothing | Use::Incoming { told: false, .. }) => {
                if looped.used == Use::Nothing {
                    looped.begin(now, Use::Nothing, actions);
                }
                looped.used = Use::Incoming { told: true, answered: false };
                let event = incoming(looped, &caller);
                self.tell(event, actions);
            }
            (Event::Missed, _) => self.loop_over(now, at, Cause::NORMAL, true, actions),
            (Event::Answered, Use::Incoming { told: true, answered: false }) => {
                looped.used = Use::Incoming { told: true, answered: true };
                self.tell(LineEvent::Answered { lease, by: Supervision::Connect }, actions);
            }
            (Event::Glare, Use::Outgoing { .. }) => {
                looped.begin(now, Use::Incoming { told: false, answered: false }, actions);
                let text = format!("{}: an incoming call has the line, ours looks for another", looped.name);
                actions.push(SignallingAction::Note(text));
                self.moves(now, lease, Cause::CHANNEL_UNAVAILABLE, true, actions);
            }
            (Event::Dialled, Use::Outgoing { early: false, ringing, answered }) => {
                looped.used = Use::Outgoing { early: true, ringing, answered };
                self.tell(LineEvent::EarlyMedia { lease }, actions);
            }
            (Event::Ringback, Use::Outgoing { early, ringing: false, answered: false }) => {
                looped.used = Use::Outgoing { early, ringing: true, answered: false };
                self.tell(LineEvent::Ringing { lease }, actions);
            }
            (Event::Connected(by), Use::Outgoing { early, ringing, answered: false }) => {
                looped.used = Use::Outgoing { early, ringing, answered: true };
                self.tell(LineEvent::Answered { lease, by }, actions);
            }
            (Event::Messages(waiting), _) => {
                let text = if waiting { "messages wait" } else { "no message waits any more" };
                actions.push(SignallingAction::Note(format!("{}: the exchange says: {text}", looped.name)));
            }
            (Event::Suspected(evidence), _) => self.loop_tells(at, &suspicion(&evidence), actions),
            (Event::Dispelled, _) => self.loop_tells(at, "a voice: that was no hang-up", actions),
            (Event::Silent { left_ms }, _) => {
                let text = format!("silence on both sides: the call ends in {} s", left_ms / 1_000);
                self.loop_tells(at, &text, actions);
            }
            (Event::Ended { cause, sign }, Use::Incoming { .. } | Use::Outgoing { .. }) => {
                actions.push(SignallingAction::Note(format!("{}: ended: {}", looped.name, sign.text())));
                let by_far_end = !matches!(sign, Sign::Ours | Sign::BrokenDigits | Sign::Lost | Sign::Refused);
                if is_worth_another_line(looped.used, cause, sign) {
                    let text = looped.summary(now, cause, by_far_end);
                    looped.rest(now);
                    self.tell(LineEvent::Told { lease, text }, actions);
                    self.moves(now, lease, cause, by_far_end, actions);
                } else {
                    if looped.is_told() && sign.is_evidence() {
                        self.tell(LineEvent::EndedBy { lease, sign: sign.word() }, actions);
                    }
                    self.loop_over(now, at, cause, by_far_end, actions);
                }
            }
            // What comes after our own clear, and what is told twice.
            _ => {}
        }
    }
}

/// A call that got no further than to the line itself may do better on another one.
fn is_worth_another_line(used: Use, cause: Cause, sign: Sign) -> bool {
    matches!(used, Use::Outgoing { early: false, answered: false, .. })
        && cause != INVALID_NUMBER
        && matches!(
            sign,
            Sign::NoDialTone | Sign::BrokenDigits | Sign::Refused | Sign::Lost | Sign::BatteryDrop | Sign::Glare
        )
}

/// What one sign says, as people read it: `polarity reversal: 60 of 100`.
fn suspicion(evidence: &Evidence) -> String {
    let text = evidence.sign.text();
    match (evidence.weight, evidence.sum) {
        (0, _) => format!("{text}: not counted on this line"),
        (weight, sum) if weight == sum => format!("{text}: {weight} of 100 for a hang-up"),
        (weight, sum) => format!("{text}: {weight} more for a hang-up, {sum} of 100"),
    }
}

fn incoming(looped: &Looped, caller: &tipring_analog::CallerId) -> LineEvent {
    let number = caller.number.as_ref().map(|digits| LineNumber {
        digits: digits.to_string(),
        restricted: caller.restricted,
        ..LineNumber::default()
    });
    let withheld = || LineNumber { restricted: true, ..LineNumber::default() };
    LineEvent::Incoming {
        lease: looped.port,
        line: looped.name.clone(),
        law: looped.law,
        kind: LineKind::Analog,
        called: own_number(&looped.settings.number),
        calling: number.or_else(|| caller.restricted.then(withheld)),
        caller_name: caller.name.as_ref().map(ToString::to_string).filter(|name| !name.is_empty()),
        redirecting: None,
    }
}

/// Whom a call calls that comes in: the exchange of an analogue line does not say it, so it is the line's own number.
fn own_number(number: &str) -> LineNumber {
    let (digits, ton) = match number.strip_prefix('+') {
        Some(digits) => (digits, TypeOfNumber::International),
        None => (number, TypeOfNumber::default()),
    };
    LineNumber { digits: digits.into(), ton, ..LineNumber::default() }
}
