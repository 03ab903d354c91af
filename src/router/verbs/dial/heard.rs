//! What the caller hears before the bridge, and what is recorded of both.

use tipring_switch::{Command as SwitchCommand, PlayId, Port, Tone};

use super::Dialling;
use crate::effects::{Effect, Track, ZoneId};
use crate::fetch::method_of;
use crate::recording::{Ear, Side, Take, Wish};
use crate::world::TaskId;

impl Dialling<'_> {
    pub(super) fn ring_back(&mut self) {
        if self.ringback.is_some() || !self.leg.is_answered() {
            return;
        }
        let mut world = self.leg.world();
        world.unbridge(self.leg.task);
        let zone = self.dial.ring_tone.as_deref().and_then(ZoneId::of).unwrap_or(world.config.zone);
        let play = PlayId(world.id());
        let Some(session) = world.sessions.get_mut(&self.leg.task).filter(|session| !session.over) else {
            return;
        };
        let Some(port) = session.lease else { return };
        session.sound = Some((None, play));
        world.routes.plays.insert(play, self.leg.task);
        world.emit(Effect::Switch(SwitchCommand::Play { port, play }));
        world.emit(Effect::Switch(SwitchCommand::Tone { play, port, tone: Tone::Ringback(zone) }));
        drop(world);
        self.ringback = Some(play);
        if self.dial.record.from_ringing && self.take.is_none() {
            self.record();
        }
    }

    pub(super) fn stop_ringback(&mut self) {
        if let Some(play) = self.ringback.take() {
            let mut world = self.leg.world();
            world.routes.plays.remove(&play);
            if let Some(session) = world.sessions.get_mut(&self.leg.task)
                && session.sound.is_some_and(|(_, sounding)| sounding == play)
            {
                session.sound = None;
                if let Some(port) = session.lease {
                    world.emit(Effect::Switch(SwitchCommand::Stop { play, port }));
                }
            }
        }
    }

    /// The caller hears what the only leg's far end sends.
    pub(super) fn let_hear(&mut self, child: TaskId) {
        if !self.leg.is_answered() {
            return;
        }
        self.stop_ringback();
        if let Some((ours, theirs)) = self.ports(child) {
            self.leg.world().connect(self.leg.task, ours, theirs);
        }
    }

    pub(super) fn record(&mut self) {
        let record = self.dial.record;
        if !record.on {
            return;
        }
        let mut world = self.leg.world();
        let Some(session) = world.sessions.get(&self.leg.task).filter(|session| !session.over) else {
            return;
        };
        let Some(port) = session.lease else { return };
        let (law, call) = (session.law, session.call.clone());
        let ear = |side| Ear { port, law, side };
        // The caller is the first channel; the second is what he hears, ringback and all.
        let ears = match record.track {
            Track::Inbound => vec![ear(Side::Said)],
            Track::Outbound => vec![ear(Side::Heard)],
            Track::Both if record.dual => vec![ear(Side::Said), ear(Side::Heard)],
            Track::Both => vec![ear(Side::Both)],
        };
        let wish = Wish {
            source: "DialVerb",
            ears,
            quiet_ms: 0,
            silent_too: true,
            track: record.track,
            trim: self.dial.trim,
            callback: self.dial.recording_callback.as_deref().map(|url| self.page.resolve(url)).unwrap_or_default(),
            callback_method: method_of(self.dial.recording_callback_method),
            events: self.dial.recording_events,
            url: self.page.url.clone(),
            conference: None,
            text: None,
        };
        self.take = Take::begin(&mut world, self.leg.task, &call, wish);
    }

    /// The ports of both legs, the caller's first.
    pub(super) fn ports(&self, child: TaskId) -> Option<(Port, Port)> {
        let world = self.leg.world();
        let port = |task: TaskId| world.sessions.get(&task).filter(|session| !session.over)?.lease;
        Some((port(self.leg.task)?, port(child)?))
    }
}
