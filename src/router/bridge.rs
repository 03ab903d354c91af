//! Two legs of one Dial: what the dialling leg knows of those that it called, and the crosspoints between them. One
//! owner: the Dial of the parent leg. It connects and it takes back; the end of either leg takes back in its place, so
//! that nothing stays connected for a moment longer than both legs live.

use tipring_resources::Call;
use tipring_switch::{Command as SwitchCommand, Port};

use crate::effects::Effect;
use crate::fault::Fault;
use crate::limits::MAX_SESSIONS;
use crate::outgoing::Outward;
use crate::session::Session;
use crate::world::{Input, TaskId, World};

/// A leg that a Dial has called.
#[derive(Clone, Debug)]
pub(crate) struct Child {
    /// Whose Dial it is.
    pub(crate) parent: TaskId,
    pub(crate) state: ChildState,
    /// It has heard a document before it was connected.
    pub(crate) screened: bool,
    /// It is a caller of a queue and goes on by itself afterwards.
    pub(crate) lent: bool,
}

/// How far a called leg is, in this order.
#[derive(Clone, Debug)]
pub(crate) enum ChildState {
    /// Nothing is heard of it yet.
    Trying,
    /// What its far end sends can be heard.
    Heard,
    /// Answered, and hears a document before it is connected.
    Screening,
    /// Answered; its keys are being sent.
    Answered,
    /// May be bridged.
    Ready,
    /// It has a document of its own now and is the Dial's no longer.
    Left(Box<Call>),
    /// It is over.
    Ended(Box<Call>),
}

impl ChildState {
    /// Whether the leg is the Dial's no longer.
    pub(crate) fn is_gone(&self) -> bool {
        matches!(self, ChildState::Left(_) | ChildState::Ended(_))
    }
}

impl World {
    /// A Dial calls somebody. `None`: there are too many calls.
    pub(crate) fn begin_child(&mut self, parent: TaskId, session: Session, outward: Outward) -> Option<TaskId> {
        if self.sessions.len() >= MAX_SESSIONS && !outward.order.emergency {
            self.counters.refused_full += 1;
            let (account, call) = (session.call.account, session.call.parent?);
            self.fault(account, call, Fault::warning(13224, "", "the box has too many calls"));
            return None;
        }
        let (task, _) = self.begin_outgoing(session, outward, false)?;
        let screened = self.sessions.get(&task).and_then(|s| s.outward.as_ref()).is_some_and(|o| o.whisper.is_some());
        self.children.insert(task, Child { parent, state: ChildState::Trying, screened, lent: false });
        Some(task)
    }

    /// A called leg, as long as it is this Dial's: a caller of a queue may be another agent's meanwhile.
    pub(crate) fn child_of(&self, parent: TaskId, task: TaskId) -> Option<&Child> {
        self.children.get(&task).filter(|child| child.parent == parent)
    }

    /// A Dial is done with a leg that it has called, if it still is its own.
    pub(crate) fn release_child(&mut self, parent: TaskId, task: TaskId) -> Option<Child> {
        self.child_of(parent, task)?;
        self.children.remove(&task)
    }

    /// A called leg has come further: its parent is told.
    pub(crate) fn child_is(&mut self, task: TaskId, state: ChildState) {
        if let Some(child) = self.children.get_mut(&task)
            && !child.state.is_gone()
        {
            child.state = state;
            let parent = child.parent;
            self.deliver(parent, Input::Child);
        }
    }

    pub(crate) fn child_ended(&mut self, task: TaskId, call: &Call) {
        self.part(task);
        self.child_is(task, ChildState::Ended(Box::new(call.clone())));
    }

    /// A called leg goes its own way from now on.
    pub(crate) fn child_leaves(&mut self, task: TaskId) {
        let Some(call) = self.sessions.get(&task).map(|session| session.call.clone()) else {
            return;
        };
        self.part(task);
        self.child_is(task, ChildState::Left(Box::new(call)));
    }

    /// Takes back what a called leg's parent has connected it with.
    pub(crate) fn part(&mut self, task: TaskId) {
        let port = self.sessions.get(&task).and_then(|session| session.lease);
        let parent = self.children.get(&task).map(|child| child.parent);
        if let (Some(port), Some(parent)) = (port, parent) {
            self.disconnect(parent, |(listener, talker)| listener == port || talker == port);
        }
    }

    /// `listener` hears `talker`, until the owner or either end takes it back.
    pub(crate) fn connect(&mut self, owner: TaskId, listener: Port, talker: Port) {
        if let Some(session) = self.sessions.get_mut(&owner).filter(|session| !session.over)
            && !session.crosspoints.contains(&(listener, talker))
        {
            session.crosspoints.push((listener, talker));
            self.emit(Effect::Switch(SwitchCommand::Connect { listener, talker }));
        }
    }

    /// Takes one crosspoint back.
    pub(crate) fn disconnect_pair(&mut self, owner: TaskId, listener: Port, talker: Port) {
        self.disconnect(owner, |pair| pair == (listener, talker));
    }

    /// Takes back everything that a leg's Dial has connected.
    pub(crate) fn unbridge(&mut self, owner: TaskId) {
        self.disconnect(owner, |_| true);
    }

    fn disconnect(&mut self, owner: TaskId, which: impl Fn((Port, Port)) -> bool) {
        let Some(session) = self.sessions.get_mut(&owner) else {
            return;
        };
        let (gone, kept) = session.crosspoints.iter().partition(|pair| which(**pair));
        session.crosspoints = kept;
        let gone: Vec<(Port, Port)> = gone;
        for (listener, talker) in gone {
            self.emit(Effect::Switch(SwitchCommand::Disconnect { listener, talker }));
        }
    }
}
