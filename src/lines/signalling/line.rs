//! A line on a channel that is held: what every kind of it goes through, step by step, between its [`Held`] and its
//! machine. What the machine is and what a call is on such a line is each kind's own; it says so as a [`Line`].

use tipring_analog::{Handset, Heard};
use tipring_card::{CardError, Event, Hook, Micros};
use tipring_switch::Port;

use super::held::{Alarms, Held, Opened, Tidings};
use super::{EVENTS_A_STEP, Signalling, SignallingAction};
use crate::gain::Gains;
use crate::media::LineNews;

/// Outputs that one input may bring: a machine that gives more is broken and is not listened to for ever.
const OUTPUTS_A_STEP: usize = 64;
/// Timers that may be due at one moment.
const TIMERS_A_STEP: usize = 16;

/// A kind of line: a machine beside a held channel. The functions over [`Signalling`] get the line's place in its list.
pub(super) trait Line: Sized {
    /// What its machine wants.
    type Output;
    /// Alarms of its port and of its span say whether it carries anything.
    const HAS_ALARMS: bool;

    /// One of these lines.
    fn of(signalling: &mut Signalling, at: usize) -> &mut Self;
    fn held(&self) -> &Held;
    fn held_mut(&mut self) -> &mut Held;

    /// The machine takes this.
    fn takes(&mut self, now: Micros, tidings: Tidings);
    /// The machine takes what its handset heard.
    fn hears(&mut self, now: Micros, heard: Heard);
    /// What the machine wants next.
    fn wants(&mut self, now: Micros) -> Option<Self::Output>;
    /// When the machine's timer is due.
    fn timer(&self) -> Option<Micros>;
    /// Does what the machine wants.
    fn carry_out(
        signalling: &mut Signalling,
        now: Micros,
        at: usize,
        output: Self::Output,
        actions: &mut Vec<SignallingAction>,
    );

    /// Takes over what is wanted, if the line has no call and none is about to come. True: it did.
    fn take_settings(&mut self) -> bool;
    /// Ear and mouth for the channel, which is on its way to the media side.
    fn equip(&mut self, now: Micros) -> (Box<Handset>, Gains);
    /// The channel was opened, newly or again; the machine has not heard of it yet.
    fn was_opened(&mut self, _now: Micros) {}
    /// What no event has told, since it happened while the channel was closed. Asked behind each opening.
    fn missed(&mut self) -> Option<Event> {
        None
    }
    /// The line carries nothing any more, by its alarms.
    fn falls_silent(_signalling: &mut Signalling, _now: Micros, _at: usize, _actions: &mut Vec<SignallingAction>) {}
    /// The channel is gone, and the machine has heard of it.
    fn was_lost(_signalling: &mut Signalling, _now: Micros, _at: usize, _actions: &mut Vec<SignallingAction>) {}

    /// When channel or machine is to be looked at, at the latest.
    fn due(&self) -> Option<Micros> {
        self.timer().into_iter().chain(self.held().reopens()).min()
    }
}

impl Signalling {
    /// Settings, opening, events, alarms at a `look`, timers.
    pub(super) fn step_line<L: Line>(
        &mut self,
        now: Micros,
        at: usize,
        look: bool,
        actions: &mut Vec<SignallingAction>,
    ) {
        if L::of(self, at).take_settings() {
            actions.push(L::of(self, at).held().note("goes on with its new settings"));
        }
        if L::of(self, at).held().reopens().is_some_and(|reopens| reopens <= now) {
            self.open_line::<L>(now, at, actions);
        }
        self.idle_events::<L>(now, at, actions);
        if look && L::HAS_ALARMS {
            self.look_at_span::<L>(now, at, actions);
        }
        for _ in 0..TIMERS_A_STEP {
            if L::of(self, at).timer().is_none_or(|due| due > now) {
                break;
            }
            self.line_takes::<L>(now, at, Tidings::Timer, actions);
        }
    }

    fn open_line<L: Line>(&mut self, now: Micros, at: usize, actions: &mut Vec<SignallingAction>) {
        let id = L::of(self, at).held().id();
        let opened = self.card.open(id);
        let opened = L::of(self, at).held_mut().open(now, opened, actions);
        if matches!(opened, Opened::Found | Opened::Again) {
            L::of(self, at).was_opened(now);
        }
        match opened {
            Opened::Found => self.line_takes::<L>(now, at, Tidings::Opened, actions),
            Opened::Again => {}
            Opened::Lost => return self.lose_line::<L>(now, at, actions),
            Opened::NotYet => return,
        }
        if let Some(event) = L::of(self, at).missed() {
            self.line_takes::<L>(now, at, Tidings::Line(event), actions);
        }
    }

