//! Outgoing calls on their way to a line: the group's choice, the number in the line's form, the tries on other lines
//! while nothing was heard yet. What happens on a line is its machine's.

use tipring_analog::Digits;
use tipring_card::{Cause, Law, Micros};
use tipring_numbering::{Dialled, Form, LineDigits, Plan, TypeOfNumber};
use tipring_router::{AttemptId, LineEvent, LineKind, Outgoing};
use tipring_switch::Port;

use super::looped::Looped;
use super::phoned::Phoned;
use super::{Signalling, SignallingAction};
use crate::config::LinesConfig;
use crate::groups::{Availability, Groups, LineRef, Named, Refusal, Writing};
use crate::span;

/// A call goes to another line this often at most: a far end that refuses three lines would refuse all.
const MOVES: usize = 2;
/// Lines that one choice may find unusable after all.
const LOOKS: usize = 8;
/// Q.850: invalid number format.
pub(super) const INVALID_NUMBER: Cause = Cause(28);

/// What is known about outgoing calls.
pub(super) struct Outward {
    plan: Plan,
    groups: Groups,
    /// Attempts that nothing was heard of yet: at most one a lease.
    attempts: Vec<Attempt>,
    /// Somebody was told that a line would be free again.
    turned_away: bool,
}

struct Attempt {
    call: Box<Outgoing>,
    lease: Port,
    /// Lines that it has been on, the present one last.
    tried: Vec<LineRef>,
}

/// A line that was found and seized.
struct Placed {
    lease: Port,
    line: String,
    law: Law,
    kind: LineKind,
    on: LineRef,
}

impl Outward {
    /// Nothing is known of any line yet.
    pub fn new(config: &LinesConfig) -> Outward {
        let (groups, _) = Groups::new(&[], &[], config.role);
        Outward { plan: config.plan.clone(), groups, attempts: Vec::new(), turned_away: false }
    }

    /// Other groups, another plan: for the next call that goes out.
    pub fn configure(&mut self, config: &LinesConfig, lines: &[Named]) -> Vec<String> {
        let (groups, complaints) = Groups::new(&config.groups, lines, config.role);
        (self.plan, self.groups) = (config.plan.clone(), groups);
        complaints
    }

    /// Whether anybody was turned away since the start, and may wait.
    pub fn somebody_waits(&self) -> bool {
        self.turned_away
    }

    /// An attempt that something was heard of stays where it is.
    pub fn note(&mut self, event: &LineEvent) {
        if let LineEvent::Ringing { lease }
        | LineEvent::EarlyMedia { lease }
        | LineEvent::Answered { lease, .. }
        | LineEvent::Cleared { lease, .. } = event
        {
            self.attempts.retain(|attempt| attempt.lease != *lease);
        }
    }

    fn bearer_request(&self, call: &Outgoing, writing: &Writing, timeslot: u8) -> span::Request {
        let mut called = self.written(&call.to, writing.form);
        if !writing.prefix.is_empty() {
            called.digits.insert_str(0, &writing.prefix);
            called.ton = TypeOfNumber::Unknown;
        }
        called.ton = call.ton.unwrap_or(called.ton);
        let calling = self.written(&call.from, writing.form);
        span::Request { timeslot, called, calling, restricted: call.restricted, name: call.name.clone() }
    }

    /// A number in a group's form. Where the plan does not know how to dial abroad the network is told by the type.
    fn written(&self, number: &str, form: Form) -> LineDigits {
        let written = self.plan.on_line(number, form);
        match written.digits.strip_prefix('+') {
            Some(digits) if form != Form::Plus => {
                LineDigits { digits: digits.to_string(), ton: TypeOfNumber::International }
            }
            _ => written,
        }
    }

    /// What the digits may be that a telephone has dialled so far.
    pub fn dialled(&self, digits: &str) -> Dialled {
        self.plan.dialled(digits)
    }

    /// A caller's number as a telephone shows it: as one would dial it from there.
    pub fn shown(&self, number: &str) -> String {
        self.written(number, Form::Dialled).digits
    }

    /// What a tone dialler sends; `None` when the number is none or too long.
    fn loop_digits(&self, call: &Outgoing, writing: &Writing) -> Option<Digits> {
        let digits = format!("{}{}", writing.prefix, self.plan.on_line(&call.to, Form::Dialled).digits);
        let allowed = |c: char| c.is_ascii_digit() || matches!(c, '*' | '#' | 'A'..='D' | 'w' | 'W');
        let digits = Digits::try_from(digits.as_str()).ok()?;
        (digits.chars().all(allowed) && digits.chars().any(|c| c.is_ascii_digit())).then_some(digits)
    }
}

