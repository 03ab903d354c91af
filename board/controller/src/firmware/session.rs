//! The chip's side of a handshake: which service it serves, and which frames are of now.

use super::{Firmware, WATCHDOG_MS};
use crate::codec::Frame;
use crate::leds::Look;
use crate::time::Millis;
use crate::words::{HANDSHAKE, MAX_LEDS, NEWEST, OLDEST, Refusal, ToHost};

/// A session. It never ends by itself; the watchdog does what is to be done when its host is silent.
pub(super) struct Session {
    number: u16,
    service: u32,
    version: u8,
    /// Sequence of the newest frame that was taken.
    newest: u8,
}

impl Session {
    /// What stands in the head of its frames.
    pub(super) fn head(&self) -> (u16, u8) {
        (self.number, self.version)
    }
}

/// Whether a frame's sequence is not behind the newest one: the same frame again, or one that was overtaken.
fn is_behind(sequence: u8, newest: u8) -> bool {
    !(1..0x80).contains(&sequence.wrapping_sub(newest))
}

impl Firmware {
    pub(super) fn hello(&mut self, now: Millis, frame: &Frame, service: u32, theirs: [u8; 2], watchdog_ms: u16) {
        let version = theirs[1].min(NEWEST);
        if version < theirs[0].max(OLDEST) {
            // Nobody to talk with: the relays let go when the food is eaten.
            self.session = None;
            return self.welcome(frame.session, 0);
        }
        match &mut self.session {
            // The same hello again: its answer was lost.
            Some(session) if session.number == frame.session => {
                if !is_behind(frame.sequence, session.newest) {
                    session.newest = frame.sequence;
                }
            }
            session => {
                let known = session.as_ref().is_some_and(|session| session.service == service);
                *session = Some(Session { number: frame.session, service, version, newest: frame.sequence });
                if !known {
                    self.forget();
                }
            }
        }
        self.watchdog_ms = watchdog_ms.clamp(*WATCHDOG_MS.start(), *WATCHDOG_MS.end());
        self.welcome(frame.session, version);
        self.report(now);
        self.read_out(now);
    }

    /// A service that nothing is known of: it begins as after power on.
    fn forget(&mut self) {
        self.interrupt_test();
        self.tested = None;
        self.commanded = 0;
        self.tripped = false;
        self.starved = false;
        self.beat = None;
        self.fed_until = None;
        self.looks = [Look::DARK; MAX_LEDS];
    }

    fn welcome(&mut self, session: u16, version: u8) {
        let welcome = ToHost::Welcome {
            version,
            oldest: OLDEST,
            newest: NEWEST,
            board: self.board,
            reset: self.reset,
            watchdog_ms: self.watchdog_ms,
            status: self.status(),
        };
        self.tell_in(session, HANDSHAKE, &welcome);
    }

    /// Whether a frame is of the session and in its language.
    pub(super) fn admit(&self, frame: &Frame) -> Result<(), Refusal> {
        match &self.session {
            Some(session) if session.number != frame.session => Err(Refusal::NoSession),
            Some(session) if session.version != frame.version => Err(Refusal::Version),
            Some(_) => Ok(()),
            None => Err(Refusal::NoSession),
        }
    }

    /// Whether a frame of the session came already, or after a newer one. It is the newest from now on if not.
    pub(super) fn is_stale(&mut self, sequence: u8) -> bool {
        let Some(session) = &mut self.session else { return true };
        let stale = is_behind(sequence, session.newest);
        if !stale {
            session.newest = sequence;
        }
        stale
    }
}
