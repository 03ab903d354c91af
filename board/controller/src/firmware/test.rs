//! The test of a relay: release it, look at its contact, energise it, look again, and leave it as it is commanded. The line
//! changes sides twice for as long as a relay takes; the host asks for it only when nobody is on the phone.

use super::Firmware;
use crate::time::Millis;
use crate::words::{Outcome, Refusal, ToHost};

/// From the moment a coil changes until its contact must have followed: a relay takes ten, and bounces.
pub const SETTLE: Millis = Millis(50);

/// A test under way.
pub(super) struct Test {
    relay: u8,
    test: u8,
    step: Step,
    until: Millis,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Released,
    Energised,
}

/// A test that is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Done {
    relay: u8,
    test: u8,
    outcome: Outcome,
}

impl Done {
    pub(super) fn message(self) -> ToHost {
        ToHost::TestResult { relay: self.relay, test: self.test, outcome: self.outcome }
    }
}

impl Test {
    pub(super) fn until(&self) -> Millis {
        self.until
    }

    pub(super) fn is_of(&self, relay: u8) -> bool {
        self.relay == relay
    }

    /// The coils while it lasts.
    pub(super) fn level(&self, commanded: u8) -> u8 {
        let bit = self.bit();
        match self.step {
            Step::Released => commanded & !bit,
            Step::Energised => commanded | bit,
        }
    }

    fn bit(&self) -> u8 {
        1_u8.checked_shl(self.relay.into()).unwrap_or(0)
    }
}

impl Firmware {
    /// Begins a test, or finds that it is over already.
    pub(super) fn begin_test(&mut self, now: Millis, relay: u8, test: u8) -> Result<Option<Done>, Refusal> {
        let bit = self.bit_of(relay)?;
        if let Some(running) = &self.test {
            return if (running.relay, running.test) == (relay, test) { Ok(None) } else { Err(Refusal::Busy) };
        }
        if let Some(done) = self.tested.filter(|done| (done.relay, done.test) == (relay, test)) {
            return Ok(Some(done));
        }
        if self.fed_until.is_none() {
            return Err(Refusal::Hungry);
        }
        if self.board.sensed & bit == 0 {
            let done = Done { relay, test, outcome: Outcome::NoContact };
            self.tested = Some(done);
            return Ok(Some(done));
        }
        self.test = Some(Test { relay, test, step: Step::Released, until: now + SETTLE });
        Ok(None)
    }

    /// The next step, if it is time.
    pub(super) fn test_on(&mut self, now: Millis) {
        let Some(test) = self.test.as_mut().filter(|test| test.until <= now) else { return };
        let closed = self.contacts & test.bit() != 0;
        match (test.step, closed) {
            (Step::Released, true) => self.end_test(Outcome::StuckEnergised),
            (Step::Released, false) => (test.step, test.until) = (Step::Energised, now + SETTLE),
            (Step::Energised, true) => self.end_test(Outcome::Passed),
            (Step::Energised, false) => self.end_test(Outcome::StuckReleased),
        }
    }

    pub(super) fn interrupt_test(&mut self) {
        self.end_test(Outcome::Interrupted);
    }

    fn end_test(&mut self, outcome: Outcome) {
        let Some(test) = self.test.take() else { return };
        let done = Done { relay: test.relay, test: test.test, outcome };
        self.tested = Some(done);
        self.tell(done.message());
    }
}
