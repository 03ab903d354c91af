//! Something that several hear at once, in the middle of whatever they talk about (row C11): a document of sounds, said by a
//! voice of the box into a room, or to the ports of one conversation. The voice is a leg without a line: it has no
//! record and no caller, and speaks with the same verbs as all others.

use tipring_card::Law;
use tipring_instructions::DocumentPlace;
use tipring_resources::{Call, Sid};
use tipring_switch::{Command as SwitchCommand, Port};

use crate::effects::{Effect, TraceKind};
use crate::leg::Leg;
use crate::nested::Ran;
use crate::params::{Params, param};
use crate::requests::Announce;
use crate::rooms::RoomEvent;
use crate::session::Session;
use crate::world::{TaskId, World};

/// Who is to hear it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Audience {
    /// Everybody in a room.
    Room(Sid),
    /// The ports of one conversation.
    Ports(Vec<Port>),
}

impl World {
    /// The ports of a leg and of whom it is connected with.
    pub(crate) fn parties_of(&self, task: TaskId) -> Vec<Port> {
        let mut ports = Vec::new();
        let mut put = |port: Option<Port>| {
            if let Some(port) = port.filter(|port| !ports.contains(port)) {
                ports.push(port);
            }
        };
        let own = self.sessions.get(&task).and_then(|session| session.lease);
        put(own);
        // The crosspoints are with the leg that has dialled.
        let owner = self.children.get(&task).map_or(task, |child| child.parent);
        for (listener, talker) in self.sessions.get(&owner).map(|s| s.crosspoints.clone()).unwrap_or_default() {
            if own.is_some_and(|own| own == listener || own == talker) {
                put(Some(listener));
                put(Some(talker));
            }
        }
        ports
    }

    /// A leg without a line, which speaks on `port`.
    fn begin_voice(&mut self, task: TaskId, call: &Call, port: Port, law: Law) {
        let session = Session {
            lease: Some(port),
            law,
            answering: true,
            answered: true,
            cleared: true,
            voice: true,
            ..Session::new(call.clone())
        };
        if let Some(about) = self.about(task) {
            self.voices.push((about, task));
        }
        self.sessions.insert(task, session);
    }

    /// A conversation or a room is over: who speaks in it stops.
    pub(crate) fn silence_voices(&mut self, sid: Sid) {
        let of: Vec<TaskId> = self.voices.iter().filter(|(about, _)| *about == sid).map(|(_, task)| *task).collect();
        for task in of {
            self.take_back(task, true);
            if let Some(session) = self.sessions.get_mut(&task) {
                session.over = true;
            }
            self.deliver(task, crate::world::Input::Line);
        }
    }

    /// The law in which a voice speaks to an audience.
    fn law_for(&self, to: &Audience) -> Law {
        let of_port = |port: &Port| {
            let task = self.routes.leases.get(port)?;
            self.sessions.get(task).map(|session| session.law)
        };
        match to {
            Audience::Room(sid) => self.rooms.law(*sid),
            Audience::Ports(ports) => ports.first().and_then(of_port).unwrap_or(Law::A),
        }
    }
}

/// Says it, and is gone.
pub(crate) async fn run(leg: &Leg, to: Audience, announce: Announce, call: Call) {
    if let Audience::Room(sid) = to
        && leg.world().rooms.switch_room(sid).is_none()
    {
        // The room is over already.
        return;
    }
    let Some(port) = begin(leg, &to, &call) else {
        let mut world = leg.world();
        let text = "nobody hears the announcement: all voices of the box are in use";
        world.trace(Some(call.sid), TraceKind::Fault, text);
        if let Audience::Room(sid) = to {
            world.tell_room(sid, RoomEvent::Announced(false), None);
        }
        return;
    };
    let about = to.clone();
    let tells = move |_: &mut World| match &about {
        Audience::Room(sid) => vec![param("ConferenceSid", sid)],
        Audience::Ports(_) => Params::new(),
    };
    let ran = leg.run_nested(&announce.url, announce.method, DocumentPlace::Announce, &tells).await;
    let mut world = leg.world();
    world.take_back(leg.task, true);
    world.unbridge(leg.task);
    world.sessions.remove(&leg.task);
    world.voices.retain(|(_, task)| *task != leg.task);
    world.end_source(port);
    if let Audience::Room(sid) = to {
        world.tell_room(sid, RoomEvent::Announced(matches!(ran, Ok(Ran::Whole { .. }))), None);
    }
}

fn begin(leg: &Leg, to: &Audience, call: &Call) -> Option<Port> {
    let mut world = leg.world();
    let law = world.law_for(to);
    let port = world.begin_source(law)?;
    world.begin_voice(leg.task, call, port, law);
    match to {
        Audience::Room(sid) => {
            if let Some(room) = world.rooms.switch_room(*sid) {
                let join = SwitchCommand::Join { port, room, hears: false, talks: true };
                world.emit(Effect::Switch(join));
                // A notice is about its call, and ends with the room too.
                if world.about(leg.task) != Some(*sid) {
                    world.voices.push((*sid, leg.task));
                }
            }
        }
        Audience::Ports(ports) => {
            for listener in ports {
                world.connect(leg.task, *listener, port);
            }
        }
    }
    Some(port)
}
