//! The channel of an analogue line: what is its own of the steps of a held channel.

use tipring_analog::{Command, Handset, Heard, Input, Listen, Output};
use tipring_card::{Cause, Micros};

use super::super::held::{Held, Tidings};
use super::super::line::Line;
use super::super::{Signalling, SignallingAction};
use super::{DEAF, Looped, Use, gains_of};
use crate::gain::Gains;

impl Line for Looped {
    type Output = Output;
    const HAS_ALARMS: bool = true;

    fn of(signalling: &mut Signalling, at: usize) -> &mut Self {
        &mut signalling.loops[at]
    }

    fn held(&self) -> &Held {
        &self.held
    }

    fn held_mut(&mut self) -> &mut Held {
        &mut self.held
    }

    fn takes(&mut self, now: Micros, tidings: Tidings) {
        let input = match tidings {
            Tidings::Opened => Input::Opened,
            Tidings::Lost => Input::Lost,
            Tidings::Line(event) => Input::Line(event),
            Tidings::HookFailed => Input::HookFailed,
            Tidings::Timer => Input::Timer,
        };
        self.give(now, input);
    }

    fn hears(&mut self, now: Micros, heard: Heard) {
        self.give(now, Input::Heard(heard));
    }

    fn wants(&mut self, now: Micros) -> Option<Output> {
        let output = self.fxo.poll()?;
        self.flight.line_gives(now, &output);
        Some(output)
    }

    fn timer(&self) -> Option<Micros> {
        self.fxo.deadline()
    }

    fn carry_out(
        signalling: &mut Signalling,
        now: Micros,
        at: usize,
        output: Output,
        actions: &mut Vec<SignallingAction>,
    ) {
        let looped = &mut signalling.loops[at];
        match output {
            Output::Hook(hook) => signalling.move_hook::<Looped>(now, at, hook),
            Output::Audio(true) => {
                if looped.used == Use::Nothing && !looped.held.is_at_media() {
                    // A ring whose caller is still to be heard: the lease begins, the router hears of it later.
                    looped.begin(now, Use::Incoming { told: false, answered: false }, actions);
                }
                signalling.hand_over::<Looped>(now, at, actions);
            }
            Output::Audio(false) => looped.take_back(now, actions),
            Output::Listen(listen) => {
                looped.listen = listen;
                if looped.held.is_at_media() {
                    actions.push(SignallingAction::Listen { port: looped.port(), listen });
                }
            }
            Output::Send(digits) => actions.push(SignallingAction::Send { port: looped.port(), digits }),
            Output::Event(event) => signalling.loop_event(now, at, event, actions),
        }
    }

    fn take_settings(&mut self) -> bool {
        let (gone, alarm) = (self.held.is_gone(), self.held.in_alarm());
        if self.lent.is_some() || self.used != Use::Nothing || !(gone || alarm || self.fxo.is_idle()) {
            return false;
        }
        let Some(settings) = self.settings.take() else {
            return false;
        };
        self.fxo.configure(settings.config.clone());
        self.gains = gains_of(self.held.law, settings);
        true
    }

    fn equip(&mut self, now: Micros) -> (Box<Handset>, Gains) {
        if let Some(loan) = &mut self.lent {
            loan.attached(now);
        }
        let mut handset = Box::new(Handset::new(self.held.law, self.settings.config.zone));
        handset.listen(self.listen);
        (handset, self.gains.clone())
    }

    fn was_opened(&mut self, now: Micros) {
        self.deaf_until = Some(now + DEAF);
    }

    fn falls_silent(signalling: &mut Signalling, now: Micros, at: usize, actions: &mut Vec<SignallingAction>) {
        if signalling.loops[at].used != Use::Nothing {
            signalling.loop_over(now, at, Cause::OUT_OF_ORDER, false, actions);
            signalling.loops[at].give(now, Input::Command(Command::Hangup));
            signalling.line_outputs::<Looped>(now, at, actions);
        }
    }

    fn was_lost(signalling: &mut Signalling, now: Micros, at: usize, actions: &mut Vec<SignallingAction>) {
        signalling.loop_over(now, at, Cause::OUT_OF_ORDER, false, actions);
    }
}

impl Looped {
    fn take_back(&mut self, now: Micros, actions: &mut Vec<SignallingAction>) {
        if self.held.take_back(now, actions) {
            self.listen = Listen::Off;
            if self.used == (Use::Incoming { told: false, answered: false }) {
                // Signs of a ring that did not come.
                self.rest(now);
            }
        }
    }
}
