//! An analogue line on its card. At rest its channel is held open and only its events are fetched; for the length of a
//! call it goes to the media side with a handset, while the hook is moved from here. Ring, dial and hang-up are [`Fxo`]'s.
//!
//! The kernel does not tell rings for two seconds after an opening, so also after a call.
//!
//! Here is a line's state; `channel` is its side towards the card, `calls` the one towards the router.

mod calls;
mod channel;

use tipring_analog::{Config, Fxo, Input, Listen};
use tipring_card::{Cause, Law, Micros};
use tipring_switch::Port;

use super::SignallingAction;
use super::held::Held;
use super::lent::Loan;
use super::line::Line;
use super::settings::Settings;
use crate::config::AnalogLine;
use crate::flight::{self, CallOver, Flight, Kind, What};
use crate::gain::Gains;
use crate::groups::Availability;

/// Rings are not told for this long after an opening: a line that may be ringing is not seized.
const DEAF: Micros = Micros::from_s(2);

/// What the line is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    Nothing,
    /// It rings, or did and was answered. `told`: the router knows of it.
    Incoming {
        told: bool,
        answered: bool,
    },
    Outgoing {
        early: bool,
        ringing: bool,
        answered: bool,
    },
}

pub(super) struct Looped {
    pub held: Held,
    pub settings: Settings<AnalogLine>,
    /// Of these settings.
    gains: Gains,
    /// The doctor has it.
    pub lent: Option<Loan>,
    fxo: Fxo,
    pub flight: Flight,
    used: Use,
    listen: Listen,
    /// A use is over, and nobody was told yet that the line may be taken again.
    resting: bool,
    rested_since: Micros,
    /// Rings would not be told before then.
    deaf_until: Option<Micros>,
}

impl Looped {
    pub fn new(held: Held, settings: AnalogLine) -> Self {
        Looped {
            fxo: Fxo::new(settings.config.clone()),
            gains: gains_of(held.law, &settings),
            held,
            settings: Settings::new(settings),
            lent: None,
            flight: Flight::default(),
            used: Use::Nothing,
            listen: Listen::Off,
            resting: false,
            rested_since: Micros::ZERO,
            deaf_until: None,
        }
    }

    /// Its machine goes on with other settings, until [`Looped::comes_home`]; the real ones are given.
    pub fn lends(&mut self, loan: Loan, change: impl FnOnce(&Config) -> Config) -> AnalogLine {
        self.fxo.configure(change(&self.settings.config));
        self.lent = Some(loan);
        self.settings.clone()
    }

    /// Nobody has lent it any more.
    pub fn comes_home(&mut self) {
        self.lent = None;
        self.fxo.configure(self.settings.config.clone());
    }

    pub fn port(&self) -> Port {
        self.held.port()
    }

    pub fn is_in_order(&self) -> bool {
        self.held.is_open() && !self.held.in_alarm()
    }

    pub fn is_busy(&self) -> bool {
        self.used != Use::Nothing || self.resting
    }

    pub fn counters(&self) -> tipring_analog::Counters {
        self.fxo.counters()
    }

    pub fn word(&self) -> &'static str {
        match self.used {
            Use::Incoming { answered: true, .. } | Use::Outgoing { answered: true, .. } => "in call",
            Use::Incoming { .. } => "ringing",
            Use::Outgoing { ringing: true, .. } => "ringing",
            Use::Outgoing { .. } => "dialling",
            Use::Nothing if self.held.is_gone() => "down",
            Use::Nothing if self.held.in_alarm() => "alarm",
            Use::Nothing if self.lent.is_some() => "examined",
            Use::Nothing if self.resting => "resting",
            Use::Nothing => "idle",
        }
    }

    pub fn availability(&self, now: Micros) -> Availability {
        match self.used {
            _ if self.held.in_alarm() || self.held.is_gone() => Availability::Down,
            _ if self.lent.is_none() && self.is_free(now) => Availability::Free(self.rested_since),
            _ => Availability::Busy,
        }
    }

    /// Whether it could be seized now, lent or not.
    fn is_free(&self, now: Micros) -> bool {
        let deaf = self.deaf_until.is_some_and(|until| now < until);
        let has_channel = self.held.is_at_rest() && !self.held.in_alarm();
        has_channel && self.used == Use::Nothing && self.fxo.is_idle() && !deaf
    }

    pub fn deadline(&self) -> Option<Micros> {
        self.due().into_iter().chain(self.deaf_until).min()
    }

    /// The machine takes this; the recorder too.
    pub(super) fn give(&mut self, now: Micros, input: Input) {
        let before = self.fxo.state();
        let timed = input == Input::Timer;
        if let Some(loan) = &mut self.lent {
            loan.takes(now, &input);
        }
        self.flight.line_takes(now, &input);
        self.fxo.handle(now, input);
        self.flight.state(now, before, self.fxo.state(), timed);
    }

    /// The moments of the call that is about to be over, in a line.
    fn summary(&mut self, now: Micros, cause: Cause, by_far_end: bool) -> String {
        self.flight.note(now, Kind::Call, What::Cleared { cause, by_far_end });
        if let Some(loan) = &mut self.lent {
            loan.over(now, cause);
        }
        let over = CallOver { now, dialled: matches!(self.used, Use::Outgoing { .. }) };
        flight::of_line(&self.flight, self.fxo.record(), over)
    }

    /// The router knows of the present use by its lease.
    pub(super) fn is_told(&self) -> bool {
        matches!(self.used, Use::Incoming { told: true, .. } | Use::Outgoing { .. })
    }

    /// A new use begins, with a lease of its own.
    fn begin(&mut self, now: Micros, used: Use, actions: &mut Vec<SignallingAction>) {
        self.used = used;
        let lease = self.held.renew(actions);
        self.flight.begins(now, lease.generation);
    }

    /// The use is over; the machine keeps the line from the next one for a while.
    fn rest(&mut self, now: Micros) {
        self.used = Use::Nothing;
        self.resting = true;
        self.rested_since = now;
    }
}

fn gains_of(law: Law, settings: &AnalogLine) -> Gains {
    Gains::new(law, settings.receive_gain_db, settings.send_gain_db)
}
