//! A line that is lent to the doctor. Its machine goes on, with settings under which no sign ends a call; what it takes and
//! tells goes to the doctor, and nothing to the router. When it is returned with a ring that nobody has answered, the
//! router gets that ring.

use tipring_analog::{AnswerSign, Command, Config, Event, Input, Reversal, Trusted};
use tipring_card::{Cause, Micros};
use tipring_doctor::{Examine, Examined, Lent, Seen, Wish};
use tipring_router::LineEvent;
use tipring_switch::Port;

use super::looped::Looped;
use super::{Signalling, SignallingAction};
use crate::config::AnalogLine;
use crate::groups::Availability;

/// Dial tone is waited for so long: the doctor finds out whether it comes.
const DIAL_TONE_LIMIT: Micros = Micros::from_s(4);

/// What a lent line has to tell.
#[derive(Default)]
pub(super) struct Loan {
    seen: Vec<(Micros, Seen)>,
    /// A ring that the router does not know of.
    offer: Option<LineEvent>,
}

impl Loan {
    /// The machine takes something.
    pub fn takes(&mut self, now: Micros, input: &Input) {
        let seen = match input {
            Input::Line(event) => Seen::Line(*event),
            Input::Heard(heard) => Seen::Heard(heard.clone()),
            Input::Lost => Seen::Lost,
            Input::Opened | Input::HookFailed | Input::Command(_) | Input::Timer => return,
        };
        self.seen.push((now, seen));
    }

    /// The machine tells something.
    pub fn told(&mut self, now: Micros, event: &Event) {
        self.seen.push((now, Seen::Told(event.clone())));
    }

    /// A use of the line ends.
    pub fn over(&mut self, now: Micros, cause: Cause) {
        self.seen.push((now, Seen::Over(cause)));
    }

    /// The channel is on its way to the switch.
    pub fn attached(&mut self, now: Micros) {
        self.seen.push((now, Seen::Attached));
    }
}

/// Under these no sign ends a call, and a call counts as begun when it is dialled.
fn examining(config: &Config) -> Config {
    Config {
        answer: AnswerSign::Dialled,
        dial_tone_limit: DIAL_TONE_LIMIT,
        dial_anyway: true,
        caller_id: true,
        trusted: Trusted { battery: false, reversal: Reversal::Ignored, tones: false, dial_tone: false },
        silence_limit: Micros::ZERO,
        ..config.clone()
    }
}

impl Signalling {
    /// What the doctor wants of an analogue line.
    pub fn examine(&mut self, now: Micros, examine: Examine, actions: &mut Vec<SignallingAction>) {
        let Examine { line, wish } = examine;
        let Some(at) = self.loops.iter().position(|looped| looped.held.name == line && !looped.held.is_retired())
        else {
            let known: Vec<&str> = self.live_loops().map(|looped| looped.held.name.as_str()).collect();
            let known = if known.is_empty() { "none".into() } else { known.join(", ") };
            let text = format!("{line} is no analogue line that this box drives; those are: {known}");
            let port = Port { index: u16::MAX, generation: 0 };
            let refused = Examined { line, port, at: now, seen: Seen::Refused { in_use: false, text } };
            return actions.push(SignallingAction::Examined(Box::new(refused)));
        };
        match wish {
            Wish::Lend => self.lend(now, at, actions),
            _ if self.loops[at].lent.is_none() => {}
            Wish::Dial(digits) => {
                if self.loop_dial(now, at, digits, actions).is_none() {
                    self.loops[at].lent.iter_mut().for_each(|loan| loan.over(now, Cause::CHANNEL_UNAVAILABLE));
                }
            }
            Wish::Answer => {
                if self.loops[at].lent.as_ref().is_some_and(|loan| loan.offer.is_some()) {
                    self.loops[at].give(now, Input::Command(Command::Answer));
                }
            }
            Wish::HangUp => self.end_examined(now, at, actions),
            Wish::Return => self.take_home(now, at, actions),
        }
        self.line_outputs::<Looped>(now, at, actions);
        self.show_lent(actions);
    }

