//! The doctor's visit: both lines are borrowed, one calls the other, both are listened to, the other one hangs up, and the
//! examined one is listened to again. A machine like the router: events in, effects out, a deadline; no clock of its own.
//!
//! Here is the visit as a whole, `call` has the steps of one call, `ear` what is heard of a line.

mod call;
mod ear;

use std::collections::VecDeque;

use tipring_analog::{Digits, Event as Told, Sign};
use tipring_card::{Law, Micros};
use tipring_switch::{Command, Event as SwitchEvent, PlayId, TapId};

use self::call::Step;
use self::ear::Ear;
use crate::found::{CallFound, Settings, Way};
use crate::words::{Examine, Examined, Lent, Seen, Wish};

/// Names of playings and taps from here on are the doctor's: nobody else counts so far.
const FIRST_NAME: u64 = 1 << 62;
/// The lines are to be lent within this time.
const LENDING_LIMIT: Micros = Micros::from_s(5);
/// The whole visit takes no longer; its usual length is 50 to 70 s.
const VISIT_LIMIT: Micros = Micros::from_s(150);

/// What is to be examined.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Order {
    /// The line to be examined: `dahdi 3/1`.
    pub line: String,
    /// Its number, as the other one dials it; empty: it is not called.
    pub number: String,
    /// The other line.
    pub with: String,
    /// The other one's number; empty: it is not called.
    pub with_number: String,
}

/// Something happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// On a line that is lent, or is to be.
    Examined(Box<Examined>),
    /// In the switch ([`Visit::is_concerned`]).
    Switch(SwitchEvent),
    /// The deadline has come.
    Timer,
}

/// Something is wanted.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Of a line.
    Examine(Examine),
    /// Of the switch.
    Switch(Command),
    /// To be told to whoever waits: what is done now.
    Progress(String),
}

/// What came of a visit.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// The examined line's settings; `None`: it was not lent.
    pub settings: Option<Settings>,
    /// What was found.
    pub calls: Vec<CallFound>,
    /// Why it is not whole; `None`: it is.
    pub failure: Option<String>,
    /// That is because a line has a call: later it may be.
    pub in_use: bool,
    /// For so long the lines were not there for others.
    pub line_time: Micros,
}

/// One line of the two.
#[derive(Debug)]
struct Line {
    name: String,
    /// Once it is lent.
    lent: Option<Lent>,
    ear: Ear,
    /// It has rested since its last call.
    idle: bool,
    /// What ended its last call, where its machine said so.
    ended_by: Option<Sign>,
}

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Which {
    Examined,
    Other,
}

impl Which {
    fn turned(self) -> Which {
        match self {
            Which::Examined => Which::Other,
            Which::Other => Which::Examined,
        }
    }
}

/// A visit under way.
pub struct Visit {
    order: Order,
    lines: [Line; 2],
    /// Calls that are still to be made.
    plan: VecDeque<Way>,
    step: Step,
    /// When the step ends by itself.
    until: Micros,
    ends_at: Micros,
    began: Option<Micros>,
    calls: Vec<CallFound>,
    in_use: bool,
    next_name: u64,
    /// A call came to the other end before our digits counted as out: its first sign, and whether it was offered.
    early: Option<(Micros, bool)>,
    /// The probe that is being sent.
    playing: Option<PlayId>,
    effects: VecDeque<Effect>,
    outcome: Option<Outcome>,
}

impl Visit {
    /// Begins. Numbers are those that are dialled; at least one of them is there.
    pub fn new(now: Micros, order: Order) -> Visit {
        let line = |name: &str| Line { name: name.into(), lent: None, ear: Ear::default(), idle: true, ended_by: None };
        let mut plan = VecDeque::new();
        if !order.number.is_empty() {
            plan.push_back(Way::Called);
        }
        if !order.with_number.is_empty() {
            plan.push_back(Way::Calling);
        }
        let mut visit = Visit {
            lines: [line(&order.line), line(&order.with)],
            order,
            plan,
            step: Step::Lending,
            until: now + LENDING_LIMIT,
            ends_at: now + VISIT_LIMIT,
            began: None,
            calls: Vec::new(),
            in_use: false,
            next_name: FIRST_NAME,
            early: None,
            playing: None,
            effects: VecDeque::new(),
            outcome: None,
        };
        let dialable = |number: &str| Digits::try_from(number).is_ok();
        if visit.order.line == visit.order.with {
            visit.fails(now, "a line cannot call itself: name another one".into());
        } else if visit.plan.is_empty() {
            visit.fails(now, "the number of one of the two lines is needed, as the other one dials it".into());
        } else if !dialable(&visit.order.number) || !dialable(&visit.order.with_number) {
            visit.fails(now, "a number has 40 digits at most".into());
        } else {
            visit.wish(Which::Examined, Wish::Lend);
            visit.wish(Which::Other, Wish::Lend);
        }
        visit
    }

    /// What the visit has come to, once it is over and every effect is fetched.
    pub fn outcome(&self) -> Option<&Outcome> {
        self.outcome.as_ref().filter(|_| self.effects.is_empty())
    }

