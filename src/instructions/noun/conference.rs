//! `Conference` in `Dial`: a room, and how the caller is in it.

use crate::attributes::{Attributes, Number};
use crate::diagnostic::{Diagnostic, Notes};
use crate::record::RecordingEvents;
use crate::verb::{Method, Place, text_only};
use crate::xml::Element;

/// Characters of a room's name, and of a member's label.
const MAX_NAME: usize = 128;
/// Members of a room, as twiml allows.
const MAX_MEMBERS: u32 = 250;
/// A wrong attribute that has no code of its own.
const BAD_ATTRIBUTE: u32 = 16002;

/// A room, and how the caller is in it.
#[derive(Clone, Debug, PartialEq)]
pub struct Room {
    /// The room's name, within its account.
    pub name: String,
    /// The caller is not heard.
    pub muted: bool,
    /// When those inside hear a beep.
    pub beep: Beep,
    /// The conference begins when this one enters.
    pub start_on_enter: bool,
    /// The conference is over when this one leaves.
    pub end_on_exit: bool,
    /// The member's name.
    pub label: Option<String>,
    /// So many may be in the room.
    pub max_participants: u32,
    /// Heard until the conference begins; `None`: the box's own music; empty: silence.
    pub wait_url: Option<String>,
    /// How it is asked.
    pub wait_method: Method,
    /// The conference is recorded from its start.
    pub record: bool,
    /// Cut silence at both ends of the recording.
    pub trim: bool,
    /// The call that alone hears this one.
    pub coach: Option<String>,
    /// How much delay a leg over IP is given against jitter.
    pub jitter_buffer: JitterBuffer,
    /// Told of the conference.
    pub callback: Option<String>,
    /// How.
    pub callback_method: Method,
    /// Of what.
    pub callback_events: RoomEvents,
    /// Told of the recording.
    pub recording_callback: Option<String>,
    /// How.
    pub recording_callback_method: Method,
    /// Of what.
    pub recording_events: RecordingEvents,
    /// Where it stands.
    pub place: Place,
}

/// When those in a room hear a beep.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Beep {
    /// When somebody enters or leaves.
    #[default]
    Both,
    /// Never.
    Never,
    /// When somebody enters.
    OnEnter,
    /// When somebody leaves.
    OnExit,
}

/// How much delay a leg over IP is given against jitter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum JitterBuffer {
    /// None to speak of.
    Off,
    /// Up to 200 ms.
    Small,
    /// Up to 360 ms.
    Medium,
    /// Up to a second.
    #[default]
    Large,
}

/// Which events of a conference a callback wants; none, where nothing is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RoomEvents {
    /// It begins.
    pub start: bool,
    /// It is over.
    pub end: bool,
    /// Somebody enters.
    pub join: bool,
    /// Somebody leaves.
    pub leave: bool,
    /// Somebody is muted, or not any more.
    pub mute: bool,
    /// Somebody is put on hold, or taken back.
    pub hold: bool,
    /// Somebody is changed in another way.
    pub modify: bool,
    /// Somebody begins or stops to speak.
    pub speaker: bool,
    /// An announcement is over, or has failed.
    pub announcement: bool,
}

