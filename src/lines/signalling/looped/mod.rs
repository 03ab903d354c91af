//! An analogue line on its card. At rest the channel is held open here and only its events are fetched; for the length
//! of a call it goes to the media side with a handset, and a [`Control`] left here moves the hook. Ring, dial and
//! hang-up are [`Fxo`]'s.
//!
//! Taking the channel back means closing and opening it: a close puts it on hook and forgets all, and the kernel does
//! not tell rings for two seconds after. The machine does not hear of it: to it the channel was there all the time.
//!
//! Here is a line's state; `channel` is its side towards the card, `calls` the one towards the router.

mod calls;
mod channel;

use tipring_analog::{Config, Fxo, Input, Listen, Output};
use tipring_card::{Cause, Channel, ChannelId, ChannelInfo, Control, Law, Micros, SpanId};
use tipring_switch::Port;

use super::SignallingAction;
use super::lent::Loan;
use crate::config::AnalogLine;
use crate::flight::{self, CallOver, Flight, Kind, What};
use crate::gain::Gains;
use crate::groups::Availability;

/// Rings are not told for this long after an opening: a line that may be ringing is not seized.
const DEAF: Micros = Micros::from_s(2);
/// The media side closes the channel a moment after it was asked to; until then it is busy.
const REOPEN_AFTER_CALL: Micros = Micros::from_ms(20);
/// It is looked for so often before the line counts as lost: a second.
const REOPEN_TRIES: u8 = 50;
/// Outputs that one input may bring: a machine that gives more is broken and is not listened to for ever.
const OUTPUTS_A_STEP: usize = 64;
/// Timers that may be due at one moment.
const TIMERS_A_STEP: usize = 16;

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
    pub span: String,
    pub name: String,
    pub timeslot: u8,
    pub law: Law,
    id: ChannelId,
    span_id: SpanId,
    /// What the machine was made with.
    settings: AnalogLine,
    /// Of these settings.
    gains: Gains,
    /// Other settings, as soon as the line has no call.
    wanted: Option<AnalogLine>,
    /// The doctor has it.
    pub lent: Option<Loan>,
    fxo: Fxo,
    pub flight: Flight,
    port: Port,
    used: Use,
    /// The channel, at rest.
    channel: Option<Box<dyn Channel>>,
    /// The hook, while the channel is open anywhere.
    control: Option<Box<dyn Control>>,
    at_media: bool,
    listen: Listen,
    /// The machine knows of no channel: it was never opened, or is gone.
    lost: bool,
    /// A use is over, and nobody was told yet that the line may be taken again.
    resting: bool,
    rested_since: Micros,
    /// Rings would not be told before then.
    deaf_until: Option<Micros>,
    /// By its events: a port without battery.
    port_alarm: bool,
    /// As its span was last seen.
    span_alarm: bool,
    reopen_at: Micros,
    reopen_tries: u8,
    /// The last opening failed, and that was said.
    complained: bool,
}

impl Looped {
    pub fn new(span: String, name: String, channel: &ChannelInfo, index: u16, settings: AnalogLine) -> Self {
        Looped {
            span,
            name,
            timeslot: channel.timeslot,
            law: channel.law,
            id: channel.id,
            span_id: channel.span,
            fxo: Fxo::new(settings.config.clone()),
            flight: Flight::default(),
            gains: gains_of(channel.law, &settings),
            settings,
            wanted: None,
            lent: None,
            port: Port { index, generation: 0 },
            used: Use::Nothing,
            channel: None,
            control: None,
            at_media: false,
            listen: Listen::Off,
            lost: true,
            resting: false,
            rested_since: Micros::ZERO,
            deaf_until: None,
            port_alarm: false,
            span_alarm: false,
            reopen_at: Micros::ZERO,
            reopen_tries: 0,
            complained: false,
        }
    }

    /// Other settings, or the old ones again.
    pub fn want(&mut self, settings: AnalogLine) {
        self.wanted = Some(settings).filter(|settings| *settings != self.settings);
    }

    /// Something is wanted that waits for the end of a call.
    pub fn waits(&self) -> bool {
        self.wanted.is_some()
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

    /// Takes over what is wanted, if the line has no call and none is about to come.
    fn take_settings(&mut self) -> bool {
        if self.lent.is_some() || self.used != Use::Nothing || !(self.lost || self.fxo.is_idle() || self.alarm()) {
            return false;
        }
        let Some(settings) = self.wanted.take() else {
            return false;
        };
        self.fxo.configure(settings.config.clone());
        self.gains = gains_of(self.law, &settings);
        self.settings = settings;
        true
    }

    pub fn port(&self) -> Port {
        self.port
    }

    pub fn idle_channel(&self) -> Option<&dyn Channel> {
        self.channel.as_deref()
    }

    fn is_open(&self) -> bool {
        self.channel.is_some() || self.at_media
    }

    fn alarm(&self) -> bool {
        self.port_alarm || self.span_alarm
    }

    pub fn is_in_order(&self) -> bool {
        self.is_open() && !self.alarm()
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
            Use::Nothing if self.lost => "down",
            Use::Nothing if self.alarm() => "alarm",
            Use::Nothing if self.lent.is_some() => "examined",
            Use::Nothing if self.resting => "resting",
            Use::Nothing => "idle",
        }
    }

    pub fn availability(&self, now: Micros) -> Availability {
        match self.used {
            _ if self.alarm() || self.lost => Availability::Down,
            _ if self.lent.is_none() && self.is_free(now) => Availability::Free(self.rested_since),
            _ => Availability::Busy,
        }
    }

    /// Whether it could be seized now, lent or not.
    fn is_free(&self, now: Micros) -> bool {
        let deaf = self.deaf_until.is_some_and(|until| now < until);
        let in_order = !self.alarm() && !self.lost;
        in_order && self.used == Use::Nothing && self.channel.is_some() && self.fxo.is_idle() && !deaf
    }

    pub fn deadline(&self) -> Option<Micros> {
        let reopen = (!self.is_open()).then_some(self.reopen_at);
        self.fxo.deadline().into_iter().chain(reopen).chain(self.deaf_until).min()
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

    /// What the machine wants next.
    fn wants(&mut self, now: Micros) -> Option<Output> {
        let output = self.fxo.poll()?;
        self.flight.line_gives(now, &output);
        Some(output)
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
    fn is_told(&self) -> bool {
        matches!(self.used, Use::Incoming { told: true, .. } | Use::Outgoing { .. })
    }

    /// A new use begins; what is on the media side goes along.
    fn begin(&mut self, now: Micros, used: Use, actions: &mut Vec<SignallingAction>) {
        let from = self.port;
        self.port.generation = self.port.generation.wrapping_add(1);
        self.used = used;
        self.flight.begins(now, self.port.generation);
        if self.at_media {
            actions.push(SignallingAction::Rename { from, to: self.port });
        }
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
