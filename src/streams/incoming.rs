//! What the server may say: sound, marks, `clear`. Anything else is a warning with its code, and is passed over.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use serde::Deserialize;

/// One text of the server, understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Incoming {
    /// Sound to be heard after what came before it, µ-law.
    Media(Vec<u8>),
    /// Tell when all before it was heard.
    Mark(String),
    /// Drop what waits.
    Clear,
}

/// Why a text was passed over.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct Warning {
    /// 31950 or 31951.
    pub code: u32,
    /// In words.
    pub text: String,
}

/// Characters of a mark's name.
pub const MAX_MARK: usize = 1024;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Text {
    event: Option<String>,
    stream_sid: Option<String>,
    media: Option<Media>,
    mark: Option<Mark>,
}

#[derive(Deserialize)]
struct Media {
    payload: Option<String>,
}

#[derive(Deserialize)]
struct Mark {
    name: Option<String>,
}

impl Incoming {
    /// Reads one text of the server of the stream `sid`.
    pub fn read(text: &str, sid: &str) -> Result<Incoming, Warning> {
        let text: Text = serde_json::from_str(text).map_err(|error| malformed(&format!("no message: {error}")))?;
        let event = text.event.as_deref().ok_or_else(|| malformed("no \"event\""))?;
        if !matches!(event, "media" | "mark" | "clear") {
            let shown: String = event.chars().take(SHOWN).collect();
            let text = format!("event {shown:?} is unknown; send media, mark or clear");
            return Err(Warning { code: 31951, text });
        }
        if text.stream_sid.as_deref() != Some(sid) {
            return Err(malformed(&format!("{event}: streamSid is not this stream's, {sid}")));
        }
        match event {
            "media" => {
                let payload = text.media.and_then(|media| media.payload);
                let payload = payload.ok_or_else(|| malformed("media: no media.payload"))?;
                let octets = STANDARD.decode(&payload).or_else(|_| STANDARD_NO_PAD.decode(&payload));
                octets.map(Incoming::Media).map_err(|error| malformed(&format!("media.payload: {error}")))
            }
            "mark" => {
                let name = text.mark.and_then(|mark| mark.name).ok_or_else(|| malformed("mark: no mark.name"))?;
                if name.chars().count() > MAX_MARK {
                    return Err(malformed(&format!("mark.name: at most {MAX_MARK} characters")));
                }
                Ok(Incoming::Mark(name))
            }
            _ => Ok(Incoming::Clear),
        }
    }
}

pub(crate) fn malformed(text: &str) -> Warning {
    Warning { code: 31950, text: text.to_owned() }
}

/// Characters of a foreign word in a warning.
const SHOWN: usize = 40;

#[cfg(test)]
mod tests {
    use super::*;

    const SID: &str = "MZ1";

    fn code(text: &str) -> u32 {
        Incoming::read(text, SID).expect_err(text).code
    }

    #[test]
    fn the_three_messages_are_understood() {
        let read = |text: &str| Incoming::read(text, SID).expect(text);
        let media = r#"{"event":"media","streamSid":"MZ1","media":{"payload":"//8A"}}"#;
        assert_eq!(read(media), Incoming::Media(vec![0xff, 0xff, 0x00]));
        let unpadded = r#"{"event":"media","streamSid":"MZ1","media":{"payload":"/w"}}"#;
        assert_eq!(read(unpadded), Incoming::Media(vec![0xff]));
        let mark = r#"{"event":"mark","streamSid":"MZ1","mark":{"name":"end of page ☎"},"x":1}"#;
        assert_eq!(read(mark), Incoming::Mark("end of page ☎".into()));
        assert_eq!(read(r#"{"event":"clear","streamSid":"MZ1"}"#), Incoming::Clear);
    }

    #[test]
    fn what_is_malformed_has_its_code() {
        for text in [
            "",
            "[]",
            "{",
            "{}",
            r#"{"event":"media","streamSid":"MZ2","media":{"payload":"AA=="}}"#,
            r#"{"event":"media","media":{"payload":"AA=="}}"#,
            r#"{"event":"media","streamSid":"MZ1"}"#,
            r#"{"event":"media","streamSid":"MZ1","media":{"payload":"***"}}"#,
            r#"{"event":"media","streamSid":"MZ1","media":{"payload":7}}"#,
            r#"{"event":"mark","streamSid":"MZ1"}"#,
        ] {
            assert_eq!(code(text), 31950, "{text}");
        }
        let long = format!(r#"{{"event":"mark","streamSid":"MZ1","mark":{{"name":"{}"}}}}"#, "x".repeat(MAX_MARK + 1));
        assert_eq!(code(&long), 31950);
        assert_eq!(code(r#"{"event":"dance","streamSid":"MZ1"}"#), 31951);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_without_harm(text in "\\PC{0,80}") {
            let _ = Incoming::read(&text, SID);
            let _ = Incoming::read(&format!(r#"{{"event":"media","streamSid":"MZ1","media":{{"payload":{text:?}}}}}"#), SID);
        }
    }
}
