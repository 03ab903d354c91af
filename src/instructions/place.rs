//! Documents in special places, where not every verb may stand: what is heard while somebody waits, what the called
//! party hears before it is connected, what is announced in a room.

use crate::diagnostic::{Diagnostic, Level};
use crate::{Document, MAX_NOTES};

/// Where a document is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DocumentPlace {
    /// `waitUrl` of a conference.
    RoomWait,
    /// `waitUrl` of a queue.
    QueueWait,
    /// `url` of a called party, before it is connected.
    Whisper,
    /// `url` of a `Queue` in `Dial`: for the one who waited, before both are connected.
    QueueWhisper,
    /// An announcement for everybody in a room, or for one of them.
    Announce,
}

impl DocumentPlace {
    /// The verbs that may stand there.
    pub fn allowed(self) -> &'static [&'static str] {
        match self {
            DocumentPlace::RoomWait | DocumentPlace::QueueWhisper | DocumentPlace::Announce => {
                &["Play", "Say", "Pause", "Redirect"]
            }
            DocumentPlace::QueueWait => &["Play", "Say", "Pause", "Hangup", "Redirect", "Leave", "Gather"],
            DocumentPlace::Whisper => &["Say", "Play", "Pause", "Gather", "Hangup", "Redirect"],
        }
    }

    /// How the place is called in a complaint.
    fn name(self) -> &'static str {
        match self {
            DocumentPlace::RoomWait => "a conference's waitUrl document",
            DocumentPlace::QueueWait => "a queue's waitUrl document",
            DocumentPlace::Whisper => "a document for the called party",
            DocumentPlace::QueueWhisper => "a document for the one who waited in a queue",
            DocumentPlace::Announce => "an announcement",
        }
    }

    /// The code of a verb that may not stand there.
    fn code(self, verb: &str) -> u32 {
        match self {
            DocumentPlace::Whisper | DocumentPlace::QueueWhisper if verb == "Dial" => 13201,
            DocumentPlace::RoomWait | DocumentPlace::Announce => 13238,
            _ => 12200,
        }
    }
}

impl Document {
    /// The same without the verbs that may not stand in that place; a warning tells of each, as far as
    /// [`MAX_NOTES`] allows. Verbs that this box does not have are told of already.
    pub fn limit_to(self, place: DocumentPlace) -> Document {
        let Document { verbs, mut notes } = self;
        let allowed = place.allowed();
        let (kept, left_out): (Vec<_>, Vec<_>) =
            verbs.into_iter().partition(|placed| allowed.contains(&placed.verb.name()));
        for placed in left_out {
            if notes.len() >= MAX_NOTES {
                break;
            }
            if let crate::Verb::Unsupported { .. } = placed.verb {
                continue;
            }
            let name = placed.verb.name();
            let text = format!("<{name}> may not stand in {}, only {}: passed over", place.name(), allowed.join(", "));
            notes.push(Diagnostic {
                code: place.code(name),
                level: Level::Warning,
                line: placed.place.line,
                column: placed.place.column,
                excerpt: String::new(),
                text,
            });
        }
        Document { verbs: kept, notes }
    }
}