    fn lend(&mut self, now: Micros, at: usize, actions: &mut Vec<SignallingAction>) {
        self.idle_events::<Looped>(now, at, actions);
        let looped = &mut self.loops[at];
        let name = looped.held.name.clone();
        let refusal = match looped.availability(now) {
            Availability::Free(_) => None,
            Availability::Down => {
                Some(format!("{name} has no battery or no channel: look at its cable, and at `tipring lines`"))
            }
            Availability::Busy if looped.lent.is_some() => Some(format!("{name} is being examined already")),
            Availability::Busy => {
                let word = looped.word();
                Some(format!(
                    "{name} is in use ({word}): only an idle line is examined; try again when its call is over"
                ))
            }
        };
        let seen = match refusal {
            Some(text) => Seen::Refused { in_use: looped.availability(now) == Availability::Busy, text },
            None => {
                let AnalogLine { config, receive_gain_db, .. } = looped.lends(Loan::default(), examining);
                actions.push(looped.held.note("lent to the doctor"));
                Seen::Lent(Box::new(Lent { law: looped.held.law, config, receive_gain_db }))
            }
        };
        let examined = Examined { line: name, port: looped.port(), at: now, seen };
        actions.push(SignallingAction::Examined(Box::new(examined)));
    }

    /// The present use of a lent line ends, if it has one.
    fn end_examined(&mut self, now: Micros, at: usize, actions: &mut Vec<SignallingAction>) {
        self.loop_over(now, at, Cause::NORMAL, false, actions);
        self.loops[at].give(now, Input::Command(Command::Hangup));
    }

    fn take_home(&mut self, now: Micros, at: usize, actions: &mut Vec<SignallingAction>) {
        let offer = self.loops[at].lent.as_mut().and_then(|loan| loan.offer.take());
        // A ring that nobody has offered yet goes on, and is the router's when it is.
        if offer.is_none() && self.loops[at].is_told() {
            self.end_examined(now, at, actions);
            self.line_outputs::<Looped>(now, at, actions);
        }
        self.show_lent(actions);
        let looped = &mut self.loops[at];
        looped.comes_home();
        actions.push(looped.held.note("back from the doctor"));
        if let Some(event) = offer {
            self.tell(event, actions);
        }
    }

    /// An event for the router, unless its line is lent: then only what the doctor needs of it is kept.
    pub(super) fn unless_lent(&mut self, event: LineEvent) -> Option<LineEvent> {
        let at = lease_of(&event).and_then(|lease| self.loop_of(lease));
        let Some(loan) = at.and_then(|at| self.loops[at].lent.as_mut()) else {
            return Some(event);
        };
        match event {
            LineEvent::Cleared { .. } | LineEvent::Answered { .. } => loan.offer = None,
            LineEvent::Incoming { .. } => loan.offer = Some(event),
            _ => {}
        }
        None
    }

    /// What lent lines have to tell, in order.
    pub(super) fn show_lent(&mut self, actions: &mut Vec<SignallingAction>) {
        for looped in &mut self.loops {
            let (line, port) = (looped.held.name.clone(), looped.port());
            let Some(loan) = &mut looped.lent else {
                continue;
            };
            let examined = loan.seen.drain(..).map(|(at, seen)| {
                SignallingAction::Examined(Box::new(Examined { line: line.clone(), port, at, seen }))
            });
            actions.extend(examined);
        }
    }
}

fn lease_of(event: &LineEvent) -> Option<Port> {
    match event {
        LineEvent::Incoming { lease, .. }
        | LineEvent::Seized { lease, .. }
        | LineEvent::Moved { lease, .. }
        | LineEvent::Ringing { lease }
        | LineEvent::EarlyMedia { lease }
        | LineEvent::Answered { lease, .. }
        | LineEvent::Told { lease, .. }
        | LineEvent::EndedBy { lease, .. }
        | LineEvent::Cleared { lease, .. } => Some(*lease),
        LineEvent::NoLine { .. } | LineEvent::LineFree => None,
    }
}