    /// The next thing that is wanted.
    pub fn poll(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// When to handle [`Event::Timer`].
    pub fn deadline(&self) -> Option<Micros> {
        self.outcome.is_none().then(|| self.until.min(self.ends_at).min(self.next_look()))
    }

    /// Whether an event of the switch is for this visit.
    pub fn is_concerned(event: &SwitchEvent) -> bool {
        match event {
            SwitchEvent::Audio { tap, .. }
            | SwitchEvent::Speaks { tap, .. }
            | SwitchEvent::Quiet { tap, .. }
            | SwitchEvent::TapEnded { tap, .. } => tap.0 >= FIRST_NAME,
            SwitchEvent::Started { play, .. }
            | SwitchEvent::Room { play, .. }
            | SwitchEvent::Played { play, .. }
            | SwitchEvent::Marked { play, .. }
            | SwitchEvent::Starved { play, .. } => play.0 >= FIRST_NAME,
            SwitchEvent::Key { .. } => false,
        }
    }

    /// Something happened. Fetch [`Visit::poll`] until `None` afterwards.
    pub fn handle(&mut self, now: Micros, event: Event) {
        if self.outcome.is_some() {
            return;
        }
        match event {
            Event::Examined(examined) => self.examined(*examined),
            Event::Switch(event) => self.switched(&event),
            Event::Timer => {}
        }
        if now >= self.ends_at && self.outcome.is_none() {
            self.fails(now, format!("not done within {} s", VISIT_LIMIT.as_s()));
        }
        for _ in 0..STEPS_AT_ONCE {
            if self.outcome.is_some() || !self.goes_on(now) {
                return;
            }
        }
    }

    /// Ends it: whoever waits has gone.
    pub fn stop(&mut self, now: Micros) {
        if self.outcome.is_none() {
            self.fails(now, "stopped".into());
        }
    }

    fn examined(&mut self, examined: Examined) {
        let Examined { line, port, at, seen } = examined;
        let Some(which) = [Which::Examined, Which::Other].into_iter().find(|which| self.line(*which).name == line)
        else {
            return;
        };
        self.line_mut(which).ear.port = Some(port);
        match seen {
            Seen::Lent(lent) => {
                self.began.get_or_insert(at);
                let line = self.line_mut(which);
                line.ear.law = lent.law;
                line.lent = Some(*lent);
            }
            Seen::Refused { in_use, text } => {
                self.in_use |= in_use;
                self.fails(at, text);
            }
            Seen::Attached => self.listens(which),
            Seen::Lost => self.fails(at, format!("{line}: its channel is gone")),
            Seen::Over(_) => {
                self.is_over(at, which);
            }
            Seen::Told(Told::Idle) => self.line_mut(which).idle = true,
            Seen::Told(Told::Ended { sign, .. }) => self.line_mut(which).ended_by = Some(sign),
            seen => self.saw(at, which, &seen),
        }
    }

    /// The line's sound has just come to the switch.
    fn listens(&mut self, which: Which) {
        let tap = TapId(self.name());
        let ear = &mut self.line_mut(which).ear;
        ear.begins(tap);
        if let Some(port) = ear.port {
            self.effects.push_back(Effect::Switch(Command::Tap { port, tap, both: false, quiet_ms: 0 }));
        }
    }

    fn switched(&mut self, event: &SwitchEvent) {
        match event {
            SwitchEvent::Audio { tap, data, .. } => {
                for line in &mut self.lines {
                    line.ear.hears(*tap, data);
                }
            }
            SwitchEvent::Started { play, .. } if self.playing == Some(*play) => {
                self.lines.iter_mut().for_each(|line| line.ear.probe_began());
            }
            _ => {}
        }
    }

    /// Sends a probe from one line.
    fn sends(&mut self, which: Which, octets: &[u8]) {
        let play = PlayId(self.name());
        let Some(port) = self.line(which).ear.port else {
            return;
        };
        self.playing = Some(play);
        let mut commands = vec![Command::Play { port, play }];
        for chunk in octets.chunks(tipring_switch::FEED) {
            let mut data = [0; tipring_switch::FEED];
            data[..chunk.len()].copy_from_slice(chunk);
            commands.push(Command::Feed { play, port, len: chunk.len() as u8, data });
        }
        commands.push(Command::FeedEnd { play, port });
        self.effects.extend(commands.into_iter().map(Effect::Switch));
    }

    fn wish(&mut self, which: Which, wish: Wish) {
        let line = self.line(which).name.clone();
        self.effects.push_back(Effect::Examine(Examine { line, wish }));
    }

    fn tells(&mut self, text: impl Into<String>) {
        self.effects.push_back(Effect::Progress(text.into()));
    }

    fn fails(&mut self, now: Micros, why: String) {
        self.ends(now, Some(why));
    }

    /// The lines go back, whatever they do.
    fn ends(&mut self, now: Micros, failure: Option<String>) {
        if self.outcome.is_some() {
            return;
        }
        for which in [Which::Examined, Which::Other] {
            self.wish(which, Wish::Return);
        }
        let lent = self.line(Which::Examined).lent.as_ref();
        self.outcome = Some(Outcome {
            settings: lent.map(|lent| Settings::of(&lent.config, lent.receive_gain_db)),
            calls: std::mem::take(&mut self.calls),
            failure,
            in_use: self.in_use,
            line_time: self.began.map_or(Micros::ZERO, |began| now.since(began)),
        });
    }

    fn name(&mut self) -> u64 {
        self.next_name += 1;
        self.next_name
    }

    fn line(&self, which: Which) -> &Line {
        &self.lines[which as usize]
    }

    fn line_mut(&mut self, which: Which) -> &mut Line {
        &mut self.lines[which as usize]
    }

    fn law(&self, which: Which) -> Law {
        self.line(which).ear.law
    }
}

/// Steps that one event may bring at most.
const STEPS_AT_ONCE: usize = 8;
