//! What came of a call, as the exchange and its telephone saw it.

use tipring_card::{Cause, ChannelId, Law, Micros, SpanId};
use tipring_isdn::{By, Calling, IncomingCall, Presentation};

use super::Call;
use crate::{
    phone::{Phone, StepEnd},
    script::Step,
};

/// Who dialled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialled {
    /// A telephone of this exchange.
    Here,
    /// The other side.
    There,
}

/// A call: under way or over.
pub struct CallReport {
    /// Its id: the one given, or `in-1`, `in-2`… for calls that arrive.
    pub id: String,
    /// Who dialled.
    pub dialled: Dialled,
    /// The calling number, when one was sent.
    pub from: Option<String>,
    /// The calling name, when one was sent.
    pub name: Option<String>,
    /// Whether the calling number is withheld.
    pub restricted: bool,
    /// The calling number with its type, plan, presentation and screening, of a call that came in SETUP.
    pub calling: Option<Calling>,
    /// The number called.
    pub to: String,
    /// Its span.
    pub span: Option<SpanId>,
    /// Its timeslot, or the port of its analogue line.
    pub timeslot: Option<u8>,
    /// Its analogue line.
    pub line: Option<ChannelId>,
    /// When SETUP went out or came in, or the line was seized.
    pub began_at: Micros,
    /// When the other side said that it is under way.
    pub proceeding_at: Option<Micros>,
    /// When the other side said that it rings; on an analogue line, when the first ring or ringback began.
    pub alerting_at: Option<Micros>,
    /// When the other side said that tones can be heard (progress indicator 8).
    pub inband_at: Option<Micros>,
    /// When it was answered.
    pub connected_at: Option<Micros>,
    /// When it was over.
    pub released_at: Option<Micros>,
    /// Why.
    pub cause: Option<Cause>,
    /// Who ended it.
    pub by: Option<By>,
    /// Whether its B channel could be opened.
    pub has_audio: bool,
    /// Blocks that found no room on the card.
    pub blocks_lost: u64,
    /// The telephone: what it heard, which steps it did.
    pub phone: Phone,
}

impl CallReport {
    pub(crate) fn of(call: &Call, law: Law, now: Micros) -> CallReport {
        CallReport {
            id: call.id.clone(),
            dialled: Dialled::Here,
            from: call.from.clone(),
            name: call.name.clone(),
            restricted: call.restricted,
            calling: None,
            to: call.to.clone(),
            span: None,
            timeslot: None,
            line: None,
            began_at: now,
            proceeding_at: None,
            alerting_at: None,
            inband_at: None,
            connected_at: None,
            released_at: None,
            cause: None,
            by: None,
            has_audio: false,
            blocks_lost: 0,
            phone: Phone::new(law, call.steps.clone(), now),
        }
    }

    pub(super) fn incoming(
        id: String,
        incoming: &IncomingCall,
        law: Law,
        steps: Vec<Step>,
        now: Micros,
        begins_at: Micros,
    ) -> CallReport {
        let calling = incoming.calling.as_ref();
        let call = Call {
            id,
            from: calling.map(|calling| calling.number.digits.to_string()),
            name: incoming.name.as_ref().map(ToString::to_string),
            restricted: calling.is_some_and(|calling| calling.presentation == Presentation::Restricted),
            to: incoming.called.digits.to_string(),
            ..Call::default()
        };
        CallReport {
            dialled: Dialled::There,
            calling: incoming.calling.clone(),
            phone: Phone::new(law, steps, begins_at),
            ..CallReport::of(&call, law, now)
        }
    }
}

impl std::fmt::Display for CallReport {
    /// One line for people, e.g. `call one: 2025550100 to 100, timeslot 1, answered after 0.52 s, heard sound after
    /// 0.61 s, keys heard 5, 4 of 4 steps, ended by the other side after 9.10 s: normal call clearing (16)`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let after = |at: Micros| at.since(self.began_at).0 as f64 / 1e6;
        let from = self.from.as_deref().unwrap_or("nobody");
        write!(f, "call {}: {from} to {}", self.id, self.to)?;
        if let Some(timeslot) = self.timeslot {
            write!(f, ", {} {timeslot}", if self.line.is_some() { "line" } else { "timeslot" })?;
        }
        match self.connected_at {
            Some(at) => write!(f, ", answered after {:.2} s", after(at))?,
            None => f.write_str(", not answered")?,
        }
        if let Some(at) = self.phone.first_sound_at() {
            write!(f, ", heard sound after {:.2} s", after(at))?;
        }
        if !self.phone.keys_heard().is_empty() {
            write!(f, ", keys heard {}", self.phone.keys_heard())?;
        }
        let ended = self.phone.steps_ended();
        write!(f, ", {} of {} steps", ended.len(), ended.len() + self.phone.steps_left())?;
        for (nth, step) in ended.iter().enumerate().filter(|(_, step)| step.end != StepEnd::Done) {
            write!(
                f,
                ", step {} {}",
                nth + 1,
                if step.end == StepEnd::TimedOut { "timed out" } else { "was refused" }
            )?;
        }
        let (Some(at), Some(cause)) = (self.released_at, self.cause) else {
            return f.write_str(", not over");
        };
        let by = match self.by {
            Some(By::Local) => " by this side",
            Some(By::Remote) => " by the other side",
            Some(By::Timer) => " by a timer",
            Some(By::Link) => " by the loss of the link",
            Some(By::Restart) => " by a restart",
            None => "",
        };
        write!(f, ", ended{by} after {:.2} s: {} ({})", after(at), cause.text(), cause.0)
    }
}
