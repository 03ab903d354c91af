//! What was heard, as text: on the wire of the face, and as recognizers say it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::fault::MediaFault;

/// Something was recognised.
#[derive(Debug, Clone, PartialEq)]
pub enum Heard {
    /// What is being said, as far as it can be told; the next result replaces it.
    Partial {
        /// All of it so far.
        text: String,
        /// From 0 to 1: how sure it is that the text stays so.
        stability: Option<f32>,
    },
    /// What was said; later results are about what came after it.
    Final {
        /// The words.
        text: String,
        /// From 0 to 1, where the recognizer says.
        confidence: Option<f32>,
    },
}

/// One line of the answer's body.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(crate) enum Line {
    Partial { text: String, stability: Option<f32> },
    Final { text: String, confidence: Option<f32> },
    Error { code: u32, text: String },
}

impl Line {
    pub fn written(&self) -> Vec<u8> {
        let mut line = serde_json::to_vec(self).unwrap_or_default();
        line.push(b'\n');
        line
    }

    pub fn read(line: &[u8]) -> Result<Heard, MediaFault> {
        match serde_json::from_slice(line) {
            Ok(Self::Partial { text, stability }) => Ok(Heard::Partial { text, stability }),
            Ok(Self::Final { text, confidence }) => Ok(Heard::Final { text, confidence }),
            Ok(Self::Error { code, text }) => Err(MediaFault::new(code, text)),
            Err(error) => Err(MediaFault::recognizer(format!("a result cannot be read: {error}"))),
        }
    }
}

impl From<MediaFault> for Line {
    fn from(fault: MediaFault) -> Self {
        Self::Error { code: fault.code, text: fault.text }
    }
}

/// Reads a line of a recognizer: plain words, or JSON with `text`, `transcript` or `partial`. `None`: it says nothing.
pub(crate) fn said(line: &str) -> Option<Line> {
    let line = line.trim();
    if !line.starts_with('{') {
        return (!line.is_empty()).then(|| Line::Final { text: plain(line), confidence: None });
    }
    object(&serde_json::from_str(line).ok()?)
}

/// The whole answer of a service: one object, an array of them, lines of them, or plain words.
pub(crate) fn answered(body: &str) -> Vec<Line> {
    match serde_json::from_str::<Value>(body) {
        Ok(Value::Array(all)) => all.iter().take(MAX_RESULTS).filter_map(object).collect(),
        Ok(Value::String(text)) => said(&text).into_iter().collect(),
        Ok(one) => object(&one).into_iter().collect(),
        Err(_) => body.lines().filter_map(said).take(MAX_RESULTS).collect(),
    }
}

fn object(all: &Value) -> Option<Line> {
    let words = |name: &str| all.get(name).and_then(Value::as_str);
    let share = |name: &str| {
        let it = all.get(name).and_then(Value::as_f64)?;
        it.is_finite().then(|| it.clamp(0.0, 1.0) as f32)
    };
    let partial = words("kind") == Some("partial")
        || all.get("final").and_then(Value::as_bool) == Some(false)
        || words("text").is_none() && words("partial").is_some();
    let text = ["text", "transcript", "partial"].into_iter().find_map(words)?;
    let text = plain(text.trim());
    if text.is_empty() {
        return None;
    }
    Some(match partial {
        true => Line::Partial { text, stability: share("stability") },
        false => Line::Final { text, confidence: share("confidence") },
    })
}

/// One line of bounded length.
fn plain(text: &str) -> String {
    text.chars().take(MAX_RESULT_CHARS).map(|it| if it.is_control() { ' ' } else { it }).collect()
}

/// Longer than what is said without a breath; a service may tell a whole recording at once.
const MAX_RESULT_CHARS: usize = 16 * 1024;
/// Results in one answer of a service.
const MAX_RESULTS: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_json_are_read_and_babble_is_not() {
        let last = |text: &str, confidence| Some(Line::Final { text: text.into(), confidence });
        assert_eq!(said("open the door\n"), last("open the door", None));
        assert_eq!(said(r#"{"text":"yes","confidence":0.5}"#), last("yes", Some(0.5)));
        assert_eq!(said(r#"{"transcript":"yes","confidence":7}"#), last("yes", Some(1.0)));
        let partial = |stability| Some(Line::Partial { text: "ye".into(), stability });
        assert_eq!(said(r#"{"partial":"ye"}"#), partial(None));
        assert_eq!(said(r#"{"kind":"partial","text":"ye","stability":0.25}"#), partial(Some(0.25)));
        for nothing in ["", "  ", "{", r#"{"text":" "}"#, r#"{"text":3}"#, "{}"] {
            assert_eq!(said(nothing), None, "{nothing}");
        }
        assert_eq!(answered(r#"[{"text":"a"},{"text":"b"}]"#).len(), 2);
        assert_eq!(answered("{\"text\":\"a\"}\n{\"text\":\"b\"}\n").len(), 2);
        assert_eq!(answered("\"a\""), [Line::Final { text: "a".into(), confidence: None }]);
    }

    #[test]
    fn lines_are_read_back_as_written() {
        let line = Line::Final { text: "ja, \"gut\"\n".into(), confidence: None };
        let written = line.written();
        assert_eq!(written, b"{\"kind\":\"final\",\"text\":\"ja, \\\"gut\\\"\\n\",\"confidence\":null}\n");
        assert_eq!(Line::read(&written), Ok(Heard::Final { text: "ja, \"gut\"\n".into(), confidence: None }));
        assert_eq!(Line::read(b"{\"kind\":\"error\",\"code\":7,\"text\":\"x\"}"), Err(MediaFault::new(7, "x")));
        assert!(Line::read(b"?").is_err());
    }
}
