//! Dial: call others and connect them. Attributes and nouns as read; what can be reached is the router's matter.

use std::fmt;

use crate::attributes::{Attributes, Number};
use crate::diagnostic::{Diagnostic, Notes};
use crate::noun::{ClientNoun, DialNumber, QueueNoun, Room, SipNoun};
use crate::record::RecordingEvents;
use crate::shown;
use crate::verb::Method;
use crate::xml::Element;

/// Targets of one Dial, as twiml allows.
pub const MAX_TARGETS: usize = 10;
/// Seconds that a call may last: a day. Longer is a handset that lies beside its rest.
const MAX_TIME: u32 = 86_400;
/// Characters of a caller id.
const MAX_CALLER_ID: usize = 64;

/// Countries whose ringback can be asked for.
const RING_TONES: [&str; 40] = [
    "at", "au", "bg", "br", "be", "ch", "cl", "cn", "cz", "de", "dk", "ee", "es", "fi", "fr", "gr", "hu", "il", "in",
    "it", "lt", "jp", "mx", "my", "nl", "no", "nz", "ph", "pl", "pt", "ru", "se", "sg", "th", "uk", "us", "us-old",
    "tw", "ve", "za",
];

/// Call others and connect the first who answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Dial {
    /// Asked when the dialled leg is over; `None`: the next verb.
    pub action: Option<String>,
    /// How.
    pub method: Method,
    /// How long it may ring.
    pub timeout_s: u32,
    /// How long they may speak, from the bridge on.
    pub time_limit_s: u32,
    /// The number to show; `None`: the caller's.
    pub caller_id: Option<String>,
    /// `*` pressed by the caller ends the dialled leg.
    pub hangup_on_star: bool,
    /// The caller is answered only when a dialled leg is.
    pub answer_on_bridge: bool,
    /// Whose ringback the caller hears, a country's code; `None`: the far end's sound, else the box's country.
    pub ring_tone: Option<String>,
    /// One after the other instead of all at once.
    pub sequential: bool,
    /// What is recorded.
    pub record: DialRecord,
    /// Cut silence at both ends of the recording.
    pub trim: bool,
    /// Told of the recording.
    pub recording_callback: Option<String>,
    /// How.
    pub recording_callback_method: Method,
    /// Of what.
    pub recording_events: RecordingEvents,
    /// Asked when the far end refers the call elsewhere.
    pub refer_url: Option<String>,
    /// How.
    pub refer_method: Method,
    /// Who is called, in order; may be empty.
    pub targets: Vec<Target>,
}

/// What a Dial records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DialRecord {
    /// At all.
    pub on: bool,
    /// From ringing on; else from the answer.
    pub from_ringing: bool,
    /// Each side in a channel of its own.
    pub dual: bool,
    /// Whose voice.
    pub track: Track,
}

/// Whose voice is recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Track {
    /// Both.
    #[default]
    Both,
    /// What the caller says.
    Inbound,
    /// What the caller hears.
    Outbound,
}

/// Somebody to be called.
#[derive(Clone, Debug, PartialEq)]
pub enum Target {
    /// A telephone number.
    Number(DialNumber),
    /// A conference room.
    Conference(Box<Room>),
    /// Whoever waits longest in a queue.
    Queue(QueueNoun),
    /// A SIP address.
    Sip(Box<SipNoun>),
    /// A client of a registrar.
    Client(Box<ClientNoun>),
    /// A noun that this box cannot call: its name.
    Unsupported(String),
}

impl Target {
    /// The element that it is.
    pub fn noun(&self) -> &str {
        match self {
            Target::Number(_) => "Number",
            Target::Conference(_) => "Conference",
            Target::Queue(_) => "Queue",
            Target::Sip(_) => "Sip",
            Target::Client(_) => "Client",
            Target::Unsupported(name) => name,
        }
    }
}

impl fmt::Display for Dial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Dial")?;
        for target in &self.targets {
            match target {
                Target::Number(number) => write!(f, " {}", number.number)?,
                Target::Conference(room) => write!(f, " conference {:?}", room.name)?,
                Target::Queue(queue) => write!(f, " queue {:?}", queue.name)?,
                Target::Sip(sip) => {
                    let first = sip.uris.first().map_or_else(String::new, |first| shown::sip(&first.uri));
                    write!(f, " {first}")?;
                }
                Target::Client(client) => write!(f, " client:{}", client.identity)?,
                Target::Unsupported(name) => write!(f, " <{name}>")?,
            }
        }
        Ok(())
    }
}