impl Signalling {
    pub(super) fn dial(
        &mut self,
        now: Micros,
        attempt: AttemptId,
        call: Box<Outgoing>,
        actions: &mut Vec<SignallingAction>,
    ) {
        match self.place(now, &call, &[], actions) {
            Ok(Placed { lease, line, law, kind, on }) => {
                self.tell(LineEvent::Seized { attempt, lease, line, law, kind }, actions);
                self.outward.attempts.push(Attempt { call, lease, tried: vec![on] });
                self.go_on(now, on, actions);
            }
            Err(Refusal { cause, may_wait, text }) => {
                self.outward.turned_away |= may_wait;
                self.tell(LineEvent::NoLine { attempt, cause, may_wait, text }, actions);
            }
        }
    }

    /// A line has refused a call of ours, or another call has it. The old lease is void already.
    pub(super) fn moves(
        &mut self,
        now: Micros,
        from: Port,
        cause: Cause,
        by_far_end: bool,
        actions: &mut Vec<SignallingAction>,
    ) {
        let over = LineEvent::Cleared { lease: from, cause, by_far_end };
        let Some(at) = self.outward.attempts.iter().position(|attempt| attempt.lease == from) else {
            return self.tell(over, actions);
        };
        let mut attempt = self.outward.attempts.remove(at);
        if attempt.tried.len() > MOVES {
            return self.tell(over, actions);
        }
        match self.place(now, &attempt.call, &attempt.tried, actions) {
            Ok(Placed { lease, line, law, kind, on }) => {
                attempt.lease = lease;
                attempt.tried.push(on);
                self.outward.attempts.push(attempt);
                self.tell(LineEvent::Moved { from, lease, line, law, kind }, actions);
                self.go_on(now, on, actions);
            }
            Err(refusal) => {
                actions.push(SignallingAction::Note(format!("no other line: {}", refusal.text)));
                self.tell(over, actions);
            }
        }
    }

    /// Finds a line and seizes it. What it has to say waits in its machine until [`Signalling::go_on`].
    fn place(
        &mut self,
        now: Micros,
        call: &Outgoing,
        tried: &[LineRef],
        actions: &mut Vec<SignallingAction>,
    ) -> Result<Placed, Refusal> {
        let mut tried = tried.to_vec();
        for _ in 0..LOOKS {
            let (spans, loops, phones) = (&self.spans, &self.loops, &self.phones);
            let availability = |line: LineRef| match line {
                LineRef::Bearer(span, slot) => {
                    spans.get(span).map_or(Availability::Down, |t| t.span.availability(slot))
                }
                LineRef::Loop(at) => loops.get(at).map_or(Availability::Down, |looped| looped.availability(now)),
                LineRef::Telephone(at) => phones.get(at).map_or(Availability::Down, Phoned::availability),
            };
            let (line, writing) = self.outward.groups.choose(&call.group, call.emergency, &tried, &availability)?;
            let writing = writing.clone();
            tried.push(line);
            let placed = match line {
                LineRef::Bearer(span, timeslot) => {
                    let request = self.outward.bearer_request(call, &writing, timeslot);
                    request.called_number().ok_or_else(|| not_a_number(&request.called.digits))?;
                    let dialled = self.spans[span].span.dial(now, &request);
                    let law = self.spans[span].span.law();
                    dialled.map(|(lease, line_name)| (lease, line_name, law, LineKind::Isdn))
                }
                LineRef::Loop(at) => {
                    let digits = self.outward.loop_digits(call, &writing).ok_or_else(|| not_a_number(&call.to))?;
                    let lease = self.loop_dial(now, at, digits, actions);
                    let looped = &self.loops[at];
                    lease.map(|lease| (lease, looped.held.name.clone(), looped.held.law, LineKind::Analog))
                }
                LineRef::Telephone(at) => {
                    let lease = self.phone_dial(now, at, call, actions);
                    let phone = &self.phones[at];
                    lease.map(|lease| (lease, phone.held.name.clone(), phone.held.law, LineKind::Telephone))
                }
            };
            if let Some((lease, name, law, kind)) = placed {
                return Ok(Placed { lease, line: name, law, kind, on: line });
            }
        }
        Err(Refusal {
            cause: Cause::NO_CHANNEL,
            may_wait: true,
            text: format!("{LOOKS} lines that seemed free could not be taken"),
        })
    }

    /// Carries out what a freshly seized line wants.
    fn go_on(&mut self, now: Micros, on: LineRef, actions: &mut Vec<SignallingAction>) {
        match on {
            LineRef::Bearer(span, _) => self.outputs(now, span, actions),
            LineRef::Loop(at) => self.line_outputs::<Looped>(now, at, actions),
            LineRef::Telephone(at) => {
                let lease = self.phones[at].port();
                self.line_outputs::<Phoned>(now, at, actions);
                self.tell(LineEvent::Ringing { lease }, actions);
            }
        }
    }
}

fn not_a_number(text: &str) -> Refusal {
    let text: String = text.chars().take(64).collect();
    Refusal {
        cause: INVALID_NUMBER,
        may_wait: false,
        text: format!(
            "'{text}' cannot be dialled: at most 40 of 0-9 * # A-D, prefix included; a number of another country needs \
             the plan's international prefix on an analogue line"
        ),
    }
}
