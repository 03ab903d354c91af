//! Conference rooms, who is in them, queues, and who waits there. Plain values; what happens in them is the router's.

use serde::{Deserialize, Serialize};

use crate::{Sid, Stamp};

/// Where a room is in its life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConferenceStatus {
    /// Nobody has started it yet: those who are there wait.
    #[default]
    Init,
    /// They hear each other.
    InProgress,
    /// Over.
    Completed,
}

impl ConferenceStatus {
    /// All of them.
    pub const ALL: [ConferenceStatus; 3] =
        [ConferenceStatus::Init, ConferenceStatus::InProgress, ConferenceStatus::Completed];

    /// As on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            ConferenceStatus::Init => "init",
            ConferenceStatus::InProgress => "in-progress",
            ConferenceStatus::Completed => "completed",
        }
    }

    /// From the wire.
    pub fn from_wire(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }
}

/// A room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conference {
    /// `CF…`
    pub sid: Sid,
    /// Whose.
    pub account: Sid,
    /// Its name; among the rooms that live, an account has each name once.
    pub friendly_name: String,
    /// Where it is.
    pub status: ConferenceStatus,
    /// Always empty: a box is one place.
    #[serde(default)]
    pub region: String,
    /// Made.
    pub created: Stamp,
    /// Changed.
    pub updated: Stamp,
    /// The first who could start it came.
    pub started: Option<Stamp>,
    /// Over.
    pub ended: Option<Stamp>,
    /// Why it ended, e.g. `last-participant-left`.
    pub reason_ended: Option<String>,
    /// The call that ended it.
    pub ended_by: Option<Sid>,
}

/// How far somebody is in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ParticipantStatus {
    /// Waits for a line.
    Queued,
    /// Is being called.
    Connecting,
    /// It rings there.
    Ringing,
    /// In the room.
    #[default]
    Connected,
    /// Has left.
    Complete,
    /// Could not be reached.
    Failed,
}

impl ParticipantStatus {
    /// All of them.
    pub const ALL: [ParticipantStatus; 6] = [
        ParticipantStatus::Queued,
        ParticipantStatus::Connecting,
        ParticipantStatus::Ringing,
        ParticipantStatus::Connected,
        ParticipantStatus::Complete,
        ParticipantStatus::Failed,
    ];

    /// As on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            ParticipantStatus::Queued => "queued",
            ParticipantStatus::Connecting => "connecting",
            ParticipantStatus::Ringing => "ringing",
            ParticipantStatus::Connected => "connected",
            ParticipantStatus::Complete => "complete",
            ParticipantStatus::Failed => "failed",
        }
    }

    /// From the wire.
    pub fn from_wire(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }
}

/// A call in a room; named by both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Participant {
    /// The room.
    pub conference: Sid,
    /// Whose.
    pub account: Sid,
    /// The call.
    pub call: Sid,
    /// Another name for it in the room; empty: none.
    pub label: String,
    /// Is not heard.
    pub muted: bool,
    /// Is not heard and hears the hold sound.
    pub hold: bool,
    /// Is heard by one other alone.
    pub coaching: bool,
    /// That other one's call.
    pub coached: Option<Sid>,
    /// The room starts when this one comes.
    pub start_on_enter: bool,
    /// The room ends when this one leaves.
    pub end_on_exit: bool,
    /// How far in.
    pub status: ParticipantStatus,
    /// Came.
    pub created: Stamp,
    /// Changed.
    pub updated: Stamp,
    /// How long it waited for a line.
    pub queue_ms: u32,
}

/// Callers wait here, first come, first served.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Queue {
    /// `QU…`
    pub sid: Sid,
    /// Whose.
    pub account: Sid,
    /// Its name; an account has each name once.
    pub friendly_name: String,
    /// How many may wait.
    pub max_size: u32,
    /// Made.
    pub created: Stamp,
    /// Changed.
    pub updated: Stamp,
}

/// A call that waits; named by queue and call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// The queue.
    pub queue: Sid,
    /// Whose.
    pub account: Sid,
    /// The call.
    pub call: Sid,
    /// Since when.
    pub enqueued: Stamp,
}