/// `None`: the room has no name.
pub(super) fn read(noun: &Element, notes: &mut Notes<'_>) -> Result<Option<Room>, Diagnostic> {
    let mut attributes = Attributes::of(noun, "Dial>Conference");
    let truth = [("true", true), ("false", false)];
    let muted = attributes.flag("muted", 13230, false, notes);
    let end_on_exit = attributes.must_be("endConferenceOnExit", 13231, &truth, false, notes)?;
    let start_on_enter = attributes.flag("startConferenceOnEnter", 13232, true, notes);
    let wait_url = attributes.text("waitUrl");
    let wait_method = attributes.method("waitMethod", 13234, notes);
    let beeps = [("true", Beep::Both), ("false", Beep::Never), ("onEnter", Beep::OnEnter), ("onExit", Beep::OnExit)];
    let beep = attributes.one_of("beep", 13235, &beeps, Beep::Both, notes);
    let label = label(&mut attributes, notes);
    let members = Number { code: BAD_ATTRIBUTE, range: 2..=MAX_MEMBERS, default: MAX_MEMBERS };
    let max_participants = attributes.number("maxParticipants", members, notes);
    let records = [("do-not-record", false), ("record-from-start", true), ("true", true), ("false", false)];
    let record = attributes.one_of("record", BAD_ATTRIBUTE, &records, false, notes);
    let trims = [("trim-silence", true), ("do-not-trim", false)];
    let trim = attributes.must_be("trim", 13239, &trims, true, notes)?;
    let coach = coach(&mut attributes, notes)?;
    let buffers = [
        ("off", JitterBuffer::Off),
        ("small", JitterBuffer::Small),
        ("medium", JitterBuffer::Medium),
        ("large", JitterBuffer::Large),
    ];
    let jitter_buffer = attributes.one_of("jitterBufferSize", BAD_ATTRIBUTE, &buffers, JitterBuffer::Large, notes);
    let callback = attributes.given("statusCallback");
    let callback_method = attributes.method("statusCallbackMethod", BAD_ATTRIBUTE, notes);
    let callback_events = events(&mut attributes, notes);
    let old_name = attributes.given("eventCallbackUrl");
    let recording_callback = attributes.given("recordingStatusCallback").or(old_name);
    let recording_callback_method = attributes.method("recordingStatusCallbackMethod", BAD_ATTRIBUTE, notes);
    let recording_events = crate::record::events(&mut attributes, BAD_ATTRIBUTE, notes);
    attributes.finish(notes);
    let Some(name) = name(noun, notes) else {
        return Ok(None);
    };
    Ok(Some(Room {
        name,
        muted,
        beep,
        start_on_enter,
        end_on_exit,
        label,
        max_participants,
        wait_url,
        wait_method,
        record,
        trim,
        coach,
        jitter_buffer,
        callback,
        callback_method,
        callback_events,
        recording_callback,
        recording_callback_method,
        recording_events,
        place: notes.source().place(noun.at),
    }))
}

fn name(noun: &Element, notes: &mut Notes<'_>) -> Option<String> {
    let name = text_only(noun, &[], notes);
    if name.is_empty() || name.chars().count() > MAX_NAME || name.chars().any(char::is_control) {
        let text = format!("<Conference>: a name of 1 to {MAX_NAME} characters is expected: passed over");
        notes.warn(13237, noun.at, text);
        return None;
    }
    Some(name)
}

/// A member's name: it stands in paths of the API beside SIDs of calls, so it must not look like one.
fn label(attributes: &mut Attributes<'_>, notes: &mut Notes<'_>) -> Option<String> {
    let attribute = attributes.take("participantLabel")?;
    let label = attribute.value.trim();
    let slash = label.contains('/') || label.to_ascii_lowercase().contains("%2f");
    if label.chars().count() > MAX_NAME || slash || is_call(label) || label.chars().any(char::is_control) {
        let wanted = format!("a name of {MAX_NAME} characters at most, without / and no SID of a call");
        notes.warn(16023, attribute.at, attributes.bad(attribute, &wanted));
        return None;
    }
    (!label.is_empty()).then(|| label.to_owned())
}

/// The call that is coached. A wrong one ends the document: the coach would speak to everybody.
fn coach(attributes: &mut Attributes<'_>, notes: &Notes<'_>) -> Result<Option<String>, Diagnostic> {
    let Some(attribute) = attributes.take("coach") else {
        return Ok(None);
    };
    let call = attribute.value.trim();
    if call.is_empty() {
        return Ok(None);
    }
    if is_call(call) {
        return Ok(Some(call.to_owned()));
    }
    let text = "<Conference coach>: the SID of the call that is coached is expected, CA and 32 hexadecimal digits";
    Err(notes.source().error(13240, attribute.at, text.to_owned()))
}

/// `CA` and 32 hexadecimal digits.
fn is_call(text: &str) -> bool {
    text.strip_prefix("CA").is_some_and(|rest| rest.len() == 32 && rest.bytes().all(|b| b.is_ascii_hexdigit()))
}

fn events(attributes: &mut Attributes<'_>, notes: &mut Notes<'_>) -> RoomEvents {
    let words = ["start", "end", "join", "leave", "mute", "hold", "modify", "speaker", "announcement"];
    let found = attributes.several("statusCallbackEvent", BAD_ATTRIBUTE, words, notes);
    let [start, end, join, leave, mute, hold, modify, speaker, announcement] = found.unwrap_or_default();
    RoomEvents { start, end, join, leave, mute, hold, modify, speaker, announcement }
}
