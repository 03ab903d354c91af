//! Documents of telephony instructions: from the octets of an answer to verbs with their attributes checked, and a
//! diagnostic with line, column and remedy for every complaint. Pure: it fetches nothing, runs nothing, resolves no URL.
//! The dialect is TwiML for voice; `docs` name its rules. A verb is one file.

mod attributes;
mod called;
mod catalogue;
mod connect;
mod diagnostic;
mod dial;
mod enqueue;
mod gather;
mod hangup;
mod hints;
mod markup;
mod nearest;
mod noun;
mod parameter;
mod pause;
mod place;
mod play;
mod record;
mod redirect;
mod refer;
mod reject;
mod say;
mod shown;
mod sms;
mod start;
mod stream;
pub mod template;
mod transcription;
mod verb;
mod xml;

pub use called::{Amd, CallEvents, CalledLeg, MachineDetection, MachineMode};
pub use catalogue::{Row, Standing, catalogue};
pub use connect::{Connect, ConnectNoun};
pub use diagnostic::{Diagnostic, Level};
pub use dial::{Dial, DialRecord, MAX_TARGETS, Target, Track};
pub use enqueue::Enqueue;
pub use gather::{Gather, Prompt, SpeechTimeout};
pub use noun::{
    Beep, ClientNoun, DialNumber, JitterBuffer, NumberType, Presentation, QueueNoun, Room, RoomEvents, SipNoun, SipUri,
};
pub use pause::Pause;
pub use place::DocumentPlace;
pub use play::{Play, Sound};
pub use record::{Record, RecordingEvents};
pub use redirect::Redirect;
pub use refer::Refer;
pub use reject::{Reject, RejectReason};
pub use say::Say;
pub use shown::url as shown_url;
pub use sms::Sms;
pub use start::{Siprec, Start, StartNoun, StartRecording, Stop, StopKind};
pub use stream::{Stream, StreamTrack};
pub use transcription::Transcription;
pub use verb::{Method, Place, Placed, Verb};

use attributes::Attributes;
use diagnostic::{GRAMMAR, Notes, Source};

/// Octets of a document, as twiml allows at most: more is 11750.
pub const MAX_DOCUMENT: usize = 64 * 1024;
/// Verbs of one document that are run; a document of 64 KiB of `<Say/>` must not become a million promises.
pub const MAX_VERBS: usize = 1_000;
/// Complaints kept of one document; each becomes a record in the store.
pub const MAX_NOTES: usize = 50;
/// Rounds of a `loop`, as twiml caps "until hang-up".
pub const MAX_LOOP: u32 = 1_000;

/// A document that can be run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Document {
    /// What to do, in order, each with its place.
    pub verbs: Vec<Placed>,
    /// Warnings: what was passed over, where a default was taken. At most [`MAX_NOTES`].
    pub notes: Vec<Diagnostic>,
}

impl Document {
    /// The document that an answer of `text/plain` stands for: spoken once.
    pub fn of_text(text: &str) -> Result<Document, Diagnostic> {
        let source = Source::new(text);
        let mut notes = Notes::new(&source);
        let verbs =
            say::of_text(text, 0, &mut notes)?.map(|say| source.placed(Verb::Say(say), 0)).into_iter().collect();
        Ok(Document { verbs, notes: notes.take() })
    }

    /// The document that an audio answer stands for: its own URL, played once.
    pub fn of_audio(url: &str) -> Document {
        let play = Play { sound: Sound::Url(url.to_owned()), rounds: 1 };
        Document {
            verbs: vec![Placed { verb: Verb::Play(play), place: Place { line: 1, column: 1 } }],
            notes: Vec::new(),
        }
    }

    /// The first complaint that is an error where grammar is strict: an unknown or misplaced name.
    pub fn strict_fault(&self) -> Option<&Diagnostic> {
        self.notes.iter().find(|note| GRAMMAR.contains(&note.code))
    }
}

/// Reads a document. `content_type` is looked at for its charset only.
pub fn parse(octets: &[u8], content_type: Option<&str>) -> Result<Document, Diagnostic> {
    if octets.len() > MAX_DOCUMENT {
        let text = format!("the document has {} octets; keep it below {MAX_DOCUMENT}", octets.len());
        return Err(Diagnostic::at_start(11750, text));
    }
    let text = xml::decode(octets, content_type)?;
    let source = Source::new(text);
    let root = xml::read(&source)?;
    let mut notes = Notes::new(&source);
    if root.name != "Response" {
        let text = format!("the root element is <{}>; put the verbs into <Response>", root.name);
        return Err(source.error(12102, root.at, text));
    }
    check_root(&root, &mut notes)?;
    let mut verbs = Vec::new();
    for content in &root.content {
        let xml::Content::Element(element) = content else {
            if let xml::Content::Text { text, at } = content {
                notes.stray_text(text, *at, "Response");
            }
            continue;
        };
        if verbs.len() >= MAX_VERBS {
            let text = format!("only the first {MAX_VERBS} verbs are run; continue with Redirect");
            notes.warn(12200, element.at, text);
            break;
        }
        if let Some(verb) = verb::read(element, &mut notes)? {
            verbs.push(source.placed(verb, element.at));
        }
    }
    Ok(Document { verbs, notes: notes.take() })
}

/// Checks the attributes of the root: a version is allowed if it is the API's, anything else is passed over.
fn check_root(root: &xml::Element, notes: &mut Notes<'_>) -> Result<(), Diagnostic> {
    let mut attributes = Attributes::of(root, "Response");
    if let Some(version) = attributes.take("version")
        && !matches!(version.value.as_str(), "2010-04-01" | "2008-08-01")
    {
        let shown: String = shown::text(&version.value).chars().take(40).collect();
        let text = format!("version=\"{shown}\" is not known; leave the attribute out");
        return Err(notes.source().error(12101, version.at, text));
    }
    attributes.finish(notes);
    Ok(())
}

#[cfg(test)]
mod tests;
