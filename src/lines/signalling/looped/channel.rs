//! The channel of an analogue line: opened, held at rest, handed to the media side and taken back, its events, its hook,
//! its alarms and its loss.

use tipring_analog::{Command, Handset, Input, Listen};
use tipring_card::{BLOCK, CardError, Cause, Event as ChannelEvent, Hook, Micros, Progress, Setup};

use super::super::{EVENTS_A_STEP, REOPEN_EVERY, Signalling, SignallingAction};
use super::{DEAF, Looped, REOPEN_AFTER_CALL, REOPEN_TRIES, Use};

impl Signalling {
    pub(in crate::signalling) fn open_loop(&mut self, now: Micros, at: usize, actions: &mut Vec<SignallingAction>) {
        let looped = &mut self.loops[at];
        let opened = self.card.open(looped.id).and_then(|channel| channel.control().map(|control| (channel, control)));
        match opened {
            Ok((channel, control)) => {
                (looped.channel, looped.control) = (Some(channel), Some(control));
                looped.deaf_until = Some(now + DEAF);
                looped.port_alarm = false;
                looped.reopen_tries = 0;
                looped.complained = false;
                if std::mem::take(&mut looped.lost) {
                    looped.give(now, Input::Opened);
                    self.loop_outputs(now, at, actions);
                }
            }
            Err(error) if looped.lost => {
                looped.reopen_at = now + REOPEN_EVERY;
                if !std::mem::replace(&mut looped.complained, true) {
                    let text = format!("{}: cannot be opened yet: {error}", looped.name);
                    actions.push(SignallingAction::Note(text));
                }
            }
            Err(CardError::Busy) if looped.reopen_tries < REOPEN_TRIES => {
                looped.reopen_tries += 1;
                looped.reopen_at = now + REOPEN_AFTER_CALL;
            }
            Err(error) => {
                let text = format!("{}: cannot be opened again: {error}", looped.name);
                actions.push(SignallingAction::Note(text));
                self.loop_lost(now, at, actions);
            }
        }
    }

    pub(in crate::signalling) fn idle_events(&mut self, now: Micros, at: usize, actions: &mut Vec<SignallingAction>) {
        for _ in 0..EVENTS_A_STEP {
            let Some(channel) = &mut self.loops[at].channel else {
                return;
            };
            match channel.event() {
                Ok(Some(event)) => self.loop_event_of_channel(now, at, event, actions),
                Ok(None) => return,
                Err(CardError::Gone) => return self.loop_lost(now, at, actions),
                Err(_) => return,
            }
        }
    }

    /// Takes over the alarm state of the line's span.
    pub(in crate::signalling) fn look_loop(&mut self, now: Micros, at: usize, actions: &mut Vec<SignallingAction>) {
        if !self.loops[at].is_open() {
            return;
        }
        match self.card.span_status(self.loops[at].span_id) {
            Ok(status) => self.alarm(now, at, |looped| looped.span_alarm = status.alarms.is_down(), actions),
            Err(CardError::Gone | CardError::NoSuchChannel) => self.loop_lost(now, at, actions),
            Err(_) => {}
        }
    }

    /// A line in alarm carries nothing: its call is over.
    pub(in crate::signalling) fn alarm(
        &mut self,
        now: Micros,
        at: usize,
        change: impl FnOnce(&mut Looped),
        actions: &mut Vec<SignallingAction>,
    ) {
        let looped = &mut self.loops[at];
        let before = looped.alarm();
        change(looped);
        let on = looped.alarm();
        if before == on {
            return;
        }
        let text = format!("{}: {}", looped.name, if on { "alarm" } else { "alarm cleared" });
        actions.push(SignallingAction::Note(text));
        if !on {
            return self.restored(actions);
        }
        if self.loops[at].used != Use::Nothing {
            self.loop_over(now, at, Cause::OUT_OF_ORDER, false, actions);
            self.loops[at].give(now, Input::Command(Command::Hangup));
            self.loop_outputs(now, at, actions);
        }
    }

