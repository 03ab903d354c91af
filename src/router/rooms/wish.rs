//! How somebody wants to be in a room, and how the room is to be if it is the first: from a document's noun, or from the
//! API.

use tipring_instructions::{Beep, Room as Noun, RoomEvents};
use tipring_resources::{Method, Sid};

use crate::effects::RecordingEvents;
use crate::fetch::{Page, method_of};
use crate::nested::Background;
use crate::requests::SeatWish;

/// How somebody wants to be in a room.
#[derive(Clone, Debug)]
pub(crate) struct Wish {
    pub(crate) label: String,
    pub(crate) muted: bool,
    pub(crate) beep_on_enter: bool,
    pub(crate) beep_on_exit: bool,
    pub(crate) start_on_enter: bool,
    pub(crate) end_on_exit: bool,
    pub(crate) most: usize,
    pub(crate) wait: Background,
    pub(crate) coached: Option<Sid>,
    pub(crate) recording: Option<Recording>,
    pub(crate) callback: Option<Callback>,
}

/// How the room is recorded.
#[derive(Clone, Debug)]
pub(crate) struct Recording {
    pub(crate) trim: bool,
    pub(crate) callback: String,
    pub(crate) callback_method: Method,
    pub(crate) events: RecordingEvents,
}

/// Who is told what happens in the room.
#[derive(Clone, Debug)]
pub(crate) struct Callback {
    pub(crate) url: String,
    pub(crate) method: Method,
    pub(crate) events: RoomEvents,
}

/// Members of a room, as the dialect allows.
pub(crate) const MOST: usize = 250;

impl Wish {
    /// What a noun says.
    pub(crate) fn of_noun(noun: &Noun, page: &Page) -> Wish {
        let resolve = |url: &Option<String>| url.as_deref().map(|url| page.resolve(url));
        // An empty one is silence, and not the document's own URL.
        let wait = noun.wait_url.as_deref().map(|url| match url.trim() {
            "" => String::new(),
            url => page.resolve(url),
        });
        Wish {
            label: noun.label.clone().unwrap_or_default(),
            muted: noun.muted,
            beep_on_enter: matches!(noun.beep, Beep::Both | Beep::OnEnter),
            beep_on_exit: matches!(noun.beep, Beep::Both | Beep::OnExit),
            start_on_enter: noun.start_on_enter,
            end_on_exit: noun.end_on_exit,
            most: usize::try_from(noun.max_participants).unwrap_or(MOST),
            wait: Background::of(wait, method_of(noun.wait_method)),
            coached: noun.coach.as_deref().and_then(|coach| coach.parse().ok()),
            recording: noun.record.then(|| Recording {
                trim: noun.trim,
                callback: resolve(&noun.recording_callback).unwrap_or_default(),
                callback_method: method_of(noun.recording_callback_method),
                events: noun.recording_events,
            }),
            callback: resolve(&noun.callback).map(|url| Callback {
                url,
                method: method_of(noun.callback_method),
                events: noun.callback_events,
            }),
        }
    }

    /// What the API says.
    pub(crate) fn of_api(wish: &SeatWish) -> Wish {
        let beep = |words: [&str; 2]| words.contains(&wish.beep.as_str());
        Wish {
            label: wish.label.clone(),
            muted: wish.muted,
            beep_on_enter: wish.beep.is_empty() || beep(["true", "onEnter"]),
            beep_on_exit: wish.beep.is_empty() || beep(["true", "onExit"]),
            start_on_enter: wish.start_on_enter.unwrap_or(true),
            end_on_exit: wish.end_on_exit,
            most: wish.max_participants.and_then(|most| usize::try_from(most).ok()).unwrap_or(MOST).clamp(2, MOST),
            wait: Background::of(wish.wait_url.clone(), wish.wait_method),
            coached: wish.coached,
            recording: wish.record.then(|| Recording {
                trim: wish.trim,
                callback: wish.recording_callback.clone(),
                callback_method: wish.recording_callback_method,
                events: wish.recording_events.unwrap_or(RecordingEvents {
                    in_progress: false,
                    completed: true,
                    absent: false,
                }),
            }),
            callback: (!wish.callback.is_empty()).then(|| Callback {
                url: wish.callback.clone(),
                method: wish.callback_method,
                events: events_of(&wish.callback_events),
            }),
        }
    }
}

/// Words of the API; none: of the beginning and the end.
fn events_of(words: &[String]) -> RoomEvents {
    let mut events = RoomEvents::default();
    if words.is_empty() {
        (events.start, events.end) = (true, true);
    }
    for word in words {
        match word.as_str() {
            "start" => events.start = true,
            "end" => events.end = true,
            "join" => events.join = true,
            "leave" => events.leave = true,
            "mute" => events.mute = true,
            "hold" => events.hold = true,
            "modify" => events.modify = true,
            "speaker" => events.speaker = true,
            "announcement" => events.announcement = true,
            _ => {}
        }
    }
    events
}