/// Reads the verb. It is never left out: a Dial that can call nobody fails, and its `action` is asked.
pub(crate) fn read(element: &Element, notes: &mut Notes<'_>) -> Result<Dial, Diagnostic> {
    let mut attributes = Attributes::of(element, "Dial");
    let action = attributes.given("action");
    let method = attributes.method("method", 13210, notes);
    let timeout = Number { code: 13212, range: 5..=600, default: 30 };
    let timeout_s = attributes.number("timeout", timeout, notes);
    let time_limit = Number { code: 13216, range: 1..=MAX_TIME, default: 14_400 };
    let time_limit_s = attributes.number_up_to("timeLimit", time_limit, notes);
    let caller_id = caller_id(&mut attributes, notes);
    let hangup_on_star = attributes.flag("hangupOnStar", 13213, false, notes);
    let answer_on_bridge = attributes.flag("answerOnBridge", 13219, false, notes);
    let ring_tone = ring_tone(&mut attributes, notes);
    let sequential = attributes.flag("sequential", 13218, false, notes);
    let record = record(&mut attributes, notes);
    let trim_words = [("trim-silence", true), ("do-not-trim", false)];
    let trim = attributes.one_of("trim", 13699, &trim_words, false, notes);
    let recording_callback = attributes.given("recordingStatusCallback");
    let recording_callback_method = attributes.method("recordingStatusCallbackMethod", 13210, notes);
    let recording_events = crate::record::events(&mut attributes, 13217, notes);
    if let Some(machine) = attributes.take("ifMachine") {
        let text = "<Dial ifMachine> is passed over: use machineDetection on <Number>";
        notes.warn(13211, machine.at, text.to_owned());
    }
    let refer_url = attributes.given("referUrl");
    let refer_method = attributes.method("referMethod", 13210, notes);
    attributes.finish(notes);
    let targets = crate::noun::targets(element, notes)?;
    let mut dial = Dial {
        action,
        method,
        timeout_s,
        time_limit_s,
        caller_id,
        hangup_on_star,
        answer_on_bridge,
        ring_tone,
        sequential,
        record,
        trim,
        recording_callback,
        recording_callback_method,
        recording_events,
        refer_url,
        refer_method,
        targets,
    };
    if dial.targets.iter().any(|target| matches!(target, Target::Conference(_))) {
        not_for_rooms(&mut dial, element, notes);
    }
    Ok(dial)
}

/// A room is recorded by its own attribute, and a key pressed in it is heard there.
fn not_for_rooms(dial: &mut Dial, element: &Element, notes: &mut Notes<'_>) {
    if std::mem::take(&mut dial.record.on) {
        dial.record = DialRecord::default();
        let text = "<Dial record> is not for a conference: passed over; use record on <Conference>";
        notes.warn(13217, element.at, text.to_owned());
    }
    if std::mem::take(&mut dial.hangup_on_star) {
        let text = "<Dial hangupOnStar> is not for a conference: passed over";
        notes.warn(13213, element.at, text.to_owned());
    }
}

/// A number or a name. Whether it may be shown is the router's matter.
fn caller_id(attributes: &mut Attributes<'_>, notes: &mut Notes<'_>) -> Option<String> {
    let attribute = attributes.take("callerId")?;
    let value = attribute.value.trim();
    if value.chars().count() > MAX_CALLER_ID || value.chars().any(char::is_control) {
        let text = attributes.bad(attribute, &format!("a number or name of {MAX_CALLER_ID} characters at most"));
        notes.warn(13214, attribute.at, text);
        return None;
    }
    (!value.is_empty()).then(|| value.to_owned())
}

fn ring_tone(attributes: &mut Attributes<'_>, notes: &mut Notes<'_>) -> Option<String> {
    let attribute = attributes.take("ringTone")?;
    let value = attribute.value.trim();
    if value == "automatic" {
        return None;
    }
    if let Some(known) = RING_TONES.iter().find(|tone| **tone == value) {
        return Some((*known).to_owned());
    }
    let wanted = format!("automatic or a country of {}", RING_TONES.join(" "));
    notes.warn(13220, attribute.at, attributes.bad(attribute, &wanted));
    None
}

fn record(attributes: &mut Attributes<'_>, notes: &mut Notes<'_>) -> DialRecord {
    let words = [
        ("do-not-record", (false, false, false)),
        ("record-from-answer", (true, false, false)),
        ("record-from-ringing", (true, true, false)),
        ("record-from-answer-dual", (true, false, true)),
        ("record-from-ringing-dual", (true, true, true)),
        ("true", (true, false, false)),
        ("false", (false, false, false)),
    ];
    let (on, from_ringing, dual) = attributes.one_of("record", 13217, &words, (false, false, false), notes);
    let tracks = [("both", Track::Both), ("inbound", Track::Inbound), ("outbound", Track::Outbound)];
    let track = attributes.one_of("recordingTrack", 13217, &tracks, Track::Both, notes);
    DialRecord { on, from_ringing, dual, track }
}