    /// The events of a channel at rest.
    pub(super) fn idle_events<L: Line>(&mut self, now: Micros, at: usize, actions: &mut Vec<SignallingAction>) {
        for _ in 0..EVENTS_A_STEP {
            let Some(event) = L::of(self, at).held_mut().event() else {
                return;
            };
            self.line_event::<L>(now, at, event, actions);
        }
    }

    fn line_event<L: Line>(&mut self, now: Micros, at: usize, event: Event, actions: &mut Vec<SignallingAction>) {
        match event {
            Event::Removed => return self.lose_line::<L>(now, at, actions),
            Event::Alarm | Event::AlarmCleared if L::HAS_ALARMS => {
                self.line_alarm::<L>(now, at, |alarms| alarms.port = event == Event::Alarm, actions);
            }
            _ => {}
        }
        self.line_takes::<L>(now, at, Tidings::Line(event), actions);
    }

    /// What the media side has of a line. It counts if the line's present lease is there.
    pub(super) fn line_news<L: Line>(
        &mut self,
        now: Micros,
        at: usize,
        port: Port,
        news: LineNews,
        actions: &mut Vec<SignallingAction>,
    ) {
        let line = L::of(self, at);
        if port != line.held().port() || !line.held().is_at_media() {
            return;
        }
        match news {
            LineNews::Event(event) => self.line_event::<L>(now, at, event, actions),
            LineNews::Heard(heard) => {
                line.hears(now, heard);
                self.line_outputs::<L>(now, at, actions);
            }
        }
    }

    /// Takes over the alarm state of the line's span.
    fn look_at_span<L: Line>(&mut self, now: Micros, at: usize, actions: &mut Vec<SignallingAction>) {
        let held = L::of(self, at).held();
        if !held.is_open() {
            return;
        }
        let span = held.span_id();
        match self.card.span_status(span) {
            Ok(status) => self.line_alarm::<L>(now, at, |alarms| alarms.span = status.alarms.is_down(), actions),
            Err(CardError::Gone | CardError::NoSuchChannel) => self.lose_line::<L>(now, at, actions),
            Err(_) => {}
        }
    }

    fn line_alarm<L: Line>(
        &mut self,
        now: Micros,
        at: usize,
        change: impl FnOnce(&mut Alarms),
        actions: &mut Vec<SignallingAction>,
    ) {
        match L::of(self, at).held_mut().alarm(change, actions) {
            Some(true) => L::falls_silent(self, now, at, actions),
            Some(false) => self.restored(actions),
            None => {}
        }
    }

    /// The channel is gone, wherever it is.
    pub(super) fn lose_line<L: Line>(&mut self, now: Micros, at: usize, actions: &mut Vec<SignallingAction>) {
        if L::of(self, at).held_mut().lose(now, actions) {
            self.line_takes::<L>(now, at, Tidings::Lost, actions);
            L::was_lost(self, now, at, actions);
        }
    }

    /// The channel goes to the media side, primed, with ear and mouth. Nothing, where it is not at rest.
    pub(super) fn hand_over<L: Line>(&mut self, now: Micros, at: usize, actions: &mut Vec<SignallingAction>) {
        let prefill = self.prefill;
        let line = L::of(self, at);
        if !line.held().is_at_rest() {
            return;
        }
        let mut events = Vec::new();
        let primed = line.held_mut().prime(prefill, |event| events.push(event));
        events.into_iter().for_each(|event| line.takes(now, Tidings::Line(event)));
        if let Err(error) = primed {
            actions.push(line.held().note(format_args!("no audio: {error}")));
            return self.lose_line::<L>(now, at, actions);
        }
        let (handset, gains) = line.equip(now);
        line.held_mut().attach(handset, gains, actions);
    }

    /// Moves the hook as the machine wants it, which hears what comes of that.
    pub(super) fn move_hook<L: Line>(&mut self, now: Micros, at: usize, hook: Hook) {
        let line = L::of(self, at);
        if let Some(tidings) = line.held_mut().hook(hook) {
            line.takes(now, tidings);
        }
    }

    fn line_takes<L: Line>(&mut self, now: Micros, at: usize, tidings: Tidings, actions: &mut Vec<SignallingAction>) {
        L::of(self, at).takes(now, tidings);
        self.line_outputs::<L>(now, at, actions);
    }

    /// Does all that the machine wants.
    pub(super) fn line_outputs<L: Line>(&mut self, now: Micros, at: usize, actions: &mut Vec<SignallingAction>) {
        for _ in 0..OUTPUTS_A_STEP {
            let Some(output) = L::of(self, at).wants(now) else {
                return;
            };
            L::carry_out(self, now, at, output, actions);
        }
        self.runaways += 1;
    }
}
