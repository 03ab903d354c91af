//! The monthly test of the relays: one after the other, and only while nobody is on the phone. It waits for that as long as
//! it takes, also in the middle, and tells once that it waits. What day it is it is told.

use crate::time::Millis;
use crate::words::{MAX_RELAYS, Outcome};

/// A result is waited for so long; then the test is asked for again, under the same name.
const RESULT_AFTER: Millis = Millis(500);
/// So often a relay's test is asked for or begun anew, then it counts as interrupted.
const TRIES: u8 = 5;

/// A day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    /// Year.
    pub year: u16,
    /// Month, from one.
    pub month: u8,
    /// Day of the month, from one.
    pub day: u8,
}

/// When relays are tested.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Policy {
    /// Once in every month of the calendar.
    #[default]
    Monthly,
    /// Only when somebody asks.
    Never,
}

/// How a test of all relays went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    /// On which day it ended, if anybody has said.
    pub day: Option<Date>,
    /// How it went for each relay; `None`: the board has no such relay.
    pub outcomes: [Option<Outcome>; MAX_RELAYS],
}

impl Report {
    /// No relay that has a contact has failed.
    pub fn passed(&self) -> bool {
        self.outcomes.iter().flatten().all(|outcome| matches!(outcome, Outcome::Passed | Outcome::NoContact))
    }
}

/// What the test wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Nothing now.
    Nothing,
    /// The test of a relay.
    Test { relay: u8, test: u8 },
    /// The owner is to know that it waits.
    Waits,
    /// It is over.
    Over(Report),
}

/// The test of all relays.
pub(super) struct SelfTest {
    policy: Policy,
    last: Option<Date>,
    today: Option<Date>,
    calls: u32,
    asked: bool,
    waits: bool,
    /// Name of the next relay's test.
    name: u8,
    run: Option<Run>,
}

struct Run {
    relay: u8,
    tries: u8,
    /// Asked for; its result is waited for until then.
    until: Option<Millis>,
    outcomes: [Option<Outcome>; MAX_RELAYS],
}

impl SelfTest {
    pub(super) fn new(policy: Policy, last: Option<Date>) -> Self {
        SelfTest { policy, last, today: None, calls: 0, asked: false, waits: false, name: 0, run: None }
    }

    pub(super) fn calls(&mut self, calls: u32) {
        self.calls = calls;
    }

    pub(super) fn today(&mut self, date: Date) {
        self.today = Some(date);
    }

    pub(super) fn ask(&mut self) {
        self.asked = true;
    }

    /// What is to be done now, on a board with so many relays.
    pub(super) fn next(&mut self, now: Millis, relays: u8, fed: bool) -> Step {
        if self.run.is_none() {
            if !self.is_due() || relays == 0 {
                return Step::Nothing;
            }
            if self.calls > 0 {
                return if core::mem::replace(&mut self.waits, true) { Step::Nothing } else { Step::Waits };
            }
            self.run = Some(Run { relay: 0, tries: 0, until: None, outcomes: [None; MAX_RELAYS] });
        }
        let Some(run) = &mut self.run else { return Step::Nothing };
        if run.until.is_some_and(|until| until <= now) {
            run.until = None;
            if run.tries >= TRIES {
                self.put_down(Outcome::Interrupted);
            }
        }
        let Some(run) = &mut self.run else { return Step::Nothing };
        if run.relay >= relays {
            return self.over();
        }
        if run.until.is_some() || self.calls > 0 || !fed {
            return Step::Nothing;
        }
        run.tries += 1;
        run.until = Some(now + RESULT_AFTER);
        Step::Test { relay: run.relay, test: self.name }
    }

    pub(super) fn next_at(&self) -> Option<Millis> {
        self.run.as_ref().and_then(|run| run.until)
    }

    /// A result. One that nobody waits for is nothing.
    pub(super) fn result(&mut self, relay: u8, test: u8, outcome: Outcome) -> bool {
        let Some(run) = self.run.as_mut().filter(|run| (run.relay, self.name) == (relay, test)) else { return false };
        if outcome == Outcome::Interrupted && run.tries < TRIES {
            run.until = None;
            self.name = self.name.wrapping_add(1);
        } else {
            self.put_down(outcome);
        }
        true
    }

    /// The link is lost: what was asked for is asked for again.
    pub(super) fn unanswered(&mut self) {
        if let Some(run) = &mut self.run {
            run.until = None;
        }
    }

    fn is_due(&self) -> bool {
        let month = |date: Date| (date.year, date.month);
        let due = self.today.is_some_and(|today| self.last.is_none_or(|last| month(last) != month(today)));
        self.asked || due && self.policy == Policy::Monthly
    }

    fn put_down(&mut self, outcome: Outcome) {
        let Some(run) = &mut self.run else { return };
        if let Some(place) = run.outcomes.get_mut(usize::from(run.relay)) {
            *place = Some(outcome);
        }
        (run.relay, run.tries, run.until) = (run.relay + 1, 0, None);
        self.name = self.name.wrapping_add(1);
    }

    fn over(&mut self) -> Step {
        let Some(run) = self.run.take() else { return Step::Nothing };
        (self.asked, self.waits, self.last) = (false, false, self.today.or(self.last));
        Step::Over(Report { day: self.today, outcomes: run.outcomes })
    }
}