    /// The channel is gone, wherever it is.
    pub(in crate::signalling) fn loop_lost(&mut self, now: Micros, at: usize, actions: &mut Vec<SignallingAction>) {
        let looped = &mut self.loops[at];
        if std::mem::replace(&mut looped.lost, true) {
            return;
        }
        actions.push(SignallingAction::Note(format!("{}: the channel is gone", looped.name)));
        if std::mem::take(&mut looped.at_media) {
            actions.push(SignallingAction::Detach { port: looped.port });
        }
        (looped.channel, looped.control) = (None, None);
        looped.reopen_at = now + REOPEN_EVERY;
        looped.reopen_tries = 0;
        looped.give(now, Input::Lost);
        self.loop_outputs(now, at, actions);
        self.loop_over(now, at, Cause::OUT_OF_ORDER, false, actions);
    }

    pub(in crate::signalling) fn move_hook(&mut self, now: Micros, at: usize, hook: Hook) {
        let looped = &mut self.loops[at];
        // Without a channel the line is on hook, and the machine hears of the loss.
        let Some(control) = &mut looped.control else {
            return;
        };
        match control.hook(hook) {
            // A card that seizes at once has nothing to report later.
            Ok(Progress::Done) if hook == Hook::Start => {
                looped.give(now, Input::Line(ChannelEvent::HookComplete));
            }
            Ok(_) => {}
            Err(_) => looped.give(now, Input::HookFailed),
        }
    }

    /// The channel goes to the media side, primed, with ear and mouth.
    pub(in crate::signalling) fn hand_over(&mut self, now: Micros, at: usize, actions: &mut Vec<SignallingAction>) {
        if self.loops[at].used == Use::Nothing && !self.loops[at].at_media {
            // A ring whose caller is still to be heard: the lease begins, the router hears of it later.
            self.loops[at].begin(now, Use::Incoming { told: false, answered: false }, actions);
        }
        let Some(mut channel) = self.loops[at].channel.take() else {
            return;
        };
        let primed = channel.setup(Setup::Audio(self.loops[at].law)).and_then(|()| {
            let silence = [self.loops[at].law.silence(); BLOCK];
            for _ in 0..self.prefill {
                if channel.write(&silence) == Err(CardError::EventPending) {
                    // Not thrown away: the ring or the seizure that brought us here goes on.
                    for _ in 0..EVENTS_A_STEP {
                        let Ok(Some(event)) = channel.event() else {
                            break;
                        };
                        self.loops[at].give(now, Input::Line(event));
                    }
                    channel.write(&silence)?;
                }
            }
            Ok(())
        });
        if let Err(error) = primed {
            actions.push(SignallingAction::Note(format!("{}: no audio: {error}", self.loops[at].name)));
            self.loops[at].channel = Some(channel);
            return self.loop_lost(now, at, actions);
        }
        let looped = &mut self.loops[at];
        let mut handset = Box::new(Handset::new(looped.law, looped.settings.config.zone));
        handset.listen(looped.listen);
        looped.at_media = true;
        let (port, law, gains) = (looped.port, looped.law, looped.gains.clone());
        actions.push(SignallingAction::Attach { port, law, channel, handset: Some(handset), gains });
        if let Some(loan) = &mut looped.lent {
            loan.attached(now);
        }
    }

    pub(in crate::signalling) fn take_back(&mut self, now: Micros, at: usize, actions: &mut Vec<SignallingAction>) {
        let looped = &mut self.loops[at];
        if std::mem::take(&mut looped.at_media) {
            actions.push(SignallingAction::Detach { port: looped.port });
            looped.control = None;
            looped.listen = Listen::Off;
            looped.reopen_at = now + REOPEN_AFTER_CALL;
            if looped.used == (Use::Incoming { told: false, answered: false }) {
                // Signs of a ring that did not come.
                looped.rest(now);
            }
        }
    }
}
