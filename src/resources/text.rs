//! What is written: texts of recordings, messages, and what applications were asked during a call.

use serde::{Deserialize, Serialize};

use crate::{Method, Sid, Stamp};

/// Where a transcription is in its life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TranscriptionStatus {
    /// Being made.
    #[default]
    InProgress,
    /// The text is there.
    Completed,
    /// There is none.
    Failed,
}

impl TranscriptionStatus {
    /// All of them.
    pub const ALL: [TranscriptionStatus; 3] =
        [TranscriptionStatus::InProgress, TranscriptionStatus::Completed, TranscriptionStatus::Failed];

    /// As on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            TranscriptionStatus::InProgress => "in-progress",
            TranscriptionStatus::Completed => "completed",
            TranscriptionStatus::Failed => "failed",
        }
    }

    /// From the wire.
    pub fn from_wire(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }
}

/// The text of a recording.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transcription {
    /// `TR…`
    pub sid: Sid,
    /// Whose.
    pub account: Sid,
    /// Of which recording.
    pub recording: Sid,
    /// Of which call.
    pub call: Sid,
    /// Where it is.
    pub status: TranscriptionStatus,
    /// What was said; empty until it is known.
    pub text: String,
    /// Length of the sound; `None` until it is known.
    pub duration_ms: Option<u32>,
    /// Language tag.
    pub language: String,
    /// Made.
    pub created: Stamp,
    /// Changed.
    pub updated: Stamp,
}

/// Who began a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MessageDirection {
    /// It came in.
    Inbound,
    /// The API.
    OutboundApi,
    /// A verb of a call's document.
    OutboundCall,
    /// A verb of a message's document.
    OutboundReply,
}

impl MessageDirection {
    /// All of them.
    pub const ALL: [MessageDirection; 4] = [
        MessageDirection::Inbound,
        MessageDirection::OutboundApi,
        MessageDirection::OutboundCall,
        MessageDirection::OutboundReply,
    ];

    /// As on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            MessageDirection::Inbound => "inbound",
            MessageDirection::OutboundApi => "outbound-api",
            MessageDirection::OutboundCall => "outbound-call",
            MessageDirection::OutboundReply => "outbound-reply",
        }
    }

    /// From the wire.
    pub fn from_wire(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|direction| direction.as_str() == text)
    }
}

/// Where a message is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MessageStatus {
    /// Taken, not handed on.
    Accepted,
    /// Waits.
    Queued,
    /// Is being handed on.
    Sending,
    /// The gateway has it.
    Sent,
    /// The receiver has it.
    Delivered,
    /// The gateway could not deliver it.
    Undelivered,
    /// It could not be handed on.
    Failed,
    /// It is coming in.
    Receiving,
    /// It came in.
    Received,
    /// Taken back in time.
    Canceled,
}

impl MessageStatus {
    /// All of them.
    pub const ALL: [MessageStatus; 10] = [
        MessageStatus::Accepted,
        MessageStatus::Queued,
        MessageStatus::Sending,
        MessageStatus::Sent,
        MessageStatus::Delivered,
        MessageStatus::Undelivered,
        MessageStatus::Failed,
        MessageStatus::Receiving,
        MessageStatus::Received,
        MessageStatus::Canceled,
    ];

    /// As on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            MessageStatus::Accepted => "accepted",
            MessageStatus::Queued => "queued",
            MessageStatus::Sending => "sending",
            MessageStatus::Sent => "sent",
            MessageStatus::Delivered => "delivered",
            MessageStatus::Undelivered => "undelivered",
            MessageStatus::Failed => "failed",
            MessageStatus::Receiving => "receiving",
            MessageStatus::Received => "received",
            MessageStatus::Canceled => "canceled",
        }
    }

    /// From the wire.
    pub fn from_wire(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }

    /// Whether something may still become of it.
    pub const fn is_live(self) -> bool {
        matches!(
            self,
            MessageStatus::Accepted | MessageStatus::Queued | MessageStatus::Sending | MessageStatus::Receiving
        )
    }
}

/// A text message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// `SM…`
    pub sid: Sid,
    /// Whose.
    pub account: Sid,
    /// The call whose document sent it.
    pub call: Option<Sid>,
    /// Who began it.
    pub direction: MessageDirection,
    /// Sender.
    pub from: String,
    /// Receiver.
    pub to: String,
    /// The text.
    pub body: String,
    /// Where it is.
    pub status: MessageStatus,
    /// Why it failed.
    pub error_code: Option<u32>,
    /// In words.
    pub error_message: Option<String>,
    /// How many short messages it is.
    pub segments: u32,
    /// Made.
    pub created: Stamp,
    /// Changed.
    pub updated: Stamp,
    /// Handed on.
    pub sent: Option<Stamp>,
}

/// What was asked of an application during a call, and what it answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallEvent {
    /// During which call.
    pub call: Sid,
    /// Whose.
    pub account: Sid,
    /// When it was over.
    pub at: Stamp,
    /// How it was asked.
    pub method: Method,
    /// Where, credentials removed.
    pub url: String,
    /// With which parameters, form-encoded.
    pub request_variables: String,
    /// What came back, if anything did.
    pub status: Option<u16>,
    /// What came back, `name: value` lines.
    pub response_headers: String,
    /// What came back, cut.
    pub response_body: String,
    /// From the first try to the end.
    pub duration_ms: u32,
    /// Why it failed.
    pub error_code: Option<u32>,
}
