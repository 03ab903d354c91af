//! The calls of an analogue line: between the router and its machine.

use tipring_analog::{Command, Digits, Event, Evidence, Input, Sign};
use tipring_card::{Cause, Micros, Supervision};
use tipring_numbering::TypeOfNumber;
use tipring_router::{LineCommand, LineEvent, LineKind, LineNumber};
use tipring_switch::Port;

use super::super::outward::INVALID_NUMBER;
use super::super::{Signalling, SignallingAction};
use super::{Looped, Use};
use crate::groups::Availability;

impl Signalling {
    pub(in crate::signalling) fn step_loop(
        &mut self,
        now: Micros,
        at: usize,
        look: bool,
        actions: &mut Vec<SignallingAction>,
    ) {
        self.step_line::<Looped>(now, at, look, actions);
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

    /// Seizes a line. `None`: it rings, as its last events say; closing the loop now would answer that ring.
    pub(in crate::signalling) fn loop_dial(
        &mut self,
        now: Micros,
        at: usize,
        digits: Digits,
        actions: &mut Vec<SignallingAction>,
    ) -> Option<Port> {
        self.idle_events::<Looped>(now, at, actions);
        let looped = &mut self.loops[at];
        if !looped.is_free(now) {
            return None;
        }
        looped.begin(now, Use::Outgoing { early: false, ringing: false, answered: false }, actions);
        looped.give(now, Input::Command(Command::Dial(digits)));
        Some(looped.port())
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
                if lease == looped.port() && matches!(looped.used, Use::Incoming { told: true, answered: false }) =>
            {
                looped.give(now, Input::Command(Command::Answer));
            }
            LineCommand::Clear { lease, cause } if lease == looped.port() && looped.is_told() => {
                self.loop_over(now, at, cause, false, actions);
                self.loops[at].give(now, Input::Command(Command::Hangup));
            }
            LineCommand::SilenceCounts { lease, counts } if lease == looped.port() && looped.is_told() => {
                looped.give(now, Input::Command(Command::SilenceCounts(counts)));
            }
            LineCommand::Answer { .. } | LineCommand::Clear { .. } | LineCommand::SilenceCounts { .. } => {
                self.stale_commands += 1;
            }
            // A line cannot say that it rings, and dialling is no command to one line.
            LineCommand::Alert { .. }
            | LineCommand::Dial { .. }
            | LineCommand::MessagesWait { .. }
            | LineCommand::Lift { .. } => {}
        }
        self.line_outputs::<Looped>(now, at, actions);
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
        let (told, lease) = (looped.is_told(), looped.port());
        let text = looped.summary(now, cause, by_far_end);
        looped.rest(now);
        if told {
            self.tell(LineEvent::Told { lease, text }, actions);
            self.tell(LineEvent::Cleared { lease, cause, by_far_end }, actions);
        }
    }

    /// A word of the line for the timeline of its call.
    fn loop_tells(&mut self, at: usize, text: &str, actions: &mut Vec<SignallingAction>) {
        let looped = &self.loops[at];
        if looped.is_told() {
            self.tell(LineEvent::Told { lease: looped.port(), text: text.to_owned() }, actions);
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
        let lease = looped.port();
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
                actions.push(looped.held.note("an incoming call has the line, ours looks for another"));
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
                actions.push(looped.held.note(format_args!("the exchange says: {text}")));
            }
            (Event::Suspected(evidence), _) => self.loop_tells(at, &suspicion(&evidence), actions),
            (Event::Dispelled, _) => self.loop_tells(at, "a voice: that was no hang-up", actions),
            (Event::Silent { left_ms }, _) => {
                let text = format!("silence on both sides: the call ends in {} s", left_ms / 1_000);
                self.loop_tells(at, &text, actions);
            }
            (Event::Ended { cause, sign }, Use::Incoming { .. } | Use::Outgoing { .. }) => {
                actions.push(looped.held.note(format_args!("ended: {}", sign.text())));
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
        lease: looped.port(),
        line: looped.held.name.clone(),
        law: looped.held.law,
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
